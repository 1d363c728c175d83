"""Record that says who a networker is."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Hash, Salt, doc, malformed, one_line

Address = Annotated[str, Meta(min_length=6, max_length=limits.MAX_ADDRESS, pattern=r"^wss?://")]
Domain = Annotated[
    str, Meta(min_length=3, max_length=limits.MAX_DOMAIN, pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+\Z")
]


class Stamp(Struct, frozen=True, kw_only=True):
    """Proof of work for the networker id; whether it holds is judged by the stamp rules, not here."""

    bits: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_STAMP_BITS)], doc("leading zero bits committed to")
    ]
    nonce: Annotated[
        Annotated[bytes, Meta(min_length=limits.STAMP_NONCE_BYTES, max_length=limits.STAMP_NONCE_BYTES)],
        doc("the nonce found"),
    ]


class Attribution(Struct, frozen=True, kw_only=True):
    """How a seller attributes orders to who brought the buyer, which the buyer's client goes by [R-REF-7]."""

    bind: Annotated[bool, doc("whether a customer stays with who brought their first order")]
    gift: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_CODE)] | UnsetType,
        doc("code of the offer that a buyer who was brought gets off their first order by"),
    ] = UNSET
    gift_points: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_BASIS_POINTS)] | UnsetType,
        doc("basis points of the goods that it takes off; with `gift`, and only then"),
    ] = UNSET
    model: Annotated[Literal["first", "last"], doc("`first` or `last`: which link within the window counts")]
    window: Annotated[Annotated[int, Meta(ge=1, le=limits.MAX_WINDOW)], doc("days for which a link counts")]


class Profile(Struct, frozen=True, kw_only=True, rename=SALT):
    """Name, text and addresses of a networker; the newest entry of this kind counts."""

    KIND: ClassVar[int] = 1

    salt: Annotated[Salt, doc("16 random bytes")]
    addresses: Annotated[
        Annotated[tuple[Address, ...], Meta(min_length=1, max_length=limits.MAX_ADDRESSES)] | UnsetType,
        doc("where the node answers: `ws://` or `wss://` URLs"),
    ] = UNSET
    attribution: Annotated[
        Attribution | UnsetType, doc("how orders are attributed; absent: the last link of 30 days, bound")
    ] = UNSET
    bio: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_BIO)] | UnsetType,
        doc("plain text about oneself"),
    ] = UNSET
    domain: Annotated[
        Domain | UnsetType, doc("own domain in lower case; verified through its `/.well-known/netnode.json`")
    ] = UNSET
    mailboxes: Annotated[
        Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=limits.MAX_MAILBOXES)] | UnsetType,
        doc("ids of the mailbox hosts, the preferred first"),
    ] = UNSET
    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_NAME)],
        doc("name shown to people, one line; nothing makes it unique"),
    ]
    stamp: Annotated[Stamp | UnsetType, doc("proof of work for strangers")] = UNSET


def check_profile(record: Profile) -> None:
    """The cross-field rules of a profile.

    Raises:
        Void: `malformed`: the name is not one line, or an address or mailbox host is named twice.
    """
    one_line("name", record.name)
    said = record.attribution
    if said is not UNSET and (said.gift is UNSET) != (said.gift_points is UNSET):
        malformed("attribution", "a gift has a code and a size")
    if record.addresses is not UNSET and len(set(record.addresses)) < len(record.addresses):
        malformed("addresses", "one is named twice")
    if record.mailboxes is not UNSET and len(set(record.mailboxes)) < len(record.mailboxes):
        malformed("mailboxes", "one is named twice")
