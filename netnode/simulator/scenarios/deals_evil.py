"""Dishonest partners in deals: whatever they say, honest sides come to rest alone, and third parties learn nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from netnode.conformance import deals as second
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.byzantine.deals import DEAL_DEEDS, Crook
from netnode.simulator.dealt import Side, sides
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios.deals import TERMS, dealing, opened, rest
from netnode.simulator.scenarios.scenario import Scenario
from netnode.store import Reader
from protocol.deals.message import first_order
from protocol.identity import id_text

BAIT: Final = "bait"
CROOK: Final = "crook"
SOON: Final = 15.0  # virtual seconds, for letters to come and be answered
STEPS: Final = ("paid", "received", "fulfil", "accept")


async def deals_evil(play: Play) -> None:
    """A dishonest partner lies in every way there is; honest sides come to rest, also without it."""
    await opened(play)
    crook = await _hire(play)
    deeds = list(DEAL_DEEDS)
    play.chance.shuffle(deeds)
    for name in deeds:
        await _cheat(play, crook, name)
        await play.live(SOON, dealing(play.options), trouble=bool(play.options.faults))
    await play.troubles.end()
    for node in play.nodes:
        await play.start(node)
    await asyncio.sleep(2 * SOON)
    _note_refusals(play, crook)
    stranger = crook.node.id
    await play.stop(crook.node)
    await play.level()
    await rest(play, play.nodes)
    _require_clean(play, crook, stranger)


async def _hire(play: Play) -> Crook:
    """The dishonest node, known to everybody, with something to sell."""
    node = await play.world.found(CROOK, {"mailbox": "all", **TERMS})
    await play.start(node, [each.address for each in play.nodes])
    listing: dict[str, object] = {
        "key": BAIT,
        "kind": "product",
        "title": "Bait",
        "price": {"amount": "5.00", "currency": "EUR"},
    }
    await node.ask(lambda services: services.listings.publish(listing))
    await asyncio.sleep(2 * SOON)
    return Crook(node, play.world.network_name, play.world.chance(CROOK))


async def _cheat(play: Play, crook: Crook, name: str) -> None:
    """Begins a deal with somebody, goes some honest steps, and then does one deed."""
    victim, third = play.chance.choice(play.nodes), play.chance.choice(play.nodes)
    try:
        deal = await _begun(play, crook, victim)
        for _ in range(play.chance.below(3)):
            await _step(play, play.chance.choice((crook.node, victim)), deal)
            await asyncio.sleep(SOON / 3)
        them = play.oracle.homes[victim.name]
        beside = play.oracle.homes[third.name]
        known = crook.known(bytes.fromhex(deal))
        if name == "resealed" and them == beside:
            return
        await DEAL_DEEDS[name](crook, known, them, beside)
    except (Problem, Down) as failed:  # the victim is away, or has not heard of the bait
        play.seen.mark(f"evil deal not begun: {failed.code if isinstance(failed, Problem) else 'down'}")
        return
    play.seen.mark(f"evil deal {name}")


async def _begun(play: Play, crook: Crook, victim: SimNode) -> str:
    """A deal between the two; either may be the buyer."""
    keys = sorted(play.oracle.shelves.get(victim.name, {}))
    if keys and play.chance.random() < 0.5:
        ref = f"{id_text(play.oracle.homes[victim.name])}/{play.chance.choice(keys)}"
        made = await crook.node.ask(partial(_order, ref))
    else:
        made = await victim.ask(partial(_order, f"{id_text(crook.node.id)}/{BAIT}"))
    await asyncio.sleep(SOON)
    return made.deal


async def _order(ref: str, services: NodeServices) -> models.DealState:
    return await services.deals.order(models.DealOrder(ref=ref))


async def _step(play: Play, node: SimNode, deal: str) -> None:
    """One of the steps that an honest owner would take, if it is possible."""
    name = play.chance.choice(STEPS)
    try:
        await node.ask(partial(_take, name, deal))
    except Problem as problem:
        play.seen.mark(f"evil deal step {problem.code}")


async def _take(name: str, deal: str, services: NodeServices) -> None:
    book = services.deals
    match name:
        case "accept":
            await book.accept(models.DealAccept(deal=deal))
        case "fulfil":
            await book.fulfil(models.DealFulfil(deal=deal))
        case "paid":
            await book.paid(models.DealMoney(deal=deal))
        case _:
            await book.received(models.DealMoney(deal=deal))


def _note_refusals(play: Play, crook: Crook) -> None:
    """With which codes its letters were refused; also those handed over by hand."""
    for code in crook.refused:
        play.seen.mark(f"evil deal handed over: {code}")
    parts = crook.node.parts
    if parts is not None:
        for code in parts.store.reading(_codes):
            play.seen.mark(f"evil deal refused {code}")


def _codes(reader: Reader) -> list[str]:
    return [code for (code,) in reader.connection.execute("SELECT code FROM outbox WHERE state = 'refused'")]


def _require_clean(play: Play, crook: Crook, stranger: bytes) -> None:
    """Nothing that somebody did not sign is in an honest store, and nothing of others' deals.

    Raises:
        Violation: `forged`, `leaked`.
    """
    for deal, kept in sides(play.nodes).items():
        for side in kept:
            own = play.oracle.homes[side.home]
            if own not in (side.row.seller, side.row.buyer, side.row.arbiter):
                raise Violation(
                    "leaked", f"{side.home} holds the deal {deal.hex()[:10]}, in which it has no part"
                )
            for message in side.messages.values():
                if message.id in crook.forged:
                    raise Violation("forged", f"{side.home} holds {crook.forged[message.id]}")
                if message.role == "buyer":
                    _require_signed(play, side, message.data)
        if stranger in (kept[0].row.seller, kept[0].row.buyer):
            play.seen.mark("evil deal at rest")


def _require_signed(play: Play, side: Side, data: bytes) -> None:
    """The second codec finds the signature of the order's key."""
    message = second.read_message(data)
    key = first_order(next(each for each in side.messages.values() if each.starts)).key
    if not second.signed_by(play.world.network_name, message, key):
        raise Violation("forged", f"{side.home} holds a {message.type} that the buyer did not sign")


def _dishonest(options: Options) -> Options:
    faults = tuple(each for each in options.faults if each in ("reset", "restart", "partition"))
    return replace(
        options, byzantine=(), faults=faults, followers=0, nodes=min(4, options.nodes), skew_ms=0,
        act_every=max(8.0, options.act_every), text=min(400, options.text), fault_every=40.0,
    )  # fmt: skip


DEALS_EVIL: Final = (
    Scenario(
        "deals_evil", deals_evil, _dishonest, least=3, weight=4,
        marks=(
            "level", "deals equal", "evil deal at rest", *(f"evil deal {name}" for name in DEAL_DEEDS),
            "evil deal refused signature", "evil deal refused not_party", "evil deal handed over: letter",
        ),
    ),
)  # fmt: skip
