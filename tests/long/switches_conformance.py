"""Each rule switched off in a node of its own: exactly the checks of that rule fail, all checks run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.broken.judging import broken, checks_for, failed, judged
from tests.broken.switches import SWITCHES


def options(parser: argparse.ArgumentParser) -> None:
    """Which switches."""
    parser.add_argument(
        "--switch", action="append", choices=sorted(SWITCHES), help="only this one; may be repeated"
    )
    parser.add_argument("--details", action="store_true", help="tell what each failing check says")


def run(arguments: argparse.Namespace) -> str:
    """Runs them one after the other."""
    wrong: list[str] = []
    names = arguments.switch or list(SWITCHES)
    for name in names:
        switch = SWITCHES[name]
        with tempfile.TemporaryDirectory() as folder, broken(Path(folder), name) as node:
            results = asyncio.run(judged(node, checks_for(switch)))
        found = failed(results)
        print(f"{name} ({switch.requirement}): {' '.join(sorted(found)) or 'nothing fails'}", flush=True)
        if arguments.details:
            for result in results:
                if result.verdict == "failed":
                    print(f"    {result.check.id} {result.check.sentence}: {result.detail}", flush=True)
        named = {id_ for result in results if result.verdict == "failed" for id_ in result.check.ids}
        if found != set(switch.fails) or switch.requirement not in named:
            wrong.append(name)
    assert not wrong, f"other checks fail than expected of: {', '.join(wrong)}"
    return f"{len(names)} switches, each noticed by its checks and by no others"
