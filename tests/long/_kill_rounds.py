"""What the long runs of kills share: their options, and a mesh of their own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from netnode.testing import Mesh

Told = TypeVar("Told")
Rounds = Callable[[Mesh, int, int, Callable[[str], None]], Told]


def options(parser: argparse.ArgumentParser) -> None:
    """How many rounds, and what decides their course."""
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)


def run_rounds(kill_rounds: Rounds[Told], chosen: argparse.Namespace) -> Told:
    """Runs the rounds on a mesh, whose folder stays when they fail; a line per round goes to stderr."""
    with Mesh() as nodes:
        return kill_rounds(
            nodes, chosen.rounds, chosen.seed, lambda line: print(line, file=sys.stderr, flush=True)
        )


def counted(counts: Mapping[str, int]) -> str:
    """Codes with how often each came, in their order."""
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "none"
