"""The state of the node, and the profile."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from netnode.operations.models.issuers import CreditNotice
from netnode.operations.models.mail import MailFigures
from netnode.operations.models.own import Waiting
from netnode.operations.models.reach import Reached
from netnode.operations.models.room import Storage
from netnode.operations.models.shared import NetworkerText
from netnode.operations.models.witnesses import ShopFigures


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
    outbound: int = 0  # of these the ones this node dialled, and how many network groups they are in
    inbound: int = 0
    groups: int = 0
    addresses: int = 0  # in the address book; at so many of them somebody was met
    tried: int = 0
    peers: int  # in the book
    lag: int
    api: str | None = None  # http://host:port
    peer: str | None = None  # ws://host:port/inx/1
    started: int | None = None
    reachable: Reached | None = None  # as peers say; null while no node runs
    waiting: Waiting | None = None  # why the own log takes no entries, or a settlement first; null: as usual
    backup: int | None = None  # when the newest one was made
    backup_fault: str | None = None  # why the newest attempt failed
    storage: list[Storage] = []  # the logs by trust distance
    blobs: int = 0  # bytes of the owner's blobs
    fetched_blobs: int = 0  # bytes of blobs fetched from others
    fallen: int = 0  # logs let go of by the quotas or the owner, not asked for now
    mail: MailFigures | None = None  # letters that wait, and those kept for others
    shop: ShopFigures | None = None  # what is kept for buyers without a node
    unrecognised: str | None = None  # entries of the own log that this home did not write, and what to do
    damaged: str | None = None  # what is wrong with the store, and what to do
    clock: str | None = None  # what is wrong, or may be, with the clock of this computer
    failing: str | None = None  # why the newest write failed, a full disk say; null once one works again
    notices: list[
        CreditNotice
    ] = []  # what stands against issuers whose credit the owner has, the newest first
    failures: dict[str, int] = {}  # how often which task failed since it started; its log says more


class Profile(Struct, frozen=True, kw_only=True):
    """A networker's profile in force; `entry` is null before the first one.

    `domain_state` is what a look at the domain found (`domain verify`), at `domain_checked` (ms UTC).
    """

    id: str
    name: str
    bio: str = ""
    addresses: list[str] = []
    domain: str | None = None
    mailboxes: list[str] = []  # ids of the nodes that keep letters for it
    entry: str | None = None
    domain_state: Literal["unverified", "verified", "failed"] | None = None
    domain_checked: int | None = None


class ProfileEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields to change; what is left out stays, an empty text clears `bio` and `domain`, no ids `mailboxes`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    bio: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    domain: Annotated[str, Meta(max_length=253)] | UnsetType = UNSET
    mailboxes: Annotated[list[NetworkerText], Meta(max_length=4)] | UnsetType = UNSET
