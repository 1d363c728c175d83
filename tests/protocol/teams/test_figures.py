"""What is computed of a team: earnings with everybody in them, retention, duplication, shape; disclosure documents."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import encoding
from protocol.deals.bodies import Order, Part, Terms
from protocol.deals.enclosures import DiscountLine, Goods, GoodsLine, TaxLine
from protocol.errors import Void
from protocol.records.team import Buyback
from protocol.teams import buyback
from protocol.teams.disclosure import (
    Claim,
    Document,
    claim_holds,
    document_hash,
    earnings,
    encode_document,
    percentile,
    read_document,
)
from protocol.teams.retention import activity, by_cohort, by_sponsor, retention
from protocol.teams.shape import Growth, outgrows, shape
from protocol.teams.statements import BuybackRequest, read
from tests.protocol.author import START, seed
from tests.protocol.teams.made import DAY, RULES, Play

CLAIM = Claim(amount=10_000, from_=0, members=3, of=40, points=750, until=1)
DOCUMENT = Document(
    cancellation="At any time; 90 % back.",
    claims=(CLAIM,),
    identity="Linen Ltd, 1 High Street.",
    legal="none",
    references=("Ask any member.",),
)


# -- the document --------------------------------------------------------------------------------------------
def test_a_disclosure_has_all_five_items() -> None:  # [R-TEAM-3]
    data = encode_document(DOCUMENT)
    assert read_document(data) == DOCUMENT
    assert document_hash(data) == document_hash(encode_document(read_document(data)))
    with pytest.raises(Void):
        read_document(data + b"\xc0")
    value = encoding.decode(data)
    for item in ("cancellation", "claims", "identity", "legal", "references"):
        with pytest.raises(Void) as fault:
            read_document(encoding.encode({name: each for name, each in value.items() if name != item}))
        assert fault.value.code == "statement" and item in fault.value.text


@pytest.mark.parametrize("wrong", [{"points": 751}, {"members": 41, "points": 10_000}, {"until": 0}])
def test_a_claim_carries_dates_numbers_and_their_percentage(wrong: dict[str, int]) -> None:  # [R-TEAM-24]
    claim = msgspec.structs.replace(CLAIM, **wrong)
    with pytest.raises(Void):
        encode_document(msgspec.structs.replace(DOCUMENT, claims=(claim,)))


def test_a_claim_that_leaves_out_who_had_nothing_does_not_hold() -> None:  # [R-TEAM-24]
    amounts = [20_000, 10_000, 10_000] + [0] * 37
    assert claim_holds(CLAIM, amounts)
    assert not claim_holds(CLAIM, amounts[:30])
    assert not claim_holds(CLAIM, [*amounts[:2], *[0] * 38])
    assert not claim_holds(msgspec.structs.replace(CLAIM, of=3, points=10_000), amounts)


# -- earnings ------------------------------------------------------------------------------------------------
def test_the_median_of_earnings_counts_zeros_and_who_left() -> None:  # [R-TEAM-22]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "ada"), ("dot", "ada"))
    play.leave("bob")
    end = play.now + DAY
    found = earnings(
        play.team,
        START,
        end,
        {play.id("ada"): 900, play.id("bob"): 100},
        {play.id("ada"): 1_000, play.id("cid"): 50},
    )
    assert (found.members, found.left, found.zero, found.total) == (4, 1, 2, 1_000)
    assert (found.median, found.p90, found.p99) == (0, 900, 900)
    assert (found.net_median, found.net_p90, found.losing) == (-50, 100, 2)
    assert found.share_zero == Fraction(1, 2)


def test_earnings_of_a_time_are_of_who_was_a_member_in_it() -> None:  # [R-TEAM-22]
    play = Play()
    play.join(("ada", "owner"))
    play.now += 5
    play.leave("ada")
    left = play.now
    play.join(("bob", "owner"))
    assert earnings(play.team, left, play.now, {}, {}).members == 0
    assert earnings(play.team, left - 1, play.now, {}, {}).members == 1
    assert earnings(play.team, START, left, {}, {}).left == 1
    assert earnings(play.team, left, play.now + 1, {}, {}).members == 1
    assert earnings(play.team, left, play.now, {}, {}).share_zero == 0


@given(st.lists(st.integers(-1_000, 1_000), max_size=50), st.integers(1, 100))
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(values: list[int], percent: int) -> None:
    ascending = sorted(values)
    found = percentile(ascending, percent)
    if not ascending:
        assert found == 0
        return
    good = [
        v for v in ascending if sum(1 for each in ascending if each <= v) * 100 >= percent * len(ascending)
    ]
    assert found == min(good)


# -- retention -----------------------------------------------------------------------------------------------
def test_retention_counts_only_who_is_old_enough() -> None:  # [R-TEAM-25]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"))
    joined = play.tree.joined_ms(play.id("bob"))
    assert joined is not None
    play.now = joined + 30 * DAY - 1
    play.leave("bob")
    play.join(("cid", "ada"))
    now = joined + 40 * DAY
    row = retention(play.team, now)
    assert row.joined == 3
    assert [(each.days, each.of, each.kept) for each in row.ages] == [(30, 2, 1), (90, 0, 0), (365, 0, 0)]
    sponsors = by_sponsor(play.team, now)
    assert (sponsors[play.id("ada")].ages[0].of, sponsors[play.id("ada")].ages[0].kept) == (1, 0)
    assert sponsors[play.owner.id].ages[0].kept == 1
    cohorts = by_cohort(play.team, now, lambda ms: "early" if ms <= joined else "late")
    assert (cohorts["early"].joined, cohorts["late"].joined) == (2, 1)


def test_who_left_on_the_thirtieth_day_was_kept_for_thirty_days() -> None:  # [R-TEAM-25]
    play = Play()
    play.join(("ada", "owner"))
    play.now += 30 * DAY
    play.leave("ada")
    assert retention(play.team, play.now).ages[0].kept == 1


def test_duplication_activity_and_time_to_first_sale() -> None:  # [R-TEAM-26]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"))
    ada, bob = play.id("ada"), play.id("bob")
    at = play.tree.joined_ms(ada)
    assert at is not None
    now = at + 97 * DAY
    found = activity(play.team, now, {ada: (at - 1, at + 3 * DAY + 5), bob: (now - 5 * DAY,)})
    assert (found.members, found.active, found.of_aged, found.duplicated) == (2, 1, 2, 1)
    assert (found.sellers, found.first_sale_days) == (2, 3)
    assert activity(play.team, now, {}).first_sale_days is None
    assert activity(play.team, at + 89 * DAY, {}).of_aged == 0


# -- shape ---------------------------------------------------------------------------------------------------
def test_the_shape_of_a_team() -> None:  # [R-TEAM-28]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("dot", "owner"))
    found = shape(play.team)
    assert (found.members, found.width, found.depth, found.largest) == (4, 2, 3, 3)
    assert (found.sponsoring, found.top_sponsored) == (2, 1)
    assert found.concentration == Fraction(3, 4)
    assert shape(Play().team).concentration == 0


def growth(*pairs: tuple[int, int]) -> list[Growth]:
    return [Growth(*pair) for pair in pairs]


def test_recruiting_that_outgrows_the_buyers_three_times_is_warned_of() -> None:  # [R-TEAM-28]
    assert outgrows(growth((1, 10), (2, 11), (4, 12), (8, 13)))
    assert not outgrows(growth((2, 11), (4, 12), (8, 13)))
    assert not outgrows(growth((1, 10), (2, 20), (4, 41), (8, 82)))
    assert not outgrows(growth((8, 10), (2, 1), (4, 1), (8, 1)))
    assert outgrows(growth((1, 0), (2, 0), (3, 0), (4, 0)))
    assert not outgrows(growth((1, 0), (2, 1), (3, 0), (4, 0)))
    assert Growth(3, 2).recruits_per_buyer == Fraction(3, 2) and Growth(3, 0).recruits_per_buyer is None


# -- buy-back ------------------------------------------------------------------------------------------------
BOUGHT = buyback.Bought(seed("order"), seed("ada"), START, {0: (10, 9_999), 2: (1, 500)}, {0: 4})


def request(*goods: tuple[int, int], amount: int = 0, time: int = START) -> BuybackRequest:
    play = Play()
    data = play.signed(
        "ada",
        BuybackRequest,
        amount=amount,
        bought=bytes(64),
        goods=goods,
        order=BOUGHT.order,
        signer=BOUGHT.buyer,
        time=time,
    )
    return read(BuybackRequest, data)


def test_unsold_goods_are_taken_back_at_the_terms() -> None:  # [R-TEAM-29]
    by = buyback.terms(RULES)
    assert by == Buyback(days=365, points=9_000)
    assert buyback.terms(msgspec.structs.replace(RULES, buyback=Buyback(days=1, points=1))).days == 1
    assert buyback.owed(request((0, 6), (2, 1), amount=5_849), BOUGHT, by) == 5_399 + 450
    for goods in (((0, 7),), ((1, 1),), ((2, 2),)):
        with pytest.raises(Void, match="too_much"):
            buyback.owed(request(*goods), BOUGHT, by)
    with pytest.raises(Void, match="too_much"):
        buyback.owed(request((2, 1), amount=451), BOUGHT, by)
    with pytest.raises(Void, match="names_differ"):
        buyback.owed(request((2, 1), (0, 1)), BOUGHT, by)
    with pytest.raises(Void, match="names_differ"):
        buyback.owed(request((0, 1), (0, 1)), BOUGHT, by)
    with pytest.raises(Void, match="too_late"):
        buyback.owed(request((2, 1), time=START + 365 * DAY + 1), BOUGHT, by)
    buyback.owed(request((2, 1), time=START + 365 * DAY), BOUGHT, by)
    with pytest.raises(Void, match="names_differ"):
        buyback.owed(msgspec.structs.replace(request((2, 1)), order=seed("other")), BOUGHT, by)


def test_no_more_is_owed_than_the_seller_has_left_of_what_was_paid() -> None:
    """[R-TEAM-29] A refund for another reason went out of the same money."""
    by, poor = buyback.terms(RULES), dataclasses.replace(BOUGHT, left=100)
    assert buyback.owed(request((0, 6), amount=100), poor, by) == 100
    with pytest.raises(Void, match="too_much"):
        buyback.owed(request((0, 6), amount=101), poor, by)


def line(part: int, quantity: int, price: int) -> GoodsLine:
    return GoodsLine(amount=quantity * price, part=part, quantity=quantity, title="Cap", unit_price=price)


def test_what_was_paid_for_a_line_is_its_share_of_the_price_without_shipping() -> None:
    """[R-TEAM-29] Discounts and taxes are borne by all lines alike; lines that were not received are left out."""
    goods = Goods(
        salt=bytes(16),
        discounts=(DiscountLine(amount=100, title="Ten off"),),
        lines=(line(0, 3, 200), line(0, 1, 300), line(1, 1, 100)),
        taxes=(TaxLine(amount=100, included=False, rate=1_000, shipping=10, title="Tax"),),
    )
    whole = 1_000 - 100 + 100 + 100  # goods, discount, shipping, tax
    order = Order(
        currency="EUR", enclosed=bytes(32), key=bytes(32), parts=(Part(price=whole),), seller=bytes(32), shipping=100,
        tax=100, terms=Terms(accept_by=1, confirm_by=1, dispute_until=1, fulfil_by=1, pay_by=1, ruling_by=1),
    )  # fmt: skip
    assert buyback.lines_of(order, goods, whole, {0, 1}) == {0: (3, 594), 1: (1, 297), 2: (1, 99)}, "of 990"
    assert buyback.lines_of(order, goods, whole, {1}) == {2: (1, 99)}
    assert buyback.lines_of(order, goods, 2 * whole, {1}) == {2: (1, 198)}, "renewed at twice the price"
    free = msgspec.structs.replace(order, parts=(Part(price=0),), shipping=0)
    assert buyback.lines_of(free, goods, 0, {1}) == {2: (1, 0)}
