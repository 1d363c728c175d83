"""Who sold something first: the order of those who sold and are no members any more [R-PLAN-21]."""

from __future__ import annotations

from array import array


class Turns:
    """By number of a member: how many had sold something when that one first did."""

    __slots__ = ("_count", "_turns")

    def __init__(self) -> None:
        self._turns = array("I")  # 0: never
        self._count = 0

    def note(self, number: int) -> None:
        """A member sold something that counts."""
        more = number + 1 - len(self._turns)
        if more > 0:
            self._turns.frombytes(bytes(self._turns.itemsize * more))
        if not self._turns[number]:
            self._count += 1
            self._turns[number] = self._count

    def of(self, number: int) -> int:
        """The turn of a member; 0: they never sold anything."""
        return self._turns[number] if number < len(self._turns) else 0
