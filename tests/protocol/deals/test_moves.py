"""What a side may do next, and whose turn it is until when."""

from __future__ import annotations

import pytest

from protocol.deals import bodies
from protocol.deals.bodies import Role, Terms
from protocol.deals.moves import moves, next_step, steps
from protocol.deals.state import judge
from tests.protocol.deals.made import FAR, HOUR, START, Play, drafted, order, started
from tests.protocol.deals.test_crossings import ACCEPT, CANCEL, agreed, fulfilled, paid
from tests.protocol.deals.test_table import STATES, disputed, half, received, ruled, verdicts

LONG = 1_000 * HOUR


def told(play: Play, now: int | None = None) -> list[tuple[str, str, int | None]]:
    """The steps as (action, by, hours after the start)."""
    return [
        (step.action, step.by, None if step.until is None else (step.until - START) // HOUR)
        for step in steps(play.state(), play.now if now is None else now)
    ]


@pytest.mark.parametrize("name", STATES)
def test_moves_are_what_has_effect(name: str) -> None:
    """R-DEAL-19: the types that any body of theirs makes legal; at least those with the bodies of the table's test."""
    roles: tuple[Role, ...] = ("buyer", "seller", "arbiter")
    for hours in (1, 1_000):
        play = STATES[name]()
        expected = {key for key, code in verdicts(play, hours).items() if code is None}
        found = {
            f"{type} {role}" for role in roles for type in moves(play.state(), role, play.now + hours * HOUR)
        }
        assert expected <= found
        # Beyond these only what another amount or part makes legal.
        assert {key.split()[0] for key in found - expected} <= {"refund", "refund_received", "payment_sent"}


def test_no_move_before_what_was_seen() -> None:
    """R-DEAL-19: a clock behind the newest message, which itself does not wait, drafts nothing."""
    assert moves(agreed().state(), "seller", START) == ()


def test_steps_of_an_order() -> None:
    """R-DEAL-24: accept, and after its date the buyer may lapse."""
    play = Play()
    assert told(play) == [("accept", "seller", 10)]
    assert told(play, START + 10 * HOUR) == [("lapse_accept", "buyer", None)]


def test_steps_of_an_agreed_deal() -> None:
    """R-DEAL-24: pay and fulfil."""
    play = agreed()
    assert told(play) == [("payment_sent", "buyer", 16), ("fulfil", "seller", 31)]
    assert told(play, FAR) == [("lapse_pay", "seller", None), ("lapse_fulfil", "buyer", None)]
    sent = play.say("buyer", bodies.PaymentSent(amount=100))
    assert told(play) == [("payment_received", "seller", 22), ("fulfil", "seller", 31)]
    assert told(play, FAR)[0] == ("presume_payment", "buyer", None)
    assert steps(play.state(), play.now)[0].subject == sent.id
    play.say("seller", bodies.PaymentReceived(amount=100, payment=sent.id))
    assert told(play) == [("fulfil", "seller", 33)]


def test_steps_of_a_part_payment() -> None:
    """R-DEAL-24: what is paid in part can no longer lapse for want of payment."""
    play = half()
    assert told(play) == [("payment_sent", "buyer", None), ("fulfil", "seller", 33)]
    assert next_step(play.state(), play.now) == steps(play.state(), play.now)[0]
    assert steps(play.state(), play.now)[1].part == 1
    assert told(play, FAR) == [("payment_sent", "buyer", None), ("lapse_fulfil", "buyer", None)]


def test_steps_of_a_fulfilled_deal() -> None:
    """R-DEAL-24: the receipt, and after its date the presumption."""
    play, fulfil = fulfilled()
    assert told(play) == [("receive", "buyer", 24)]
    assert told(play, FAR) == [("presume_received", "seller", None)]
    assert steps(play.state(), play.now)[0].subject == fulfil.id
    assert told(received()) == []
    assert next_step(received().state(), FAR) is None


def test_steps_of_a_disputed_deal() -> None:
    """R-DEAL-24: the ruling, and after its date the other side may close it; nothing is presumed meanwhile."""
    play = disputed()
    assert told(play) == [("ruling", "arbiter", 45), ("receive", "buyer", None)]
    assert told(play, FAR) == [("lapse_dispute", "seller", None), ("receive", "buyer", None)]
    terms = Terms(accept_by=1, confirm_by=1, dispute_until=1, fulfil_by=HOUR, pay_by=HOUR, ruling_by=HOUR)
    play = Play(started(order(terms=terms)))
    play.say("seller", ACCEPT)
    play.say("buyer", bodies.Dispute(claim=0))
    assert told(play)[0] == ("lapse_dispute", "buyer", 3)
    assert told(play, FAR)[0] == ("lapse_dispute", "seller", None)


def test_steps_of_money_that_is_due() -> None:
    """R-DEAL-24: the refund, its confirmation, its presumption."""
    play = paid()
    play.say("buyer", CANCEL)
    assert told(play) == [("refund", "seller", None)]
    play.say("seller", bodies.Refund(amount=100))
    assert told(play) == [("refund_received", "buyer", 25)]
    assert told(play, FAR) == [("presume_refund", "seller", None)]
    unpaid = agreed()
    receive = unpaid.say("buyer", bodies.Receive())
    assert told(unpaid) == [("payment_sent", "buyer", None)]
    assert unpaid.code(receive) is None


def test_steps_after_a_ruling() -> None:
    """R-DEAL-24: what it leaves due; where the buyer has no more to say, the seller's word closes it."""
    play = ruled()
    assert told(play) == [("refund", "seller", None)]
    play = agreed()
    play.say("buyer", bodies.PaymentSent(amount=100))
    dispute = play.say("seller", bodies.Dispute(claim=100))
    play.say("arbiter", bodies.Ruling(dispute=dispute.id, delivered=(0,), keeps=100, paid=0))
    assert told(play) == [("payment_received", "seller", None)]


def test_a_draft_is_the_message_that_is_sent() -> None:
    """R-DEAL-19: it names all that was seen, rulings included."""
    play = ruled()
    refund = drafted(play.state(), "seller", bodies.Refund(amount=40), play.now)
    assert refund.number == 3
    assert len(refund.seen) == 2
    assert judge([*play.messages, refund], play.now).verdicts[refund.id] is None
    # The other side's next message names it, and the ruling through it.
    play.messages.append(refund)
    answer = drafted(
        play.state(), "buyer", bodies.RefundReceived(amount=40, total=40, refund=refund.id), play.now
    )
    assert answer.seen == (refund.id,)
    play.messages.append(answer)
    assert judge(play.messages, play.now).phase.value == "final"
