"""Goods given back, at the end: what was asked for is there, was answered once, and paid back as the rules say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.conformance.deals import read_message
from netnode.conformance.teams import read_statement
from netnode.deals.known import Known, load
from netnode.operations import models
from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import Reader, deals, teams
from protocol.identity import parse_id

RATE: Final = (9_000, 10_000)  # of what was paid, by the plans that people have here
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in one home.

    Attributes:
        order: id of the deal.
        amount: that is asked for, minor units.
        goods: pieces by line.
        refunds: amounts of refunds of that deal that name the request.
        paid_for: price and pieces of the order; None: its goods are not there.
    """

    order: bytes
    amount: int
    goods: Mapping[int, int]
    refunds: tuple[int, ...]
    paid_for: tuple[int, int] | None


async def require_buybacks(core: Sequence[SimNode], oracle: Oracle, now: int) -> int:
    """What members asked to be taken back.

    Args:
        core: honest, up, and level; their letters have arrived.
        oracle: what was told.
        now: ms UTC.

    Returns:
        How many requests were paid back.

    Raises:
        Violation: `buybacks`.
    """
    states: dict[str, dict[str, str]] = {}
    for node in core:
        shown = await node.ask(_listed)
        states[node.name] = {each.paper: each.state for each in shown}
        _require_told(node.name, states[node.name], oracle)
    homes = {oracle.homes[node.name]: node.name for node in core}
    count = 0
    for node in core:
        if oracle.homes[node.name] in oracle.put_back:
            continue
        for paper, owner in (await node.ask(_owners)).items():
            there = states.get(homes.get(owner, ""), {}).get(paper)
            if owner in oracle.put_back or there is None:
                continue
            if (states[node.name][paper] == "paid back") != (there == "paid back"):
                text = f"{states[node.name][paper]} at {node.name} and {there} at {homes[owner]}"
                raise Violation("buybacks", f"the request {paper[:10]} is {text}")
            count += there == "paid back"
    for node in core:
        assert node.parts is not None  # up
        _require_paid(node.name, node.parts.store.reading(lambda reader: _asked(reader, now)))
    return count


def _require_told(home: str, states: Mapping[str, str], oracle: Oracle) -> None:
    for paper, told in oracle.credits.backs.get(home, {}).items():
        if paper not in states:
            raise Violation("buybacks", f"{home} lost its request for {told.what} of second {told.at:.0f}")
    for paper in sorted(oracle.credits.repaid.get(home, ())):
        if states.get(paper) != "paid back":
            raise Violation(
                "buybacks", f"{home} was told that {paper[:10]} is paid back: {states.get(paper)}"
            )


def _require_paid(home: str, found: Mapping[bytes, Asked]) -> None:
    """Each request is paid back once, by what it asks for; no piece twice; no more than is owed [R-TEAM-29]."""
    pieces: Counter[tuple[bytes, int]] = Counter()
    for paper, one in found.items():
        if len(one.refunds) > 1 or any(amount != one.amount for amount in one.refunds):
            text = f"{one.amount} for {paper.hex()[:10]}: {', '.join(map(str, one.refunds))}"
            raise Violation("buybacks", f"at {home} there were paid back instead of {text}")
        if not one.refunds or one.paid_for is None:
            continue
        price, count = one.paid_for
        taken = sum(one.goods.values())
        pieces.update({(one.order, line): number for line, number in one.goods.items()})
        if one.amount * count * RATE[1] > price * taken * RATE[0]:
            text = f"{one.amount} for {taken} of {count} pieces of {price}"
            raise Violation("buybacks", f"at {home} was paid back more than is owed: {text}")
        if any(pieces[one.order, line] > count for line in one.goods):
            raise Violation("buybacks", f"at {home} a piece of {one.order.hex()[:10]} was taken back twice")


async def _listed(services: NodeServices) -> Sequence[models.Buyback]:
    return (await services.buybacks.list(models.BuybacksQuery(limit=_PAGE))).items


async def _owners(services: NodeServices) -> dict[str, bytes]:
    """Of own requests, the networker who was asked."""
    return {each.paper: parse_id(each.owner.id) for each in await _listed(services) if each.own}


def _asked(reader: Reader, now: int) -> dict[bytes, Asked]:
    found = {}
    for row in teams.requests(reader.connection, None):
        said = read_statement("buyback", row.data)
        deal = deals.by_id(reader.connection, said["order"])
        known = None if deal is None else load(reader.connection, deal, now)
        refunds = () if known is None else tuple(_refunds(known, row.id))
        goods = None if known is None else known.goods
        paid_for = None
        if known is not None and goods is not None and len(goods.lines) == 1:
            paid_for = (sum(part.price for part in known.order.parts), goods.lines[0].quantity)
        found[row.id] = Asked(said["order"], said["amount"], dict(said["goods"]), refunds, paid_for)
    return found


def _refunds(known: Known, paper: bytes) -> list[int]:
    """Amounts of the effective refunds that name a request."""
    amounts = []
    for id_, message in known.messages.items():
        if message.type != "refund" or known.state.verdicts.get(id_) is not None:
            continue
        note = known.note_of(message)
        if note is not None and note.reference == paper.hex():
            amounts.append(read_message(message.data).body["amount"])
    return amounts
