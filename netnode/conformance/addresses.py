"""Address statements, and which addresses may travel; section 12.6."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import INCEPTION, ROTATION, Entry, read_entry
from netnode.conformance.faults import demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_ADDRESS,
    MAX_ADDRESSES,
    MAX_EPOCHS,
    SIGNATURE_BYTES,
)
from netnode.conformance.links import is_address
from netnode.conformance.openers import Arrival, Openers
from netnode.conformance.shapes import array, bin_, differ, int_, must, str_, table
from netnode.conformance.signatures import sign, valid
from netnode.conformance.tags import tag

_FIELDS: Final = {
    "addresses": must(array(str_(0, MAX_ADDRESS), 1, MAX_ADDRESSES)),
    "epoch": must(int_(0, MAX_EPOCHS - 1)),
    "id": must(bin_(HASH_BYTES)),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "time": must(int_()),
}
_LOCAL: Final = ("localhost", "local", "internal", "lan", "home", "arpa", "test", "invalid")
_FOUR: Final = (
    ("0.0.0.0", 8),  # noqa: S104 - compared, not bound
    ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12),
    ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24),
    ("203.0.113.0", 24), ("224.0.0.0", 3),
)  # fmt: skip
_SIX: Final = (("2001::", 23), ("2001:db8::", 32), ("2002::", 16), ("3fff::", 20))


@dataclass(frozen=True, slots=True)
class Told:
    """A statement and the openers beside it."""

    statement: dict[str, Any]
    openers: list[Entry]


def is_told(value: object) -> bool:
    """Whether this is an array of a statement and openers; the openers are judged when they are read [R-BOOK-1]."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    statement, openers = value
    if not table(_FIELDS)(statement) or statement.keys() != _FIELDS.keys():
        return False
    addresses = statement["addresses"]
    right = all(map(is_address, addresses)) and differ(addresses)
    return right and isinstance(openers, list) and len(openers) in (0, statement["epoch"] + 1)


def read_told(data: bytes) -> Told:
    """What stands in these bytes.

    Raises:
        Fault: as `decode` says, `bad_message`, or the codes of an entry's form.
    """
    value = decode(data)
    demand(is_told(value), "bad_message", "no address statement")
    return Told(value[0], [read_entry(alone) for alone in value[1]])


def signed(network: str, statement: dict[str, Any]) -> bytes:
    """What the networker signs [R-BOOK-2]."""
    others = {name: value for name, value in statement.items() if name != "signature"}
    return tag(network, "address") + encode(others)


def write_statement(network: str, seed: bytes, **fields: object) -> dict[str, Any]:
    """The statement with these fields, signed."""
    return {**fields, "signature": sign(seed, signed(network, fields))}


def check_told(network: str, told: Told) -> None:
    """Checks openers and signature [R-BOOK-2] [R-BOOK-3].

    Raises:
        Fault: the codes of openers, `opener`, or `signature`.
    """
    openers = Openers(network)
    for epoch, entry in enumerate(told.openers):
        right = entry.header.kind == (ROTATION if epoch else INCEPTION) and entry.header.epoch == epoch
        demand(right, "opener", "not the opener of the next epoch")
        demand(openers.admit(entry) is Arrival.NEWEST, "opener", "opens nothing new")
    demand(openers.author == told.statement["id"], "opener", "of another networker")
    key = openers.keys(told.statement["epoch"])[0]
    demand(
        valid(key, signed(network, told.statement), told.statement["signature"]), "signature", "of an address"
    )


def scope(host: str) -> str:
    """`public`, `private` or `loopback`, by the host of an address without brackets [R-BOOK-5]."""
    number = _number(host)
    if number is not None:
        return _scope_of(*number)
    labels = host.lower().split(".")
    if labels[-1] == "":
        labels.pop()
    if labels and labels[-1] == "localhost":
        return "loopback"
    named = len(labels) > 1 and labels[-1] not in _LOCAL and "a" <= labels[-1][:1] <= "z"
    return "public" if named else "private"


def _scope_of(value: int, bits: int) -> str:
    if bits == 128 and value >> 32 == 0xFFFF:
        value, bits = value & 0xFFFFFFFF, 32
    if bits == 32:
        if value >> 24 == 127:
            return "loopback"
        return "private" if any(_within(value, bits, *net) for net in _FOUR) else "public"
    if value == 1:
        return "loopback"
    return "private" if value >> 125 != 1 or any(_within(value, bits, *net) for net in _SIX) else "public"


def _within(value: int, bits: int, network: str, length: int) -> bool:
    base = _number(network)
    return base is not None and (value ^ base[0]) >> (bits - length) == 0


def _number(host: str) -> tuple[int, int] | None:
    for kind, bits in ((ipaddress.IPv4Address, 32), (ipaddress.IPv6Address, 128)):
        try:
            return int(kind(host)), bits
        except ValueError:
            continue
    return None
