"""Issuers and holders killed at any moment while they trade, transfer and swap: no credit is lost, none doubled.

See tests/processes/credit_kills.py. A line per round goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from netnode.testing import Mesh
from tests.processes.credit_kills import kill_rounds


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
    kills = ", ".join(f"{count} of {name}" for name, count in told.kills.items())
    refused = ", ".join(f"{count} {code}" for code, count in sorted(told.refused.items())) or "none"
    return (
        f"{chosen.rounds} rounds, kills: {kills}; {told.sales} sales each logged once, {told.transfers} transfers and "
        f"{told.swaps} swaps, the same everywhere and right to the cent (refused to owners: {refused})"
    )
