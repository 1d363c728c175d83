"""Bytes to record and back: strict, and fast where nothing is unknown [R-REC-1..4].

`decode` decodes into the Struct and encodes that again. Equal bytes prove at once that the record is
canonical and holds no unknown field. Only when they differ the generic decoder judges the bytes: then the
difference must be unknown fields and nothing else. Those are ignored here; they survive because the bytes are
kept, and `merge` carries them into an edited record.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError, Void

S = TypeVar("S", bound=msgspec.Struct)

# The first field of an odd record is "$": map header, a1 24, c4 10, 16 random bytes. A zero there is no NUL.
_SALT_ENDS: Final = 21

# What makes an element of a list the same one after an edit, so that its unknown fields can follow it.
_IDENTITY: Final[dict[str, tuple[str, ...]]] = {
    "Variant": ("options",),
    "Image": ("hash", "url"),
    "Shipping": ("regions", "label"),
}


class Codec(Generic[S]):
    """Decodes and encodes one type of record."""

    __slots__ = ("_check", "_decoder", "_flat", "_scan_from", "struct")

    def __init__(self, struct: type[S], check: Callable[[S], None] | None) -> None:
        self.struct = struct
        self._check = check
        self._decoder = msgspec.msgpack.Decoder(struct)
        self._scan_from = _SALT_ENDS if "salt" in struct.__struct_fields__ else 0
        self._flat = _is_flat(struct)

    def decode(self, data: bytes) -> S:
        """Decodes one record.

        Args:
            data: the record's bytes as they came.

        Raises:
            Void: `malformed`, with a sentence that names the field: not canonical, a missing field, a wrong
                type or bound, or fields that contradict each other [R-REC-2].
        """
        if len(data) > limits.MAX_RECORD:
            raise Void("malformed", f"the record: {len(data)} bytes; at most {limits.MAX_RECORD} are allowed")
        try:
            record = self._decoder.decode(data)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise Void("malformed", _sentence(error)) from error
        # A zero byte may be a NUL in a text; only more bytes than MAX_NODES can hold more values than that.
        plain = self._flat or (data.find(0, self._scan_from) < 0 and len(data) <= limits.MAX_NODES)
        if not plain or encoding.encode_struct(record) != data:
            _judge_generic(record, data)
        if self._check is not None:
            self._check(record)
        return record

    def encode(self, record: S) -> bytes:
        """Encodes a record and proves that it decodes.

        Raises:
            LocalProtocolError: a field that INX does not allow; the sentence names it.
        """
        try:
            data = encoding.encode_struct(record)
        except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError, TypeError) as error:
            raise LocalProtocolError(f"the record: a value has no encoding: {error}") from error
        try:
            self.decode(data)
        except Void as error:
            raise LocalProtocolError(error.text) from error
        return data


def _is_flat(struct: type[msgspec.Struct]) -> bool:
    """Whether all fields are numbers and bytes: no text that could hold a NUL, and no more values than fields."""
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    types = (getattr(field.type, "type", field.type) for field in info.fields)  # what a doc is about
    return all(isinstance(each, msgspec.inspect.IntType | msgspec.inspect.BytesType) for each in types)


def _judge_generic(record: msgspec.Struct, data: bytes) -> None:
    """Accepts bytes that differ from the typed encoding by unknown fields only [R-REC-4]."""
    try:
        value = encoding.decode(data, limits.MAX_RECORD)
        known = encoding.decode(encoding.encode_struct(record), limits.MAX_RECORD)
    except RemoteProtocolError as error:
        raise Void("malformed", f"the record is not canonical: {error.text}") from error
    if not _agrees(value, known):
        raise Void("malformed", "the record is not canonical: a field is not encoded as its type demands")


def _agrees(value: Any, known: Any) -> bool:
    """Whether `value` is `known` with nothing but further map keys."""
    if type(value) is not type(known):
        return False
    if isinstance(known, dict):
        return all(name in value and _agrees(value[name], member) for name, member in known.items())
    if isinstance(known, list):
        return len(value) == len(known) and all(map(_agrees, value, known))
    return bool(value == known)


def _sentence(error: Exception) -> str:
    """Turns msgspec's message into one that starts with the field."""
    if not isinstance(error, msgspec.DecodeError):
        return "the record is not canonical: a text is not well-formed UTF-8, or nesting is too deep"
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return f"the record is not one MessagePack map: {text[:1].lower()}{text[1:]}"
    what, _, place = text.rpartition(" - at `$")
    if not what:
        what, place = text, ""
    field = place.rstrip("`").lstrip(".") or "the record"
    return f"{field}: {what[:1].lower()}{what[1:]}".replace("`", "")


def merge(old: bytes, record: msgspec.Struct) -> bytes:
    """Encodes an edited record with the unknown fields of its former bytes.

    Unknown fields are carried over at the top, in nested records, and in those elements of lists that are
    still the same (variants by their options, images by hash and URL, rates by regions and label).

    Args:
        old: the bytes of the former version; a record of the same type.
        record: the new content of the known fields.

    Raises:
        LocalProtocolError: the result is not a record INX allows.
    """
    try:
        former = encoding.decode(old, limits.MAX_RECORD)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"the former version cannot be edited: {error.text}") from error
    value = encoding.decode(encoding.encode_struct(record), limits.MAX_RECORD)
    data = encoding.encode(_carried(former, value, type(record)))
    if len(data) > limits.MAX_RECORD:
        raise LocalProtocolError(f"the record has {len(data)} bytes; at most {limits.MAX_RECORD} are allowed")
    return data


def _carried(former: Any, value: dict[str, Any], struct: type) -> dict[str, Any]:
    if not isinstance(former, dict):
        return value
    shape = _shape(struct)
    for name, member in former.items():
        if name not in shape:
            value[name] = member
            continue
        nested, is_list = shape[name]
        if nested is None or name not in value or (is_list and not isinstance(member, list)):
            continue
        if not is_list:
            _carried(member, value[name], nested)
            continue
        by = _IDENTITY.get(nested.__name__, ())
        candidates = {_identity(element, by): element for element in member if isinstance(element, dict)}
        for element in value[name]:
            _carried(candidates.get(_identity(element, by)), element, nested)
    return value


def _identity(element: dict[str, Any], by: tuple[str, ...]) -> str:
    return repr([element.get(name) for name in by])


@functools.cache
def _shape(struct: type) -> dict[str, tuple[type | None, bool]]:
    """Wire name -> (nested Struct or None, whether it is a list of them)."""
    shape: dict[str, tuple[type | None, bool]] = {}
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        members = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        nested: type | None = None
        is_list = False
        for member in members:
            kind = member.type if isinstance(member, msgspec.inspect.Metadata) else member
            if isinstance(kind, msgspec.inspect.VarTupleType):
                is_list = True
                kind = kind.item_type
            if isinstance(kind, msgspec.inspect.StructType):
                nested = kind.cls
        shape[field.encode_name] = (nested, is_list)
    return shape
