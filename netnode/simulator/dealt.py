"""What must hold of deals: what was told is in both sides' sets, no number is used twice, both come to one state.

Looked at through the stores, so that nothing that the services show can hide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apsw

from netnode.conformance import verdicts
from netnode.conformance.deals import read_message
from netnode.deals.known import load, wanted
from netnode.problems import Problem
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import deals
from protocol.deals.message import Message, parse
from protocol.deals.moves import steps
from protocol.deals.state import DealState, Phase, judge

if TYPE_CHECKING:
    from netnode.simulator.actors import Stall

RESTING: Final = (Phase.CLOSED, Phase.FINAL)
_ALL: Final = deals.Filter(over=True)
_MOST: Final = 100_000
_ENDS: Final = ("cancel", "decline", "lapse")


@dataclass(frozen=True, slots=True)
class Side:
    """One deal in one home."""

    home: str
    role: str
    row: deals.DealRow
    messages: Mapping[bytes, Message]


def note_told(stall: Stall, deal: str) -> None:
    """The owner is told that a move is on disk: from now on all own messages of that deal have to stay."""
    parts = stall.node.parts
    if parts is None:
        return
    try:
        found = parts.store.reading(lambda reader: _own(reader.connection, bytes.fromhex(deal)))
    except Problem:  # its disk fails just now
        return
    told = stall.oracle.moves.setdefault(stall.node.name, {})
    for name, what in found.items():
        told.setdefault(name, f"{what} of second {stall.now:.0f}")


def own_moves(connection: apsw.Connection) -> set[bytes]:
    """Ids of all own messages of deals in a store."""
    return {name for (name,) in connection.execute("SELECT id FROM deal_message WHERE own")}


def sides(nodes: Iterable[SimNode]) -> dict[bytes, list[Side]]:
    """Every deal as the homes of these nodes hold it, by its id; nodes that are down are left out."""
    found: dict[bytes, list[Side]] = {}
    for node in nodes:
        if node.parts is None:
            continue
        for each in node.parts.store.reading(lambda reader: _deals(reader.connection)):
            found.setdefault(each[0].id, []).append(Side(node.name, each[0].role, *each))
    return found


def require_sound(nodes: Sequence[SimNode], oracle: Oracle, now: int) -> int:
    """Both sides of every deal between these nodes hold the same; all that was told is there.

    Args:
        nodes: honest, all up, with nothing on its way any more.
        oracle: what was told.
        now: ms UTC by which states are judged.

    Returns:
        How many deals both sides hold.

    Raises:
        Violation: `deals`, with what is wrong.
    """
    homes = {oracle.homes[node.name]: node.name for node in nodes}
    found = sides(nodes)
    held: dict[str, set[bytes]] = {node.name: set() for node in nodes}
    both = 0
    for deal, kept in found.items():
        for side in kept:
            held[side.home] |= side.messages.keys()
        require_single(kept, set(homes))
        parties = {kept[0].row.seller, kept[0].row.buyer}
        if not parties <= set(homes):
            continue
        arbiter = _unheard(kept, homes, now)
        if arbiter is not None and arbiter not in oracle.put_back:
            raise Violation("deals", f"{homes[arbiter]} never heard of the dispute in {deal.hex()[:10]}")
        if arbiter is not None:
            held[homes[arbiter]] |= kept[0].messages.keys()
        missing = sorted(homes[each] for each in parties if homes[each] not in {side.home for side in kept})
        if missing and not (parties & oracle.put_back and judged(kept[0], now).phase is Phase.FINAL):
            raise Violation("deals", f"{missing[0]} knows nothing of the deal {deal.hex()[:10]}")
        if missing:  # nothing is due in it: nobody has a word more to say to who was put back without it
            held[missing[0]] |= kept[0].messages.keys()
            continue
        require_equal(deal, _remembered(kept, oracle, now, held), now)
        both += 1
    for node in nodes:
        told = oracle.moves.get(node.name, {})
        lost = [what for name, what in told.items() if name not in held[node.name]]
        if lost:
            raise Violation("deals", f"{node.name} lost {len(lost)} of its own moves: {', '.join(lost[:3])}")
    return both


def require_single(kept: Sequence[Side], honest: set[bytes]) -> None:
    """No honest side used a number twice, whoever holds the two messages [R-DEAL-32].

    Raises:
        Violation: `doubled`.
    """
    row = kept[0].row
    signers = {"buyer": row.buyer, "seller": row.seller, "arbiter": row.arbiter}
    places: dict[tuple[str, int], Message] = {}
    for side in kept:
        for message in side.messages.values():
            if signers[message.role] not in honest:
                continue
            before = places.setdefault((message.role, message.number), message)
            if before.id != message.id:
                text = (
                    f"the {message.role} of the deal {row.id.hex()[:10]} used number {message.number} twice: "
                    f"{before.type} and {message.type}; the second is at {side.home}"
                )
                raise Violation("doubled", text)


def require_stock(nodes: Sequence[SimNode], oracle: Oracle) -> None:
    """Nobody promised more pieces than there were.

    Raises:
        Violation: `oversold`.
    """
    for node in nodes:
        if node.parts is None or oracle.homes[node.name] in oracle.put_back:
            continue
        for key, pieces in oracle.shelves.get(node.name, {}).items():
            if pieces is None:
                continue
            now = node.clock.now_ms()
            taken = node.parts.store.reading(lambda reader: _promised(reader.connection, key, now))  # noqa: B023
            if taken > pieces:
                raise Violation("oversold", f"{node.name} promised {taken} of {key}, and there were {pieces}")


def unfinished(nodes: Sequence[SimNode], now: int) -> list[str]:
    """The deals that have not come to rest, in sentences.

    Raises:
        Violation: `stuck`: one waits for nothing and nobody, so no list shows what to do.
    """
    found = []
    for deal, kept in sides(nodes).items():
        for side in kept:
            state = judged(side, now)
            if state.phase in RESTING or state.phase is Phase.BROKEN:
                continue
            if not steps(state, now) and not state.waits:
                raise Violation("stuck", f"{deal.hex()[:10]} is {state.phase.value} and waits for nothing")
            found.append(f"{deal.hex()[:10]} is {state.phase.value} at {side.home}, its {side.role}")
    return found


def judged(side: Side, now: int) -> DealState:
    """The state of a deal as one home holds it."""
    return judge(side.messages.values(), max(now, side.row.opened))


def require_equal(deal: bytes, kept: Sequence[Side], now: int) -> None:
    """Two sides hold one set of messages, which comes to one state by both judges in whatever order it is read.

    Raises:
        Violation: `deals`.
    """
    one, *others = kept
    state = judged(one, now)
    for other in others:
        if one.messages.keys() != other.messages.keys():
            texts = (f"{a.home} ({a.role}) alone has {_alone(a, b)}" for a, b in ((one, other), (other, one)))
            raise Violation("deals", f"the two sides of {deal.hex()[:10]} differ: {'; '.join(texts)}")
        if state != judge(reversed(list(other.messages.values())), max(now, other.row.opened)):
            raise Violation("deals", f"one set of messages of {deal.hex()[:10]} comes to two states")
    if state.waits:
        text = f"{len(state.waits)} messages of {deal.hex()[:10]} wait for others that nobody has"
        raise Violation("deals", text)
    second = verdicts.judge(
        [read_message(each.data) for each in one.messages.values()], max(now, one.row.opened)
    )
    if (second.phase, second.verdicts) != (state.phase.value, dict(state.verdicts)):
        raise Violation(
            "deals", f"the second judge comes to another state of {deal.hex()[:10]}: {second.phase}"
        )


def _unheard(kept: Sequence[Side], homes: Mapping[bytes, str], now: int) -> bytes | None:
    """The honest arbiter of a dispute who knows nothing of the deal; None where all is well."""
    arbiter = kept[0].row.arbiter
    if arbiter not in homes or any(side.role == "arbiter" for side in kept):
        return None
    return arbiter if any(judged(side, now).disputes for side in kept) else None


def _remembered(
    kept: Sequence[Side], oracle: Oracle, now: int, held: dict[str, set[bytes]]
) -> Sequence[Side]:
    """The sides that have to be equal though a home was put back from an older copy, that of an arbiter too.

    Of a deal that is final in that copy nothing is asked of the others, who may have said one thing more since. Where
    that left something due, they say so.
    """
    most = max(kept, key=lambda side: len(side.messages))
    if judged(most, now).phase is not Phase.FINAL:
        return kept
    behind = [
        side
        for side in kept
        if oracle.homes[side.home] in oracle.put_back
        and side.messages.keys() < most.messages.keys()
        and judged(side, now).phase is Phase.FINAL
    ]
    for side in behind:
        held[side.home] |= most.messages.keys()
    return [side for side in kept if side not in behind]


def _alone(one: Side, other: Side) -> str:
    found = [each for name, each in one.messages.items() if name not in other.messages]
    return ", ".join(f"{each.role} {each.number} {each.type}" for each in found) or "nothing"


def _deals(connection: apsw.Connection) -> list[tuple[deals.DealRow, Mapping[bytes, Message]]]:
    return [
        (row, {each.id: parse(each.data) for each in deals.messages(connection, row.number)})
        for row in deals.page(connection, _ALL, None, _MOST)
    ]


def _own(connection: apsw.Connection, deal: bytes) -> dict[bytes, str]:
    row = deals.by_id(connection, deal)
    if row is None:
        return {}
    kept = [each for each in deals.messages(connection, row.number) if each.own]
    return {each.id: f"{parse(each.data).type} in {deal.hex()[:10]}" for each in kept}


def _promised(connection: apsw.Connection, key: str, now: int) -> int:
    """Pieces of a listing in deals that the seller accepted and nobody ended.

    Those of an offer to one buyer are promised whatever the counter says, and a part that arrives after its end counts
    again: neither is in this sum.
    """
    promised = 0
    for row in deals.page(connection, _ALL, None, _MOST):
        if row.role != "seller" or row.offer is not None:
            continue
        known = load(connection, row, now)
        if any(each.type.startswith(_ENDS) for each in known.messages.values()):
            continue
        promised += sum(pieces for (name, _), pieces in wanted(known).items() if name == key)
    return promised
