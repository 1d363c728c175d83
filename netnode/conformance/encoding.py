"""Canonical MessagePack, written by hand; section 3.

Values are None, bool, int, str, bytes, list and dict. The decoder reads any well-formed value and notes whether a
shorter or better ordered form exists, so that both questions can be asked apart, as R-ENTRY-6 asks them.
"""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_DEPTH, MAX_INT, MAX_MESSAGE, MAX_NODES

# -- encoding --------------------------------------------------------------------------------------------------


def encode(value: object) -> bytes:
    """The one canonical encoding of a value [R-ENC-1].

    Raises:
        Fault: `encoding` for what INX cannot say.
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def _write(out: bytearray, value: object) -> None:
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        out += _integer(value)
    elif isinstance(value, str):
        out += _text(value)
    elif isinstance(value, bytes | bytearray):
        out += _length(len(value), None, 0, 0xC4)
        out += value
    elif isinstance(value, list | tuple):
        out += _length(len(value), 0x90, 15, 0xDB)  # 0xDB: arrays have no form with a length of one byte
        for element in value:
            _write(out, element)
    elif isinstance(value, dict):
        out += _length(len(value), 0x80, 15, 0xDD)
        demand(all(isinstance(key, str) for key in value), "encoding", "a key that is no text")
        for key in sorted(value, key=lambda key: key.encode()):  # [R-ENC-4]
            out += _text(key)
            _write(out, value[key])
    else:
        raise Fault("encoding", f"no INX value: {type(value).__name__}")


def _integer(value: int) -> bytes:
    demand(-MAX_INT <= value <= MAX_INT, "encoding", "an integer out of range")  # [R-ENC-2]
    if -32 <= value < 128:
        return (value & 0xFF).to_bytes(1, "big")
    for power in range(4):
        width = 1 << power
        if value >= 0 and value < 1 << 8 * width:
            return bytes([0xCC + power]) + value.to_bytes(width, "big")
        if value < 0 and value >= -(1 << 8 * width - 1):
            return bytes([0xD0 + power]) + value.to_bytes(width, "big", signed=True)
    raise AssertionError("an integer within 2^53 fits 8 bytes")


def _text(value: str) -> bytes:
    try:
        raw = value.encode()
    except UnicodeEncodeError as error:
        raise Fault("encoding", "a surrogate") from error
    demand(b"\0" not in raw, "encoding", "U+0000")  # [R-ENC-3]
    return _length(len(raw), 0xA0, 31, 0xD9) + raw


def _length(count: int, small: int | None, most: int, first: int) -> bytes:
    """The head of a str, bin, array or map; `first` is (or would be) the form with a length of one byte [R-ENC-5]."""
    if small is not None and count <= most:
        return bytes([small + count])
    if count < 1 << 8 and first in (0xC4, 0xD9):
        return bytes([first, count])
    if count < 1 << 16:
        return bytes([first + 1]) + count.to_bytes(2, "big")
    return bytes([first + 2]) + count.to_bytes(4, "big")


# -- decoding --------------------------------------------------------------------------------------------------


COUNTED: Final = {
    0xC4: (1, 0), 0xC5: (2, 1 << 8), 0xC6: (4, 1 << 16),  # bin
    0xD9: (1, 32), 0xDA: (2, 1 << 8), 0xDB: (4, 1 << 16),  # str
    0xDC: (2, 16), 0xDD: (4, 1 << 16),  # array
    0xDE: (2, 16), 0xDF: (4, 1 << 16),  # map
}  # fmt: skip
"""Width of a length or count in bytes, and the least that has no shorter form."""


def decode(data: bytes, limit: int = MAX_MESSAGE, nodes: int = MAX_NODES) -> Any:
    """The value these bytes are the canonical encoding of.

    Args:
        limit: bytes.
        nodes: values in it.

    Raises:
        Fault: `too_large`, `encoding` or `not_canonical`. [R-ENC-1] to [R-ENC-8]
    """
    value, canonical = examine(data, limit, nodes)
    demand(canonical, "not_canonical", "the value has another, canonical encoding")
    return value


def examine(data: bytes, limit: int = MAX_MESSAGE, nodes: int = MAX_NODES) -> tuple[Any, bool]:
    """The value in these bytes, and whether they are its canonical encoding.

    Raises:
        Fault: `too_large` or `encoding`.
    """
    demand(len(data) <= limit, "too_large", f"{len(data)} bytes")  # [R-ENC-8]
    reader = _Reader(data, nodes)
    value = reader.value(0)
    demand(reader.at == len(data), "encoding", "bytes behind the value")  # [R-ENC-6]
    return value, reader.canonical


class _Reader:
    """A place in bytes that are being decoded."""

    def __init__(self, data: bytes, most: int) -> None:
        self.data = data
        self.at = 0
        self.nodes = 0
        self.most = most
        self.canonical = True

    def take(self, count: int) -> bytes:
        demand(count <= len(self.data) - self.at, "encoding", "bytes are missing")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, width: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(width), "big", signed=signed)

    def value(self, level: int) -> Any:
        self.nodes += 1
        demand(
            level <= MAX_DEPTH and self.nodes <= self.most, "too_large", "too deep or too many"
        )  # [R-ENC-7]
        head = self.number(1)
        if head < 0x80 or head >= 0xE0:
            return head if head < 0x80 else head - 0x100
        if head < 0x90:
            return self.members(head & 0x0F, level)
        if head < 0xA0:
            return self.elements(head & 0x0F, level)
        if head < 0xC0:
            return self.text(head & 0x1F)
        if head in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[head]
        if 0xC4 <= head <= 0xC6:
            return self.take(self.count(head))
        if 0xCC <= head <= 0xD3:
            return self.integer(head)
        if 0xD9 <= head <= 0xDB:
            return self.text(self.count(head))
        if head in (0xDC, 0xDD):
            return self.elements(self.count(head), level)
        if head in (0xDE, 0xDF):
            return self.members(self.count(head), level)
        raise Fault("encoding", f"the byte {head:02x} begins no value")  # [R-ENC-1]

    def count(self, head: int) -> int:
        """The length or count behind such a head [R-ENC-5]."""
        width, least = COUNTED[head]
        count = self.number(width)
        if count < least:
            self.canonical = False
        return count

    def integer(self, head: int) -> int:
        power, signed = (head - 0xD0, True) if head >= 0xD0 else (head - 0xCC, False)
        value = self.number(1 << power, signed=signed)
        demand(-MAX_INT <= value <= MAX_INT, "encoding", "an integer out of range")  # [R-ENC-2]
        if _integer(value)[0] != head:
            self.canonical = False
        return value

    def text(self, length: int) -> str:
        raw = self.take(length)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise Fault("encoding", "no UTF-8") from error
        demand("\0" not in text, "encoding", "U+0000")  # [R-ENC-3]
        return text

    def elements(self, count: int, level: int) -> list[Any]:
        demand(count <= len(self.data) - self.at, "encoding", "elements are missing")  # before any is made
        return [self.value(level + 1) for _ in range(count)]

    def members(self, count: int, level: int) -> dict[str, Any]:
        demand(2 * count <= len(self.data) - self.at, "encoding", "members are missing")
        found: dict[str, Any] = {}
        before: bytes | None = None
        for _ in range(count):
            head = self.number(1)
            if 0xA0 <= head < 0xC0:
                key = self.text(head & 0x1F)
            elif 0xD9 <= head <= 0xDB:
                key = self.text(self.count(head))
            else:
                raise Fault("encoding", "a key that is no text")  # [R-ENC-4]
            raw = key.encode()
            if before is not None and raw <= before:
                self.canonical = False
            before = raw
            found[key] = self.value(level + 1)
        return found
