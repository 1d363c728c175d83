"""What the parts of a sale or of a period close come to, put together [R-CRED-13, 21]."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import ProtocolError, Void
from protocol.plans.facts import Award
from protocol.records.credit import DealMessages
from protocol.records.fields import Count, Hash, Milliseconds, Wires, doc

Rule = Annotated[str, Meta(min_length=1, max_length=32)]


class AwardLine(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One award as its entry states it; whoever recomputes it gets the same."""

    to: Annotated[Hash, doc("networker id of who is credited")]
    rule: Annotated[Rule, doc("of the plan")]
    level: Annotated[Count, doc("level, bracket or generation, as the rule counts them")]
    amount: Annotated[Annotated[int, Meta(ge=1, le=limits.MAX_INT)], doc("minor units of the plan's unit")]


class SaleContent(Struct, frozen=True, kw_only=True):
    """A completed deal and the awards it causes."""

    agreement: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_AGREEMENT)] | UnsetType,
        doc("the alliance it applies, signed by both networkers"),
    ] = UNSET
    awards: Annotated[tuple[AwardLine, ...], doc("as the plan in force has it, in its order")]
    listing: Annotated[
        tuple[bytes, bytes, bytes] | UnsetType,
        doc("entry of the listing ordered, [header, signature, record]; absent: an earlier sale has it"),
    ] = UNSET
    messages: Annotated[
        DealMessages, doc("of the deal, each after all it names; in a later sale of the order only new ones")
    ]
    openers: Annotated[Wires, doc("of signers whose openers this log does not hold yet")]
    path: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OPENED_PATH)] | UnsetType,
        doc("the opened path whose hash the order names"),
    ] = UNSET
    plan: Annotated[
        Hash, doc("hash of the plan it is evaluated by; of a commission, that of the built-in plan")
    ]


class CloseContent(Struct, frozen=True, kw_only=True):
    """The awards of a period plan for one period."""

    awards: Annotated[tuple[AwardLine, ...], doc("as the plan has it, in its order")]
    begins: Annotated[Milliseconds, doc("first moment of the period")]
    ends: Annotated[Milliseconds, doc("first moment after it")]
    plan: Annotated[Hash, doc("hash of the plan it is evaluated by")]


MAX_CONTENT: Final = limits.MAX_GROUP_CONTENT * limits.MAX_GROUP_PARTS


def encode_content(content: SaleContent | CloseContent) -> bytes:
    """The canonical bytes of a content."""
    return encoding.encode_struct(content)


def encode_close(awards: Sequence[Award[bytes]], *, begins: int, ends: int, plan: bytes) -> Iterator[bytes]:
    """The same of a close, piece by piece: a million awards are never there at once.

    Raises:
        Void: `malformed`: an award is none that a content can state.
    """
    head, tail = _around(begins, ends, plan)
    yield head + _array(len(awards))
    for first in range(0, len(awards), _AT_ONCE):
        lines = [
            AwardLine(each.to, each.rule, each.level, each.amount)
            for each in awards[first : first + _AT_ONCE]
        ]
        piece = b"".join(map(_encoded, lines))
        try:
            _lines.decode(_array(len(lines)) + piece)
        except msgspec.DecodeError as error:
            raise Void("malformed", f"awards: one is none that a content can state: {error}") from error
        yield piece
    yield tail


def _around(begins: int, ends: int, plan: bytes) -> tuple[bytes, bytes]:
    """What a close has before and after the array of its awards."""
    empty = encode_content(CloseContent(awards=(), begins=begins, ends=ends, plan=plan))
    head, tail = empty.split(_NO_AWARDS, 1)
    return head + _AWARDS, tail


def _encoded(line: AwardLine) -> bytes:
    if line.amount > limits.MAX_INT:
        raise Void("malformed", "awards: one is larger than any number of INX; the plan's unit is too small")
    return encoding.encode_struct(line)


def _array(length: int) -> bytes:
    """The head of an array in its shortest form."""
    if length < 1 << 4:
        return bytes([0x90 | length])
    return b"\xdc" + length.to_bytes(2) if length < 1 << 16 else b"\xdd" + length.to_bytes(4)


class CloseTerms(Struct, frozen=True):
    """A close but for its awards."""

    begins: int
    ends: int
    plan: bytes


class _Terms(Struct, frozen=True, kw_only=True):
    """What a close has after its awards."""

    begins: Milliseconds
    ends: Milliseconds
    plan: Hash


_AT_ONCE: Final = 1_000  # awards
_AWARDS: Final = encoding.encode("awards")
_BEFORE_RULE: Final = 3 + limits.HASH_BYTES  # of an award: array of four, bytes, so many, and they
_ENOUGH: Final = _AT_ONCE * (_BEFORE_RULE + 2 + 255 + 9 + 9)
"""Bytes that no so many awards exceed, whatever the lengths in them say."""

_INTEGERS: Final = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}  # bytes of an integer above 127, by its first one
_LONG_TEXT: Final = 0xD9
_THREE: Final = b"\x83"  # the head of a map of three
_NOT_CANONICAL: Final = "not canonical, or with a field that is not known"
_NO_AWARDS: Final = _AWARDS + b"\x90"
_lines: Final = msgspec.msgpack.Decoder(tuple[AwardLine, ...])
_terms: Final = msgspec.msgpack.Decoder(_Terms)
_sale: Final = msgspec.msgpack.Decoder(SaleContent)
_close: Final = msgspec.msgpack.Decoder(CloseContent)


def read_sale(data: bytes) -> SaleContent:
    """The content of a sale.

    Raises:
        Void: `malformed`.
    """
    return _read(_sale, data)  # type: ignore[no-any-return]


def read_close(data: bytes) -> CloseContent:
    """The content of a period close.

    Raises:
        Void: `malformed`.
    """
    return _read(_close, data)  # type: ignore[no-any-return]


def read_terms(pieces: Iterable[bytes]) -> CloseTerms:
    """A period close without its awards, which are read one by one: it is as strict as `read_close`.

    Args:
        pieces: of the content, of any size; the whole is never there at once.

    Raises:
        Void: `malformed`.
    """
    more, data = iter(pieces), bytearray()
    try:
        head = _around(0, 0, bytes(limits.HASH_BYTES))[0]
        _fill(data, more)
        _require_canonical(data.startswith(head))
        count, at = _counted(data, len(head))
        for first in range(0, count, _AT_ONCE):
            del data[:at]
            _fill(data, more)
            at = _checked(data, min(_AT_ONCE, count - first))
        del data[:at]
        _fill(data, more)
        found = _terms.decode(_THREE + data)
        _require_canonical(data == _around(found.begins, found.ends, found.plan)[1])
    except (msgspec.DecodeError, ValueError, IndexError, RecursionError) as error:
        raise Void("malformed", f"content: {error}") from error
    return CloseTerms(found.begins, found.ends, found.plan)


def _fill(data: bytearray, more: Iterator[bytes]) -> None:
    """Adds pieces until there is enough for the next awards, or all there is."""
    while len(data) < _ENOUGH and (piece := next(more, None)) is not None:
        data += piece


def _counted(data: bytearray, at: int) -> tuple[int, int]:
    """How many an array has, and where the first one begins."""
    size = {0xDC: 2, 0xDD: 4}.get(data[at], 0)
    count = int.from_bytes(data[at + 1 : at + 1 + size]) if size else data[at] & 0x0F
    end = at + 1 + size
    _require_canonical(data[at:end] == _array(count))
    return count, end


def _checked(data: bytearray, count: int) -> int:
    """Where so many awards end."""
    at = 0
    for _ in range(count):
        at += _BEFORE_RULE
        at += 2 + data[at + 1] if data[at] == _LONG_TEXT else 1 + (data[at] & 0x1F)
        at += _INTEGERS.get(data[at], 1)
        at += _INTEGERS.get(data[at], 1)
    piece = bytes(data[:at])
    lines = _lines.decode(_array(count) + piece)
    _require_canonical(b"".join(map(encoding.encode_struct, lines)) == piece)
    return at


def _require_canonical(same: bool) -> None:
    if not same:
        raise ValueError(_NOT_CANONICAL)


def states(digest: bytes, pieces: Iterable[bytes]) -> bool:
    """Whether a content with this SHA-256 is what these pieces come to; not, where they are none that one can state."""
    found = hashlib.sha256()
    try:
        for piece in pieces:
            found.update(piece)
    except Void:
        return False
    return found.digest() == digest


def _read(decoder: Any, data: bytes) -> Any:
    # Content is as strict as can be: fields that are not known here would leave the awards unexplained.
    try:
        content = decoder.decode(data)
        same = encoding.encode_struct(content) == data
    except (msgspec.DecodeError, ValueError, RecursionError, ProtocolError) as error:
        raise Void("malformed", f"content: {error}") from error
    if not same:
        raise Void("malformed", f"content: {_NOT_CANONICAL}")
    return content
