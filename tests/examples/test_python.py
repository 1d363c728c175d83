"""The Python example against a running node: a networker of its own, one listing, found by search."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from netnode.testing import Mesh, Result, environment, wait_until
from netnode.testing.waiting import timeout_factor

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLE: Final = ROOT / "examples" / "python" / "publish_listing.py"
SECONDS: Final = 60 * timeout_factor()


def publish(*arguments: str) -> Result:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--patience", str(SECONDS / 2), *arguments],
        env=environment() | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in result.err, result
    return result


def test_what_the_example_publishes_is_found_at_the_node_and_beyond(mesh: Mesh) -> None:
    node = mesh.start("node")
    beyond = mesh.start("beyond", "--peer", node.invite())
    told = publish(
        node.invite(), "--name", "Eve", "--key", "lamp", "--title", "Brass lamp", "--price", "80.00", "--currency",
        "EUR",
    )  # fmt: skip
    assert told.code == 0, told
    for place in (node, beyond):
        (found,) = wait_until(
            lambda place=place: place.api.get("/search", text="brass lamp")["items"], "it is found"
        )
        assert (found["ref"], found["entry"]) == (told.json["ref"], told.json["entry"])
        assert found["seller_name"] == "Eve"
        assert found["price"] == {"amount": "80.00", "minor": 8000, "currency": "EUR"}
    again = publish(
        node.peer, "--name", "Eve", "--key", "lamp", "--title", "Another lamp"
    )  # by address alone
    assert again.code == 0 and again.json["id"] != told.json["id"]
    assert node.ask("log", "verify")["ok"]
    wait_until(lambda: node.api.get("/status")["sessions"] == 1, "the example said goodbye")


def test_where_no_node_is_or_another_answers_the_example_says_so(mesh: Mesh) -> None:
    node, other = mesh.start_all("node", "other")
    arguments = ("--name", "Eve", "--key", "lamp", "--title", "Brass lamp")
    wrong = node.invite().replace(node.id, other.id)
    refused = publish(wrong, *arguments)
    assert refused.code == 1 and refused.err.startswith("not published: "), refused
    with socket.socket() as taken:  # why: the port of a node that has ended may be another's by now
        taken.bind(("127.0.0.1", 0))
        nobody = publish(f"ws://127.0.0.1:{taken.getsockname()[1]}/inx/1", *arguments)
    assert nobody.code == 1 and nobody.err.startswith("not published: "), nobody
    assert other.keys("lamp") == set()
