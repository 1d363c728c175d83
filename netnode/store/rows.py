"""What goes into the store and comes out of it, and how stored bytes become entries again.

What is stored was checked before it was stored (`Change` is the only way in), so headers are read without asking
again whether they are canonical, and openers without verifying them once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from protocol.entry import ROTATION, SETTLEMENT, Entry
from protocol.errors import LocalProtocolError
from protocol.items import Item, Standing
from protocol.kinds import decode_record
from protocol.log import Keep, Step
from protocol.log_state import LogState
from protocol.openers import Openers, Opening
from protocol.records.openers import Inception, Rotation
from protocol.run import Run

SEQ_BITS: Final = 40
SEQ_MASK: Final = (1 << SEQ_BITS) - 1
MAX_NETWORKERS: Final = 2**23 - 1  # place = n << 40 | seq has to fit SQLite's 63 bits

# What a log is counted for by the quotas: what it takes in the file when all its entries are listings. Its rows;
# header, signature and rows of an entry; and the record three times, with its copy and its words in the catalogue.
LOG_BYTES: Final = 512
ENTRY_BYTES: Final = 350
RECORD_COPIES: Final = 3

_header: Final = msgspec.msgpack.Decoder(tuple[int, bytes, int, bytes, int, int, int, int, bytes, int]).decode
_sha256 = hashlib.sha256


class Change(msgspec.Struct, frozen=True):
    """What one admission does to one log.

    Args:
        before: the state that the steps start from; None when nothing of the log was held.
        after: the state they lead to.
        steps: in order, as `protocol.log.receive` gave them.
        proof: both sides of the fork at `after.fork`, when it was found or replaced by this.
        cut: the quota moves the start of the log: what lies below is not asked for again.
    """

    before: LogState | None
    after: LogState
    steps: Sequence[Step] = ()
    proof: tuple[Run, Run] | None = None
    cut: bool = False

    @property
    def weight(self) -> int:
        """What it counts for in a bounded queue: its entries, and one."""
        total = 1
        for step in self.steps:
            if isinstance(step, Keep):
                total += len(step.entries)
        return total


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log in a list: `first` to `last` are held, `common` is the last seq that may have effect.

    `bytes`: what it counts for in the quotas; `cut`: its quota let go of what lies below `first`.
    """

    author: bytes
    item: Item
    first: int
    last: int
    time: int
    kind: int
    common: int
    arrival: int
    generation: int
    bytes: int
    cut: bool

    @property
    def entries(self) -> int:
        """How many entries the main run holds."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Missing:
    """An entry of an odd kind whose record never came; `place` orders them and pages through them."""

    place: int
    author: bytes
    seq: int
    id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """One peer of the book. `p` is its number here, 0 before it is stored; times are ms UTC.

    `invited`: the owner gave an invite of it, so it stays in the book even without an address.
    """

    p: int = 0
    id: bytes | None = None
    name: str = ""
    addresses: tuple[str, ...] = ()
    inbound: bool = False
    seen: int | None = None
    note: str = ""
    added: int = 0
    invited: bool = False


def weight(entries: Iterable[Entry]) -> int:
    """What entries count for in the quotas, in bytes."""
    total = 0
    for entry in entries:
        total += ENTRY_BYTES
        if entry.record is not None:
            total += RECORD_COPIES * len(entry.record)
    return total


def place_of(n: int, seq: int) -> int:
    """The rowid of an entry."""
    return n << SEQ_BITS | seq


def stored_entry(header: bytes, signature: bytes, record: bytes | None) -> Entry:
    """An entry from its stored bytes, unchecked; the hot path of sending."""
    _, author, seq, prev, epoch, term, time, kind, digest, length = _header(header)
    return Entry(
        header, signature, record, _sha256(header + signature).digest(), author, seq, prev, epoch, term, time, kind,
        digest, length,
    )  # fmt: skip


def entry_id(header: bytes, signature: bytes) -> bytes:
    """SHA-256 of both, 32 bytes."""
    return _sha256(header + signature).digest()


def stored_openers(network: str, author: bytes, entries: Iterable[Entry]) -> Openers:
    """What is known of a networker from its stored openers, in the order `Openers.entries` gave them."""
    epochs: list[tuple[Opening, ...]] = []
    settlements: list[Entry] = []
    for entry in entries:
        if entry.kind == SETTLEMENT:
            settlements.append(entry)
        elif entry.epoch < len(epochs):
            epochs[entry.epoch] += (_opening(entry),)
        else:
            epochs.append((_opening(entry),))
    return Openers(network, author, tuple(epochs), tuple(settlements))


def _opening(entry: Entry) -> Opening:
    record = decode_record(entry.kind, entry.record or b"")
    if not isinstance(record, Rotation if entry.kind == ROTATION else Inception):
        raise LocalProtocolError(f"the stored opener at seq {entry.seq} opens nothing")
    return Opening(entry, record.key, record.promise)


def stored_item(
    author: bytes, standing: int, epoch: int, term: int, seq: int, head: bytes, base: int
) -> Item:
    """The item of a log from columns of its row."""
    if standing == Standing.HEAD:
        return Item(Standing.HEAD, author, epoch, term, seq, head, base)
    return Item(Standing(standing), author, epoch, term)


def log_row(state: LogState) -> tuple[Any, ...]:
    """The columns of `log` that follow from the state, in the order of `LOG_COLUMNS`."""
    item, tip, base = state.item(), state.tip, state.base
    return (
        item.epoch, item.term, tip.seq, tip.id, tip.time, tip.kind, base.seq, base.prev, base.epoch, base.term,
        base.time, base.opener, state.fork, state.extents, int(item.standing), state.common,
    )  # fmt: skip


LOG_COLUMNS: Final = (
    "epoch, term, seq, head, head_time, head_kind, base, base_prev, base_epoch, base_term, base_time, base_opener,"
    " fork, extents, standing, common"
)
