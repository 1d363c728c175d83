"""Networkers that a dishonest peer makes: keys from a secret, and logs built entry by entry, honest or not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import encoding
from protocol.certificate import DAY_MS, certify, encode_identity
from protocol.entry import INCEPTION, NO_PREV, ROTATION, SETTLEMENT, Entry, sign_entry
from protocol.identity import networker_id
from protocol.records import Listing, Price, encode_record
from protocol.records.openers import Inception, Rotation, Settlement
from protocol.recovery import promise, promised_seed
from protocol.signing import Signer

SESSION_DAYS: Final = 30
ODD_KIND: Final = 1_001  # of a later version: kept and passed on, shown nowhere


class Author:
    """One networker and the branch of its log that it goes on with.

    Nothing is checked: whoever calls may sign two entries of one place, with keys of any epoch.

    Args:
        network: the network's name.
        secret: what all its keys come from, 32 bytes.
        start: date of the inception, ms UTC.
    """

    def __init__(self, network: str, secret: bytes, start: int) -> None:
        self.network = network
        self._secret = secret
        self.signer = Signer(self._seed("key", 0, 0))
        self.session_private = self._seed("session")
        self.session_public = _public(self.session_private)
        record = encode_record(
            Inception(key=self.signer.public, nonce=self._seed("nonce")[:16], promise=self.promise_for(1))
        )
        self.id = networker_id(network, record)
        self.entries = [self._sign(self.signer, 0, NO_PREV, (0, 0), start, INCEPTION, record)]

    @property
    def tip(self) -> Entry:
        """The newest entry of the branch."""
        return self.entries[-1]

    @property
    def openers(self) -> tuple[Entry, ...]:
        """Inception and rotations of the branch, as a handshake shows them."""
        return tuple(entry for entry in self.entries if entry.kind in (INCEPTION, ROTATION))

    def promised(self, epoch: int) -> Signer:
        """The key that opens an epoch, from 1 on."""
        return Signer(promised_seed(self.network, self._seed("words"), epoch))

    def promise_for(self, epoch: int) -> bytes:
        """The hash by which the epoch before promises that key."""
        return promise(self.network, self.promised(epoch).public)

    # -- entries ---------------------------------------------------------------------------------------------
    def after(
        self,
        tip: Entry,
        kind: int = ODD_KIND,
        record: bytes | None = None,
        *,
        signer: Signer | None = None,
        time: int | None = None,
        place: tuple[int, int] | None = None,
        note: object = "",
    ) -> Entry:
        """The entry after `tip`, not appended; an odd record that depends on `note` when none is given."""
        return self._sign(
            signer or self.signer,
            tip.seq + 1,
            tip.id,
            place or tip.place,
            tip.time + 1 if time is None else time,
            kind,
            self.odd_record(tip.seq, note) if record is None else record,
        )

    def branch(
        self, tip: Entry, count: int, note: object = "", *, signer: Signer | None = None
    ) -> list[Entry]:
        """A branch of `count` odd entries above `tip`, not appended; without what lies below."""
        made: list[Entry] = []
        for _ in range(count):
            tip = self.after(tip, signer=signer, note=note)
            made.append(tip)
        return made

    def write(self, count: int = 1, note: object = "") -> list[Entry]:
        """Appends odd entries."""
        for _ in range(count):
            self.entries.append(self.after(self.tip, note=note))
        return self.entries[-count:]

    def offer(self, title: str, key: str = "item", *, price: int = 1_000) -> Entry:
        """Appends a listing for sale, `price` in cents of a euro."""
        self.entries.append(self.after(self.tip, Listing.KIND, self.listing(title, key, price=price)))
        return self.tip

    def listing(self, title: str, key: str = "item", *, price: int = 1_000) -> bytes:
        """The record of a listing for sale."""
        return encode_record(
            Listing(
                salt=self._seed("listing", title, key, price)[:16],
                key=key,
                kind="product",
                title=title,
                price=Price(amount=price, currency="EUR"),
            )
        )

    def odd_record(self, *parts: object) -> bytes:
        """A small record of an odd kind."""
        return encoding.encode({"$": self._seed("salt", *parts)[:16], "text": repr(parts)})

    def rotation(
        self, tip: Entry, *, generation: int = 1, promised: bytes | None = None
    ) -> tuple[Entry, Signer]:
        """A rotation on `tip`, not appended, and the key it opens; another `generation` opens another key."""
        epoch = tip.epoch + 1
        fresh = Signer(self._seed("key", epoch, generation))
        record = encode_record(
            Rotation(
                key=fresh.public,
                promise=promised or self.promise_for(epoch + 1),
                reveal=self.promised(epoch).public,
            )
        )
        return self.after(tip, ROTATION, record, signer=self.promised(epoch), place=(epoch, 0)), fresh

    def rotate(self) -> Entry:
        """Appends a rotation."""
        entry, self.signer = self.rotation(self.tip)
        self.entries.append(entry)
        return entry

    def settlement(self, tip: Entry, *, note: int = 0) -> Entry:
        """A settlement on `tip`, not appended; another `note` gives another one of the same term."""
        record = encode_record(Settlement(branches=()))
        place = (tip.epoch, tip.term + 1)
        return self.after(tip, SETTLEMENT, record, place=place, time=tip.time + 1 + note)

    def settle(self) -> Entry:
        """Appends a settlement."""
        self.entries.append(self.settlement(self.tip))
        return self.tip

    def identity(
        self, now: int, *, openers: Sequence[Entry] | None = None, days: int = SESSION_DAYS
    ) -> bytes:
        """What it proves in a handshake: openers and a certificate for so many days, by the key it signs with."""
        return encode_identity(
            tuple(self.openers if openers is None else openers),
            certify(self.network, self.signer, self.session_public, now + days * DAY_MS),
        )

    def _seed(self, *parts: object) -> bytes:
        return hashlib.sha256(self._secret + repr(parts).encode()).digest()

    def _sign(
        self,
        signer: Signer,
        seq: int,
        prev: bytes,
        place: tuple[int, int],
        time: int,
        kind: int,
        record: bytes,
    ) -> Entry:
        return sign_entry(
            self.network, signer, author=self.id, seq=seq, prev=prev, epoch=place[0], term=place[1], time=time,
            kind=kind, record=record,
        )  # fmt: skip


def _public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
