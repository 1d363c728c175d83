"""Plans, teams and sales for tests, in the words of files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from netnode.plans.files import FileTeam
from netnode.plans.reading import plan_from
from protocol.plans.activity import Activity
from protocol.plans.closed import Closed
from protocol.plans.document import Compiled, compile_plan
from protocol.plans.evaluate import evaluate_period, evaluate_sale
from protocol.plans.facts import Award, SaleFacts

OPEN: Final = {"r2": False, "r5": False, "r6": False, "r8": False, "r19": False}
MONTH: Final = 1_767_225_600_000  # 2026-01-01, ms UTC
STEPS: Final = [["0", "5%"], ["10", "10%"], ["50", "15%"], ["200", "20%"]]
DEFAULT: Final = {"differential": {"mode": "marginal", "steps": STEPS}, "maximum": "20%"}


def plan(**fields: Any) -> Compiled:
    """A compiled plan with everything that can be switched off switched off; `rules=True` leaves it on."""
    on = fields.pop("rules", False)
    money = {} if "currencies" in fields else {"currency": "EUR"}
    base = {"title": "t", "unit": "ref", "maximum": "1"} | money | ({} if on else OPEN)
    return compile_plan(plan_from({**base, **fields}, "plan"))


def team(sponsors: Mapping[str, str | None], places: Mapping[str, tuple[str, int]] | None = None) -> FileTeam:
    return FileTeam(dict(sponsors), dict(places or {}))


def sale(number: int, referrer: str | None, amount: int, **more: Any) -> SaleFacts[str]:
    """A sale in the first month; the amount in minor units."""
    given = {"customer": ("buyer", number), "time": MONTH + number, **more}
    return SaleFacts(id=number, at=number, referrer=referrer, amount=amount, **given)


def closed(
    compiled: Compiled,
    people: FileTeam,
    sales: Iterable[SaleFacts[str]],
    activity: Activity[str] | None = None,
) -> Closed[str]:
    """The close of the first month."""
    activity = Activity(compiled) if activity is None else activity
    for one in sales:
        activity.take(one, people)
    return evaluate_period(compiled, people, activity, activity.period(MONTH, 10**6))


def run(
    compiled: Compiled, people: FileTeam | None, sales: Iterable[SaleFacts[str]]
) -> list[tuple[Award[str], ...]]:
    """The awards of each sale, one after another."""
    activity: Activity[str] = Activity(compiled)
    found = []
    for one in sales:
        found.append(evaluate_sale(compiled, people, activity, one))
        activity.take(one, people)
    return found


def paid(awards: Iterable[Award[str]]) -> dict[str, int]:
    """Member -> sum of the awards."""
    found: dict[str, int] = {}
    for award in awards:
        found[award.to] = found.get(award.to, 0) + award.amount
    return found


def random_tree(seed: int, size: int) -> dict[str, str | None]:
    """Members m0, m1, ...: each below an earlier one, some deep, some wide."""
    chance = random.Random(seed)
    tree: dict[str, str | None] = {"m0": None}
    for number in range(1, size):
        low = max(0, number - chance.choice((1, 3, 30)))
        tree[f"m{number}"] = None if chance.random() < 0.05 else f"m{chance.randrange(low, number)}"
    return tree


def total(awards: Iterable[Award[str]]) -> Fraction:
    return Fraction(sum(award.amount for award in awards))
