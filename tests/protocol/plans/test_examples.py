"""Every worked example comes out exactly, through files and the calculator as a person would do it [R-PLAN-12, 13]."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netnode.plans.calculating import calculate, document
from netnode.plans.files import read_sales, read_team
from netnode.plans.reading import compiled_from
from tests.protocol.plans.examples import EXAMPLES, Example


def evaluated(folder: Path, plan: Any, tree: Any, sales: Any) -> dict[str, Any]:
    """What `plan evaluate --json` gives for files of these contents."""
    for name, content in (("plan", plan), ("tree", tree), ("sales", sales)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    compiled = compiled_from(folder / "plan.json")
    team = None if tree is None else read_team(folder / "tree.json", compiled)
    return document(compiled, calculate(compiled, team, read_sales(folder / "sales.json", compiled, team)))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_comes_out_exactly(example: Example, tmp_path: Path) -> None:
    tree = None if example.tree is None else {"members": example.tree}
    found = evaluated(tmp_path, {"title": example.name, **example.plan}, tree, {"sales": example.sales})
    if example.totals:
        assert found["totals"] == example.totals
    if example.awards is not None:
        assert [(one["to"], one["level"], one["amount"]) for one in found["awards"]] == list(example.awards)
    for name, legs in example.carry.items():
        assert found["state"][name]["carry"] == legs


def test_every_example_is_there() -> None:
    assert len({example.name.partition(",")[0] for example in EXAMPLES}) == 35
