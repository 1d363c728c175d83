"""Networker ids: the hash of the inception record, which outlives every key [R-ID-1..3]."""

from __future__ import annotations

import hashlib
from typing import Final, NewType

from protocol import bech32
from protocol.errors import RemoteProtocolError
from protocol.tags import tag

NetworkerId = NewType("NetworkerId", bytes)
ID_PREFIX: Final = "nx"
ID_BYTES: Final = 32


def networker_id(network: str, inception_record: bytes) -> NetworkerId:
    """The id that an inception record gives: 32 bytes, SHA-256 of the tag `networker` and the record [R-ID-1]."""
    return NetworkerId(hashlib.sha256(tag(network, "networker") + inception_record).digest())


def id_text(networker: bytes) -> str:
    """The text form a person sees: bech32m with prefix `nx`, 61 characters [R-ID-2]."""
    return bech32.encode(ID_PREFIX, networker)


def parse_id(text: str) -> NetworkerId:
    """Reads the text form.

    Raises:
        RemoteProtocolError: `encoding`, with a sentence that says what is wrong (checksum, prefix, length).
    """
    raw = bech32.decode(text, ID_PREFIX)
    if len(raw) != ID_BYTES:
        raise RemoteProtocolError("encoding", f"a networker id holds {ID_BYTES} bytes, this one {len(raw)}")
    return NetworkerId(raw)
