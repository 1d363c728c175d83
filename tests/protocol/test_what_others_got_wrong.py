"""What other affiliate and team systems got wrong, each as a test of the fold that every reader of a log runs.

The same at nodes: `tests/netnode/test_referring.py` (a mistyped link says so, the wrong referrer is not paid).
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.deals.bodies import Dispute, LapseDispute, Ruling
from protocol.entry import Entry
from protocol.errors import RemoteProtocolError
from protocol.ledger.contents import read_sale
from protocol.ledger.figures import lines, solvency
from protocol.ledger.union import Union
from protocol.records import SalePart, decode_record
from protocol.records.plan import Rank, RankRates, Step, Tiers, Unilevel
from protocol.referrals import link_of, read_link, write_link
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.test_invariants import rich, world
from tests.protocol.ledger.test_later import close, monthly
from tests.protocol.ledger.world import DAY, HOLD, UNIT, Deal, World

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def sold(made: World, *prices: int, by: str = "cid", ruled: bool = False) -> Deal:
    """A sale that somebody brought, whole, and logged."""
    path = made.path(by)
    deal = (made.ruled_deal(*prices, path=path) if ruled else made.deal(*prices, path=path)).complete()
    assert made.sell(deal, path=path).code is None
    return deal


def stated(made: World) -> list[tuple[bytes, int]]:
    """The awards of the newest sale entry."""
    entry = made.issuer.entries[-1]
    part = decode_record(entry.kind, entry.record or b"")
    assert isinstance(part, SalePart)
    return [(each.to, each.amount) for each in read_sale(part.content).awards]


# -- an award that was clawed back whole still counted -------------------------------------------------------
def test_a_fully_clawed_back_award_counts_nowhere() -> None:
    """Not in a figure, not in what is outstanding, not in a statement, not in a month's volume, not in a union."""
    made = world()
    deal = sold(made, 10_000)
    deal.refund(10_000)
    assert made.refund(deal, 0).code is None
    for at in (made.now, made.now + HOLD, made.now + 400 * DAY):
        for book in (made.book, Union((), made.book.effects)):
            for name in ("cid", "bob", "ann"):
                figures = book.figures(UNIT, made.id(name), at)
                assert (figures.signed, figures.pending, figures.available) == (0, 0, 0)
            assert solvency(book, UNIT, at).outstanding == 0
    assert [each.remains for each in lines(made.book.effects, made.id("cid"))] == [0]


def test_a_fully_clawed_back_sale_counts_in_no_period() -> None:
    made = monthly()
    deal = sold(made, 10_000)
    sold(made, 2_000, by="bob")
    deal.refund(10_000)
    assert made.refund(deal, 0).code is None
    assert [(each.to, each.amount) for each in close(made).awards] == [(made.id("bob"), 200)]


def test_a_fully_clawed_back_sale_brings_no_outside_buyer() -> None:
    """R5: overrides are unlocked by buyers who stayed."""
    made = world(unlock_buyers=2)
    deals = [sold(made, 1_000, by="bob") for _ in range(2)]
    sold(made, 10_000)
    assert stated(made) == [(made.id("cid"), 1_000), (made.id("bob"), 500)]
    deals[0].refund(1_000)
    assert made.refund(deals[0], 0).code is None
    sold(made, 10_000)
    assert stated(made) == [(made.id("cid"), 1_000)]


# -- a refund after a dispute that was won took too little ----------------------------------------------------
@pytest.mark.parametrize("keeps", [0, 1, 3_333, 5_000])
def test_a_refund_after_a_won_dispute_claws_back_all_that_it_should(keeps: int) -> None:
    """What remains is in proportion to what the seller keeps of the whole, whatever was refunded before."""
    made = world()
    deal = sold(made, 10_000, ruled=True)
    deal.refund(4_000)
    assert made.refund(deal, 6_000).code is None
    deal.dispute()
    dispute = deal.messages[-1]
    assert made.freeze(deal).code is None
    assert isinstance(dispute.body, Dispute)
    ruling = Ruling(delivered=(0,), dispute=dispute.id, keeps=keeps, paid=10_000)
    deal.say("arbiter", ruling, at=deal.messages[3].time + HOLD + 20 * DAY)
    assert made.refund(deal, keeps, openers=made.openers("arbiter")).code is None
    later = made.now + 400 * DAY
    assert [made.figures(name, later).signed for name in ("cid", "bob", "ann")] == [
        keeps * 10 // 100, keeps * 5 // 100, keeps // 100
    ]  # fmt: skip


def test_a_refund_after_a_withdrawn_dispute_claws_back_what_was_paid_out_meanwhile() -> None:
    made = world()
    deal = sold(made, 10_000)
    end = deal.messages[3].time + HOLD
    deal.dispute()
    dispute = deal.messages[-1].id
    assert made.freeze(deal).code is None
    deal.say("buyer", LapseDispute(dispute=dispute), at=end + DAY)
    assert made.freeze(deal, at=end + DAY).code is None
    assert made.pay_out("cid", 1_000).code is None
    deal.refund(10_000)
    assert made.refund(deal, 0, at=end + 15 * DAY).code is None
    assert made.figures("cid").clawback_due == 1_000


# -- a refund left the award standing ------------------------------------------------------------------------
def test_a_refund_takes_the_award_of_every_level() -> None:
    made = world()
    deal = sold(made, 10_000)
    deal.refund(10_000)
    assert made.refund(deal, 0).code is None
    assert [made.figures(name, made.now + HOLD).signed for name in ("cid", "bob", "ann")] == [0, 0, 0]


def test_a_refund_of_a_part_takes_that_part_of_the_award_of_every_level() -> None:
    made = world()
    deal = sold(made, 10_000)
    deal.refund(2_500)
    assert made.refund(deal, 7_500).code is None
    assert [made.figures(name, made.now + HOLD).signed for name in ("cid", "bob", "ann")] == [750, 375, 75]


def test_a_refund_after_the_close_takes_its_part_of_the_awards_of_the_month() -> None:
    made = monthly()
    deal = sold(made, 10_000)
    close(made)
    deal.refund(10_000)
    assert made.refund(deal, 0, at=deal.messages[3].time + HOLD).code is None
    assert made.figures("cid", made.now + 2 * HOLD).signed == 0


# -- the wrong referrer was paid -----------------------------------------------------------------------------
def test_the_referrer_nearest_the_buyer_is_paid_and_nobody_else_can_be() -> None:
    """The order names the path by its hash, and the buyer signed it: an issuer cannot put somebody else's."""
    made = world()
    asked, other = made.path("ann", "dan"), made.path("ann", "bob")
    deal = made.deal(path=asked).complete()
    names = ("ann", "bob", "dan")
    assert (
        made.sell(deal, path=other, awards=(), plan=made.plan, openers=made.openers(*names)).code
        == "path_differs"
    )
    deal.sent = 0
    assert made.sell(deal, awards=(), plan=made.plan).code == "path_differs"
    deal.sent = 0
    assert made.sell(deal, path=asked).code is None
    assert stated(made)[0] == (made.id("dan"), 1_000)


def test_awards_to_another_than_the_plan_says_void_the_whole_sale() -> None:
    made = world()
    sold(made, 10_000)
    entry = made.issuer.entries[-1]
    part = decode_record(entry.kind, entry.record or b"")
    assert isinstance(part, SalePart)
    awards = tuple(
        msgspec.structs.replace(each, to=made.id("zoe")) for each in read_sale(part.content).awards[:1]
    )
    path = made.path("cid")
    assert (
        made.sell(made.deal(path=path).complete(), path=path, awards=awards, plan=made.plan).code
        == "awards_differ"
    )
    assert made.figures("zoe", made.now + HOLD).pending == 0


def test_the_sponsor_of_the_day_is_paid_and_not_the_one_of_later() -> None:
    made = world()
    sold(made, 10_000)
    made.rekey("ann")
    made.book.teams.tree("team").move(made.id("cid"), made.id("ann"), made.issuer.entries[-1].seq)
    assert made.figures("bob", made.now + HOLD).signed == 500


# -- a mistyped link lost the referrer without a word --------------------------------------------------------
def test_a_mistyped_link_is_refused_and_never_read_as_no_link_or_as_anothers() -> None:
    made = world()
    text = write_link(link_of(made.path("cid", listing="thing").tokens))
    for place in range(0, len(text), 7):
        for character in ALPHABET:
            if character != text[place]:
                with pytest.raises(RemoteProtocolError) as refused:
                    read_link(text[:place] + character + text[place + 1 :])
                assert refused.value.code == "bad_uri"
    for place in range(1, len(text) - 1, 13):
        with pytest.raises(RemoteProtocolError):
            read_link(text[:place] + text[place + 1 :])
    assert read_link(text).path.referrals[-1].referrer == made.id("cid")


# -- a refund kept rank or tier ------------------------------------------------------------------------------
def test_a_refund_takes_back_the_rank_it_was_reached_by() -> None:
    """bob is gold by 100.00 of own sales in the month before; a refund in the hold takes gold from later awards."""
    rates = (RankRates(rates=((1, 10),)), RankRates(rank="gold", rates=((1, 10), (1, 10))))
    levels = Unilevel(compression="none", name="level", rates=rates)
    for refunded, awards in ((0, 2), (1, 1)):
        made = world(ranks=(Rank(name="gold", own=10_000),), unilevel=(levels,))
        deal = sold(made, 10_000, by="bob")
        close(made)
        if refunded:
            deal.refund(refunded)
            assert made.refund(deal, 10_000 - refunded, at=made.now).code is None
        sold(made, 10_000)
        assert len(stated(made)) == awards
        assert (made.id("bob"), 1_000) in stated(made) or awards == 1


def test_a_refund_takes_back_the_tier_it_was_reached_by() -> None:
    steps = (Step(at=0, rate=(1, 10)), Step(at=10_000, rate=(2, 10)))
    made = world(unilevel=(), tiers=(Tiers(mode="whole", name="tiers", steps=steps, when="period"),))
    deals = [sold(made, 5_000), sold(made, 5_000)]
    governed = made.book.governing.find(made.plan or b"")
    assert governed is not None
    assert [each.amount for each in close_with_awards(made.book.state, governed, made.now).awards] == [2_000]
    deals[0].refund(1)
    assert made.refund(deals[0], 4_999).code is None
    assert [each.amount for each in close(made).awards] == [999]


# -- a deleted record ----------------------------------------------------------------------------------------
def without(made: World, place: int, drop: bool) -> tuple[Any, list[Entry]]:
    """The log folded by who lacks the record of one entry, or the entry."""
    entries = list(made.issuer.entries)
    gone = entries[place]
    if not drop:
        entries[place] = msgspec.structs.replace(gone, record=None)
    book = made.fresh()
    for entry in entries:
        book.take(entry)
        if entry.kind == 10:
            for name, sponsor in (("ann", None), ("bob", "ann"), ("cid", "bob"), ("dan", "cid")):
                above = made.issuer.id if sponsor is None else made.id(sponsor)
                book.teams.tree("team").join(made.id(name), above, entry.seq, entry.time)
    return book, entries


def test_a_deleted_record_makes_a_ledger_unknown_and_never_poorer() -> None:
    """Whoever lacks the record of one sale says so; what came before it stands."""
    made = rich()
    before = made.figures("cid", made.now + HOLD).signed
    place = len(made.issuer.entries)
    sold(made, 10_000)
    assert made.transfer("cid", "bob", 10).code is None
    book, _ = without(made, place, drop=False)
    assert book.unknown == place
    assert book.figures(UNIT, made.id("cid"), made.now + HOLD).signed == before


def test_a_deleted_listing_changes_no_award() -> None:
    """Odd records may be purged: a sale embeds the listing it rests on."""
    made = world()
    listing = made.issuer.after(made.issuer.entries[-1], 3, made.listing().record, time=made.now)
    made.issuer.entries.append(listing)
    made.book.take(listing)
    sold(made, 10_000)
    sold(made, 5_000)
    book, _ = without(made, listing.seq, drop=False)
    assert book.unknown is None
    later = made.now + HOLD
    assert book.figures(UNIT, made.id("cid"), later) == made.figures("cid", later)
    assert book.figures(UNIT, made.id("cid"), later).signed == 1_500


def test_a_sale_that_is_left_out_on_another_branch_is_owed_all_the_same() -> None:
    """An issuer cannot delete what it logged by going on from before it."""
    made = world()
    before = list(made.issuer.entries)
    sold(made, 10_000)
    seen = Union([(made.issuer.entries[-1].seq, made.issuer.entries[-1].id)], made.book.effects)
    other = made.fresh()
    for entry in before:
        other.take(entry)
    seen.add(Union([(before[-1].seq, before[-1].id)], other.effects))
    assert seen.figures(UNIT, made.id("cid"), made.now + HOLD).signed == 1_000
