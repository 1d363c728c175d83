"""Nodes killed without warning while they publish, import and replicate: nothing acknowledged is lost, no log forks."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.processes.kills import kill_rounds
from tests.processes.launcher import launcher


def options(parser: argparse.ArgumentParser) -> None:
    """How many rounds, and what decides their course."""
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder, launcher(Path(folder)) as nodes:
        told = kill_rounds(nodes, chosen.rounds, chosen.seed)
    return (
        f"{chosen.rounds} rounds, {told.writer} kills of the writer and {told.reader} of the reader, "
        f"{told.acknowledged:,} listings acknowledged, none lost, no fork"
    )
