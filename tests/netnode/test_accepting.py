"""Who gets a place among those that dialled in, and who makes room."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from netnode.sync.accepting import (
    BLOCK,
    HALF_OPEN,
    HALF_OPEN_BLOCK,
    QUICK,
    SPREAD,
    Guest,
    Waiting,
    admit_handshake,
    leaver,
    refused_in_block,
)


def guest(number: int, host: str, *, latency: float = 1.0, protected: bool = False) -> Guest:
    mark = hash(host.rsplit(".", 2)[0]) & 0xFFFF
    return Guest(number.to_bytes(32, "big"), host, number, latency, mark, protected)


def test_a_block_holds_four_places() -> None:
    """4 of one /24 or /48; this computer and the owner's peers count in no block [R-BOOK-11]."""
    block = [guest(n, f"5.6.7.{n}") for n in range(BLOCK)]
    assert refused_in_block(guest(9, "5.6.7.99"), block)
    assert not refused_in_block(guest(9, "5.6.7.99"), block[1:])
    assert not refused_in_block(guest(9, "5.6.8.1"), block)
    assert not refused_in_block(guest(9, "5.6.7.99", protected=True), block)
    named = [guest(n, f"5.6.7.{n}", protected=True) for n in range(9)]
    assert not refused_in_block(guest(9, "5.6.7.99"), named)
    here = [guest(n, "127.0.0.1") for n in range(60)]
    assert not refused_in_block(guest(99, "127.0.0.1"), here)
    six = [guest(n, f"2a01:4f8:1:{n}::1") for n in range(BLOCK)]
    assert refused_in_block(guest(9, "2a01:4f8:1:ffff::1"), six)
    assert not refused_in_block(guest(9, "2a01:4f8:2::1"), six)


def test_the_youngest_of_the_most_crowded_group_makes_room() -> None:
    crowd = [guest(100 + n, f"66.6.{n}.1") for n in range(40)]
    others = [guest(n, f"{20 + n}.1.2.3") for n in range(24)]
    left = leaver(guest(999, "99.1.2.3"), [*others, *crowd])
    assert left == crowd[-1]


def test_the_crowded_group_gets_no_further_place() -> None:
    """Else who has many addresses could put all others out one after the other."""
    crowd = [guest(100 + n, f"66.6.{n}.1") for n in range(40)]
    others = [guest(n, f"{20 + n}.1.2.3") for n in range(24)]
    assert leaver(guest(999, "66.6.99.1"), [*others, *crowd]) is None


def test_the_owners_peer_always_gets_a_place() -> None:
    few = [guest(n, f"{20 + n}.1.2.3") for n in range(3)]
    newcomer = guest(9, "66.6.1.1", protected=True)
    assert leaver(newcomer, few) in few
    assert leaver(newcomer, [guest(n, "5.6.7.8", protected=True) for n in range(3)]) is None
    assert leaver(guest(9, "66.6.1.1"), few) is None  # a stranger does not: they are protected all three


hosts = st.tuples(st.integers(11, 90), st.integers(0, 3), st.integers(0, 255)).map(
    lambda parts: f"{parts[0]}.{parts[1]}.{parts[2]}.1"
)
parties = st.lists(st.tuples(hosts, st.floats(0.01, 5), st.booleans()), min_size=1, max_size=80)


@given(parties, hosts, st.booleans())
def test_the_protected_stay(party: list[tuple[str, float, bool]], host: str, named: bool) -> None:
    """Never the owner's peers; for a stranger neither the quickest, the longest, nor a spread [R-BOOK-11]."""
    guests = [guest(n, h, latency=latency, protected=own) for n, (h, latency, own) in enumerate(party)]
    left = leaver(guest(999, host, protected=named), guests)
    strangers = [each for each in guests if not each.protected]
    if left is None:
        return
    assert left in strangers
    if not named:
        quickest = sorted(strangers, key=lambda each: (each.latency, each.id))[:QUICK]
        assert left not in quickest
        assert left != min(strangers, key=lambda each: each.since)
        marks: dict[str, Guest] = {}
        for each in sorted(strangers, key=lambda each: (each.mark, each.since, each.id)):
            marks.setdefault(each.group, each)
        assert left not in list(marks.values())[:SPREAD]


def test_half_of_the_rest_is_protected_by_its_age() -> None:
    """A wave of fresh sessions, quick and from everywhere, cannot wash out those that stand long."""
    old = [guest(n, f"20.{n // 2}.{n}.1", latency=9.0) for n in range(10)]  # two of a group
    wave = [guest(100 + n, f"{30 + n}.1.1.1", latency=0.1) for n in range(30)]
    left = leaver(guest(999, "99.1.1.1"), [*old, *wave])
    assert left is not None and left in wave


def test_an_attacker_does_not_push_the_honest_out() -> None:
    """64 honest sessions, then 1,000 attempts from one /16: at most the few in excess of the rule change hands."""
    seats = [guest(n, f"{20 + n}.{n}.1.1") for n in range(64)]
    drawn = random.Random(3)
    for number in range(1_000):
        newcomer = guest(1_000 + number, f"66.6.{drawn.randrange(256)}.{drawn.randrange(256)}", latency=0.001)
        left = leaver(newcomer, seats)
        if left is not None:
            seats = [each for each in seats if each != left] + [newcomer]
    assert sum(each.group == "66.6.0.0/16" for each in seats) <= 2


# -- handshakes ------------------------------------------------------------------------------------------------
def test_a_block_has_few_handshakes_under_way() -> None:
    waiting = [Waiting(n, f"5.6.7.{n}") for n in range(HALF_OPEN_BLOCK)]
    assert admit_handshake("5.6.7.200", waiting) == (False, None)
    assert admit_handshake("5.6.8.1", waiting) == (True, None)
    assert admit_handshake("127.0.0.1", [Waiting(n, "127.0.0.1") for n in range(20)]) == (True, None)


def test_when_all_handshakes_are_taken_the_most_crowded_block_gives_one_up() -> None:
    crowd = [Waiting(n, f"66.6.{n // 4}.{n}") for n in range(HALF_OPEN - 2)]
    full = [Waiting(100, "5.6.7.8"), *crowd, Waiting(101, "5.6.9.8")]
    assert admit_handshake("7.7.7.7", full) == (True, crowd[0])
    alone = [Waiting(n, f"{20 + n}.1.1.1") for n in range(HALF_OPEN)]
    assert admit_handshake("7.7.7.7", alone) == (True, alone[0])  # the oldest has had its time
    assert admit_handshake("20.1.1.9", alone) == (False, None)
    here = [Waiting(n, "127.0.0.1") for n in range(HALF_OPEN)]
    assert admit_handshake("127.0.0.1", here) == (False, None)
    assert admit_handshake("5.6.7.8", here) == (True, here[0])
