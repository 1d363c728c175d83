"""The book and the sessions, as people see them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.invites import Addresses
from netnode.services.ports import OwnLog, Session, Sessions
from netnode.store import PeerRow, Reader, Store, Writer, invites
from netnode.sync.book import Book, peer_row
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.uri import Invite, format_invite, parse_invite

_LIST = "peers"
_log = logging.getLogger("netnode.peers")


class PeerBook:
    """`operations.services.Peers`.

    Args:
        store: holds the book, and who is followed and blocked.
        own: who is invited to.
        clock: dates rows.
        addresses: where this node is announced.
        sessions: dials and ends sessions; None when no network is open.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        clock: Clock,
        addresses: Addresses,
        sessions: Sessions | None,
    ) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._addresses = addresses
        self._sessions = sessions
        self._book = Book(store)

    async def invite(self) -> models.Invitation:
        """The URI with the public addresses, else with where the running node listens.

        Raises:
            Problem: there is neither (exit 5).
        """
        return models.Invitation(format_invite(self._own.id, await self._addresses.announced()))

    async def add(self, uri: str, pin: str | None = None, *, patience: float = 0.0) -> models.Peer:
        """Adds a peer, follows the networker of an invite, and dials in a running node.

        Args:
            uri: an invite or an address.
            pin: of an invite that asks for one.
            patience: how many seconds to wait for what comes of showing the invite.

        Raises:
            Problem: neither an invite nor an address, or a PIN is missing (2); the own invite, a blocked networker,
                an invite that expired or is refused (4).
        """
        row = peer_row(uri, self._clock.now_ms())
        invite = None if row.id is None else parse_invite(uri.strip())
        if row.id is not None:
            self._require_other(row.id)
            if any(each == row.id for each, _ in await self._store.read(Reader.blocked)):
                raise Problem(
                    f"{id_text(row.id)} is blocked here. Allow it again with: "
                    f"netnode peer block --lift {id_text(row.id)}",
                    ExitCode.REFUSED,
                    "blocked",
                )
        if invite is not None and invite.token is not None:
            await self._expect(invite, pin)
        if row.id is not None:
            await self._store.write(Writer.follow, row.id, self._clock.now_ms())
        if self._sessions is None:
            stored = await self._book.add(row)
        else:
            if row.id is not None:
                await self._sessions.changed()
            stored = await self._sessions.add(row)
            if invite is not None and invite.token is not None:
                await self._shown_there(self._sessions, invite.id, patience)
        return (await self._shown([stored]))[0]

    async def _expect(self, invite: Invite, pin: str | None) -> None:
        """Notes the token of an invite, to be shown to its maker; one that held already is not shown again."""
        now = self._clock.now_ms()
        if invite.expires is not None and invite.expires <= now:
            raise Problem(
                "This invite's time is over. Ask whoever sent it for another one.",
                ExitCode.REFUSED,
                "invite_expired",
                {"expires": invite.expires},
            )
        if invite.pin and pin is None:
            raise Problem(
                "This invite needs its PIN, 6 digits that its sender tells you. "
                "Put them into a file and add: --pin-file FILE",
                ExitCode.USAGE,
                "pin_needed",
            )
        known = await self._store.read(invites.joining, invite.id)
        if known is not None and (known.token, known.state) == (invite.token, invites.JOINED):
            return
        if invite.token is not None:
            await self._store.write(invites.expect, invite.id, invite.token, pin, invite.expires, now)

    async def _shown_there(self, sessions: Sessions, networker: bytes, patience: float) -> None:
        """Shows an invite in a session that stands, and waits a while for what its maker says."""
        await sessions.show_invite(networker)
        row = await sessions.settled(networker, patience)
        if row is not None and row.state == invites.REFUSED:
            raise Problem(
                f"The invite was refused: {row.told}. You are not joined; the peer stays in your book.",
                ExitCode.REFUSED,
                "invite_refused",
                {"id": id_text(networker), "text": row.told},
            )

    async def dial(self, uri: str) -> None:
        """Dials a peer that the settings name; a new one is added as by `add`.

        At a later start it is not followed anew, since its owner may have unfollowed it. Who is blocked, or is this
        node itself, is passed over: no start fails for that.

        Raises:
            Problem: neither an invite nor an address (2).
        """
        row = peer_row(uri, self._clock.now_ms())
        if row.id is None or any(each.id == row.id and each.invited for each in await self._book.rows()):
            if self._sessions is not None:
                await self._sessions.add(row)
            return
        try:
            await self.add(uri)
        except Problem as problem:
            if problem.code in ("invite_expired", "pin_needed"):  # who is meant and where still holds
                await self.add(format_invite(row.id, row.addresses))
            elif problem.code not in ("own", "blocked"):
                raise
            _log.warning("a peer of the settings: %s", problem.text)

    async def list(self, query: models.Listed) -> models.Page[models.Peer]:
        """The book in the order peers came into it, then those blocked who are not in it, by id."""
        place = paging.opened(_LIST, query.cursor, int, str)
        rows = await self._store.read(_rows)
        if place is not None:
            number, known = place
            rows = [row for row in rows if _order(row) > (number or 2**63, known)]
        page = rows[: query.limit]
        following = None
        if len(rows) > len(page):
            following = paging.seal(_LIST, page[-1].p, "" if page[-1].p else (page[-1].id or b"").hex())
        return models.Page([*await self._shown(page)], following)

    async def remove(self, peer: str) -> None:
        """Forgets a peer, named by its id or by one of its addresses.

        Raises:
            Problem: it is not in the book (3).
        """
        found = [row for row in await self._book.rows() if peer in row.addresses or _names(peer, row)]
        if not found:
            raise Problem(
                f"{peer} is not in the book. Name a peer by its id or address: netnode peer ls",
                ExitCode.NOT_FOUND,
                "no_peer",
            )
        for row in found:
            if self._sessions is None:
                await self._store.write(Writer.remove_peer, row.p)
            else:
                await self._sessions.drop(row)

    async def block(self, change: models.PeerBlock) -> models.Peer:
        """Refuses sessions with a networker from now on, or allows them again; an open one ends.

        Raises:
            Problem: no id (2), or the own one (4).
        """
        known = views.networker_id(change.id)
        self._require_other(known)
        if change.lifted:
            await self._store.write(Writer.unblock, known)
        else:
            await self._store.write(Writer.block, known, self._clock.now_ms())
        if self._sessions is not None:
            await self._sessions.changed()
        row = next((row for row in await self._book.rows() if row.id == known), PeerRow(id=known))
        return (await self._shown([row]))[0]

    async def shown(self, row: PeerRow) -> models.Peer:
        """One peer as people see it."""
        return (await self._shown([row]))[0]

    # -- steps -----------------------------------------------------------------------------------------------
    def _require_other(self, networker: bytes) -> None:
        if networker == self._own.id:
            raise Problem("That is this node's own networker. Name another one.", ExitCode.REFUSED, "own")

    async def _shown(self, rows: Sequence[PeerRow]) -> Sequence[models.Peer]:
        sessions: dict[bytes, Session] = {}
        if self._sessions is not None:
            sessions = {session.id: session for session in self._sessions.open_sessions()}

        def read(reader: Reader) -> Sequence[models.Peer]:
            blocked = {each for each, _ in reader.blocked()}
            names = views.names(reader.connection, [row.id for row in rows if row.id is not None])
            shown = {row.id: invites.joining(reader, row.id) for row in rows if row.id is not None}
            return [_peer(row, sessions, blocked, names, shown.get(row.id or b"")) for row in rows]

        return await self._store.read(read)


def _peer(
    row: PeerRow,
    sessions: dict[bytes, Session],
    blocked: set[bytes],
    names: dict[bytes, str],
    joining: invites.JoiningRow | None,
) -> models.Peer:
    session = None if row.id is None else sessions.get(row.id)
    if row.id in blocked:
        session = None  # it is on its way out
    return models.Peer(
        id=None if row.id is None else id_text(row.id),
        name=(names.get(row.id or b"") or row.name) or None,
        addresses=list(row.addresses),
        state="blocked" if row.id in blocked else "known" if session is None else "connected",
        inbound=session is not None and not session.outbound,
        seen=row.seen,
        note=row.note or (f"invite: {joining.told}" if joining is not None and joining.told else None),
        invite=None if joining is None else joining.state,
    )


def _rows(reader: Reader) -> list[PeerRow]:
    rows = reader.peers()
    listed = {row.id for row in rows}
    return rows + [PeerRow(id=each) for each, _ in reader.blocked() if each not in listed]


def _order(row: PeerRow) -> tuple[int, str]:
    """The place of a row in the list; those without a number stand behind all that have one."""
    return (row.p, "") if row.p else (2**63, (row.id or b"").hex())


def _names(text: str, row: PeerRow) -> bool:
    try:
        return row.id == parse_id(text)
    except RemoteProtocolError:
        return False
