"""Blobs: every chunk is checked before it is kept, the whole before it is believed."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import blobs, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError

CHUNK = limits.BLOB_CHUNK
SIZES = (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5, 5 * CHUNK - 1)


def blob_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def assembly_of(data: bytes) -> blobs.Assembly:
    return blobs.Assembly(blobs.name(data), len(data), blobs.manifest(data))


def refused(text: str) -> pytest.RaisesExc[RemoteProtocolError]:
    return pytest.raises(RemoteProtocolError, match=rf"^blob: .*{text}")


def test_the_name_is_the_plain_hash() -> None:  # [R-BLOB-1]
    assert blobs.name(b"abc") == hashlib.sha256(b"abc").digest()


def test_chunk_counts() -> None:  # [R-BLOB-2]
    assert [blobs.chunk_count(size) for size in SIZES] == [1, 1, 1, 1, 2, 2, 3, 5]
    assert blobs.chunk_count(limits.MAX_BLOB) == 512


@pytest.mark.parametrize("size", [-1, 0, limits.MAX_BLOB + 1])
def test_sizes_no_blob_has(size: int) -> None:  # [R-BLOB-2]
    with refused("bytes"):
        blobs.chunk_count(size)
    with refused("bytes"):
        blobs.Assembly(bytes(32), size, b"")
    with pytest.raises(LocalProtocolError):
        blobs.manifest(bytes(max(size, 0)))
    with pytest.raises(LocalProtocolError):
        blobs.chunk(bytes(max(size, 0)), 0)


def test_a_chunk_with_its_manifest_fits_a_message() -> None:  # [R-BLOB-3]
    assert len(blobs.manifest(bytes(limits.MAX_BLOB))) + CHUNK + 256 <= limits.MAX_MESSAGE


@pytest.mark.parametrize("size", SIZES)
def test_manifest_and_chunks_of_own_blobs(size: int) -> None:  # [R-BLOB-2] [R-BLOB-3]
    data = blob_of(size)
    count = blobs.chunk_count(size)
    chunks = [blobs.chunk(data, index) for index in range(count)]
    assert b"".join(chunks) == data
    assert blobs.manifest(data) == (b"".join(map(blobs.name, chunks)) if count > 1 else b"")
    for index in (-1, count):
        with pytest.raises(LocalProtocolError):
            blobs.chunk(data, index)


@given(size=st.sampled_from(SIZES), data=st.data())
def test_any_order_with_repeats_gives_the_blob(size: int, data: st.DataObject) -> None:  # [R-BLOB-4]
    whole = blob_of(size)
    assembly = assembly_of(whole)
    order = data.draw(st.permutations(range(assembly.count)))
    for number, index in enumerate(order):
        assert assembly.missing == tuple(sorted(order[number:]))
        if number:
            again = order[data.draw(st.integers(0, number - 1))]
            assert assembly.add(again, blobs.chunk(whole, again)) is None
        result = assembly.add(index, blobs.chunk(whole, index))
        assert result == (whole if number == len(order) - 1 else None)
    assert assembly.missing == ()


@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_chunk_is_not_kept(size: int) -> None:  # [R-BLOB-4]
    whole = blob_of(size)
    assembly = assembly_of(whole)
    last = assembly.count - 1
    good = blobs.chunk(whole, last)
    for index, bad, text in (
        (last, good[:-1] + bytes([good[-1] ^ 1]), "match its hash"),
        (last, good[:-1], "wrong length"),
        (last, good + b"\0", "wrong length"),
        (last + 1, good, "no chunk"),
        (-1, good, "no chunk"),
    ):
        with refused(text):
            assembly.add(index, bad)
        assert assembly.missing == tuple(range(assembly.count))


def test_a_chunk_in_the_wrong_place() -> None:  # [R-BLOB-4]
    whole = blob_of(3 * CHUNK)
    with refused("match its hash"):
        assembly_of(whole).add(1, blobs.chunk(whole, 0))


@pytest.mark.parametrize(
    ("size", "length"), [(1, 32), (CHUNK, 32), (CHUNK + 1, 0), (CHUNK + 1, 63), (CHUNK + 1, 96)]
)
def test_a_manifest_of_another_length(size: int, length: int) -> None:  # [R-BLOB-3]
    with refused("manifest"):
        blobs.Assembly(bytes(32), size, bytes(length))
    with refused("manifest"):
        blobs.check_chunk(bytes(32), size, bytes(length), 0, bytes(min(size, CHUNK)))


def test_a_false_manifest_is_found_out_at_the_end_and_all_is_discarded() -> None:  # [R-BLOB-5]
    wanted, other = blob_of(2 * CHUNK, 1), blob_of(2 * CHUNK, 2)
    assembly = blobs.Assembly(blobs.name(wanted), len(other), blobs.manifest(other))
    assert assembly.add(0, blobs.chunk(other, 0)) is None
    with refused("another blob"):
        assembly.add(1, blobs.chunk(other, 1))
    assert assembly.missing == (0, 1)


def test_a_declared_size_costs_no_memory() -> None:
    assembly = blobs.Assembly(bytes(32), limits.MAX_BLOB, bytes(512 * 32))
    assert len(assembly.missing) == 512
