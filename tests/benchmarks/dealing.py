"""DEALS: whole deals through two nodes on one machine, from the order to the receipt, every message durable.

Two real nodes, each a process of its own, with one session between them; an owner in each takes every step as soon as
the deal waits for it. A deal is six messages: order, accept, payment sent, payment received, fulfil, receive; each is
stored with `synchronous=FULL` before it leaves, sealed, signed inside, opened, and durable at the other side before it
counts. First one deal at a time, for the time of one sealed message (from the moment its owner begins to say it to the
moment the other side has it, judged); then `OPEN` at once, for deals a second.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from netnode.testing import Mesh, Node, wait_until
from tests.benchmarks.homes import settle_home
from tests.benchmarks.live import percentile
from tests.benchmarks.traders import BEGAN, CAME, OVER, SENT

RUNS: Final = 3
DEALS: Final = 400
OPEN: Final = 16  # deals at once
CALM: Final = 150  # deals one at a time
WARM: Final = 10  # not counted; keys and catalogues are learnt by then
MESSAGES: Final = 6  # a deal


@dataclass
class Side:
    """One node with what its owner notes, and the way to tell the owner to order."""

    node: Node
    notes: BinaryIO
    orders: BinaryIO


@dataclass
class Notes:
    """What both owners noted in one phase, in nanoseconds."""

    began: dict[str, int]
    over: dict[str, int]
    sent: dict[str, int]
    came: dict[str, int]

    @property
    def milliseconds(self) -> list[float]:
        """How long each message took."""
        return [(self.came[each] - at) / 1e6 for each, at in self.sent.items() if each in self.came]

    @property
    def rate(self) -> float:
        """Deals a second, from the first order to the last receipt."""
        return len(self.over) / ((max(self.over.values()) - min(self.began.values())) / 1e9)


def _side(stack: ExitStack, mesh: Mesh, folder: Path, name: str) -> Side:
    reading, noting = os.pipe()
    ordered, ordering = os.pipe()
    notes = stack.enter_context(os.fdopen(reading, "rb"))
    orders = stack.enter_context(os.fdopen(ordering, "wb", buffering=0))
    settle_home(folder / name, outbound_sessions=0)
    wrapper = (sys.executable, "-m", "tests.benchmarks.traders", str(ordered), str(noting))
    node = mesh.start(name, program=wrapper, pass_fds=[ordered, noting])
    os.close(noting)
    os.close(ordered)
    os.set_blocking(notes.fileno(), False)
    return Side(node, notes, orders)


def _phase(buyer: Side, seller: Side, ref: str, count: int, at_once: int) -> Notes:
    """Lets the buyer order, and gathers what is noted until all deals are over."""
    found = Notes({}, {}, {}, {})
    kinds = {BEGAN: found.began, OVER: found.over, SENT: found.sent, CAME: found.came}
    rest = {id(side): b"" for side in (buyer, seller)}

    def gathered() -> bool:
        for side in (buyer, seller):
            while piece := side.notes.read(65_536):
                *lines, rest[id(side)] = (rest[id(side)] + piece).split(b"\n")
                for line in lines:
                    what, name, at = line.decode().split()
                    kinds[what][name] = int(at)
        return len(found.over) >= count and len(found.came) >= MESSAGES * count

    buyer.orders.write(f"{ref} {count} {at_once}\n".encode())
    wait_until(gathered, f"{count} deals are over", 300.0)
    return found


def run(folder: Path, deals: int, calm: int) -> dict[str, float]:
    """One run: both phases on new homes."""
    with ExitStack() as stack, Mesh(folder) as mesh:
        seller, buyer = (_side(stack, mesh, folder, name) for name in ("seller", "buyer"))
        buyer.node.api.post("/peers/add", {"uri": seller.node.invite()})
        seller.node.add("lamp", "Brass lamp", price="12.50", currency="EUR")
        wait_until(lambda: "lamp" in buyer.node.keys("lamp"), "the buyer sees the lamp")
        ref = f"{seller.node.id}/lamp"
        _phase(buyer, seller, ref, WARM, 1)
        quiet = _phase(buyer, seller, ref, calm, 1).milliseconds
        busy = _phase(buyer, seller, ref, deals, OPEN)
        ended = {item["state"] for item in seller.node.api.pages("/deals", all=True)}
        assert ended == {"final"}, f"the seller has deals that are {ended}"
        return {
            "deals a second": round(busy.rate, 1),
            "message median ms": round(statistics.median(quiet), 2),
            "message p99 ms": round(percentile(quiet, 0.99), 2),
            "busy message median ms": round(statistics.median(busy.milliseconds), 2),
            "busy message p99 ms": round(percentile(busy.milliseconds, 0.99), 2),
        }


def measure(rounds: int = RUNS, deals: int = DEALS, calm: int = CALM) -> dict[str, Any]:
    """Deals a second, and how long a sealed message takes; the median of the runs counts."""
    runs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="netnode-bench-") as folder:
            runs.append(run(Path(folder), deals, calm))
    middle = {name: statistics.median(each[name] for each in runs) for name in runs[0]}
    return {
        "own": middle["deals a second"],
        "unit": "deals/s",
        "rival": None,
        "ratio": None,
        **middle,
        "runs": runs,
        "deals": deals,
        "open at once": OPEN,
        "one at a time": calm,
        "durability": "each message: WAL, synchronous=FULL, at its sender before it leaves, and at the other side "
        "before it counts",
    }
