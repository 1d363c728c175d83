"""Branches of a log that are not in it: what is held of them here, and what each means for its author's debts [L13].

A fork, or what a settlement left, binds its author like the log itself. What a rotation disowned does not: it is listed
as disputed, since this store had it before the rotation came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from netnode.store import Reader, branches
from protocol.entry import Entry
from protocol.ledger.union import Branch
from protocol.log_state import LogState
from protocol.openers import Openers
from protocol.records import SwapEntry
from protocol.records.fields import Place

MOST_TAILS: Final = 16
"""Branches of one log that are looked at, the newest first; why: each is folded by itself, from the beginning."""

MOST_BETWEEN: Final = 100_000
"""Entries of another log between the two places that a swap pins; with more of them its end is unknown here."""

_AT_ONCE: Final = 4 * 1024 * 1024  # bytes

Mark = tuple[object, ...]
"""Changes whenever what is held of a log, or beside it, does; its first part with every entry by which the log goes on,
and the others not with those."""


@dataclass(frozen=True, slots=True)
class Tail:
    """One branch above the entries it shares with the log.

    Attributes:
        entries: oldest first; the first one's `prev` is in the log.
        rotation: id of the rotation that disowned it; None: it binds its author.
    """

    entries: tuple[Entry, ...]
    rotation: bytes | None

    @property
    def fork(self) -> int:
        """Seq of the newest entry shared with the log."""
        return self.entries[0].seq - 1

    @property
    def head(self) -> Branch:
        """Seq and id of its newest entry."""
        return (self.entries[-1].seq, self.entries[-1].id)


def mark_of(reader: Reader, state: LogState) -> Mark:
    """What tells whether a log or the branches beside it have changed."""
    kept = reader.connection.execute(
        "SELECT count(*), max(seq) FROM branch WHERE n = (SELECT n FROM networker WHERE id = ?)",
        (state.author,),
    ).fetchone()
    return (state.tip.id, state.base.seq, state.aside, state.fork, state.openers.place, kept)


def beside(reader: Reader, state: LogState) -> bool:
    """Whether anything of a log is held outside its main run."""
    kept: bool = reader.connection.execute(
        "SELECT EXISTS(SELECT 1 FROM branch WHERE n = (SELECT n FROM networker WHERE id = ?))",
        (state.author,),
    ).get
    return bool(state.aside) or state.fork is not None or bool(kept)


def reached(reader: Reader, author: bytes, places: Iterable[Branch], seqs: tuple[int, int]) -> bool:
    """Whether one of some entries came into the log with those from one seq to another."""
    first, last = seqs
    return any(branches.in_log(reader, author, each) for each in places if first <= each[0] <= last)


def tails(
    reader: Reader, state: LogState, settled: Set[tuple[int, int]]
) -> tuple[tuple[Tail, ...], tuple[Branch, ...]]:
    """The branches of a log that are held down to the log itself, the newest first, and those too many to look at.

    Args:
        reader: of the store.
        state: of the log.
        settled: (epoch, term) of its settlements.
    """
    held = {entry.id: entry for entry in branches.beside(reader, state.author)}
    for id in [
        each.id for each in held.values() if branches.in_log(reader, state.author, (each.seq, each.id))
    ]:
        del held[id]
    below = {entry.prev for entry in held.values()}
    found: list[Tail] = []
    left: list[Branch] = []
    for tip in sorted(held.values(), key=lambda each: (each.place, each.seq, each.id), reverse=True):
        if tip.id in below:
            continue
        if len(found) == MOST_TAILS:
            left.append((tip.seq, tip.id))
            continue
        chain = [tip]
        while (lower := held.get(chain[-1].prev)) is not None and lower.seq + 1 == chain[-1].seq:
            chain.append(lower)
        chain.reverse()
        if branches.in_log(reader, state.author, (chain[0].seq - 1, chain[0].prev)):
            found.append(Tail(tuple(chain), _disowned(state.openers, settled, tip)))
    return tuple(found), tuple(left)


def between(reader: Reader, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
    """Entries of a log, or of a branch held beside it, above the first place up to the second; None: not held.

    Of the log only swaps come with their record: how large the others are, and how many, its author decides.

    Args:
        reader: of the store.
        author: whose log.
        first: seq and id.
        last: seq and id.
    """
    if not first[0] < last[0] <= first[0] + MOST_BETWEEN:
        return None if first[0] < last[0] else ()
    if branches.in_log(reader, author, last):
        if reader.entry(author, first[0]) is None:
            return None
        return _bare(reader, author, first[0] + 1, last[0])
    held = {entry.id: entry for entry in branches.beside(reader, author)}
    chain: list[Entry] = []
    wanted = last
    while wanted[0] > first[0]:
        entry = held.get(wanted[1])
        if entry is None and branches.in_log(reader, author, wanted):
            entry = reader.entry(author, wanted[0])
        if entry is None or entry.seq != wanted[0]:
            return None
        chain.append(entry)
        wanted = (entry.seq - 1, entry.prev)
    return chain[::-1]


def _bare(reader: Reader, author: bytes, first: int, last: int) -> list[Entry]:
    """Entries of a log, those of swaps with their record."""
    found: list[Entry] = []
    while first <= last:
        part = reader.entries(author, first, last, _AT_ONCE)
        if not part:
            break
        found += [each if each.kind == SwapEntry.KIND else replace(each, record=None) for each in part]
        first = part[-1].seq + 1
    return found


def _disowned(openers: Openers, settled: Set[tuple[int, int]], tip: Entry) -> bytes | None:
    """Id of the rotation that disowned the branch with this newest entry; None where none did, or a settlement left it.

    A settlement comes before a later rotation: what it left stays a debt.
    """
    if tip.epoch == openers.epoch or (tip.epoch, tip.term + 1) in settled:
        return None
    rotations = [opening.entry.id for opening in openers.epochs[tip.epoch + 1]]
    return min(rotations)
