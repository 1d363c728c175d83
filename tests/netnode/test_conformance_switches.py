"""A node with one rule switched off fails exactly the checks of that rule.

Here a share of the switches meets a share of the checks; all of both: ``python -m tests.long switches_conformance``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from netnode.conformance.checks import ALL
from tests.broken.judging import broken, failed, judged
from tests.broken.rewriting import rewritten
from tests.broken.switches import SWITCHES

QUICK: Final = (
    "budget",
    "chunk",
    "cursor-tag",
    "heads-paging",
    "ids",
    "interest",
    "records",
    "refusal-codes",
    "run-ends",
)
"""Switches whose checks fail at once, not by waiting for what does not come."""

EVERY: Final = 6
BY_ID: Final = {check.id: check for check in ALL}


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_fit_the_program(name: str) -> None:
    """What is rewritten is there, and what is made of it can be compiled; nothing is switched off here."""
    for where, pieces in SWITCHES[name].rewrites.items():
        rewritten(where, pieces)


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_name_their_checks(name: str) -> None:
    switch = SWITCHES[name]
    assert switch.fails, "no check notices it"
    assert len(set(switch.fails)) == len(switch.fails)
    named = {id_ for check in switch.fails for id_ in BY_ID[check].ids}
    assert switch.requirement in named


@pytest.mark.parametrize("name", QUICK)
async def test_a_rule_switched_off_is_noticed(name: str, tmp_path: Path) -> None:
    switch = SWITCHES[name]
    share = [
        check for at, check in enumerate(ALL) if not check.slow and check.klass != "C4" and at % EVERY == 0
    ]
    checks = [check for check in ALL if check.id in switch.fails or check in share]
    with broken(tmp_path, name) as node:
        results = await judged(node, checks)
    assert failed(results) == set(switch.fails), [
        (each.check.id, each.detail) for each in results if each.verdict == "failed"
    ]
