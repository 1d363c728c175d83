"""The deals of one open home: the parts that need no network, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.deals.desk import Desk
from netnode.deals.holding import Holding
from netnode.deals.known import load, noted
from netnode.deals.leading import Leading
from netnode.deals.means import Means
from netnode.deals.numbering import Invoices
from netnode.deals.offering import Offering
from netnode.deals.receiving import Receiving
from netnode.deals.renewing import Renewing
from netnode.deals.selling import Accepting
from netnode.settings import Settings
from netnode.store import Writer, deals
from protocol.certificate import DAY_MS

LOOK_SECONDS: Final = (
    60.0  # why: a deadline that passed is told by the list at once; this is for who looks at no list
)
REMIND_SECONDS: Final = 3_600.0
REMINDED_MS: Final = 40 * DAY_MS  # why: after 1, 2, 4 ... 64 days; who is silent for longer has gone
AT_ONCE: Final = 500  # why: a bounded transaction; the next round goes on


@dataclass(frozen=True, slots=True)
class Trading:
    """The parts: own moves go through `desk`, letters come to `receiving` and `offering`."""

    means: Means
    desk: Desk
    receiving: Receiving
    accepting: Accepting
    offering: Offering
    holding: Holding
    renewing: Renewing
    invoices: Invoices
    leading: Leading
    settings: Settings

    async def look(self) -> None:
        """Notes what time alone has changed, asks where a home that was put back has to, and renews what is due.

        Raises:
            Problem: the disk, or a full outbox.
        """
        await self.desk.secret()  # why: a home of an earlier version has none, nor has a backup of it
        await self.refresh()
        await self.holding.run()
        await self.renewing.run()

    async def remind(self) -> None:
        """Says again where nobody answers for long: who was put back from a backup has lost what arrived since.

        Raises:
            Problem: the disk, or a full outbox.
        """
        now = self.means.clock.now_ms()
        due = await self.means.store.read(
            lambda reader: deals.quiet(reader.connection, now, DAY_MS, REMINDED_MS, AT_ONCE)
        )
        for deal in due:
            await self.desk.resend(deal, answered=True)

    async def refresh(self) -> None:
        """Notes what time alone has changed.

        Raises:
            Problem: the disk.
        """
        now = self.means.clock.now_ms()
        if await self.means.store.read(lambda reader: deals.stale(reader.connection, now, 1)):
            await self.means.store.write(_refresh, now)


def trading(settings: Settings, means: Means) -> Trading:
    """Puts the parts together, and has letters of deals and offers come to them.

    Args:
        settings: of the node.
        means: what each of them acts with.
    """
    desk = Desk(means)
    receiving = Receiving(means)
    accepting = Accepting(desk, means.store, means.clock, settings)
    offering = Offering(means)
    receiving.changed = accepting.look
    receiving.listen()
    offering.listen()
    renewing = Renewing(means, desk)
    renewing.listen()
    return Trading(
        means,
        desk,
        receiving,
        accepting,
        offering,
        Holding(means.store, means.letters, means.clock, means.entropy),
        renewing,
        Invoices(means.store, means.own, means.clock, settings),
        Leading(means),
        settings,
    )


def _refresh(writer: Writer, now: int) -> None:
    with writer.transaction() as connection:
        for number in deals.stale(connection, now, AT_ONCE):
            row = deals.by_number(connection, number)
            if row is not None:
                deals.note(writer, number, noted(load(connection, row, now)))
