"""Ledgers over a real store: folded, kept level, with the branches held; what is shown: `test_ledgers_shown`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netnode.ledgers import ledgers as module
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import Writer
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.run import run_of
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, HOLD, UNIT, World

EUR = "EUR"


class Market(World):
    """An issuer whose sales pay one referrer a commission of 10 %."""

    def sale(self, price: int = 10_000, referrer: str = "bob", **fields: Any) -> Any:
        path = self.path(referrer)
        deal = self.deal(price, path=path, commission=1_000).complete()
        self.meet(deal)
        assert self.sell(deal, path=path, **fields).code is None
        return deal

    def meet(self, deal: Any) -> None:
        """What comes next is not dated before what the deal said."""
        self.now = max(self.now, deal.now)

    def request(self, action: Any, holder: str, amount: int, to: str | None = None, **fields: Any) -> bytes:
        return super().request(action, holder, amount, to, **({"unit": EUR} | fields))

    def limit(self, name: str, amount: int, **fields: Any) -> bytes:
        return super().limit(name, amount, **({"unit": EUR} | fields))


@asynccontextmanager
async def home_with(path: Path, *entries: Sequence[Entry]) -> AsyncIterator[OpenHome]:
    async with opened(path, "ada", network=NETWORK) as home:
        for each in entries:
            await give(home, each)
        yield home


async def give(home: OpenHome, entries: Sequence[Entry]) -> None:
    for start in range(0, len(entries), 64):
        outcome = await home.gate.admit(list(entries[start : start + 64]))
        assert outcome.fault is None, outcome.fault


def ledgers_of(home: OpenHome, held: int = module.HELD) -> Ledgers:
    return Ledgers(NETWORK, home.me.id, home.store, held)


def later(home: OpenHome, market: World, days: int = 0) -> None:
    home.clock.now = market.now + days * DAY


# -- the fold ------------------------------------------------------------------------------------------------
async def test_a_log_is_folded_once_and_then_kept_level(tmp_path):
    market = Market()
    market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        one = await ledgers.of(market.issuer.id)
        assert one.figures(EUR, market.id("bob"), market.now).pending == 1_000
        known = len(market.issuer.entries)
        market.sale(20_000)
        await give(home, market.issuer.entries[known:])
        again = await ledgers.of(market.issuer.id)
        assert again is one  # folded on, not anew
        assert again.figures(EUR, market.id("bob"), market.now).pending == 3_000
        assert again.figures(EUR, market.id("bob"), market.now + HOLD + DAY).balance == 3_000


async def test_a_fold_in_slices_comes_to_the_same_as_one_in_a_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("netnode.ledgers.reading._STEP", 3)
    market = Market()
    deals = [market.sale(1_000 * number) for number in range(1, 8)]
    deals[2].refund(1_000)
    market.meet(deals[2])
    assert market.refund(deals[2], 2_000).code is None
    assert market.transfer("bob", "cal", 1).code is not None  # nothing is payable yet: void
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledger = await ledgers_of(home).of(market.issuer.id)
        assert dict(ledger.effects) == dict(market.book.effects)
        assert ledger.wrongs == 1 and ledger.wrong[0].seq == market.issuer.entries[-1].seq


async def test_questions_of_many_at_once_fold_a_log_once(tmp_path):
    market = Market()
    for _ in range(3):
        market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        found = await asyncio.gather(*(ledgers.of(market.issuer.id) for _ in range(5)))
        assert all(each is found[0] for each in found)
        assert found[0].taken == len(market.issuer.entries)


async def test_who_stops_waiting_leaves_a_ledger_that_goes_on(tmp_path):
    market = Market()
    for _ in range(4):
        market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        waiting = asyncio.ensure_future(ledgers.of(market.issuer.id))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        ledger = await ledgers.of(market.issuer.id)
        assert dict(ledger.effects) == dict(market.book.effects)


async def test_memory_is_bound_and_the_own_log_stays(tmp_path):
    markets = [Market(f"issuer-{number}") for number in range(3)]
    for market in markets:
        market.sale()
        market.sale()
    async with home_with(tmp_path, *(market.issuer.entries for market in markets)) as home:
        ledgers = ledgers_of(home, held=5)
        own = await ledgers.own()
        first = await ledgers.of(markets[0].issuer.id)
        for market in markets[1:]:
            await ledgers.of(market.issuer.id)
        assert ledgers.held <= 5
        assert await ledgers.own() is own
        again = await ledgers.of(markets[0].issuer.id)
        assert again is not first  # it was let go of, and folded again
        assert dict(again.effects) == dict(markets[0].book.effects)


async def test_a_log_that_is_not_here_from_its_beginning_is_said_to_be_unknown(tmp_path):
    market = Market()
    market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        with pytest.raises(Problem) as none:
            await ledgers.of(Author("nobody").id)
        assert none.value.exit_code is ExitCode.NOT_FOUND
        await home.gate.cut(market.issuer.id, 600)
        state = await home.store.load(market.issuer.id)
        assert state is not None and state.base.seq > 0
        with pytest.raises(Problem) as cut:
            await ledgers.of(market.issuer.id)
        assert cut.value.code == "incomplete"


async def test_a_missing_record_makes_a_ledger_unknown_until_it_comes(tmp_path):
    market = Market()
    market.sale()
    at = market.issuer.entries[-1]
    market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        await home.store.write(_record, at.seq, market.issuer.id, None)
        ledgers = ledgers_of(home)
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.book.unknown == at.seq and "its record is missing" in ledger.why
        assert ledger.figures(EUR, market.id("bob"), market.now).pending == 0
        told = await home.services.ledgers.audit(id_text(market.issuer.id))
        assert told.unknown_from == at.seq and not told.wrongs
        await home.store.write(_record, at.seq, market.issuer.id, at.record)
        whole = await ledgers.of(market.issuer.id)
        assert whole.book.unknown is None
        assert whole.figures(EUR, market.id("bob"), market.now).pending == 2_000


def _record(writer: Writer, seq: int, author: bytes, record: bytes | None) -> None:
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE entry SET record = ? WHERE place = (SELECT n << 40 FROM networker WHERE id = ?) | ?",
            (record, author, seq),
        )


async def test_a_fold_that_fails_is_begun_anew(tmp_path, monkeypatch):
    market = Market()
    market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        take = Ledger.take

        def fails(self: Ledger, entry: Entry, *more: Any, **named: Any) -> None:
            if entry.seq == 1:
                raise Problem("The disk fails.")
            take(self, entry, *more, **named)

        monkeypatch.setattr(Ledger, "take", fails)
        with pytest.raises(Problem):
            await ledgers.of(market.issuer.id)
        monkeypatch.setattr(Ledger, "take", take)
        ledger = await ledgers.of(market.issuer.id)
        assert dict(ledger.effects) == dict(market.book.effects)


# -- branches ------------------------------------------------------------------------------------------------
def forked(who: str = "bob", other_one: str = "cal") -> tuple[Market, list[Entry], list[Entry]]:
    """An issuer that sold once, then wrote two branches with a sale each: its log, one branch, the other."""
    market = Market()
    market.sale(10_000, who)
    common = list(market.issuer.entries)
    market.sale(20_000, who)
    left = market.issuer.entries[len(common) :]
    other = Market()
    other.people, other.thing, other.counters = market.people, market.thing, market.counters
    other.issuer.entries = list(common)
    other.book = other.fresh()
    for entry in common:
        other.book.take(entry)
    other.known, other.deals, other.now = set(market.known), 50, market.now
    other.sale(40_000, other_one)
    return market, left, other.issuer.entries[len(common) :]


async def test_a_forked_issuer_owes_what_it_owes_on_any_branch(tmp_path):
    market, left, right = forked()
    async with home_with(tmp_path, market.issuer.entries) as home:
        state = await home.store.load(market.issuer.id)
        assert state is not None
        ledgers = ledgers_of(home)
        before = await ledgers.of(market.issuer.id)
        assert before.union is None
        assert before.figures(EUR, market.id("cal"), market.now).pending == 0
        outcome = await home.gate.admit_proof(run_of(left), run_of(right))
        assert outcome.fault is None, outcome.fault
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.union is not None and len(ledger.union.branches) == 2
        now = market.now + 2 * DAY
        assert ledger.figures(EUR, market.id("bob"), now).pending == 3_000
        assert ledger.figures(EUR, market.id("cal"), now).pending == 4_000
        assert set(ledger.joined.logged) == {id for id in ledger.effects if id not in ledger.book.effects}
        later(home, market, 2)
        told = await home.services.ledgers.audit(id_text(market.issuer.id))
        assert told.standing.exposed and len(told.branches) == 2
        assert told.units[0].pending == "70.00"
        statement = await home.services.ledgers.statement(
            models.StatementQuery(issuer=id_text(market.issuer.id), holder=id_text(market.id("cal")))
        )
        assert [line.amount for line in statement.items] == ["40.00"]
        assert statement.items[0].entry is None  # only a branch beside the log has it


async def test_what_a_rotation_disowned_is_disputed_until_its_holder_lets_go(tmp_path):
    market = Market()
    market.sale(10_000, "bob")
    kept = len(market.issuer.entries)
    market.sale(30_000, "bob")
    tail = list(market.issuer.entries)
    rotation = market.issuer.rotate(kept - 1)
    async with home_with(tmp_path, tail) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        ledgers = ledgers_of(home)
        assert (await ledgers.of(market.issuer.id)).figures(
            EUR, market.id("bob"), market.now
        ).pending == 4_000
        outcome = await home.gate.admit([rotation])
        assert outcome.fault is None
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.figures(EUR, market.id("bob"), market.now).pending == 1_000
        assert [(each.holder, each.amount) for each in ledger.claims] == [(market.id("bob"), 3_000)]
        later(home, market)
        told = await home.services.ledgers.balance(models.CreditQuery(issuer=id_text(market.issuer.id)))
        assert told.standing.disputed[0].amount == "30.00" and not told.standing.exposed


# -- other logs ----------------------------------------------------------------------------------------------
async def test_a_swap_that_ends_by_pins_is_unknown_until_the_other_log_is_here(tmp_path):
    bench = Bench(admitted=False)
    head = bench.y.issuer.entries[-1]
    document = bench.document()
    assert bench.lock(document).code is None
    locked = len(bench.x.issuer.entries)
    last = bench.pass_time(bench.until + 1)
    assert bench.pin(document, (head.seq, head.id), last, bench.until + 2).code is None
    x, ann, now = bench.x.issuer, bench.x.id("ann"), bench.until + 3
    async with home_with(tmp_path, x.entries[:locked]) as home:
        ledgers = ledgers_of(home)
        ledger = await ledgers.of(x.id)
        assert ledger.figures(UNIT, ann, now).locked == 600
        await give(home, x.entries[locked:])
        same = await ledgers.of(
            x.id
        )  # handed out before: what comes is folded on the event loop, the pins in a thread
        assert same is ledger and ledger.book.unknown == x.entries[-1].seq
        assert "not held here" in ledger.why
        await give(home, bench.y.issuer.entries)
        known = await ledgers.of(x.id)
        assert known.book.unknown is None
        assert known.figures(UNIT, ann, now).locked == 0


async def test_pins_in_a_branch_that_is_only_held_as_evidence_decide_as_well(tmp_path):
    bench = Bench(admitted=False)
    common = list(bench.y.issuer.entries)
    document = bench.document()
    assert bench.lock(document).code is None
    last = bench.pass_time(bench.until + 1)
    bench.fork()
    bench.y.issuer.entries = list(common)
    other = bench.pass_time(bench.until + 5)
    assert bench.pin(document, (common[-1].seq, common[-1].id), last, bench.until + 2).code is None
    async with home_with(tmp_path, bench.x.issuer.entries, bench.y.issuer.entries) as home:
        ledgers = ledgers_of(home)
        assert (await ledgers.of(bench.x.issuer.id)).book.unknown is not None
        outcome = await home.gate.admit_proof(run_of([other]), run_of([last]))
        assert outcome.fault is None, outcome.fault
        assert (await ledgers.of(bench.x.issuer.id)).book.unknown is None


@pytest.mark.parametrize("opens", ["settlement", "rotation"])
async def test_what_only_the_proof_of_a_fork_showed_stays_when_the_fork_has_ended(tmp_path, opens):
    """[R-CRED-61] A settlement leaves a debt behind; what a rotation disowns is disputed."""
    market, left, right = forked()
    async with home_with(tmp_path, market.issuer.entries) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        outcome = await home.gate.admit_proof(run_of(left), run_of(right))
        assert outcome.fault is None, outcome.fault
        opener = market.issuer.settle() if opens == "settlement" else market.issuer.rotate()
        outcome = await home.gate.admit([opener])
        assert outcome.fault is None, outcome.fault
        state = await home.store.load(market.issuer.id)
        assert state is not None and not state.forked
        ledger = await ledgers_of(home).of(market.issuer.id)
        owed = ledger.figures(EUR, market.id("cal"), market.now).pending
        claims = [(claim.holder, claim.amount) for claim in ledger.claims]
        if opens == "settlement":
            assert (owed, claims) == (4_000, [])
        else:
            assert (owed, claims) == (0, [(market.id("cal"), 4_000)])
        assert ledger.figures(EUR, market.id("bob"), market.now).pending == 3_000


async def test_what_a_settlement_left_stays_a_debt_also_after_a_rotation(tmp_path):
    market = Market()
    market.sale(10_000, "bob")
    kept = len(market.issuer.entries)
    market.sale(30_000, "bob")
    tail = list(market.issuer.entries)
    settlement = market.issuer.settle(kept - 1)
    rotation = market.issuer.rotate()
    async with home_with(tmp_path, tail) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        ledgers = ledgers_of(home)
        for opener in (settlement, rotation):
            outcome = await home.gate.admit([opener])
            assert outcome.fault is None, outcome.fault
            ledger = await ledgers.of(market.issuer.id)
            assert ledger.figures(EUR, market.id("bob"), market.now).pending == 4_000
            assert not ledger.claims
