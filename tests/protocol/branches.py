"""Branches of one log, honest and not, grown step by step; what machines deliver to stores in any order.

A `Universe` holds every entry that anybody ever wrote in the name of one author: by the author, by a thief of the
signing key, by a careless copy. `grow` adds one step to a branch; the names of the steps are what a test draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.entry import CLOSE, NO_PREV, Entry, parse_wire
from protocol.signing import Signer
from tests.protocol.author import Author, seed

MAX_EPOCH = 4


@dataclass
class Universe:
    """All branches of an author: each a list of entries from the inception on."""

    author: Author
    branches: list[list[Entry]] = field(default_factory=list)
    keys: dict[bytes, Signer] = field(default_factory=dict)
    steps: int = 0

    def __post_init__(self) -> None:
        first = self.author.entries[0]
        self.keys[first.id] = self.author.signer
        self.branches.append([first])

    def grow(self, branch: int, at: int, step: str, count: int) -> list[Entry]:
        """One step on a branch, from its entry `at` on; the new branch."""
        self.steps += 1
        base = self.branches[branch % len(self.branches)]
        base = base[: at % len(base) + 1]
        new = STEPS[step](self, list(base), count)
        if new not in self.branches:
            self.branches.append(new)
        return new

    def after(self, branch: list[Entry], entry: Entry, signer: Signer | None = None) -> None:
        """Puts an entry on a branch, and remembers which key signs what comes after it."""
        self.keys.setdefault(entry.id, signer or self.keys[branch[-1].id])
        branch.append(entry)

    def write(self, branch: list[Entry], count: int) -> list[Entry]:
        for _ in range(count):
            tip = branch[-1]
            signer = self.keys[tip.id]
            self.after(branch, self.author.after(tip, signer=signer, note=self.steps))
        return branch

    def unsigned(self, branch: list[Entry], count: int) -> list[Entry]:
        """Entries with a foreign signature, which only a later one proves."""
        for _ in range(count % 3 + 1):
            entry = self.author.after(branch[-1], signer=self.keys[branch[-1].id], note=self.steps)
            forged = Signer(seed("someone else")).sign(b"INX/1\0test\0entry\0" + entry.header)
            self.after(branch, parse_wire([entry.header, forged, entry.record]))
        return branch

    def backdated(self, branch: list[Entry], count: int) -> list[Entry]:
        tip = branch[-1]
        signer = self.keys[tip.id]
        self.after(branch, self.author.after(tip, signer=signer, time=tip.time - 1, note=self.steps))
        return self.write(branch, count % 2)

    def close(self, branch: list[Entry], count: int) -> list[Entry]:
        self.after(branch, self.author.after(branch[-1], CLOSE, b"\x80", signer=self.keys[branch[-1].id]))
        return self.write(branch, count % 2)

    def settle(self, branch: list[Entry], count: int) -> list[Entry]:
        self.author.signer = self.keys[branch[-1].id]
        self.after(branch, self.author.settlement(branch[-1], branches=[branch[-1]] if count % 2 else []))
        return self.write(branch, count % 3)

    def rotate(self, branch: list[Entry], count: int) -> list[Entry]:
        """A rotation by the words; `count` decides which signing key, so that two may contest."""
        if branch[-1].epoch >= MAX_EPOCH:
            return branch
        entry, signer = self.author.rotation(branch[-1], generation=1 + count % 3)
        self.after(branch, entry, signer)
        return self.write(branch, count % 3)

    def words(self, branch: list[Entry], count: int) -> list[Entry]:
        """A rotation that promises a key of other words."""
        if branch[-1].epoch >= MAX_EPOCH:
            return branch
        entry, signer = self.author.rotation(branch[-1], promises=seed("other words", count % 2))
        self.after(branch, entry, signer)
        return branch

    def thief(self, branch: list[Entry], count: int) -> list[Entry]:
        """Entries by the first signing key, retired or not, in the epoch of the branch."""
        signer = self.keys[self.author.entries[0].id]
        for _ in range(count % 3 + 1):
            self.after(
                branch, self.author.after(branch[-1], signer=signer, note=("thief", self.steps)), signer
            )
        return branch

    def inception(self, branch: list[Entry], count: int) -> list[Entry]:
        """Another header for the same record."""
        first = self.author.entries[0]
        other = self.author._sign(
            self.keys[first.id], 0, NO_PREV, 0, 0, first.time + 1 + count % 2, 0, first.record or b""
        )
        self.keys.setdefault(other.id, self.keys[first.id])
        return self.write([other], count % 2)

    def gap(self, branch: list[Entry], count: int) -> list[Entry]:
        """An entry with a `prev` of its own: it links to nothing."""
        tip = branch[-1]
        wrong = self.author._sign(
            self.keys[tip.id], tip.seq + 1, seed("nowhere"), tip.epoch, tip.term, tip.time + 1, 1, b"\x80"
        )
        self.after(branch, wrong)
        return branch


STEPS: dict[str, Callable[[Universe, list[Entry], int], list[Entry]]] = {
    "write": Universe.write,
    "unsigned": Universe.unsigned,
    "backdated": Universe.backdated,
    "close": Universe.close,
    "settle": Universe.settle,
    "rotate": Universe.rotate,
    "words": Universe.words,
    "thief": Universe.thief,
    "inception": Universe.inception,
    "gap": Universe.gap,
}
