"""Bugs that seeds found, scripted: what a seed does changes with the code, and these stay what they were."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from netnode.deals.holding import SETTLED_MS
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator import credit_scene as scene
from netnode.simulator.dealt import require_sound
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import QUIET, Play
from netnode.simulator.scenarios.deals import night
from netnode.simulator.scenarios.scenario import Scenario
from protocol.identity import id_text

DAYS_AHEAD_MS: Final = 5 * 86_400_000
AHEAD_MS: Final = 100_000  # why: below what clocks may differ by, beyond which no letter of it is taken


async def key_from_the_future(play: Play) -> None:
    """A node makes its session key while its clock is days ahead; set right, it meets its peers again."""
    nodes = await play.begin()
    await play.stop(nodes[-1])
    late = await play.found("late")
    late.clock.jump(DAYS_AHEAD_MS)
    await play.start(late, [nodes[0].address])
    await asyncio.sleep(30.0)
    late.clock.jump(-DAYS_AHEAD_MS)
    play.oracle.wrong_clocks.add(late.name)
    await asyncio.sleep(180.0)
    if late.connections is None or not late.connections.sessions.open_sessions():
        raise Violation("found", "a session key that a wrong clock made keeps a node alone")
    await play.level(bound=7 * 86_400.0)  # what the wrong clock dated is shown when it is due


async def joined_and_dropped(play: Play) -> None:
    """The log of somebody who joined by an invite is let go of, and taken again."""
    host, guest = (await play.begin())[:2]
    made = await host.ask(lambda each: each.invites.make(models.InviteOrder()))
    await guest.ask(lambda each: each.peers.add(made.uri, patience=30.0))
    name = id_text(play.oracle.homes[guest.name])
    for undo in (False, True):
        await host.ask(partial(_drop, models.LogDrop(id=name, undo=undo)))
        await play.live(20.0, QUIET, trouble=False)
    await play.level()


async def full_at_the_end(play: Play) -> None:
    """Nodes end while their disks are full, and go on from what stands in the write-ahead log."""
    nodes = await play.begin()
    await play.live(30.0, QUIET, trouble=False)
    for node in nodes:
        with node.disk.failing(play.chance.choice(("full", "error"))):
            await play.stop(node)
        await play.start(node)
    await play.level()


async def invited_by_nobody(play: Play) -> None:
    """An invite is shown to a peer that reads nothing: whoever shows it gets an answer all the same."""
    host, guest = (await play.begin())[:2]
    await play.live(20.0, QUIET, trouble=False)
    made = await host.ask(lambda each: each.invites.make(models.InviteOrder()))
    wall = play.world.network.isolate(host.name)
    await guest.ask(lambda each: each.peers.add(made.uri, patience=1.0))
    play.world.network.fall(wall)
    await play.level()


async def paid_to_the_silent(play: Play) -> None:
    """A seller never says a word in a deal, and its buyer, who lost it, owes the price: the seller's node says so."""
    nodes = await play.begin()
    seller, buyer = nodes[:2]
    await asyncio.sleep(30.0)
    kept = buyer.copy(play.world.folder / "kept")
    line = models.OfferLine(title="Step", unit_price="9.00")
    order = models.OfferMake(lines=[line], currency="EUR", to=id_text(play.oracle.homes[buyer.name]))
    offer = (await seller.ask(lambda each: each.offers.make(order))).offer
    await asyncio.sleep(30.0)
    made = await buyer.ask(lambda each: each.deals.order(models.DealOrder(offer=offer)))
    await buyer.ask(lambda each: each.deals.receipt(models.DealPartName(deal=made.deal)))
    await asyncio.sleep(30.0)
    await play.stop(buyer)
    await buyer.gone()
    play.put_back(buyer, kept)
    await play.start(buyer)
    await play.mend(buyer)
    await night(play, nodes)
    listed = await buyer.ask(lambda each: each.deals.list(models.DealsQuery()))
    if [(each.deal, each.state) for each in listed.items] != [(made.deal, "closed")]:
        raise Violation("found", "a buyer who lost a deal does not hear what it owes")
    await play.level()


async def told_by_the_host(play: Play) -> None:
    """A lost home left a letter with a mailbox host, who is slower than the question of the home put back."""
    nodes = await play.begin(mailbox="all")
    host, seller, buyer = nodes[:3]
    await buyer.ask(partial(_name_host, id_text(host.id)))
    await asyncio.sleep(60.0)
    line = models.OfferLine(title="Step", unit_price="9.00")
    order = models.OfferMake(lines=[line], currency="EUR", to=id_text(play.oracle.homes[buyer.name]))
    offer = (await seller.ask(lambda each: each.offers.make(order))).offer
    await asyncio.sleep(30.0)
    made = await buyer.ask(lambda each: each.deals.order(models.DealOrder(offer=offer)))
    await asyncio.sleep(30.0)
    await play.stop(buyer)
    kept = seller.copy(play.world.folder / "kept")
    await seller.ask(lambda each: each.deals.fulfil(models.DealFulfil(deal=made.deal, tracking="T 1")))
    await asyncio.sleep(120.0)
    await play.stop(seller)
    await seller.gone()
    play.put_back(seller, kept)
    await play.start(seller)
    await asyncio.sleep(2 * SETTLED_MS / 1_000)
    play.world.network.line(host.name, buyer.name).latency = 2.0
    await play.start(buyer, [seller.address])
    await asyncio.sleep(120.0)
    with suppress(Problem):  # it is there already, as the answer says
        await seller.ask(lambda each: each.deals.fulfil(models.DealFulfil(deal=made.deal, tracking="T 2")))
    await asyncio.sleep(120.0)
    require_sound(nodes, play.oracle, play.world.clock.now_ms())
    await play.mend(seller)
    await play.level()


async def _name_host(host: str, services: NodeServices) -> None:
    await services.identity.edit_profile(models.ProfileEdit(mailboxes=[host]))


async def _drop(order: models.LogDrop, services: NodeServices) -> None:
    await services.room.drop_log(order)


def _plain(options: Options) -> Options:
    return replace(
        options, byzantine=(), faults=(), followers=0, skew_ms=0, nodes=max(3, min(5, options.nodes)), bandwidth=0,
    )  # fmt: skip


async def receipt_from_the_future(play: Play) -> None:
    """A buyer whose clock is ahead receives: the sale is in the log when that moment comes, whatever else happens."""
    nodes = await play.begin()
    seller, referrer, buyer = nodes[:3]
    await scene.offers(seller, "lamp")
    for node in (referrer, buyer):
        await scene.known(node, seller.id, lambda ledger: ledger.tip is not None, "the seller")
    led = await scene.link(referrer, seller.id, "lamp")
    deal = await scene.ordered(buyer, seller.id, "lamp", led)
    await scene.accepted(seller, deal)
    await scene.delivered(seller, buyer, deal)
    buyer.clock.jump(AHEAD_MS)
    play.oracle.wrong_clocks.add(buyer.name)
    await scene.received(buyer, deal)
    buyer.clock.jump(-AHEAD_MS)
    order = bytes.fromhex(deal)
    if await scene.told(seller, seller.id, lambda ledger: ledger.book.order(order) is not None):
        raise Violation("sales", f"{seller.name} logs a sale before its receipt is dated")
    await asyncio.sleep(AHEAD_MS / 1_000 + scene.LEVEL_SECONDS)
    if not await scene.told(seller, seller.id, lambda ledger: ledger.book.order(order) is not None):
        raise Violation(
            "sales", f"{seller.name} sold {deal[:10]}, whose receipt is dated by now, and logs nothing"
        )
    await play.level()


FOUND: Final = tuple(
    Scenario(name, act, _plain, least=3, weight=1, marks=("level",))
    for name, act in (
        ("found-future-key", key_from_the_future),
        ("found-joined-dropped", joined_and_dropped),
        ("found-full-at-end", full_at_the_end),
        ("found-silent-inviter", invited_by_nobody),
        ("found-silent-seller", paid_to_the_silent),
        ("found-late-letter", told_by_the_host),
        ("found-future-receipt", receipt_from_the_future),
    )
)
