"""Random ledger operations on the fold and on a naive ledger, in many small worlds: equal after each of them.

In half of the worlds the log forks; then the union of the branches is compared as well.
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.protocol.ledger.branches import play


def options(parser: argparse.ArgumentParser) -> None:
    """How many, from which world on, and in how many processes."""
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=100, help="operations of one world")
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--processes", type=int, default=2)


def run(chosen: argparse.Namespace) -> str:
    """Plays them; ends with an assertion where the two differ."""
    worlds = -(-chosen.operations // chosen.steps)
    outcomes: Counter[str] = Counter()
    with ProcessPoolExecutor(chosen.processes) as pool:
        numbers = range(chosen.first, chosen.first + worlds)
        for found in pool.map(play, numbers, [chosen.steps] * worlds, chunksize=8):
            outcomes.update(found)
    for name, count in sorted(outcomes.items()):
        print(f"{count:9,} {name}", flush=True)
    return f"{outcomes.total():,} operations in {worlds:,} worlds, equal after each"
