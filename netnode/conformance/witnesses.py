"""Files of testimonies: who led buyers to a seller who accepted; section 23.2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.deals import Message, read_message, signed_by
from netnode.conformance.encoding import decode
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_RECEIPT, MAX_TESTIMONY
from netnode.conformance.openers import Openers
from netnode.conformance.paths import check_token, hash_of, read_path, read_token
from netnode.conformance.shapes import any_bin, array, row
from netnode.conformance.tags import tag

MAGIC: Final = b"INXWIT1\n"
_SIZE: Final = 4
_FORM: Final = row(any_bin, any_bin, array(any_bin), array(array(lambda _: True)))


@dataclass(frozen=True, slots=True)
class Proven:
    """What one testimony proves; `unchecked`: those of the path whose keys the file does not hold."""

    order: bytes
    seller: bytes
    path: bytes
    parts: list[int]
    unchecked: list[bytes]


class Faulty(Exception):
    """A file proves nothing from a place on: number of the testimony, piece and code [R-SHOP-12]."""

    def __init__(self, number: int, piece: str, code: str) -> None:
        super().__init__(f"testimony {number}, {piece}: {code}")
        self.number, self.piece, self.code = number, piece, code


def read_witnesses(data: bytes) -> Iterator[Proven]:
    """The testimonies of a file, up to the first fault [R-SHOP-11] [R-SHOP-12].

    Raises:
        Faulty: there is one.
    """
    number, piece = 1, ["file"]
    try:
        demand(data.startswith(MAGIC), "bad_file", "no file of witnesses")
        blocks = _blocks(data)
        network = decode(next(blocks, b""), MAX_TESTIMONY)
        try:
            tag(network if isinstance(network, str) else "", "path")
        except Fault as fault:
            raise Fault("bad_file", "no name of a network") from fault
        for block in blocks:
            piece[0] = "file"
            yield _proven(network, decode(block, MAX_TESTIMONY), piece)
            number, piece[0] = number + 1, "file"
    except Fault as fault:
        raise Faulty(number, piece[0], fault.code) from fault


def _blocks(data: bytes) -> Iterator[bytes]:
    at = len(MAGIC)
    while at < len(data):
        size = int.from_bytes(data[at : at + _SIZE], "big")
        start, end = at + _SIZE, at + _SIZE + size
        demand(1 <= size <= MAX_TESTIMONY and end <= len(data), "bad_file", "a block")
        yield data[start:end]
        at = end


def _proven(network: str, told: Any, piece: list[str]) -> Proven:
    """One testimony; `piece` says what is looked at."""
    demand(_FORM(told), "bad_file", "no testimony")
    path, accept, receipts, entries = told
    parsed = [[read_entry(entry) for entry in each] for each in entries]
    known: dict[bytes, Openers] = {}
    for each in parsed:
        openers = Openers(network)
        demand(bool(each), "opener", "none")
        for entry in each:
            openers.admit(entry)
        known[openers.author or b""] = openers
    piece[0] = "path"
    tokens = [read_token(token) for token in read_path(path)[1]]
    seller = tokens[0]["seller"]
    piece[0] = "accept"
    contract = _accepted(network, accept, known.get(seller))
    demand(contract.body.get("path") == hash_of(network, path), "path", "another")
    piece[0] = "path"
    unchecked = []
    for token in tokens:
        keys = _keys(known.get(token["referrer"]), token["epoch"])
        if keys:
            check_token(network, token, keys[0])
        else:
            unchecked.append(token["referrer"])
    piece[0] = "receipt"
    parts = [_received(network, contract, each) for each in receipts]
    return Proven(contract.deal, seller, hash_of(network, path), sorted(parts), unchecked)


def _keys(openers: Openers | None, epoch: int | None) -> list[bytes]:
    return [] if openers is None or epoch is None or epoch not in openers.epochs else openers.keys(epoch)


def _accepted(network: str, data: bytes, seller: Openers | None) -> Message:
    accept = read_message(data)
    demand(accept.type == "accept", "deal_message", "no accept")
    keys = _keys(seller, accept.epoch)
    demand(bool(keys), "unknown_author", "the seller")
    demand(any(signed_by(network, accept, key) for key in keys), "signature", "of the accept")
    return accept


def _received(network: str, accept: Message, data: bytes) -> int:
    demand(len(data) <= MAX_RECEIPT, "too_large", "a receipt")
    receipt = read_message(data)
    demand(receipt.type == "receive" and receipt.deal == accept.deal, "deal_message", "no receipt of it")
    demand(signed_by(network, receipt, accept.body["key"]), "signature", "of the receipt")
    part: int = receipt.body.get("part", 0)
    return part
