"""Rotations of the own log: what each put out of it, what the old key signed afterwards, and who knows of it."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.own import evidence
from netnode.projections import views
from netnode.services import paging
from netnode.services.logs import entry_view
from netnode.services.ports import OwnLog
from netnode.store import PeerRow, Reader, Store
from netnode.teams.relogging import noted
from protocol.identity import id_text
from protocol.openers import Opening

_HISTORY: Final = "rotations"
_DISOWNED: Final = "disowned"
NAMED: Final = 200  # peers named of each rotation; why: one page is one JSON document


class Rotations:
    """Lists rotations and what they disowned.

    Args:
        store: where they are.
        own: whose.
    """

    def __init__(self, store: Store, own: OwnLog) -> None:
        self._store = store
        self._own = own

    async def history(self, query: models.Listed) -> models.Page[models.KeyEpoch]:
        """Rotations, newest first."""
        place = paging.opened(_HISTORY, query.cursor, int)
        below = None if place is None else place[0]
        return await self._store.read(self._history, query.limit, below)

    async def disowned(self, query: models.KeyExhibits) -> models.Page[models.KeyExhibit]:
        """Own entries that are out of the log, by epoch, term and seq."""
        place = paging.opened(_DISOWNED, query.cursor, int)
        start = 0 if place is None else place[0]
        return await self._store.read(self._disowned, query.epoch, start, query.limit)

    # -- in the reader lane ----------------------------------------------------------------------------------
    def _history(self, reader: Reader, limit: int, below: int | None) -> models.Page[models.KeyEpoch]:
        openings = self._openings(reader)[1:]
        chosen = [each for each in openings if below is None or each.entry.epoch < below][::-1]
        out = [exhibit.entry.epoch for exhibit in evidence.exhibits(reader, self._own.id)]
        receipts = evidence.receipts(reader)
        names = views.names(reader.connection, [each.peer for each in receipts])
        book = {row.id: row for row in reader.peers()}
        page = []
        for opening in chosen[:limit]:
            told: dict[bytes, models.KeyReceipt] = {}
            for each in receipts:  # who knows a later epoch knows this one: openers come in order
                if each.epoch >= opening.entry.epoch and each.peer not in told:
                    name = names.get(each.peer, views.NAMELESS)
                    told[each.peer] = models.KeyReceipt(peer=id_text(each.peer), name=name, at=each.at)
            untold = [row for peer, row in book.items() if peer is None or peer not in told]
            page.append(
                models.KeyEpoch(
                    epoch=opening.entry.epoch,
                    seq=opening.entry.seq,
                    entry=opening.entry.id.hex(),
                    time=opening.entry.time,
                    disowned=out.count(opening.entry.epoch - 1),
                    told=list(told.values())[:NAMED],
                    untold=[_untold(row) for row in untold][:NAMED],
                )
            )
        following = paging.seal(_HISTORY, page[-1].epoch) if len(chosen) > len(page) and page else None
        return models.Page(page, following)

    def _disowned(
        self, reader: Reader, epoch: int | None, start: int, limit: int
    ) -> models.Page[models.KeyExhibit]:
        openings = self._openings(reader)
        why = noted(reader).why
        found = [
            exhibit
            for exhibit in evidence.exhibits(reader, self._own.id)
            if epoch is None or exhibit.entry.epoch == epoch
        ]
        page = []
        for exhibit in found[start : start + limit]:
            entry = exhibit.entry
            closing = openings[entry.epoch + 1].entry if entry.epoch + 1 < len(openings) else None
            page.append(
                models.KeyExhibit(
                    entry=entry_view(entry),
                    afterwards=closing is not None and entry.time > closing.time,
                    shown_by=[id_text(peer) for peer in exhibit.shown_by],
                    why=why.get(entry.id.hex(), ""),
                )
            )
        more = len(found) > start + limit
        return models.Page(page, paging.seal(_DISOWNED, start + limit) if more else None)

    def _openings(self, reader: Reader) -> list[Opening]:
        state = reader.load(self._own.id)
        return [] if state is None else [openings[0] for openings in state.openers.epochs]


def _untold(row: PeerRow) -> models.KeyReceipt:
    name = row.name or (row.addresses[0] if row.addresses else "")
    return models.KeyReceipt(peer=None if row.id is None else id_text(row.id), name=name)
