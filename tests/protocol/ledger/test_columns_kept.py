"""What a ledger keeps in columns says the same as plain dicts of the values would."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from protocol.ledger.accounts import Accounts
from protocol.ledger.dates import Dates
from protocol.ledger.effects import (
    NEVER,
    NO_COUNTER,
    Credited,
    Earned,
    Kind,
    Moved,
    PeriodKey,
    Sold,
    Step,
    Value,
    is_period,
    movement_id,
    period_id,
    read_period_id,
    sale_id,
)
from protocol.ledger.filing import Files, OrderFile
from protocol.ledger.holdings import Effects
from protocol.ledger.period_awards import PeriodAwards
from protocol.rolls import Roll

IDS = [sha256(bytes([number])).digest() for number in range(6)]
_id = st.sampled_from(IDS)
_amount = st.sampled_from([0, 1, 700, 2**53 - 1, 2**63])
_step = st.builds(
    Step,
    due=st.integers(0, 3),
    expires=st.sampled_from([5, NEVER]),
    amount=st.integers(1, 900),
    base=st.one_of(st.integers(1, 900), st.just(2**70), st.fractions(1, 9)),
    hold=st.integers(0, 3),
)
_credit = st.builds(
    Credited,
    to=_id,
    rule=st.sampled_from(["level", "group"]),
    level=st.integers(0, 2),
    unit=st.sampled_from(["pv", "EUR"]),
    steps=st.lists(_step, min_size=1, max_size=2).map(tuple),
)
_sold = st.one_of(
    _amount.map(lambda each: Sold(each, each, 0, None, ())),
    st.builds(
        Sold,
        earned=_amount,
        paid=_amount,
        refunded=st.sampled_from([0, 5]),
        keeps=st.sampled_from([None, 5]),
        awards=st.lists(_credit, max_size=1).map(tuple),
    ),
)
_earned = st.builds(Earned, credit=_credit, reversed=st.sampled_from([0, 1]))
_moved = st.builds(
    Moved,
    kind=st.just(Kind.PAYOUT),
    unit=st.just("pv"),
    holder=_id,
    to=st.just(b""),
    amount=st.integers(1, 9),
    counter=st.just(NO_COUNTER),
    lots=st.just(((NEVER, 1),)),
)


def _name(value: Value, about: bytes) -> bytes:
    match value:
        case Sold():
            return sale_id(about)
        case Earned():
            return period_id("team", IDS[0], "2026-01-01", value.credit.key)
        case _:
            return movement_id(about)


@given(st.lists(st.tuples(_id, st.one_of(_sold, _earned, _moved)), max_size=25))
def test_effects_are_those_of_a_dict_in_its_order(given: list[tuple[bytes, Value]]) -> None:
    everybody = Roll[bytes]()
    awards = PeriodAwards(everybody)
    effects, plain, made = Effects(Roll(), awards), dict[bytes, Value](), dict[bytes, int]()
    accounts, sums, now = Accounts(awards), Accounts(), 2
    for number, (about, value) in enumerate(given):
        id = _name(value, about)
        assert effects.find(id) == plain.get(id) and (id in effects) == (id in plain)
        accounts.change(effects.find(id), value)
        sums.change(plain.get(id), value)
        effects.put(id, value, number)
        plain[id] = value
        made.setdefault(id, number)
        assert effects[id] == value and effects.made(id) == made[id]
    assert list(effects.items()) == list(plain.items()) and len(effects) == len(plain)
    assert accounts.units() == sums.units()
    for unit in ("pv", "EUR"):
        assert set(accounts.holders(unit)) == set(sums.holders(unit))
        assert len(list(accounts.holders(unit))) == len(set(sums.holders(unit)))
        for holder in IDS:
            assert accounts.has(unit, holder) == sums.has(unit, holder)
            assert accounts.figures(unit, holder, now) == sums.figures(unit, holder, now)


def test_the_id_of_an_award_of_a_period_says_which_it_is() -> None:
    key = (IDS[1], "group:duty", 12, "pv")
    id = period_id("a team/of mine", IDS[0], "2026-01-01", key)
    assert is_period(id) and not is_period(sale_id(IDS[0]))
    assert read_period_id(id) == PeriodKey("a team/of mine", IDS[0], "2026-01-01", key)


@given(st.integers(1, 80))
def test_who_has_many_awards_of_periods_has_the_sum_of_them(count: int) -> None:
    awards = PeriodAwards(Roll())
    accounts, sums = Accounts(awards), Accounts()
    for number in range(count):
        key = (IDS[1], "group", 1, "pv")
        value = Earned(Credited(*key, (Step(number % 5, NEVER, 10 + number, 100, 9),)), 0)
        id = period_id("team", IDS[0], str(number), key)
        assert awards.add(IDS[1], awards.kind(id, key), 10 + number, 100, (number % 5, NEVER, 9, number))
        assert not awards.add(IDS[1], awards.kind(id, key), 1, 1, (0, NEVER, 0, number))
        sums.change(None, value)
        place = awards.place(id)
        assert place is not None and (awards.value(place), awards.id(place)) == (value, id)
    for now in (2, 0, 9):
        assert accounts.figures("pv", IDS[1], now) == sums.figures("pv", IDS[1], now)


_file = st.builds(
    OrderFile,
    seqs=st.lists(st.sampled_from([2, 4, 6]), min_size=1, max_size=2, unique=True).map(tuple),
    at=st.sampled_from([2, 4, 6]),
    time=st.sampled_from([20, 40, 60]),
    taken=_amount,
    hold=st.integers(0, 2**53),
    frozen=st.sampled_from([None, None, None, 7]),
    thawed=st.sampled_from([None, None, None, 9]),
    bought=st.sampled_from([None, None, None, (IDS[2], "pv", 3)]),
    sold=st.sampled_from([None, (IDS[0], "team"), (IDS[1], "")]),
    led=st.booleans(),
    counted=st.sampled_from([None, None, 8]),
)


@given(st.lists(st.tuples(_id, _file), max_size=25))
def test_files_are_those_of_a_dict(given: list[tuple[bytes, OrderFile]]) -> None:
    dates = Dates()
    for seq in (2, 4, 6):
        dates.note(seq, 10 * seq)
    files, plain = Files(Roll(), dates, Roll()), dict[bytes, OrderFile]()
    for order, file in given:
        assert files.get(order) == plain.get(order)
        files.put(order, file)
        plain[order] = replace(file)
        files[order].taken += 1  # a copy
        assert files[order] == file
        if file.hold % 2:
            kept = files.kept(order)
            assert kept is not None
            kept.looked = plain[order].looked = 7
    assert files.kept(bytes(32)) is None
    assert list(files.items()) == list(plain.items()) and len(files) == len(plain)


@given(st.lists(st.tuples(st.integers(1, 2**33), st.integers(0, 9)), min_size=1, max_size=20))
def test_dates_are_those_of_the_entries(steps: list[tuple[int, int]]) -> None:
    dates, seqs, times = Dates(), list[int](), list[int]()
    assert dates.newest == -1 and dates.before(5) == dates.until(5) == 0
    for more, later in steps:
        seqs.append((seqs[-1] if seqs else 0) + more)
        times.append((times[-1] if times else 0) + later)
        dates.note(seqs[-1], times[-1])
        assert dates.newest == times[-1] and len(dates) == len(seqs)
    for number, (seq, time) in enumerate(zip(seqs, times, strict=True)):
        assert (dates.number(seq), dates.seq(number)) == (number, seq)
        assert dates.date(seq) == dates.time(number) == time
        assert dates.before(time) == max(
            (one for one, at in zip(seqs, times, strict=True) if at < time), default=0
        )
        assert dates.until(time) == max(one for one, at in zip(seqs, times, strict=True) if at <= time)
