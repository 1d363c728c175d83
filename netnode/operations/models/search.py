"""The catalogue."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.listings import ListingSummary
from netnode.operations.models.shared import ITEMS_DEFAULT, Amount, Cursor, Kind, Limit, NetworkerText


class SearchQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Full-text search of the catalogue; prices are compared in major units, of variants the lowest."""

    text: Annotated[str, Meta(max_length=500)]
    kind: Kind | None = None
    seller: NetworkerText | None = None
    category: Annotated[str, Meta(max_length=255)] | None = None
    min_price: Amount | None = None
    max_price: Amount | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None
    hubs: Annotated[
        Literal["auto", "always", "never"],
        Meta(description="whether peers that keep more are asked: auto when less than a page is found here"),
    ] = "auto"


class HubAnswer(Struct, frozen=True, kw_only=True):
    """What a hub that was asked said: how many hits could be believed, or why there are none."""

    hub: str
    hits: int
    refused: str | UnsetType = UNSET


class Found(Struct, frozen=True, kw_only=True):
    """Search results; `total` is exact up to 10,000, above that 10000 with `more`."""

    total: int
    items: list[ListingSummary]
    next: str | None = None
    more: Literal[True] | UnsetType = UNSET
    hubs: list[HubAnswer] | UnsetType = UNSET
