"""What this node keeps of whose log: quotas by trust distance, what fell out, what the owner dropped [R-QUOTA-1..5].

The policy is `netnode.quotas`; here are the figures it works on and the doing. Nothing looks at the quotas while
there is room for whatever comes: a sweep says how many bytes may come until the next one is due, and the gate has
the one who brings more wait for it. So what is held exceeds the bounds by what is on its way to disk at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netnode import quotas
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.quotas import Distance, Plan, Quotas, Use
from netnode.store import Reader, Store, letters, room
from netnode.wanting import Releasing
from protocol.errors import NotHeld

FALLEN_KEPT: Final = 50_000  # logs that a quota let go of and that are not asked for; about 8 MB
NEAR_OF_ONE: Final = 1_000  # why: one followed peer must not make the whole market its friends
NEAR_KEPT: Final = 20_000  # of all followed peers together
WRITTEN_TO: Final = 1_000  # why: whom the owner writes to is no stranger while a letter is on its way
DROPPED_AT_ONCE: Final = 200  # why: one transaction of a tenth of a second
ROUNDS: Final = 4
STEP: Final = 64  # why: with all that is held a hair below a bound, looking again at every entry helps nobody
_log = logging.getLogger("netnode.keeping")


@dataclass(frozen=True, slots=True)
class Held:
    """What is held at one distance: how many logs, and their bytes as the quotas count them; `most`: the bound."""

    distance: Distance
    logs: int
    bytes: int
    most: int | None


class Keeping:
    """Knows what is wanted here, and lets go of what is too much. `netnode.wanting.Keeping`.

    Args:
        store: where logs are counted.
        own: the own networker, 32 bytes.
        bounds: the quotas.
        clock: dates what is let go of.
    """

    def __init__(self, store: Store, own: bytes, bounds: Quotas, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._bounds = bounds
        self._clock = clock
        self._followed: frozenset[bytes] = frozenset()
        self._near: frozenset[bytes] = frozenset()
        self._told: dict[bytes, frozenset[bytes]] = {}
        self._fallen: dict[bytes, bool] = {}  # whether the owner wanted it
        self._cut: set[bytes] = set()
        self._turn = asyncio.Lock()
        self._counted = 0  # what the store had grown by when it was looked at
        self._room = 0
        self.on_wider: Callable[[], None] = lambda: None  # told when something is wanted again

    async def load(self) -> None:
        """Reads what is remembered of before."""
        await self._read_distances()
        self._fallen = {each.author: each.owner for each in await self._store.read(room.fallen)}
        self._cut = set(await self._store.read(room.cut))

    # -- what is wanted --------------------------------------------------------------------------------------
    def distance(self, author: bytes) -> Distance:
        """How far a networker is."""
        if author == self._own:
            return Distance.OWN
        if author in self._followed:
            return Distance.FOLLOWED
        return Distance.NEAR if author in self._near else Distance.STRANGER

    def wants(self, author: bytes) -> bool:
        """Whether a log is asked for and taken: not one that was let go of as a whole."""
        return author not in self._fallen

    def lower(self, author: bytes) -> bool:
        """Whether more of a log is wanted below what is held: not where its quota moved the start."""
        return author not in self._cut

    def whole(self, author: bytes) -> bool:
        """The own log: nobody else has to have what its author wrote [R-LOG-30]."""
        return author == self._own

    def refusal(self, author: bytes) -> NotHeld | None:
        """Why nothing is taken of a log that is not held."""
        owner = self._fallen.get(author)
        if owner is None:
            return None
        if owner:
            return NotHeld(
                "not_wanted", "the owner of this node let go of this log and does not take it again"
            )
        return NotHeld("quota", "the room for strangers is taken: this log was let go of")

    # -- the quotas ------------------------------------------------------------------------------------------
    def full(self) -> bool:
        """Whether as much came as may come until the next look."""
        return self._store.grown - self._counted >= self._room

    async def sweep(self, gate: Releasing) -> None:
        """Brings what is held under the quotas.

        Raises:
            Problem: the disk fails.
        """
        async with self._turn:
            if self.full():
                await self._sweep(gate)

    async def look(self, gate: Releasing) -> None:
        """The same when it is not due by what came: distances changed, or time passed. Takes again what has room.

        Raises:
            Problem: the disk fails.
        """
        async with self._turn:
            await self._read_distances()
            await self._sweep(gate)
            if await self._take_again():
                self.on_wider()

    async def _sweep(self, gate: Releasing) -> None:
        for number in range(ROUNDS):
            grown = self._store.grown
            uses = await self._uses()
            wanted = quotas.plan(uses, self._bounds, cutting=number < ROUNDS // 2)
            if not wanted.cuts and not wanted.falls:
                break
            await self._carry_out(gate, wanted, uses)
        self._counted = grown
        self._room = max(quotas.headroom(uses, self._bounds), self._bounds.smallest // STEP)

    async def _carry_out(self, gate: Releasing, wanted: Plan, uses: Mapping[Distance, Sequence[Use]]) -> None:
        taken = {use.author: use.bytes for held in uses.values() for use in held}
        for author, size in wanted.cuts.items():
            self._cut.add(author)  # first: nothing lower may come in between
            await gate.cut(author, taken[author] - size)
        for start in range(0, len(wanted.falls), DROPPED_AT_ONCE):
            await self._drop(gate, wanted.falls[start : start + DROPPED_AT_ONCE], owner=False)
        _log.info("the quotas: %d logs cut, %d let go of", len(wanted.cuts), len(wanted.falls))

    async def _drop(self, gate: Releasing, authors: Sequence[bytes], *, owner: bool) -> None:
        fallen, cut = dict(self._fallen), set(self._cut)
        self._fallen.update(dict.fromkeys(authors, owner))  # first: nothing may come in between
        self._cut.difference_update(authors)
        try:
            await gate.drop(
                authors, self._clock.now_ms(), catalogue.forget, owner=owner, remembered=FALLEN_KEPT
            )
        except Problem:  # nothing was let go of, so it stays wanted
            self._fallen, self._cut = fallen, cut
            raise
        if len(self._fallen) > FALLEN_KEPT:
            self._fallen = {each.author: each.owner for each in await self._store.read(room.fallen)}

    async def _take_again(self) -> bool:
        """Wants again what was let go of, where there is room by now; whether there is such a log [R-QUOTA-5]."""
        uses = await self._uses()
        again = [author for author, owner in self._fallen.items() if not owner and self._nearer(author)]
        strangers = uses[Distance.STRANGER]
        left = self._bounds.pool // 2 - sum(each.bytes for each in strangers)
        for each in reversed(await self._store.read(room.fallen)):  # the newest first
            if each.owner or self._nearer(each.author):
                continue
            left -= each.bytes
            if left < 0:
                break
            again.append(each.author)
        whole = [author for author in sorted(self._cut) if self._may_grow(author, uses)]
        if not again and not whole:
            return False
        await self._store.write(room.take_again, again)
        await self._store.write(room.uncut, whole)
        await self._store.write(room.forget_cursors)
        for author in again:
            self._fallen.pop(author, None)
        self._cut.difference_update(whole)
        return True

    def _nearer(self, author: bytes) -> bool:
        return self.distance(author) < Distance.STRANGER

    def _may_grow(self, author: bytes, uses: Mapping[Distance, Sequence[Use]]) -> bool:
        distance = self.distance(author)
        if distance is Distance.OWN:
            return True
        held = uses[distance]
        most, together = self._bounds.of_log(distance), self._bounds.together(distance)
        mine = [each for each in held if each.author == author]
        return (most is None or quotas.roomy(mine, most)) and (
            together is None or quotas.roomy(held, together)
        )

    async def _uses(self) -> dict[Distance, list[Use]]:
        uses: dict[Distance, list[Use]] = {distance: [] for distance in Distance}
        for each in await self._store.read(room.uses):
            uses[self.distance(each.author)].append(Use(each.author, each.bytes, each.arrival))
        return uses

    # -- what the owner says ---------------------------------------------------------------------------------
    async def drop(self, gate: Releasing, author: bytes) -> None:
        """Lets go of a log for good, as the owner wants it.

        Raises:
            Problem: the disk fails.
        """
        async with self._turn:
            await self._drop(gate, [author], owner=True)

    async def allow(self, author: bytes) -> bool:
        """Takes a log again that was dropped; False when it was not.

        Raises:
            Problem: the disk fails.
        """
        async with self._turn:
            await self._store.write(room.take_again, [author])
            known = self._fallen.pop(author, None)
            if known is not None:
                await self._store.write(room.forget_cursors)
                self.on_wider()
            return known is not None

    async def near_to(self, peer: bytes, wanted: Iterable[bytes]) -> None:
        """Remembers whom a peer wants: if it is followed, they are near.

        Raises:
            Problem: the disk fails.
        """
        if peer not in self._followed:
            return
        ids = frozenset(sorted(wanted)[:NEAR_OF_ONE])
        if self._told.get(peer, frozenset()) != ids:
            await self._store.write(room.set_near, peer, ids)
            await self._read_distances()

    async def _read_distances(self) -> None:
        follows, told, named = await self._store.read(_distances)
        for peer in [peer for peer in told if peer not in follows]:
            await self._store.write(room.forget_near, peer)
            del told[peer]
        near = set(named)
        for peer in sorted(told):
            near.update(told[peer] if len(near) < NEAR_KEPT else ())
        self._followed, self._told, self._near = follows, told, frozenset(near)

    # -- what people see -------------------------------------------------------------------------------------
    @property
    def fallen(self) -> int:
        """How many logs were let go of as a whole and are not asked for."""
        return len(self._fallen)

    async def figures(self) -> list[Held]:
        """What is held by distance."""
        uses = await self._uses()
        return [
            Held(each, len(uses[each]), sum(use.bytes for use in uses[each]), self._bounds.together(each))
            for each in Distance
        ]


def _distances(reader: Reader) -> tuple[frozenset[bytes], dict[bytes, frozenset[bytes]], list[bytes]]:
    named = [*room.named(reader), *letters.written_to(reader, WRITTEN_TO)]
    return frozenset(each for each, _ in reader.follows()), room.near(reader), named
