"""Collects vectors of logs: what `protocol` says of a chain, given what came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.entry import Entry, parse_wire, sign_entry
from protocol.errors import ProtocolError
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, seed
from tests.protocol.held import Held
from tests.vectors.generate.forms import entry as listed
from tests.vectors.generate.forms import hexed, vector
from tests.vectors.generate.writing import Vector


def resigned(author: Author, entry: Entry) -> Entry:
    """The same header under a signature by a foreign key."""
    forged = Signer(seed("someone else")).sign(b"INX/1\0test\0entry\0" + entry.header)
    return parse_wire([entry.header, forged, entry.record])


def _ids(store: Held) -> set[bytes]:
    extents = [entry for extent in store.extents.values() for entry in extent.values()]
    return {entry.id for entry in (*store.rows.values(), *extents, *store.dropped)}


def judge(
    before: Sequence[Sequence[Entry]],
    chain: Sequence[Entry],
    jump: bool = False,
    proof: tuple[Sequence[Entry], Sequence[Entry]] | None = None,
) -> dict[str, Any]:
    """What `protocol` says: `expected` and, where there is one, `error`."""
    store = Held()
    for each in before:
        store.receive(each)
    known = _ids(store)
    fault: ProtocolError | None = None
    if proof is not None:
        try:
            store.proof(*proof)
        except ProtocolError as error:
            fault = error
    else:
        fault = store.receive(chain, jump=jump).fault
    state = store.state
    expected = {
        "kept": len(_ids(store) - known),
        "item": None if state is None else hexed(state.item().wire()),
        "common": None if state is None else state.common,
        "held": None if state is None else [state.base.seq, state.tip.seq],
    }
    return {"expected": expected} | ({"error": fault.code} if fault else {})


class Book:
    """Collects vectors."""

    def __init__(self) -> None:
        self.found: list[Vector] = []
        self.entries: list[list[str | None]] = []
        self._places: dict[tuple[bytes, bool], int] = {}

    def _named(self, chain: Sequence[Entry]) -> list[str]:
        """The entries of a chain as ranges of indexes."""
        ranges: list[list[int]] = []
        for entry in chain:
            key = (entry.id, entry.record is None)
            if key not in self._places:
                self._places[key] = len(self.entries)
                self.entries.append(listed(entry))
            place = self._places[key]
            if ranges and ranges[-1][1] + 1 == place:
                ranges[-1][1] = place
            else:
                ranges.append([place, place])
        return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]

    def add(
        self,
        name: str,
        comment: str,
        requirement: str,
        before: Sequence[Sequence[Entry]],
        chain: Sequence[Entry],
        error: str | None = None,
        *,
        jump: bool = False,
        proof: tuple[Sequence[Entry], Sequence[Entry]] | None = None,
    ) -> None:
        outcome = judge(before, chain, jump, proof)
        assert outcome.get("error") == error, (name, outcome)
        given: dict[str, Any] = {"before": [self._named(each) for each in before]}
        if proof is not None:
            given["proof"] = [self._named(side) for side in proof]
        else:
            given["chain"] = self._named(chain)
        if jump:
            given["jump"] = True
        self.found.append(vector(name, comment, requirement, given, **outcome))

    def beside(
        self,
        name: str,
        comment: str,
        before: Sequence[Sequence[Entry]],
        branch: Sequence[Entry],
        sealed: bool,
        expected: dict[str, int],
    ) -> None:
        """A branch that comes by itself; `sealed`: an authentic entry that is held stands on it."""
        given: dict[str, Any] = {
            "before": [self._named(each) for each in before],
            "branch": self._named(branch),
        }
        if sealed:
            given["sealed"] = True
        self.found.append(vector(name, comment, "R-LOG-35", given, expected=expected))


def inception(of: Author, /, **changes: Any) -> Entry:
    first = of.entries[0]
    values: dict[str, Any] = {
        "author": of.id, "seq": 0, "prev": bytes(32), "epoch": 0, "term": 0, "time": first.time, "kind": 0,
        "record": first.record or b"",
    }  # fmt: skip
    signer = changes.pop("signer", of.signer)
    return sign_entry(NETWORK, signer, **(values | changes))
