"""A market with a dishonest issuer or holder of credit in it, and what every honest node has to say then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine.credits import Issuer, Needs
from netnode.simulator.byzantine.deals import Crook
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import LINK_FAULTS, Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.store.credits import LimitRow
from protocol.identity import id_text
from protocol.log_state import LogState

CROOK: Final = "crook"
THIEF: Final = "thief"
BAIT: Final = "bait"
TERMS: Final = {f"{step}_days": 40 for step in ("accept", "pay", "fulfil", "confirm")}
HOLD_DAYS: Final = 31.0  # a day more than the hold of a bare commission
STRUCK_SECONDS: Final = (15.0, 60.0)
EARNED: Final = 500  # minor units: a tenth of what the bait costs


async def market(play: Play) -> tuple[Issuer, SimNode, SimNode]:
    """Honest nodes that keep the log of an issuer who is none; who recommends, and who buys."""
    play.watch_credit()
    nodes = await play.begin(stamp_asked=0, **TERMS)
    node = await play.world.found(CROOK, dict(TERMS))
    await play.start(node, [each.address for each in nodes])
    await scene.offers(node, BAIT)
    for each in nodes:
        await follow(each, node.id)
    await asyncio.sleep(scene.SOON)
    referrer, buyer = nodes[:2]
    crook = Crook(node, play.world.network_name, play.world.chance(CROOK))
    friend = nodes[2].id  # who knows nothing of it
    await scene.known(referrer, node.id, lambda ledger: ledger.tip is not None, "the issuer")
    return Issuer(crook, friend), referrer, buyer


async def follow(node: SimNode, issuer: bytes) -> None:
    """The owner of a node follows an issuer, and so keeps what the issuer disowns."""
    await node.ask(lambda services: services.follows.add(id_text(issuer)))


def everybody(play: Play, issuer: Issuer) -> list[SimNode]:
    """The honest nodes, and the issuer's."""
    return [*play.nodes, issuer.crook.node]


async def begun(issuer: Issuer, referrer: SimNode, buyer: SimNode, needs: Needs, logged: str) -> bytes:
    """A deal as far as a deed needs it; of one that is logged there is the same one for all."""
    if needs == "logged":
        return bytes.fromhex(logged)
    deal = await scene.ordered(buyer, issuer.id, BAIT, await scene.link(referrer, issuer.id, BAIT))
    await scene.accepted(issuer.crook.node, deal)
    if needs == "received":
        await scene.completed(issuer.crook.node, buyer, deal)
    return bytes.fromhex(deal)


async def require_figures(
    node: SimNode, play: Play, issuer: Issuer, expected: Mapping[bytes, tuple[int, int]]
) -> None:
    """A node says of each holder: so much is pending, and so much is the figure.

    Raises:
        Violation: `credit`.
    """
    for who, (pending, signed) in expected.items():
        found = await scene.figures(node, issuer.id, who)
        if (found.pending, found.signed) != (pending, signed):
            raise Violation(
                "credit",
                f"{node.name} says {play.oracle.label(who)} has {found.pending} pending and {found.signed}, "
                f"not {pending} and {signed}",
            )


async def struck(play: Play) -> None:
    """Links fail for a while, in the midst of what was begun; then all are well again."""
    if play.options.faults:
        troubles = asyncio.create_task(play.troubles.run(), name="troubles")
        try:
            await asyncio.sleep(play.chance.uniform(*STRUCK_SECONDS))
        finally:
            troubles.cancel()
            await asyncio.gather(troubles, return_exceptions=True)
            await play.troubles.end()
        play.seen.mark("evil credit amid faults")


async def leave(play: Play, issuer: Issuer) -> None:
    """The dishonest node goes, and what it wrote is at everybody's alike."""
    await play.stop(issuer.crook.node)
    await play.level()


def quiet(options: Options) -> Options:
    """Few nodes; only links fail, and only where the script lets them, for some seconds."""
    return replace(
        options, byzantine=(), faults=tuple(each for each in options.faults if each in LINK_FAULTS), fault_every=8.0,
        followers=0, nodes=max(3, min(4, options.nodes)), skew_ms=0, bandwidth=0,
    )  # fmt: skip


async def thief(play: Play, peers: Sequence[SimNode]) -> Crook:
    """A dishonest holder, with a node of its own."""
    node = await play.world.found(THIEF, dict(TERMS))
    await play.start(node, [each.address for each in peers])
    await asyncio.sleep(scene.SOON)
    return Crook(node, play.world.network_name, play.world.chance(THIEF))


async def limit(play: Play, node: SimNode, issuer: bytes, holder: bytes | None = None) -> LimitRow:
    """The owner of a node says how much of an issuer's credit it is willing to hold, to a holder as well."""
    play.oracle.credits.limits[node.id, issuer, scene.UNIT] = 10 * EARNED
    return await node.ask(
        lambda services: services.issued.asking.accept(issuer, scene.UNIT, 10 * EARNED, days=90, to=holder)
    )


async def state(node: SimNode, issuer: Issuer) -> LogState:
    """A node's state of the issuer's log."""
    assert node.parts is not None  # nobody stops it meanwhile
    found = await node.parts.store.load(issuer.id)
    assert found is not None  # it follows the issuer
    return found


async def exposed(node: SimNode, play: Play, issuer: Issuer, exposed: bool) -> bool:
    """Whether a node shows an issuer as exposed, beside its credit and its listings; or not any more."""
    found = await scene.stands(node, play.world.network_name, issuer.id)
    beside = await node.ask(lambda services: services.ledgers.against(issuer.id))
    shown = beside is not None and beside.exposed
    return found.exposed is shown is exposed
