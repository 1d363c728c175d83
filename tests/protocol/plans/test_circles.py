"""R17: receipts that go round in a circle pay nobody [R-PLAN-13]."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest

from protocol import limits
from protocol.deals import message
from protocol.deals.offers import name_buyer
from protocol.paths import Path
from protocol.plans.activity import Activity
from protocol.plans.evaluate import evaluate_sale
from protocol.plans.facts import SaleFacts
from protocol.signing import Signer
from tests.protocol.author import NETWORK, seed
from tests.protocol.ledger.world import HOLD, Deal, World
from tests.protocol.plans.made import MONTH, paid, plan, run, sale, team

LEVEL = {"unilevel": {"compression": "none", "rates": ["10%"]}}
PEOPLE = dict.fromkeys("abcdefghijk")


def bought(number: int, buyer: str, referrer: str, **more: object) -> SaleFacts[str]:
    return sale(number, referrer, 1_000, buyer=buyer, customer=buyer, **more)


def round_of(*names: str) -> list[SaleFacts[str]]:
    """Each buys by the link of the next, the last by that of the first."""
    return [bought(number, name, names[(number + 1) % len(names)]) for number, name in enumerate(names)]


@pytest.mark.parametrize("length", range(2, limits.MAX_CIRCLE + 1))
def test_the_sale_that_closes_a_circle_pays_nobody(length: int) -> None:
    awards = run(plan(**LEVEL), team(PEOPLE), round_of(*"abcdefghijk"[:length]))
    assert [paid(each) for each in awards] == [
        *({name: 100} for name in "bcdefghijk"[: length - 1]), {}
    ]  # fmt: skip


def test_a_longer_circle_is_not_looked_for() -> None:
    names = "abcdefghijk"[: limits.MAX_CIRCLE + 1]
    assert all(run(plan(**LEVEL), team(PEOPLE), round_of(*names)))


def test_nobody_is_in_a_circle_by_buying_again_or_of_many() -> None:
    sales = [bought(1, "a", "b"), bought(2, "a", "b"), bought(3, "a", "c"), bought(4, "c", "b")]
    assert all(run(plan(**LEVEL), team(PEOPLE), sales))


def test_in_another_period_it_is_no_circle() -> None:
    sales = [bought(1, "a", "b"), bought(2, "b", "a", time=MONTH + 40 * 86_400_000)]
    assert all(run(plan(**LEVEL), team(PEOPLE), sales))


def test_who_is_not_named_is_in_no_circle() -> None:
    sales = [bought(1, "a", "b"), sale(2, "a", 1_000, customer="b")]
    assert all(run(plan(**LEVEL), team(PEOPLE), sales))


def test_a_sale_in_a_circle_leads_nowhere_and_counts_no_volume() -> None:
    """The second pays nobody; so the third is no circle with it, and volume and buyers are those of the first."""
    compiled = plan(**LEVEL)
    people, activity = team(PEOPLE), Activity(compiled)
    for one in (bought(1, "a", "b"), bought(2, "b", "a")):
        activity.take(one, people)
    sums = activity.volumes(MONTH)
    assert (sums.total, sums.outside) == (1_000, 0)
    assert paid(evaluate_sale(compiled, people, activity, bought(3, "a", "b"))) == {"b": 100}


def test_only_so_many_referrers_of_one_buyer_are_looked_at() -> None:
    most = limits.MAX_CIRCLE_WAYS
    sales = [bought(number, "a", name) for number, name in enumerate("bcdefg"[: most + 1])]
    back = [bought(20 + number, name, "a") for number, name in enumerate("bcdefg"[: most + 1])]
    awards = run(plan(**LEVEL), team(PEOPLE), [*sales, *back])[len(sales) :]
    assert [bool(each) for each in awards] == [*([False] * most), True]


def test_what_was_counted_stays_so_when_a_circle_comes_later() -> None:
    """A refund of the first sale takes back what it counted for, also where the way back was found since."""
    compiled = plan(**LEVEL)
    people, activity = team(PEOPLE), Activity(compiled)
    first = bought(1, "a", "e")
    for one in (*(bought(number, "a", name) for number, name in enumerate("bcd", 5)), first):
        activity.take(one, people)
    activity.take(bought(9, "e", "a"), people)  # a's fourth referrer: not looked at
    assert activity.volumes(MONTH).total == 5_000
    activity.reverse(first, Fraction(1), people)
    assert activity.volumes(MONTH).total == 4_000


# -- through a log -------------------------------------------------------------------------------------------
def purchase(made: World, name: str, path: Path) -> Deal:
    """A complete deal of a networker who says who they are."""
    buyer, key = made.who(name), Signer(seed("key of", name, made.deals))
    deal = made.deal(path=path)
    named = name_buyer(NETWORK, buyer.signer, id=buyer.id, epoch=0, key=key.public, seller=made.issuer.id)
    deal.buyer = key
    deal.body = msgspec.structs.replace(deal.body, key=key.public, named=named)
    deal.messages = [
        message.sign(
            NETWORK, key, body=deal.body, deal=None, role="buyer", number=0, previous=None, seen=(), time=deal.now,
            epoch=None,
        )
    ]  # fmt: skip
    return deal.complete()


def test_receipts_in_a_circle_give_no_credit_in_a_log() -> None:
    """ann buys by bob's link, bob by cid's, cid by ann's: the third pays nobody, and a refund of it changes nothing."""
    made = World()
    made.publish()
    made.join("dan")
    for buyer, referrer in (("ann", "bob"), ("bob", "cid"), ("cid", "ann")):
        path = made.path(referrer)
        deal = purchase(made, buyer, path)
        assert made.sell(deal, path=path, openers=made.openers(buyer, referrer)).code is None
    assert [made.figures(name, made.now + HOLD).signed for name in ("bob", "cid", "ann")] == [1_000, 1_000, 0]
    deal.refund(10_000)
    assert made.refund(deal, 0).code is None
    assert [made.figures(name, made.now + HOLD).signed for name in ("bob", "cid", "ann")] == [1_000, 1_000, 0]


def test_awards_of_a_sale_that_closes_a_circle_void_it() -> None:
    from protocol.ledger.contents import AwardLine

    made = World()
    made.publish()
    for buyer, referrer, awards, code in (
        ("ann", "bob", None, None),
        ("bob", "ann", (AwardLine(made.id("ann"), "level", 1, 1_000),), "awards_differ"),
    ):
        path = made.path(referrer)
        deal = purchase(made, buyer, path)
        openers = made.openers(buyer, referrer)
        assert made.sell(deal, path=path, awards=awards, openers=openers, plan=made.plan).code == code
