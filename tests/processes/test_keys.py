"""Keys replaced and identities brought back: the real program, real nodes, words in files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from netnode.keys.words import decode_words, encode_words
from netnode.testing import PROGRAM, Mesh, Node, Place, environment, wait_until
from tests.processes.test_copies import own_head, publishes, settled_in


def sheet_of(place: Place) -> Path:
    (sheet,) = place.home.glob("recovery-*.txt")
    return sheet


def met(mesh: Mesh) -> tuple[Node, Node]:
    """A hub, and Ada with two listings that the hub holds."""
    hub, ada = mesh.start_all("hub", "ada")
    settled_in(ada).api.post("/peers/add", {"uri": hub.invite()})
    wait_until(lambda: ada.connected() == {hub.id}, "they met")
    for key in ("soap", "oil"):
        ada.add(key, f"A {key}")
    wait_until(lambda: hub.keys("A") >= {"soap", "oil"}, "the hub has both")
    return hub, ada


def error(place: Place, *arguments: object) -> tuple[int, str]:
    said = place.run(*arguments, "--json")
    return said.code, said.json["error"]["code"]


def test_a_key_is_replaced_and_peers_follow(mesh: Mesh) -> None:
    """With the node running and without; the same words serve again, new ones take their place."""
    hub, ada = met(mesh)
    words, out = sheet_of(ada), mesh.folder / "new.txt"
    done = ada.ask("key", "rotate", "--words-file", words, "--yes")
    assert (done["epoch"], done["disowned"], done["told"]) == (1, 0, 1)
    wait_until(lambda: own_head(hub, ada.id)["epoch"] == 1, "the hub knows")
    wait_until(lambda: ada.connected() == {hub.id}, "with the new certificate")
    ada.add("after", "A thing after")
    wait_until(lambda: "after" in hub.keys("thing"), "what came after is there")
    (epoch,) = ada.api.get("/key/history")["items"]
    assert [told["peer"] for told in epoch["told"]] == [hub.id] and epoch["untold"] == []
    standing = ada.api.get("/standing")
    assert standing["published"] is not None and standing["closed"] >= 3
    ada.end()

    done = ada.ask("key", "rotate", "--words-file", words, "--new-words", "--out", out, "--yes")
    assert (done["epoch"], done["told"], done["new_words"]) == (2, 1, str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert ada.id in out.read_text() and hub.peer in out.read_text()
    assert error(ada, "key", "check", "--words-file", words) == (4, "older_words")
    assert ada.ask("key", "check", "--words-file", out)["in_force"] is True
    before = out.read_bytes()
    assert error(ada, "key", "rotate", "--words-file", out, "--new-words", "--out", out, "--yes") == (
        4,
        "exists",
    )
    assert out.read_bytes() == before
    assert error(ada, "key", "rotate", "--words-file", words, "--yes") == (4, "older_words")
    other = mesh.folder / "other.txt"
    other.write_text(" ".join(encode_words(bytes(32))))
    assert error(ada, "key", "rotate", "--words-file", other, "--yes") == (4, "other_words")
    other.write_text(" ".join([*encode_words(bytes(32))[:23], "abandon"]))
    assert error(ada, "key", "rotate", "--words-file", other, "--yes") == (1, "recovery_words")
    assert ada.ask("key", "show")["epoch"] == 2
    wait_until(lambda: own_head(hub, ada.id)["epoch"] == 2, "the hub knows")


def test_a_rotation_says_whom_it_waits_for(mesh: Mesh) -> None:
    hub, ada = met(mesh)
    words = sheet_of(ada)
    hub.end()
    ada.end()
    said = ada.run("key", "rotate", "--words-file", words, "--yes", "--wait", "1")
    assert said.code == 5 and "0 of 1 peer has answered" in said.sentence and hub.id[:16] in said.sentence
    assert ada.ask("key", "show")["epoch"] == 0
    assert ada.run("key", "rotate", "--words-file", words).code == 2  # nobody can be asked
    assert ada.run("key", "rotate", "--yes").code == 2
    assert ada.run("key", "rotate", "--words-file", words, "--new-words", "--yes").code == 2


def test_what_a_thief_wrote_leaves_the_log(mesh: Mesh) -> None:
    """--last names the last entry that stays; the others are kept as evidence."""
    hub, ada = met(mesh)
    last = own_head(ada, ada.id)["seq"]
    ada.add("trap", "A trap")
    wait_until(lambda: "trap" in hub.keys("trap"), "the hub has it")
    done = ada.ask("key", "rotate", "--words-file", sheet_of(ada), "--yes", "--last", last)
    assert (done["seq"], done["disowned"]) == (last + 1, 1)
    wait_until(lambda: "trap" not in hub.keys("trap"), "the hub lets it go")
    assert hub.keys("A") >= {"soap", "oil"}
    (exhibit,) = ada.ask("key", "disowned")["items"]
    assert exhibit["entry"]["summary"] == "trap: A trap"
    assert "trap: A trap" in ada.run("key", "disowned").out
    assert "left your log: 1 entry" in ada.run("key", "history").out


def recover(home: Path, networker: str, words: Path, *peers: str) -> Any:
    given = [part for peer in peers for part in ("--peer", peer)]
    return Place(home).run(
        "recover", "--id", networker, "--words-file", words, *given, "--no-passphrase", "--yes", "--json"
    )


def test_a_lost_laptop(mesh: Mesh) -> None:
    """Id, words and a peer are enough; the old home is worth nothing afterwards."""
    hub, ada = met(mesh)
    words = mesh.folder / "sheet.txt"
    shutil.copy(sheet_of(ada), words)
    ada.end()
    old = mesh.folder / "stolen"
    ada.home.rename(old)

    home = mesh.folder / "new"
    silent = recover(home, ada.id, words, hub.peer, "ws://127.0.0.1:9/inx/1")
    assert silent.code == 5 and "127.0.0.1:9" in silent.sentence
    wrong = mesh.folder / "wrong.txt"
    wrong.write_text(" ".join(encode_words(bytes(32))))
    assert recover(home, ada.id, wrong, hub.peer).json["error"]["code"] == "other_words"
    nobody = recover(mesh.folder / "nobody", "nx1" + hub.id[3:], words, ada.peer)
    assert nobody.code == 5
    done = recover(home, ada.id, words, hub.peer)
    assert done.code == 0, done
    assert (done.json["epoch"], done.json["missing"], done.json["told"]) == (1, 0, 1)
    assert recover(home, ada.id, words, hub.peer).code == 4  # it is home already

    back = mesh.start("new")
    assert back.id == ada.id
    wait_until(lambda: back.connected() == {hub.id}, "the peers given are in the book")
    assert {"soap", "oil"} <= back.keys("A")
    publishes(back, "after")
    wait_until(lambda: hub.keys("A") >= {"soap", "oil", "after"}, "the market goes on")
    assert own_head(hub, ada.id)["epoch"] == 1
    assert back.ask("log", "verify")["ok"]
    assert back.ask("key", "check", "--words-file", words)["in_force"]

    thief = mesh.start("stolen")  # whoever has the old home gets nowhere with it
    thief.api.post("/peers/add", {"uri": hub.invite()})
    thief.run("listing", "add", "--kind", "product", "--key", "fraud", "--title", "A fraud", "--json")
    wait_until(lambda: "certif" in str(thief.peers()), "its certificate is refused")
    publishes(back, "later")
    wait_until(lambda: "later" in hub.keys("A"), "the owner's session is open")
    assert "fraud" not in hub.keys("fraud") and thief.connected() == set()


def content(file: Path | None) -> bytes:
    """What a file holds; nothing where there is none, as of one that was just moved away."""
    try:
        return b"" if file is None else file.read_bytes()
    except FileNotFoundError:
        return b""


def doomed(home: Path, *arguments: object, seconds: float, watched: Path | None = None) -> None:
    """Runs a command and kills it: so long after its start, or after a file was written."""
    process = subprocess.Popen(
        [*PROGRAM, "--home", str(home), *map(str, arguments)],
        env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    before = content(watched)
    while watched is not None and process.poll() is None and content(watched) in (before, b""):
        time.sleep(0.0005)
    time.sleep(seconds)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_backup_from_before_a_rotation_goes_on_with_the_words(mesh: Mesh) -> None:
    """The peers refuse the old key, and all of them dialled in: the home asks the addresses it knows as a stranger."""
    hub, ada = mesh.start("hub"), mesh.start("ada", settings={"outbound_sessions": 8})
    hub.api.post("/peers/add", {"uri": ada.invite()})
    wait_until(lambda: ada.connected() == {hub.id}, "they met")
    ada.add("soap", "A soap")
    known = lambda: [one["id"] for one in ada.api.get("/peers/addresses")["items"]]  # noqa: E731
    wait_until(lambda: known() == [hub.id], "the hub told where it listens")
    words = mesh.folder / "words.txt"
    shutil.copy(sheet_of(ada), words)
    backup = mesh.folder / "old.backup"
    ada.ask("backup", "create", backup)
    ada.ask("key", "rotate", "--words-file", words, "--yes")
    ada.add("oil", "A oil")
    wait_until(lambda: hub.keys("A") >= {"soap", "oil"}, "the hub has both")
    ada.end()
    shutil.rmtree(ada.home)

    Place(ada.home).ask("backup", "restore", backup, "--words-file", words)
    ada = mesh.start("ada")
    waiting = lambda: (ada.api.get("/status")["waiting"] or {}).get("reason")  # noqa: E731
    wait_until(lambda: waiting() == "retired", "it learns of the rotation", 75)
    assert error(ada, "listing", "withdraw", "soap") == (4, "retired_key")
    (check,) = [one for one in ada.run("doctor", "--json").json["checks"] if one["name"] == "publishing"]
    assert (check["state"], check["mend"]) == ("fail", "netnode key rotate")
    done = ada.ask("key", "rotate", "--words-file", words, "--yes")
    assert (done["epoch"], done["disowned"]) == (2, 0)
    publishes(ada, "wax")
    assert ada.keys("A") == {"soap", "oil", "wax"} and ada.api.get("/status")["waiting"] is None


def test_a_kill_during_a_rotation_leaves_a_working_identity(mesh: Mesh) -> None:
    """Right after the keystore was written, or a moment later [R-LOG-20]."""
    hub, ada = met(mesh)
    words = sheet_of(ada)
    ada.end()
    keys = ada.home / "keys.json"
    # The first write may be that of the encryption keys, so several moments are tried.
    for number, seconds in enumerate((0.0, 0.02)):
        doomed(ada.home, "key", "rotate", "--words-file", words, "--yes", seconds=seconds, watched=keys)
        place = Place(ada.home)
        assert place.ask("log", "verify")["ok"]
        shown = place.ask("key", "show")
        assert shown["usable"] and shown["state"] == "open", shown
        publishes(place, f"k{number}")
    done = Place(ada.home).ask("key", "rotate", "--words-file", words, "--yes")
    assert done["epoch"] >= 1
    wait_until(lambda: own_head(hub, ada.id)["epoch"] == done["epoch"], "the hub follows")
    assert own_head(hub, ada.id)["state"] == "open"


@pytest.mark.parametrize("watched", ["store.sqlite3", "keys.new.json", "keys.json"])
def test_a_kill_during_a_recovery_costs_nothing_but_time(mesh: Mesh, watched: str) -> None:
    hub, ada = met(mesh)
    words = mesh.folder / "sheet.txt"
    shutil.copy(sheet_of(ada), words)
    ada.end()
    home = mesh.folder / "new"
    order = ("recover", "--id", ada.id, "--words-file", words, "--peer", hub.peer, "--no-passphrase", "--yes")
    doomed(home, *order, seconds=0.01, watched=home / watched)
    if not (home / "keys.json").exists():
        done = recover(home, ada.id, words, hub.peer)
        assert done.code == 0, done
    place = Place(home)
    shown = place.ask("key", "show")
    assert (shown["usable"], shown["state"], shown["epoch"]) == (True, "open", 1), shown
    publishes(place, "after")
    assert place.ask("log", "verify")["ok"]
    back = mesh.start("new", "--peer", hub.invite())
    wait_until(lambda: "after" in hub.keys("after"), "the market goes on")
    assert own_head(hub, ada.id)["state"] == "open"
    assert not (home / "keys.new.json").exists() or back.api.get("/key")["usable"]


def test_words_are_never_in_the_arguments(mesh: Mesh) -> None:
    """What a process list or the API's log could show is no word."""
    entropy = decode_words(" ".join(encode_words(bytes(range(32)))))
    assert entropy == bytes(range(32))
    for group in (("key", "rotate"), ("key", "check"), ("recover",)):
        text = Place(mesh.folder / "none").run(*group, "--help").out
        assert "--words-file" in text and "--words " not in text, json.dumps(group)
