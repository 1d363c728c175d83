"""Referral links and codes: how a path of tokens gets from person to person [R-REF-1..5].

A *link* is the text ``inxref1...``: Bech32m over a canonical map of the tokens, with the key of a listing to look at
and addresses of a node that shows it. It holds all that an order needs, so nobody has to be asked; its checksum finds a
mistyped or cut one, which then says so instead of losing who recommended. A *code* is what people type: the node that
keeps it answers with the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from protocol import bech32, encoding, limits, paths
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.paths import Path
from protocol.records.fields import Key, doc
from protocol.uri import address_problem

PREFIX: Final = "inxref"
CHECKED: Final = "R-"
"""What a code with a check character begins with; a code that somebody chose begins otherwise."""
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Of checked codes: 31 characters that nobody mistakes for one another; 31 is prime, which the check rests on."""
CODE_CHARACTERS: Final = 7
_AT: Final = 3  # why: a home has an address in the LAN, one outside and one by IPv6
_NO_SALT: Final = bytes(limits.SALT_BYTES)
_Address = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ADDRESS)]
_Token = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_REFERRAL)]


class LinkBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a link says; fields in byte order."""

    at: Annotated[
        Annotated[tuple[_Address, ...], Meta(max_length=_AT)],
        doc("addresses of a node that shows the listing"),
    ] = ()
    listing: Annotated[Key | UnsetType, doc("key of the listing it leads to; absent: to the seller")] = UNSET
    path: Annotated[
        Annotated[tuple[_Token, ...], Meta(min_length=1, max_length=limits.MAX_PATH)],
        doc("the tokens in order, the first one first"),
    ]


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose form is checked.

    Attributes:
        path: the tokens, as a path; its salt is zeros, since the buyer draws one for each order.
        listing: key of the listing it leads to; None: it recommends the seller.
        at: `ws://` or `wss://` addresses of a node that shows the listing.
    """

    path: Path
    listing: str | None
    at: tuple[str, ...]

    @property
    def expires(self) -> int:
        """From when on no order is by it: the earliest end of its tokens, ms UTC."""
        return min(each.expires for each in self.path.referrals)


def link_of(tokens: tuple[bytes, ...], listing: str | None = None, at: tuple[str, ...] = ()) -> Link:
    """A link from its parts, checked for all that needs neither keys nor a clock [R-REF-1].

    Args:
        tokens: in order.
        listing: key of the listing it leads to; None: that of a token that names one, else the seller alone.
        at: addresses of a node that shows it.

    Raises:
        RemoteProtocolError: `bad_uri`, or as `paths.path_of`.
    """
    path = paths.path_of(_NO_SALT, tokens)
    named = {each.listing for each in path.referrals if each.listing is not UNSET}
    if len(named | ({listing} if listing is not None else set())) > 1:
        raise RemoteProtocolError("bad_uri", "its tokens recommend different listings")
    for address in at:
        if (problem := address_problem(address)) is not None:
            raise RemoteProtocolError("bad_uri", f"its address {address!r} {problem}")
    only = next(iter(named), None)
    return Link(path, listing or only, at)


def write_link(link: Link) -> str:
    """The text of a link; capital letters mean the same and make a smaller QR code [R-REF-2].

    Raises:
        LocalProtocolError: it is longer than MAX_REFERRAL_LINK.
    """
    body = LinkBody(
        at=link.at, listing=UNSET if link.listing is None else link.listing, path=link.path.tokens
    )
    return bech32.encode(PREFIX, encoding.encode_struct(body), limits.MAX_REFERRAL_LINK)


def is_link(text: str) -> bool:
    """Whether a text begins like a link; whether it is one, `read_link` says."""
    return text.strip()[: len(PREFIX) + 1].lower() == f"{PREFIX}1"


def read_link(text: str) -> Link:
    """A link from its text [R-REF-2].

    Raises:
        RemoteProtocolError: `bad_uri`, with a sentence that says what is wrong: mistyped, cut, or another thing.
    """
    try:
        data = bech32.decode(text.strip(), PREFIX, limits.MAX_REFERRAL_LINK)
        body = encoding.typed(encoding.decode(data, limits.MAX_REFERRAL_LINK), LinkBody)
        return link_of(body.path, None if body.listing is UNSET else body.listing, body.at)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_uri", f"the link has a wrong form: {error}") from error
    except RemoteProtocolError as error:
        raise RemoteProtocolError("bad_uri", error.text) from error


# -- codes ---------------------------------------------------------------------------------------------------
def normal(code: str) -> str:
    """A code as it counts: people type it in small letters and with blanks [R-REF-4]."""
    return "".join(each.upper() if each.isascii() else each for each in code if not each.isspace())


def checked_code(characters: str) -> str:
    """A code with its check character behind CODE_CHARACTERS of ALPHABET.

    Raises:
        LocalProtocolError: other characters, or another number of them.
    """
    if len(characters) != CODE_CHARACTERS or not set(characters) <= set(ALPHABET):
        raise LocalProtocolError(f"a code has {CODE_CHARACTERS} characters of {ALPHABET}")
    return f"{CHECKED}{characters}{_check(characters)}"


def check_code(code: str) -> str:
    """A code as it counts, unless it says of itself that it was mistyped [R-REF-4].

    Raises:
        RemoteProtocolError: `bad_uri`.
    """
    found = normal(code)
    if not 1 <= len(found) <= limits.MAX_CODE:
        raise RemoteProtocolError("bad_uri", f"a code has 1 to {limits.MAX_CODE} characters")
    if found.startswith(CHECKED):
        body = found.removeprefix(CHECKED)
        if (
            len(body) != CODE_CHARACTERS + 1
            or not set(body) <= set(ALPHABET)
            or _check(body[:-1]) != body[-1]
        ):
            raise RemoteProtocolError(
                "bad_uri", f"the code {found} was mistyped: its last character does not fit the others"
            )
    return found


def _check(characters: str) -> str:
    """Finds each wrong character and each two that were swapped: the weights differ, and 31 is prime."""
    total = sum(place * ALPHABET.index(each) for place, each in enumerate(characters, 1))
    return ALPHABET[total % len(ALPHABET)]
