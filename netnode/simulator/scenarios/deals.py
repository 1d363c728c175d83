"""Deals: whole trades under every fault; in the end both sides hold the same, and every deal has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.arbitrating import ARBITER_ACTS
from netnode.simulator.dealing import DEAL_ACTS
from netnode.simulator.dealt import require_sound, require_stock, unfinished
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.options import LINK_FAULTS, Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.renewed import note_ends, require_mandates, unended
from netnode.simulator.scenarios.scenario import Scenario
from netnode.simulator.subscribing import MANDATE_ACTS, WORDS
from netnode.store import Reader
from protocol.certificate import DAY_MS
from protocol.identity import id_text

SHELVES: Final = 2
TERMS: Final = {f"{step}_days": 2 for step in ("accept", "pay", "fulfil", "confirm", "dispute", "ruling")}
EVENINGS: Final = 3  # why: with pauses of half a day or more, most turns of a mandate by the day are met
EVENING_SECONDS: Final = 0.5 * DAY_MS / 1_000
NIGHT_SECONDS: Final = 2.5 * DAY_MS / 1_000  # why: longer than any step of TERMS may take
MORNING_SECONDS: Final = 240.0  # why: what a node does now and then for its deals it has done by then
COPY_SECONDS: Final = 90.0  # virtual; why: whoever was refused dials again after a minute at the latest
ON_ITS_WAY_SECONDS: Final = 10.0  # until a start that a fault began, and that nobody waits for, is over
ROUNDS: Final = 60  # of everybody doing what their deals wait for; why: a deal has at most some ten steps
ROUND_SECONDS: Final = 30.0
ARRIVE_SECONDS: Final = 3_600.0  # virtual; why: pauses between attempts have grown to some minutes by then


def dealing(options: Options) -> Mapping[str, int]:
    """What people do in a market with these dealings, by weight."""
    acts = dict(DEAL_ACTS)
    acts.update(ARBITER_ACTS if "arbiters" in options.dealings else {})
    acts.update(MANDATE_ACTS if "mandates" in options.dealings else {})
    return {name: weight for name, (_, weight) in acts.items()}


async def deals(play: Play) -> None:
    """People deal with each other while everything fails: both sides hold the same, and each deal comes to rest."""
    acts = dealing(play.options)
    await opened(play)
    await play.live(acts=acts)
    old: SimNode | None = None
    lost = 0.0
    if play.chance.random() < 0.5:
        old = play.chance.choice(play.nodes)
        kept = old.copy(play.world.folder / "kept")
        await play.live(play.options.seconds / 2, acts)
    if play.chance.random() < 0.5:
        await night(play, play.nodes)
        await play.live(play.options.seconds / 2, acts)
    if "mandates" in play.options.dealings:
        for _ in range(EVENINGS):
            await night(play, play.nodes, play.chance.uniform(EVENING_SECONDS, 2 * EVENING_SECONDS))
            await play.live(play.options.seconds / EVENINGS, acts)
    if old is not None:
        lost = play.now
        await put_back(play, old, kept, acts)
        play.seen.mark("deals put back")
    await play.level()
    await rest(play, play.nodes, lost)


async def put_back(play: Play, old: SimNode, kept: Path, acts: Mapping[str, int]) -> None:
    """An older copy takes the place of a home; the market goes on, and its owner does what it takes."""
    await play.troubles.end()
    await asyncio.sleep(ON_ITS_WAY_SECONDS)
    await play.stop(old)
    await old.gone()
    play.put_back(old, kept)
    await play.start(old)
    await play.live(play.options.seconds / 2, acts)
    await play.troubles.end()
    for node in play.nodes:
        await play.start(node)
    await play.mend(old)


async def deals_copied(play: Play) -> None:
    """Two copies of one home deal at once: the copy asks before it says a word, both stop, and one goes on."""
    acts = dealing(play.options)
    await opened(play)
    await play.live(acts=acts, trouble=False)
    core = await two_copies(play, acts)
    play.seen.mark("deals copied")
    await play.level(core)
    await rest(play, core)


async def two_copies(play: Play, acts: Mapping[str, int]) -> Sequence[SimNode]:
    """Somebody runs two copies of their home; in the end one goes on.

    Returns:
        The nodes that are left.
    """
    source = play.chance.choice(play.nodes)
    copy = play.copy(source, "copy", knowing=True)
    play.oracle.copied(source.name, copy.name)
    others = [each for each in play.nodes if each not in (source, copy)]
    await play.start(copy, [each.address for each in others])
    await play.live(acts=acts, trouble=False)
    last, gone = (source, copy) if play.chance.random() < 0.5 else (copy, source)
    for each in (last, gone):
        await play.stop(each)
    play.gone_on_with(last, gone)
    await asyncio.sleep(ON_ITS_WAY_SECONDS)
    await play.start(last, [each.address for each in others])
    await play.live(COPY_SECONDS, acts, others, trouble=False)
    await play.mend(last)
    return [*others, last]


async def opened(play: Play) -> None:
    """The market opens: mailbox hosts are named, shelves are filled, everybody has heard of everything."""
    await play.begin(mailbox="all", **TERMS)
    for node in play.nodes:
        names = [id_text(host.id) for host in play.nodes[:2] if host is not node]
        try:
            await node.ask(partial(_name_hosts, names))
        except (Problem, Down):
            play.seen.mark("deals without a host")
        for _ in range(SHELVES):
            await play.act(node, "shelve")
        if "mandates" in play.options.dealings:
            await play.act(node, "shelve again")
    await asyncio.sleep(20.0)
    if "arbiters" in play.options.dealings:
        for node in play.nodes[-2:]:
            await play.act(node, "consent")
    await asyncio.sleep(20.0)


async def _name_hosts(names: Sequence[str], services: NodeServices) -> None:
    await services.identity.edit_profile(models.ProfileEdit(mailboxes=list(names)))


async def night(play: Play, owners: Sequence[SimNode], seconds: float = NIGHT_SECONDS) -> None:
    """Everybody is away for days, or for so many virtual seconds, and dates pass."""
    await play.troubles.end()
    await asyncio.sleep(ON_ITS_WAY_SECONDS)
    for node in owners:
        await play.stop(node)
    await asyncio.sleep(seconds)
    for node in owners:
        await play.start(node)
    await asyncio.sleep(MORNING_SECONDS)
    play.seen.mark("deals overnight")


async def rest(play: Play, owners: Sequence[SimNode], lost: float = 0.0) -> None:
    """Everybody does what their deals wait for, until nothing is open and both sides hold the same.

    Args:
        play: the run.
        owners: of the nodes that deal, all up.
        lost: virtual second at which a home was put back.

    Raises:
        Violation: `deals`, `doubled`, `mandates`, `oversold`, `renewed`, `stuck`, or `unfinished`.
    """
    await _concluded(play, owners)
    if play.oracle.put_back:
        # Who has lost a deal in which something is due hears of it again after as long as nothing came before.
        heard = 2 * lost + DAY_MS / 1_000
        await night(play, owners)
        while play.now < heard:
            await night(play, owners)
        await _concluded(play, owners)
    await _arrived(play, owners)
    count = require_sound(owners, play.oracle, play.world.clock.now_ms())
    require_stock(owners, play.oracle)
    play.seen.marks["deals equal"] += count
    play.seen.marks["renewals"] += require_mandates(owners, play.oracle, play.world.clock.now_ms())
    if "arbiters" in play.options.dealings:
        for node in owners:
            await play.act(node, "look at cases")
    play.look()


async def _concluded(play: Play, owners: Sequence[SimNode]) -> None:
    """Everybody does what their deals wait for, until nothing is open; where nobody can do anything, days pass.

    Subscriptions are ended, and days pass once more, in which no renewal may come.

    Raises:
        Violation: `stuck`, or `unfinished`.
    """
    left: list[str] = []
    renewing = "mandates" in play.options.dealings
    for _ in range(ROUNDS):
        for node in owners:
            if any(each.host == node.name for each in play.oracle.credits.shoppers):
                await play.act(node, "shoppers return")
            if renewing:
                await play.act(node, "close")
            if code := await play.act(node, "conclude"):
                play.seen.mark(f"conclude stopped {code}")
        await asyncio.sleep(ROUND_SECONDS)
        note_ends(owners, play.oracle)
        now = play.world.clock.now_ms()
        before, left = left, [*unfinished(owners, now), *unended(owners)]
        if not left and not renewing:
            break
        if left == before:  # nobody can do anything before a date has passed
            await night(play, owners)
            renewing = renewing and bool(left)
    else:
        raise Violation("unfinished", f"{len(left)} deals do not come to rest: {'; '.join(left[:4])}")


async def _arrived(play: Play, owners: Sequence[SimNode]) -> None:
    """No letter is on its way any more.

    Raises:
        Violation: `deals`.
    """
    until = play.now + ARRIVE_SECONDS
    others = [play.oracle.homes[each.name] for each in owners]
    while waiting := sum(_waiting(each, others) for each in owners):
        if play.now > until:
            raise Violation("deals", f"{waiting} letters did not arrive in {ARRIVE_SECONDS:.0f} s")
        await asyncio.sleep(ROUND_SECONDS)


def _waiting(node: SimNode, others: Sequence[bytes]) -> int:
    """Letters to these networkers that have not arrived, and letters that came and were not looked into."""
    if node.parts is None:
        return 0

    def look(reader: Reader) -> int:
        connection = reader.connection
        coming: int = connection.execute("SELECT count(*) FROM inbox").get
        query = "SELECT recipient FROM outbox WHERE state IN ('queued', 'at_mailbox')"
        return coming + sum(recipient in others for (recipient,) in connection.execute(query))

    return node.parts.store.reading(look)


def _dealing(options: Options) -> Options:
    """Every fault: a market of a few, who deal all the time."""
    return replace(
        options, byzantine=(), faults=options.faults or LINK_FAULTS, followers=0, act_every=4.0,
        nodes=min(5, options.nodes),
        text=min(400, options.text), skew_ms=min(5_000, options.skew_ms),
    )  # fmt: skip


def _calm(options: Options) -> Options:
    """Everybody reaches a common peer, and nothing fails but the owner, who runs two copies."""
    return replace(
        _dealing(options), faults=(), skew_ms=0, topology="star", peers=0, seconds=min(90.0, options.seconds)
    )


DEALS: Final = (
    Scenario("deals_copied", deals_copied, _calm, least=3, marks=("level", "deals equal", "deals copied")),
    Scenario(
        "deals", deals, _dealing, least=3, weight=4,
        marks=(
            "level", "deals equal", "deals overnight", "deals put back", "deal offered", "deal on an offer",
            *(f"deal {name}" for name in (
                "accept", "decline", "cancel", "paid", "received", "fulfil", "receipt", "refund", "refunded", "dispute",
                "lapse", "presume", "rule",
            )),
            "fault clock", "arbiter's fee", "arbiter's case ruled", "renewals", "mandate given",
            *(f"mandate buyer {word}" for word in WORDS["buyer"]),
            *(f"mandate seller {word}" for word in WORDS["seller"]),
        ),
    ),
)  # fmt: skip
