"""What a rotation or settlement put out of the own log, who showed it, and who knows that it is out [R-LOG-13].

The entries themselves are kept in the table `branch`; who knows which opener of the own log, in `told`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from netnode.store import Reader, Writer
from netnode.store.rows import stored_entry
from protocol.entry import Entry
from protocol.log_state import LogState
from protocol.run import rebuild

MAX_EVIDENCE: Final = 10_000  # why: who holds a stolen key may write without end, and a few pages show it
_STEP: Final = 16 * 1024 * 1024
_PART: Final = 1_000


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One entry that is out of the log, and the peers that showed a branch it ends."""

    entry: Entry
    shown_by: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A peer was seen to hold this epoch and term of the own log (ms UTC)."""

    peer: bytes
    epoch: int
    term: int
    at: int


def disowned_by(reader: Reader, state: LogState, last: int) -> list[Entry]:
    """What an opener right after seq `last` of the main run would put out of the log, oldest first.

    That is what lies above `last` in the main run, what was set aside, and the other side of a known fork; at most
    MAX_EVIDENCE.
    """
    found: dict[bytes, Entry] = {}
    seq = last + 1
    while seq <= state.tip.seq and len(found) < MAX_EVIDENCE:
        part = reader.entries(state.author, seq, min(state.tip.seq, seq + _PART - 1), _STEP)
        if not part:
            break
        found.update((entry.id, entry) for entry in part)
        seq = part[-1].seq + 1
    view = reader.view(state.author)
    for extent in state.aside:
        for each in range(extent.base.seq, min(extent.last, extent.base.seq + MAX_EVIDENCE) + 1):
            entry = view.aside(extent.number, each)
            if entry is not None:
                found.setdefault(entry.id, entry)
    for side in reader.proof(state.author) or ():
        for entry in rebuild(side):
            if not _in_log(reader, entry):
                found.setdefault(entry.id, entry)
    return sorted(found.values(), key=_order)[:MAX_EVIDENCE]


def exhibits(reader: Reader, author: bytes) -> list[Exhibit]:
    """What is kept of the own log and is out of it, by epoch, term and seq."""
    n = reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    holders: dict[bytes, list[bytes]] = {}
    for entry_id, peer in reader.connection.execute(
        "SELECT id, peer FROM branch_holder WHERE n = ? ORDER BY peer", (n,)
    ):
        holders.setdefault(entry_id, []).append(peer)
    rows = reader.connection.execute(
        "SELECT header, signature, record FROM branch WHERE n = ? ORDER BY seq LIMIT ?", (n, MAX_EVIDENCE)
    )
    kept = [stored_entry(header, signature, record) for header, signature, record in rows]
    out = sorted((entry for entry in kept if not _in_log(reader, entry)), key=_order)
    return [Exhibit(entry, tuple(holders.get(entry.id, ()))) for entry in out]


def acknowledge(writer: Writer, receipts: Iterable[Receipt]) -> None:
    """Notes which peers know which opener; the first time counts."""
    with writer.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO told(peer, epoch, term, at) VALUES (?, ?, ?, ?)",
            [(each.peer, each.epoch, each.term, each.at) for each in receipts],
        )


def receipts(reader: Reader) -> list[Receipt]:
    """Who knows which opener of the own log, by epoch, term and time."""
    rows = reader.connection.execute("SELECT peer, epoch, term, at FROM told ORDER BY epoch, term, at, peer")
    return [Receipt(*row) for row in rows]


def _in_log(reader: Reader, entry: Entry) -> bool:
    held = reader.entry(entry.author, entry.seq)
    return held is not None and held.id == entry.id


def _order(entry: Entry) -> tuple[int, int, int, bytes]:
    return (entry.epoch, entry.term, entry.seq, entry.id)
