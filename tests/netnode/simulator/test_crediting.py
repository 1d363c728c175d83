"""What the simulator finds wrong with ledgers, and seeds in which nothing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import netnode.simulator.crediting.auditing as auditing
from netnode.conformance.holdings import Holding
from netnode.conformance.ledgerfold import Ledger
from netnode.simulator.crediting.auditing import Audit
from netnode.simulator.crediting.promised import Promises
from netnode.simulator.oracle import Violation
from netnode.simulator.running import Order, run
from protocol.ledger.book import nothing_held
from tests.protocol.author import NETWORK
from tests.protocol.ledger.world import HOLD, World


def audited(
    world: World, *, honest: bool = True, most: Callable[[bytes, str], int | None] = lambda *_: None
) -> Audit:
    found = Audit(NETWORK, world.issuer.id, "n0", honest, most, nothing_held, [])
    for entry in world.issuer.entries:
        found.take(entry)
    return found


def sold() -> World:
    """Ann was credited a tenth of 10.00, which is payable."""
    world = World()
    world.publish()
    deal = world.deal(1_000, path=(path := world.path("ann")))
    deal.accept().pay(1_000).receive(0)
    world.sell(deal, path=path)
    world.now += HOLD + 1
    return world


def test_an_honest_ledger_is_the_same_by_both_implementations() -> None:
    world = sold()
    world.transfer("ann", "bob", 40, limit=10**6)
    world.redeem("ann", 10)
    found = audited(world, most=lambda *_: 10**9)
    assert found.wrong == [] and found.sales == 1 and found.moves == 1
    assert found.compared >= 4 and found.tip == world.issuer.entries[-1]


def test_an_entry_without_effect_is_a_fault_of_an_honest_issuer_alone() -> None:
    """[L16]"""
    world = sold()
    world.redeem("ann", 1_000)
    with pytest.raises(Violation, match=r"entry \d+ of n0, of kind 36, is void, not_covered"):
        audited(world)
    assert [each.code for each in audited(world, honest=False).wrong] == ["not_covered"]


def test_who_receives_more_than_they_ever_accepted_is_noticed() -> None:
    """[L7]"""
    world = sold()
    world.transfer("ann", "bob", 40, limit=10**6)
    with pytest.raises(Violation, match=r"gives 40 to who accepts 39 at most \[L7\]"):
        audited(world, most=lambda *_: 39)


def test_another_effect_by_the_second_implementation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = sold()
    plain = auditing.plain
    monkeypatch.setattr(auditing, "_lots", lambda lots: ())

    def other(value: Any) -> Any:
        return plain(value)

    monkeypatch.setattr(auditing, "plain", other)
    world.redeem("ann", 10)
    with pytest.raises(Violation, match="has other effects by the second implementation"):
        audited(world)


def test_another_verdict_of_the_second_implementation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = sold()
    world.redeem("ann", 10)
    monkeypatch.setattr(Ledger, "take", lambda *_: "malformed")
    with pytest.raises(Violation, match="comes to an effect, by the second implementation to malformed"):
        audited(world)


def test_figures_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """[L2]"""
    world = sold()
    figures = vars(Holding)["figures"].fget
    monkeypatch.setattr(Holding, "figures", property(lambda each: figures(each) | {"signed": 7}))
    with pytest.raises(Violation, match=r"with figures that differ: \{'signed': .*\} \[L2\]"):
        audited(world)


@pytest.mark.parametrize(
    ("rule", "at"),
    [("_consented", r"takes 10 star of .* \[L11\]"), ("_share", r"awards 100 where 0 is the most .* \[L8\]")],
)
def test_what_no_entry_may_do_is_noticed(monkeypatch: pytest.MonkeyPatch, rule: str, at: str) -> None:
    world = sold()
    world.redeem("ann", 10)
    monkeypatch.setattr(Audit, rule, lambda *_: 0)
    with pytest.raises(Violation, match=at):
        audited(world)


def test_a_home_put_back_need_not_know_of_its_requests() -> None:
    promises = Promises()
    promises.asked("n0", "aa", bytes(32), "redeem of 1.00 EUR", 3.0)
    promises.done["n0"] = dict(promises.requests["n0"])
    promises.forgot("n0")
    assert "n0" not in promises.requests and "aa" in promises.done["n0"], "what an issuer logged stays"


@pytest.mark.parametrize(
    ("scenario", "seed", "marks"),
    [
        ("credits", 2, ("credit sales logged", "credit entries judged twice", "credit figures compared")),
        ("teams", 0, ("team admitted", "team period closed", "credit entries judged twice")),
        ("swaps", 3, ("swap accepted", "credit swaps done", "credit requests logged")),
    ],
)
def test_a_seed_covers_what_it_is_for(scenario: str, seed: int, marks: tuple[str, ...]) -> None:
    verdict = run(Order(seed, scenario))
    assert verdict.passed, f"{verdict.replay}\n{verdict.rule}: {verdict.text}"
    assert all(verdict.marks.get(each) for each in marks), verdict.marks
