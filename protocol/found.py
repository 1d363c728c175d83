"""The answer of a hub to a search: what of it may be believed [R-QRY-4].

A hub proves who wrote what it found. It cannot prove that this is the newest, or all: so every hit comes with the head
of its log as the hub knows it, and whoever buys has the price confirmed by the seller.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from protocol.entry import INCEPTION, Entry
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.items import Item, Standing, parse_item
from protocol.messages import Found
from protocol.openers import Openers, start
from protocol.records import Listing, decode_record
from protocol.run import Run, rebuild
from protocol.standing import accept_alone


@dataclass(frozen=True, slots=True)
class Hit:
    """One listing that was found: its entry, its record, and the head of its log as the hub knows it."""

    entry: Entry
    listing: Listing
    head: Item


def hits_of(
    network: str, found: Found, known: Mapping[bytes, Openers], forked: Container[bytes] = frozenset()
) -> list[Hit]:
    """The hits that may be believed, in the hub's order; what cannot be proved is left out.

    Args:
        network: the network's name.
        found: the answer.
        known: the openers held here of any authors; a rotation that the hub does not know is among them.
        forked: networkers of whose newest term a fork is proved here.

    Raises:
        RemoteProtocolError: `bad_message`, or a code of an opener or an entry: the sender did not verify what it sent.
    """
    heads = {item.author: item for item in map(parse_item, found.heads)}
    if len(heads) != len(found.heads):
        raise RemoteProtocolError("bad_message", "two items of one log")
    told, parts, entries = (
        [_one(run) for run in runs] for runs in (found.openers, found.standings, found.hits)
    )
    openers = _openers(network, told, known)
    standings: dict[bytes, list[Entry]] = {}
    for part in parts:
        standings.setdefault(part.author, []).append(part)
    hits: list[Hit] = []
    for entry in entries:
        head = heads.get(entry.author)
        if entry.kind != Listing.KIND or entry.record is None:
            raise RemoteProtocolError("bad_message", "a hit is a listing with its record")
        if entry.author not in openers or head is None or head.standing is not Standing.HEAD:
            continue
        listing = _believed(
            openers[entry.author], entry, standings.get(entry.author, ()), entry.author in forked
        )
        if listing is not None and entry.seq <= head.seq:
            hits.append(Hit(entry, listing, head))
    return hits


def _one(run: Run) -> Entry:
    entries = rebuild(run)
    if len(entries) != 1:
        raise RemoteProtocolError("bad_message", "a run of one entry is expected here")
    return entries[0]


def _openers(network: str, sent: Sequence[Entry], known: Mapping[bytes, Openers]) -> dict[bytes, Openers]:
    """What is known of each author from here and from the answer together."""
    openers = dict(known)
    for entry in sent:
        held = openers.get(entry.author)
        if held is None and entry.kind != INCEPTION:
            raise RemoteProtocolError("bad_message", "the openers of an author begin with its inception")
        try:
            openers[entry.author] = start(network, entry) if held is None else held.admit(entry)
        except NotHeld:
            continue  # below what is known here, or of no use alone
    return openers


def _believed(openers: Openers, entry: Entry, standings: Sequence[Entry], forked: bool) -> Listing | None:
    try:
        accept_alone(openers, entry, standings, forked=forked)
        record = decode_record(entry.kind, entry.record or b"")
    except (NotHeld, Void):
        return None
    return record if isinstance(record, Listing) else None
