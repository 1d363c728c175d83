"""Every set of messages that a deal can come to in four moves a side, looked at as `tests.protocol.deals.model` does.

The order is the buyer's first move. Deals on a listing of one part and of two, on a quote, and with a ruling.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

from protocol.deals.bodies import Role
from tests.protocol.deals.model import Findings, check
from tests.protocol.deals.test_model import STARTS


@dataclass(frozen=True)
class Kind:
    """One kind of start, and how many further messages of each role."""

    start: str
    buyer: int
    seller: int
    arbiter: int = 0

    @property
    def moves(self) -> Mapping[Role, int]:
        """As `check` takes them."""
        return {"buyer": self.buyer, "seller": self.seller, "arbiter": self.arbiter}


KINDS: Final = (
    Kind("listing", 3, 4),
    Kind("two parts", 3, 3),
    Kind("offer", 3, 3),
    Kind("listing", 2, 3, 1),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Which kinds, and in how many processes."""
    parser.add_argument("--only", type=int, choices=range(len(KINDS)), help="one kind, by its place in KINDS")
    parser.add_argument("--processes", type=int, default=2)


def run(chosen: argparse.Namespace) -> str:
    """Looks at all of them; ends with an assertion when anything is wrong with one."""
    kinds = KINDS if chosen.only is None else (KINDS[chosen.only],)
    phases: Counter[str] = Counter()
    wrong: list[str] = []
    with ProcessPoolExecutor(chosen.processes) as pool:
        for kind, found in zip(kinds, pool.map(checked, kinds), strict=True):
            print(f"{kind}: {found.sets} sets, {len(found.wrong)} wrong", flush=True)
            phases.update({phase.value: count for phase, count in found.phases.items()})
            wrong += found.wrong
    assert not wrong, "\n".join(wrong)
    return f"{sum(phases.values())} sets of messages, none wrong: {dict(phases)}"


def checked(kind: Kind) -> Findings:
    """All sets of one kind, in this process."""
    start, _ = STARTS[kind.start]
    return check(start(), kind.moves)
