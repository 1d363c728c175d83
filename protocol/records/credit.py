"""Records of an issuer's ledger, and the challenge that asks for one [R-CRED-10..59].

What an effect rests on is embedded: deal messages, signed statements, openers of signers that this log did not hold
before. None of them holds personal data, since even records cannot be purged.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Hash, Place, Salt, Wires, doc, malformed

Content = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_GROUP_CONTENT)]
PartNumber = Annotated[int, Meta(ge=1, le=limits.MAX_GROUP_PARTS)]
Statement = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_CREDIT_STATEMENT)]
DealMessages = Annotated[
    tuple[Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)], ...],
    Meta(min_length=1, max_length=limits.MAX_LEDGER_MESSAGES),
]
Headers = Annotated[
    tuple[Annotated[tuple[Any, ...], Meta(min_length=3, max_length=3)], ...],
    Meta(min_length=1, max_length=limits.MAX_PROOF),
]
"""Consecutive entries of another log, as ``[header, signature, record or nil]``."""


class Rekey(Struct, frozen=True, kw_only=True):
    """Tells this ledger of rotations: from here on older keys of those networkers move nothing."""

    KIND: ClassVar[int] = 20

    openers: Annotated[Wires, doc("rotations that are new here, after the inception where it is new too")]


class SalePart(Struct, frozen=True, kw_only=True):
    """A sale, or one part of it: the content of all parts, put together, is a canonical `SaleContent`."""

    KIND: ClassVar[int] = 22

    content: Annotated[Content, doc("the whole content, or a piece of it")]
    count: Annotated[PartNumber, doc("how many parts there are")]
    hash: Annotated[Hash, doc("SHA-256 of the whole content, in every part the same")]
    number: Annotated[PartNumber, doc("of this part, counted from 1")]


class ClosePart(Struct, frozen=True, kw_only=True):
    """The close of a period, or one part of it: all parts put together are a canonical `CloseContent`."""

    KIND: ClassVar[int] = 24

    content: Annotated[Content, doc("as in a sale")]
    count: Annotated[PartNumber, doc("as in a sale")]
    hash: Annotated[Hash, doc("as in a sale")]
    number: Annotated[PartNumber, doc("as in a sale")]


class RefundEntry(Struct, frozen=True, kw_only=True):
    """Takes back of a sale's awards what a refund confirmed by the buyer, or a ruling, takes off its base."""

    KIND: ClassVar[int] = 26

    base: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_INT)],
        doc("of the sale now, minor units of the order's money; what the messages come to"),
    ]
    messages: Annotated[DealMessages, doc("of the deal that no entry of this sale embeds yet")]
    openers: Annotated[Wires, doc("of the arbiter, where this log does not hold them yet")]
    order: Annotated[Hash, doc("id of the order")]


class Freeze(Struct, frozen=True, kw_only=True):
    """Holds a sale's pending awards while the buyer's dispute is open, or lets go of them when it has ended."""

    KIND: ClassVar[int] = 28

    messages: Annotated[DealMessages, doc("of the deal that no entry of this sale embeds yet")]
    openers: Annotated[Wires, doc("of the arbiter, where this log does not hold them yet")]
    order: Annotated[Hash, doc("id of the order")]


class Transfer(Struct, frozen=True, kw_only=True):
    """Moves credit from its holder to somebody else, as the holder asked."""

    KIND: ClassVar[int] = 30

    limit: Annotated[
        Statement | UnsetType, doc("the recipient's acceptance limit; absent: the recipient is a member")
    ] = UNSET
    openers: Annotated[Wires, doc("of holder and recipient, what this log does not hold yet")]
    request: Annotated[Statement, doc("signed by the holder, action `transfer`")]


class Lock(Struct, frozen=True, kw_only=True):
    """Holds the credit that one side of a swap gives, until the other issuer's log decides."""

    KIND: ClassVar[int] = 32

    document: Annotated[Statement, doc("the swap, signed by both holders")]
    openers: Annotated[Wires, doc("of both holders, all up to the epochs that signed")]


class SwapEntry(Struct, frozen=True, kw_only=True):
    """Decides a swap, or ends the lock that waited for it; exactly one of `lock`, `pins` and `swap` is there."""

    KIND: ClassVar[int] = 34

    document: Annotated[Statement, doc("the swap, signed by both holders")]
    lock: Annotated[
        Headers | UnsetType,
        doc("in the log that decides: consecutive entries, the other issuer's lock first, a signed one last"),
    ] = UNSET
    openers: Annotated[Wires, doc("with `lock` or `swap`: of both holders and the other issuer, all of them")]
    pins: Annotated[
        tuple[Place, Place] | UnsetType,
        doc(
            "in the log that locked: the document's head, and a header of the same log dated at or after `until`; "
            "whether a swap lies between decides"
        ),
    ] = UNSET
    swap: Annotated[
        Headers | UnsetType,
        doc("in the log that locked: consecutive entries, the other issuer's swap first, a signed one last"),
    ] = UNSET


class Redeem(Struct, frozen=True, kw_only=True):
    """Takes credit as payment for the issuer's goods, as the holder asked."""

    KIND: ClassVar[int] = 36

    openers: Annotated[Wires, doc("of the holder, what this log does not hold yet")]
    request: Annotated[Statement, doc("signed by the holder, action `redeem`")]


class Payout(Struct, frozen=True, kw_only=True):
    """Records that credit was paid out elsewhere, by the signature of who was paid."""

    KIND: ClassVar[int] = 38

    openers: Annotated[Wires, doc("of the holder, what this log does not hold yet")]
    request: Annotated[Statement, doc("signed by the holder once paid, action `payout`")]


class Reply(Struct, frozen=True, kw_only=True):
    """What an issuer says to one challenge."""

    challenge: Annotated[Hash, doc("id of the challenge's entry")]
    entry: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_SEQ)] | UnsetType,
        doc("seq in this log of the entry that was asked for"),
    ] = UNSET
    reason: Annotated[
        Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")] | UnsetType,
        doc("why there is none, as `unpaid`, `no_balance`, `refunded`, `other`"),
    ] = UNSET


class Answer(Struct, frozen=True, kw_only=True):
    """Answers challenges: each with the entry that was asked for, or with a reason, which stays shown."""

    KIND: ClassVar[int] = 40

    replies: Annotated[
        Annotated[tuple[Reply, ...], Meta(min_length=1, max_length=limits.MAX_REPLIES)],
        doc("ascending by challenge, each once"),
    ]


class Release(Struct, frozen=True, kw_only=True):
    """A holder lets go of what a rotation left disputed."""

    KIND: ClassVar[int] = 42

    openers: Annotated[Wires, doc("of the holder, what this log does not hold yet")]
    release: Annotated[Statement, doc("signed by the holder")]


class Challenge(Struct, frozen=True, kw_only=True, rename=SALT):
    """Asks an issuer in public for what it owes: a sale, by contract and path, or what a request asks for."""

    KIND: ClassVar[int] = 23

    salt: Annotated[Salt, doc("16 random bytes")]
    contract: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)] | UnsetType,
        doc(
            "the issuer's own deal message that made the contract of a sale, whole; with `path` or a `buyback`"
        ),
    ] = UNSET
    issuer: Annotated[Hash, doc("networker id of who is asked")]
    openers: Annotated[Wires, doc("of the issuer and those of the path")]
    path: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OPENED_PATH)] | UnsetType,
        doc("the opened path, which names the author; with `contract`, and without `request`"),
    ] = UNSET
    request: Annotated[
        Statement | UnsetType,
        doc("a `credit request` or a `buyback` of the author; with a `buyback` comes its contract"),
    ] = UNSET


def check_part(record: SalePart | ClosePart) -> None:
    """A part is one of those there are.

    Raises:
        Void: `malformed`.
    """
    if record.number > record.count:
        malformed("number", f"part {record.number} of {record.count}")


def check_swap_entry(record: SwapEntry) -> None:
    """A swap entry does one thing.

    Raises:
        Void: `malformed`.
    """
    if sum(each is not UNSET for each in (record.lock, record.pins, record.swap)) != 1:
        malformed("lock", "exactly one of `lock`, `pins` and `swap` is given")
    if record.pins is not UNSET and record.pins[0][0] >= record.pins[1][0]:
        malformed("pins", "the second header lies above the first")


def check_answer(record: Answer) -> None:
    """Each challenge is answered once, with an entry or a reason.

    Raises:
        Void: `malformed`.
    """
    ids = [reply.challenge for reply in record.replies]
    if ids != sorted(set(ids)):
        malformed("replies", "not in ascending order of challenge, or one is answered twice")
    if any((reply.entry is UNSET) == (reply.reason is UNSET) for reply in record.replies):
        malformed("replies", "each has either an entry or a reason")


def check_challenge(record: Challenge) -> None:
    """A challenge is about one thing.

    Raises:
        Void: `malformed`.
    """
    if (record.path is UNSET) == (record.request is UNSET):
        malformed("request", "either a request or an opened path is given")
    if record.path is not UNSET and record.contract is UNSET:
        malformed("path", "goes with a contract")
