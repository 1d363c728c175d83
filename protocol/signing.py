"""Ed25519, with one exact meaning of *valid* so that no two nodes disagree [R-SIG-1..5].

A signature (R, S) by A over M is valid when all of this holds, and only then (RFC 8032, no factor 8):

1. A passes `check_key`: 32 bytes, the canonical encoding (y < p) of a point of the curve, not of small order.
2. S < L, the order of the base point.
3. R is not an encoding of a point of small order (the same list as for A).
4. R equals, byte for byte, the canonical encoding of ``S*B - SHA-512(R, A, M)*A``.

Keys with a component of small order are allowed as long as 4 holds. Libraries differ in each of these points;
the vectors in ``tests/vectors/ed25519.json`` pin them, so a library whose behaviour changes fails the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import KEY_BYTES

SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_Y: Final = 2**255 - 1

# All encodings of the eight points of small order, canonical or not: they "verify" what nobody signed.
SMALL_ORDER: Final[frozenset[bytes]] = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "00" * 31 + "80",
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ec" + "ff" * 30 + "7f",
        "ec" + "ff" * 31,
        "ed" + "ff" * 30 + "7f",
        "ed" + "ff" * 31,
        "ee" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
    )
)


def check_key(key: bytes) -> None:
    """Refuses a public key under which signatures have no clear meaning; asked of every key [R-SIG-1].

    Args:
        key: the 32 bytes of an Ed25519 public key.

    Raises:
        RemoteProtocolError: `key`: wrong length, y >= p, no point of the curve, or of small order.
    """
    if len(key) != KEY_BYTES:
        raise RemoteProtocolError("key", f"a public key has {KEY_BYTES} bytes, not {len(key)}")
    if key in SMALL_ORDER:
        raise RemoteProtocolError("key", "this public key is of small order: anybody could sign for it")
    y = int.from_bytes(key, "little") & _Y
    if y >= _P:
        raise RemoteProtocolError("key", "this public key is not in its canonical form")
    # x^2 = (y^2 - 1) / (d y^2 + 1) has a root when numerator * denominator has one; zero is in the list above
    if pow((y * y - 1) * (_D * y * y + 1) % _P, (_P - 1) // 2, _P) != 1:
        raise RemoteProtocolError("key", "this public key is not a point of the curve")


def verify(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is valid as the module defines it; anything of a wrong form is just not valid.

    The hot path of ingest: ~17,000 a second and thread, and the GIL is released meanwhile.

    Args:
        key: 32 bytes; need not have been through `check_key`.
        signature: 64 bytes, R then S.
        message: what was signed, domain tag included.
    """
    if (
        len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES
    ):  # the binding does not check the key's length
        return False
    if key in SMALL_ORDER or signature[:32] in SMALL_ORDER:
        return False
    try:
        bindings.crypto_sign_open(signature + message, key)
    except CryptoError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key. Equal when the public keys are; its representation shows no secret.

    Args:
        seed: the 32 secret bytes of RFC 8032.

    Raises:
        LocalProtocolError: the seed has another length.
    """

    seed: bytes = field(repr=False, compare=False)
    public: bytes = field(init=False)
    _secret: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise LocalProtocolError(f"a signing seed has {SEED_BYTES} bytes, not {len(self.seed)}")
        public, secret = bindings.crypto_sign_seed_keypair(self.seed)
        object.__setattr__(self, "public", public)
        object.__setattr__(self, "_secret", secret)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over a message, which begins with its domain tag [R-TAG-1]."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]
