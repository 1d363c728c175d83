"""What the parts of a sale or of a period close come to, put together [R-CRED-13, 21]."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import ProtocolError, Void
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


def _read(decoder: Any, data: bytes) -> Any:
    # Content is as strict as can be: fields that are not known here would leave the awards unexplained.
    try:
        content = decoder.decode(data)
        same = encoding.encode_struct(content) == data
    except (msgspec.DecodeError, ValueError, RecursionError, ProtocolError) as error:
        raise Void("malformed", f"content: {error}") from error
    if not same:
        raise Void("malformed", "content: not canonical, or with a field that is not known")
    return content
