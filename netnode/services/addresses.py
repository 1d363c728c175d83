"""The address book, as people see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.services import paging
from netnode.services.peers import PeerBook
from netnode.services.ports import Sessions
from netnode.store import PeerRow, Reader, Store
from netnode.sync import address_store
from netnode.sync.addresses import Key, Known
from netnode.sync.conduct import Discouraged
from netnode.sync.groups import group_of, host_of
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id

_LIST = "addresses"


class AddressShelf:
    """`operations.services.KnownAddresses`.

    Args:
        store: holds the book.
        clock: tells what is over.
        peers: shows the peer itself.
        sessions: writes down what is new first; None when no network is open.
    """

    def __init__(self, store: Store, clock: Clock, peers: PeerBook, sessions: Sessions | None) -> None:
        self._store = store
        self._clock = clock
        self._peers = peers
        self._sessions = sessions

    async def show(self, peer: str) -> models.PeerShown:
        """A peer named by its id or one of its addresses.

        Raises:
            Problem: nothing is known of it (3).
        """
        await self._level()
        networker, rows = await self._store.read(_found, peer)
        row = next((row for row in rows if row.id == networker or peer in row.addresses), None)
        known = await self._store.read(_of, networker, peer)
        if row is None and not known:
            raise Problem(
                f"Nothing is known of {peer}. See who is with: netnode peer ls, or: netnode peer addresses",
                ExitCode.NOT_FOUND,
                "no_peer",
            )
        row = row or PeerRow(id=networker or known[0].networker or None)
        listed = await self._store.read(self._shown, known)
        named = [_named(row, address) for address in row.addresses]
        ours = {each.address: each for each in listed}
        rest = [each for each in listed if each.address not in row.addresses]
        return models.PeerShown(
            peer=await self._peers.shown(row),
            addresses=[_joined(each, ours.get(each.address)) for each in named] + rest,
        )

    async def list(self, query: models.Listed) -> models.Page[models.KnownAddress]:
        """All addresses that peers told, by networker and address."""
        await self._level()
        place = paging.opened(_LIST, query.cursor, str, str)
        after: Key | None = None
        if place is not None:
            try:
                after = (bytes.fromhex(place[0]), place[1])
            except ValueError as error:
                raise paging.foreign() from error
        found = await self._store.read(address_store.page, after, query.limit + 1)
        page = found[: query.limit]
        following = None
        if len(found) > len(page):
            following = paging.seal(_LIST, page[-1].networker.hex(), page[-1].address)
        return models.Page([*await self._store.read(self._shown, page)], following)

    async def _level(self) -> None:
        if self._sessions is not None:
            await self._sessions.write_book()

    def _shown(self, reader: Reader, known: Collection[Known]) -> Sequence[models.KnownAddress]:
        now = self._clock.now_ms()
        kept = set(address_store.kept(reader))
        avoided = {each.host: each for each in address_store.discouraged(reader) if each.until > now}
        return [_address(each, kept, avoided, now) for each in known]


def _found(reader: Reader, peer: str) -> tuple[bytes | None, list[PeerRow]]:
    rows = reader.peers()
    try:
        return parse_id(peer), rows
    except RemoteProtocolError:
        return next((row.id for row in rows if peer in row.addresses), None), rows


def _of(reader: Reader, networker: bytes | None, address: str) -> list[Known]:
    if networker is not None:
        return address_store.of(reader, networker)
    return address_store.at(reader, address)


def _address(
    known: Known, kept: Collection[Key], avoided: Mapping[str, Discouraged], now: int
) -> models.KnownAddress:
    shunned = avoided.get(host_of(known.address))
    return models.KnownAddress(
        id=id_text(known.networker) if known.networker else None,
        address=known.address,
        group=known.group,
        state="tried" if known.tried else "new",
        kept=known.key in kept,
        source=known.source,
        met=known.met or None,
        attempt=known.attempt or None,
        retry=known.dial_after() if known.failures and known.waits(now) else None,
        failures=known.failures,
        failure=known.note or None,
        discouraged=None if shunned is None else shunned.until,
        fault=None if shunned is None else shunned.why,
    )


def _named(row: PeerRow, address: str) -> models.KnownAddress:
    return models.KnownAddress(
        id=None if row.id is None else id_text(row.id),
        address=address,
        group=group_of(address),
        state="named",
        met=row.seen,
        failure=row.note or None,
    )


def _joined(named: models.KnownAddress, told: models.KnownAddress | None) -> models.KnownAddress:
    """What the owner named, with what the address book adds."""
    if told is None:
        return named
    return models.KnownAddress(
        id=named.id,
        address=named.address,
        group=named.group,
        state="named",
        source=told.source,
        met=told.met or named.met,
        attempt=told.attempt,
        failure=named.failure,
        discouraged=told.discouraged,
        fault=told.fault,
    )
