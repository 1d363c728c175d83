"""Stamps: work, check and search."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, Void
from protocol.stamp import check, search, work

ID = bytes(range(32))


def leading_zeros(digest: bytes) -> int:
    return 8 * len(digest) - int.from_bytes(digest, "big").bit_length()


def test_the_work_is_the_hash_of_tag_id_bits_and_nonce() -> None:  # [R-STAMP-1]
    nonce = bytes(range(8))
    assert (
        work("inx", ID, 20, nonce) == hashlib.sha256(b"INX/1\0inx\0stamp\0" + ID + b"\x14" + nonce).digest()
    )


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 12])
def test_what_search_finds_checks(bits: int) -> None:  # [R-STAMP-2]
    nonce = search("inx", ID, bits, 0, 1 << 17)
    assert nonce is not None
    check("inx", ID, bits, nonce)
    assert leading_zeros(work("inx", ID, bits, nonce)) >= bits


@given(nonce=st.binary(min_size=8, max_size=8), bits=st.integers(0, 64))
def test_check_counts_bits(nonce: bytes, bits: int) -> None:  # [R-STAMP-2]
    if leading_zeros(work("inx", ID, bits, nonce)) >= bits:
        check("inx", ID, bits, nonce)
    else:
        with pytest.raises(Void) as void:
            check("inx", ID, bits, nonce)
        assert void.value.code == "stamp"


def test_a_stamp_is_worth_nothing_elsewhere() -> None:  # [R-STAMP-2]
    nonce = search("inx", ID, 16, 0, 1 << 20)
    assert nonce is not None
    for network, id, bits in (("other", ID, 16), ("inx", bytes(32), 16), ("inx", ID, 15)):
        assert work(network, id, bits, nonce) != work("inx", ID, 16, nonce)
        with pytest.raises(Void):
            check(network, id, bits, nonce)


@pytest.mark.parametrize(
    ("id", "bits", "nonce"),
    [(ID, -1, bytes(8)), (ID, 65, bytes(8)), (ID, 0, bytes(7)), (ID, 0, bytes(9)), (ID[:31], 0, bytes(8))],
)
def test_a_wrong_form_is_void_from_elsewhere_and_our_fault_here(id: bytes, bits: int, nonce: bytes) -> None:
    with pytest.raises(Void) as void:  # [R-STAMP-3]
        check("inx", id, bits, nonce)
    assert void.value.code == "stamp"
    with pytest.raises(LocalProtocolError):
        work("inx", id, bits, nonce)


@pytest.mark.parametrize(("id", "bits"), [(ID, -1), (ID, 65), (ID + b"\0", 1)])
def test_no_search_for_a_wrong_form(id: bytes, bits: int) -> None:
    with pytest.raises(LocalProtocolError):
        search("inx", id, bits, 0, 1)


def test_search_tries_exactly_so_many_in_order() -> None:
    first = search("inx", ID, 10, 0, 1 << 16)
    assert first is not None
    place = int.from_bytes(first, "big")
    assert search("inx", ID, 10, 0, place) is None
    assert search("inx", ID, 10, place, 1) == first
    assert search("inx", ID, 10, 0, place + 1) == first
    assert search("inx", ID, 0, 5, 0) is None


def test_after_the_last_nonce_comes_zero() -> None:
    assert search("inx", ID, 0, 2**64 - 1, 1) == b"\xff" * 8
    assert search("inx", ID, 0, 2**64, 1) == bytes(8)
