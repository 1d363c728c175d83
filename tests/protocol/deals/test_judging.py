"""Places, dates, missing messages, and numbers used twice."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec import structs

from protocol.deals.bodies import (
    Accept,
    Cancel,
    Decline,
    Dispute,
    Fulfil,
    Mandate,
    PaymentReceived,
    PaymentSent,
    Receive,
    Refund,
    RefundReceived,
    Renewal,
    Ruling,
)
from protocol.deals.message import Message
from protocol.deals.moves import draft, moves, steps
from protocol.deals.state import Phase, judge
from protocol.errors import LocalProtocolError, Void
from protocol.records import Per
from tests.protocol.deals.made import BUYER, FAR, HOUR, START, Play, drafted, order, signed, started, unsigned

ACCEPT = Accept(key=BUYER.public, listing=b"l" * 32)


def agreed() -> tuple[Play, Message]:
    play = Play()
    return play, play.say("seller", ACCEPT)


def code(play: Play, made: Message) -> str | None:
    return judge([*play.messages, made], FAR).verdicts[made.id]


def test_state_is_a_function_of_the_set() -> None:
    """R-DEAL-10: any order of arrival, and the same message twice."""
    play, _ = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    play.say("seller", PaymentReceived(amount=100, payment=sent.id))
    play.say("seller", Fulfil())
    for messages in permutations(play.messages):
        assert judge([*messages, messages[0]], play.now) == play.state()


def test_no_state_without_a_start() -> None:
    """R-DEAL-10: a start, in time, and one deal."""
    play, accept = agreed()
    with pytest.raises(LocalProtocolError, match="one deal"):
        judge([accept], FAR)
    with pytest.raises(LocalProtocolError, match="one deal"):
        judge([*play.messages, started(order((7,)))], FAR)
    with pytest.raises(LocalProtocolError, match="ahead of the clock"):
        judge(play.messages, START - 1)


def test_what_lacks_a_message_it_names_waits() -> None:
    """R-DEAL-12: kept, not judged, and judged when it is there; so is all that follows."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    received = play.say("seller", PaymentReceived(amount=100, payment=sent.id))
    without = judge([play.start, accept, received], FAR)
    assert without.waits == (received.id,)
    assert received.id not in without.verdicts
    assert judge([play.start, sent, received], FAR).waits == tuple(sorted((sent.id, received.id)))
    assert play.state().waits == ()


def test_what_is_dated_ahead_waits() -> None:
    """R-DEAL-12: with what names it; the clock decides nothing else."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    state = judge(play.messages, sent.time - 1)
    assert (state.waits, state.figures.sent) == ((sent.id,), 0)
    assert judge(play.messages, accept.time - 1).waits == tuple(sorted((accept.id, sent.id)))
    assert judge(play.messages, sent.time) == judge(play.messages, FAR)


def test_numbers_follow_the_predecessor() -> None:
    """R-DEAL-13."""
    play, accept = agreed()
    start, deal = play.start, play.start.id
    late = START + 9 * HOUR

    def made(role: str, body: object, **changes: object) -> Message:
        return unsigned(body, role, deal=deal, time=late, **changes)  # type: ignore[arg-type]

    cancel = Cancel(reason="other")
    assert code(play, made("seller", cancel, previous=accept, seen=[start])) is None
    assert code(play, made("seller", cancel, previous=accept, seen=[start], number=2)) == "bad_number"
    assert code(play, made("seller", cancel, previous=start, seen=[], number=1)) == "bad_number"
    # It has seen, through the other side, a message of its own that it does not build on.
    sent = play.say("buyer", PaymentSent(amount=100))
    assert code(play, made("seller", Fulfil(), seen=[sent])) == "bad_number"
    assert code(play, made("seller", Fulfil(), previous=accept, seen=[sent])) is None


def test_a_message_out_of_place_takes_nobody_with_it() -> None:
    """R-DEAL-13: it cannot be built on, and the other side's messages do not name it."""
    play, accept = agreed()
    wrong = unsigned(
        Fulfil(),
        "seller",
        deal=play.start.id,
        previous=accept,
        seen=[play.start],
        number=5,
        time=START + HOUR,
    )
    follows = unsigned(
        Fulfil(), "seller", deal=play.start.id, previous=wrong, seen=[play.start], time=START + 2 * HOUR
    )
    names = unsigned(
        Receive(), "buyer", deal=play.start.id, previous=play.start, seen=[wrong], time=START + 2 * HOUR
    )
    state = judge([*play.messages, wrong, follows, names], FAR)
    assert [state.verdicts[each.id] for each in (wrong, follows, names)] == [
        *("bad_number", "bad_number", "bad_names")
    ]
    assert state.newest == {"buyer": play.start, "seller": accept}
    assert state.doubled == frozenset()


def test_names() -> None:
    """R-DEAL-13: one message of each other role, none of its own; and the order above all."""
    play, accept = agreed()
    start, deal = play.start, play.start.id
    sent = play.say("buyer", PaymentSent(amount=40))

    def seller(*seen: Message) -> str | None:
        made = unsigned(Fulfil(), "seller", deal=deal, previous=accept, seen=seen, time=START + 9 * HOUR)
        return code(play, made)

    assert seller(sent) is None
    assert seller(sent, start) == "bad_names"
    other = unsigned(Fulfil(), "buyer", deal=deal, previous=start, seen=[start], time=START + HOUR)
    assert code(play, other) == "bad_names"
    first = unsigned(ACCEPT, "seller", deal=deal, time=START + HOUR)
    assert code(play, first) == "no_order"


def test_names_backwards() -> None:
    """R-DEAL-13: never an older one than the predecessor named, and never none after one."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=40))
    fulfil = play.say("seller", Fulfil())
    more = play.say("buyer", PaymentSent(amount=60))

    def seller(*seen: Message) -> str | None:
        made = unsigned(
            PaymentReceived(amount=1), "seller", deal=play.start.id, previous=fulfil, seen=seen, time=FAR
        )
        return code(play, made)

    assert [seller(sent), seller(more), seller(play.start), seller()] == [
        *(None, None, "names_backwards", "names_backwards")
    ]
    assert (
        code(play, unsigned(Receive(), "buyer", deal=play.start.id, previous=more, seen=[accept], time=FAR))
        == "names_backwards"
    )


def test_dates_do_not_go_back() -> None:
    """R-DEAL-14: a message is dated not before anything it names."""
    play, accept = agreed()
    made = unsigned(
        Fulfil(), "seller", deal=play.start.id, previous=accept, seen=[play.start], time=accept.time - 1
    )
    assert code(play, made) == "bad_time"
    assert code(play, structs.replace(made, id=b"x" * 32, time=accept.time)) is None


def test_epochs_do_not_go_back() -> None:
    """R-DEAL-5: a networker does not go back to an older key."""
    play, accept = agreed()
    newer = structs.replace(accept, id=b"a" * 32, epoch=3)
    play.messages[1] = newer
    for epoch, expected in ((2, "bad_epoch"), (3, None), (4, None)):
        made = unsigned(
            Fulfil(), "seller", deal=play.start.id, previous=newer, seen=[play.start], time=START + 9 * HOUR
        )
        assert code(play, structs.replace(made, epoch=epoch)) == expected


def test_a_void_message_keeps_its_place() -> None:
    """R-DEAL-11: it is kept, has its number, is built on and named; it changes nothing else."""
    play, _ = agreed()
    void = play.send("seller", Refund(amount=5))
    assert play.code(void) == "nothing_paid"
    fulfil = play.say("seller", Fulfil())
    receive = play.say("buyer", Receive(fulfil=fulfil.id))
    assert (fulfil.previous, fulfil.number, receive.seen) == (void.id, 2, (fulfil.id,))
    state = play.state()
    assert (state.verdicts[void.id], state.figures.refund_sent) == ("nothing_paid", 0)
    assert state.parts[0].status.value == "received"
    assert void.id in state.settled


# -- renewals ------------------------------------------------------------------------------------------------


def renewed(turn: int = 1) -> Play:
    """The deal of one turn of a monthly mandate, begun ten days before its period."""
    first = signed(
        [
            started(
                structs.replace(
                    order(), mandate=Mandate(notice=HOUR, per=Per(count=1, unit="month"), turns=2)
                )
            )
        ]
    )[0]
    body = Renewal(first=first.data, parts=order().parts, turn=turn)
    return Play(started(body, time=START + 20 * 24 * HOUR))


def test_a_renewal_is_the_contract() -> None:
    """R-DEAL-9: the seller's number 0; the buyer's first message has number 0 too, and names it."""
    play = renewed()
    state = play.state()
    assert (state.phase, state.contract, state.figures.price) == (Phase.AGREED, True, 100)
    assert play.code(play.send("seller", ACCEPT)) == "not_needed"
    sent = play.say("buyer", PaymentSent(amount=100))
    assert (sent.number, sent.previous) == (0, None)
    play.say("buyer", Cancel(reason="other"))
    blind = unsigned(Cancel(reason="other"), "buyer", deal=play.start.id, time=FAR)
    assert code(play, blind) == "no_order"


def test_a_renewal_that_the_mandate_does_not_allow() -> None:
    """R-DEAL-9: it has no effect, and nothing follows it."""
    play = renewed(turn=3)
    state = play.state()
    assert state.verdicts[play.start.id] == "turn"
    assert (state.phase, state.contract) == (Phase.FINAL, False)
    assert play.code(play.send("buyer", PaymentSent(amount=100))) == "no_order"


# -- numbers used twice --------------------------------------------------------------------------------------


def doubled() -> tuple[Play, Message, Message]:
    """The seller accepts twice; nobody has named either."""
    play = Play()
    deal = play.start.id
    one = unsigned(ACCEPT, "seller", deal=deal, seen=[play.start], time=START + HOUR)
    two = unsigned(ACCEPT, "seller", deal=deal, seen=[play.start], time=START + 2 * HOUR)
    play.messages += [one, two]
    play.now += 3 * HOUR
    return play, one, two


def test_neither_of_two_counts_until_the_other_side_names_one() -> None:
    """R-DEAL-17: until then the number and what follows it has no effect."""
    play, one, two = doubled()
    follows = unsigned(
        Fulfil(), "seller", deal=play.start.id, previous=two, seen=[play.start], time=START + 3 * HOUR
    )
    play.messages.append(follows)
    state = play.state()
    assert [state.verdicts[each.id] for each in (one, two, follows)] == ["doubled"] * 3
    assert (state.phase, state.doubled) == (Phase.ORDERED, {"seller"})
    for chosen, left in ((one, two), (two, one)):
        sent = unsigned(
            PaymentSent(amount=100),
            "buyer",
            deal=play.start.id,
            previous=play.start,
            seen=[chosen],
            time=play.now,
        )
        after = judge([*play.messages, sent], play.now)
        assert (after.verdicts[chosen.id], after.verdicts[left.id]) == (None, "doubled")
        assert after.verdicts[sent.id] is None
        assert after.verdicts[follows.id] == (None if chosen is two else "doubled")
        assert after.phase is (Phase.FULFILLED if chosen is two else Phase.AGREED)


def test_a_side_that_nobody_answered_yet() -> None:
    """R-DEAL-17: its doubled messages have no effect while the other side is silent."""
    play = Play()
    for hours in (1, 2):
        cancel = Cancel(reason="other")
        at = START + hours * HOUR
        play.messages.append(unsigned(cancel, "buyer", deal=play.start.id, previous=play.start, time=at))
    play.now += 3 * HOUR
    state = play.state()
    assert [state.verdicts[each.id] for each in play.messages] == [None, "doubled", "doubled"]
    assert (state.phase, state.newest["buyer"]) == (Phase.ORDERED, play.messages[1])
    with pytest.raises(Void) as refused:
        draft(state, "buyer", PaymentSent(amount=1), play.now)
    assert refused.value.code == "doubled"
    assert moves(state, "buyer", play.now) == ()
    play.messages.append(drafted(state, "seller", PaymentReceived(amount=1), play.now))
    assert play.code(play.messages[1]) is None  # the seller has named it
    assert play.code(play.messages[2]) == "doubled"


def test_a_void_message_of_the_other_side_changes_no_view() -> None:
    """R-DEAL-15: it is seen and counts for nothing, whichever way it is seen."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=60))
    void = play.send("buyer", PaymentSent(amount=60))
    assert play.code(void) == "too_much"
    for amount in (20, 20, 20):
        play.say("seller", PaymentReceived(amount=amount), blind=[sent])
    assert play.messages[-3].previous == accept.id
    fulfil = play.say("seller", Fulfil())
    assert (play.code(fulfil), play.state().figures.sent) == (None, 60)


def test_the_other_side_cannot_name_both() -> None:
    """R-DEAL-17."""
    play, one, two = doubled()
    sent = unsigned(
        PaymentSent(amount=60), "buyer", deal=play.start.id, previous=play.start, seen=[one], time=play.now
    )
    play.messages.append(sent)
    follows = unsigned(
        Fulfil(), "seller", deal=play.start.id, previous=two, seen=[play.start], time=START + 3 * HOUR
    )
    again = unsigned(
        PaymentSent(amount=40), "buyer", deal=play.start.id, previous=sent, seen=[follows], time=play.now
    )
    assert judge([*play.messages, follows, again], FAR).verdicts[again.id] == "names_other_branch"


def test_a_side_that_names_the_branch_not_chosen_is_out_of_place() -> None:
    """R-DEAL-17: a message on the other branch cannot name the message that chose."""
    play, one, two = doubled()
    sent = unsigned(
        PaymentSent(amount=60), "buyer", deal=play.start.id, previous=play.start, seen=[one], time=play.now
    )
    play.messages.append(sent)
    follows = unsigned(Fulfil(), "seller", deal=play.start.id, previous=two, seen=[sent], time=play.now)
    assert code(play, follows) == "bad_number"


def test_a_draft_chooses_a_branch() -> None:
    """R-DEAL-17: the first by date, then id, so that the deal goes on."""
    play, one, _ = doubled()
    made = drafted(play.state(), "buyer", PaymentSent(amount=100), play.now)
    assert made.seen == (one.id,)
    play.messages.append(made)
    state = play.state()
    assert (state.verdicts[one.id], state.verdicts[made.id]) == (None, None)
    assert state.newest["seller"] == one


def test_both_sides_doubled_breaks_the_deal() -> None:
    """R-DEAL-17: what came before the doubled numbers stands, nothing after it counts, nothing can follow."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    deal = play.start.id
    other = unsigned(
        PaymentSent(amount=50), "buyer", deal=deal, previous=play.start, seen=[accept], time=sent.time
    )
    fulfils = [
        unsigned(Fulfil(), "seller", deal=deal, previous=accept, seen=[play.start], time=FAR, salt=salt)
        for salt in (1, 2)
    ]
    state = judge([*play.messages, other, *fulfils], FAR)
    assert state.phase is Phase.BROKEN
    assert [state.verdicts[each.id] for each in (sent, other, *fulfils)] == ["broken"] * 4
    assert state.verdicts[accept.id] is None
    assert (state.contract, state.figures.sent) == (True, 0)
    assert moves(state, "buyer", FAR) == moves(state, "seller", FAR) == ()
    assert steps(state, FAR) == ()
    with pytest.raises(Void) as refused:
        draft(state, "buyer", Cancel(reason="other"), FAR)
    assert refused.value.code == "broken"


def test_a_confirmation_of_what_broke_away_confirms_nothing() -> None:
    """R-DEAL-17: the message that confirmed it was judged on it; the figures go by what counts."""
    play, accept = agreed()
    sent = play.say("buyer", PaymentSent(amount=100))
    received = play.say("seller", PaymentReceived(amount=60, payment=sent.id))
    deal = play.start.id
    other = unsigned(
        PaymentSent(amount=50), "buyer", deal=deal, previous=play.start, seen=[accept], time=sent.time
    )
    fulfils = [
        unsigned(Fulfil(), "seller", deal=deal, previous=received, seen=[sent], time=FAR, salt=salt)
        for salt in (1, 2)
    ]
    state = judge([*play.messages, other, *fulfils], FAR)
    assert state.phase is Phase.BROKEN
    assert (state.figures.sent, state.figures.paid, state.figures.unconfirmed) == (0, 60, 0)


@pytest.mark.parametrize("first", [False, True])
def test_a_refund_that_broke_away_is_not_confirmed(first: bool) -> None:
    """R-DEAL-17: likewise; and a side whose first number is doubled has nothing that counts."""
    play = Play()
    deal = play.start.id
    received = play.say("seller", PaymentReceived(amount=50))
    play.say("seller", Decline(reason="other"))
    stays = play.say("seller", Refund(amount=10))
    refund = play.say("seller", Refund(amount=40))
    play.say("buyer", RefundReceived(amount=5, refund=refund.id, total=5))
    last = play.messages[-1]
    more = [
        unsigned(PaymentSent(amount=1), "buyer", deal=deal, previous=last, seen=[refund], time=FAR, salt=salt)
        for salt in (1, 2)
    ]
    before = None if first else stays
    other = unsigned(
        PaymentReceived(amount=7), "seller", deal=deal, previous=before, seen=[play.start], time=refund.time
    )
    state = judge([*play.messages, *more, other], FAR)
    assert state.phase is Phase.BROKEN
    assert state.verdicts[received.id] == ("broken" if first else None)
    assert (state.figures.refund_sent, state.figures.unconfirmed) == ((0, 0) if first else (10, 5))
    assert state.newest.keys() == ({"buyer"} if first else {"buyer", "seller"})


def test_a_ruling_on_a_dispute_that_does_not_count() -> None:
    """R-DEAL-17: the dispute stands on a branch that nobody chose."""
    play, accept = agreed()
    deal = play.start.id
    dispute = play.say("buyer", Dispute(claim=0))
    ruling = play.say("arbiter", Ruling(dispute=dispute.id, keeps=0, paid=0))
    cancel = unsigned(
        Cancel(reason="other"), "buyer", deal=deal, previous=play.start, seen=[accept], time=dispute.time
    )
    play.messages.append(cancel)
    assert (play.code(dispute), play.code(ruling)) == ("doubled", "no_dispute")
    chosen = unsigned(
        PaymentReceived(amount=1), "seller", deal=deal, previous=accept, seen=[dispute], time=play.now
    )
    play.messages.append(chosen)
    assert (play.code(dispute), play.code(ruling), play.code(cancel)) == (None, None, "doubled")


# -- drafts --------------------------------------------------------------------------------------------------


def test_no_draft_while_an_own_message_waits() -> None:
    """R-DEAL-19: a clock set back, or a copy that lacks messages, would use a number twice."""
    play, accept = agreed()
    state = judge(play.messages, accept.time - 1)
    with pytest.raises(LocalProtocolError, match="itself waits"):
        draft(state, "seller", Fulfil(), accept.time - 1)
    assert draft(state, "buyer", Cancel(reason="other"), accept.time - 1).number == 1


def test_a_draft_says_why_not() -> None:
    """R-DEAL-19."""
    play, _ = agreed()
    with pytest.raises(
        Void, match="a refund of the seller would have no effect: nothing was paid"
    ) as refused:
        draft(play.state(), "seller", Refund(amount=1), play.now)
    assert refused.value.code == "nothing_paid"
    with pytest.raises(Void) as early:
        draft(play.state(), "seller", Fulfil(), START)
    assert early.value.code == "bad_time"


def test_settled_is_what_the_other_side_has_named() -> None:
    """R-DEAL-25: directly or through others."""
    play, accept = agreed()
    assert play.state().settled == {play.start.id}
    sent = play.say("buyer", PaymentSent(amount=100))
    assert play.state().settled == {play.start.id, accept.id}
    dispute = play.say("buyer", Dispute(claim=0))
    ruling = play.say("arbiter", Ruling(dispute=dispute.id, keeps=0, paid=0))
    assert sent.id not in play.state().settled
    play.say("seller", PaymentReceived(amount=100, payment=sent.id))
    assert play.state().settled == {play.start.id, accept.id, sent.id, dispute.id, ruling.id}
