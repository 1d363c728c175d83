"""A networker of our own who writes what a check needs: one log, or several branches of one, right and wrong ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.conformance.encoding import encode
from netnode.conformance.entries import (
    CLOSE,
    INCEPTION,
    LISTING,
    NOTHING,
    PROFILE,
    ROTATION,
    SETTLEMENT,
    Entry,
    Header,
    write_entry,
)
from netnode.conformance.identity import write_identity
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.session import Networker
from netnode.conformance.signatures import public
from netnode.conformance.tags import networker_id, promise, sha256
from netnode.ports import Entropy

_AGO: Final = 3_600_000  # ms; entries of the checks are due everywhere [R-EFF-3]


class Author:
    """Writes entries.

    Args:
        network: its name.
        entropy: for keys and salts; the keys are forgotten with the check.
        now: ms UTC.

    Attributes:
        id: networker id.
        first: the inception.
        seeds: the signing seed in force above each entry written so far, by entry id.
        promised: the seed of the key promised for each epoch, made when it is needed.
    """

    def __init__(self, network: str, entropy: Entropy, now: int) -> None:
        self.network, self._entropy, self._began = network, entropy, now - _AGO
        self.promised: dict[int, bytes] = {}
        self.seeds: dict[bytes, bytes] = {}
        seed = entropy.token(32)
        self.record = encode({
            "key": public(seed),
            "nonce": entropy.token(16),
            "promise": self._promise(1),
        })  # fmt: skip
        self.id = networker_id(network, self.record)
        self.first = self._write(None, INCEPTION, self.record, seed, seed, (0, 0), 0)

    def seed_of(self, epoch: int) -> bytes:
        """The seed promised for an epoch."""
        return self.promised.setdefault(epoch, self._entropy.token(32))

    def _promise(self, epoch: int) -> bytes:
        return promise(self.network, public(self.seed_of(epoch)))

    @property
    def networker(self) -> Networker:
        """Who it is in a handshake, before any rotation."""
        return Networker(self.network, self.seeds[self.first.id], self.first)

    def payload(self, key: bytes, until: int, openers: list[Entry], seed: bytes | None = None) -> bytes:
        """An identity payload [R-CERT-1].

        Args:
            key: the public session key.
            until: last moment of the certificate, ms.
            openers: the inception, then rotations.
            seed: what signs the certificate; None for the key of the last opener.
        """
        return write_identity(self.network, seed or self.seeds[openers[-1].id], key, until, openers)

    def until(self, days: float = 1) -> int:
        """A moment so many days after now, ms."""
        return self._began + _AGO + round(days * MILLISECONDS_PER_DAY)

    # -- entries -----------------------------------------------------------------------------------------------

    def _write(
        self,
        below: Entry | None,
        kind: int,
        record: bytes,
        signs: bytes,
        seed: bytes,
        place: tuple[int, int],
        later: int,
    ) -> Entry:
        seq, prev, time = (0, NOTHING, self._began) if below is None else (
            below.seq + 1, below.id, below.header.time,
        )  # fmt: skip
        header = Header(
            1, self.id, seq, prev, *place, time + later, kind, sha256(record), len(record)
        )  # fmt: skip
        entry = write_entry(self.network, signs, header, record)
        self.seeds[entry.id] = seed
        return entry

    def signed(self, header: Header, record: bytes, seed: bytes) -> Entry:
        """Any header, signed by any key."""
        entry = write_entry(self.network, seed, header, record)
        self.seeds[entry.id] = seed
        return entry

    def entry(
        self,
        below: Entry,
        *,
        kind: int = PROFILE,
        record: bytes | None = None,
        later: int = 1,
        signed: bool = True,
    ) -> Entry:
        """An entry that follows another; `signed` False: with 64 random bytes for a signature."""
        record = self.profile() if record is None else record
        seed = self.seeds[below.id]
        entry = self._write(below, kind, record, seed, seed, below.place, later)
        if not signed:
            entry = replace(entry, signature=self._entropy.token(64))
            self.seeds[entry.id] = seed
        return entry

    def entries(self, below: Entry, count: int, *, signed: bool = True) -> list[Entry]:
        """So many that follow each other."""
        found: list[Entry] = []
        for _ in range(count):
            below = self.entry(below, signed=signed)
            found.append(below)
        return found

    def log(self, count: int) -> list[Entry]:
        """The inception and so many entries above it."""
        return [self.first, *self.entries(self.first, count)]

    def close(self, below: Entry) -> Entry:
        """The end of the log."""
        return self.entry(below, kind=CLOSE, record=encode({}))

    def listing(self, below: Entry, key: str, title: str) -> Entry:
        """A product for sale."""
        price = {"amount": 1_250, "currency": "EUR"}
        record = {"$": self._entropy.token(16), "key": key, "kind": "product", "price": price, "title": title}
        return self.entry(below, kind=LISTING, record=encode(record))

    def profile(self) -> bytes:
        """The record of a profile."""
        return encode({"$": self._entropy.token(16), "name": "Conformance"})

    def filler(self, size: int) -> bytes:
        """A record of about so many bytes, of a kind nobody knows."""
        return encode({"$": self._entropy.token(16), "x": bytes(size)})

    # -- openers -----------------------------------------------------------------------------------------------

    def inception(self) -> Entry:
        """Another header for the same record [R-LOG-25]."""
        seed = self.seeds[self.first.id]
        return self._write(None, INCEPTION, self.record, seed, seed, (0, 0), 3)

    def settlement(self, below: Entry, *, later: int = 1, seed: bytes | None = None) -> Entry:
        """Opens the next term upon an entry."""
        own, (epoch, term) = self.seeds[below.id], below.place
        record = encode({"branches": []})
        return self._write(below, SETTLEMENT, record, seed or own, own, (epoch, term + 1), later)

    def rotation(
        self,
        below: Entry,
        *,
        other_promise: bool = False,
        reveal: bytes | None = None,
        signs: bytes | None = None,
        key: bytes | None = None,
        skip: int = 0,
    ) -> Entry:
        """Opens the next epoch upon an entry.

        Args:
            below: the last entry that stays.
            other_promise: promises a key that no other rotation of the epoch promises.
            reveal: seed of the key revealed, where it is not the promised one.
            signs: seed that signs it, where it is not the one revealed.
            key: public signing key of the epoch, where it is not a fresh one.
            skip: how many epochs are left out.
        """
        seed, epoch = self._entropy.token(32), below.header.epoch + 1 + skip
        revealed = reveal or self.seed_of(epoch)
        promised = (
            promise(self.network, self._entropy.token(32)) if other_promise else self._promise(epoch + 1)
        )
        record = encode({
            "key": key or public(seed),
            "promise": promised,
            "reveal": public(revealed),
        })  # fmt: skip
        return self._write(below, ROTATION, record, signs or revealed, seed, (epoch, 0), 1)
