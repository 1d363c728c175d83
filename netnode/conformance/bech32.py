"""Bech32m, the text form of networker ids; BIP-350 and section 5."""

from __future__ import annotations

from typing import Final

from netnode.conformance.faults import Fault, demand

PREFIX: Final = "nx"
ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
MOST: Final = 90  # characters
CHECK: Final = 0x2BC830A3
GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def write_id(networker: bytes) -> str:
    """The text form of a networker id [R-ID-2]."""
    return write(PREFIX, networker)


def read_id(text: str) -> bytes:
    """The networker id in this text.

    Raises:
        Fault: `encoding`. [R-ID-3]
    """
    networker = read(PREFIX, text)
    demand(len(networker) == 32, "encoding", "an id has 32 bytes")
    return networker


def write(prefix: str, data: bytes) -> str:
    """Bytes as text in small letters; the last group of five bits is filled with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    groups = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    sum_ = _polymod(_spread(prefix) + groups + [0] * 6) ^ CHECK
    check = [sum_ >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(ALPHABET[group] for group in groups + check)


def read(prefix: str, text: str, most: int = MOST) -> bytes:
    """The bytes in this text of at most so many characters.

    Raises:
        Fault: `encoding` for another prefix, padding of five bits or more or not of zeros, and what `groups` refuses.
    """
    found, groups_ = groups(text, most)
    demand(found == prefix, "encoding", "another prefix")
    bits = "".join(f"{group:05b}" for group in groups_)
    whole = len(bits) // 8 * 8
    padding = bits[whole:]
    demand(len(padding) < 5 and "1" not in padding, "encoding", "padding")
    return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


def groups(text: str, most: int = MOST) -> tuple[str, list[int]]:
    """Prefix and groups of five bits of a text, without the checksum.

    Raises:
        Fault: `encoding`.
    """
    demand(len(text) <= most and all("!" <= letter <= "~" for letter in text), "encoding", "characters")
    demand(text in (text.lower(), text.upper()), "encoding", "small and capital letters")
    prefix, separator, data = text.lower().rpartition("1")
    demand(bool(prefix and separator) and len(data) >= 6, "encoding", "no prefix, or too short")
    if any(letter not in ALPHABET for letter in data):
        raise Fault("encoding", "a character outside the alphabet")
    values = [ALPHABET.index(letter) for letter in data]
    demand(_polymod(_spread(prefix) + values) == CHECK, "encoding", "checksum")
    return prefix, values[:-6]


def _spread(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(GENERATOR):
            if top >> at & 1:
                check ^= generator
    return check
