"""Backups, repair and reports as a person uses them, and killed at any moment."""

from __future__ import annotations

import json
import os
import random
import time
import zipfile
from pathlib import Path

import pytest

from netnode.testing import Mesh, Place, wait_until
from tests.processes.test_keys import doomed

ROUNDS = 3


def fill(place: Place, rows: int) -> None:
    """Imports a catalogue, so that a backup takes a while."""
    feed = place.home.parent / "feed.csv"
    lines = [f"k{number},Product {number},{number % 90}.90,true" for number in range(rows)]
    feed.write_text("\n".join(["Handle,Title,Variant Price,Published", *lines]))
    assert place.ask("listing", "import", feed, "--currency", "EUR")["created"] == rows


def sheet(place: Place) -> Path:
    (found,) = place.home.glob("recovery-*.txt")
    return found


def test_a_backup_from_making_it_to_the_new_home(place: Place, tmp_path: Path) -> None:
    fill(place, 20)
    made = place.run("backup", "create", tmp_path / "x.backup")
    assert made.code == 0 and "restored to a scratch folder and checked: 22 entries" in made.out, made
    assert "Your recovery words open it" in made.out
    again = place.run("backup", "create", tmp_path / "x.backup")
    assert again.code == 4 and "there already" in again.sentence
    own = place.run("backup", "create")
    assert own.code == 0 and "on the same disk as your node" in own.out
    listed = place.ask("backup", "ls", tmp_path)
    assert [one["path"] for one in listed["items"]] == [str(tmp_path / "x.backup")]
    assert "own seq" in place.run("backup", "ls").out
    assert place.ask("backup", "verify", tmp_path / "x.backup")["own_entries"] == 22
    assert place.ask("status")["backup"] is not None
    new = Place(tmp_path / "new")
    without = new.run("backup", "restore", tmp_path / "x.backup")
    assert without.code == 2 and "--words-file" in without.sentence
    restored = new.run("backup", "restore", tmp_path / "x.backup", "--words-file", sheet(place))
    assert restored.code == 0 and "netnode start" in restored.out and "22 entries" in restored.out, restored
    assert new.ask("status")["own_listings"] == 20
    refused = new.run("listing", "withdraw", "k1")
    assert refused.code == 4 and "restored from a backup" in refused.sentence
    twice = new.run("backup", "restore", tmp_path / "x.backup", "--words-file", sheet(place))
    assert twice.code == 4 and "holds a networker already" in twice.sentence
    nowhere = new.run("backup", "verify", tmp_path / "none.backup", "--words-file", sheet(place))
    assert nowhere.code == 3, nowhere


def test_a_running_node_is_backed_up_without_stopping(mesh: Mesh, tmp_path: Path) -> None:
    node = mesh.start("shop")
    node.add("boots", "Boots")
    made = node.ask("backup", "create", tmp_path / "x.backup")
    assert made["verified"] and made["own_entries"] >= 3  # the running node adds its encryption keys
    node.add("hats", "Hats")
    assert {check["state"] for check in node.ask("doctor")["checks"]} <= {"ok", "warn"}
    assert node.ask("backup", "verify", tmp_path / "x.backup")["own_entries"] == made["own_entries"]
    again = node.run("backup", "create", tmp_path / "x.backup")
    assert again.code == 4 and "there already" in again.sentence
    refused = node.run("repair")
    assert refused.code == 4 and "netnode stop" in refused.sentence


@pytest.mark.timeout(180)
def test_killed_while_it_is_made_there_is_none_or_a_whole_one(place: Place, tmp_path: Path) -> None:
    fill(place, 1500)
    target = tmp_path / "shelf" / "x.backup"
    target.parent.mkdir()
    started = time.monotonic()
    assert place.run("backup", "create", target, "--no-verify").code == 0
    whole = time.monotonic() - started
    target.unlink()
    drawn = random.Random(7)
    for _ in range(ROUNDS):
        doomed(place.home, "backup", "create", target, seconds=whole * (0.5 + drawn.random() * 0.6))
        if target.exists():
            assert place.ask("backup", "verify", target)["own_entries"] == 1502
            target.unlink()
    assert place.ask("backup", "create", target)["verified"]
    assert os.listdir(target.parent) == ["x.backup"]  # what the kills left is gone
    assert not (place.home / ".scratch").exists()
    assert place.ask("log", "verify")["ok"]


@pytest.mark.timeout(180)
def test_killed_while_it_is_restored_there_is_no_home_or_a_whole_one(place: Place, tmp_path: Path) -> None:
    fill(place, 1500)
    target, words = tmp_path / "x.backup", sheet(place)
    assert place.run("backup", "create", target, "--no-verify").code == 0
    started = time.monotonic()
    restoring = ("backup", "restore", target, "--words-file", words)
    assert Place(tmp_path / "first").run(*restoring).code == 0
    whole = time.monotonic() - started
    moments = {  # a time alone falls behind the end where the computer has less to do than when it was measured
        "unpacking": (Path(".scratch", "store.sqlite3"), 0.0),
        "putting in place": (Path("store.sqlite3"), 0.0),
        "any": (None, whole * (0.4 + random.Random(11).random() * 0.7)),
    }
    homes = 0
    for name, (watched, seconds) in moments.items():
        new = Place(tmp_path / name)
        doomed(new.home, *restoring, seconds=seconds, watched=None if watched is None else new.home / watched)
        if not (new.home / "keys.json").exists():
            assert new.run(*restoring).code == 0
        else:
            homes += 1
        assert new.ask("log", "verify")["ok"]
        assert new.ask("status")["own_listings"] == 1500
        refused = new.run("listing", "withdraw", "k1")
        assert refused.code == 4 and "restored from a backup" in refused.sentence
    assert homes < len(moments)


def test_a_damaged_store_from_the_message_to_the_way_back(place: Place, tmp_path: Path) -> None:
    fill(place, 30)
    store = place.home / "store.sqlite3"
    assert place.run("repair").code == 4
    store.write_bytes(b"\0" * 4096 + store.read_bytes()[4096:])
    for arguments in (("status",), ("start",), ("listing", "ls"), ("backup", "create")):
        met = place.run(*arguments)
        assert met.code == 1 and "netnode repair" in met.sentence, met
    examined = place.run("doctor", "--json")
    assert examined.code == 1 and not examined.json["ok"]
    assert "netnode repair" in place.run("doctor").out
    report = place.run("bugreport", tmp_path / "r.zip")
    assert report.code == 0 and "doctor.json" in report.out
    mended = place.run("repair")
    assert mended.code == 0 and "32 entries of 32 entries" in mended.out and "damaged-" in mended.out, mended
    assert place.ask("status")["own_listings"] == 30
    assert place.run("doctor").code == 0


def test_damage_met_while_it_runs_ends_the_sessions_and_not_the_node(mesh: Mesh) -> None:
    node = mesh.start("shop")
    peer = mesh.start("peer", "--peer", node.peer)
    wait_until(lambda: peer.connected() == {node.id}, "they meet")
    store = node.home / "store.sqlite3"
    with store.open("r+b") as file:
        pages = store.stat().st_size // 4096
        file.seek(2 * 4096)
        file.write(b"\xa5" * 4096 * (pages - 2))
    met = node.run("log", "verify")
    assert met.code == 1 and "netnode repair" in met.sentence
    wait_until(lambda: not peer.connected(), "the sessions end")
    refused = node.run("peer", "add", "ws://192.0.2.1:4747/inx/1")
    assert refused.code == 1 and "netnode repair" in refused.sentence
    assert "netnode repair" in node.run("status").sentence
    assert node.run("doctor").code == 1
    wait_until(lambda: "nothing is written or sent any more" in node.said(), "it says so", 30)
    assert node.run("stop").code == 0
    mended = node.run("repair")
    assert mended.code == 0, mended
    again = mesh.start("shop")  # what could not be read comes back from the peer
    assert again.ask("doctor")["running"]


def test_a_bug_report_of_a_running_node(mesh: Mesh, tmp_path: Path) -> None:
    node = mesh.start("shop")
    wait_until(lambda: "serves peers" in node.said(), "it says so")
    contents = node.ask("bugreport", tmp_path / "r.zip")["contents"]
    text = json.dumps(contents)
    for private in (node.id, str(node.home), node.peer, (node.home / "token").read_text().strip(), "Shop"):
        assert private not in text
    assert "serves peers at (address)" in contents["log.txt"]
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        assert set(archive.namelist()) == set(contents)
    again = node.run("bugreport", tmp_path / "r.zip")
    assert again.code == 4 and "there already" in again.sentence
