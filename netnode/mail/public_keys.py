"""What letters to a networker are sealed to: the newest `keys` entry of its log held here [R-LET-11]."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from netnode.ports import Clock, RecipientKeys
from netnode.store import Reader, Store
from netnode.store.published import newest
from protocol.errors import Void
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.records import Keys, decode_record

KEPT: Final = 1_000  # why: 1.5 KB each; one that is not remembered costs a look through its log


@dataclass(frozen=True, slots=True)
class _Found:
    head: bytes
    until: int
    keys: RecipientKeys


class PublicKeys:
    """Finds the encryption keys of networkers.

    Args:
        store: holds their logs.
        clock: tells which are still good.
    """

    __slots__ = ("_clock", "_found", "_store")

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._found: OrderedDict[bytes, _Found] = OrderedDict()

    async def of(self, networker: bytes) -> RecipientKeys | None:
        """The keys to seal to now; None when none are known here that are still good."""
        now = self._clock.now_ms()
        known = self._found.pop(networker, None)
        found = await self._store.read(_look, networker, now, None if known is None else known.head)
        # Where nothing is found, a quota may have cut or dropped the log: what it said until then still holds.
        if isinstance(found, _Found):
            known = found
        if known is None:
            return None
        self._found[networker] = known
        if len(self._found) > KEPT:
            self._found.popitem(last=False)
        return known.keys if known.until >= now else None


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """The log is as it was at the last look."""


def _look(reader: Reader, networker: bytes, now: int, head: bytes | None) -> _Found | _Unchanged | None:
    item = reader.item(networker)
    if item is None:
        return None
    if head is not None and item.id == head:
        return _Unchanged()
    below = None
    while (entry := newest(reader, networker, Keys.KIND, now + CLOCK_TOLERANCE_MS, below)) is not None:
        try:
            record = decode_record(entry.kind, entry.record or b"")
        except Void:
            record = None
        if isinstance(record, Keys):
            hybrid = record.mlkem768_x25519
            keys = RecipientKeys(record.x25519, None if hybrid is UNSET else hybrid)
            return _Found(item.id, record.until, keys)
        below = entry.seq
    return None
