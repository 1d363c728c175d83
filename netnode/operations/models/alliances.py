"""Alliances."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.mail import Delivery
from netnode.operations.models.referrals import Percent
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit, NetworkerText

AllianceText = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{4,64}$", description="id of an alliance in hex, or its first digits, 4 or more"
    ),
]
_Keys = Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=200)]
_Moment = Annotated[int, Meta(ge=0, description="ms UTC")]
AllianceState = Literal["agreed", "ended", "over", "proposed", "ending"]


class AlliancePropose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proposes an alliance: `gives` is what the owner pays for sales that the other brings, `gets` the reverse."""

    to: NetworkerText
    gives: Percent
    gets: Percent
    listings: _Keys = []
    theirs: _Keys = []
    starts: _Moment | None = None
    until: _Moment | None = None
    notice: Annotated[int, Meta(ge=0, le=365)] = 30
    text: Annotated[str, Meta(max_length=2_000)] = ""


class AllianceName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an alliance."""

    alliance: AllianceText


class AlliancesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alliances and proposals, the newest first."""

    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class AllianceShown(Struct, frozen=True, kw_only=True):
    """One alliance. `gives` and `gets` in percent of the net price; no keys: all listings.

    `ends`: from when on an end that was said takes effect. `below`: own listings that pay strangers more.
    """

    alliance: str
    other: str
    other_name: str | None
    own: bool
    state: AllianceState
    gives: str
    gets: str
    listings: list[str]
    theirs: list[str]
    starts: int
    until: int | None
    notice: int
    ends: int | None
    text: str
    at: int
    below: list[str] = []
    delivery: Delivery | None = None
