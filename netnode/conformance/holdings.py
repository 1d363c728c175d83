"""What holders have by the effects of a ledger, its branches joined; section 27.10. Every figure is summed anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, NamedTuple

NEVER: Final = 1 << 60
"""The expiry of what does not expire."""
Lots = tuple[tuple[int, int], ...]
"""(expiry, amount), ascending."""
AwardKey = tuple[bytes, str, int, str]
"""Recipient, rule, level, unit."""
_STAGES: Final = ("locked", "back", "given")


class Step(NamedTuple):
    """One entry's word on an award: when it is payable and expires, how much, and the base or volume it rests on."""

    due: int
    expires: int
    amount: int
    base: int | Fraction


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale."""

    earned: int
    paid: int
    refunded: int
    keeps: int | None
    awards: dict[AwardKey, frozenset[Step]] = field(default_factory=dict)

    @property
    def base(self) -> int:
        """[R-CRED-15]."""
        return max(0, min(self.earned if self.keeps is None else self.keeps, self.paid - self.refunded))


@dataclass(frozen=True, slots=True)
class Paid:
    """An award of a period, and how much of its volume was refunded since."""

    to: bytes
    unit: str
    steps: frozenset[Step]
    reversed: Fraction


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement, or one side of a swap (`stage`: how far it is; `counter` None: the issuer stands in)."""

    kind: str
    unit: str
    holder: bytes
    to: bytes
    amount: int
    counter: int | None
    lots: Lots
    stage: str = "given"


Effect = Sold | Paid | Moved


def join(one: Effect, two: Effect) -> Effect:
    """What is effective on either branch [R-CRED-61]."""
    if isinstance(one, Sold) and isinstance(two, Sold):
        keeps = [each for each in (one.keeps, two.keeps) if each is not None]
        awards = {
            key: one.awards.get(key, frozenset()) | two.awards.get(key, frozenset())
            for key in (*one.awards, *two.awards)
        }
        return Sold(
            max(one.earned, two.earned),
            max(one.paid, two.paid),
            max(one.refunded, two.refunded),
            min(keeps, default=None),
            awards,
        )
    if isinstance(one, Paid) and isinstance(two, Paid):
        return replace(one, steps=one.steps | two.steps, reversed=max(one.reversed, two.reversed))
    assert isinstance(one, Moved) and isinstance(two, Moved)
    return max(one, two, key=lambda each: (_STAGES.index(each.stage), each.lots, each.holder))


def union(branches: list[Mapping[bytes, Effect]]) -> dict[bytes, Effect]:
    """The effects of all branches."""
    found: dict[bytes, Effect] = {}
    for branch in branches:
        for id_, effect in branch.items():
            found[id_] = join(found[id_], effect) if id_ in found else effect
    return found


def _remains(sale: Sold | Paid, step: Step) -> int:
    """[R-CRED-26] [R-CRED-27]."""
    if isinstance(sale, Sold):
        return min(step.amount, int(Fraction(step.amount * sale.base) / step.base))
    return max(0, int(step.amount * (step.base - sale.reversed) / step.base)) if step.base else step.amount


def _posts(sale: Sold | Paid, steps: frozenset[Step]) -> Iterator[tuple[int, int, int, int]]:
    """(due, expires, awarded, remaining) of what each step adds: the larger counts from its own date on [R-CRED-23]."""
    awarded = remains = 0
    for step in sorted(steps):
        more, left = max(awarded, step.amount), max(remains, _remains(sale, step))
        yield step.due, step.expires, more - awarded, left - remains
        awarded, remains = more, left


class Holding:
    """One holder's credit of one unit at a moment.

    Attributes:
        classes: expiry -> amount, of what is posted.
        locks: expiry -> locked.
    """

    def __init__(self, effects: Mapping[bytes, Effect], unit: str, holder: bytes, now: int) -> None:
        self.now = now
        self.sums = dict.fromkeys(
            ("pending", "awarded", "clawed", "received", "sent", "redeemed", "paid_out", "locked"), 0
        )
        self.classes: dict[int, int] = {}
        self.locks: dict[int, int] = {}
        self.counters: dict[int, list[int]] = {}
        for effect in effects.values():
            if isinstance(effect, Sold):
                for (to, _, _, of), steps in effect.awards.items():
                    if (to, of) == (holder, unit):
                        self._award(effect, steps)
            elif isinstance(effect, Paid):
                if (effect.to, effect.unit) == (holder, unit):
                    self._award(effect, effect.steps)
            elif effect.unit == unit:
                self._move(effect, holder)

    def _award(self, sale: Sold | Paid, steps: frozenset[Step]) -> None:
        for due, expires, awarded, remains in _posts(sale, steps):
            if due > self.now:
                self.sums["pending"] += remains
            else:
                self.sums["awarded"] += awarded
                self.sums["clawed"] += awarded - remains
                self._class(expires, remains)

    def _move(self, moved: Moved, holder: bytes) -> None:
        passes = moved.kind in ("transfer", "swap")
        if moved.stage == "given" and passes and moved.to == holder:
            self.sums["received"] += moved.amount
            for expires, amount in ((NEVER, moved.amount),) if moved.kind == "swap" else moved.lots:
                self._class(expires, amount)
        if moved.holder != holder or moved.stage == "back":
            return
        if moved.stage == "locked":
            for expires, amount in moved.lots:
                self.sums["locked"] += amount
                self.locks[expires] = self.locks.get(expires, 0) + amount
            return
        self.sums["sent" if passes else {"redeem": "redeemed", "payout": "paid_out"}[moved.kind]] += (
            moved.amount
        )
        for expires, amount in moved.lots:
            self._class(expires, -amount)
        if moved.counter is not None:
            self.counters.setdefault(moved.counter, []).append(moved.amount)

    def _class(self, expires: int, amount: int) -> None:
        self.classes[expires] = self.classes.get(expires, 0) + amount

    def _free(self, expires: int) -> int:
        return self.classes.get(expires, 0) - self.locks.get(expires, 0)

    @property
    def figures(self) -> dict[str, int]:
        """[R-CRED-38] [R-CRED-63] [R-CRED-64]."""
        sums, total = self.sums, sum(self.classes.values())
        gone = sum(max(0, self._free(each)) for each in self.classes if each <= self.now)
        expired = min(gone, max(0, total))
        out = sums["sent"] + sums["redeemed"] + sums["paid_out"]
        short = max(0, out - sums["awarded"] - sums["received"])
        doubled = sum(sum(each) - max(each) for each in self.counters.values())
        uncovered = short - min(short, doubled)
        return {**sums, "expired": expired, "uncovered": uncovered, "signed": total - expired + uncovered}

    @property
    def balance(self) -> int:
        """[R-CRED-64]."""
        return max(0, self.figures["signed"])

    @property
    def available(self) -> int:
        """[R-CRED-65]."""
        return max(0, self.balance - self.sums["locked"])

    def choose(self, amount: int, lasts: int = 0) -> Lots:
        """What a movement uses: what expires first, of what has not expired and is not locked [R-CRED-36]."""
        found = []
        for expires in sorted(self.classes):
            free = min(self._free(expires), amount)
            if free > 0 and expires > self.now and expires >= lasts:
                found.append((expires, free))
                amount -= free
        return tuple(found)


def ended(moved: Moved, stage: str) -> Moved | None:
    """A side of a swap at a later stage; None where it is there already."""
    return replace(moved, stage=stage) if _STAGES.index(stage) > _STAGES.index(moved.stage) else None
