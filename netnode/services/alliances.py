"""Alliances: proposed, accepted, listed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from netnode.mail.letters import Letters
from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.referring.allying import AllianceDesk
from netnode.services import paging
from netnode.services.ledger_views import percent
from netnode.services.ports import OwnLog
from netnode.services.prefixes import ambiguous, span
from netnode.services.referrals import points_of
from netnode.store import Reader, Store, alliances
from netnode.store.alliances import AllianceRow
from protocol.alliances import Agreement, Partner, in_force, read_agreement
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.rates import below_listing

_LIST: Final = "alliances"
_LOOKED: Final = 500  # own listings that are looked through for one that pays strangers more


class AllianceBook:
    """`operations.services.Alliances`.

    Args:
        store: keeps them.
        own: one of the two.
        desk: signs.
        letters: how far a letter is.
        clock: what is in force.
    """

    def __init__(self, store: Store, own: OwnLog, desk: AllianceDesk, letters: Letters, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._desk = desk
        self._letters = letters
        self._clock = clock

    async def propose(self, request: models.AlliancePropose) -> models.AllianceShown:
        """Signs a proposal and sends it.

        Raises:
            Problem: with oneself, a rate above 100, it ends before it begins (2); nothing is known of the other (3).
        """
        row = await self._desk.propose(
            views.networker_id(request.to),
            gives=points_of(request.gives),
            gets=points_of(request.gets),
            listings=sorted(set(request.listings)),
            theirs=sorted(set(request.theirs)),
            starts=self._clock.now_ms() if request.starts is None else request.starts,
            until=request.until,
            notice=request.notice,
            text=request.text,
        )
        return await self._shown(await self._kept(row))

    async def accept(self, name: str) -> models.AllianceShown:
        """Signs and publishes what another proposed. Raises Problem."""
        row = await self._desk.accept(await self._one(name))
        return await self._shown(await self._kept(row))

    async def end(self, name: str) -> models.AllianceShown:
        """Ends one by its notice. Raises Problem."""
        row = await self._desk.end(await self._one(name))
        return await self._shown(await self._kept(row))

    async def show(self, name: str) -> models.AllianceShown:
        """One of them. Raises Problem: none (3), or two (2)."""
        return await self._shown(await self._one(name))

    async def list(self, query: models.AlliancesQuery) -> models.Page[models.AllianceShown]:
        """All, the newest first."""
        place = paging.opened(_LIST, query.cursor, int)
        before = None if place is None else place[0]
        rows = await self._store.read(
            lambda reader: alliances.page(reader.connection, before, query.limit + 1)
        )
        page = rows[: query.limit]
        items = [await self._shown(row) for row in page]
        return models.Page(items, paging.seal(_LIST, page[-1].number) if len(rows) > len(page) else None)

    # -- inside ----------------------------------------------------------------------------------------------
    async def _one(self, name: str) -> AllianceRow:
        low, high = span(name)
        rows = await self._store.read(lambda reader: alliances.by_prefix(reader.connection, low, high))
        if not rows:
            raise Problem(
                f"There is no alliance {name[:10]} here. See all with: netnode alliance ls",
                ExitCode.NOT_FOUND,
                "no_alliance",
            )
        if len(rows) > 1:
            raise ambiguous(name, "alliance")
        return rows[0]

    async def _kept(self, row: AllianceRow) -> AllianceRow:
        found = await self._store.read(lambda reader: alliances.by_id(reader.connection, row.id))
        assert found is not None  # just kept
        return found

    async def _shown(self, row: AllianceRow) -> models.AllianceShown:
        agreement = read_agreement(row.data)
        mine, theirs = agreement.first, agreement.second
        if mine.id != self._own.id:
            mine, theirs = theirs, mine
        below: Sequence[str] = ()
        names = await self._store.read(lambda reader: views.names(reader.connection, [row.other]))
        if row.state != "ended":
            below = await self._store.read(self._below, mine)
        ending = alliances.ending_of(row, self._own.id)
        delivery = None if row.letter is None else await self._letters.delivery(row.letter)
        ends = None if ending is None else ending.time + agreement.notice * DAY_MS
        return models.AllianceShown(
            alliance=row.id.hex(),
            other=id_text(row.other),
            other_name=names.get(row.other),
            own=row.own,
            state=self._state(row, agreement, ends),
            gives=percent(mine.points),
            gets=percent(theirs.points),
            listings=[] if mine.listings is UNSET else list(mine.listings),
            theirs=[] if theirs.listings is UNSET else list(theirs.listings),
            starts=agreement.from_,
            until=None if agreement.until is UNSET else agreement.until,
            notice=agreement.notice,
            ends=ends,
            text=row.text,
            at=row.at,
            below=list(below),
            delivery=None
            if delivery is None
            else models.Delivery(
                state=delivery.state, at=delivery.at, code=delivery.code, reason=delivery.reason
            ),
        )

    def _state(self, row: AllianceRow, agreement: Agreement, ends: int | None) -> models.AllianceState:
        now = self._clock.now_ms()
        if row.state == "ended":
            return "ended" if ends is not None and now >= ends else "ending"
        if row.state == "agreed" and now >= agreement.from_ and not in_force(agreement, now):
            return "over"
        return row.state

    def _below(self, reader: Reader, mine: Partner) -> Sequence[str]:
        """Own listings of the agreement that pay who is no ally more: a reason to hide, which the owner is told of."""
        rows, _ = views.listings_of(reader.connection, self._own.id, self._clock.now_ms(), limit=_LOOKED)
        return [
            row.key
            for row in rows
            if mine.listings is UNSET or row.key in mine.listings
            if below_listing(mine.points, None if row.record.commission is UNSET else row.record.commission)
        ]
