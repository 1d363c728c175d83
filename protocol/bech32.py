"""Bech32m (BIP-350): the text form of ids, with a checksum that finds every mistyped or swapped character.

``hrp "1" data check``: the data is the bytes in groups of five bits, the last one filled with zero bits, and
six check characters follow. Text may be all small or all capital letters (a QR code holds capitals better),
never mixed; it is written small. At most 90 characters, the length the checksum is made for [R-ID-3]; in a text that
may be longer it finds one wrong character for certain, and others all but so.
"""

from __future__ import annotations

import functools
import operator
from typing import Final

from protocol.errors import LocalProtocolError, RemoteProtocolError

MAX_TEXT: Final = 90
_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final[dict[str, int]] = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that leave the checksum put back into it; a page of listings writes a hundred ids.
_FACTORS: Final = tuple(
    functools.reduce(operator.xor, (_GENERATOR[place] for place in range(5) if top >> place & 1), 0)
    for top in range(32)
)
_BECH32M: Final = 0x2BC830A3
_CHECK: Final = 6


def encode(hrp: str, data: bytes, longest: int = MAX_TEXT) -> str:
    """Text of some bytes.

    Args:
        hrp: the prefix that says what the bytes are, in small letters, as ``nx``.
        data: at most 50 bytes under a prefix of two or three letters, where `longest` is not given.
        longest: characters of the text.

    Raises:
        LocalProtocolError: a prefix Bech32m does not allow, or a text that is too long.
    """
    if not hrp or hrp != hrp.lower() or not _printable(hrp):
        raise LocalProtocolError(f"{hrp!r} is no prefix of Bech32m in small letters")
    groups = _regroup(data)
    rest = _polymod(_expand(hrp) + groups + [0] * _CHECK) ^ _BECH32M
    groups += [rest >> 5 * (_CHECK - 1 - place) & 31 for place in range(_CHECK)]
    text = f"{hrp}1{''.join(_ALPHABET[group] for group in groups)}"
    if len(text) > longest:
        raise LocalProtocolError(f"{len(data)} bytes do not fit the {longest} characters of Bech32m")
    return text


def decode(text: str, hrp: str, longest: int = MAX_TEXT) -> bytes:
    """Bytes of a text with the expected prefix, of at most `longest` characters.

    Raises:
        RemoteProtocolError: `encoding`, with a sentence that says what is wrong with the text.
    """
    found, groups = split(text, longest)
    if found != hrp:
        raise RemoteProtocolError("encoding", f"the text begins with {found}1, expected is {hrp}1")
    number = bits = 0
    for group in groups:
        number, bits = number << 5 | group, bits + 5
    spare = bits % 8
    if spare >= 5 or number & (1 << spare) - 1:
        raise RemoteProtocolError("encoding", "the text does not hold whole bytes")
    return (number >> spare).to_bytes(bits // 8, "big")


def split(text: str, longest: int = MAX_TEXT) -> tuple[str, list[int]]:
    """Prefix (in small letters) and five-bit groups of a text with the right checksum: half of `decode`.

    Raises:
        RemoteProtocolError: `encoding`.
    """
    if len(text) > longest:
        raise RemoteProtocolError("encoding", f"the text is longer than {longest} characters")
    if not _printable(text):
        raise RemoteProtocolError("encoding", "the text holds a space or a character that is not ASCII")
    small = text.lower()
    if text not in (small, text.upper()):
        raise RemoteProtocolError("encoding", "the text mixes small and capital letters")
    hrp, _, data = small.rpartition("1")
    if not hrp:
        raise RemoteProtocolError("encoding", "the text has no prefix before its last 1")
    if len(data) < _CHECK:
        raise RemoteProtocolError("encoding", "the text is cut off: it is shorter than its checksum")
    groups = [_VALUES.get(character, -1) for character in data]
    if -1 in groups:
        wrong = data[groups.index(-1)]
        raise RemoteProtocolError("encoding", f"the character {wrong} cannot occur there")
    if _polymod(_expand(hrp) + groups) != _BECH32M:
        raise RemoteProtocolError("encoding", "the checksum does not match: a character is wrong or missing")
    return hrp, groups[:-_CHECK]


def _printable(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _expand(hrp: str) -> list[int]:
    return [ord(character) >> 5 for character in hrp] + [0] + [ord(character) & 31 for character in hrp]


def _regroup(data: bytes) -> list[int]:
    count = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << count * 5 - len(data) * 8
    return [number >> 5 * place & 31 for place in reversed(range(count))]


def _polymod(groups: list[int]) -> int:
    check = 1
    for group in groups:
        check = (check & 0x1FFFFFF) << 5 ^ group ^ _FACTORS[check >> 25]
    return check
