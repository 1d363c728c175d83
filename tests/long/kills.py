"""Nodes killed without warning while they publish, import and replicate: nothing acknowledged is lost, no log forks.

After each restart what the round added is looked at; every 25 rounds, and at the end, everything is, from nothing: see
tests/processes/kills.py. A line per round goes to stderr.
"""

from __future__ import annotations

import argparse
import sys

from netnode.testing import Mesh
from tests.processes.kills import kill_rounds


def options(parser: argparse.ArgumentParser) -> None:
    """How many rounds, and what decides their course."""
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    with Mesh() as nodes:  # its folder stays when they fail
        told = kill_rounds(
            nodes, chosen.rounds, chosen.seed, lambda line: print(line, file=sys.stderr, flush=True)
        )
    return (
        f"{chosen.rounds} rounds, {told.writer} kills of the writer ({told.importing} during an import) and "
        f"{told.reader} of the reader (in {told.behind} rounds it had entries to fetch afterwards), "
        f"{told.acknowledged:,} listings acknowledged, none lost, no fork"
    )
