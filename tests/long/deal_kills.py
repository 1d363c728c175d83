"""Buyer, seller and mailbox host killed at any moment while they deal: both sides come to the same, nothing is lost.

See tests/processes/deal_kills.py. A line per round goes to stderr.
"""

from __future__ import annotations

import argparse

from tests.long._kill_rounds import counted, options, run_rounds
from tests.processes.deal_kills import kill_rounds

__all__ = ["options", "run"]


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    told = run_rounds(kill_rounds, chosen)
    kills = ", ".join(f"{count} of the {name}" for name, count in told.kills.items())
    refused = counted(told.refused)
    return (
        f"{chosen.rounds} rounds, {told.off} of them with the seller off, kills: {kills}; {told.deals} deals by "
        f"{told.steps} steps, all final and the same on both sides, none lost, none doubled (moves refused: {refused})"
    )
