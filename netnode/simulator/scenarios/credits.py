"""Credit: people recommend, buy, refund and move what they earned under every fault; in the end all nodes agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.crediting.challenged import require_challenges
from netnode.simulator.crediting.ending import (
    open_swaps,
    require_equal_figures,
    require_requests,
    require_sales,
    require_swaps,
)
from netnode.simulator.crediting.given_back import require_buybacks
from netnode.simulator.crediting.giving_back import GIVING_BACK_ACTS
from netnode.simulator.crediting.moving import MOVING_ACTS
from netnode.simulator.crediting.recommending import RECOMMENDING_ACTS
from netnode.simulator.crediting.replacing import REPLACING_ACTS
from netnode.simulator.crediting.served import require_shoppers
from netnode.simulator.crediting.shopping import SHOPPING_ACTS
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
    **{
        name: weight
        for acts in (RECOMMENDING_ACTS, MOVING_ACTS, SHOPPING_ACTS)
        for name, (_, weight) in acts.items()
    },
    "conclude": 20,
    "go on": 2,
    "publish": 1,
    "rotate": 1,
}
DISPUTING: Final[Mapping[str, int]] = {
    "go on": 6, "complain": 5, "consent": 1, "look at cases": 1,
}  # fmt: skip
JOINING: Final[Mapping[str, int]] = {
    "invite member": 8, "apply to team": 8, "recommend": 3, "order by link": 4, "conclude": 8,
}  # fmt: skip
TEAM_ACTS: Final[Mapping[str, int]] = {
    **ACTS,
    **{
        name: weight
        for acts in (TEAMING_ACTS, GIVING_BACK_ACTS, REPLACING_ACTS)
        for name, (_, weight) in acts.items()
    },
    "stock": 0,
}
FINISHING: Final[Mapping[str, int]] = {"conclude": 5, "order by link": 1}
FINISHING_SECONDS: Final = 20.0
SELLING: Final[Mapping[str, int]] = {
    "recommend": 2, "order by link": 3, "buy stock": 2, "conclude": 8, "ask back": 2, "answer back": 1,
}  # fmt: skip
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
# why: who is the only member moves to nobody
INVITING: Final = ("invite member", "invite member", "apply to team")
# why "move member" twice: an owner tries it before all have consented, and is refused
ARRANGING: Final = (
    "wish for sponsor", "move member", "consent to move", "consent to move", "move member", "ask back",
)  # fmt: skip
# who was not answered in time says so in public; then all owners answer, and members confirm what they got
GIVING_BACK: Final = ("ask back in public", "answer back", "take refund")
ARRIVE_SECONDS: Final = 15.0
PROMPT: Final = 0.5  # share of owners who answer at once what they are to take back
FOUNDERS: Final = 2
PERIODS: Final = 12  # closed at the end, one after another
WEEKS: Final = 2
WEEK_SECONDS: Final = 8 * DAY_MS / 1_000  # why: an acknowledgement was seen 7 days before an admission


async def credits(play: Play) -> None:
    """People earn by recommending and move what they earned, while everything fails; all nodes compute the same."""
    await opened(play)
    acts: Mapping[str, int] = {**ACTS, **(DISPUTING if "arbiters" in play.options.dealings else {})}
    await play.live(acts=acts)
    old = copied(play, 0.4)
    acts = unrotated(acts, old)
    await away(play)
    await play.live(play.options.seconds / 2, acts)
    await restored(play, old, acts, "credit")
    await play.level()
    await settled(play, play.nodes)


async def credits_copied(play: Play) -> None:
    """An issuer and holder runs two copies of a home: what either branch of the log owes is owed."""
    await opened(play)
    await play.live(EARNING_SECONDS, EARNING, trouble=False)
    await away(play)
    core = await two_copies(play, {**ACTS, "rotate": 0})
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
    await arranged(play, INVITING)
    old: Old | None = None
    for _ in range(WEEKS):
        await night(play, play.nodes, WEEK_SECONDS)
        for node in play.nodes:
            await play.act(node, "admit members")
        await play.live(play.options.seconds / 2, unrotated(TEAM_ACTS, old))
        old = old or copied(play, 0.2)
    for node in play.nodes:
        await play.act(node, "admit members")
    await play.live(EARNING_SECONDS, SELLING, trouble=False)
    await arranged(play, ARRANGING)
    for node in play.nodes:  # others answer when they are challenged
        if play.chance.random() < PROMPT:
            await play.act(node, "answer back")
    await restored(play, old, SELLING, "team")
    await away(play)
    await play.level()
    for node in play.nodes:
        await play.act(node, "admit members")
        for _ in range(PERIODS):
            await play.act(node, "close period")
    await arranged(play, GIVING_BACK, LOOK_SECONDS)
    await settled(play, play.nodes)


async def arranged(play: Play, acts: Sequence[str], seconds: float = ARRIVE_SECONDS) -> None:
    """Everybody does one thing after another; what comes of each has so many virtual seconds to arrive."""
    for act in acts:
        for node in play.nodes:
            await play.act(node, act)
        await asyncio.sleep(seconds)


async def swaps(play: Play) -> None:
    """Holders swap credit of two issuers while everything fails: in the end on both sides, or on none."""
    await opened(play)
    await play.live(EARNING_SECONDS, EARNING, trouble=False)
    await away(play)
    await play.live(acts=SWAP_ACTS)
    old = copied(play, 0.3)
    await night(play, play.nodes, play.chance.uniform(0.1, 1.0) * DAY_SECONDS)
    await play.live(play.options.seconds / 2, unrotated(SWAP_ACTS, old))
    await restored(play, old, unrotated(SWAP_ACTS, old), "swap")
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


@dataclass(frozen=True, slots=True)
class Old:
    """A copy of a home that its owner keeps."""

    node: SimNode
    kept: Path


def copied(play: Play, share: float) -> Old | None:
    """In such a share of runs somebody copies their home."""
    if play.chance.random() >= share:
        return None
    node = play.chance.choice(play.nodes)
    return Old(node, node.copy(play.world.folder / "kept"))


def unrotated(acts: Mapping[str, int], old: Old | None) -> Mapping[str, int]:
    """What is done while there is a copy: with the key of an old one nobody publishes."""
    return acts if old is None else {**acts, "rotate": 0}


async def restored(play: Play, old: Old | None, acts: Mapping[str, int], what: str) -> None:
    """The copy takes the place of the home, if there is one."""
    if old is not None:
        await put_back(play, old.node, old.kept, acts)
        play.seen.mark(f"{what} put back")


async def opened(play: Play) -> None:
    """The market opens: everybody follows everybody, offers things that pay a commission, and recommends some."""
    play.watch_credit()
    await play.begin(mailbox="all", stamp_asked=0, **TERMS)
    for node in play.nodes:
        hosts = [id_text(host.id) for host in play.nodes[:2] if host is not node]
        others = [id_text(other.id) for other in play.nodes if other is not node]
        try:
            await node.ask(partial(_settle_in, hosts, others))
        except (Problem, Down):
            play.seen.mark("credit without a host")
        for _ in range(SHELVES):
            await play.act(node, "stock")
    await asyncio.sleep(20.0)
    if "arbiters" in play.options.dealings:
        for node in play.nodes[-2:]:
            await play.act(node, "consent")
    await asyncio.sleep(10.0)
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
    marks["credit sales to shoppers"] += require_shoppers(owners, play.oracle, watch)
    marks["buybacks paid at both"] += await require_buybacks(owners, play.oracle, now)
    marks["credit challenges judged twice"] += require_challenges(owners, play.oracle, watch, now)
    marks["credit figures compared"] += await require_equal_figures(owners, play.oracle, watch, now)
    for node in owners:
        for audit in watch.audits(play.oracle.homes[node.name]):
            marks["credit entries judged twice"] += audit.compared
            marks["team moves agreed"] += audit.moved
            marks["credit refunds by a ruling"] += audit.ruled
            marks["credit frozen"] += audit.frozen


def _crediting(options: Options) -> Options:
    """Every fault: a market of a few, who earn and spend credit all the time."""
    return replace(
        options, byzantine=(), dealings=_arbiters(options), faults=options.faults or LINK_FAULTS, followers=0,
        act_every=3.0, nodes=min(4, options.nodes), seconds=min(60.0, options.seconds),
        text=min(400, options.text), skew_ms=min(5_000, options.skew_ms),
    )  # fmt: skip


def _arbiters(options: Options) -> tuple[str, ...]:
    """Of what there may be in deals, arbiters."""
    return tuple(each for each in options.dealings if each == "arbiters")


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
            "credit refund whole", "credit refunds by a ruling", "credit frozen",
            "credit disputed", "credit allied", "shopper ordered",
            *(f"shopper says {each}" for each in ("payment_sent", "receive", "refund_received")),
            "shopper proved a sale", "credit sales to shoppers", "credit challenge of a request",
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
            "level", "swap put back", "swap proposed", "swap accepted", "swap declined", "swap taken back",
            "swap first given", "swap first back", "credit swaps done", "credit paid a deal",
        ),
    ),
    Scenario(
        "teams", teams, _teaming, least=4, weight=2,
        marks=(
            "level", "team put back", "team invited", "team applied", "team admitted", "team duty", "team left",
            "team membership ended", "team period closed", "team period paid",
            "team moved agreed", "team moved holding", "team moved neglect", "team moves agreed",
            "buyback asked", "buyback paid", "buyback refused", "buyback refund confirmed", "buybacks paid at both",
            "buyback challenged overdue", "buyback challenged refused", "credit challenges judged twice",
            *(f"team plan {name}" for name in RULES),
        ),
    ),
)  # fmt: skip
