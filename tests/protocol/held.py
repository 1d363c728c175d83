"""A log held in memory: applies the steps of an admission as a store must."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.log import (
    Admission,
    Drop,
    Keep,
    Rejoin,
    Release,
    SetAside,
    receive,
    receive_opener,
    receive_proof,
)
from protocol.log_state import LogState
from tests.protocol.author import NETWORK


class Held:
    """The naive store that the real one is compared with."""

    def __init__(self) -> None:
        self.state: LogState | None = None
        self.rows: dict[int, Entry] = {}
        self.extents: dict[int, dict[int, Entry]] = {}
        self.dropped: list[Entry] = []

    def main(self, seq: int) -> Entry | None:
        return self.rows.get(seq)

    def aside(self, number: int, seq: int) -> Entry | None:
        return self.extents.get(number, {}).get(seq)

    def receive(self, chain: Sequence[Entry], jump: bool = False) -> Admission:
        first: ProtocolError | None = None
        proof = None
        while True:
            admission = receive(NETWORK, self.state, chain, self, jump=jump)
            self.apply(admission)
            first = first or admission.fault
            proof = admission.proof or proof
            if not admission.rest:
                admission.fault, admission.proof = first, proof
                return admission
            chain = admission.rest

    def opener(self, entry: Entry) -> Admission:
        assert self.state is not None
        admission = receive_opener(self.state, entry, self)
        self.apply(admission)
        return admission

    def proof(self, left: Sequence[Entry], right: Sequence[Entry]) -> None:
        assert self.state is not None
        self.state = receive_proof(self.state, left, right)

    def apply(self, admission: Admission) -> None:
        for step in admission.steps:
            match step:
                case Keep(entries):
                    for entry in entries:
                        assert entry.seq not in self.rows
                        self.rows[entry.seq] = entry
                case SetAside(number, first):
                    moved = {seq: entry for seq, entry in self.rows.items() if seq >= first}
                    self.extents[number] = moved
                    self.rows = {seq: entry for seq, entry in self.rows.items() if seq < first}
                case Rejoin(number, last):
                    extent = self.extents.pop(number)
                    self.rows |= {seq: entry for seq, entry in extent.items() if seq <= last}
                    if left := {seq: entry for seq, entry in extent.items() if seq > last}:
                        self.extents[number] = left
                case Drop(number):
                    self.dropped += self.extents.pop(number).values()
                case Release(first):
                    self.rows = {seq: entry for seq, entry in self.rows.items() if seq >= first}
        self.state = admission.state
        self.check()

    def check(self) -> None:
        """What must hold after every step."""
        if self.state is None:
            assert not self.rows
            return
        state = self.state
        assert sorted(self.rows) == list(range(state.base.seq, state.tip.seq + 1))
        assert self.rows[state.tip.seq].id == state.tip.id
        assert self.rows[state.base.seq].prev == state.base.prev
        for seq in range(state.base.seq + 1, state.tip.seq + 1):
            assert self.rows[seq].prev == self.rows[seq - 1].id
        assert {extent.number for extent in state.aside} == set(self.extents)
        for extent in state.aside:
            assert sorted(self.extents[extent.number]) == list(range(extent.base.seq, extent.last + 1))

    def log(self) -> list[Entry]:
        return [self.rows[seq] for seq in sorted(self.rows)]
