"""Trees and sales from files, for trying out a plan: who stands below whom, who has what before, and what was sold."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Generic

from msgspec import UNSET

from netnode.market.money import MoneyError
from netnode.market.money import exponent as currency_exponent
from netnode.plans.reading import load
from netnode.plans.values import number, wrong
from protocol.deals.periods import DAY, days_to
from protocol.plans import calendar
from protocol.plans.document import Compiled
from protocol.plans.facts import Exact, P, SaleFacts
from protocol.plans.tables import fraction

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LEGS: Final[Mapping[str, int]] = {"left": 0, "right": 1}
_FIRST: Final = days_to(2000, 1, 1) * DAY  # numbered periods of a file begin here; only their order matters
_MEMBER: Final = ("sponsor", "placement", "rank", "achieved", "active", "joined", "carry")
_SALE: Final = (
    "id",
    "referrer",
    "buyer",
    "customer",
    "amount",
    "points",
    "currency",
    "listing",
    "renewal",
    "period",
    "date",
) + ("path", "presumed", "excluded", "refund_of", "part")


@dataclass(frozen=True, slots=True)
class Before:
    """What a file says a member has before the first period."""

    rank: str | None
    achieved: str | None
    active: bool
    carry: Any


@dataclass(slots=True)
class FileTeam:
    """A tree from a file; implements `protocol.plans.facts.Team`. It is the same at every place."""

    sponsors: dict[str, str | None] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    before: dict[str, Before] = field(default_factory=dict)

    def sponsor(self, person: str, at: int | None = None) -> str | None:
        """As in `Team`."""
        return self.sponsors.get(person)

    def placement(self, person: str, at: int | None = None) -> tuple[str, int] | None:
        """As in `Team`."""
        return self.places.get(person)

    def member(self, person: str, at: int | None = None) -> bool:
        """As in `Team`."""
        return person in self.sponsors

    def members(self, at: int | None = None) -> Iterable[str]:
        """As in `Team`."""
        return self.sponsors

    def joined_ms(self, person: str, at: int | None = None) -> int | None:
        """As in `Team`."""
        return self.joined.get(person, 0) if person in self.sponsors else None


@dataclass(frozen=True, slots=True)
class Refund:
    """A line of the sales that takes back a part of an earlier one.

    Attributes:
        id: of the line.
        of: id of the sale.
        part: of the sale as it is then, above 0.
        time: ms UTC; periods that ended before it are closed first; None, as in files: none is.
    """

    id: Hashable
    of: Hashable
    part: Fraction
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Raise(Generic[P]):
    """A line that raises an earlier sale: a ledger has such, where more of an order was received.

    Attributes:
        larger: the sale, as of its first entry, with the larger amount.
        time: date of the later entry, ms UTC.
        place: of the later entry in the log.
    """

    larger: SaleFacts[P]
    time: int
    place: int


@dataclass(frozen=True, slots=True)
class Sold(Generic[P]):
    """What was sold, in order, and how its periods are called.

    Attributes:
        lines: sales, raises and refunds.
        labels: number of the period -> its name; without one its first day.
        until: the end of a period, ms UTC -> the place in the log as of which it is closed; None: after all lines.
        notes: sentences on what is read as it stands, and may be a mistake.
    """

    lines: tuple[SaleFacts[P] | Raise[P] | Refund, ...]
    labels: Mapping[int, str]
    until: Callable[[int], int] | None = None
    notes: tuple[str, ...] = ()


def read_team(path: Path, plan: Compiled) -> FileTeam:
    """The tree that a file describes; who has no place in a placement tree gets the one that the plan's rule gives.

    Raises:
        Problem: names the file, the member, and what to write.
    """
    content = load(path)
    members = content.get("members", content) if isinstance(content, dict) else content
    if not isinstance(members, dict):
        wrong(str(path), "is no table of members; write [members.ADA] and below it sponsor = ...")
    team = FileTeam()
    for name, given in members.items():
        _member(team, plan, name, given, f"{path}: {name}")
    for name, sponsor in team.sponsors.items():
        if sponsor is not None and sponsor not in team.sponsors:
            wrong(f"{path}: {name}", f"the sponsor {sponsor} is no member")
    _no_cycle(team.sponsors, str(path))
    if plan.placed:
        place_rest(team, plan, str(path))
    return team


def read_sales(path: Path, plan: Compiled, team: FileTeam | None) -> Sold[str]:
    """The sales that a file describes.

    Raises:
        Problem: names the file, the sale, and what to write.
    """
    content = load(path)
    lines = content.get("sales", ()) if isinstance(content, dict) else content
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        wrong(str(path), "is no list of sales; write [[sales]] and below it amount = ...")
    periods = _Periods(plan)
    known: dict[str, SaleFacts[str]] = {}
    found: list[SaleFacts[str] | Refund] = []
    newest: int | None = None
    for index, line in enumerate(lines, 1):
        place = f"{path}: sale {line.get('id', index)}"
        for key in line:
            if key not in _SALE:
                wrong(place, f"there is no such key: {key}. There is: {', '.join(_SALE)}")
        if "refund_of" in line:
            found.append(_refund(line, index, known, place))
            continue
        sale = _sale(line, index, plan, periods, place)
        if sale.id in known:
            wrong(place, "has the id of another one")
        own = calendar.number_of(plan.plan.period, sale.time)
        if newest is not None and own < newest:
            wrong(
                place,
                f"is of a period before that of a sale above it, {periods.labels[newest]}: sort them by period",
            )
        newest = own
        if team is not None and sale.referrer is None and (sale.buyer is None or not team.member(sale.buyer)):
            wrong(place, "needs a referrer: the member whose sale it is")
        known[str(sale.id)] = sale
        found.append(sale)
    return Sold(tuple(found), periods.labels, notes=tuple(_notes(path, lines, known.values(), plan, team)))


def _notes(
    path: Path,
    lines: Iterable[Mapping[str, Any]],
    sales: Iterable[SaleFacts[str]],
    plan: Compiled,
    team: FileTeam | None,
) -> Iterator[str]:
    """Sentences on currencies without a rate, and on names that the tree does not have: it may be mistyped."""
    codes = {one.currency for one in plan.plan.currencies}
    named = dict.fromkeys(line["currency"] for line in lines if "amount" in line and "currency" in line)
    for code in (code for code in named if codes and code not in codes):
        yield f"{path}: the plan has no rate for {code}: nothing counts of what is sold in it."
    referrers = dict.fromkeys(sale.referrer for sale in sales if sale.referrer is not None)
    for name in referrers:
        if team is not None and not team.member(name):
            yield (
                f"{path}: {name} is not in the tree: paid as a referrer outside the team, with nobody above them. "
                "Is it typed right?"
            )


class _Periods:
    """Names of periods in the order in which they come, as moments."""

    def __init__(self, plan: Compiled) -> None:
        self._per = plan.plan.period
        self.labels: dict[int, str] = {}
        self._named: dict[str, int] = {}

    def time(self, line: Mapping[str, Any], place: str) -> int:
        """The moment of a sale, ms UTC: its date, or the first of its period."""
        given = line.get("date")
        if given is not None:
            found = _moment(given, place)
            index = calendar.number_of(self._per, found)
            self.labels.setdefault(index, calendar.period_of(self._per, index, 0).label)
            return found
        label = str(line.get("period", "1"))
        if label not in self._named:
            index = calendar.number_of(self._per, _FIRST) + len(self._named)
            self._named[label] = index
            self.labels[index] = label
        return calendar.start_of(self._per, self._named[label])


def _moment(value: Any, place: str) -> int:
    found = _DATE.fullmatch(str(value))  # TOML gives a date, JSON a text
    if found is not None:
        with suppress(ValueError):
            return days_to(*_day(found)) * DAY
    wrong(place, f"{value!r} is no date; write it as 2026-01-31")


def _day(found: re.Match[str]) -> tuple[int, int, int]:
    """Year, month and day. Raises ValueError where the calendar has no such day."""
    day = date(int(found[1]), int(found[2]), int(found[3]))
    return day.year, day.month, day.day


def _member(team: FileTeam, plan: Compiled, name: str, given: Any, place: str) -> None:
    if given is None or isinstance(given, str):
        given = {"sponsor": given}
    if not isinstance(given, dict):
        wrong(place, "is no table; write sponsor = ...")
    for key in given:
        if key not in _MEMBER:
            wrong(place, f"there is no such key: {key}. There is: {', '.join(_MEMBER)}")
    team.sponsors[name] = _name(given, "sponsor", place) or None
    for key in ("rank", "achieved"):
        if _name(given, key, place) is not None and given[key] not in plan.ranks:
            wrong(f"{place}: {key}", f"the plan has no rank {given[key]}")
    if "placement" in given:
        team.places[name] = _placement(given["placement"], place)
    if "joined" in given:
        team.joined[name] = _moment(given["joined"], place)
    carry = _carry(given.get("carry", {}), plan, place)
    team.before[name] = Before(given.get("rank"), given.get("achieved"), given.get("active", True), carry)


def _name(given: Mapping[str, Any], key: str, place: str) -> str | None:
    """What a key names; None where it is not there."""
    found = given.get(key)
    if found is None or isinstance(found, str):
        return found
    wrong(f"{place}: {key}", f'{found!r} is no name; write it in quotes, as "Ada"')


def _placement(given: Any, place: str) -> tuple[str, int]:
    if not isinstance(given, dict) or set(given) != {"parent", "leg"}:
        wrong(f"{place}: placement", 'is written as {parent = "ADA", leg = "left"} (or a number from 0 on)')
    leg = _LEGS.get(given["leg"], given["leg"]) if isinstance(given["leg"], str) else given["leg"]
    if not isinstance(leg, int) or leg < 0:
        wrong(f"{place}: placement.leg", "is left, right, or a number from 0 on")
    return str(given["parent"]), leg


def _carry(given: Any, plan: Compiled, place: str) -> dict[str, tuple[Exact, Exact]]:
    """What legs keep: of the one binary rule, or by its name."""
    if not isinstance(given, dict):
        wrong(f"{place}: carry", 'is written as {left = "300", right = "0"}')
    names = [rule.name for rule in plan.plan.binary]
    if given and not set(given) - {"left", "right"} and len(names) == 1:
        given = {names[0]: given}
    found: dict[str, tuple[Exact, Exact]] = {}
    for name, legs in given.items():
        if name not in names or not isinstance(legs, dict):
            wrong(f"{place}: carry.{name}", "names no binary rule of the plan")
        left, right = (_volume(legs.get(leg, 0), plan, f"{place}: carry") for leg in ("left", "right"))
        found[name] = (left, right)
    return found


def _volume(value: Any, plan: Compiled, place: str) -> Exact:
    places = plan.plan.unit.exponent if plan.plan.volume == "amount" else 2
    return _whole(number(place, value) * 10**places)


def _no_cycle(sponsors: Mapping[str, str | None], where: str) -> None:
    sound: set[str] = set()
    for name in sponsors:
        line: list[str] = []
        above: str | None = name
        while above is not None and above not in sound:
            if above in line:
                way = ", ".join(line[line.index(above) + 1 :])
                wrong(
                    f"{where}: {above}",
                    f"stands below itself, by way of {way}" if way else "stands below itself",
                )
            line.append(above)
            above = sponsors.get(above)
        sound.update(line)


def place_rest(team: FileTeam, plan: Compiled, where: str) -> None:
    """Places whom the file does not place: in the order of the file, below the sponsor, by the plan's spillover.

    Args:
        team: gets the places.
        plan: one with a placement tree.
        where: the file, for sentences.

    Raises:
        Problem: a place that the file gives is taken, or none of the plan's.
    """
    rules = plan.plan.team
    assert rules is not UNSET and rules.legs is not UNSET  # compiled: a plan with places has legs
    legs = rules.legs
    taken: dict[str, dict[int, str]] = {}
    for name, (parent, leg) in team.places.items():
        if leg >= legs or parent not in team.sponsors or leg in taken.get(parent, {}):
            wrong(f"{where}: {name}", f"leg {leg} of {parent} is taken or is none of its {legs}")
        taken.setdefault(parent, {})[leg] = name
    _no_cycle({name: place[0] for name, place in team.places.items()}, where)
    deep = rules.spill == "depth"
    for name, sponsor in team.sponsors.items():
        if name in team.places or sponsor is None:
            continue
        parent, leg = _free(taken, sponsor, legs, deep)
        team.places[name] = (parent, leg)
        taken.setdefault(parent, {})[leg] = name


def _free(taken: Mapping[str, Mapping[int, str]], start: str, legs: int, deep: bool) -> tuple[str, int]:
    if deep:
        while 0 in taken.get(start, {}):
            start = taken[start][0]
        return start, 0
    waiting = deque((start,))
    while True:
        parent = waiting.popleft()
        below = taken.get(parent, {})
        for leg in range(legs):
            if leg not in below:
                return parent, leg
        waiting.extend(below[leg] for leg in range(legs))


def _sale(
    line: Mapping[str, Any], index: int, plan: Compiled, periods: _Periods, place: str
) -> SaleFacts[str]:
    path = tuple(_names(line.get("path", ()), place))
    referrer, buyer, customer, listing = (
        _name(line, key, place) for key in ("referrer", "buyer", "customer", "listing")
    )
    referrer = path[0] if referrer is None and path else referrer
    name = str(line.get("id", index))
    return SaleFacts(
        id=name,
        at=index,
        time=periods.time(line, place),
        amount=_amount(line, plan, place),
        points=int(_whole(number(place, line.get("points", 0)) * 100)),
        referrer=referrer,
        buyer=buyer,
        customer=customer or buyer or ("sale", name),
        path=path or (() if referrer is None else (referrer,)),
        listing=listing,
        renewal=bool(line.get("renewal", False)),
        excluded="r3" if line.get("excluded") else None,
        presumed=bool(line.get("presumed", False)),
    )


def _names(value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, (list, tuple)):
        wrong(f"{place}: path", "is a list of names, nearest to the buyer first")
    yield from map(str, value)


def _amount(line: Mapping[str, Any], plan: Compiled, place: str) -> Exact:
    """Minor units of the plan's unit, of an amount in a currency of the plan (the first one when none is named)."""
    if "amount" not in line or not plan.plan.currencies:
        if "amount" not in line and "points" not in line:
            wrong(place, "needs an amount, or points")
        return 0
    codes = {one.currency: fraction(one.rate) for one in plan.plan.currencies}
    code = _name(line, "currency", place) or plan.plan.currencies[0].currency
    try:
        places = currency_exponent(code)
    except MoneyError as error:
        wrong(f"{place}: currency", str(error))
    if code not in codes:
        return 0  # a currency that the plan does not name has no commissionable amount
    return _whole(number(f"{place}: amount", line["amount"]) * 10**places * codes[code])


def _refund(line: Mapping[str, Any], index: int, known: Mapping[str, SaleFacts[str]], place: str) -> Refund:
    sale = known.get(str(line["refund_of"]))
    if sale is None:
        wrong(place, f"refunds {line['refund_of']}, which is no sale above it")
    part = number(f"{place}: part", line.get("part", 1))
    if not 0 < part <= 1:
        wrong(f"{place}: part", "is a share of the sale, above 0 and at most 1")
    return Refund(str(line.get("id", index)), str(sale.id), part)


def _whole(value: Fraction) -> Exact:
    return value.numerator if value.denominator == 1 else value
