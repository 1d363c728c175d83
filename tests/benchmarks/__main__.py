"""The table of workloads, beside the rivals that are installed.

    python -m tests.benchmarks --install-rivals DIR     once: npm and pip install what netnode is compared with
    python -m tests.benchmarks --rivals DIR             W1a to W3, within ten minutes
    python -m tests.benchmarks --only W4 --only W6      growth; idle and crowd
    python -m tests.benchmarks --only W5                the ledger: sales, a period of a million members
    python -m tests.benchmarks --only DEALS             whole deals through two nodes

A ratio above 1 means that netnode is better. Progress goes to stderr, the table (or with --json one document) to
stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import apsw

from tests.benchmarks import audit, closing, cold_copy, crowd, dealing, difference, growth, live, sources
from tests.benchmarks.rivals.installing import Rivals, install

RUNS: Final = 3
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {  # names that stand for others: what is measured together
    "W2a": ("W2",),
    "W5": ("W5a", "W5b"),
    "W5c": ("W5b",),
    "W5d": ("W5b",),
}
# Each measures one row or more: (runs, rivals) -> {workload: row}.
Measure = Callable[[int, Rivals | None], dict[str, Any]]
TABLE: Final[Mapping[str, Measure]] = {
    "W1a": lambda runs, rivals: {"W1a": cold_copy.measure(sources.W1A, runs, rivals)},
    "W1b": lambda runs, rivals: {"W1b": cold_copy.measure(sources.W1B, runs, rivals)},
    "W2": lambda runs, rivals: difference.measure(runs, rivals=rivals),
    "W3": lambda runs, rivals: {"W3": live.measure(runs, rivals)},
    "W4": lambda runs, rivals: {"W4": growth.measure(runs)},
    "W5a": lambda runs, rivals: {"W5a": audit.measure(runs)},
    "W5b": lambda runs, rivals: closing.measure(),
    "W6": lambda runs, rivals: {"W6": crowd.measure()},
    "DEALS": lambda runs, rivals: {"DEALS": dealing.measure(runs)},
}
ALONE: Final = ("W4", "W5a", "W5b", "W6", "DEALS")  # take long, or have no rival: only when asked for
TITLES: Final = {
    "W1a": "cold copy, 10,000 entries of 1 networker",
    "W1b": "cold copy, 10,000 entries of 1,000 networkers",
    "W2": "difference of 50 + 50 in 100,000, strangers",
    "W2a": "the same, peers that met before",
    "W3": "live, four hops; the ratio is the worse of the two",
    "W4": "growth to 1,000,000",
    "W5a": "sales of seven levels, audited; a balance among 1,000,000 credits",
    "W5b": "a period of 1,000,000 members and sales, closed",
    "W5c": "the same, until the open statement shows a sale",
    "W5d": "the same, audited by an outsider",
    "W6": "idle and crowd, 256 sessions",
    "DEALS": "whole deals through two nodes, 16 at once",
}


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            model = next(
                (line.partition(":")[2].strip() for line in file if line.startswith("model name")), ""
            )
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": model,
        "cores": cores,
        "load before": load,
    }


def versions(rivals: Rivals | None = None) -> dict[str, str]:
    """What was measured, and what it stands on."""
    names = ["netnode", "aiohttp", "apsw", "cryptography", "msgspec", "PyNaCl"]
    if find_spec("uvloop") is not None:
        names.append("uvloop")
    found = {name: version(name) for name in names}
    return {
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        **found,
        **({} if rivals is None else rivals.versions()),
    }


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--only",
        choices=sorted({*TABLE, *GROUPS}),
        action="append",
        help="repeatable; else W1a, W1b, W2 and W3",
    )
    parser.add_argument("--rivals", type=Path, metavar="DIR", help="where --install-rivals put them")
    parser.add_argument(
        "--install-rivals", type=Path, metavar="DIR", help="install them there, and do no more"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each workload; the median counts")
    chosen = parser.parse_args()
    if chosen.install_rivals is not None:
        try:
            install(chosen.install_rivals.resolve())
        except (RuntimeError, subprocess.CalledProcessError) as error:
            sys.exit(f"Error: {error}")
        print(f"Installed. Now: python -m tests.benchmarks --rivals {chosen.install_rivals}", file=sys.stderr)
        return
    rivals = None
    if chosen.rivals is not None:
        rivals = Rivals(chosen.rivals.resolve())
        if not rivals.versions():
            sys.exit(
                f"Error: there are no rivals in {chosen.rivals}. Install them: python -m tests.benchmarks"
                f" --install-rivals {chosen.rivals}"
            )
    wanted = {each for name in chosen.only or () for each in GROUPS.get(name, (name,))}
    result: dict[str, Any] = {"machine": machine(), "versions": versions(rivals)}
    for name, measure in TABLE.items():
        if name in wanted or (not wanted and name not in ALONE):
            print(f"{name}: {TITLES[name]}; {chosen.runs} runs ...", file=sys.stderr, flush=True)
            began = time.monotonic()
            result |= measure(chosen.runs, rivals)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if chosen.json:
        json.dump(result, sys.stdout, indent=2)
        print()
    else:
        show(result)


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    for part in ("machine", "versions"):
        print(f"{part}: " + ", ".join(f"{name} {value}" for name, value in result[part].items()))
    rows = {name: row for name, row in result.items() if name not in {"machine", "versions"}}
    print(f"\n{'':5}{'own':>24}{'rival':>24}{'ratio':>8}  what")
    for name, row in rows.items():
        if "own" in row:
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.1f}"
            unit = row["unit"]
            own, rival = _figure(row["own"], unit), _figure(row["rival"], unit)
            print(f"{name:5}{own:>24}{rival:>24}{ratio:>8}  {TITLES.get(name, name)}")
    for name, row in rows.items():
        print(f"\n{name}")
        for key, value in row.items():
            if value not in (None, []):
                print(f"  {key}: {value}")


def _figure(value: Any, unit: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return " / ".join(f"{each:.1f}" for each in value.values()) + f" {unit}"
    return f"{value:,} {unit}"


if __name__ == "__main__":
    main()
