"""The record of a plan, and which plans are void; sections 26.1 and 25.

An absent field has the value that the table of section 26.1 says; `with_absent` puts them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from netnode.conformance.limits import (
    MAX_BASIS_POINTS,
    MAX_CURRENCIES,
    MAX_KEY,
    MAX_LABEL,
    MAX_LEVELS,
    MAX_MEMBERS,
    MAX_PLAN_DAYS,
    MAX_PLAN_PERIODS,
    MAX_RANKS,
    MAX_RATE_PART,
    MAX_RULE_NAME,
    MAX_RULES,
    MAX_STEPS,
    MAX_TEAM_DEPTH,
    MAX_TITLE,
    MAX_UNIT,
)
from netnode.conformance.listings import PER
from netnode.conformance.shapes import (
    Field,
    Shape,
    array,
    bool_,
    int_,
    line,
    may,
    must,
    one_of,
    row,
    str_,
    table,
)

Map = dict[str, Any]

RATE: Final = row(int_(0, MAX_RATE_PART), int_(1, MAX_RATE_PART))
_NAME: Final = str_(1, MAX_RULE_NAME, "^[a-z0-9][a-z0-9_-]*$")
_RANK: Final = str_(1, MAX_LABEL)
_KEY: Final = str_(1, MAX_KEY)
_NUMBER: Final = int_(0, MAX_RATE_PART)
_DEPTH: Final = int_(1, MAX_TEAM_DEPTH)
_DAYS: Final = int_(0, MAX_PLAN_DAYS)
_RATES: Final = array(RATE, 1, MAX_LEVELS)
_ROWS: Final = array(table({"rank": may(_RANK), "rates": must(_RATES)}), 1, MAX_RANKS)
_STEPS: Final = array(table({"at": must(int_()), "rate": must(RATE)}), 1, MAX_STEPS)
_CHOICE: Final = {
    "only": may(array(_KEY, 1, MAX_MEMBERS)),
    "turns": may(one_of("all", "first", "renewal")),
}
_WHEN: Final = may(one_of("period", "sale"))
_BRACKETS: Final = must(one_of("marginal", "whole"))

_FAMILIES: Final[Mapping[str, Mapping[str, Field]]] = {
    "binary": {
        "after": must(one_of("carry", "flush", "net_off")),
        "amount": may(int_()),
        "carry_cap": may(int_()),
        "mode": must(one_of("cycles", "pairs", "percent", "ratio")),
        "steps": may(_STEPS),
        "strong": may(int_()),
        "weak": may(int_()),
    },
    "board": {},
    "cdrm": {"mode": must(int_(1, 2)), "phi": must(RATE), "theta": must(RATE)},
    "differential": {"breakaway": may(_RANK), "mode": _BRACKETS, "steps": must(_STEPS)},
    "enrolment": {},
    "fast_start": {**_CHOICE, "days": must(_DAYS), "rates": must(_ROWS)},
    "generation": {
        **_CHOICE,
        "boundary": must(one_of("same", "threshold")),
        "empty": may(one_of("consumes", "passes")),
        "rank": must(_RANK),
        "rates": must(_ROWS),
        "when": _WHEN,
    },
    "infinity": {**_CHOICE, "rates": must(_ROWS), "start": may(_DEPTH), "when": _WHEN},
    "matching": {
        "of": must(array(_NAME, 1, MAX_RULES)),
        "rank": may(_RANK),
        "rates": must(_ROWS),
        "when": _WHEN,
    },
    "matrix": {
        **_CHOICE,
        "amounts": may(array(int_(), 1, MAX_LEVELS)),
        "height": must(_DEPTH),
        "least": may(int_()),
        "rates": may(_RATES),
    },
    "monoline": {},
    "override": {
        "floor": may(RATE),
        "generations": must(_DEPTH),
        "mode": must(one_of("difference", "fixed")),
        "rank": must(_RANK),
        "rates": must(_ROWS),
    },
    "path": {
        **_CHOICE,
        "depth": may(_DEPTH),
        "first": must(RATE),
        "mode": must(one_of("flat", "geometric")),
        "ratio": may(RATE),
        "rest": may(bool_),
    },
    "pool": {
        "new": may(bool_),
        "rank": must(_RANK),
        "share": must(RATE),
        "split": may(one_of("equal", "group", "own")),
    },
    "tiers": {**_CHOICE, "mode": _BRACKETS, "steps": must(_STEPS), "when": _WHEN},
    "unilevel": {
        **_CHOICE,
        "compression": must(one_of("dynamic", "inactive", "none", "rank")),
        "depth": may(_DEPTH),
        "rank": may(_RANK),
        "rates": must(_ROWS),
        "stop": may(_RANK),
        "when": _WHEN,
    },
}


def _rules(fields: Mapping[str, Field]) -> Shape:
    return array(table({"name": must(_NAME), **fields}), 0, MAX_RULES)


_RANK_FIELDS: Final[Mapping[str, Field]] = {
    "active_legs": may(_NUMBER),
    "group": may(int_()),
    "leaders": may(array(table({"legs": must(_NUMBER), "rank": must(_RANK)}), 0, MAX_RANKS)),
    "leg_cap": may(RATE),
    "name": must(line(1, MAX_LABEL)),
    "outside_buyers": may(_NUMBER),
    "outside_volume": may(int_()),
    "own": may(int_()),
}
_TEAM: Final[Mapping[str, Field]] = {
    "buyback": may(table({"days": must(int_(0, 3_650)), "points": must(int_(0, MAX_BASIS_POINTS))})),
    "depth": must(_DEPTH),
    "followups": must(array(int_(1, 3_650), 0, 12)),
    "holding": must(int_(1, 3_650)),
    "legs": may(int_(1, 1_000)),
    "missed": must(int_(1, 12)),
    "modules": must(array(table({"days": may(int_(1, 3_650)), "key": must(_KEY)}), 0, 50)),
    "orphans": must(one_of("roll_up", "stay")),
    "replacement": must(one_of("choice", "none", "upline")),
    "spill": must(one_of("breadth", "depth")),
}

FIELDS: Final[Mapping[str, Field]] = {
    "active": may(int_()),
    "cap_company": may(RATE),
    "cap_member": may(int_()),
    "currencies": may(
        array(table({"currency": must(str_(3, 3, "^[A-Z]{3}$")), "rate": must(RATE)}), 0, MAX_CURRENCIES)
    ),
    "duty": may(table({"rules": must(array(_NAME, 1, MAX_RULES)), "withheld": must(RATE)})),
    "expiry_days": may(_DAYS),
    "grace": may(int_(0, MAX_PLAN_PERIODS)),
    "hold_days": may(_DAYS),
    "idle_periods": may(int_(0, MAX_PLAN_PERIODS)),
    "joining": may(int_()),
    "kit_cost": may(int_()),
    "kits": may(array(_KEY, 0, MAX_MEMBERS)),
    "log_days": may(_DAYS),
    "maximum": must(RATE),
    "notice_days": may(_DAYS),
    "opportunity": may(_KEY),
    "origin": may(one_of("referrer", "sponsor")),
    "outside_full": may(RATE),
    "outside_least": may(RATE),
    "pay_on": may(one_of("amount", "points")),
    "period": must(PER),
    "personal": may(int_()),
    "personal_free": may(bool_),
    "point_value": may(RATE),
    "rank_used": may(one_of("achieved", "paid_as")),
    "ranks": may(array(table(_RANK_FIELDS), 0, MAX_RANKS)),
    "rounding": may(one_of("down", "half_even")),
    "share": may(RATE),
    "team": may(table(_TEAM)),
    "title": must(line(1, MAX_TITLE)),
    "unit": must(table({"exponent": must(int_(0, 9)), "name": must(line(1, MAX_UNIT))})),
    "unlock_buyers": may(_NUMBER),
    "unlock_volume": may(int_()),
    "volume": may(one_of("amount", "points")),
    **{family: may(_rules(fields)) for family, fields in _FAMILIES.items()},
}
"""The field table of kind 10 [R-REC-3]."""


def holds(record: Map) -> bool:
    """What fields of a plan say of each other [R-PLAN-1]."""
    names = [rank["name"] for rank in record.get("ranks", [])]
    return (
        len(set(names)) == len(names)
        and ("team" in record) == ("opportunity" in record)
        and ("team" not in record or _team_holds(record["team"]))
    )


def _team_holds(rules: Map) -> bool:
    days, keys = rules["followups"], [module["key"] for module in rules["modules"]]
    rising = all(first < second for first, second in pairwise(days))
    return rising and len(set(keys)) == len(keys) and (not days or rules["missed"] <= len(days))
