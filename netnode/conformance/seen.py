"""Seen statements: a witness stored an entry by a certain time; section 12.3."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import demand
from netnode.conformance.limits import HASH_BYTES, MAX_EPOCHS, MAX_SEQ, SIGNATURE_BYTES
from netnode.conformance.shapes import bin_, int_, must, table
from netnode.conformance.signatures import sign, valid
from netnode.conformance.tags import tag

_FIELDS: Final = {
    "author": must(bin_(HASH_BYTES)),
    "epoch": must(int_(0, MAX_EPOCHS - 1)),
    "id": must(bin_(HASH_BYTES)),
    "seq": must(int_(0, MAX_SEQ)),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "term": must(int_()),
    "time": must(int_()),
    "witness": must(bin_(HASH_BYTES)),
    "witness_epoch": must(int_(0, MAX_EPOCHS - 1)),
}


def is_statement(value: object) -> bool:
    """Whether this has the form of a statement: exactly these fields [R-SEEN-1]."""
    return table(_FIELDS)(value) and isinstance(value, dict) and value.keys() == _FIELDS.keys()


def signed(network: str, statement: dict[str, Any]) -> bytes:
    """What the witness signs [R-SEEN-2]."""
    others = {name: value for name, value in statement.items() if name != "signature"}
    return tag(network, "seen") + encode(others)


def write_statement(network: str, seed: bytes, **fields: object) -> dict[str, Any]:
    """The statement with these fields, signed."""
    return {**fields, "signature": sign(seed, signed(network, fields))}


def read_statement(data: bytes) -> dict[str, Any]:
    """The statement in these bytes.

    Raises:
        Fault: as `decode` says, or `bad_message`.
    """
    statement = decode(data)
    demand(is_statement(statement), "bad_message", "no statement")
    found: dict[str, Any] = statement
    return found


def check_statement(network: str, statement: dict[str, Any], key: bytes) -> None:
    """Checks a statement under the signing key of the witness in its `witness_epoch` [R-SEEN-2].

    Raises:
        Fault: `signature`.
    """
    demand(valid(key, signed(network, statement), statement["signature"]), "signature", "of the statement")
