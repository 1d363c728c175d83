"""Transcripts: a deal in one file, which proves itself; section 21.8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from netnode.conformance.deals import STARTS, Message, read_message, signed_by
from netnode.conformance.encoding import decode
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import (
    MAX_DEAL_MESSAGE,
    MAX_ENCLOSURE,
    MAX_MESSAGE,
    MAX_NETWORK_NAME,
)
from netnode.conformance.mandates import read_statement
from netnode.conformance.offers import consented_by, named_by, offered_by, read_consent, read_offer
from netnode.conformance.openers import Openers
from netnode.conformance.tags import sha256, tag
from netnode.conformance.verdicts import State, judge

MAGIC: Final = b"INXDEAL1\n"
OPENERS: Final = 1
MESSAGE: Final = 2
ENCLOSURE: Final = 3
_MOST: Final = {OPENERS: MAX_MESSAGE, MESSAGE: MAX_DEAL_MESSAGE, ENCLOSURE: MAX_ENCLOSURE}
_SIZE: Final = 5
FORM: Final = "form"
"""The field of a message of a wrong form: this codec judges a frame or body as a whole."""

Map = dict[str, Any]


class Faulty(Exception):
    """A file proves nothing: the place of the message (None: it is none), the field, the reason [R-DEAL-29]."""

    def __init__(self, message: int | None, where: str, reason: str) -> None:
        super().__init__(f"message {message}, {where}: {reason}")
        self.message, self.field = message, where


@dataclass(slots=True)
class Transcript:
    """What a file holds, in its order."""

    network: str
    openers: dict[bytes, Openers] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    enclosures: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """As of the date of its newest message [R-DEAL-27]."""
        return judge(self.messages, max(each.time for each in self.messages))


def read_transcript(data: bytes) -> Transcript:
    """A file that holds [R-DEAL-26] [R-DEAL-28].

    Raises:
        Faulty: it does not.
    """
    _need(data.startswith(MAGIC), None, "file", "no transcript")
    network, at = _network(data)
    file = Transcript(network)
    while at < len(data):
        here, kind = len(file.messages), data[at]
        size = int.from_bytes(data[at + 1 : at + _SIZE], "big")
        _need(kind in _MOST, here, "block", "of no kind")
        end = at + _SIZE + size
        _need(at + _SIZE <= len(data) and size <= _MOST[kind] and end <= len(data), here, "length", "cut off")
        _block(file, kind, data[at + _SIZE : end])
        at = end
    _whole(file)
    return file


def _need(held: bool, message: int | None, where: str, reason: str) -> None:
    if not held:
        raise Faulty(message, where, reason)


def _network(data: bytes) -> tuple[str, int]:
    """A str of up to 31 bytes has one byte in front, one of 32 has two."""
    at = len(MAGIC)
    first = data[at : at + 1]
    length = 2 + MAX_NETWORK_NAME if first == b"\xd9" else 1 + (first[0] & 31 if first else 0)
    try:
        network = decode(data[at : at + length], MAX_NETWORK_NAME + 2)
        tag(network if isinstance(network, str) else "", "deal message")
    except Fault as fault:
        raise Faulty(None, "network", str(fault)) from fault
    return network, at + length


def _block(file: Transcript, kind: int, content: bytes) -> None:
    here = len(file.messages)
    if kind == OPENERS:
        _need(not file.messages, here, "openers", "behind a message")
        _openers(file, content)
    elif kind == MESSAGE:
        try:
            file.messages.append(read_message(content))
        except Fault as fault:
            raise Faulty(here, FORM, str(fault)) from fault
    else:
        before = file.messages[-1] if file.messages else None
        signed = None if before is None else _enclosed(before)
        right = signed == sha256(content) and signed not in file.enclosures
        _need(right, here - 1 if here else None, "enclosed", "not what was signed")
        file.enclosures[sha256(content)] = content


def _enclosed(message: Message) -> bytes | None:
    return message.order["enclosed"] if message.type in STARTS else message.body.get("enclosed")


def _openers(file: Transcript, content: bytes) -> None:
    openers = Openers(file.network)
    try:
        entries = [read_entry(each) for each in decode(content, MAX_MESSAGE)]
        for entry in entries:
            openers.admit(entry)
    except (Fault, TypeError) as fault:
        raise Faulty(None, "openers", str(fault)) from fault
    known = [entry for epoch in sorted(openers.epochs) for entry in openers.epochs[epoch]]
    _need(
        bool(entries) and known + openers.settlements == entries, None, "openers", "not each once, in order"
    )
    author = openers.author or b""
    _need(author > max(file.openers, default=b""), None, "openers", "not in the order of ids")
    file.openers[author] = openers


def _whole(file: Transcript) -> None:
    """What no block says alone."""
    _need(bool(file.messages), None, "file", "no message")
    start = file.messages[0]
    _need(start.type in STARTS, 0, "type", "it starts no deal")
    known: set[bytes] = set()
    newest: dict[bytes, int] = {}
    for at, message in enumerate(file.messages):
        _need(message.deal == start.id, at, "deal", "of another")
        _need(message.id not in known, at, "message", "twice")
        for id_ in [message.previous, *message.seen]:
            where = "previous" if id_ == message.previous else "seen"
            _need(id_ is None or id_ in known, at, where, "not before it")
        known.add(message.id)
        _signatures(file, at, message, start.order, newest)
    for at, (found, expected) in enumerate(zip(file.messages, _sorted(file.messages), strict=True)):
        _need(found.id == expected.id, at, "message", "not in its place")
    for networker, openers in file.openers.items():
        _need(newest.get(networker) == openers.place[0], None, "openers", "of who signed nothing")


def _sorted(messages: list[Message]) -> Iterator[Message]:
    """Of those that may come next, the one dated first, then of the lowest id."""
    left, told = list(messages), set[bytes]()
    while left:
        ready = [each for each in left if each.names <= told]
        chosen = min(ready, key=lambda each: (each.time, each.id))
        left.remove(chosen)
        told.add(chosen.id)
        yield chosen


def _signatures(file: Transcript, at: int, message: Message, order: Map, newest: dict[bytes, int]) -> None:
    network, body = file.network, message.body

    def claims(where: str, networker: bytes, epoch: int, made: Callable[[bytes], bool]) -> None:
        openers = file.openers.get(networker)
        keys = openers.keys(epoch) if openers is not None and epoch in openers.epochs else []
        _need(bool(keys), at, where, "no openers of its signer")
        _need(any(map(made, keys)), at, where, "not signed")
        newest[networker] = max(epoch, newest.get(networker, 0))

    if message.epoch is None:
        _need(signed_by(network, message, order["key"]), at, "signature", "not the key of the order")
    else:
        arbiter = order["terms"].get("arbiter", b"")
        signer = order["seller"] if message.role == "seller" else arbiter
        claims("signature", signer, message.epoch, lambda key: signed_by(network, message, key))
    if message.type == "order":
        _held(network, body, claims)
    if message.type == "renewal":
        _renewed(network, at, body)


def _held(
    network: str, order: Map, claims: Callable[[str, bytes, int, Callable[[bytes], bool]], None]
) -> None:
    if "named" in order:
        named = order["named"]
        claims("body.named", named["id"], named["epoch"], lambda key: named_by(network, order, key))
    if "offer" in order:
        offer = read_offer(order["offer"])
        claims(
            "body.offer",
            offer["seller"],
            offer["epoch"],
            lambda key: offered_by(network, order["offer"], key),
        )
    if "consent" in order["terms"]:
        data = order["terms"]["consent"]
        consent = read_consent(data)
        claims(
            "body.terms.consent",
            consent["arbiter"],
            consent["epoch"],
            lambda key: consented_by(network, data, key),
        )


def _renewed(network: str, at: int, body: Map) -> None:
    """[R-MAN-6]."""
    first = read_message(body["first"])
    _need(signed_by(network, first, first.body["key"]), at, "body.first", "not signed")
    try:
        for each in body.get("changes", []):
            read_statement(network, each, first.body["key"])
    except Fault as fault:
        raise Faulty(at, "body.first", str(fault)) from fault
