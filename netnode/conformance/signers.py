"""Whose keys one log has embedded so far: what counts of foreign signatures in it; section 27.1."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from netnode.conformance.entries import INCEPTION, ROTATION, read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.openers import Openers


class Signers:
    """Inceptions and rotations of others, as records of one log bring them.

    Args:
        network: the network's name.
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self._known: dict[bytes, Openers] = {}

    def admit(self, chains: Sequence[Any]) -> None:
        """Takes in openers, all or none [R-CRED-1].

        Raises:
            Fault: `openers`.
        """
        found = dict(self._known)
        try:
            for chain in chains:
                entries = [read_entry(alone) for alone in chain]
                author = entries[0].header.author
                known = copy.deepcopy(found.get(author)) or Openers(self.network)
                for entry in entries:
                    demand(entry.header.kind in (INCEPTION, ROTATION), "openers", "another kind")
                    known.admit(entry)
                found[author] = known
        except Fault as fault:
            raise Fault("openers", str(fault)) from fault
        self._known = found

    @property
    def count(self) -> int:
        """Networkers of whom openers are embedded."""
        return len(self._known)

    def ever(self, who: bytes, epoch: int) -> list[bytes]:
        """Keys of somebody in an epoch, replaced ones too."""
        known = self._known.get(who)
        return known.keys(epoch) if known is not None and epoch in known.epochs else []

    def now(self, who: bytes, epoch: int) -> list[bytes]:
        """The same, none where the epoch is not the newest that is known [R-CRED-2]."""
        known = self._known.get(who)
        return self.ever(who, epoch) if known is not None and max(known.epochs) == epoch else []

    def contested(self, who: bytes) -> bool:
        """Whether nothing of somebody moves [R-CRED-3]."""
        known = self._known.get(who)
        return known is not None and known.contested is not None
