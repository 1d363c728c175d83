"""Buyer, seller and mailbox host killed at any moment while they deal: both sides come to the same, nothing is lost.

See tests/processes/deal_kills.py. A line per round goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from netnode.testing import Mesh
from tests.processes.deal_kills import kill_rounds


def options(parser: argparse.ArgumentParser) -> None:
    """How many rounds, and what decides their course."""
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder, Mesh(Path(folder)) as nodes:
        told = kill_rounds(
            nodes, chosen.rounds, chosen.seed, lambda line: print(line, file=sys.stderr, flush=True)
        )
    kills = ", ".join(f"{count} of the {name}" for name, count in told.kills.items())
    refused = ", ".join(f"{count} {code}" for code, count in sorted(told.refused.items())) or "none"
    return (
        f"{chosen.rounds} rounds, {told.off} of them with the seller off, kills: {kills}; {told.deals} deals by "
        f"{told.steps} steps, all final and the same on both sides, none lost, none doubled (moves refused: {refused})"
    )
