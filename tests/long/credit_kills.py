"""Issuers and holders killed at any moment while they trade, transfer and swap: no credit is lost, none doubled.

See tests/processes/credit_kills.py. A line per round goes to stderr.
"""

from __future__ import annotations

import argparse

from tests.long._kill_rounds import counted, options, run_rounds
from tests.processes.credit_kills import kill_rounds

__all__ = ["options", "run"]


def run(chosen: argparse.Namespace) -> str:
    """Runs the rounds."""
    told = run_rounds(kill_rounds, chosen)
    kills = ", ".join(f"{count} of {name}" for name, count in told.kills.items())
    refused = counted(told.refused)
    return (
        f"{chosen.rounds} rounds, kills: {kills}; {told.sales} sales each logged once, {told.transfers} transfers and "
        f"{told.swaps} swaps, the same everywhere and right to the cent (refused to owners: {refused})"
    )
