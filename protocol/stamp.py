"""Stamps: proof of work that a stranger shows with its profile and hello [R-STAMP-1..3].

The work is ``SHA-256(tag("stamp"), id, bits, nonce)``, id 32 bytes, bits one byte, nonce 8 bytes. It reaches
its bits when at least that many of its first bits are zero. The bits are part of the work, so a stamp made
for few bits cannot be passed off as a lucky one for many, and a better stamp can replace it at any time. A
speed bump: never identity.
"""

from __future__ import annotations

import hashlib

from protocol.errors import LocalProtocolError, Void
from protocol.limits import HASH_BYTES, MAX_STAMP_BITS, STAMP_NONCE_BYTES
from protocol.tags import tag


def work(network: str, id: bytes, bits: int, nonce: bytes) -> bytes:
    """The 32 bytes whose leading zero bits count.

    Raises:
        LocalProtocolError: bits beyond 0-64, or an id or nonce of another length.
    """
    if len(nonce) != STAMP_NONCE_BYTES:
        raise LocalProtocolError(f"a stamp's nonce has {STAMP_NONCE_BYTES} bytes, not {len(nonce)}")
    return hashlib.sha256(_prefix(network, id, bits) + nonce).digest()


def check(network: str, id: bytes, bits: int, nonce: bytes) -> None:
    """Checks a stamp that came from elsewhere.

    Raises:
        Void: `stamp`: its form is wrong or it does not reach its bits.
    """
    try:
        digest = work(network, id, bits, nonce)
    except LocalProtocolError as error:
        raise Void("stamp", error.text) from error
    if not _reaches(digest, bits):
        raise Void("stamp", f"the stamp does not reach its {bits} bits")


def search(network: str, id: bytes, bits: int, start: int, attempts: int) -> bytes | None:
    """Tries one nonce after the other; the caller loops, so that it can stop or yield in between.

    Args:
        network: name of the network.
        id: the networker the stamp is for, 32 bytes.
        bits: 0-64; each one more doubles the work, 20 take about a million attempts.
        start: the first nonce as an integer; from a random place on, two searches do not repeat each other.
        attempts: how many nonces to try. After 2^64 - 1 comes 0.

    Returns:
        The nonce, or None when none of them does; go on at `start` + `attempts`.

    Raises:
        LocalProtocolError: bits beyond 0-64, or an id of another length.
    """
    begun = hashlib.sha256(_prefix(network, id, bits))
    for number in range(start, start + attempts):
        nonce = (number % (1 << 8 * STAMP_NONCE_BYTES)).to_bytes(STAMP_NONCE_BYTES, "big")
        state = begun.copy()
        state.update(nonce)
        if _reaches(state.digest(), bits):
            return nonce
    return None


def _prefix(network: str, id: bytes, bits: int) -> bytes:
    if not 0 <= bits <= MAX_STAMP_BITS:
        raise LocalProtocolError(f"a stamp has 0 to {MAX_STAMP_BITS} bits, not {bits}")
    if len(id) != HASH_BYTES:
        raise LocalProtocolError(f"a networker id has {HASH_BYTES} bytes, not {len(id)}")
    return tag(network, "stamp") + id + bytes((bits,))


def _reaches(digest: bytes, bits: int) -> bool:
    return int.from_bytes(digest[:8], "big") >> MAX_STAMP_BITS - bits == 0
