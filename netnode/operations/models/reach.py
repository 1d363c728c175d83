"""Invites with a token, being reached, domains, nodes nearby."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import NetworkerText

DAY_SECONDS = 86_400

Reached = Literal["yes", "lan", "here", "no", "unknown"]
"""From the internet, from the local network, from this computer only, not at all, nobody asked yet."""


class InviteOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an invite shall be; `expires_in` in seconds, null for one that never ends."""

    expires_in: Annotated[int, Meta(ge=60, le=366 * DAY_SECONDS)] | None = 7 * DAY_SECONDS
    pin: bool = False
    uses: Annotated[int, Meta(ge=1, le=1_000)] = 1  # a hall full of people: who joins leaves a row
    follow: bool = False  # follow whoever joins
    note: Annotated[str, Meta(max_length=100)] = ""


class InviteMade(Struct, frozen=True, kw_only=True):
    """A new invite. The PIN is shown only here; tell it by another channel than the link."""

    number: int
    uri: str
    pin: str | None
    expires: int | None
    uses: int
    follow: bool


class Joiner(Struct, frozen=True, kw_only=True):
    """Who joined by an invite, and when."""

    id: str
    name: str | None = None
    since: int


class Invite(Struct, frozen=True, kw_only=True):
    """An invite made here. `state` says why one opens nothing any more."""

    number: int
    state: Literal["open", "expired", "used", "locked", "revoked"]
    pin: bool
    expires: int | None
    uses: int
    wrong_pins: int
    follow: bool
    note: str
    made: int
    joined: list[Joiner]


class InviteNumber(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an invite by its number in the list."""

    number: Annotated[int, Meta(ge=1)]


class PingOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which peer to ping: its id or one of its addresses."""

    peer: Annotated[str, Meta(min_length=1, max_length=512)]


class Pinged(Struct, frozen=True, kw_only=True):
    """The answer of a peer: round trip and clock difference (theirs less ours) in ms, where it sees this node."""

    id: str
    name: str | None = None
    remote: str
    milliseconds: float
    clock: int
    seen_as: str | None


class PeerCheck(Struct, frozen=True, kw_only=True):
    """What one peer said in a netcheck; `reached` is null when it did not try to dial back, `note` says why."""

    id: str
    name: str | None = None
    remote: str
    milliseconds: float | None = None
    clock: int | None = None
    seen_as: str | None = None
    dialled: str | None = None
    reached: bool | None = None
    note: str | None = None


class Netcheck(Struct, frozen=True, kw_only=True):
    """Where this node can be reached, and what to do about it in plain words."""

    reachable: Reached
    listen: str
    port: int
    local: list[str]  # IP addresses of this computer
    seen_as: list[str]  # IP addresses at which peers see it
    confirmed: list[str]  # addresses at which peers reached it
    ipv6: bool
    outbound: int  # sessions this node opened
    inbound: int
    clock: int | None  # off the peers' median, ms; null with too few peers
    clock_doubt: int | None = (
        None  # off what little there is to compare it with then, ms; null: nothing is noticed
    )
    peers: list[PeerCheck]
    advice: list[str]


class Neighbour(Struct, frozen=True, kw_only=True):
    """A node that announces itself in the local network; nothing of it is proved before a session."""

    id: str
    name: str | None = None
    addresses: list[str]
    uri: str  # for peer add
    seen: int
    known: bool  # in the book already


class DomainChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose domain to look at; null for the own networker."""

    id: NetworkerText | None = None


class DomainCheck(Struct, frozen=True, kw_only=True):
    """Whether the domain in a profile names its networker. `unverified`: never looked at, or it changed since."""

    id: str
    name: str | None = None
    domain: str
    state: Literal["unverified", "verified", "failed"]
    checked: int | None = None
    note: str | None = None  # why it failed


class WellKnown(Struct, frozen=True, kw_only=True):
    """The document a domain serves at /.well-known/netnode.json."""

    id: str
    network: str
    addresses: list[str]
    name: str | None = None
    version: str | None = None
