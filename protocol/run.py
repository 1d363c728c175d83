"""Runs: consecutive entries of one log in one stretch, as messages and files carry them [R-RUN-1..6].

A run names author, epoch, term, first seq and the id before its first entry once; each entry adds only time, kind,
signature and record. The receiver rebuilds the headers, so the links inside a run hold by construction and what is
left to check is order of time, `close`, openers and signatures (`proved`).

A *stretch* is the part of a log that carries one (epoch, term): an opener and the entries after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec

from protocol import limits
from protocol.entry import CLOSE, OPENERS, ROTATION, SETTLEMENT, Entry, pack_header, signature_valid
from protocol.errors import RemoteProtocolError
from protocol.signing import SIGNATURE_BYTES

_sha256 = hashlib.sha256
_MAX: Final = limits.MAX_INT
_Int = Annotated[int, msgspec.Meta(ge=-limits.MAX_INT, le=limits.MAX_INT)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_SEQ)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]

RUN_OVERHEAD: Final = 100  # bytes of a run besides its entries, at most
ENTRY_OVERHEAD: Final = 120  # bytes of an entry in a run besides its record, at most
RUN_BYTES: Final = limits.MAX_MESSAGE - 1_024  # what a message has room for besides its frame


class Run(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The wire form. `entries` are (time ms, kind, signature, record or (record hash, record length))."""

    author: _Hash
    epoch: _Count
    term: _Count
    first: _Seq
    prev: _Hash
    entries: list[tuple[_Int, _Int, bytes, bytes | list[bytes | _Int]]]  # no lengths: unions mix them up


def run_of(entries: Sequence[Entry]) -> Run:
    """The wire form of consecutive entries of one stretch; at least one."""
    head = entries[0]
    return Run(
        head.author,
        head.epoch,
        head.term,
        head.seq,
        head.prev,
        [
            (e.time, e.kind, e.signature, [e.record_hash, e.record_length] if e.record is None else e.record)
            for e in entries
        ],
    )


def entry_weight(entry: Entry) -> int:
    """Bytes an entry adds to a run, at most."""
    return ENTRY_OVERHEAD + (0 if entry.record is None else len(entry.record))


def runs_of(entries: Iterable[Entry]) -> Iterator[Run]:
    """Cuts consecutive entries at openers and gaps into runs."""
    batch: list[Entry] = []
    for entry in entries:
        if batch and (entry.place != batch[0].place or entry.prev != batch[-1].id):
            yield run_of(batch)
            batch = []
        batch.append(entry)
    if batch:
        yield run_of(batch)


def rebuild(run: Run) -> list[Entry]:
    """The entries of a run with their headers and ids rebuilt [R-RUN-2]. The hot path of receiving.

    Raises:
        RemoteProtocolError: `record_missing` for an even entry without its record, `header` past the highest seq.
    """
    author, epoch, term, seq, prev = run.author, run.epoch, run.term, run.first, run.prev
    if not run.entries or seq + len(run.entries) - 1 > limits.MAX_SEQ:
        raise RemoteProtocolError("bad_message", "a run without entries, or past the highest seq")
    entries: list[Entry] = []
    append = entries.append
    for time, kind, signature, body in run.entries:
        record: bytes | None
        if type(body) is bytes:
            record, digest, length = body, _sha256(body).digest(), len(body)
        else:
            record, digest, length = None, *_gone(body, kind, seq)
        if (
            not (0 <= time <= _MAX and 0 <= kind <= _MAX)
            or len(signature) != SIGNATURE_BYTES
            or length > limits.MAX_RECORD
        ):
            raise RemoteProtocolError("header", f"entry {seq} has a field out of bounds")
        header = pack_header(author, seq, prev, epoch, term, time, kind, digest, length)
        entry_id = _sha256(header + signature).digest()
        append(
            Entry(
                header,
                signature,
                record,
                entry_id,
                author,
                seq,
                prev,
                epoch,
                term,
                time,
                kind,
                digest,
                length,
            )
        )
        prev = entry_id
        seq += 1
    return entries


def _gone(body: bytes | list[bytes | int], kind: int, seq: int) -> tuple[bytes, int]:
    """Hash and length of a record that is gone."""
    if (
        not isinstance(body, list)
        or len(body) != 2
        or type(body[0]) is not bytes
        or len(body[0]) != limits.HASH_BYTES
        or type(body[1]) is not int
        or body[1] < 0
    ):
        raise RemoteProtocolError("bad_message", f"entry {seq} has neither a record nor its hash and length")
    if kind % 2 == 0:
        raise RemoteProtocolError(
            "record_missing", f"entry {seq} is ledger-critical and came without its record"
        )
    return body[0], body[1]


def follows(
    entry: Entry, *, seq: int, entry_id: bytes, place: tuple[int, int], time: int, kind: int
) -> str | None:
    """Whether `entry` may come right after an entry with the given figures [R-LOG-6, 8, 9].

    Returns:
        None when it may, else the code that says why not.
    """
    if entry.seq != seq + 1 or entry.prev != entry_id:
        return "link"
    if entry.place == place:
        if entry.kind in OPENERS:
            return "link"
        if kind == CLOSE:
            return "after_close"
    elif not opens_after(entry, place):
        return "link"
    return "time_order" if entry.time < time else None


def opens_after(entry: Entry, place: tuple[int, int]) -> bool:
    """Whether `entry` is an opener whose (epoch, term) succeeds `place`."""
    epoch, term = place
    if entry.kind == ROTATION:
        return entry.place == (epoch + 1, 0)
    return entry.kind == SETTLEMENT and entry.place == (epoch, term + 1)


def linked(entries: Sequence[Entry]) -> int:
    """How many leading entries follow each other by `follows`; the length of `entries` when all do."""
    before = entries[0]
    for index in range(1, len(entries)):
        entry = entries[index]
        if entry.author != before.author or follows(
            entry, seq=before.seq, entry_id=before.id, place=before.place, time=before.time, kind=before.kind
        ):
            return index
        before = entry
    return len(entries)


def proved(network: str, key: bytes, entries: Sequence[Entry], sealed: bool) -> int:
    """How many leading entries of one stretch are authentic [R-LOG-7, 8, 10].

    Each anchor needs its own valid signature; any other entry is proved by its own or by a later one up to the next
    anchor or opener. So this costs one verification per 64 entries and one for the end.

    Args:
        key: the signing key of the epoch.
        entries: linked entries of one stretch without its opener.
        sealed: what follows the last entry is authentic and linked (an opener, or an entry already held), so that
            it proves the tail after the last anchor.
    """
    good = 0
    end = len(entries)
    first = -entries[0].seq % limits.ANCHOR_EVERY if entries else 0
    for index in range(first, end, limits.ANCHOR_EVERY):
        if not signature_valid(network, key, entries[index]):
            end, sealed = index, False
            break
        good = index + 1
    if sealed:
        return end
    while end > good and not signature_valid(network, key, entries[end - 1]):
        end -= 1
    return end
