"""Puts gathered entries into the order in which the gate can take them, as a file of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw

from netnode.store.rows import stored_entry
from protocol import logfile
from protocol.entry import Entry
from protocol.run import RUN_BYTES, run_of, runs_of

CHAINS: Final = 64  # branches of one log that are offered; more are noise
Link = tuple[bytes, int, bytes, int, int]  # id, seq, prev, epoch, term


def authors(found: apsw.Connection, first: bytes) -> list[bytes]:
    """Whose entries were gathered, `first` before all others."""
    rows: list[Any] = found.execute("SELECT DISTINCT author FROM entry ORDER BY author").fetchall()
    return sorted((row[0] for row in rows), key=lambda author: (author != first, author))


def newest(found: apsw.Connection, author: bytes) -> int | None:
    """The highest seq of a networker that was gathered; None without any."""
    seq: int | None = found.execute("SELECT max(seq) FROM entry WHERE author = ?", (author,)).get
    return seq


def file(found: apsw.Connection, network: str, first: bytes) -> Iterator[bytes]:
    """A file of runs of everything gathered, log by log: the openers, the longest chain, then the other branches."""
    yield logfile.encode_start(network)
    for author in authors(found, first):
        for entry in _openers(found, author):
            yield logfile.encode_run(run_of([entry]))
        links: list[Any] = found.execute(
            "SELECT id, seq, prev, epoch, term FROM entry WHERE author = ? ORDER BY seq, id", (author,)
        ).fetchall()
        for chain in chains(links)[:CHAINS]:
            yield from _pieces(found, author, chain)


def chains(links: Sequence[Link]) -> list[list[tuple[int, bytes]]]:
    """The chains of linked entries of one log as (seq, id), oldest entry first; the longest chain first.

    A hole ends a chain, a fork makes a second one of what the first does not have. Of two equally long the newer
    comes first.
    """
    known = {link[0]: link for link in links}
    inner = {link[2] for link in links}
    heads = [link for link in links if link[0] not in inner]
    whole = [_down(head, known, frozenset()) for head in heads]
    order = sorted(
        range(len(heads)), key=lambda at: (-len(whole[at]), [-part for part in heads[at][3:5]], -heads[at][1])
    )
    taken: set[bytes] = set()
    found: list[list[tuple[int, bytes]]] = []
    for at in order:
        chain = _down(heads[at], known, frozenset(taken)) if taken else whole[at]
        taken.update(entry for _, entry in chain)
        found.append(chain)
    return found


def _down(head: Link, known: dict[bytes, Link], without: frozenset[bytes]) -> list[tuple[int, bytes]]:
    chain: list[tuple[int, bytes]] = []
    link: Link | None = head
    while link is not None and link[0] not in without:
        chain.append((link[1], link[0]))
        below = known.get(link[2])
        link = below if below is not None and below[1] == link[1] - 1 else None  # a cycle cannot count down
    chain.reverse()
    return chain


def _openers(found: apsw.Connection, author: bytes) -> list[Entry]:
    rows: Any = found.execute(
        "SELECT header, signature, record FROM entry WHERE author = ? AND opener AND record IS NOT NULL"
        " ORDER BY epoch, term, id",
        (author,),
    )
    return [stored_entry(*row) for row in rows]


def _pieces(found: apsw.Connection, author: bytes, chain: Sequence[tuple[int, bytes]]) -> Iterator[bytes]:
    batch: list[Entry] = []
    size = 0
    for seq, known in chain:
        row: Any = found.execute(
            "SELECT header, signature, record FROM entry WHERE author = ? AND seq = ? AND id = ?",
            (author, seq, known),
        ).fetchone()
        weight = len(row[0]) + len(row[1]) + (0 if row[2] is None else len(row[2]))
        if batch and size + weight > RUN_BYTES:
            yield b"".join(map(logfile.encode_run, runs_of(batch)))
            batch, size = [], 0
        batch.append(stored_entry(*row))
        size += weight
    if batch:
        yield b"".join(map(logfile.encode_run, runs_of(batch)))
