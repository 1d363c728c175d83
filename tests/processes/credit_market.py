"""Nodes that owe each other credit: real processes, a buyer's steps, and what somebody has of whom."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from netnode.problems import Problem
from netnode.testing import Mesh, Node, environment, wait_until
from netnode.testing.programs import PYTHON
from tests.processes.hasty import HASTY

PATIENCE: Final = 90.0  # seconds; why: the load of other tests
SALE: Final = 22
CLOCK_SET: Final = "this computer's clock was set by"


def meet(nodes: Sequence[Node]) -> None:
    """Everybody dials and follows everybody."""
    for number, one in enumerate(nodes):
        for other in nodes[number + 1 :]:
            one.api.post("/peers/add", {"uri": other.peer})
    for one in nodes:
        for other in nodes:
            if other is not one:
                one.api.post("/follows/add", {"id": other.id})


def introduce(node: Node, others: Sequence[Node]) -> None:
    """A node that has come (back) dials others."""
    for other in others:
        node.api.post("/peers/add", {"uri": other.peer})


def alone(node: Node, home: Path, *arguments: object) -> None:
    """Runs a command on a home that no node runs on, by a node's clock."""
    program = [*PYTHON, "netnode.testing.program", node.clock_file, "--home", home, *arguments]
    subprocess.run(list(map(str, program)), env=environment(), check=True, capture_output=True)


def pass_days(nodes: Sequence[Node], days: float) -> None:
    """Sets the clocks of nodes to so many days after their start, and waits until they have greeted each other anew.

    Until then each takes its own clock for wrong by what the others told of theirs, and puts off for a minute what it
    would log.
    """
    noticed = {node.name: node.said().count(CLOCK_SET) for node in nodes}
    met = {node.name: node.connected() for node in nodes}
    for node in nodes:
        node.set_clock(timedelta(days=days))
    for node in nodes:
        wait_until(
            lambda node=node: node.said().count(CLOCK_SET) > noticed[node.name], "it sees the clock", PATIENCE
        )
    for node in nodes:
        wait_until(lambda node=node: node.connected() >= met[node.name], "they have met again", PATIENCE)


def deals(node: Node) -> dict[str, dict[str, Any]]:
    """All deals of a node by their ids."""
    return {item["deal"]: item for item in node.api.pages("/deals", all=True)}


def shown(node: Node, deal: str) -> dict[str, Any]:
    """One deal."""
    found: dict[str, Any] = node.api.get("/deals/show", deal=deal)
    return found


def paid_and_sent(seller: Node, deal: str) -> None:
    """The seller's part once the buyer has said that it is paid: confirmed, and on its way."""
    wait_until(
        lambda: shown(seller, deal)["figures"]["unconfirmed"]["minor"] > 0, "the payment is told", PATIENCE
    )
    seller.api.post("/deals/received", {"deal": deal})
    seller.api.post("/deals/fulfil", {"deal": deal})


def bought(buyer: Node, seller: Node, link: str) -> str:
    """A whole deal of a buyer with a node, by a referral link."""
    ordered: str = buyer.ask("deal", "order", link)["deal"]
    wait_until(lambda: "accept" in types(buyer, ordered), "the order is accepted", PATIENCE)
    buyer.api.post("/deals/paid", {"deal": ordered})
    paid_and_sent(seller, ordered)
    wait_until(lambda: "fulfil" in types(buyer, ordered), "it is sent", PATIENCE)
    buyer.api.post("/deals/receipt", {"deal": ordered})
    return ordered


def types(node: Node, deal: str) -> list[str]:
    """The types of the messages of a deal that a node holds."""
    return [each["type"] for each in shown(node, deal)["messages"]]


def figures(by: Node, issuer: Node, holder: Node) -> dict[str, dict[str, str]]:
    """What somebody has of an issuer by unit, as a node computes it: decimals of those that are not zero."""
    try:
        found = by.api.get("/credits/balance", issuer=issuer.id, holder=holder.id)
    except Problem as problem:
        if problem.code not in ("unknown_author", "incomplete"):
            raise
        return {}
    assert found["unknown_from"] is None, found["why"]
    return {
        each["unit"]: {name: text for name, text in each.items() if name != "unit" and text.strip("0.")}
        for each in found["figures"]
    }


def has(by: Node, issuer: Node, holder: Node, **units: dict[str, str]) -> None:
    """Waits until somebody has that of an issuer, as a node computes it."""
    seen: list[Any] = []

    def look() -> bool:
        seen[:] = [figures(by, issuer, holder)]
        return bool(seen[0] == units)

    try:
        wait_until(look, f"{holder.name} has {units} of {issuer.name}", PATIENCE)
    except AssertionError as late:
        raise AssertionError(f"{late}; {by.name} computes {seen}") from late


def entries(node: Node, issuer: Node, kind: int) -> list[dict[str, Any]]:
    """The entries of a kind in an issuer's log as a node holds it."""
    return [each for each in node.api.pages("/log", author=issuer.id) if each["kind"] == kind]


def market(mesh: Mesh, names: Sequence[str], **settings: object) -> list[Node]:
    """Nodes with a clock that passes when told, who know and follow each other."""
    chosen = {"outbound_sessions": 0, "stamp_bits": 0, "auto_accept": "on", **settings}
    nodes = mesh.start_all(*names, clock=timedelta(0), settings=chosen, program=HASTY)
    meet(nodes)
    return nodes
