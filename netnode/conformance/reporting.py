"""The report of a run: counts and results as a document, and expected failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from netnode.conformance.checking import Check
from netnode.conformance.running import Result
from netnode.problems import ExitCode, Problem


def read_expected(text: str, checks: Sequence[Check]) -> dict[str, str]:
    """The ids of a file of expected failures, with their reasons.

    Args:
        text: an id a line; what follows `#` is the reason; empty lines and lines of a reason alone are passed over.
        checks: those there are.

    Raises:
        Problem: a line names no check.
    """
    known = {check.id for check in checks}
    expected: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        id_, _, reason = (part.strip() for part in line.partition("#"))
        if not id_:
            continue
        if id_ not in known:
            text = f"Line {number} of the expected failures names no check: {id_[:40]!r}. See --list."
            raise Problem(text, ExitCode.USAGE, "usage")
        expected[id_] = reason
    return expected


def verdict(result: Result, expected: Mapping[str, str]) -> str:
    """`passed`, `failed`, `skipped`; `expected` for an expected failure, `unexpected` for a pass in place of one."""
    if result.check.id not in expected:
        return result.verdict
    return {"failed": "expected", "passed": "unexpected"}.get(result.verdict, result.verdict)


def document(results: Sequence[Result], expected: Mapping[str, str]) -> dict[str, Any]:
    """The report: how many passed and failed, and each result; an expected failure counts as neither."""
    rows = [
        {
            "id": result.check.id,
            "class": result.check.klass,
            "requirements": list(result.check.ids),
            "roles": list(result.check.roles),
            "sentence": result.check.sentence,
            "verdict": verdict(result, expected),
            "detail": result.detail,
        }
        for result in results
    ]
    counts = Counter(str(row["verdict"]) for row in rows)
    return {
        "passed": counts["passed"] + counts["unexpected"],
        "failed": counts["failed"],
        "skipped": counts["skipped"],
        "expected": counts["expected"],
        "unexpected": [row["id"] for row in rows if row["verdict"] == "unexpected"],
        "results": rows,
    }
