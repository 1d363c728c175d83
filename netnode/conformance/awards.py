"""What a plan pays for a sale and for a period, from its definitions; sections 26.4 and 26.5. Slow on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from netnode.conformance.bounds import bounds, check, closes, rate_of, rules_of
from netnode.conformance.claims import (
    Claim,
    Legs,
    Line,
    Seat,
    at_close,
    matching,
    on_line,
    summed_up,
    used_rank,
)
from netnode.conformance.selling import Map, Person, Rank, Sale, Sold, Team, Tree

Duties = Callable[[Person, Person], Person | None]
"""(upline, head) -> who did what the first owes to the second; nobody: overdue and undone."""


class Award(NamedTuple):
    """What somebody is paid; of a period also the volume it rests on, and whose sales that is."""

    to: Person
    rule: str
    level: int
    amount: int
    volume: Fraction
    rests: frozenset[Person | None]


class Payer:
    """Pays by one plan. Sales and closes come in their order.

    Args:
        plan: as its record has it.

    Raises:
        Fault: the plan is void.
    """

    def __init__(self, plan: Map) -> None:
        self.sold = Sold(plan)
        self.plan = self.sold.plan
        check(self.plan)
        self.carry: dict[str, dict[Person, Legs]] = {}

    # -- one sale --------------------------------------------------------------------------------------------
    def sell(self, sale: Sale, duties: Duties | None = None) -> list[Award]:
        """The awards of a sale, which is taken [R-PLAN-21]."""
        self.sold.settle(sale)
        found = self.pay(sale, duties)
        self.sold.sales.append(sale)
        return found

    def pay(self, sale: Sale, duties: Duties | None = None, sold: Sold | None = None) -> list[Award]:
        """The awards of a settled sale, given what was taken before it, or what is told."""
        plan, sold, owner = self.plan, sold or self.sold, sale.owner
        if owner is None:
            return []
        base, volume = sold.base(sale) * sale.part, sold.volume(sale) * sale.part
        period = sold.number(sale.time)
        ranks = sold.ranks(period)

        def seat(person: Person) -> Seat:
            rank = -1 if sale.guest(person) else used_rank(plan, ranks.get(person, Rank()))
            active = sold.active(person, period, volume if person == owner else Fraction(0))
            return Seat(person, rank, active, self._member(sale, person))

        tree = sale.tree

        def over(person: Person) -> Iterable[Person]:
            return () if tree is None or sale.guest(person) else tree.above(person)

        above = sale.path[1:] if tree is None else over(owner)
        line = Line(
            base,
            volume,
            sale.time,
            [seat(owner), *map(seat, above)],
            int(plan["origin"] == "sponsor"),
            owner != sale.buyer,
            [] if tree is None else [seat(owner), *map(seat, () if sale.guest(owner) else tree.over(owner))],
            tree.people[owner].joined if tree is not None and owner in tree.people else None,
            sale.listing,
            sale.renewal,
        )

        def given(family: str, rule: Map) -> list[Claim]:
            return [] if closes(family, rule) else on_line(plan, family, rule, line)

        order = {each.person: at for at, each in enumerate(line.seats)}
        gates = _Gates(
            plan, sold.factor(period - 1), lambda person: sold.locked(person, period), duties, order
        )
        due = gates.all(given, lambda person: map(seat, over(person)), at_end=False)
        most = (rate_of(plan["maximum"]) - (bounds(plan)[1] or 0)) * sold.base(sale)
        return _rounded(plan, due, most)

    def _member(self, sale: Sale, person: Person) -> bool:
        return sale.tree is None or person == sale.referrer or sale.tree.inside(person)

    # -- one period ------------------------------------------------------------------------------------------
    def close(self, period: int, tree: Tree | None, duties: Duties | None = None) -> list[Award]:
        """The awards of a period, which is closed [R-PLAN-21]."""
        plan, sold = self.plan, self.sold
        team, ranks = Team(sold, period, tree), sold.ranked(period, tree)
        carry = {rule["name"]: dict(self.carry.get(rule["name"], {})) for rule in plan["binary"]}

        def seat(person: Person) -> Seat:
            rank = used_rank(plan, ranks.get(person, Rank()))
            return Seat(person, rank, team.active(person), member=True)

        def given(family: str, rule: Map) -> list[Claim]:
            if not closes(family, rule):
                return []
            if family not in ("unilevel", "generation", "infinity", "tiers"):
                return at_close(plan, family, rule, team, ranks, carry.get(rule["name"], {}))
            owners = [*team.members, *team.guests] if family == "tiers" else team.members
            found = []
            for owner in owners:
                base, volume = team.base(owner), team.own(owner)
                if base > 0:
                    line = [seat(each) for each in team.line(owner)]
                    about = Line(base, volume, sold.start(period + 1), line, int(plan["origin"] == "sponsor"))
                    for claim in on_line(plan, family, rule, about):
                        claim.rests = frozenset([owner])
                        found.append(claim)
            return summed_up(found)

        order = {each: at for at, each in enumerate([*team.members, *team.guests])}
        gates = _Gates(plan, sold.factor(period), lambda person: sold.locked(person, period), duties, order)
        due = gates.all(given, lambda person: map(seat, team.line(team.up.get(person))), at_end=True)
        whole = sold.total(period)[1]
        self._cap(due, whole)
        self.carry = carry
        sold.closed[period], sold.known[period] = tree, ranks
        by_sale = any(not closes(*each) for each in rules_of(plan))
        most = (bounds(plan)[1] or Fraction(0)) if by_sale else rate_of(plan["maximum"])
        return _rounded(plan, due, most * whole)

    def _cap(self, due: list[tuple[str, Claim]], whole: Fraction) -> None:
        if "cap_member" in self.plan:
            left: dict[Person, Fraction] = {}
            for _, claim in due:
                known = left.setdefault(claim.to, Fraction(self.plan["cap_member"]))
                claim.value = min(claim.value, known)
                left[claim.to] = known - claim.value
        if "cap_company" in self.plan:
            most = whole * rate_of(self.plan["cap_company"])
            asked = sum((claim.value for _, claim in due), Fraction(0))
            for _, claim in due if asked > most else []:
                claim.value *= most / asked


class _Gates:
    """What R5, R6, R19 and duties leave [R-PLAN-16] [R-PLAN-17] [R-PLAN-18]."""

    def __init__(
        self,
        plan: Map,
        factor: Fraction,
        locked: Callable[[Person], bool],
        duties: Duties | None,
        order: dict[Person, int],
    ) -> None:
        self.plan = plan
        self.factor = factor
        self.locked = locked
        self.duties = duties
        self.order = order

    def all(
        self,
        given: Callable[[str, Map], list[Claim]],
        above: Callable[[Person], Iterable[Seat]],
        *,
        at_end: bool,
    ) -> list[tuple[str, Claim]]:
        """(rule, claim) of all rules of a sale or a close, in the order of awards."""
        due: list[tuple[str, Claim]] = []
        for family, rule in rules_of(self.plan):
            if family != "matching":
                claims = given(family, rule)
                due += self._passed(rule["name"], self._sorted(claims) if at_end else claims)
            elif closes(family, rule) is at_end:
                names = {*rule["of"], *(f"{name}:duty" for name in rule["of"])}
                earned = [claim for name, claim in due if name in names and claim.value > 0]
                due += self._passed(rule["name"], self._sorted(matching(self.plan, rule, earned, above)))
        return due

    def _sorted(self, claims: Iterable[Claim]) -> list[Claim]:
        return sorted(claims, key=lambda claim: (self.order.get(claim.to, len(self.order)), claim.level))

    def _passed(self, name: str, claims: Iterable[Claim]) -> Iterator[tuple[str, Claim]]:
        given: list[Claim] = []
        for claim in claims:
            override = claim.value - claim.own
            if override > 0 and self.locked(claim.to):
                claim.value = claim.own
            elif override > 0:
                claim.value -= override * (1 - self.factor)
                given += self._withheld(name, claim)
            yield name, claim
        for claim in self._sorted(summed_up(given)):
            yield f"{name}:duty", claim

    def _withheld(self, name: str, claim: Claim) -> Iterator[Claim]:
        terms = self.plan.get("duty")
        if terms is None or name not in terms["rules"] or self.duties is None:
            return
        for head, part in claim.legs:
            doer = self.duties(claim.to, head)
            if doer != claim.to:
                taken = part * rate_of(terms["withheld"]) * self.factor
                claim.value -= taken
                if doer is not None:
                    yield Claim(doer, claim.level, taken, taken, volume=claim.volume, rests=claim.rests)


def _rounded(plan: Map, due: list[tuple[str, Claim]], most: Fraction) -> list[Award]:
    """Each rounded once, zero awards dropped [R-PLAN-21]."""
    if plan["rounding"] == "down":
        amounts = [int(claim.value) for _, claim in due]
    else:
        amounts = [round(claim.value) for _, claim in due]
        while sum(amounts) > most and any(amounts):
            for at in reversed(range(len(amounts))):
                if amounts[at] > 0 and sum(amounts) > most:
                    amounts[at] -= 1
    pairs: Iterator[tuple[tuple[str, Claim], int]] = zip(due, amounts, strict=True)
    return [
        Award(c.to, name, c.level, amount, c.volume, c.rests) for (name, c), amount in pairs if amount > 0
    ]
