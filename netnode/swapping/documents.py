"""Documents of swaps as they travel between holders and issuers, and the entries that prove what an issuer did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from netnode.deals.signers import wire
from netnode.ledgers.ledger import Ledger
from netnode.store import Reader
from netnode.store.branches import beside
from protocol import encoding, limits
from protocol.entry import Entry, parse_wire, signature_valid
from protocol.errors import Void
from protocol.ledger.effects import Stage, Swapped, swap_id
from protocol.ledger.statements import Leg, Swap, read, statement_id
from protocol.records import Lock, SwapEntry, decode_record
from protocol.signing import SIGNATURE_BYTES

UNSIGNED: Final = (bytes(SIGNATURE_BYTES), bytes(SIGNATURE_BYTES))


def proposed(swap: Swap) -> Swap:
    """The document as it was proposed: without what its second holder puts in, and without signatures."""
    second = msgspec.structs.replace(swap.second, counter=0, epoch=0)
    return msgspec.structs.replace(swap, second=second, signatures=UNSIGNED)


def proposal_id(network: str, swap: Swap) -> bytes:
    """What a swap is named by from its proposal on."""
    return statement_id(network, proposed(swap))


def data_of(swap: Swap) -> bytes:
    """The bytes of a document."""
    return encoding.encode_struct(swap)


def held_openers(reader: Reader, networkers: Iterable[bytes]) -> list[list[Any]]:
    """The openers of networkers as far as their logs are held here, as they travel."""
    states = [reader.load(each) for each in networkers]
    return [wire(state.openers) for state in states if state is not None]


def merged(*many: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Openers of several sources: of each networker the longest list, in the order they came."""
    found: dict[bytes, list[Any]] = {}
    for wires in many:
        for each in wires:
            author = parse_wire(list(each[0])).author
            if len(each) > len(found.get(author, ())):
                found[author] = [list(entry) for entry in each]
    return list(found.values())


def only(wires: Sequence[Sequence[Any]], *networkers: bytes) -> tuple[Any, ...]:
    """The openers of these, in this order, as records embed them."""
    by_author = {parse_wire(list(each[0])).author: tuple(each) for each in wires if each}
    return tuple(by_author[each] for each in networkers if each in by_author)


def packed(value: Sequence[Any]) -> bytes:
    """Entries, or openers, as a row keeps them."""
    return encoding.encode([list(each) for each in value])


def unpacked(data: bytes) -> list[Any]:
    """What `packed` gave."""
    found: list[Any] = encoding.decode(data, limits.MAX_MESSAGE)
    return found


def proof(reader: Reader, network: str, author: bytes, seq: int) -> list[Any] | None:
    """Consecutive entries of a log, the first at a place, the last signed so that it proves them; None: not held."""
    state = reader.load(author)
    if state is None:
        return None
    found: list[Any] = []
    for entry in reader.entries(author, seq, seq + limits.MAX_PROOF - 1, limits.MAX_MESSAGE):
        header, signature, record = entry.wire()
        found.append([header, signature, record if not found else None])
        if any(signature_valid(network, key, entry) for key in state.openers.keys(entry.epoch)):
            return found
    return None


def first_entry(wires: Sequence[Any]) -> Entry:
    """The entry that a proof is about."""
    return parse_wire(list(wires[0]))


def proof_beside(reader: Reader, network: str, author: bytes, kind: int, document: bytes) -> list[Any] | None:
    """As `proof`, of an entry in a branch that is held beside the log.

    Args:
        reader: of the store.
        network: its name.
        author: whose log.
        kind: of the entry.
        document: id of the swap that it locks or decides.
    """
    state = reader.load(author)
    held = list(beside(reader, author))
    above = {(entry.prev, entry.seq): entry for entry in held}
    for entry in held:
        if state is None or entry.kind != kind or not _of(network, entry, document):
            continue
        found: list[Any] = []
        following: Entry | None = entry
        while following is not None and len(found) < limits.MAX_PROOF:
            header, signature, record = following.wire()
            found.append([header, signature, None if found else record])
            if any(signature_valid(network, key, following) for key in state.openers.keys(following.epoch)):
                return found
            following = above.get((following.id, following.seq + 1))
    return None


def _of(network: str, entry: Entry, document: bytes) -> bool:
    """Whether an entry locks or decides a swap."""
    try:
        record = None if entry.record is None else decode_record(entry.kind, entry.record)
        if not isinstance(record, Lock | SwapEntry) or (
            isinstance(record, SwapEntry) and record.lock is UNSET
        ):
            return False
        return statement_id(network, read(Swap, record.document)) == document
    except Void:
        return False


class Place(msgspec.Struct, frozen=True):
    """How far one issuer's side of a swap has come in its log.

    Attributes:
        stage: None: nothing is logged.
        seq: of the entry that logged it first; None as well where only a branch beside the log has it.
        tip: date of the newest entry of the log, ms UTC.
    """

    stage: Stage | None
    seq: int | None
    tip: int


def place_of(ledger: Ledger, id: bytes, *, own: bool = False) -> Place:
    """Looks for a swap in a ledger, by the id of its document.

    Args:
        ledger: of the issuer.
        id: of the document.
        own: only in the log itself, on which the next entry will follow; else what any branch says binds the issuer.
    """
    name = swap_id(id)
    value = (ledger.book.effects if own else ledger.effects).get(name)
    tip = 0 if ledger.tip is None else ledger.tip.time
    if not isinstance(value, Swapped):
        return Place(None, None, tip)
    return Place(value.stage, ledger.made(name), tip)


def leg(holder: bytes, issuer: bytes, unit: str, amount: int, counter: int = 0, epoch: int = 0) -> Leg:
    """One side of a swap."""
    return Leg(amount=amount, counter=counter, epoch=epoch, holder=holder, issuer=issuer, unit=unit)


def entries_or_unset(data: bytes | None) -> Any:
    """A proof for a letter."""
    return UNSET if data is None else tuple(tuple(each) for each in unpacked(data))
