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
from typing import Any, Final

import msgspec

from protocol import encoding, limits
from protocol.bodies import (
    AskBranch,
    AskBranches,
    AskIds,
    AskOpeners,
    AskProof,
    Body,
    BodyForm,
    Branches,
    Bye,
    Changes,
    Chunk,
    Fetch,
    Fork,
    Get,
    Have,
    Heads,
    Hello,
    Ids,
    Interest,
    Items,
    Push,
    Records,
    Refuse,
    Runs,
    See,
    Statement,
    Twin,
    Want,
)
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.feature_bodies import (
    AskPeers,
    Deliver,
    Delivered,
    DialBack,
    DialledBack,
    Found,
    Join,
    Joined,
    Peers,
    Ping,
    Pong,
    Query,
    Ranges,
    RangesAnswer,
)

__all__ = [
    "ASK_BRANCHES",
    "ASK_IDS",
    "ASK_PEERS",
    "BRANCH",
    "BRANCHES",
    "BYE",
    "CHANGES",
    "CHUNK",
    "DELIVER",
    "DELIVERED",
    "DIALLED_BACK",
    "DIAL_BACK",
    "FETCH",
    "FORK",
    "FOUND",
    "GET",
    "HAVE",
    "HEADS",
    "HELLO",
    "IDS",
    "INTEREST",
    "ITEMS",
    "JOIN",
    "JOINED",
    "MESSAGES",
    "OPENERS",
    "PEERS",
    "PING",
    "PONG",
    "PROOF",
    "PUSH",
    "QUERY",
    "RANGES",
    "RANGES_ANSWER",
    "RECORDS",
    "REFUSE",
    "RUNS",
    "SEE",
    "SEEN",
    "TWIN",
    "TYPES",
    "UNASKED",
    "WANT",
    "AskBranch",
    "AskBranches",
    "AskIds",
    "AskOpeners",
    "AskPeers",
    "AskProof",
    "Body",
    "BodyForm",
    "Branches",
    "Bye",
    "Changes",
    "Chunk",
    "Deliver",
    "Delivered",
    "DialBack",
    "DialledBack",
    "Fetch",
    "Fork",
    "Found",
    "Get",
    "Have",
    "Heads",
    "Hello",
    "Ids",
    "Interest",
    "Items",
    "Join",
    "Joined",
    "Message",
    "Peers",
    "Ping",
    "Pong",
    "Push",
    "Query",
    "Ranges",
    "RangesAnswer",
    "Received",
    "Records",
    "Refuse",
    "Role",
    "Runs",
    "See",
    "Statement",
    "Twin",
    "Want",
    "decode_message",
    "encode_message",
]


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
DELIVER, DELIVERED = 42, 43
ASK_BRANCHES, BRANCHES, BRANCH = 44, 45, 46

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
            Message(DELIVER, "deliver", Deliver, _Q, (DELIVERED, REFUSE)),
            Message(DELIVERED, "delivered", Delivered, _A),
            Message(ASK_BRANCHES, "ask_branches", AskBranches, _Q, (BRANCHES, REFUSE)),
            Message(BRANCHES, "branches", Branches, _A),
            Message(BRANCH, "branch", AskBranch, _Q, (RUNS, REFUSE)),
        )
    }
)
TYPES: Final = MappingProxyType({row.body: row.type for row in MESSAGES.values()})

UNASKED: Final = frozenset({FORK, PEERS, REFUSE})  # answers that may also come without a question [R-SES-9]

# Bodies without text: a typed decode that encodes to the same bytes proves them canonical.
_FAST: Final = frozenset({RUNS, PUSH, RECORDS, CHUNK, IDS, DELIVER})
_envelope = msgspec.msgpack.Decoder(tuple[int, int, msgspec.Raw])
_decoders: Final[Mapping[int, msgspec.msgpack.Decoder[Any]]] = MappingProxyType(
    {row.type: msgspec.msgpack.Decoder(row.body) for row in MESSAGES.values()}
)


class Received(msgspec.Struct, frozen=True):
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
        return Received(number, request, encoding.typed(body, row.body))
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_message", f"{row.name}: {error}") from error
