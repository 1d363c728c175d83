"""Forks and their bounded proof [R-LOG-11, 14, 15]: at most 128 headers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from protocol import limits
from protocol.entry import CLOSE, Entry, signature_valid
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.openers import Openers


def check_fork(openers: Openers, left: Sequence[Entry], right: Sequence[Entry]) -> int:
    """Checks a proof: two runs of one stretch that start at one seq with different ids, each up to a valid signature.

    Their `prev` is not looked at. Records are not needed; they may be gone, even those of even kinds.

    Args:
        openers: what is known of the author.
        left: 1-64 linked entries; the last one's own signature must verify, and it is the next anchor at the latest.
        right: the same for the other side.

    Returns:
        The seq at which the two differ.

    Raises:
        RemoteProtocolError: `bad_proof`.
        NotHeld: `stale` or `unknown_epoch`: not of the newest (epoch, term) known here.
    """
    first, other = left[0], right[0]
    if (first.author, first.place, first.seq) != (
        other.author,
        other.place,
        other.seq,
    ) or first.id == other.id:
        raise RemoteProtocolError("bad_proof", "the two sides are not different entries of one place")
    if first.author != openers.author:
        raise RemoteProtocolError("bad_proof", "a proof about another networker")
    if first.place != openers.place:
        code = "stale" if first.place < openers.place else "unknown_epoch"
        raise NotHeld(code, "the fork is not in the newest epoch and term known here")
    if openers.contested is not None:
        raise NotHeld("contested", "a contested identity has no term that could fork")
    if first.seq <= max(opener.seq for opener in openers.newest):
        raise RemoteProtocolError("bad_proof", "a fork lies above the opener of its term")
    key = openers.keys(first.epoch)[0]
    for side in (left, right):
        _check_side(openers.network, key, side)
    return first.seq


def _check_side(network: str, key: bytes, side: Sequence[Entry]) -> None:
    first, last = side[0], side[-1]
    next_anchor = first.seq + -first.seq % limits.ANCHOR_EVERY
    if last.seq > next_anchor:
        raise RemoteProtocolError("bad_proof", "a side of a proof ends at the next anchor or before")
    if any(entry.is_opener for entry in side):
        raise RemoteProtocolError("bad_proof", "an opener is no entry of a side")
    for before, entry in pairwise(side):
        if (entry.seq, entry.prev, entry.place) != (before.seq + 1, before.id, first.place):
            raise RemoteProtocolError("bad_proof", "the entries of a side do not follow each other")
        if before.kind == CLOSE:
            raise RemoteProtocolError("bad_proof", "a side goes on after a close")
        if entry.time < before.time:
            raise RemoteProtocolError("bad_proof", "the entries of a side are not in order of time")
    if not signature_valid(network, key, last):
        raise RemoteProtocolError("bad_proof", "the last entry of a side is not signed by the epoch's key")
