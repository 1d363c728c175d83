"""Foreign signers, as one log knows them at a place of it [R-CRED-1..4].

A networker's rotation takes effect in another log where that log embeds it, at one place and for every reader alike.
Openers come embedded in the records of the log: at a signer's first use from the inception on, later only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from protocol.entry import INCEPTION, NO_PREV, ROTATION, Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.limits import HASH_BYTES, KEY_BYTES
from protocol.near import Near
from protocol.openers import Openers, Opening, start
from protocol.rolls import Part, Roll

Again = Callable[[int], Sequence[Sequence[Entry]]]
"""The openers that an entry embeds, by its number, read again."""


def entries_of(wires: Sequence[Sequence[Any]]) -> tuple[tuple[Entry, ...], ...]:
    """The entries of a record's field `openers`.

    Raises:
        Void: `openers`: something there is no entry.
    """
    try:
        return tuple(tuple(parse_wire(wire) for wire in entries) for entries in wires)
    except RemoteProtocolError as error:
        raise Void("openers", f"openers: {error.text}") from error


class Signers:
    """The openers of others that a log has embedded so far; grows along the log.

    A log of a million members embeds as many inceptions: of who never rotated only the key is kept, and which entry
    of the log says the rest. It is read again where such a one is embedded once more, and kept then: once for each.

    Args:
        network: name of the network.
        everybody: that its ledger has met; None: nobody else counts them.
        again: reads the log again; None: it is at hand nowhere.
    """

    __slots__ = ("_again", "_below", "_keys", "_known", "_network", "_numbers", "_rests", "_sole", "count")

    def __init__(
        self, network: str, everybody: Roll[bytes] | None = None, again: Again | None = None
    ) -> None:
        self._network = network
        self._again = again
        self._below: Signers | None = None
        self._known: dict[bytes, Openers] = {}
        self._sole = Part(
            everybody
        )  # who never rotated; who did since has a row that nobody looks at any more
        self._keys = bytearray()  # of those
        # One more than the number of the entry that embeds them; 0: it is not known.
        self._numbers = Near("h")
        self._rests: dict[int, bytes] = {}  # then: promise and id of the inception
        self.count = 0
        """Networkers whose openers are embedded."""

    def branch(self) -> Signers:
        """What is known so far, to go on with by itself."""
        other = Signers(self._network)
        other._below = self
        return other

    def admit(self, openers: Sequence[Sequence[Entry]], number: int | None = None) -> None:
        """Takes in what a record embeds: all of it, or nothing.

        Args:
            openers: for each networker inception and rotations, or, of one that is known, the rotations that are new.
            number: of the entry whose one part embeds them, among the critical ones; None: it cannot be read again.

        Raises:
            Void: `openers`: one does not verify by itself, or one between is missing.
        """
        found = dict[bytes, Openers]()
        for entries in openers:
            if not entries:
                raise Void("openers", "openers: a list of them is empty")
            author = entries[0].author
            known = found.get(author) or self.knows(author)
            try:
                for entry in entries:
                    if entry.kind not in (INCEPTION, ROTATION):
                        raise Void("openers", "openers: only inceptions and rotations are embedded")
                    known = start(self._network, entry) if known is None else known.admit(entry)
            except (RemoteProtocolError, NotHeld) as error:
                raise Void("openers", f"openers: {error.text}") from error
            assert known is not None  # there is an entry
            found[author] = known
        for author, each in found.items():
            self._keep(author, each, number)

    def knows(self, networker: bytes) -> Openers | None:
        """What this log has embedded of a networker; the log may be read again for it."""
        known = self._known.get(networker)
        if known is not None:
            return known
        place = self._sole.find(networker)
        if place is not None:
            return self._whole(networker, place)
        return None if self._below is None else self._below.knows(networker)

    def keys(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys whose signatures bind a networker here and now.

        Returns:
            One key, two while the epoch is contested; none when the epoch is not known here, or this log holds a
            rotation to a later one.
        """
        known = self._held(networker)
        if isinstance(known, bytes):
            return (known,) if epoch == 0 else ()
        return known.keys(epoch) if known is not None and known.epoch == epoch else ()

    def ever(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys of an epoch, replaced ones too: for what was signed before, as a token in circulation."""
        known = self._held(networker)
        if isinstance(known, bytes):
            return (known,) if epoch == 0 else ()
        return () if known is None else known.keys(epoch)

    def contested(self, networker: bytes) -> bool:
        """Whether two rotations of one epoch are embedded here: the networker's credit moves nowhere meanwhile."""
        known = self._held(networker)
        return isinstance(known, Openers) and known.contested is not None

    def _held(self, networker: bytes) -> Openers | bytes | None:
        """Openers, or the key of a sole inception."""
        known = self._known.get(networker)
        if known is not None:
            return known
        place = self._sole.find(networker)
        if place is not None:
            return self._key(place)
        return None if self._below is None else self._below._held(networker)

    def _key(self, place: int) -> bytes:
        return bytes(self._keys[place * KEY_BYTES : place * KEY_BYTES + KEY_BYTES])

    def _whole(self, networker: bytes, place: int) -> Openers:
        """The openers of who never rotated."""
        number = self._numbers[place]
        if not number or self._again is None:
            return _unpacked(self._network, networker, self._key(place), self._rests[place])
        # The entry was the first that embedded them, so what it has of them begins with the inception.
        found = (entries[0] for entries in self._again(number - 1) if entries[0].author == networker)
        return start(self._network, next(found))

    def _keep(self, networker: bytes, openers: Openers, number: int | None) -> None:
        self.count += self._held(networker) is None
        rest = _rest(openers)
        if rest is None or networker in self._known or self._sole.find(networker) is not None:
            self._known[networker] = openers
            return
        place = self._sole.add(networker)
        self._keys += openers.epochs[0][0].key
        if number is None or self._again is None:
            self._rests[place] = rest
            number = -1
        self._numbers.append(number + 1)


def _rest(openers: Openers) -> bytes | None:
    """Promise and id of a sole inception; None for openers of any other form."""
    if len(openers.epochs) > 1 or len(openers.epochs[0]) > 1 or openers.settlements:
        return None
    (opening,) = openers.epochs[0]
    return opening.promise + opening.entry.id


def _unpacked(network: str, author: bytes, key: bytes, rest: bytes) -> Openers:
    inception = Entry(
        header=b"", signature=b"", record=None, id=rest[HASH_BYTES:], author=author, seq=0, prev=NO_PREV, epoch=0,
        term=0, time=0, kind=INCEPTION, record_hash=b"", record_length=0,
    )  # fmt: skip
    return Openers(network, author, ((Opening(inception, key, rest[:HASH_BYTES]),),))
