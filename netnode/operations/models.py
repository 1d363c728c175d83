"""The JSON shapes of requests and answers.

Ids are text: `nx1...`, 64 hex characters for an entry, `<id>/<key>` for a listing. Times are int ms UTC. An
absent field is left out of the JSON; `null` is written where the field itself is part of the shape.
"""

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

ITEMS_DEFAULT: Final = 50
ITEMS_MAX: Final = 500  # why: one page is built in memory and sent as one JSON document

Limit = Annotated[int, Meta(ge=1, le=ITEMS_MAX, description="most items in one answer")]
Cursor = Annotated[str, Meta(max_length=1024, description="`next` of the answer before; opaque")]
NetworkerText = Annotated[str, Meta(min_length=1, max_length=128, description="networker id, nx1...")]
ReferenceText = Annotated[
    str, Meta(min_length=1, max_length=512, description="own key, or <seller id>/<key>")
]
KeyText = Annotated[str, Meta(min_length=1, max_length=128, description="key of an own listing")]
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


# -- node ----------------------------------------------------------------------------------------------------
class Status(Struct, frozen=True, kw_only=True):
    """State of the node. `lag`: entries stored that the catalogue has not taken in yet."""

    id: str
    name: str
    running: bool  # False: answered from the store, no node is running
    version: str
    home: str
    entries: int  # all logs held
    logs: int
    listings: int  # in force, of all sellers
    own_listings: int
    sessions: int
    peers: int  # in the book
    lag: int
    api: str | None = None  # http://host:port
    peer: str | None = None  # ws://host:port/inx/1
    started: int | None = None


class Profile(Struct, frozen=True, kw_only=True):
    """A networker's profile in force; `entry` is null before the first one."""

    id: str
    name: str
    bio: str = ""
    addresses: list[str] = []
    domain: str | None = None
    entry: str | None = None


class ProfileEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields to change; what is left out stays, an empty text clears `bio`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    bio: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET


# -- listings ------------------------------------------------------------------------------------------------
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
    skipped: list[Skipped]


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


# -- search --------------------------------------------------------------------------------------------------
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


class Found(Struct, frozen=True, kw_only=True):
    """Search results; `total` is exact up to 10,000, above that 10000 with `more`."""

    total: int
    items: list[ListingSummary]
    next: str | None = None
    more: Literal[True] | UnsetType = UNSET


# -- peers and follows ---------------------------------------------------------------------------------------
class Invitation(Struct, frozen=True):
    """An `inx:` URI that leads another node here."""

    uri: str


class PeerUri(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a peer is: `inx:...` (an invite, also followed) or `ws://host:port/path`."""

    uri: Annotated[str, Meta(min_length=1, max_length=4096)]


class PeerName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a peer of the book: its networker id or one of its addresses."""

    peer: Annotated[str, Meta(min_length=1, max_length=512)]


class PeerBlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuses (or, `lifted`, allows again) sessions with a networker; private to this node."""

    id: NetworkerText
    lifted: bool = False


class Peer(Struct, frozen=True, kw_only=True):
    """One peer of the book. `id` is null until the first session with a bare address."""

    id: str | None
    name: str | None = None
    addresses: list[str]
    state: Literal["connected", "known", "blocked"]
    inbound: bool = False  # of the open session: the peer dialled
    seen: int | None = None  # newest session, ms
    note: str | None = None  # why the newest attempt failed


class Networker(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a networker."""

    id: NetworkerText


class Follow(Struct, frozen=True, kw_only=True):
    """A networker that is followed; its log is kept and wanted from every peer."""

    id: str
    name: str | None = None
    entries: int = 0  # held here


# -- log -----------------------------------------------------------------------------------------------------
class EntriesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries held, by author and seq; own log first. `author` narrows to one log."""

    author: NetworkerText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One entry, without its record. `record`: whether that is held; `void`: the code, if it is void."""

    author: str
    epoch: int
    term: int
    seq: int
    id: str
    time: int
    kind: int
    kind_name: str
    record: bool
    summary: str = ""  # what a person recognises it by, e.g. the key of a listing
    void: str | UnsetType = UNSET


class Log(Struct, frozen=True, kw_only=True):
    """One log held here and its head."""

    author: str
    name: str | None
    entries: int  # held
    epoch: int
    term: int
    seq: int  # of the head
    head: str
    state: Literal["open", "forked", "contested", "closed"]
    followed: bool = False


class LogChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One log, or all held."""

    author: NetworkerText | None = None


class LogProblem(Struct, frozen=True):
    """What is wrong with an entry: machine code and sentence."""

    author: str
    seq: int
    code: str
    text: str


class Verified(Struct, frozen=True, kw_only=True):
    """Result of checking hashes, links, signatures and records again; `ok` when `problems` is empty."""

    ok: bool
    logs: int
    entries: int
    problems: list[LogProblem]


class LogImported(Struct, frozen=True, kw_only=True):
    """Result of reading a file of runs: entries new here, entries held before, entries refused."""

    added: int
    held: int
    logs: int
    refused: list[LogProblem]


# -- blobs ---------------------------------------------------------------------------------------------------
class BlobName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a blob."""

    hash: HashText


class BlobSize(Struct, frozen=True):
    """A blob that is held here, and its bytes."""

    hash: str
    size: int


class Blob(Struct, frozen=True, kw_only=True):
    """One line of the list of blobs held; `added` in ms."""

    hash: str
    size: int
    added: int


class BlobProgress(Struct, frozen=True, kw_only=True):
    """How far a blob is here: `size` is null while it is unknown, `bytes` are those checked so far."""

    hash: str
    held: bool
    size: int | None = None
    bytes: int = 0


# -- moderation and configuration ----------------------------------------------------------------------------
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


class Setting(Struct, frozen=True, kw_only=True):
    """One setting of config.toml with its meaning."""

    name: str
    value: Any
    default: Any
    text: str = ""
    set: bool = False  # in the file; otherwise the default holds


class SettingName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a setting."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]


class SettingChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A new value, as text the way it is typed; it is checked against the setting's type."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(max_length=4096)]
