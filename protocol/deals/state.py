"""The state of a deal: what a set of its messages comes to, for anybody who has the same set [R-DEAL-10]."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol.deals.bodies import Role
from protocol.deals.message import Message


class Phase(enum.Enum):
    """Where a deal stands, in one word; the figures say the rest. The first that fits, from the bottom up."""

    ORDERED = "ordered"  # no contract yet
    AGREED = "agreed"  # contract, and some part is open
    FULFILLED = "fulfilled"  # no part is open, but some receipt is outstanding
    UNCONFIRMED = "unconfirmed"  # a payment or refund waits for its confirmation, and nothing else does
    CLOSED = "closed"  # nothing is outstanding but money that is due
    FINAL = "final"  # closed, and nothing is due
    DISPUTED = "disputed"  # a dispute is open
    BROKEN = "broken"  # both sides used a number twice


class PartStatus(enum.Enum):
    """What became of one part."""

    OPEN = "open"
    FULFILLED = "fulfilled"  # the seller says so
    RECEIVED = "received"  # the buyer says so
    PRESUMED = "presumed"  # no receipt came in time
    DELIVERED = "delivered"  # the arbiter says so
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PartState:
    """One part: its number, price in minor units, status, and whether its end came of the seller's lateness."""

    number: int
    price: int
    status: PartStatus
    late: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The money of a deal, in minor units of its currency or unit [R-DEAL-20]."""

    price: int  # of the order
    owed: int  # price of the parts not ended, or what a ruling lets the seller keep
    sent: int  # the buyer's payments, as the buyer says
    paid: int  # confirmed, presumed, or found by a ruling
    refund_sent: int  # as the seller says
    refund_received: int  # as the buyer says
    refund_due: int
    payment_due: int
    unconfirmed_payments: int
    unconfirmed_refunds: int
    base: int  # what commissions are reckoned from

    @property
    def unconfirmed(self) -> int:
        """Payments and refunds that one side claims and nothing confirms."""
        return self.unconfirmed_payments + self.unconfirmed_refunds


@dataclass(frozen=True, slots=True)
class DisputeState:
    """One dispute: its message, and how it closed (None while open): ruled, withdrawn or unresolved."""

    id: bytes
    role: Role
    claim: int
    closed: str | None


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
            number twice and of whom the other has named neither branch yet, the tip of the branch it would choose.
        settled: ids of the messages that the other side has named, directly or through others.
        doubled: the roles that used a number twice.
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


def judge(messages: Iterable[Message], now: int) -> DealState:
    """The state of a set of messages of one deal, in whatever order they come [R-DEAL-10].

    Args:
        messages: authentic ones (form and signature hold), the start among them; repeats do not matter.
        now: the reader's clock, ms UTC; messages dated later wait, and that is all it decides.

    Raises:
        LocalProtocolError: no start, or messages of two deals.
    """
    raise NotImplementedError
