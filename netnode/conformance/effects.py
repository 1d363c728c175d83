"""What the entries of one log say at a moment: profile, listings, blocks, and what is void; section 7."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netnode.conformance.entries import BLOCK, CLOSE, LISTING, PROFILE, WITHDRAW, Entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import CLOCK_TOLERANCE_MS
from netnode.conformance.log import Log
from netnode.conformance.records import read_record
from netnode.conformance.reviews import REVIEW, read_review
from netnode.conformance.stamps import check_stamp


@dataclass(slots=True)
class Offer:
    """The newest effective listing entry of a key, and whether it is offered."""

    entry: bytes
    expires: int | None
    offered: bool = True


@dataclass(slots=True)
class Effects:
    """What is in force.

    Attributes:
        profile: id of the entry that is the profile, or None.
        stamp: the bits that count of its stamp.
        listings: by key.
        void: code of each void entry, by seq. What is unknown is not there. [R-VER-4]
        blocks: the networkers blocked.
        reviews: ids of the reviews that stand in it and that their buyers signed.
    """

    profile: bytes | None = None
    stamp: int = 0
    listings: dict[str, Offer] = field(default_factory=dict)
    void: dict[int, str] = field(default_factory=dict)
    blocks: set[bytes] = field(default_factory=set)
    reviews: set[bytes] = field(default_factory=set)


def effects(log: Log, now: int) -> Effects:
    """What a log says as of a clock, in milliseconds. [R-EFF-1] to [R-EFF-4]."""
    found = Effects()
    common = log.common()
    entries = [entry for entry in log.main if common is not None and entry.seq <= common]  # [R-LOG-15]
    ahead = [at for at, entry in enumerate(entries) if entry.header.time - CLOCK_TOLERANCE_MS > now]
    entries = entries[: ahead[0]] if ahead else entries  # [R-EFF-3]
    whole = bool(entries) and entries[0].seq == 0
    for entry in entries:
        if entry.record is None:
            whole = whole and entry.header.kind != LISTING  # its key is not known
            continue
        try:
            record = read_record(entry.header.kind, entry.record)
            _apply(log.network, found, entry, record, whole=whole)
        except Fault as fault:
            found.void[entry.seq] = fault.code
    closed = bool(entries) and entries[-1].header.kind == CLOSE  # [R-EFF-4]
    for offer in found.listings.values():
        due = offer.expires is not None and offer.expires <= now
        offer.offered = offer.offered and not closed and not due
    return found


def _apply(network: str, found: Effects, entry: Entry, record: dict[str, Any], *, whole: bool) -> None:
    """Lets one well-formed entry take effect; `whole`: the keys of all listings below are known."""
    kind = entry.header.kind
    if kind == PROFILE:
        found.profile, found.stamp = entry.id, _stamp_bits(network, entry.header.author, record.get("stamp"))
    elif kind == LISTING:
        found.listings[record["key"]] = Offer(entry.id, record.get("expires"))
    elif kind == WITHDRAW and record["key"] in found.listings:
        found.listings[record["key"]].offered = False
    elif kind == WITHDRAW and whole:
        raise Fault("wrong_key", record["key"])
    elif kind == REVIEW and entry.record is not None:
        found.reviews.add(read_review(network, entry.record).id)
    elif kind == BLOCK:
        lifted = record.get("lifted", False)
        found.blocks = found.blocks - {record["id"]} if lifted else found.blocks | {record["id"]}


def _stamp_bits(network: str, author: bytes, stamp: dict[str, Any] | None) -> int:
    """The bits that count; a stamp that does not hold counts as none. [R-STAMP-3]."""
    if stamp is None:
        return 0
    try:
        check_stamp(network, author, stamp["bits"], stamp["nonce"])
    except Fault:
        return 0
    return int(stamp["bits"])
