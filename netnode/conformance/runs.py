"""Runs: consecutive entries of one stretch, compactly; section 8.3."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.entries import Entry, Header
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import HASH_BYTES, MAX_INT, MAX_RECORD, MAX_SEQ, SIGNATURE_BYTES
from netnode.conformance.shapes import any_bin, array, bin_, int_, row
from netnode.conformance.tags import sha256

_ANY_INT: Final = int_(-MAX_INT)
_FRONT: Final = (bin_(HASH_BYTES), int_(), int_(), int_(0, MAX_SEQ), bin_(HASH_BYTES))


def _body(value: object) -> bool:
    return any_bin(value) or row(bin_(HASH_BYTES), int_())(value)


_RUN: Final = row(*_FRONT, array(row(_ANY_INT, _ANY_INT, any_bin, _body), 1))


def read_run(run: object) -> list[Entry]:
    """The entries of a run, their headers rebuilt; signatures are not looked at [R-RUN-2].

    Raises:
        Fault: `bad_message` for its form [R-RUN-3]; `header` for bounds of an entry [R-RUN-4]; `record_missing`
            [R-RUN-5]; `link` for an opener that is not at its beginning. [R-RUN-1]
    """
    if not _RUN(run) or not isinstance(run, list):
        raise Fault("bad_message", "no run")
    author, epoch, term, first, prev, members = run
    demand(first + len(members) - 1 <= MAX_SEQ, "bad_message", "ends beyond the highest seq")
    entries: list[Entry] = []
    for seq, (time, kind, signature, body) in enumerate(members, first):
        demand(
            time >= 0 and kind >= 0 and len(signature) == SIGNATURE_BYTES, "header", "time, kind or signature"
        )
        gone = isinstance(body, list)
        record_hash, record_length = body if gone else (sha256(body), len(body))
        demand(record_length <= MAX_RECORD, "header", "the record is too long")
        demand(not gone or kind % 2 == 1, "record_missing", "of an even kind")
        header = Header(1, author, seq, prev, epoch, term, time, kind, record_hash, record_length)
        entry = Entry(header, header.encode(), signature, None if gone else body)
        demand(seq == first or not entry.opens, "link", "an opener inside a run")
        entries.append(entry)
        prev = entry.id
    return entries


def write_run(entries: list[Entry]) -> list[Any]:
    """The run of these entries, which follow each other in one stretch [R-RUN-1]."""
    front = entries[0].header
    members = [
        [
            entry.header.time,
            entry.header.kind,
            entry.signature,
            [entry.header.record_hash, entry.header.record_length] if entry.record is None else entry.record,
        ]
        for entry in entries
    ]
    return [front.author, front.epoch, front.term, front.seq, front.prev, members]


def chains(runs: list[list[Entry]]) -> list[list[Entry]]:
    """The chains that the runs of one message are judged as. [R-RUN-6]."""
    joined: list[list[Entry]] = []
    for run in runs:
        first, last = run[0].header, joined[-1][-1] if joined else None
        if last is not None and (first.author, first.seq, first.prev) == (
            last.header.author,
            last.seq + 1,
            last.id,
        ):
            joined[-1] += run
        else:
            joined.append(list(run))
    return joined
