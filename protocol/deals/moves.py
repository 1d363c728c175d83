"""What a side may do next: the types allowed, the frame of its next message, and whose turn it is until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from msgspec import UNSET, structs

from protocol.deals import bodies
from protocol.deals.bodies import DealBody, Role
from protocol.deals.figures import PartStatus
from protocol.deals.judging import SIDES, other_side
from protocol.deals.message import Message, type_of
from protocol.deals.state import DealState, Phase
from protocol.deals.table import ROWS, fulfil_by, verdict
from protocol.deals.view import View, bits, view
from protocol.errors import CODES, LocalProtocolError, Void
from protocol.limits import MAX_SEEN

_NO_ID = bytes(32)


@dataclass(frozen=True, slots=True)
class Draft:
    """The frame of a message about to be signed: what `message.sign` takes besides signer, role and epoch."""

    body: DealBody
    deal: bytes
    number: int
    previous: bytes | None
    seen: tuple[bytes, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Next:
    """A step the deal waits for: the type of message, who sends it, and until when (ms UTC; None: no date).

    `subject` is the message it answers (a payment, fulfil, refund or dispute), `part` the part it is about.
    """

    action: str
    by: Role
    until: int | None
    subject: bytes | None = None
    part: int | None = None


def draft(state: DealState, role: Role, body: DealBody, now: int) -> Draft:
    """The frame of a role's next message, after proving that it would have effect [R-DEAL-19].

    Args:
        state: of the messages this side holds, as of `now`.
        role: of the sender.
        body: what it will say.
        now: this side's clock, ms UTC: the date of the message.

    Raises:
        Void: it would have no effect; the code and a sentence say why. A side that used a number twice waits until
            the other has named one of the two.
        LocalProtocolError: the role's own message waits (the clock is behind it, or what it names is missing): a next
            one would use its number twice.
    """
    code = ""
    for place, seen in _places(state, role, now):
        message = structs.replace(place, type=type_of(body), body=body)
        found = "broken" if state.phase is Phase.BROKEN else verdict(seen, message)
        if found is None:
            return Draft(body, message.deal, message.number, message.previous, message.seen, now)
        code = code or found
    raise Void(code, f"a {type_of(body)} of the {role} would have no effect: {CODES[code].meaning}")


def moves(state: DealState, role: Role, now: int) -> tuple[str, ...]:
    """The types of message that would have effect when a role sent them now, in the order of the table.

    None where the role cannot send anything now, for the reasons that `draft` tells.
    """
    if state.phase is Phase.BROKEN:
        return ()
    try:
        places = list(_places(state, role, now))
    except (Void, LocalProtocolError):
        return ()
    return tuple(
        type
        for type, sender in ROWS
        if sender == role
        and any(
            verdict(seen, structs.replace(place, type=type, body=body)) is None
            for place, seen in places
            for body in _tries(seen, type)
        )
    )


def _places(state: DealState, role: Role, now: int) -> Iterator[tuple[Message, View]]:
    """A role's next message without its words, and the view of all it names.

    Where the other side used a number twice, first with the branch that would be chosen. Then with none, since a
    branch may leave nothing to say that could choose it, and a deal must not hang on that [R-DEAL-17].
    """
    newest = dict(state.newest)
    yield _place(state, role, newest, now)
    for side in sorted(state.doubled - {role}):
        docket = state.outcome.docket
        counted = bits(state.outcome.count.mask & docket.sides[side])
        last = max(
            (docket.case.messages[each] for each in counted), key=lambda each: each.number, default=None
        )
        if last == newest[side]:
            continue
        del newest[side]
        yield _place(state, role, newest if last is None else {**newest, side: last}, now)


def _place(state: DealState, role: Role, newest: Mapping[Role, Message], now: int) -> tuple[Message, View]:
    """The same for what is named as the newest message of each role."""
    if any(waiting.role == role for waiting in state.outcome.waits):
        raise LocalProtocolError(
            f"a message of the {role} itself waits: the clock is behind it, or a message it names is missing; "
            "set the clock or fetch the deal again before the next move"
        )
    docket, count = state.outcome.docket, state.outcome.count
    previous = newest.get(role)
    if previous is not None and not count.mask >> count.tips[role] & 1:
        raise Void("doubled", f"the {role} cannot send anything now: {CODES['doubled'].meaning}")
    message = Message(
        data=b"",
        id=_NO_ID,
        type="",
        deal=state.start.id,
        role=role,
        number=0 if previous is None else previous.number + 1,
        previous=None if previous is None else previous.id,
        seen=tuple(newest[side].id for side in SIDES if side != role and side in newest),
        time=now,
        epoch=None,
        body=state.start.body,
    )
    for index in bits(docket.sides.get("arbiter", 0) if role != "arbiter" else 0):
        ruling = docket.case.messages[index]
        named = structs.replace(message, seen=(*message.seen, ruling.id))
        if (
            docket.codes[ruling.id] is None
            and not docket.seen_set(message) >> index & 1
            and len(named.seen) <= MAX_SEEN
            and docket.place(named, docket.seen_set(named)) is None
        ):
            message = named
    code = docket.place(message, docket.seen_set(message))
    if code is not None:
        raise Void(code, f"the {role} cannot send anything now: {CODES[code].meaning}")
    return message, view(docket.case, docket.tally(message, docket.seen_set(message)))


def _tries(seen: View, type: str) -> Iterator[DealBody]:
    """A body of the least that each message of a type could say, for each thing it could be about."""
    order, messages = seen.order, seen.case.messages
    match type:
        case "accept":
            yield bodies.Accept(key=order.key, listing=order.listing, path=order.path)
        case "decline":
            yield bodies.Decline(reason="other")
        case "cancel":
            yield bodies.Cancel(reason="other")
        case "payment_sent":
            yield bodies.PaymentSent(amount=1)
        case "payment_received":
            yield bodies.PaymentReceived(amount=1)
        case "fulfil":
            yield from (bodies.Fulfil(part=part.number) for part in seen.parts)
        case "receive":
            yield from (bodies.Receive(part=part.number) for part in seen.parts)
        case "refund":
            yield bodies.Refund(amount=1)
        case "refund_received":
            yield bodies.RefundReceived(amount=1, total=seen.figures.refund_received + 1)
        case "dispute":
            yield bodies.Dispute(claim=0)
        case "ruling":
            yield from (bodies.Ruling(dispute=dispute.id, keeps=0, paid=0) for dispute in seen.open_disputes)
        case "lapse_accept":
            yield bodies.LapseAccept()
        case "lapse_pay":
            yield bodies.LapsePay()
        case "lapse_fulfil":
            yield from (bodies.LapseFulfil(part=part.number) for part in seen.parts)
        case "lapse_dispute":
            yield from (bodies.LapseDispute(dispute=dispute.id) for dispute in seen.open_disputes)
        case "presume_received":
            yield from (
                bodies.PresumeReceived(fulfil=messages[index].id) for index in bits(seen.tally.fulfils)
            )
        case "presume_payment":
            yield from (
                bodies.PresumePayment(payment=messages[index].id) for index in bits(seen.tally.payments)
            )
        case "presume_refund":
            yield from (bodies.PresumeRefund(refund=messages[index].id) for index in bits(seen.tally.refunds))
        case _:
            return  # a start


def steps(state: DealState, now: int) -> tuple[Next, ...]:
    """Every step the deal waits for, the first one first; empty when final or broken [R-DEAL-24]."""
    if state.phase in (Phase.BROKEN, Phase.FINAL):
        return ()
    return tuple(_steps(state, now))


def next_step(state: DealState, now: int) -> Next | None:
    """The first of `steps`."""
    return next(iter(steps(state, now)), None)


def _steps(state: DealState, now: int) -> Iterator[Next]:
    seen, terms = state.outcome.view, state.outcome.view.order.terms
    for dispute in seen.open_disputes:
        until = dispute.time + terms.ruling_by
        if now >= until:
            yield Next("lapse_dispute", other_side(dispute.role), None, dispute.id)
        elif terms.arbiter is UNSET:
            yield Next("lapse_dispute", dispute.role, until, dispute.id)
        else:
            yield Next("ruling", "arbiter", until, dispute.id)
    if state.phase is Phase.ORDERED or (seen.contract is None and seen.parts_of(PartStatus.OPEN)):
        until = state.start.time + terms.accept_by
        yield _or_later(now, Next("accept", "seller", until), Next("lapse_accept", "buyer", None))
    yield from _confirmations(seen, now)
    if seen.contract is not None:
        yield from _performance(seen, now)
    if state.figures.refund_due:
        yield Next("refund", "seller", None)


def _confirmations(seen: View, now: int) -> Iterator[Next]:
    """What waits for the word of the other side; presumed when it does not come."""
    confirm_by = seen.order.terms.confirm_by
    for index in bits(seen.tally.payments | seen.tally.fulfils | seen.tally.refunds):
        claim = seen.case.messages[index]
        by: Role = "buyer"
        match claim.body:
            case bodies.PaymentSent() if seen.unconfirmed_payment(index):
                action, by, presume = "payment_received", "seller", "presume_payment"
            case bodies.Refund() if seen.unconfirmed_refund(index):
                action, presume = "refund_received", "presume_refund"
            case bodies.Fulfil(part=part) if seen.status(part) is PartStatus.FULFILLED:
                action, presume = "receive", "presume_received"
            case _:
                continue
        step = Next(action, by, claim.time + confirm_by, claim.id)
        late = Next(presume, other_side(by), None, claim.id)
        yield replace(step, until=None) if seen.open_disputes else _or_later(now, step, late)


def _performance(seen: View, now: int) -> Iterator[Next]:
    """Paying and fulfilling."""
    figures, open_parts = seen.figures, seen.parts_of(PartStatus.OPEN)
    if figures.payment_due and not figures.unconfirmed_payments:
        if open_parts and not seen.tally.payments and not seen.tally.payments_received:
            pay_by = (seen.contract or 0) + seen.order.terms.pay_by
            yield _or_later(now, Next("payment_sent", "buyer", pay_by), Next("lapse_pay", "seller", None))
        elif figures.sent < figures.price and any(part.status is not PartStatus.ENDED for part in seen.parts):
            yield Next("payment_sent", "buyer", None)
        else:
            yield Next("payment_received", "seller", None)  # the buyer has no more to say on it
    for part in open_parts:
        until = fulfil_by(seen, part.number)
        yield _or_later(
            now,
            Next("fulfil", "seller", until, part=part.number),
            Next("lapse_fulfil", "buyer", None, part=part.number),
        )


def _or_later(now: int, step: Next, late: Next) -> Next:
    """A step while its date has not come, and afterwards what the other side may do instead."""
    return step if step.until is None or now < step.until else late
