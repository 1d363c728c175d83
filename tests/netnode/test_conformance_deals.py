"""Two judges of deals, which share no code, come to the same of whatever set of messages they are given [R-DEAL-10].

Any difference is a fault of one judge or a hole in SPEC.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.conformance.deals import read_message
from netnode.conformance.verdicts import judge as second_judge
from protocol.deals.message import parse
from protocol.deals.state import DealState, judge
from tests.netnode.deals_random import HOUR, KEY, LISTING, START, Deal, Step, frame, grown, start

number = st.integers(0, 1_000)
steps = st.lists(st.tuples(*[number] * 5, st.integers(0, 99)), min_size=3, max_size=12)


def compare(data: Sequence[bytes], now: int) -> DealState:
    """Asserts that both judges come to the same."""
    first = judge(map(parse, data), now)
    second = second_judge(map(read_message, data), now)
    names = ("price", "owed", "sent", "paid", "refund_sent", "refund_received", "refund_due", "payment_due",
             "unconfirmed_payments", "unconfirmed_refunds", "base")  # fmt: skip
    kinds = {each.id: f"{at} {each.role} {each.type}" for at, each in enumerate(map(parse, data))}
    assert {kinds[key]: code for key, code in second.verdicts.items()} == {
        kinds[key]: code for key, code in first.verdicts.items()
    }
    assert second.waits == frozenset(first.waits)
    assert second.verdicts == dict(first.verdicts)
    assert second.parts == [(part.status.value, part.late) for part in first.parts]
    assert second.figures == {name: getattr(first.figures, name) for name in names}
    assert {kinds[key]: closed for key, closed in second.disputes.items()} == {
        kinds[each.message.id]: each.closed for each in first.disputes
    }
    assert (second.phase, second.contract, second.doubled) == (
        first.phase.value,
        first.contract,
        first.doubled,
    )
    return first


@given(number, steps, number, number)
@settings(deadline=None)
def test_two_judges_agree(kind: int, chosen: list[Step], cut: int, missing: int) -> None:
    """R-DEAL-10, R-DEAL-12, R-DEAL-13, R-DEAL-17, R-DEAL-20: verdicts, parts, figures and phase of any set."""
    deal = grown(kind, chosen)
    data = list(deal.data)
    compare(data, START + 10**6 * HOUR)
    if missing % 3 == 0 and len(data) > 1:
        data.pop(1 + missing % (len(data) - 1))
    compare(data, START + cut * HOUR if cut % 2 else START + 10**6 * HOUR)


def _say(deal: Deal, role: str, type: str, body: dict[str, Any], hours: int, *, twice: bool = False) -> bytes:
    """Adds a message that has seen the newest of each other role; `twice`: as the first of its sender."""
    own = [] if twice else [each for each in deal.said if each.role == role]
    newest = {each.role: each.id for each in deal.said if each.role != role}
    rulings = [each.id for each in deal.said if each.role == "arbiter" != role]
    seen = [*(id for other, id in newest.items() if other != "arbiter"), *rulings]
    previous = own[-1].id if own else None
    deal.add(frame(type, deal.said[0].id, role, len(own), previous, seen, START + hours * HOUR, body))
    return deal.said[-1].id


def test_a_presumed_payment_begins_the_time_for_disputes() -> None:
    """R-DEAL-14: presumptions of any kind do; the second judge once knew those of receipts only."""
    deal = Deal()
    deal.add(start(0))
    say = partial(_say, deal)
    say("seller", "accept", {"key": KEY, "listing": LISTING}, 1)
    payment = say("buyer", "payment_sent", {"amount": 100}, 2)
    say("seller", "fulfil", {}, 3)
    say("buyer", "receive", {}, 4)
    say("buyer", "presume_payment", {"payment": payment}, 200)
    dispute = say("seller", "dispute", {"claim": 0}, 290)
    state = compare(deal.data, START + 1_000 * HOUR)
    assert state.verdicts[dispute] is None
    late = say("buyer", "dispute", {"claim": 0}, 301)
    assert compare(deal.data, START + 1_000 * HOUR).verdicts[late] == "hold_over"


def test_a_ruling_that_has_seen_two_that_cross_stands() -> None:
    """R-DEAL-18: it crosses neither; the second judge once held every ruling beside another void."""
    deal = Deal()
    deal.add(start(1))
    say = partial(_say, deal)
    say("seller", "accept", {"key": KEY, "listing": LISTING}, 1)
    first = say("seller", "dispute", {"claim": 0}, 2)
    said = {"delivered": [], "keeps": 0, "paid": 40}
    crossing = {say("arbiter", "ruling", {**said, "dispute": first}, 3 + at, twice=True) for at in range(2)}
    second = say("buyer", "dispute", {"claim": 0}, 5)
    last = say("arbiter", "ruling", {**said, "dispute": second}, 6, twice=True)
    state = compare(deal.data, START + 10 * HOUR)
    assert {state.verdicts[id] for id in crossing} == {"two_rulings"}
    assert state.verdicts[last] is None and state.ruling is not None
