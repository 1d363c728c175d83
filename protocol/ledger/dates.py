"""Places and dates of the critical entries of a log, in their order: which was the newest at a moment."""

from __future__ import annotations

from protocol.near import Near


class Dates:
    """Grows along the log. The number of a critical entry, from 0 on, stands for its seq and its date."""

    __slots__ = ("_seqs", "_times")

    def __init__(self) -> None:
        self._times = Near("i")
        self._seqs = Near("h")

    def __len__(self) -> int:
        return len(self._seqs)

    def note(self, seq: int, time: int) -> None:
        """The next critical entry; its date in ms UTC."""
        self._times.append(time)
        self._seqs.append(seq)

    @property
    def newest(self) -> int:
        """Date of the newest one, ms UTC; -1 before the first."""
        return self._times[-1] if self._times else -1

    def seq(self, number: int) -> int:
        """Of a critical entry, by its number."""
        return self._seqs[number]

    def time(self, number: int) -> int:
        """Date of a critical entry by its number, ms UTC."""
        return self._times[number]

    def number(self, seq: int) -> int:
        """The number of a critical entry, by its seq."""
        return self._seqs.left(seq)

    def date(self, seq: int) -> int:
        """Date of a critical entry by its seq, ms UTC."""
        return self._times[self.number(seq)]

    def before(self, time: int) -> int:
        """Seq of the newest one dated before a moment; 0 for none."""
        index = self._times.left(time)
        return self._seqs[index - 1] if index else 0

    def until(self, time: int) -> int:
        """Seq of the newest one dated at a moment or before; 0 for none."""
        index = self._times.right(time)
        return self._seqs[index - 1] if index else 0
