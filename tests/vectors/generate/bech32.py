"""Makes tests/vectors/bech32.json: ``python -m tests.vectors.generate.bech32``."""

from __future__ import annotations

from typing import Final

from tests.vectors.generate.writing import Vector, write

ABOUT: Final = (
    "Bech32m. `bip350-*`: the test vectors of BIP-350 ('Test vectors for Bech32m', "
    "https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki); expected are the prefix and the groups of five "
    "bits without the checksum, one byte a group in hex. `bytes-*`: prefix and bytes (hex) give the text and come "
    "back from it. `read-*`: a text read with an expected prefix. Error `encoding`: the text is refused."
)
ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

VALID: Final = (
    ("A1LQFN3A", "a"),
    ("a1lqfn3a", "a"),
    (
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1",
    ),
    ("abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "abcdef"),
    ("11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8", "1"),
    ("split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "split"),
    ("?1v759aa", "?"),
)
INVALID: Final = (
    ("\x201xj0phk", "prefix character out of range"),
    ("\x7f1g6xzxy", "prefix character out of range"),
    ("\x801vctc34", "prefix character out of range"),
    (
        "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
        "longer than 90 characters",
    ),
    ("qyrz8wqd2c9m", "no separator"),
    ("1qyrz8wqd2c9m", "empty prefix"),
    ("y1b0jsk6g", "invalid data character"),
    ("lt1igcx5c0", "invalid data character"),
    ("in1muywd", "checksum too short"),
    ("mm1crxm3i", "invalid character in the checksum"),
    ("au1s5cgom", "invalid character in the checksum"),
    ("M1VUXWEZ", "checksum of the prefix in capitals"),
    ("16plkw9", "empty prefix"),
    ("1p2gdwpf", "empty prefix"),
)


def checksum(prefix: str, groups: list[int], constant: int) -> list[int]:
    """The six check groups; 0x2bc830a3 makes it Bech32m, 1 the older Bech32."""
    state = 1
    low = [ord(character) % 32 for character in prefix]
    for value in [*(ord(character) // 32 for character in prefix), 0, *low, *groups, 0, 0, 0, 0, 0, 0]:
        high = state >> 25
        state = (state % 2**25) * 32 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= term * (high >> bit & 1)
    state ^= constant
    return [state >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]


def groups_of(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]


def text_of(prefix: str, groups: list[int], constant: int = 0x2BC830A3) -> str:
    return prefix + "1" + "".join(ALPHABET[group] for group in groups + checksum(prefix, groups, constant))


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for number, (text, prefix) in enumerate(VALID, 1):
        groups = bytes(ALPHABET.index(character) for character in text.lower()[len(prefix) + 1 : -6])
        found.append(
            {
                "id": f"bip350-valid-{number}",
                "comment": "BIP-350, valid",
                "requirement": "R-ID-3",
                "input": {"text": text},
                "expected": {"prefix": prefix, "groups": groups.hex()},
            }
        )
    for number, (text, comment) in enumerate(INVALID, 1):
        found.append(
            {
                "id": f"bip350-invalid-{number}",
                "comment": f"BIP-350, invalid: {comment}",
                "requirement": "R-ID-3",
                "input": {"text": text},
                "error": "encoding",
            }
        )
    contents = {
        "zeros": bytes(32),
        "count": bytes(range(32)),
        "ones": b"\xff" * 32,
        "none": b"",
        "one": b"\x80",
        "five": b"12345",
        "longest": bytes(range(50)),
    }
    for name, data in contents.items():
        found.append(
            {
                "id": f"bytes-{name}",
                "comment": f"{len(data)} bytes",
                "requirement": "R-ID-2" if len(data) == 32 else "R-ID-3",
                "input": {"prefix": "nx", "bytes": data.hex()},
                "expected": {"text": text_of("nx", groups_of(data))},
            }
        )
    data = bytes(range(32))
    text = text_of("nx", groups_of(data))
    reads: tuple[tuple[str, str, str, str | None], ...] = (
        ("capitals", "all capitals are the same text", text.upper(), data.hex()),
        ("mixed", "small and capital letters mixed", text[:20] + text[20:].upper(), None),
        ("prefix", "another prefix", text_of("ny", groups_of(data)), None),
        ("bech32", "the checksum of Bech32, not Bech32m", text_of("nx", groups_of(data), 1), None),
        (
            "padding",
            "the bits after the last byte are not zero",
            text_of("nx", [*groups_of(data)[:-1], 31]),
            None,
        ),
        ("group", "a whole group more than the bytes need", text_of("nx", [*groups_of(b"\x80"), 0]), None),
        ("lone", "one group is no byte", text_of("nx", [0]), None),
        ("swap", "two neighbours swapped", text[:10] + text[11] + text[10] + text[12:], None),
        ("typo", "one character wrong", text[:10] + ("q" if text[10] != "q" else "p") + text[11:], None),
        ("cut", "the last character missing", text[:-1], None),
        ("space", "a space at the end", text + " ", None),
        ("letter", "a letter outside ASCII", text[:-1] + "\u00e4", None),
        ("empty", "no text", "", None),
    )
    for name, comment, given, wanted in reads:
        outcome: Vector = {"error": "encoding"} if wanted is None else {"expected": {"bytes": wanted}}
        head = {"id": f"read-{name}", "comment": comment, "requirement": "R-ID-3"}
        found.append({**head, "input": {"text": given, "prefix": "nx"}, **outcome})
    return found


if __name__ == "__main__":
    write("bech32", ABOUT, vectors())
