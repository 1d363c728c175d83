"""All workloads of the node, one table: ``python -m tests.benchmarks [--only W1a|W1b|store|search] [--json]``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import runpy
import sys
from importlib.metadata import version
from typing import Any, Final

import apsw

from tests.benchmarks import cold_copy, sources

WORKLOADS: Final = {"W1a": sources.W1A, "W1b": sources.W1B}
OTHERS: Final = {"store": "tests.benchmarks.store_commit", "search": "tests.benchmarks.search_scale"}


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


def versions() -> dict[str, str]:
    """What was measured, and what it stands on."""
    names = ("netnode", "aiohttp", "apsw", "cryptography", "msgspec", "PyNaCl")
    found = {name: version(name) for name in names}
    return {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version(), **found}


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=[*WORKLOADS, *OTHERS], action="append", help="repeatable; else W1a and W1b"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument(
        "--runs", type=int, default=cold_copy.RUNS, help="of each workload; the median counts"
    )
    chosen = parser.parse_args()
    only = chosen.only or list(WORKLOADS)
    result: dict[str, Any] = {"machine": machine(), "versions": versions()}
    for name in only:
        if name in WORKLOADS:
            print(f"{name}: {chosen.runs} runs ...", file=sys.stderr)
            result[name] = cold_copy.measure(WORKLOADS[name], chosen.runs)
    if chosen.json:
        json.dump(result, sys.stdout, indent=2)
        print()
    else:
        show(result)
    for name in only:
        if name in OTHERS:
            sys.argv = [OTHERS[name]]
            with contextlib.redirect_stdout(sys.stderr if chosen.json else sys.stdout):
                runpy.run_module(OTHERS[name], run_name="__main__")


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    for part in ("machine", "versions"):
        print(f"{part}: " + ", ".join(f"{name} {value}" for name, value in result[part].items()))
    for name, row in result.items():
        if name in {"machine", "versions"}:
            continue
        print(
            f"\n{name}: {row['entries']:,} entries of {row['entry bytes']} bytes, {row['networkers']:,} networkers"
        )
        print(f"  copied, verified, committed  {row['own']:>8,} entries/s   (runs: {row['runs']})")
        print(f"  gate alone, in one process   {row['gate alone']:>8,} entries/s")
        for what, seconds in row["seconds"].items():
            print(f"  {what:<28} {seconds:>8.3f} s")


if __name__ == "__main__":
    main()
