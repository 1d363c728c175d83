"""Messages that cross: neither has seen the other. One test for each, with its outcome [R-DEAL-18]."""

from __future__ import annotations

from protocol.deals.bodies import (
    Accept,
    Cancel,
    Dispute,
    Fulfil,
    LapseAccept,
    LapseDispute,
    LapseFulfil,
    LapsePay,
    PaymentReceived,
    PaymentSent,
    PresumePayment,
    PresumeReceived,
    Receive,
    Refund,
    RefundReceived,
    Ruling,
)
from protocol.deals.figures import PartStatus
from protocol.deals.message import Message
from protocol.deals.state import Phase
from tests.protocol.deals.made import BUYER, Play, drafted, order, started

ACCEPT = Accept(key=BUYER.public, listing=b"l" * 32)
CANCEL = Cancel(reason="other")


def agreed(*prices: int) -> Play:
    """Order and accept."""
    play = Play(started(order(prices or (100,))))
    play.say("seller", ACCEPT)
    return play


def paid(*prices: int) -> Play:
    """Agreed, paid in full, and acknowledged."""
    play = agreed(*prices)
    price = sum(prices or (100,))
    sent = play.say("buyer", PaymentSent(amount=price))
    play.say("seller", PaymentReceived(amount=price, payment=sent.id))
    return play


def fulfilled() -> tuple[Play, Message]:
    """Paid and fulfilled."""
    play = paid()
    return play, play.say("seller", Fulfil())


def statuses(play: Play) -> list[str]:
    return [part.status.value for part in play.state().parts]


def test_accept_crosses_cancel() -> None:
    """R-DEAL-18: ended, nothing due."""
    play = Play()
    accept = play.say("seller", ACCEPT)
    play.say("buyer", CANCEL, blind=[accept])
    assert (play.state().phase, statuses(play)) == (Phase.FINAL, ["ended"])
    assert play.state().figures.due == 0


def test_late_accept_crosses_lapse_accept() -> None:
    """R-DEAL-18: ended, nothing due."""
    play = Play()
    accept = play.say("seller", ACCEPT, after=11)
    play.say("buyer", LapseAccept(), blind=[accept])
    assert (play.state().phase, play.state().figures.due) == (Phase.FINAL, 0)


def test_accept_and_fulfil_cross_cancel() -> None:
    """R-DEAL-18: fulfilled, the goods had left; the buyer confirms or disputes."""
    play = Play()
    accept = play.say("seller", ACCEPT)
    play.say("seller", Fulfil())
    play.say("buyer", CANCEL, blind=[accept])
    assert (play.state().phase, statuses(play)) == (Phase.FULFILLED, ["fulfilled"])
    play.say("buyer", Dispute(claim=0))
    assert play.state().phase is Phase.DISPUTED


def test_fulfil_crosses_cancel() -> None:
    """R-DEAL-18: what was fulfilled stands."""
    play = paid()
    fulfil = play.say("seller", Fulfil())
    play.say("buyer", CANCEL, blind=[fulfil])
    assert (statuses(play), play.state().figures.refund_due) == (["fulfilled"], 0)


def test_fulfil_of_one_part_crosses_cancel() -> None:
    """R-DEAL-18: the fulfilled part stands, the rest ends, its money is refund due."""
    play = paid(60, 40)
    fulfil = play.say("seller", Fulfil(part=0))
    play.say("buyer", CANCEL, blind=[fulfil])
    assert (statuses(play), play.state().figures.refund_due) == (["fulfilled", "ended"], 40)


def test_fulfil_crosses_lapse_fulfil() -> None:
    """R-DEAL-18: late goods cross: fulfilled."""
    play = paid()
    fulfil = play.say("seller", Fulfil(), after=40)
    play.say("buyer", LapseFulfil(), blind=[fulfil])
    assert statuses(play) == ["fulfilled"]
    assert play.state().figures.refund_due == 0


def test_payment_sent_crosses_the_sellers_cancel() -> None:
    """R-DEAL-18: ended, payment unconfirmed; acknowledged or presumed it is refund due."""
    for presumed in (False, True):
        play = agreed()
        sent = play.say("buyer", PaymentSent(amount=100))
        cancel = play.say("seller", CANCEL, blind=[sent])
        state = play.state()
        assert (state.phase, state.figures.unconfirmed_payments) == (Phase.UNCONFIRMED, 100)
        assert state.figures.refund_due == 0
        if presumed:
            play.say("buyer", PresumePayment(payment=sent.id), after=30, blind=[cancel])
        else:
            play.say("seller", PaymentReceived(amount=100, payment=sent.id))
        assert (play.state().figures.refund_due, play.state().figures.unconfirmed) == (100, 0)
        assert play.state().phase is Phase.CLOSED


def test_payment_sent_crosses_lapse_pay() -> None:
    """R-DEAL-18: it goes on, payment unconfirmed; the seller may still cancel."""
    play = agreed()
    sent = play.say("buyer", PaymentSent(amount=100), after=20)
    lapse = play.say("seller", LapsePay(), blind=[sent])
    assert play.code(lapse) == "paid"
    assert (play.state().phase, play.state().figures.unconfirmed_payments) == (Phase.AGREED, 100)
    play.say("seller", CANCEL)
    assert statuses(play) == ["ended"]


def test_payment_sent_after_lapse_pay_does_not_void_it() -> None:
    """R-DEAL-18: a payment for a part fulfilled, sent in view of the lapse, crosses nothing."""
    play = agreed(60, 40)
    play.say("seller", Fulfil(part=0))
    lapse = play.say("seller", LapsePay(), after=20)
    play.say("buyer", PaymentSent(amount=60))
    assert play.code(lapse) is None
    assert statuses(play) == ["fulfilled", "ended"]


def test_payment_received_crosses_the_buyers_cancel() -> None:
    """R-DEAL-18: ended, refund due."""
    play = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    received = play.say("seller", PaymentReceived(amount=100, payment=sent.id))
    play.say("buyer", CANCEL, blind=[received])
    assert (play.state().phase, play.state().figures.refund_due) == (Phase.CLOSED, 100)


def test_payment_received_crosses_lapse_fulfil() -> None:
    """R-DEAL-18: ended, refund due."""
    play = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    received = play.say("seller", PaymentReceived(amount=100, payment=sent.id))
    play.say("buyer", LapseFulfil(), after=31, blind=[received])
    assert (play.state().phase, play.state().figures.refund_due) == (Phase.CLOSED, 100)
    assert play.state().parts[0].late


def test_refund_crosses_cancel() -> None:
    """R-DEAL-18: ended, refund unconfirmed; of a part refund the rest is due."""
    play = paid(60, 40)
    play.say("seller", CANCEL)
    refund = play.say("seller", Refund(amount=60))
    play.say("buyer", CANCEL, blind=play.messages[-2:])
    figures = play.state().figures
    assert (figures.unconfirmed_refunds, figures.refund_due) == (60, 40)
    play.say("buyer", RefundReceived(amount=60, total=60, refund=refund.id))
    assert play.state().figures.unconfirmed_refunds == 0


def test_receive_crosses_the_sellers_cancel() -> None:
    """R-DEAL-18: delivered; paid it is final, unpaid the payment is due."""
    for play, phase, due in ((paid(), Phase.FINAL, 0), (agreed(), Phase.CLOSED, 100)):
        receive = play.say("buyer", Receive())
        play.say("seller", CANCEL, blind=[receive])
        assert statuses(play) == ["received"]
        assert (play.state().phase, play.state().figures.payment_due) == (phase, due)


def test_receive_crosses_refund() -> None:
    """R-DEAL-18: delivered, refund unconfirmed; the base falls only when the buyer confirms."""
    play, fulfil = fulfilled()
    receive = play.say("buyer", Receive(fulfil=fulfil.id))
    refund = play.say("seller", Refund(amount=100), blind=[receive])
    state = play.state()
    assert (statuses(play), state.figures.unconfirmed_refunds, state.figures.base) == (["received"], 100, 100)
    play.say("buyer", RefundReceived(amount=100, total=100, refund=refund.id))
    assert play.state().figures.base == 0


def test_receive_crosses_a_dispute_of_the_seller() -> None:
    """R-DEAL-18: both stand."""
    play, fulfil = fulfilled()
    receive = play.say("buyer", Receive(fulfil=fulfil.id))
    play.say("seller", Dispute(claim=100), blind=[receive])
    assert (play.state().phase, statuses(play), play.state().figures.base) == (
        Phase.DISPUTED, ["received"], 100,
    )  # fmt: skip


def test_refund_crosses_dispute() -> None:
    """R-DEAL-18: both stand."""
    play, fulfil = fulfilled()
    refund = play.say("seller", Refund(amount=30))
    play.say("buyer", Dispute(claim=70), blind=[refund])
    assert (play.state().phase, play.state().figures.unconfirmed_refunds) == (Phase.DISPUTED, 30)
    assert play.code(fulfil) is None


def test_fulfil_crosses_dispute() -> None:
    """R-DEAL-18: both stand."""
    play = paid()
    fulfil = play.say("seller", Fulfil())
    play.say("buyer", Dispute(claim=0), blind=[fulfil])
    assert (play.state().phase, statuses(play)) == (Phase.DISPUTED, ["fulfilled"])


def test_presume_crosses_receive() -> None:
    """R-DEAL-18: delivered."""
    play, fulfil = fulfilled()
    receive = play.say("buyer", Receive(fulfil=fulfil.id), after=25)
    play.say("seller", PresumeReceived(fulfil=fulfil.id), blind=[receive])
    assert (play.state().phase, statuses(play)) == (Phase.FINAL, ["received"])


def test_presume_crosses_dispute() -> None:
    """R-DEAL-18: disputed; the presumption counts again only when it is withdrawn or unresolved."""
    for by, after in (("buyer", 1), ("seller", 50)):
        play, fulfil = fulfilled()
        dispute = play.say("buyer", Dispute(claim=0), after=25)
        presume = play.say("seller", PresumeReceived(fulfil=fulfil.id), blind=[dispute])
        assert (play.state().phase, statuses(play), play.state().figures.base) == (
            Phase.DISPUTED, ["fulfilled"], 0,
        )  # fmt: skip
        assert play.code(presume) is None
        play.say(by, LapseDispute(dispute=dispute.id), after=after)
        assert (play.state().phase, statuses(play), play.state().figures.base) == (
            Phase.FINAL, ["presumed"], 100,
        )  # fmt: skip
        assert play.state().disputes[0].closed == ("withdrawn" if by == "buyer" else "unresolved")


def test_a_ruling_ends_the_presumption_before_it() -> None:
    """R-DEAL-18: after a ruling only what is presumed in view of it counts."""
    play, fulfil = fulfilled()
    dispute = play.say("buyer", Dispute(claim=0), after=25)
    play.say("seller", PresumeReceived(fulfil=fulfil.id), blind=[dispute])
    play.say("arbiter", Ruling(dispute=dispute.id, keeps=20, paid=100))
    state = play.state()
    assert (statuses(play), state.figures.base, state.figures.refund_due) == (["ended"], 20, 80)


def test_presume_payment_crosses_payment_received() -> None:
    """R-DEAL-18: paid once."""
    play = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    received = play.say("seller", PaymentReceived(amount=100, payment=sent.id), after=25)
    play.say("buyer", PresumePayment(payment=sent.id), blind=[received])
    assert play.state().figures.paid == 100


def test_payment_sent_crosses_an_unnamed_payment_received() -> None:
    """R-DEAL-18: money that came before its notice is paid once, and nothing is left to confirm."""
    play = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    play.say("seller", PaymentReceived(amount=100), blind=[sent])
    assert (play.state().figures.paid, play.state().figures.unconfirmed) == (100, 0)


def test_cancel_crosses_cancel() -> None:
    """R-DEAL-18: ended."""
    play = paid()
    cancel = play.say("buyer", CANCEL)
    play.say("seller", CANCEL, blind=[cancel])
    assert (statuses(play), play.state().figures.refund_due) == (["ended"], 100)


def test_cancel_crosses_lapse() -> None:
    """R-DEAL-18: ended."""
    play = agreed()
    cancel = play.say("buyer", CANCEL, after=20)
    lapse = play.say("seller", LapsePay(), blind=[cancel])
    assert (statuses(play), play.code(lapse), play.state().phase) == (["ended"], None, Phase.FINAL)


def test_ruling_crosses_lapse_dispute() -> None:
    """R-DEAL-18: the ruling stands."""
    play, _ = fulfilled()
    dispute = play.say("buyer", Dispute(claim=0))
    ruling = play.say("arbiter", Ruling(dispute=dispute.id, delivered=(0,), keeps=60, paid=100))
    lapse = play.say("buyer", LapseDispute(dispute=dispute.id), blind=[ruling])
    state = play.state()
    assert (play.code(lapse), state.disputes[0].closed, state.ruling) == ("ruled", "ruled", ruling)
    assert (statuses(play), state.figures.refund_due, state.figures.base) == (["delivered"], 40, 60)


def test_two_rulings_cross() -> None:
    """R-DEAL-18: both are void, the pair proves it, the dispute closes as unresolved."""
    play, _ = fulfilled()
    dispute = play.say("buyer", Dispute(claim=0))
    first = play.say("arbiter", Ruling(dispute=dispute.id, keeps=100, paid=100))
    play.messages.remove(first)
    second = play.say("arbiter", Ruling(dispute=dispute.id, keeps=0, paid=100))
    play.messages.append(first)
    state = play.state()
    assert (play.code(first), play.code(second)) == ("two_rulings", "two_rulings")
    assert (state.ruling, state.disputes[0].closed, state.phase) == (None, "unresolved", Phase.FULFILLED)
    assert statuses(play) == [PartStatus.FULFILLED.value]
    for kept in (first, second):
        only = [each for each in play.messages if each.role != "arbiter" or each is kept]
        assert len(only) == len(play.messages) - 1
        assert Play.state(_with(play, only)).ruling is kept


def _with(play: Play, messages: list[Message]) -> Play:
    other = Play(play.start)
    other.messages, other.now = messages, play.now
    return other


def test_a_message_in_view_of_two_rulings_names_both() -> None:
    """R-DEAL-18: both sides go on; a dispute in view of the pair has effect, one in view of a ruling has none."""
    play, _ = fulfilled()
    dispute = play.say("buyer", Dispute(claim=0))
    first = play.say("arbiter", Ruling(dispute=dispute.id, keeps=100, paid=100))
    late = play.send("seller", Dispute(claim=100))
    assert play.code(late) == "ruled"
    play.messages = [each for each in play.messages if each not in (first, late)]
    second = play.say("arbiter", Ruling(dispute=dispute.id, keeps=0, paid=100))
    play.messages.append(first)
    answer = drafted(play.state(), "seller", Dispute(claim=100), play.now)
    assert {first.id, second.id} <= set(answer.seen)
    play.messages.append(answer)
    assert (play.code(answer), play.state().phase) == (None, Phase.DISPUTED)
    third = drafted(play.state(), "arbiter", Ruling(dispute=answer.id, keeps=50, paid=100), play.now)
    play.messages.append(third)
    assert (play.code(third), play.state().ruling, play.code(first)) == (None, third, "two_rulings")
    assert [each.closed for each in play.state().disputes] == ["ruled", "ruled"]
