"""What the commands of a deal say, made of the deal as it stands: amounts, parts and what is answered.

People count parts from 1, as commands, pages and invoices do; messages count them from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import apsw
from msgspec import UNSET, UnsetType

from netnode.deals.desk import Make, Move
from netnode.deals.known import Known
from netnode.deals.wording import amount_text
from netnode.market import money
from netnode.problems import ExitCode, Problem
from protocol.deals.bodies import (
    Cancel,
    DealBody,
    Decline,
    Dispute,
    Fulfil,
    LapseAccept,
    LapseDispute,
    LapseFulfil,
    LapsePay,
    Order,
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
from protocol.deals.enclosures import Note
from protocol.deals.message import Message
from protocol.deals.moves import draft, moves
from protocol.deals.state import PartStatus, Phase
from protocol.deals.table import confirmable
from protocol.errors import Void
from protocol.limits import MAX_INT, SALT_BYTES

_NO_SALT: Final = bytes(SALT_BYTES)
_LAPSES: Final = ("accept", "pay", "fulfil", "dispute")
_PRESUMPTIONS: Final = ("received", "payment", "refund")


def note(**fields: object) -> Note | None:
    """An enclosure of the fields that are given; None when none is."""
    given = {name: value for name, value in fields.items() if value is not None and value is not UNSET}
    return Note(salt=_NO_SALT, **given) if given else None  # type: ignore[arg-type]


def decline(reason: str, enclosed: Note | None) -> Make:
    """The seller does not want the order."""
    return lambda known, connection: Move(Decline(reason=reason), enclosed)


def cancel(reason: str, enclosed: Note | None) -> Make:
    """Ends the open parts."""
    return lambda known, connection: Move(Cancel(reason=reason), enclosed)


def paid(amount: str | None, enclosed: Note | None, *, anyway: bool = False) -> Make:
    """The buyer paid: so much, or all that is due and not said to be paid yet.

    Args:
        amount: as typed; None: all that is due.
        enclosed: a word with it.
        anyway: also more than is due.
    """

    def make(known: Known, connection: apsw.Connection) -> Move:
        if amount is None:
            _accepted(known)
        figures = known.state.figures
        open_ = max(0, figures.payment_due - figures.unconfirmed_payments)
        minor = _amount(known, amount, open_, "to pay")
        # Why not before: what the table forbids has its own reason, which no --anyway takes away.
        possible = "payment_sent" in moves(known.state, known.role, known.now)
        if not anyway and possible and minor <= figures.price - figures.sent:
            words = "still due, and what you say cannot be taken back. If you have paid so much"
            _refuse_above(known, minor, open_, words)
        return Move(PaymentSent(amount=minor), enclosed)

    return make


def received(amount: str | None, enclosed: Note | None, *, anyway: bool = False) -> Make:
    """The seller confirms a payment: the oldest one of that amount that is not confirmed, else money without a word.

    Args:
        amount: as typed; None: what was stated, else what is due.
        enclosed: a word with it.
        anyway: also more than what is stated or due.
    """

    def make(known: Known, connection: apsw.Connection) -> Move:
        figures = known.state.figures
        confirmed = {each.body.payment for each in effective(known, PaymentReceived)}  # type: ignore[union-attr]
        claim = _unanswered(known, PaymentSent, confirmed, amount)
        _accepted(known)
        due = figures.payment_due if claim is None else _said(claim)
        minor = _amount(known, amount, due, "to confirm")
        if claim is None and not anyway:
            limit = max(figures.payment_due, figures.unconfirmed_payments)
            words = (
                "stated or due, and what you confirm cannot be taken back: the rest would be yours to pay back. "
                "If so much has arrived"
            )
            _refuse_above(known, minor, limit, words)
        if claim is not None and not anyway:
            _refuse_twice(known, minor)
        payment = UNSET if claim is None else claim.id
        return Move(PaymentReceived(amount=minor, payment=payment), enclosed)

    return make


def fulfil(part: int | None, enclosed: Note | None) -> Make:
    """The seller delivers a part, counted from 1."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        return Move(Fulfil(part=_part(known, part, (PartStatus.OPEN,), "deliver")), enclosed)

    return make


def receipt(part: int | None, enclosed: Note | None) -> Make:
    """The buyer confirms a part, counted from 1."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        number = _part(known, part, (PartStatus.FULFILLED, PartStatus.OPEN, PartStatus.PRESUMED), "confirm")
        claim = _fulfil_of(known, number)
        return Move(Receive(part=number, fulfil=UNSET if claim is None else claim.id), enclosed)

    return make


def refund(amount: str | None, enclosed: Note | None) -> Make:
    """The seller pays back: so much, or all that is due."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        due = known.state.figures.refund_due
        return Move(Refund(amount=_amount(known, amount, due, "to pay back")), enclosed)

    return make


def refunded(amount: str | None) -> Make:
    """The buyer confirms a refund: the oldest one of that amount that is not confirmed, else what is due.

    Of a refund that crossed a confirmation that does not name it only the rest is left to confirm.
    """

    def make(known: Known, connection: apsw.Connection) -> Move:
        figures = known.state.figures
        confirmed = {each.body.refund for each in effective(known, RefundReceived)}  # type: ignore[union-attr]
        claim = _unanswered(known, Refund, confirmed, amount)
        most = confirmable(known.state.outcome.view)
        due = figures.refund_due if claim is None else min(_said(claim), most)
        minor = _amount(known, amount, due, "to confirm")
        return Move(
            RefundReceived(
                amount=minor,
                refund=UNSET if claim is None else claim.id,
                total=min(MAX_INT, figures.refund_received + minor),
            )
        )

    return make


def dispute(claim: str, enclosed: Note | None) -> Make:
    """Opens a dispute: what the seller should keep."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        figures, minor = known.state.figures, minor_of(known.order, claim)
        # Why here: a slip would have effect, and each side has one dispute.
        if minor > max(figures.price, figures.paid, figures.sent):
            text = (
                "--claim is what the seller should keep: at most the price, or what was paid if that is more."
            )
            raise Problem(text, ExitCode.REFUSED, "too_much")
        return Move(Dispute(claim=minor), enclosed)

    return make


def rule(keeps: str, found_paid: str | None, delivered: tuple[int, ...], enclosed: Note | None) -> Make:
    """The arbiter rules on the dispute that is open; `delivered` are parts, counted from 1."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        found = _open_dispute(known)
        arrived = {_part(known, each, (), "find delivered") for each in delivered}
        paid_ = known.state.figures.paid if found_paid is None else minor_of(known.order, found_paid)
        body = Ruling(
            delivered=tuple(sorted(arrived)),
            dispute=found,
            keeps=minor_of(known.order, keeps),
            paid=paid_,
        )
        return Move(body, enclosed)

    return make


def lapse(what: str | None, part: int | None) -> Make:
    """Ends what did not come in time."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        match what or _only(known, "lapse_", _LAPSES, _guess_lapse(known)):
            case "accept":
                return Move(LapseAccept())
            case "pay":
                return Move(LapsePay())
            case "fulfil":
                return Move(_first(known, (LapseFulfil(part=each) for each in _open_parts(known, part))))
            case _:
                return Move(LapseDispute(dispute=_open_dispute(known)))

    return make


def presume(what: str | None, part: int | None) -> Make:
    """Takes as confirmed what nobody confirmed in time."""

    def make(known: Known, connection: apsw.Connection) -> Move:
        _accepted(known)
        guess = "payment" if known.role == "buyer" else "received"
        match what or _only(known, "presume_", _PRESUMPTIONS, guess):
            case "received":
                bodies: Iterator[DealBody] = (
                    PresumeReceived(fulfil=each.id)
                    for each in effective(known, Fulfil)
                    if part is None or each.body.part == part - 1  # type: ignore[union-attr]
                )
            case "payment":
                bodies = (PresumePayment(payment=each.id) for each in effective(known, PaymentSent))
            case _:
                bodies = (PresumeRefund(refund=each.id) for each in effective(known, Refund))
        return Move(_first(known, bodies))

    return make


# -- finding what is meant -----------------------------------------------------------------------------------
def effective(known: Known, form: type[DealBody]) -> list[Message]:
    """Messages of a type that have effect, the oldest first."""
    return [
        each
        for each in known.ordered()
        if isinstance(each.body, form) and known.state.verdicts.get(each.id, "waits") is None
    ]


def _said(message: Message) -> int:
    body = message.body
    assert isinstance(body, PaymentSent | Refund)
    return body.amount


def _unanswered(
    known: Known, form: type[DealBody], answered: set[bytes | UnsetType], amount: str | None
) -> Message | None:
    minor = None if amount is None else minor_of(known.order, amount)
    for each in effective(known, form):
        if each.id not in answered and (minor is None or _said(each) == minor):
            return each
    return None


def _fulfil_of(known: Known, part: int) -> Message | None:
    for each in effective(known, Fulfil):
        if isinstance(each.body, Fulfil) and each.body.part == part:
            return each
    return None


def minor_of(order: Order, text: str) -> int:
    """An amount that a person gave, in minor units of the money of an order.

    Raises:
        Problem: `amount` (exit 2): it is none in that money.
    """
    if order.currency is UNSET:
        if not text.isdigit() or int(text) > MAX_INT:
            raise Problem(
                f"{text!r} is no whole amount of {order.unit}: write it in its smallest part.",
                ExitCode.USAGE,
                "amount",
            )
        return int(text)
    try:
        return money.parse(text, order.currency)
    except money.MoneyError as error:
        raise Problem(f"The amount: {error}.", ExitCode.USAGE, "amount") from error


def _amount(known: Known, text: str | None, due: int, what: str) -> int:
    minor = due if text is None else minor_of(known.order, text)
    if minor < 1:
        if text is not None:
            raise Problem("An amount is at least the smallest coin.", ExitCode.USAGE, "amount")
        raise Problem(
            f"Nothing is left {what} in this deal. If you mean another amount, add --amount.",
            ExitCode.REFUSED,
            "nothing_due",
        )
    return minor


def _accepted(known: Known) -> None:
    """Refuses what makes no sense before the seller has accepted; the code says so better than "nothing is left"."""
    if known.state.phase is Phase.ORDERED:
        raise Void("not_agreed", "the seller has not accepted the order yet")


def _refuse_above(known: Known, minor: int, limit: int, words: str) -> None:
    """Refuses a larger amount than is open. Why: a slip would have effect, and no statement can be taken back."""
    if minor > limit:
        given, most = amount_text(known.order, minor), amount_text(known.order, limit)
        text = f"{given} is more than the {most} that is {words}, add --anyway."
        raise Problem(text, ExitCode.REFUSED, "too_much")


def _refuse_twice(known: Known, minor: int) -> None:
    """Refuses what would come to more than was stated: another sum, perhaps of the same money, was confirmed."""
    figures = known.state.figures
    said = (each.body for each in effective(known, PaymentReceived))
    before = sum(body.amount for body in said if isinstance(body, PaymentReceived))
    limit = max(figures.price, figures.sent)
    words = (
        "stated or asked for, and so much would be confirmed with what you confirmed before: the rest would be yours "
        "to pay back. If so much has arrived"
    )
    _refuse_above(known, before + minor, limit, words)


def _part(known: Known, part: int | None, wanted: tuple[PartStatus, ...], what: str) -> int:
    if part is not None:
        count = len(known.state.parts)
        if not 1 <= part <= count:
            has = "one part, number 1" if count == 1 else f"the parts 1 to {count}"
            raise Problem(f"This deal has {has}; there is no part {part}.", ExitCode.USAGE, "part")
        return part - 1
    if len(known.state.parts) == 1:
        return 0
    for status in wanted:
        found = [each.number for each in known.state.parts if each.status is status]
        if len(found) == 1:
            return found[0]
        if found:
            named = ", ".join(str(each + 1) for each in found)
            raise Problem(
                f"Which part do you {what}? Add --part with one of: {named}.", ExitCode.USAGE, "part"
            )
    raise Problem(f"There is no part left to {what}.", ExitCode.REFUSED, "nothing_open")


def _open_parts(known: Known, part: int | None) -> list[int]:
    if part is not None:
        return [_part(known, part, (), "end")]
    return [each.number for each in known.state.parts if each.status is PartStatus.OPEN] or [0]


def _open_dispute(known: Known) -> bytes:
    found = [each.message for each in known.state.disputes if each.closed is None]
    own = [each for each in found if each.role == known.role]
    if not found:
        raise Void("no_dispute", "no dispute is open")
    return (own or found)[0].id


def _guess_lapse(known: Known) -> str:
    if any(each.closed is None for each in known.state.disputes):
        return "dispute"
    if known.role == "seller":
        return "pay"
    return "fulfil" if known.state.contract else "accept"


def _only(known: Known, prefix: str, names: tuple[str, ...], guess: str) -> str:
    """The one of its kind that can be sent now; where none can, the likeliest, which is refused with its reason."""
    types = moves(known.state, known.role, known.now)
    found = [name for name in names if f"{prefix}{name}" in types]
    if len(found) > 1:
        raise Problem(f"Which one? Add --what with one of: {', '.join(found)}.", ExitCode.USAGE, "what")
    return found[0] if found else guess


def _first(known: Known, bodies: Iterator[DealBody]) -> DealBody:
    """The first that would have effect, else the first, whose code says why not.

    Raises:
        Problem: `nothing_open` (exit 4): there is none at all.
    """
    first: DealBody | None = None
    for body in bodies:
        first = first or body
        try:
            draft(known.state, known.role, body, known.now)
        except Void:
            continue
        return body
    if first is None:
        text = (
            "There is nothing to presume in this deal: nothing that you said waits for the other side's word."
        )
        raise Problem(text, ExitCode.REFUSED, "nothing_open")
    return first
