"""Runs checks against a node that is broken, or is not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netnode.conformance.bench import Bench
from netnode.conformance.checking import Check
from netnode.conformance.checks import ALL
from netnode.conformance.running import Result, run, survey
from netnode.conformance.target import read_target
from netnode.problems import Problem
from netnode.system import SystemClock, SystemEntropy
from netnode.testing import Mesh, Node
from protocol.identity import id_text
from tests.broken.switch import Switch

IMAGE_BYTES = 70_000
PLAN = Path(__file__).resolve().parents[2] / "examples" / "plans" / "referral.toml"
SETTINGS = {"mailbox": "all", "outbound_sessions": 0, "stamp_bits": 0}
"""A mailbox host for everybody, which dials nobody and works for no stamp."""


@contextmanager
def broken(folder: Path, name: str) -> Iterator[Node]:
    """A node with this rule switched off, that offers something with an image; what it logs is not judged."""
    mesh = Mesh(folder, SETTINGS)
    try:
        program = (sys.executable, "-m", "tests.broken", "--switch", name, "--")
        node = mesh.start(name, program=program)
        offer(node, folder)
        yield node
    finally:
        mesh.close(judge=False)


def offer(node: Node, folder: Path) -> None:
    """Publishes a listing with an image of several chunks, one that can be ordered, and a plan that its orders name."""
    image = folder / "image.bin"
    image.write_bytes(bytes(range(256)) * (IMAGE_BYTES // 256))
    blob = node.ask("blob", "add", image)["hash"]
    node.add("mug", "Mug", images=[{"hash": blob}])
    node.add("cup", "Cup", price={"amount": 900, "currency": "EUR"})
    plan = folder / "plan.toml"
    plan.write_text(f"hold_days = 0\n{PLAN.read_text()}")  # so that a check can ask for what it was awarded
    node.ask("plan", "publish", plan)


class Owned:
    """The owner of a node, by its API.

    Args:
        node: the node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    async def act(self, action: str, deal: bytes) -> str:
        """See `netnode.conformance.owners.Owner`."""
        path, body = f"/deals/{action}", {"deal": deal.hex()}
        if action == "follow":
            path, body = "/follows/add", {"id": id_text(deal)}
        try:
            await asyncio.to_thread(self._node.api.post, path, body)
        except Problem as problem:
            return problem.text
        return ""


async def judged(node: Node, checks: Iterable[Check]) -> list[Result]:
    """What these checks say of a node."""
    target, clock, entropy = read_target(node.peer), SystemClock(), SystemEntropy()
    known = await survey(target, "inx", clock, entropy)
    bench = Bench(target, "inx", known, clock, entropy, Owned(node))
    return await run(bench, list(checks), lambda _: None)


def failed(results: Iterable[Result]) -> set[str]:
    """The ids of those that failed."""
    return {result.check.id for result in results if result.verdict == "failed"}


def checks_for(switch: Switch) -> list[Check]:
    """All checks; those that wait for time-outs only where the switch is about them."""
    return [check for check in ALL if switch.slow or not check.slow]
