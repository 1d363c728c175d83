"""A branch beside a log, as a peer gives it: which of its entries are authentic [R-LOG-7..11, 35]."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.entry import ROTATION, Entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.openers import Openers
from protocol.run import linked, proved


def authentic(openers: Openers, below: Entry, chain: Sequence[Entry], *, sealed: bool) -> int:
    """How many leading entries of a branch are authentic: as many as whoever had got them as the log would hold.

    Args:
        openers: what is known of the author.
        below: the entry that the branch stands on.
        chain: the branch, oldest first; at least one entry.
        sealed: what stands on the last entry is authentic and held.
    """
    if chain[0].kind == ROTATION or chain[0].epoch != chain[-1].epoch:
        return 0  # two rotations are a contest, and no branch; below one a replaced key could sign
    end = linked([below, *chain]) - 1
    sealed = sealed and end == len(chain)
    good = 0
    while good < end:
        start, place = good, chain[good].place
        if chain[good].is_opener:
            if not _verifies(openers, chain[good]):
                return good
            start = good = good + 1
        while good < end and chain[good].place == place:
            good += 1
        closed = sealed if good == end else _verifies(openers, chain[good])
        part = chain[start:good]
        count = max((proved(openers.network, key, part, closed) for key in openers.keys(place[0])), default=0)
        if count < len(part):
            return start + count
    return good


def _verifies(openers: Openers, opener: Entry) -> bool:
    """Whether a settlement is known, or one of a closed term that verifies."""
    try:
        return openers.admit(opener) is openers
    except NotHeld as error:
        return error.code == "stale"
    except RemoteProtocolError:
        return False
