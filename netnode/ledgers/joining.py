"""What branches beside a log give, joined with what the log gives, and kept level with both [L13].

Each branch is folded once, from the beginning, and then only what it changed above the place where it left the log is
kept: the rest the log had there too. So an entry of the log costs what it changes, however many branches there are; and
of one log no more than MOST_FOLDS branches are folded, whatever its author writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Protocol

from netnode.ledgers.evidence import Mark
from protocol.ledger.book import Book
from protocol.ledger.effects import Value, join
from protocol.ledger.union import Branch, Claim, Union, disputed

MOST_FOLDS: Final = 64
"""Branches of one log that are folded while its ledger is in memory; what comes later is named as missing. Why: each
takes as long as the log itself, and who forks on purpose can sign thousands of them; an accident leaves one or two."""


class Log(Protocol):
    """What is asked of the fold of a log."""

    @property
    def book(self) -> Book:
        """The fold itself."""

    @property
    def former(self) -> Mapping[bytes, Sequence[object]]:
        """What effects were before they changed, by id."""

    @property
    def place(self) -> Branch | None:
        """Seq and id of its newest entry."""

    def as_of(self, id: bytes, seq: int) -> Value | None:
        """An effect as it was right after an entry."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one branch gives that the log did not give where it left it.

    Attributes:
        fork: seq of the newest entry that it shares with the log.
        head: seq and id of its newest entry.
        rotation: id of the rotation that disowned it; None: it binds its author.
        effects: those that it changed above the fork.
        logged: when the branch logged those that the log had none of, ms UTC.
        unknown: the first entry of which nothing can be said; None: all of it is understood.
    """

    fork: int
    head: Branch
    rotation: bytes | None
    effects: Mapping[bytes, Value]
    logged: Mapping[bytes, int]
    unknown: Branch | None

    def value(self, log: Log, id: bytes) -> Value | None:
        """An effect as the branch has it; a freeze in the log moves what is due there, and not on the branch."""
        return self.effects[id] if id in self.effects else log.as_of(id, self.fork)


def beyond(log: Log, branch: Mapping[bytes, Value], fork: int) -> dict[bytes, Value]:
    """The effects of a branch that it changed above the newest entry that it shares with the log."""
    return {id: value for id, value in branch.items() if log.as_of(id, fork) != value}


class Joined:
    """What a log and the branches beside it come to together."""

    __slots__ = (
        "_news", "_releases", "around", "claims", "folds", "lacking", "logged", "sides", "tip", "union",
    )  # fmt: skip

    def __init__(self) -> None:
        self.union: Union | None = None
        """Of all branches; None while none binds the author but the log."""
        self.logged: dict[bytes, int] = {}
        """By effect that only a branch has: when that logged it, ms UTC."""
        self.claims: tuple[Claim, ...] = ()
        """What a rotation disowned, that this store had before, and that its holder has not released."""
        self.lacking: tuple[Branch, ...] = ()
        """Entries of branches that are known and not held, or that no more is folded of."""
        self.sides: dict[Branch, Side] = {}
        self.folds = 0
        """Branches that were folded."""
        self.around: Mark | None = None
        """Of what lay beside the log when it was looked through; None: it never was."""
        self.tip = -1
        """Seq of the newest entry of the log then, or since."""
        self._news: set[bytes] | None = None  # effects that changed since; None: everything may have
        self._releases = 0

    def note(self, changed: Iterable[bytes], *, closed: bool) -> None:
        """The log changed these effects; or it closed a period, which does not tell which are new."""
        if closed:
            self._news = None
        elif self._news is not None:
            self._news.update(changed)

    def known(self, head: Branch) -> Side | None:
        """A branch that needs not be folded: it was, and all of it was understood, or there is no folding any more."""
        side = self.sides.get(head)
        return side if side is not None and (side.unknown is None or self.folds >= MOST_FOLDS) else None

    def unknown(self) -> list[Branch]:
        """The first entries of branches of which nothing could be said, as long as they may be folded once more."""
        return [
            each.unknown
            for each in self.sides.values()
            if each.unknown is not None and self.folds < MOST_FOLDS
        ]

    def places(self) -> list[Branch]:
        """What becomes of the branches once one of these comes into the log: their ends, and what is missing."""
        return [*self.sides, *self.lacking]

    def lay(self, sides: Sequence[Side], lacking: Iterable[Branch], around: Mark) -> None:
        """Takes in what lies beside the log now."""
        unknown = {each.unknown for each in sides if each.unknown is not None}
        self.lacking = tuple(sorted({*lacking, *unknown}))
        self.around = around
        laid = {each.head: each for each in sides}
        if laid != self.sides:
            self.sides, self._news = laid, None

    def join(self, log: Log) -> None:
        """Brings the union and what is disputed level with the log."""
        book, news, releases = log.book, self._news, len(log.book.state.releases)
        binding = [each for each in self.sides.values() if each.rotation is None]
        disowned = [each for each in self.sides.values() if each.rotation is not None]
        if news is None:
            self._rebuild(log, binding)
        elif self.union is not None:
            self._go_on(log, binding, news)
        if news is None or releases != self._releases or any(news & each.effects.keys() for each in disowned):
            effects = book.effects if self.union is None else self.union.effects
            self.claims = _claims(book, effects, disowned)
        self._news, self._releases = (set() if self.sides else None), releases

    def _rebuild(self, log: Log, binding: Sequence[Side]) -> None:
        self.logged, self.union = {}, None
        if not binding:
            return
        self.union = Union((), log.book.effects)
        for side in binding:
            self.logged = {**side.logged, **self.logged}
        changed = {id for side in binding for id in side.effects}
        self._go_on(log, binding, changed | log.former.keys())

    def _go_on(self, log: Log, binding: Sequence[Side], ids: Iterable[bytes]) -> None:
        """Joins some effects anew, of the log and of all that binds its author."""
        assert self.union is not None and log.place is not None  # something binds, and it was folded
        found = {}
        for id in ids:
            values = [log.book.effects.get(id), *(each.value(log, id) for each in binding)]
            found[id] = reduce(join, [each for each in values if each is not None])
        self.union.become((log.place, *(each.head for each in binding)), found)


def _claims(book: Book, effects: Mapping[bytes, Value], disowned: Sequence[Side]) -> tuple[Claim, ...]:
    """What rotations disowned and their holders did not let go of; of an effect on several branches the largest."""
    found: dict[tuple[bytes, bytes, str], Claim] = {}
    for side in disowned:
        assert side.rotation is not None  # disowned
        for claim in disputed(effects, side.effects):
            if book.released(claim.holder, side.rotation):
                continue
            key = (claim.id, claim.holder, claim.unit)
            known = found.get(key)
            if known is None or known.amount < claim.amount:
                found[key] = claim
    return tuple(found[key] for key in sorted(found))
