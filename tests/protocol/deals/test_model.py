"""All small deals, and random larger ones: one state for one set, no way back, and a way out for each side alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.deals import bodies
from protocol.deals.bodies import Role
from protocol.deals.figures import PartStatus
from protocol.deals.judging import SIDES
from protocol.deals.message import Message, type_of
from protocol.deals.moves import moves
from protocol.deals.state import DealState, Phase, judge
from protocol.errors import LocalProtocolError, Void
from tests.protocol.deals.made import FAR, HOUR, START, Play, drafted, order, started, unsigned
from tests.protocol.deals.model import CROSSED_OUT, brief, check, extensions, says, stuck, undone
from tests.protocol.deals.test_crossings import ACCEPT
from tests.protocol.deals.test_offers import offer, ordered

STARTS: dict[str, tuple[Callable[[], Message], int]] = {  # with the seller's moves
    "listing": (started, 3),
    "two parts": (lambda: started(order((60, 40))), 2),
    "offer": (lambda: ordered(offer()), 2),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", STARTS)
def test_every_deal_of_a_few_moves_a_side(name: str) -> None:
    """R-DEAL-10, 12, 16..18, 23: the order is the buyer's first move; `python -m tests.long deals` makes four."""
    start, moves_of_seller = STARTS[name]
    found = check(start(), {"buyer": 2, "seller": moves_of_seller})
    assert found.wrong == []
    assert found.sets > 500
    assert {Phase.AGREED, Phase.DISPUTED, Phase.UNCONFIRMED} <= found.phases.keys()
    assert Phase.FINAL in found.phases or moves_of_seller < 3


def test_every_small_deal_with_an_arbiter() -> None:
    """R-DEAL-10, 12, 16..18, 23."""
    found = check(started(), {"buyer": 2, "seller": 2, "arbiter": 1})
    assert found.wrong == []
    assert found.sets > 4_000


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_random_deals(data: st.DataObject) -> None:
    """R-DEAL-10, 12, 16..18, 20..23: up to five parts, part payments, part refunds, rulings, crossings of any depth."""
    prices = data.draw(st.lists(st.integers(0, 1_000), min_size=1, max_size=5), label="prices")
    messages: list[Message] = [started(order(prices))]
    state = judge(messages, FAR)
    for _ in range(data.draw(st.integers(1, 14), label="moves")):
        role = data.draw(st.sampled_from(("buyer", "seller", "seller", "buyer", "arbiter")), label="role")
        possible = sorted(extensions(state, role), key=lambda each: (each.type, each.time, each.id))  # type: ignore[arg-type]
        if not possible:
            continue
        made = _part_of(data, state, data.draw(st.sampled_from(possible), label="message"))
        before = brief(state)
        messages.append(made)
        state = judge(messages, FAR)
        assert list(undone(before, made, brief(state))) == []
        _sound(state)
    for order_ in (messages[::-1], data.draw(st.permutations(messages), label="order")):
        assert judge(order_, FAR) == state
    for side in SIDES:
        assert stuck(tuple(messages), state, side) is None


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_comes(data: st.DataObject) -> None:
    """R-DEAL-10, 13, 17, 19: any predecessor, names, dates and words: one state, and a draft that has effect."""
    roles: tuple[Role, ...] = ("buyer", "seller", "arbiter")
    messages: list[Message] = [started(order((60, 40)))]
    for number in range(data.draw(st.integers(1, 12), label="count")):
        role = data.draw(st.sampled_from(roles), label="role")
        own = [None, *(each for each in messages if each.role == role)]
        previous = data.draw(st.sampled_from([own[-1], *own]), label="previous")
        seen = data.draw(st.lists(st.sampled_from(messages[-5:]), max_size=3, unique=True), label="seen")
        bodies_ = list(says(judge(messages, FAR).outcome.view, role)) or [bodies.LapsePay()]
        body = data.draw(st.sampled_from(bodies_), label="body")
        time = START + data.draw(st.integers(0, 60), label="hours") * HOUR
        messages.append(
            unsigned(body, role, deal=messages[0].id, previous=previous, seen=seen, time=time, salt=number)
        )
    now = START + data.draw(st.integers(0, 70), label="now") * HOUR
    state = judge(messages, now)
    assert judge(data.draw(st.permutations(messages), label="order"), now) == state
    assert state.verdicts.keys() | set(state.waits) == {each.id for each in messages}
    earlier = judge(messages[: data.draw(st.integers(1, len(messages)), label="known")], now)
    assert judge(messages, now, earlier.outcome.docket.codes) == state  # [R-CRED-90]
    for side in SIDES:
        _drafts(messages, state, side, now)


def _drafts(messages: list[Message], state: DealState, side: Role, now: int) -> None:
    """What a side may say now has effect once it is said; where it may say nothing, there is a reason."""
    try:
        allowed = moves(state, side, now)
    except (Void, LocalProtocolError):
        return
    for body in says(state.outcome.view, side):
        if type_of(body) not in allowed:
            continue
        try:
            made = drafted(state, side, body, now)
        except Void:
            continue  # allowed with another amount, or of another message
        after = judge([*messages, made], now)
        assert after.verdicts[made.id] in (None, CROSSED_OUT.get(made.type)), after.verdicts[made.id]


def _part_of(data: st.DataObject, state: DealState, made: Message) -> Message:
    """The same message with a smaller amount, where it has one and that leaves it with effect."""
    body = made.body
    if not isinstance(body, bodies.PaymentSent | bodies.Refund | bodies.PaymentReceived) or body.amount < 2:
        return made
    smaller = type(body)(amount=data.draw(st.integers(1, body.amount), label="amount"))
    known = {each.id: each for each in state.outcome.docket.case.messages}
    return unsigned(
        smaller,
        made.role,
        deal=made.deal,
        previous=None if made.previous is None else known[made.previous],
        seen=[known[id] for id in made.seen],
        time=made.time,
    )


def _sound(state: DealState) -> None:
    """What holds of the figures of every state."""
    figures = state.figures
    assert 0 <= figures.base <= figures.price
    assert figures.base <= max(0, figures.paid)
    assert figures.paid <= max(figures.sent, figures.paid)
    assert min(figures.refund_due, figures.payment_due) == 0
    assert all(
        value >= 0 for value in (figures.owed, figures.unconfirmed_payments, figures.unconfirmed_refunds)
    )
    if state.phase in (Phase.CLOSED, Phase.FINAL):
        assert not {PartStatus.OPEN, PartStatus.FULFILLED} & {part.status for part in state.parts}
        assert figures.unconfirmed == 0
        assert (figures.due > 0) == (state.phase is Phase.CLOSED)


def test_a_deal_of_a_thousand_messages() -> None:
    """R-DEAL-10: part payments, each acknowledged."""
    play = Play(started(order((1_000_000,))))
    play.say("seller", ACCEPT)
    for _ in range(499):
        sent = play.send("buyer", bodies.PaymentSent(amount=1), after=0)
        play.send("seller", bodies.PaymentReceived(amount=1, payment=sent.id), after=0)
    state = play.state()
    assert (len(state.verdicts), set(state.verdicts.values())) == (1_000, {None})
    assert (state.figures.paid, state.figures.unconfirmed) == (499, 0)
