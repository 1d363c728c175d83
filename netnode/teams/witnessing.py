"""Asks peers for their word that they saw an acknowledgement, and sends the application with it [R-TEAM-9]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.ports import LinkClosed
from netnode.store import Reader, Writer, teams
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.teams import PaperRow, SeenRow
from netnode.teams.admitting import Admitting
from netnode.teams.desk import TeamDesk
from protocol import encoding, limits, seen
from protocol.entry import Entry, parse_wire
from protocol.errors import ProtocolError
from protocol.seen import Seen
from protocol.teams.statements import Application, Invite, read

LOOK_SECONDS: Final = 5.0  # why: two reads when nothing waits; the days run from the first statement


class Sees(Protocol):
    """A peer in session that can be asked what it holds."""

    @property
    def id(self) -> bytes:
        """Its networker id."""

    async def see(self, author: bytes, seq: int) -> Seen:
        """Its statement that it holds an entry. Raises NotHeld, LinkClosed or RemoteProtocolError."""


class Witnessing:
    """Looks for somebody who saw each acknowledgement of an own application.

    Args:
        means: what it acts with.
        desk: makes the letters.
        peers: the sessions that are open now.
    """

    def __init__(self, means: Means, desk: TeamDesk, peers: Callable[[], Sequence[Sees]]) -> None:
        self._means = means
        self._desk = desk
        self._peers = peers

    async def run(self) -> None:
        """Asks once for every application that waits, and sends those that need wait no more.

        Raises:
            Problem: the disk, or a full outbox.
        """
        for row in await self._means.store.read(lambda reader: teams.unsent(reader.connection)):
            await self._look(row)

    async def _look(self, row: PaperRow) -> None:
        entry = parse_wire(encoding.decode(row.proof, limits.MAX_MESSAGE)[0])
        application = read(Application, row.data)
        invite = await self._means.store.read(
            lambda reader: teams.by_id(reader.connection, application.invite)
        )
        if invite is None:  # put back from a backup without it
            return
        parties = (row.owner, read(Invite, invite.data).sponsor, self._means.own.id)
        saw = await self._means.store.read(lambda reader: teams.seen_of(reader.connection, entry.id))
        for peer in self._peers():
            if len(saw) >= limits.MAX_SEEN:
                break
            if peer.id not in parties and peer.id not in [each.witness for each in saw]:
                found = await self._ask(peer, entry)
                if found is not None:
                    saw.append(found)
        if saw:
            draft = self._means.letters.draft(
                row.owner, self._desk.letter(row, saw[: limits.MAX_SEEN], invite.data)
            )
            await self._means.store.write(_send, row.id, draft, self._means.clock.now_ms())
            self._means.letters.wake()

    async def _ask(self, peer: Sees, entry: Entry) -> SeenRow | None:
        """What one peer says; None when it has not the entry, or cannot be believed by others."""
        try:
            said = await peer.see(entry.author, entry.seq)
        except (ProtocolError, LinkClosed):
            return None
        if (said.author, said.seq, said.id, said.witness) != (entry.author, entry.seq, entry.id, peer.id):
            return None

        def checked(reader: Reader) -> list[Any] | None:
            known = Known(self._means.network, reader.connection)
            keys = known.keys(said.witness, said.witness_epoch, 0)
            signed = any(seen.verify(self._means.network, said, key) for key in keys)
            return known.entries(said.witness, 0) if signed else None

        openers = await self._means.store.read(checked)
        if openers is None:
            return None
        row = SeenRow(
            entry.id, peer.id, seen.encode(said), encoding.encode([openers]), self._means.clock.now_ms()
        )
        await self._means.store.write(teams.put_seen, row)
        return row


class TeamWork:
    """What a running node does for teams by itself: finds witnesses, logs what members sent.

    Args:
        witnessing: for own applications.
        admitting: for own teams.
    """

    def __init__(self, witnessing: Witnessing, admitting: Admitting) -> None:
        self._witnessing = witnessing
        self._admitting = admitting

    async def run(self) -> None:
        """One round. Raises Problem: the disk, a full outbox."""
        await self._witnessing.run()
        await self._admitting.log_papers()


def _send(writer: Writer, paper: bytes, draft: Outgoing, now: int) -> None:
    with writer.transaction(durable=True):
        outbox.queue(writer, draft)
        teams.close(writer, paper, now)
