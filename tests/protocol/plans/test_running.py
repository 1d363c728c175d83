"""An open period that is kept level comes to what an evaluation of the whole comes to, after every change."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from protocol.plans.activity import Activity
from protocol.plans.document import Compiled
from protocol.plans.evaluate import evaluate_period
from protocol.plans.facts import Period, SaleFacts
from protocol.plans.running import Running, runs
from protocol.teams.tree import Tree
from tests.protocol.plans.made import DEFAULT, MONTH, STEPS, plan

DAY = 86_400_000
LAST = MONTH - 5 * DAY  # in the month before
TWO = [{"name": "two", "mode": "whole", "steps": STEPS}, {"name": "one", "mode": "marginal", "steps": STEPS}]

HELD: dict[str, Any] = {"differential": TWO, "maximum": "40%", "r2": False, "r8": False, "rules": True}


class Play:
    """A team that sells, with its activity and the period kept level; every change is one entry."""

    def __init__(self, compiled: Compiled, seed: int = 0) -> None:
        self.plan, self.chance = compiled, random.Random(seed)
        self.tree: Tree[str] = Tree("root")
        self.activity: Activity[str] = Activity(compiled)
        self.at = 0
        self.names = 0
        self.sales: list[tuple[SaleFacts[str], Fraction]] = []
        for _ in range(3):
            self.join()
        self.running = Running(compiled, self.tree, self.activity, self.period)

    @property
    def period(self) -> Period:
        return self.activity.period(MONTH, self.at)

    def someone(self) -> str:
        return self.chance.choice([*self.tree.members()] or ["root"])

    # -- what happens ----------------------------------------------------------------------------------------
    def join(self, name: str | None = None) -> None:
        self.at += 1
        self.names += name is None
        sponsor = self.chance.choice(["root", *self.tree.members()])
        self.tree.join(name or f"m{self.names}", sponsor, self.at, MONTH)

    def sell(self, referrer: str | None = None, time: int = MONTH, **more: Any) -> None:
        self.at += 1
        facts: SaleFacts[str] = SaleFacts(
            id=self.at, at=self.at, time=time, amount=self.chance.randrange(1, 9_000),
            referrer=referrer or self.someone(), customer=self.chance.randrange(6), **more,
        )  # fmt: skip
        self.activity.take(facts, self.tree)
        self.sales.append((facts, Fraction(0)))

    def buy_inside(self) -> None:
        self.sell(buyer=self.someone())

    def refund(self) -> None:
        index = self.chance.randrange(len(self.sales)) if self.sales else None
        if index is None or self.sales[index][1] == 1:
            return self.sell()
        facts, gone = self.sales[index]
        part = self.chance.choice([1 - gone, (1 - gone) / 3])
        self.at += 1
        self.activity.reverse(facts, part, self.tree)
        self.sales[index] = (facts, gone + part)
        return None

    def guest(self) -> None:
        """Somebody sells, and joins after it."""
        self.sell("guest")
        if not self.tree.known("guest"):
            self.join("guest")

    def move(self) -> None:
        person, sponsor = self.someone(), self.someone()
        if not self.tree.above(person, sponsor):
            self.at += 1
            self.tree.move(person, sponsor, self.at)

    def leave(self) -> None:
        if len([*self.tree.members()]) > 2:
            self.at += 1
            self.tree.leave(self.someone(), self.at, MONTH, roll_up=self.chance.random() < 0.5)

    # -- what must hold --------------------------------------------------------------------------------------
    def require_same(self, *, level: bool | None = None) -> None:
        kept = self.running.level(self.period)
        assert level is None or kept is level
        if not kept:
            self.running = Running(self.plan, self.tree, self.activity, self.period)
        whole = evaluate_period(self.plan, self.tree, self.activity, self.period)
        assert self.running.awards(0, 10**6) == whole.awards
        assert self.running.closing == sum(award.amount for award in whole.awards)
        assert self.running.base == whole.base


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(
    "fields",
    [
        DEFAULT,
        {**HELD, "unlock_buyers": 2, "r19": False, "outside_full": "80%", "outside_least": "50%"},
        {**HELD, "idle_periods": 2, "r5": False, "r6": False},
        {**DEFAULT, "share": "1/3"},
    ],
)
def test_after_every_change_it_comes_to_the_same(fields: dict[str, Any], seed: int) -> None:
    play = Play(plan(**fields), seed)
    acts = (
        [play.sell] * 6 + [play.join] * 3 + [play.buy_inside, play.refund, play.guest, play.move, play.leave]
    )
    for _ in range(40):
        play.chance.choice(acts)()
        if play.chance.random() < 0.1:
            play.sell(time=LAST)
        play.require_same()


def test_sales_refunds_and_new_members_are_taken_in() -> None:
    """And nothing is evaluated as a whole for them, not even for a guest who joins."""
    play = Play(plan(**DEFAULT))
    for act in (
        play.sell,
        play.join,
        play.sell,
        play.guest,
        play.sell,
        play.buy_inside,
        play.refund,
        play.join,
    ):
        act()
        play.require_same(level=True)


def test_what_it_does_not_follow_is_said() -> None:
    """Moves, members who leave, sales of another period, and an outside share that begins to count."""
    play = Play(plan(**{**HELD, "r5": False, "r19": False}))
    for act in (play.move, play.leave, lambda: play.sell(time=LAST), play.buy_inside):
        before = (play.tree.revision, play.at)
        act()
        if before[1] != play.at:
            play.require_same(level=False)
    period = play.activity.period(MONTH + 40 * DAY, play.at)
    assert not play.running.level(period)


@pytest.mark.parametrize(
    "fields",
    [
        {"unilevel": {"compression": "none", "rates": ["10%"], "when": "period"}},
        {"unilevel": {"compression": "none", "rates": ["10%"]}},
        {**DEFAULT, "cap_member": "5"},
        {**DEFAULT, "cap_company": "5%"},
        {**DEFAULT, "rounding": "half_even"},
        {**DEFAULT, "duty": {"rules": ["differential"], "withheld": "10%"}},
    ],
)
def test_other_plans_are_evaluated_as_a_whole(fields: dict[str, Any]) -> None:
    assert not runs(plan(**fields))
    assert runs(plan(**DEFAULT))
