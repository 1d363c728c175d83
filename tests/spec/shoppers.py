"""The tables of SPEC.md about buyers without a node: tokens, routes and their bodies, printed from the code."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import inspect as shapes

from netnode.shop import bodies, routes
from protocol.messages import Found
from protocol.paths import Referral
from tests.spec.markdown import code, table

ROUTES: Final = (
    ("GET", "", None, bodies.About, "which node this is"),
    ("POST", "/listing", bodies.ListingAsked, bodies.ListingTold, "a listing with its proof"),
    ("POST", "/referral", bodies.ReferralAsked, bodies.ReferralTold, "the link that a code stands for"),
    (
        "POST",
        "/letter",
        bodies.LetterLeft,
        bodies.Kept,
        "leaves a letter to be carried, or kept in the own box",
    ),
    ("POST", "/collect", bodies.Collect, bodies.Collected, "the letters of a box"),
    ("POST", "/witness", bodies.Left, bodies.Kept, "leaves what proves the path of a deal"),
    ("POST", "/review", bodies.ReviewLeft, bodies.Kept, "leaves a review to be published"),
)


def referral() -> str:
    """The fields of a token."""
    return _fields(Referral)


def shop() -> str:
    """The routes, then the fields of every body and answer."""
    listed = table(
        ("method", "path", "body", "answer", "purpose"),
        (
            (
                method,
                code(routes.PREFIX + path),
                "" if body is None else code(body.__name__),
                code(answer.__name__),
                why,
            )
            for method, path, body, answer, why in ROUTES
        ),
    )
    structs = dict.fromkeys(
        each for _, _, body, answer, _ in ROUTES for each in (body, answer) if each is not None
    )
    parts = [f"{code(each.__name__)}:\n\n{_fields(each)}" for each in (*structs, bodies.Refused)]
    return "\n".join([listed, *parts])


def _fields(struct: type[msgspec.Struct]) -> str:
    info = shapes.type_info(struct)
    assert isinstance(info, shapes.StructType)
    rows = []
    for field in info.fields:
        kind, meaning = field.type, ""
        while isinstance(kind, shapes.Metadata):
            meaning = meaning or str((kind.extra_json_schema or {}).get("description", ""))
            kind = kind.type
        rows.append((code(field.encode_name), _type(kind), "yes" if field.required else "no", meaning))
    return table(("field", "type", "required", "meaning"), rows)


def _type(kind: shapes.Type) -> str:
    """A type with its bounds, in words."""
    match kind:
        case shapes.Metadata():
            return _type(kind.type)
        case shapes.UnionType():
            members = [each for each in kind.types if not isinstance(each, shapes.NoneType)]
            nil = " or nil" if len(members) < len(kind.types) else ""
            return " or ".join(map(_type, members)) + nil
        case shapes.BytesType():
            return f"bin{_span(kind.min_length, kind.max_length, 'bytes')}"
        case shapes.StrType():
            matches = "" if kind.pattern is None else f", matches {kind.pattern.replace(chr(92) + 'Z', '$')}"
            return f"str{_span(kind.min_length, kind.max_length, 'characters')}{matches}"
        case shapes.IntType():
            return f"int{_span(kind.ge, kind.le if kind.lt is None else kind.lt - 1, '')}"
        case shapes.BoolType():
            return "bool"
        case shapes.TupleType():
            return f"[{', '.join(map(_type, kind.item_types))}]"
        case shapes.VarTupleType() | shapes.ListType():
            count = _span(kind.min_length, kind.max_length, "elements")
            inner = "any" if isinstance(kind.item_type, shapes.AnyType) else _type(kind.item_type)
            return f"array{count} of {inner}"
        case shapes.StructType():
            assert kind.cls is Found
            return "map"
    raise TypeError(f"no words for the type {kind!r}")


def _span(least: float | None, most: float | None, unit: str) -> str:
    if most is None:
        return ""
    low, high = int(least or 0), int(most)
    return f" of {low:,} {unit}" if low == high else f", {low:,} to {high:,} {unit}".rstrip()
