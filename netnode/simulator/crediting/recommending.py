"""What people do to be paid for recommending: goods with a commission, links passed on, orders by them, refunds.

As in `actors` each is one function that goes through the services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.arbitrating import an_arbiter
from netnode.simulator.crediting.promised import Passed
from netnode.simulator.dealing import publish
from netnode.simulator.dealt import note_told
from protocol.identity import id_text

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

PAID: Final = "paid"  # begins the keys of what pays who brings a buyer
GOODS: Final = f"{PAID}-by-plan"  # begins the keys of what the plan of a team pays
COMMISSIONS: Final = ("2.5", "10", "33.33", "0.01")
NEWEST: Final = 6  # links that people still have at hand
_PAGE: Final = 100
_TRIED: Final = 4  # deals that somebody looks at before they complain of one
_PAID_STATES: Final = ("agreed", "closed", "final", "fulfilled")


async def stock(stall: Stall) -> None:
    """Offers a thing that pays a commission to whoever brings its buyer."""
    key = await publish(stall, PAID, 200, COMMISSIONS)
    await stall.services.stock.change(models.StockChange(key=key, auto_accept="on"))
    stall.oracle.shelves.setdefault(stall.node.name, {})[key] = None


async def recommend(stall: Stall) -> None:
    """Recommends a thing of somebody's, or passes on what somebody else recommended."""
    own, links = stall.id_of(stall.node), stall.oracle.credits.links
    met = [each for each in links[-NEWEST:] if own not in (each.seller, *each.referrers)]
    if met and stall.chance.random() < 0.4:
        before = stall.chance.choice(met)
        shown = await stall.services.referrals.forward(models.ReferralForward(link=before.text))
        links.append(Passed(shown.link, before.seller, before.key, (*before.referrers, own)))
        stall.seen.mark("credit passed on")
        return
    other = stall.somebody()
    keys = [] if other is None else _paying(stall, other.name)
    if other is None or not keys:
        return
    seller, key = stall.id_of(other), stall.chance.choice(keys)
    wish = models.ReferralMake(subject=f"{id_text(seller)}/{key}", campaign=f"c{stall.chance.below(3)}")
    shown = await stall.services.referrals.make(wish)
    links.append(Passed(shown.link, seller, key, (own,)))


async def order_by_link(stall: Stall) -> None:
    """Orders what a link recommends."""
    own = stall.id_of(stall.node)
    found = [each for each in stall.oracle.credits.links[-NEWEST:] if each.seller != own]
    if not found:
        return
    link = stall.chance.choice(found)
    judge = await an_arbiter(stall, link.seller, own) if stall.oracle.consents else None
    wanted = models.DealOrder(
        ref=f"{id_text(link.seller)}/{link.key}",
        quantity=1 + stall.chance.below(3),
        link=link.text,
        arbiter=judge,
    )
    made = await stall.services.deals.order(wanted)
    note_told(stall, made.deal)
    stall.oracle.credits.led[bytes.fromhex(made.deal)] = link
    stall.seen.mark("credit order by link")


async def give_back(stall: Stall) -> None:
    """Refunds a part of what was paid for an own thing, or all of it."""
    page = await stall.services.deals.list(models.DealsQuery(limit=_PAGE, all=True))
    found = [each for each in page.items if each.role == "seller" and each.state in _PAID_STATES]
    if not found:
        return
    shown = await stall.services.deals.show(stall.chance.choice(found[:10]).deal)
    left = shown.figures.paid.minor - shown.figures.refunded.minor
    if "refund" not in shown.can or left <= 0:
        return
    whole = stall.chance.random() < 0.4
    minor = left if whole else 1 + stall.chance.below(left)
    order = models.DealMoney(deal=shown.deal, amount=f"{minor // 100}.{minor % 100:02}")
    note_told(stall, (await stall.services.deals.refund(order)).deal)
    stall.seen.mark(f"credit refund {'whole' if whole else 'partial'}")


async def complain(stall: Stall) -> None:
    """A buyer whose order names an arbiter disputes what was received."""
    page = await stall.services.deals.list(models.DealsQuery(limit=_PAGE, all=True))
    found = [each for each in page.items if each.role == "buyer" and each.state in _PAID_STATES]
    for each in found[:_TRIED]:
        shown = await stall.services.deals.show(each.deal)
        if "dispute" in shown.can and shown.arbiter is not None:
            wish = models.DealDispute(deal=shown.deal, claim="0.50", text="Not so.")
            note_told(stall, (await stall.services.deals.dispute(wish)).deal)
            stall.seen.mark("credit disputed")
            return


async def ally(stall: Stall) -> None:
    """Agrees on rates with somebody, answers who proposed that, or ends it."""
    page = await stall.services.alliances.list(models.AlliancesQuery())
    waiting = [each for each in page.items if each.state == "proposed" and not each.own]
    if waiting and stall.chance.random() < 0.8:
        await stall.services.alliances.accept(stall.chance.choice(waiting).alliance)
        stall.seen.mark("credit allied")
        return
    agreed = [each for each in page.items if each.state == "agreed"]
    if agreed and stall.chance.random() < 0.3:
        await stall.services.alliances.end(stall.chance.choice(agreed).alliance)
        stall.seen.mark("credit alliance ended")
        return
    other = stall.somebody()
    if other is not None:
        gives, gets = (f"{1 + stall.chance.below(30)}" for _ in range(2))
        wish = models.AlliancePropose(to=id_text(stall.id_of(other)), gives=gives, gets=gets, notice=1)
        await stall.services.alliances.propose(wish)


async def ask_for_sale(stall: Stall) -> None:
    """Asks in public for a sale that the owner brought about and that is not in the seller's log."""
    page = await stall.services.referrals.orders(models.ReferralOrders())
    for each in page.items:
        if each.logged != "not_logged":
            continue
        try:
            made = await stall.services.credits.challenge(models.CreditChallenge(order=each.order))
        except Problem as problem:
            stall.seen.mark(f"credit challenge {problem.code}")
            continue
        stall.told(made.entry, "challenge")
        stall.seen.mark("credit challenge of a sale")


def _paying(stall: Stall, home: str) -> list[str]:
    keys = sorted(key for key in stall.oracle.shelves.get(home, {}) if key.startswith(PAID))
    planned = [key for key in keys if key.startswith(GOODS)]
    return planned if planned and stall.chance.random() < 0.7 else keys


RECOMMENDING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "stock": (stock, 1),
    "recommend": (recommend, 6),
    "order by link": (order_by_link, 8),
    "give back": (give_back, 3),
    "ally": (ally, 2),
    "complain": (complain, 0),
    "ask for sale": (ask_for_sale, 0),
}
"""What there is to do, and how often it is done in a market with credit."""
