"""A side whose partner used a number twice can go on alone, whatever the branches leave it to say [R-DEAL-17]."""

from __future__ import annotations

from protocol.deals import bodies
from protocol.deals.message import Message
from protocol.deals.moves import draft, moves
from protocol.deals.state import Phase, judge
from tests.protocol.deals.made import HOUR, Play, unsigned

CANCEL = bodies.Cancel(reason="other")


def _again(play: Play, beside: Message, body: bodies.DealBody) -> Message:
    """A second message of the buyer with the number of one that is there."""
    made = unsigned(
        body, "buyer", deal=play.start.id, previous=play.start, time=beside.time, number=beside.number, salt=1
    )
    play.messages.append(made)
    return made


def test_a_branch_that_ends_the_order_does_not_keep_its_seller_from_declining() -> None:
    """No branch counts before the seller names one, and after a cancel on it there is nothing to say that names it."""
    play = Play()
    one = play.send("buyer", CANCEL)
    _again(play, one, bodies.Cancel(reason="changed_mind"))
    now = play.now + HOUR
    state = judge(play.messages, now)
    assert (state.phase, state.doubled) == (Phase.ORDERED, {"buyer"})
    assert "decline" in moves(state, "seller", now)
    found = draft(state, "seller", bodies.Decline(reason="other"), now)
    assert found.seen == (play.start.id,)
    said = unsigned(
        found.body, "seller", deal=play.start.id, seen=[play.start], time=now, number=found.number
    )
    after = judge([*play.messages, said], now)
    assert after.phase is Phase.FINAL and after.verdicts[said.id] is None


def test_a_branch_on_which_something_is_possible_is_chosen() -> None:
    play = Play()
    play.say("seller", bodies.Accept(key=play.start.body.key, listing=play.start.body.listing))  # type: ignore[union-attr]
    one = play.send("buyer", bodies.PaymentSent(amount=100))
    _again(play, one, bodies.PaymentSent(amount=50))
    now = play.now + HOUR
    state = judge(play.messages, now)
    found = draft(state, "seller", bodies.PaymentReceived(amount=100, payment=one.id), now)
    assert found.seen[0] in {each.id for each in play.messages if each.number == 1}
