"""What expires is found in order: the same as by going through all of it, and without doing so [R-CRED-64..66]."""

from __future__ import annotations

from random import Random

import pytest

from protocol.ledger.expiries import Expiries


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_going_through_all_of_it_comes_to(seed: int) -> None:
    """Whatever comes in, leaves and is locked, asked of moments that go back as well as forth."""
    random = Random(seed)
    made, totals, locks = Expiries(), dict.fromkeys(range(30), 0), dict.fromkeys(range(30), 0)
    for _ in range(300):
        expires, amount = random.randrange(30), random.randint(-9, 9)
        if random.random() < 0.7:
            made.add(expires, amount)
            totals[expires] += amount
        else:
            made.lock(expires, amount)
            locks[expires] += amount
        now, lasts, wanted = random.randrange(-1, 31), random.choice((0, 12, 25)), random.randint(0, 40)
        free = {each: totals[each] - locks[each] for each in range(30) if totals[each] > locks[each]}
        assert made.expired(now) == sum(amount for each, amount in free.items() if each <= now)
        assert (made.total, made.locked) == (sum(totals.values()), sum(locks.values()))
        expected = []
        for each in sorted(free):
            if each > now and each >= lasts and wanted > 0:
                expected.append((each, min(wanted, free[each])))
                wanted -= expected[-1][1]
        assert made.choose(sum(amount for _, amount in expected) + max(0, wanted), now, lasts) == expected


def test_a_request_looks_at_what_it_uses() -> None:
    """Ten thousand expiries cost who asks for one of them no more than that one does."""
    made = Expiries()
    for each in range(10_000):
        made.add(1_000 + each, 10)
    made.expired(0)
    looked: list[int] = []

    class Free(dict[int, int]):
        def __getitem__(self, expires: int) -> int:
            looked.append(expires)
            return super().__getitem__(expires)

    made._free = Free(made._free)
    for now in range(100):
        assert made.expired(now) == 0
        ((expires, amount),) = made.choose(10, now, 0)
        made.add(expires, -amount)
    assert len(looked) == 100
