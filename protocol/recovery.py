"""Promised keys: each epoch names, by hash, the key that may end it; 24 words give all of them [R-KEY-4..5].

The words stand for 256 bits of entropy E (BIP-39; the words themselves are the node's business). The key
promised for epoch n, n >= 1, which signs the rotation that opens epoch n, has the Ed25519 seed

    HKDF-SHA256(key material = E, salt = empty, info = tag("recovery") + n as 4 bytes big endian, 32 bytes)

so the words are all that is needed to rotate, however many rotations came before, and one revealed key tells
nothing of the next. The promise is ``SHA-256(tag("promise"), public key)``.

The same words open every backup: a backup is sealed to the X25519 key whose private half is

    HKDF-SHA256(key material = E, salt = empty, info = tag("backup"), 32 bytes)

The node keeps its public half, so that it makes backups without the words.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import LocalProtocolError
from protocol.limits import KEY_BYTES
from protocol.tags import tag

ENTROPY_BYTES: Final = 32
MAX_EPOCH: Final = 2**32 - 1


def promised_seed(network: str, entropy: bytes, epoch: int) -> bytes:
    """The 32-byte Ed25519 seed of the key that opens an epoch.

    Args:
        network: name of the network; the same words give other keys in another one.
        entropy: the 32 bytes the recovery words stand for.
        epoch: 1 or more; epoch 0 is opened by the inception.

    Raises:
        LocalProtocolError: entropy of another length, or no such epoch.
    """
    if not 1 <= epoch <= MAX_EPOCH:
        raise LocalProtocolError(f"no promised key opens epoch {epoch}")
    return _derived(entropy, tag(network, "recovery") + epoch.to_bytes(4, "big"))


def backup_seed(network: str, entropy: bytes) -> bytes:
    """The 32-byte X25519 private key that opens the backups of a networker.

    Args:
        network: name of the network.
        entropy: the 32 bytes the recovery words stand for.

    Raises:
        LocalProtocolError: entropy of another length.
    """
    return _derived(entropy, tag(network, "backup"))


def backup_public(network: str, entropy: bytes) -> bytes:
    """The X25519 public key that the backups of a networker are sealed to.

    Raises:
        LocalProtocolError: entropy of another length.
    """
    private = X25519PrivateKey.from_private_bytes(backup_seed(network, entropy))
    return private.public_key().public_bytes_raw()


def _derived(entropy: bytes, info: bytes) -> bytes:
    if len(entropy) != ENTROPY_BYTES:
        raise LocalProtocolError(f"recovery entropy has {ENTROPY_BYTES} bytes, not {len(entropy)}")
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(entropy)


def promise(network: str, public_key: bytes) -> bytes:
    """The 32 bytes by which an opener promises a public key.

    Raises:
        LocalProtocolError: the key does not have 32 bytes.
    """
    if len(public_key) != KEY_BYTES:
        raise LocalProtocolError(f"a public key has {KEY_BYTES} bytes, not {len(public_key)}")
    return hashlib.sha256(tag(network, "promise") + public_key).digest()
