"""Each rule switched off in a node of its own: exactly the checks of that rule fail, all checks run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netnode.conformance.running import Result
from netnode.testing import MeshFailure
from tests.broken.judging import broken, checks_for, failed, judged
from tests.broken.switches import SWITCHES


def options(parser: argparse.ArgumentParser) -> None:
    """Which switches."""
    parser.add_argument(
        "--switch", action="append", choices=sorted(SWITCHES), help="only this one; may be repeated"
    )
    parser.add_argument("--details", action="store_true", help="tell what each failing check says")
    parser.add_argument("--at-once", type=int, default=3, help="nodes side by side")


def run(arguments: argparse.Namespace) -> str:
    """Runs them."""
    names = arguments.switch or list(SWITCHES)
    with ThreadPoolExecutor(arguments.at_once) as pool:
        wrong = [name for name in pool.map(lambda name: _noticed(name, arguments.details), names) if name]
    assert not wrong, f"other checks fail than expected of: {', '.join(wrong)}"
    return f"{len(names)} switches, each noticed by its checks and by no others"


def _noticed(name: str, details: bool) -> str | None:
    """The name of a switch that others notice than its checks; None when all is well."""
    switch = SWITCHES[name]
    try:
        with tempfile.TemporaryDirectory() as folder, broken(Path(folder), name) as node:
            results = asyncio.run(judged(node, checks_for(switch)))
    except (
        MeshFailure
    ) as failure:  # the rule is written otherwise now, say: the other switches are tried all the same
        print(f"{name}: {failure}", flush=True)
        return name
    wrong: list[Result] = [result for result in results if result.verdict == "failed"]
    lines = [f"{name} ({switch.requirement}): {' '.join(sorted(failed(results))) or 'nothing fails'}"]
    if details:
        lines += [f"    {each.check.id} {each.check.sentence}: {each.detail}" for each in wrong]
    print("\n".join(lines), flush=True)
    named = {id_ for result in wrong for id_ in result.check.ids}
    return None if failed(results) == set(switch.fails) and switch.requirement in named else name
