"""A holder of credit whose home is put back from an old copy: what it forgot is found, what it asks for anew is new."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from netnode.operations import models
from netnode.services.node_services import NodeServices
from netnode.simulator import credit_scene as scene
from netnode.simulator.crediting.ending import require_requests
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios import credit_stage as stage
from protocol.identity import id_text

LOST_MINOR: Final = 100  # of each request
CUT_SECONDS: Final = 300.0  # virtual; why: longer than a session waits for an answer, or lasts unheard
ANSWERED: Final = 1_800.0  # virtual seconds; why: pauses between attempts have grown to some minutes by then


async def credits_returned(play: Play) -> None:
    """A holder asks while its links are cut, and its home is put back: all is logged once, and it knows of all."""
    watch = play.watch_credit()
    issuer, holder, other = (await play.begin(**stage.TERMS))[:3]
    await scene.offers(issuer, stage.BAIT)
    for node in play.nodes:
        if node is not issuer:
            await stage.follow(node, issuer.id)
    await asyncio.sleep(scene.SOON)
    await scene.sold(issuer, holder, other, stage.BAIT, play.nodes)
    await scene.days_pass(play.nodes, stage.HOLD_DAYS)
    await stage.limit(play, other, issuer.id, holder.id)
    await asyncio.sleep(scene.SOON)
    await _logged(holder, await _ask(play, holder, issuer, other))
    kept = holder.copy(play.world.folder / "kept")
    wall = play.world.network.isolate(holder.name)
    lost = await _ask(play, holder, issuer, other)
    await play.act(other, "publish")
    await asyncio.sleep(CUT_SECONDS)
    play.world.network.fall(wall)
    await _logged(holder, lost)
    text = f"{holder.name} does not ask for what was published while its links were cut"
    await scene.until(partial(_holds, holder, other), text)
    await play.act(holder, "publish")
    await asyncio.sleep(scene.LEVEL_SECONDS)
    await play.stop(holder)
    play.put_back(holder, kept)
    await play.start(holder)
    await stage.struck(play)
    await play.mend(holder)
    await _logged(holder, lost)
    await _logged(holder, await _ask(play, holder, issuer, other))
    await stage.struck(play)
    await play.level()
    given = 3 * LOST_MINOR
    for node in play.nodes:
        found = [(await scene.figures(node, issuer.id, each.id)).signed for each in (holder, other)]
        if found != [stage.EARNED - given, given]:
            raise Violation("credit", f"{node.name} has figures {found} of three requests")
    play.seen.marks["credit asked again"] += await require_requests(play.nodes, play.oracle, watch)


async def _ask(play: Play, holder: SimNode, issuer: SimNode, to: SimNode) -> str:
    """The holder gives some credit to somebody; the id of the request."""
    wish = models.CreditTransfer(
        issuer=id_text(issuer.id), amount="1.00", to=id_text(to.id), anyway=True, unit=scene.UNIT
    )
    made = await holder.ask(lambda services: services.credits.transfer(wish))
    play.oracle.credits.asked(holder.name, made.request, issuer.id, "transfer of 1.00", play.now)
    return made.request


async def _logged(holder: SimNode, request: str) -> None:
    """Waits until the holder's node says that a request is in the issuer's log. Raises Violation `credit`."""
    so = partial(_says, holder, request)
    await scene.until(so, f"{holder.name} does not find that a request of its owner is logged", ANSWERED)


async def _says(holder: SimNode, request: str) -> bool:
    shown = await holder.ask(_requests)
    return any((each.request, each.state) == (request, "logged") for each in shown.items)


async def _holds(node: SimNode, author: SimNode) -> bool:
    """Whether a node has all of somebody's log."""
    assert node.parts is not None  # nobody stops them meanwhile
    assert author.parts is not None
    here = await node.parts.store.load(author.id)
    there = await author.parts.store.load(author.id)
    return here is not None and there is not None and here.tip.id == there.tip.id


async def _requests(services: NodeServices) -> models.Page[models.CreditRequest]:
    return await services.credits.requests(models.CreditRequestsQuery())
