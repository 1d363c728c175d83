"""Nothing that an issuer can write alone lowers a figure: deeds one at a time [R-CRED-42]."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.deals import message
from protocol.deals.bodies import Dispute, Fulfil, PaymentReceived, PresumeReceived
from protocol.records import RefundEntry
from protocol.records.plan import Unit
from tests.protocol.author import START
from tests.protocol.ledger.test_invariants import YEAR, rich, world
from tests.protocol.ledger.world import DAY, UNIT, Deal, World, plan_record


@pytest.mark.parametrize(("name", "exponent"), [(UNIT, 4), (UNIT, 0), ("EUR", 3)])
def test_an_issuer_cannot_make_another_amount_of_what_people_hold(name: str, exponent: int) -> None:
    """10.00 of a unit would be 0.1000 of it if a plan could give the unit other decimal places."""
    made = rich()
    known = list(made.book.governing.all())
    record = plan_record(title="Smaller", unit=Unit(name=name, exponent=exponent))
    assert made.write(record).code == "plan_terms"
    assert list(made.book.governing.all()) == known
    assert made.write(plan_record(title="Same", unit=Unit(name=name, exponent=2))).code is None


def alone() -> tuple[World, Deal]:
    """A sale of cid's, posted and pending, and everything an issuer might write besides."""
    made = rich()
    path = made.path("cid")
    deal = made.deal(3_000, 7_000, path=path).accept().pay().receive(0)
    made.sell(deal, path=path)
    return made, deal


def _unconfirmed(deal: Deal) -> None:
    deal.pay(5_000).refund(5_000, confirmed=False)


def _own_dispute(deal: Deal) -> None:
    deal.dispute("seller")


def _paid_more(deal: Deal) -> None:
    deal.pay(1)


@pytest.mark.parametrize("say", [_unconfirmed, _own_dispute, _paid_more])
def test_an_issuers_own_messages_lower_no_figure(say: Callable[[Deal], None]) -> None:
    made, deal = alone()
    before = made.figures("cid", made.now + YEAR), made.figures("cid").available
    deal.now = made.now
    say(deal)
    new = deal.new()
    for base in (0, 1_000, 2_999, 3_000):
        record = RefundEntry(base=base, messages=new, openers=(), order=deal.id)
        assert made.write(record, at=deal.now + base).code == "no_reduction"
    deal.sent -= len(new)
    assert made.freeze(deal).code == "no_dispute"
    assert (made.figures("cid", made.now + YEAR), made.figures("cid").available) == before


def test_a_second_message_with_one_number_lowers_no_figure() -> None:
    made, deal = alone()
    before = made.figures("cid", made.now + YEAR)
    twin = message.sign(
        made.issuer.network, made.issuer.signer, body=PaymentReceived(amount=1), deal=deal.id, role="seller",
        number=1, previous=deal.messages[1].id, seen=(deal.id,), time=made.now, epoch=0,
    )  # fmt: skip
    for base in (0, 1, 3_000):
        record = RefundEntry(base=base, messages=(twin.data,), openers=(), order=deal.id)
        assert made.write(record).code is not None
    assert made.figures("cid", made.now + YEAR) == before


def test_a_dispute_of_the_buyer_alone_takes_nothing_back_of_a_presumption() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).accept().pay()
    fulfil = deal.say("seller", Fulfil(part=0))
    deal.say("seller", PresumeReceived(fulfil=fulfil.id), at=deal.now + 2 * DAY)
    assert made.sell(deal, path=path).code is None
    deal.say("buyer", Dispute(claim=0))
    new = deal.new()
    record = RefundEntry(base=0, messages=new, openers=(), order=deal.id)
    assert made.write(record, at=deal.now + 1).code == "no_reduction"
    assert made.figures("cid", START + YEAR).balance == 1_000
