"""What all areas share: pages, texts that name things, answers without content."""

from typing import Annotated, Final, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from protocol.limits import MAX_PARTS

ITEMS_DEFAULT: Final = 50
ITEMS_MAX: Final = 500  # why: one page is built in memory and sent as one JSON document

Limit = Annotated[int, Meta(ge=1, le=ITEMS_MAX, description="most items in one answer")]
Cursor = Annotated[str, Meta(max_length=1024, description="`next` of the answer before; opaque")]
NetworkerText = Annotated[str, Meta(min_length=1, max_length=128, description="networker id, nx1...")]
ReferenceText = Annotated[
    str, Meta(min_length=1, max_length=512, description="own key, or <seller id>/<key>")
]
KeyText = Annotated[str, Meta(min_length=1, max_length=128, description="key of an own listing")]
PartNumber = Annotated[
    int, Meta(ge=1, le=MAX_PARTS, description="number of a milestone, counted from 1 (in messages: from 0)")
]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,15}([.][0-9]{1,8})?$", description="decimal in major units")]
HashText = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="name of a blob: its SHA-256 in hex")]
Kind = Literal["product", "service", "opportunity", "licence", "knowledge", "want-ad"]

Item = TypeVar("Item")


class Page(Struct, Generic[Item], frozen=True):
    """One page of a list; `next` is the cursor of the page after, null at the end."""

    items: list[Item]
    next: str | None = None


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Request of a list without filters."""

    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Request without fields."""


class Done(Struct, frozen=True):
    """Answer that says only that it is done."""

    done: bool = True
