"""Dishonest issuers and holders of credit: no honest holder loses, and every node says what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from netnode.operations import models
from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine import credit_branches as branches
from netnode.simulator.byzantine.credits import CREDIT_DEEDS, Issuer
from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.byzantine.scene import Scene
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios import credit_stage as stage
from netnode.simulator.scenarios.credits_replanned import credits_replanned
from netnode.simulator.scenarios.credits_returned import credits_returned
from netnode.simulator.scenarios.credits_twice import HOWS, credits_twice
from netnode.simulator.scenarios.scenario import Scenario
from netnode.simulator.scenarios.swaps_evil import COURSES, swaps_evil, swaps_returned
from netnode.store import credits
from protocol.identity import id_text

DEEP: Final = 70  # entries; why: more than the proof of a fork shows of either branch
WHERE: Final = ("", "deep", "buried")  # what is owed: in the proof of the fork, above it, below it
TIME_DAYS: Final = 14.0  # to answer a challenge
HANDED: Final = 900.0  # virtual seconds; why: nodes look at challenges every five minutes, and twice at each
LATER: Final = ("transfer-unasked", "payout-unasked")  # done when there is something to move


async def credits_forged(play: Play) -> None:
    """An issuer logs what nobody signed and what no plan comes to: nothing of it counts, and audits name the first."""
    issuer, referrer, buyer = await stage.market(play)
    await scene.sold(issuer.crook.node, referrer, buyer, stage.BAIT, play.nodes)
    logged = await scene.sold(issuer.crook.node, referrer, buyer, stage.BAIT, play.nodes)
    issuer.fall_silent()
    deeds = [name for name in CREDIT_DEEDS if name not in LATER]
    play.chance.shuffle(deeds)
    for name in deeds:
        await _do(
            play, issuer, name, await stage.begun(issuer, referrer, buyer, CREDIT_DEEDS[name].needs, logged)
        )
        await _require(play, issuer, referrer, pending=2 * stage.EARNED)
    await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    for name in LATER:
        await _do(play, issuer, name, bytes.fromhex(logged))
        await _require(play, issuer, referrer, balance=2 * stage.EARNED)
    await stage.leave(play, issuer)


async def credits_silent(play: Play) -> None:
    """An issuer logs neither a sale nor what a holder asks for: challenged in public, it is shown as suspected."""
    issuer, referrer, buyer = await stage.market(play)
    crook, holder = issuer.crook.node, play.nodes[2]
    await scene.sold(crook, holder, buyer, stage.BAIT, play.nodes)
    await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    end = play.chance.choice(("logs", "answers", "stays silent"))
    issuer.fall_silent(refusing=play.chance.random() < 0.5)
    unpublished = (
        await stage.begun(issuer, referrer, holder, "received", "")
    ).hex()  # `buyer` is the holder's
    wish = models.CreditTransfer(issuer=id_text(issuer.id), amount="3.00", to=id_text(referrer.id))
    await stage.limit(play, referrer, issuer.id)
    asked = await holder.ask(lambda services: services.credits.transfer(wish))
    await asyncio.sleep(scene.SOON)
    for node in play.nodes:
        await _require_not(node, play, issuer, "is suspected before anybody complained")
    sale = models.CreditChallenge(order=unpublished)
    request = models.CreditChallenge(request=asked.request)
    challenges = [
        bytes.fromhex((await referrer.ask(lambda services: services.credits.challenge(sale))).entry),
        bytes.fromhex((await holder.ask(lambda services: services.credits.challenge(request))).entry),
    ]
    await stage.struck(play)
    for node in play.nodes:
        handed = partial(_challenged, node, issuer, 2)
        await scene.until(handed, f"{node.name} hands no challenge over", HANDED)
        await _require_not(node, play, issuer, "is suspected before its time is over")
    await scene.days_pass(stage.everybody(play, issuer), TIME_DAYS - 1)
    for node in play.nodes:
        await _require_not(node, play, issuer, "is suspected before its time is over")
    await scene.days_pass(stage.everybody(play, issuer), 1.0)
    for node in play.nodes:
        await _require_suspected(node, play, issuer)
    play.seen.mark("evil credit suspected")
    expected = {holder.id: (0, stage.EARNED), referrer.id: (0, 0)}
    if end == "logs":
        await issuer.speak_again()
        expected = {holder.id: (0, stage.EARNED - 300), referrer.id: (stage.EARNED, 300)}
    elif end == "answers":
        await issuer.answer(*challenges)
    await stage.struck(play)
    for node in play.nodes:
        if end != "stays silent":
            cleared = partial(_cleared, node, play, issuer)
            await scene.until(cleared, f"{node.name} goes on suspecting the issuer", HANDED)
        reasons = (await scene.stands(node, play.world.network_name, issuer.id)).refused
        if reasons != (("unpaid",) * 2 if end == "answers" else ()):
            raise Violation("credit", f"{node.name} shows the reasons {reasons} when the issuer {end}")
        await stage.require_figures(node, play, issuer, expected)
    play.seen.mark(f"evil credit silent issuer {end}")
    await stage.leave(play, issuer)


async def credits_escape(play: Play) -> None:
    """An issuer takes its log back below what it owes: it owes that still, or after a rotation it is disputed."""
    issuer, referrer, buyer = await stage.market(play)
    await scene.sold(issuer.crook.node, referrer, buyer, stage.BAIT, play.nodes)
    await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    last = issuer.entries()[-1].seq
    await scene.sold(issuer.crook.node, referrer, buyer, stage.BAIT, play.nodes)
    issuer.fall_silent()
    rotates = play.chance.random() < 0.5
    if rotates:
        await branches.rotated(issuer, last)
    else:
        await branches.taken_back(issuer, last)
    await stage.struck(play)
    for node in play.nodes:
        await scene.until(
            partial(_escaped, node, play, issuer, referrer, rotates), f"{node.name} forgets what is owed"
        )
    await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    for node in play.nodes:
        if not await _escaped(node, play, issuer, referrer, rotates, later=True):
            raise Violation("credit", f"{node.name} forgets what was owed once it is payable")
    play.seen.mark(f"evil credit escape {'rotation' if rotates else 'settlement'}")
    await stage.leave(play, issuer)


async def _escaped(
    node: SimNode, play: Play, issuer: Issuer, holder: SimNode, rotates: bool, later: bool = False
) -> bool:
    """Whether a node has the new opener, and says of the second of two sales what it has to."""
    state = await stage.state(node, issuer)
    if state.openers.place != ((1, 0) if rotates else (0, 1)):
        return False
    found = await scene.figures(node, issuer.id, holder.id)
    against = await scene.stands(node, play.world.network_name, issuer.id)
    owed = stage.EARNED if rotates else 2 * stage.EARNED
    if (found.pending, found.signed) != ((0, owed) if later else (owed - stage.EARNED, stage.EARNED)):
        return False
    claims = [(each.holder, each.unit, each.amount) for each in against.disputed]
    beside = await node.ask(lambda services: services.ledgers.against(issuer.id))
    if not rotates:
        return not claims and beside is None
    return (
        claims == [(holder.id, scene.UNIT, stage.EARNED)] and beside is not None and len(beside.disputed) == 1
    )


async def credits_forked(play: Play) -> None:
    """An issuer logs one thing here and another there: exposed at all nodes, it owes whatever either branch says."""
    issuer, referrer, buyer = await stage.market(play)
    crook, other = issuer.crook.node, play.nodes[2]
    where = play.chance.choice(WHERE)
    if play.chance.random() < 0.5:
        what, owed = "sales", [{referrer.id: (2 * stage.EARNED, 0)}, {other.id: (stage.EARNED, 0)}]
        await scene.sold(crook, referrer, buyer, stage.BAIT, play.nodes)
        issuer.fall_silent()
        one = await stage.begun(issuer, referrer, buyer, "received", "")
        two = await stage.begun(issuer, other, referrer, "received", "")
        records: list[tuple[Struct, ...]] = [issuer.parts(one), issuer.parts(two)]
    else:
        thief = await stage.thief(play, stage.everybody(play, issuer))
        what, owed = "double spend", [{referrer.id: (0, stage.EARNED)}, {other.id: (0, stage.EARNED)}]
        await scene.sold(crook, thief.node, buyer, stage.BAIT, play.nodes)
        await scene.days_pass([*stage.everybody(play, issuer), thief.node], stage.HOLD_DAYS)
        issuer.fall_silent()
        limits = [await stage.limit(play, each, issuer.id) for each in (referrer, other)]
        records = [(branches.transfer(issuer, thief, stage.EARNED, limit),) for limit in limits]
        owed[0][thief.node.id] = owed[1][thief.node.id] = (0, 0)
        await play.stop(thief.node)
    common = issuer.entries()
    sides = []
    for side, each in enumerate(records):
        filler = branches.filler(0 if where == "" else DEEP, side)
        parts = (*each, *filler) if where == "buried" else (*filler, *each)
        sides.append([*common, *branches.branch(issuer, common[-1], *parts)])
    chosen = play.chance.below(2)
    goes_on = [*sides[chosen], branches.settled(issuer, sides[chosen][-1], sides[1 - chosen][-1])]
    await play.stop(crook)
    friends = Scene(play.world, "friends of the crook", Deeds())
    holds = {node: number % 2 if node is not other else 1 for number, node in enumerate(play.nodes)}
    wall = play.world.network.partition(
        *([each.name for each in holds if holds[each] == side] for side in (0, 1))
    )
    for node, side in holds.items():
        await branches.show(friends, issuer.id, sides[side], [node])
    if where == "buried":
        first = len(common) + max(map(len, records))
        for node in play.nodes:
            await branches.expose(friends, node, sides[0][first:], sides[1][first:])
    play.world.network.fall(wall)
    await stage.struck(play)
    for node in holds:
        await scene.until(
            partial(stage.exposed, node, play, issuer, True), f"{node.name} does not know of the fork"
        )
        # The proof shows what either side owes, or each asks who holds the other side for it.
        await scene.until(partial(_owes, node, play, issuer, _both(*owed)), f"{node.name} forgets a branch")
    await branches.show(friends, issuer.id, goes_on, play.nodes)
    await stage.struck(play)
    for node in holds:
        await scene.until(
            partial(stage.exposed, node, play, issuer, False), f"{node.name} sees no end of the fork"
        )
        await stage.require_figures(node, play, issuer, _both(*owed))
    play.seen.mark(f"evil credit forked {what} {where}".rstrip())
    await play.level()


async def _owes(node: SimNode, play: Play, issuer: Issuer, expected: Mapping[bytes, tuple[int, int]]) -> bool:
    try:
        await stage.require_figures(node, play, issuer, expected)
    except Violation:
        return False
    return True


def _both(*owed: Mapping[bytes, tuple[int, int]]) -> dict[bytes, tuple[int, int]]:
    """What is owed by two branches together; who spent one thing twice owes it back."""
    found: dict[bytes, tuple[int, int]] = {}
    for each in owed:
        for who, figures in each.items():
            found[who] = (0, -stage.EARNED) if who in found else figures
    return found


async def _challenged(node: SimNode, issuer: Issuer, handed: int) -> bool:
    """Whether a node knows of so many challenges, and has handed each to the issuer."""
    assert node.parts is not None  # nobody stops it meanwhile
    rows = node.parts.store.reading(lambda reader: credits.challenges_to(reader.connection, issuer.id))
    return sum(row.handed is not None for row in rows) == handed


async def _cleared(node: SimNode, play: Play, issuer: Issuer) -> bool:
    found = await scene.stands(node, play.world.network_name, issuer.id)
    return not found.suspected and not found.open


async def _require_not(node: SimNode, play: Play, issuer: Issuer, text: str) -> None:
    if (await scene.stands(node, play.world.network_name, issuer.id)).bad:
        raise Violation("credit", f"at {node.name} the issuer {text}")


async def _require_suspected(node: SimNode, play: Play, issuer: Issuer) -> None:
    """The issuer is suspected, and that is shown beside its listings too.

    Raises:
        Violation: `credit`.
    """
    found = await scene.stands(node, play.world.network_name, issuer.id)
    beside = await node.ask(lambda services: services.ledgers.against(issuer.id))
    if found.overdue != 2 or found.exposed or beside is None or not beside.suspected:
        raise Violation("credit", f"{node.name} does not suspect an issuer that is silent: {found}")


async def _do(play: Play, issuer: Issuer, name: str, deal: bytes) -> None:
    """One deed; within LEVEL_SECONDS all honest nodes have its entry."""
    entry = await CREDIT_DEEDS[name].act(issuer, deal)
    if play.chance.random() < 0.3:
        await stage.struck(play)
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
    play.look()
    codes = list(issuer.wrong.items())
    for node in play.nodes:
        shown = await scene.audit(node, issuer.id)
        found = [(bytes.fromhex(each.entry), each.code) for each in shown.wrong]
        if found != codes or shown.wrongs != len(codes) or shown.unknown_from is not None:
            raise Violation("credit", f"{node.name} finds {_codes(found)} wrong, not {_codes(codes)}")
        expected = {holder.id: (pending, balance), issuer.friend: (0, 0), issuer.id: (0, 0)}
        await stage.require_figures(node, play, issuer, expected)


def _codes(found: Sequence[tuple[bytes, str]]) -> str:
    return ", ".join(f"{id.hex()[:6]} {code}" for id, code in found) or "nothing"


_MARKS: Final = ("level", "evil credit amid faults")
CREDITS_EVIL: Final = (
    Scenario(
        "credits_returned", credits_returned, stage.quiet, least=3, marks=(*_MARKS, "credit asked again"),
    ),
    Scenario(
        "swaps_returned", swaps_returned, stage.quiet, least=3, marks=(*_MARKS, "swap of a home put back"),
    ),
    Scenario(
        "credits_replanned", credits_replanned, stage.quiet, least=3, marks=(*_MARKS, "evil credit replanned"),
    ),
    Scenario(
        "swaps_evil", swaps_evil, stage.quiet, least=3, weight=4,
        marks=(*_MARKS, *(f"evil swap {name}" for name in COURSES)),
    ),
    Scenario(
        "credits_twice", credits_twice, stage.quiet, least=3,
        marks=(*_MARKS, *(f"evil credit twice {how}" for how in HOWS), "evil credit twice again refused"),
    ),
    Scenario(
        "credits_forked", credits_forked, stage.quiet, least=3,
        marks=(*_MARKS, *(
            f"evil credit forked {what} {where}".rstrip() for what in ("sales", "double spend") for where in WHERE
        )),
    ),
    Scenario(
        "credits_escape", credits_escape, stage.quiet, least=3,
        marks=(*_MARKS, "evil credit escape rotation", "evil credit escape settlement"),
    ),
    Scenario(
        "credits_silent", credits_silent, stage.quiet, least=3,
        marks=(*_MARKS, "evil credit suspected", *(
            f"evil credit silent issuer {end}" for end in ("logs", "answers", "stays silent")
        )),
    ),
    Scenario(
        "credits_forged", credits_forged, stage.quiet, least=3,
        marks=(*_MARKS, *(f"evil credit {name}" for name in CREDIT_DEEDS)),
    ),
)  # fmt: skip
