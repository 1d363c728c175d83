"""An entry alone: a search answer or a link, without the run around it [R-LOG-12].

It is believed when its own signature verifies and it is of the newest place known, or when the newest place vouches
for it by a `standing` record. Who holds the run lets the run decide; lone entries are never part of the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from protocol.entry import Entry, signature_valid
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.openers import Openers
from protocol.records import decode_record
from protocol.records.standing import Standing


def accept_alone(
    openers: Openers, entry: Entry, standings: Sequence[Entry] = (), *, forked: bool = False
) -> None:
    """Says whether a lone entry may be believed, by returning.

    Args:
        openers: what is known of its author.
        entry: a parsed entry (`protocol.entry.parse_entry`).
        standings: entries known that may be parts of a standing, in any order; needed only for an entry of a closed
            place.
        forked: whether a fork of the newest place is proved here by other than its openers.

    Raises:
        RemoteProtocolError: `link` or `signature`; for an opener the codes of `Openers.admit`.
        NotHeld: `unknown_author`, `unknown_epoch`, `contested`, `forked` or `stale`.
    """
    if entry.author != openers.author:
        raise NotHeld("unknown_author", "the openers of this networker are not known here")
    if entry.is_opener and openers.knows(entry):
        return
    if entry.is_opener:
        openers.admit(entry)
        return
    if entry.place > openers.place:
        raise NotHeld("unknown_epoch", "the opener of this epoch or term is not known here")
    if openers.contested is not None:
        raise NotHeld("contested", "a contested identity: no entry alone is believed")
    if forked or openers.term_forked:
        raise NotHeld("forked", "a forked term: no entry alone is believed")
    if entry.seq <= openers.newest[0].seq and entry.place == openers.place:
        raise RemoteProtocolError("link", "an entry of a term lies above its opener")
    if not any(signature_valid(openers.network, key, entry) for key in openers.keys(entry.epoch)):
        raise RemoteProtocolError("signature", f"entry {entry.seq} is not signed by the key of its epoch")
    if entry.place < openers.place and (entry.seq, entry.id) not in named(openers, standings):
        raise NotHeld("stale", "an entry of a closed epoch or term that no standing entry names")


def named(openers: Openers, standings: Sequence[Entry]) -> frozenset[tuple[int, bytes]]:
    """What the newest standing of the newest place names, by (seq, id); nothing when it is not whole [R-LOG-12].

    The verdict does not depend on the order in which parts are given, nor on what is given besides.
    """
    parts: list[tuple[Entry, Standing]] = []
    for part in sorted(standings, key=lambda each: each.seq):
        record = _part(openers, part)
        if record is None:
            continue
        if record.part == 1:
            parts.clear()  # a later part 1 replaces all parts before
        parts.append((part, record))
    if any(
        (after.seq, after.prev) != (before.seq + 1, before.id) for (before, _), (after, _) in pairwise(parts)
    ):
        return frozenset()
    numbers = [(record.part, record.parts) for _, record in parts]
    if numbers != [(number, len(parts)) for number in range(1, len(parts) + 1)]:
        return frozenset()
    return frozenset((seq, id_) for part, record in parts for seq, id_ in record.entries if seq < part.seq)


def _part(openers: Openers, entry: Entry) -> Standing | None:
    """The record of an entry that is part of a standing of the newest place; None when it is none."""
    if entry.record is None or entry.kind != Standing.KIND or entry.place != openers.place:
        return None
    try:
        accept_alone(openers, entry)
        record = decode_record(entry.kind, entry.record)
    except (Void, NotHeld, RemoteProtocolError):
        return None
    return record if isinstance(record, Standing) else None
