"""Where what an issuer writes has an end: two implementations that share no code come to it at the same entry."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from msgspec import UNSET

from netnode.conformance import salefold
from netnode.conformance.entries import read_entry
from netnode.conformance.holdings import Holding
from netnode.conformance.ledgerfold import Ledger
from protocol import limits
from protocol.ledger.contents import encode_content
from protocol.ledger.effects import NEVER, Sold, Swapped, sale_id
from protocol.records import ClosePart
from protocol.records.plan import Path, Rank, RankRates, Unilevel
from tests.netnode.ledgers_random import compare, play
from tests.protocol.author import START
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import join
from tests.protocol.ledger.swapping import Bench, credit
from tests.protocol.ledger.test_costs import confirmed, frozen, long_sale, world
from tests.protocol.ledger.world import DAY, HOLD, UNIT, Deal, World


def codes(made: World) -> list[str | None]:
    """The verdicts of the second implementation."""
    ledger = Ledger(made.issuer.network, made.issuer.id)
    return [ledger.take(read_entry(entry.wire())) for entry in made.issuer.entries]


def test_the_last_entry_of_an_order_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-CRED-91]."""
    for module, name in ((limits, "MAX_SALE_ENTRIES"), (salefold, "MAX_SALE_ENTRIES")):
        monkeypatch.setattr(module, name, 4)
    made = world()
    deal = long_sale(made, 3)
    for _ in range(3):
        confirmed(deal)
        frozen(made, deal)
        made.sell(deal, awards=())
    assert codes(made) == [each.code for each in made.verdicts]
    assert [each.code for each in made.verdicts][-2:] == ["sale_full"] * 2


def test_the_last_message_of_an_order_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-CRED-91]."""
    for module in (limits, salefold):
        monkeypatch.setattr(module, "MAX_SALE_MESSAGES", 12)
    made = world()
    deal = long_sale(made, 7)
    for _ in range(3):
        confirmed(deal)
        frozen(made, deal)
        deal.sent = len(deal.messages) - 1
        made.sell(deal) if len(deal.messages) <= 12 else made.sell(deal, awards=())
    assert codes(made) == [each.code for each in made.verdicts]
    assert [each.code for each in made.verdicts][-2:] == ["sale_full"] * 2


@pytest.mark.parametrize("steps", [0, 5, 12])
def test_the_steps_of_a_log_are_used_up_at_the_same_entry(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-93]."""
    for module in (limits, salefold):
        monkeypatch.setattr(module, "LEDGER_STEPS", steps)
        monkeypatch.setattr(module, "LEDGER_STEPS_ENTRY", 1)
    assert sum(compare(seed) for seed in range(10)) > 100
    found = {each.code for seed in range(10) for each in play(seed).world.verdicts}
    assert "too_costly" in found


def ranked(steps: int, patch: pytest.MonkeyPatch) -> tuple[World, list[int]]:
    """Two stars of a month that is closed, each refunded, with sales between; what the sales pay."""
    for module in (limits, salefold):
        patch.setattr(module, "LEDGER_STEPS", steps)
        patch.setattr(module, "LEDGER_STEPS_ENTRY", 1)
    made = World()
    rates = (RankRates(rates=((0, 1),)), RankRates(rank="star", rates=((1, 10),)))
    made.publish(
        hold_days=3_000,
        ranks=(Rank(name="star", own=5_000),),
        unilevel=(Unilevel(compression="none", name="level", rates=rates),),
    )
    for name in ("ann", "bob"):
        assert join(made, name).code is None
    (governed,) = made.book.governing.all()
    paid = []

    def sold(name: str) -> Deal:
        path = made.path(name)
        deal = made.deal(5_500, path=path).complete()
        assert made.sell(deal, path=path).code is None
        found = made.book.effects[sale_id(deal.id)]
        assert isinstance(found, Sold)
        paid.append(sum(step.amount for credit in found.awards for step in credit.steps))
        return deal

    first, second = sold("ann"), sold("bob")
    content = close_with_awards(made.book.state, governed, made.now)
    assert made.parts(ClosePart, encode_content(content), content.ends).code is None
    for deal, base in ((first, 4_500), (second, 4_500), (second, 3_500)):
        deal.refund(1_000)
        assert made.refund(deal, base).code is None
        sold("ann")
        sold("bob")
    return made, paid


def test_ranks_follow_a_refund_at_the_same_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-CRED-94]: at once, or with a later refund of the plan."""
    found = set()
    for steps in range(0, 12, 2):
        made, paid = ranked(steps, monkeypatch)
        assert codes(made) == [each.code for each in made.verdicts] == [None] * len(made.verdicts)
        found.add(tuple(paid[2:]))
    assert found >= {(0, 550, 0, 0, 0, 0), (550, 550, 0, 0, 0, 0)}, found


@pytest.mark.parametrize(
    ("steps", "expected"), [(200, [None, None]), (95, [None, "too_costly"]), (79, ["too_costly"] * 2)]
)
def test_expiries_that_are_moved_have_an_end_at_the_same_entry(
    steps: int, expected: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-93]: what a request moves is kept by its expiries, however few bytes ask for it."""
    for module in (limits, salefold):
        monkeypatch.setattr(module, "LEDGER_STEPS", steps)
        monkeypatch.setattr(module, "LEDGER_STEPS_ENTRY", 0)
    made = world(expiry_days=400)
    for _ in range(5):
        path = made.path("ann")
        deal = made.deal(path=path).complete()
        assert made.sell(deal, path=path).code is None
        made.now += DAY
    made.now += 2 * HOLD
    first = made.transfer("ann", "bob", 5_000, limit=10**6).code
    second = made.transfer("ann" if first else "bob", "cid", 1_000, limit=10**6).code
    assert [first, second] == expected
    assert codes(made) == [each.code for each in made.verdicts]
    assert made.book.state.steps == (6 * limits.KEPT_STEPS if second is None else steps)


@pytest.mark.parametrize("steps", [15, 16])
def test_a_lock_that_is_too_costly_binds_and_moves_nothing(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-93] [R-CRED-50]: its issuer bears all of it."""
    for module in (limits, salefold):
        monkeypatch.setattr(module, "LEDGER_STEPS", steps)
        monkeypatch.setattr(module, "LEDGER_STEPS_ENTRY", 0)
    bench = Bench((0, 1_000), admitted=False)
    bench.x.now, now = START, bench.x.now
    path = Path(depth=1, first=(1, 10), mode="flat", name="path")
    bench.x.publish(
        expiry_days=400, opportunity=UNSET, path=(path,), team=UNSET, title="Expires", unilevel=()
    )
    credit(bench.x, "ann", 1_000)
    bench.x.now = now
    assert bench.lock(bench.document()).code is None
    (lock,) = (each for each in bench.x.book.effects.values() if isinstance(each, Swapped))
    assert [expires == NEVER for expires, _ in lock.lots] == [steps < limits.KEPT_STEPS]
    ledger = Ledger(bench.x.issuer.network, bench.x.issuer.id)
    for entry in bench.x.issuer.entries:
        ledger.take(read_entry(entry.wire()))
    for later in (0, 500 * DAY):
        theirs = Holding(ledger.effects, UNIT, bench.x.id("ann"), bench.x.now + later)
        assert theirs.figures == asdict(bench.x.figures("ann", bench.x.now + later))
