"""Field tables: what SPEC prints of a record is read from the Struct that decodes it, so both agree."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import inspect as shapes

from protocol.errors import LocalProtocolError


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its wire name, type and bounds in words, whether it must be there, and what it means."""

    name: str
    type: str
    bounds: str
    required: bool
    doc: str


def table(struct: type[msgspec.Struct]) -> tuple[FieldRow, ...]:
    """The fields of a record or nested record, in the byte order of their names, as on the wire."""
    rows = []
    for field in _info(struct).fields:
        text, kind = _unwrap(field.type)
        name, bounds = _describe(kind)
        rows.append(FieldRow(field.encode_name, name, bounds, field.required, text))
    return tuple(rows)


def nested(struct: type[msgspec.Struct]) -> tuple[type[msgspec.Struct], ...]:
    """The nested records that the table of `struct` names, in order of first use, theirs included."""
    found: dict[type[msgspec.Struct], None] = {}
    for field in _info(struct).fields:
        _, kind = _unwrap(field.type)
        if isinstance(kind, shapes.VarTupleType):
            _, kind = _unwrap(kind.item_type)
        if isinstance(kind, shapes.StructType):
            found[kind.cls] = None
            found.update(dict.fromkeys(nested(kind.cls)))
    return tuple(found)


def _info(struct: type[msgspec.Struct]) -> shapes.StructType:
    info = shapes.type_info(struct)
    if not isinstance(info, shapes.StructType):
        raise LocalProtocolError(f"{struct!r} is no Struct")
    return info


def _unwrap(kind: shapes.Type) -> tuple[str, shapes.Type]:
    """Takes the description off a type; that a field may be absent msgspec has taken off already."""
    text = ""
    while isinstance(kind, shapes.Metadata):
        text = text or str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    return text, kind


def _describe(kind: shapes.Type) -> tuple[str, str]:
    _, kind = _unwrap(kind)
    match kind:
        case shapes.StrType():
            bounds = _span(kind.min_length, kind.max_length, "characters")
            if kind.pattern is not None:
                bounds += f", matches {kind.pattern.replace(chr(92) + 'Z', '$')}"
            return "str", bounds
        case shapes.BytesType():
            return "bin", _span(kind.min_length, kind.max_length, "bytes")
        case shapes.BoolType():
            return "bool", ""
        case shapes.IntType():
            return "int", _span(kind.ge, kind.le, "")
        case shapes.LiteralType():
            return "str", "one of " + ", ".join(str(value) for value in kind.values)
        case shapes.StructType():
            return kind.cls.__name__, ""
        case shapes.TupleType():
            members = [_describe(member) for member in kind.item_types]
            return "array", "[" + ", ".join(" ".join(filter(None, member)) for member in members) + "]"
        case shapes.VarTupleType(item_type=shapes.AnyType(), min_length=3, max_length=3):
            return "entry", ""
        case shapes.VarTupleType():
            name, bounds = _describe(kind.item_type)
            each = f", each {bounds}" if bounds else ""
            span = _span(kind.min_length, kind.max_length, "elements") + each
            return f"array of {name}", span.removeprefix(", ")
        case shapes.AnyType():
            return "entry", ""
    raise LocalProtocolError(f"no words for the type {kind!r}")


def _span(least: float | None, most: float | None, unit: str) -> str:
    if most is None:
        return ""
    low, high = int(least or 0), int(most)
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{span} {unit}".rstrip()
