"""Credit: people recommend, buy, refund and move what they earned under every fault; in the end all nodes agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.crediting.ending import (
    open_swaps,
    require_equal_figures,
    require_requests,
    require_sales,
    require_swaps,
)
from netnode.simulator.crediting.moving import MOVING_ACTS
from netnode.simulator.crediting.recommending import RECOMMENDING_ACTS
from netnode.simulator.crediting.swapping import SWAPPING_ACTS
from netnode.simulator.crediting.teaming import RULES, TEAMING_ACTS
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.options import LINK_FAULTS, Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios.deals import TERMS, night, put_back, rest, two_copies
from netnode.simulator.scenarios.scenario import Scenario
from protocol.certificate import DAY_MS
from protocol.identity import id_text

NIGHTS: Final = (
    2  # why: what a bare commission awards is pending for 30 days, and a letter is carried as long
)
LONG_SECONDS: Final = 15.5 * DAY_MS / 1_000
SHELVES: Final = 2
ACTS: Final[Mapping[str, int]] = {
    **{name: weight for name, (_, weight) in (*RECOMMENDING_ACTS.items(), *MOVING_ACTS.items())},
    "conclude": 20,
    "go on": 2,
    "publish": 1,
    "rotate": 1,
}
UNROTATED: Final[Mapping[str, int]] = {
    **ACTS,
    "rotate": 0,
}  # why: with the key of an old copy nobody publishes
JOINING: Final[Mapping[str, int]] = {
    "invite member": 8, "apply to team": 8, "recommend": 3, "order by link": 4, "conclude": 8,
}  # fmt: skip
TEAM_ACTS: Final[Mapping[str, int]] = {
    **ACTS,
    **{name: weight for name, (_, weight) in TEAMING_ACTS.items()},
    "stock": 0,
}
FINISHING: Final[Mapping[str, int]] = {"conclude": 5, "order by link": 1}
FINISHING_SECONDS: Final = 20.0
EARNING: Final[Mapping[str, int]] = {"recommend": 2, "order by link": 3, "conclude": 8}
EARNING_SECONDS: Final = 24.0
SWAP_ACTS: Final[Mapping[str, int]] = {
    **{name: 2 * weight for name, (_, weight) in SWAPPING_ACTS.items()},
    **{name: weight for name, (_, weight) in MOVING_ACTS.items()},
    "publish": 2,
    "conclude": 4,
    "rotate": 1,
}
DAY_SECONDS: Final = DAY_MS / 1_000
LONGEST_SWAP: Final = 3.1 * DAY_SECONDS
ANSWER_SECONDS: Final = (
    400.0  # why: challenges are looked at every five minutes, and their letters take a moment
)
SWAPPED_SECONDS: Final = 2 * 3_600.0  # why: what waits long is looked at every ten minutes
LOOK_SECONDS: Final = 60.0
FOUNDERS: Final = 2
WEEKS: Final = 2
WEEK_SECONDS: Final = 8 * DAY_MS / 1_000  # why: an acknowledgement was seen 7 days before an admission


async def credits(play: Play) -> None:
    """People earn by recommending and move what they earned, while everything fails; all nodes compute the same."""
    await opened(play)
    await play.live(acts=ACTS)
    old: SimNode | None = None
    acts = ACTS
    if play.chance.random() < 0.4:
        old = play.chance.choice(play.nodes)
        kept = old.copy(play.world.folder / "kept")
        acts = UNROTATED
    await away(play)
    await play.live(play.options.seconds / 2, acts)
    if old is not None:
        await put_back(play, old, kept, acts)
        play.seen.mark("credit put back")
    await play.level()
    await settled(play, play.nodes)


async def credits_copied(play: Play) -> None:
    """An issuer and holder runs two copies of a home: what either branch of the log owes is owed."""
    await opened(play)
    await play.live(EARNING_SECONDS, EARNING, trouble=False)
    await away(play)
    core = await two_copies(play, UNROTATED)
    play.seen.mark("credit copied")
    await play.level(core)
    await settled(play, core)


async def teams(play: Play) -> None:
    """People found teams, join them, sell by their plans, leave and close periods, while everything fails."""
    await opened(play)
    for node in play.nodes[:FOUNDERS]:
        await play.act(node, "found team")
    await asyncio.sleep(30.0)
    await play.live(play.options.seconds / 2, JOINING)
    for _ in range(WEEKS):
        await night(play, play.nodes, WEEK_SECONDS)
        await play.live(play.options.seconds / 2, TEAM_ACTS)
    await away(play)
    await play.level()
    for node in play.nodes:
        await play.act(node, "admit members")
        await play.act(node, "close period")
    await settled(play, play.nodes)


async def swaps(play: Play) -> None:
    """Holders swap credit of two issuers while everything fails: in the end on both sides, or on none."""
    await opened(play)
    await play.live(EARNING_SECONDS, EARNING, trouble=False)
    await away(play)
    await play.live(acts=SWAP_ACTS)
    await night(play, play.nodes, play.chance.uniform(0.1, 1.0) * DAY_SECONDS)
    await play.live(play.options.seconds / 2, SWAP_ACTS)
    await night(play, play.nodes, LONGEST_SWAP)
    await play.level()
    for node in play.nodes:
        await play.act(node, "publish")
    watch = play.watch_credit()
    until = play.now + SWAPPED_SECONDS
    while left := open_swaps(play.nodes, play.oracle, watch):
        if play.now > until:
            raise Violation("swaps", f"{len(left)} swaps do not end: {'; '.join(left[:3])}")
        await asyncio.sleep(LOOK_SECONDS)
        watch.look()
    await settled(play, play.nodes)


async def opened(play: Play) -> None:
    """The market opens: everybody follows everybody, offers things that pay a commission, and recommends some."""
    play.watch_credit()
    await play.begin(mailbox="all", **TERMS)
    for node in play.nodes:
        hosts = [id_text(host.id) for host in play.nodes[:2] if host is not node]
        others = [id_text(other.id) for other in play.nodes if other is not node]
        try:
            await node.ask(partial(_settle_in, hosts, others))
        except (Problem, Down):
            play.seen.mark("credit without a host")
        for _ in range(SHELVES):
            await play.act(node, "stock")
    await asyncio.sleep(30.0)
    for node in play.nodes:
        await play.act(node, "recommend")


async def _settle_in(hosts: Sequence[str], others: Sequence[str], services: NodeServices) -> None:
    await services.identity.edit_profile(models.ProfileEdit(mailboxes=list(hosts)))
    for each in others:
        await services.follows.add(each)


async def away(play: Play) -> None:
    """Trades are finished; what is pending becomes payable while everybody is away but for one morning."""
    await play.live(FINISHING_SECONDS, FINISHING, trouble=False)
    for _ in range(NIGHTS):
        await night(play, play.nodes, LONG_SECONDS)


async def settled(play: Play, owners: Sequence[SimNode]) -> None:
    """Deals come to rest, requests are answered, and then all that has to hold of credit at the end does.

    Raises:
        Violation: as `rest`; `figures`, `requests` or `sales`.
    """
    if play.options.has("clock"):  # what a wrong clock dated ahead is taken when that date has come
        await night(play, owners)
    await rest(play, owners)
    for node in owners:
        await play.act(node, "ask for sale")
        if play.oracle.put_back:  # an issuer put back has forgotten what was asked of it
            await play.act(node, "ask for request")
    await asyncio.sleep(ANSWER_SECONDS)
    for node in owners:
        await play.act(node, "look at requests")
        await play.act(node, "look at swaps")
    watch = play.watch_credit()
    watch.look()
    now = play.world.clock.now_ms()
    marks = play.seen.marks
    marks["credit sales logged"] += require_sales(owners, play.oracle, watch, now)
    marks["credit requests logged"] += await require_requests(owners, play.oracle, watch)
    marks["credit swaps done"] += require_swaps(owners, play.oracle, watch)
    marks["credit figures compared"] += await require_equal_figures(owners, play.oracle, watch, now)
    for node in owners:
        for audit in watch.audits(play.oracle.homes[node.name]):
            marks["credit entries judged twice"] += audit.compared


def _crediting(options: Options) -> Options:
    """Every fault: a market of a few, who earn and spend credit all the time."""
    return replace(
        options, byzantine=(), dealings=(), faults=options.faults or LINK_FAULTS, followers=0, act_every=3.0,
        nodes=min(4, options.nodes), seconds=min(60.0, options.seconds),
        text=min(400, options.text), skew_ms=min(5_000, options.skew_ms),
    )  # fmt: skip


def _calm(options: Options) -> Options:
    """Everybody reaches a common peer, and nothing fails but the owner, who runs two copies."""
    return replace(_crediting(options), faults=(), skew_ms=0, topology="star", peers=0)


def _swapping(options: Options) -> Options:
    """Four, so that the holders may be others than the issuers."""
    return replace(_crediting(options), nodes=4, act_every=2.0, seconds=45.0)


def _teaming(options: Options) -> Options:
    """Four at least: somebody who is neither owner, sponsor nor member has to see an acknowledgement."""
    return replace(_crediting(options), nodes=4)


CREDITS: Final = (
    Scenario(
        "credits", credits, _crediting, least=3, weight=3,
        marks=(
            "level", "credit put back", "credit passed on", "credit order by link", "credit refund partial",
            "credit refund whole", "credit allied", "credit challenge of a request",
            "credit challenge of a sale", "credit sales logged", "credit requests logged",
            *(f"credit request {each} logged" for each in ("transfer", "redeem", "payout")),
        ),
    ),
    Scenario(
        "credits_copied", credits_copied, _calm, least=3, weight=1, marks=("level", "credit copied")
    ),
    Scenario(
        "swaps", swaps, _swapping, least=4, weight=2,
        marks=(
            "level", "swap proposed", "swap accepted", "swap declined", "swap taken back", "swap first given",
            "swap first back", "credit swaps done", "credit paid a deal",
        ),
    ),
    Scenario(
        "teams", teams, _teaming, least=4, weight=2,
        marks=(
            "level", "team invited", "team applied", "team admitted", "team duty", "team left",
            "team membership ended", "team period closed", "team period paid",
            *(f"team plan {name}" for name in RULES),
        ),
    ),
)  # fmt: skip
