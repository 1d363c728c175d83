"""What proves that this node brought buyers to sellers."""

from typing import Annotated

from msgspec import Meta, Struct

OrderText = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8,64}$", description="id of an order in hex, or its beginning")
]


class PathStep(Struct, frozen=True, kw_only=True):
    """One recommendation of a path; `checked`: its signature was verified with keys known here."""

    referrer: str
    name: str | None = None
    campaign: str | None = None
    listing: str | None = None
    expires: int
    checked: bool


class WitnessReceipt(Struct, frozen=True, kw_only=True):
    """The buyer's signed receipt of a part, counted from 1, and when it is dated."""

    part: int
    time: int


class Witness(Struct, frozen=True, kw_only=True):
    """A deal to which a path through this node led; what was ordered is not known here.

    `listing` is the id of the listing's entry, `accepted` the date of the seller's accept, `since` when it was left
    here (null in a file). Hashes and ids of orders are in hex.
    """

    order: str
    seller: str
    seller_name: str | None = None
    listing: str | None
    path_hash: str
    path: list[PathStep]
    accepted: int
    receipts: list[WitnessReceipt]
    since: int | None = None


class ShopFigures(Struct, frozen=True, kw_only=True):
    """What is kept for buyers without a node: their boxes, the letters in them and their bytes, deals witnessed."""

    boxes: int = 0
    letters: int = 0
    bytes: int = 0
    witnesses: int = 0


class WitnessChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """Names one deal."""

    order: OrderText


class WitnessExport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deals go into a file; null: all."""

    order: OrderText | None = None


class WitnessError(Struct, frozen=True, kw_only=True):
    """What is wrong in a file: which deal of it (counted from 1), which piece of that, and why."""

    number: int
    piece: str
    code: str
    reason: str


class WitnessesVerified(Struct, frozen=True, kw_only=True):
    """Whether a file proves what it says, and what that is; `witnesses` are those before the error."""

    valid: bool
    network: str | None
    witnesses: list[Witness]
    error: WitnessError | None
