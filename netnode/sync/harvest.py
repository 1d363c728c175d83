"""What the answer to one `get` brings, message by message [R-SYNC-8, R-SYNC-9, R-SYNC-10].

A run is cut only where an entry's own signature verifies, else its receiver could prove nothing of the end. Between
two such entries lies what one message has to carry whole; where it does not fit, nobody can have received it, and it
is left out: its author harms nobody else.
"""

from __future__ import annotations

from collections import deque

from netnode.store import Reader
from protocol import limits
from protocol.entry import Entry, signature_valid
from protocol.log_state import LogState
from protocol.messages import Get
from protocol.run import RUN_BYTES, RUN_OVERHEAD, Run, entry_weight, runs_of

Want = tuple[bytes, int, int]


class Harvest:
    """Gathers runs, a message at a time; one visit to the store fills one message.

    Args:
        network: the network's name.
        question: budget and wants.
    """

    __slots__ = ("_begun", "_budget", "_network", "_wants", "done", "left")

    def __init__(self, network: str, question: Get) -> None:
        self._network = network
        self._budget = question.budget
        self._wants = deque(question.wants)
        self._begun = False
        self.done = False
        self.left: list[Want] = []

    def gather(self, reader: Reader) -> list[Run]:
        """The runs of the next message; afterwards `done` says whether it is the last, `left` what the budget left."""
        runs: list[Run] = []
        room = RUN_BYTES
        while self._wants:
            author, first, last = self._wants[0]
            if self._begun and self._budget <= 0:
                return self._spent(runs)
            allowed = min(room, self._budget)
            entries = self._part(reader, author, first, last, allowed, whole=not self._begun)
            if entries is None and allowed < room:
                if self._begun:
                    return self._spent(runs)
                entries = self._part(reader, author, first, last, room, whole=True)
            if entries is None and runs:
                return runs  # the next message has more room
            if not entries:
                self._wants.popleft()  # nothing held, or nothing that can be proved
                continue
            found = list(runs_of(entries))
            weight = sum(map(entry_weight, entries)) + RUN_OVERHEAD * len(found)
            runs += found
            room -= weight
            self._budget -= weight
            self._begun = True
            self._go_on(author, first, last, entries)
        self.done = True
        return runs

    def _spent(self, runs: list[Run]) -> list[Run]:
        self.left, self.done = list(self._wants), True
        return runs

    def _go_on(self, author: bytes, first: int, last: int, entries: list[Entry]) -> None:
        """Puts what is left of the first want in its place."""
        self._wants.popleft()
        if first > last:
            if entries[0].seq > last:
                self._wants.appendleft((author, entries[0].seq - 1, last))
        elif entries[-1].seq < last:
            self._wants.appendleft((author, entries[-1].seq + 1, last))

    def _part(
        self, reader: Reader, author: bytes, first: int, last: int, room: int, *, whole: bool
    ) -> list[Entry] | None:
        """The next entries of a want, lowest first, that fit `room`; one goes in any case where `whole`.

        Returns:
            Empty when nothing is held, None when nothing fits that can be proved.
        """
        if room <= 0:
            return None
        anchor = last + -last % limits.ANCHOR_EVERY
        found = (
            reader.entries(author, last, first, room, descending=True)
            if first > last
            else reader.entries(author, first, anchor, room)
        )
        if not found:
            return []
        entries = found[: _fitting(found, room) or int(whole)]
        if first > last:
            return entries[::-1] or None  # what the asker holds above proves them
        row = reader.log(author)
        if row is None or not entries:
            return None
        end = Ends(self._network, reader, author, row.last).near(entries, last)
        return entries[:end] if end else None


class Ends:
    """Where runs of one log may end; its state is only read when a signature has to be looked at."""

    __slots__ = ("_author", "_network", "_reader", "_state", "_tip")

    def __init__(self, network: str, reader: Reader, author: bytes, tip: int) -> None:
        self._network = network
        self._reader = reader
        self._author = author
        self._tip = tip
        self._state: LogState | None = None

    def near(self, entries: list[Entry], last: int) -> int:
        """How many leading entries to send: up to `last`, else a little more, else less; 0 when none can be proved."""
        at = next((index for index, entry in enumerate(entries) if entry.seq >= last), None)
        if at is not None:
            for index in range(at, len(entries)):
                if self._may_end(entries[index]):
                    return index + 1
        for index in range(len(entries) if at is None else at, 0, -1):
            if self._may_end(entries[index - 1]):
                return index
        return 0

    def _may_end(self, entry: Entry) -> bool:
        if entry.is_anchor or entry.is_opener or entry.seq == self._tip:
            return True
        if self._state is None:
            self._state = self._reader.load(self._author)
        keys = () if self._state is None else self._state.openers.keys(entry.epoch)
        return any(signature_valid(self._network, key, entry) for key in keys)


def _fitting(entries: list[Entry], room: int) -> int:
    """How many leading entries fit `room` as runs."""
    room -= RUN_OVERHEAD
    for index, entry in enumerate(entries):
        room -= entry_weight(entry) + (RUN_OVERHEAD if entry.is_opener else 0)
        if room < 0:
            return index
    return len(entries)
