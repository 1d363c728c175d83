"""Dishonest issuers and holders of credit: no honest holder loses, and every node says what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine.credits import CREDIT_DEEDS, Issuer, Needs
from netnode.simulator.byzantine.deals import Crook
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios.scenario import Scenario
from protocol.identity import id_text

CROOK: Final = "crook"
BAIT: Final = "bait"
TERMS: Final = {f"{step}_days": 40 for step in ("accept", "pay", "fulfil", "confirm")}
HOLD_DAYS: Final = 31.0  # a day more than the hold of a bare commission
EARNED: Final = 500  # minor units: a tenth of what the bait costs
LATER: Final = ("transfer-unasked", "payout-unasked")  # done when there is something to move


async def credits_forged(play: Play) -> None:
    """An issuer logs what nobody signed and what no plan comes to: nothing of it counts, and audits name the first."""
    issuer, referrer, buyer = await _market(play)
    await scene.sold(issuer.crook.node, referrer, buyer, BAIT, play.nodes)
    logged = await scene.sold(issuer.crook.node, referrer, buyer, BAIT, play.nodes)
    issuer.fall_silent()
    deeds = [name for name in CREDIT_DEEDS if name not in LATER]
    play.chance.shuffle(deeds)
    for name in deeds:
        await _do(play, issuer, name, await _deal(issuer, referrer, buyer, CREDIT_DEEDS[name].needs, logged))
        await _require(play, issuer, referrer, pending=2 * EARNED)
    await scene.days_pass(_all(play, issuer), HOLD_DAYS)
    for name in LATER:
        await _do(play, issuer, name, bytes.fromhex(logged))
        await _require(play, issuer, referrer, balance=2 * EARNED)
    await _leave(play, issuer)


async def _market(play: Play) -> tuple[Issuer, SimNode, SimNode]:
    """Honest nodes that keep the log of an issuer who is none; who recommends, and who buys."""
    nodes = await play.begin(**TERMS)
    node = await play.world.found(CROOK, dict(TERMS))
    await play.start(node, [each.address for each in nodes])
    await scene.offers(node, BAIT)
    for each in nodes:
        await _follow(each, node.id)
    await asyncio.sleep(scene.SOON)
    referrer, buyer = nodes[:2]
    crook = Crook(node, play.world.network_name, play.world.chance(CROOK))
    friend = nodes[2].id  # who knows nothing of it
    await scene.known(referrer, node.id, lambda ledger: ledger.tip is not None, "the issuer")
    return Issuer(crook, friend), referrer, buyer


async def _follow(node: SimNode, issuer: bytes) -> None:
    await node.ask(lambda services: services.follows.add(id_text(issuer)))


def _all(play: Play, issuer: Issuer) -> list[SimNode]:
    return [*play.nodes, issuer.crook.node]


async def _deal(issuer: Issuer, referrer: SimNode, buyer: SimNode, needs: Needs, logged: str) -> bytes:
    """A deal as far as a deed needs it; of one that is logged there is the same one for all."""
    if needs == "logged":
        return bytes.fromhex(logged)
    deal = await scene.ordered(buyer, issuer.id, BAIT, await scene.link(referrer, issuer.id, BAIT))
    await scene.accepted(issuer.crook.node, deal)
    if needs == "received":
        await scene.completed(issuer.crook.node, buyer, deal)
    return bytes.fromhex(deal)


async def _do(play: Play, issuer: Issuer, name: str, deal: bytes) -> None:
    """One deed; within LEVEL_SECONDS all honest nodes have its entry."""
    entry = await CREDIT_DEEDS[name].act(issuer, deal)
    for node in play.nodes:
        await scene.known(
            node, issuer.id, lambda ledger: ledger.tip is not None and ledger.tip.seq >= entry.seq, name
        )
    play.seen.mark(f"evil credit {name}")


async def _require(
    play: Play, issuer: Issuer, holder: SimNode, *, pending: int = 0, balance: int = 0
) -> None:
    """Every honest node finds each wrong entry void with its code, and says the same of the holder.

    Raises:
        Violation: `credit`.
    """
    codes = list(issuer.wrong.items())
    for node in play.nodes:
        shown = await scene.audit(node, issuer.id)
        found = [(bytes.fromhex(each.entry), each.code) for each in shown.wrong]
        if found != codes or shown.wrongs != len(codes) or shown.unknown_from is not None:
            raise Violation("credit", f"{node.name} finds {_codes(found)} wrong, not {_codes(codes)}")
        for who, expected in ((holder.id, (pending, balance)), (issuer.friend, (0, 0)), (issuer.id, (0, 0))):
            figures = await scene.figures(node, issuer.id, who)
            if (figures.pending, figures.signed) != expected:
                raise Violation(
                    "credit",
                    f"{node.name} says {play.oracle.label(who)} has {figures.pending} pending and {figures.signed}, "
                    f"not {expected}",
                )


def _codes(found: Sequence[tuple[bytes, str]]) -> str:
    return ", ".join(f"{id.hex()[:6]} {code}" for id, code in found) or "nothing"


async def _leave(play: Play, issuer: Issuer) -> None:
    """The dishonest node goes, and what it wrote is at everybody's alike."""
    await play.stop(issuer.crook.node)
    await play.level()


def _quiet(options: Options) -> Options:
    """Few nodes and no faults: what a script asserts must not wait for a partition to end."""
    return replace(
        options, byzantine=(), faults=(), followers=0, nodes=max(3, min(4, options.nodes)), skew_ms=0, bandwidth=0,
    )  # fmt: skip


CREDITS_EVIL: Final = (
    Scenario(
        "credits_forged", credits_forged, _quiet, least=3,
        marks=("level", *(f"evil credit {name}" for name in CREDIT_DEEDS)),
    ),
)  # fmt: skip
