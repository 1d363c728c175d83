"""Deals that went straight come to what judging them comes to."""

from __future__ import annotations

from random import Random

import pytest

from protocol.deals.bodies import Accept, Cancel, DealBody, Fulfil, PaymentReceived, PaymentSent, Receive
from protocol.deals.figures import PartStatus
from protocol.deals.message import Message
from protocol.deals.state import judge
from protocol.deals.straight import straight
from tests.protocol.deals.made import BUYER, FAR, Play, order, started


def _random(number: int) -> list[Message]:
    """Moves that mostly have effect, sometimes not, sometimes crossing."""
    random = Random(number)
    play = Play(started(order(random.choice(((100,), (30, 70), (0, 5))))))
    prices = len(play.start.body.parts)  # type: ignore[union-attr]
    for _ in range(random.randint(1, 7)):
        named = [each for each in play.messages if isinstance(each.body, PaymentSent | Fulfil)]
        of = random.choice(named) if named and random.random() < 0.5 else None
        bodies: tuple[tuple[str, DealBody], ...] = (
            ("seller", Accept(key=BUYER.public, listing=b"l" * 32)),
            ("seller", Accept(key=BUYER.public, listing=b"m" * 32)),
            ("buyer", PaymentSent(amount=random.choice((1, 50, 100, 101)))),
            (
                "seller",
                PaymentReceived(amount=random.choice((1, 50, 100)), **_name(of, PaymentSent, "payment")),
            ),
            ("seller", Fulfil(part=random.randrange(prices + 1))),
            ("buyer", Receive(part=random.randrange(prices + 1), **_name(of, Fulfil, "fulfil"))),
            ("buyer", Cancel(reason="other")),
        )
        weights = (3, 0.2, 2, 3, 2, 4, 0.2)
        role, body = random.choices(bodies, weights)[0]
        blind = [play.messages[-1]] if random.random() < 0.05 and len(play.messages) > 1 else []
        play.send(role, body, blind=blind)  # type: ignore[arg-type]
    return play.messages


def _name(of: Message | None, form: type[DealBody], field: str) -> dict[str, bytes]:
    return {field: of.id} if of is not None and isinstance(of.body, form) else {}


@pytest.mark.parametrize("block", range(10))
def test_what_a_straight_deal_comes_to_is_what_judging_says(block: int) -> None:
    went = 0
    for number in range(block * 200, block * 200 + 200):
        messages = _random(number)
        deal, state = straight(messages), judge(messages, FAR)
        if deal is None:
            continue
        went += 1
        assert all(code is None for code in state.verdicts.values()), number
        received = {part.number for part in state.parts if part.status is PartStatus.RECEIVED}
        newest = [each.time for each in messages if isinstance(each.body, Receive)]
        assert (deal.received, deal.paid) == (received, state.figures.paid), number
        assert deal.contract == state.outcome.view.contract, number
        assert deal.newest == max(newest, default=None)
        earned = sum(part.price for part in state.parts if part.number in deal.received)
        assert max(0, min(earned, deal.paid)) == state.figures.base
    assert went > 10


def test_a_deal_whose_message_has_no_effect_is_not_straight() -> None:
    odd = 0
    for number in range(1_000):
        messages = _random(number)
        if any(judge(messages, FAR).verdicts.values()):
            odd += 1
            assert straight(messages) is None, number
    assert odd > 100
