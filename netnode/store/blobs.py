"""Blobs in the store, cut as they travel: serving a chunk costs a chunk, whatever the blob has [R-BLOB-1..5].

Functions of a `Writer` or a `Reader`, for `Store.write` and `Store.read`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.problems import ExitCode, Problem
from netnode.store.reader import Reader
from netnode.store.writer import Writer
from protocol import blobs

MIB: Final = 1024 * 1024
BLOBS_BYTES: Final = 512 * MIB  # why: some hundred pictures; a bound until there are quotas
_SHIFT: Final = 10  # place = b << 10 | number; a blob has at most 512 chunks


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A blob held: its name, its bytes, since when (ms UTC)."""

    hash: bytes
    size: int
    added: int


def put(writer: Writer, data: bytes, added: int, most: int = BLOBS_BYTES) -> bytes:
    """Stores a blob, durably; one held already stays as it is.

    Args:
        writer: of the store.
        data: 1 byte to MAX_BLOB.
        added: ms UTC.
        most: bytes of all blobs together.

    Returns:
        Its name.

    Raises:
        Problem: `blobs_full` (4), or the disk fails.
        LocalProtocolError: no blob has this size.
    """
    digest, manifest = blobs.name(data), blobs.manifest(data)
    with writer.transaction(durable=True) as connection:
        if connection.execute("SELECT b FROM blob WHERE hash = ?", (digest,)).get is not None:
            return digest
        held = connection.execute("SELECT coalesce(sum(size), 0) FROM blob").get
        if held + len(data) > most:
            raise full(held, len(data), most)
        b = connection.execute(
            "INSERT INTO blob(hash, size, manifest, added) VALUES (?, ?, ?, ?) RETURNING b",
            (digest, len(data), manifest, added),
        ).get
        connection.executemany(
            "INSERT INTO blob_chunk(place, data) VALUES (?, ?)",
            (
                (b << _SHIFT | number, blobs.chunk(data, number))
                for number in range(blobs.chunk_count(len(data)))
            ),
        )
    return digest


def full(held: int, size: int, most: int = BLOBS_BYTES) -> Problem:
    """The Problem for a blob that finds no room."""
    return Problem(
        f"This home holds {held / MIB:.1f} MiB of blobs; {size / MIB:.1f} MiB more would exceed the "
        f"{most // MIB} MiB it takes. Remove some with: netnode blob rm HASH",
        ExitCode.REFUSED,
        "blobs_full",
        {"held": held, "size": size, "most": most},
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
    held: int = reader.connection.execute("SELECT coalesce(sum(size), 0) FROM blob").get
    return held


def listed(reader: Reader, after: bytes | None, limit: int) -> list[BlobRow]:
    """Blobs by name, from behind `after` on."""
    rows = reader.connection.execute(
        "SELECT hash, size, added FROM blob WHERE hash > ? ORDER BY hash LIMIT ?", (after or b"", limit)
    )
    return [BlobRow(*row) for row in rows]
