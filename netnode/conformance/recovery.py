"""Promised keys made from the entropy of recovery words; section 5."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from netnode.conformance.faults import demand
from netnode.conformance.tags import tag


def promised_seed(network: str, entropy: bytes, epoch: int) -> bytes:
    """The Ed25519 seed of the key that signs the rotation opening `epoch` [R-KEY-4].

    Raises:
        Fault: `local` unless the entropy has 32 bytes and the epoch is from 1 on and fits 4 bytes.
    """
    demand(len(entropy) == 32, "local", "recovery words stand for 32 bytes")
    demand(1 <= epoch < 1 << 32, "local", "no epoch that a rotation opens")
    info = tag(network, "recovery") + epoch.to_bytes(4, "big")
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(entropy)


def backup_seed(network: str, entropy: bytes) -> bytes:
    """The X25519 private key that opens backups [R-KEY-6].

    Raises:
        Fault: `local` unless the entropy has 32 bytes.
    """
    demand(len(entropy) == 32, "local", "recovery words stand for 32 bytes")
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=tag(network, "backup")).derive(entropy)
