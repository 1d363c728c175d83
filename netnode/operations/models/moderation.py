"""Statements about others."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import NetworkerText, ReferenceText


class BlockPublish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public, signed block of a networker, shown to one's followers."""

    id: NetworkerText
    reason: Annotated[str, Meta(max_length=500)] | None = None
    lifted: bool = False


class ReportPublish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public, signed report of a listing (`ref`) or networker (its id)."""

    ref: ReferenceText
    reason: Annotated[str, Meta(min_length=1, max_length=64)]
    text: Annotated[str, Meta(max_length=2000)] | None = None


class Moderation(Struct, frozen=True, kw_only=True):
    """One block or report in force, by this networker or one it follows."""

    type: Literal["block", "report"]
    author: str
    entry: str
    target: str  # networker id or <seller id>/<key>
    reason: str = ""
    time: int


class Stated(Struct, frozen=True):
    """A public statement that is on disk."""

    entry: str
