"""The logs held here: lists, verification, and files of runs."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, Literal

from msgspec import UNSET

from netnode.keeping import Keeping
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.quotas import Distance
from netnode.services import paging
from netnode.services.logfiles import LogFiles
from netnode.services.ports import OwnLog
from netnode.services.verifying import LogVerification
from netnode.store import LogRow, Reader, Store
from protocol.entry import CLOSE, Entry
from protocol.errors import Void
from protocol.identity import id_text
from protocol.items import Standing
from protocol.kinds import KINDS, RESERVED, decode_record
from protocol.limits import MAX_RATING
from protocol.records import Block, Close, Listing, Profile, Report, Review, Rotation, Withdraw

_ENTRIES: Final = "entries"
_LOGS: Final = "logs"
DISTANCES: Final[dict[Distance, models.DistanceName]] = {
    Distance.OWN: "own",
    Distance.FOLLOWED: "followed",
    Distance.NEAR: "near",
    Distance.STRANGER: "stranger",
}
_STEP: Final = 1024 * 1024  # bytes of entries in memory at once


class HeldLogs:
    """`operations.services.Logs`.

    Args:
        store: where they are.
        own: whose log comes first.
        verification: checks them from nothing.
        files: writes and reads files of runs.
        keeping: says how far a networker is.
    """

    def __init__(
        self, store: Store, own: OwnLog, verification: LogVerification, files: LogFiles, keeping: Keeping
    ) -> None:
        self._store = store
        self._own = own
        self._verification = verification
        self._files = files
        self._keeping = keeping

    async def entries(self, query: models.EntriesQuery) -> models.Page[models.Entry]:
        """Entries by author and seq, own log first.

        Raises:
            Problem: no id (2), or no log of that author here (3).
        """
        author = None if query.author is None else views.networker_id(query.author)
        place = paging.opened(_ENTRIES, query.cursor, str, int)
        start = (author or self._own.id, 0) if place is None else (paging.hexed(place[0]), place[1])
        if author is not None and start[0] != author:
            raise paging.foreign()
        return await self._store.read(self._entries, author, start, query.limit)

    async def logs(self, query: models.Listed) -> models.Page[models.Log]:
        """One line per log, own log first, then by id."""
        after = paging.opened_id(_LOGS, query.cursor)

        def read(reader: Reader) -> models.Page[models.Log]:
            rows = self._after(reader, after, query.limit + 1)
            page = rows[: query.limit]
            names = views.names(reader.connection, [row.author for row in page])
            followed = {each for each, _ in reader.follows()}
            items = [
                _log(
                    reader,
                    row,
                    names.get(row.author),
                    row.author in followed,
                    self._keeping.distance(row.author),
                )
                for row in page
            ]
            following = paging.seal(_LOGS, page[-1].author.hex()) if len(rows) > len(page) else None
            return models.Page(items, following)

        return await self._store.read(read)

    async def verify(self, author: str | None) -> models.Verified:
        """Checks what is on disk from nothing; see `LogVerification`."""
        return await self._verification.run(None if author is None else views.networker_id(author))

    async def export(self, author: str | None) -> AsyncIterator[bytes]:
        """The file of runs; see `LogFiles`."""
        known = None if author is None else views.networker_id(author)
        async for chunk in self._files.export(known):
            yield chunk

    async def import_file(self, chunks: AsyncIterable[bytes]) -> models.LogImported:
        """Reads a file of runs; see `LogFiles`."""
        return await self._files.take(chunks)

    # -- in the reader lane ----------------------------------------------------------------------------------
    def _after(self, reader: Reader, after: bytes | None, limit: int) -> list[LogRow]:
        """Logs in the order of all lists: the own one, then by id."""
        rows: list[LogRow] = []
        if after is None:
            own = reader.log(self._own.id)
            rows = [] if own is None else [own]
        start = None if after is None or after == self._own.id else after
        # One more than asked for, since the own log may be among them and is left out.
        rows += [row for row in reader.logs(start, limit + 1) if row.author != self._own.id]
        return rows[:limit]

    def _entries(
        self, reader: Reader, only: bytes | None, start: tuple[bytes, int], limit: int
    ) -> models.Page[models.Entry]:
        author, seq = start
        row = reader.log(author)
        if row is None and only is not None:
            raise Problem(
                f"There is no log of {id_text(only)} here. See those that are with: netnode log heads",
                ExitCode.NOT_FOUND,
                "no_log",
            )
        found: list[models.Entry] = []
        while True:
            if row is not None:
                seq = max(seq, row.first)
                while seq <= row.last and len(found) <= limit:
                    last = min(row.last, seq + limit - len(found))
                    entries = reader.entries(author, seq, last, _STEP)
                    if not entries:
                        break
                    voids = views.voids(reader.connection, author, seq, last)
                    found += [entry_view(entry, voids.get(entry.seq)) for entry in entries]
                    seq = entries[-1].seq + 1
            if len(found) > limit:
                last_shown = found[limit - 1]
                return models.Page(
                    found[:limit],
                    paging.seal(_ENTRIES, views.networker_id(last_shown.author).hex(), last_shown.seq + 1),
                )
            following = [] if only is not None else self._after(reader, author, 1)
            if not following:
                return models.Page(found)
            row, seq = following[0], 0
            author = row.author


def entry_view(entry: Entry, void: str | None = None) -> models.Entry:
    """An entry as JSON shows it."""
    summary = ""
    if entry.record is not None:
        try:
            summary = _summary(entry.kind, entry.record)
        except Void as error:
            void = error.code
    return models.Entry(
        author=id_text(entry.author),
        epoch=entry.epoch,
        term=entry.term,
        seq=entry.seq,
        id=entry.id.hex(),
        time=entry.time,
        kind=entry.kind,
        kind_name=_kind_name(entry.kind),
        record=entry.record is not None,
        summary=summary,
        void=UNSET if void is None else void,
    )


def _kind_name(kind: int) -> str:
    known = KINDS.get(kind)
    return known.name if known is not None else RESERVED.get(kind, "unknown")


def _summary(kind: int, data: bytes) -> str:
    """What a person recognises an entry by. Raises Void."""
    match decode_record(kind, data):
        case Listing(key=key, title=title):
            return f"{key}: {title}"
        case Withdraw(key=key):
            return key
        case Profile(name=name):
            return name
        case Block(id=target, lifted=lifted):
            return f"{id_text(target)}{' (lifted)' if lifted is True else ''}"
        case Report(author=target, reason=reason):
            return f"{id_text(target)}: {reason}"
        case Review(seller=seller, rating=rating):
            return f"{id_text(seller)}: {'taken back' if rating is UNSET else f'{rating} of {MAX_RATING}'}"
        case Close(reason=reason):
            return "" if reason is UNSET else reason
        case Rotation():
            return "a new signing key"
        case _:
            return ""


def _log(reader: Reader, row: LogRow, name: str | None, followed: bool, distance: Distance) -> models.Log:
    tip = reader.entry(row.author, row.last)
    return models.Log(
        author=id_text(row.author),
        name=name,
        entries=row.entries,
        epoch=row.item.epoch if tip is None else tip.epoch,
        term=row.item.term if tip is None else tip.term,
        seq=row.last,
        head=row.item.id.hex() if tip is None else tip.id.hex(),
        state=_state(row),
        followed=followed,
        first=row.first,
        bytes=row.bytes,
        distance=DISTANCES[distance],
    )


def _state(row: LogRow) -> Literal["open", "forked", "contested", "closed"]:
    match row.item.standing:
        case Standing.CONTESTED:
            return "contested"
        case Standing.FORKED:
            return "forked"
        case Standing.HEAD:
            return "closed" if row.kind == CLOSE else "open"
