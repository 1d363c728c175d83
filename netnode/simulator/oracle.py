"""What honest people were told succeeded, and what may happen to whom: the memory that the checks compare with."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.crediting.promised import Promises

NEVER: Final = 2**31  # an epoch that is never reached


class Violation(Exception):
    """A rule that must hold did not; ends the run, which failed.

    Args:
        rule: one word, stable, by which failures are grouped.
        text: what was seen, for a person.
    """

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.text = text


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An entry whose author was told that it is on disk: what it says, and when (virtual seconds)."""

    id: bytes
    what: str
    at: float


@dataclass(slots=True)
class Oracle:
    """Remembers.

    Attributes:
        names: of honest networkers, by id.
        homes: whose each home is, by the name of its node.
        acknowledged: by home (the node's name) and entry id.
        listings: keys of own listings in force, by home.
        blobs: hashes that an owner was told are kept, by home.
        safe_from: the first epoch in which nobody but the owner has the key, by networker.
        contests: networkers that may be contested.
        retired: ids of entries that somebody signed with a networker's key after it was replaced, by networker.
        forged: ids of entries that no node may store, and why.
        framed: networkers of dishonest peers that somebody tried to make look like forkers.
        dropped: pairs of home and author that the owner there let go of.
        rotated: networkers whose signing key was replaced.
        put_back: networkers of whom a home was put back from an older copy.
        wrong_clocks: homes whose clock may be off by more than INX tolerates.
        mails: to whom and under which subject an owner was told that a mail is sent, by home and name of the mail.
        moves: own messages in deals that an owner was told are on disk, with what they are, by home and id.
        statements: own statements on mandates that an owner was told are on disk, by home and id.
        ended: renewals that there were when a seller knew that the mandate of an order is ended, by the order's id.
        consents: fees of the consents that an arbiter was told are given, by id: basis points, or minor units.
        shelves: keys of own listings made for deals, with how many pieces there were (None: not counted), by home.
        credits: what owners were told of credit.
        told: how often an owner was told that an entry is on disk.
    """

    names: dict[bytes, str] = field(default_factory=dict)
    homes: dict[str, bytes] = field(default_factory=dict)
    acknowledged: dict[str, dict[bytes, Acknowledged]] = field(default_factory=dict)
    listings: dict[str, set[str]] = field(default_factory=dict)
    blobs: dict[str, dict[str, int]] = field(default_factory=dict)
    safe_from: dict[bytes, int] = field(default_factory=dict)
    contests: set[bytes] = field(default_factory=set)
    retired: dict[bytes, set[bytes]] = field(default_factory=dict)
    forged: dict[bytes, str] = field(default_factory=dict)
    framed: set[bytes] = field(default_factory=set)
    dropped: set[tuple[str, bytes]] = field(default_factory=set)
    rotated: set[bytes] = field(default_factory=set)
    put_back: set[bytes] = field(default_factory=set)
    wrong_clocks: set[str] = field(default_factory=set)
    mails: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)
    moves: dict[str, dict[bytes, str]] = field(default_factory=dict)
    statements: dict[str, dict[bytes, str]] = field(default_factory=dict)
    ended: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    consents: dict[str, tuple[str, int]] = field(default_factory=dict)
    shelves: dict[str, dict[str, int | None]] = field(default_factory=dict)
    credits: Promises = field(default_factory=Promises)
    told: int = 0

    def acknowledge(self, home: str, entry: bytes, what: str, at: float) -> None:
        """The owner of a home was told that this entry is on disk."""
        self.acknowledged.setdefault(home, {})[entry] = Acknowledged(entry, what, at)
        self.told += 1

    def lives_at(self, home: str, networker: bytes) -> None:
        """An honest networker has this home."""
        self.homes[home] = networker
        self.names.setdefault(networker, home)

    def replaced(self, home: str, kept: Iterable[bytes], requests: Container[str] = ()) -> None:
        """A home was put back from an older copy: of what its owner was told, only this is in it.

        Args:
            home: name of its node.
            kept: ids of own entries.
            requests: ids of own requests of credit.
        """
        known = set(kept)
        self.put_back.add(self.homes[home])
        told = self.acknowledged.get(home, {})
        self.acknowledged[home] = {entry: each for entry, each in told.items() if entry in known}
        self.credits.forgot(home, requests)

    def forgot(self, home: str, kept: Iterable[bytes]) -> None:
        """A home was put back from an older copy: of its own words in deals, these are in it or at the other side."""
        known = set(kept)
        for told in (self.moves, self.statements):
            told[home] = {name: what for name, what in told.get(home, {}).items() if name in known}

    def copied(self, source: str, home: str) -> None:
        """A home became the copy of another one; both may write from now on."""
        self.lives_at(home, self.homes[source])
        self.copies(self.homes[source])
        self.acknowledged[home] = dict(self.acknowledged.get(source, {}))
        self.listings[home] = set(self.listings.get(source, ()))
        self.blobs[home] = dict(self.blobs.get(source, {}))

    def may_fork(self, author: bytes, epoch: int) -> bool:
        """Whether two entries of one place in this epoch are no fault of the node."""
        return author not in self.names or epoch < self.safe_from.get(author, 0)

    def single(self, author: bytes) -> bool:
        """Whether one home alone has ever written this log, and was never put back: then it lacks nothing of it."""
        return author in self.names and author not in self.put_back and not self.safe_from.get(author, 0)

    def may_contest(self, author: bytes) -> bool:
        """Whether two rotations of one epoch may be known."""
        return author not in self.names or author in self.contests

    def stolen(self, author: bytes, epoch: int) -> None:
        """Somebody else has the signing key of this epoch."""
        self.safe_from[author] = max(self.safe_from.get(author, 0), epoch + 1)

    def copies(self, author: bytes) -> None:
        """Several homes of this networker may write at once."""
        self.safe_from[author] = NEVER

    def inherited(self, lost: str, home: str, networker: bytes) -> None:
        """A home takes the place of one that is lost."""
        self.homes.pop(lost, None)
        self.homes[home] = networker
        self.names[networker] = home
        for told in (self.acknowledged, self.listings, self.blobs):
            told.pop(lost, None)

    def answer_for(self, deeds: Deeds) -> None:
        """Takes in what a dishonest peer says that it did so far."""
        self.forged.update(deeds.forged)
        self.framed.update(author for author in deeds.framed if not deeds.excuses(author))

    def label(self, author: bytes) -> str:
        """Whose log, for a person."""
        return self.names.get(author, f"stranger {author.hex()[:8]}")
