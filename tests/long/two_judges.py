"""Random deals, ledgers of teams and of late sales before two judges that share no code: both come to the same."""

from __future__ import annotations

import argparse
import random

from tests.netnode import ledgers_random
from tests.netnode.deals_random import HOUR, START, Step, grown
from tests.netnode.test_conformance_deals import compare

LATER = 10**6 * HOUR
STEPS = (3, 16)
LENGTH = (8, 60)  # steps of a ledger


def options(parser: argparse.ArgumentParser) -> None:
    """How many, and which."""
    parser.add_argument("--deals", type=int, default=2_000)
    parser.add_argument("--ledgers", type=int, default=2_000)
    parser.add_argument(
        "--late", type=int, default=2_000, help="ledgers with many sales that are logged late"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first of each; each next one has the next"
    )


def run(chosen: argparse.Namespace) -> str:
    """Judges each deal whole, then with a message missing or by an earlier clock; then ledgers, entry by entry.

    The first difference ends it.
    """
    messages = 0
    for seed in range(chosen.seed, chosen.seed + chosen.deals):
        drawn = random.Random(seed)
        deal = grown(drawn.randrange(1_000), [_step(drawn) for _ in range(drawn.randint(*STEPS))])
        messages += len(deal.data)
        less = list(deal.data)
        if len(less) > 1:
            less.pop(drawn.randrange(1, len(less)))
        try:
            compare(deal.data, START + LATER)
            compare(less, START + LATER)
            compare(deal.data, START + drawn.randrange(300) * HOUR)
        except AssertionError as error:
            raise AssertionError(f"the judges differ on the deal of --seed {seed}: {error}") from error
    entries = 0
    for late, count in ((False, chosen.ledgers), (True, chosen.late)):
        for seed in range(chosen.seed, chosen.seed + count):
            try:
                entries += ledgers_random.compare(seed, LENGTH, late=late)
            except AssertionError as error:
                kind = "late ledger" if late else "ledger"
                raise AssertionError(f"the judges differ on the {kind} of --seed {seed}: {error}") from error
    deals = f"{chosen.deals} deals of {messages} messages"
    return f"{deals}, {chosen.ledgers + chosen.late} ledgers of {entries} entries: judged alike"


def _step(drawn: random.Random) -> Step:
    return (*(drawn.randrange(1_001) for _ in range(5)), drawn.randrange(100))
