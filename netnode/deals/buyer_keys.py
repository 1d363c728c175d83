"""The key of an own order: fresh for each deal, and derived, so that a backup of the keystore brings it back.

    seed = HKDF-SHA256(key material = deal secret, salt = empty, info = tag("deal key") + salt of the goods, 32 bytes)

The other side has the goods with their salt, so a node that lost its store and asks it again can go on.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.signing import SEED_BYTES, Signer
from protocol.tags import tag


def buyer_signer(network: str, secret: bytes, salt: bytes) -> Signer:
    """The signer of an own order.

    Args:
        network: name of the network.
        secret: `deal_secret` of the keystore.
        salt: of the goods of the order.
    """
    info = tag(network, "deal key") + salt
    return Signer(HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=info).derive(secret))
