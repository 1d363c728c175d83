"""SPEC.md and the code agree; and the tool that says so notices when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec import check, requirements
from tests.spec.markdown import fill, places, table
from tests.spec.tables import ROOT


def test_spec_and_code_agree() -> None:
    spec = (ROOT / "SPEC.md").read_text(encoding="utf-8")
    assert check.findings(spec, ROOT) == []


def test_a_table_escapes_bars_and_joins_lines() -> None:
    assert table(("a", "b"), [("x|y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x\\|y | one two |\n"


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="cells"):
        table(("a", "b"), [("x",)])


def test_filling_is_idempotent_and_leaves_unknown_places() -> None:
    text = "# t\n<!-- table:x -->\nold\n<!-- /table -->\nrest\n<!-- table:y -->\nkept\n<!-- /table -->\n"
    once = fill(text, {"x": "new\n"}.get)
    assert "old" not in once and "new" in once and "kept" in once and "rest" in once
    assert fill(once, {"x": "new\n"}.get) == once


def test_an_unclosed_place_is_reported() -> None:
    with pytest.raises(ValueError, match="do not pair"):
        places("<!-- table:x -->\nno end\n")


def test_a_changed_table_is_reported() -> None:
    spec = (ROOT / "SPEC.md").read_text(encoding="utf-8")
    found = check.findings(spec.replace("9,007,199,254,740,991", "9,007,199,254,740,992"), ROOT)
    assert "table 'limits' of SPEC.md differs from the code: run python -m tests.spec --write" in found


def test_ranges_are_expanded() -> None:
    names = [f"R-{'ENC'}-{number}" for number in (2, 3, 4)]
    assert requirements.cited(f"[{names[0]}..4]") == set(names)


def test_requirements_are_held_to_their_rules(tmp_path: Path) -> None:
    for folder in ("netnode", "protocol", "examples", "tests"):
        (tmp_path / folder).mkdir()
    a, b, c, d, e = (f"R-{'X'}-{number}" for number in range(1, 6))
    (tmp_path / "tests" / "test_x.py").write_text(f"# {a}, {c}\n")
    (tmp_path / "protocol" / "x.py").write_text(f'"""[{e}]"""\n')
    spec = (
        f"**[{a}]** MUST. **[{b}]** MUST. **[{c}]** MUST. **[{c}]** again. **[{d}]** MUST.\n"
        f"## 9 Untestable requirements\n| id | reason |\n| --- | --- |\n| {d} | intent |\n## Next\n"
    )
    assert requirements.findings(spec, tmp_path) == [
        f"{c} is defined 2 times in SPEC.md",
        f"{b} is cited by no test and not listed under 'Untestable requirements'",
        f"{e} is not in SPEC.md, but protocol/x.py cites it",
    ]
