"""Canonical MessagePack: every value has exactly one encoding, and nothing else decodes [R-ENC-1..9].

Allowed: nil, bool, int within +-(2^53 - 1) in its shortest form, bin, str (well-formed UTF-8, no NUL), array, map
with str keys in byte order without duplicates. No float, no extension type. Depth, number of values and size are
bounded. Libraries accept more than that (long forms, duplicate keys, NaN), so `decode` decodes, encodes again and
compares, then walks the value.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgpack
import msgspec

from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError

T = TypeVar("T")
_UNPACK_ERRORS: Final = (msgpack.exceptions.UnpackException, msgspec.MsgspecError, ValueError, TypeError)
_whole = msgspec.msgpack.Decoder()
_fast = msgspec.msgpack.Encoder(order="deterministic")  # maps by key; Structs as they are declared


def encode(value: Any) -> bytes:
    """Encodes a value canonically; maps may come in any order.

    Args:
        value: None, bool, int, bytes, str, list or tuple, dict with str keys.

    Raises:
        LocalProtocolError: a type, key, integer, depth or count INX does not allow.
    """
    try:
        packed = msgpack.packb(_ordered(value, 0, _Budget()), use_bin_type=True)
    except (ValueError, OverflowError, UnicodeEncodeError) as error:
        raise LocalProtocolError(f"cannot encode: {error}") from error
    return bytes(packed)


def encode_struct(value: object) -> bytes:
    """Encodes a msgspec Struct (fields declared in byte order) or plain tuple; the fast path of `encode`.

    Only the outermost Struct may have more than 15 fields: for such a one msgspec writes the long map header even
    when so many are absent that the short one is canonical. It is mended here.
    """
    data = _fast.encode(value)
    if data[0] == 0xDE and data[1] == 0 and data[2] < 16:
        return bytes((0x80 | data[2],)) + data[3:]
    return data


class _Budget:
    """Counts the values met while walking one message."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = limits.MAX_NODES

    def spend(self) -> bool:
        self.left -= 1
        return self.left < 0


def _ordered(value: Any, depth: int, budget: _Budget) -> Any:
    if depth > limits.MAX_DEPTH or budget.spend():
        raise LocalProtocolError("value too deep or too large to encode")
    if value is None or isinstance(value, bool | bytes):
        return value
    if isinstance(value, int):
        if not -limits.MAX_INT <= value <= limits.MAX_INT:
            raise LocalProtocolError("integer beyond +-(2^53 - 1)")
        return value
    if isinstance(value, str):
        if "\x00" in value:
            raise LocalProtocolError("string with a NUL character")
        return value
    if isinstance(value, list | tuple):
        return [_ordered(member, depth + 1, budget) for member in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) and "\x00" not in key for key in value):
            raise LocalProtocolError("map with a key that is not a plain string")
        keys = sorted(value, key=lambda key: key.encode())
        return {key: _ordered(value[key], depth + 1, budget) for key in keys}
    raise LocalProtocolError(f"type {type(value).__name__} has no encoding")


def decode(data: bytes, max_bytes: int = limits.MAX_MESSAGE) -> Any:
    """Decodes exactly one canonical value.

    Args:
        data: the bytes; at most `max_bytes` of them.
        max_bytes: the limit of the carrier (message or record).

    Raises:
        RemoteProtocolError: `too_large`, `encoding` (not one value of the allowed types) or `not_canonical`.
    """
    if len(data) > max_bytes:
        raise RemoteProtocolError("too_large", f"{len(data)} bytes, at most {max_bytes} allowed")
    try:
        _whole.decode(data)  # msgpack makes room for whatever a count says, before anything of it came
        value = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            unicode_errors="strict",
            max_str_len=max_bytes,
            max_bin_len=max_bytes,
            max_array_len=max_bytes,
            max_map_len=max_bytes,
            max_ext_len=0,
        )
    except (RecursionError, msgpack.exceptions.StackError) as error:
        raise RemoteProtocolError("too_large", f"nested deeper than {limits.MAX_DEPTH}") from error
    except _UNPACK_ERRORS as error:
        raise RemoteProtocolError(
            "encoding", "not one MessagePack value: damaged, cut off, or followed by more"
        ) from error
    _check(value, 0, _Budget())
    if msgpack.packb(value, use_bin_type=True) != data:
        raise RemoteProtocolError("not_canonical", "the bytes are not the canonical form of their value")
    return value


def typed(value: Any, form: type[T]) -> T:
    """A decoded value as a Struct; a text does not stand for bytes, as it would in JSON.

    Raises:
        msgspec.ValidationError: it has another form.
    """
    return msgspec.convert(value, form, builtin_types=(bytes,))


def _check(value: Any, depth: int, budget: _Budget) -> None:
    if depth > limits.MAX_DEPTH:
        raise RemoteProtocolError("too_large", f"nested deeper than {limits.MAX_DEPTH}")
    if budget.spend():
        raise RemoteProtocolError("too_large", f"more than {limits.MAX_NODES} values")
    kind = type(value)
    if kind is bytes or value is None or kind is bool:
        return
    if kind is int:
        if not -limits.MAX_INT <= value <= limits.MAX_INT:
            raise RemoteProtocolError("encoding", "integer beyond +-(2^53 - 1)")
    elif kind is str:
        if "\x00" in value:
            raise RemoteProtocolError("encoding", "string with a NUL character")
    elif kind is list:
        for member in value:
            _check(member, depth + 1, budget)
    elif kind is dict:
        previous: bytes | None = None
        for key, member in value.items():
            if type(key) is not str:
                raise RemoteProtocolError("encoding", "a map key is not a string")
            if "\x00" in key:
                raise RemoteProtocolError("encoding", "string with a NUL character")
            encoded = key.encode()
            if previous is not None and encoded <= previous:
                raise RemoteProtocolError("not_canonical", "map keys are not in byte order")
            previous = encoded
            _check(member, depth + 1, budget)
    else:
        raise RemoteProtocolError("encoding", f"type {kind.__name__} is not allowed")
