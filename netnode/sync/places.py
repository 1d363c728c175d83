"""The places of a running node for sessions that others dialled: counts them by the rules of `accepting`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Final

from netnode.ports import Clock
from netnode.sync import accepting
from netnode.sync.accepting import Guest, Waiting
from netnode.sync.conduct import Record
from netnode.sync.peering import Peering
from protocol.errors import NotHeld

DISCOURAGED_SHARE: Final = 2  # a discouraged host gets a place while less than one in so many is taken


class Places:
    """Who waits in a handshake and who is in.

    Args:
        most: sessions that others dialled, open at once.
        record: which hosts are discouraged.
        named: whether the owner named a peer.
        clock: for the record.
        key: secret; nobody outside knows which groups it puts first.
    """

    def __init__(
        self, most: int, record: Record, named: Callable[[Peering], bool], clock: Clock, key: bytes
    ) -> None:
        self._most = most
        self._record = record
        self._named = named
        self._clock = clock
        self._key = key
        self._numbers = 0
        self._waiting: dict[int, tuple[str, Peering]] = {}
        self._leaving: set[Peering] = set()

    def begin(self, host: str) -> bool:
        """Whether a link from this IP address may begin a handshake; another one may have to give up for it."""
        waiting = [Waiting(number, each) for number, (each, _) in self._waiting.items()]
        admitted, victim = accepting.admit_handshake(host, waiting)
        if victim is not None:
            self._waiting.pop(victim.number)[1].farewell("busy", accepting.CROWDED)
        return admitted

    def wait(self, peering: Peering) -> int:
        """Counts a handshake under way; returns its number for `leave`."""
        self._numbers += 1
        self._waiting[self._numbers] = (peering.conversation.link.host, peering)
        return self._numbers

    def leave(self, number: int, peering: Peering) -> None:
        """The handshake or session ended."""
        self._waiting.pop(number, None)
        self._leaving.discard(peering)

    def enter(self, newcomer: Peering, sessions: Collection[Peering]) -> None:
        """Gives an identified peer a place among the open sessions.

        Args:
            newcomer: dialled in.
            sessions: all that are open, without one that it replaces.

        Raises:
            NotHeld: `busy`.
        """
        for number, (_, each) in list(self._waiting.items()):
            if each is newcomer:
                del self._waiting[number]
        guest = self._guest(newcomer)
        inside = {
            each.id: each
            for each in sessions
            if not each.outbound and each not in self._leaving and each.id != newcomer.id
        }
        guests = [self._guest(each) for each in inside.values()]
        if accepting.refused_in_block(guest, guests):
            raise NotHeld("busy", accepting.TOO_MANY)
        discouraged = self._record.discouraged(guest.host, self._clock.now_ms())
        if discouraged and not guest.protected and len(guests) * DISCOURAGED_SHARE >= self._most:
            raise NotHeld("busy", accepting.CROWDED)
        if len(guests) < self._most:
            return
        leaver = accepting.leaver(guest, guests)
        if leaver is None:
            raise NotHeld("busy", accepting.CROWDED)
        self._leaving.add(inside[leaver.id])
        inside[leaver.id].farewell("busy", accepting.CROWDED)

    def _guest(self, peering: Peering) -> Guest:
        host = peering.conversation.link.host
        guest = Guest(peering.id, host, peering.since, peering.conversation.latency, 0, self._named(peering))
        mark = hashlib.blake2b(guest.group.encode(), digest_size=8, key=self._key).digest()
        return Guest(guest.id, host, guest.since, guest.latency, int.from_bytes(mark, "big"), guest.protected)
