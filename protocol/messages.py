"""The messages of a session: one table of types with their bodies [R-MSG-1..6].

A message is the canonical array ``[type, request, body]``. `request` is 0 for what nobody asked for; a question
carries a number its sender chose, every answer echoes it. Types of even number must be understood (an unknown one is
answered with `refuse`), unknown odd ones are ignored. Unknown fields of a body are ignored.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.run import Run

_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_SEQ)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Text = Annotated[str, msgspec.Meta(max_length=500)]
_Category = Annotated[str, msgspec.Meta(max_length=limits.MAX_CATEGORY)]
_Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
_KindName = Annotated[str, msgspec.Meta(max_length=16)]
_QueryCursor = Annotated[bytes, msgspec.Meta(max_length=limits.MAX_QUERY_CURSOR)]


# Bodies declare their fields in byte order of their names, so that their encoding is canonical.
Body = msgspec.Struct
BodyForm = type[msgspec.Struct]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, features, limits and clock of the sender; the first message each side sends."""

    agent: Annotated[
        str, msgspec.Meta(max_length=64, description="name and version of the program, for the log")
    ]
    clock: Annotated[_Count, msgspec.Meta(description="ms UTC at sending")]
    features: Annotated[
        list[_Count], msgspec.Meta(max_length=64, description="feature bits; an even one must be understood")
    ] = []
    kinds: Annotated[
        list[_Count] | None, msgspec.Meta(description="odd kinds whose records are kept; nil for all")
    ] = None
    limits: Annotated[
        dict[str, _Count],
        msgspec.Meta(max_length=64, description="advertised limits that differ from the table"),
    ] = {}
    stamp: Annotated[
        tuple[int, bytes] | None, msgspec.Meta(description="proof of work: bits and nonce; nil for none")
    ] = None
    stamp_asked: Annotated[
        int, msgspec.Meta(ge=0, le=64, description="bits the sender asks of strangers")
    ] = 0
    store: Annotated[
        bytes,
        msgspec.Meta(min_length=16, max_length=16, description="id of the sender's store, as in its cursors"),
    ]
    versions: Annotated[
        list[_Count], msgspec.Meta(min_length=1, max_length=16, description="protocol versions spoken")
    ]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the items that changed since a cursor."""

    cursor: Annotated[list[Any], msgspec.Meta(description="[store id, arrival, tag] from an earlier answer")]
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=limits.MAX_ITEMS, description="most items wanted in one page")
    ]


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """A page of items, in order of arrival (`changes`) or of author id (`heads`)."""

    cursor: Annotated[
        list[Any] | None,
        msgspec.Meta(
            description="`changes`: where to go on after this page; `heads`: the newest arrival now"
        ),
    ] = None
    items: Annotated[list[Any], msgspec.Meta(max_length=limits.MAX_ITEMS, description="items")]
    more: Annotated[bool, msgspec.Meta(description="whether another page follows when asked")] = False


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for all items both sides want, by author id."""

    after: Annotated[
        _Hash | None, msgspec.Meta(description="last author of the page before; nil for the first")
    ] = None
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=limits.MAX_ITEMS, description="most items wanted in one page")
    ]


class AskIds(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for entry ids of one log, to bisect to the first difference."""

    author: Annotated[_Hash, msgspec.Meta(description="whose log")]
    epoch: _Count
    seqs: Annotated[
        list[_Seq], msgspec.Meta(min_length=1, max_length=limits.MAX_IDS, description="places asked for")
    ]
    term: _Count


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids at the places asked for."""

    ids: Annotated[
        list[_Hash | None],
        msgspec.Meta(
            max_length=limits.MAX_IDS, description="in order; nil where nothing of that place is held"
        ),
    ]


class Get(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for runs."""

    budget: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=limits.MAX_GET_BYTES, description="bytes of runs all answers may bring together"
        ),
    ]
    wants: Annotated[
        list[tuple[_Hash, _Seq, _Seq]],
        msgspec.Meta(
            min_length=1,
            max_length=limits.MAX_WANTS,
            description="[author, first seq, last seq]; first > last asks for the highest entries first",
        ),
    ]


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that were asked for; several messages may answer one question."""

    left: Annotated[
        list[tuple[_Hash, _Seq, _Seq]],
        msgspec.Meta(max_length=limits.MAX_WANTS, description="wants the budget did not reach; ask again"),
    ] = []
    more: Annotated[bool, msgspec.Meta(description="whether another message of this answer follows")] = False
    runs: Annotated[list[Run], msgspec.Meta(max_length=1_024, description="runs")] = []


class AskOpeners(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for all openers known of some networkers."""

    authors: Annotated[list[_Hash], msgspec.Meta(min_length=1, max_length=16, description="whose openers")]


class AskProof(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the proof of a fork."""

    author: Annotated[_Hash, msgspec.Meta(description="whose log")]
    epoch: _Count
    term: _Count


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of a fork; as an answer, or unasked as gossip."""

    left: Annotated[Run, msgspec.Meta(description="from the place of difference to a valid signature")]
    right: Annotated[Run, msgspec.Meta(description="the other side, from the same place")]


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for records whose headers are held."""

    entries: Annotated[
        list[tuple[_Hash, _Seq, _Hash]],
        msgspec.Meta(min_length=1, max_length=limits.MAX_WANTS, description="[author, seq, entry id]"),
    ]


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """The records asked for; places not named did not fit: ask again."""

    gone: Annotated[
        list[_Count], msgspec.Meta(max_length=limits.MAX_WANTS, description="places let go of here")
    ] = []
    none: Annotated[
        list[_Count], msgspec.Meta(max_length=limits.MAX_WANTS, description="entries not held here")
    ] = []
    records: Annotated[
        list[tuple[_Count, bytes]],
        msgspec.Meta(max_length=limits.MAX_WANTS, description="[place in the question, record]"),
    ] = []


class See(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a signed statement that an entry is stored."""

    author: Annotated[_Hash, msgspec.Meta(description="whose log")]
    seq: Annotated[_Seq, msgspec.Meta(description="which entry")]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The statement (message `seen`)."""

    statement: Annotated[
        dict[str, Any], msgspec.Meta(max_length=32, description="see the section on statements")
    ]


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for one chunk of a blob."""

    chunk: Annotated[int, msgspec.Meta(ge=0, le=1_023, description="from 0 on; chunk 0 first")]
    hash: Annotated[_Hash, msgspec.Meta(description="name of the blob")]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk of a blob, or nothing when the blob is not held."""

    data: Annotated[
        bytes | None, msgspec.Meta(description="at most BLOB_CHUNK bytes; nil when the blob is not held")
    ] = None
    manifest: Annotated[
        bytes, msgspec.Meta(description="with chunk 0 of a longer blob: the SHA-256 of each chunk, joined")
    ] = b""
    size: Annotated[
        int, msgspec.Meta(ge=0, le=limits.MAX_BLOB, description="of the whole blob, in bytes")
    ] = 0


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender wants to hold: everything, or a list of networkers, in parts."""

    all: Annotated[bool, msgspec.Meta(description="everything; `ids` and `more` are then ignored")]
    ids: Annotated[
        list[_Hash], msgspec.Meta(max_length=limits.MAX_INTEREST, description="networkers wanted")
    ] = []
    more: Annotated[bool, msgspec.Meta(description="whether another part follows")] = False


class Have(msgspec.Struct, frozen=True, kw_only=True):
    """Items that changed here, for a peer that is not pushed to."""

    items: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=limits.MAX_ITEMS, description="items")]


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """New entries, unasked."""

    runs: Annotated[list[Run], msgspec.Meta(min_length=1, max_length=1_024, description="runs")]


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a question that is not served, or names a fault."""

    code: Annotated[str, msgspec.Meta(max_length=32, description="a code of the registry")]
    text: Annotated[_Text, msgspec.Meta(description="for a person")]


class Bye(msgspec.Struct, frozen=True, kw_only=True):
    """The last message of a session."""

    code: Annotated[
        str, msgspec.Meta(max_length=32, description="a code of the registry, or empty: a normal end")
    ]
    text: Annotated[_Text, msgspec.Meta(description="for a person")]


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """Another node of the receiver's networker is in session here."""


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
        msgspec.Meta(description="6 digits, told by another channel; nil when the invite has none"),
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

    clock: Annotated[_Count, msgspec.Meta(description="ms UTC at sending")]


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The sign of life."""

    address: Annotated[
        str,
        msgspec.Meta(
            max_length=64, description="IP address that the asker's end of the link has; may be empty"
        ),
    ] = ""
    clock: Annotated[_Count, msgspec.Meta(description="ms UTC at sending")]


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
        _Count | None, msgspec.Meta(description="lowest price in minor units of `currency`; nil for any")
    ] = None
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=limits.MAX_HITS, description="most hits wanted in one answer")
    ]
    most: Annotated[
        _Count | None, msgspec.Meta(description="highest price in minor units of `currency`; nil for any")
    ] = None
    seller: Annotated[
        _Hash | None, msgspec.Meta(description="only listings of this networker; nil for any")
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


_Prefix = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{0,64}$")]
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
        tuple[Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)], list[Any], _Count] | None,
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
        tuple[list[Any], _Count] | None,
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
            ge=0, le=3 * limits.MAX_RANGES, description="how many rows, the last ones, were not reached: ask again"
        ),
    ] = 0
    lists: Annotated[_Lists, _LISTS] = []
    splits: Annotated[_Splits, _SPLITS] = []


class Role(enum.Enum):
    """What a message is in a conversation."""

    QUESTION = "question"
    ANSWER = "answer"
    NOTICE = "notice"  # nobody asked


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the table: type number, name, body, role, and which types may answer it."""

    type: int
    name: str
    body: BodyForm
    role: Role
    answers: tuple[int, ...] = ()


HELLO, CHANGES, ITEMS, HEADS, ASK_IDS, IDS = 0, 2, 3, 4, 6, 7
GET, RUNS, OPENERS, PROOF, FORK, WANT, RECORDS = 8, 9, 10, 12, 13, 14, 15
SEE, SEEN, FETCH, CHUNK = 16, 17, 18, 19
INTEREST, HAVE, PUSH, REFUSE, BYE, TWIN = 20, 21, 23, 25, 27, 29
QUERY, FOUND = 32, 33
ASK_PEERS, PEERS = 30, 31
RANGES, RANGES_ANSWER = 36, 37
JOIN, JOINED, PING, PONG, DIAL_BACK, DIALLED_BACK = 34, 35, 38, 39, 40, 41

_Q, _A, _N = Role.QUESTION, Role.ANSWER, Role.NOTICE
MESSAGES: Final = MappingProxyType(
    {
        row.type: row
        for row in (
            Message(HELLO, "hello", Hello, _N),
            Message(CHANGES, "changes", Changes, _Q, (ITEMS, REFUSE)),
            Message(ITEMS, "items", Items, _A),
            Message(HEADS, "heads", Heads, _Q, (ITEMS, REFUSE)),
            Message(ASK_IDS, "ask_ids", AskIds, _Q, (IDS, REFUSE)),
            Message(IDS, "ids", Ids, _A),
            Message(GET, "get", Get, _Q, (RUNS, REFUSE)),
            Message(RUNS, "runs", Runs, _A),
            Message(OPENERS, "openers", AskOpeners, _Q, (RUNS, REFUSE)),
            Message(PROOF, "proof", AskProof, _Q, (FORK, REFUSE)),
            Message(FORK, "fork", Fork, _A),
            Message(WANT, "want", Want, _Q, (RECORDS, REFUSE)),
            Message(RECORDS, "records", Records, _A),
            Message(SEE, "see", See, _Q, (SEEN, REFUSE)),
            Message(SEEN, "seen", Statement, _A),
            Message(FETCH, "fetch", Fetch, _Q, (CHUNK, REFUSE)),
            Message(CHUNK, "chunk", Chunk, _A),
            Message(INTEREST, "interest", Interest, _N),
            Message(HAVE, "have", Have, _N),
            Message(PUSH, "push", Push, _N),
            Message(REFUSE, "refuse", Refuse, _A),
            Message(BYE, "bye", Bye, _N),
            Message(TWIN, "twin", Twin, _N),
            Message(QUERY, "query", Query, _Q, (FOUND, REFUSE)),
            Message(FOUND, "found", Found, _A),
            Message(ASK_PEERS, "ask_peers", AskPeers, _Q, (PEERS, REFUSE)),
            Message(PEERS, "peers", Peers, _A),
            Message(JOIN, "join", Join, _Q, (JOINED, REFUSE)),
            Message(JOINED, "joined", Joined, _A),
            Message(RANGES, "ranges", Ranges, _Q, (RANGES_ANSWER, REFUSE)),
            Message(RANGES_ANSWER, "ranges_answer", RangesAnswer, _A),
            Message(PING, "ping", Ping, _Q, (PONG, REFUSE)),
            Message(PONG, "pong", Pong, _A),
            Message(DIAL_BACK, "dial_back", DialBack, _Q, (DIALLED_BACK, REFUSE)),
            Message(DIALLED_BACK, "dialled_back", DialledBack, _A),
        )
    }
)
TYPES: Final = MappingProxyType({row.body: row.type for row in MESSAGES.values()})

UNASKED: Final = frozenset({FORK, PEERS, REFUSE})  # answers that may also come without a question [R-SES-9]

# Bodies without text: a typed decode that encodes to the same bytes proves them canonical.
_FAST: Final = frozenset({RUNS, PUSH, RECORDS, CHUNK, IDS})
_envelope = msgspec.msgpack.Decoder(tuple[int, int, msgspec.Raw])
_decoders: Final[Mapping[int, msgspec.msgpack.Decoder[Any]]] = MappingProxyType(
    {row.type: msgspec.msgpack.Decoder(row.body) for row in MESSAGES.values()}
)


@dataclass(frozen=True, slots=True)
class Received:
    """One decoded message; `body` is None for an unknown type."""

    type: int
    request: int
    body: Body | None


def encode_message(body: Body, request: int = 0) -> bytes:
    """Encodes one message.

    Raises:
        LocalProtocolError: it is longer than MAX_MESSAGE.
    """
    data = encoding.encode_struct((TYPES[type(body)], request, body))
    if len(data) > limits.MAX_MESSAGE:
        raise LocalProtocolError(f"message of {len(data)} bytes, at most {limits.MAX_MESSAGE} allowed")
    return data


def decode_message(data: bytes) -> Received:
    """Decodes one message; numbered checks, the first failure decides the code [R-MSG-3].

    Raises:
        RemoteProtocolError: `too_large`, `encoding`, `not_canonical` or `bad_message`.
    """
    if len(data) > limits.MAX_MESSAGE:
        raise RemoteProtocolError(
            "too_large", f"message of {len(data)} bytes, at most {limits.MAX_MESSAGE} allowed"
        )
    try:
        number, request, raw = _envelope.decode(data)
        row = MESSAGES.get(number)
        if row is not None and number in _FAST:
            body: Body = _decoders[number].decode(raw)
            if encoding.encode_struct((number, request, body)) == data and 0 <= request <= limits.MAX_INT:
                return Received(number, request, body)
    except (msgspec.MsgspecError, RecursionError):
        row = None
    return _decode_strictly(data)


def _decode_strictly(data: bytes) -> Received:
    value = encoding.decode(data)
    if (
        not isinstance(value, list)
        or len(value) != 3
        or any(type(number) is not int or number < 0 for number in value[:2])
        or not isinstance(value[2], dict)
    ):
        raise RemoteProtocolError("bad_message", "a message is an array of type, request number and body")
    number, request, body = value
    row = MESSAGES.get(number)
    if row is None:
        return Received(number, request, None)
    try:
        return Received(number, request, msgspec.convert(body, row.body))
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_message", f"{row.name}: {error}") from error
