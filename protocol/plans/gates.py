"""What stands between a claim and an award: R5, R6, R19, duties, caps, rounding [R-PLAN-16..19]."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final, Generic, TypeVar

from msgspec import UNSET, Struct

from protocol.plans.claims import Claim
from protocol.plans.document import Compiled
from protocol.plans.facts import Exact, Reason
from protocol.plans.rounding import down, half_even, trimmed
from protocol.plans.tables import fraction
from protocol.plans.volumes import Volumes

T = TypeVar("T")

DUTY: Final = ":duty"
"""After the name of a rule: what another member's duty brought."""


class Due(Struct, Generic[T], gc=False):
    """A claim of a rule on its way to an award: `claim.value` is what is left of it.

    Attributes:
        kept: numerator over `claim.den` of what was taken off.
        reason: the first that took something off.
    """

    rule: str
    claim: Claim[T]
    kept: Exact = 0
    reason: Reason | None = None

    def cut(self, part: Exact, reason: Reason) -> None:
        """Takes off a part, a numerator over `claim.den`."""
        if part > 0:
            self.claim.value -= part
            self.kept += part
            self.reason = self.reason or reason


class Gates(Generic[T]):
    """The rules on overrides, for one sale or one close.

    Args:
        plan: the plan.
        sums: of the period whose outside share counts (R6).
        locked: why overrides of somebody stop (R5, R19); None where nobody's do.
        done_by: who did what the first owes to the second; None where the plan has no duties.
        position: orders recipients: nearest to the buyer first, or in the order of the team.
    """

    __slots__ = (
        "_done_by", "_factor", "_locked", "_plan", "_position", "_rules", "_share", "_transfers", "sources",
    )  # fmt: skip

    def __init__(
        self,
        plan: Compiled,
        sums: Volumes,
        locked: Callable[[T], Reason | None] | None,
        done_by: Callable[[T, T], T | None] | None,
        position: Callable[[T], int],
    ) -> None:
        duty = plan.plan.duty
        self._plan = plan
        self._factor = shrink(plan, sums)
        self._locked = locked
        self._done_by = done_by
        self._position = position
        self._rules: frozenset[str] = frozenset() if duty is UNSET else frozenset(duty.rules)
        self._share = Fraction(0) if duty is UNSET else fraction(duty.withheld)
        self._transfers: dict[tuple[T, str, int], Due[T]] = {}
        self.sources: dict[tuple[T, str, int], set[T]] = {}
        """Recipient, rule (`NAME:duty`) and level -> from whose awards it was taken."""

    def passed(self, rule: str, claims: Iterable[Claim[T]]) -> Iterator[Due[T]]:
        """What a rule's claims leave, then what duties brought to others."""
        for claim in claims:
            due = Due(rule, claim)
            override = claim.value - claim.free
            if override > 0:
                reason = None if self._locked is None else self._locked(claim.to)
                if reason is not None:
                    due.cut(override, reason)
                else:
                    if self._factor != 1:
                        due.cut(override * (1 - self._factor), "r6")
                    if rule in self._rules and self._done_by is not None:
                        self._withhold(due, override)
            yield due
        if self._transfers:
            given, self._transfers = self._transfers, {}
            yield from sorted(given.values(), key=lambda due: (self._position(due.claim.to), due.claim.level))

    def ordered(self, claims: Iterable[Claim[T]]) -> list[Claim[T]]:
        """Claims that were added up, in the order of awards: by recipient, then by level [R-PLAN-21]."""
        return sorted(claims, key=lambda claim: (self._position(claim.to), claim.level))

    def _withhold(self, due: Due[T], override: Exact) -> None:
        """Takes off what rests on legs whose heads were neglected; who did the duty gets it, else the issuer."""
        claim = due.claim
        legs = claim.legs or (() if claim.head is None else ((claim.head, override),))
        assert self._done_by is not None
        for head, part in legs:
            doer = self._done_by(claim.to, head)
            if doer == claim.to:
                continue
            taken = part * self._share * self._factor
            due.cut(taken, "duty")
            if doer is not None:
                self._transfer(doer, due, taken)

    def _transfer(self, to: T, due: Due[T], taken: Exact) -> None:
        claim, rule = due.claim, due.rule + DUTY
        self.sources.setdefault((to, rule, claim.level), set()).add(claim.to)
        known = self._transfers.get((to, rule, claim.level))
        if known is None:
            given = Claim(
                to, claim.level, claim.base, claim.rate, claim.den, taken, taken, volume=claim.volume
            )
            self._transfers[to, rule, claim.level] = Due(rule, given)
            return
        known.claim.base += claim.base
        known.claim.value += taken * known.claim.den / Fraction(claim.den)
        known.claim.volume += claim.volume


def shrink(plan: Compiled, sums: Volumes) -> Exact:
    """What R6 leaves of overrides: all, the share over what is asked for, or nothing."""
    full, told = plan.plan.outside_full, sums.told
    if told <= 0 or sums.outside * full[1] >= told * full[0]:
        return 1
    share = sums.outside_share
    return 0 if share < fraction(plan.plan.outside_least) else share / fraction(full)


def cap_members(dues: Iterable[Due[T]], most: int) -> Iterator[Due[T]]:
    """The member cap of a period, over all rules in their order; what is above is not carried."""
    used: dict[T, Fraction] = {}
    for due in dues:
        claim = due.claim
        left = most - used.get(claim.to, Fraction(0))
        due.cut(claim.value - left * claim.den, "cap_member")
        used[claim.to] = used.get(claim.to, Fraction(0)) + Fraction(claim.value) / claim.den
        yield due


def cap_company(dues: Sequence[Due[T]], most: Fraction) -> None:
    """The company cap of a period: all are cut by one factor, pro rata."""
    sums: dict[int, Exact] = {}
    for due in dues:
        sums[due.claim.den] = sums.get(due.claim.den, 0) + due.claim.value
    total = sum((Fraction(value) / den for den, value in sums.items()), Fraction(0))
    if total > most:
        factor = most / total
        for due in dues:
            due.cut(due.claim.value * (1 - factor), "cap_company")


def rounded(
    plan: Compiled, dues: Iterable[Due[T]], share: Fraction, base: Exact
) -> Iterator[tuple[Due[T], int]]:
    """One rounding for each award; half-even takes units back from the last ones above a share of the base."""
    if plan.plan.rounding == "down":
        for due in dues:
            yield due, down(due.claim.value, due.claim.den)
        return
    listed = list(dues)
    amounts = [half_even(due.claim.value, due.claim.den) for due in listed]
    yield from zip(listed, trimmed(amounts, int(share * base // 1)), strict=True)
