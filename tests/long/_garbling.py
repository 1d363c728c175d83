"""Valid inputs made invalid, or valid in another way: by bytes, by the structure of MessagePack, and by characters.

`Garbler` draws one change after another from a `random.Random`, so that a seed gives the same inputs everywhere.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from protocol import limits

NUMBERS: Final = (
    0, 1, -1, 2, 31, 32, -32, -33, 63, 64, 127, 128, -128, -129, 255, 256, 1_023, 1_024, 32_767, 32_768, 65_535, 65_536,
    2**31 - 1, 2**31, 2**32 - 1, 2**32, limits.MAX_SEQ, limits.MAX_SEQ + 1, limits.MAX_RECORD, limits.MAX_RECORD + 1,
    limits.MAX_INT, limits.MAX_INT + 1, -limits.MAX_INT, -limits.MAX_INT - 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63),
)  # fmt: skip
TEXTS: Final = (
    "", " ", "a", "\0", "a\0b", "\n", "a\n", "\u0301", "é", "e\u0301", "\ud800", "\U0010ffff", "\ufeff", "\u202e", "0",
    "-1", "1e400", "NaN", "Infinity", "true", "null", "EUR", "eur", "https://example.org/", "javascript:alert(1)",
    "ws://[::1]:1/inx/1", "ws://198.51.100.7:99999/inx/1", "1.000,00", "\u0663", "\uff19", "x" * 256,
)  # fmt: skip
BYTES: Final = (
    b"",
    b"\0",
    b"\xff" * 31,
    bytes(32),
    b"\xff" * 32,
    bytes(33),
    bytes(64),
    bytes(16),
    b"\xc1",
    b"\x80",
)
RAW: Final = (
    b"\xc1", b"\xca\x7f\xc0\x00\x00", b"\xcb\x7f\xf8" + bytes(6), b"\xd4\x00\x00", b"\xc7\x00\xff", b"\xcc\x05",
    b"\xcd\x00\x05", b"\xd0\x05", b"\xd1\xff\xff", b"\xd9\x01a", b"\xda\x00\x01a", b"\xc5\x00\x01a", b"\xdc\x00\x00",
    b"\xde\x00\x00", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xa1\xff", b"\xa2\xc0\x80", b"\xa3\xed\xa0\x80", b"\xa4\xf4\x90\x80\x80", b"\x91" * 64 + b"\xc0", b"\x80" * 3,
)  # fmt: skip


class Pairs(list[tuple[Any, Any]]):
    """A map with its members in any order and as often as may be."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Bytes that stand in a value's place, whatever they are."""

    data: bytes


def tree(data: bytes) -> Any:
    """The value in these bytes, maps as `Pairs`; ValueError when there is none."""
    try:
        return msgpack.unpackb(
            data, object_pairs_hook=Pairs, strict_map_key=False, unicode_errors="surrogatepass"
        )
    except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise ValueError("no value") from error


def written(value: Any) -> bytes:
    """The shortest encoding of a value of `tree`, its maps in the order they have."""
    match value:
        case Encoded(data):
            return data
        case Pairs():
            head = _head(len(value), 0x80, 0xDE)
            return head + b"".join(written(key) + written(member) for key, member in value)
        case list() | tuple():
            return _head(len(value), 0x90, 0xDC) + b"".join(map(written, value))
        case str():
            return bytes(msgpack.packb(value, use_bin_type=True, unicode_errors="surrogatepass"))
        case int() if not isinstance(value, bool) and not -(2**63) <= value < 2**64:
            return b"\xc0"
        case _:
            return bytes(msgpack.packb(value, use_bin_type=True))


def _head(count: int, small: int, long: int) -> bytes:
    if count < 16:
        return bytes((small | count,))
    return (
        bytes((long,)) + struct.pack(">H", count)
        if count < 1 << 16
        else bytes((long + 1,)) + struct.pack(">I", count)
    )


class Garbler:
    """Changes inputs.

    Args:
        chance: what everything is drawn from.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def packed(self, samples: Sequence[bytes]) -> bytes:
        """One of these samples of MessagePack, changed once or a few times."""
        data = self.chance.choice(samples)
        for _ in range(self._times()):
            data = self._structured(data) if self.chance.random() < 0.75 else self.bytes(data, samples)
        return data

    def bytes(self, data: bytes, others: Sequence[bytes]) -> bytes:
        """Some bytes changed, without a thought of what they mean."""
        chance, at = self.chance, self.chance.randrange(len(data) + 1)
        match chance.randrange(8):
            case 0 if data:
                place = chance.randrange(len(data))
                return data[:place] + bytes((data[place] ^ 1 << chance.randrange(8),)) + data[place + 1 :]
            case 1 if data:
                place = chance.randrange(len(data))
                return data[:place] + chance.randbytes(1) + data[place + 1 :]
            case 2:
                return data[:at]
            case 3:
                return data + chance.choice((b"\0", b"\xc0", data, chance.randbytes(3)))
            case 4:
                other = chance.choice(others)
                return data[:at] + other[chance.randrange(len(other) + 1) :]
            case 5:
                return data[:at] + data[at + chance.randrange(1, 5) :]
            case 6:
                return data[:at] + chance.choice(RAW) + data[at:]
        return data[:at] + data[max(0, at - chance.randrange(1, 9)) : at] + data[at:]

    def text(self, samples: Sequence[str], marks: Sequence[str]) -> str:
        """One of these texts, changed once or a few times; `marks` are what means something in them."""
        text = self.chance.choice(samples)
        for _ in range(self._times()):
            text = self._text(text, samples, marks)
        return text

    def _text(self, text: str, samples: Sequence[str], marks: Sequence[str]) -> str:
        chance, at = self.chance, self.chance.randrange(len(text) + 1)
        end = at + chance.randrange(1, 12)
        match chance.randrange(9):
            case 0:
                return text[:at] + chance.choice(TEXTS) + text[end:]
            case 1:
                return text[:at] + chance.choice(marks) + text[at:]
            case 2:
                return text[:at]
            case 3:
                return text[:at] + text[end:]
            case 4:
                other = chance.choice(samples)
                return text[:at] + other[chance.randrange(len(other) + 1) :]
            case 5:
                lines = text.splitlines(keepends=True) or [""]
                line = chance.randrange(len(lines))
                return "".join(lines[:line] + lines[line + 1 :] + [lines[line]] * chance.randrange(3))
            case 6:
                return text[:at] + text[at:end].swapcase() + text[end:]
            case 7:
                mark = chance.choice(marks)
                return text.replace(mark, chance.choice((*marks, "")), chance.choice((1, -1)))
        return text[:at] + str(chance.choice(NUMBERS)) + text[end:]

    def _times(self) -> int:
        return self.chance.choice((1, 1, 1, 1, 2, 2, 3, 6))

    def _structured(self, data: bytes) -> bytes:
        try:
            return written(self._changed(tree(data)))
        except (ValueError, RecursionError):  # no value, or one far deeper than any reader goes
            return data + b"\xc0"

    def _changed(self, value: Any) -> Any:
        """A value with one of the values in it changed."""
        places: list[tuple[Any, Callable[[Any], None]]] = []
        root = [value]
        _collect(root, places)
        member, put = self.chance.choice(places)
        put(self._other(member))
        return root[0]

    def _other(self, value: Any) -> Any:
        chance = self.chance
        if isinstance(value, bytes) and len(value) > 3 and chance.random() < 0.5:
            try:  # a header, or a record
                inner = tree(value)
            except ValueError:
                inner = None
            if isinstance(inner, list):
                return written(self._changed(inner))
        if chance.random() < 0.25:
            return chance.choice(
                (None, True, False, 0, 1, "", b"", [], Pairs(), 1.5, Encoded(chance.choice(RAW)))
            )
        match value:
            case bool() | None:
                return chance.choice((None, True, False, 0))
            case int():
                near = value + chance.choice((-1, 1, 2, -2, 64, 256))
                return chance.choice(
                    (chance.choice(NUMBERS), near, Encoded(_long(value, chance.randrange(4))))
                )
            case str():
                return self._other_text(value)
            case bytes():
                return self._other_bytes(value)
            case Pairs():
                return self._other_map(value)
            case list():
                return self._other_list(value)
        return value

    def _other_text(self, value: str) -> Any:
        chance, at = self.chance, self.chance.randrange(len(value) + 1)
        raw = value.encode("utf-8", "surrogatepass")
        return chance.choice((
            chance.choice(TEXTS), value[:at], value[:at] + chance.choice(TEXTS) + value[at:], value * 2, value.upper(),
            value * chance.choice((2, 10, 100)), Encoded(b"\xdb" + struct.pack(">I", len(raw)) + raw), raw,
            value + chance.choice(("\n", " ", ".", "/")),
        ))  # fmt: skip

    def _other_bytes(self, value: bytes) -> Any:
        chance, at = self.chance, self.chance.randrange(len(value) + 1)
        return chance.choice((
            chance.choice(BYTES), value[:at], value + b"\0", value[::-1], bytes(len(value)), value[1:],
            self.bytes(value, (value,)), Encoded(b"\xc6" + struct.pack(">I", len(value)) + value),
            value * chance.choice((2, 40)), chance.randbytes(len(value)),
        ))  # fmt: skip

    def _other_map(self, value: Pairs) -> Any:
        chance = self.chance
        pairs = Pairs(value)
        match chance.randrange(7):
            case 0 if pairs:
                del pairs[chance.randrange(len(pairs))]
            case 1 if pairs:
                pairs.insert(chance.randrange(len(pairs) + 1), chance.choice(pairs))
            case 2:
                pairs.append(
                    (chance.choice(("zz", "", "\0", 1, b"k", "e\u0301", "$", "a")), chance.choice(TEXTS[:12]))
                )
                if chance.random() < 0.7:
                    pairs.sort(key=lambda pair: written(pair[0]))
            case 3:
                chance.shuffle(pairs)
            case 4 if pairs:
                at = chance.randrange(len(pairs))
                pairs[at] = (chance.choice((pairs[at][0], "~", 5)), chance.choice(pairs)[1])
            case 5:
                names = sorted(f"x{number:05}" for number in range(chance.choice((1, 14, 20, 300, 4_000))))
                pairs.extend((name, None) for name in names)
            case _:
                return [member for pair in pairs for member in pair]
        return pairs

    def _other_list(self, value: list[Any]) -> Any:
        chance = self.chance
        members = list(value)
        at = chance.randrange(len(members) + 1)
        match chance.randrange(7):
            case 0 if members:
                del members[at - 1]
            case 1 if members:
                members.insert(at, chance.choice(members))
            case 2:
                members.insert(at, chance.choice((None, 0, "", b"", [], *NUMBERS)))
            case 3:
                chance.shuffle(members)
            case 4:
                members *= chance.choice((0, 2, 16, 200))
            case 5:
                members += [None] * chance.choice((1, 1_000, limits.MAX_NODES))
            case _:
                return [members]
        return members


def _long(value: int, width: int) -> bytes:
    """An integer in one of the four forms, whether it is the shortest or not; nil where it does not fit."""
    try:
        if value < 0:
            return bytes((0xD0 + width,)) + value.to_bytes(1 << width, "big", signed=True)
        return bytes((0xCC + width,)) + value.to_bytes(1 << width, "big")
    except OverflowError:
        return b"\xc0"


def _collect(value: Any, places: list[tuple[Any, Callable[[Any], None]]]) -> None:
    """Every value inside this one, with the way to put another in its place."""
    for at, member in enumerate(value):
        if isinstance(value, Pairs):
            key, member = member
            places.append((member, lambda new, at=at, key=key: value.__setitem__(at, (key, new))))  # type: ignore[misc]
            places.append((key, lambda new, at=at, old=member: value.__setitem__(at, (new, old))))  # type: ignore[misc]
        else:
            places.append((member, lambda new, at=at: value.__setitem__(at, new)))  # type: ignore[misc]
        if isinstance(member, list):
            _collect(member, places)
