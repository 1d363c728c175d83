"""Foreign signers, as one log knows them at a place of it [R-CRED-1..4].

A networker's rotation takes effect in another log where that log embeds it, at one place and for every reader alike.
Openers come embedded in the records of the log: at a signer's first use from the inception on, later only what is new.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from typing import Any

from protocol.entry import INCEPTION, ROTATION, Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.openers import Openers, start


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

    Args:
        network: name of the network.
    """

    __slots__ = ("_known", "_network")

    def __init__(self, network: str) -> None:
        self._network = network
        self._known: MutableMapping[bytes, Openers] = {}

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
            known = found.get(author) or self._known.get(author)
            try:
                for entry in entries:
                    if entry.kind not in (INCEPTION, ROTATION):
                        raise Void("openers", "openers: only inceptions and rotations are embedded")
                    known = start(self._network, entry) if known is None else known.admit(entry)
            except (RemoteProtocolError, NotHeld) as error:
                raise Void("openers", f"openers: {error.text}") from error
            assert known is not None  # there is an entry
            found[author] = known
        self._known.update(found)

    def knows(self, networker: bytes) -> Openers | None:
        """What this log has embedded of a networker."""
        return self._known.get(networker)

    def keys(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys whose signatures bind a networker here and now.

        Returns:
            One key, two while the epoch is contested; none when the epoch is not known here, or this log holds a
            rotation to a later one.
        """
        known = self._known.get(networker)
        return known.keys(epoch) if known is not None and known.epoch == epoch else ()

    def ever(self, networker: bytes, epoch: int) -> tuple[bytes, ...]:
        """The keys of an epoch, replaced ones too: for what was signed before, as a token in circulation."""
        known = self._known.get(networker)
        return () if known is None else known.keys(epoch)

    def contested(self, networker: bytes) -> bool:
        """Whether two rotations of one epoch are embedded here: the networker's credit moves nowhere meanwhile."""
        known = self._known.get(networker)
        return known is not None and known.contested is not None
