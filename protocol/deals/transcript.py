"""Transcripts: a whole deal in one file, which proves itself without a network or a store [R-DEAL-26..29].

``INXDEAL1`` and a line feed, the network's name as canonical str, then blocks of one byte of kind, a length in 4 bytes
big endian, and that many bytes: the openers of each signer, then each message after all it names, with the enclosure it
signs, if included, right behind it. One set of messages and enclosures has one file.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals import mandates
from protocol.deals.bodies import Order, Renewal
from protocol.deals.consent import consented_by, parse_consent
from protocol.deals.message import Message, first_order, parse, signed_by
from protocol.deals.offers import named_by, offered_by, parse_offer
from protocol.deals.state import DealState, judge
from protocol.entry import INCEPTION, ROTATION, Entry, parse_wire
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.openers import Openers, start
from protocol.tags import tag

MAGIC: Final = b"INXDEAL1\n"
OPENERS: Final = 1
MESSAGE: Final = 2
ENCLOSURE: Final = 3
_FRAME: Final = 5
_SIZES: Final = {
    OPENERS: limits.MAX_MESSAGE,
    MESSAGE: limits.MAX_DEAL_MESSAGE,
    ENCLOSURE: limits.MAX_ENCLOSURE,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file proves nothing: the message (its place among those of the file, None: it is none), field, reason."""

    message: int | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A proved file: its messages in order, their enclosures by hash, and the state as of the newest message."""

    network: str
    messages: tuple[Message, ...]
    enclosures: Mapping[bytes, bytes]
    state: DealState


class _Faulty(Exception):
    """Carries a fault out of the reading of a file."""

    def __init__(self, message: int | None, where: str, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(message, where, reason)


@dataclass(slots=True)
class _File:
    """What was read of a file so far."""

    openers: dict[bytes, Openers] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    enclosures: dict[bytes, bytes] = field(default_factory=dict)


def enclosed(message: Message) -> bytes | None:
    """The hash of what is enclosed with a message; with a renewal go the goods of its first order."""
    if isinstance(message.body, Renewal):
        return first_order(message).enclosed
    found = getattr(message.body, "enclosed", UNSET)
    return found if isinstance(found, bytes) else None


def encode(
    network: str,
    messages: Iterable[Message],
    openers: Iterable[Sequence[Entry]],
    enclosures: Iterable[bytes] = (),
) -> bytes:
    """The one file of a deal [R-DEAL-26].

    Args:
        network: name of the network.
        messages: of one deal, each authentic, with all they name.
        openers: inception and rotations of each networker whose signature is in it (seller, arbiter, named buyer);
            more networkers or epochs than needed are left out.
        enclosures: canonical bytes of the private documents to include; those of no message are left out.

    Raises:
        LocalProtocolError: the file would not verify; the sentence names field and reason.
    """
    ordered = in_order(messages)
    private = {hashlib.sha256(each).digest(): each for each in enclosures}
    needed = _needed(network, ordered)
    out = [MAGIC, encoding.encode(network)]
    longest = {entries[0].author: entries for entries in sorted(openers, key=len)}
    for _, entries in sorted(longest.items()):
        newest = needed.get(entries[0].author, -1)
        kept = [
            each.wire() for each in entries if each.epoch <= newest and each.kind in (INCEPTION, ROTATION)
        ]
        if kept:
            out.append(_block(OPENERS, encoding.encode(kept)))
    for message in ordered:
        out.append(_block(MESSAGE, message.data))
        content = private.pop(enclosed(message) or b"", None)
        if content is not None:
            out.append(_block(ENCLOSURE, content))
    data = b"".join(out)
    proved = verify(data)
    if isinstance(proved, Fault):
        raise LocalProtocolError(f"this deal cannot be written down: {proved.field}: {proved.reason}")
    return data


def verify(data: bytes) -> Transcript | Fault:
    """Reads and proves a file: forms, names, keys, signatures, enclosures [R-DEAL-27..29]. Nothing else is asked."""
    try:
        network, at = _network(data)
        file = _File()
        for kind, content in _blocks(data, at, file):
            _take(network, file, kind, content)
        _check_messages(network, file)
    except _Faulty as faulty:
        return faulty.fault
    newest = max(message.time for message in file.messages)
    return Transcript(network, tuple(file.messages), file.enclosures, judge(file.messages, newest))


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Each message after all it names, as files have them: of those that may come next, the first by date and id.

    Messages that name one that is not there come last.
    """
    known = {message.id: message for message in messages}
    missing = {message.id: len(message.names) for message in known.values()}
    followers: dict[bytes, list[Message]] = {}
    for message in known.values():
        for id in message.names:
            followers.setdefault(id, []).append(message)
    ready = [(message.time, message.id) for message in known.values() if not message.names]
    heapq.heapify(ready)
    ordered: list[Message] = []
    while ready:
        message = known.pop(heapq.heappop(ready)[1])
        ordered.append(message)
        for follower in followers.get(message.id, ()):
            missing[follower.id] -= 1
            if not missing[follower.id]:
                heapq.heappush(ready, (follower.time, follower.id))
    return ordered + sorted(known.values(), key=lambda message: (message.time, message.id))


@dataclass(frozen=True, slots=True)
class _Claim:
    """One signature of a networker in a message: the field it stands in, whose it is, and whether a key made it."""

    field: str
    networker: bytes
    epoch: int
    made_by: Callable[[bytes], bool]


def _claims(network: str, message: Message, order: Order) -> Iterator[_Claim]:
    """The signatures of networkers that a message rests on; the buyer's own is none."""
    body = message.body
    if message.epoch is not None:
        networker = order.seller if message.role == "seller" else order.terms.arbiter
        yield _Claim(
            "signature", networker or b"", message.epoch, lambda key: signed_by(network, message, key)
        )
    if isinstance(body, Order) and body.named is not UNSET:
        yield _Claim("body.named", body.named.id, body.named.epoch, lambda key: named_by(network, body, key))
    if isinstance(body, Order) and body.offer is not UNSET:
        signed = parse_offer(body.offer)
        yield _Claim(
            "body.offer",
            signed.offer.seller,
            signed.offer.epoch,
            lambda key: offered_by(network, signed, key),
        )
    if isinstance(body, Order) and body.terms.consent is not UNSET:
        agreed = parse_consent(body.terms.consent)
        yield _Claim(
            "body.terms.consent",
            agreed.consent.arbiter,
            agreed.consent.epoch,
            lambda key: consented_by(network, agreed, key),
        )


def _needed(network: str, messages: Sequence[Message]) -> dict[bytes, int]:
    """Whose signatures are in some messages, and the newest epoch of each."""
    newest: dict[bytes, int] = {}
    for message in messages:
        for claim in _claims(network, message, first_order(messages[0])):
            newest[claim.networker] = max(newest.get(claim.networker, 0), claim.epoch)
    return newest


def _block(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + len(content).to_bytes(_FRAME - 1, "big") + content


def _network(data: bytes) -> tuple[str, int]:
    """The name of the network, and where the blocks begin."""
    if data[: len(MAGIC)] != MAGIC:
        raise _Faulty(None, "file", "this is not a transcript of a deal")
    # A str of up to 31 bytes has one byte before it, the one of 32 bytes has two.
    at = len(MAGIC)
    first = data[at] if at < len(data) else 0
    end = at + (2 + limits.MAX_NETWORK_NAME if first == 0xD9 else 1 + (first & 0x1F))
    try:
        network = encoding.decode(data[at:end])
        tag(network if type(network) is str else "", "deal message")
    except ProtocolError as error:
        raise _Faulty(None, "network", f"no name of a network: {error.text}") from error
    return network, end


def _blocks(data: bytes, at: int, file: _File) -> Iterator[tuple[int, bytes]]:
    while at < len(data):
        here = len(file.messages)
        kind, end = data[at], at + _FRAME
        size = int.from_bytes(data[at + 1 : end], "big")
        if kind not in _SIZES:
            raise _Faulty(here, "block", f"no kind of block: {kind}")
        if end > len(data) or size > _SIZES[kind] or end + size > len(data):
            raise _Faulty(here, "length", "the file ends inside a block, or a block is longer than it can be")
        yield kind, data[end : end + size]
        at = end + size


def _take(network: str, file: _File, kind: int, content: bytes) -> None:
    """Reads one block; where it stands decides whether it belongs there."""
    index = len(file.messages)
    if kind == OPENERS:
        if file.messages:
            raise _Faulty(index, "openers", "openers come before all messages")
        _take_openers(network, file, content)
    elif kind == MESSAGE:
        try:
            file.messages.append(parse(content))
        except RemoteProtocolError as error:
            where, found, reason = error.text.partition(": ")
            if error.code != "deal_message" or not found:  # the message as a whole, or its key
                where, reason = "body.key" if error.code == "key" else "message", error.text
            raise _Faulty(index, where, reason) from error
    else:
        of = enclosed(file.messages[-1]) if file.messages else None
        if of is None or of in file.enclosures or of != hashlib.sha256(content).digest():
            raise _Faulty(
                index - 1 if index else None, "enclosed", "the enclosure is not the one that was signed"
            )
        file.enclosures[of] = content


def _take_openers(network: str, file: _File, content: bytes) -> None:
    try:
        entries = [parse_wire(each) for each in encoding.decode(content)]
        openers = start(network, entries[0])
        for entry in entries[1:]:
            openers = openers.admit(entry)
    except (ProtocolError, TypeError, IndexError) as error:
        reason = error.text if isinstance(error, ProtocolError) else "not a list of entries"
        raise _Faulty(None, "openers", reason) from error
    if list(openers.entries()) != entries:
        raise _Faulty(None, "openers", "each opener comes once, in the order of epochs")
    if openers.author <= max(file.openers, default=b""):
        raise _Faulty(None, "openers", "those of each networker come once, ordered by id")
    file.openers[openers.author] = openers


def _check_messages(network: str, file: _File) -> None:
    """What no block says by itself: one deal, every named message there, the order, the signatures."""
    if not file.messages:
        raise _Faulty(None, "file", "it holds no message")
    first = file.messages[0]
    if not first.starts:
        raise _Faulty(0, "type", "the first message starts the deal")
    known: set[bytes] = set()
    for index, message in enumerate(file.messages):
        if message.deal != first.id:
            raise _Faulty(index, "deal", "it is of another deal")
        if message.id in known:
            raise _Faulty(index, "message", "it is there twice")
        for id in message.names:
            if id not in known:
                where = "previous" if id == message.previous else "seen"
                raise _Faulty(index, where, "it names a message that is not before it in the file")
        known.add(message.id)
        _check_signatures(network, file, index, message, first_order(first))
    for index, (found, expected) in enumerate(zip(file.messages, in_order(file.messages), strict=True)):
        if found.id != expected.id:
            raise _Faulty(index, "message", "it is not in its place: a file has its messages by date and id")
    needed = _needed(network, file.messages)
    for networker, openers in file.openers.items():
        if openers.epoch != needed.get(networker, -1):
            raise _Faulty(None, "openers", "they are of a networker or an epoch that signed nothing here")


def _check_signatures(network: str, file: _File, index: int, message: Message, order: Order) -> None:
    if message.role == "buyer" and not signed_by(network, message, order.key):
        raise _Faulty(index, "signature", "the key of the order did not sign these bytes in this network")
    for claim in _claims(network, message, order):
        openers = file.openers.get(claim.networker)
        keys = () if openers is None else openers.keys(claim.epoch)
        if not keys:
            raise _Faulty(index, claim.field, "the openers of its signer are not in the file")
        if not any(map(claim.made_by, keys)):
            raise _Faulty(index, claim.field, "its signer did not sign these bytes in this network")
    if isinstance(message.body, Renewal) and not mandates.authentic_renewal(network, message.body):
        raise _Faulty(index, "body.first", "the buyer did not sign the order and the statements in it")
