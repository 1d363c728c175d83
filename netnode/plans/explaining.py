"""Awards in words: where each comes from, and why it is not more."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from netnode.plans.calculating import Line, Result
from netnode.plans.values import amount_text, decimal
from protocol.plans.document import FAMILIES, Compiled
from protocol.plans.facts import Award, Withheld

REASONS: Final[dict[str, str]] = {
    "cap_company": "the plan pays no more than its company cap in a period, so all awards were cut alike",
    "cap_member": "the plan has a cap for each member and period",
    "duty": "the duties owed to the member through whom it came were not done",
    "maximum": "the plan declares a maximum",
    "r2": "what members buy themselves counts up to a bound only (R2)",
    "r3": "kits, fees, training and ranks pay nobody (R3)",
    "r5": "too few buyers outside the team in this period (R5)",
    "r6": "too little of the period's volume was sold outside the team (R6)",
    "r7": "two thirds of all credit must come from outside (R7)",
    "r17": "the buyer is the seller or the referrer, or the sale closes a circle (R17)",
    "r19": "no own sale outside the team in the last periods (R19)",
}
_LEVEL: Final = {
    "binary": "pairs or cycles",
    "differential": "step",
    "generation": "generation",
    "override": "generation",
    "tiers": "step",
}
_OF: Final = {
    "binary": "what the weaker leg matches",
    "differential": "the sales of the whole group",
    "matching": "what members below are paid",
    "pool": "the sales of the whole team; a pool is divided among all who qualify",
}


def explained(plan: Compiled, line: Line[str], rule: str | None = None) -> str:
    """One line of a result as a sentence; `rule`: what to call its rule, where that is not its name."""
    award, exponent, unit = line.award, plan.plan.unit.exponent, plan.plan.unit.name
    where = f"period {line.period}" if line.period is not None else f"sale {award.source}"
    amount = f"{amount_text(line.amount, exponent)} {unit}"
    if line.amount < 0:
        return f"{award.to}: {amount} back of {award.rule}, {where}: the sale was refunded."
    return f"{award.to}: {amount} by {rule or award.rule}{_level(plan, award)}, {where}: {_sum(plan, award)}."


def lost(plan: Compiled, one: Withheld[str], period: str | None) -> str:
    """One thing that did not become an award of a sale, or of a period, as a sentence."""
    amount = f"{amount_text(one.amount, plan.plan.unit.exponent)} {plan.plan.unit.name}"
    where = f"sale {one.source}" if period is None else f"period {period}"
    return f"{one.to}: {amount} by {one.rule} not paid, {where}: {REASONS[one.reason]}."


def sentences(plan: Compiled, result: Result[str], to: str | None, sale: str | None) -> list[str]:
    """All of a result in words, or what concerns one member or one sale."""
    found = [
        explained(plan, line)
        for line in result.lines
        if to in (None, line.award.to) and sale in (None, str(line.award.source), line.period)
    ]
    found += [
        lost(plan, one, period)
        for one, period in result.withheld
        if to in (None, one.to) and sale in (None, period or str(one.source))
    ]
    if to is None:
        found += [
            f"Sale {name} does not count, or not whole: {REASONS[reason]}."
            for name, reason in result.uncounted
            if sale in (None, name)
        ]
    return found


def _level(plan: Compiled, award: Award[str]) -> str:
    return f", {_LEVEL.get(_family(plan, award), 'level')} {award.level}" if award.level else ""


def _family(plan: Compiled, award: Award[str]) -> str:
    name = award.rule.removesuffix(":duty")
    return next(each for each in FAMILIES if any(rule.name == name for rule in getattr(plan.plan, each)))


def _sum(plan: Compiled, award: Award[str]) -> str:
    exponent, family = plan.plan.unit.exponent, _family(plan, award)
    words = []
    if award.num:
        of = f" ({_OF[family]})" if family in _OF else ""
        words.append(f"{percent(award.rate)} of {amount_text(award.base, exponent)}{of}")
    else:
        words.append("a fixed amount")
    if award.less:
        words.append(f"less {amount_text(award.less, exponent)} ({_less(plan, award)})")
    if award.reason is not None:
        words.append(f"less {amount_text(award.kept, exponent)}: {REASONS[award.reason]}")
    if award.rule.endswith(":duty"):
        return f"{words[0]} was another's, who did not do the duty that this member did"
    return ", ".join(words)


def _less(plan: Compiled, award: Award[str]) -> str:
    """Why an award is less than its rate of its base."""
    below, lower = "members below are paid first on the same sales", "lower steps pay less"
    rule = next((rule for rule in plan.plan.differential if rule.name == award.rule), None)
    if rule is None:
        return lower
    return below if rule.mode == "whole" else f"{lower}, and {below}"


def percent(rate: Fraction) -> str:
    """A rate as people read it: ``5 %``; a fraction where no decimals say it."""
    text = decimal(rate * 100)
    return f"{text} %" if "/" not in text else f"{decimal(rate)}"
