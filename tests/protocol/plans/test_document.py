"""Which plans are void, and with which code [R-PLAN-1..7, 11]."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from netnode.plans.reading import plan_from
from netnode.problems import Problem
from protocol.errors import LocalProtocolError, Void
from protocol.plans.document import compile_plan, one_level
from protocol.plans.linting import lint
from protocol.records import decode_record, encode_record
from protocol.records.plan import Plan, Unit
from tests.protocol.plans.made import DEFAULT, OPEN, plan

LEVEL = {"compression": "none", "rates": ["10%"]}
RANKS = {"ranks": [{"name": "x"}, {"name": "y"}]}
LEGS = {"team": {"legs": 2}}
PAIRS = {"mode": "pairs", "weak": "1", "amount": "1", "after": "flush"}
PERCENT = {"mode": "percent", "steps": "10%", "after": "flush"}


def read(**fields: Any) -> Plan:
    money = {} if "currencies" in fields else {"currency": "EUR"}
    return plan_from({"title": "t", "unit": "ref", "maximum": "1", **money, **fields}, "plan")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"board": {}, "unilevel": LEVEL}, "plan_refused"),
        ({"monoline": {}, "unilevel": LEVEL}, "plan_refused"),
        ({"enrolment": {}, "unilevel": LEVEL}, "plan_refused"),
        ({"joining": "10", "kit_cost": "9.99", "unilevel": LEVEL}, "plan_joining"),
        ({"unilevel": LEVEL, "maximum": "9.99%"}, "plan_unbounded"),
        ({"unilevel": {**LEVEL, "depth": 11}}, "plan_unbounded"),
        ({"binary": PERCENT, **LEGS}, "plan_unbounded"),
        ({"path": {"mode": "flat", "first": "1%"}}, "plan_unbounded"),
        ({"path": {"mode": "geometric", "first": "1%", "ratio": "1"}}, "plan_unbounded"),
        ({"path": {"mode": "geometric", "first": "60%", "ratio": "50%", "rest": True}}, "plan_unbounded"),
        ({"matrix": {"height": 2, "amounts": ["1"]}, **LEGS}, "plan_unbounded"),
        ({"matrix": {"height": 2, "amounts": ["2"], "least": "1.99"}, **LEGS}, "plan_unbounded"),
        ({"override": {"mode": "difference", "rank": "x", "generations": 11, "floor": "10%", "rates": ["5%"]}}
         | RANKS, "plan_unbounded"),
        ({"matching": {"of": ["unilevel"], "rates": ["950%"]}, "unilevel": LEVEL}, "plan_unbounded"),
        ({}, "plan_terms"),
        ({"unilevel": [LEVEL, {**LEVEL, "name": "unilevel"}]}, "plan_terms"),
        ({"unilevel": {**LEVEL, "stop": "z"}, **RANKS}, "plan_terms"),
        ({"unilevel": {**LEVEL, "rank": "x"}, **RANKS}, "plan_terms"),
        ({"unilevel": {**LEVEL, "compression": "rank"}, **RANKS}, "plan_terms"),
        ({"unilevel": {"compression": "none", "rates": ["1%", "1%"], "depth": 1}}, "plan_terms"),
        ({"unilevel": {"compression": "none", "rates": [{"rates": ["1%"]}, {"rates": ["2%"]}]}}, "plan_terms"),
        ({"unilevel": {**LEVEL, "when": "period", "only": ["lamp"]}}, "plan_terms"),
        ({"unilevel": LEVEL, "share": "101%"}, "plan_terms"),
        ({"unilevel": LEVEL, "outside_full": "50%"}, "plan_terms"),
        ({"unilevel": LEVEL, "pay_on": "points"}, "plan_terms"),
        ({"unilevel": LEVEL, "point_value": "1"}, "plan_terms"),
        ({"unilevel": LEVEL, "currencies": []}, "plan_terms"),
        ({"unilevel": LEVEL, "cap_member": "1"}, "plan_terms"),
        ({"unilevel": LEVEL, "cap_company": "1%"}, "plan_terms"),
        ({"unilevel": LEVEL, "duty": {"rules": ["pool"], "withheld": "1"}}, "plan_terms"),
        ({"unilevel": LEVEL, "duty": {"rules": ["unilevel"], "withheld": "2"}}, "plan_terms"),
        ({"unilevel": LEVEL, "ranks": [{"name": "x", "leaders": [{"rank": "y", "legs": 1}]}]}, "plan_terms"),
        ({"differential": {"mode": "marginal", "steps": [["1", "2%"], ["2", "1%"]]}}, "plan_terms"),
        ({"differential": {"mode": "marginal", "steps": [["1", "1%"], ["1", "2%"]]}}, "plan_terms"),
        ({"matrix": {"height": 1, "rates": ["1%"]}}, "plan_terms"),
        ({"matrix": {"height": 1}, **LEGS}, "plan_terms"),
        ({"binary": PERCENT, "team": {"legs": 1}}, "plan_terms"),
        ({"binary": {**PAIRS, "steps": "1%"}, **LEGS}, "plan_terms"),
        ({"binary": {**PERCENT, "weak": "1"}, **LEGS}, "plan_terms"),
        ({"binary": {**PAIRS, "strong": "1"}, **LEGS}, "plan_terms"),
        ({"binary": {**PAIRS, "weak": "0"}, **LEGS}, "plan_terms"),
        ({"binary": {**PAIRS, "mode": "ratio", "strong": "1"}, **LEGS}, "plan_terms"),
        ({"binary": {**PAIRS, "carry_cap": "1"}, **LEGS}, "plan_terms"),
        ({"binary": {**PAIRS}, **LEGS, "volume": "points"}, "plan_terms"),
        ({"path": {"mode": "flat", "first": "1%", "ratio": "1", "depth": 1}}, "plan_terms"),
        ({"cdrm": {"mode": 1, "phi": "10%", "theta": "11%"}}, "plan_terms"),
        ({"infinity": {"rates": ["1%"]}}, "plan_terms"),
        ({"matching": {"of": ["nothing"], "rates": ["1%"]}, "unilevel": LEVEL}, "plan_terms"),
        ({"matching": {"of": ["unilevel"], "rates": ["1%"], "when": "period"}, "unilevel": LEVEL}, "plan_terms"),
    ],
)  # fmt: skip
def test_a_void_plan_says_why(fields: Mapping[str, Any], code: str) -> None:
    """[R-PLAN-2..7]"""
    document = read(**fields)
    with pytest.raises(Void) as raised:
        compile_plan(document)
    assert raised.value.code == code
    (finding,) = lint(document).findings
    assert finding.verdict == "void" and finding.text == raised.value.text


def test_rules_without_a_team_of_their_own_need_one() -> None:
    """[R-PLAN-6]"""
    document = msgspec.structs.replace(read(unilevel=LEVEL), team=msgspec.UNSET, opportunity=msgspec.UNSET)
    with pytest.raises(Void, match="team"):
        compile_plan(document)


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        (DEFAULT, Fraction(1, 5)),
        ({"unilevel": {"compression": "dynamic", "rates": {"x": ["5%", "1%"], "y": ["3%", "4%"]}}, **RANKS},
         Fraction(9, 100)),
        ({"binary": PERCENT, **LEGS, "cap_company": "30%"}, Fraction(3, 10)),
        ({"path": {"mode": "geometric", "first": "50%", "ratio": "50%"}}, Fraction(1)),
        ({"path": {"mode": "flat", "first": "10%", "depth": 2, "rest": True}}, Fraction(1)),
        ({"override": {"mode": "difference", "rank": "x", "generations": 2, "floor": "1%", "rates": ["5%"]}}
         | RANKS, Fraction(7, 100)),
        ({"override": {"mode": "fixed", "rank": "x", "generations": 2, "rates": ["5%", "4%", "3%"]}} | RANKS,
         Fraction(9, 100)),
        ({"generation": {"boundary": "same", "rank": "x", "rates": {"x": ["1%", "1%"], "y": ["2%"]}}} | RANKS,
         Fraction(4, 100)),
        ({"infinity": {"rates": {"x": "1%", "y": "2%"}}} | RANKS, Fraction(3, 100)),
        ({"unilevel": LEVEL, "matching": {"of": ["unilevel"], "rates": ["50%", "10%"]}}, Fraction(16, 100)),
        ({"cdrm": {"mode": 2, "phi": "20%", "theta": "10%"}}, Fraction(1, 5)),
        ({"pool": {"rank": "x", "share": "3%"}} | RANKS, Fraction(3, 100)),
        ({"matrix": {"height": 1, "amounts": ["1", "5"], "least": "10"}, **LEGS}, Fraction(1, 10)),
    ],
)  # fmt: skip
def test_the_bound_of_a_plan(fields: Mapping[str, Any], bound: Fraction) -> None:
    """[R-PLAN-5, 19]"""
    assert plan(**{"maximum": "1", **fields}).bound == bound


def test_a_record_keeps_what_was_written_and_leaves_out_what_is_usual() -> None:
    """[R-PLAN-1]"""
    document = read(**DEFAULT, grace=0, hold_days=30)
    data = encode_record(document)
    assert decode_record(Plan.KIND, data) == document and b"hold_days" not in data
    with pytest.raises(LocalProtocolError, match="title"):
        encode_record(msgspec.structs.replace(document, title="two\nlines"))
    with pytest.raises(LocalProtocolError, match="team"):
        encode_record(msgspec.structs.replace(document, opportunity=msgspec.UNSET))


def test_a_bare_commission_is_a_plan_of_one_level() -> None:
    """[R-PLAN-11]"""
    document = one_level("Commission", Unit(exponent=2, name="EUR"), "EUR", 1_250)
    assert compile_plan(document).bound == Fraction(1, 8)
    assert decode_record(Plan.KIND, encode_record(document)) == document


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"unilevel": {"compresion": "none"}},
            "unilevel[0].compresion: there is no such key here; do you mean",
        ),
        ({"unilevel": {"rates": ["10%"]}}, "unilevel[0]: needs compression"),
        ({"unilevel": {**LEVEL, "rates": [0.1]}}, 'write it in quotes, as "0.1"'),
        ({"unilevel": {**LEVEL, "rates": ["ten"]}}, "unilevel[0].rates[0].rates[0]: 'ten' is no number"),
        ({"unilevel": {**LEVEL, "compression": "all"}}, "unilevel[0].compression: "),
        ({"period": "fortnight"}, "period: 'fortnight' is none of"),
        ({"currency": "XXQ"}, "ISO 4217"),
        ({"r1": False}, "this is no matter of the plan"),
        ({"r5": True}, "only false can be said"),
        ({"autoship": "100"}, "R4"),
        ({"joining": "0.001"}, "more than the 2 decimal places"),
        ({"unilevel": "none"}, "write [[unilevel]]"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(fields: Mapping[str, Any], words: str) -> None:
    """[R-PLAN-9]"""
    with pytest.raises(Problem) as raised:
        read(**fields)
    assert words in raised.value.text and raised.value.text.startswith("plan")


def test_the_linter_tells_what_is_switched_off() -> None:
    """[R-PLAN-8]"""
    off = {each.rule: each.verdict for each in lint(read(**DEFAULT, **OPEN)).findings}
    assert {rule for rule, verdict in off.items() if verdict == "warn"} == {
        "R2",
        "R5",
        "R6",
        "R7",
        "R8",
        "R19",
    }
    kept = lint(read(**DEFAULT)).findings
    assert {each.verdict for each in kept} == {"pass"}
    assert [each.rule for each in kept] == [f"R{number}" for number in range(1, 20) if number != 18]


@pytest.mark.parametrize(
    ("fields", "rule", "words"),
    [
        ({"personal": "10"}, "R2", "up to a bound"),
        ({"unlock_buyers": 3}, "R5", "outside the team in the period: 3."),
        ({"unlock_buyers": 3, "unlock_volume": "10"}, "R5", "3, or enough volume"),
        ({"outside_full": "50%", "outside_least": "20%"}, "R6", "below 50 % sold outside"),
        ({"team": {"buyback": {"days": 30, "points": 9_000}}}, "R9", "for 30 days, at 90 %"),
        ({"team": {"buyback": {"days": 365, "points": 5_000}}}, "R9", "for 365 days, at 50 %"),
        ({"maximum": "60%"}, "R10", "declared are 60 %"),
        ({"notice_days": 0}, "R11", "Switched off: changes"),
        ({"differential": {"mode": "whole", "steps": [["0", "1%"], ["9", "2%"]]}}, "differential", "jump"),
        (
            {"tiers": {"mode": "whole", "steps": [["0", "1%"], ["9", "2%"]]}, "maximum": "30%"},
            "tiers",
            "jump",
        ),
        ({"unilevel": {**LEVEL, "compression": "none"}, "maximum": "40%"}, "unilevel", "further level"),
        ({"unilevel": {**LEVEL, "compression": "inactive"}, "maximum": "40%"}, "unilevel", "Compression"),
        ({"cap_company": "20%", "binary": PERCENT, "maximum": "40%", **LEGS}, "binary", "company cap"),
    ],
)
def test_the_linter_warns_of_what_weakens_a_rule(fields, rule, words) -> None:
    """[R-PLAN-8]"""
    found = lint(read(**DEFAULT | fields)).findings
    assert [each.verdict for each in found if each.rule == rule and words in each.text] == ["warn"]


def test_the_linter_refuses_what_no_log_can_pay() -> None:
    """[R-PLAN-8] [R-CRED-19] On files such a plan is evaluated all the same."""
    tiers = {"mode": "marginal", "steps": "5%", "when": "period"}
    report = lint(read(tiers=tiers))
    (finding,) = report.findings
    assert (finding.rule, finding.verdict) == ("terms", "void") and "needs a team" in finding.text
    assert report.compiled is None and compile_plan(read(tiers=tiers)).by_close
    assert lint(read(tiers=tiers, team={})).compiled is not None


def test_without_a_team_there_is_nothing_to_buy_back() -> None:
    found = lint(read(tiers={"mode": "marginal", "steps": "5%"})).findings
    assert [each.text for each in found if each.rule == "R9"] == ["No team: nobody buys goods as a member."]
