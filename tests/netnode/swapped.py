"""Four homes around a swap: two issuers whose logs have given credit, and two holders of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netnode.operations import models
from netnode.store import Reader
from protocol.entry import Entry
from protocol.records import Withdraw, encode_record
from tests.netnode.dealing import Post, meet
from tests.netnode.services_home import OpenHome, TestClock, opened
from tests.protocol.author import NETWORK
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, UNIT

NAMES = ("issuer-x", "issuer-y", "ann", "bob")
GIVEN, TAKEN = 600, 400
DAYS = 2


@dataclass
class Four:
    """The homes by name; those that are gone neither run nor send nor receive."""

    homes: dict[str, OpenHome]
    post: Post
    clock: TestClock
    gone: set[str] = field(default_factory=set)
    swap: str = ""

    def __getitem__(self, name: str) -> OpenHome:
        return self.homes[name]

    @property
    def here(self) -> list[str]:
        return [name for name in NAMES if name not in self.gone]

    async def meet(self) -> None:
        """Each that is here gets what the others' logs have more."""
        await meet([self[name] for name in self.here])

    async def carry(self) -> int:
        """Brings every letter that waits now between those who are here; what they cause waits for the next time."""
        moved = []
        for name in self.here:
            for row in await self.post.waiting(self[name]):
                if any(self[each].me.id == row.recipient for each in self.here):
                    moved.append((self[name], row))
        for home, row in moved:
            await self.post.bring(home, row)
        return len(moved)

    async def run(self, *names: str) -> None:
        """The chores of some, or of all that are here."""
        for name in names or NAMES:
            if name in self.here:
                await self[name].services.swapping.run()

    async def settle(self, rounds: int = 8) -> None:
        """Lets all who are here do what they can."""
        for _ in range(rounds):
            self.clock.now += 700_000
            await self.meet()
            await self.run()
            await self.carry()
        await self.meet()

    async def propose(self, **fields: Any) -> models.CreditSwap:
        wish: dict[str, Any] = {
            "with_": self["bob"].id, "give": "6.00", "from_": self["issuer-x"].id, "get": "4.00",
            "of": self["issuer-y"].id, "days": DAYS, "confirmed": True,
        }  # fmt: skip
        found = await self["ann"].services.swaps.propose(models.SwapPropose(**(wish | fields)))
        self.swap = found.swap
        return found

    async def accept(self) -> models.CreditSwap:
        return await self["bob"].services.swaps.accept(models.SwapAccept(swap=self.swap, confirmed=True))

    async def pass_time(self) -> None:
        """The swap's time is over, and who is here of the issuers writes something."""
        self.clock.now += DAYS * DAY
        for name in ("issuer-x", "issuer-y"):
            if name in self.here:
                await self.write(name)

    async def write(self, name: str) -> Entry:
        """An entry that has nothing to do with it."""
        record = Withdraw(salt=bytes(range(1, 17)), key="thing")
        return (await self[name].own.append([(record.KIND, encode_record(record))]))[0]

    async def stage(self, name: str) -> str:
        return (await self[name].services.swaps.show(self.swap)).stage

    async def figures(self, by: str, issuer: str, holder: str) -> tuple[int, int]:
        """Balance and what is locked, as somebody's node computes it."""
        found = await self[by].services.swaps._ledgers.ask(
            self[issuer].me.id,
            lambda ledger: ledger.figures(UNIT, self[holder].me.id, self.clock.now),
        )
        return found.balance, found.locked

    async def outcome(self, by: str) -> tuple[tuple[int, int], ...]:
        """What ann and bob have of X and of Y, with what is locked, as somebody's node computes it."""
        pairs = ((issuer, holder) for holder in ("ann", "bob") for issuer in ("issuer-x", "issuer-y"))
        return tuple([await self.figures(by, issuer, holder) for issuer, holder in pairs])

    async def kinds(self, name: str, kind: int) -> list[Entry]:
        home = self[name]
        entries = await home.store.read(Reader.entries, home.me.id, 0, 2**40, 2**40)
        return [entry for entry in entries if entry.kind == kind]


BEFORE = ((1_000, 0), (0, 0), (0, 0), (1_000, 0))
AFTER = ((1_000 - GIVEN, 0), (TAKEN, 0), (GIVEN, 0), (1_000 - TAKEN, 0))


@asynccontextmanager
async def four(
    path: Path, cover: tuple[int, int] = (1_000, 1_000), left: Collection[str] = ()
) -> AsyncIterator[Four]:
    """Two issuers with ledgers, ann with credit of X, bob with credit of Y.

    Args:
        path: of the homes.
        cover: what ann and bob were credited.
        left: who is gone from the start.
    """
    bench = Bench(cover, admitted=False)
    clock = TestClock()
    clock.now = bench.start
    async with AsyncExitStack() as stack:
        homes = {
            name: await stack.enter_async_context(opened(path, name, clock=clock, network=NETWORK))
            for name in NAMES
        }
        for name, world in (("issuer-x", bench.x), ("issuer-y", bench.y)):
            for outcome in await homes[name].gate.admit_chains([world.issuer.entries]):
                assert outcome.fault is None
        found = Four(homes, Post({home.me.id: home for home in homes.values()}), clock, set(left))
        await found.meet()
        yield found
