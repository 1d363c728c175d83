"""Every message of every sender in every state: with effect, or void with its code [R-DEAL-15, 16]."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from protocol.deals import bodies
from protocol.deals.bodies import TYPES, DealBody, Role
from protocol.deals.state import Phase, judge
from protocol.deals.table import ROWS
from protocol.errors import CODES, Side
from tests.protocol.deals.made import BUYER, FAR, HOUR, Play, order, started
from tests.protocol.deals.test_crossings import ACCEPT, CANCEL, agreed, fulfilled, paid
from tests.protocol.deals.verdicts_expected import LATE, SOON

NOTHING = b"\x01" * 32


def declined() -> Play:
    play = Play()
    play.say("seller", bodies.Decline(reason="other"))
    return play


def cancelled() -> Play:
    play = paid()
    play.say("buyer", CANCEL)
    return play


def sent() -> Play:
    play = agreed()
    play.say("buyer", bodies.PaymentSent(amount=100))
    return play


def received() -> Play:
    play, fulfil = fulfilled()
    play.say("buyer", bodies.Receive(fulfil=fulfil.id))
    return play


def presumed() -> Play:
    play, fulfil = fulfilled()
    play.say("seller", bodies.PresumeReceived(fulfil=fulfil.id), after=20)
    return play


def refunding() -> Play:
    play = cancelled()
    play.say("seller", bodies.Refund(amount=100))
    return play


def refunded() -> Play:
    play = refunding()
    play.say("buyer", bodies.RefundReceived(amount=100, total=100, refund=play.messages[-1].id))
    return play


def disputed() -> Play:
    play, _ = fulfilled()
    play.say("buyer", bodies.Dispute(claim=0))
    return play


def ruled() -> Play:
    play = disputed()
    play.say("arbiter", bodies.Ruling(dispute=play.messages[-1].id, delivered=(0,), keeps=60, paid=100))
    return play


def half() -> Play:
    """Two parts: the first received and half of it paid."""
    play = agreed(60, 40)
    one = play.say("buyer", bodies.PaymentSent(amount=60))
    play.say("seller", bodies.PaymentReceived(amount=60, payment=one.id))
    fulfil = play.say("seller", bodies.Fulfil(part=0))
    play.say("buyer", bodies.Receive(fulfil=fulfil.id, part=0))
    return play


STATES: dict[str, Callable[[], Play]] = {
    "ordered": Play,
    "declined": declined,
    "agreed": agreed,
    "sent": sent,
    "paid": paid,
    "fulfilled": lambda: fulfilled()[0],
    "received": received,
    "presumed": presumed,
    "half": half,
    "cancelled": cancelled,
    "refunding": refunding,
    "refunded": refunded,
    "disputed": disputed,
    "ruled": ruled,
}


def said(play: Play, type: str) -> DealBody:
    """The most sensible body of a type: it refers to the message of this deal that it could be about."""
    state = play.state()
    figures, seen = state.figures, state.outcome.view

    def first(kind: str) -> bytes:
        return next((each.id for each in play.messages if each.type == kind), NOTHING)

    part = min(len(state.parts) - 1, sum(each.type == "receive" for each in play.messages))
    match type:
        case "order":
            return order((7,))
        case "renewal":
            return bodies.Renewal(first=b"", parts=(), turn=1)
        case "accept":
            return ACCEPT
        case "decline":
            return bodies.Decline(reason="other")
        case "cancel":
            return CANCEL
        case "payment_sent":
            return bodies.PaymentSent(amount=max(1, figures.price - figures.sent))
        case "payment_received":
            return bodies.PaymentReceived(amount=5)
        case "fulfil":
            return bodies.Fulfil(part=part)
        case "receive":
            return bodies.Receive(part=part)
        case "refund":
            return bodies.Refund(amount=5)
        case "refund_received":
            return bodies.RefundReceived(amount=5, total=figures.refund_received + 5)
        case "dispute":
            return bodies.Dispute(claim=0)
        case "ruling":
            return bodies.Ruling(dispute=first("dispute"), keeps=0, paid=0)
        case "lapse_accept":
            return bodies.LapseAccept()
        case "lapse_pay":
            return bodies.LapsePay()
        case "lapse_fulfil":
            return bodies.LapseFulfil(part=part)
        case "lapse_dispute":
            return bodies.LapseDispute(dispute=first("dispute"))
        case "presume_received":
            return bodies.PresumeReceived(fulfil=first("fulfil"))
        case "presume_payment":
            return bodies.PresumePayment(payment=first("payment_sent"))
        case "presume_refund":
            return bodies.PresumeRefund(refund=first("refund"))
    raise AssertionError(seen)


def verdicts(play: Play, hours: int) -> dict[str, str | None]:
    """`type role` -> verdict of every row of the table, `hours` after the last message."""
    found: dict[str, str | None] = {}
    for type, role in ROWS:
        if type not in ("order", "renewal"):
            made = play.send(role, said(play, type), after=hours)
            found[f"{type} {role}"] = play.code(made)
            play.messages.pop()
            play.now -= hours * HOUR
    return found


def expected(name: str, later: bool) -> dict[str, str | None]:
    """The table written down by hand, unfolded."""
    found: dict[str, str | None] = {}
    for rows in (SOON, LATE) if later else (SOON,):
        for code, moves in rows.get(name, {}).items():
            for move in moves.split():
                type, _, side = move.partition("/")
                role = {"a": "arbiter", "b": "buyer", "s": "seller"}[side]
                found[f"{type} {role}"] = None if code == "effect" else code
    return found


@pytest.mark.parametrize("later", [False, True], ids=["soon", "late"])
@pytest.mark.parametrize("name", STATES)
def test_every_message_in_every_state(name: str, later: bool) -> None:
    """R-DEAL-15."""
    assert verdicts(STATES[name](), 1_000 if later else 1) == expected(name, later)


@pytest.mark.parametrize("name", STATES)
def test_what_is_not_ones_to_send_is_void(name: str) -> None:
    """R-DEAL-15: `not_party`, for every type and role that the table has no row for."""
    roles: tuple[Role, ...] = ("arbiter", "buyer", "seller")
    for type in TYPES.keys() - {"order", "renewal"}:
        for role in roles:
            if (type, role) not in ROWS:
                play = STATES[name]()
                assert play.code(play.send(role, said(play, type))) == "not_party"


def test_every_code_of_the_table_is_void_in_the_registry() -> None:
    """R-DEAL-15: and every type has its row."""
    for row in ROWS.values():
        for check in row.checks:
            assert CODES[check.code].side is Side.VOID, check.code
    assert {type for type, _ in ROWS} == set(TYPES)


def code(play: Play, role: Role, body: DealBody, *, after: int = 1) -> str | None:
    """The verdict on one message."""
    return play.code(play.send(role, body, after=after))


def test_amounts() -> None:
    """R-DEAL-16: what was sent, paid and sent back bounds what follows."""
    assert code(agreed(), "buyer", bodies.PaymentSent(amount=101)) == "too_much"
    play = agreed()
    play.say("buyer", bodies.PaymentSent(amount=60))
    assert code(play, "buyer", bodies.PaymentSent(amount=41)) == "too_much"
    play.messages.pop()
    play.say("buyer", bodies.PaymentSent(amount=40))
    assert play.state().figures.sent == 100
    play = cancelled()
    play.say("seller", bodies.Refund(amount=70))
    assert code(play, "seller", bodies.Refund(amount=31)) == "too_much"
    play.messages.pop()
    assert code(play, "buyer", bodies.RefundReceived(amount=101, total=101)) == "too_much"
    play.messages.pop()
    play.say(
        "buyer", bodies.RefundReceived(amount=100, total=100)
    )  # more than was told, not more than is due
    assert play.state().figures.refund_due == 0
    assert code(play, "seller", bodies.Refund(amount=1)) == "too_much"


def test_a_refund_leaves_what_open_parts_cost() -> None:
    """R-DEAL-16: cancel them first."""
    play = paid(60, 40)
    fulfil = play.say("seller", bodies.Fulfil(part=0))
    play.say("buyer", bodies.Receive(fulfil=fulfil.id, part=0))
    assert code(play, "seller", bodies.Refund(amount=61)) == "too_much"
    play.messages.pop()
    play.say("seller", CANCEL)
    play.say("seller", bodies.Refund(amount=61))


def test_totals_of_refunds() -> None:
    """R-DEAL-16: `total` is all that was confirmed."""
    play = refunding()
    play.say("buyer", bodies.RefundReceived(amount=30, total=30))
    assert code(play, "buyer", bodies.RefundReceived(amount=30, total=30)) == "total_differs"
    play.messages.pop()
    play.say("buyer", bodies.RefundReceived(amount=30, total=60))
    assert play.state().figures.unconfirmed_refunds == 40


def test_parts_that_are_not_there() -> None:
    """R-DEAL-16."""
    for body, role in (
        (bodies.Fulfil(part=1), "seller"),
        (bodies.Receive(part=1), "buyer"),
        (bodies.LapseFulfil(part=1), "buyer"),
    ):
        assert code(paid(), role, body) == "no_part"  # type: ignore[arg-type]
    play = disputed()
    ruling = bodies.Ruling(dispute=play.messages[-1].id, delivered=(0, 1), keeps=0, paid=0)
    assert code(play, "arbiter", ruling) == "no_part"


def test_references_to_what_is_not_there() -> None:
    """R-DEAL-16: `not_seen`: unknown, of another type, of another part, or without effect."""
    play = paid(60, 40)
    fulfil = play.say("seller", bodies.Fulfil(part=0))
    accept = play.messages[1]
    for id in (NOTHING, accept.id):
        for role, body in (
            ("seller", bodies.PaymentReceived(amount=1, payment=id)),
            ("buyer", bodies.Receive(fulfil=id)),
            ("buyer", bodies.RefundReceived(amount=1, refund=id, total=1)),
            ("seller", bodies.PresumeReceived(fulfil=id)),
            ("buyer", bodies.PresumePayment(payment=id)),
            ("seller", bodies.PresumeRefund(refund=id)),
        ):
            assert code(play, role, body) == "not_seen"  # type: ignore[arg-type]
            play.messages.pop()
    assert code(play, "buyer", bodies.Receive(fulfil=fulfil.id, part=1)) == "not_seen"
    play.messages.pop()
    void = play.send("buyer", bodies.PaymentSent(amount=1))
    assert play.code(void) == "already"
    assert code(play, "seller", bodies.PaymentReceived(amount=1, payment=void.id)) == "not_seen"


def test_nothing_is_confirmed_twice() -> None:
    """R-DEAL-16."""
    play = paid()
    again = bodies.PaymentReceived(amount=100, payment=play.messages[2].id)
    assert code(play, "seller", again) == "repeat"
    play = refunded()
    refund = next(each for each in play.messages if each.type == "refund")
    assert code(play, "buyer", bodies.RefundReceived(amount=1, refund=refund.id, total=101)) == "repeat"


def test_an_accept_repeats_the_order() -> None:
    """R-DEAL-16: key, listing and path."""
    for accept in (
        bodies.Accept(key=b"k" * 32, listing=b"l" * 32),
        bodies.Accept(key=BUYER.public),
        bodies.Accept(key=BUYER.public, listing=b"l" * 32, path=b"p" * 32),
    ):
        assert code(Play(), "seller", accept) == "terms_differ"


def test_rulings_are_for_the_arbiter_of_the_order() -> None:
    """R-DEAL-16: none without one, and none above the price."""
    terms = bodies.Terms(accept_by=1, confirm_by=1, dispute_until=1, fulfil_by=1, pay_by=1, ruling_by=HOUR)
    play = Play(started(order(terms=terms)))
    play.say("seller", ACCEPT)
    dispute = play.say("buyer", bodies.Dispute(claim=0))
    assert code(play, "arbiter", bodies.Ruling(dispute=dispute.id, keeps=0, paid=0)) == "no_arbiter"
    play = disputed()
    ruling = bodies.Ruling(dispute=play.messages[-1].id, keeps=101, paid=0)
    assert code(play, "arbiter", ruling) == "too_much"


def test_deadlines_begin_with_the_message_that_opened_the_step() -> None:
    """R-DEAL-14: to the millisecond, by the dates of what was seen."""
    play = Play()
    assert [code_at(play, "buyer", bodies.LapseAccept(), 10 * HOUR + shift) for shift in (-1, 0)] == [
        *("too_early", None)
    ]
    play = agreed()
    accept = play.messages[-1].time - play.start.time
    assert [code_at(play, "seller", bodies.LapsePay(), accept + 15 * HOUR + shift) for shift in (-1, 0)] == [
        *("too_early", None)
    ]
    play = paid()
    at = play.messages[-1].time - play.start.time
    assert [code_at(play, "buyer", bodies.LapseFulfil(), at + 30 * HOUR + shift) for shift in (-1, 0)] == [
        *("too_early", None)
    ]
    play, fulfil = fulfilled()
    at = fulfil.time - play.start.time
    presume = bodies.PresumeReceived(fulfil=fulfil.id)
    assert [code_at(play, "seller", presume, at + 20 * HOUR + shift) for shift in (-1, 0)] == [
        *("too_early", None)
    ]
    play = disputed()
    at = play.messages[-1].time - play.start.time
    lapse = bodies.LapseDispute(dispute=play.messages[-1].id)
    assert [code_at(play, "seller", lapse, at + 40 * HOUR + shift) for shift in (-1, 0)] == [
        *("too_early", None)
    ]
    play = received()
    at = play.messages[-1].time - play.start.time
    dispute = bodies.Dispute(claim=0)
    assert [code_at(play, "seller", dispute, at + 100 * HOUR + shift) for shift in (0, 1)] == [
        *(None, "hold_over")
    ]


def code_at(play: Play, role: Role, body: DealBody, since_start: int) -> str | None:
    """The verdict on a message dated so many ms after the start."""
    before = play.now
    play.now = play.start.time + since_start - HOUR
    made = play.send(role, body)
    found = judge(play.messages, FAR).verdicts[made.id]
    play.messages.pop()
    play.now = before
    return found


def test_a_part_may_have_its_own_date() -> None:
    """R-DEAL-14: `fulfil_by` of a part in place of that of the terms."""
    early = bodies.Part(price=60, fulfil_by=2 * HOUR)
    play = Play(started(msgspec.structs.replace(order(), parts=(early, bodies.Part(price=40)))))
    play.say("seller", ACCEPT)
    assert code(play, "buyer", bodies.LapseFulfil(part=1), after=3) == "too_early"
    play.messages.pop()
    play.say("buyer", bodies.LapseFulfil(part=0), after=3)
    assert [part.status.value for part in play.state().parts] == ["ended", "ended"]


def test_the_hold_does_not_run_while_a_part_is_outstanding() -> None:
    """R-DEAL-14: the receipt of the first milestone takes away no dispute about the second."""
    play = half()
    play.say("buyer", bodies.Dispute(claim=60), after=500)
    assert play.state().phase is Phase.DISPUTED


def test_late_goods_that_are_kept() -> None:
    """R-DEAL-16: a part received after its end is received, its price is owed again."""
    play = cancelled()
    assert play.state().figures.refund_due == 100
    play.say("buyer", bodies.Receive())
    assert (play.state().figures.refund_due, play.state().phase) == (0, Phase.FINAL)


def test_a_payment_after_the_end_is_refund_due() -> None:
    """R-DEAL-16: a confirmation is never refused for lateness."""
    play = declined()
    play.say("seller", bodies.PaymentReceived(amount=100))
    assert (play.state().figures.refund_due, play.state().phase) == (100, Phase.CLOSED)
