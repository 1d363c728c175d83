"""An independent judge of what nodes hold: the stored bytes, read and judged by the codec of `netnode.conformance`.

It shares no line with the code that stored them. Slow, so it looks at the end, and at equal logs once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from netnode.conformance.entries import Entry, read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.items import HEAD, Item
from netnode.conformance.log import Log
from netnode.simulator.oracle import Violation

_SEQ_BITS = 40

Row = tuple[bytes, bytes, bytes | None]
"""Header, signature and record as they are stored."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node's store says of one log: raw rows, and the item it tells others."""

    author: bytes
    openers: tuple[Row, ...]
    main: tuple[Row, ...]
    item: tuple[Any, ...]  # as on the wire
    base: int


class Judge:
    """Judges logs once each, however many nodes hold the same.

    Args:
        network: the network's name.
    """

    def __init__(self, network: str) -> None:
        self._network = network
        self._known: set[bytes] = set()

    def look(self, connection: apsw.Connection, who: str, label: Callable[[bytes], str]) -> int:
        """Judges every log in a store; returns how many it had not judged before.

        Args:
            connection: reads the store.
            who: the node, for the text of a violation.
            label: whose log, for the same.

        Raises:
            Violation: `authentic`.
        """
        judged = 0
        for kept in stored(connection):
            digest = _digest(kept)
            if digest in self._known:
                continue
            try:
                _judge(self._network, kept)
            except (Fault, _Wrong) as fault:
                text = (
                    f"{who} holds a log of {label(kept.author)} that is not authentic as it stands: {fault}"
                )
                raise Violation("authentic", text) from fault
            self._known.add(digest)
            judged += 1
        return judged


class _Wrong(Exception):
    """The judge comes to another result than the node."""


def stored(connection: apsw.Connection) -> list[Kept]:
    """Every log of a store, in byte order of the ids."""
    found = []
    logs: list[Any] = connection.execute(
        "SELECT n, id, epoch, term, seq, head, base, standing FROM log JOIN networker USING (n) ORDER BY id"
    ).fetchall()
    for n, author, epoch, term, seq, head, base, standing in logs:
        openers: list[Any] = connection.execute(
            "SELECT header, signature, record FROM opener WHERE n = ? ORDER BY epoch, term, rank", (n,)
        ).fetchall()
        main: list[Any] = connection.execute(
            "SELECT header, signature, record FROM entry WHERE place BETWEEN ? AND ? ORDER BY place",
            (n << _SEQ_BITS | base, n << _SEQ_BITS | seq),
        ).fetchall()
        item = {0: (0, author, epoch, term, seq, head, base), 1: (1, author, epoch, term)}.get(
            standing, (2, author, epoch)
        )
        found.append(Kept(author, tuple(openers), tuple(main), item, base))
    return found


def _judge(network: str, kept: Kept) -> None:
    log = Log(network)
    for row in kept.openers:
        log.receive([_read(row)], jump=True)
    entries = [_read(row) for row in kept.main]
    if not entries:
        raise _Wrong("no entry is held of it")
    if entries[0].seq != kept.base or entries[-1].seq != kept.base + len(entries) - 1:
        raise _Wrong("its main run has a hole")
    place = log.openers.place
    upper = [entry for entry in entries if entry.place == place]
    if upper and not upper[0].opens:
        log.receive(upper, jump=True)
    held = log.receive(entries, jump=True)
    if kept.item[0] != HEAD:
        return  # which branch stands in the main run depends on what came first; openers were judged
    if held.fault is not None:
        raise held.fault
    told: Item | None = log.item()
    if told is None or tuple(told[:6]) != kept.item[:6]:
        raise _Wrong(f"its item is {_text(kept.item)}, the judge says {_text(tuple(told or ()))}")
    ids = {entry.id for entry in log.main}
    beyond = [entry.seq for entry in entries if entry.id not in ids]
    if beyond:
        raise _Wrong(f"entries {beyond[:5]} are in its main run and do not belong there")


def _read(row: Row) -> Entry:
    return read_entry([row[0], row[1], row[2]])


def _digest(kept: Kept) -> bytes:
    whole = hashlib.sha256(repr((kept.item, kept.base)).encode())
    for rows in (kept.openers, kept.main):
        for header, signature, record in rows:
            whole.update(header + signature + (b"" if record is None else record))
        whole.update(b"|")
    return whole.digest()


def _text(item: Sequence[Any]) -> str:
    return str([each.hex()[:8] if isinstance(each, bytes) else each for each in item])
