"""Entries that stand alone, and entries in runs, at their bounds."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from protocol import encoding, limits
from protocol.entry import Entry, pack_header, parse_entry, parse_wire, sign_entry
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.run import (
    ENTRY_OVERHEAD,
    RUN_OVERHEAD,
    Run,
    entry_weight,
    proved,
    rebuild,
    run_of,
    runs_of,
)
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, odd_record, seed


def author(count: int = 3) -> Author:
    made = Author("a")
    made.write(count)
    return made


def forged(entry: Entry) -> Entry:
    """The same header under a signature that is not the author's."""
    return parse_wire([entry.header, Signer(seed("x")).sign(entry.header), entry.record])


def code_of(act: Any, *given: Any) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        act(*given)
    return caught.value.code


@pytest.mark.parametrize(
    "shape",
    ["abc", {0: b"", 1: b"", 2: b""}, 5, None, [], [b"", b""], [b"", b"", None, None], ["", b"", None]]
    + [[b"", "", None], [b"", b"", ""], [b"", b"", 0], [None, b"", None], [b"", None, None]],
    ids=repr,
)
def test_an_entry_is_an_array_of_three(shape: Any) -> None:
    """[R-ENTRY-5, 6]"""
    assert code_of(parse_wire, shape) == "bad_message"


def test_a_record_of_the_right_length_with_other_bytes_is_not_the_one() -> None:
    """[R-ENTRY-6]"""
    entry = author().entries[1]
    assert entry.record is not None
    other = entry.record[:-1] + bytes((entry.record[-1] ^ 1,))
    assert code_of(parse_wire, [entry.header, entry.signature, other]) == "record_hash"
    assert code_of(parse_wire, [entry.header, entry.signature, entry.record + b"\0"]) == "record_hash"


def test_an_empty_header_has_no_version() -> None:
    """[R-ENTRY-2]"""
    for header in (b"\x90", b"\xc0", b"\x80", b"\x91\xc3", b"", b"\x91"):
        assert code_of(parse_entry, header, bytes(64), None) == "header"
    assert code_of(parse_entry, b"\x91\x02", bytes(64), None) == "version"
    assert code_of(parse_entry, b"\x91\x00", bytes(64), None) == "version"


def test_a_record_that_is_too_long_is_not_signed() -> None:
    """[R-ENTRY-9]"""
    made = author(0)
    first = made.entries[0]
    most = made.after(first, record=bytes(limits.MAX_RECORD))
    assert most.record_length == limits.MAX_RECORD and parse_wire(most.wire()) == most
    with pytest.raises(LocalProtocolError, match="at most"):
        made.after(first, record=bytes(limits.MAX_RECORD + 1))


def test_what_an_entry_weighs_in_a_run_is_never_too_little() -> None:
    made = author(0)
    for size in (0, 1, 31, 32, 255, 256, 65_535 - 20_000):
        entry = made.after(made.entries[0], record=bytes(size))
        gone = msgspec.structs.replace(entry, record=None)
        assert entry_weight(entry) == ENTRY_OVERHEAD + size and entry_weight(gone) == ENTRY_OVERHEAD
        for each in (entry, gone):
            assert len(encoding.encode_struct(run_of([each]))) <= RUN_OVERHEAD + entry_weight(each)


def test_runs_are_cut_where_entries_do_not_follow() -> None:
    """[R-RUN-1, 6] a gap within one stretch too."""
    made = author(5)
    first, *rest = made.entries
    assert [len(run.entries) for run in runs_of([first, *rest[1:3], rest[4]])] == [1, 2, 1]
    assert [len(run.entries) for run in runs_of(made.entries)] == [6]
    settled = made.settle()
    assert [run.first for run in runs_of(made.entries)] == [0, settled.seq]
    assert list(runs_of([])) == []


def gone(time: int = 1, kind: int = 1, signature: bytes = bytes(64), body: Any = None, first: int = 1) -> Run:
    return Run(bytes(32), 0, 0, first, bytes(32), [(time, kind, signature, body or [bytes(32), 1])])


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (gone(time=-1), "header"),
        (gone(time=limits.MAX_INT + 1), "header"),
        (gone(kind=-1), "header"),
        (gone(kind=limits.MAX_INT + 2), "header"),
        (gone(signature=bytes(63)), "header"),
        (gone(body=[bytes(32), limits.MAX_RECORD + 1]), "header"),
        (gone(kind=2), "record_missing"),
        (gone(first=limits.MAX_SEQ + 1), "bad_message"),
        (gone(body=[bytes(32)]), "bad_message"),
        (gone(body=[bytes(32), 1, 1]), "bad_message"),
        (gone(body=[bytes(31), 1]), "bad_message"),
        (gone(body=["x" * 32, 1]), "bad_message"),
        (gone(body=[bytes(32), b""]), "bad_message"),
        (gone(body=[bytes(32), True]), "bad_message"),
        (gone(body=[bytes(32), -1]), "bad_message"),
        (gone(body={0: bytes(32), 1: 1}), "bad_message"),
        (Run(bytes(32), 0, 0, 1, bytes(32), []), "bad_message"),
    ],
)
def test_a_run_is_rebuilt_within_bounds_only(run: Run, code: str) -> None:
    """[R-RUN-3..5]"""
    assert code_of(rebuild, run) == code


def test_a_run_at_its_bounds_is_rebuilt() -> None:
    """[R-RUN-3..5]"""
    (entry,) = rebuild(gone(time=0, kind=limits.MAX_INT, first=limits.MAX_SEQ))
    assert (entry.time, entry.kind, entry.seq) == (0, limits.MAX_INT, limits.MAX_SEQ)
    (entry,) = rebuild(gone(time=limits.MAX_INT, body=[bytes(32), limits.MAX_RECORD]))
    assert (entry.time, entry.record_length) == (limits.MAX_INT, limits.MAX_RECORD)
    (entry,) = rebuild(gone(body=[bytes(32), 0]))
    assert (entry.record, entry.record_length) == (None, 0)
    record = bytes(limits.MAX_RECORD)
    (entry,) = rebuild(gone(body=record))
    assert entry.record_hash == hashlib.sha256(record).digest()
    two = [(1, 1, bytes(64), [bytes(32), 1])] * 2
    last = Run(bytes(32), 0, 0, limits.MAX_SEQ - 1, bytes(32), two)
    assert [each.seq for each in rebuild(last)] == [limits.MAX_SEQ - 1, limits.MAX_SEQ]
    beyond = Run(bytes(32), 0, 0, limits.MAX_SEQ, bytes(32), two)
    assert code_of(rebuild, beyond) == "bad_message"


def test_how_much_of_a_stretch_is_proved() -> None:
    """[R-LOG-7, 8, 10] anchors by themselves, the tail by the last signature or by what is sealed above it."""
    made = author(200)
    key, entries = made.signer.public, made.entries[1:]
    assert proved(NETWORK, key, [], True) == 0 == proved(NETWORK, key, [], False)
    assert proved(NETWORK, key, entries, False) == len(entries)
    tail = [*entries[:-2], *map(forged, entries[-2:])]
    assert proved(NETWORK, key, tail, False) == len(entries) - 2
    assert proved(NETWORK, key, tail, True) == len(entries)
    for seal in (False, True):
        broken = list(entries)
        broken[127] = forged(entries[127])  # the anchor with seq 128
        assert proved(NETWORK, key, broken, seal) == 127
        broken[125:127] = map(forged, entries[125:127])
        assert proved(NETWORK, key, broken, seal) == 125
        broken[64:125] = map(forged, entries[64:125])
        assert proved(NETWORK, key, broken, seal) == 64
        assert proved(NETWORK, key, [forged(entries[63])], seal) == 0
    assert proved(NETWORK, key, list(map(forged, entries[:63])), False) == 0
    assert proved(NETWORK, key, [*map(forged, entries[:63]), entries[63], forged(entries[64])], False) == 64


def test_headers_are_packed_and_signed_as_they_are_read() -> None:
    made = author(0)
    record = odd_record("x")
    entry = sign_entry(
        NETWORK, made.signer, author=made.id, seq=5, prev=seed("p"), epoch=2, term=3, time=9, kind=7, record=record
    )  # fmt: skip
    digest = hashlib.sha256(record).digest()
    assert entry.header == pack_header(made.id, 5, seed("p"), 2, 3, 9, 7, digest, len(record))
    assert parse_wire(entry.wire()) == entry


def test_a_header_that_is_no_array_has_no_version() -> None:
    """[R-ENTRY-2]"""
    for header in (b"\x81\x00\x05", b"\xc4\x01\x05", b"\x91\xc0", b"\x91\xc2", b"\x91\xa1a", b"\xa1a"):
        assert code_of(parse_entry, header, bytes(64), None) == "header"
