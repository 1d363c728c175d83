"""What each family of rules gives, before anything stands against it; section 26.4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from netnode.conformance.bounds import longest, rank_of, rate_at, rate_of, scale
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.selling import Map, Person, Rank, Team

Legs = tuple[Fraction, Fraction]


@dataclass(slots=True)
class Claim:
    """What a rule gives somebody.

    Attributes:
        value: minor units.
        own: the part of it for own sales; the rest is an override.
        legs: (head, part): by which leg the override came.
        volume: it rests on.
        rests: whose own sales that is; None: those of nobody.
    """

    to: Person
    level: int
    value: Fraction
    own: Fraction = Fraction(0)
    legs: tuple[tuple[Person, Fraction], ...] = ()
    volume: Fraction = Fraction(0)
    rests: frozenset[Person | None] = frozenset()


class Seat(NamedTuple):
    """Somebody on the way up."""

    person: Person
    rank: int
    active: bool
    member: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A sale, or a member's sales of a period, and who stands above.

    Attributes:
        seats: the owner, then all above.
        places: the same in the tree of places.
        first: 1 where level 1 is the owner's sponsor.
        pays_owner: False where the owner bought it.
        joined: when the owner was admitted.
    """

    base: Fraction
    volume: Fraction
    time: int
    seats: Sequence[Seat]
    first: int = 0
    pays_owner: bool = True
    places: Sequence[Seat] = ()
    joined: int | None = None
    listing: str | None = None
    renewal: bool = False


def mean_rate(rule: Map, volume: Fraction) -> tuple[Fraction, int]:
    """w(V, B) / B, and the number of steps reached [R-PLAN-19]."""
    reached = [step for step in rule["steps"] if step["at"] <= volume]
    if not reached:
        return Fraction(0), 0
    if rule["mode"] == "whole":
        return rate_of(reached[-1]["rate"]), len(reached)
    ends = [Fraction(step["at"]) for step in reached[1:]] + [volume]
    area = sum(
        (rate_of(step["rate"]) * (end - step["at"]) for step, end in zip(reached, ends, strict=True)),
        Fraction(0),
    )
    return (area / volume if volume else Fraction(0)), len(reached)


# -- rules that look at a line -----------------------------------------------------------------------------------
def on_line(plan: Map, family: str, rule: Map, line: Line) -> list[Claim]:
    """What a rule gives for one sale, or for one member's sales of a period."""
    turns = rule.get("turns", "all")
    if ("only" in rule and line.listing not in rule["only"]) or turns == (
        "first" if line.renewal else "renewal"
    ):
        return []
    walks: dict[str, Callable[[Map, Map, Line], Iterator[Claim]]] = {
        "unilevel": _levels,
        "fast_start": _first_days,
        "matrix": _matrix,
        "generation": _generations,
        "infinity": _infinity,
        "tiers": _tiers,
        "path": _path,
    }
    return list(walks[family](plan, rule, line))


def _paid(line: Line, seats: Sequence[Seat], at: int, level: int, value: Fraction) -> Iterator[Claim]:
    """The claim of the person on a seat, if they are paid at all."""
    seat = seats[at]
    if not seat.member or not value or (at == 0 and not line.pays_owner):
        return
    if at == 0:
        yield Claim(seat.person, level, value, value, volume=line.volume)
    else:
        yield Claim(seat.person, level, value, legs=((seats[at - 1].person, value),), volume=line.volume)


def _levels(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    how, levels = rule.get("compression", "none"), longest(plan, rule)
    stop = rank_of(plan, rule["stop"]) if "stop" in rule else None

    def ends(seat: Seat) -> bool:
        return stop is not None and seat.member and seat.rank >= stop

    if line.first and ends(line.seats[0]):
        return
    level = 1
    for at in range(line.first, len(line.seats)):
        seat = line.seats[at]
        if level > levels:
            return
        rate = rate_at(plan, rule, seat.rank, level)
        passed = {
            "none": False,
            "inactive": not (seat.active and seat.member),
            "rank": "rank" in rule and (seat.rank < rank_of(plan, rule["rank"]) or not seat.member),
            "dynamic": not rate or not seat.member,
        }
        if not passed[how]:
            yield from _paid(line, line.seats, at, level, rate * line.base)
            level += 1
        if ends(seat):
            return


def _first_days(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    if line.joined is not None and line.time < line.joined + rule["days"] * MILLISECONDS_PER_DAY:
        yield from _levels(plan, rule, line)


def _matrix(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    if "amounts" in rule and line.volume < rule.get("least", 0):
        return
    for level, at in enumerate(range(line.first, len(line.places)), 1):
        if level > rule["height"]:
            return
        if "amounts" in rule:
            value = Fraction(rule["amounts"][level - 1] if level <= len(rule["amounts"]) else 0)
        else:
            value = line.base * rate_of(rule["rates"][level - 1] if level <= len(rule["rates"]) else [0, 1])
        yield from _paid(line, line.places, at, level, value)


def _generations(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    least = rank_of(plan, rule["rank"])
    passed: list[Seat] = []
    for at in range(line.first, len(line.seats)):
        seat = line.seats[at]
        if seat.rank < least:
            continue
        counts = seat.rank if rule["boundary"] == "same" else least
        level = 1 + sum(each.rank >= counts for each in passed)
        paid = seat.active and seat.member
        if paid:
            yield from _paid(line, line.seats, at, level, rate_at(plan, rule, seat.rank, level) * line.base)
        if paid or rule.get("empty", "consumes") == "consumes":
            passed.append(seat)


def _infinity(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    highest = -1
    for level, at in enumerate(range(line.first, len(line.seats)), 1):
        seat = line.seats[at]
        rate = rate_at(plan, rule, seat.rank, 1)
        if level >= rule.get("start", 1) and seat.member and seat.rank > highest and rate:
            highest = seat.rank
            yield from _paid(line, line.seats, at, level, rate * line.base)


def _tiers(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    rate, steps = mean_rate(rule, line.volume)
    value = rate * line.base
    if line.pays_owner and value > 0:
        yield Claim(line.seats[0].person, steps, value, value, volume=line.volume)


def _path(plan: Map, rule: Map, line: Line) -> Iterator[Claim]:
    rest = rule.get("rest", False)
    share, found = rate_of(rule["first"]), list[Claim]()
    for level, at in enumerate(range(int(rest), len(line.seats)), 1):
        if level > rule.get("depth", level):
            break
        found += _paid(line, line.seats, at, level, share * line.base)
        if rule["mode"] == "geometric":
            share *= rate_of(rule["ratio"])
    if rest and line.pays_owner:
        left = line.base - sum((claim.value for claim in found), Fraction(0))
        if left > 0:
            yield Claim(line.seats[0].person, 0, left, left, volume=line.volume)
    yield from found


# -- rules that look at the whole team ---------------------------------------------------------------------------
def at_close(
    plan: Map, family: str, rule: Map, team: Team, ranks: dict[Person, Rank], carry: dict[Person, Legs]
) -> list[Claim]:
    """What a rule gives at the close; for `binary`, `carry` is what legs kept, and is replaced by what they keep."""
    match family:
        case "differential":
            return list(_differential(plan, rule, team, ranks))
        case "override":
            return list(_override(plan, rule, team, ranks))
        case "binary":
            return list(_binary(plan, rule, team, carry))
        case "cdrm":
            return list(_cdrm(plan, rule, team))
        case _:
            return list(_pool(plan, rule, team, ranks))


def used_rank(plan: Map, rank: Rank) -> int:
    """The rank that rules look at."""
    return rank.paid if plan["rank_used"] == "paid_as" else rank.best


def _differential(plan: Map, rule: Map, team: Team, ranks: dict[Person, Rank]) -> Iterator[Claim]:
    away = rank_of(plan, rule["breakaway"]) if "breakaway" in rule else None

    def broke(person: Person) -> bool:
        return away is not None and used_rank(plan, ranks[person]) >= away

    def worth(person: Person) -> tuple[Fraction, Fraction, int, Fraction]:
        volume, base = team.summed(person, team.own, broke), team.summed(person, team.base, broke)
        rate, steps = mean_rate(rule, volume)
        return rate * base, base, steps, volume

    for person in team.members:
        whole, base, steps, volume = worth(person)
        legs = [leg for leg in team.below(person) if not broke(leg)]
        below = {leg: worth(leg) for leg in legs}
        value = whole - sum((each[0] for each in below.values()), Fraction(0))
        if value > 0:
            mean = whole / base if base else Fraction(0)
            parts = tuple((leg, mean * each[1] - each[0]) for leg, each in below.items())
            group = frozenset(team.group(person, broke))
            yield Claim(person, steps, value, mean * team.base(person), parts, volume, group)


def _override(plan: Map, rule: Map, team: Team, ranks: dict[Person, Rank]) -> Iterator[Claim]:
    least = rank_of(plan, rule["rank"])
    floor = rate_of(rule.get("floor", [0, 1]))

    def number(person: Person) -> int:
        return used_rank(plan, ranks[person])

    def heads(person: Person) -> bool:
        return number(person) >= least

    found = []
    for head in filter(heads, team.members):
        volume, base = team.summed(head, team.own, heads), team.summed(head, team.base, heads)
        highest, generation, leg = rate_at(plan, rule, number(head), 1), 0, head
        for person in team.line(team.up[head]):
            if heads(person) and generation < rule["generations"] and base > 0:
                generation += 1
                if rule["mode"] == "fixed":
                    rate = rate_at(plan, rule, number(person), generation)
                else:
                    mine = rate_at(plan, rule, number(person), 1)
                    rate = max(mine - highest, floor)
                    highest = max(highest, mine)
                if rate:
                    value = rate * base
                    group = frozenset(team.group(head, heads))
                    found.append(
                        Claim(person, generation, value, legs=((leg, value),), volume=volume, rests=group)
                    )
            leg = person
    yield from summed_up(found)


def summed_up(claims: Iterable[Claim]) -> list[Claim]:
    """Claims of one rule, by recipient and level [R-PLAN-20]."""
    found: dict[tuple[Person, int], Claim] = {}
    for each in claims:
        known = found.get((each.to, each.level))
        if known is None:
            found[each.to, each.level] = each
        else:
            known.value += each.value
            known.own += each.own
            known.volume += each.volume
            known.legs += each.legs
            known.rests |= each.rests
    return list(found.values())


def _binary(plan: Map, rule: Map, team: Team, carry: dict[Person, Legs]) -> Iterator[Claim]:
    places = team.tree.places if team.tree is not None else {}

    def below(person: Person) -> list[Person]:
        return [each for each in team.members if each in places and places[each][0] == person]

    def group(person: Person) -> list[Person]:
        return [person, *(one for each in below(person) for one in group(each))]

    kept: dict[Person, Legs] = {}
    for person in team.members:
        sums = [Fraction(0), Fraction(0)]
        taken = below(person)
        rests: list[Person] = []
        for each in taken:
            if places[each][1] < 2:
                rests += group(each)
                sums[places[each][1]] += sum(map(team.own, group(each)), Fraction(0))
        if not taken and person not in carry:
            continue
        before = carry.get(person, (Fraction(0), Fraction(0)))
        left, right = before[0] + sums[0], before[1] + sums[1]
        times, matched, rest = binary(rule, left, right)
        cap = rule.get("carry_cap")
        if rule["after"] == "flush":
            rest = (Fraction(0), Fraction(0))
        elif rule["after"] == "carry" and cap is not None:
            rest = (min(rest[0], Fraction(cap)), min(rest[1], Fraction(cap)))
        kept[person] = rest
        if not times:
            continue
        if "amount" in rule:
            whole = Fraction(times * rule["amount"])
            yield Claim(person, times, whole, volume=left + right, rests=frozenset(rests))
            continue
        steps = [step for step in rule["steps"] if step["at"] <= team.own(person)]
        if steps:
            value = matched * (scale(plan) or 0) * rate_of(steps[-1]["rate"])
            yield Claim(person, times, value, volume=left + right, rests=frozenset(rests))
    carry.clear()
    carry.update(kept)


def binary(rule: Map, left: Fraction, right: Fraction) -> tuple[int, Fraction, Legs]:
    """Pairs or cycles (else 1, or 0 for nothing), the volume matched, and what is left [R-PLAN-19]."""
    weak, strong = rule.get("weak", 0), rule.get("strong", 0)
    match rule["mode"]:
        case "percent":
            matched = min(left, right)
            return int(matched > 0), matched, (left - matched, right - matched)
        case "pairs":
            times = int(min(left, right) // weak)
            return times, Fraction(times * weak), (left - times * weak, right - times * weak)
        case "ratio":
            matched = min(left, right, max(left, right) * weak / strong)
            used = matched * strong / weak
            rest = (left - used, right - matched) if left >= right else (left - matched, right - used)
            return int(matched > 0), matched, rest
    times = 0
    while max(left, right) >= strong and min(left, right) >= weak:
        times += 1
        left, right = (left - strong, right - weak) if left >= right else (left - weak, right - strong)
    return times, Fraction(times * weak), (left, right)


def _cdrm(plan: Map, rule: Map, team: Team) -> Iterator[Claim]:
    unit = 100 if plan["volume"] == "points" else 10 ** plan["unit"]["exponent"]
    phi, theta = rate_of(rule["phi"]), rate_of(rule["theta"])

    def rate(own: Fraction, group: Fraction) -> Fraction:
        if rule["mode"] == 1:
            return phi - theta / (1 + group / unit)
        below = int(group) - int(own)
        return phi - theta * logarithm(unit + int(group), unit + below) * unit / own

    for person in team.members:
        own, base = team.own(person), team.base(person)
        if own > 0:
            group = team.summed(person, team.own)
            value = rate(own, group) * base
            if value > 0:
                rests = frozenset(team.group(person))
                yield Claim(
                    person, 0, value, max(Fraction(0), rate(own, own)) * base, volume=group, rests=rests
                )


def logarithm(high: int, low: int) -> Fraction:
    """L(high / u) - L(low / u), whatever u is [R-PLAN-24]."""

    def b(number: int) -> int:
        k = len(f"{number:b}") - 1
        f = number * 2**127 // 2**k
        found = k
        for _ in range(64):
            f = f * f // 2**127
            found *= 2
            if f >= 2**128:
                f //= 2
                found += 1
        return found

    return Fraction((b(high) - b(low)) * 12_786_308_645_202_655_659, 2**128)


def _pool(plan: Map, rule: Map, team: Team, ranks: dict[Person, Rank]) -> Iterator[Claim]:
    least = rank_of(plan, rule["rank"])
    total, total_base = team.sold.total(team.period)
    weights = {}
    for person in team.members:
        rank = ranks[person]
        if (rank.new and rank.best >= least) if rule.get("new", False) else used_rank(plan, rank) >= least:
            split = rule.get("split", "equal")
            group = team.summed(person, team.own) if split == "group" else team.own(person)
            weights[person] = Fraction(1) if split == "equal" else group
    for person, weight in weights.items():
        if weight > 0:
            value = total_base * rate_of(rule["share"]) * weight / sum(weights.values())
            everybody = frozenset([*team.members, *team.guests, None])
            yield Claim(person, 0, value, volume=total, rests=everybody)


def matching(
    plan: Map, rule: Map, earned: Iterable[Claim], above: Callable[[Person], Iterable[Seat]]
) -> list[Claim]:
    """What those above get of what others were paid [R-PLAN-19]."""
    least = rank_of(plan, rule["rank"]) if "rank" in rule else None
    found = []
    for each in earned:
        level, head = 0, each.to
        for seat in above(each.to):
            if least is None or seat.rank >= least:
                level += 1
                rate = rate_at(plan, rule, seat.rank, level)
                if rate and seat.member:
                    value = rate * each.value
                    found.append(
                        Claim(
                            seat.person, level, value, Fraction(0), ((head, value),), each.volume, each.rests
                        )
                    )
            head = seat.person
    return summed_up(found)
