"""What a dishonest issuer writes about a swap, by hand: too early, too late, on another branch, without cover."""

from __future__ import annotations

from netnode.store.swaps import SwapRow
from netnode.swapping.documents import only, unpacked
from protocol.ledger.statements import Swap, read
from protocol.records import Lock, SwapEntry
from protocol.records.fields import Place


def lock(row: SwapRow) -> Lock:
    """A lock of a swap that both holders have signed, whatever its date and cover.

    Args:
        row: of the swap, as one of its holders has it.
    """
    document = read(Swap, row.data)
    openers = only(unpacked(row.openers), document.first.holder, document.second.holder)
    return Lock(document=row.data, openers=openers)


def decision(row: SwapRow, locked: bytes) -> SwapEntry:
    """The second issuer's swap, whatever its date and cover.

    Args:
        row: of the swap, as one of its holders has it.
        locked: entries that are to prove the lock, as a row keeps them.
    """
    document = read(Swap, row.data)
    people = (document.first.holder, document.second.holder, document.first.issuer)
    lock_entries = tuple(tuple(each) for each in unpacked(locked))
    return SwapEntry(document=row.data, lock=lock_entries, openers=only(unpacked(row.openers), *people))


def early_end(row: SwapRow, last: Place) -> SwapEntry:
    """The end of a lock by a place of the other log that says nothing about it."""
    document = read(Swap, row.data)
    return SwapEntry(document=row.data, openers=(), pins=(document.head, last))
