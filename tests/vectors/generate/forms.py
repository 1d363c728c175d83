"""How values stand in a vector file: bytes in hex, entries and runs as arrays, canonical values with marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.entry import Entry
from protocol.run import Run
from tests.vectors.generate.writing import Vector


def entry(one: Entry) -> list[str | None]:
    """[header, signature, record or null]."""
    return [one.header.hex(), one.signature.hex(), None if one.record is None else one.record.hex()]


def chain(entries: Sequence[Entry]) -> list[list[str | None]]:
    """Several entries."""
    return [entry(one) for one in entries]


def hexed(value: Any) -> Any:
    """Lists with bytes in hex; for values without str, where nothing is mistaken for hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [hexed(member) for member in value]
    if isinstance(value, Run):
        return hexed([value.author, value.epoch, value.term, value.first, value.prev, value.entries])
    return value


def marked(value: Any) -> Any:
    """A canonical value without loss: bytes are {"bin": hex}, maps {"map": [[key, value], ...]}, text {"str": ...}."""
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, str):
        return {"str": value}
    if isinstance(value, list | tuple):
        if len(value) > 100 and set(value) == {None}:
            return {"nils": len(value)}
        return [marked(member) for member in value]
    if isinstance(value, dict):
        return {"map": [[key, marked(value[key])] for key in value]}
    return value


def vector(id: str, comment: str, requirement: str, given: Any, **outcome: Any) -> Vector:
    """One vector; `outcome` is expected=..., error=..., or both, and intermediate values."""
    return {"id": id, "comment": comment, "requirement": requirement, "input": given, **outcome}
