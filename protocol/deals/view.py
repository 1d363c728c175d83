"""What a set of messages with effect comes to: a fold over it, and the view that guards and state are read from.

Messages are known by their index in an order in which each comes after all it names; sets of them are bit masks, and
`closures[i]` is the seen-set of message i. A view depends on the set alone: every such order gives the same one
[R-DEAL-10].
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from protocol.deals.bodies import (
    Accept,
    Cancel,
    Decline,
    Dispute,
    Fulfil,
    LapseAccept,
    LapseDispute,
    LapseFulfil,
    LapsePay,
    Order,
    Part,
    PaymentReceived,
    PaymentSent,
    PresumePayment,
    PresumeReceived,
    PresumeRefund,
    Receive,
    Refund,
    RefundReceived,
    Ruling,
)
from protocol.deals.figures import Figures, Flow, PartState, PartStatus, Ruled, figures
from protocol.deals.message import Message

RULED: Final = "ruled"
WITHDRAWN: Final = "withdrawn"
UNRESOLVED: Final = "unresolved"


@dataclass(frozen=True, slots=True)
class DisputeState:
    """One dispute: its message, and how it closed (None while open): ruled, withdrawn or unresolved."""

    message: Message
    closed: str | None


@dataclass(frozen=True, slots=True)
class Base:
    """What stands at the start: terms, parts, why it has no effect, the contract's date when it makes one."""

    start: Message
    order: Order
    parts: tuple[Part, ...]
    fault: str | None
    contract: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """The messages of a deal that are in their place, and who has seen which; grows at its end while it is judged."""

    base: Base
    messages: list[Message]
    closures: list[int]
    where: dict[bytes, int]

    def saw(self, later: int, earlier: int) -> bool:
        """Whether a message is in the seen-set of another."""
        return bool(self.closures[later] >> earlier & 1)


class Tally(Struct):
    """Sums and sets of what was folded so far; its fields are numbers, so that a copy is cheap."""

    effective: int = 0  # every message folded
    contract: int | None = None  # date of the accept
    cancelled: bool = False  # by the buyer
    ended: bool = False  # by anything but `lapse_pay`
    late: bool = False  # by `lapse_fulfil`
    unpaid: int | None = None  # the `lapse_pay`; None again once a payment sent crosses it
    fulfils: int = 0
    fulfilled: int = 0  # mask of parts
    received: int = 0  # mask of parts
    payments: int = 0
    payments_named: int = 0
    payments_sent: int = 0  # sum
    payments_received: int = 0  # sum
    payments_confirmed: int = 0  # sum of those named
    payment_date: int = 0  # of the newest payment received
    refunds: int = 0
    refunds_named: int = 0
    refunds_sent: int = 0  # sum
    refunds_received: int = 0  # sum
    refunds_confirmed: int = 0  # sum of those named
    presumptions: int = 0
    close_date: int = 0  # of the newest receipt or presumption
    disputes: int = 0
    lapses: int = 0
    rulings: int = 0

    def copy(self) -> Tally:
        """One that goes on by itself."""
        return copy(self)

    def add(self, case: Case, index: int) -> None:
        """Folds one message that has effect, after all it names."""
        message, bit = case.messages[index], 1 << index
        self.effective |= bit
        match message.body:
            case Accept():
                self.contract = message.time
            case Decline() | LapseAccept():
                self.ended = True
            case Cancel():
                self.ended = True
                self.cancelled |= message.role == "buyer"
            case LapseFulfil():
                self.ended = self.late = True
            case LapsePay():
                # Payments folded before cannot have seen it: one that it has not seen crosses it, and voids it.
                self.unpaid = None if self.payments & ~case.closures[index] else index
            case PaymentSent(amount=amount):
                self.payments |= bit
                self.payments_sent += amount
                if self.unpaid is not None and not case.saw(index, self.unpaid):
                    self.unpaid = None
            case PaymentReceived(amount=amount, payment=payment):
                self.payments_received += amount
                self.payment_date = max(self.payment_date, message.time)
                self._confirm_payment(case, case.where.get(payment) if isinstance(payment, bytes) else None)
            case Fulfil(part=part):
                self.fulfils |= bit
                self.fulfilled |= 1 << part
            case Receive(part=part):
                self.received |= 1 << part
                self.close_date = max(self.close_date, message.time)
            case Refund(amount=amount):
                self.refunds |= bit
                self.refunds_sent += amount
            case RefundReceived(amount=amount, refund=refund):
                self.refunds_received += amount
                self._confirm_refund(case, case.where.get(refund) if isinstance(refund, bytes) else None)
            case PresumeReceived() | PresumePayment() | PresumeRefund():
                self.presumptions |= bit
                self.close_date = max(self.close_date, message.time)
            case Dispute():
                self.disputes |= bit
            case LapseDispute():
                self.lapses |= bit
            case Ruling():
                self.rulings |= bit
            case _:
                pass  # the start: `Base` has it

    def _confirm_payment(self, case: Case, index: int | None) -> None:
        # A branch that does not count may be missing here, though the message that confirms it was judged on it.
        if index is not None and self.payments & ~self.payments_named & 1 << index:
            self.payments_named |= 1 << index
            self.payments_confirmed += _amount(case, index)

    def _confirm_refund(self, case: Case, index: int | None) -> None:
        if index is not None and self.refunds & ~self.refunds_named & 1 << index:
            self.refunds_named |= 1 << index
            self.refunds_confirmed += _amount(case, index)


@dataclass(frozen=True, slots=True)
class View:
    """What the messages of a tally come to. Masks hold indices of `case.messages`, those of parts part numbers."""

    case: Case
    tally: Tally
    contract: int | None  # its date
    ruling: int | None  # the one that stands
    disputes: tuple[DisputeState, ...]
    presumed: int  # fulfils, payments and refunds that are presumed, while that counts
    parts: tuple[PartState, ...]
    figures: Figures

    @property
    def order(self) -> Order:
        """The order that says the terms."""
        return self.case.base.order

    @property
    def open_disputes(self) -> tuple[Message, ...]:
        """The disputes that nothing has closed, oldest first."""
        return tuple(dispute.message for dispute in self.disputes if dispute.closed is None)

    def status(self, part: int) -> PartStatus | None:
        """Of one part; None when the order has no such part."""
        return self.parts[part].status if part < len(self.parts) else None

    def parts_of(self, *statuses: PartStatus) -> tuple[PartState, ...]:
        """The parts of any of these statuses."""
        return tuple(part for part in self.parts if part.status in statuses)

    def has(self, id: bytes) -> int | None:
        """Index of a message with effect, if it is among those seen."""
        index = self.case.where.get(id)
        return index if index is not None and self.tally.effective >> index & 1 else None

    def index(self, id: bytes) -> int:
        """Index of a message that is in its place."""
        return self.case.where[id]

    def named(self, id: bytes) -> Message:
        """A message that is in its place."""
        return self.case.messages[self.case.where[id]]

    def unconfirmed_payment(self, index: int) -> bool:
        """Whether a message is a payment sent that nothing has confirmed yet, by name, presumption or amount."""
        if not self.tally.payments & ~self.tally.payments_named & ~self.presumed & 1 << index:
            return False
        decided = self.ruling is not None and self.case.saw(self.ruling, index)
        return self.figures.unconfirmed_payments > 0 and not decided

    def unconfirmed_refund(self, index: int) -> bool:
        """Whether a message is a refund that nothing has confirmed yet, by name, presumption or amount."""
        open_refunds = self.tally.refunds & ~self.tally.refunds_named & ~self.presumed
        return self.figures.unconfirmed_refunds > 0 and bool(open_refunds & 1 << index)


def bits(mask: int) -> Iterator[int]:
    """The indices in a mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def view(case: Case, tally: Tally) -> View:
    """Reads everything that guards and state need from a tally."""
    ruling = _standing(case, tally.rulings)
    disputes = _disputes(case, tally, ruling)
    presumed = _presumed(case, tally, ruling, any(dispute.closed is None for dispute in disputes))
    contract = case.base.contract if tally.contract is None else tally.contract
    parts = _parts(case, tally, ruling, presumed)
    payments = Flow(
        tally.payments_sent,
        tally.payments_received,
        tally.payments_confirmed + _sum(case, tally.payments & presumed & ~tally.payments_named),
    )
    refunds = Flow(
        tally.refunds_sent,
        tally.refunds_received,
        tally.refunds_confirmed + _sum(case, tally.refunds & presumed & ~tally.refunds_named),
    )
    ruled = None
    if ruling is not None:
        body = case.messages[ruling].body
        assert isinstance(body, Ruling)
        undecided = tally.payments & ~case.closures[ruling] & ~tally.payments_named & ~presumed
        ruled = Ruled(body.paid, body.keeps, _sum(case, undecided))
    return View(
        case,
        tally,
        contract,
        ruling,
        disputes,
        presumed,
        parts,
        figures(parts, contract is not None, payments, refunds, ruled),
    )


def _standing(case: Case, rulings: int) -> int | None:
    """The ruling that no other crosses: it has seen whatever other there is, a pair that crossed before it."""
    every = tuple(bits(rulings))
    return next((one for one in every if all(case.saw(one, other) for other in every if other != one)), None)


def _disputes(case: Case, tally: Tally, ruling: int | None) -> tuple[DisputeState, ...]:
    if not tally.disputes:
        return ()
    contradicted = {_answers(case.messages[index]) for index in bits(tally.rulings)}
    # A ruling beats a lapse that crosses it.
    lapses = [
        case.messages[index] for index in bits(tally.lapses) if ruling is None or case.saw(ruling, index)
    ]
    found = []
    for index in bits(tally.disputes):
        message = case.messages[index]
        closers = {lapse.role for lapse in lapses if _answers(lapse) == message.id}
        if message.role in closers:
            closed: str | None = WITHDRAWN
        elif closers:
            closed = UNRESOLVED
        elif ruling is not None:
            closed = RULED
        else:
            closed = UNRESOLVED if message.id in contradicted else None
        found.append(DisputeState(message, closed))
    return tuple(sorted(found, key=lambda dispute: (dispute.message.time, dispute.message.id)))


def _answers(message: Message) -> bytes:
    body = message.body
    assert isinstance(body, Ruling | LapseDispute)
    return body.dispute


def _presumed(case: Case, tally: Tally, ruling: int | None, disputed: bool) -> int:
    """What is presumed: nothing while a dispute is open; after a ruling only what was presumed in view of it."""
    subjects = 0
    if disputed:
        return subjects
    for index in bits(tally.presumptions):
        if ruling is None or case.saw(index, ruling):
            subject = case.where.get(subject_of(case.messages[index]))
            subjects |= 0 if subject is None else 1 << subject
    return subjects & tally.effective


def subject_of(presumption: Message) -> bytes:
    """The id of what a presumption is about."""
    match presumption.body:
        case PresumePayment(payment=id) | PresumeRefund(refund=id):
            return id
        case body:
            assert isinstance(body, PresumeReceived)  # there are three
            return body.fulfil


def _parts(case: Case, tally: Tally, ruling: int | None, presumed: int) -> tuple[PartState, ...]:
    delivered: tuple[int, ...] = ()
    if ruling is not None:
        body = case.messages[ruling].body
        assert isinstance(body, Ruling)
        delivered = body.delivered
    presumed_parts = {_part(case.messages[index]) for index in bits(presumed & tally.effective)}
    ended = tally.ended or tally.unpaid is not None or case.base.fault is not None
    parts = []
    for number, part in enumerate(case.base.parts):
        if tally.received >> number & 1:
            status = PartStatus.RECEIVED
        elif ruling is not None:
            status = PartStatus.DELIVERED if number in delivered else PartStatus.ENDED
        elif tally.fulfilled >> number & 1:
            status = PartStatus.PRESUMED if number in presumed_parts else PartStatus.FULFILLED
        else:
            status = PartStatus.ENDED if ended else PartStatus.OPEN
        parts.append(PartState(number, part.price, status, tally.late and status is PartStatus.ENDED))
    return tuple(parts)


def _part(message: Message) -> int | None:
    return message.body.part if isinstance(message.body, Fulfil) else None


def _amount(case: Case, index: int) -> int:
    body = case.messages[index].body
    assert isinstance(body, PaymentSent | Refund)
    return body.amount


def _sum(case: Case, mask: int) -> int:
    return sum(_amount(case, index) for index in bits(mask))
