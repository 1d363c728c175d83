"""The linter's whole report: what a plan's text says, and what the laboratory measured of it [R-PLAN-8]."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from netnode.plans.laboratory import Measured, Tally
from netnode.plans.values import amount_text, decimal, in_units
from netnode.plans.worlds import price_of, unit_of
from protocol.plans.document import Compiled, GroundRule, LineRule, rule_bounds
from protocol.plans.facts import Exact
from protocol.plans.families.binaries import Binaries
from protocol.plans.families.differentials import Overrides
from protocol.plans.families.levels import Endless, Generations, Levels, Places
from protocol.plans.families.matches import Matches
from protocol.plans.families.paths import OwnSales, Paths
from protocol.plans.families.pools import Contributions, Pools
from protocol.plans.linting import Finding, Verdict

_MOSTLY: Final = Fraction(1, 2)
"""Share of awards that need recruits, above which the report warns."""

_TWICE: Final = 2
"""How much more the first quarter may earn for the same work than the last before the report warns."""


def bounds(plan: Compiled) -> dict[str, Fraction | None]:
    """What each rule comes to at most, of the commissionable amount; None: only the company cap bounds it."""
    found = rule_bounds(plan.by_sale, plan.by_sale_matching)
    return found | rule_bounds((*plan.by_close, *plan.ground), plan.by_close_matching)


def sets_maximum(plan: Compiled) -> str:
    """What makes the maximum share what it is: the rule with the largest bound, or the company cap."""
    found = bounds(plan)
    known = {name: bound for name, bound in found.items() if bound is not None}
    if len(known) < len(found) or sum(known.values()) > plan.bound:
        return "cap_company"
    return max(known, key=lambda name: known[name])


def depths(plan: Compiled) -> dict[str, tuple[int | None, str]]:
    """By rule how many levels away it still pays, and in words; None: however far."""
    rules = (*plan.by_sale, *plan.by_sale_matching, *plan.by_close, *plan.ground, *plan.by_close_matching)
    return {rule.name: _depth(rule) for rule in rules}


def _depth(rule: LineRule | GroundRule | Matches) -> tuple[int | None, str]:
    match rule:
        case Levels(compression="none"):
            return rule.table.levels, "levels"
        case Levels():
            return rule.table.levels, "levels, not counting members who are passed over"
        case Places():
            return len(rule.amounts or rule.rates), "levels of the placement tree"
        case Generations():
            return rule.table.levels, "generations of ranks, however many members each has"
        case Overrides():
            return rule.generations, "generations of ranks, however many members each has"
        case Matches():
            return rule.table.levels, "levels above who earned, or generations where it names a rank"
        case Paths(depth=int(depth)):
            return depth, "steps of the path"
        case Paths():
            return None, "every step of the path, each less than the one before"
        case OwnSales():
            return 0, "own sales only"
        case Pools():
            return 0, "a share of everything that was sold, whoever sold it"
        case Endless():
            return None, "any depth, down to the next member of the rank"
        case Contributions():
            return None, "any depth, but never more than a share of own sales"
        case Binaries():
            return None, "any depth of both legs"
        case _:
            return None, "any depth, less what the members in between earn"


def measured(plan: Compiled, found: Measured) -> Iterator[Finding]:
    """What the laboratory found, as findings of the linter; texts are for people."""
    where = f"{found.trees} random trees"
    for tally in found.tallies:
        name = {"splitting": f"with {tally.count} identities", "sponsors": "by false sponsors"}.get(
            tally.what, "by own purchases"
        )
        if not tally.gained:
            yield Finding(tally.what, "pass", f"No gain {name} in {where}.")
            continue
        most = f"{amount_text(tally.largest, plan.plan.unit.exponent)} {plan.plan.unit.name}"
        text = f"Gain {name} in {tally.gained} of {where}, at most {most}"
        on_top = f"; in all {percent(tally.share)} more" if tally.honest else ""
        yield Finding(tally.what, "warn", f"{text} (tree {tally.tree}){on_top}.")
    yield _others(found, plan, where)
    yield _cliff(found, plan)
    verdict: Verdict = "warn" if found.recruiting > _MOSTLY else "pass"
    yield Finding("recruiting", verdict, f"{percent(found.recruiting)} of what is paid needs recruits.")
    far = [name for name, (levels, _) in depths(plan).items() if levels is None]
    words = (f"{name}: {_levels(levels)}{text}" for name, (levels, text) in depths(plan).items())
    yield Finding("depth", "warn" if far else "pass", f"How far it pays: {'; '.join(words)}.")
    yield _order(found)


def _others(found: Measured, plan: Compiled, where: str) -> Finding:
    if not found.taken:
        return Finding("sponsors", "pass", f"False sponsors took nothing from others in {where}.")
    amount = f"{amount_text(found.taken, plan.plan.unit.exponent)} {plan.plan.unit.name}"
    return Finding("sponsors", "warn", f"False sponsors took {amount} from others in {where}.")


def _cliff(found: Measured, plan: Compiled) -> Finding:
    if found.cliff is None or found.cliff.amount <= price_of(plan, unit_of(plan)):
        return Finding("cliff", "pass", "No unit of volume pays more than it costs.")
    amount = f"{amount_text(found.cliff.amount, plan.plan.unit.exponent)} {plan.plan.unit.name}"
    at = decimal(Fraction(found.cliff.at, unit_of(plan)))
    return Finding("cliff", "warn", f"One unit of volume pays {amount}: the last one up to {at}.")


def _order(found: Measured) -> Finding:
    shares = order(found)
    text = ", ".join(percent(share) for share in shares)
    uneven = shares[0] > _TWICE * shares[-1]
    sentence = (
        f"The same work earns, by quarters of those who joined first to last: {text} of what they sell."
    )
    return Finding("order", "warn" if uneven else "pass", sentence)


def order(found: Measured) -> list[Fraction]:
    """What each quarter, from those who joined first to last, is paid of what it sold; all sold the same."""
    return [Fraction(got) / sold if sold else Fraction(0) for sold, got in found.quarters]


def document(plan: Compiled, found: Measured, seed: int) -> dict[str, Any]:
    """The figures of a report: shares and amounts are decimal strings."""
    exponent = plan.plan.unit.exponent
    shares = bounds(plan)
    return {
        "trees": found.trees,
        "seed": seed,
        "maximum": {
            "share": decimal(plan.bound),
            "sets": sets_maximum(plan),
            "rules": {name: None if bound is None else decimal(bound) for name, bound in shares.items()},
        },
        "gains": [gain(each, exponent) for each in found.tallies],
        "taken": in_units(found.taken, exponent),
        "cliff": None
        if found.cliff is None
        else {
            "amount": in_units(found.cliff.amount, exponent),
            "at": decimal(Fraction(found.cliff.at, unit_of(plan))),
        },
        "recruiting": rounded(found.recruiting),
        "depths": {name: {"levels": levels, "text": text} for name, (levels, text) in depths(plan).items()},
        "order": [rounded(share) for share in order(found)],
    }


def gain(tally: Tally, exponent: int) -> dict[str, Any]:
    """One way of cheating: in how many trees it gained, and how much."""
    return {
        "by": tally.what,
        **({"identities": tally.count} if tally.count else {}),
        "trees": tally.trees,
        "gained": tally.gained,
        "largest": in_units(tally.largest, exponent),
        "tree": tally.tree,
        "share": rounded(tally.share),
    }


def rounded(share: Exact) -> str:
    """A share to six decimal places, the last one rounded up: what is not zero is never shown as zero."""
    return decimal(Fraction(-(-Fraction(share) * 1_000_000 // 1), 1_000_000))


def percent(share: Fraction) -> str:
    """A share for people, rounded up to hundredths of a percent."""
    return f"{decimal(Fraction(-(-share * 10_000 // 1), 100))} %"


def _levels(levels: int | None) -> str:
    return f"{levels} " if levels else ""
