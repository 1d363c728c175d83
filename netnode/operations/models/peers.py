"""The book, sessions, follows."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import NetworkerText


class Invitation(Struct, frozen=True):
    """An `inx:` URI that leads another node here."""

    uri: str


class PeerUri(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a peer is: `inx:...` (an invite, also followed) or `ws://host:port/path`."""

    uri: Annotated[str, Meta(min_length=1, max_length=4096)]
    pin: Annotated[str, Meta(pattern="^[0-9]{6}$")] | None = None  # of an invite that asks for one


class PeerName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a peer of the book: its networker id or one of its addresses."""

    peer: Annotated[str, Meta(min_length=1, max_length=512)]


class PeerBlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuses (or, `lifted`, allows again) sessions with a networker; private to this node."""

    id: NetworkerText
    lifted: bool = False


class Peer(Struct, frozen=True, kw_only=True):
    """One peer of the book. `id` is null until the first session with a bare address."""

    id: str | None
    name: str | None = None
    addresses: list[str]
    state: Literal["connected", "known", "blocked"]
    inbound: bool = False  # of the open session: the peer dialled
    seen: int | None = None  # newest session, ms
    note: str | None = None  # why the newest attempt failed
    invite: Literal["pending", "joined", "refused"] | None = None  # of this peer, shown by this node


class Networker(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a networker."""

    id: NetworkerText


class Follow(Struct, frozen=True, kw_only=True):
    """A networker that is followed; its log is kept and wanted from every peer."""

    id: str
    name: str | None = None
    entries: int = 0  # held here
