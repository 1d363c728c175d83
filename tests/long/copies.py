"""Copies of one home in any order of events, walked at random: no fork stays, nothing is gone without a word."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.netnode.copies_walk import walk


def options(parser: argparse.ArgumentParser) -> None:
    """How many walks, of how many steps, from which seed on."""
    parser.add_argument("--walks", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)


def run(chosen: argparse.Namespace) -> str:
    """Walks; the first that breaks something ends it, with its seed and steps."""
    published = 0
    for seed in range(chosen.seed, chosen.seed + chosen.walks):
        with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder:
            published += len(walk(Path(folder), seed, chosen.steps).everything)
    return f"{chosen.walks} walks of {chosen.steps} steps, {published:,} entries published, none gone without a word"
