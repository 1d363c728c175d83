"""The tree of one team with its whole history: who stood below whom at which entry of the owner's log [R-TEAM-10..16].

Two trees in one: *sponsors* (who recruited whom) and *places* (where a plan puts them, with a number of legs each).
Whoever has not got a place yet is in the *holding place*. `at` is the seq of an entry of the owner's log, and means
the state right after it; for files, the index of a row. Nothing is ever removed: an answer about the past stays.

The tree keeps order and history; whether a record may change it is judged before (`admission`, `moves`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from protocol.errors import Void
from protocol.near import Near
from protocol.rolls import Part, Roll

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Span:
    """One membership: from entry `joined` (at `joined_ms`, ms UTC) until entry `left`, None while it lasts."""

    joined: int
    joined_ms: int
    left: int | None = None
    left_ms: int | None = None


class Tree(Generic[P]):
    """Sponsors, places and memberships of one team.

    Args:
        root: its owner, who is no member and stands above all.
        everybody: that its ledger has met; None: nobody else counts them.
    """

    __slots__ = (
        "_before", "_frontiers", "_joined", "_joined_ms", "_jumps", "_last", "_left", "_legs", "_moved",
        "_next", "_others", "_people", "_places", "_since", "_sponsors", "_tails", "_taken",
        "revision", "root",
    )  # fmt: skip

    def __init__(self, root: P, everybody: Roll[P] | None = None) -> None:
        self.root = root
        # Everybody has a number, in the order of joining; the root is 0. What holds now is in arrays, so that a
        # million members take little; what held before, of the few who ever changed, in dicts.
        self._people = Part(everybody)
        self._people.add(root)
        self._joined = array("i", [-1])  # wider where a log is longer
        self._joined_ms = Near("i")
        self._joined_ms.append(0)
        self._left: dict[int, tuple[int, int]] = {}  # seq, ms UTC; absent: the membership lasts
        self._before: dict[int, list[Span]] = {}  # former memberships, oldest first
        self._sponsors = array("i", [-1])
        self._since: dict[int, int] = {
            0: 0
        }  # of the edge that holds; absent: since the last membership began
        self._moved: dict[int, list[tuple[int, int]]] = {}  # former edges: since, sponsor; oldest first
        # Whoever was sponsored by somebody at any time, in the order of coming there: a ring through arrays, by each
        # one's first sponsor, on which the first follows the last; of a sponsor to whom somebody was moved, all of
        # them in `_others`.
        self._last, self._next = array("i", [-1]), array("i", [-1])
        self._others: dict[int, dict[int, None]] = {}
        self._places: dict[
            P, tuple[int, P, int]
        ] = {}  # since, parent, leg: kept for good, also by who has left
        self._taken: dict[P, dict[int, P]] = {}
        # Places are never given up, so a search goes on where the one before it ended.
        self._frontiers: dict[P, deque[P]] = {}
        self._tails: dict[P, P] = {}
        self._jumps: dict[P, tuple[int, P]] = {root: (0, root)}  # depth, and a place far above: see `under`
        self._legs: int | None = None
        self.revision = 0
        """Counts the changes of who stands below whom, but for members who are new."""

    # -- questions -------------------------------------------------------------------------------------------
    def known(self, person: P) -> bool:
        """Whether somebody is or was a member."""
        return bool(self._people.find(person))

    def member(self, person: P, at: int | None = None) -> bool:
        """Whether somebody is a member, now or right after entry `at`."""
        number = self._people.find(person)
        return self._lasts(number, at) if number else False

    def members(self, at: int | None = None) -> Iterator[P]:
        """All members, in the order in which they first joined."""
        return (person for number, person in enumerate(self._people) if number and self._lasts(number, at))

    def everybody(self, first: int = 0) -> Iterator[P]:
        """Everybody who ever was a member, in the order in which they first joined, from that place on."""
        return self._people.since(1 + first)

    def spans(self, person: P) -> tuple[Span, ...]:
        """All memberships of somebody, oldest first."""
        number = self._people.find(person)
        return (*self._before.get(number, ()), self._span(number)) if number else ()

    def joined(self, person: P, at: int | None = None) -> int | None:
        """The entry that began the membership that lasts at `at`, or the last one before; None: never."""
        span = self._begun(person, at)
        return None if span is None else span.joined

    def joined_ms(self, person: P, at: int | None = None) -> int | None:
        """When that membership began, ms UTC; None: never."""
        span = self._begun(person, at)
        return None if span is None else span.joined_ms

    def left(self, person: P, at: int | None = None) -> int | None:
        """The entry that ended the last membership begun by `at`; None: it lasts at `at`, or there is none."""
        span = self._begun(person, at)
        ended = None if span is None else span.left
        return None if ended is None or (at is not None and ended > at) else ended

    def sponsor(self, person: P, at: int | None = None) -> P | None:
        """Whom somebody stands below in the tree of sponsors; None for the owner and who was no member yet."""
        number = self._people.find(person)
        if not number:
            return None
        if at is None or (number not in self._since and self._joined[number] <= at):
            above = self._sponsors[number]  # nearly always: asked for every level of every sale
        else:
            above = self._above(number, at)
        return self._people[above] if above >= 0 else None

    def upline(self, person: P, at: int | None = None) -> Iterator[P]:
        """Who stands above somebody, nearest first, without the owner; who has left only where they still stand."""
        above = self.sponsor(person, at)
        while above is not None and above != self.root:
            yield above
            above = self.sponsor(above, at)

    def sponsored(self, person: P, at: int | None = None) -> Iterator[P]:
        """Who stands right below somebody, in the order in which they came there; members only."""
        number = self._people.find(person)
        for each in () if number is None else self._below(number):
            if self._above(each, at) == number and self._lasts(each, at):
                yield self._people[each]

    def downline(self, person: P, at: int | None = None) -> Iterator[tuple[P, int]]:
        """Everybody below somebody, with their level from 1 on, level by level."""
        for level, row in self._rows(person, at):
            yield from ((self._people[each], level) for each in row if self._lasts(each, at))

    def depth(self, person: P, at: int | None = None) -> int:
        """Levels below the owner: 0 for the owner, 1 for who the owner sponsors."""
        return 0 if person == self.root else 1 + sum(1 for _ in self.upline(person, at))

    def height(self, person: P) -> int:
        """Levels below somebody, now."""
        return max((level for level, _ in self._rows(person, None)), default=0)

    def count_below(self, person: P, most: int, *, deep: bool = True) -> int:
        """How many stand below somebody now, who has left and still stands there too; 0 for who never was a member.

        Args:
            person: whoever.
            most: one more than this is enough.
            deep: on all levels, or on the first alone.
        """
        found = 0
        row = [self._number(person)] if self.known(person) else []
        while row:
            below: list[int] = []
            for above in row:
                for each in self._below(above):
                    if self._sponsors[each] == above:
                        below.append(each)
                        if found + len(below) > most:
                            return found + len(below)
            found += len(below)
            row = below if deep else []
        return found

    def above(self, upper: P, lower: P) -> bool:
        """Whether `upper` is `lower`, or stands above it now, in the tree of sponsors."""
        return upper in (lower, self.root) or any(each == upper for each in self.upline(lower))

    def placement(self, person: P, at: int | None = None) -> tuple[P, int] | None:
        """Parent and leg in the tree of places; None in the holding place, and where the plan has no such tree."""
        found = self._places.get(person)
        return None if found is None or (at is not None and found[0] > at) else (found[1], found[2])

    def placed(self, parent: P, leg: int, at: int | None = None) -> P | None:
        """Who has a place; it stays theirs when they leave."""
        person = self._taken.get(parent, {}).get(leg)
        return None if person is None or self.placement(person, at) is None else person

    def holding(self, at: int | None = None) -> Iterator[P]:
        """Members without a place, while the plan has a tree of places."""
        if self._legs is not None:
            yield from (each for each in self.members(at) if self.placement(each, at) is None)

    @property
    def legs(self) -> int | None:
        """Legs of each place; None while the plan has no such tree."""
        return self._legs

    def free_place(self, sponsor: P, spill: str) -> tuple[P, int]:
        """The place that the rule gives to somebody of this sponsor, now [R-TEAM-14].

        Args:
            sponsor: whose place is the start; if it has none, the nearest above that has one, or the owner.
            spill: `breadth`: the nearest free place, level by level, first leg first; `depth`: down the first leg.
        """
        start = sponsor
        while start != self.root and start not in self._places:
            above = self.sponsor(start)
            start = self.root if above is None else above
        assert self._legs is not None  # asked only where the plan has places
        if spill == "depth" or self._legs == 1:
            walked, tail = [start], self._tails.get(start, start)
            while 0 in self._taken.get(tail, {}):
                walked.append(tail)
                tail = self._taken[tail][0]
                tail = self._tails.get(tail, tail)
            self._tails.update(dict.fromkeys(walked, tail))  # nobody goes that way again, wherever they begin
            return tail, 0
        frontier = self._frontiers.setdefault(start, deque((start,)))
        while len(taken := self._taken.get(frontier[0], {})) >= self._legs:
            frontier.popleft()
            frontier.extend(taken[leg] for leg in range(self._legs))
        return frontier[0], next(leg for leg in range(self._legs) if leg not in taken)

    # -- changes ---------------------------------------------------------------------------------------------
    def set_legs(self, legs: int | None) -> None:
        """A plan takes force; the width of a tree of places that is there stays as it is.

        Args:
            legs: of each place; None: no such tree.
        """
        if self._legs is None:
            self._legs = legs

    def join(self, person: P, sponsor: P, at: int, ms: int) -> None:
        """Begins a membership. Who comes back has the place they had, and whom they sponsored where they stand now.

        Raises:
            Void: `is_member`, `no_sponsor`, `cycle`.
        """
        if person == self.root or self.member(person):
            raise Void("is_member", "they are a member already, or the owner")
        if sponsor != self.root and not self.member(sponsor):
            raise Void("no_sponsor", "the sponsor is no member")
        if self.known(person) and self.above(person, sponsor):
            raise Void("cycle", "the sponsor stands below the new member")
        number = self._people.find(person)
        if number is None:
            number = self._enter(person, ms)
        else:
            self.revision += 1
            self._before.setdefault(number, []).append(self._span(number))
            self._since.setdefault(number, self._joined[number])
            self._left.pop(number, None)
        try:
            self._joined[number] = at
        except OverflowError:
            self._joined = array("q", self._joined)
            self._joined[number] = at
        self._joined_ms[number] = ms
        self._stand(number, self._number(sponsor), at)

    def leave(self, person: P, at: int, ms: int, *, roll_up: bool) -> None:
        """Ends a membership [R-TEAM-16].

        Args:
            person: who leaves; their place stays, empty.
            at: seq of the entry.
            ms: its date.
            roll_up: whether those they sponsor stand below their sponsor from now on.

        Raises:
            Void: `no_member`.
        """
        if not self.member(person):
            raise Void("no_member", "they are no member")
        self.revision += 1
        number = self._number(person)
        self._left[number] = (at, ms)
        if roll_up:
            for each in [each for each in self._below(number) if self._sponsors[each] == number]:
                self._stand(each, self._sponsors[number], at)

    def move(self, person: P, sponsor: P, at: int) -> None:
        """Gives a member another sponsor.

        Raises:
            Void: `no_member`, `no_sponsor`, `cycle`.
        """
        if not self.member(person):
            raise Void("no_member", "they are no member")
        if sponsor != self.root and not self.member(sponsor):
            raise Void("no_sponsor", "the new sponsor is no member")
        if sponsor != self.root and self.above(person, sponsor):
            raise Void("cycle", "the new sponsor stands below them")
        self.revision += 1
        self._stand(self._number(person), self._number(sponsor), at)

    def place(self, person: P, parent: P, leg: int, at: int) -> None:
        """Gives a member their place, for good.

        Raises:
            Void: `no_place`: there is no such place, it is taken, or they have one.
        """
        if self._legs is None or leg >= self._legs:
            raise Void("no_place", "the plan has no such place")
        if parent != self.root and parent not in self._places:
            raise Void("no_place", "who should be above them has no place")
        if person in self._places or leg in self._taken.get(parent, {}) or person == parent:
            raise Void("no_place", "the place is taken, or they have one")
        self._places[person] = (at, parent, leg)
        self._taken.setdefault(parent, {})[leg] = person
        depth, jump = self._jumps[parent]
        middle, far = self._jumps[jump]
        # A jump is twice as long as the one below it where two equal ones meet, so a climb takes few steps.
        even = depth - middle == middle - self._jumps[far][0]
        self._jumps[person] = (depth + 1, far if even else parent)

    def under(self, upper: P, parent: P) -> bool:
        """Whether a place below `parent` lies below the place of `upper`; false where one of them has none."""
        if upper not in self._jumps or parent not in self._jumps:
            return False
        depth = self._jumps[upper][0]
        while self._jumps[parent][0] > depth:
            jump = self._jumps[parent][1]
            parent = jump if self._jumps[jump][0] >= depth else self._places[parent][1]
        return parent == upper

    # -- inside: by number -----------------------------------------------------------------------------------
    def _enter(self, person: P, ms: int) -> int:
        number = self._people.add(person)
        self._joined.append(0)
        self._joined_ms.append(ms)
        for links in (self._sponsors, self._last, self._next):
            links.append(-1)
        return number

    def _stand(self, number: int, sponsor: int, at: int) -> None:
        before = self._sponsors[number]
        if before == sponsor:
            return
        self._sponsors[number] = sponsor
        if before >= 0:
            self._moved.setdefault(number, []).append((self._began(number), before))
        if at != self._joined[number]:
            self._since[number] = at
        else:
            self._since.pop(number, None)
        if before < 0 and sponsor not in self._others:
            last = self._last[sponsor]
            if last < 0:
                self._next[number] = number
            else:
                self._next[number], self._next[last] = self._next[last], number
            self._last[sponsor] = number
            return
        others = self._others.get(sponsor)
        if others is None:
            others = self._others[sponsor] = dict.fromkeys(self._below(sponsor))
        others.setdefault(number)

    def _below(self, number: int) -> Iterator[int]:
        """Whoever was sponsored by somebody at any time, in the order of coming there."""
        if number in self._others:
            yield from self._others[number]
            return
        each = self._last[number]
        while each >= 0:
            each = self._next[each]
            yield each
            if each == self._last[number]:
                return

    def _rows(self, person: P, at: int | None) -> Iterator[tuple[int, list[int]]]:
        """Levels below somebody that are not empty, from 1 on."""
        number = self._people.find(person)
        level, row = 0, [] if number is None else [number]
        while row := [each for above in row for each in self._below(above) if self._above(each, at) == above]:
            level += 1
            yield level, row

    def _number(self, person: P) -> int:
        """Of the owner, or of who is or was a member."""
        found = self._people.find(person)
        assert found is not None
        return found

    def _began(self, number: int) -> int:
        """Since which entry who stands above somebody does."""
        since = self._since
        return since[number] if number in since else self._joined[number]

    def _above(self, number: int, at: int | None) -> int:
        """The sponsor; -1 for none."""
        if at is None or self._began(number) <= at:
            return self._sponsors[number]
        edges = self._moved.get(number, ())
        index = bisect_right(edges, at, key=_seq)
        return edges[index - 1][1] if index else -1

    def _lasts(self, number: int, at: int | None) -> bool:
        """Whether a membership lasts, now or right after an entry."""
        left = self._left.get(number)
        if at is None:
            return left is None
        if self._joined[number] <= at:
            return left is None or left[0] > at
        for span in reversed(self._before.get(number, ())):
            if span.joined <= at:
                return span.left is None or span.left > at
        return False

    def _span(self, number: int) -> Span:
        """The last membership."""
        return Span(self._joined[number], self._joined_ms[number], *self._left.get(number, (None, None)))

    def _begun(self, person: P, at: int | None) -> Span | None:
        """The last membership that had begun by an entry."""
        begun = [span for span in self.spans(person) if at is None or span.joined <= at]
        return begun[-1] if begun else None


def _seq(edge: tuple[int, int]) -> int:
    return edge[0]
