"""The keys of the networker, rotations, and what they put out of the log."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.logs import Entry
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit
from netnode.operations.models.swaps import KeyIssuer

Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="32 bytes in hex")]
Seq = Annotated[int, Meta(ge=0, le=2**40 - 1)]


class KeyState(Struct, frozen=True, kw_only=True):
    """The keys in force. Times are ms UTC; `promise` is the hash of the key that may sign the next rotation."""

    id: str
    network: str
    epoch: int
    term: int
    since: int  # when this epoch was opened
    state: Literal["open", "forked", "contested", "closed"]
    signing_key: str
    promise: str
    protected: bool  # by a passphrase
    session_until: int
    encryption_until: int | None = None  # None: none were published yet
    pending: bool = False  # a rotation was begun here and did not reach the log; it is of no effect
    usable: bool = True  # False: the log was rotated elsewhere, this home signs nothing


class KeyPlanQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entry is the last that stays; without it the newest one held."""

    last: Seq | None = None


class KeyPlan(Struct, frozen=True, kw_only=True):
    """What a rotation would do now. `promises`: of each epoch; `waiting`: sentences, empty when caught up."""

    id: str
    network: str
    epoch: int  # that it would open
    head: str  # newest entry held, in hex: named again by the rotation
    seq: int  # of that entry
    last: int  # seq of the last entry that stays
    promises: list[str]
    caught_up: bool
    whole_book: bool  # every peer known has answered: what new words demand
    waiting: list[str]
    peers: int  # known
    addresses: list[str]  # of a few peers, for a recovery sheet
    disowned: list[Entry]  # the first 100
    disowned_count: int


class KeyRotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rotation to sign: what the recovery words give for it, never the words."""

    head: Hex32
    seed: Hex32
    promise: Hex32
    backup_public: Hex32
    last: Seq | None = None

    def __repr__(self) -> str:
        return f"KeyRotation(head={self.head!r}, last={self.last!r})"


class KeyRotated(Struct, frozen=True, kw_only=True):
    """A rotation that is in the log. `sessions`: open ones it goes out to now."""

    id: str
    epoch: int
    seq: int
    entry: str
    time: int
    disowned: int
    sessions: int
    issuers: list[KeyIssuer] = []  # of the owner's credit, who are told of it by letter


class KeyReceipt(Struct, frozen=True, kw_only=True):
    """A peer that knows an epoch of the own log (since `at`), or is not known to (null)."""

    peer: str | None
    name: str
    at: int | None = None


class KeyEpoch(Struct, frozen=True, kw_only=True):
    """One rotation: what it put out of the log (`disowned` entries are kept here), and who knows of it."""

    epoch: int
    seq: int
    entry: str
    time: int
    disowned: int
    told: list[KeyReceipt]
    untold: list[KeyReceipt]
    issuers: list[KeyIssuer] = []  # of the owner's credit, with how far each is


class KeyExhibits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which epoch's disowned entries; all without it."""

    epoch: Annotated[int, Meta(ge=0)] | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class KeyExhibit(Struct, frozen=True, kw_only=True):
    """An own entry that is out of the log. `afterwards`: above the place the rotation stands on, or dated after it.

    `why`: why what it did for a team is not logged again, where that was looked at and is so.
    """

    entry: Entry
    afterwards: bool
    shown_by: list[str]
    why: str = ""


class StandingState(Struct, frozen=True, kw_only=True):
    """Entries of closed epochs and terms that are in force, and whether a standing of the newest term names them."""

    epoch: int
    term: int
    closed: int  # entries in force below the newest opener
    needed: bool
    published: int | None = None  # seq of the last part of the newest standing
    parts: int = 0
