"""Foreign signers, as one log knows them at a place of it [R-CRED-1..4].

A networker's rotation takes effect in another log where that log embeds it, at one place and for every reader alike.
Openers come embedded in the records of the log: at a signer's first use from the inception on, later only what is new.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from typing import Any

from protocol.entry import INCEPTION, NO_PREV, ROTATION, Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.limits import HASH_BYTES, KEY_BYTES
from protocol.openers import Openers, Opening, start


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

    A log of a million members embeds as many inceptions: of who never rotated only what follows from it is kept, 96
    bytes. Its own bytes stand in the log.

    Args:
        network: name of the network.
    """

    __slots__ = ("_known", "_network")

    def __init__(self, network: str) -> None:
        self._network = network
        self._known: MutableMapping[bytes, Openers | bytes] = {}

    def branch(self) -> Signers:
        """What is known so far, to go on with by itself."""
        other = Signers(self._network)
        other._known = ChainMap({}, self._known)
        return other

    def admit(self, openers: Sequence[Sequence[Entry]]) -> None:
        """Takes in what a record embeds: all of it, or nothing.

        Args:
            openers: for each networker inception and rotations, or, of one that is known, the rotations that are new.

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
        self._known.update((author, _packed(each)) for author, each in found.items())

    def knows(self, networker: bytes) -> Openers | None:
        """What this log has embedded of a networker; the inception by its id, without its bytes."""
        known = self._known.get(networker)
        return _unpacked(self._network, networker, known) if isinstance(known, bytes) else known

    def keys(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys whose signatures bind a networker here and now.

        Returns:
            One key, two while the epoch is contested; none when the epoch is not known here, or this log holds a
            rotation to a later one.
        """
        known = self._known.get(networker)
        if isinstance(known, bytes):
            return (known[:KEY_BYTES],) if epoch == 0 else ()
        return known.keys(epoch) if known is not None and known.epoch == epoch else ()

    def ever(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys of an epoch, replaced ones too: for what was signed before, as a token in circulation."""
        known = self._known.get(networker)
        if isinstance(known, bytes):
            return (known[:KEY_BYTES],) if epoch == 0 else ()
        return () if known is None else known.keys(epoch)

    def contested(self, networker: bytes) -> bool:
        """Whether two rotations of one epoch are embedded here: the networker's credit moves nowhere meanwhile."""
        known = self._known.get(networker)
        return isinstance(known, Openers) and known.contested is not None


def _packed(openers: Openers) -> Openers | bytes:
    """Key, promise and id of a sole inception; openers of any other form as they are."""
    if len(openers.epochs) > 1 or len(openers.epochs[0]) > 1 or openers.settlements:
        return openers
    (opening,) = openers.epochs[0]
    return opening.key + opening.promise + opening.entry.id


def _unpacked(network: str, author: bytes, packed: bytes) -> Openers:
    key, promise, id = (packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES))
    inception = Entry(
        header=b"", signature=b"", record=None, id=id, author=author, seq=0, prev=NO_PREV, epoch=0, term=0, time=0,
        kind=INCEPTION, record_hash=b"", record_length=0,
    )  # fmt: skip
    return Openers(network, author, ((Opening(inception, key, promise),),))
