"""Blobs between real nodes: a picture of a listing published at one is seen at another."""

from __future__ import annotations

import hashlib
import os
import pty
import subprocess
from pathlib import Path

from netnode.testing import PROGRAM, Mesh, environment, wait_until

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4_000  # 1 MB, 32 chunks
NAME = hashlib.sha256(PICTURE).hexdigest()


def test_the_picture_of_a_listing_is_fetched_by_its_hash(mesh: Mesh, tmp_path: Path) -> None:
    (tmp_path / "shirt.png").write_bytes(PICTURE)
    (tmp_path / "shirt.toml").write_text(
        'kind = "product"\nkey = "shirt"\ntitle = "Shirt"\nimages = [{file = "shirt.png", alt = "A shirt"}]\n'
    )
    a = mesh.start("a")
    a.ask("listing", "add", "--from", tmp_path / "shirt.toml")
    b = mesh.start("b", "--peer", a.invite())
    wait_until(lambda: "shirt" in b.keys("shirt"), "the listing")
    ref = b.api.get("/search", text="shirt")["items"][0]["ref"]
    (image,) = b.ask("listing", "show", ref)["fields"]["images"]
    assert image == {"alt": "A shirt", "hash": NAME}
    assert b.ask("blob", "ls") == {"items": [], "next": None}
    got = b.ask("blob", "get", NAME, tmp_path / "got.png")
    assert got == {"hash": NAME, "size": len(PICTURE), "file": str(tmp_path / "got.png")}
    assert (tmp_path / "got.png").read_bytes() == PICTURE
    assert [one["hash"] for one in b.ask("blob", "ls")["items"]] == [NAME]

    missing = b.run("blob", "get", "0" * 64, tmp_path / "none")
    assert missing.code == 3 and "does not have it" in missing.sentence
    assert a.run("blob", "rm", NAME).code == 4
    a.ask("listing", "withdraw", "shirt")
    a.ask("blob", "rm", NAME)
    assert a.ask("blob", "get", NAME, tmp_path / "back.png")["size"] == len(PICTURE)  # from b, who fetched it
    a.end()
    b.end()
    assert b.ask("blob", "get", NAME, tmp_path / "offline.png")["size"] == len(PICTURE)
    alone = b.run("blob", "get", "0" * 64, tmp_path / "none")
    assert alone.code == 5 and "netnode start" in alone.sentence
    assert not (tmp_path / "none").exists()


def test_a_terminal_sees_how_far_it_is(mesh: Mesh, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(os.urandom(16 * 1024 * 1024))
    a = mesh.start("a")
    name = a.ask("blob", "add", tmp_path / "film")["hash"]
    b = mesh.start("b", "--peer", a.invite())
    wait_until(lambda: a.id in b.connected(), "a session")
    leader, follower = pty.openpty()
    try:
        arguments = [*PROGRAM, "--home", str(b.home), "blob", "get", name, str(tmp_path / "got")]
        process = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=follower)
        assert process.wait(60) == 0
        os.set_blocking(leader, False)
        shown = os.read(leader, 1_000_000).decode(errors="replace")
    finally:
        os.close(leader)
        os.close(follower)
    assert "Asking peers" in shown or "Fetching" in shown
    assert (tmp_path / "got").read_bytes() == (tmp_path / "film").read_bytes()
