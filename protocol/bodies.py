"""The bodies of the messages that every node speaks [R-MSG-4]; `protocol.messages` has the table.

Bodies declare their fields in byte order of their names, so that their encoding is canonical.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from protocol import limits
from protocol.run import Run

Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_SEQ)]
Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Text = Annotated[str, msgspec.Meta(max_length=500)]

Body = msgspec.Struct
BodyForm = type[msgspec.Struct]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, features, limits and clock of the sender; the first message each side sends."""

    agent: Annotated[
        str, msgspec.Meta(max_length=64, description="name and version of the program, for the log")
    ]
    clock: Annotated[Count, msgspec.Meta(description="ms UTC at sending")]
    features: Annotated[
        list[Count], msgspec.Meta(max_length=64, description="feature bits; an even one must be understood")
    ] = []
    kinds: Annotated[
        list[Count] | None, msgspec.Meta(description="odd kinds whose records are kept; nil for all")
    ] = None
    limits: Annotated[
        dict[str, Count],
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
        list[Count], msgspec.Meta(min_length=1, max_length=16, description="protocol versions spoken")
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
        Hash | None, msgspec.Meta(description="last author of the page before; nil for the first")
    ] = None
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=limits.MAX_ITEMS, description="most items wanted in one page")
    ]


class AskIds(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for entry ids of one log, to bisect to the first difference."""

    author: Annotated[Hash, msgspec.Meta(description="whose log")]
    epoch: Count
    seqs: Annotated[
        list[Seq], msgspec.Meta(min_length=1, max_length=limits.MAX_IDS, description="places asked for")
    ]
    term: Count


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids at the places asked for."""

    ids: Annotated[
        list[Hash | None],
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
        list[tuple[Hash, Seq, Seq]],
        msgspec.Meta(
            min_length=1,
            max_length=limits.MAX_WANTS,
            description="[author, first seq, last seq]; first > last asks for the highest entries first",
        ),
    ]


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that were asked for; several messages may answer one question."""

    left: Annotated[
        list[tuple[Hash, Seq, Seq]],
        msgspec.Meta(max_length=limits.MAX_WANTS, description="wants the budget did not reach; ask again"),
    ] = []
    more: Annotated[bool, msgspec.Meta(description="whether another message of this answer follows")] = False
    runs: Annotated[list[Run], msgspec.Meta(max_length=1_024, description="runs")] = []


class AskOpeners(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for all openers known of some networkers."""

    authors: Annotated[list[Hash], msgspec.Meta(min_length=1, max_length=16, description="whose openers")]


class AskProof(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the proof of a fork."""

    author: Annotated[Hash, msgspec.Meta(description="whose log")]
    epoch: Count
    term: Count


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of a fork; as an answer, or unasked as gossip."""

    left: Annotated[Run, msgspec.Meta(description="from the place of difference to a valid signature")]
    right: Annotated[Run, msgspec.Meta(description="the other side, from the same place")]


class AskBranches(msgspec.Struct, frozen=True, kw_only=True):
    """Asks which branches of some logs are held."""

    authors: Annotated[
        list[Hash], msgspec.Meta(min_length=1, max_length=limits.MAX_BRANCHES, description="whose logs")
    ]


class Branches(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry of each branch held of the logs asked for."""

    branches: Annotated[
        list[tuple[Hash, Count, Count, Seq, Hash]],
        msgspec.Meta(
            max_length=limits.MAX_BRANCHES * limits.MAX_BRANCHES,
            description="[author, epoch, term, seq, entry id]",
        ),
    ] = []


class AskBranch(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for an entry, in the log or not, and those below it."""

    author: Annotated[Hash, msgspec.Meta(description="whose log")]
    budget: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=limits.MAX_GET_BYTES, description="bytes of runs all answers may bring together"
        ),
    ]
    id: Annotated[Hash, msgspec.Meta(description="of the newest entry wanted")]
    seq: Annotated[Seq, msgspec.Meta(description="where it stands")]


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for records whose headers are held."""

    entries: Annotated[
        list[tuple[Hash, Seq, Hash]],
        msgspec.Meta(min_length=1, max_length=limits.MAX_WANTS, description="[author, seq, entry id]"),
    ]


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """The records asked for; places not named did not fit: ask again."""

    gone: Annotated[
        list[Count], msgspec.Meta(max_length=limits.MAX_WANTS, description="places let go of here")
    ] = []
    none: Annotated[
        list[Count], msgspec.Meta(max_length=limits.MAX_WANTS, description="entries not held here")
    ] = []
    records: Annotated[
        list[tuple[Count, bytes]],
        msgspec.Meta(max_length=limits.MAX_WANTS, description="[place in the question, record]"),
    ] = []


class See(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for a signed statement that an entry is stored."""

    author: Annotated[Hash, msgspec.Meta(description="whose log")]
    seq: Annotated[Seq, msgspec.Meta(description="which entry")]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The statement (message `seen`)."""

    statement: Annotated[
        dict[str, Any], msgspec.Meta(max_length=32, description="see the section on statements")
    ]


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for one chunk of a blob."""

    chunk: Annotated[int, msgspec.Meta(ge=0, le=1_023, description="from 0 on; chunk 0 first")]
    hash: Annotated[Hash, msgspec.Meta(description="name of the blob")]


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
        list[Hash], msgspec.Meta(max_length=limits.MAX_INTEREST, description="networkers wanted")
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
    text: Annotated[Text, msgspec.Meta(description="for a person")]


class Bye(msgspec.Struct, frozen=True, kw_only=True):
    """The last message of a session."""

    code: Annotated[
        str, msgspec.Meta(max_length=32, description="a code of the registry, or empty: a normal end")
    ]
    text: Annotated[Text, msgspec.Meta(description="for a person")]


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """Another node of the receiver's networker is in session here."""
