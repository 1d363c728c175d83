"""Rules that walk up a line: unilevel, matrix, infinity, fast start, generations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from protocol.plans.claims import Choice, Claim, Line, Seat, Stake
from protocol.plans.facts import P
from protocol.plans.tables import Table

_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Levels:
    """Unilevel, and fast start, which is a unilevel for the first days of a member.

    Attributes:
        compression: none, inactive, rank, dynamic.
        least: with rank: the least that uses a level up.
        stop: rank at whose first member the walk ends; None: at the top.
        days: the owner's first days, or None for all.
    """

    name: str
    table: Table
    compression: str
    choice: Choice
    least: int = -1
    stop: int | None = None
    days: int | None = None

    @property
    def bound(self) -> Fraction:
        """The most of a base that all levels get [R10]."""
        return self.table.bound

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """Walks up from level 1."""
        if not self.choice.takes(stake):
            return
        if self.days is not None and (line.since is None or stake.time >= line.since + self.days * _DAY):
            return
        if line.first and self._ends(line.seats[0]):
            return  # the owner broke away: its sales are of its own group
        table, seats = self.table, line.seats
        level, levels, steps = 1, table.levels, self.compression != "none"
        for number in range(line.first, len(seats)):
            if level > levels:
                return
            seat = seats[number]
            rate = table.rate(seat.rank, level)
            if not (steps and self._passes(seat, rate)):
                if rate and seat.member:
                    yield _claim(line, seats, number, level, rate, table.den, stake)
                level += 1
            if self.stop is not None and self._ends(seat):
                return

    def _ends(self, seat: Seat[P]) -> bool:
        return self.stop is not None and seat.member and seat.rank >= self.stop

    def _passes(self, seat: Seat[P], rate: int) -> bool:
        """Whether a person is stepped over without using a level up."""
        match self.compression:
            case "inactive":
                return not (seat.active and seat.member)
            case "rank":
                return seat.rank < self.least or not seat.member
            case "dynamic":
                return rate == 0 or not seat.member
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Places:
    """Matrix: rates or amounts by depth of the placement tree; nobody is stepped over, gaps stay gaps.

    Attributes:
        rates: numerators over `den`; empty with amounts.
        amounts: minor units by depth.
        least: volume that a sale needs for amounts.
    """

    name: str
    rates: tuple[int, ...]
    den: int
    amounts: tuple[int, ...]
    least: int
    choice: Choice
    worth_of_least: Fraction

    @property
    def bound(self) -> Fraction:
        """The most of a base that all depths get; amounts are bounded by the least sale that pays them [R10]."""
        if self.amounts:
            return Fraction(sum(self.amounts)) / self.worth_of_least
        return Fraction(sum(self.rates), self.den)

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """Walks up from depth 1."""
        if not self.choice.takes(stake) or (self.amounts and stake.volume < self.least):
            return
        figures = self.amounts or self.rates
        for level, number in enumerate(range(line.first, len(line.places)), 1):
            if level > len(figures):
                return
            seat = line.places[number]
            if not figures[level - 1] or not seat.member:
                continue
            claim = _claim(line, line.places, number, level, figures[level - 1], self.den, stake)
            if self.amounts:
                claim.rate, claim.value = 0, figures[level - 1]
                claim.free = claim.value if claim.free else 0
            yield claim


@dataclass(frozen=True, slots=True)
class Endless:
    """Infinity: every member of a rank that pays, until one of the same or a higher rank stood in between."""

    name: str
    table: Table
    start: int
    choice: Choice

    @property
    def bound(self) -> Fraction:
        """Each rank is paid once at most: the next of the same rank is blocked [R10]."""
        return sum((Fraction(row[0], self.table.den) for row in self.table.rows[1:] if row), Fraction(0))

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """Walks up to the top. A member below level `start` does not block."""
        if not self.choice.takes(stake):
            return
        blocked = -1
        for level, number in enumerate(range(line.first, len(line.seats)), 1):
            seat = line.seats[number]
            if level < self.start or not seat.member or seat.rank <= blocked:
                continue
            rate = self.table.rate(seat.rank, 1)
            if rate:
                blocked = seat.rank
                yield _claim(line, line.seats, number, level, rate, self.table.den, stake)


@dataclass(frozen=True, slots=True)
class Generations:
    """Levels that count members of a rank.

    Attributes:
        least: who is paid has this rank or a higher one.
        same: a generation ends at members of the recipient's rank or above, else at members of rank `least` or above.
        consumes: a boundary member who is not active uses a generation up.
    """

    name: str
    table: Table
    least: int
    same: bool
    consumes: bool
    choice: Choice

    @property
    def bound(self) -> Fraction:
        """Each generation once, or once a rank where each rank counts its own [R10]."""
        if not self.same:
            return self.table.bound
        return sum(
            (Fraction(sum(row), self.table.den) for row in self.table.rows[self.least + 1 :]), Fraction(0)
        )

    def claims(self, line: Line[P], stake: Stake) -> Iterator[Claim[P]]:
        """Walks up to the top; `level` is the generation."""
        if not self.choice.takes(stake):
            return
        met = [0] * (len(self.table.rows) - 1)  # boundary members met, by the rank that counts them
        for number in range(line.first, len(line.seats)):
            seat = line.seats[number]
            if seat.rank < self.least:
                continue
            paid = seat.member and seat.active
            level = met[seat.rank if self.same else self.least] + 1
            rate = self.table.rate(seat.rank, level)
            if paid and rate:
                yield _claim(line, line.seats, number, level, rate, self.table.den, stake)
            if paid or self.consumes:
                for rank in range(self.least, seat.rank + 1):
                    met[rank] += 1


def _claim(
    line: Line[P], seats: tuple[Seat[P], ...], number: int, level: int, rate: int, den: int, stake: Stake
) -> Claim[P]:
    """The claim of a seat; on the first seat it is for the owner's own sale."""
    base, volume = stake.base, stake.volume
    value = rate * base
    if number:
        return Claim(
            seats[number].person, level, base, rate, den, value, 0, 0, volume, seats[number - 1].person
        )
    value = value if line.pays_owner else 0
    return Claim(seats[0].person, level, base, rate, den, value, value, 0, volume)
