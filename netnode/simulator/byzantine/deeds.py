"""What a dishonest peer really did, so that a check can tell what nodes may show of whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from protocol.entry import Entry


@dataclass(slots=True)
class Deeds:
    """A truthful record; it grows while the peer is at work. Dicts stand for sets in the order of the deeds.

    Attributes:
        identities: networkers the peer made, with what it made them for.
        signed: ids of entries that their author's key of that place really signed, or that a later signature proves.
        forged: ids of entries that no node may store, with the reason.
        forked: networkers of which two entries of one place of the newest term were signed: nodes may show that.
        contested: networkers with two rotations of one epoch: nodes may show that.
        framed: networkers that somebody tried to make look forked or contested, at nodes that knew their newest
            opener: no node may show that.
        acts: how often it did what.
        codes: with which codes nodes ended sessions or refused, by act.
    """

    identities: dict[bytes, str] = field(default_factory=dict)
    signed: dict[bytes, None] = field(default_factory=dict)
    forged: dict[bytes, str] = field(default_factory=dict)
    forked: dict[bytes, None] = field(default_factory=dict)
    contested: dict[bytes, None] = field(default_factory=dict)
    framed: dict[bytes, None] = field(default_factory=dict)
    acts: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Counter[str]] = field(default_factory=dict)

    def sign(self, *branches: Iterable[Entry]) -> None:
        """These entries are signed by their author."""
        for branch in branches:
            self.signed.update((entry.id, None) for entry in branch)

    def forge(self, why: str, entries: Iterable[Entry]) -> None:
        """These entries must not be stored anywhere."""
        self.forged.update((entry.id, why) for entry in entries)

    def answered(self, act: str, code: str | None) -> None:
        """A node answered an act with a code; None: with nothing, or by going on."""
        self.codes.setdefault(act, Counter())[code or "-"] += 1

    def excuses(self, networker: bytes) -> bool:
        """Whether nodes may show this networker as forked or contested."""
        return networker in self.forked or networker in self.contested
