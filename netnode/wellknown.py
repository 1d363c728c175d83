"""The document at ``https://DOMAIN/.well-known/netnode.json``: which networker a domain belongs to [R-REACH-9..11]."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.errors import RemoteProtocolError
from protocol.identity import parse_id

PATH: Final = "/.well-known/netnode.json"
MAX_BYTES: Final = 16 * 1024  # why: an id, a name and eight addresses have not 4 KiB
MAX_AGE_SECONDS: Final = 300


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs of it; other members are ignored."""

    id: str
    network: str


def fault(data: bytes, networker: bytes, network: str) -> str | None:
    """Why the document does not name this networker, as the end of a sentence; None when it does."""
    try:
        found = msgspec.json.decode(data, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "holds no JSON object with the texts id and network"
    try:
        named = parse_id(found.id)
    except RemoteProtocolError:
        return "names no networker"
    if found.network != network:
        return "is for another network"
    return None if named == networker else "names another networker"
