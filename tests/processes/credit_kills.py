"""Kills issuers and holders without warning while sales are logged, credit is transferred and swapped.

Two issuers `xena` and `yuri`, two holders `ann` and `ben`. In a round ben orders of xena by ann's link, ann of yuri by
ben's; both holders ask xena for transfers to each other, and ann proposes swaps of xena's credit for yuri's, which ben
accepts. Kills fall into all of it. What is told is that something was answered; what was never answered may be there
or not, but everywhere alike. When a round is quiet, both logs are folded by a holder's node, and every figure is what
the sales, transfers and swaps come to, to the cent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

from netnode.problems import ExitCode, Problem
from netnode.testing import Mesh, Node, wait_until
from tests.processes import credit_market as credit
from tests.processes.deal_kills import PATIENCE, Owner, kill, over, same, wait

PRICE, AWARD, UNIT = "800.00", Decimal("80.00"), "EUR"
GIVEN, TAKEN = Decimal("0.30"), Decimal("0.20")
TRANSFERRED: Final = Decimal("0.05")
TRANSFER: Final = 30
STAGES: Final = ("signed", "locked", "swapped")
"""Of a swap, as its proposer sees it: at each of them something is under way."""
SETTINGS: Final[Mapping[str, object]] = {"auto_accept": "on"}


@dataclass
class Holder:
    """Asks for transfers and proposes swaps, and accepts those of others, until told that it is enough.

    Attributes:
        node: theirs; when it is gone they wait for it.
        wishes: path and body of what they ask for, in order; each is asked for once, answered or not.
        told: ids that the node answered with, by path.
        refused: codes of the node.
    """

    node: Node
    wishes: list[tuple[str, dict[str, Any]]]
    told: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    enough: bool = False

    def __post_init__(self) -> None:
        pool = ThreadPoolExecutor(1)
        self.work = pool.submit(self._work)
        pool.shutdown(wait=False)

    def _work(self) -> None:
        while not self.enough:
            try:
                self._round()
            except Problem as problem:
                if problem.exit_code is ExitCode.REFUSED:
                    self.refused.append(problem.code)
                elif problem.exit_code is not ExitCode.UNREACHABLE:
                    raise
            time.sleep(0.05)

    def _round(self) -> None:
        if self.wishes:
            path, body = self.wishes.pop(0)
            found = self.node.api.post(path, body)
            self.told.setdefault(path, []).append(found["request"] if "request" in found else found["swap"])
        for swap in self.node.api.get("/swaps", waiting=True)["items"]:
            if (swap["role"], swap["stage"]) == ("second", "proposed"):
                self.node.api.post("/swaps/accept", {"swap": swap["swap"], "confirmed": True})

    def end(self) -> None:
        """Lets them go, and raises what went wrong with them."""
        self.enough = True
        self.work.result()


@dataclass
class Told:
    """What the rounds came to: kills by node, sales, transfers, swaps that moved credit, refusals by code."""

    kills: dict[str, int] = field(default_factory=dict)
    sales: int = 0
    transfers: int = 0
    swaps: int = 0
    refused: dict[str, int] = field(default_factory=dict)


@dataclass
class Four:
    """Issuers and holders; the links by which the holders order of the issuers."""

    xena: Node
    yuri: Node
    ann: Node
    ben: Node
    by_ann: str = ""
    by_ben: str = ""

    @property
    def all(self) -> list[Node]:
        return [self.xena, self.yuri, self.ann, self.ben]


def founded(mesh: Mesh) -> Four:
    """The four, each holder with payable credit of one issuer, and willing to hold that of both."""
    four = Four(*credit.market(mesh, ("xena", "yuri", "ann", "ben"), **SETTINGS))
    for issuer in (four.xena, four.yuri):
        issuer.add("lamp", "Lamp", price=PRICE, currency="EUR", commission="10")
    mesh.wait_level()
    four.by_ann = four.ann.api.post("/referrals/make", {"subject": f"{four.xena.id}/lamp", "days": 3_650})[
        "link"
    ]
    four.by_ben = four.ben.api.post("/referrals/make", {"subject": f"{four.yuri.id}/lamp", "days": 3_650})[
        "link"
    ]
    credit.bought(four.ben, four.xena, four.by_ann)
    credit.bought(four.ann, four.yuri, four.by_ben)
    credit.has(four.ann, four.xena, four.ann, EUR={"pending": str(AWARD)})
    credit.has(four.ben, four.yuri, four.ben, EUR={"pending": str(AWARD)})
    credit.pass_days(four.all, 31)
    for holder in (four.ann, four.ben):
        holder.api.post(
            "/credits/limits", {"issuer": four.xena.id, "amount": "1000.00", "unit": UNIT, "days": 365}
        )
    return four


def kill_rounds(mesh: Mesh, rounds: int, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> Told:
    """Trades, transfers and swaps while each of the four is killed, `rounds` times.

    Args:
        mesh: starts them.
        rounds: how many.
        seed: decides who is killed and about when, and how much is asked for.
        say: gets a line per round.
    """
    drawn = random.Random(seed)
    four = founded(mesh)
    told = Told(kills={node.name: 0 for node in four.all})
    for number in range(rounds):
        began = time.monotonic()
        before = {node.name: set(credit.deals(node)) for node in four.all}
        owners = [
            Owner(four.ben, {"link": four.by_ann}, drawn.randrange(1, 3)),
            Owner(four.ann, {"link": four.by_ben}, drawn.randrange(0, 3)),
            Owner(four.xena),
            Owner(four.yuri),
        ]
        holders = [
            Holder(
                four.ann,
                _mixed(drawn, [_transfer(four, four.ben)] * 3 + [_swap(four)] * drawn.randrange(1, 3)),
            ),
            Holder(four.ben, [_transfer(four, four.ann)] * 2),
        ]
        workers = [*owners, *holders]
        try:
            wait(workers, lambda: owners[0].asked > 0 and len(holders[0].wishes) < 3)  # noqa: B023
            kill(mesh, four.all, drawn, told.kills)
            wanted = _steps(owners) + drawn.randrange(10)
            traded = partial(_traded, four, before)
            wait(workers, lambda: _steps(owners) >= wanted or traded())  # noqa: B023
            kill(mesh, four.all, drawn, told.kills)
            wait(workers, lambda: _sold(four.xena, before) or traded())  # noqa: B023
            four.xena.kill()  # at once: the receipt is there, and its sale is being logged
            told.kills["xena"] += 1
            mesh.restart(four.xena, same_port=True)
            for stage in drawn.sample(STAGES, 2):
                wait(workers, lambda: _swapping(four, stage) or (not holders[0].wishes and _quiet(four.ann)))  # noqa: B023
                kill(mesh, four.all, drawn, told.kills)
            wait(workers, lambda: all(each.tried >= each.orders for each in owners))  # noqa: B023
            wait(workers, lambda: not any(each.wishes for each in holders))  # noqa: B023
            wait(workers, traded)
            wait(workers, lambda: all(_quiet(node) for node in four.all))
        finally:
            for worker in workers:
                worker.end()
        _look(mesh, four, owners, holders, told, f"seed {seed}, round {number}")
        say(
            f"round {number + 1} of {rounds}: {told.sales} sales, {told.transfers} transfers, {told.swaps} swaps, "
            f"kills {told.kills}, {time.monotonic() - began:.1f} s"
        )
    return told


def _transfer(four: Four, to: Node) -> tuple[str, dict[str, Any]]:
    wish = {"issuer": four.xena.id, "amount": str(TRANSFERRED), "unit": UNIT, "to": to.id, "anyway": True}
    return "/credits/transfer", wish


def _swap(four: Four) -> tuple[str, dict[str, Any]]:
    return "/swaps/propose", {
        "with": four.ben.id, "give": str(GIVEN), "from": four.xena.id, "give_unit": UNIT,
        "get": str(TAKEN), "of": four.yuri.id, "get_unit": UNIT, "confirmed": True,
    }  # fmt: skip


def _mixed(drawn: random.Random, wishes: list[Any]) -> list[Any]:
    drawn.shuffle(wishes)
    return wishes


def _traded(four: Four, before: Mapping[str, set[str]]) -> bool:
    """Whether the deals of a round are final on both sides."""
    return all(over(node, before[node.name]) for node in four.all)


def _sold(issuer: Node, before: Mapping[str, set[str]]) -> bool:
    """Whether a deal of the round is final at its seller."""
    try:
        found = credit.deals(issuer)
    except Problem:
        return False
    return any(deal["state"] == "final" for id_, deal in found.items() if id_ not in before[issuer.name])


def _steps(owners: Sequence[Owner]) -> int:
    return sum(owner.steps for owner in owners)


def _swapping(four: Four, stage: str) -> bool:
    """Whether a swap is at a stage, as its proposer's node sees it."""
    try:
        return any(each["stage"] == stage for each in four.ann.api.get("/swaps", waiting=True)["items"])
    except Problem:
        return False


def _quiet(node: Node) -> bool:
    """Whether nothing more comes of what a node asked for, or is asked for; no while it does not answer."""
    try:
        return not (
            node.api.get("/credits/requests", waiting=True)["items"]
            or node.api.get("/swaps", waiting=True)["items"]
        )
    except Problem:
        return False


# -- what must be so when a round is quiet -------------------------------------------------------------------
def _look(
    mesh: Mesh, four: Four, owners: Sequence[Owner], holders: Sequence[Holder], told: Told, when: str
) -> None:
    """Every sale is logged once, every request and swap ended alike everywhere, and no cent is lost or doubled."""
    sold = {}
    for issuer, buyer, owner in ((four.xena, four.ben, owners[0]), (four.yuri, four.ann, owners[1])):
        here = {id_ for id_, deal in credit.deals(buyer).items() if deal["role"] == "buyer"}
        there = {id_ for id_, deal in credit.deals(issuer).items() if deal["role"] == "seller"}
        assert here == there, f"{when}: deals of one side alone: {here ^ there}"
        assert set(owner.ordered) <= here, f"{when}: lost {set(owner.ordered) - here}"
        assert all(same(buyer, issuer, each) for each in here), f"{when}: a deal ended differently"
        sold[issuer.name] = len(here)
        _logged(issuer, len(here), when)
    mesh.wait_level(seconds=PATIENCE)
    moved = _requests(four, holders, when)
    swapped = _swaps(four, holders, when)
    told.sales, told.transfers, told.swaps = sum(sold.values()), sum(moved.values()), swapped
    for holder in holders:
        for code in holder.refused:
            told.refused[code] = told.refused.get(code, 0) + 1
    net = (moved["ann"] - moved["ben"]) * TRANSFERRED + swapped * GIVEN  # from ann to ben
    _balances(four, four.xena, sold["xena"], {"ann": AWARD - net, "ben": net}, "ann", when)
    back = swapped * TAKEN
    _balances(four, four.yuri, sold["yuri"], {"ann": back, "ben": AWARD - back}, "ben", when)


def _logged(issuer: Node, sales: int, when: str) -> None:
    """Every sale is in the log, and none twice."""
    text = f"{when}: {sales} sales of {issuer.name} are logged"
    wait_until(lambda: len(credit.entries(issuer, issuer, credit.SALE)) >= sales, text, PATIENCE)
    assert len(credit.entries(issuer, issuer, credit.SALE)) == sales, f"{when}: a sale is logged twice"


def _requests(four: Four, holders: Sequence[Holder], when: str) -> dict[str, int]:
    """How many transfers of each holder were carried out: their node, the issuer's and its log say the same."""
    at_issuer = {each["request"]: each for each in four.xena.api.pages("/credits/requests")}
    moved = {}
    for holder in holders:
        own = {each["request"]: each for each in holder.node.api.pages("/credits/requests") if each["own"]}
        lost = set(holder.told.get("/credits/transfer", ())) - set(own)
        assert not lost, f"{when}: {holder.node.name} has lost requests: {lost}"
        for id_, each in own.items():
            ended = (each["state"], at_issuer[id_]["state"])
            assert ended in (("logged", "logged"), ("refused", "refused")), f"{when}: {id_} ended as {ended}"
        moved[holder.node.name] = sum(each["state"] == "logged" for each in own.values())
    logged = len(credit.entries(four.xena, four.xena, TRANSFER))
    assert logged == sum(moved.values()), f"{when}: {moved} transfers, {logged} of them in the log"
    return moved


def _swaps(four: Four, holders: Sequence[Holder], when: str) -> int:
    """How many swaps moved credit: all four say the same of each."""
    stages = [{each["swap"]: each["stage"] for each in node.api.pages("/swaps")} for node in four.all]
    lost = set(holders[0].told.get("/swaps/propose", ())) - set(stages[2])
    assert not lost, f"{when}: ann has lost swaps: {lost}"
    done = 0
    for id_, stage in stages[2].items():
        ended = tuple(each.get(id_) for each in stages)
        assert ended in (("given", "swapped", "given", "given"), ("back", None, "back", "back")), (
            f"{when}: {ended}"
        )
        done += stage == "given"
    return done


def _balances(
    four: Four, issuer: Node, sales: int, has: Mapping[str, Decimal], earns: str, when: str
) -> None:
    """What each has of an issuer, as the other holder's node and the issuer's compute it; and the sum of all."""
    for by in (four.ann, four.ben, issuer):
        for holder in (four.ann, four.ben):
            found = credit.figures(by, issuer, holder).get(UNIT, {})
            pending = AWARD * (sales - 1) if holder.name == earns else Decimal(0)
            wanted = {
                "balance": has[holder.name],
                "available": has[holder.name],
                "pending": pending,
                "locked": Decimal(0),
            }
            shown = {name: Decimal(found.get(name, "0")) for name in wanted}
            assert shown == wanted, (
                f"{when}: {holder.name} has {shown} of {issuer.name} at {by.name}, not {wanted}"
            )
        audit = by.api.get("/credits/audit", issuer=issuer.id)
        (unit,) = audit["units"]
        sums = tuple(
            Decimal(unit[name]) for name in ("issued", "outstanding", "pending", "uncovered", "redeemed")
        )
        wanted_sums = (AWARD, AWARD, AWARD * (sales - 1), 0, 0)
        assert sums == wanted_sums, f"{when}: {issuer.name} owes {unit} at {by.name}"
        assert (audit["wrongs"], audit["unknown_from"]) == (0, None), f"{when}: {audit['wrong']}"
