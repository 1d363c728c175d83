"""The table of deal messages: who sends what, when it has effect, and which effect [R-DEAL-15].

It is the whole of it: `judging` runs the checks of a row from first to last on the view of a message's seen-set, and
SPEC prints the same rows. A check holds the code of a message that it stops, what must hold in words, and the same as a
function of view, body (of the row's type) and message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from protocol.deals.bodies import Fulfil, Role
from protocol.deals.figures import PartStatus
from protocol.deals.message import Message
from protocol.deals.view import View

_OPEN, _FULFILLED, _RECEIVED, _ENDED = (
    PartStatus.OPEN,
    PartStatus.FULFILLED,
    PartStatus.RECEIVED,
    PartStatus.ENDED,
)


@dataclass(frozen=True, slots=True)
class Move:
    """A message that is tried, and the view of its seen-set. `body` is of the type of the row that is asked."""

    view: View
    message: Message

    @property
    def body(self) -> Any:
        """What the message says."""
        return self.message.body


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a row: what must hold, and the code of a message that comes when it does not."""

    code: str
    words: str
    holds: Callable[[Move], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One type of message from one side."""

    type: str
    sender: Role
    kind: str
    effect: str
    checks: tuple[Check, ...]


def fulfil_by(view: View, part: int) -> int:
    """The date until which a part is to be fulfilled, ms UTC."""
    own = view.case.base.parts[part].fulfil_by
    start = max(view.contract or 0, view.tally.payment_date)
    return start + (view.order.terms.fulfil_by if own is UNSET else own)


def _same_terms(at: Move) -> bool:
    order = at.view.order
    return bool((at.body.key, at.body.listing, at.body.path) == (order.key, order.listing, order.path))


def _in_hold(at: Move) -> bool:
    view = at.view
    if not view.tally.close_date or view.parts_of(_OPEN, _FULFILLED):
        return True
    return at.message.time <= view.tally.close_date + view.order.terms.dispute_until


def _lapse_due(at: Move) -> bool:
    dispute = at.view.named(at.body.dispute)
    return at.message.role == dispute.role or at.message.time >= dispute.time + at.view.order.terms.ruling_by


def _has(view: View, id: bytes, type: str) -> bool:
    """Whether a message with effect of that type is in the seen-set."""
    return view.has(id) is not None and view.named(id).type == type


def _fulfilled_part(view: View, id: bytes) -> int:
    body = view.named(id).body
    assert isinstance(body, Fulfil)  # an earlier check of the row has made sure
    return body.part


def _confirm_due(view: View, subject: bytes, message: Message) -> bool:
    return message.time >= view.named(subject).time + view.order.terms.confirm_by


def refundable(view: View) -> int:
    """The most a seller can send back now: what is paid, less refunds and the price of open parts."""
    figures = view.figures
    back = max(figures.refund_sent, figures.refund_received)
    return max(0, figures.paid - back - sum(part.price for part in view.parts_of(_OPEN)))


def confirmable(view: View) -> int:
    """The most a buyer can confirm to have been sent back now: refunds sent and not confirmed, and what is due."""
    figures = view.figures
    return max(0, figures.refund_sent - figures.refund_received) + figures.refund_due


def _start(code: str, words: str) -> Check:
    """A check of a start: its fault is known before there is a view."""
    return Check(code, words, lambda at: at.view.case.base.fault != code)


_CONTRACT: Final = Check("not_agreed", "there is a contract", lambda at: at.view.contract is not None)
_NOT_RULED: Final = Check("ruled", "no ruling stands", lambda at: at.view.ruling is None)
_SOME_OPEN: Final = Check("nothing_open", "some part is open", lambda at: bool(at.view.parts_of(_OPEN)))
_PART: Final = Check(
    "no_part", "the order has this part", lambda at: at.view.status(at.body.part) is not None
)
_NO_DISPUTE: Final = Check("dispute_open", "no dispute is open", lambda at: not at.view.open_disputes)
_DISPUTE: Final = Check(
    "no_dispute",
    "the dispute it names is open",
    lambda at: any(at.body.dispute == dispute.id for dispute in at.view.open_disputes),
)
_NOT_ENDED: Final = Check(
    "ended",
    "some part is open",
    lambda at: bool(at.view.parts_of(_OPEN)),
)

_ROWS: Final = (
    Row(
        "order",
        "buyer",
        "start",
        "the contract, when it is on a quote to this named buyer and dated not after its `expires`; else it waits for "
        "accept",
        (
            _start("bad_time", "dated not before its offer"),
            _start("terms_differ", "its terms are those of the offer in it, seller and named buyer too"),
            _start("mandate", "the notice of its mandate is shorter than the period"),
            _start(
                "consent",
                "the arbiter consented, to this seller and in time, and is neither seller nor buyer",
            ),
        ),
    ),
    Row(
        "renewal",
        "seller",
        "start",
        "the contract of one period (section 22 has its checks in full)",
        (
            _start("changes", "the statements in it are the buyer's, in order, and not dated later"),
            _start("mandate", "the notice of the mandate is shorter than the period"),
            _start("turn", "the mandate has this turn"),
            _start("mandate_ended", "the buyer has not ended it"),
            _start("mandate_paused", "the buyer has not paused it"),
            _start("too_early", "dated not before the period before begins"),
            _start("too_late", "dated not later than the notice allows"),
            _start("price_differs", "its parts are those of the order, or of the price consented to"),
        ),
    ),
    Row(
        "accept",
        "seller",
        "change of mind",
        "contract",
        (
            Check("not_needed", "the order waits for accept", lambda at: at.view.case.base.contract is None),
            Check("already", "it was not accepted", lambda at: at.view.contract is None),
            _NOT_ENDED,
            Check("terms_differ", "it repeats key, listing and path of the order", _same_terms),
        ),
    ),
    Row(
        "decline",
        "seller",
        "end",
        "every part ends",
        (
            Check("contract", "there is no contract (else use cancel)", lambda at: at.view.contract is None),
            Check("already", "the deal has not ended", lambda at: bool(at.view.parts_of(_OPEN))),
        ),
    ),
    Row(
        "cancel",
        "buyer",
        "end",
        "open parts end; what was paid for them is refund due",
        (
            _NOT_RULED,
            Check("already", "the buyer has not cancelled", lambda at: not at.view.tally.cancelled),
            _SOME_OPEN,
        ),
    ),
    Row(
        "cancel",
        "seller",
        "end",
        "open parts end; what was paid for them is refund due; counted among the seller's cancellations",
        (_CONTRACT, _NOT_RULED, _SOME_OPEN),
    ),
    Row(
        "payment_sent",
        "buyer",
        "fact (claim)",
        "a payment to be confirmed; voids a `lapse_pay` that crosses it",
        (
            _CONTRACT,
            Check(
                "ended",
                "some part has not ended",
                lambda at: any(part.status is not _ENDED for part in at.view.parts),
            ),
            Check(
                "already",
                "less than the price was sent",
                lambda at: at.view.figures.sent < at.view.figures.price,
            ),
            Check(
                "too_much",
                "amount <= price - already sent",
                lambda at: at.body.amount <= at.view.figures.price - at.view.figures.sent,
            ),
        ),
    ),
    Row(
        "payment_received",
        "seller",
        "fact (confirms)",
        "paid grows by the amount; after an end that is refund due",
        (
            Check(
                "not_seen",
                "`payment`, when given, is a payment sent with effect",
                lambda at: at.body.payment is UNSET or _has(at.view, at.body.payment, "payment_sent"),
            ),
            Check(
                "repeat",
                "that one was not confirmed before",
                lambda at: (
                    at.body.payment is UNSET
                    or not at.view.tally.payments_named >> at.view.index(at.body.payment) & 1
                ),
            ),
        ),
    ),
    Row(
        "fulfil",
        "seller",
        "fact (claim)",
        "the part is fulfilled, also when an end crosses it",
        (
            _CONTRACT,
            _PART,
            Check(
                "ended",
                "the part has not ended, and no ruling stands",
                lambda at: at.view.status(at.body.part) is not _ENDED and at.view.ruling is None,
            ),
            Check("already", "the part is open", lambda at: at.view.status(at.body.part) is _OPEN),
        ),
    ),
    Row(
        "receive",
        "buyer",
        "fact (confirms)",
        "the part is received, also after its end: its price is owed again",
        (
            _CONTRACT,
            _PART,
            Check(
                "repeat",
                "the part was not received before",
                lambda at: at.view.status(at.body.part) is not _RECEIVED,
            ),
            Check(
                "not_seen",
                "`fulfil`, when given, is a fulfil of this part with effect",
                lambda at: (
                    at.body.fulfil is UNSET
                    or (
                        _has(at.view, at.body.fulfil, "fulfil")
                        and _fulfilled_part(at.view, at.body.fulfil) == at.body.part
                    )
                ),
            ),
        ),
    ),
    Row(
        "refund",
        "seller",
        "fact (claim)",
        "a refund to be confirmed; refund due falls",
        (
            Check("nothing_paid", "something was paid", lambda at: at.view.figures.paid > 0),
            Check(
                "too_much",
                "amount <= paid - refunds - price of open parts (cancel these first)",
                lambda at: at.body.amount <= refundable(at.view),
            ),
        ),
    ),
    Row(
        "refund_received",
        "buyer",
        "fact (confirms)",
        "the refund is confirmed; the base falls",
        (
            Check(
                "not_seen",
                "`refund`, when given, is a refund with effect",
                lambda at: at.body.refund is UNSET or _has(at.view, at.body.refund, "refund"),
            ),
            Check(
                "repeat",
                "that one was not confirmed before",
                lambda at: (
                    at.body.refund is UNSET
                    or not at.view.tally.refunds_named >> at.view.index(at.body.refund) & 1
                ),
            ),
            Check("nothing_due", "a refund was sent or is due", lambda at: confirmable(at.view) > 0),
            Check(
                "too_much",
                "amount <= max(0, refund sent - refund received) + refund due",
                lambda at: at.body.amount <= confirmable(at.view),
            ),
            Check(
                "total_differs",
                "`total` = all amounts confirmed before + amount",
                lambda at: at.body.total == at.view.figures.refund_received + at.body.amount,
            ),
        ),
    ),
    *(
        Row(
            "dispute",
            role,
            "hold",
            "no presumption counts while it is open; it ends nothing and voids nothing",
            (
                Check(
                    "not_agreed",
                    "there is a contract or a payment",
                    lambda at: at.view.contract is not None or at.view.tally.payments_received > 0,
                ),
                _NOT_RULED,
                Check(
                    "dispute_used",
                    "its sender opened none before",
                    lambda at: (
                        not any(dispute.message.role == at.message.role for dispute in at.view.disputes)
                    ),
                ),
                Check(
                    "hold_over",
                    "dated not after `dispute_until`, which runs once no part is open or merely fulfilled",
                    _in_hold,
                ),
            ),
        )
        for role in ("buyer", "seller")
    ),
    Row(
        "ruling",
        "arbiter",
        "fact (binds both)",
        "fixes what was paid, what the seller keeps and which parts were delivered; every part and every open dispute "
        "is closed",
        (
            Check(
                "no_arbiter",
                "the order names an arbiter",
                lambda at: at.view.order.terms.arbiter is not UNSET,
            ),
            _NOT_RULED,
            _DISPUTE,
            Check("too_much", "`keeps` <= price", lambda at: at.body.keeps <= at.view.figures.price),
            Check(
                "no_part",
                "the order has the parts in `delivered`",
                lambda at: all(part < len(at.view.parts) for part in at.body.delivered),
            ),
        ),
    ),
    Row(
        "lapse_accept",
        "buyer",
        "end",
        "every part ends, not held against the buyer",
        (
            Check(
                "already",
                "there is no contract and no end",
                lambda at: at.view.contract is None and bool(at.view.parts_of(_OPEN)),
            ),
            Check(
                "too_early",
                "dated not before `accept_by`",
                lambda at: at.message.time >= at.view.case.base.start.time + at.view.order.terms.accept_by,
            ),
        ),
    ),
    Row(
        "lapse_pay",
        "seller",
        "end",
        "open parts end; void when a payment sent crosses it",
        (
            _CONTRACT,
            _SOME_OPEN,
            Check(
                "paid",
                "no payment sent or received",
                lambda at: not at.view.tally.payments and at.view.tally.payments_received == 0,
            ),
            Check(
                "too_early",
                "dated not before `pay_by`",
                lambda at: at.message.time >= (at.view.contract or 0) + at.view.order.terms.pay_by,
            ),
        ),
    ),
    Row(
        "lapse_fulfil",
        "buyer",
        "end",
        "every open part ends, marked late; refund due",
        (
            _CONTRACT,
            _PART,
            Check("nothing_open", "the part is open", lambda at: at.view.status(at.body.part) is _OPEN),
            Check(
                "too_early",
                "dated not before its `fulfil_by`",
                lambda at: at.message.time >= fulfil_by(at.view, at.body.part),
            ),
        ),
    ),
    *(
        Row(
            "lapse_dispute",
            role,
            "end of hold",
            "the dispute is closed: withdrawn by its own sender, else unresolved; void when a ruling crosses it",
            (
                _DISPUTE,
                Check("too_early", "of the own dispute, or dated not before `ruling_by`", _lapse_due),
            ),
        )
        for role in ("buyer", "seller")
    ),
    Row(
        "presume_received",
        "seller",
        "presumption",
        "the part is received, marked as presumed",
        (
            Check(
                "not_seen",
                "`fulfil` is a fulfil with effect",
                lambda at: _has(at.view, at.body.fulfil, "fulfil"),
            ),
            Check(
                "already",
                "its part is fulfilled and nothing more",
                lambda at: at.view.status(_fulfilled_part(at.view, at.body.fulfil)) is _FULFILLED,
            ),
            _NO_DISPUTE,
            Check(
                "too_early",
                "dated not before its `confirm_by`",
                lambda at: _confirm_due(at.view, at.body.fulfil, at.message),
            ),
        ),
    ),
    Row(
        "presume_payment",
        "buyer",
        "presumption",
        "the payment counts as paid, marked as presumed",
        (
            Check(
                "not_seen",
                "`payment` is a payment sent with effect",
                lambda at: _has(at.view, at.body.payment, "payment_sent"),
            ),
            _NO_DISPUTE,
            Check(
                "already",
                "it is *unconfirmed* (below)",
                lambda at: at.view.unconfirmed_payment(at.view.index(at.body.payment)),
            ),
            Check(
                "too_early",
                "dated not before its `confirm_by`",
                lambda at: _confirm_due(at.view, at.body.payment, at.message),
            ),
        ),
    ),
    Row(
        "presume_refund",
        "seller",
        "presumption",
        "the refund counts as arrived between the two; the base does not change",
        (
            Check(
                "not_seen",
                "`refund` is a refund with effect",
                lambda at: _has(at.view, at.body.refund, "refund"),
            ),
            _NO_DISPUTE,
            Check(
                "already",
                "it is *unconfirmed* (below)",
                lambda at: at.view.unconfirmed_refund(at.view.index(at.body.refund)),
            ),
            Check(
                "too_early",
                "dated not before its `confirm_by`",
                lambda at: _confirm_due(at.view, at.body.refund, at.message),
            ),
        ),
    ),
)

ROWS: Final = MappingProxyType({(row.type, row.sender): row for row in _ROWS})
"""(type, sender) -> row, in the order of the table."""


def verdict(view: View, message: Message) -> str | None:
    """The code why a message has no effect, judged on the view of its seen-set; None when it has [R-DEAL-15]."""
    row = ROWS.get((message.type, message.role))
    if row is None:
        return "not_party"
    move = Move(view, message)
    return next((check.code for check in row.checks if not check.holds(move)), None)
