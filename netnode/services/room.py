"""Letting go of what others published, as the owner of this node wants it; peers and chains are not concerned."""

from __future__ import annotations

from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import ended, views
from netnode.quotas import Distance
from netnode.services.listings import named, not_held
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store, Writer
from protocol.identity import id_text


class Room:
    """`operations.services.Room`.

    Args:
        store: where records are.
        gate: lets go of logs.
        keeping: remembers that.
        own: whose own entries are never dropped.
        projector: forgets what was dropped.
    """

    def __init__(self, store: Store, gate: Gate, keeping: Keeping, own: OwnLog, projector: Projector) -> None:
        self._store = store
        self._gate = gate
        self._keeping = keeping
        self._own = own
        self._projector = projector

    async def drop_listing(self, ref: str) -> models.ListingDropped:
        """Lets go of the records of every version of a listing; peers that ask for them get `gone` [R-QUOTA-6].

        Raises:
            Problem: an own listing (4), or none that is held (3).
        """
        seller, key = named(ref, self._own.id)
        if seller == self._own.id:
            raise Problem(
                f"{ref!r} is no listing of somebody else. Take your own from the market with: "
                f"netnode listing withdraw {key}",
                ExitCode.REFUSED,
                "own",
            )
        seqs = await self._store.read(_entries, seller, key)
        if not seqs:
            raise not_held(ref, False)
        gone = await self._store.write(Writer.purge_records, seller, seqs)
        await self._projector.level_of(seller)
        return models.ListingDropped(ref=ref, records=gone)

    async def drop_log(self, order: models.LogDrop) -> models.LogDropped:
        """Lets go of a log and keeps it away, or takes it again [R-QUOTA-4].

        Raises:
            Problem: no id (2), the own or a followed log (4), none that is held or was dropped (3).
        """
        author = views.networker_id(order.id)
        text = id_text(author)
        if author == self._own.id:
            raise Problem("That is your own log; it is always kept.", ExitCode.REFUSED, "own")
        if order.undo:
            if not await self._keeping.allow(author):
                raise Problem(f"The log of {text} was not dropped.", ExitCode.NOT_FOUND, "not_dropped")
            return models.LogDropped(id=text, dropped=False, entries=0)
        if self._keeping.distance(author) is Distance.FOLLOWED:
            raise Problem(
                f"You follow {text}, so its log is kept. Unfollow it first with: netnode unfollow {text}",
                ExitCode.REFUSED,
                "followed",
            )
        row = await self._store.read(Reader.log, author)
        await self._keeping.drop(self._gate, author)
        return models.LogDropped(id=text, dropped=True, entries=0 if row is None else row.entries)


def _entries(reader: Reader, author: bytes, key: str) -> list[int]:
    return ended.entries_of(reader.connection, author, {key})
