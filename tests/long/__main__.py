"""Tests that take their time: ``python -m tests.long kills [--rounds 200] [--seed 1]``."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.processes.kills import kill_rounds
from tests.processes.launcher import launcher


def main() -> None:
    """Reads the command line and runs one of them; a failure ends it with the assertion."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__)
    parser.add_argument("test", choices=["kills"])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder, launcher(Path(folder)) as nodes:
        acknowledged = kill_rounds(nodes, chosen.rounds, chosen.seed)
    took = time.monotonic() - began
    print(f"{chosen.rounds} kills, {acknowledged:,} publications acknowledged, none lost, {took:.0f} s")


if __name__ == "__main__":
    main()
