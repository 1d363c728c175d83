"""Two homes: what one publishes the other finds, and keeps."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from netnode.testing import Mesh, Place, timeout_factor, wait_until

APPAREL: Final = Path(__file__).with_name(
    "apparel.csv"
)  # 22 rows of a shop's export: 14 products, 7 further variants
# From the start of a newcomer's process until its search answers like its inviter's
FIND_SECONDS: Final = 5.0


def found(place: Place, text: str) -> dict[str, dict[str, Any]]:
    """What a search through the command line finds, by ref."""
    answer = place.ask("search", text, "--limit", 500)
    assert answer["total"] == len(answer["items"]) and answer["next"] is None
    return {item["ref"]: item for item in answer["items"]}


def test_a_newcomer_finds_what_its_inviter_imported(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    assert ada.ask("listing", "import", APPAREL, "--currency", "EUR") == {
        "created": 14, "updated": 0, "unchanged": 0, "withdrawn": 0, "skipped": [], "pictures": 0, "not_fetched": [],
    }  # fmt: skip
    here = found(ada, "shirt")
    assert {item["key"] for item in here.values()} == {
        "linen-shirt", "checked-shirt", "sale-shirt", "gilet-été", "canvas-apron", "night-shirt",
    }  # fmt: skip
    checked = here[f"{ada.id}/checked-shirt"]
    assert checked["price"] == {"amount": "47.00", "minor": 4700, "currency": "EUR", "from": True}
    assert [variant["price"]["minor"] for variant in checked["variants"]] == [4900, 4900, 5200, 4700]
    assert checked["variants"][0]["options"] == {"Size": "Small", "Colour": "Red"}
    assert here[f"{ada.id}/linen-shirt"]["price"] == {"amount": "64.50", "minor": 6450, "currency": "EUR"}

    invite = ada.ask("invite")["uri"]
    began = time.monotonic()
    ben = mesh.start("ben", "--peer", invite)
    wait_until(
        lambda: ben.keys("shirt") == ada.keys("shirt"),
        "what was imported is found at the newcomer",
        FIND_SECONDS,
    )
    assert time.monotonic() - began < FIND_SECONDS * timeout_factor()
    assert found(ben, "shirt") == here
    assert ben.ask("listing", "show", f"{ada.id}/checked-shirt") == ada.ask(
        "listing", "show", "checked-shirt"
    )

    assert ada.ask("listing", "import", APPAREL, "--currency", "EUR") == {
        "created": 0, "updated": 0, "unchanged": 14, "withdrawn": 0, "skipped": [], "pictures": 0, "not_fetched": [],
    }  # fmt: skip
    assert ada.end() == 0
    assert found(ben, "shirt") == here
    checked_log = ben.ask("log", "verify")
    assert checked_log["ok"] and checked_log["problems"] == [] and checked_log["logs"] == 2


def test_what_is_found_does_not_depend_on_whether_a_node_runs(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    ada.ask("listing", "import", APPAREL, "--currency", "EUR")
    ada.ask("listing", "withdraw", "wool-socks")
    ben = mesh.start("ben", "--peer", ada.invite())
    wait_until(lambda: ben.api.get("/status")["listings"] == 13, "everything is at the newcomer")
    asked = (
        ("listing", "ls", "--all", "--limit", 5),
        ("listing", "show", "checked-shirt"),
        ("search", "shirt", "--max-price", "50", "--currency", "EUR", "--hubs", "never"),
        ("log", "ls", "--limit", 7),
        ("following",),
        ("config", "get", "listen"),
        ("listing", "show", "no-such-key"),
    )
    running = [ada.run(*arguments, "--json") for arguments in asked]
    status = ada.ask("status")
    assert ada.ask("stop") == {"stopped": True, "pid": ada.ready.pid}
    assert ada.process.wait(10) == 0
    offline = [ada.run(*arguments, "--json") for arguments in asked]
    for arguments, one, other in zip(asked, running, offline, strict=True):
        assert (one.code, one.json) == (other.code, other.json), arguments
    assert [result.code for result in running] == [0] * 6 + [3]
    alike = ("id", "name", "home", "version", "entries", "logs", "listings", "own_listings", "peers", "lag")
    after = ada.ask("status")
    assert {name: after[name] for name in alike} == {name: status[name] for name in alike}
    assert (status["running"], after["running"]) == (True, False)


def test_a_person_pages_through_a_list_to_its_end(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    ada.ask("listing", "import", APPAREL, "--currency", "EUR")
    keys: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        answer = ada.ask("listing", "ls", "--limit", 6, *(() if cursor is None else ("--cursor", cursor)))
        keys += [item["key"] for item in answer["items"]]
        pages += 1
        cursor = answer["next"]
        if cursor is None:
            break
    assert pages == 3 and len(keys) == len(set(keys)) == 14
    assert keys == sorted(keys)


def test_the_ready_file_is_one_line_with_the_real_addresses(mesh: Mesh) -> None:
    node = mesh.start("ada")
    text = node.launches[-1].ready_file.read_text()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert set(json.loads(text)) == {"id", "pid", "peer", "api"}
    assert node.ready.pid == node.process.pid
    assert node.ready.peer == f"ws://127.0.0.1:{node.port}/inx/1"
    assert node.ready.api == f"http://127.0.0.1:{node.port}"
    assert node.port != 0
