"""Mandates: the calendar, statements in any order, and renewals that only have effect as the buyer consented."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.conformance import mandates as second
from netnode.conformance.faults import Fault
from protocol.deals.bodies import Mandate, Order, Renewal
from protocol.deals.mandates import (
    Standing,
    Statement,
    authentic_renewal,
    check_mandate,
    mandate_of,
    mandate_state,
    next_turn,
    renewal,
    renewal_fault,
    sign_statement,
    turn_of,
)
from protocol.deals.message import Message, sign
from protocol.deals.periods import date_of, days_to, later, shortest
from protocol.errors import LocalProtocolError, Void
from protocol.records import Per
from tests.vectors.generate.mandates import BUYER, DAY, FIRST, MONTH, NOON, SELLER, order, renewed, said

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERS = st.builds(Per, count=st.integers(1, 24), unit=st.sampled_from(["day", "week", "month", "year"]))


# -- periods ---------------------------------------------------------------------------------------------------
@given(st.integers(0, 2_900_000))
def test_dates_are_those_of_the_calendar(days: int) -> None:
    date = EPOCH + timedelta(days=days)
    assert date_of(days) == (date.year, date.month, date.day)
    assert days_to(date.year, date.month, date.day) == days


@given(st.integers(0, 4 * 10**12), PERS, st.integers(0, 100))
def test_periods_follow_each_other_and_keep_day_and_time(
    moment: int, per: Per, turns: int
) -> None:  # [R-MAN-2]
    found = later(moment, per, turns)
    assert later(moment, per, turns + 1) - found >= shortest(per) - (3 * DAY if per.unit != "day" else 0)
    assert (found - moment) % DAY == 0
    assert found == second.after(moment, {"count": per.count, "unit": per.unit}, turns)
    if per.unit in ("month", "year"):
        before, after = (EPOCH + timedelta(milliseconds=each) for each in (moment, found))
        assert after.day == before.day or (after + timedelta(days=1)).day == 1


@given(st.integers(0, 4 * 10**12), PERS)
def test_no_period_from_the_first_is_shorter_than_the_shortest(moment: int, per: Per) -> None:
    assert later(moment, per, 1) - moment >= shortest(per)


# -- statements ------------------------------------------------------------------------------------------------
POOL = [
    said(action, number, NOON + time, price)
    for action, price in (("pause", None), ("resume", None), ("end", None), ("price", 700), ("price", 900))
    for number in range(4)
    for time in (DAY, 2 * DAY)
]


@given(st.lists(st.sampled_from(POOL), max_size=6), st.randoms(use_true_random=False))
def test_a_set_comes_to_one_state_in_any_order(statements: list[Statement], random: Any) -> None:  # [R-MAN-5]
    found = mandate_state(FIRST, statements)
    shuffled = list(statements) + statements[:1]
    random.shuffle(shuffled)
    assert mandate_state(FIRST, shuffled) == found
    assert set(found.verdicts) | set(found.waits) == {each.id for each in statements}
    told = second.standing(NOON, [900], [each.data for each in statements])
    assert told["standing"] == found.standing.value and told["number"] == found.number
    assert told["prices"] == [part.price for part in found.parts]
    assert told["codes"] == [found.verdicts.get(each.id, "waits") for each in statements]


@given(st.lists(st.sampled_from(POOL), max_size=5), st.sampled_from(POOL))
def test_an_ended_mandate_stays_ended(statements: list[Statement], more: Statement) -> None:
    if mandate_state(FIRST, statements).standing is Standing.ENDED:
        assert mandate_state(FIRST, [*statements, more]).standing is Standing.ENDED


def test_two_statements_of_one_number_end_it() -> None:
    pause, other = said("pause", 0), said("pause", 0, NOON + 2 * DAY)
    found = mandate_state(FIRST, [pause, other])
    assert (found.standing, found.contradicted) == (Standing.ENDED, True)
    assert set(found.verdicts.values()) == {"contradicted"}


def test_a_statement_is_on_one_order() -> None:
    with pytest.raises(LocalProtocolError, match="another order"):
        mandate_state(FIRST, [said("end", 0, order=b"o" * 32)])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"action": "price"}, "price: goes with"),
        ({"action": "end", "price": 5}, "price: goes with"),
        ({"action": "pause", "number": 15}, "number: the 16th statement"),
        ({"action": "end", "number": 16}, "number: is not a number below 16"),
        ({"action": "stop"}, "action: is none of end, pause, price, resume"),
    ],
)
def test_nobody_signs_a_statement_that_would_be_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(LocalProtocolError, match=says):
        sign_statement("inx", BUYER, **({"order": FIRST.id, "number": 0, "time": NOON} | fields))


# -- renewals --------------------------------------------------------------------------------------------------
def fault(message: Message) -> str | None:
    """What both implementations say of a renewal, once they agree."""
    assert isinstance(message.body, Renewal)
    try:
        second.check_renewal("inx", message.data)
        theirs = None
    except Fault as fault:
        theirs = fault.code
    assert renewal_fault(message) == theirs
    return theirs


@given(
    st.lists(st.sampled_from(POOL), max_size=3, unique=True),
    st.integers(1, 13),
    st.integers(-2 * DAY, 45 * DAY),
    st.sampled_from([700, 900]),
)
def test_a_renewal_needs_consent_notice_and_a_turn(
    statements: list[Statement], number: int, offset: int, price: int
) -> None:  # [R-MAN-7]
    turn = turn_of(FIRST, number)
    body = renewal(FIRST, statements, number)
    body = msgspec.structs.replace(body, parts=renewed(prices=[price]).body.parts)  # type: ignore[union-attr]
    message = sign(
        "inx", SELLER, body=body, deal=None, role="seller", number=0, previous=None, seen=(),
        time=turn.earliest + offset, epoch=0,
    )  # fmt: skip
    if fault(message) is None:
        seen = [each for each in statements if each.data in body.changes]
        state = mandate_state(FIRST, seen)
        assert state.standing is Standing.ACTIVE and state.price == price
        assert turn.earliest <= message.time <= turn.begins - MONTH.notice
        assert number <= 12
        assert authentic_renewal("inx", body)


def test_what_a_seller_makes_of_all_it_has_has_effect() -> None:
    statements = [said("price", 2, NOON + 2 * DAY, 700), said("pause", 0), said("resume", 1), said("end", 5)]
    body = renewal(FIRST, statements, 1)
    assert len(body.changes) == 3 and [part.price for part in body.parts] == [700]  # what waits is not in it
    assert fault(renewed(mandate_seen(body), prices=[700])) is None


def mandate_seen(body: Renewal) -> list[Statement]:
    by_data = {
        each.data: each
        for each in (said("price", 2, NOON + 2 * DAY, 700), said("pause", 0), said("resume", 1))
    }
    return [by_data[data] for data in body.changes]


@pytest.mark.parametrize("forged", ["order", "statement", "form"])
def test_nobody_renews_in_the_buyers_name(forged: str) -> None:  # [R-MAN-6]
    message = renewed(
        [said("price", 0, price=9, signer=SELLER if forged == "statement" else BUYER)],
        first=order(signer=SELLER) if forged == "order" else FIRST,
    )
    assert isinstance(message.body, Renewal)
    body = msgspec.structs.replace(message.body, changes=(b"\x90",)) if forged == "form" else message.body
    assert not authentic_renewal("inx", body)
    if forged == "form":  # nor has it effect, whoever asks that first
        made = sign("inx", SELLER, body=body, deal=None, role="seller", number=0, previous=None, seen=(),
                    time=message.time, epoch=0)  # fmt: skip
        assert renewal_fault(made) == "changes"
    fine = renewed([said("price", 0, price=9)])
    assert isinstance(fine.body, Renewal) and authentic_renewal("inx", fine.body)


def test_turns_are_due_one_after_the_other_and_missed_ones_are_left_out() -> None:
    assert [turn_of(FIRST, number).number for number in (1, 12)] == [1, 12]
    ends = [turn_of(FIRST, number).latest for number in range(1, 13)]
    for number, (before, last) in enumerate(itertools.pairwise([NOON, *ends]), 1):
        for now in (before + 1, last):
            found = next_turn(FIRST, now)
            assert found is not None and found.number == number
    assert next_turn(FIRST, ends[-1] + 1) is None
    endless = order(Mandate(notice=DAY, per=Per(count=1, unit="day"), turns=msgspec.UNSET))
    with pytest.raises(Void, match="mandate: the notice"):
        check_mandate(endless.body)  # type: ignore[arg-type]
    check_mandate(FIRST.body)  # type: ignore[arg-type]
    weekly = order(Mandate(notice=DAY, per=Per(count=1, unit="week")))
    found = next_turn(weekly, NOON + 1_200 * 7 * DAY - DAY)
    assert found is not None and found.number == 1_200
    assert next_turn(weekly, NOON + 1_200 * 7 * DAY) is None


def test_what_gives_no_mandate_is_no_mandate() -> None:
    assert mandate_of(FIRST) == MONTH
    plain = msgspec.structs.replace(FIRST.body, mandate=msgspec.UNSET)  # type: ignore[type-var]
    assert isinstance(plain, Order)
    check_mandate(plain)
    message = sign(
        "inx",
        BUYER,
        body=plain,
        deal=None,
        role="buyer",
        number=0,
        previous=None,
        seen=(),
        time=NOON,
        epoch=None,
    )
    for other in (message, renewed()):
        with pytest.raises(LocalProtocolError, match="no mandate"):
            mandate_of(other)
