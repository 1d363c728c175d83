"""Ed25519 as section 4 draws its line: the checks libraries leave out stand in front of `cryptography`'s."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from netnode.conformance.faults import Fault, demand

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
CURVE_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME

_SMALL_Y: Final = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)
SMALL_ORDER: Final = frozenset(
    raw[:31] + bytes([raw[31] | sign]) for raw in map(bytes.fromhex, _SMALL_Y) for sign in (0x00, 0x80)
)
"""All encodings of points of small order, canonical or not [R-SIG-1] [R-SIG-3]."""

NEUTRAL: Final = bytes.fromhex(_SMALL_Y[1])
"""One of them: the neutral point, of order 1."""


def check_key(key: bytes) -> None:
    """Refuses what is no public key.

    Raises:
        Fault: `key` unless it is 32 bytes, canonical, a point of the curve, and not of small order. [R-SIG-1]
    """
    demand(len(key) == 32, "key", "32 bytes")
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    demand(y < PRIME, "key", "not canonical")
    demand(key not in SMALL_ORDER, "key", "of small order")
    x_squared = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME  # never 0: -1/d is no square
    demand(pow(x_squared, (PRIME - 1) // 2, PRIME) == 1, "key", "not a point of the curve")


def valid(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is a signature of the message under the key [R-SIG-1] to [R-SIG-5]."""
    return all((
        len(signature) == 64,
        is_key(key),
        signature[:32] not in SMALL_ORDER,  # [R-SIG-3]
        int.from_bytes(signature[32:], "little") < ORDER,  # [R-SIG-2]
    )) and _equation(key, message, signature)  # fmt: skip


def is_key(key: bytes) -> bool:
    """Whether `check_key` accepts this."""
    try:
        check_key(key)
    except Fault:
        return False
    return True


def public(seed: bytes) -> bytes:
    """The public key of an Ed25519 seed of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature of a message, 64 bytes; always the same for the same seed and message (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def _equation(key: bytes, message: bytes, signature: bytes) -> bool:
    """The equation without the cofactor: R is compared byte for byte with what it gives [R-SIG-4] [R-SIG-5]."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
