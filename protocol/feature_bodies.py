"""The bodies of the messages of features: peer exchange, search, invites and reach, ranges [R-SES-7]."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from protocol import limits
from protocol.bodies import Count, Hash
from protocol.run import Run

_Category = Annotated[str, msgspec.Meta(max_length=limits.MAX_CATEGORY)]
_Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
_KindName = Annotated[str, msgspec.Meta(max_length=16)]
_QueryCursor = Annotated[bytes, msgspec.Meta(max_length=limits.MAX_QUERY_CURSOR)]


class AskPeers(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for addresses of networkers, the other side's own first."""


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """Signed address statements; as an answer, or unasked when they are new."""

    peers: Annotated[
        list[Any],
        msgspec.Meta(max_length=limits.MAX_PEERS, description="[statement, openers]: see address statements"),
    ] = []


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Shows the token of an invite to the one who made it."""

    pin: Annotated[
        Annotated[str, msgspec.Meta(min_length=6, max_length=6)] | None,
        msgspec.Meta(description="6 digits, told by another channel; nil for none"),
    ] = None
    token: Annotated[
        bytes, msgspec.Meta(min_length=16, max_length=16, description="of the invite link, parameter `t`")
    ]


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The invite holds: its maker counts the asker among those they named."""

    followed: Annotated[bool, msgspec.Meta(description="whether the maker follows the asker from now on")] = (
        False
    )


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a sign of life, the clock, and the own address as the other side sees it."""

    clock: Annotated[Count, msgspec.Meta(description="ms UTC at sending")]


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The sign of life."""

    address: Annotated[
        str,
        msgspec.Meta(
            max_length=64, description="IP address that the asker's end of the link has; may be empty"
        ),
    ] = ""
    clock: Annotated[Count, msgspec.Meta(description="ms UTC at sending")]


class DialBack(msgspec.Struct, frozen=True, kw_only=True):
    """Asks whether the asker's port can be dialled from where the other side is."""

    port: Annotated[int, msgspec.Meta(ge=1, le=65_535, description="of the asker's listener")]


class DialledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What came of dialling back."""

    address: Annotated[
        str, msgspec.Meta(max_length=limits.MAX_ADDRESS, description="the `ws://` address that was dialled")
    ]
    reached: Annotated[bool, msgspec.Meta(description="whether the asker's networker answered there")]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Searches the listings that the receiver holds."""

    category: Annotated[
        _Category | None,
        msgspec.Meta(description="only at or below it; nil for any"),
    ] = None
    currency: Annotated[_Currency | None, msgspec.Meta(description="only prices in it; nil for any")] = None
    cursor: Annotated[
        _QueryCursor | None, msgspec.Meta(description="`next` of the page before; nil: the first")
    ] = None
    kind: Annotated[_KindName | None, msgspec.Meta(description="only this kind of listing; nil for any")] = (
        None
    )
    least: Annotated[
        Count | None, msgspec.Meta(description="lowest price in minor units of `currency`; nil for any")
    ] = None
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=limits.MAX_HITS, description="most hits wanted in one answer")
    ]
    most: Annotated[
        Count | None, msgspec.Meta(description="highest price in minor units of `currency`; nil for any")
    ] = None
    seller: Annotated[
        Hash | None, msgspec.Meta(description="only listings of this networker; nil for any")
    ] = None
    text: Annotated[
        str, msgspec.Meta(max_length=limits.MAX_QUERY, description="words; empty finds everything")
    ]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Listings found, with what proves who wrote them."""

    heads: Annotated[
        list[Any],
        msgspec.Meta(max_length=limits.MAX_HITS, description="the item held of each author of a hit"),
    ] = []
    hits: Annotated[
        list[Run],
        msgspec.Meta(
            max_length=limits.MAX_HITS, description="the entries found, best first, a run of one each"
        ),
    ] = []
    next: Annotated[
        _QueryCursor | None,
        msgspec.Meta(description="for the page after; nil at the end"),
    ] = None
    openers: Annotated[
        list[Run], msgspec.Meta(max_length=1_024, description="all openers of the authors, a run of one each")
    ] = []
    standings: Annotated[
        list[Run],
        msgspec.Meta(max_length=1_024, description="parts of standings that name hits of closed places"),
    ] = []


class Deliver(msgspec.Struct, frozen=True, kw_only=True):
    """Brings a letter to its recipient, or to a node that may keep it for them."""

    letter: Annotated[
        bytes, msgspec.Meta(min_length=1, max_length=limits.MAX_LETTER, description="whole: see section 20")
    ]


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """The letter is stored, and will be after a loss of power."""

    kept: Annotated[
        bool,
        msgspec.Meta(description="false: its recipient has it; true: it is kept for the recipient"),
    ]


_Prefix = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{0,64}\Z")]
_Masks = list[tuple[_Prefix, Annotated[int, msgspec.Meta(ge=1, lt=1 << limits.MAX_RANGES_LIST)]]]
_Lists = list[
    tuple[
        _Prefix,
        Annotated[bytes, msgspec.Meta(max_length=limits.MAX_RANGES_LIST * limits.RANGES_ID_BYTES)],
    ]
]
_SPLIT: Final = 16 * limits.RANGES_ID_BYTES
_Splits = list[tuple[_Prefix, Annotated[bytes, msgspec.Meta(min_length=_SPLIT, max_length=_SPLIT)]]]
_LACKING: Final = msgspec.Meta(
    max_length=limits.MAX_RANGES, description="[prefix, mask]: which ids of a list told the sender lacks"
)
_LISTS: Final = msgspec.Meta(
    max_length=limits.MAX_RANGES, description="[prefix, short ids joined]: all the sender has in that range"
)
_SPLITS: Final = msgspec.Meta(
    max_length=limits.MAX_RANGES, description="[prefix, the fingerprints of its sixteen parts joined]"
)


class Ranges(msgspec.Struct, frozen=True, kw_only=True):
    """Asks where the two sets of items differ; one step of a reconciliation."""

    begin: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)], list[Any], Count] | None,
        msgspec.Meta(description="first question only: salt, the sender's cursor, how many logs it keeps"),
    ] = None
    items: Annotated[
        list[Any],
        msgspec.Meta(max_length=limits.MAX_ITEMS, description="the sender's items that the receiver lacks"),
    ] = []
    lacking: Annotated[_Masks, _LACKING] = []
    last: Annotated[bool, msgspec.Meta(description="nothing follows: all items were told")] = False
    lists: Annotated[_Lists, _LISTS] = []
    splits: Annotated[_Splits, _SPLITS] = []


class RangesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the answerer has in the ranges asked for."""

    begin: Annotated[
        tuple[list[Any], Count] | None,
        msgspec.Meta(
            description="answering the first question: the answerer's cursor, how many logs it keeps"
        ),
    ] = None
    items: Annotated[
        list[Any], msgspec.Meta(max_length=limits.MAX_ITEMS, description="items the asker lacks")
    ] = []
    lacking: Annotated[_Masks, _LACKING] = []
    left: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=3 * limits.MAX_RANGES,
            description="how many rows, the last ones, were not reached: ask again",
        ),
    ] = 0
    lists: Annotated[_Lists, _LISTS] = []
    splits: Annotated[_Splits, _SPLITS] = []
