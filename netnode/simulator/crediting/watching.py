"""Ledgers at every moment: what each node has folded is what the bytes of that log come to, by two implementations.

A look costs what changed since the last one. Entries are remembered by id, whoever holds them, so what a log came to
at any place is known also when a node has only a part of it yet, or another branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, overload

from netnode.assembly import Assembly
from netnode.conformance.entries import Entry as SecondEntry
from netnode.conformance.entries import read_entry
from netnode.conformance.signers import Signers
from netnode.problems import Problem
from netnode.simulator.crediting.auditing import Audit
from netnode.simulator.nodes import SimNode
from netnode.simulator.observing import Seen
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import Reader
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.records import Challenge, Inception, Rotation
from protocol.records.fields import Place

_ALL: Final = 2**40


class CreditWatch:
    """The checks of one run.

    Args:
        network: the network's name.
        nodes: all nodes, up or down, by name.
        oracle: what was told.
        seen: counts what was looked at.
    """

    def __init__(self, network: str, nodes: Mapping[str, SimNode], oracle: Oracle, seen: Seen) -> None:
        self.network = network
        self._nodes = nodes
        self._oracle = oracle
        self._seen = seen
        self._entries: dict[bytes, Entry] = {}
        self._audits: dict[bytes, list[Audit]] = {}
        self._tips: dict[tuple[str, bytes], tuple[int, bytes]] = {}

    # -- now and then ----------------------------------------------------------------------------------------
    def look(self) -> None:
        """Looks at all nodes that are up.

        Raises:
            Violation: `ledger`: an entry does what none may do, or two implementations differ; `fold`: a node has
                folded a log to something else than its bytes come to.
        """
        for name in sorted(self._oracle.homes):
            parts = self._nodes[name].parts
            if parts is None:
                continue
            try:
                parts.store.reading(self._read, name)
            except Problem as problem:  # its disk fails just now
                self._seen.mark(f"unreadable {problem.code}")
                continue
            self._folded(name, parts)

    def audits(self, issuer: bytes) -> Sequence[Audit]:
        """The branches of a log that any node held, each folded from its first entry."""
        return self._audits.get(issuer, ())

    def audit_at(self, issuer: bytes, tip: bytes) -> Audit | None:
        """The fold whose newest entry this is."""
        return next((each for each in self.audits(issuer) if each.tip and each.tip.id == tip), None)

    def challenges(self) -> Sequence[Entry]:
        """All that was asked for in public, in the order of authors and logs."""
        found = [each for each in self._entries.values() if each.kind == Challenge.KIND and each.record]
        return sorted(found, key=lambda each: (each.author, each.seq, each.id))

    def keys(self) -> Signers:
        """The keys of everybody in each epoch, by the openers that any node held."""
        openers: dict[bytes, list[Entry]] = {}
        for entry in self._entries.values():
            if entry.kind in (Inception.KIND, Rotation.KIND):
                openers.setdefault(entry.author, []).append(entry)
        signers = Signers(self.network)
        for author in sorted(openers):
            chain = sorted(openers[author], key=lambda each: each.epoch)
            signers.admit([[each.wire() for each in chain]])
        return signers

    # -- logs ------------------------------------------------------------------------------------------------
    def _read(self, reader: Reader, name: str) -> None:
        for author in reader.authors():
            row = reader.log(author)
            if row is None or row.first:
                continue
            ids = reader.ids(author, (row.last,))
            if not ids or self._tips.get((name, author)) == ids[0]:
                continue
            if ids[0][1] not in self._entries or self._audited(author, ids[0][1]) is None:
                known = self._tips.get((name, author))
                same = known is not None and reader.ids(author, (known[0],)) == [known]
                for entry in reader.entries(author, known[0] + 1 if known and same else 0, row.last, _ALL):
                    before = self._entries.get(entry.id)
                    if before is None or before.record is None:
                        self._entries[entry.id] = entry
                self._fold(author, ids[0][1])
            self._tips[name, author] = ids[0]

    def _audited(self, author: bytes, tip: bytes) -> Audit | None:
        return next((each for each in self.audits(author) if tip in each.after), None)

    def _fold(self, author: bytes, tip: bytes) -> None:
        """Folds the entries up to this one, from the branch that it is on, or from the first entry."""
        chain: list[Entry] = []
        audits = self._audits.setdefault(author, [])
        tips = {each.tip.id: each for each in audits if each.tip is not None}
        at: bytes | None = tip
        while at is not None and at not in tips:
            entry = self._entries[at]
            chain.append(entry)
            at = entry.prev if entry.seq else None
        audit = tips.get(at) if at is not None else None
        if audit is None:
            audit = self._new(author)
            audits.append(audit)
            if len(audits) > 1:
                self._seen.mark("credit branch")
        for entry in reversed(chain):
            audit.take(entry)

    def _new(self, author: bytes) -> Audit:
        oracle = self._oracle
        honest = author in oracle.names

        def most(recipient: bytes, unit: str) -> int | None:
            if recipient not in oracle.names:
                return None
            return oracle.credits.limits.get((recipient, author, unit), 0)

        def agreed(key: str, member: bytes, sponsor: bytes, who: bytes) -> bool | None:
            told = (f"{id_text(author)}/{key}", member, sponsor, who) in oracle.credits.consents
            return told if who in oracle.names else None

        return Audit(
            self.network,
            author,
            oracle.label(author),
            honest,
            most,
            self._between,
            _Others(self._entries, author),
            agreed,
        )

    def _between(self, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        found: list[Entry] = []
        at = last[1]
        while at != first[1]:
            entry = self._entries.get(at)
            if entry is None or entry.author != author or entry.seq <= first[0]:
                return None
            found.append(entry)
            at = entry.prev
        return found[::-1]

    # -- nodes -----------------------------------------------------------------------------------------------
    def _folded(self, name: str, parts: Assembly) -> None:
        """What a node has in memory of a log, while nobody is at work on it."""
        for issuer, shelf in sorted(parts.ledgers._shelves.items()):
            ledger = shelf.ledger
            if shelf.turn.locked() or ledger is None or ledger.place is None or shelf.mark is None:
                continue
            if ledger.book.unknown is not None:
                continue
            audit = self._audited(issuer, ledger.place[1])
            if (
                audit is None or audit.book.unknown is not None
            ):  # it was folded before a log that it pins was here
                continue
            if dict(ledger.book.effects) != audit.after[ledger.place[1]]:
                text = f"{name} has other effects of the log of {self._oracle.label(issuer)} than its bytes come to"
                raise Violation("fold", f"{text}, at entry {ledger.place[0]}")
            self._seen.mark("credit fold compared")


class _Others(Sequence[Sequence[SecondEntry]]):
    """The logs of others as the second implementation reads them, made when it asks for what is pinned."""

    def __init__(self, entries: Mapping[bytes, Entry], but: bytes) -> None:
        self._entries = entries
        self._but = but

    def __len__(self) -> int:
        return len(self._chains())

    @overload
    def __getitem__(self, at: int) -> Sequence[SecondEntry]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Sequence[SecondEntry]]: ...
    def __getitem__(self, at: int | slice) -> Sequence[SecondEntry] | Sequence[Sequence[SecondEntry]]:
        return self._chains()[at]

    def __iter__(self) -> Iterator[Sequence[SecondEntry]]:
        return iter(self._chains())

    def _chains(self) -> list[list[SecondEntry]]:
        below = {each.prev for each in self._entries.values()}
        found = []
        for tip in self._entries.values():
            if tip.id in below or tip.author == self._but:
                continue
            chain: list[SecondEntry] = []
            entry: Entry | None = tip
            while entry is not None:
                chain.append(read_entry(list(entry.wire())))
                entry = self._entries.get(entry.prev)
            found.append(chain[::-1])
        return found
