"""Blobs: bytes named by their SHA-256, moved in chunks that are checked one by one [R-BLOB-1..5].

A blob has 1 byte to `limits.MAX_BLOB`. It is cut into chunks of `limits.BLOB_CHUNK` bytes, the last one
shorter.

* The **name** is the SHA-256 of the whole, without a domain tag: the same file has the same name everywhere.
* The **manifest** of a blob of more than one chunk is the SHA-256 of each chunk, 32 bytes each, joined (at
  most 16 KiB). A blob of one chunk has none (zero bytes): there the name itself checks the chunk.
* Every answer tells the size of the whole; the answer for chunk 0 of a longer blob carries the manifest as
  well. So chunk 0 is asked for first, and after it any chunk in any order is checked *before it is kept*.
* A manifest is **provisional**: nothing ties it to the name until all chunks are there and the whole hashes
  to the name. Size, manifest and chunks of one blob are therefore taken from one session. When the whole does
  not match, everything is discarded and that session is to blame (code `blob`): it made the manifest, or
  passed on a false one of a blob that it cannot have held whole.
* What is not whole and proved is never shown, served or counted as held.
"""

from __future__ import annotations

import hashlib

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import BLOB_CHUNK, HASH_BYTES, MAX_BLOB


def name(data: bytes) -> bytes:
    """The 32-byte name of a blob."""
    return hashlib.sha256(data).digest()


def chunk_count(size: int) -> int:
    """How many chunks a blob of this many bytes has.

    Raises:
        RemoteProtocolError: `blob`: no blob has this size.
    """
    if not 1 <= size <= MAX_BLOB:
        raise RemoteProtocolError("blob", f"a blob has 1 to {MAX_BLOB} bytes, not {size}")
    return -(-size // BLOB_CHUNK)


def chunk(data: bytes, index: int) -> bytes:
    """One chunk of a blob, from 0 on.

    Raises:
        LocalProtocolError: there is no such chunk, or no blob has this size.
    """
    if not 0 <= index * BLOB_CHUNK < len(data) <= MAX_BLOB:
        raise LocalProtocolError(f"a blob of {len(data)} bytes has no chunk {index}")
    return data[index * BLOB_CHUNK : (index + 1) * BLOB_CHUNK]


def manifest(data: bytes) -> bytes:
    """The manifest of a blob; empty when it has only one chunk.

    Raises:
        LocalProtocolError: no blob has this size.
    """
    if not 1 <= len(data) <= MAX_BLOB:
        raise LocalProtocolError(f"a blob has 1 to {MAX_BLOB} bytes, not {len(data)}")
    count = chunk_count(len(data))
    return b"".join(name(chunk(data, index)) for index in range(count)) if count > 1 else b""


def check_chunk(blob: bytes, size: int, hashes: bytes, index: int, data: bytes) -> None:
    """Checks one chunk before it is kept.

    Args:
        blob: the name of the blob.
        size: of the whole, in bytes, as its sender declared.
        hashes: the manifest, as the same sender gave it.
        index: the place of the chunk, from 0 on.
        data: the chunk.

    Raises:
        RemoteProtocolError: `blob`: size, manifest, place, length or bytes do not fit together.
    """
    count = chunk_count(size)
    if len(hashes) != (count * HASH_BYTES if count > 1 else 0):
        raise RemoteProtocolError("blob", f"the manifest does not have the length for {count} chunks")
    if not 0 <= index < count:
        raise RemoteProtocolError("blob", f"a blob of {size} bytes has no chunk {index}")
    if len(data) != min(BLOB_CHUNK, size - index * BLOB_CHUNK):
        raise RemoteProtocolError("blob", f"chunk {index} has a wrong length, {len(data)} bytes")
    expected = hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES] if hashes else blob
    if name(data) != expected:
        raise RemoteProtocolError("blob", f"chunk {index} does not match its hash")


class Assembly:
    """One blob on its way in, from one session; its memory grows only with chunks that passed their check.

    Args:
        blob: the 32-byte name asked for.
        size: of the whole, in bytes, as the other side declared.
        hashes: the manifest, as the other side gave it; empty for one chunk.

    Raises:
        RemoteProtocolError: `blob`: a size no blob has, or a manifest of another length.
    """

    __slots__ = ("_chunks", "blob", "count", "hashes", "size")

    def __init__(self, blob: bytes, size: int, hashes: bytes) -> None:
        self.count = chunk_count(size)
        if len(hashes) != (self.count * HASH_BYTES if self.count > 1 else 0):
            raise RemoteProtocolError(
                "blob", f"the manifest does not have the length for {self.count} chunks"
            )
        self.blob = blob
        self.size = size
        self.hashes = hashes
        self._chunks: dict[int, bytes] = {}

    @property
    def missing(self) -> tuple[int, ...]:
        """The chunks still to be asked for, in order."""
        return tuple(index for index in range(self.count) if index not in self._chunks)

    def add(self, index: int, data: bytes) -> bytes | None:
        """Takes a chunk; one that came before is taken again without effect.

        Returns:
            The whole blob, proved by its name, once nothing is missing; None before.

        Raises:
            RemoteProtocolError: `blob`: the chunk fails its check (the others are kept), or the whole does
                not match its name (all are discarded).
        """
        check_chunk(self.blob, self.size, self.hashes, index, data)
        self._chunks[index] = data
        if len(self._chunks) < self.count:
            return None
        whole = b"".join(self._chunks[place] for place in range(self.count))
        if name(whole) != self.blob:
            self._chunks.clear()
            raise RemoteProtocolError(
                "blob", "the chunks match their manifest, but the whole is another blob"
            )
        return whole
