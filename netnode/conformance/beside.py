"""A branch that came by itself, beside a log: which of its entries are authentic [R-LOG-35]."""

from __future__ import annotations

from netnode.conformance.entries import ROTATION, SETTLEMENT, Entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import ANCHOR_EVERY
from netnode.conformance.log import links
from netnode.conformance.openers import Openers


def authentic(openers: Openers, below: Entry, branch: list[Entry], *, sealed: bool) -> int:
    """How many leading entries of a branch are authentic.

    Args:
        openers: of its author.
        below: the entry that it stands on.
        branch: oldest first; at least one entry.
        sealed: an authentic entry that is held stands on the last one.
    """
    if branch[0].header.kind == ROTATION or branch[0].header.epoch != branch[-1].header.epoch:
        return 0
    count = 0
    for before, entry in zip([below, *branch], branch, strict=False):
        if not links(before, entry) or not _stands(openers, entry):
            break
        count += 1
    if sealed and count == len(branch):
        return count
    while count and not (branch[count - 1].opens or openers.signs(branch[count - 1])):
        count -= 1
    return count


def _stands(openers: Openers, entry: Entry) -> bool:
    """Whether an entry that needs its own signature has it; of settlements only closed ones and those known count."""
    if entry.header.kind == SETTLEMENT:
        try:
            openers.verify(entry)
        except Fault:
            return False
        return openers.knows(entry) or entry.place < openers.place
    return entry.seq % ANCHOR_EVERY != 0 or openers.signs(entry)
