"""Keys and requests of buyers without a node; section 23.2."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from netnode.conformance.encoding import encode
from netnode.conformance.faults import demand
from netnode.conformance.limits import CLOCK_TOLERANCE_MS
from netnode.conformance.signatures import valid
from netnode.conformance.tags import tag

_BYTES: Final = 32


def derived(network: str, secret: bytes, purpose: str) -> bytes:
    """The private key of a deal for `sign` or `seal` [R-SHOP-13]."""
    info = tag(network, "shopper") + purpose.encode()
    return HKDF(SHA256(), _BYTES, None, info).derive(secret)


def check_request(
    network: str, host: bytes, key: bytes, signature: bytes, about: list[object], now: int
) -> None:
    """Whether a request, whose second member is its date, is the key's and of now [R-SHOP-3].

    Raises:
        Fault: `clock`, `signature`.
    """
    time = about[1]
    demand(isinstance(time, int) and abs(time - now) <= CLOCK_TOLERANCE_MS, "clock", "of the request")
    demand(
        valid(key, tag(network, "shop") + encode([host, *about]), signature), "signature", "of the request"
    )
