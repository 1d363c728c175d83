"""The policy of the quotas [R-QUOTA-1..5]."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from netnode.quotas import LEAST, MIB, Distance, Plan, Quotas, Use, headroom, plan

BOUNDS = Quotas(followed=8 * MIB, near=4 * MIB, near_together=6 * MIB, pool=10 * MIB)
sizes = st.one_of(st.integers(500, 2_000), st.integers(LEAST // 2, 2 * LEAST), st.integers(0, 20 * MIB))


@st.composite
def held(draw: st.DrawFn) -> dict[Distance, list[Use]]:
    """Logs at all distances; authors and arrivals are unique."""
    uses: dict[Distance, list[Use]] = {}
    number = 0
    for distance in Distance:
        uses[distance] = []
        for size in draw(st.lists(sizes, max_size=40)):
            number += 1
            uses[distance].append(
                Use(number.to_bytes(32, "big"), size, draw(st.integers(1, 50)) * 100 + number)
            )
    return uses


def carried_out(uses: dict[Distance, list[Use]], wanted: Plan) -> dict[Distance, list[Use]]:
    return {
        distance: [
            Use(each.author, min(each.bytes, wanted.cuts.get(each.author, each.bytes)), each.arrival)
            for each in held
            if each.author not in wanted.falls
        ]
        for distance, held in uses.items()
    }


@given(held())
def test_once_carried_out_everything_is_under_its_quota(uses: dict[Distance, list[Use]]) -> None:
    """[R-QUOTA-1] [R-QUOTA-2]"""
    after = carried_out(uses, plan(uses, BOUNDS))
    for distance, logs in after.items():
        together, most = BOUNDS.together(distance), BOUNDS.of_log(distance)
        assert together is None or sum(each.bytes for each in logs) <= together
        assert most is None or all(each.bytes <= most for each in logs)
    assert plan(after, BOUNDS) == Plan()
    assert headroom(after, BOUNDS) >= 0


@given(held())
def test_own_logs_are_untouched_and_followed_ones_never_fall(uses: dict[Distance, list[Use]]) -> None:
    """[R-QUOTA-1]"""
    wanted = plan(uses, BOUNDS)
    own = {each.author for each in uses[Distance.OWN]}
    followed = {each.author for each in uses[Distance.FOLLOWED]}
    assert not own & (wanted.cuts.keys() | set(wanted.falls)) and not followed & set(wanted.falls)
    for each in uses[Distance.FOLLOWED]:
        assert (each.author in wanted.cuts) == (each.bytes > BOUNDS.followed)


@given(held(), held())
def test_strangers_take_from_strangers_alone(
    uses: dict[Distance, list[Use]], others: dict[Distance, list[Use]]
) -> None:
    """Whatever strangers there are, the plan for the others is the same [R-QUOTA-2]."""
    wanted = plan(uses, BOUNDS)
    changed = plan({**uses, Distance.STRANGER: others[Distance.STRANGER]}, BOUNDS)
    strangers = {each.author for each in others[Distance.STRANGER]}
    for distance in (Distance.FOLLOWED, Distance.NEAR):
        for author in {each.author for each in uses[distance]} - strangers:
            assert wanted.cuts.get(author) == changed.cuts.get(author)
            assert (author in wanted.falls) == (author in changed.falls)


@given(held(), st.randoms(use_true_random=False))
def test_the_order_of_the_logs_does_not_matter(uses: dict[Distance, list[Use]], rng: random.Random) -> None:
    shuffled = {distance: rng.sample(logs, len(logs)) for distance, logs in uses.items()}
    assert plan(shuffled, BOUNDS) == plan(uses, BOUNDS)


def strangers(*given: tuple[int, int]) -> dict[Distance, list[Use]]:
    """Logs of strangers: bytes and arrival of each; the author is its place."""
    return {
        Distance.STRANGER: [
            Use(number.to_bytes(32, "big"), size, arrival) for number, (size, arrival) in enumerate(given)
        ]
    }


def test_the_largest_is_cut_before_any_falls() -> None:
    wanted = plan(strangers((9 * MIB, 1), (MIB, 2), (MIB, 3)), BOUNDS)
    assert not wanted.falls and list(wanted.cuts) == [bytes(32)]
    assert wanted.cuts[bytes(32)] == BOUNDS.pool * 7 // 8 - 2 * MIB


def test_when_all_are_small_the_one_that_changed_longest_ago_falls() -> None:
    """Of as many logs as the pool cannot hold even at the least size."""
    count = BOUNDS.pool // LEAST + 1
    wanted = plan(strangers(*((LEAST, (number * 7) % count + 1) for number in range(count))), BOUNDS)
    assert not wanted.cuts
    fell = [int.from_bytes(each, "big") for each in wanted.falls]
    arrivals = [(number * 7) % count + 1 for number in fell]
    assert arrivals == list(range(1, len(fell) + 1)) and len(fell) == 1 + BOUNDS.pool // 8 // LEAST


def test_what_cannot_be_cut_falls() -> None:
    wanted = plan(strangers((6 * MIB, 2), (6 * MIB, 1)), BOUNDS, cutting=False)
    assert wanted == Plan({}, ((1).to_bytes(32, "big"),))


def test_nobody_looks_before_something_can_be_too_much() -> None:
    assert headroom({}, BOUNDS) == 4 * MIB  # a new log that is near may take no more
    assert headroom({Distance.FOLLOWED: [Use(bytes(32), 7 * MIB, 1)]}, BOUNDS) == MIB
    assert headroom(strangers((MIB, 1), (8 * MIB, 2)), BOUNDS) == MIB
    assert headroom(strangers((11 * MIB, 1)), BOUNDS) == 0
