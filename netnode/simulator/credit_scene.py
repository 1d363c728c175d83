"""Scenes of credit: a seller who pays commissions, who recommends, who buys, and what nodes then say is owed.

Everything goes through the services, as owners do it. Scenarios of credit build on these, honest ones and others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from netnode.ledgers.ledger import Ledger
from netnode.ledgers.standing import Standing, standing
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.store import Reader
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.ledger.accounts import Figures

SOON: Final = 15.0  # virtual seconds, for letters to come and be answered
LEVEL_SECONDS: Final = 300.0  # virtual; why: until everybody has what somebody wrote, and its chores have run
UNIT: Final = "EUR"  # of commissions
T = TypeVar("T")


# -- the market ----------------------------------------------------------------------------------------------
async def offers(seller: SimNode, key: str, price: str = "50.00", commission: str = "10") -> None:
    """A seller lists a thing and says what a recommendation of it earns, in percent."""
    listing: dict[str, object] = {
        "key": key,
        "kind": "product",
        "title": f"Thing {key}",
        "price": {"amount": price, "currency": UNIT},
        "commission": commission,
    }
    await seller.ask(lambda services: services.listings.publish(listing))


async def link(referrer: SimNode, seller: bytes, key: str) -> str:
    """Somebody recommends a listing; the link that a buyer orders by."""
    wish = models.ReferralMake(subject=f"{id_text(seller)}/{key}", days=300)
    made = await referrer.ask(lambda services: services.referrals.make(wish))
    return made.link


async def ordered(buyer: SimNode, seller: bytes, key: str, led: str) -> str:
    """Somebody orders by a link; the deal."""
    wish = models.DealOrder(ref=f"{id_text(seller)}/{key}", link=led)
    made = await buyer.ask(lambda services: services.deals.order(wish))
    await asyncio.sleep(SOON)
    return made.deal


async def accepted(seller: SimNode, deal: str) -> None:
    """The seller accepts, once the order has come."""
    await _able(seller, deal, "accept")
    await seller.ask(lambda services: services.deals.accept(models.DealAccept(deal=deal)))
    await asyncio.sleep(SOON)


async def completed(seller: SimNode, buyer: SimNode, deal: str) -> None:
    """Paid, delivered and received."""
    await delivered(seller, buyer, deal)
    await received(buyer, deal)


async def delivered(seller: SimNode, buyer: SimNode, deal: str) -> None:
    """Paid and delivered, each once it can be."""
    await _able(buyer, deal, "paid")
    await buyer.ask(lambda services: services.deals.paid(models.DealMoney(deal=deal)))
    await asyncio.sleep(SOON)
    await _able(seller, deal, "fulfil")
    await seller.ask(partial(_delivered, deal))
    await asyncio.sleep(SOON)


async def received(buyer: SimNode, deal: str) -> None:
    """The buyer has what was ordered."""
    await _able(buyer, deal, "receipt")
    await buyer.ask(lambda services: services.deals.receipt(models.DealPartName(deal=deal)))
    await asyncio.sleep(SOON)


async def _able(node: SimNode, deal: str, act: str) -> None:
    """Waits until the owner of a node can do something in a deal: what it rests on may still be on its way."""

    async def able() -> bool:
        try:
            shown = await node.ask(lambda services: services.deals.show(deal))
        except Problem:  # the order did not come yet
            return False
        return act in shown.can

    await until(able, f"{node.name} cannot {act} in {deal[:10]}")


async def _delivered(deal: str, services: NodeServices) -> None:
    await services.deals.received(models.DealMoney(deal=deal))
    await services.deals.fulfil(models.DealFulfil(deal=deal))


async def sold(
    seller: SimNode, referrer: SimNode, buyer: SimNode, key: str, readers: Sequence[SimNode] = ()
) -> str:
    """A whole sale by a recommendation, until its entry is in the log of the seller and at the readers; the deal.

    Raises:
        Violation: `credit`: the seller's node does not log it, or a reader does not get it.
    """
    seller_id = seller.id
    deal = await ordered(buyer, seller_id, key, await link(referrer, seller_id, key))
    await accepted(seller, deal)
    await completed(seller, buyer, deal)
    order = bytes.fromhex(deal)
    for reader in (seller, *readers):
        await known(reader, seller_id, lambda ledger: ledger.book.order(order) is not None, "the sale")
    return deal


async def days_pass(owners: Sequence[SimNode], days: float) -> None:
    """Everybody is away for days; then their nodes have met again and done what was due."""
    for node in owners:
        await node.stop()
    await asyncio.sleep(days * DAY_MS / 1_000)
    for node in owners:
        await node.start()
    await asyncio.sleep(LEVEL_SECONDS)


# -- what a node says ----------------------------------------------------------------------------------------
async def told(node: SimNode, issuer: bytes, function: Callable[[Ledger], T]) -> T:
    """What a node computes from the log of an issuer that it holds. Raises Problem where it holds none."""
    return await node.ask(lambda services: services.issued.ledgers.ask(issuer, function))


async def figures(node: SimNode, issuer: bytes, holder: bytes, unit: str = UNIT) -> Figures:
    """What a node says that somebody has of an issuer's credit."""
    now = node.clock.now_ms()
    return await told(node, issuer, lambda ledger: ledger.figures(unit, holder, now))


async def stands(node: SimNode, network: str, issuer: bytes) -> Standing:
    """What speaks against an issuer, as a node knows it."""
    now = node.clock.now_ms()

    def found(reader: Reader, ledger: Ledger) -> Standing:
        return standing(reader, network, ledger, now)

    return await node.ask(lambda services: services.issued.ledgers.study(issuer, found))


async def audit(node: SimNode, issuer: bytes) -> models.CreditAudit:
    """The audit that a node shows of an issuer."""
    return await node.ask(lambda services: services.ledgers.audit(id_text(issuer)))


async def known(
    node: SimNode, issuer: bytes, so: Callable[[Ledger], bool], what: str, within: float = LEVEL_SECONDS
) -> None:
    """Waits until a node knows something of an issuer's ledger.

    Raises:
        Violation: `credit`: it does not within so many virtual seconds.
    """

    async def found() -> bool:
        try:
            return await told(node, issuer, so)
        except Problem:  # nothing of that log is here yet
            return False

    await until(found, f"{node.name} does not know {what}", within)


async def until(so: Callable[[], Awaitable[bool]], text: str, within: float = LEVEL_SECONDS) -> None:
    """Waits until something is so.

    Raises:
        Violation: `credit`, with the text: it is not within so many virtual seconds.
    """
    end = asyncio.get_running_loop().time() + within
    while not await so():
        if asyncio.get_running_loop().time() > end:
            raise Violation("credit", f"{text} within {within:.0f} s")
        await asyncio.sleep(SOON / 3)
