"""Commands that change the own log or the store, killed at any moment: what is left is whole, and works again."""

from __future__ import annotations

import pytest

from netnode.testing import Mesh, Place, wait_until
from tests.processes.test_copies import own_head, publishes
from tests.processes.test_keys import doomed, met


def test_a_kill_while_entries_are_taken_back(mesh: Mesh) -> None:
    """Either they are in the log or they are out of it, and the peer follows; what left is kept."""
    hub, ada = met(mesh)
    publishes(ada, "wrong")
    first = own_head(ada, ada.id)["seq"]
    ada.end()
    place = Place(ada.home)
    order = ("log", "settle", "--from", first, "--yes")
    watched = ada.home / "store.sqlite3-wal"
    doomed(ada.home, *order, seconds=0.0, watched=watched)
    assert place.ask("log", "verify")["ok"]
    term = place.ask("key", "show")["term"]
    if term == 0:
        place.ask(*order)
    assert place.ask("key", "show")["term"] == 1
    assert any("wrong" in each["entry"]["summary"] for each in place.ask("key", "disowned")["items"])
    publishes(place, "right")
    back = mesh.start("ada", "--peer", hub.invite())
    wait_until(lambda: "right" in hub.keys("right"), "the hub follows", 60)
    mesh.wait_level([hub, back])
    assert own_head(hub, ada.id)["state"] == "open"


@pytest.mark.parametrize("seconds", [0.4, 0.55])
def test_a_kill_while_a_store_is_repaired(mesh: Mesh, seconds: float) -> None:
    """The store is the old one or the new one; repairing again ends well, and nothing published is lost."""
    hub, ada = met(mesh)
    for key in ("one", "two"):
        publishes(ada, key)
    newest = own_head(ada, ada.id)["seq"]
    wait_until(lambda: own_head(hub, ada.id)["seq"] == newest, "the hub has it all", 60)
    ada.end()
    store = ada.home / "store.sqlite3"
    data = bytearray(store.read_bytes())
    data[8192:12288] = bytes(4096)
    store.write_bytes(data)
    place = Place(ada.home)
    doomed(ada.home, "repair", seconds=seconds)
    assert place.run("repair").code in (0, 4)
    assert place.ask("log", "verify")["ok"]
    back = mesh.start("ada", "--peer", hub.invite())
    wait_until(
        lambda: back.api.get("/status")["waiting"] is None or back.api.get("/status")["waiting"]["by"],
        "it caught up",
        60,
    )
    publishes(back, "three")
    wait_until(lambda: {"one", "two", "three"} <= hub.keys("A"), "nothing is lost", 60)
    assert own_head(hub, ada.id)["state"] == "open" and {"one", "two"} <= back.keys("A")
