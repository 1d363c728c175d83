"""What a witness keeps of a deal, and how anybody checks it without a network or store [R-SHOP-10..12].

The node that brought a buyer keeps the opened path, the seller's signed accept and the buyer's signed receipts, and
never the order: the accept names order, path hash and buyer's key. Each piece is signed by who is bound by it, so a
witness proves a sale that its issuer never publishes, and can invent none.

A file of them is ``INXWIT1`` and a line feed, then blocks: a length in 4 bytes big endian, and a canonical value. The
first is the network's name, each other an array ``[path, accept, receipts, openers]``, the openers arrays of entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from protocol import encoding, limits, paths
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import Message, parse, signed_by
from protocol.entry import Entry, parse_wire
from protocol.errors import LocalProtocolError, NotHeld, RemoteProtocolError
from protocol.openers import Openers, start
from protocol.paths import Path
from protocol.tags import tag

MAGIC: Final = b"INXWIT1\n"
_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class Testimony:
    """What is kept of one deal, as bytes; `openers` of the seller and of those of the path that are known."""

    path: bytes = field(repr=False)
    accept: bytes = field(repr=False)
    receipts: tuple[bytes, ...] = field(repr=False)
    openers: tuple[tuple[Entry, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a testimony proves.

    Attributes:
        order: id of the order, which is the id of the deal.
        seller: networker id of who accepted it.
        path: who led the buyer there, opened.
        path_hash: as the accept, and the order, name it.
        accept: the seller's.
        receipts: the buyer's, by part.
        unchecked: those of the path whose signing keys are not known, so that their tokens prove nothing yet.
    """

    order: bytes
    seller: bytes
    path: Path
    path_hash: bytes
    accept: Message
    receipts: tuple[Message, ...]
    unchecked: tuple[bytes, ...]


def prove(network: str, told: Testimony, known: Mapping[bytes, Openers]) -> Proven:
    """Checks a testimony; in this order, the first failure decides [R-SHOP-11].

    Args:
        network: name of the network.
        told: what is to be proved.
        known: openers of the seller and of those of the path.

    Raises:
        RemoteProtocolError: with a sentence that begins with the piece (path, accept, receipt).
        NotHeld: the seller's keys are not known.
    """
    with _naming("path"):
        path = paths.read_path(told.path)
    with _naming("accept"):
        accept = _accepted(network, path, told.accept, known)
        body = accept.body
        assert isinstance(body, Accept)
        hashed = paths.path_hash(network, path)
        if body.path != hashed:
            raise RemoteProtocolError("path", "it names another path")
    unchecked = []
    for referral in path.referrals:
        openers = known.get(referral.referrer)
        keys = () if openers is None else openers.keys(referral.epoch)
        with _naming("path"):
            if keys:
                paths.check_referral(network, referral, keys)
            else:
                unchecked.append(referral.referrer)
    receipts = []
    for data in told.receipts:
        with _naming("receipt"):
            receipts.append(_received(network, accept, body.key, data))
    receipts.sort(key=lambda receipt: (part_of(receipt), receipt.id))
    return Proven(accept.deal, path.seller, path, hashed, accept, tuple(receipts), tuple(unchecked))


def _accepted(network: str, path: Path, data: bytes, known: Mapping[bytes, Openers]) -> Message:
    accept = parse(data)
    if not isinstance(accept.body, Accept):
        raise RemoteProtocolError("deal_message", "it is another message")
    openers = known.get(path.seller)
    keys = () if openers is None or accept.epoch is None else openers.keys(accept.epoch)
    if not keys:
        raise NotHeld("unknown_author", "the keys of the seller are not known here")
    if not any(signed_by(network, accept, key) for key in keys):
        raise RemoteProtocolError("signature", "it is not signed by the seller whom the path recommends")
    return accept


def _received(network: str, accept: Message, key: bytes, data: bytes) -> Message:
    if len(data) > limits.MAX_RECEIPT:
        raise RemoteProtocolError(
            "too_large", f"it has {len(data)} bytes, at most {limits.MAX_RECEIPT} are allowed"
        )
    receipt = parse(data)
    if not isinstance(receipt.body, Receive):
        raise RemoteProtocolError("deal_message", "it is another message")
    if receipt.deal != accept.deal:
        raise RemoteProtocolError("deal_message", "it is of another deal")
    if not signed_by(network, receipt, key):
        raise RemoteProtocolError("signature", "it is not signed by the buyer of the accept")
    return receipt


def part_of(receipt: Message) -> int:
    """The part that a receipt is of."""
    assert isinstance(receipt.body, Receive)
    return receipt.body.part


def newest(*known: Mapping[bytes, Openers]) -> dict[bytes, Openers]:
    """Of several openers of one networker those that reach furthest, of equal ones the first."""
    found: dict[bytes, Openers] = {}
    for openers in known:
        for id_, each in openers.items():
            if id_ not in found or found[id_].epoch < each.epoch:
                found[id_] = each
    return found


# -- openers -------------------------------------------------------------------------------------------------
def openers_of(network: str, told: Sequence[Sequence[Entry]]) -> dict[bytes, Openers]:
    """Openers by networker, from entries that came with a testimony; an id vouches for its own inception.

    Raises:
        RemoteProtocolError: an opener does not verify.
        NotHeld: one is missing between.
    """
    found: dict[bytes, Openers] = {}
    for entries in told:
        if not entries:
            raise RemoteProtocolError("opener", "openers begin with an inception")
        openers = start(network, entries[0])
        for entry in entries[1:]:
            openers = openers.admit(entry)
        found[openers.author] = openers
    return found


# -- files ---------------------------------------------------------------------------------------------------
def encode_start(network: str) -> bytes:
    """What a file begins with."""
    return MAGIC + _block(encoding.encode(network))


def encode_testimony(told: Testimony) -> bytes:
    """One block of a file."""
    openers = [[entry.wire() for entry in entries] for entries in told.openers]
    return _block(encoding.encode([told.path, told.accept, list(told.receipts), openers]))


def read_file(data: bytes) -> tuple[str, Iterator[Testimony]]:
    """The network of a file and its testimonies in order; those before a fault are handed out first [R-SHOP-12].

    Raises:
        RemoteProtocolError: `bad_file`; the iterator also codes of the encoding and of entries.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise RemoteProtocolError("bad_file", "this is not a file of witnesses")
    blocks = _blocks(data)
    network = encoding.decode(next(blocks, b""))
    try:
        tag(network if isinstance(network, str) else "", "path")
    except LocalProtocolError as error:
        raise RemoteProtocolError("bad_file", "the file does not name its network") from error
    return network, map(_testimony, blocks)


def _block(value: bytes) -> bytes:
    return len(value).to_bytes(_LENGTH, "big") + value


def _blocks(data: bytes) -> Iterator[bytes]:
    at = len(MAGIC)
    while at < len(data):
        length = int.from_bytes(data[at : at + _LENGTH], "big")
        block = data[at + _LENGTH : at + _LENGTH + length]
        if not 1 <= length <= limits.MAX_TESTIMONY or len(block) < length:
            raise RemoteProtocolError(
                "bad_file", "the file is cut off, or a block has a length that cannot be"
            )
        yield block
        at += _LENGTH + length


def _testimony(block: bytes) -> Testimony:
    value = encoding.decode(block, limits.MAX_TESTIMONY)
    try:
        path, accept, receipts, openers = encoding.typed(
            value, tuple[bytes, bytes, tuple[bytes, ...], list[list[list[bytes | None]]]]
        )
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_file", f"a block is no testimony: {error}") from error
    entries = tuple(tuple(parse_wire(entry) for entry in each) for each in openers)
    return Testimony(path, accept, receipts, entries)


@contextmanager
def _naming(piece: str) -> Iterator[None]:
    """Puts the name of a piece before the sentence of what is wrong with it."""
    try:
        yield
    except (RemoteProtocolError, NotHeld) as error:
        raise type(error)(error.code, f"{piece}: {error.text}") from error
