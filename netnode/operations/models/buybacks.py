"""Goods that members give back to the owner of a team."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit
from netnode.operations.models.teams import PaperText, TeamPerson, TeamText

DealPrefix = Annotated[
    str, Meta(pattern="^[0-9a-fA-F]{4,64}$", description="id of a deal in hex, or its first digits")
]
LineNumber = Annotated[int, Meta(ge=0, le=99, description="line of the order, from 0")]
Pieces = Annotated[int, Meta(ge=1, le=1_000_000)]
BuybackState = Literal["challenged", "overdue", "paid back", "refused", "waiting"]
RefusalCode = Literal["not_resalable", "not_returned", "other", "too_late", "too_much"]


class BuybackGoodsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner of this node bought from the owner of a team and can give back."""

    team: TeamText
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class BuybackLine(Struct, frozen=True, kw_only=True):
    """A line of an order: `left` pieces can be given back."""

    line: int
    title: str
    left: int


class BuybackGoods(Struct, frozen=True, kw_only=True):
    """An order of which goods can be given back: `due` is owed for all of them, asked for by `until` (ms UTC)."""

    deal: str
    lines: list[BuybackLine]
    due: str
    until: int


class BuybackAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for goods to be taken back: of one order all that is left or `pieces` (line, how many), or of all orders."""

    team: TeamText
    deal: DealPrefix | None = None
    pieces: Annotated[list[tuple[LineNumber, Pieces]], Meta(max_length=32)] = []
    text: Annotated[str, Meta(max_length=2_000)] = ""


class BuybacksQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests made here, and those that members made to the owner of this node, the newest first."""

    waiting: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class BuybackName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a request."""

    paper: PaperText


class BuybackPay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says in the deal that what is owed on a request was paid back."""

    paper: PaperText
    method: Annotated[str, Meta(min_length=1, max_length=150)] | None = None


class BuybackRefuse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuses a request, for a reason that the member is told."""

    paper: PaperText
    code: RefusalCode
    text: Annotated[str, Meta(max_length=500)] = ""


class Buyback(Struct, frozen=True, kw_only=True):
    """A request to take goods back; times are ms UTC.

    `amount` is asked for; `owed` is what the rules give for it, null where nothing is, with the `code` why. `code` is
    also why the owner refused. `due`: until when it is to be answered; later it can be challenged.
    """

    paper: str
    team: str
    deal: str
    member: TeamPerson
    owner: TeamPerson
    own: bool
    lines: list[BuybackLine]
    amount: str
    owed: str | None
    code: str | None
    why: str
    state: BuybackState
    at: int
    due: int
    text: str
