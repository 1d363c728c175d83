"""Domain tags and the hashes made with them; section 4."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from netnode.conformance.faults import demand
from netnode.conformance.limits import MAX_NETWORK_NAME

PURPOSES: Final = (
    "networker",
    "promise",
    "recovery",
    "backup",
    "entry",
    "session-key",
    "noise",
    "stamp",
    "seen",
    "address",
    "ranges",
    "item",
    "letter",
    "letter content",
    "letter token",
    "key id",
    "referral",
    "path",
    "shop",
    "shopper",
    "deal message",
    "mandate",
    "review",
    "offer",
    "offer code",
    "named buyer",
    "consent",
    "invite",
    "application",
    "leaving",
    "training",
    "followup",
    "placing",
    "buyback",
    "alliance",
    "alliance_end",
    "credit request",
    "credit limit",
    "credit swap",
    "credit release",
)


def tag(network: str, purpose: str) -> bytes:
    """What precedes everything that is hashed or signed for a purpose [R-TAG-1].

    Raises:
        Fault: `local` for a name no network can have, or a purpose there is not.
    """
    named = re.fullmatch(r"[a-z0-9-]+", network) is not None and len(network) <= MAX_NETWORK_NAME
    demand(named, "local", "no name of a network")
    demand(purpose in PURPOSES, "local", "no purpose of a tag")
    return b"INX/1\0" + network.encode() + b"\0" + purpose.encode() + b"\0"


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of these bytes joined."""
    return hashlib.sha256(b"".join(parts)).digest()


def networker_id(network: str, inception: bytes) -> bytes:
    """The id of the networker whose inception has this record [R-ID-1]."""
    return sha256(tag(network, "networker"), inception)


def promise(network: str, key: bytes) -> bytes:
    """The promise of a public key [R-KEY-5]."""
    return sha256(tag(network, "promise"), key)
