"""W5b-d, a period of a million members and a million sales: closed, watched while it is open, audited by an outsider.

Of the log, the plan, a few members and their sales are real. The other members and sales are put into the folds below
the gate, with all that a fold keeps of them, as W4 does with its listings: their signatures are what W5a measures.
Two processes, one after the other, do what two homes do::

    python -m tests.benchmarks.closing issuer FOLDER MEMBERS SALES     watches the open period, closes it
    python -m tests.benchmarks.closing outsider FOLDER MEMBERS SALES   gets the log, recomputes the close

b) from the command to the close on disk: evaluated, encoded, signed, stored. c) from the command to log a sale to the
statement that shows it, asked for as `netnode period open` does. d) from the first entry of the close that comes to
the ledger that has all its awards.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from netnode.issuing.appending import Next
from netnode.ledgers.ledger import Ledger
from netnode.operations import models
from netnode.store import Reader
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.ledger.book import Book
from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.filing import OrderFile
from protocol.ledger.state import State
from protocol.plans.calendar import number_of, start_of
from protocol.plans.facts import SaleFacts
from protocol.records import SalePart
from protocol.records.plan import Differential, Plan, Step
from tests.benchmarks.audit import Clocks, give, resident, timed
from tests.benchmarks.issued import ISSUER, KEY, NETWORK, Issuer, line_of
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.ledger.world import plan_record

MEMBERS: Final = 1_000_000
SALES: Final = 1_000_000
REAL: Final = 20  # members with keys, at the foot of the others
WATCHED: Final = 20  # sales that the open statement is watched for


def differential() -> Plan:
    """The default plan; one outside buyer unlocks what legs bring, so that nearly all who can have awards."""
    steps = tuple(
        Step(at=at, rate=(part, 100)) for at, part in ((0, 5), (100_000, 10), (500_000, 15), (2_000_000, 20))
    )
    return plan_record(
        differential=(Differential(mode="marginal", name="differential", steps=steps),),
        idle_periods=6,
        maximum=(1, 5),
        opportunity=KEY,
        outside_full=(4, 5),
        outside_least=(7, 10),
        personal_free=False,
        unilevel=(),
        unlock_buyers=1,
    )


# -- what is there before ------------------------------------------------------------------------------------
def fill(ledger: Ledger, members: int, sales: int) -> None:
    """Members that joined and sales that were logged, in what a fold keeps; the same for the same numbers."""
    state, chance = ledger.book.state, random.Random(1)
    assert ledger.tip is not None  # folded
    seq, ms = ledger.tip.seq, ledger.tip.time
    team = state.teams.team(KEY)
    (first, *_) = team.tree.members()
    for number in range(members):
        member = _member(number)
        sponsor = _member(int(number * chance.random())) if number else state.issuer
        team.tree.join(member, sponsor, seq, ms)
        team.used.add(chance.randbytes(32), seq)
        state.signers._sole.add(member)
        state.signers._keys += chance.randbytes(32)
        state.signers._numbers.append(len(state.dates) + 1)
        state.dates.note(seq, ms)
    team.tree.move(first, member, seq)
    (governed,) = state.governing.all()
    for _ in range(sales):
        order, price = chance.randbytes(32), chance.randrange(1_000, 20_000)
        facts: SaleFacts[bytes] = SaleFacts(
            id=order, at=seq, time=ms, amount=price, referrer=_member(int(members * chance.random())),
            customer=chance.randbytes(32), seller=state.issuer,
        )  # fmt: skip
        governed.activity.take(facts, team.tree)
        assert facts.referrer is not None
        _log(state, order, facts.referrer, price, seq, ms)
    ledger.taken += members + sales


def _member(number: int) -> bytes:
    """A networker id; made anew each time, so that no list of them counts for what the ledger takes."""
    return sha256(number.to_bytes(4)).digest()


def _log(state: State, order: bytes, owner: bytes, price: int, seq: int, ms: int) -> None:
    state.dates.note(seq, ms)
    state.put(sale_id(order), Sold(price, price, 0, None, ()))
    state.orders.put(order, OrderFile((seq,), seq, ms, price, ms, sold=(owner, KEY), led=True))
    state.changed.clear()


async def filled(home: OpenHome, issuer: Issuer, members: int, sales: int) -> dict[str, Any]:
    """A home whose ledger of the issuer is level with its log, and has all others besides."""
    ledgers = home.services.issued.ledgers
    await ledgers.ask(issuer.author.id, lambda ledger: None)
    before = resident()
    clocks = Clocks()
    await ledgers.ask(issuer.author.id, lambda ledger: fill(ledger, members, sales))
    return {"fill s": round(clocks.read()[0], 1), "state MB": round(resident() - before)}


def issued() -> Issuer:
    """The issuer as it is before the period."""
    return Issuer(differential(), line_of(REAL))


# -- the issuer ----------------------------------------------------------------------------------------------
async def issuing(folder: Path, members: int, sales: int) -> dict[str, Any]:
    """Watches the open period, then closes it; the log is left in the folder."""
    issuer = issued()
    async with opened(folder, ISSUER, network=NETWORK) as home:
        home.clock.now = issuer.now
        await give(home, issuer.entries[1:])
        found = await filled(home, issuer, members, sales)
        found |= await watched(home, issuer)
        found |= await closed(home, issuer)
        return found


async def watched(home: OpenHome, issuer: Issuer) -> dict[str, Any]:
    """Logs sales, one after another, and asks for the open statement until it has them."""
    services = home.services
    query = models.PeriodQuery(team=KEY)
    opened_, first, _ = await timed(services.ledgers.period(query))
    delays, processors = [], []
    for number in range(WATCHED):

        def make(book: Book, place: Next, number: int = number) -> tuple[SalePart, ...]:
            return issuer.records(book, f"m{number % REAL}", 12_345, place.seq, place.time)

        clocks = Clocks()
        (entry,) = await services.issued.appending.append(make)
        shown = await services.ledgers.period(query)
        wall, processor = clocks.read()
        assert shown.head == entry.seq and shown.sales == opened_.sales + number + 1, shown
        delays.append(wall)
        processors.append(processor)
    return {
        "open statement, the first time, s": round(first, 2),
        "delay s": round(statistics.median(delays), 4),
        "worst delay s": round(max(delays), 4),
        "delay CPU s": round(statistics.median(processors), 4),
    }


async def closed(home: OpenHome, issuer: Issuer) -> dict[str, Any]:
    """Closes the period; then level again, with what the close gave everybody."""
    (governed,) = issuer.book.governing.all()
    per = governed.plan.period
    home.clock.now = start_of(per, number_of(per, issuer.now) + 1) + 1
    before = peak()
    close, wall, processor = await timed(home.services.issued.periods.close(KEY))
    after = peak()
    _, level, _ = await timed(home.services.issued.ledgers.ask(issuer.author.id, _require_right))
    return {
        "awards": close.count,
        "close s": round(wall, 3),
        "close CPU s": round(processor, 2),
        "own ledger level after s": round(level, 2),
        "peak MB": {"before": before, "close": after, "level": peak()},
        "hash": close.hash.hex(),
    }


def peak() -> int:
    """Megabytes: the largest resident set so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def _require_right(ledger: Ledger) -> None:
    assert ledger.wrongs == 0, ledger.wrong[:1]


# -- the outsider --------------------------------------------------------------------------------------------
async def auditing(folder: Path, members: int, sales: int) -> dict[str, Any]:
    """Gets the log and recomputes the period, having followed it until the close."""
    issuer = issued()
    async with opened(folder, ISSUER, network=NETWORK) as source:
        entries: Sequence[Entry] = await source.store.read(Reader.entries, source.me.id, 0, 2**40, 2**40)
    begin = next(index for index, entry in enumerate(entries) if entry.kind == 24)
    async with opened(folder, "outsider", network=NETWORK) as home:
        home.clock.now = entries[-1].time
        await give(home, entries[: len(issuer.entries)])
        found = await filled(home, issuer, members, sales)
        await give(home, entries[len(issuer.entries) : begin])
        ledgers = home.services.issued.ledgers
        await ledgers.ask(issuer.author.id, _require_right)
        before, clocks = peak(), Clocks()
        await give(home, entries[begin:])
        await ledgers.ask(issuer.author.id, _require_right)
        wall, processor = clocks.read()
        query = models.CreditQuery(issuer=id_text(issuer.author.id), holder=id_text(issuer.people["m0"].id))
        shown = await home.services.ledgers.balance(query)
        assert shown.figures and shown.figures[0].pending != "0.00", shown
        return {
            "audit s": round(wall, 3),
            "audit CPU s": round(processor, 2),
            "audit peak MB": {"before": before, "audit": peak()},
            "outsider": found,
        }


# -- the rows ------------------------------------------------------------------------------------------------
def measure(members: int = MEMBERS, sales: int = SALES) -> dict[str, Any]:
    """W5b, W5c and W5d."""
    with tempfile.TemporaryDirectory(prefix="netnode-bench-") as folder:
        issuer = _run("issuer", folder, members, sales)
        outsider = _run("outsider", folder, members, sales)
    size = {"members": members, "sales": sales}
    return {
        "W5b": {
            **size,
            **{name: value for name, value in issuer.items() if "delay" not in name and "open" not in name},
            "must": {"close s": 45, "MB": 500},
            "aim": {"close s": 9},
        },
        "W5c": {
            **size,
            **{name: value for name, value in issuer.items() if "delay" in name or "open" in name},
            "must": {"delay s": 1},
            "aim": {"delay s": 0.1},
        },
        "W5d": {
            **size,
            **outsider,
            "times the close": round(outsider["audit s"] / issuer["close s"], 2),
            "must": {"times the close": 4},
            "aim": {"times the close": 2},
        },
    }


def _run(part: str, folder: str, members: int, sales: int) -> dict[str, Any]:
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.closing", part, folder, str(members), str(sales)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"  {part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


async def _main(part: str, folder: str, members: str, sales: str) -> dict[str, Any]:
    run = {"issuer": issuing, "outsider": auditing}[part]
    return await run(Path(folder), int(members), int(sales))


if __name__ == "__main__":
    json.dump(asyncio.run(_main(*sys.argv[1:])), sys.stdout)
