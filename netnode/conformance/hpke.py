"""HPKE in base mode with the mandatory suite of letters; RFC 9180, by its own pseudocode.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, one message, no additional data. Sealing takes the ephemeral
key, so that a sealed message can be made again.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netnode.conformance.faults import Fault

PUBLIC_BYTES: Final = 32
_KEM: Final = b"KEM\x00\x20"
_HPKE: Final = b"HPKE\x00\x20\x00\x01\x00\x01"
_VERSION: Final = b"HPKE-v1"


def public(private: bytes) -> bytes:
    """The public half of an X25519 key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(recipient: bytes, ephemeral: bytes, info: bytes, plaintext: bytes) -> bytes:
    """The encapsulated key and the ciphertext.

    Args:
        recipient: X25519 public key.
        ephemeral: X25519 private key, used once.
        info: bound to it.
        plaintext: any bytes.
    """
    told = public(ephemeral)
    key, nonce = _schedule(_shared(ephemeral, recipient, told, recipient), info)
    return told + AESGCM(key).encrypt(nonce, plaintext, b"")


def open_(private: bytes, info: bytes, sealed: bytes) -> bytes:
    """What was sealed.

    Raises:
        Fault: `letter`.
    """
    told, body = sealed[:PUBLIC_BYTES], sealed[PUBLIC_BYTES:]
    try:
        key, nonce = _schedule(_shared(private, told, told, public(private)), info)
        return AESGCM(key).decrypt(nonce, body, b"")
    except (InvalidTag, ValueError) as error:
        raise Fault("letter", "this key does not open it") from error


def _shared(private: bytes, other: bytes, told: bytes, recipient: bytes) -> bytes:
    """Decap and Encap of section 4.1: the same secret from either side."""
    dh = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(other))
    secret = _extract(_KEM, b"", b"eae_prk", dh)
    return _expand(_KEM, secret, b"shared_secret", told + recipient, 32)


def _schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of section 5.1, mode base."""
    context = b"\x00" + _extract(_HPKE, b"", b"psk_id_hash", b"") + _extract(_HPKE, b"", b"info_hash", info)
    secret = _extract(_HPKE, shared, b"secret", b"")
    return _expand(_HPKE, secret, b"key", context, 16), _expand(_HPKE, secret, b"base_nonce", context, 12)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), _VERSION + suite + label + material, hashlib.sha256)


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of at most 32 bytes: one block."""
    labelled = length.to_bytes(2, "big") + _VERSION + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", hashlib.sha256)[:length]
