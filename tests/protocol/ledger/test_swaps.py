"""Swaps: each step, and every behaviour of two issuers around one: no honest holder loses [R-CRED-43..51]."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import pytest

from protocol.entry import Entry
from protocol.ledger.book import Book
from protocol.ledger.union import Union
from protocol.records import Lock, SwapEntry
from protocol.records.fields import Place
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, UNIT

GIVEN, TAKEN = 600, 400


# -- each step -----------------------------------------------------------------------------------------------
def test_a_swap_exchanges_credit_of_two_issuers() -> None:
    bench = Bench()
    document = bench.document()
    assert bench.lock(document).code is None
    assert (bench.x.figures("ann").locked, bench.x.figures("ann").available) == (600, 400)
    assert bench.swap(document).code is None
    assert bench.give(document).code is None
    found = {name: (bench.x.figures(name).balance, bench.y.figures(name).balance) for name in ("ann", "bob")}
    assert found == {"ann": (400, 400), "bob": (600, 600)}
    assert bench.x.figures("ann").locked == 0


def test_without_a_swap_in_time_the_lock_goes_back() -> None:
    bench = Bench()
    head = _head(bench)
    document = bench.document()
    bench.lock(document)
    later = bench.pass_time(bench.until)
    assert bench.pin(document, head, later).code is None
    assert (bench.x.figures("ann").balance, bench.x.figures("ann").locked) == (1_000, 0)


def test_pins_between_which_there_is_a_swap_give_what_is_locked() -> None:
    bench = Bench()
    head = _head(bench)
    document = bench.document()
    bench.lock(document)
    bench.swap(document)
    later = bench.pass_time(bench.until)
    assert bench.pin(document, head, later).code is None
    assert bench.x.figures("bob").balance == 600


def test_pins_of_a_log_that_is_not_held_make_the_ledger_unknown() -> None:
    bench = Bench()
    head = _head(bench)
    document = bench.document()
    bench.lock(document)
    later = bench.pass_time(bench.until)
    bench.held = False
    assert bench.pin(document, head, later).code == "unknown"
    assert bench.x.book.unknown == bench.x.issuer.entries[-1].seq


def test_pins_of_a_branch_that_left_below_the_head_prove_nothing() -> None:
    bench = Bench()
    below = len(bench.y.issuer.entries) - 1
    head = _head(bench)
    document = bench.document()
    bench.lock(document)
    bench.swap(document)
    bench.fork()
    del bench.y.issuer.entries[below:]
    for days in (0, 1):
        last = bench.pass_time(bench.until + days)
    assert bench.pin(document, head, last).code == "no_swap"
    assert bench.x.figures("ann").locked == 600


def test_a_lock_is_proved_within_its_term() -> None:
    bench = Bench()
    document = bench.document()
    bench.lock(document)
    lock = bench.x.issuer.entries[-1]
    settled = bench.x.issuer.settlement(lock)
    record = SwapEntry(
        document=document,
        lock=(tuple(lock.wire()), tuple(settled.wire())),
        openers=bench.openers(*bench.holders, bench.x.issuer),
    )
    assert bench.y.write(record, at=bench.start + 1).code == "no_lock"


@pytest.mark.parametrize(
    ("what", "code"),
    [("late lock", "request_over"), ("late swap", "request_over"), ("no lock", "no_lock"), ("early pin", "no_swap"),
     ("other head", "no_swap"), ("forged lock", "no_lock"), ("other swap's lock", "no_lock"),
     ("pin without lock", "no_lock"), ("lock twice", "already_logged"), ("swap twice", "already_logged")],
)  # fmt: skip
def test_what_is_wrong_with_a_swap(what: str, code: str) -> None:
    bench = Bench()
    head = _head(bench)
    document = bench.document()
    if what == "late lock":
        assert bench.lock(document, at=bench.until).code == code
        return
    if what == "pin without lock":
        assert bench.pin(document, head, bench.pass_time(bench.until)).code == code
        return
    if what == "no lock":
        bench.x.rekey("ann")
        assert bench.swap(document).code == code
        return
    assert bench.lock(document).code is None
    match what:
        case "late swap":
            verdict = bench.swap(document, at=bench.until)
        case "early pin":
            verdict = bench.pin(document, head, bench.pass_time(bench.until - 1))
        case "other head":
            verdict = bench.pin(document, (0, bench.y.issuer.entries[0].id), bench.pass_time(bench.until))
        case "forged lock":
            real = bench.x.issuer.entries[-1]
            forged = bench.y.issuer.after(
                bench.y.issuer.entries[-1], Lock.KIND, real.record, time=bench.start
            )
            verdict = bench.swap(document, lock=forged)
        case "other swap's lock":
            verdict = bench.swap(bench.document())
        case "lock twice":
            verdict = bench.lock(document)
        case _:
            bench.swap(document)
            verdict = bench.swap(document)
    assert verdict.code == code


def test_a_lock_beyond_what_is_there_binds_its_issuer() -> None:
    bench = Bench((100, 1_000))
    document = bench.document()
    assert bench.lock(document).code is None
    assert bench.swap(document).code is None
    assert bench.give(document).code is None
    assert bench.x.figures("bob").balance == 600
    assert (bench.x.figures("ann").signed, bench.x.figures("ann").uncovered) == (0, 500)


def test_a_lock_by_a_retired_key_binds_its_issuer_and_not_the_holder() -> None:
    bench = Bench()
    document = bench.document()
    ann = bench.x.who("ann")
    rotation, _ = ann.rotation(ann.entries[-1])
    ann.entries.append(rotation)
    bench.x.rekey("ann")
    assert bench.lock(document).code is None
    bench.swap(document)
    assert bench.give(document).code is None
    assert bench.x.figures("ann").balance == 1_000
    assert bench.x.figures("bob").balance == 600
    assert bench.x.book.figures(UNIT, bench.x.issuer.id, bench.x.now).uncovered == 600


def test_a_lock_with_a_counter_used_before_binds_its_issuer_and_not_the_holder() -> None:
    bench = Bench()
    document = bench.document()
    bench.x.redeem("ann", 100, counter=1)
    bench.lock(document)
    bench.swap(document)
    assert bench.give(document).code is None
    assert (bench.x.figures("ann").balance, bench.x.figures("bob").balance) == (900, 600)


def test_what_a_swap_gave_does_not_expire() -> None:
    bench = Bench()
    document = bench.document()
    bench.lock(document)
    bench.swap(document)
    bench.give(document)
    assert bench.x.figures("bob", bench.x.now + 10**4 * DAY).balance == 600


def _head(bench: Bench) -> Place:
    entry = bench.y.issuer.entries[-1]
    return (entry.seq, entry.id)


# -- every behaviour -----------------------------------------------------------------------------------------
@dataclass
class Course:
    """One course of things: what Y's branches came to, and what X did."""

    bench: Bench
    document: bytes
    head: Place
    locked: bool = False
    swaps: list[Entry] = field(default_factory=list)
    tips: list[Entry] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)

    def y_acts(self, act: str) -> None:
        """One branch of Y's log from the document's head on."""
        bench, y = self.bench, self.bench.y
        if self.books:
            bench.fork()
            del y.issuer.entries[self.head[0] + 1 :]
            y.book = y.fresh()
            for entry in y.issuer.entries:
                y.book.take(entry)
                if entry.kind == 10:
                    y.book.teams.tree("team").join(y.id("bob"), y.issuer.id, entry.seq, entry.time)
        if act in ("swaps", "swaps and goes on"):
            if bench.swap(self.document, lock=self.lock_entry()).code is None:
                self.swaps.append(y.issuer.entries[-1])
        elif act == "swaps late":
            assert bench.swap(self.document, at=bench.until, lock=self.lock_entry()).code is not None
        elif act == "swaps without a lock":
            assert bench.swap(self.document, lock=bench.x.issuer.entries[1]).code == "no_lock"
        if act in ("swaps and goes on", "goes on", "swaps late"):
            self.tips.append(bench.pass_time(bench.until + DAY))
        self.books.append(y.book)

    def lock_entry(self) -> Entry:
        locks = [entry for entry in self.bench.x.issuer.entries if entry.kind == Lock.KIND]
        return locks[0] if locks else self.bench.x.issuer.entries[1]

    def x_ends(self, act: str) -> None:
        """X writes what it can, in whatever order."""
        bench = self.bench
        if act == "gives" and self.swaps:
            bench.give(self.document, swap=self.swaps[0])
        elif act.startswith("pins"):
            for tip in self.tips if act == "pins first" else self.tips[::-1]:
                bench.pin(self.document, self.head, tip)
                break

    def owed_by_y(self, name: str) -> int:
        union = Union()
        for book in self.books:
            assert book.head is not None
            union.add(Union([book.head[:2]], book.effects))
        return union.figures(UNIT, self.bench.y.id(name), self.bench.y.now).balance


Y_ACTS = ("is silent", "goes on", "swaps", "swaps and goes on", "swaps late", "swaps without a lock")
X_ENDS = ((), ("gives",), ("pins first",), ("pins last",), ("pins first", "gives"), ("gives", "pins last"))


@pytest.mark.parametrize("locks", ["never", "in time", "late"])
@pytest.mark.parametrize("cover", [(1_000, 1_000), (100, 1_000), (1_000, 100), (0, 0)])
def test_no_honest_holder_loses_whatever_both_issuers_do(locks: str, cover: tuple[int, int]) -> None:
    courses = 0
    for branches in [*((act,) for act in Y_ACTS), *product(Y_ACTS[:4], Y_ACTS[:4])]:
        for ends in X_ENDS:
            _check(locks, cover, branches, ends)
            courses += 1
    assert courses == 22 * len(X_ENDS)


def _check(locks: str, cover: tuple[int, int], branches: tuple[str, ...], ends: tuple[str, ...]) -> None:
    bench = Bench(cover)
    course = Course(bench, bench.document(), _head(bench))
    if locks != "never":
        verdict = bench.lock(course.document, at=bench.start if locks == "in time" else bench.until)
        course.locked = verdict.code is None
        assert course.locked is (locks == "in time")
    for act in branches:
        course.y_acts(act)
    for act in ends:
        course.x_ends(act)
    where = (locks, cover, branches, ends)
    ann_x, bob_x = bench.x.figures("ann"), bench.x.figures("bob")
    ann_y, bob_y = course.owed_by_y("ann"), course.owed_by_y("bob")
    swapped = bool(course.swaps)
    # Y's side is all or nothing, and never without a lock.
    assert ann_y == (TAKEN if swapped else 0), where
    assert bob_y == (max(0, cover[1] - TAKEN) if swapped else cover[1]), where
    assert not (swapped and not course.locked), where
    # Ann's credit at X leaves her only where Y owes her the other, on whatever branch.
    given = bob_x.balance == GIVEN
    assert ann_x.balance == (max(0, cover[0] - GIVEN) if given else cover[0]), where
    assert not given or swapped, where
    assert bob_x.balance in (0, GIVEN), where
    # Bob, whose credit at Y has moved, gets Ann's whenever X logs the proof, whatever it logged before.
    if swapped:
        bench.give(course.document, swap=course.swaps[0])
        assert bench.x.figures("bob").balance == GIVEN, where
        assert bench.x.figures("ann").locked == 0, where
    # Where Y has not swapped, whatever Y's log has dated after the time is enough for Ann to have her credit back.
    elif course.locked and course.tips:
        bench.pin(course.document, course.head, course.tips[0])
        after = bench.x.figures("ann")
        assert (after.balance, after.locked) == (cover[0], 0), where


def test_a_swap_record_does_exactly_one_thing() -> None:
    bench = Bench()
    document = bench.document()
    for fields in ({}, {"pins": ((0, bytes(32)), (1, bytes(32))), "swap": ((b"h", b"s", None),)}):
        verdict = bench.x.issuer.after(
            bench.x.issuer.entries[-1],
            SwapEntry.KIND,
            _raw({"document": document, "openers": [], **fields}),
            time=bench.x.now + 1,
        )
        assert bench.x.book.take(verdict).code == "malformed"


def _raw(value: dict[str, object]) -> bytes:
    from protocol import encoding

    return encoding.encode(value)
