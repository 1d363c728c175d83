"""Kills buyer, seller and mailbox host without warning while they deal, and looks at what both sides hold.

In half of the rounds the seller is off while orders are placed, so they come by the mailbox host. Two owners, a thread
each, then take every step that their deals wait for, until all of the round are over; kills fall into both. What is
told is that an order or step was answered; a deal whose order was never answered may be there or not, but on both
sides or on none.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from netnode.problems import ExitCode, Problem
from netnode.testing import Mesh, Node, wait_until

PATIENCE: Final = 120.0  # seconds; why: a killed node is dialled again after a minute at the latest
LISTING: Final = "lamp"
STEPS: Final[Mapping[str, str]] = {
    "accept": "accept",
    "payment_sent": "paid",
    "payment_received": "received",
    "fulfil": "fulfil",
    "receive": "receipt",
}
"""What the owners do; nothing else is due in a deal that goes well."""


@dataclass
class Owner:
    """Takes what steps the own deals wait for, after placing some orders, until told that it is enough.

    Attributes:
        node: theirs; when it is gone they wait for it.
        wish: what they order, as the API takes it.
        orders: how many they order first.
        ordered: ids of deals, as they were answered.
        asked: how many orders were sent, answered or not.
        tried: of these, how many are not on their way any more.
        steps: how many steps were answered.
        refused: codes of the node; what the other side did meanwhile makes some moves void.
    """

    node: Node
    wish: Mapping[str, str] = field(default_factory=dict)
    orders: int = 0
    ordered: list[str] = field(default_factory=list)
    asked: int = 0
    tried: int = 0
    steps: int = 0
    refused: list[str] = field(default_factory=list)
    enough: bool = False

    def __post_init__(self) -> None:
        pool = ThreadPoolExecutor(1)
        self.work = pool.submit(self._work)
        pool.shutdown(wait=False)

    def _work(self) -> None:
        while not self.enough:
            self._round()
            time.sleep(0.02)  # an owner is no load test

    def _round(self) -> None:
        try:
            while self.asked < self.orders and not self.enough:
                self.asked += 1
                try:
                    self.ordered.append(self.node.api.post("/deals/order", self.wish)["deal"])
                finally:
                    self.tried += 1
            for item in self.node.api.get("/deals", limit=50)["items"]:
                step = item["next"]
                if step is not None and step["by"] == item["role"] and step["action"] in STEPS:
                    self.node.api.post(f"/deals/{STEPS[step['action']]}", {"deal": item["deal"]})
                    self.steps += 1
        except Problem as problem:
            if problem.exit_code is ExitCode.UNREACHABLE:
                return
            if problem.exit_code is not ExitCode.REFUSED:
                raise
            self.refused.append(problem.code)

    def end(self) -> None:
        """Lets them go, and raises what went wrong with them."""
        self.enough = True
        self.work.result()


@dataclass
class Told:
    """What the rounds came to: kills by node, rounds with the seller off, deals, steps and refusals by code."""

    kills: dict[str, int] = field(default_factory=dict)
    off: int = 0
    deals: int = 0
    steps: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def market(mesh: Mesh) -> tuple[Node, Node, Node]:
    """Buyer, seller and mailbox host, who know each other; the seller offers a lamp."""
    settings = {"mailbox": "all", "outbound_sessions": 0, "stamp_bits": 0}
    buyer, seller, host = mesh.start_all("buyer", "seller", "host", settings=settings)
    for one, other in ((buyer, seller), (buyer, host), (seller, host)):
        one.api.post("/peers/add", {"uri": other.peer})
        other.api.post("/peers/add", {"uri": one.peer})
    for node in (buyer, seller):
        node.ask("profile", "edit", "--name", node.name, "--mailbox", host.id)
    seller.add(LISTING, "Brass lamp", price="12.50", currency="EUR")
    wait_until(lambda: LISTING in buyer.keys("lamp"), "the buyer sees the lamp", PATIENCE)
    # The first letters bring each other's keys; from then on a letter can be sealed while the other side is away.
    first = buyer.api.post("/deals/order", {"ref": f"{seller.id}/{LISTING}"})["deal"]
    wait_until(lambda: first in deals(seller), "the first order is there", PATIENCE)
    seller.api.post("/deals/decline", {"deal": first})
    wait_until(lambda: same(buyer, seller, first), "its answer is there", PATIENCE)
    return buyer, seller, host


def deals(node: Node) -> dict[str, dict[str, Any]]:
    """All deals of a node by their ids."""
    return {item["deal"]: item for item in node.api.pages("/deals", all=True)}


def shown(node: Node, deal: str) -> dict[str, Any]:
    """What a side holds of a deal and makes of it; what differs between the two sides by its nature is left out."""
    found = node.api.get("/deals/show", deal=deal)
    messages = [
        {name: each.get(name) for name in ("id", "type", "role", "number", "time", "void", "waits")}
        for each in found["messages"]
    ]
    return {"messages": messages, **{name: found[name] for name in ("state", "figures", "parts")}}


def same(one: Node, other: Node, deal: str) -> bool:
    """Whether a deal is over, and both sides hold the same of it."""
    if deal not in deals(one) or deal not in deals(other):
        return False
    left, right = shown(one, deal), shown(other, deal)
    return left == right and left["state"] == "final"


def kill_rounds(mesh: Mesh, rounds: int, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> Told:
    """Places orders and goes on with them to their end while each of the three is killed, `rounds` times.

    Args:
        mesh: starts them.
        rounds: how many.
        seed: decides who is killed and about when.
        say: gets a line per round.
    """
    drawn = random.Random(seed)
    told = Told(kills={"buyer": 0, "seller": 0, "host": 0})
    three = market(mesh)
    buyer, seller, _ = three
    wish = {"ref": f"{seller.id}/{LISTING}"}
    before = set(deals(buyer))
    for number in range(rounds):
        began = time.monotonic()
        off = drawn.random() < 0.5
        told.off += off
        if off:
            seller.end()
        owners = [Owner(buyer, wish, drawn.randrange(1, 5)), Owner(seller)]
        try:
            wait(owners, lambda: owners[0].asked > 0)  # noqa: B023 - looked at here only
            kill(mesh, three, drawn, told.kills)
            if off and not seller.running:
                time.sleep(drawn.random())  # so long its orders are at the host, or wait for it
                mesh.restart(seller, same_port=True)
            wanted = owners[0].steps + owners[1].steps + drawn.randrange(8)
            wait(owners, lambda: owners[0].steps + owners[1].steps >= wanted or over(buyer, before))  # noqa: B023
            kill(mesh, three, drawn, told.kills)
            wait(owners, lambda: owners[0].tried >= owners[0].orders)  # noqa: B023
            wait(owners, lambda: over(buyer, before) and over(seller, before))  # noqa: B023
            new = set(deals(buyer)) - before
            wait(owners, lambda: all(same(buyer, seller, each) for each in new))  # noqa: B023
        finally:
            for owner in owners:
                owner.end()
        _look(buyer, seller, before, owners[0], f"seed {seed}, round {number}")
        before |= new
        told.deals += len(new)
        for owner in owners:
            told.steps += owner.steps
            for code in owner.refused:
                told.refused[code] = told.refused.get(code, 0) + 1
        say(
            f"round {number + 1} of {rounds}: {'seller off, ' if off else ''}{len(new)} deals, "
            f"{owners[0].steps + owners[1].steps} steps, kills {told.kills}, {time.monotonic() - began:.1f} s"
        )
    return told


def _look(buyer: Node, seller: Node, before: set[str], owner: Owner, when: str) -> None:
    """Nothing told is lost, nothing is there twice."""
    here, there = deals(buyer), deals(seller)
    assert set(here) == set(there), f"{when}: deals of one side alone: {set(here) ^ set(there)}"
    lost = set(owner.ordered) - set(here)
    assert not lost, f"{when}: lost {lost}"
    new = set(here) - before
    assert len(new) <= owner.asked, f"{when}: {owner.asked} orders became {len(new)} deals"
    for deal in new:
        places = [(each["role"], each["number"]) for each in shown(buyer, deal)["messages"]]
        assert len(places) == len(set(places)), f"{when}: a number is used twice in {deal}: {places}"


def over(node: Node, before: set[str]) -> bool:
    """Whether all deals of a node but some are final; no while it does not answer."""
    try:
        return all(item["state"] == "final" for deal, item in deals(node).items() if deal not in before)
    except Problem:
        return False


def wait(owners: Sequence[Owner], so: Callable[[], bool]) -> None:
    """Waits until something is so; an owner with whom something went wrong ends that."""

    def looked() -> bool:
        for owner in owners:
            if owner.work.done():
                owner.end()
        return so()

    wait_until(looked, "the deals go on", PATIENCE)


def kill(mesh: Mesh, nodes: Sequence[Node], drawn: random.Random, kills: dict[str, int]) -> None:
    """Kills one or two of those that run, at any moment, counts that, and starts them again."""
    time.sleep(drawn.random() * 0.3)
    running = [node for node in nodes if node.running]
    for node in drawn.sample(running, min(len(running), drawn.choice((1, 1, 2)))):
        node.kill()
        kills[node.name] += 1
    time.sleep(drawn.random() * 0.3)
    for node in running:
        if not node.running:
            mesh.restart(node, same_port=True)
