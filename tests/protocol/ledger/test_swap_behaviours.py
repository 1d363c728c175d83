"""Every behaviour of two issuers and two holders around one swap: no honest holder loses [R-CRED-43..51, 60..64].

Each issuer is prompt, slow, silent, early, late, back-dated or forked, each holder hands things over promptly, slowly,
late or never (and is honest all the same), or too early, or spends twice, without cover, or with a retired key. All
combinations in which a holder is honest are played, each on logs of its own, whatever issuers may write by hand.

Lost is what a holder gave, on any branch, without being owed the other side for it by the union of all branches.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest

from protocol.entry import Entry
from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book
from protocol.ledger.statements import Leg, Swap, read, sign_swap
from protocol.ledger.union import Union
from protocol.records import Rekey, Withdraw
from protocol.records.fields import Place
from protocol.signing import verify
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, UNIT, World

COVER, GIVEN, TAKEN = 1_000, 600, 400
ISSUERS = ("prompt", "slow", "silent", "early", "late", "back-dated", "forked")
HONEST = ("prompt", "slow", "late", "silent")
DISHONEST = ("early", "twice", "uncovered", "retired")
NOTHING = Withdraw(salt=bytes(range(1, 17)), key="thing")


@functools.cache
def _verified(key: bytes, signature: bytes, message: bytes) -> bool:
    """Thousands of courses have the same beginning."""
    return verify(key, signature, message)


@functools.cache
def _template() -> Bench:
    return Bench((COVER, COVER), admitted=False)


def _bench() -> Bench:
    """Two issuers who owe ann and bob, as anew."""
    bench = copy.copy(_template())
    people = {name: _author(each) for name, each in bench.x.people.items()}
    bench.branches = []
    for name in ("x", "y"):
        world: World = copy.copy(getattr(bench, name))
        world.issuer, world.people = _author(world.issuer), people
        world.counters, world.known, world.verdicts = dict(world.counters), set(world.known), []
        world.between, world.verify = bench.between, _verified
        setattr(bench, name, world)
        _refold(world)
    return bench


def _author(author: Author) -> Author:
    made = copy.copy(author)
    made.entries = list(author.entries)
    return made


def _refold(world: World) -> None:
    world.book = world.fresh()
    for entry in world.issuer.entries:
        world.book.take(entry)


@dataclass
class Course:
    """One course of things.

    Attributes:
        x: what the issuer who locks does.
        y: what the one who decides does.
        ann: what the holder at X does, who wants credit of Y.
        bob: the other way round.
        bench: their logs.
        swaps: swaps of Y that stand, on whatever branch.
        locks: locks of X that do.
        after: entries of Y dated when the time was over, by branch.
        x_books: folds of X's other branches.
        y_books: of Y's.
        document: of the swap.
        head: as in it.
        keep: how many entries all branches of X and of Y share.
        aside: entries and fold of X's branch that was left.
    """

    x: str
    y: str
    ann: str
    bob: str
    bench: Bench = field(default_factory=_bench)
    swaps: list[Entry] = field(default_factory=list)
    locks: list[Entry] = field(default_factory=list)
    after: list[Entry] = field(default_factory=list)
    x_books: list[Book] = field(default_factory=list)
    y_books: list[Book] = field(default_factory=list)
    document: bytes = b""
    head: Place = (0, b"")
    keep: tuple[int, int] = (0, 0)
    aside: tuple[list[Entry], Book] | None = None

    def play(self) -> None:
        bench = self.bench
        self.head = (bench.y.issuer.entries[-1].seq, bench.y.issuer.entries[-1].id)
        self.keep = (len(bench.x.issuer.entries), len(bench.y.issuer.entries))
        self.document = self._document()
        self.spend(bench.x, "ann", self.ann)
        self.spend(bench.y, "bob", self.bob)
        self.x_locks()
        self.y_decides()
        self.y_goes_on()
        self.x_ends()

    # -- holders ---------------------------------------------------------------------------------------------
    def _document(self) -> bytes:
        data = self.bench.document((GIVEN, TAKEN))
        if "early" not in (self.ann, self.bob):
            return data
        # One of them hands it over before the other has signed.
        ann, bob = self.bench.holders
        forger = ann if self.ann == "early" else bob
        return sign_swap(NETWORK, forger.signer, forger.signer, read(Swap, data))

    def spend(self, world: World, name: str, how: str) -> None:
        """What a dishonest holder does with the credit beforehand."""
        document = read(Swap, self.document)
        leg: Leg = document.first if name == "ann" else document.second
        if how == "twice":
            assert world.redeem(name, COVER, at=self.bench.start - 9, counter=leg.counter).code is None
        elif how == "uncovered":
            assert world.redeem(name, COVER, at=self.bench.start - 9).code is None
        elif how == "retired":
            who = world.who(name)
            rotation, _ = who.rotation(who.entries[-1])
            who.entries.append(rotation)
            assert (
                world.write(Rekey(openers=world.openers(name, whole=True)), at=self.bench.start - 9).code
                is None
            )

    @property
    def handed(self) -> int | None:
        """When the first of both hands over what an issuer needs; None: nobody does."""
        times = {"slow": self.bench.until - 3, "late": self.bench.until + 1, "silent": None}
        found = [times.get(each, self.bench.start) for each in (self.ann, self.bob)]
        return min((each for each in found if each is not None), default=None)

    # -- X locks ---------------------------------------------------------------------------------------------
    def x_locks(self) -> None:
        bench, until = self.bench, self.bench.until
        if self.x == "silent" or self.handed is None:
            return
        at = {"slow": until - 2, "late": until}.get(self.x, self.handed)
        if self.x == "back-dated":  # after the time, below what it has written since
            bench.x.write(NOTHING, at=until + DAY)
            self._branch_x()
            at = bench.start
        verdict = bench.lock(self.document, at=max(at, bench.x.issuer.entries[-1].time))
        assert self.x != "late" or verdict.code == "request_over"
        if verdict.code is None:
            self.locks.append(bench.x.issuer.entries[-1])
        if self.x == "forked":  # another branch has never heard of it
            self._branch_x()
            self.spend(bench.x, "ann", self.ann)
            bench.x.write(NOTHING, at=until + DAY)
            self._back_x()

    def _branch_x(self) -> None:
        x = self.bench.x
        self.aside = (list(x.issuer.entries), x.book)
        self.x_books.append(x.book)
        del x.issuer.entries[self.keep[0] :]
        x.counters = dict(_template().x.counters)
        _refold(x)

    def _back_x(self) -> None:
        """The branch with the lock goes on; the other one is evidence."""
        x = self.bench.x
        other = x.book
        assert self.aside is not None  # branched before
        x.issuer.entries, x.book = self.aside
        self.x_books = [other]

    # -- Y decides -------------------------------------------------------------------------------------------
    def y_decides(self) -> None:
        bench, until = self.bench, self.bench.until
        handed = self.handed
        if self.y == "silent" or handed is None:
            return
        if self.y == "early" or not self.locks:  # it may write what it likes
            first = bench.x.issuer.entries[0]
            assert bench.swap(self.document, lock=first, at=max(handed, self._tip())).code is not None
            return
        if self.y == "back-dated":
            self.after.append(bench.pass_time(until + DAY))
            self._branch_y()
            self.y_swap(bench.start + 1)
            return
        self.y_swap({"slow": until - 1, "late": until}.get(self.y, handed + 1))
        if self.y == "forked":
            self._branch_y()

    def _tip(self) -> int:
        return self.bench.y.issuer.entries[-1].time

    def y_swap(self, at: int) -> None:
        bench = self.bench
        verdict = bench.swap(self.document, at=max(at, self._tip()), lock=self.locks[0])
        assert self.y != "late" or verdict.code == "request_over"
        if verdict.code is None:
            self.swaps.append(bench.y.issuer.entries[-1])

    def _branch_y(self) -> None:
        bench = self.bench
        bench.fork()
        self.y_books.append(bench.y.book)
        del bench.y.issuer.entries[self.keep[1] :]
        bench.y.counters = dict(_template().y.counters)
        _refold(bench.y)
        self.spend(bench.y, "bob", self.bob)

    def y_goes_on(self) -> None:
        if self.y != "silent":
            self.after.append(self.bench.pass_time(max(self.bench.until + DAY, self._tip())))

    # -- X ends its lock -------------------------------------------------------------------------------------
    def x_ends(self) -> None:
        bench = self.bench
        if self.x == "early":  # by a place that is dated before the time
            for entry in bench.y.issuer.entries[self.keep[1] :]:
                if entry.time < bench.until:
                    assert bench.pin(self.document, self.head, entry).code in ("no_swap", "no_lock")
        if self.x in ("early", "back-dated", "forked"):  # it prefers not to give
            for last in self.after:
                bench.pin(self.document, self.head, last)
        elif self.x != "silent":
            self.put_right()

        if self.x == "forked" and self.locks:  # on one more branch it stays as it is now, whatever comes here
            self.x_books.append(bench.x.book)
            _refold(bench.x)

    def put_right(self) -> None:
        """X logs what anybody can bring it: Y's swap, or two places of Y's log, between which it may lie."""
        pins = self.x == "slow" and self.y not in ("back-dated", "forked") and self.after
        if not self.swaps or pins:
            for last in self.after:
                self.bench.pin(self.document, self.head, last)
        else:
            for swap in self.swaps:
                self.bench.give(self.document, swap=swap)

    # -- what is owed ----------------------------------------------------------------------------------------
    def figures(self, world: World, name: str) -> Figures:
        """By all branches of one log."""
        others = self.x_books if world is self.bench.x else self.y_books
        union = Union()
        for book in (world.book, *others):
            assert book.unknown is None and book.head is not None
            union.add(Union([book.head[:2]], book.effects))
        return union.figures(UNIT, world.id(name), self.bench.until + 9 * DAY)


def _holders() -> Iterator[tuple[str, str]]:
    return ((ann, bob) for ann, bob in product(HONEST + DISHONEST, repeat=2) if {ann, bob} & set(HONEST))


@pytest.mark.parametrize("y", ISSUERS)
@pytest.mark.parametrize("x", ISSUERS)
def test_no_honest_holder_loses_whatever_the_four_do(x: str, y: str) -> None:
    played = 0
    for ann, bob in _holders():
        course = Course(x, y, ann, bob)
        course.play()
        _check(course)
        played += 1
    assert played == (len(HONEST) + len(DISHONEST)) ** 2 - len(DISHONEST) ** 2


def _check(course: Course) -> None:
    bench, where = course.bench, (course.x, course.y, course.ann, course.bob)
    swapped = bool(course.swaps)
    assert not swapped or course.locks, where
    assert "early" not in (course.ann, course.bob) or not course.locks, where
    if course.x not in ("back-dated", "forked"):  # else the other branch knows of none of it
        spent = {"twice": 0, "uncovered": 0, "retired": COVER}
        if course.ann in spent:  # what the holder could not move is the issuer's loss, not the holder's debt
            assert course.figures(bench.x, "ann").signed == spent[course.ann], where
    if course.ann in HONEST:
        # What ann gave she gave for credit of Y, and what is not given is hers.
        at_x, at_y = course.figures(bench.x, "ann"), course.figures(bench.y, "ann")
        assert at_x.signed in (COVER, COVER - GIVEN), where
        if at_x.signed < COVER:
            assert at_y.signed == TAKEN, where
        assert at_y.signed == (TAKEN if swapped else 0), where
    if course.bob in HONEST:
        # What left bob at Y has a lock at X that binds.
        at_y = course.figures(bench.y, "bob")
        assert at_y.signed == (COVER - TAKEN if swapped else COVER), where
    course.put_right()
    if course.bob in HONEST and swapped:
        assert course.figures(bench.x, "bob").signed == GIVEN, where
    if course.ann in HONEST:
        ended = swapped or bool(course.after) or not course.locks
        at_x = course.figures(bench.x, "ann")
        assert at_x.locked == (0 if ended else GIVEN), where
        assert at_x.signed == (COVER - GIVEN if swapped else COVER), where
