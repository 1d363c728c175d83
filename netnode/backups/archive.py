"""What a backup holds: a few files of the home, one after the other.

length (1 byte) and name, size (8 bytes, big endian), the bytes; at the end a length of 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final

from netnode.backups.format import damaged

KEYS: Final = "keys.json"
CONFIG: Final = "config.toml"
STORE: Final = "store.sqlite3"
NAMES: Final = frozenset({KEYS, CONFIG, STORE})  # nothing else is ever written by a restore
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """A file to be packed: its name, its size, and its bytes in pieces."""

    name: str
    size: int
    pieces: Iterable[bytes]


def pack(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of an archive.

    Raises:
        ValueError: a member has not the size it claims.
    """
    for member in members:
        name = member.name.encode("ascii")
        yield bytes([len(name)]) + name + member.size.to_bytes(8, "big")
        left = member.size
        for piece in member.pieces:
            left -= len(piece)
            yield piece
        if left:
            raise ValueError(f"{member.name} changed its size while it was read")
    yield b"\0"


def unpack(
    pieces: Iterable[bytes], create: Callable[[str], AbstractContextManager[BinaryIO]], name: str
) -> list[str]:
    """Writes the files of an archive; returns their names.

    Args:
        pieces: the archive.
        create: opens the file for a name, as `Disk.writing` does.
        name: of the backup, for the messages.

    Raises:
        Problem: the archive is not well formed.
        OSError: the disk.
    """
    source = _Source(iter(pieces), name)
    found: list[str] = []
    while length := source.take(1)[0]:
        try:
            member = source.take(length).decode("ascii")
        except UnicodeDecodeError:
            raise damaged(name) from None
        if member not in NAMES or member in found:
            raise damaged(name)
        size = int.from_bytes(source.take(8), "big")
        with create(member) as file:
            while size:
                piece = source.some(min(size, _PIECE))
                file.write(piece)
                size -= len(piece)
        found.append(member)
    source.end()
    return found


class _Source:
    """Bytes in pieces, taken by count."""

    __slots__ = ("_at", "_name", "_piece", "_pieces")

    def __init__(self, pieces: Iterator[bytes], name: str) -> None:
        self._pieces = pieces
        self._name = name
        self._piece = b""
        self._at = 0

    def some(self, most: int) -> bytes:
        """1 to `most` bytes."""
        while self._at == len(self._piece):
            try:
                self._piece, self._at = next(self._pieces), 0
            except StopIteration:
                raise damaged(self._name) from None
        found = self._piece[self._at : self._at + most]
        self._at += len(found)
        return found

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        found = b""
        while len(found) < count:
            found += self.some(count - len(found))
        return found

    def end(self) -> None:
        """Nothing may be left; the body is read to its end, so that its last mark is proved."""
        if self._at < len(self._piece) or any(self._pieces):
            raise damaged(self._name)
