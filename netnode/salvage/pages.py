"""Reads the rows of a SQLite file page by page, whatever is left of its structure.

A page that holds rows can be read by itself: trees, indexes and the schema are not needed, so damage costs the rows of
the damaged pages and no others. What was deleted may come back; whoever uses the rows has to judge them. The layout is
that of https://sqlite.org/fileformat2.html, sections 1.6, 2.1 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

Value = int | float | str | bytes | None

MAX_ROW: Final = 256 * 1024  # why: no table holds longer values than a record or a chunk of a blob
MAX_COLUMNS: Final = 64
_DEFAULT_PAGE: Final = 4096  # of this program's stores
_SIZES: Final = frozenset(1 << power for power in range(9, 17))
_TABLE_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_INDEX_INNER: Final = 0x02
_WAL_MAGIC: Final = (0x377F0682, 0x377F0683)
_FRAME: Final = 24
_WAL_HEADER: Final = 32


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its number in an ordinary table (None in one without numbers, or an index), and its values."""

    number: int | None
    values: tuple[Value, ...]


class _Damaged(Exception):
    """A cell or record that cannot be read."""


class Pages:
    """The pages of a database file and of the write-ahead log beside it.

    Args:
        path: of the database.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        head = self._file.read(100)
        size = int.from_bytes(head[16:18], "big")
        size = 65_536 if size == 1 else size
        known = len(head) == 100 and head[:16] == b"SQLite format 3\0" and size in _SIZES
        self._size = size if known else _DEFAULT_PAGE
        self._usable = self._size - (head[20] if known and head[20] < 32 else 0)
        self._file.seek(0, 2)
        self.count = -(-self._file.tell() // self._size)
        self._wal: BinaryIO | None = None
        self._newer: dict[int, int] = {}  # page -> where its newest content stands in the log
        self._open_wal(path.with_name(path.name + "-wal"))
        self.unreadable = 0  # pages that hold rows of which some could not be read

    def close(self) -> None:
        """Closes the files."""
        self._file.close()
        if self._wal is not None:
            self._wal.close()

    def rows(self, number: int) -> list[Row]:
        """The rows of a page (from 1 on); none when it holds none, or nothing of it can be read."""
        page = self._page(number)
        start = 100 if number == 1 else 0
        if len(page) < self._size:
            return []
        kind = page[start]
        if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
            return []
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        cells = start + (12 if kind == _INDEX_INNER else 8)
        found: list[Row] = []
        whole = True
        for index in range(min(count, (self._size - cells) // 2)):
            place = int.from_bytes(page[cells + 2 * index : cells + 2 * index + 2], "big")
            try:
                found.append(self._cell(page, place, kind))
            except (_Damaged, IndexError):
                whole = False
        self.unreadable += not whole
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, max(self.count, max(self._newer, default=0)) + 1))

    # -- cells -----------------------------------------------------------------------------------------------
    def _cell(self, page: bytes, place: int, kind: int) -> Row:
        if not 0 < place < self._usable:
            raise _Damaged
        if kind == _INDEX_INNER:
            place += 4
        size, place = _varint(page, place)
        number: int | None = None
        if kind == _TABLE_LEAF:
            number, place = _varint(page, place)
        if size > MAX_ROW:
            raise _Damaged
        return Row(number, _record(self._payload(page, place, size, kind)))

    def _payload(self, page: bytes, place: int, size: int, kind: int) -> bytes:
        usable = self._usable
        most = usable - 35 if kind == _TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if size <= most:
            return _exact(page, place, size)
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
        parts = [_exact(page, place, local)]
        following = int.from_bytes(_exact(page, place + local, 4), "big")
        left = size - local
        while left > 0:
            if following < 1:
                raise _Damaged
            content = self._page(following)
            part = _exact(content, 4, min(left, usable - 4))
            parts.append(part)
            left -= len(part)
            following = int.from_bytes(content[:4], "big")
        return b"".join(parts)

    # -- pages -----------------------------------------------------------------------------------------------
    def _page(self, number: int) -> bytes:
        place = self._newer.get(number)
        if place is not None and self._wal is not None:
            self._wal.seek(place)
            return self._wal.read(self._size)
        if number > self.count:
            return b""
        self._file.seek((number - 1) * self._size)
        return self._file.read(self._size)

    def _open_wal(self, path: Path) -> None:
        """Finds the newest committed content of each page in the write-ahead log."""
        try:
            self._wal = path.open("rb")
        except OSError:
            return
        head = self._wal.read(_WAL_HEADER)
        if int.from_bytes(head[:4], "big") not in _WAL_MAGIC or len(head) < _WAL_HEADER:
            return
        if int.from_bytes(head[8:12], "big") != self._size:
            return
        salts = head[16:24]
        waiting: dict[int, int] = {}
        place = _WAL_HEADER
        while len(frame := self._wal.read(_FRAME)) == _FRAME and frame[8:16] == salts:
            waiting[int.from_bytes(frame[:4], "big")] = place + _FRAME
            if frame[4:8] != bytes(4):  # ends a transaction
                self._newer.update(waiting)
                waiting.clear()
            place += _FRAME + self._size
            self._wal.seek(place)


def _exact(data: bytes, place: int, size: int) -> bytes:
    found = data[place : place + size]
    if len(found) < size or place < 0:
        raise _Damaged
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[place + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + index + 1
    return value << 8 | data[place + 8], place + 9


def _record(payload: bytes) -> tuple[Value, ...]:
    size, place = _varint(payload, 0)
    if not place <= size <= len(payload):
        raise _Damaged
    kinds: list[int] = []
    while place < size:
        kind, place = _varint(payload, place)
        kinds.append(kind)
        if len(kinds) > MAX_COLUMNS:
            raise _Damaged
    values: list[Value] = []
    for kind in kinds:
        value, place = _value(payload, place, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind >= 12:
        length = (kind - 12) // 2
        data = _exact(payload, place, length)
        if kind % 2 == 0:
            return data, place + length
        try:
            return data.decode(), place + length
        except UnicodeDecodeError:
            raise _Damaged from None
    if kind in (0, 8, 9):
        return (None if kind == 0 else kind - 8), place
    if kind in (10, 11):
        raise _Damaged
    if kind == 7:  # a float: no table has any
        return None, place + 8
    width = (0, 1, 2, 3, 4, 6, 8)[kind]
    return int.from_bytes(_exact(payload, place, width), "big", signed=True), place + width
