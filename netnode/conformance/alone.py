"""Entries alone, without their run; R-LOG-12."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from netnode.conformance.entries import STANDING, Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.log import links
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record


def check_alone(openers: Openers, entry: Entry, standing: list[Entry]) -> None:
    """Checks an entry that came alone; it never becomes part of the log. [R-LOG-12].

    Args:
        openers: those known of its author.
        entry: read, so its form is right. [R-ENTRY-6]
        standing: entries known that are said to be the parts of a standing, in the order of the log.

    Raises:
        Fault: `unknown_author`, `unknown_epoch`, `stale`, `forked`, `contested`, `link` or `signature`.
    """
    demand(openers.author == entry.header.author, "unknown_author", "no inception is known")
    if entry.opens:
        return openers.verify(entry)
    demand(openers.contested is None, "contested", "the identity is contested")
    demand(entry.place <= openers.place, "unknown_epoch", "its opener is not known")
    if entry.place < openers.place:
        demand((entry.seq, entry.id) in _named(openers, standing), "stale", "of a closed place and not named")
        return demand(openers.signs(entry), "signature", "its own")
    return _check_newest(openers, entry)


def _check_newest(openers: Openers, entry: Entry) -> None:
    demand(entry.place == openers.place, "stale", "of a closed place")
    demand(not openers.forked, "forked", "the term is forked")
    demand(entry.seq > openers.newest[0].seq, "link", "not above its opener")
    demand(openers.signs(entry), "signature", "its own")


def _named(openers: Openers, standing: list[Entry]) -> set[tuple[int, bytes]]:
    """The entries that a standing vouches for; none unless all its parts are there."""
    parts: list[tuple[Entry, dict[str, Any]]] = []
    for entry in standing:
        record = _part(openers, entry)
        if record is None:
            return set()
        if record["part"] == 1:
            parts = []  # a later part 1 replaces all parts before
        parts.append((entry, record))
    numbers = [record["part"] for _, record in parts]
    counts = {record["parts"] for _, record in parts}
    whole = numbers == list(range(1, len(parts) + 1)) and counts == {len(parts)}
    if not whole or not all(links(below, above) for (below, _), (above, _) in pairwise(parts)):
        return set()
    return {
        (seq, id_) for entry, record in parts for seq, id_ in record["entries"] if seq < entry.seq
    }  # below its own


def _part(openers: Openers, entry: Entry) -> dict[str, Any] | None:
    """The record of a part that is itself accepted alone."""
    if entry.header.kind != STANDING or entry.record is None or entry.header.author != openers.author:
        return None
    try:
        _check_newest(openers, entry)
        return read_record(STANDING, entry.record)
    except Fault:
        return None
