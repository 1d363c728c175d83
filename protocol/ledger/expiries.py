"""What a holder has that expires: found in order, and without going through all of it for each request."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort


class Expiries:
    """Amounts by the moment at which they expire (ms UTC).

    A request goes through what it uses, and what is over is summed as the moment passes, back as well as forth.
    """

    __slots__ = ("_free", "_order", "_over", "_seen", "locked", "total")

    def __init__(self) -> None:
        self.total = 0
        """All that is in it, locked or not."""
        self.locked = 0
        """Of it, held for swaps."""
        self._free: dict[int, int] = {}  # by expiry: what is not locked; may be negative
        self._order: list[int] = []  # expiries of which something is free
        self._seen = -1  # the moment up to which `_over` counts
        self._over = 0  # what is free and had expired then

    def add(self, expires: int, amount: int) -> None:
        """Credit that came in, or left."""
        self.total += amount
        self._change(expires, amount)

    def lock(self, expires: int, amount: int) -> None:
        """Credit that is held, or not any more."""
        self.locked += amount
        self._change(expires, -amount)

    def expired(self, now: int) -> int:
        """What is free and has expired at a moment."""
        if now != self._seen:
            early, late = sorted((now, self._seen))
            first, last = bisect_right(self._order, early), bisect_right(self._order, late)
            passed = sum(self._free[self._order[place]] for place in range(first, last))
            self._over += passed if now > self._seen else -passed
            self._seen = now
        return self._over

    def choose(self, amount: int, now: int, lasts: int) -> list[tuple[int, int]]:
        """Expiries and amounts, the first to expire first, that come to at most so much.

        Args:
            amount: minor units.
            now: what has expired by then is not used.
            lasts: nor what expires before this moment.
        """
        found: list[tuple[int, int]] = []
        place = max(bisect_right(self._order, now), bisect_left(self._order, lasts))
        while amount > 0 and place < len(self._order):
            expires = self._order[place]
            found.append((expires, min(self._free[expires], amount)))
            amount -= found[-1][1]
            place += 1
        return found

    def _change(self, expires: int, amount: int) -> None:
        before = self._free.get(expires, 0)
        after = before + amount
        if after:
            self._free[expires] = after
        else:
            self._free.pop(expires, None)
        if before <= 0 < after:
            insort(self._order, expires)
        elif after <= 0 < before:
            del self._order[bisect_left(self._order, expires)]
        if expires <= self._seen:
            self._over += max(0, after) - max(0, before)
