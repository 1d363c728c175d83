"""The stamp this node shows: proof of work, made in the background, improved while there is nothing else to do.

A search goes through nonces from a random place on, a few thousand at a time, and remembers where it is: work that a
stopped node had done is not done again. It is in a hurry only when a peer asked for more bits than the stamp has
[R-STAMP-4], or when the owner waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from netnode.ports import Clock, Entropy, Executor, Lane
from netnode.store import Reader, Store, Writer
from protocol import stamp
from protocol.errors import Void
from protocol.limits import STAMP_ASKED, STAMP_NONCE_BYTES

# Bits made because a peer asks for them; why: 16 million attempts, half a minute of a laptop
ASKED_MOST: Final = 24
CHUNK: Final = 4_000  # attempts; why: a few ms in which other work of that lane waits
REST_SECONDS: Final = 0.2  # between two chunks without a hurry: about 2 % of one core
QUIET_SECONDS: Final = 3.0  # without anything stored, before work without a hurry goes on
SAVED_EVERY: Final = 100  # chunks
_STAMP: Final = "stamp"
_SEARCH: Final = "stamp_search"
_log = logging.getLogger("netnode.stamping")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp that holds for this node's networker."""

    bits: int
    nonce: bytes


class _Search(msgspec.Struct, array_like=True):
    """A search under way: for how many bits, the next nonce, attempts made."""

    bits: int
    next: int
    attempts: int = 0


class Stamping:
    """Makes stamps for one networker.

    Args:
        store: remembers the stamp and the search.
        network: the network's name.
        networker: whose stamp, 32 bytes.
        clock: tells whether the node is busy.
        entropy: where searches begin.
        executor: does the work.
        aim: bits worked for without being asked; 0: none are made, except as the owner orders.
    """

    def __init__(
        self,
        store: Store,
        network: str,
        networker: bytes,
        clock: Clock,
        entropy: Entropy,
        executor: Executor,
        aim: int,
    ) -> None:
        self._store = store
        self._network = network
        self._networker = networker
        self._clock = clock
        self._entropy = entropy
        self._executor = executor
        self._aim = aim
        self._search: _Search | None = None
        self._ordered = 0  # bits in a hurry
        self._busy_at = 0.0
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self.current: Stamp | None = None
        self.on_better: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Reads what was made before."""
        raw = await self._store.read(Reader.meta, _STAMP)
        if raw is not None and len(raw) == 1 + STAMP_NONCE_BYTES:
            self._take(Stamp(raw[0], raw[1:]))
        raw = await self._store.read(Reader.meta, _SEARCH)
        if raw is not None:
            self._search = msgspec.msgpack.decode(raw, type=_Search)

    @property
    def bits(self) -> int:
        """Of the stamp; 0 without one."""
        return 0 if self.current is None else self.current.bits

    @property
    def wire(self) -> tuple[int, bytes] | None:
        """As a hello carries it."""
        return None if self.current is None else (self.current.bits, self.current.nonce)

    @property
    def working_on(self) -> tuple[int, int]:
        """The bits being worked for (0: none) and the attempts made for them."""
        bits = self._target()
        return (bits, self._search.attempts if self._search is not None and self._search.bits == bits else 0)

    def asked(self, bits: int) -> None:
        """A peer wants to see so many bits [R-STAMP-4]."""
        if self._aim and self.bits < bits <= ASKED_MOST:
            self._ordered = max(self._ordered, bits)
            self._wake.set()

    def busy(self) -> None:
        """The node has something better to do for a moment."""
        self._busy_at = self._clock.monotonic()

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            if not self._target():
                self._wake.clear()
                await self._wake.wait()
            hurried = self._ordered > self.bits
            if hurried or self._clock.monotonic() - self._busy_at >= QUIET_SECONDS:
                await self._work()
            self._wake.clear()
            try:
                async with asyncio.timeout(0 if hurried else REST_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def improve(self, bits: int) -> Stamp:
        """Works in a hurry until the stamp has so many bits.

        Raises:
            Problem: the disk fails.
        """
        self._ordered = max(self._ordered, bits)
        while self.current is None or self.current.bits < bits:
            await self._work()
        return self.current

    # -- work ------------------------------------------------------------------------------------------------
    def _target(self) -> int:
        """The bits to work for now; 0 when the stamp is good enough."""
        if self._ordered > self.bits:
            return self._ordered
        return next((bits for bits in (min(STAMP_ASKED, self._aim), self._aim) if bits > self.bits), 0)

    async def _work(self) -> None:
        """One chunk; finds a stamp, or remembers where to go on."""
        async with self._turn:
            bits = self._target()
            if not bits:
                return
            search = self._search
            if search is None or search.bits != bits:
                start = int.from_bytes(self._entropy.token(STAMP_NONCE_BYTES), "big")
                search = self._search = _Search(bits, start)
            nonce = await self._executor.run(
                Lane.READER, stamp.search, self._network, self._networker, bits, search.next, CHUNK
            )
            search.next = (search.next + CHUNK) % 2 ** (8 * STAMP_NONCE_BYTES)
            search.attempts += CHUNK
            if nonce is not None:
                await self._found(Stamp(bits, nonce))
            elif search.attempts % (CHUNK * SAVED_EVERY) == 0:
                await self._store.write(Writer.set_meta, _SEARCH, msgspec.msgpack.encode(search))

    async def _found(self, made: Stamp) -> None:
        await self._store.write(Writer.set_meta, _STAMP, bytes((made.bits,)) + made.nonce)
        await self._store.write(Writer.set_meta, _SEARCH, None)
        self._search = None
        self._take(made)
        _log.info("a stamp of %d bits is made", made.bits)
        self.on_better()

    def _take(self, made: Stamp) -> None:
        if shown_bits(self._network, self._networker, (made.bits, made.nonce)) > self.bits:
            self.current = made


def shown_bits(network: str, networker: bytes, shown: tuple[int, bytes] | None) -> int:
    """The bits of a stamp as a hello carries it; one that does not hold counts as none [R-STAMP-3]."""
    if shown is None:
        return 0
    try:
        stamp.check(network, networker, *shown)
    except Void:
        return 0
    return shown[0]
