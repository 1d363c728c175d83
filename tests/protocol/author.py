"""A test author: keys from a seed, and a log built entry by entry, honest or not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol import encoding
from protocol.entry import NO_PREV, Entry, sign_entry
from protocol.identity import networker_id
from protocol.openers import Openers, start
from protocol.records import encode_record
from protocol.records.openers import Inception, Rotation, Settlement
from protocol.recovery import promise, promised_seed
from protocol.signing import Signer

NETWORK = "test"
START = 1_700_000_000_000


def seed(*parts: object) -> bytes:
    """32 bytes that depend on nothing but the parts."""
    return hashlib.sha256(repr(parts).encode()).digest()


def odd_record(*parts: object) -> bytes:
    """A small record of an odd kind."""
    return encoding.encode({"$": seed("salt", *parts)[:16], "text": repr(parts)})


@dataclass
class Author:
    """Keeps every branch it ever wrote in `entries` (the branch it goes on with)."""

    name: str
    network: str = NETWORK
    entries: list[Entry] = field(default_factory=list)
    generation: int = 0

    def __post_init__(self) -> None:
        self.entropy = seed(self.name, "entropy")
        self.signer = Signer(seed(self.name, "key", 0))
        record = encode_record(
            Inception(
                key=self.signer.public, nonce=seed(self.name, "nonce")[:16], promise=self.promise_for(1)
            )
        )
        self.id = networker_id(self.network, record)
        if not self.entries:
            self.entries.append(self._sign(self.signer, 0, NO_PREV, 0, 0, START, 0, record))

    def promised(self, epoch: int) -> Signer:
        return Signer(promised_seed(self.network, self.entropy, epoch))

    def promise_for(self, epoch: int) -> bytes:
        return promise(self.network, self.promised(epoch).public)

    def _sign(
        self,
        signer: Signer,
        seq: int,
        prev: bytes,
        epoch: int,
        term: int,
        time: int,
        kind: int,
        record: bytes,
    ) -> Entry:
        return sign_entry(
            self.network, signer, author=self.id, seq=seq, prev=prev, epoch=epoch, term=term, time=time,
            kind=kind, record=record,
        )  # fmt: skip

    def after(
        self,
        tip: Entry,
        kind: int = 1,
        record: bytes | None = None,
        *,
        signer: Signer | None = None,
        time: int | None = None,
        place: tuple[int, int] | None = None,
        note: object = "",
    ) -> Entry:
        """The entry after `tip`, not appended."""
        epoch, term = place or tip.place
        return self._sign(
            signer or self.signer,
            tip.seq + 1,
            tip.id,
            epoch,
            term,
            tip.time + 1 if time is None else time,
            kind,
            odd_record(self.name, tip.seq, note) if record is None else record,
        )

    def write(self, count: int = 1, note: object = "") -> list[Entry]:
        """Appends `count` odd entries."""
        for _ in range(count):
            self.entries.append(self.after(self.entries[-1], note=note))
        return self.entries[-count:]

    def branch(self, tip: Entry, count: int, note: object = "branch") -> list[Entry]:
        """So many odd entries above `tip`, not appended."""
        made: list[Entry] = []
        for _ in range(count):
            tip = self.after(tip, note=note)
            made.append(tip)
        return made

    def rotation(
        self, tip: Entry, *, generation: int = 1, promises: bytes | None = None
    ) -> tuple[Entry, Signer]:
        """A rotation on `tip`, not appended, and the new signing key."""
        epoch = tip.epoch + 1
        fresh = Signer(seed(self.name, "key", epoch, generation))
        record = encode_record(
            Rotation(
                key=fresh.public,
                promise=promises or self.promise_for(epoch + 1),
                reveal=self.promised(epoch).public,
            )
        )
        return self.after(tip, 2, record, signer=self.promised(epoch), place=(epoch, 0)), fresh

    def rotate(self, at: int = -1) -> Entry:
        """Rotates on the entry with index `at`; what lies above is disowned."""
        entry, signer = self.rotation(self.entries[at], generation=self.generation or 1)
        self.entries = [*self.entries[: entry.seq], entry]
        self.signer = signer
        return entry

    def settlement(self, tip: Entry, *, branches: Sequence[Entry] = ()) -> Entry:
        record = encode_record(Settlement(branches=tuple((entry.seq, entry.id) for entry in branches)))
        return self.after(tip, 4, record, place=(tip.epoch, tip.term + 1))

    def openers(self, *later: Entry) -> Openers:
        """What is known of this author's openers by the inception and these, in their order."""
        known = start(self.network, self.entries[0])
        for entry in later:
            known = known.admit(entry)
        return known

    def settle(self, at: int = -1) -> Entry:
        entry = self.settlement(self.entries[at])
        self.entries = [*self.entries[: entry.seq], entry]
        return entry
