"""A million mutated inputs to every reader: a value or the documented error, in bounded time and memory."""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.long._feed_targets import targets as feed_targets
from tests.long._garbling import Garbler
from tests.long._input_targets import Target
from tests.long._input_targets import targets as core_targets

SECONDS: Final = 5.0  # of processor time that no input may take; the slowest take a tenth
MEMORY: Final = 1536 << 20
TOLD: Final = 20


@dataclass(slots=True)
class Found:
    """What came of the inputs of one target: how often each verdict, the slowest, and what is wrong."""

    verdicts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: dict[str, str] = field(default_factory=dict)


def fed(targets: tuple[Target, ...], count: int, seed: str) -> dict[str, Found]:
    """Feeds so many inputs to the targets, by their weights; one example of each thing that goes wrong is kept."""
    found: dict[str, Found] = {}
    whole = sum(target.weight for target in targets)
    for target in targets:
        told = found[target.name] = Found()
        garbler = Garbler(random.Random(f"{seed} {target.name}"))
        for _ in range(max(1, count * target.weight // whole)):
            given = target.draw(garbler)
            began = time.process_time()
            try:
                told.verdicts[target.judge(given)] += 1
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                name = (
                    f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:120]}"
                )
                told.wrong.setdefault(name, shown(given))
            took = time.process_time() - began
            if took > SECONDS:
                told.wrong.setdefault(f"{took:.1f} s", shown(given))
            told.slowest = max(told.slowest, took)
    return found


def shown(given: Any) -> str:
    """An input as a person can use it again; the beginning of a long one."""
    if isinstance(given, bytes):
        given = given.hex()
    elif isinstance(given, tuple):
        given = tuple(part.hex() if isinstance(part, bytes) else part for part in given)
    text = repr(given)
    return text if len(text) < 4_000 else text[:4_000] + "..."


def options(parser: argparse.ArgumentParser) -> None:
    """How many inputs, and what decides them."""
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--target", help="only the targets whose name has this in it")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> str:
    """Feeds them in several processes; fails when anything is wrong, with the inputs that show it."""
    if chosen.worker is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        found = fed(chosen_targets(chosen.target), chosen.count, f"{chosen.seed}.{chosen.worker}")
        print(json.dumps({name: [told.verdicts, told.slowest, told.wrong] for name, told in found.items()}))
        return "fed"
    whole: dict[str, Found] = {}
    for part in _parts(chosen):
        for name, (verdicts, slowest, wrong) in part.items():
            told = whole.setdefault(name, Found())
            told.verdicts.update(verdicts)
            told.slowest = max(told.slowest, slowest)
            told.wrong |= wrong
    for name, told in whole.items():
        figures = ", ".join(f"{verdict} {count:,}" for verdict, count in told.verdicts.most_common(12))
        print(f"{name:20} {told.verdicts.total():9,}  slowest {told.slowest * 1e3:6.1f} ms  {figures}")
    wrong = [(name, *each) for name, told in whole.items() for each in told.wrong.items()]
    for name, what, given in wrong[:TOLD]:
        print(f"WRONG in {name}: {what}\n    {given}")
    assert not wrong, f"{len(wrong)} things went wrong"
    count = sum(told.verdicts.total() for told in whole.values())
    return f"{count:,} inputs to {len(whole)} readers, each a value or its error, none above {SECONDS} s"


def chosen_targets(name: str | None) -> tuple[Target, ...]:
    """All, or those whose name has this in it."""
    return tuple(
        target for target in (*core_targets(), *feed_targets()) if name is None or name in target.name
    )


def _parts(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    started = []
    for worker in range(chosen.workers):
        command = [
            sys.executable,
            "-m",
            "tests.long",
            "inputs",
            "--worker",
            str(worker),
            "--seed",
            str(chosen.seed),
        ]
        command += ["--count", str(chosen.count // chosen.workers)]
        command += ["--target", chosen.target] if chosen.target else []
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]))
    for process in started:
        told, _ = process.communicate()
        assert process.returncode == 0, f"a worker ended with {process.returncode}"
        part: dict[str, Any] = json.loads(told.decode().splitlines()[0])
        yield part
