"""What a plan's own text says about the rules of a fair plan: each rule as pass, warn or void [R-PLAN-8].

Only what follows from the document; gains from splitting are measured on trees elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from msgspec import UNSET

from protocol.errors import Void
from protocol.plans.document import FAMILIES, Compiled, compile_plan
from protocol.plans.tables import fraction
from protocol.records.plan import Plan

Verdict = Literal["pass", "void", "warn"]

_HOLD: Final = 30
_NOTICE: Final = 30
_BUYERS: Final = 10
_BUYBACK: Final = (365, 9_000)  # days, basis points; what holds where a plan says nothing
_HIGH: Final = Fraction(1, 2)
_VOIDS: Final[Mapping[str, str]] = {
    "plan_refused": "R3",
    "plan_joining": "R4",
    "plan_unbounded": "R10",
    "plan_terms": "terms",
}
_KEPT: Final[Mapping[str, str]] = {
    "R12": "Who joins has had the disclosure for seven days; an admission without that is void under any plan.",
    "R13": "What members earn is computed from the log by each node, beside every invitation.",
    "R14": "What is claimed of earnings is checked against the log by each node.",
    "R15": "Concentration, depth, and recruits against buyers are computed from the log.",
    "R16": "What is outstanding, overdue and redeemed is computed from the log.",
    "R17": "What somebody sells to oneself counts nothing under any plan.",
}
_KNOWN: Final[Mapping[str, str]] = {
    "unilevel": "Who sells through an own false identity below gets a further level of the same sale.",
    "matrix": "Places are worth more to those who came early; false identities fill levels.",
    "generation": "A false identity of the rank in between takes a generation.",
    "binary": "What a pair pays depends on the sales of strangers; only the company cap bounds it.",
    "matching": "Earnings of others are paid twice; a false identity in between is matched too.",
    "path": "A false step in between takes a share of its own.",
    "infinity": "Volume of any depth pays: most of it was sold by people the member never met.",
    "pool": "What a share is worth is not known before the close.",
    "override": "A leader whose leg breaks away can earn less than before.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, or the name of a rule of the plan, and what is to be said of it; `text` is for people."""

    rule: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; `compiled` is None when the plan is void."""

    findings: tuple[Finding, ...]
    compiled: Compiled | None


def lint(plan: Plan) -> Report:
    """Checks the document of a plan.

    Args:
        plan: any plan; a void one has one finding, which says why.
    """
    try:
        compiled = compile_plan(plan)
        compiled.require_closes()
    except Void as error:
        return Report((Finding(_VOIDS[error.code], "void", error.text),), None)
    found = (
        Finding(
            "R1",
            "pass",
            "Each award needs a sale that was ordered, accepted and received; no plan changes that.",
        ),
        _personal(plan),
        Finding("R3", "pass", "No rule pays for joining, kits, fees, training or ranks."),
        Finding("R4", "pass", "Joining costs no more than its kit, and no rule asks a member to buy."),
        _unlock(plan),
        _outside(plan),
        _credit(plan),
        _days("R8", plan.hold_days, _HOLD, "awards are pending for"),
        _buyback(plan),
        _maximum(compiled),
        _days("R11", plan.notice_days, _NOTICE, "changes are told ahead by"),
        *(Finding(rule, "pass", text) for rule, text in _KEPT.items()),
        _idle(plan),
    )
    return Report((*found, *_shape(plan)), compiled)


def _personal(plan: Plan) -> Finding:
    if plan.personal_free:
        return Finding(
            "R2", "warn", "Switched off: what members buy themselves pays their uplines without bound."
        )
    if plan.personal:
        text = "What members buy themselves pays their uplines, up to a bound for each member and period."
        return Finding("R2", "warn", text)
    return Finding("R2", "pass", "What members buy themselves pays nobody.")


def _unlock(plan: Plan) -> Finding:
    if plan.unlock_buyers == 0:
        return Finding("R5", "warn", "Switched off: overrides need no sale to anybody outside the team.")
    text = f"Overrides need sales to different buyers outside the team in the period: {plan.unlock_buyers}"
    if isinstance(plan.unlock_volume, int):
        text += ", or enough volume sold to such"
    return Finding("R5", "pass" if plan.unlock_buyers >= _BUYERS else "warn", f"{text}.")


def _outside(plan: Plan) -> Finding:
    full, least = fraction(plan.outside_full), fraction(plan.outside_least)
    if not full:
        return Finding(
            "R6", "warn", "Switched off: overrides are paid however little is sold outside the team."
        )
    text = f"Overrides shrink below {_percent(full)} sold outside the team and stop below {_percent(least)}."
    usual = full >= Fraction(4, 5) and least >= Fraction(7, 10)
    return Finding("R6", "pass" if usual else "warn", text)


def _credit(plan: Plan) -> Finding:
    if plan.personal_free:
        return Finding(
            "R7", "warn", "Own purchases count without bound, so credit need not come from outside."
        )
    return Finding("R7", "pass", "Two thirds of all credit come from sales outside the team.")


def _buyback(plan: Plan) -> Finding:
    if plan.team is UNSET:
        return Finding("R9", "pass", "No team: nobody buys goods as a member.")
    terms = plan.team.buyback
    days, points = _BUYBACK if terms is UNSET else (terms.days, terms.points)
    text = f"Unsold goods of members are bought back for {days} days, at {points // 100} % of their price."
    usual = days >= _BUYBACK[0] and points >= _BUYBACK[1]
    return Finding("R9", "pass" if usual else "warn", text)


def _idle(plan: Plan) -> Finding:
    if plan.idle_periods == 0:
        return Finding("R19", "warn", "Switched off: overrides go on for members who sell nothing.")
    text = f"Overrides stop after {plan.idle_periods} periods without an own outside sale."
    return Finding("R19", "pass", text)


def _days(rule: str, days: int, usual: int, what: str) -> Finding:
    off = "" if days else "switched off: "
    text = f"{off}{what} {days} days; {usual} are usual."
    return Finding(rule, "pass" if days >= usual else "warn", text[:1].upper() + text[1:])


def _maximum(compiled: Compiled) -> Finding:
    maximum = fraction(compiled.plan.maximum)
    text = (
        f"All rules come to at most {_percent(compiled.bound)} of what is commissionable, in any tree; "
        f"declared are {_percent(maximum)}."
    )
    return Finding("R10", "pass" if maximum <= _HIGH else "warn", text)


def _shape(plan: Plan) -> Iterator[Finding]:
    """What families are known for, whatever their rates."""
    for family in FAMILIES:
        for rule in getattr(plan, family):
            text = _KNOWN.get(family)
            if family in ("differential", "tiers") and rule.mode == "whole" and len(rule.steps) > 1:
                text = "Whole amounts jump at each step: one more unit of volume can pay more than it costs."
            if family == "unilevel" and rule.compression != "none":
                text = f"{text} Compression carries awards further up."
            if text is not None:
                yield Finding(rule.name, "warn", text)


def _percent(share: Fraction) -> str:
    """Rounded up to hundredths of a percent."""
    hundredths = -(-share * 10_000 // 1)
    whole, rest = divmod(int(hundredths), 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + " %"
