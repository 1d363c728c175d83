"""What was sold, by whom, and what counts of it: sums over all sales, made anew each time; sections 26.2 and 26.3."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from netnode.conformance.bounds import complete, rank_of, rate_of
from netnode.conformance.limits import MAX_CIRCLE, MAX_CIRCLE_WAYS, MILLISECONDS_PER_DAY

Map = dict[str, Any]
Person = Hashable
_MONDAY: Final = -3  # 1969-12-29, in days


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in a tree: whom they stand below (None or nobody of the tree: the owner), since when, and whether in."""

    sponsor: Person | None
    joined: int
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Tree:
    """A team at one place of its owner's log.

    Attributes:
        people: who is or was a member, in the order of the team.
        places: person -> (parent, leg).
    """

    people: dict[Any, Listed]
    places: dict[Any, tuple[Any, int]] = field(default_factory=dict)

    def inside(self, person: Person) -> bool:
        """Whether somebody is a member."""
        return person in self.people and self.people[person].inside

    def above(self, person: Person) -> Iterator[Person]:
        """Who stands above, nearest first, also who has left; without the owner."""
        while person in self.people and self.people[person].sponsor in self.people:
            person = self.people[person].sponsor
            yield person

    def over(self, person: Person) -> Iterator[Person]:
        """Who is above in the tree of places."""
        while person in self.places and self.places[person][0] in self.people:
            person = self.places[person][0]
            yield person


@dataclass(slots=True)
class Sale:
    """A sale as it is given, and what was found of it when it was taken.

    Attributes:
        customer: what tells buyers apart.
        excluded: found by the ledger to be of a kit, or paid in a circle (`r3`, `r17`).
        gone: share of it that was refunded.
        logged: seq of the entry that brought it.
        owner, inside, part, reason: R-PLAN-12 and R-PLAN-13.
    """

    id: Hashable
    time: int
    amount: Fraction
    points: Fraction | int = 0
    referrer: Person | None = None
    buyer: Person | None = None
    customer: Hashable = None
    path: tuple[Person, ...] = ()
    listing: str | None = None
    renewal: bool = False
    seller: Person | None = None
    excluded: str | None = None
    presumed: bool = False
    tree: Tree | None = None
    gone: Fraction = Fraction(0)
    logged: int = 0
    owner: Person | None = None
    inside: bool = False
    part: Fraction = Fraction(1)
    reason: str | None = None

    def guest(self, person: Person) -> bool:
        """Whether somebody referred it who is no member: paid without rank, with nobody above [R-PLAN-19]."""
        return self.tree is not None and person == self.referrer and not self.tree.inside(person)

    @property
    def outside(self) -> bool:
        """Whether it counts as sold outside the team [R-PLAN-16]."""
        return self.part > 0 and not self.inside and not self.presumed


@dataclass(frozen=True, slots=True)
class Rank:
    """Ranks of a member, by number; -1 for none: paid-as, since how many periods missed, and the highest ever."""

    paid: int = -1
    missed: int = 0
    best: int = -1
    new: bool = False


class Sold:
    """All sales under one plan.

    Attributes:
        plan: complete.
        sales: in their order.
        closed: number of a period -> tree at its close.
        ended: number of a period -> seq of the entry that closed it.
        known: number of a closed period -> ranks at its end.
    """

    def __init__(self, plan: Map) -> None:
        self.plan = complete(plan)
        self.sales: list[Sale] = []
        self.closed: dict[int, Tree | None] = {}
        self.ended: dict[int, int] = {}
        self.known: dict[int, dict[Person, Rank]] = {}

    def before(self, place: int) -> Sold:
        """What was logged before a place; of it, what was refunded since is gone [R-CRED-21]."""
        found = Sold(self.plan)
        found.sales = [sale for sale in self.sales if sale.logged < place]
        found.closed = {
            number: tree for number, tree in self.closed.items() if self.ended.get(number, 0) < place
        }
        found.known = {number: self.known[number] for number in found.closed}
        return found

    # -- periods ---------------------------------------------------------------------------------------------
    def number(self, time: int) -> int:
        """The number of the period of a moment [R-PLAN-14]."""
        per = self.plan["period"]
        if per["unit"] in ("day", "week"):
            length, first = (1, 0) if per["unit"] == "day" else (7, _MONDAY)
            return int((time // MILLISECONDS_PER_DAY - first) // (length * per["count"]))
        date = datetime.fromtimestamp(time // 1000, UTC)
        months = (date.year - 1970) * 12 + date.month - 1
        return int(months // (per["count"] * (12 if per["unit"] == "year" else 1)))

    def start(self, number: int) -> int:
        """The first moment of a period [R-PLAN-14]."""
        per = self.plan["period"]
        if per["unit"] in ("day", "week"):
            length, first = (1, 0) if per["unit"] == "day" else (7, _MONDAY)
            return int((number * length * per["count"] + first) * MILLISECONDS_PER_DAY)
        months = number * per["count"] * (12 if per["unit"] == "year" else 1)
        return int(datetime(1970 + months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000

    # -- what counts -----------------------------------------------------------------------------------------
    def volume(self, sale: Sale) -> Fraction:
        """Volume of a sale [R-PLAN-10]."""
        return Fraction(sale.points if self.plan["volume"] == "points" else sale.amount)

    def base(self, sale: Sale) -> Fraction:
        """Base of a sale [R-PLAN-10]."""
        points = self.plan["pay_on"] == "points"
        worth = sale.points * rate_of(self.plan["point_value"]) if points else sale.amount
        return worth * rate_of(self.plan["share"])

    def settle(self, sale: Sale) -> None:
        """Finds whose sale it is and what counts of it, right before it is taken [R-PLAN-12] [R-PLAN-13]."""
        tree = sale.tree
        sale.inside = tree is not None and sale.buyer is not None and tree.inside(sale.buyer)
        sale.owner = sale.referrer
        if sale.inside and self.plan["origin"] == "sponsor":
            sale.owner = sale.buyer
        elif sale.inside and sale.owner is None and tree is not None:
            sponsor = tree.people[sale.buyer].sponsor
            sale.owner = sponsor if sponsor in tree.people else None
        sale.reason = sale.excluded
        if sale.listing in self.plan["kits"]:
            sale.reason = "r3"
        elif sale.buyer is not None and sale.buyer in (sale.seller, sale.referrer):
            sale.reason = "r17"
        if sale.reason is None and self._circles(sale):
            sale.reason = "r17"
        sale.part = Fraction(sale.reason is None)
        if sale.part and sale.inside and not self.plan["personal_free"]:
            sale.part = min(Fraction(1), *self.shares(sale))

    def _circles(self, sale: Sale) -> bool:
        """Whether sales of the period lead from the referrer back to the buyer [R-PLAN-13]."""
        led: dict[Person, list[Person]] = {}
        for each in self.sales_of(self.number(sale.time)):
            if each.part and each.buyer is not None and each.referrer is not None:
                ways = led.setdefault(each.buyer, [])
                if each.referrer not in ways and len(ways) < MAX_CIRCLE_WAYS:
                    ways.append(each.referrer)
        reached = set() if sale.buyer is None or sale.referrer is None else {sale.referrer}
        for _ in range(MAX_CIRCLE - 1):
            reached |= {way for person in reached for way in led.get(person, ())}
        return sale.buyer in reached

    def shares(self, sale: Sale) -> Iterator[Fraction]:
        """What R2 and R7 let count of a purchase by a member, of what it comes to."""
        volume, base = self.volume(sale), self.base(sale)
        period = self.number(sale.time)
        used = sum(
            (self._live(each) for each in self.sales_of(period) if each.inside and each.buyer == sale.buyer),
            Fraction(0),
        )
        yield max(Fraction(0), self.plan["personal"] - used) / volume if volume else Fraction(1)
        inside, outside = (
            sum((self._live_base(each) for each in self.sales if each.inside is side), Fraction(0))
            for side in (True, False)
        )
        if volume and base:
            yield max(Fraction(0), outside / 2 - inside) / base

    def _live(self, sale: Sale) -> Fraction:
        return self.volume(sale) * sale.part * (1 - sale.gone)

    def _live_base(self, sale: Sale) -> Fraction:
        return self.base(sale) * sale.part * (1 - sale.gone)

    # -- sums ------------------------------------------------------------------------------------------------
    def sales_of(self, period: int) -> list[Sale]:
        """The sales of a period."""
        return [sale for sale in self.sales if self.number(sale.time) == period]

    def own(self, period: int, person: Person) -> Fraction:
        """Own volume."""
        return sum((self._live(s) for s in self.sales_of(period) if s.owner == person), Fraction(0))

    def own_base(self, period: int, person: Person) -> Fraction:
        """Own base."""
        return sum((self._live_base(s) for s in self.sales_of(period) if s.owner == person), Fraction(0))

    def total(self, period: int) -> tuple[Fraction, Fraction]:
        """Volume and base of the whole team."""
        sales = self.sales_of(period)
        return sum(map(self._live, sales), Fraction(0)), sum(map(self._live_base, sales), Fraction(0))

    def owners(self, period: int) -> list[Person]:
        """Who sold in a period, in the order in which they first sold."""
        found: dict[Person, None] = {}
        for sale in self.sales:
            if sale.owner is not None and sale.part:
                found.setdefault(sale.owner)
        return [person for person in found if self.own(period, person)]

    def outside(self, period: int, person: Person) -> Fraction:
        """Own volume that went outside the team."""
        mine = [sale for sale in self.sales_of(period) if sale.owner == person and sale.outside]
        return sum(map(self._live, mine), Fraction(0))

    def buyers(self, period: int, person: Person) -> int:
        """Different buyers outside the team."""
        mine = [s for s in self.sales_of(period) if s.owner == person and s.outside and s.gone < 1]
        return len({sale.customer for sale in mine})

    def outside_share(self, period: int) -> Fraction:
        """s of R-PLAN-17."""
        told = [s for s in self.sales_of(period) if not s.presumed and s.reason != "r3"]
        whole = sum((self.volume(s) * (1 - s.gone) for s in told), Fraction(0))
        out = [s for s in told if not s.inside and s.reason is None]
        return (
            sum((self.volume(s) * (1 - s.gone) for s in out), Fraction(0)) / whole if whole else Fraction(1)
        )

    def factor(self, period: int) -> Fraction:
        """What R6 multiplies overrides with [R-PLAN-17]."""
        share, full = self.outside_share(period), rate_of(self.plan["outside_full"])
        if share >= full:
            return Fraction(1)
        return Fraction(0) if share < rate_of(self.plan["outside_least"]) else share / full

    def locked(self, person: Person, period: int) -> bool:
        """Whether R5 or R19 make the overrides of somebody zero [R-PLAN-16]."""
        need = self.plan["unlock_buyers"]
        reached = "unlock_volume" in self.plan and self.outside(period, person) >= self.plan["unlock_volume"]
        if self.buyers(period, person) < need and not reached:
            return True
        idle = self.plan["idle_periods"]
        return idle > 0 and not any(self.outside(period - back, person) > 0 for back in range(idle))

    def active(self, person: Person, period: int, more: Fraction = Fraction(0)) -> bool:
        """Whether a member is active, `more` being the sale in hand [R-PLAN-15]."""
        least: int = self.plan["active"]
        return self.own(period, person) + more >= least or self.own(period - 1, person) >= least

    # -- ranks -----------------------------------------------------------------------------------------------
    def ranks(self, period: int) -> dict[Person, Rank]:
        """Everybody's ranks at the end of the newest closed period before this one."""
        earlier = [number for number in self.closed if number < period]
        return self.known[max(earlier)] if earlier else {}

    def rank_again(self, first: int) -> None:
        """Works out the ranks of closed periods from one on, after a refund [R-CRED-94]."""
        for number in sorted(number for number in self.closed if number >= first):
            self.known[number] = self.ranked(number, self.closed[number])

    def ranked(self, period: int, tree: Tree | None) -> dict[Person, Rank]:
        """Ranks at the end of a period, with the tree of its close [R-PLAN-15]."""
        before = self.ranks(period)
        team = Team(self, period, tree)
        found = {}
        for person in {**before, **dict.fromkeys(team.members)}:
            known = before.get(person, Rank())
            now = team.qualified(person)
            kept = now < known.paid and known.missed < self.plan["grace"]
            found[person] = Rank(
                known.paid if kept else now,
                known.missed + 1 if kept else 0,
                max(known.best, now),
                now > known.best,
            )
        return found


class Team:
    """A team over one period: who stands below whom at its end, and what they sold."""

    def __init__(self, sold: Sold, period: int, tree: Tree | None) -> None:
        self.sold = sold
        self.period = period
        owners = sold.owners(period)
        if tree is None:
            self.members, self.guests = owners, list[Person]()
            self.up: dict[Person, Person | None] = dict.fromkeys(owners)
        else:
            here = [person for person in tree.people if tree.inside(person)]
            gone = [person for person in owners if person in tree.people and not tree.inside(person)]
            self.members = here + gone
            self.guests = [person for person in owners if person not in tree.people]
            known = set(self.members)
            self.up = {
                person: next((each for each in tree.above(person) if each in known), None)
                for person in self.members
            }
        self.tree = tree

    def below(self, person: Person) -> list[Person]:
        """Who stands right below."""
        return [each for each in self.members if self.up[each] == person]

    def line(self, person: Person | None) -> Iterator[Person]:
        """Somebody and all above."""
        while person is not None:
            yield person
            person = self.up.get(person)

    def own(self, person: Person) -> Fraction:
        """Own volume."""
        return self.sold.own(self.period, person)

    def base(self, person: Person) -> Fraction:
        """Own base."""
        return self.sold.own_base(self.period, person)

    def summed(
        self, person: Person, of: Callable[[Person], Fraction], stops: Callable[[Person], bool] | None = None
    ) -> Fraction:
        """Somebody's with that of all below, without groups of heads at whom it stops."""
        return sum(map(of, self.group(person, stops)), Fraction(0))

    def group(self, person: Person, stops: Callable[[Person], bool] | None = None) -> Iterator[Person]:
        """Somebody and all below, without groups of heads at whom it stops."""
        yield person
        for leg in self.below(person):
            if stops is None or not stops(leg):
                yield from self.group(leg, stops)

    def active(self, person: Person) -> bool:
        """Whether somebody is active."""
        return self.sold.active(person, self.period)

    def _in_leg(self, head: Person, holds: Callable[[Person], bool]) -> bool:
        return holds(head) or any(self._in_leg(each, holds) for each in self.below(head))

    def qualified(self, person: Person) -> int:
        """The highest rank of which every condition holds [R-PLAN-15]."""
        if person not in self.up:
            return -1
        ranks = self.sold.plan["ranks"]
        return max((at for at, rank in enumerate(ranks) if self._holds(person, rank)), default=-1)

    def _holds(self, person: Person, rank: Map) -> bool:
        sold, plan, legs = self.sold, self.sold.plan, self.below(person)
        wanted = {name: value for name, value in rank.items() if name not in ("name", "leg_cap") and value}
        cap, group = rate_of(rank.get("leg_cap", [1, 1])), rank.get("group", 0)
        if cap < 1:
            volume = self.own(person) + sum(
                (min(self.summed(leg, self.own), cap * group) for leg in legs), Fraction(0)
            )
        else:
            volume = self.summed(person, self.own)

        def leading(name: str) -> int:
            least = rank_of(plan, name)
            return sum(self._in_leg(leg, lambda each: self.qualified(each) >= least) for leg in legs)

        return (
            bool(wanted)
            and self.own(person) >= rank.get("own", 0)
            and volume >= group
            and sold.outside(self.period, person) >= rank.get("outside_volume", 0)
            and sold.buyers(self.period, person) >= rank.get("outside_buyers", 0)
            and sum(self._in_leg(leg, self.active) for leg in legs) >= rank.get("active_legs", 0)
            and all(leading(one["rank"]) >= one["legs"] for one in rank.get("leaders", []))
        )
