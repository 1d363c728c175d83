"""Blobs and their chunks; section 12.1."""

from __future__ import annotations

from dataclasses import dataclass

from netnode.conformance.faults import demand
from netnode.conformance.limits import BLOB_CHUNK, HASH_BYTES, MAX_BLOB
from netnode.conformance.tags import sha256


@dataclass(frozen=True, slots=True)
class Cut:
    """A blob cut up: its name, its chunks, and the SHA-256 of each joined (empty for one chunk)."""

    name: bytes
    chunks: tuple[bytes, ...]
    manifest: bytes


def cut(data: bytes) -> Cut:
    """Cuts a blob into chunks [R-BLOB-1] to [R-BLOB-3].

    Raises:
        Fault: `blob` when no blob has that size.
    """
    demand(1 <= len(data) <= MAX_BLOB, "blob", "no blob has this size")
    chunks = tuple(data[at : at + BLOB_CHUNK] for at in range(0, len(data), BLOB_CHUNK))
    manifest = b"".join(map(sha256, chunks)) if len(chunks) > 1 else b""
    return Cut(sha256(data), chunks, manifest)


def check_chunk(name: bytes, size: int, manifest: bytes, number: int, data: bytes) -> None:
    """Checks one chunk before it is kept [R-BLOB-4].

    Raises:
        Fault: `blob`.
    """
    demand(1 <= size <= MAX_BLOB, "blob", "no blob has this size")
    chunks = -(-size // BLOB_CHUNK)
    demand(len(manifest) == (chunks * HASH_BYTES if chunks > 1 else 0), "blob", "the manifest")
    demand(0 <= number < chunks, "blob", "its number")
    demand(len(data) == min(BLOB_CHUNK, size - number * BLOB_CHUNK), "blob", "its length")
    told = manifest[number * HASH_BYTES : (number + 1) * HASH_BYTES] if chunks > 1 else name
    demand(sha256(data) == told, "blob", "other bytes")
