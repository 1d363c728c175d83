"""What people do with their deals: offers, orders, every move there is, and the steps that a deal waits for.

As in `actors` each is one function that goes through the services. After each answer the owner's messages that the
store has of that deal are *told*: whatever happens, they are in both sides' sets in the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.actors import Act, Stall
from netnode.simulator.arbitrating import an_arbiter, rule
from netnode.simulator.dealt import note_told
from protocol.identity import id_text

DISPUTES: Final = 6  # times as often where an arbiter could rule
PIECES: Final = 6  # of the largest stock; why: few enough that some orders find none left
DEALS: Final = 200  # of one owner that are looked at
STEPS: Final[Mapping[str, str]] = {
    "accept": "accept", "payment_sent": "paid", "payment_received": "received", "fulfil": "fulfil",
    "receive": "receipt", "refund": "refund", "refund_received": "refunded", "lapse_accept": "lapse",
    "lapse_pay": "lapse", "lapse_fulfil": "lapse", "lapse_dispute": "lapse", "presume_received": "presume",
    "presume_payment": "presume", "presume_refund": "presume", "ruling": "rule",
}  # fmt: skip
"""Action of a step -> the command that does it."""
LATE: Final[Mapping[str, str]] = {
    "lapse_accept": "decline",
    "presume_payment": "received",
    "presume_received": "receipt",
    "presume_refund": "refunded",
}
"""A step of the other side that nobody takes -> what the owner can still say; a home put back may know of no deal."""
OFTEN: Final[Mapping[str, int]] = {
    "accept": 12, "decline": 2, "cancel": 1, "paid": 10, "received": 10, "fulfil": 10, "receipt": 10, "refund": 2,
    "refunded": 6, "dispute": 1, "lapse": 3, "presume": 3, "rule": 6,
}  # fmt: skip
"""How often a command that is possible is used beside others; those that are not here never are."""


async def publish(stall: Stall, prefix: str, most: int, commissions: Sequence[str] = ()) -> str:
    """Publishes a thing for less than `most` and one euros, with one of these commissions; its key."""
    key = f"{prefix}-{stall.chance.below(1_000_000)}"
    listing: dict[str, object] = {
        "key": key,
        "kind": "product",
        "title": stall.words(12),
        "price": {
            "amount": f"{1 + stall.chance.below(most)}.{stall.chance.below(100):02}",
            "currency": "EUR",
        },
    }
    if commissions:
        listing["commission"] = stall.chance.choice(commissions)
    made = await stall.services.listings.publish(listing)
    stall.told(made.entry, f"listing {key}")
    return key


async def shelve(stall: Stall) -> None:
    """Offers a thing of which there are some, or any number, for sale."""
    key = await publish(stall, "thing", 90)
    pieces = stall.chance.below(PIECES) if stall.chance.random() < 0.6 else None
    alone = stall.chance.random() < 0.5
    change = models.StockChange(key=key, count=pieces, auto_accept="on" if alone else "off")
    await stall.services.stock.change(change)
    stall.oracle.shelves.setdefault(stall.node.name, {})[key] = pieces


async def quote(stall: Stall) -> None:
    """Makes somebody an offer: of an own thing at a price of its own, or of work in parts."""
    other = stall.somebody()
    keys = sorted(stall.oracle.shelves.get(stall.node.name, {}))
    if other is None:
        return
    to = id_text(stall.id_of(other))
    judge = await an_arbiter(stall, stall.id_of(stall.node), stall.id_of(other))
    if keys and stall.chance.random() < 0.5:
        order = models.OfferMake(
            key=stall.chance.choice(keys), price=f"{1 + stall.chance.below(40)}.00", to=to, arbiter=judge
        )
    else:
        lines = [
            models.OfferLine(
                title=f"Step {part}", unit_price=f"{1 + stall.chance.below(500)}.50", part=part, days=1
            )
            for part in range(1, 2 + stall.chance.below(3))
        ]
        order = models.OfferMake(lines=lines, currency="EUR", to=to, arbiter=judge)
    await stall.services.offers.make(order)
    stall.seen.mark("deal offered")


async def order(stall: Stall) -> None:
    """Orders a thing of somebody's."""
    other = stall.somebody()
    keys = [] if other is None else sorted(stall.oracle.shelves.get(other.name, {}))
    if other is None or not keys:
        return
    wanted = models.DealOrder(
        ref=f"{id_text(stall.id_of(other))}/{stall.chance.choice(keys)}",
        quantity=1 + stall.chance.below(2),
        note=stall.words(20),
        arbiter=await an_arbiter(stall, stall.id_of(other), stall.id_of(stall.node)),
    )
    made = await stall.services.deals.order(wanted)
    note_told(stall, made.deal)


async def take_offer(stall: Stall) -> None:
    """Orders on an offer that came; of one to its buyer alone that is the contract."""
    page = await stall.services.offers.list(models.Listed(limit=100))
    found = [each.offer for each in page.items if not each.own and each.state == "open"]
    if not found:
        return await order(stall)
    made = await stall.services.deals.order(models.DealOrder(offer=stall.chance.choice(found)))
    stall.seen.mark("deal on an offer")
    note_told(stall, made.deal)
    return None


async def go_on(stall: Stall) -> None:
    """Does something that is possible in one of the own deals, mostly what one would expect."""
    query = models.DealsQuery(limit=DEALS, all=stall.chance.random() < 0.1)
    page = await stall.services.deals.list(query)
    if not page.items:
        return
    shown = await stall.services.deals.show(stall.chance.choice(page.items[:10]).deal)
    can = {name: OFTEN[name] for name in shown.can if name in OFTEN}
    if "dispute" in can and shown.arbiter is not None:
        can["dispute"] *= DISPUTES
    if can:
        await _do(stall, shown, stall.chance.weighted(can))


async def conclude(stall: Stall) -> None:
    """Takes every step that the own deals wait for from this owner, and says late what nobody lapses or presumes."""
    page = await stall.services.deals.list(models.DealsQuery(limit=DEALS))
    for item in page.items:
        if item.next is None:
            continue
        try:
            shown = await stall.services.deals.show(item.deal)
            if shown.next is None:
                continue
            if shown.next.by == shown.role:
                # An arbiter who always found for the seller would never take anything off a sale.
                plainly = shown.next.action != "ruling"
                await _do(stall, shown, STEPS[shown.next.action], plainly=plainly)
            elif shown.next.action in LATE:
                await _do(stall, shown, LATE[shown.next.action], plainly=True)
        except (
            Problem
        ) as problem:  # the other side may have moved meanwhile, and one deal does not stop the others
            stall.seen.mark(f"conclude {item.next.action} {problem.code}")
            if problem.code == "sold_out":
                await _do(stall, shown, "decline")


async def _do(stall: Stall, shown: models.DealShown, name: str, *, plainly: bool = False) -> None:
    """Sends one message in a deal.

    Args:
        stall: whose deal.
        shown: as it stands.
        name: of the command.
        plainly: everything at once, no amounts in parts.
    """
    work = partial(_COMMANDS[name], shown=shown, chance=None if plainly else stall.chance)
    answer: models.DealState = await work(stall.services)
    stall.seen.mark(f"deal {name}")
    note_told(stall, answer.deal)


Command = Callable[..., Awaitable[models.DealState]]


async def _accept(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.accept(models.DealAccept(deal=shown.deal, anyway=chance is None))


async def _decline(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.decline(models.DealEnd(deal=shown.deal, reason="sold_out"))


async def _cancel(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.cancel(models.DealEnd(deal=shown.deal, reason="changed_mind"))


async def _paid(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    amount = _some(shown.figures.payment_due, chance)
    return await services.deals.paid(models.DealMoney(deal=shown.deal, amount=amount, reference="R 1"))


async def _received(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.received(models.DealMoney(deal=shown.deal))


async def _fulfil(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    part = _part(shown, chance, "open")
    return await services.deals.fulfil(models.DealFulfil(deal=shown.deal, part=part, tracking="T 1"))


async def _receipt(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    part = _part(shown, chance, "fulfilled", "presumed", "open")
    return await services.deals.receipt(models.DealPartName(deal=shown.deal, part=part))


async def _refund(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    amount = _some(shown.figures.refund_due, chance)
    return await services.deals.refund(models.DealMoney(deal=shown.deal, amount=amount))


async def _refunded(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.refunded(models.DealMoney(deal=shown.deal))


async def _dispute(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    return await services.deals.dispute(models.DealDispute(deal=shown.deal, claim="0.50", text="Not so."))


async def _lapse(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    what: Any = _what(shown, "lapse_")
    return await services.deals.lapse(models.DealLapse(deal=shown.deal, what=what))


async def _presume(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    what: Any = _what(shown, "presume_")
    return await services.deals.presume(models.DealPresume(deal=shown.deal, what=what))


_COMMANDS: Final[Mapping[str, Command]] = {
    "accept": _accept, "decline": _decline, "cancel": _cancel, "paid": _paid, "received": _received,
    "fulfil": _fulfil, "receipt": _receipt, "refund": _refund, "refunded": _refunded, "dispute": _dispute,
    "lapse": _lapse, "presume": _presume, "rule": rule,
}  # fmt: skip


def _what(shown: models.DealShown, prefix: str) -> str | None:
    """What lapses or is presumed, where that is the step the deal waits for; else None: the one thing that can."""
    step = shown.next
    if step is None or step.by != shown.role or not step.action.startswith(prefix):
        return None
    return step.action.removeprefix(prefix)


def _some(due: models.Price, chance: Any) -> str | None:
    """A part of what is due, now and then; None for all of it."""
    if chance is None or due.minor < 2 or chance.random() < 0.6:
        return None
    minor = 1 + chance.below(due.minor - 1)
    return f"{minor // 100}.{minor % 100:02}"


def _part(shown: models.DealShown, chance: Any, *wanted: str) -> int | None:
    """A part in one of these states; the first kind of state that there is counts."""
    for state in wanted:
        found: Sequence[int] = [each.part for each in shown.parts if each.state == state]
        if found:
            return found[0] if chance is None else int(chance.choice(found))
    return None


DEAL_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "shelve": (shelve, 2),
    "quote": (quote, 3),
    "order": (order, 5),
    "take offer": (take_offer, 3),
    "go on": (go_on, 30),
    "conclude": (conclude, 0),
}
"""What there is to do in deals, and how often it is done in a market of them."""
