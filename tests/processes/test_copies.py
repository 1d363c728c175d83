"""Backups put back, homes copied, two copies running: real homes, real processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netnode.testing import Mesh, Node, Place, wait_until


def soon(look: Callable[[], object], what: str) -> None:
    """Waits as long as a node may take to dial again."""
    wait_until(look, what, 75)


def publishes(place: Place, key: str) -> Any:
    """Publishes a listing from the command line; fails unless it ended well."""
    return place.ask("listing", "add", "--kind", "product", "--key", key, "--title", f"A {key}")


def refused(place: Place) -> tuple[str, str]:
    """The code and sentence of a listing that is refused by a rule."""
    said = place.run("listing", "add", "--kind", "product", "--key", "no", "--title", "No", "--json")
    assert said.code == 4, said
    return said.json["error"]["code"], said.sentence


def settled_in(node: Node) -> Node:
    """Waits until a node that was just made has published its encryption keys: it does so a moment after it serves."""
    kinds = lambda: {each["kind_name"] for each in node.api.pages("/log", author=node.id)}  # noqa: E731
    wait_until(lambda: "keys" in kinds(), "its encryption keys are published", 60)
    return node


def own_head(node: Node, networker: str) -> dict[str, Any]:
    """What a node shows of a networker's log; of one it does not hold, nothing of use."""
    heads = {log["author"]: log for log in node.api.get("/logs")["items"]}
    return dict(heads.get(networker, {"seq": -1, "term": -1, "state": "not here"}))


def test_an_old_backup_put_back_catches_up_before_it_appends(mesh: Mesh) -> None:
    """The peer that knows the newer head is away at first: nothing is published, and what is waited for is said."""
    hub, ada = mesh.start_all("hub", "ada")
    ada.api.post("/peers/add", {"uri": hub.invite()})
    soon(lambda: ada.connected() == {hub.id}, "they met")
    settled_in(ada).end()
    shutil.copytree(ada.home, mesh.folder / "backup", symlinks=True)
    ada = mesh.start("ada")
    for key in ("one", "two", "three"):
        ada.add(key, f"A {key}")
    newest = own_head(ada, ada.id)["seq"]
    soon(lambda: own_head(hub, ada.id)["seq"] == newest, "the hub has it all")
    ada.end()
    hub.end()
    shutil.rmtree(ada.home)
    (mesh.folder / "backup").rename(ada.home)

    code, text = refused(Place(ada.home))
    assert code == "catching_up" and "netnode start" in text and "0 of 1 peer has answered" in text
    old = mesh.start("ada")
    soon(lambda: "Nothing is published yet." in old.output.read_text(), "it says so")
    waiting = old.api.get("/status")["waiting"]
    assert (waiting["reason"], waiting["answered"], waiting["peers"]) == ("moved", 0, 1)
    assert str(hub.port) in waiting["silent"][0]
    assert refused(old)[0] == "catching_up"
    hub = mesh.start("hub", "--listen", f"127.0.0.1:{hub.port}")
    soon(lambda: old.api.get("/status")["waiting"]["by"] == "book", "it caught up")
    assert own_head(old, old.id)["seq"] == newest
    publishes(old, "four")
    assert old.api.get("/status")["waiting"] is None
    soon(lambda: own_head(hub, old.id)["seq"] == newest + 2, "the settlement and the listing arrived")
    head = own_head(hub, old.id)
    assert (head["state"], head["term"]) == ("open", 1)
    soon(lambda: hub.keys("A") >= {"one", "two", "three", "four"}, "the listings can be found")


def test_a_kill_and_a_start_never_wait(mesh: Mesh) -> None:
    """An ordinary start publishes at once, without its peers."""
    hub = mesh.start("hub")
    ada = mesh.start("ada", "--peer", hub.invite())
    soon(lambda: ada.connected() == {hub.id}, "they met")
    hub.end()
    ada.end(9)
    ada = mesh.start("ada")
    publishes(ada, "one")
    assert own_head(ada, ada.id)["term"] == 0 and ada.api.get("/status")["waiting"] is None


def test_two_copies_stop_and_say_why(mesh: Mesh) -> None:
    """Both, also after a restart, until the owner says that the other one is gone."""
    hub = mesh.start("hub")
    ada = mesh.start("ada", "--peer", hub.invite())
    soon(lambda: ada.connected() == {hub.id}, "they met")
    settled_in(ada).end()
    shutil.copytree(ada.home, mesh.folder / "copy", symlinks=True)
    ada, copy = mesh.start_all("ada", "copy")

    def alarmed(node: Node) -> bool:
        waiting = node.api.get("/status").get("waiting")
        return waiting is not None and waiting["alarm"]

    soon(lambda: alarmed(ada) and alarmed(copy), "both were told")
    for node in (ada, copy):
        code, text = refused(node)
        assert code == "twin" and "Another node of this networker is running" in text
        assert "netnode log resume" in node.run("status").out
        assert "Another node of this networker is running" in (node.home / "node.log").read_text()
    copy.end()
    ada.end()
    ada = mesh.start("ada")
    assert alarmed(ada) and refused(ada)[0] == "twin"
    assert ada.run("log", "resume", "--json").code == 2
    ada.ask("log", "resume", "--yes")
    soon(lambda: ada.api.get("/status")["waiting"]["by"] == "book", "it caught up")
    publishes(ada, "one")
    soon(lambda: "one" in hub.keys("A"), "the hub shows it")
    assert own_head(hub, ada.id)["state"] == "open"


def unnoticed(home: Path, copy: Path) -> None:
    """Copies a home so that it takes itself for the only one, as the clone of a whole machine does."""
    shutil.copytree(home, copy, symlinks=True)
    origin = json.loads((copy / "home.json").read_text())
    origin |= {"path": str(copy.resolve()), "store": (copy / "store.sqlite3").stat().st_ino}
    (copy / "home.json").write_text(json.dumps(origin))


def test_the_fork_of_two_copies_heals_by_settlement(mesh: Mesh) -> None:
    """Without recovery words; what leaves the log is named."""
    hub = mesh.start("hub")
    ada = mesh.start("ada", "--peer", hub.invite())
    soon(lambda: ada.connected() == {hub.id}, "they met")
    settled_in(ada).end()
    copy = Place(mesh.folder / "copy")
    unnoticed(ada.home, copy.home)
    for place, key in ((Place(ada.home), "ours"), (copy, "theirs")):
        publishes(place, key)
    ada = mesh.start("ada")
    newest = own_head(ada, ada.id)["seq"]
    soon(
        lambda: own_head(hub, ada.id)["seq"] >= newest, "the hub has it"
    )  # a search may have asked the node itself
    ada.end()
    other = mesh.start("copy")
    soon(lambda: own_head(hub, ada.id)["state"] == "forked", "the hub proved the fork")
    soon(lambda: own_head(other, ada.id)["state"] == "forked", "the copy knows")
    soon(lambda: other.api.get("/status")["waiting"]["reason"] == "forked", "it caught up")
    code, text = refused(other)
    assert code == "forked" and "netnode log settle" in text
    shown = other.api.get("/log/branches")
    assert shown["forked"] and len(shown["branches"]) == 2
    ours, theirs = (
        next(each for each in shown["branches"] if f"listing {key}: A {key}" in each["contents"])
        for key in ("ours", "theirs")
    )
    assert theirs["main"] and not ours["main"] and ours["peers"] == 1 and ours["whole"]
    assert other.run("log", "settle", "--json").code == 2
    done = other.ask("log", "settle", "--branch", ours["id"][:10], "--yes")
    assert done["goes_on"]["id"] == ours["id"]
    assert "listing theirs: A theirs" in done["left"][0]["contents"]
    publishes(other, "theirs")
    soon(lambda: own_head(hub, ada.id)["state"] == "open" and "theirs" in hub.keys("A"), "the fork is healed")
    soon(lambda: hub.keys("A") >= {"ours", "theirs"}, "both can be found")
    assert own_head(hub, ada.id)["term"] == 1
    other.end()
    ada = mesh.start("ada")
    soon(lambda: own_head(ada, ada.id)["term"] == 1, "the first copy took it")
    assert ada.run("log", "verify").code == 0
    soon(lambda: ada.keys("A") >= {"ours", "theirs"}, "both can be found there")


def test_keys_without_a_store(mesh: Mesh) -> None:
    """The log is fetched from peers; without any, a sentence says what to do."""
    hub = mesh.start("hub")
    ada = settled_in(mesh.start("ada", "--peer", hub.invite()))
    for key in ("one", "two"):
        ada.add(key, f"A {key}")
    newest = own_head(ada, ada.id)["seq"]
    soon(lambda: ada.id in {log["author"] for log in hub.api.get("/logs")["items"]}, "the hub has the log")
    soon(lambda: own_head(hub, ada.id)["seq"] == newest, "the hub has all of it")
    ada.end()
    for path in ada.home.glob("store.sqlite3*"):
        path.unlink()
    said = ada.run("start", "--listen", "127.0.0.1:0", "--json")
    assert said.code == 5 and said.json["error"]["code"] == "own_log" and "--peer URI" in said.sentence
    said = ada.run("start", "--listen", "127.0.0.1:0", "--peer", "ws://127.0.0.1:9/inx/1", "--json")
    assert said.code == 5 and "ws://127.0.0.1:9/inx/1: cannot connect" in said.sentence
    assert refusal(ada, 1) == "own_log" and ada.ask("status")["waiting"]["reason"] == "lost"
    back = mesh.start("ada", "--peer", hub.peer)
    assert back.id == ada.id and own_head(back, back.id)["seq"] == newest
    soon(lambda: back.api.get("/status")["waiting"]["by"] == "book", "it caught up")
    publishes(back, "three")
    soon(lambda: hub.keys("A") >= {"one", "two", "three"}, "the hub shows all")
    assert own_head(hub, ada.id)["state"] == "open"


def refusal(place: Place, code: int) -> str:
    """The code of a listing that is not published."""
    said = place.run("listing", "add", "--kind", "product", "--key", "no", "--title", "No", "--json")
    assert said.code == code, said
    return str(said.json["error"]["code"])
