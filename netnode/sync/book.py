"""The book: the peers a node knows, kept in the store, one row a peer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from netnode.ports import PEER_PATH
from netnode.problems import ExitCode, Problem
from netnode.store import PeerRow, Reader, Store, Writer
from protocol import limits
from protocol.errors import RemoteProtocolError
from protocol.uri import address_problem, parse_invite

NOTE_LENGTH: Final = 200  # characters of a note shown to the owner
STRANGERS: Final = 500  # why: whoever dials in leaves a row; those seen longest ago make room


class Book:
    """Changes rows one after the other, so that no two rows come to mean one peer.

    Args:
        store: where the rows are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()

    async def rows(self) -> list[PeerRow]:
        """All rows."""
        return await self._store.read(Reader.peers)

    async def row(self, number: int) -> PeerRow | None:
        """The row with this number; None when it is gone."""
        return next((row for row in await self.rows() if row.p == number), None)

    async def add(self, new: PeerRow) -> PeerRow:
        """Adds a peer; one that is known by id or address gets the new addresses as well."""
        async with self._turn:
            rows = await self.rows()
            known = _find(rows, new.id, new.addresses)
            if known is not None:
                addresses = tuple(dict.fromkeys((*new.addresses, *known.addresses)))[: limits.MAX_ADDRESSES]
                new = replace(
                    known,
                    id=new.id or known.id,
                    addresses=addresses,
                    invited=new.invited or known.invited,
                    note="",
                )
            return replace(new, p=await self._store.write(Writer.put_peer, new, durable=True))

    async def note(self, number: int, note: str) -> None:
        """Writes why the newest attempt failed."""
        async with self._turn:
            row = await self.row(number)
            if row is not None and row.note != note[:NOTE_LENGTH]:
                await self._store.write(Writer.put_peer, replace(row, note=note[:NOTE_LENGTH]))

    async def met(self, networker: bytes, address: str | None, *, inbound: bool, now: int) -> Sequence[int]:
        """Writes down an open session.

        Args:
            networker: who the peer proved to be.
            address: where it was dialled; None when it dialled.
            inbound: whether it dialled.
            now: ms UTC.

        Returns:
            Numbers of rows that turned out to mean the same peer and are gone now.
        """
        async with self._turn:
            rows = await self.rows()
            same = [
                row
                for row in rows
                if row.id == networker
                or (row.id is None and address is not None and address in row.addresses)
            ]
            row = next(
                (each for each in same if address in each.addresses), same[0] if same else PeerRow(added=now)
            )
            addresses = tuple(dict.fromkeys(a for each in (row, *same) for a in each.addresses))
            gone = [each.p for each in same if each.p != row.p]
            for number in gone:
                await self._store.write(Writer.remove_peer, number)
            await self._store.write(
                Writer.put_peer,
                replace(
                    row,
                    id=networker,
                    addresses=addresses[: limits.MAX_ADDRESSES],
                    inbound=inbound,
                    invited=any(each.invited for each in same),
                    seen=now,
                    note="",
                ),
            )
            return [*gone, *await self._make_room(rows)]

    async def _make_room(self, rows: Sequence[PeerRow]) -> list[int]:
        """Forgets strangers that only ever dialled in, beyond a bound; the owner chose the others."""
        strangers = [row for row in rows if not row.addresses and not row.invited]
        oldest = sorted(strangers, key=_seen)[: max(0, len(strangers) - STRANGERS)]
        for row in oldest:
            await self._store.write(Writer.remove_peer, row.p)
        return [row.p for row in oldest]


def _seen(row: PeerRow) -> int:
    return row.seen or row.added


def _find(rows: Sequence[PeerRow], networker: bytes | None, addresses: Sequence[str]) -> PeerRow | None:
    by_id = next((row for row in rows if networker is not None and row.id == networker), None)
    if by_id is not None:
        return by_id
    return next(
        (
            row
            for row in rows
            if (row.id is None or networker is None)
            and any(address in row.addresses for address in addresses)
        ),
        None,
    )


def peer_row(uri: str, now: int) -> PeerRow:
    """A row of the book from what a person gives: ``inx:`` (an invite) or ``ws://``, ``wss://``.

    An address without any path gets the one at which every node answers (R-LINK-1).

    Raises:
        Problem: neither of the two, or malformed (exit 2).
    """
    uri = uri.strip()
    if uri.lower().startswith(("ws://", "wss://")):
        wrong = address_problem(uri)
        if wrong is not None:
            raise Problem(f"The address {uri[:80]!r} {wrong}.", ExitCode.USAGE, "bad_uri")
        if "/" not in uri.partition("://")[2]:
            uri += PEER_PATH
        return PeerRow(addresses=(uri,), added=now)
    if not uri.lower().startswith("inx:"):
        text = f"{uri[:80]!r} is neither an invite (inx:...) nor an address of a peer (ws://...)."
        raise Problem(text, ExitCode.USAGE, "bad_uri")
    try:
        invite = parse_invite(uri)
    except RemoteProtocolError as error:
        raise Problem(f"{uri[:80]!r} is no invite: {error.text}.", ExitCode.USAGE, "bad_uri") from error
    return PeerRow(id=invite.id, addresses=invite.addresses, added=now, invited=True)
