"""Every message set that honest sides can come to in a few moves, and what must hold of each [R-DEAL-10].

A side's message names its own predecessor and any newer state of the other side's messages, so all crossings arise.
Dates are the earliest at which the message has effect. `check` looks at each set once: one state in any order of
arrival, nothing undone by the message that made it larger, and a way to *closed* for each side alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from protocol.deals import bodies
from protocol.deals.bodies import DealBody, Role
from protocol.deals.figures import Figures, PartStatus
from protocol.deals.judging import SIDES, Docket
from protocol.deals.message import Message, type_of
from protocol.deals.state import DealState, Phase, judge
from protocol.deals.table import confirmable, refundable, verdict
from protocol.deals.view import View, bits, view
from protocol.errors import Void
from tests.protocol.deals.made import FAR, HOUR, drafted, unsigned

PASSED = 1_000 * HOUR  # later than every deadline
Set = tuple[Message, ...]

# What may become void by a message that crosses it, and the code it then has.
CROSSED_OUT = {"lapse_pay": "paid", "lapse_dispute": "ruled", "ruling": "two_rulings"}


def says(seen: View, role: Role) -> Iterator[DealBody]:
    """What a role could say in view of some messages: each thing once, with the amounts that matter."""
    case, tally = seen.case, seen.tally
    order = seen.order
    if role == "arbiter":
        for dispute in seen.open_disputes:
            everything = tuple(part.number for part in seen.parts)
            yield bodies.Ruling(
                dispute=dispute.id, delivered=everything, keeps=seen.figures.price, paid=seen.figures.paid
            )
            yield bodies.Ruling(dispute=dispute.id, keeps=0, paid=seen.figures.price)
        return
    yield bodies.Cancel(reason="other")
    yield bodies.Dispute(claim=0)
    yield from (bodies.LapseDispute(dispute=dispute.id) for dispute in seen.open_disputes)
    parts = range(len(seen.parts))
    if role == "seller":
        yield bodies.Accept(key=order.key, listing=order.listing, path=order.path)
        yield bodies.Decline(reason="other")
        for index in bits(tally.payments & ~tally.payments_named):
            payment = case.messages[index]
            yield bodies.PaymentReceived(amount=payment.body.amount, payment=payment.id)
        if seen.figures.price and not tally.payments and not tally.payments_received:
            yield bodies.PaymentReceived(amount=seen.figures.price)
        yield from (bodies.Fulfil(part=part) for part in parts)
        if refundable(seen):
            yield bodies.Refund(amount=refundable(seen))
        yield bodies.LapsePay()
        yield from (bodies.PresumeReceived(fulfil=case.messages[index].id) for index in bits(tally.fulfils))
        yield from (bodies.PresumeRefund(refund=case.messages[index].id) for index in bits(tally.refunds))
        return
    if seen.figures.price > seen.figures.sent:
        yield bodies.PaymentSent(amount=seen.figures.price - seen.figures.sent)
    yield from (bodies.Receive(part=part) for part in parts)
    so_far = seen.figures.refund_received
    for index in bits(tally.refunds & ~tally.refunds_named):
        refund = case.messages[index]
        amount = min(
            refund.body.amount, confirmable(seen)
        )  # a part of it may have been confirmed without its name
        if amount:
            yield bodies.RefundReceived(amount=amount, refund=refund.id, total=so_far + amount)
    if not tally.refunds and confirmable(seen):
        yield bodies.RefundReceived(amount=confirmable(seen), total=so_far + confirmable(seen))
    yield bodies.LapseAccept()
    yield from (bodies.LapseFulfil(part=part) for part in parts)
    yield from (bodies.PresumePayment(payment=case.messages[index].id) for index in bits(tally.payments))


def newest(messages: Iterable[Message], role: Role) -> Message | None:
    """A role's newest message; nobody here uses a number twice."""
    return max((each for each in messages if each.role == role), key=lambda each: each.number, default=None)


def positions(docket: Docket, role: Role) -> Iterator[tuple[Message | None, tuple[Message, ...], View]]:
    """Every place from which a role could send its next message: predecessor, what it names, and that view."""
    case = docket.case
    previous = newest(case.messages, role)
    rulings = [each for each in case.messages if each.role == "arbiter"]
    others: list[list[Message]] = [[]]
    for side in SIDES:
        if side != role:
            theirs = [each for each in case.messages if each.role == side]
            others = [[*chosen, *one] for chosen in others for one in [[], *([each] for each in theirs)]]
    if role != "arbiter":
        others = [[*chosen, *one] for chosen in others for one in [[], *([each] for each in rulings)]]
    for named in others:
        frame = unsigned(
            bodies.LapsePay(), role, deal=case.base.start.id, previous=previous, seen=named, time=FAR
        )
        if docket.place(frame, docket.seen_set(frame)) is None:
            yield previous, tuple(named), view(case, docket.tally(frame, docket.seen_set(frame)))


def extensions(state: DealState, role: Role) -> Iterator[Message]:
    """Every message with effect that a role could add, dated as early as it can be."""
    docket = state.outcome.docket
    for previous, named, seen in positions(docket, role):
        base = max(each.time for each in (*named, *(() if previous is None else (previous,))))
        for body in says(seen, role):
            for time in (base + HOUR, base + PASSED):
                made = unsigned(body, role, deal=state.start.id, previous=previous, seen=named, time=time)
                code = verdict(seen, made)
                if code is None:
                    yield made
                if code != "too_early":
                    break


@dataclass(frozen=True, slots=True)
class Brief:
    """What is compared of a set with one that is a message larger; `void` has the codes of what is without effect."""

    void: tuple[tuple[bytes, str | None], ...]
    contract: bool
    parts: tuple[PartStatus, ...]
    figures: Figures


def brief(state: DealState) -> Brief:
    """Of one state."""
    void = tuple((id, code) for id, code in state.verdicts.items() if code is not None)
    return Brief(void, state.contract, tuple(part.status for part in state.parts), state.figures)


@dataclass
class Findings:
    """How many sets there were, in which phases, and the first things that are wrong."""

    sets: int = 0
    phases: Counter[Phase] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, messages: Set, sentence: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(f"{[(each.role, each.type) for each in messages]}: {sentence}")


def check(start: Message, moves: Mapping[Role, int]) -> Findings:
    """Explores every set with at most so many messages of each role beyond the start, and checks each.

    A set is known by the exclusive or of its ids: cheap to make from one that is a message smaller, and to keep.
    """
    found = Findings()
    alone: dict[tuple[object, ...], str | None] = {}
    made_before: dict[bytes, Message] = {}
    level: dict[int, Set] = {_key(start): (start,)}
    before: dict[int, Brief] = {}
    while level:
        following: dict[int, Set] = {}
        briefs: dict[int, Brief] = {}
        while level:  # what was looked at is let go of: the largest levels fill the memory
            key, messages = level.popitem()
            state = judge(messages, FAR)
            found.sets += 1
            found.phases[state.phase] += 1
            now = brief(state)
            if len(messages) <= sum(moves.values()):  # the largest sets have none that are larger
                briefs[key] = now
            for sentence in _one_state(messages, state):
                found.note(messages, sentence)
            for last in messages[1:]:
                smaller = before.get(key ^ _key(last))
                for sentence in () if smaller is None else undone(smaller, last, now):
                    found.note(messages, f"by {last.type} of the {last.role}: {sentence}")
            for side in SIDES:
                known = (side, *signature(state))
                if known not in alone:
                    alone[known] = stuck(messages, state, side)
                if alone[known] is not None:
                    found.note(messages, f"the {side} alone: {alone[known]}")
            for role, most in moves.items():
                if sum(each.role == role and not each.starts for each in messages) < most:
                    for each in extensions(state, role):
                        made = made_before.setdefault(each.id, each)
                        larger = key ^ _key(made)
                        if larger not in following:
                            following[larger] = (*messages, made)
        level, before = following, briefs
    return found


def _key(message: Message) -> int:
    return int.from_bytes(message.id, "big")


def _one_state(messages: Set, state: DealState) -> Iterator[str]:
    """The same set in other orders of arrival; all of them while they are few."""
    orders: Iterable[Sequence[Message]] = (messages[::-1],)
    if len(messages) <= 4:
        orders = permutations(messages)
    for order in orders:
        if judge(order, FAR) != state:
            yield f"another state when it arrives as {[each.type for each in order]}"


def undone(smaller: Brief, last: Message, larger: Brief) -> Iterator[str]:
    """What a message with effect took away that it must not."""
    old, new, kind = smaller.figures, larger.figures, last.type
    were, are = dict(smaller.void), dict(larger.void)
    for id in were.keys() | are.keys() - {last.id}:
        code, now = were.get(id), are.get(id)
        if now != code and kind != "ruling" and now not in CROSSED_OUT.values():
            yield f"an older message went from {code} to {now}"
    if smaller.contract and not larger.contract:
        yield "the contract is gone"
    for was, now_is in zip(smaller.parts, larger.parts, strict=True):
        if (was, now_is) not in _BECOMES.get(kind, frozenset()) | _ANYHOW and was is not now_is:
            yield f"a part went from {was.value} to {now_is.value}"
    freezes = kind in ("dispute", "ruling")
    if new.paid < old.paid and not freezes:
        yield f"paid fell from {old.paid} to {new.paid}"
    if new.sent < old.sent or new.refund_sent < old.refund_sent or new.refund_received < old.refund_received:
        yield "a claim or confirmation is gone"
    fell = old.refund_due - new.refund_due
    if fell > 0 and not freezes and fell > _may_settle(last, old):
        yield f"refund due fell by {fell}"
    both = min(new.refund_sent, new.refund_received) - min(old.refund_sent, old.refund_received)
    if old.base - new.base > both and not freezes:
        yield f"the base fell from {old.base} to {new.base}"


_ANYHOW = frozenset({(PartStatus.FULFILLED, PartStatus.PRESUMED)})  # when a dispute closes
_EVERY = frozenset((was, now) for was in PartStatus for now in PartStatus if was is not PartStatus.RECEIVED)
_ENDS = frozenset({(PartStatus.OPEN, PartStatus.ENDED)})
_RECEIVES = frozenset((was, PartStatus.RECEIVED) for was in PartStatus)
_BECOMES = {
    "ruling": _EVERY,
    "dispute": frozenset({(PartStatus.PRESUMED, PartStatus.FULFILLED)}),
    "receive": _RECEIVES,
    "fulfil": frozenset((was, PartStatus.FULFILLED) for was in (PartStatus.OPEN, PartStatus.ENDED)),
    "payment_sent": frozenset({(PartStatus.ENDED, PartStatus.OPEN)}),  # it voids a `lapse_pay`
    **dict.fromkeys(("cancel", "decline", "lapse_accept", "lapse_pay", "lapse_fulfil"), _ENDS),
}


def _may_settle(last: Message, old: Figures) -> int:
    """How much of a refund due a message may settle."""
    match last.body:
        case bodies.Refund(amount=amount) | bodies.RefundReceived(amount=amount):
            return amount
        case bodies.Receive() | bodies.Fulfil() | bodies.PaymentSent():
            return old.price  # goods for which the money is owed, or the deal goes on
        case _:
            return 0


def signature(state: DealState) -> tuple[object, ...]:
    """What decides how the deal can go on for a side that has seen everything."""
    seen = state.outcome.view
    tally, messages = seen.tally, seen.case.messages
    open_claims = sorted(
        messages[index].body.amount
        for mask, test in (
            (tally.payments, seen.unconfirmed_payment),
            (tally.refunds, seen.unconfirmed_refund),
        )
        for index in bits(mask)
        if test(index)
    )
    return (
        *(state.parts, state.figures, state.phase, state.contract, tuple(open_claims), tally.cancelled),
        tuple((dispute.message.role, dispute.closed) for dispute in state.disputes),
        tally.payments.bit_count() - tally.payments_named.bit_count(),
        tally.refunds.bit_count() - tally.refunds_named.bit_count(),
    )


_CLOSERS: Mapping[Role, tuple[str, ...]] = {
    "buyer": ("lapse_dispute", "receive", "cancel", "refund_received", "presume_payment"),
    "seller": (
        *("lapse_dispute", "decline", "cancel", "payment_received", "presume_received", "presume_refund"),
    ),
}


def stuck(messages: Set, state: DealState, role: Role) -> str | None:
    """Why a side alone, with deadlines that pass, cannot bring the deal to closed; None when it can."""
    said, now = list(messages), max(each.time for each in messages)
    for _ in range(20):
        if state.phase in (Phase.CLOSED, Phase.FINAL):
            return None
        now += PASSED
        view_now = state.outcome.view
        for body in sorted(
            (body for body in says(view_now, role) if type_of(body) in _CLOSERS[role]),
            key=lambda body: _CLOSERS[role].index(type_of(body)),
        ):
            if isinstance(body, bodies.Receive) and view_now.status(body.part) is not PartStatus.FULFILLED:
                continue
            try:
                said.append(drafted(state, role, body, now))
            except Void:
                continue
            break
        else:
            return f"nothing closes it in phase {state.phase.value}"
        state = judge(said, now)
    return "it goes on for ever"
