"""Makes tests/vectors/recovery.json: ``python -m tests.vectors.generate.recovery``."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.vectors.generate import curve
from tests.vectors.generate.writing import Vector, write

ABOUT: Final = (
    "Promised keys: the entropy of the 24 recovery words (32 bytes), network and epoch give the Ed25519 seed of the "
    "key that opens the epoch, its public key, and the promise that the opener before carries. Without an epoch: the "
    "X25519 private key that opens backups, and its public key. Hex."
)


def hkdf(material: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, empty salt, 32 bytes: extract, then one block of expand."""
    return hmac.digest(hmac.digest(bytes(32), material, "sha256"), info + b"\x01", "sha256")


def vectors() -> list[Vector]:
    found: list[Vector] = []
    entropies = {"zeros": bytes(32), "count": bytes(range(32)), "ones": b"\xff" * 32}
    for name, entropy in entropies.items():
        for network, epoch in (("inx", 1), ("inx", 2), ("inx", 191), ("inx", 2**32 - 1), ("test-1", 1)):
            head = b"INX/1\0" + network.encode() + b"\0"
            seed = hkdf(entropy, head + b"recovery\0" + epoch.to_bytes(4, "big"))
            public, _ = curve.sign(seed, b"")
            found.append(
                {
                    "id": f"{name}-{network}-{epoch}",
                    "comment": f"network {network}, epoch {epoch}",
                    "requirement": "R-KEY-4",
                    "input": {"network": network, "entropy": entropy.hex(), "epoch": epoch},
                    "expected": {
                        "seed": seed.hex(),
                        "public": public.hex(),
                        "promise": hashlib.sha256(head + b"promise\0" + public).hexdigest(),
                    },
                }
            )
        for network in ("inx", "test-1"):
            private = hkdf(entropy, b"INX/1\0" + network.encode() + b"\0backup\0")
            public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
            found.append(
                {
                    "id": f"{name}-{network}-backup",
                    "comment": f"network {network}, the key of backups",
                    "requirement": "R-KEY-6",
                    "input": {"network": network, "entropy": entropy.hex()},
                    "expected": {"private": private.hex(), "public": public.hex()},
                }
            )
    refused = (
        ("epoch-0", "epoch 0 is opened by the inception", bytes(32), 0),
        ("epoch-large", "the epoch does not fit 4 bytes", bytes(32), 2**32),
        ("short", "31 bytes of entropy", bytes(31), 1),
        ("long", "33 bytes of entropy", bytes(33), 1),
    )
    for name, comment, entropy, epoch in refused:
        given = {"network": "inx", "entropy": entropy.hex(), "epoch": epoch}
        head_ = {"id": name, "comment": comment, "requirement": "R-KEY-4"}
        found.append({**head_, "input": given, "error": "local"})
    given = {"network": "inx", "entropy": bytes(31).hex()}
    found.append(
        {
            "id": "short-backup",
            "comment": "31 bytes of entropy",
            "requirement": "R-KEY-6",
            "input": given,
            "error": "local",
        }
    )
    return found


if __name__ == "__main__":
    write("recovery", ABOUT, vectors())
