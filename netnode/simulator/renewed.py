"""What must hold of mandates: both sides hold the same statements, and no renewal is one too many or too dear.

Looked at through the stores, as deals are, and judged by the second implementation of INX beside the node's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apsw

from netnode.conformance.faults import Fault
from netnode.conformance.mandates import check_renewal
from netnode.problems import Problem
from netnode.simulator.dealt import Side, judged, sides
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import deals, mandates
from protocol.deals.bodies import Renewal
from protocol.deals.mandates import MandateState, Standing, Statement, mandate_state, parse_statement
from protocol.deals.message import Message, first_order, parse
from protocol.tags import DEFAULT_NETWORK

if TYPE_CHECKING:
    from netnode.simulator.actors import Stall

ROLES: Final = ("buyer", "seller")


@dataclass(frozen=True, slots=True)
class Mandated:
    """One mandate in one home.

    Attributes:
        home: name of the node.
        role: of its owner.
        row: of the deal whose order gives it.
        first: that order.
        stopped: whether the owner, its seller, renews it no more.
        statements: those that are here, by id.
    """

    home: str
    role: str
    row: deals.DealRow
    first: Message
    stopped: bool
    statements: Mapping[bytes, Statement]

    @property
    def state(self) -> MandateState:
        """What its statements come to."""
        return mandate_state(self.first, self.statements.values())


def note_said(stall: Stall, deal: str) -> None:
    """The owner is told that a statement is on disk: from now on all own ones on that mandate have to stay."""
    parts = stall.node.parts
    if parts is None:
        return
    try:
        found = parts.store.reading(lambda reader: _of_deal(reader.connection, bytes.fromhex(deal)))
    except Problem:  # its disk fails just now
        return
    told = stall.oracle.statements.setdefault(stall.node.name, {})
    for each in found:
        told.setdefault(each.id, f"{each.action} on {deal[:10]} of second {stall.now:.0f}")


def own_statements(connection: apsw.Connection) -> set[bytes]:
    """Ids of all statements in a store, of which the own ones are some."""
    return {name for (name,) in connection.execute("SELECT id FROM mandate_statement")}


def held(nodes: Iterable[SimNode]) -> dict[bytes, list[Mandated]]:
    """Every mandate as the homes of these nodes hold it, by the id of its order; nodes that are down are left out."""
    found: dict[bytes, list[Mandated]] = {}
    for node in nodes:
        if node.parts is not None:
            kept = node.parts.store.reading(lambda reader: _kept(reader.connection))
            for role, row, first, stopped, said in kept:
                found.setdefault(first.id, []).append(Mandated(node.name, role, row, first, stopped, said))
    return found


def note_ends(nodes: Sequence[SimNode], oracle: Oracle) -> None:
    """Remembers of each mandate that its seller knows to be ended which renewals there are: no other may come."""
    known: dict[bytes, set[bytes]] = {}
    for deal, renewal in _renewals(nodes):
        known.setdefault(_order_of(renewal), set()).add(deal)
    for order, kept in held(nodes).items():
        if any(each.role == "seller" and each.state.standing is Standing.ENDED for each in kept):
            oracle.ended.setdefault(order, frozenset(known.get(order, ())))


def unended(nodes: Iterable[SimNode]) -> list[str]:
    """The mandates that their seller may still renew, in sentences."""
    return [
        f"the mandate {order.hex()[:10]} goes on at {each.home}"
        for order, kept in held(nodes).items()
        for each in kept
        if each.role == "seller" and not each.stopped and each.state.standing is not Standing.ENDED
    ]


def require_mandates(nodes: Sequence[SimNode], oracle: Oracle, now: int) -> int:
    """Both sides of each mandate hold the same statements, and each renewal is one that the buyer wants.

    Args:
        nodes: honest, all up, with nothing on its way any more.
        oracle: what was told.
        now: ms UTC by which states are judged.

    Returns:
        How many renewals were looked at.

    Raises:
        Violation: `mandates`, `renewed` or `doubled`.
    """
    homes = {oracle.homes[node.name]: node.name for node in nodes}
    every = held(nodes)
    for order, kept in every.items():
        require_same(order, kept, homes, oracle)
    at_all: dict[str, set[bytes]] = {}
    for kept in every.values():
        for each in kept:
            at_all.setdefault(each.home, set()).update(each.statements)
    for node in nodes:
        told = oracle.statements.get(node.name, {})
        lost = [what for name, what in told.items() if name not in at_all.get(node.name, set())]
        if lost and not _without(node, every, set(told), oracle):
            raise Violation("mandates", f"{node.name} lost {len(lost)} statements: {', '.join(lost[:3])}")
    turns: dict[tuple[bytes, int], list[Side]] = {}
    looked: dict[bytes, None] = {}
    for deal, kept_deal in sides(nodes).items():
        start = kept_deal[0].messages[deal]
        if not isinstance(start.body, Renewal) or kept_deal[0].row.seller not in homes:
            continue
        looked[deal] = None
        require_wanted(start, every.get(_order_of(start), []), oracle)
        turns.setdefault((_order_of(start), start.body.turn), []).append(kept_deal[0])
    for (order, turn), renewals in turns.items():
        require_once(order, turn, renewals, oracle, now)
    return len(looked)


def require_same(order: bytes, kept: Sequence[Mandated], homes: Mapping[bytes, str], oracle: Oracle) -> None:
    """The two sides of a mandate hold the same statements, none of which contradict each other.

    Of what reached one of two copies of a home, the other one may know nothing.

    Raises:
        Violation: `mandates`, `doubled`.
    """
    buyer, seller = kept[0].row.buyer, kept[0].row.seller
    for each in kept:
        if each.state.contradicted and buyer in homes:
            raise Violation("doubled", f"the buyer of the mandate {order.hex()[:10]} used a number twice")
    both = {each.role: each for each in kept if each.role in ROLES}
    copied = any(oracle.may_fork(each, 0) for each in (buyer, seller))
    if not {buyer, seller} <= set(homes) or len(both) < len(ROLES) or copied:
        return
    mine, theirs = (both[role] for role in ROLES)
    if mine.statements.keys() != theirs.statements.keys():
        texts = (f"{a.home} ({a.role}) alone has {_alone(a, b)}" for a, b in ((mine, theirs), (theirs, mine)))
        raise Violation("mandates", f"the two sides of {order.hex()[:10]} differ: {'; '.join(texts)}")


def require_wanted(start: Message, kept: Sequence[Mandated], oracle: Oracle) -> None:
    """A renewal of an honest seller has effect, at the price consented to, by statements that the buyer made.

    Raises:
        Violation: `renewed`.
    """
    body = start.body
    assert isinstance(body, Renewal)
    name = f"the renewal {start.id.hex()[:10]} of turn {body.turn}"
    try:
        check_renewal(DEFAULT_NETWORK, start.data)
    except Fault as fault:
        raise Violation("renewed", f"{name} has no effect: {fault.code}") from fault
    said = [parse_statement(data) for data in body.changes]
    made = {each.id for mandated in kept if mandated.role == "buyer" for each in mandated.statements.values()}
    if any(mandated.role == "buyer" for mandated in kept) and not {each.id for each in said} <= made:
        raise Violation("renewed", f"{name} rests on a statement that its buyer does not hold")
    consented = sum(part.price for part in first_order(parse(body.first)).parts)
    for each in said:
        consented = each.price if each.price is not None else consented
    price = sum(part.price for part in body.parts)
    if price != consented:
        raise Violation("renewed", f"{name} costs {price}, and its buyer consented to {consented}")
    known = oracle.ended.get(_order_of(start))
    if known is not None and start.id not in known:
        raise Violation("renewed", f"{name} was made after its seller knew that the mandate is ended")


def require_once(order: bytes, turn: int, renewals: Sequence[Side], oracle: Oracle, now: int) -> None:
    """Of one turn there is one renewal; where a home was put back, at most one of them is owed.

    Raises:
        Violation: `renewed`.
    """
    row = renewals[0].row
    owed = [each for each in renewals if judged(each, now).figures.owed]
    most = owed if {row.seller, row.buyer} & oracle.put_back else renewals
    if len(most) > 1:
        raise Violation("renewed", f"turn {turn} of {order.hex()[:10]} was renewed {len(most)} times")


def _renewals(nodes: Sequence[SimNode]) -> list[tuple[bytes, Message]]:
    starts = [(deal, kept[0].messages[deal]) for deal, kept in sides(nodes).items()]
    return [(deal, start) for deal, start in starts if isinstance(start.body, Renewal)]


def _order_of(renewal: Message) -> bytes:
    assert isinstance(renewal.body, Renewal)
    return parse(renewal.body.first).id


def _without(node: SimNode, every: Mapping[bytes, list[Mandated]], told: set[bytes], oracle: Oracle) -> bool:
    """Whether a home that was put back lacks the mandates themselves: nothing is left to say in their deals."""
    if oracle.homes[node.name] not in oracle.put_back:
        return False
    here = {
        name for kept in every.values() for each in kept if each.home == node.name for name in each.statements
    }
    return not any(
        told & each.statements.keys() - here
        for kept in every.values()
        if any(one.home == node.name for one in kept)
        for each in kept
    )


def _alone(one: Mandated, other: Mandated) -> str:
    found = [each for name, each in one.statements.items() if name not in other.statements]
    return ", ".join(f"{each.number} {each.action}" for each in found) or "nothing"


def _of_deal(connection: apsw.Connection, deal: bytes) -> list[Statement]:
    row = deals.by_id(connection, deal)
    return (
        [] if row is None else [parse_statement(each) for each in mandates.statements(connection, row.number)]
    )


def _kept(
    connection: apsw.Connection,
) -> Sequence[tuple[str, deals.DealRow, Message, bool, Mapping[bytes, Statement]]]:
    found = []
    for role in ROLES:
        for number in mandates.numbers(connection, role):
            row, kept = deals.by_number(connection, number), mandates.mandate(connection, number)
            assert row is not None
            assert kept is not None
            data = deals.message(connection, number, row.id)
            assert data is not None
            said = [parse_statement(each) for each in mandates.statements(connection, number)]
            found.append((role, row, parse(data), kept.stopped, {each.id: each for each in said}))
    return found
