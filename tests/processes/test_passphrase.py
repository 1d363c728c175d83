"""Keys under a passphrase, with the real program: who signs needs it, who reads does not."""

from __future__ import annotations

from pathlib import Path

from netnode.testing import Mesh, Place, command

ADD = ("listing", "add", "--kind", "service", "--title", "Lessons")


def test_what_signs_needs_the_passphrase_unless_a_node_runs(mesh: Mesh, tmp_path: Path) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    for path, text in ((secret, "correct horse\n"), (wrong, "battery staple\n")):
        path.write_text(text)
        path.chmod(0o600)
    home = tmp_path / "ada"
    made = command("--home", home, "init", "--name", "Ada", "--passphrase-file", secret, "--json")
    assert made.code == 0 and len(made.json["recovery_words"]) == 24
    assert Path(made.json["recovery_sheet"]).stat().st_mode & 0o077 == 0
    place = Place(home)

    asked = place.run(*ADD, "--key", "one")
    assert asked.code == 2 and "--passphrase-file" in asked.sentence
    refused = place.run(*ADD, "--key", "one", "--passphrase-file", wrong)
    assert refused.code != 0 and "passphrase" in refused.sentence
    assert place.ask("listing", "ls")["items"] == []  # reading asks for nothing
    place.ask(*ADD, "--key", "one", "--passphrase-file", secret)

    started = place.run("start", "--listen", "127.0.0.1:0")
    assert started.code == 2 and "--passphrase-file" in started.sentence
    node = mesh.start("ada", "--passphrase-file", secret, home=home)
    node.ask(*ADD, "--key", "two")  # the running node has the keys
    assert {item["key"] for item in node.ask("listing", "ls")["items"]} == {"one", "two"}
    assert "correct horse" not in node.said() and made.json["recovery_words"][0] not in node.said().split()
