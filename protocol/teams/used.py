"""Statements that have had their effect in a log, so that none has it twice [R-TEAM-7, 12, 15].

A team of a million members has used as many invites. Of each one a mark of 32 bits is kept, and which entry embeds it:
where a mark is met again, that entry is read again and says whether it is the same statement. Marks are of the hash of
`bytes`, which is keyed anew in every process, so nobody can choose statements that share one: one statement in some
thousands has an entry read for nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from typing import Final

from protocol.entry import Entry
from protocol.records import Admission, Leave, Move, decode_record
from protocol.teams.statements import statement_id

Again = Callable[[int], Collection[bytes]]
"""The ids of the statements that an entry of the log embeds and uses up, by its seq, read again."""

_LEAST: Final = 16  # places of an empty table
_MARK: Final = (1 << 32) - 1


def used_by(record: object) -> tuple[bytes, ...]:
    """The ids of the statements that a record uses up where it has effect."""
    match record:
        case Admission():
            return (statement_id(record.invite),)
        case Move():
            return tuple(statement_id(each) for each in record.statements)
        case Leave() if isinstance(record.leaving, bytes):
            return (statement_id(record.leaving),)
        case _:
            return ()


def used_again(read: Callable[[int], Entry], seq: int) -> tuple[bytes, ...]:
    """The same of an entry that was folded before, read by its seq."""
    entry = read(seq)
    return () if entry.record is None else used_by(decode_record(entry.kind, entry.record))


class Used:
    """The statements of one team that have had their effect.

    Args:
        again: reads the log again; None: it is at hand nowhere, and their ids are kept.
    """

    __slots__ = ("_again", "_count", "_ids", "_marks", "_seqs")

    def __init__(self, again: Again | None = None) -> None:
        self._again = again
        self._ids: set[bytes] = set()  # where nothing can be read again
        # A table of open addressing, by the low bits of the mark.
        self._marks = array("I", bytes(4 * _LEAST))
        self._seqs = array("I", bytes(4 * _LEAST))  # one more than the seq; 0: a free place
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id: bytes) -> bool:
        if self._again is None:
            return id in self._ids
        marks, seqs, mark = self._marks, self._seqs, hash(id) & _MARK
        place = self._place(mark)
        while seqs[place]:
            if marks[place] == mark and id in self._again(seqs[place] - 1):
                return True
            place = (place + 1) % len(seqs)
        return False

    def add(self, id: bytes, seq: int) -> None:
        """Adds a statement that is not among them.

        Args:
            id: of it.
            seq: of the entry that embeds it.
        """
        self._count += 1
        if self._again is None:
            self._ids.add(id)
            return
        if 4 * self._count > 3 * len(self._seqs):
            self._grow()
        try:
            self._put(hash(id) & _MARK, seq + 1)
        except OverflowError:
            self._seqs = array("Q", self._seqs)
            self._put(hash(id) & _MARK, seq + 1)

    def _place(self, mark: int) -> int:
        return mark & len(self._seqs) - 1

    def _put(self, mark: int, seq: int) -> None:
        place = self._place(mark)
        while self._seqs[place]:
            place = (place + 1) % len(self._seqs)
        self._seqs[place] = seq
        self._marks[place] = mark

    def _grow(self) -> None:
        marks, seqs = self._marks, self._seqs
        self._marks = array(marks.typecode, [0]) * (2 * len(seqs))
        self._seqs = array(seqs.typecode, [0]) * (2 * len(seqs))
        for mark, seq in zip(marks, seqs, strict=True):
            if seq:
                self._put(mark, seq)
