"""An issuer `sol` who sells, a buyer `bea`, a referrer `rita`, a friend `finn`: real homes, letters by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netnode.operations import models
from netnode.store import Reader, Writer
from netnode.store.letters import OutRow
from protocol import paths
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.ledger.accounts import Figures
from tests.netnode.dealing import CAP, Post, homes_of, meet
from tests.netnode.services_home import NETWORK, OpenHome, TestClock

Carried = Callable[[OutRow], bool]
"""Which letters arrive."""

PAYING = CAP | {"commission": "10"}


def _any(row: OutRow) -> bool:
    return True


@dataclass
class Credits:
    """The homes by name, one clock, and the post between them."""

    homes: dict[str, OpenHome]
    post: Post
    clock: TestClock

    def __getitem__(self, name: str) -> OpenHome:
        return self.homes[name]

    async def meet(self) -> None:
        """Each gets what the others' logs have more."""
        await meet(self.homes.values())

    def token(self, name: str = "rita", prior: bytes | None = None, seller: str = "sol") -> bytes:
        return paths.sign_referral(
            NETWORK, self[name].me.signer, referrer=self[name].me.id, epoch=0, seller=self[seller].me.id,
            expires=2**50, prior=None if prior is None else paths.token_id(prior),
        )  # fmt: skip

    async def order(self, *tokens: bytes, carried: Carried = _any, **wishes: Any) -> str:
        """An order of a cap by bea that sol accepts."""
        fields = {"ref": f"{self['sol'].id}/cap", "path": [each.hex() for each in tokens], **wishes}
        ordered = await self["bea"].services.deals.order(models.DealOrder(**fields))
        await self.post.carry(carried)
        await self["sol"].services.deals.accept(models.DealAccept(deal=ordered.deal))
        await self.post.carry(carried)
        return ordered.deal

    async def complete(self, deal: str, carried: Carried = _any) -> None:
        """Paid, delivered, received; nobody has looked at the sale yet."""
        sol, bea = self["sol"].services.deals, self["bea"].services.deals
        await bea.paid(models.DealMoney(deal=deal))
        await self.post.carry(carried)
        await sol.received(models.DealMoney(deal=deal))
        await sol.fulfil(models.DealFulfil(deal=deal))
        await self.post.carry(carried)
        await bea.receipt(models.DealPartName(deal=deal))
        await self.post.carry(carried)

    async def refund(self, deal: str, amount: str) -> None:
        await self["sol"].services.deals.refund(models.DealMoney(deal=deal, amount=amount))
        await self.post.carry()
        await self["bea"].services.deals.refunded(models.DealMoney(deal=deal))
        await self.post.carry()

    async def look(self, name: str = "sol") -> None:
        """One round of the chores of a node, and what they cause."""
        issued = self[name].services.issued
        await issued.sales.look()
        await issued.answering.look()
        await self.post.carry()
        await self.meet()

    async def sold(self, *tokens: bytes) -> str:
        """A sale that is logged and whose awards are payable."""
        deal = await self.order(*(tokens or (self.token(),)))
        await self.complete(deal)
        await self.look()
        self.clock.now += 31 * DAY_MS
        return deal

    async def kinds(self, name: str = "sol") -> list[int]:
        """Kinds of the critical entries of a ledger."""
        return [each.kind for each in await self.entries(name) if each.kind >= 10 and each.kind % 2 == 0]

    async def entries(self, name: str = "sol") -> list[Entry]:
        home = self[name]
        return await home.store.read(Reader.entries, home.me.id, 0, 2**40, 2**40)

    async def figures(
        self, name: str, unit: str = "EUR", *, by: str = "finn", issuer: str = "sol"
    ) -> Figures:
        """What somebody has of an issuer's credit, as a third node computes it; nothing in that log is void."""
        await self.meet()
        holder, now = self[name].me.id, self.clock.now

        def read(ledger: Any) -> Figures:
            assert ledger.wrong == [], ledger.wrong
            return ledger.figures(unit, holder, now)  # type: ignore[no-any-return]

        return await self[by].services.issued.ledgers.ask(self[issuer].me.id, read)


@asynccontextmanager
async def credits(path: Path, listing: dict[str, object] | None = None) -> AsyncIterator[Credits]:
    async with homes_of(path, "sol", "bea", "rita", "finn") as (homes, post, clock):
        found = Credits(homes, post, clock)
        await found["sol"].services.listings.publish(listing or dict(PAYING))
        for one in homes.values():
            for other in homes.values():
                await one.store.write(Writer.follow, other.me.id, clock.now)
        await found.meet()
        yield found
