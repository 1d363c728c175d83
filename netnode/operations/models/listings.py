"""Listings, feeds in and out."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from netnode.operations.models.issuers import IssuerStanding
from netnode.operations.models.plan_reports import PlanBeside, PlanBrief
from netnode.operations.models.ratings import RatingGroup
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, KeyText, Limit, ReferenceText


class Per(Struct, frozen=True):
    """Billing period of a price: every `count` `unit`s."""

    count: int
    unit: Literal["day", "week", "month", "year"]


class Price(Struct, frozen=True, kw_only=True):
    """A price. `minor` is in minor units; `from`: the lowest of several variants."""

    amount: str
    minor: int
    currency: str | UnsetType = UNSET
    issuer: str | UnsetType = UNSET  # with `unit`: priced in credit
    unit: str | UnsetType = UNSET
    per: Per | UnsetType = UNSET
    from_: Literal[True] | UnsetType = field(name="from", default=UNSET)


class Sale(Struct, frozen=True, kw_only=True):
    """A reduced price beside the regular one: from `from` (else at once) until before `until`, ms UTC."""

    price: Price
    from_: int | UnsetType = field(name="from", default=UNSET)
    until: int | UnsetType = UNSET


class Variant(Struct, frozen=True, kw_only=True):
    """One variant; `options` maps the option's name to its value; price falls back to the listing's."""

    options: dict[str, str]
    price: Price | None = None
    sale: Sale | UnsetType = UNSET
    sku: str | UnsetType = UNSET
    availability: str | UnsetType = UNSET
    gtin: str | UnsetType = UNSET


class ListingSummary(Struct, frozen=True, kw_only=True):
    """One listing in a list (`listing ls`) or in search results."""

    ref: str  # <seller id>/<key>
    key: str
    entry: str
    seller: str
    seller_name: str
    title: str
    kind: str
    price: Price | None
    sale: Sale | UnsetType = UNSET
    variants: list[Variant] = []
    time: int
    summary: str | UnsetType = UNSET
    availability: str | UnsetType = UNSET
    condition: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    expires: int | UnsetType = UNSET
    withdrawn: Literal[True] | UnsetType = UNSET
    hub: str | UnsetType = UNSET  # found at this peer, not kept here
    # Of the seller's log, as the hub knows it; they may change this listing
    later_entries: int | UnsetType = UNSET
    # In search results: what speaks against the seller as an issuer, as far as it is known without a closer look
    standing: IssuerStanding | UnsetType = UNSET
    # In search results: what the plan that sales of it follow pays, measured, and what came of it
    plan: PlanBrief | UnsetType = UNSET


class Listing(Struct, frozen=True, kw_only=True):
    """One listing in full: `fields` are those of a listing form (the shape of `--from FILE.toml`)."""

    ref: str
    key: str
    entry: str
    seller: str
    seller_name: str
    title: str
    kind: str
    price: Price | None
    sale: Sale | UnsetType = UNSET
    variants: list[Variant] = []
    time: int
    fields: dict[str, Any]
    withdrawn: Literal[True] | UnsetType = UNSET
    ratings: list[RatingGroup] = []  # by the viewer's own trust, the nearest first
    standing: IssuerStanding | None = (
        None  # what speaks against the seller as an issuer; null: nothing known here
    )
    plan: PlanBeside | None = None  # what sales of it pay whoever recommends it; null: no plan holds for it


class Published(Struct, frozen=True):
    """A listing entry that is on disk."""

    key: str
    ref: str
    entry: str


class ListingAdd(Struct, frozen=True, forbid_unknown_fields=True):
    """A listing form: the fields of a listing file. `key`, `kind` and `title` are needed."""

    fields: dict[str, Any]


class ListingEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of an own listing: `fields` replace, `clear` removes; what is in neither stays."""

    key: KeyText
    fields: dict[str, Any] = {}
    clear: list[str] = []


class ListingKey(Struct, frozen=True, forbid_unknown_fields=True):
    """Names an own listing."""

    key: KeyText


class ListingRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Names any listing held here: an own key, or `<seller id>/<key>`."""

    ref: ReferenceText


class ListingsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Own listings by key; `all` includes withdrawn and expired ones."""

    all: bool = False
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class ImportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a feed. `currency` applies only where the file names none; `dry_run` writes nothing."""

    format: Annotated[str, Meta(max_length=32)] = "auto"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    dry_run: bool = False
    fetch_images: bool = False  # fetch the pictures that the file names by address, and keep them as blobs
    whole: bool = False  # the file is all there is to offer: listings it does not have are withdrawn
    filename: Annotated[str, Meta(max_length=255)] | None = None  # helps `auto` to tell the format


class Skipped(Struct, frozen=True):
    """One row of a feed that made no listing, and why."""

    row: int
    field: str
    reason: str


class Imported(Struct, frozen=True, kw_only=True):
    """Result of a feed, counting products (one with its variants counts once)."""

    created: int
    updated: int
    unchanged: int
    withdrawn: int = 0
    skipped: list[Skipped]
    pictures: int = 0  # fetched
    not_fetched: list[Skipped] = []
    kept: str | UnsetType = UNSET  # why listings that the file does not have were not withdrawn


class ExportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which feed to write; the suffix of `filename` decides where a format has two forms."""

    format: Annotated[str, Meta(max_length=32)]
    filename: Annotated[str, Meta(max_length=255)] = ""


class NotCarried(Struct, frozen=True):
    """A field of a listing that a feed does not have, or not as it was. `listing`: it was left out as a whole."""

    key: str
    field: str


class ExportLine(Struct, frozen=True, kw_only=True):
    """One line of an export: a piece of the file, a field it lacks, or at the end how many listings it has.

    `currency` is that of all amounts in a file whose format names none.
    """

    text: str | UnsetType = UNSET
    not_carried: NotCarried | UnsetType = UNSET
    exported: int | UnsetType = UNSET
    currency: str | UnsetType = UNSET


class Exported(Struct, frozen=True, kw_only=True):
    """Result of an export."""

    exported: int
    not_carried: list[NotCarried]
    currency: str | None = None
