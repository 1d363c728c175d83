"""What people do with subscriptions: things paid again each period, orders that are renewed, statements, prices.

Acts as those of `dealing`. What a buyer was told of a statement is remembered: it has to stay, on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.dealt import note_told
from netnode.simulator.renewed import note_said
from protocol.identity import id_text

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

AGAIN: Final = "again"  # begins the keys of what is paid again each period
PERIODS: Final = ("day", "day", "2 days", "week")  # why: nights last for one or two of most of them
WORDS: Final[Mapping[str, Mapping[str, int]]] = {
    "buyer": {"pause": 3, "resume": 4, "end": 1, "consent": 3, "agree": 3},
    "seller": {"ask": 4, "pause": 1, "resume": 2, "renew": 3, "renew anyway": 1},
}
"""What either side says on a mandate, and how often."""


async def shelve_again(stall: Stall) -> None:
    """Offers something that is paid again each period."""
    key = f"{AGAIN}-{stall.chance.below(1_000_000)}"
    price = {"amount": _amount(stall), "currency": "EUR", "per": stall.chance.choice(PERIODS)}
    made = await stall.services.listings.publish(
        {"key": key, "kind": "service", "title": stall.words(12), "price": price}
    )
    stall.told(made.entry, f"listing {key}")
    alone = stall.chance.random() < 0.7
    change = models.StockChange(key=key, auto_accept="on" if alone else "off")
    await stall.services.stock.change(change)
    stall.oracle.shelves.setdefault(stall.node.name, {})[key] = None


async def subscribe(stall: Stall) -> None:
    """Orders such a thing for good, or for a few periods."""
    other = stall.somebody()
    kept = {} if other is None else stall.oracle.shelves.get(other.name, {})
    keys = sorted(key for key in kept if key.startswith(AGAIN))
    if other is None or not keys:
        return
    turns = 1 + stall.chance.below(3) if stall.chance.random() < 0.3 else None
    wanted = models.DealOrder(
        ref=f"{id_text(stall.id_of(other))}/{stall.chance.choice(keys)}", renew=True, turns=turns
    )
    made = await stall.services.deals.order(wanted)
    stall.seen.mark("mandate given")
    note_told(stall, made.deal)
    if stall.chance.random() < 0.2:  # before the seller can have heard of the order
        await _say(stall, await _one(stall, made.deal), stall.chance.choice(("pause", "consent")))


async def speak(stall: Stall) -> None:
    """Says something on one of the own mandates, on either side."""
    page = await stall.services.subscriptions.list(models.SubscriptionsQuery())
    if page.items:
        found = stall.chance.choice(page.items)
        await _say(stall, found, stall.chance.weighted(WORDS[found.role]))


async def close(stall: Stall) -> None:
    """Ends what the owner subscribed to, mostly; now and then renews no more what the other side has not ended."""
    page = await stall.services.subscriptions.list(models.SubscriptionsQuery())
    for found in page.items:
        mine = found.role == "buyer"
        if found.standing == "ended" or found.stopped or stall.chance.random() < (0.2 if mine else 0.7):
            continue
        try:
            await _say(stall, found, "end" if mine else "pause")
        except Problem as problem:  # one that has to wait does not stop the others
            stall.seen.mark(f"mandate close {problem.code}")


async def _say(stall: Stall, found: models.Subscription, word: str) -> None:
    book = stall.services.subscriptions
    match word:
        case "pause":
            await book.pause(found.deal)
        case "resume":
            await book.resume(found.deal)
        case "end":
            await book.end(found.deal)
        case "renew" | "renew anyway":
            order = models.SubscriptionRenew(deal=found.deal, anyway=word != "renew")
            note_told(stall, (await book.renew(order)).deal)
        case _:
            price = None if word == "agree" else _amount(stall)
            await book.consent(models.SubscriptionPrice(deal=found.deal, price=price, text="Dearer now."))
    stall.seen.mark(f"mandate {found.role} {word}")
    if found.role == "buyer":
        note_said(stall, found.deal)


async def _one(stall: Stall, deal: str) -> models.Subscription:
    return (await stall.services.subscriptions.list(models.SubscriptionsQuery(deal=deal))).items[0]


def _amount(stall: Stall) -> str:
    return f"{1 + stall.chance.below(60)}.{stall.chance.below(100):02}"


MANDATE_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "shelve again": (shelve_again, 1),
    "subscribe": (subscribe, 4),
    "speak": (speak, 8),
    "close": (close, 0),
}
"""What there is to do with subscriptions, and how often it is done in a market that has them."""
