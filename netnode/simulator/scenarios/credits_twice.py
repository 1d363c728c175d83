"""A holder of credit who spends it twice, by two copies of one home: an honest issuer carries out one request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from netnode.operations import models
from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine.deals import Crook
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios import credit_stage as stage
from netnode.store import Reader, credits
from protocol.identity import id_text
from protocol.ledger.governing import DAY
from protocol.ledger.letters import RequestLetter
from protocol.ledger.statements import Request, sign
from protocol.records import Transfer

HOWS: Final = ("at once", "one after the other", "one counter")
ANSWERED: Final = (
    300.0  # virtual seconds; why: letters are tried again after a minute, and requests looked at as often
)
COPY: Final = "thief's copy"


async def credits_twice(play: Play) -> None:
    """A holder gives the same credit to two people by two copies of its home: one has it, the other hears why not."""
    play.watch_credit()
    issuer, one, two = (await play.begin(**stage.TERMS))[:3]
    thief = await stage.thief(play, play.nodes)
    await scene.offers(issuer, stage.BAIT)
    for node in play.nodes:
        if node is not issuer:
            await stage.follow(node, issuer.id)
    await asyncio.sleep(scene.SOON)
    await scene.sold(issuer, thief.node, one, stage.BAIT, play.nodes)
    await scene.days_pass([*play.nodes, thief.node], stage.HOLD_DAYS)
    for node in (one, two):
        await stage.limit(play, node, issuer.id, thief.node.id)
    await asyncio.sleep(scene.SOON)
    how = play.chance.choice(HOWS)
    last = thief
    if how == "one counter":
        await _one_counter(thief, issuer, one, two)
        answers = ["counter"]
    else:
        copied = play.world.clone(thief.node, COPY, knowing=False)
        last = Crook(copied, thief.network, play.world.chance(COPY))
        await _by_copies(play, how, thief, last, issuer, one, two)
        answers = ["not_covered", "counter"]
    await stage.struck(play)
    for node in play.nodes:
        spent = partial(_spent_once, node, issuer, thief, one, two)
        await scene.until(spent, f"{node.name} does not see it spent once", ANSWERED)
    if how != "at once":  # of two that are up at once one may never have been heard
        await scene.until(partial(_refused, issuer, answers), "the second request is not refused", ANSWERED)
    play.seen.mark(f"evil credit twice {how}")
    if last is not thief:
        await play.stop(thief.node)
    await _again(play, last, issuer, two)
    play.look()
    for node in play.nodes:
        if not await _spent_once(node, issuer, thief, one, two):
            raise Violation("credit", f"{node.name} sees a request carried out again")
        shown = await scene.audit(node, issuer.id)
        if shown.wrongs or shown.standing.exposed:
            raise Violation("credit", f"{node.name} finds an honest issuer wrong: {shown.wrong}")
    for crook in (thief, last):
        await play.stop(crook.node)
    await play.level()


async def _by_copies(
    play: Play, how: str, thief: Crook, copy: Crook, issuer: SimNode, one: SimNode, two: SimNode
) -> None:
    """Both copies of a home spend it; the program gives no counter twice, so they are two requests."""
    peers = [each.address for each in play.nodes]
    if how == "at once":
        await copy.node.start(peers)
        await asyncio.gather(_spend(thief, issuer, one), _spend(copy, issuer, two))
        return
    await _spend(thief, issuer, one)
    await asyncio.sleep(2 * scene.SOON)
    await play.stop(thief.node)
    await copy.node.start(peers)
    await _spend(copy, issuer, two)


async def _one_counter(thief: Crook, issuer: SimNode, *people: SimNode) -> None:
    """Two requests with one counter, in two letters that leave at once."""
    for each in people:
        unsigned = Request(
            action="transfer", amount=stage.EARNED, counter=1, epoch=0,
            expires=thief.node.clock.now_ms() + 10 * DAY, holder=thief.node.id, issuer=issuer.id,
            recipient=each.id, signature=bytes(64), unit=scene.UNIT,
        )  # fmt: skip
        await thief.letter(
            issuer.id, RequestLetter(request=sign(thief.network, thief.seed, unsigned), openers=())
        )


async def _spend(crook: Crook, issuer: SimNode, to: SimNode) -> None:
    """A copy gives all of it to somebody; peers may have told it by then that there is another one."""
    wish = models.CreditTransfer(
        issuer=id_text(issuer.id), amount="5.00", to=id_text(to.id), anyway=True, unit=scene.UNIT
    )
    await crook.node.ask(lambda services: services.credits.transfer(wish))


async def _spent_once(node: SimNode, issuer: SimNode, thief: Crook, *people: SimNode) -> bool:
    """Whether one of two people has the credit, the other nothing, and the holder owes nothing."""
    have = [(await scene.figures(node, issuer.id, each.id)).signed for each in people]
    left = await scene.figures(node, issuer.id, thief.node.id)
    assert issuer.parts is not None  # nobody stops it
    entries = issuer.parts.store.reading(Reader.entries, issuer.id, 0, 2**40, 2**40)
    moved = sum(entry.kind == Transfer.KIND for entry in entries)
    return moved == 1 and sorted(have) == [0, stage.EARNED] and left.signed == 0


async def _refused(issuer: SimNode, codes: Sequence[str]) -> bool:
    """Whether the issuer has carried out one request and refused the other, with one of these codes."""
    found = await issuer.ask(lambda services: services.credits.requests(models.CreditRequestsQuery()))
    refused = [each.code for each in found.items if each.state == "refused"]
    return len(found.items) == 2 and len(refused) == 1 and refused[0] in codes


async def _again(play: Play, crook: Crook, issuer: SimNode, other: SimNode) -> None:
    """Sends its request once more, to its issuer and to another one, which is not asked.

    Raises:
        Violation: `credit`: the other one takes it.
    """
    assert issuer.parts is not None  # nobody stops it
    rows = issuer.parts.store.reading(
        lambda reader: credits.requests(reader.connection, None, 1, waiting=False)
    )
    letter = RequestLetter(request=rows[0].data, openers=())
    for each in (issuer, other):
        await crook.letter(each.id, letter)
    await scene.until(
        partial(_not_taken, crook, other), "a request is taken that is to another issuer", ANSWERED
    )
    play.seen.mark("evil credit twice again refused")


async def _not_taken(crook: Crook, other: SimNode) -> bool:
    rows = crook.parts.store.reading(
        lambda reader: reader.connection.execute(
            "SELECT state, code FROM outbox WHERE recipient = ? AND type = 'request'", (other.id,)
        ).fetchall()
    )
    return rows == [("refused", "not_issuer")]
