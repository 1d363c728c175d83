"""W5a, sales: evaluated and published by their issuer, audited by an outsider; and a balance among a million credits.

An outsider's home holds the issuer's log, as it came through the gate. What is timed is `Ledgers.of`: reading it from
the store, checking every signature and every award, and keeping what it comes to. The issuer publishes one sale after
another, each drafted on its ledger, signed and on disk before the next. Runs in a process of its own::

    python -m tests.benchmarks.audit SALES RUNS CREDITS
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from netnode.issuing.appending import Next
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.operations import models
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.ledger.book import Book
from protocol.ledger.effects import NEVER, Credited, Sold, Step, sale_id
from protocol.records import SalePart
from tests.benchmarks.issued import ISSUER, LEVELS, NETWORK, UNIT, Issuer, line_of, seven_levels
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.author import seed
from tests.protocol.ledger.world import HOLD

SALES: Final = 20_000
CREDITS: Final = 1_000_000
MEMBERS: Final = 1_000
PUBLISHED: Final = 300
ASKED: Final = 1_000
EVERY: Final = 60_000  # ms from one credit to the next
T = TypeVar("T")


class Clocks:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Seconds of both."""
        return time.perf_counter() - self._wall, time.process_time() - self._processor


async def timed(work: Awaitable[T]) -> tuple[T, float, float]:
    """What something comes to, and the seconds that it took: wall, processor."""
    clocks = Clocks()
    return (await work, *clocks.read())


def resident() -> float:
    """Megabytes of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


async def give(home: OpenHome, entries: Sequence[Entry]) -> None:
    """Entries come to a home, as from a peer."""
    for start in range(0, len(entries), 500):
        outcome = await home.gate.admit(list(entries[start : start + 500]))
        assert outcome.fault is None, outcome.fault


def made(sales: int) -> tuple[Issuer, int]:
    """A log with so many sales, and how many entries come before them."""
    issuer = Issuer(seven_levels(), line_of(MEMBERS))
    before = len(issuer.entries)
    chance = random.Random(1)
    for _ in range(sales):
        issuer.sell(f"m{chance.randrange(MEMBERS // 2, MEMBERS)}", chance.randrange(1_000, 50_000))
    return issuer, before


async def audited(folder: Path, issuer: Issuer, before: int, runs: int) -> dict[str, Any]:
    """An outsider recomputes the log, anew in each run."""
    sales = len(issuer.entries) - before
    async with opened(folder, "outsider", network=NETWORK) as home:
        home.clock.now = issuer.now
        await give(home, issuer.entries[:before])
        _, members, members_cpu = await timed(_ledgers(home).of(issuer.author.id))
        _, taken, _ = await timed(give(home, issuer.entries[before:]))
        walls, processors = [], []
        for run in range(runs):
            memory = resident()
            ledger, wall, processor = await timed(_ledgers(home).of(issuer.author.id))
            if run == 0:
                grown = resident() - memory
            assert ledger.wrongs == 0, ledger.wrong[:1]
            assert all(
                len(value.awards) == LEVELS for value in ledger.effects.values() if isinstance(value, Sold)
            )
            walls.append(wall - members)
            processors.append(processor - members_cpu)
        return {
            "audited/s": round(sales / statistics.median(walls)),
            "audited runs/s": [round(sales / wall) for wall in walls],
            "audit CPU us a sale": round(statistics.median(processors) / sales * 1e6),
            "memory KB a sale": round(grown * 1e3 / (sales + before), 2),
            "taken in/s": round(sales / taken),
        }


def _ledgers(home: OpenHome) -> Ledgers:
    return Ledgers(NETWORK, home.me.id, home.store)


async def published(folder: Path, issuer: Issuer, before: int) -> dict[str, Any]:
    """The issuer evaluates and publishes sales, each on disk before the next."""
    async with opened(folder, ISSUER, network=NETWORK) as home:
        await give(home, issuer.entries[1:before])
        home.clock.now = issuer.now
        appending = home.services.issued.appending
        await home.services.issued.ledgers.own()
        drafts = 0.0

        def make(book: Book, place: Next) -> list[SalePart]:
            nonlocal drafts
            began = time.perf_counter()
            parts = list(issuer.records(book, f"m{MEMBERS - 1}", 10_000, place.seq, place.time))
            drafts += time.perf_counter() - began
            return parts

        clocks = Clocks()
        for _ in range(PUBLISHED):
            await appending.append(make)
        wall, processor = clocks.read()
        assert (await home.services.issued.ledgers.of(home.me.id)).wrongs == 0
        return {
            "published one by one/s": round(PUBLISHED / wall),
            "publishing CPU us a sale": round(processor / PUBLISHED * 1e6),
            "of that us to make the deal and evaluate it": round(drafts / PUBLISHED * 1e6),
        }


async def balances(folder: Path, credits: int) -> dict[str, Any]:
    """One holder of all credits of a ledger: posted, pending and clawed back; asked at the end, then hour by hour."""
    issuer = Issuer(seven_levels(), line_of(LEVELS))
    async with opened(folder, "holder", network=NETWORK) as home:
        home.clock.now = start = issuer.now
        await give(home, issuer.entries)
        issuer_id, holder = issuer.author.id, issuer.people["m0"].id
        ledgers = home.services.issued.ledgers

        def fill(ledger: Ledger) -> None:
            for number in range(credits):
                due = start + number * EVERY + HOLD
                ledger.book.state.dates.note(number, start + number * EVERY)
                earned, kept = 10_000, 10_000 if number % 10 else 5_000
                step = Step(due, NEVER, 1_000, earned, due)
                award = Credited(holder, "level", 1, UNIT, (step,))
                ledger.book.state.put(sale_id(seed(number)), Sold(earned, kept, 0, None, (award,)))

        await ledgers.ask(issuer_id, fill)
        end = start + credits * EVERY

        def read(ledger: Ledger) -> tuple[float, list[float]]:
            times = []
            for number in range(ASKED):
                began = time.perf_counter()
                ledger.figures(UNIT, holder, end + number * 3_600_000)
                times.append(time.perf_counter() - began)
            return times[0], times[1:]

        first, later = await ledgers.ask(issuer_id, read)
        query = models.CreditQuery(issuer=id_text(issuer_id), holder=id_text(holder))
        asked = []
        home.clock.now = end + ASKED * 3_600_000
        for _ in range(100):
            shown, wall, _ = await timed(home.services.ledgers.balance(query))
            asked.append(wall)
        whole = int(float(shown.figures[0].awarded) + float(shown.figures[0].pending)) - credits * 10
        assert -credits <= whole <= 0, shown  # a tenth of what is pending was taken back by half
        return {
            "credit entries": credits,
            "balance ms": round(statistics.median(later) * 1e3, 4),
            "worst balance ms": round(max(later) * 1e3, 3),
            "first balance ms": round(first * 1e3, 3),
            "credit balance, the whole operation, ms": round(statistics.median(asked) * 1e3, 3),
        }


def measure(runs: int, sales: int = SALES, credits: int = CREDITS) -> dict[str, Any]:
    """All figures, from a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.audit", str(sales), str(runs), str(credits)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


async def _main(sales: int, runs: int, credits: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="netnode-bench-") as name:
        folder = Path(name)
        issuer, before = made(sales)
        return {
            "sales": sales,
            **await audited(folder, issuer, before, runs),
            **await published(folder, issuer, before),
            **await balances(folder, credits),
            "must": {"audited/s": 5_000, "balance ms": 1},
            "aim": {"audited/s": 20_000},
        }


if __name__ == "__main__":
    json.dump(asyncio.run(_main(*map(int, sys.argv[1:]))), sys.stdout)
