"""Requests of buyers without a node, signed by the key they are about [R-SHOP-3]."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import encoding
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.signing import verify
from protocol.tags import tag


def request_bytes(network: str, host: bytes, about: Sequence[object]) -> bytes:
    """What a request is signed over.

    Args:
        network: name of the network.
        host: networker id of the node that is asked.
        about: ``letter``, date and SHA-256 of the letter; or ``collect``, date, box and number.
    """
    return tag(network, "shop") + encoding.encode([host, *about])


def check_request(
    network: str, host: bytes, key: bytes, signature: bytes, time: int, about: Sequence[object], now: int
) -> None:
    """Whether the holder of a key asks this node, now; in this order.

    Args:
        network: name of the network.
        host: networker id of the node that is asked.
        key: that the request is about.
        signature: by it.
        time: date of the request, ms UTC.
        about: as `request_bytes`.
        now: ms UTC, the node's.

    Raises:
        NotHeld: `clock`.
        RemoteProtocolError: `signature`.
    """
    if abs(time - now) > CLOCK_TOLERANCE_MS:
        raise NotHeld("clock", "the request is dated too far from the clock of this node")
    if not verify(key, signature, request_bytes(network, host, about)):
        raise RemoteProtocolError("signature", "the request is not signed by the key it is about")
