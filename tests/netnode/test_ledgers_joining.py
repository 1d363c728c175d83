"""Branches beside a log are folded once: what an entry of the log costs does not follow how many there are [L13]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from netnode.ledgers import joining
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.store import Writer, branches
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.ledger.union import Claim, Union, disputed
from tests.netnode.services_home import OpenHome
from tests.netnode.test_ledgers import EUR, Market, forked, give, home_with, ledgers_of
from tests.protocol.ledger.branches import forked as forked_at_random
from tests.protocol.ledger.operations import PEOPLE, Operations
from tests.protocol.ledger.world import DAY, UNIT


def settled(count: int) -> tuple[Market, list[list[Entry]]]:
    """An issuer that sold, left so many branches with one entry each behind and went on with a settlement."""
    market = Market()
    market.sale(10_000, "bob")
    tip = market.issuer.entries[-1]
    left = [market.issuer.branch(tip, 1, f"branch {number}") for number in range(count)]
    market.issuer.write()
    market.book.take(market.issuer.settle())
    return market, left


async def keep(home: OpenHome, market: Market, *left: list[Entry]) -> None:
    """As evidence beside the log."""
    for each in left:
        await home.store.write(branches.take, market.issuer.id, each)


class Folds:
    """Counts what is folded."""

    def __init__(self, monkeypatch: Any) -> None:
        self.entries = 0
        take = Ledger.take

        def counted(ledger: Ledger, *args: Any, **fields: Any) -> None:
            self.entries += 1
            take(ledger, *args, **fields)

        monkeypatch.setattr(Ledger, "take", counted)


async def require_as_anew(home: OpenHome, ledgers: Ledgers, market: Market) -> Ledger:
    """What is kept level is what a fold from the beginning comes to."""
    ledger = await ledgers.of(market.issuer.id)
    anew = await ledgers_of(home).of(market.issuer.id)
    assert dict(ledger.effects) == dict(anew.effects)
    assert ledger.claims == anew.claims and ledger.lacking == anew.lacking
    assert ledger.joined.logged == anew.joined.logged
    assert (ledger.union is None) == (anew.union is None)
    if ledger.union is not None and anew.union is not None:
        assert ledger.union.branches == anew.union.branches
    for name in ("bob", "cal"):
        of = [each.figures(EUR, market.id(name), market.now) for each in (ledger, anew)]
        assert of[0] == of[1]
    return ledger


async def test_an_entry_of_a_log_with_branches_is_folded_alone(tmp_path: Any, monkeypatch: Any) -> None:
    """A hostile issuer with sixteen branches costs its readers no more for each entry than an honest one."""
    market, left = settled(16)
    async with home_with(tmp_path, market.issuer.entries) as home:
        await keep(home, market, *left)
        ledgers = ledgers_of(home)
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.union is not None and len(ledger.union.branches) == 17
        folds = Folds(monkeypatch)
        for price in (20_000, 30_000):
            known = len(market.issuer.entries)
            market.sale(price, "cal")
            new = market.issuer.entries[known:]
            folds.entries = 0
            await give(home, new)
            assert await ledgers.of(market.issuer.id) is ledger
            assert folds.entries == len(new)
        assert ledger.figures(EUR, market.id("cal"), market.now).pending == 5_000
        await require_as_anew(home, ledgers, market)


async def test_one_more_branch_is_folded_alone(tmp_path: Any, monkeypatch: Any) -> None:
    market, left, right = forked()
    other = market.issuer.branch(left[0], 1, "other")
    opener = market.issuer.settle()
    async with home_with(tmp_path, [*market.issuer.entries[:-1], opener]) as home:
        await keep(home, market, other)
        ledgers = ledgers_of(home)
        assert (await ledgers.of(market.issuer.id)).figures(EUR, market.id("cal"), market.now).pending == 0
        folds = Folds(monkeypatch)
        await keep(home, market, right)
        ledger = await ledgers.of(market.issuer.id)
        assert folds.entries == right[-1].seq + 1
        assert ledger.figures(EUR, market.id("cal"), market.now).pending == 4_000
        await require_as_anew(home, ledgers, market)


async def test_of_one_log_so_many_branches_are_folded_and_the_rest_named(
    tmp_path: Any, monkeypatch: Any
) -> None:
    """Who forks on purpose signs branches without end: its figures are unknown, and its readers have their peace."""
    monkeypatch.setattr(joining, "MOST_FOLDS", 3)
    monkeypatch.setattr("netnode.ledgers.ledgers.MOST_FOLDS", 3)
    market, left = settled(5)
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledgers = ledgers_of(home)
        for count, each in enumerate(left, 1):
            await keep(home, market, each)
            ledger = await ledgers.of(market.issuer.id)
            assert ledger.joined.folds == min(count, 3)
            assert len(ledger.lacking) == max(0, count - 3)
        assert {id for _, id in ledger.lacking} == {each[-1].id for each in left[3:]}
        monkeypatch.setattr("netnode.services.ledgers.UNKNOWN_SHOWN", 1)
        told = await home.services.ledgers.audit(id_text(market.issuer.id))
        assert [each.id for each in told.unknown_branches] == [ledger.lacking[0][1].hex()]
        assert told.unknown_count == 2, "as many as are missing, however many are named"


async def test_claims_follow_the_log_and_its_releases(tmp_path: Any) -> None:
    """What a rotation disowned is disputed until the log has it again, sale by sale."""
    market = Market()
    market.sale(10_000, "bob")
    kept = len(market.issuer.entries)
    first = market.sale(30_000, "bob")
    tail, rotation = list(market.issuer.entries), market.issuer.rotate(kept - 1)
    async with home_with(tmp_path, tail) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        assert (await home.gate.admit([rotation])).fault is None
        ledgers = ledgers_of(home)
        assert [each.amount for each in (await ledgers.of(market.issuer.id)).claims] == [3_000]
        market.book = market.fresh()
        for entry in market.issuer.entries:
            market.book.take(entry)
        market.known = {"bob"}
        market.sale(5_000, "bob")
        first.sent = 0
        assert market.sell(first, path=market.path("bob")).code is None
        await give(home, market.issuer.entries[kept + 1 :])
        ledger = await require_as_anew(home, ledgers, market)
        assert ledger.claims == ()


async def test_a_branch_that_is_not_understood_is_named_until_it_is(tmp_path: Any) -> None:
    """[R-CRED-98] A record of it is missing: what comes after it is in no figure."""
    market, left, right = forked()
    opener = market.issuer.settle()
    bare = [*right[:-1], replace(right[-1], record=None)]
    async with home_with(tmp_path, [*market.issuer.entries[:-1], opener]) as home:
        await keep(home, market, bare)
        ledgers = ledgers_of(home)
        ledger = await ledgers.of(market.issuer.id)
        assert ledger.lacking == ((right[-1].seq, right[-1].id),)
        assert ledger.figures(EUR, market.id("cal"), market.now).pending == 0
        await home.store.write(_record, right[-1])
        ledger = await require_as_anew(home, ledgers, market)
        assert ledger.lacking == () and ledger.figures(EUR, market.id("cal"), market.now).pending == 4_000
        assert left and isinstance(ledger.union, Union)


def _record(writer: Writer, entry: Entry) -> None:
    with writer.transaction() as connection:
        connection.execute("UPDATE branch SET record = ? WHERE id = ?", (entry.record, entry.id))


def stepwise(branch: Operations) -> Iterator[Ledger]:
    """The log of a branch folded entry by entry; the same ledger each time."""
    ledger = Ledger(branch.world.fresh())
    for entry in branch.world.issuer.entries:
        branch.others = branch.pinned.get(entry.seq)
        ledger.take(entry)
        if entry.seq == branch.first - 1:
            branch.join(ledger.book)
        yield ledger


def side(log: Ledger, one: Operations, other: Operations, rotation: bytes | None) -> joining.Side:
    """What a branch gives beyond the log."""
    pairs = zip(one.world.issuer.entries, other.world.issuer.entries, strict=False)
    fork = next(left.seq - 1 for left, right in pairs if left.id != right.id)
    *_, branch = stepwise(other)
    assert branch.place is not None
    effects = joining.beyond(log, branch.book.effects, fork)
    logged = {id: branch.logged(id) for id in effects if id not in log.book.effects}
    return joining.Side(fork, branch.place, rotation, effects, logged, None)


@pytest.mark.parametrize("number", [1, 4, 9, 12])
def test_what_is_kept_level_is_the_union_of_all_branches_after_each_entry(number: int) -> None:
    """Also where a freeze moves in the log what is due on a branch without it [R-CRED-28, 61]."""
    one, *others = forked_at_random(number, 25, 40, 12, 12, 12)
    rotations = [None, None, b"rotation"]
    whole = [other.world.book.effects for other in others]
    laid = False
    for ledger in stepwise(one):
        if ledger.tip is None or ledger.tip.seq < others[0].first + 12:
            continue
        if not laid:
            sides = [side(ledger, one, *each) for each in zip(others, rotations, strict=True)]
            ledger.joined.lay(sides, (), ())
            laid = True
        ledger.joined.join(ledger)
        expected = Union((), ledger.book.effects)
        for effects, rotation in zip(whole, rotations, strict=True):
            if rotation is None:
                expected.add(Union((), effects))
        assert dict(ledger.effects) == dict(expected.effects)
        for name in PEOPLE:
            for later in (0, 40 * DAY):
                now = one.now + later
                found = ledger.figures(UNIT, one.ids[name], now)
                assert found == expected.figures(UNIT, one.ids[name], now)
        assert sums(ledger.claims) == sums(disputed(expected.effects, whole[-1]))
    assert laid


def sums(claims: Iterable[Claim]) -> dict[tuple[bytes, bytes], int]:
    return {(claim.id, claim.holder): claim.amount for claim in claims}


async def test_of_a_branch_that_is_too_large_to_keep_its_readers_know_that_its_top_is_missing(
    tmp_path: Any,
) -> None:
    """[R-CRED-98] [R-SYNC-21] A settlement leaves more behind than is kept of one log: that is said, and where."""
    market = Market()
    market.sale(10_000, "bob")
    kept = len(market.issuer.entries)
    market.sale(30_000, "bob")
    for number in range(90):
        tip = market.issuer.entries[-1]
        market.issuer.entries.append(market.issuer.after(tip, 1, bytes([number]) * 48_000))
    market.issuer.write()
    market.sale(50_000, "cal")
    tail, opener = list(market.issuer.entries), market.issuer.settle(kept - 1)
    async with home_with(tmp_path, tail) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        assert (await home.gate.admit([opener])).fault is None
        ledger = await ledgers_of(home).of(market.issuer.id)
        assert ledger.figures(EUR, market.id("bob"), market.now).pending == 4_000, "what is lowest is kept"
        assert ledger.figures(EUR, market.id("cal"), market.now).pending == 0
        assert ledger.lacking == ((tail[-1].seq - 1, tail[-1].prev),)
        told = await home.services.ledgers.audit(id_text(market.issuer.id))
        assert [each.seq for each in told.unknown_branches] == [tail[-1].seq - 1]
