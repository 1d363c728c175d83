"""Figures and presumptions where amounts, parts and disputes differ: what the checks of whole deals pass over."""

from __future__ import annotations

from protocol.deals import bodies
from protocol.deals.state import Phase, judge
from tests.protocol.deals.made import FAR, HOUR, START, Play, unsigned
from tests.protocol.deals.test_crossings import ACCEPT, CANCEL, agreed, fulfilled, paid
from tests.protocol.deals.test_table import code


def test_a_confirmation_by_name_confirms_the_whole() -> None:
    """R-DEAL-20: of another amount too; the larger sum is paid, and nothing of it is unconfirmed."""
    play = agreed()
    sent = play.say("buyer", bodies.PaymentSent(amount=40))
    play.say("seller", bodies.PaymentReceived(amount=30, payment=sent.id))
    assert (play.state().figures.paid, play.state().figures.unconfirmed_payments) == (40, 0)
    play.say("buyer", CANCEL)
    refund = play.say("seller", bodies.Refund(amount=40))
    play.say("buyer", bodies.RefundReceived(amount=35, refund=refund.id, total=35))
    figures = play.state().figures
    assert (figures.refund_sent, figures.refund_received, figures.unconfirmed_refunds) == (40, 35, 0)


def test_what_can_be_presumed_of_payments() -> None:
    """R-DEAL-16: not what is named, presumed or covered by what came without a name."""
    play = agreed()
    one = play.say("buyer", bodies.PaymentSent(amount=30))
    two = play.say("buyer", bodies.PaymentSent(amount=20))
    play.say("seller", bodies.PaymentReceived(amount=30, payment=one.id))
    assert code(play, "buyer", bodies.PresumePayment(payment=one.id), after=50) == "already"
    play.messages.pop()
    play.say("buyer", bodies.PresumePayment(payment=two.id))
    assert (play.state().figures.paid, play.state().figures.unconfirmed) == (50, 0)
    three = play.say("buyer", bodies.PaymentSent(amount=10))
    assert code(play, "buyer", bodies.PresumePayment(payment=two.id), after=50) == "already"
    play.messages.pop()
    play.say("seller", bodies.PaymentReceived(amount=40), blind=[three])
    assert code(play, "buyer", bodies.PresumePayment(payment=three.id), after=50) == "already"


def test_what_can_be_presumed_of_refunds() -> None:
    """R-DEAL-16: not what is named, presumed or covered by what was confirmed without a name."""
    play = paid()
    play.say("buyer", CANCEL)
    one = play.say("seller", bodies.Refund(amount=30))
    two = play.say("seller", bodies.Refund(amount=20))
    play.say("buyer", bodies.RefundReceived(amount=30, refund=one.id, total=30))
    assert code(play, "seller", bodies.PresumeRefund(refund=one.id), after=50) == "already"
    play.messages.pop()
    play.say("seller", bodies.PresumeRefund(refund=two.id))
    three = play.say("seller", bodies.Refund(amount=10))
    assert play.state().figures.unconfirmed_refunds == 10
    assert code(play, "seller", bodies.PresumeRefund(refund=two.id), after=50) == "already"
    play.messages.pop()
    play.say("buyer", bodies.RefundReceived(amount=30, total=60))
    assert code(play, "seller", bodies.PresumeRefund(refund=three.id), after=50) == "already"


def test_the_last_unit_can_be_presumed() -> None:
    """R-DEAL-16: unconfirmed is whatever is above 0."""
    play = agreed()
    sent = play.say("buyer", bodies.PaymentSent(amount=1))
    play.say("buyer", bodies.PresumePayment(payment=sent.id), after=50)
    play.say("buyer", CANCEL)
    refund = play.say("seller", bodies.Refund(amount=1))
    play.say("seller", bodies.PresumeRefund(refund=refund.id), after=50)
    assert play.state().phase is Phase.FINAL


def test_a_ruling_decides_the_payments_it_has_seen() -> None:
    """R-DEAL-20: these are no longer unconfirmed; one that crosses it is, until it is presumed."""
    play = agreed(60, 40)
    seen = play.say("buyer", bodies.PaymentSent(amount=50))
    dispute = play.say("seller", bodies.Dispute(claim=0))
    crossing = play.say("buyer", bodies.PaymentSent(amount=20))
    ruling = bodies.Ruling(dispute=dispute.id, delivered=(1,), keeps=40, paid=50)
    play.say("arbiter", ruling, blind=[crossing])
    state = play.state()
    assert (state.figures.unconfirmed_payments, state.phase) == (20, Phase.UNCONFIRMED)
    assert [part.status.value for part in state.parts] == ["ended", "delivered"]
    assert code(play, "buyer", bodies.PresumePayment(payment=seen.id), after=50) == "already"
    play.messages.pop()
    play.say("buyer", bodies.PresumePayment(payment=crossing.id))
    assert (play.state().figures.unconfirmed, play.state().figures.paid) == (0, 50)


def test_a_ruling_finds_no_less_than_was_acknowledged() -> None:
    """R-DEAL-20."""
    play = paid()
    dispute = play.say("buyer", bodies.Dispute(claim=0))
    play.say("arbiter", bodies.Ruling(dispute=dispute.id, keeps=10, paid=0))
    assert (play.state().figures.paid, play.state().figures.refund_due) == (100, 90)


def test_parts_are_told_apart() -> None:
    """R-DEAL-21: the second is fulfilled and received, the first comes too late."""
    play = agreed(60, 40)
    play.say("seller", bodies.Fulfil(part=1))
    assert [part.status.value for part in play.state().parts] == ["open", "fulfilled"]
    play.say("buyer", bodies.Receive(part=1))
    play.say("buyer", bodies.LapseFulfil(part=0), after=50)
    parts = play.state().parts
    assert [(part.status.value, part.late) for part in parts] == [("ended", True), ("received", False)]
    play = agreed()
    play.say("buyer", CANCEL)
    assert [part.late for part in play.state().parts] == [False]


def test_each_dispute_closes_by_itself() -> None:
    """R-DEAL-18, 22: one withdrawn before the ruling stays withdrawn, and its lapse has effect."""
    play, _ = fulfilled()
    one = play.say("buyer", bodies.Dispute(claim=0))
    two = play.say("seller", bodies.Dispute(claim=100))
    lapse = play.say("buyer", bodies.LapseDispute(dispute=one.id))
    assert [each.closed for each in play.state().disputes] == ["withdrawn", None]
    play.say("arbiter", bodies.Ruling(dispute=two.id, delivered=(0,), keeps=100, paid=100))
    assert [each.closed for each in play.state().disputes] == ["withdrawn", "ruled"]
    assert play.code(lapse) is None


def test_a_message_that_names_nothing_waits_for_its_date_too() -> None:
    """R-DEAL-12."""
    play = Play()
    early = unsigned(CANCEL, "seller", deal=play.start.id, time=START + HOUR)
    assert judge([play.start, early], START).waits == (early.id,)
    assert judge([play.start, early], FAR).verdicts[early.id] == "no_order"


def test_what_follows_two_of_a_number_does_not_count_either() -> None:
    """R-DEAL-17: also where each branch has one successor; and a later number used twice changes nothing."""
    play = Play()
    deal = play.start.id
    made = []
    for salt in (1, 2):
        accept = unsigned(ACCEPT, "seller", deal=deal, seen=[play.start], time=START + salt * HOUR)
        made.append(accept)
        made += [
            unsigned(
                bodies.Fulfil(), "seller", deal=deal, previous=accept, seen=[play.start], time=FAR, salt=each
            )
            for each in range(salt)
        ]  # fmt: skip
    state = judge([play.start, *made], FAR)
    assert [state.verdicts[each.id] for each in made] == ["doubled"] * 5
    assert state.phase is Phase.ORDERED
    assert state.newest["seller"] == made[1]


def test_a_broken_deal_is_cut_at_the_first_number_used_twice() -> None:
    """R-DEAL-17: and what the arbiter ruled before stays."""
    play = agreed()
    deal, accept = play.start.id, play.messages[1]
    sent = play.say("buyer", bodies.PaymentSent(amount=10))
    dispute = play.say("buyer", bodies.Dispute(claim=0))
    ruling = play.say("arbiter", bodies.Ruling(dispute=dispute.id, keeps=0, paid=10))
    more = [
        unsigned(bodies.PaymentSent(amount=1), "buyer", deal=deal, previous=dispute, seen=[accept], time=FAR, salt=salt)
        for salt in (1, 2)
    ]  # fmt: skip
    twice = [
        unsigned(bodies.Fulfil(), "seller", deal=deal, previous=accept, seen=[dispute], time=FAR, salt=salt)
        for salt in (1, 2)
    ]
    later = [
        unsigned(CANCEL, "seller", deal=deal, previous=twice[0], seen=[dispute], time=FAR, salt=salt)
        for salt in (1, 2)
    ]
    state = judge([*play.messages, *more, *twice, *later], FAR)
    assert state.phase is Phase.BROKEN
    assert [state.verdicts[each.id] for each in (accept, sent, dispute, ruling)] == [None] * 4
    assert [state.verdicts[each.id] for each in twice] == ["broken"] * 2
    assert state.ruling == ruling
