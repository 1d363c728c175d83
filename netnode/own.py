"""The own log: the one place that signs entries [R-LOG-20, R-LOG-21]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from netnode.ingest import Gate
from netnode.keystore import Keys
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from protocol import limits
from protocol.entry import CLOSE, Entry, sign_entry
from protocol.items import Item, Standing
from protocol.log_state import LogState, Place
from protocol.signing import Signer


@dataclass(frozen=True, slots=True)
class Witness:
    """Who signs `seen` statements: this node's networker."""

    id: bytes
    epoch: int
    signer: Signer


SIGNED_AT_ONCE: Final = 128  # why: some milliseconds of signing, then the event loop has its turn


class OwnLog:
    """Appends to the log of this node's networker.

    Args:
        network: the network's name.
        networker: the own id, 32 bytes.
        gate: what own entries pass like all others.
        clock: dates entries.
        keys: None while they are locked; then nothing is signed.
    """

    def __init__(self, network: str, networker: bytes, gate: Gate, clock: Clock, keys: Keys | None) -> None:
        self._network = network
        self._gate = gate
        self._clock = clock
        self._keys = keys
        self._signer = None if keys is None else Signer(keys.signing_seed)
        self._turn = asyncio.Lock()
        self._claims: dict[object, Item] = {}
        self.id = networker
        self.halted: str | None = None
        self.skew: Callable[[], int | None] = _unknown

    async def adopt(self, keys: Keys) -> None:
        """Signs with these keys from now on, as after a rotation."""
        self._keys = keys
        self._signer = Signer(keys.signing_seed)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Appends nothing while the context lasts: its owner opens an epoch or term."""
        async with self._turn:
            yield

    def witness(self) -> Witness | None:
        """Who signs `seen` statements; None while the keys are locked."""
        if self._keys is None or self._signer is None:
            return None
        return Witness(self.id, self._keys.epoch, self._signer)

    def behind(self, peer: object, item: Item) -> None:
        """A peer claims a later own head: nothing is appended until it is here [R-LOG-21].

        Args:
            peer: who claims it; a claim takes the place of the same peer's former one.
            item: what it claims.
        """
        if item.author == self.id:
            self._claims[peer] = item

    def unproved(self, peer: object) -> None:
        """That peer did not give the entries it claimed, which alone would prove them: the claim is void."""
        self._claims.pop(peer, None)

    def halt(self, reason: str) -> None:
        """Stops appending for good; `reason` is a sentence for the owner."""
        self.halted = self.halted or reason

    async def append(self, records: Sequence[tuple[int, bytes]]) -> list[Entry]:
        """Signs and stores entries; they are on disk when it returns.

        Args:
            records: kind and canonical record of each, in order.

        Raises:
            Problem: the keys are locked (exit 2); the log takes no entries now (exit 4); the disk fails.
        """
        if not records:
            return []
        async with self._turn:
            state = await self._gate.state(self.id)
            signer, before = self._ready(state)
            head = before.id
            entries: list[Entry] = []
            for kind, record in records:
                entry = sign_entry(
                    self._network,
                    signer,
                    author=self.id,
                    seq=before.seq + 1,
                    prev=before.id,
                    epoch=before.epoch,
                    term=before.term,
                    time=max(self._clock.now_ms(), before.time),
                    kind=kind,
                    record=record,
                )
                entries.append(entry)
                if len(entries) % SIGNED_AT_ONCE == 0:
                    await asyncio.sleep(0)  # a large import must not stop the sessions
                before = Place(entry.seq, entry.id, entry.epoch, entry.term, entry.time, entry.kind)
            outcome = await self._gate.admit(entries, durable=True, head=head)
        if outcome.fault is not None or outcome.kept != len(entries):
            text = "" if outcome.fault is None else f": {outcome.fault.text}"
            raise Problem(f"The own log took {outcome.kept} of {len(entries)} entries{text}.", code="own_log")
        return entries

    def _ready(self, state: LogState | None) -> tuple[Signer, Place]:
        if self._keys is None or self._signer is None:
            raise Problem(
                "The keys of this networker are locked. Give --passphrase-file FILE, or start the node with it.",
                ExitCode.USAGE,
                "passphrase_needed",
            )
        if self.halted is not None:
            raise _refused(self.halted, "halted")
        skew = self.skew()
        if skew is not None and abs(skew) > limits.CLOCK_TOLERANCE_MS:
            raise _refused(
                f"This computer's clock is {abs(skew) // 1000} s {'behind' if skew > 0 else 'ahead of'} that of its "
                "peers. Set the clock, then try again.",
                "clock",
            )
        if state is None:
            raise Problem(
                "The own log is not in the store, and it cannot be begun anew. Put back a backup of the home.",
                code="own_log",
            )
        self._require_newest(state)
        if state.openers.contested is not None:
            raise _refused("Two rotations contest this identity: nothing can be published.", "contested")
        if state.forked:
            raise _refused(
                "The own log is forked: it has to be settled before anything is published.", "forked"
            )
        if state.tip.kind == CLOSE:
            raise _refused("The own log is closed: nothing more can be published.", "closed")
        if self._keys.epoch != state.openers.epoch:
            raise _refused(
                "The signing key of this home was replaced by a rotation elsewhere.", "retired_key"
            )
        return self._signer, state.tip

    def _require_newest(self, state: LogState) -> None:
        here = (state.openers.epoch, state.openers.term, state.tip.seq)
        self._claims = {
            peer: item
            for peer, item in self._claims.items()
            if here < (item.epoch, item.term, item.seq)
            or (item.standing is Standing.CONTESTED and state.openers.contested is None)
            or (item.standing is Standing.FORKED and here[:2] == (item.epoch, item.term) and not state.forked)
        }
        if self._claims:
            raise _refused(
                "A peer holds newer entries of this networker's log; they are being fetched. Try again in a moment.",
                "behind",
            )


def _unknown() -> int | None:
    """The skew while there are no peers to compare with."""
    return None


def _refused(text: str, code: str) -> Problem:
    return Problem(text, ExitCode.REFUSED, code)
