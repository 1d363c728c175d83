"""Where a networker's node answers: signed address statements, and which addresses may travel [R-BOOK-1..6].

A statement is a canonical map of exactly these fields: addresses, epoch, id, signature, time. The signature is
Ed25519 by the signing key of the networker in `epoch`, over ``tag("address")`` and the canonical map of all other
fields. On the wire it travels with the openers that prove this key, or with none where the receiver may know them.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from protocol import encoding, limits
from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.openers import start
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.tags import tag
from protocol.uri import address_problem

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_LOCAL_NAMES: Final = frozenset({"localhost", "local", "internal", "lan", "home", "arpa", "test", "invalid"})
_CLOSED_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
    )
)  # fmt: skip
_OPEN_6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_6: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
DAY_MS: Final = 86_400_000


class Scope(enum.Enum):
    """From where an address can be dialled."""

    PUBLIC = "public"
    PRIVATE = "private"  # one network only, or nowhere
    LOOPBACK = "loopback"  # the computer itself


class AddressStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as it travels; fields in byte order, so that its encoding is canonical.

    `time` is the networker's clock in ms UTC; `addresses` stand in the order in which to try them.
    """

    addresses: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=limits.MAX_ADDRESS)]],
        msgspec.Meta(min_length=1, max_length=limits.MAX_ADDRESSES),
    ]
    epoch: Annotated[int, msgspec.Meta(ge=0, lt=limits.MAX_EPOCHS)]
    id: _Hash
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    time: Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]

    @property
    def age(self) -> tuple[int, int, bytes]:
        """Of two statements of one networker the one with the higher value is the newer [R-BOOK-4]."""
        return (self.epoch, self.time, self.signature)


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with the openers that prove its key: the inception and the rotations, or none."""

    statement: AddressStatement
    openers: tuple[Entry, ...] = ()

    def wire(self) -> list[Any]:
        """As it stands in a message."""
        return [msgspec.structs.asdict(self.statement), [entry.wire() for entry in self.openers]]


def statement_bytes(network: str, statement: AddressStatement) -> bytes:
    """What the signature of a statement is over: the tag, then the canonical map without the signature."""
    fields = msgspec.structs.asdict(statement)
    del fields["signature"]
    return tag(network, "address") + encoding.encode(fields)


def sign(
    network: str, signer: Signer, *, networker: bytes, epoch: int, addresses: Iterable[str], time: int
) -> AddressStatement:
    """A signed statement of the own addresses.

    Args:
        network: name of the network.
        signer: the signing key of `epoch`.
        networker: whose node it is.
        epoch: the newest one.
        addresses: ``ws://`` and ``wss://``, preferred first, 1 to MAX_ADDRESSES.
        time: now, in ms UTC.
    """
    unsigned = AddressStatement(list(addresses), epoch, networker, b"", time)
    return msgspec.structs.replace(unsigned, signature=signer.sign(statement_bytes(network, unsigned)))


def verify(network: str, statement: AddressStatement, key: bytes) -> bool:
    """Whether this key signed it; the caller knows the key of the networker in `epoch`."""
    return verify_signature(key, statement.signature, statement_bytes(network, statement))


def parse_told(value: object) -> Told:
    """A statement with its openers, as it comes inside a message; signatures are not checked here [R-BOOK-1].

    Raises:
        RemoteProtocolError: `bad_message`; of an opener also the codes of an entry's form.
    """
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
        raise RemoteProtocolError("bad_message", "an address is told as a statement and its openers")
    try:
        statement = encoding.typed(value[0], AddressStatement)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_message", f"an address statement has a wrong form: {error}") from error
    for address in statement.addresses:
        if (problem := address_problem(address)) is not None:
            raise RemoteProtocolError("bad_message", f"the address {address[:80]!r} {problem}")
    if len(set(statement.addresses)) != len(statement.addresses):
        raise RemoteProtocolError("bad_message", "an address statement names an address twice")
    if value[1] and len(value[1]) != statement.epoch + 1:
        raise RemoteProtocolError("bad_message", "the openers are not those up to the epoch of the statement")
    return Told(statement, tuple(parse_wire(entry) for entry in value[1]))


def decode_told(data: bytes) -> Told:
    """The same from canonical bytes, as a node keeps it.

    Raises:
        RemoteProtocolError: the codes of the encoding, or as `parse_told`.
    """
    return parse_told(encoding.decode(data))


def encode_told(told: Told) -> bytes:
    """The canonical bytes of a statement with its openers."""
    return encoding.encode(told.wire())


def proved_key(network: str, told: Told) -> bytes:
    """The signing key of the statement's epoch, by its openers [R-BOOK-3].

    Raises:
        RemoteProtocolError: the codes of openers; `opener` when they are another networker's.
    """
    openers = start(network, told.openers[0])
    for entry in told.openers[1:]:
        try:
            openers = openers.admit(entry)
        except NotHeld as error:
            raise RemoteProtocolError("opener", error.text) from error
    if openers.author != told.statement.id or openers.epoch != told.statement.epoch:
        raise RemoteProtocolError("opener", "the openers are not those of the networker and its epoch")
    return openers.keys(openers.epoch)[0]


def require_signed(network: str, statement: AddressStatement, key: bytes) -> None:
    """Refuses a statement that this key did not sign [R-BOOK-2].

    Raises:
        RemoteProtocolError: `signature`.
    """
    if not verify(network, statement, key):
        raise RemoteProtocolError("signature", "an address statement is not signed by its networker")


# -- which may travel ----------------------------------------------------------------------------------------
def current(statement: AddressStatement, now: int) -> bool:
    """Whether it is neither older than ADDRESS_DAYS nor dated ahead [R-BOOK-4]."""
    return now - limits.ADDRESS_DAYS * DAY_MS <= statement.time <= now + limits.CLOCK_TOLERANCE_MS


def may_travel(statement: AddressStatement, loopback: bool) -> bool:
    """Whether a statement may cross a link: all its addresses are public, or on a loopback link loopback [R-BOOK-5]."""
    scopes = {scope_of(address) for address in statement.addresses}
    return scopes == {Scope.PUBLIC} or (loopback and scopes == {Scope.LOOPBACK})


def scope_of(address: str) -> Scope:
    """The scope of a ``ws://`` or ``wss://`` address, by its host."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return Scope.PRIVATE
    return host_scope(host)


def host_scope(host: str) -> Scope:
    """The scope of a host: an IP address (IPv6 without brackets) or a name."""
    ip = ip_of(host)
    if ip is not None:
        return ip_scope(ip)
    labels = host.lower().removesuffix(".").split(".")
    if labels[-1] == "localhost":
        return Scope.LOOPBACK
    # A last label that begins with a digit is a number to some resolvers: `127.1` is this computer.
    if len(labels) < 2 or labels[-1] in _LOCAL_NAMES or not labels[-1][:1].isalpha():
        return Scope.PRIVATE
    return Scope.PUBLIC


def ip_scope(ip: _IP) -> Scope:
    """The scope of an IP address; an IPv4 address inside IPv6 (``::ffff:a.b.c.d``) is that IPv4 address."""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return Scope.LOOPBACK
    if isinstance(ip, ipaddress.IPv4Address):
        return Scope.PRIVATE if any(ip in net for net in _CLOSED_4) else Scope.PUBLIC
    return Scope.PUBLIC if ip in _OPEN_6 and not any(ip in net for net in _CLOSED_6) else Scope.PRIVATE


def ip_of(host: str) -> _IP | None:
    """The IP address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
