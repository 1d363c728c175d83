"""What this node keeps of others, what it lets go of, and the stamp it shows."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import NetworkerText, ReferenceText

DistanceName = Literal["own", "followed", "near", "stranger"]


class Storage(Struct, frozen=True, kw_only=True):
    """The logs of one trust distance: how many, their bytes as the quotas count them, and the most they may take."""

    distance: DistanceName
    logs: int
    bytes: int
    most: int | None = None  # together; null: no such bound


class ListingDrop(Struct, frozen=True, forbid_unknown_fields=True):
    """A listing of somebody else, by `<seller id>/<key>`."""

    ref: ReferenceText


class ListingDropped(Struct, frozen=True, kw_only=True):
    """How many records were let go of: every version of the listing that was held."""

    ref: str
    records: int


class LogDrop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log of somebody else; `undo` takes it again."""

    id: NetworkerText
    undo: bool = False


class LogDropped(Struct, frozen=True, kw_only=True):
    """Whether the log is kept away now, and how many entries were let go of."""

    id: str
    dropped: bool
    entries: int


class StampState(Struct, frozen=True, kw_only=True):
    """The proof of work this node shows: its bits (0: none), in the profile, and what is being worked on."""

    bits: int
    nonce: str | None
    profile: int  # bits in the profile in force
    aim: int  # bits being worked on; 0: none
    attempts: int  # made for that


class StampOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Bits to reach; each one more takes twice the work."""

    bits: Annotated[int, Meta(ge=1, le=40)]
