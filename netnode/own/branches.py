"""Branches of the own log: what is kept of it outside the log, and what a settlement has to choose between.

A fork leaves several branches above the last common entry. One is in the main run; those of peers are fetched and kept
in the table `branch`, as is everything that ever left the own log, so that its owner can see and publish it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from netnode.store import Reader, Store, Writer
from netnode.store.rows import SEQ_MASK, stored_entry
from protocol import limits
from protocol.entry import Entry, signature_valid
from protocol.log_state import LogState
from protocol.openers import Openers
from protocol.run import linked, rebuild

KEPT: Final = 20_000  # entries of all branches; why: who has the own key can sign without end
_ALL: Final = 2**62  # bytes


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch above the last common entry.

    `entries` are those known, oldest first; `whole` says that they reach down to the common part, so that the log can
    go on with it. `main`: it is the one in the main run. `peers` hold it, as far as they were asked.
    """

    entries: tuple[Entry, ...]
    main: bool
    whole: bool
    peers: int

    @property
    def tip(self) -> Entry:
        """Its newest entry."""
        return self.entries[-1]

    @property
    def named(self) -> tuple[int, bytes]:
        """How a settlement names it: seq and id of its newest entry."""
        return (self.tip.seq, self.tip.id)


class Branches:
    """Keeps and lists the branches of one log.

    Args:
        store: where they are.
        author: whose log.
    """

    __slots__ = ("_author", "_store")

    def __init__(self, store: Store, author: bytes) -> None:
        self._store = store
        self._author = author

    async def take(self, openers: Openers, peer: bytes, entries: Sequence[Entry]) -> None:
        """Keeps what a peer holds above the last common entry, and that it does.

        Args:
            openers: what is known of the author; only what its newest key signed is kept.
            peer: who gave it.
            entries: linked ones, oldest first; the unproved end is left out.
        """
        branch = proved_branch(openers, entries)
        if branch:
            await self._store.write(_take, self._author, branch, peer)

    async def keep_main(self, first: int, stays: Set[bytes] = frozenset()) -> int:
        """Keeps the main run's entries from `first` on, before they leave the log.

        Args:
            first: the lowest seq.
            stays: ids of entries that come into the log at once, so that they do not leave it.

        Returns:
            How many they are.
        """
        return await self._store.write(_keep_main, self._author, first, stays)

    async def keep_aside(self, number: int, first: int, stays: Set[bytes]) -> int:
        """The same for the entries from `first` on of an extent set aside."""
        return await self._store.write(_keep_aside, self._author, number, first, stays)

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Keeps entries that are about to leave the log, or that turned up outside it; on disk when it returns."""
        await self._store.write(_keep, self._author, entries)

    async def shown(self, openers: Openers, peer: bytes, entries: Sequence[Entry]) -> None:
        """Keeps what a key that was replaced signed, and which peer showed it; what no key of ours signed is left out.

        Args:
            openers: what is known of the author.
            peer: who showed it.
            entries: of closed epochs or terms.
        """
        await self._store.write(_shown, self._author, openers, entries, peer)

    async def main(self, first: int, last: int) -> list[Entry]:
        """Entries of the main run, oldest first."""
        return await self._store.read(Reader.entries, self._author, first, last, _ALL)

    async def first_after(self, last: int, moment: int) -> int:
        """Seq of the lowest entry of the main run up to `last` that is dated after a moment (ms UTC).

        No entry is dated before the one below it [R-LOG-9].
        """
        return await self._store.read(_first_after, self._author, last, moment)

    async def known(self, state: LogState) -> list[Branch]:
        """The branches of a forked log, the one that most speaks for first; of a log that is open, none.

        That is: whole ones first, then the one with the most entries, then the newest, then the one most peers hold.
        """
        if not state.forked:
            return []
        return await self._store.read(_known, self._author, state)


def proved_branch(openers: Openers, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The leading entries that follow each other, up to the last one with a valid signature of the newest term."""
    if not entries:
        return ()
    branch = entries[: linked(entries)]
    keys = openers.keys(openers.epoch)
    while branch:
        last = branch[-1]
        if last.place == openers.place and any(signature_valid(openers.network, key, last) for key in keys):
            break
        branch = branch[:-1]
    return branch


def _insert(writer: Writer, n: int, entries: Iterable[Entry]) -> None:
    writer.connection.executemany(
        "INSERT INTO branch(n, seq, id, header, signature, record) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(n, seq, id) DO UPDATE SET record = coalesce(excluded.record, record)",
        [(n, each.seq, each.id, each.header, each.signature, each.record) for each in entries],
    )
    extra = writer.connection.execute("SELECT count(*) - ? FROM branch WHERE n = ?", (KEPT, n)).get
    if extra > 0:  # what left the log longest ago makes room
        writer.connection.execute(
            "DELETE FROM branch WHERE n = ? AND (seq, id) IN"
            " (SELECT seq, id FROM branch WHERE n = ? ORDER BY seq LIMIT ?)",
            (n, n, extra),
        )


def _take(writer: Writer, author: bytes, entries: Sequence[Entry], peer: bytes) -> None:
    with writer.transaction() as connection:
        n = _number(writer, author)
        if n is None:
            return
        main = Reader(connection).view(author)
        _insert(
            writer,
            n,
            [each for each in entries if (held := main.main(each.seq)) is None or held.id != each.id],
        )
        connection.execute(
            "INSERT OR REPLACE INTO branch_holder(n, peer, seq, id) VALUES (?, ?, ?, ?)",
            (n, peer, entries[-1].seq, entries[-1].id),
        )


def _keep_main(writer: Writer, author: bytes, first: int, stays: Set[bytes]) -> int:
    return _keep_rows(
        writer,
        author,
        "SELECT header, signature, record FROM entry WHERE place BETWEEN ?2 << 40 | ?1 AND ?2 << 40 | ?3"
        " ORDER BY place DESC LIMIT ?4",
        stays,
        first,
    )


def _keep_aside(writer: Writer, author: bytes, number: int, first: int, stays: Set[bytes]) -> int:
    return _keep_rows(
        writer,
        author,
        "SELECT header, signature, record FROM aside WHERE n = ?2 AND number = ?5 AND seq BETWEEN ?1 AND ?3"
        " ORDER BY seq DESC LIMIT ?4",
        stays,
        first,
        number,
    )


def _keep_rows(
    writer: Writer, author: bytes, statement: str, stays: Set[bytes], first: int, *more: int
) -> int:
    with writer.transaction(durable=True) as connection:
        n = _number(writer, author)
        if n is None:
            return 0
        rows: list[Any] = connection.execute(statement, (first, n, SEQ_MASK, KEPT, *more)).fetchall()
        leaving = [entry for entry in (stored_entry(*row) for row in rows) if entry.id not in stays]
        _insert(writer, n, leaving)
        return len(leaving)


def _keep(writer: Writer, author: bytes, entries: Sequence[Entry]) -> None:
    with writer.transaction(durable=True):
        n = _number(writer, author)
        if n is not None:
            _insert(writer, n, entries)


def _shown(writer: Writer, author: bytes, openers: Openers, entries: Sequence[Entry], peer: bytes) -> None:
    with writer.transaction() as connection:
        n = _number(writer, author)
        if n is None:
            return
        main = Reader(connection).view(author)
        signed = [
            each
            for each in entries
            if ((held := main.main(each.seq)) is None or held.id != each.id)
            and any(signature_valid(openers.network, key, each) for key in openers.keys(each.epoch))
        ]
        _insert(writer, n, signed)
        if signed:
            connection.execute(
                "INSERT OR REPLACE INTO branch_holder(n, peer, seq, id) VALUES (?, ?, ?, ?)",
                (n, peer, signed[-1].seq, signed[-1].id),
            )


def _number(writer: Writer, author: bytes) -> int | None:
    n: int | None = writer.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    return n


def _first_after(reader: Reader, author: bytes, last: int, moment: int) -> int:
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        entry = reader.entry(author, middle)
        if entry is not None and entry.time > moment:
            high = middle
        else:
            low = middle + 1
    return high


def _known(reader: Reader, author: bytes, state: LogState) -> list[Branch]:
    common = state.common
    n = reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    rows: list[Any] = reader.connection.execute(
        "SELECT header, signature, record FROM branch WHERE n = ? AND seq > ?", (n, common)
    ).fetchall()
    kept = {entry.id: entry for entry in (stored_entry(*row) for row in rows)}
    for side in reader.proof(author) or ():
        for entry in rebuild(side):
            kept.setdefault(entry.id, entry)
    main = reader.entries(author, common + 1, state.tip.seq, _ALL) if state.tip.seq > common else []
    below = reader.entry(author, common)
    for entry in main:
        kept.pop(entry.id, None)
    held = {entry.id: entry for entry in main}
    holders = dict(
        reader.connection.execute("SELECT id, count(*) FROM branch_holder WHERE n = ? GROUP BY id", (n,))
    )
    parents = {entry.prev for entry in kept.values()}
    found = [] if not main else [Branch(tuple(main), True, True, _peers(main, holders))]
    for tip in kept.values():
        if tip.id in parents or tip.place != state.openers.place:
            continue
        chain = [tip]
        while (lower := kept.get(chain[-1].prev) or held.get(chain[-1].prev)) is not None:
            chain.append(lower)
        chain.reverse()
        whole = below is not None and chain[0].prev == below.id and chain[0].seq == common + 1
        found.append(Branch(tuple(chain), False, whole, _peers(chain, holders)))
    return sorted(found, key=_speaking_for, reverse=True)[: limits.MAX_BRANCHES]


def _peers(entries: Sequence[Entry], holders: dict[bytes, int]) -> int:
    return sum(holders.get(entry.id, 0) for entry in entries)


def _speaking_for(branch: Branch) -> tuple[bool, int, int, int, bytes]:
    return (branch.whole, len(branch.entries), branch.tip.time, branch.peers, branch.tip.id)


def settlement_names(branches: Iterable[Branch], tip: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """What a settlement says: the newest known entry of each branch, in order; of a log without a fork its tip."""
    return sorted({tip, *(each.named for each in branches)})[: limits.MAX_BRANCHES]
