"""Stamps: proof of work for a networker id; section 12.2."""

from __future__ import annotations

from netnode.conformance.faults import demand
from netnode.conformance.limits import MAX_STAMP_BITS, STAMP_NONCE_BYTES
from netnode.conformance.tags import sha256, tag


def hashed(network: str, networker: bytes, bits: int, nonce: bytes) -> bytes:
    """What the work is the SHA-256 of [R-STAMP-1]."""
    return tag(network, "stamp") + networker + bytes([bits]) + nonce


def check_stamp(network: str, networker: bytes, bits: int, nonce: bytes) -> None:
    """Checks a stamp.

    Raises:
        Fault: `stamp` when its form is wrong or it does not reach its bits. [R-STAMP-2] [R-STAMP-3]
    """
    demand(0 <= bits <= MAX_STAMP_BITS and len(nonce) == STAMP_NONCE_BYTES, "stamp", "its form")
    work = sha256(hashed(network, networker, bits, nonce))
    demand(int.from_bytes(work, "big") >> 256 - bits == 0, "stamp", "does not reach its bits")
