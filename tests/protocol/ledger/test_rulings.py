"""Rulings in a ledger: what the arbiter lets the seller keep is the base [R-CRED-14, 15, 25, 61]."""

from __future__ import annotations

import pytest

from protocol.deals.bodies import Dispute, Ruling
from protocol.ledger.book import Book
from protocol.ledger.union import Union
from protocol.signing import Signer
from tests.protocol.author import seed
from tests.protocol.ledger.world import HOLD, UNIT, Deal, World


def disputed() -> tuple[World, Deal]:
    """A sale of cid's, logged, with the buyer's dispute open."""
    world = World()
    world.publish()
    world.join("cid")
    path = world.path("cid")
    deal = world.ruled_deal(10_000, path=path).complete()
    assert world.sell(deal, path=path).code is None
    deal.say("buyer", Dispute(claim=0))
    return world, deal


def rule(deal: Deal, keeps: int, signer: Signer | None = None) -> None:
    dispute = next(each for each in deal.messages if isinstance(each.body, Dispute))
    deal.say("arbiter", Ruling(delivered=(0,), dispute=dispute.id, keeps=keeps, paid=10_000), signer=signer)


def union(book: Book) -> Union:
    assert book.head is not None
    return Union([book.head[:2]], book.effects)


def test_a_ruling_lowers_the_base_without_the_buyer() -> None:
    world, deal = disputed()
    rule(deal, 4_000)
    assert world.refund(deal, 4_000, openers=world.openers("arbiter")).code is None
    assert world.figures("cid", world.now + HOLD).balance == 400


@pytest.mark.parametrize("what", ["forged", "openers missing"])
def test_a_ruling_is_the_arbiters(what: str) -> None:
    world, deal = disputed()
    rule(deal, 4_000, Signer(seed("somebody")) if what == "forged" else None)
    openers = world.openers("arbiter") if what == "forged" else ()
    assert world.refund(deal, 4_000, openers=openers).code == "not_signed"
    assert world.figures("cid", world.now + HOLD).balance == 1_000


def test_a_ruling_on_one_branch_counts_in_the_union() -> None:
    world, deal = disputed()
    before = union(world.book)
    rule(deal, 4_000)
    world.refund(deal, 4_000, openers=world.openers("arbiter"))
    after = union(world.book)
    for one, two in ((before, after), (after, before)):
        both = Union()
        both.add(one)
        both.add(two)
        assert both.figures(UNIT, world.id("cid"), world.now + HOLD).balance == 400


def test_a_sale_by_a_ruling_alone() -> None:
    world = World()
    world.publish()
    world.join("cid")
    path = world.path("cid")
    deal = world.ruled_deal(10_000, path=path).accept().pay()
    deal.say("buyer", Dispute(claim=0))
    rule(deal, 7_000)
    assert world.sell(deal, path=path, openers=world.openers("cid", "arbiter")).code is None
    assert world.figures("cid", world.now + 2 * HOLD).balance == 700
