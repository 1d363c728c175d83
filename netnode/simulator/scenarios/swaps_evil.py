"""Swaps with one dishonest issuer: silent, slow, late, early, forked, back-dated, not covered; nobody honest loses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from netnode.operations import models
from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine import credit_branches as branches
from netnode.simulator.byzantine import credit_swaps as records
from netnode.simulator.byzantine.credits import Issuer
from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.byzantine.scene import Scene
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios import credit_stage as stage
from netnode.store import swaps
from netnode.store.swaps import SwapRow
from netnode.swapping.documents import packed
from protocol.entry import Entry
from protocol.identity import id_text

DAYS: Final = 2  # of the swap
GIVEN, TAKEN = 300, 200  # minor units
ENDS: Final = (
    1_800.0  # virtual seconds; why: what waits is looked at every ten minutes, and letters take as long
)
AFTER_DAYS: Final = 1.1  # why: what went back is looked at again after a day

Outcome = tuple[int, int, int, int]
"""Figures of ann and bob at X, then at Y."""
BEFORE: Final[Outcome] = (stage.EARNED, 0, 0, stage.EARNED)
AFTER: Final[Outcome] = (stage.EARNED - GIVEN, GIVEN, TAKEN, stage.EARNED - TAKEN)


@dataclass(slots=True)
class Exchange:
    """A swap of two honest holders, one of whose issuers is not.

    Attributes:
        play: the run.
        issuer: the dishonest one.
        ann: gives credit of X and wants that of Y.
        bob: the other way round.
        honest: the other issuer's node.
        first: whether the dishonest one is X, who locks.
        kept: a copy of the honest issuer's home, from before anybody signed.
        swap: id of the proposal.
    """

    play: Play
    issuer: Issuer
    ann: SimNode
    bob: SimNode
    honest: SimNode
    first: bool
    kept: Path
    swap: str = ""

    @property
    def x(self) -> bytes:
        """The issuer who locks."""
        return self.issuer.id if self.first else self.honest.id

    @property
    def y(self) -> bytes:
        """The issuer who decides."""
        return self.honest.id if self.first else self.issuer.id

    # -- what happens ----------------------------------------------------------------------------------------
    async def sign(self) -> None:
        """Both holders sign."""
        wish = models.SwapPropose(
            with_=id_text(self.bob.id), give="3.00", from_=id_text(self.x), get="2.00", of=id_text(self.y),
            days=DAYS, confirmed=True,
        )  # fmt: skip
        self.swap = (await self.ann.ask(lambda services: services.swaps.propose(wish))).swap
        await asyncio.sleep(scene.SOON)
        accept = models.SwapAccept(swap=self.swap, confirmed=True)
        await self.bob.ask(lambda services: services.swaps.accept(accept))
        await stage.struck(self.play)
        await asyncio.sleep(scene.SOON)

    async def reaches(self, *stages: str) -> None:
        """Waits until both holders' nodes say that the swap is so far. Raises Violation `swap`."""
        for node in (self.ann, self.bob):
            await scene.until(
                partial(self._is, node, stages), f"the swap is not {stages} for {node.name}", ENDS
            )

    async def _is(self, node: SimNode, stages: tuple[str, ...]) -> bool:
        shown = await node.ask(lambda services: services.swaps.show(self.swap))
        return shown.stage in stages

    def row(self) -> SwapRow:
        """The swap as ann's node has it."""
        assert self.ann.parts is not None  # nobody stops it meanwhile
        found = self.ann.parts.store.reading(
            lambda reader: swaps.by_proposal(reader.connection, bytes.fromhex(self.swap))
        )
        assert found is not None  # it was proposed there
        return found

    async def pass_days(self, days: float) -> None:
        """Everybody is away for days."""
        await scene.days_pass(stage.everybody(self.play, self.issuer), days)
        await stage.struck(self.play)

    async def put_back(self) -> None:
        """The honest issuer's home comes back from a copy that knows nothing of the swap; its owner goes on."""
        await self.play.stop(self.honest)
        self.play.put_back(self.honest, self.kept)
        await self.play.start(self.honest)
        await self.play.mend(self.honest)

    async def write(self) -> None:
        """The dishonest issuer writes something that has nothing to do with it."""
        await scene.offers(self.issuer.crook.node, f"thing-{self.play.now:.0f}")

    async def show(self, *logs: list[Entry]) -> None:
        """Friends of the dishonest issuer show these branches to all; its own node is gone."""
        await self.play.stop(self.issuer.crook.node)
        friends = Scene(self.play.world, "friends of the crook", Deeds())
        for log in logs:
            await branches.show(friends, self.issuer.id, log, self.play.nodes)

    # -- what everybody says ---------------------------------------------------------------------------------
    async def require(self, expected: Outcome, *, locked: int = 0) -> None:
        """All honest nodes come to the same figures, and so much of ann's is locked.

        Raises:
            Violation: `credit`.
        """
        self.play.look()
        for node in self.play.nodes:
            text = f"{node.name} does not come to {expected} and {locked} locked"
            await scene.until(partial(self._comes_to, node, expected, locked), text, ENDS)

    async def _comes_to(self, node: SimNode, expected: Outcome, locked: int) -> bool:
        found = [
            await scene.figures(node, issuer, holder.id)
            for issuer in (self.x, self.y)
            for holder in (self.ann, self.bob)
        ]
        return tuple(each.signed for each in found) == expected and found[0].locked == locked

    async def require_wrong(self) -> None:
        """All honest nodes find the dishonest issuer's wrong entries, and none of the honest one's.

        Raises:
            Violation: `credit`.
        """
        for node in self.play.nodes:
            theirs = await scene.audit(node, self.issuer.id)
            found = {bytes.fromhex(each.entry): each.code for each in theirs.wrong}
            ours = await scene.audit(node, self.honest.id)
            if found != self.issuer.wrong or ours.wrongs or ours.standing.exposed:
                raise Violation(
                    "credit", f"{node.name} finds {found} wrong, and of an honest issuer {ours.wrong}"
                )


# -- Y is dishonest ------------------------------------------------------------------------------------------
async def _y_silent(exchange: Exchange) -> None:
    """Y writes nothing: the credit stays locked, until it writes anything after the time."""
    await exchange.reaches("locked")
    await exchange.pass_days(DAYS + 0.1)
    await exchange.require(BEFORE, locked=GIVEN)
    await exchange.write()
    await exchange.reaches("back")
    await exchange.require(BEFORE)


async def _y_silent_x_put_back(exchange: Exchange) -> None:
    """Y writes nothing, and X has lost what it knew of its lock: the lock ends all the same [R-CRED-84]."""
    await exchange.reaches("locked")
    await exchange.put_back()
    await _y_silent(exchange)


async def _y_slow(exchange: Exchange) -> None:
    """Y decides just in time."""
    await exchange.reaches("locked")
    await exchange.pass_days(DAYS - 0.1)
    await exchange.issuer.speak_again()
    await exchange.reaches("given")
    await exchange.require(AFTER)


async def _y_late(exchange: Exchange) -> None:
    """Y decides when the time is over."""
    await exchange.reaches("locked")
    await exchange.pass_days(DAYS + 0.1)
    row = exchange.row()
    await exchange.issuer.wrongly("request_over", records.decision(row, row.locked or b""))
    await exchange.reaches("back")
    await exchange.require(BEFORE)


async def _y_early(exchange: Exchange) -> None:
    """Y decides by an entry that is no lock; nothing comes of it."""
    await exchange.reaches("locked")
    row = exchange.row()
    store = exchange.issuer.crook.parts.store
    first = store.reading(lambda reader: reader.entry(exchange.x, 0))
    assert first is not None  # everybody has the honest issuer's log
    no_lock = packed([list(first.wire())])
    await exchange.issuer.wrongly("no_lock", records.decision(row, no_lock))
    await exchange.require(BEFORE, locked=GIVEN)
    await exchange.pass_days(DAYS + 0.1)
    await exchange.write()
    await exchange.reaches("back")
    await exchange.require(BEFORE)


async def _y_backdated(exchange: Exchange) -> None:
    """Y lets the time pass and the lock go back, then shows a branch on which it had decided in time."""
    await exchange.reaches("locked")
    row, common = exchange.row(), exchange.issuer.entries()
    hidden = branches.branch(exchange.issuer, common[-1], records.decision(row, row.locked or b""))
    await exchange.pass_days(DAYS + 0.1)
    await exchange.write()
    await exchange.reaches("back")
    await exchange.require(BEFORE)
    await exchange.show([*common, *hidden])
    await _exposed(exchange)
    await scene.days_pass(exchange.play.nodes, AFTER_DAYS)
    await exchange.require(AFTER)


async def _y_forked(exchange: Exchange) -> None:
    """Y decides on one branch, and on the other it does not."""
    await exchange.reaches("locked")
    row, common = exchange.row(), exchange.issuer.entries()
    decided = branches.branch(exchange.issuer, common[-1], records.decision(row, row.locked or b""))
    other = branches.branch(exchange.issuer, common[-1], *branches.filler(1, 1))
    order = [[*common, *decided], [*common, *other]]
    exchange.play.chance.shuffle(order)
    await exchange.show(*order)
    await _exposed(exchange)
    await exchange.reaches("given")
    await exchange.require(AFTER)


async def _y_uncovered(exchange: Exchange) -> None:
    """Y decides although its holder has spent the credit meanwhile: that is Y's loss."""
    await exchange.reaches("locked")
    await _spend(exchange, exchange.bob, exchange.y)
    row = exchange.row()
    await exchange.issuer.write(records.decision(row, row.locked or b""))
    await exchange.reaches("given")
    await exchange.require((AFTER[0], AFTER[1], TAKEN, 0))


# -- X is dishonest ------------------------------------------------------------------------------------------
async def _x_silent(exchange: Exchange) -> None:
    """X never locks: nothing moves."""
    await exchange.pass_days(DAYS + 0.1)
    await exchange.write()
    await exchange.reaches("over")
    await exchange.require(BEFORE)


async def _x_slow(exchange: Exchange) -> None:
    """X locks just in time, and Y decides or does not: both sides move, or none."""
    await exchange.pass_days(DAYS - 0.1)
    await exchange.issuer.speak_again()
    await exchange.reaches("given")
    await exchange.require(AFTER)


async def _x_late(exchange: Exchange) -> None:
    """X locks when the time is over."""
    await exchange.pass_days(DAYS + 0.1)
    await exchange.issuer.wrongly("request_over", records.lock(exchange.row()))
    await exchange.reaches("over")
    await exchange.require(BEFORE)


async def _x_keeps(exchange: Exchange) -> None:
    """X ends its lock before the time, and then not at all: it stays locked, and is given in the end."""
    await exchange.issuer.write(records.lock(exchange.row()))
    await exchange.reaches("swapped")
    assert exchange.honest.parts is not None  # nobody stops it meanwhile
    state = await exchange.honest.parts.store.load(exchange.y)
    assert state is not None  # its own log
    await exchange.issuer.wrongly("no_swap", records.early_end(exchange.row(), (state.tip.seq, state.tip.id)))
    await exchange.pass_days(DAYS + 0.1)
    await exchange.require((stage.EARNED, 0, AFTER[2], AFTER[3]), locked=GIVEN)
    await exchange.issuer.speak_again()
    await exchange.reaches("given")
    await exchange.require(AFTER)


async def _x_uncovered(exchange: Exchange) -> None:
    """X locks although its holder has spent the credit meanwhile: that is X's loss."""
    await _spend(exchange, exchange.ann, exchange.x)
    await exchange.issuer.write(records.lock(exchange.row()))
    await exchange.reaches("swapped")
    await exchange.issuer.speak_again()
    await exchange.reaches("given")
    await exchange.require((0, GIVEN, AFTER[2], AFTER[3]))


async def _x_forked(exchange: Exchange) -> None:
    """X locks on one branch, and on the other it does not: Y has decided, and the lock binds X."""
    common = exchange.issuer.entries()
    locked = branches.branch(exchange.issuer, common[-1], records.lock(exchange.row()))
    other = branches.branch(exchange.issuer, common[-1], *branches.filler(1, 1))
    await exchange.show([*common, *locked])
    await exchange.reaches("swapped")
    await exchange.show([*common, *other])
    await _exposed(exchange)
    await exchange.require((stage.EARNED, 0, AFTER[2], AFTER[3]), locked=GIVEN)


async def _spend(exchange: Exchange, holder: SimNode, issuer: bytes) -> None:
    """A holder has what it promised paid out elsewhere, and the issuer logs that."""
    wish = models.CreditPayout(issuer=id_text(issuer), amount="5.00", received=True)
    asked = await holder.ask(lambda services: services.credits.payout(wish))
    await asyncio.sleep(scene.SOON)
    await exchange.issuer.carry_out(bytes.fromhex(asked.request))
    for node in exchange.play.nodes:
        await scene.until(partial(_paid, node, issuer, holder.id), f"{node.name} sees no payout")


async def _paid(node: SimNode, issuer: bytes, holder: bytes) -> bool:
    return (await scene.figures(node, issuer, holder)).paid_out == stage.EARNED


async def _exposed(exchange: Exchange) -> None:
    for node in exchange.play.nodes:
        seen = partial(stage.exposed, node, exchange.play, exchange.issuer, True)
        await scene.until(seen, f"{node.name} does not know of the fork")


Course = Callable[[Exchange], Awaitable[None]]
COURSES: Final[Mapping[str, tuple[bool, Course]]] = MappingProxyType(
    {
        "y silent": (False, _y_silent),
        "y slow": (False, _y_slow),
        "y late": (False, _y_late),
        "y early": (False, _y_early),
        "y back-dated": (False, _y_backdated),
        "y forked": (False, _y_forked),
        "y uncovered": (False, _y_uncovered),
        "x silent": (True, _x_silent),
        "x slow": (True, _x_slow),
        "x late": (True, _x_late),
        "x keeps": (True, _x_keeps),
        "x uncovered": (True, _x_uncovered),
        "x forked": (True, _x_forked),
    }
)
"""By name: whether the dishonest issuer is X, and what it does."""


async def swaps_evil(play: Play) -> None:
    """Two honest holders swap credit of two issuers, one of whom cheats: neither loses."""
    name = play.chance.choice(tuple(COURSES))
    await _swapped(play, *COURSES[name])
    play.seen.mark(f"evil swap {name}")


async def swaps_returned(play: Play) -> None:
    """The issuer who locks is put back and has forgotten it, the other one is silent: the lock ends all the same."""
    await _swapped(play, False, _y_silent_x_put_back)
    play.seen.mark("swap of a home put back")


async def _swapped(play: Play, first: bool, course: Course) -> None:
    issuer, ann, bob = await stage.market(play)
    honest = play.nodes[2]
    await scene.offers(honest, stage.BAIT)
    for node in play.nodes[:2]:
        await stage.follow(node, honest.id)
    await stage.follow(issuer.crook.node, honest.id)
    await stage.follow(honest, issuer.id)
    await asyncio.sleep(scene.SOON)
    x, y = (issuer.crook.node, honest) if first else (honest, issuer.crook.node)
    await scene.sold(x, ann, bob, stage.BAIT, play.nodes)
    await scene.sold(y, bob, ann, stage.BAIT, play.nodes)
    await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    issuer.fall_silent()
    exchange = Exchange(play, issuer, ann, bob, honest, first, honest.copy(play.world.folder / "kept"))
    await exchange.require(BEFORE)
    await exchange.sign()
    await course(exchange)
    await exchange.require_wrong()
    await stage.leave(play, issuer)
