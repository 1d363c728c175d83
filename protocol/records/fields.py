"""The types that fields of several records share: sizes and bounds, each from `limits` [R-REC-3]."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, NoReturn

from msgspec import Meta

from protocol import limits
from protocol.errors import Void
from protocol.signing import SIGNATURE_BYTES

Salt = Annotated[bytes, Meta(min_length=limits.SALT_BYTES, max_length=limits.SALT_BYTES)]
Hash = Annotated[bytes, Meta(min_length=limits.HASH_BYTES, max_length=limits.HASH_BYTES)]
PublicKey = Annotated[bytes, Meta(min_length=limits.KEY_BYTES, max_length=limits.KEY_BYTES)]
Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
Epoch = Annotated[int, Meta(ge=0, le=limits.MAX_EPOCHS - 1)]
Count = Annotated[int, Meta(ge=0, le=limits.MAX_INT)]
Milliseconds = Annotated[int, Meta(ge=0, le=limits.MAX_INT)]
Seq = Annotated[int, Meta(ge=0, le=limits.MAX_SEQ)]
Place = tuple[Seq, Hash]
Key = Annotated[str, Meta(min_length=1, max_length=limits.MAX_KEY)]
# A scheme is demanded so that no `javascript:` ever becomes a link on a page.
Url = Annotated[str, Meta(min_length=8, max_length=limits.MAX_URL, pattern=r"^https?://")]
Reason = Annotated[str, Meta(min_length=1, max_length=limits.MAX_REASON)]
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern=r"^[A-Z]{3}\Z")]
Wires = Annotated[
    tuple[Annotated[tuple[Any, ...], Meta(min_length=1, max_length=limits.MAX_EPOCHS)], ...],
    Meta(max_length=limits.MAX_LETTER_PARTS),
]
"""Openers that come along: for each networker, inception and rotations as ``[header, signature, record]``."""
Country = Annotated[str, Meta(min_length=2, max_length=2, pattern=r"^[A-Z]{2}\Z")]

ListingKind = Literal["knowledge", "licence", "opportunity", "product", "service", "want-ad"]
Availability = Literal["backorder", "in_stock", "out_of_stock", "preorder"]
Condition = Literal["new", "refurbished", "used"]
TextFormat = Literal["html", "markdown", "plain"]
Period = Literal["day", "month", "week", "year"]

SALT: Final = {"salt": "$"}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def doc(text: str) -> Meta:
    """The sentence that SPEC's field table prints for one field."""
    return Meta(description=text)


def malformed(field: str, text: str) -> NoReturn:
    """Ends the judgement of a record.

    Raises:
        Void: always, `malformed`, with a sentence that names the field.
    """
    raise Void("malformed", f"{field}: {text}")


def one_line(field: str, text: str) -> None:
    """Refuses the control characters U+0000-001F and U+007F in texts that are shown in lists and typed."""
    if _CONTROL.search(text) is not None:
        malformed(field, "a line break or other control character is not allowed here")
