"""What the long runs of kills share: their options, and a mesh in a folder of its own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from netnode.testing import Mesh

Told = TypeVar("Told")
Rounds = Callable[[Mesh, int, int, Callable[[str], None]], Told]


def options(parser: argparse.ArgumentParser) -> None:
    """How many rounds, and what decides their course."""
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)


def run_rounds(kill_rounds: Rounds[Told], chosen: argparse.Namespace) -> Told:
    """Runs the rounds on a mesh; a line per round goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="netnode-long-") as folder, Mesh(Path(folder)) as nodes:
        return kill_rounds(
            nodes, chosen.rounds, chosen.seed, lambda line: print(line, file=sys.stderr, flush=True)
        )


def counted(counts: Mapping[str, int]) -> str:
    """Codes with how often each came, in their order."""
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "none"
