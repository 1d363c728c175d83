"""Makes tests/vectors/entry.json: headers, signatures, ids, and entries that stand alone."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from protocol import encoding
from protocol.entry import Entry, sign_entry
from tests.protocol.author import Author
from tests.vectors.generate.forms import entry, vector
from tests.vectors.generate.writing import Vector

NETWORK: Final = "inx"
ABOUT: Final = (
    "Entries that stand alone (section 6.1), network inx. `sign-*`: an Ed25519 seed and the fields of a header give "
    "header, what is signed, signature and id. `read-*`: [header, signature, record or null] in hex is read (its "
    "fields and id) or refused; signatures are not verified there. Hex."
)
FIELDS: Final = (
    "version", "author", "seq", "prev", "epoch", "term", "time", "kind", "record_hash", "record_length",
)  # fmt: skip


def fields(one: Entry) -> dict[str, Any]:
    """The header as a map, bytes in hex."""
    values = encoding.decode(one.header)
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in zip(FIELDS, values, strict=True)
    }


def _signed(found: list[Vector], author: Author, name: str, one: Entry, seed: bytes) -> None:
    image = b"INX/1\0inx\0entry\0" + one.header
    assert one.id == hashlib.sha256(one.header + one.signature).digest()
    found.append(
        vector(
            f"sign-{name}",
            f"kind {one.kind}, seq {one.seq}",
            "R-ENTRY-4",
            {"seed": seed.hex(), "fields": fields(one), "record": (one.record or b"").hex()},
            expected={"header": one.header.hex(), "signature": one.signature.hex(), "id": one.id.hex()},
            signed=image.hex(),
        )
    )
    found.append(
        vector(
            f"read-{name}",
            "as it was signed",
            "R-ENTRY-1",
            {"entry": entry(one)},
            expected={"fields": fields(one), "id": one.id.hex()},
        )
    )


def vectors() -> list[Vector]:
    found: list[Vector] = []
    author = Author("entry", network=NETWORK)
    author.write(2)
    large = author.after(author.entries[-1], 9_007_199_254_740_991, b"\x80", time=2**53 - 1)
    top = sign_entry(
        NETWORK, author.signer, author=author.id, seq=2**40 - 1, prev=b"\x11" * 32, epoch=191, term=2**53 - 1,
        time=0, kind=2**53 - 2, record=b"",
    )  # fmt: skip
    for name, one in (
        ("inception", author.entries[0]),
        ("first", author.entries[1]),
        ("second", author.entries[2]),
        ("largest-kind", large),
        ("largest-numbers", top),
    ):
        _signed(found, author, name, one, author.signer.seed)
    base = author.entries[1]
    assert base.record is not None
    gone = [base.header.hex(), base.signature.hex(), None]
    found.append(
        vector(
            "read-gone",
            "a record that is gone",
            "R-ENTRY-7",
            {"entry": gone},
            expected={"fields": fields(base), "id": base.id.hex()},
        )
    )

    def changed(place: int, value: Any) -> str:
        values = encoding.decode(base.header)
        values[place] = value
        return encoding.encode(values).hex()

    def refused(name: str, comment: str, error: str, requirement: str, *given: Any) -> None:
        found.append(
            vector(f"read-refused-{name}", comment, requirement, {"entry": list(given)}, error=error)
        )

    signature, record, header = base.signature.hex(), base.record.hex(), base.header.hex()
    for place, name, value in (
        (1, "author-31", bytes(31)), (1, "author-33", bytes(33)), (1, "author-str", "a" * 32), (2, "seq--1", -1),
        (2, "seq-2^40", 2**40), (2, "seq-nil", None), (3, "prev-31", bytes(31)), (3, "prev-nil", None),
        (4, "epoch--1", -1), (5, "term--1", -1), (5, "term-true", True), (6, "time--1", -1), (6, "time-str", "1"),
        (7, "kind--1", -1), (8, "hash-31", bytes(31)), (9, "length--1", -1),
    ):  # fmt: skip
        comment = f"{FIELDS[place]}: wrong"
        refused(name, comment, "header", "R-ENTRY-1", changed(place, value), signature, record)
    for version in (0, 2, 255):
        refused(
            f"version-{version}",
            "another version",
            "version",
            "R-ENTRY-2",
            changed(0, version),
            signature,
            record,
        )
    later = encoding.encode([2, *encoding.decode(base.header)[1:], "more"]).hex()
    refused(
        "version-2-longer",
        "a later version with another field",
        "version",
        "R-ENTRY-2",
        later,
        signature,
        record,
    )
    for name, comment, other in (
        ("version-2-long-int", "another version, its number in two bytes", "9acc02" + header[4:]),
        ("version-2-short", "another version with no other field", "9102"),
        ("version-300-map", "a version that is told in a later way", "92cd012c80"),
    ):
        refused(name, comment, "version", "R-ENTRY-2", other, signature, record)
    values = encoding.decode(base.header)
    refused(
        "nine", "nine fields", "header", "R-ENTRY-1", encoding.encode(values[:9]).hex(), signature, record
    )
    refused(
        "eleven",
        "eleven fields",
        "header",
        "R-ENTRY-1",
        encoding.encode([*values, 0]).hex(),
        signature,
        record,
    )
    refused("map", "a map", "header", "R-ENTRY-1", "80", signature, record)
    refused("no-header", "no bytes", "header", "R-ENTRY-1", "", signature, record)
    long_form = "9acc01" + header[4:]
    refused(
        "long-int", "the version in two bytes", "not_canonical", "R-ENTRY-6", long_form, signature, record
    )
    long_array = "dc000a" + header[2:]
    refused("long-array", "a long array header", "not_canonical", "R-ENTRY-6", long_array, signature, record)
    refused("cut", "cut off", "header", "R-ENTRY-6", header[:-2], signature, record)
    refused("trailing", "a byte behind", "header", "R-ENTRY-6", header + "00", signature, record)
    refused(
        "length-49153",
        "a record longer than allowed",
        "too_large",
        "R-ENTRY-9",
        changed(9, 49_153),
        signature,
        None,
    )
    fits = changed(9, 49_152)
    raw = bytes.fromhex(fits)
    found.append(
        vector(
            "read-length-49152",
            "the longest record, gone",
            "R-ENTRY-9",
            {"entry": [fits, signature, None]},
            expected={
                "fields": {**fields(base), "record_length": 49_152},
                "id": hashlib.sha256(raw + base.signature).hexdigest(),
            },
        )
    )
    refused("signature-63", "63 bytes", "signature", "R-ENTRY-6", header, signature[:-2], record)
    refused("signature-65", "65 bytes", "signature", "R-ENTRY-6", header, signature + "00", record)
    even = author.entries[0]
    refused("even-gone", "an even kind without its record", "record_missing", "R-ENTRY-8", even.header.hex(),
            even.signature.hex(), None)  # fmt: skip
    refused("record-other", "another record", "record_hash", "R-ENTRY-6", header, signature, "80")
    refused("record-longer", "a byte more", "record_hash", "R-ENTRY-6", header, signature, record + "00")
    refused(
        "record-length",
        "the right hash, another length",
        "record_hash",
        "R-ENTRY-6",
        changed(9, 1),
        signature,
        record,
    )
    refused("two", "two members", "bad_message", "R-ENTRY-5", header, signature)
    refused("four", "four members", "bad_message", "R-ENTRY-5", header, signature, record, record)
    return found
