"""Homes that deal with each other: real stores and services; only the way of letters is the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netnode.mail.letters import Incoming, Refusal
from netnode.operations import models
from netnode.store import Reader, letters
from netnode.store.letters import OutRow
from protocol.letter_bodies import decode_content
from tests.netnode.services_home import OpenHome, TestClock, opened

CAP = {"key": "cap", "kind": "product", "title": "Blue cap", "price": "12.50", "currency": "EUR"}


@dataclass
class Post:
    """Carries letters between homes when told; what it carried stays looked at once."""

    homes: dict[bytes, OpenHome]
    carried: list[OutRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    stranger: bool = False

    async def waiting(self, home: OpenHome) -> list[OutRow]:
        return await home.store.read(lambda reader: letters._outs(reader, "state = 'queued' ORDER BY i"))

    async def carry(self, keep: Callable[[OutRow], bool] = lambda row: True) -> int:
        """Carries every letter that waits, and what comes of them, until none waits; how many."""
        count = 0
        while moved := [
            (home, row) for home in self.homes.values() for row in await self.waiting(home) if keep(row)
        ]:
            for home, row in moved:
                await self.bring(home, row)
                count += 1
        return count

    async def bring(self, home: OpenHome, row: OutRow) -> Refusal | None:
        """Brings one letter; as often as a test likes."""
        content = decode_content(row.content)
        assert content.body is not None
        target = self.homes[row.recipient]
        receiver = target.letters.receiver(row.type)
        assert receiver is not None, row.type
        keys = home.ring.keys
        answer = await receiver(
            Incoming(
                sender=home.me.id,
                epoch=keys.epoch,
                key=keys.signing_key,
                id=row.id,
                first=row.first,
                stranger=self.stranger,
                body=content.body,
                at=target.clock.now_ms(),
            )
        )
        state, code, text = "delivered", None, ""
        if isinstance(answer, Refusal):
            state, code, text = "refused", answer.code, answer.text
            self.refused.append(answer)
        self.carried.append(row)
        await home.store.write(
            lambda writer: writer.connection.execute(
                "UPDATE outbox SET state = ?, code = ?, text = ?, due = NULL WHERE i = ? AND state = 'queued'",
                (state, code, text, row.i),
            )
        )
        return answer if isinstance(answer, Refusal) else None


async def meet(homes: Collection[OpenHome]) -> None:
    """Each of these homes gets what the others' logs have more."""
    for one in homes:
        entries = await one.store.read(Reader.entries, one.me.id, 0, 2**40, 2**40)
        for other in homes:
            if other is not one:
                for outcome in await other.gate.admit_chains([entries]):
                    assert outcome.fault is None


@asynccontextmanager
async def homes_of(path: Path, *names: str) -> AsyncIterator[tuple[dict[str, OpenHome], Post, TestClock]]:
    """Homes of these names, the post between them, and the one clock they go by."""
    clock = TestClock()
    async with AsyncExitStack() as stack:
        homes = {name: await stack.enter_async_context(opened(path, name, clock=clock)) for name in names}
        yield homes, Post({home.me.id: home for home in homes.values()}), clock


@dataclass
class Market:
    """A seller and a buyer with one clock, and the post between them."""

    seller: OpenHome
    buyer: OpenHome
    post: Post
    clock: TestClock

    async def order(self, **wishes: object) -> models.DealState:
        return await self.buyer.services.deals.order(
            models.DealOrder(ref=f"{self.seller.id}/cap", **wishes)  # type: ignore[arg-type]
        )

    async def both(self, deal: str) -> tuple[models.DealShown, models.DealShown]:
        """What the two sides show."""
        return (
            await self.seller.services.deals.show(deal),
            await self.buyer.services.deals.show(deal),
        )

    async def meet(self) -> None:
        """Each has the other's log."""
        await meet([self.seller, self.buyer])


@asynccontextmanager
async def market(
    path: Path, settings: str = "", listing: dict[str, object] | None = None
) -> AsyncIterator[Market]:
    """A seller `sol` with a blue cap, and a buyer `bea`."""
    clock = TestClock()
    async with AsyncExitStack() as stack:
        if settings:
            (path / "sol").mkdir(mode=0o700)
            (path / "sol" / "config.toml").write_text(settings)
        seller = await stack.enter_async_context(opened(path, "sol", clock=clock))
        buyer = await stack.enter_async_context(opened(path, "bea", clock=clock))
        await seller.services.listings.publish(listing or dict(CAP))
        post = Post({seller.me.id: seller, buyer.me.id: buyer})
        found = Market(seller, buyer, post, clock)
        await found.meet()
        yield found
