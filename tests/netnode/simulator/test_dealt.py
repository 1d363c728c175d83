"""What the simulator finds wrong with deals, and a seed in which nothing is."""

from __future__ import annotations

import pytest

from netnode.simulator.dealt import Side, _remembered, require_equal, require_single
from netnode.simulator.oracle import Oracle, Violation
from netnode.simulator.running import Order, run
from netnode.store.deals import DealRow
from protocol.deals import bodies
from protocol.deals.message import Message, sign
from tests.protocol.author import NETWORK, START
from tests.protocol.deals.made import BUYER, SELLER, order

BUYERS, SELLERS = b"b" * 32, SELLER.id
HONEST = {BUYERS, SELLERS}


def _says(
    role: bodies.Role, body: bodies.DealBody, number: int, *, after: Message | None = None, start: Message
) -> Message:
    return sign(
        NETWORK,
        BUYER if role == "buyer" else SELLER.signer,
        body=body,
        deal=start.id,
        role=role,
        number=number,
        previous=None if after is None else after.id,
        seen=() if role == "buyer" else (start.id,),
        time=START + 1_000 * number,
        epoch=None if role == "buyer" else 0,
    )


def _start() -> Message:
    return sign(
        NETWORK, BUYER, body=order(), deal=None, role="buyer", number=0, previous=None, seen=(), time=START, epoch=None
    )  # fmt: skip


def _side(home: str, role: bodies.Role, *messages: Message) -> Side:
    row = DealRow(1, messages[0].deal, role, SELLERS, BUYERS, None, None, None, "", opened=START, copies=0)
    return Side(home, role, row, {each.id: each for each in messages})


def test_two_sides_that_hold_the_same_are_equal_by_both_judges() -> None:
    start = _start()
    cancel = _says("buyer", bodies.Cancel(reason="other"), 1, after=start, start=start)
    kept = [_side("n0", "buyer", start, cancel), _side("n1", "seller", cancel, start)]
    require_equal(start.id, kept, START + 10_000)
    require_single(kept, HONEST)


def test_a_message_that_one_side_lacks_is_named() -> None:
    start = _start()
    cancel = _says("buyer", bodies.Cancel(reason="other"), 1, after=start, start=start)
    kept = [_side("n0", "buyer", start, cancel), _side("n1", "seller", start)]
    with pytest.raises(
        Violation, match=r"n0 \(buyer\) alone has buyer 1 cancel; n1 \(seller\) alone has nothing"
    ):
        require_equal(start.id, kept, START + 10_000)


def test_what_waits_for_a_message_that_nobody_has_is_told() -> None:
    start = _start()
    lost = _says("buyer", bodies.Cancel(reason="other"), 1, after=start, start=start)
    later = _says("buyer", bodies.Dispute(claim=0), 2, after=lost, start=start)
    kept = [_side("n0", "buyer", start, later), _side("n1", "seller", start, later)]
    with pytest.raises(Violation, match=r"1 messages of .* wait for others that nobody has"):
        require_equal(start.id, kept, START + 10_000)


def test_who_was_put_back_to_where_the_deal_was_over_may_lack_what_came_after_and_nobody_else() -> None:
    start = _start()
    cancel = _says("buyer", bodies.Cancel(reason="other"), 1, after=start, start=start)
    more = _says("seller", bodies.Cancel(reason="sold_out"), 0, start=start)
    kept = [_side("n0", "buyer", start, cancel, more), _side("n1", "seller", start, cancel)]
    oracle = Oracle()
    oracle.lives_at("n0", BUYERS)
    oracle.lives_at("n1", SELLERS)
    for lost, equal in ((BUYERS, 2), (SELLERS, 1)):
        oracle.put_back = {lost}
        held: dict[str, set[bytes]] = {"n0": set(), "n1": set()}
        assert len(_remembered(kept, oracle, START + 10_000, held)) == equal
        assert (more.id in held["n1"]) == (lost == SELLERS)


def test_a_number_used_twice_is_noticed_on_honest_sides_alone() -> None:
    start = _start()
    one = _says("buyer", bodies.Cancel(reason="other"), 1, after=start, start=start)
    two = _says("buyer", bodies.Cancel(reason="changed_mind"), 1, after=start, start=start)
    kept = [_side("n0", "buyer", start, one), _side("n1", "seller", start, one, two)]
    with pytest.raises(Violation, match=r"the buyer of the deal .* used number 1 twice") as found:
        require_single(kept, HONEST)
    assert found.value.rule == "doubled"
    require_single(kept, {SELLERS})


def test_a_home_put_back_answers_for_moves_that_are_somewhere() -> None:
    oracle = Oracle()
    oracle.moves["n0"] = {b"a": "accept", b"b": "fulfil", b"c": "refund"}
    oracle.forgot("n0", [b"a", b"c"])
    assert oracle.moves["n0"] == {b"a": "accept", b"c": "refund"}


def test_a_seed_of_deals_compares_whole_deals() -> None:
    verdict = run(Order(3, "deals", nodes=3, until=60.0))
    assert verdict.passed, f"{verdict.replay}\n{verdict.rule}: {verdict.text}"
    assert verdict.marks["deals equal"] >= 5
