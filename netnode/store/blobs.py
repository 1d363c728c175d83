"""Blobs in the store, cut as they travel: serving a chunk costs a chunk, whatever the blob has [R-BLOB-1..5].

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from netnode.problems import ExitCode, Problem
from netnode.quotas import MIB
from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol import blobs

_SHIFT: Final = 10  # place = b << 10 | number; a blob has at most 512 chunks


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A blob held: its name, its bytes, since when (ms UTC), whether the owner added it."""

    hash: bytes
    size: int
    added: int
    own: bool


def put(writer: Writer, data: bytes, added: int) -> bytes:
    """Stores a blob of the owner, durably; one held already is the owner's from now on.

    Args:
        writer: of the store.
        data: 1 byte to MAX_BLOB.
        added: ms UTC.

    Returns:
        Its name.

    Raises:
        Problem: the disk fails.
        LocalProtocolError: no blob has this size.
    """
    return _put(writer, data, added, own=True)


def put_fetched(writer: Writer, data: bytes, added: int, most: int, spared: Collection[bytes] = ()) -> bytes:
    """Stores a blob that came from a peer; others of that kind make room for it, the one used longest ago first.

    Args:
        writer: of the store.
        data: 1 byte to MAX_BLOB.
        added: ms UTC.
        most: bytes of all fetched blobs together.
        spared: those that go last: listings of somebody followed show them.

    Returns:
        Its name.

    Raises:
        Problem: `blobs_full` (4): it alone is too large, or the disk fails.
    """
    if len(data) > most:
        raise full(len(data), most)
    with writer.transaction(durable=True) as connection:
        if connection.execute("SELECT 1 FROM blob WHERE hash = ?", (blobs.name(data),)).get is None:
            held = connection.execute("SELECT coalesce(sum(size), 0) FROM blob WHERE NOT own").get
            rows: list[Any] = connection.execute(
                "SELECT hash, size FROM blob WHERE NOT own ORDER BY max(used, added), hash"
            ).fetchall()
            for digest, size in sorted(rows, key=lambda row: row[0] in spared):
                if held + len(data) <= most:
                    break
                remove(writer, digest)
                held -= size
        return _put(writer, data, added, own=False)


def _put(writer: Writer, data: bytes, added: int, *, own: bool) -> bytes:
    digest, manifest = blobs.name(data), blobs.manifest(data)
    with writer.transaction(durable=True) as connection:
        if connection.execute("SELECT b FROM blob WHERE hash = ?", (digest,)).get is not None:
            connection.execute("UPDATE blob SET own = max(own, ?) WHERE hash = ?", (own, digest))
            return digest
        b = connection.execute(
            "INSERT INTO blob(hash, size, manifest, added, used, own) VALUES (?, ?, ?, ?, ?, ?) RETURNING b",
            (digest, len(data), manifest, added, added, own),
        ).get
        connection.executemany(
            "INSERT INTO blob_chunk(place, data) VALUES (?, ?)",
            (
                (b << _SHIFT | number, blobs.chunk(data, number))
                for number in range(blobs.chunk_count(len(data)))
            ),
        )
    return digest


def use(writer: Writer, digest: bytes, now: int) -> None:
    """Remembers that the owner used a blob."""
    with writer.transaction() as connection:
        connection.execute("UPDATE blob SET used = max(used, ?) WHERE hash = ?", (now, digest))


def full(size: int, most: int) -> Problem:
    """The Problem for a blob that finds no room."""
    return Problem(
        f"The blob has {size / MIB:.1f} MiB, and all that are fetched may take {most / MIB:.1f} MiB together. "
        "Give them more with: netnode config set blobs_mb MIB",
        ExitCode.REFUSED,
        "blobs_full",
        {"size": size, "most": most},
    )


def remove(writer: Writer, digest: bytes) -> bool:
    """Removes a blob; False when it is not here."""
    with writer.transaction(durable=True) as connection:
        b = connection.execute("DELETE FROM blob WHERE hash = ? RETURNING b", (digest,)).get
        if b is None:
            return False
        connection.execute(
            "DELETE FROM blob_chunk WHERE place >= ? AND place < ?", (b << _SHIFT, (b + 1) << _SHIFT)
        )
    return True


def size(reader: Reader, digest: bytes) -> int | None:
    """The bytes of a blob; None when it is not here."""
    found: int | None = reader.connection.execute("SELECT size FROM blob WHERE hash = ?", (digest,)).get
    return found


def manifest(reader: Reader, digest: bytes) -> bytes:
    """The manifest of a blob that is here; empty for one of a single chunk."""
    found: bytes | None = reader.connection.execute("SELECT manifest FROM blob WHERE hash = ?", (digest,)).get
    return found or b""


def chunk(reader: Reader, digest: bytes, number: int) -> bytes | None:
    """One chunk; None when the blob is not here or has no such chunk."""
    if not 0 <= number < 1 << _SHIFT:
        return None
    found: bytes | None = reader.connection.execute(
        "SELECT data FROM blob_chunk WHERE place = (SELECT b << ? | ? FROM blob WHERE hash = ?)",
        (_SHIFT, number, digest),
    ).get
    return found


def total(reader: Reader) -> int:
    """The bytes of all blobs together."""
    return sum(totals(reader))


def totals(reader: Reader) -> tuple[int, int]:
    """The bytes of the owner's blobs, and of those fetched."""
    row = reader.connection.execute(
        "SELECT coalesce(sum(size) FILTER (WHERE own), 0), coalesce(sum(size) FILTER (WHERE NOT own), 0) FROM blob"
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def listed(reader: Reader, after: bytes | None, limit: int) -> list[BlobRow]:
    """Blobs by name, from behind `after` on."""
    rows = reader.connection.execute(
        "SELECT hash, size, added, own FROM blob WHERE hash > ? ORDER BY hash LIMIT ?", (after or b"", limit)
    )
    return [BlobRow(digest, size, added, bool(own)) for digest, size, added, own in rows]
