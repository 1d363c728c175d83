"""The state of a deal: what a set of its messages comes to, for anybody who has the same set [R-DEAL-10]."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from protocol.deals.bodies import Role
from protocol.deals.figures import Figures, PartState, PartStatus
from protocol.deals.judging import NONE_KNOWN, SIDES, Outcome, Verdicts, other_side, outcome
from protocol.deals.message import Message
from protocol.deals.view import DisputeState, bits
from protocol.errors import LocalProtocolError

__all__ = ["DealState", "DisputeState", "Figures", "PartState", "PartStatus", "Phase", "judge"]


class Phase(enum.Enum):
    """Where a deal stands, in one word; the figures say the rest."""

    BROKEN = "broken"  # both sides used a number twice
    DISPUTED = "disputed"  # a dispute is open
    ORDERED = "ordered"  # no contract yet
    AGREED = "agreed"  # contract, and some part is open
    FULFILLED = "fulfilled"  # no part is open, and some receipt is outstanding
    UNCONFIRMED = "unconfirmed"  # a payment or refund waits for its confirmation, and nothing else does
    CLOSED = "closed"  # nothing is outstanding but money that is due
    FINAL = "final"  # closed, and nothing is due


@dataclass(frozen=True, slots=True)
class DealState:
    """What a set of messages comes to.

    Attributes:
        start: the message that started the deal.
        phase: where it stands.
        contract: whether both sides are bound.
        parts: each part, by number.
        figures: the money.
        disputes: every dispute with effect, oldest first.
        ruling: the ruling that stands, or None.
        verdicts: id -> None (with effect) or the code why it has none; messages in `waits` are not in it.
        waits: messages that name one not there, or are dated ahead of the reader's clock; sorted.
        newest: per role the message that the next one names: as predecessor, or as seen. Of a side that used a
            number twice, and of whom the other has named neither branch, the tip of the branch it would choose.
        settled: ids of the messages that the other side has named, directly or through others.
        doubled: the sides that used a number twice.
        outcome: how all this was judged; for `moves`.
    """

    start: Message
    phase: Phase
    contract: bool
    parts: tuple[PartState, ...]
    figures: Figures
    disputes: tuple[DisputeState, ...]
    ruling: Message | None
    verdicts: Mapping[bytes, str | None]
    waits: tuple[bytes, ...]
    newest: Mapping[Role, Message]
    settled: frozenset[bytes]
    doubled: frozenset[Role]
    outcome: Outcome = field(repr=False, compare=False)


def judge(messages: Iterable[Message], now: int, verdicts: Verdicts = NONE_KNOWN) -> DealState:
    """The state of a set of messages of one deal, in whatever order they come [R-DEAL-10].

    Args:
        messages: authentic ones (form and signature hold), the start among them; repeats do not matter.
        now: the reader's clock, ms UTC; messages dated later wait, and that is all it decides.
        verdicts: of messages that were judged before, each as `outcome.docket.codes` had it then.

    Raises:
        LocalProtocolError: no start, a start that waits, or messages of two deals.
    """
    known = {message.id: message for message in messages}
    start = next((message for message in known.values() if message.starts), None)
    if start is None or any(message.deal != start.id for message in known.values()):
        raise LocalProtocolError("these are not the messages of one deal, its start among them")
    if start.time > now:
        raise LocalProtocolError("the start of this deal is dated ahead of the clock: it waits")
    judged = outcome(start, known.values(), now, verdicts)
    view, tips = judged.view, judged.count.tips
    case = judged.docket.case
    return DealState(
        start=start,
        phase=_phase(judged),
        contract=view.contract is not None,
        parts=view.parts,
        figures=view.figures,
        disputes=view.disputes,
        ruling=None if view.ruling is None else case.messages[view.ruling],
        verdicts=MappingProxyType(judged.verdicts),
        waits=tuple(message.id for message in judged.waits),
        newest=MappingProxyType({role: case.messages[tip] for role, tip in tips.items() if tip >= 0}),
        settled=_settled(judged),
        doubled=judged.count.doubled,
        outcome=judged,
    )


def _phase(judged: Outcome) -> Phase:
    view, figures = judged.view, judged.view.figures
    fulfilled = view.parts_of(PartStatus.FULFILLED)
    open_parts = view.parts_of(PartStatus.OPEN)
    return next(
        phase
        for phase, fits in (
            (Phase.BROKEN, judged.count.broken),
            (Phase.DISPUTED, bool(view.open_disputes)),
            (Phase.ORDERED, bool(open_parts) and view.contract is None),
            (Phase.AGREED, bool(open_parts)),
            (Phase.FULFILLED, bool(fulfilled)),
            (Phase.UNCONFIRMED, figures.unconfirmed > 0),
            (Phase.CLOSED, figures.due > 0),
            (Phase.FINAL, True),
        )
        if fits
    )


def _settled(judged: Outcome) -> frozenset[bytes]:
    """What the newest message of the other side has seen; of an arbiter, of either side."""
    case, sides, tips = judged.docket.case, judged.docket.sides, judged.count.tips
    named = 0
    for role, own in sides.items():
        for other in SIDES if role == "arbiter" else (other_side(role),):
            tip = tips.get(other, -1)
            if tip >= 0 and judged.count.mask >> tip & 1:
                named |= case.closures[tip] & own
    return frozenset(case.messages[index].id for index in bits(named))
