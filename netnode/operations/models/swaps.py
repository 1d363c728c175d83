"""Swaps of two issuers' credits, releases of what is disputed, and issuers told of rotations."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from netnode.operations.models.shared import ITEMS_DEFAULT, Amount, Cursor, Limit, NetworkerText
from netnode.operations.models.teams import TeamPerson

SwapPrefix = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,64}$", description="of a swap, as lists show it: its first digits")
]
UnitText = Annotated[
    str, Meta(min_length=1, max_length=16, description="as the issuer names it; the only one where absent")
]
SwapRole = Literal["first", "second", "locks", "decides"]
SwapStage = Literal[
    "proposed",
    "accepted",
    "declined",
    "signed",
    "locked",
    "swapped",
    "given",
    "back",
    "over",
    "asked",
    "refused",
]


class SwapPropose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given for what. `confirmed`: what signing means was read (the answer without it says it)."""

    with_: NetworkerText = field(name="with")
    give: Amount
    from_: NetworkerText = field(name="from")
    give_unit: UnitText | None = None
    get: Amount
    of: NetworkerText
    get_unit: UnitText | None = None
    until: Annotated[int, Meta(ge=0, description="ms UTC; absent: in `days`")] | None = None
    days: Annotated[int, Meta(ge=1, le=90)] = 7
    text: Annotated[str, Meta(max_length=500)] = ""
    confirmed: bool = False


class SwapAccept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which proposal; `confirmed` as in a proposal."""

    swap: SwapPrefix
    confirmed: bool = False


class SwapDecline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which proposal, and a word to the other holder."""

    swap: SwapPrefix
    text: Annotated[str, Meta(max_length=500)] = ""


class SwapName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which swap."""

    swap: SwapPrefix


class SwapsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which swaps; `waiting`: only those that something can still come of."""

    waiting: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class SwapSide(Struct, frozen=True, kw_only=True):
    """What one holder gives. `amount` is decimal, `minor` in minor units."""

    holder: TeamPerson
    issuer: TeamPerson
    unit: str
    amount: str
    minor: int


class SwapEntry(Struct, frozen=True, kw_only=True):
    """An entry of an issuer's log."""

    seq: int
    id: str


class CreditSwap(Struct, frozen=True, kw_only=True):
    """A swap. `first` is locked, `second` decides; `role` is the owner's; `next`: what it waits for, in words."""

    swap: str
    role: SwapRole
    stage: SwapStage
    next: str
    first: SwapSide
    second: SwapSide
    until: int
    at: int
    text: str
    waits: bool
    code: str | None = None
    why: str = ""
    locked: SwapEntry | None = None
    swapped: SwapEntry | None = None


class CreditRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose rotations are settled with; `about`: one of them, or one disputed movement."""

    issuer: NetworkerText
    about: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None


class CreditReleased(Struct, frozen=True, kw_only=True):
    """What was signed away, and is on its way to the issuer."""

    issuer: str
    about: list[str]


class KeyIssuer(Struct, frozen=True, kw_only=True):
    """An issuer that was sent a rotation: when, since when it has it (null: not known), whether it is in its log."""

    issuer: str
    name: str
    sent: int
    acknowledged: int | None
    logged: bool
