"""Entries alone, without their run; R-LOG-12."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from netnode.conformance.entries import SETTLEMENT, STANDING, Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.log import links
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record


def check_alone(openers: Openers, entry: Entry, standing: list[Entry]) -> None:
    """Checks an entry that came alone; it never becomes part of the log. [R-LOG-12].

    Args:
        openers: those known of its author.
        entry: read, so its form is right. [R-ENTRY-6]
        standing: entries of kind 7 that are known.

    Raises:
        Fault: `unknown_author`, `unknown_epoch`, `stale`, `forked`, `contested`, `link` or `signature`.
    """
    demand(openers.author == entry.header.author, "unknown_author", "no inception is known")
    if entry.opens:
        return _check_opener(openers, entry)
    demand(entry.place <= openers.place, "unknown_epoch", "its opener is not known")
    demand(openers.contested is None, "contested", "the identity is contested")
    demand(not openers.forked, "forked", "the newest term is forked")
    newest = entry.place == openers.place
    demand(not newest or entry.seq > openers.newest[0].seq, "link", "not above its opener")
    demand(openers.signs(entry), "signature", "its own")
    named = newest or (entry.seq, entry.id) in _named(openers, standing)
    return demand(named, "stale", "of a closed place and not named")


def _check_opener(openers: Openers, entry: Entry) -> None:
    if openers.knows(entry):
        return
    openers.verify(entry)
    if entry.header.kind == SETTLEMENT:
        demand(entry.place >= openers.place, "stale", "of a closed term")
        demand(openers.contested is None, "contested", "no settlement while the identity is contested")


def _named(openers: Openers, standing: list[Entry]) -> set[tuple[int, bytes]]:
    """The entries that a standing vouches for; none unless all its parts are there."""
    ordered = sorted(standing, key=lambda entry: entry.seq)
    parts = [(entry, record) for entry in ordered if (record := _part(openers, entry)) is not None]
    last = max((at for at, (_, record) in enumerate(parts) if record["part"] == 1), default=len(parts))
    parts = parts[last:]  # a later part 1 replaces all parts before
    numbers = [record["part"] for _, record in parts]
    counts = {record["parts"] for _, record in parts}
    whole = numbers == list(range(1, len(parts) + 1)) and counts == {len(parts)}
    if not whole or not all(links(below, above) for (below, _), (above, _) in pairwise(parts)):
        return set()
    named = [(seq, id_, entry.seq) for entry, record in parts for seq, id_ in record["entries"]]
    return {(seq, id_) for seq, id_, own in named if seq < own}  # below its own


def _part(openers: Openers, entry: Entry) -> dict[str, Any] | None:
    """The record of a part of the newest place that is itself accepted alone."""
    if entry.header.kind != STANDING or entry.record is None or entry.place != openers.place:
        return None
    try:
        check_alone(openers, entry, [])
        return read_record(STANDING, entry.record)
    except Fault:
        return None
