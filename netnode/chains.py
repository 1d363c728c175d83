"""Chains: consecutive entries of one log, as they travel from a message to the gate, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from netnode.store import Change
from protocol.entry import OPENERS, Entry
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.log import Admission, Keep, SetAside
from protocol.log_state import LogState
from protocol.run import Run, rebuild, run_of

Chain = Sequence[Entry]


class Outcome(msgspec.Struct):
    """What became of the chains of one author in one call of the gate."""

    author: bytes
    kept: int = 0
    fault: ProtocolError | None = None
    diverged: bool = False

    def add(self, admission: Admission) -> None:
        """Takes in one more verdict; a fault of the sender is never covered by a later one."""
        self.kept += admission.kept
        self.diverged = self.diverged or admission.diverged
        if admission.fault is not None and not isinstance(self.fault, RemoteProtocolError):
            self.fault = admission.fault


def chains_of(runs: Iterable[Run]) -> list[Chain]:
    """Rebuilds runs and joins those that continue each other.

    Raises:
        RemoteProtocolError: as `protocol.run.rebuild`.
    """
    chains: list[list[Entry]] = []
    for run in runs:
        entries = rebuild(run)
        last = chains[-1][-1] if chains else None
        if last is not None and (last.author, last.seq + 1, last.id) == (run.author, run.first, run.prev):
            chains[-1].extend(entries)
        else:
            chains.append(entries)
    return list(chains)


def raise_remote(outcomes: Iterable[Outcome]) -> None:
    """Raises the first fault that is the sender's.

    Raises:
        RemoteProtocolError: of an outcome.
    """
    for outcome in outcomes:
        if isinstance(outcome.fault, RemoteProtocolError):
            raise outcome.fault


def reads_store(state: LogState | None, chain: Chain) -> bool:
    """Whether judging the chain may look at stored entries; plain new entries above the tip never do."""
    if state is None:
        return False
    if chain[0].seq <= state.tip.seq:
        return True
    for entry in chain:  # noqa: SIM110 - the hot path: `any` with a generator takes three times as long
        if entry.kind in OPENERS:
            return True
    return False


def appended(changes: Iterable[Change]) -> dict[bytes, tuple[Entry, ...]]:
    """The new entries above what was held by author; an opener that puts entries aside is above what stays."""
    new: dict[bytes, tuple[Entry, ...]] = {}
    for change in changes:
        floor = -1 if change.before is None else change.before.tip.seq
        for step in change.steps:
            if isinstance(step, SetAside):
                floor = min(floor, step.first - 1)
            elif isinstance(step, Keep) and step.entries[0].seq > floor:
                new[change.after.author] = new.get(change.after.author, ()) + step.entries
    return new


def bare(side: Sequence[Entry]) -> Run:
    """One side of a proof without the records it can do without, so that a proof fits one message."""
    return run_of(
        [msgspec.structs.replace(entry, record=None) if entry.kind % 2 else entry for entry in side]
    )


class Nothing:
    """The view of a log of which nothing is read."""

    __slots__ = ()

    def main(self, seq: int) -> Entry | None:
        """Nothing asks for it."""
        raise LocalProtocolError(f"entry {seq} is not to be read here")

    def aside(self, number: int, seq: int) -> Entry | None:
        """Nothing asks for it."""
        raise LocalProtocolError(f"entry {seq} of extent {number} is not to be read here")


NOTHING: Final = Nothing()
