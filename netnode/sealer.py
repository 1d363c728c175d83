"""Sealing by HPKE (RFC 9180, single-shot base mode) through `cryptography`, which draws its own randomness.

A sealed message is one byte that names the suite, then the encapsulated key and the ciphertext. HPKE here
takes no additional data: sender, recipient and message id go into `info`, the sender's signature inside the
plaintext.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netnode.ports import CannotOpen, OpeningKeys, RecipientKeys

X25519_SUITE: Final = 1  # DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: every implementation has it
HYBRID_SUITE: Final = 2  # the same with MLKEM768-X25519: safe while either of the two holds
_MLKEM_PUBLIC: Final = 1184
_MLKEM_SEED: Final = 64


def _suite(kem: KEM) -> Suite:
    return Suite(kem, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


class HpkeSealer:
    """The production sealer."""

    __slots__ = ()

    def seal(self, recipient: RecipientKeys, info: bytes, plaintext: bytes) -> bytes:
        """Seals for the recipient, by the hybrid suite when its keys offer it.

        Args:
            recipient: public keys, checked here.
            info: what the recipient must name alike to open it.
            plaintext: any bytes.

        Raises:
            ValueError: a public key is not one.
        """
        if recipient.mlkem768_x25519 is not None:
            public = _hybrid_public(recipient.mlkem768_x25519)
            return bytes([HYBRID_SUITE]) + _suite(KEM.MLKEM768_X25519).encrypt(plaintext, public, info)
        key = X25519PublicKey.from_public_bytes(recipient.x25519)
        return bytes([X25519_SUITE]) + _suite(KEM.X25519).encrypt(plaintext, key, info)

    def open(self, keys: OpeningKeys, info: bytes, sealed: bytes) -> bytes:
        """Opens a sealed message.

        Raises:
            CannotOpen: it is cut, altered, of an unknown suite, for somebody else, or has another `info`.
        """
        suite, body = sealed[:1], sealed[1:]
        try:
            if suite == bytes([X25519_SUITE]):
                private = X25519PrivateKey.from_private_bytes(keys.x25519)
                return _suite(KEM.X25519).decrypt(body, private, info)
            if suite == bytes([HYBRID_SUITE]) and keys.mlkem768_x25519 is not None:
                hybrid = _hybrid_private(keys.mlkem768_x25519)[0]
                return _suite(KEM.MLKEM768_X25519).decrypt(body, hybrid, info)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("these keys do not open this message") from error
        raise CannotOpen("the message is sealed by a suite these keys do not have")


def recipient_keys(keys: OpeningKeys) -> RecipientKeys:
    """The public halves, for the `keys` entry."""
    x25519 = X25519PrivateKey.from_private_bytes(keys.x25519).public_key().public_bytes_raw()
    if keys.mlkem768_x25519 is None:
        return RecipientKeys(x25519)
    return RecipientKeys(x25519, _hybrid_private(keys.mlkem768_x25519)[1])


def _hybrid_private(seed: bytes) -> tuple[MLKEM768X25519PrivateKey, bytes]:
    """Expands the 32-byte seed as the hybrid KEM does: SHAKE-256 to an ML-KEM seed and an X25519 key."""
    if len(seed) != 32:
        raise ValueError("the seed of a hybrid key has 32 bytes")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED + 32)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED])
    curve = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED:])
    public = lattice.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return MLKEM768X25519PrivateKey(lattice, curve), public + curve.public_key().public_bytes_raw()


def _hybrid_public(key: bytes) -> MLKEM768X25519PublicKey:
    if len(key) != _MLKEM_PUBLIC + 32:
        raise ValueError(f"a hybrid public key has {_MLKEM_PUBLIC + 32} bytes, this one {len(key)}")
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(key[_MLKEM_PUBLIC:]),
    )
