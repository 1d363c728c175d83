"""Faults put into encoding, identity, log, reconciliation and deals, one at a time: nine of ten must be noticed.

What the tests do not notice is listed in `mutants_survivors.toml` with the reason, which is that nobody can notice it;
a survivor that is not listed, and a listed one that is noticed, fail a whole run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.long._mutations import mutants

GROUPS: Final = {
    "encoding": ("encoding",),
    "identity": ("identity", "openers", "recovery", "bech32"),
    "log": ("log", "log_state", "run", "forks", "entry"),
    "reconciliation": ("items", "ranges"),
    "deal": ("deals.judging", "deals.view", "deals.figures", "deals.starting"),
}
TESTS: Final = {
    "encoding": ("test_encoding", "test_records_codec", "test_records_bounds", "test_forms", "test_vectors"),
    "identity": ("test_bech32", "test_recovery", "test_openers", "test_log", "test_spec_rules", "test_vectors"),
    "log": (
        "test_log", "test_log_steps", "test_log_filling", "test_entry", "test_forks", "test_openers", "test_forms",
        "test_spec_rules", "test_vectors", "test_log_machine",
    ),
    "reconciliation": ("test_items", "test_ranges", "test_ranges_bounds", "test_log", "test_vectors"),
    "deal": (
        "deals/test_judging", "deals/test_table", "deals/test_crossings", "deals/test_figures", "deals/test_offers",
        "deals/test_moves", "deals/test_moves_doubled",
    ),
}  # fmt: skip
ROOT: Final = Path(__file__).parents[2]
SURVIVORS: Final = Path(__file__).with_name("mutants_survivors.toml")
LEAST: Final = 0.9
Row = dict[str, Any]


def options(parser: argparse.ArgumentParser) -> None:
    """Which modules, how many of their mutants, and where every verdict goes."""
    names = [*GROUPS, *(name for group in GROUPS.values() for name in group)]
    parser.add_argument(
        "--module", choices=names, action="append", help="a group or a module; all without it"
    )
    parser.add_argument(
        "--sample", type=int, default=0, help="judge about so many, evenly spread; all without it"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a file for one JSON line of each mutant")
    parser.add_argument(
        "--again", type=Path, help="such a file of a former run: only what it did not notice is judged"
    )


def run(chosen: argparse.Namespace) -> str:
    """Puts the faults in; fails when too many are not noticed, or one that is not listed."""
    modules = chosen_modules(chosen.module or list(GROUPS))
    former = [] if chosen.again is None else noticed(chosen.again, modules)
    rows = []
    for group, tests in TESTS.items():
        if chosen_here := [name for name in modules if name.removeprefix("protocol.") in GROUPS[group]]:
            rows += judged(chosen_here, tests, chosen.workers, every(modules, chosen.sample), former)
    rows += former
    if chosen.out is not None:
        chosen.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    survived = {(row["module"], row["key"]) for row in rows if row["verdict"] == "survived"}
    told = {(row["module"], row["key"]) for row in rows}
    listed = {(f"protocol.{name}", key) for name, reasons in survivors().items() for key in reasons}
    for line in table(rows):
        print(line)
    for module, key in sorted(survived - listed):
        print(f"survived: {module}: {key}")
    for module, key in sorted((listed & told) - survived):
        print(f"listed, yet noticed: {module}: {key}")
    share = 1 - len(survived) / len(rows)
    assert share >= LEAST, f"only {share:.1%} of {len(rows)} mutants are noticed"
    assert not survived - listed, f"{len(survived - listed)} survivors are not in {SURVIVORS.name}"
    assert not (listed & told) - survived, f"{SURVIVORS.name} lists what is noticed"
    return (
        f"{len(rows)} mutants, {share:.1%} noticed, {len(survived)} survivors, all listed with their reason"
    )


def chosen_modules(names: list[str]) -> list[str]:
    """The dotted names of the modules of these groups."""
    found = [module for name in names for module in GROUPS.get(name, (name,))]
    return [f"protocol.{name}" for name in dict.fromkeys(found)]


def survivors() -> dict[str, dict[str, str]]:
    """What is known to survive: for each module, the mutants with their reasons."""
    found: dict[str, dict[str, str]] = tomllib.loads(SURVIVORS.read_text())
    return found


def every(modules: list[str], sample: int) -> int:
    """A step that leaves about so many mutants of these modules; 1 for all."""
    if not sample:
        return 1
    count = sum(len(mutants(source(name))) for name in modules)
    return max(1, count // sample)


def noticed(former: Path, modules: list[str]) -> list[Row]:
    """What a former run noticed of the mutants that there are still."""
    rows = [json.loads(line) for line in former.read_text().splitlines()]
    keys = {(name, mutant.key) for name in modules for mutant in mutants(source(name))}
    rows = [row for row in rows if row["verdict"] != "survived" and (row["module"], row["key"]) in keys]
    return list({(row["module"], row["key"]): row for row in rows}.values())


def source(module: str) -> str:
    """The source of a module, by its dotted name."""
    return (ROOT / f"{module.replace('.', '/')}.py").read_text()


def judged(
    modules: list[str], tests: tuple[str, ...], workers: int, step: int, former: list[Row]
) -> Iterator[Row]:
    """The verdicts of some workers, each a process of its own that has imported nothing of what it changes."""
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    with contextlib.ExitStack() as opened:
        known = opened.enter_context(tempfile.NamedTemporaryFile("w", suffix=".jsonl"))
        known.write("".join(json.dumps(row) + "\n" for row in former))
        known.flush()
        started = []
        for part in range(workers):
            out = opened.enter_context(tempfile.TemporaryFile())
            paths = ",".join(f"tests/protocol/{name}.py" for name in tests)
            given = [str(part), str(workers), str(step), known.name, paths, *modules]
            command = [sys.executable, "-m", "tests.long._mutant_worker", *given]
            started.append((subprocess.Popen(command, stdout=out, env=environment, cwd=ROOT), out))
        for process, out in started:
            assert process.wait() == 0, f"a worker ended with {process.returncode}"
            out.seek(0)
            yield from map(json.loads, out.read().decode().splitlines())


def table(rows: list[Row]) -> Iterator[str]:
    """One line of figures for each module."""
    verdicts = Counter((row["module"], row["verdict"]) for row in rows)
    for module in sorted({row["module"] for row in rows}):
        count = sum(number for (name, _), number in verdicts.items() if name == module)
        left = verdicts[(module, "survived")]
        yield f"{module:24} {count:5} mutants {count - left:5} noticed {left:4} survived {1 - left / count:7.1%}"
