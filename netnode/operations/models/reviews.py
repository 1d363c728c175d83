"""Reviews."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.deals import DealText
from netnode.operations.models.ratings import Distance, RatingGroup
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit

SubjectText = Annotated[
    str,
    Meta(min_length=1, max_length=512, description="networker id of a seller, or <seller id>/<key>"),
]


class Review(Struct, frozen=True, kw_only=True):
    """One review. `buyer`: the networker who says by signature that they bought; null: not said or not proved."""

    review: str  # SHA-256 of the record
    entry: str  # that carries it, in the log of the nearest of `carriers`
    rating: int
    text: str | UnsetType = UNSET
    time: int  # by the buyer's clock
    seller: str
    seller_name: str
    listing: str | None  # ref; null: of no listing, or of a version that is not held here
    title: str | UnsetType = UNSET
    distance: Distance
    buyer: str | None
    buyer_name: str | UnsetType = UNSET
    carriers: list[str]
    agreed: int  # when the contract was made
    received: int
    aged: bool
    witnessed: bool


class Reviews(Struct, frozen=True, kw_only=True):
    """A page of reviews, nearest and newest first, and what all of them come to. `more`: beyond what is counted."""

    ratings: list[RatingGroup]
    items: list[Review]
    next: str | None = None
    more: bool = False


class ReviewsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reviews of a seller, or of one listing."""

    ref: SubjectText
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ReviewWrite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reviews a deal. `unnamed`: the review does not say which networker bought."""

    deal: DealText
    rating: Annotated[int, Meta(ge=1, le=5)]
    text: Annotated[str, Meta(min_length=1, max_length=2_000)] | None = None
    unnamed: bool = False


class ReviewWithdraw(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Takes back what was said of a deal."""

    deal: DealText


class ReviewPublished(Struct, frozen=True, kw_only=True):
    """A review that stands in the own log."""

    review: str
    entry: str
    seller: str
