"""Blobs in the store: by chunk, bounded, gone without rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.problems import ExitCode, Problem
from netnode.store import blobs
from protocol import blobs as rules
from protocol.errors import LocalProtocolError
from protocol.limits import BLOB_CHUNK, MAX_BLOB
from tests.netnode.stored import opened

LONG = bytes(range(256)) * 300 + b"the end"  # three chunks


def chunks(writer) -> int:
    count: int = writer.connection.execute("SELECT count(*) FROM blob_chunk").get
    return count


def test_a_blob_is_named_by_its_hash_and_stored_once(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, reader):
        digest = blobs.put(writer, b"image", 1)
        assert digest == rules.name(b"image") == blobs.put(writer, b"image", 2)
        assert blobs.put(writer, b"other image", 3) != digest
        assert (blobs.size(reader, digest), blobs.total(reader)) == (5, 16)
        assert blobs.BlobRow(digest, 5, 1, True) in blobs.listed(reader, None, 10)
        assert blobs.remove(writer, digest) and not blobs.remove(writer, digest)
        assert blobs.size(reader, digest) is None and blobs.total(reader) == 11


def test_chunks_and_manifest_are_those_of_the_rules(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, reader):
        short, long = blobs.put(writer, b"x", 1), blobs.put(writer, LONG, 1)
        assert blobs.manifest(reader, long) == rules.manifest(LONG)
        assert blobs.manifest(reader, short) == b"" == blobs.manifest(reader, bytes(32))
        assert [blobs.chunk(reader, long, number) for number in range(3)] == [
            rules.chunk(LONG, number) for number in range(3)
        ]
        for number in (-1, 3, 1023, 1024, 2**62):
            assert blobs.chunk(reader, long, number) is None
        assert blobs.chunk(reader, bytes(32), 0) is None
        assert blobs.remove(writer, long)
        assert chunks(writer) == 1 and blobs.chunk(reader, short, 0) == b"x"


def test_the_longest_blob_has_all_its_chunks(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, reader):
        digest = blobs.put(writer, bytes(MAX_BLOB), 1)
        last = MAX_BLOB // BLOB_CHUNK - 1
        assert blobs.chunk(reader, digest, last) == bytes(BLOB_CHUNK)
        assert blobs.chunk(reader, digest, last + 1) is None
        assert blobs.remove(writer, digest) and chunks(writer) == 0


@pytest.mark.parametrize("data", [b"", bytes(MAX_BLOB + 1)])
def test_no_blob_is_empty_or_longer_than_the_limit(tmp_path: Path, data: bytes) -> None:
    with opened(tmp_path) as (writer, _), pytest.raises(LocalProtocolError):
        blobs.put(writer, data, 1)


def test_fetched_blobs_make_room_for_each_other_and_the_owners_stay(tmp_path: Path) -> None:
    """The one used longest ago goes first, those that somebody followed shows last."""
    with opened(tmp_path) as (writer, reader):
        mine = blobs.put(writer, b"mine" * 100, 1)
        first, second, third = (
            blobs.put_fetched(writer, data, 2 + n, 9) for n, data in enumerate((b"123", b"456", b"789"))
        )
        blobs.use(writer, first, 10)
        fourth = blobs.put_fetched(writer, b"abc", 11, 9)
        assert {row.hash for row in blobs.listed(reader, None, 10)} == {mine, first, third, fourth}
        fifth = blobs.put_fetched(writer, b"def", 12, 9, {third})
        assert {row.hash for row in blobs.listed(reader, None, 10)} == {mine, third, fourth, fifth}
        assert blobs.totals(reader) == (400, 9) and second not in {mine, third}
        assert blobs.put_fetched(writer, b"789", 13, 3) == third  # held already: needs no room
        with pytest.raises(Problem, match="blobs_mb") as refused:
            blobs.put_fetched(writer, b"0123456789", 14, 9)
        assert (refused.value.exit_code, refused.value.code) == (ExitCode.REFUSED, "blobs_full")
        assert blobs.put(writer, b"789", 15) == third and blobs.totals(reader) == (403, 6)


def test_pages_go_by_name(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, reader):
        names = sorted(blobs.put(writer, bytes([number]), number) for number in range(5))
        first = blobs.listed(reader, None, 3)
        rest = blobs.listed(reader, first[-1].hash, 3)
        assert [row.hash for row in first + rest] == names and len(first) == 3
