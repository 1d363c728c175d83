"""Feature bits of the hello [R-SES-7]. An odd one says: I answer these questions; an even one must be understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of SPEC's table: bit, name, the messages that may be sent to who names it, purpose."""

    bit: int
    name: str
    messages: tuple[str, ...]
    purpose: str


RANGES: Final = 1
QUERY: Final = 3
PEERS: Final = 5
REACH: Final = 7

FEATURES: Final = (
    Feature(RANGES, "ranges", ("ranges",), "compares the items of large stores by fingerprints of ranges"),
    Feature(QUERY, "query", ("query",), "searches the listings held here for others"),
    Feature(PEERS, "peers", ("ask_peers",), "tells addresses that their networkers signed"),
    Feature(REACH, "reach", ("join", "ping", "dial_back"), "takes invites, and says how it reaches the asker"),
)
