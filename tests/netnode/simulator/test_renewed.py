"""What the simulator finds wrong with mandates and their renewals, and seeds in which nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netnode.simulator.dealt import Side
from netnode.simulator.oracle import Oracle, Violation
from netnode.simulator.renewed import Mandated, require_once, require_same, require_wanted
from netnode.simulator.running import Order, run
from netnode.store.deals import DealRow
from protocol.deals.mandates import Statement
from protocol.deals.message import Message, first_order
from tests.vectors.generate.mandates import DAY, FIRST, NOON, renewed, said

BUYERS, SELLERS = b"b" * 32, first_order(FIRST).seller
HOMES = {BUYERS: "n0", SELLERS: "n1"}
HONEST = Oracle(names=dict(HOMES))
ROW = DealRow(1, FIRST.id, "buyer", SELLERS, BUYERS, None, None, None, "", opened=NOON, copies=0)


def _held(role: str, *statements: Statement) -> Mandated:
    home = {"buyer": "n0", "seller": "n1"}[role]
    return Mandated(home, role, ROW, FIRST, False, {each.id: each for each in statements})


def _side(start: Message) -> Side:
    return Side("n1", "seller", replace(ROW, id=start.id, role="seller"), {start.id: start})


def test_a_statement_that_one_side_lacks_is_named() -> None:
    pause, end = said("pause", 0), said("end", 1, NOON + 2 * DAY)
    require_same(FIRST.id, [_held("buyer", pause, end), _held("seller", end, pause)], HOMES, HONEST)
    with pytest.raises(Violation, match=r"n0 \(buyer\) alone has 1 end; n1 \(seller\) alone has nothing"):
        require_same(FIRST.id, [_held("buyer", pause, end), _held("seller", pause)], HOMES, HONEST)
    copied = Oracle(names=dict(HOMES))
    copied.copies(SELLERS)
    require_same(FIRST.id, [_held("buyer", pause, end), _held("seller", pause)], HOMES, copied)


def test_a_number_used_twice_is_noticed_on_honest_buyers_alone() -> None:
    both = (said("pause", 0), said("end", 0))
    with pytest.raises(Violation) as found:
        require_same(FIRST.id, [_held("buyer", *both)], HOMES, HONEST)
    assert found.value.rule == "doubled"
    require_same(FIRST.id, [_held("buyer", *both)], {SELLERS: "n1"}, HONEST)


def test_a_renewal_has_the_price_and_the_statements_of_its_buyer() -> None:
    dearer = said("price", 0, price=1_000)
    require_wanted(renewed([]), [_held("buyer")], Oracle())
    costs = renewed([dearer], prices=(1_000,))
    require_wanted(costs, [_held("buyer", dearer)], Oracle())
    with pytest.raises(Violation, match="has no effect: price_differs"):
        require_wanted(renewed([dearer]), [_held("buyer", dearer)], Oracle())
    with pytest.raises(Violation, match="a statement that its buyer does not hold"):
        require_wanted(costs, [_held("buyer")], Oracle())


def test_a_renewal_after_its_seller_knew_of_the_end_is_noticed() -> None:
    oracle, before = Oracle(), renewed([])
    oracle.ended[FIRST.id] = frozenset({before.id})
    require_wanted(before, [], oracle)
    oracle.ended[FIRST.id] = frozenset()
    with pytest.raises(Violation, match="after its seller knew that the mandate is ended"):
        require_wanted(before, [], oracle)


def test_one_turn_is_renewed_once() -> None:
    one, two = _side(renewed([])), _side(renewed([], time=NOON + 21 * DAY))
    require_once(FIRST.id, 1, [one], Oracle(), NOON + 60 * DAY)
    for oracle in (Oracle(), Oracle(put_back={SELLERS})):
        with pytest.raises(Violation, match=r"turn 1 of .* was renewed 2 times"):
            require_once(FIRST.id, 1, [one, two], oracle, NOON + 60 * DAY)


def test_seeds_with_arbiters_and_mandates_compare_what_these_say() -> None:
    verdict = run(Order(5, "deals", nodes=3, until=60.0))
    assert verdict.passed, f"{verdict.replay}\n{verdict.rule}: {verdict.text}"
    assert verdict.options["dealings"]
