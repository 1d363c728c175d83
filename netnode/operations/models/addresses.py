"""Addresses that the node knows, of peers its owner named and of others."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netnode.operations.models.peers import Peer


class KnownAddress(Struct, frozen=True, kw_only=True):
    """One address of a networker. `id` is null while nobody was met there."""

    id: str | None
    address: str
    group: str  # network group: /16 or /32, the domain, `loopback`, `private`
    state: Literal["named", "new", "tried"]  # named by the owner; only heard of; met there
    kept: bool = False  # dialled first after a restart
    source: str | None = None  # network group of who told it
    met: int | None = None  # when the networker was last met there, ms
    attempt: int | None = None  # when it was last dialled, ms
    retry: int | None = None  # not dialled before, ms; null: at any time
    failures: int = 0  # in a row
    failure: str | None = None  # why the newest attempt failed
    discouraged: int | None = None  # until when this node avoids the host, ms
    fault: str | None = None  # why it does


class PeerShown(Struct, frozen=True, kw_only=True):
    """A peer with everything known of its addresses."""

    peer: Peer
    addresses: list[KnownAddress]
