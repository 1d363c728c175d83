"""Makes tests/vectors/identity.json: tags, ids, text forms."""

from __future__ import annotations

import hashlib
from typing import Final

from protocol import bech32
from protocol.records import encode_record
from protocol.records.openers import Inception
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "`tag-*`: network and purpose give the domain tag; `error` local: no name of a network. `id-*`: network and "
    "inception record give the networker id and its text form. `text-*`: a text form is read, or refused with "
    "`encoding`. Hex."
)


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for network in ("inx", "test-1", "a", "0" * 32):
        for purpose in ("entry", "networker", "session-key"):
            tag = b"INX/1\0" + network.encode() + b"\0" + purpose.encode() + b"\0"
            given = {"network": network, "purpose": purpose}
            found.append(
                vector(f"tag-{network[:8]}-{purpose}", "a tag", "R-TAG-1", given, expected={"tag": tag.hex()})
            )
    for name, network in (
        ("empty", ""), ("long", "a" * 33), ("capital", "Inx"), ("underscore", "in_x"), ("space", "in x"),
        ("accent", "\u00efnx"), ("nul", "in\0"), ("line", "inx\n"), ("dot", "inx.1"), ("slash", "inx/1"),
        ("digit", "inx\u0662"), ("full-stop", "."),
    ):  # fmt: skip
        given = {"network": network, "purpose": "entry"}
        found.append(vector(f"tag-refused-{name}", "no name of a network", "R-TAG-1", given, error="local"))
    texts = []
    for index, network in enumerate(("inx", "inx", "test-1")):
        record = encode_record(
            Inception(key=bytes([index + 1] * 32), nonce=bytes([index] * 16), promise=bytes([9] * 32))
        )
        image = b"INX/1\0" + network.encode() + b"\0networker\0" + record
        raw = hashlib.sha256(image).digest()
        texts.append(bech32.encode("nx", raw))
        found.append(
            vector(
                f"id-{index}",
                "an inception record gives the id",
                "R-ID-1",
                {"network": network, "record": record.hex()},
                expected={"id": raw.hex(), "text": texts[-1]},
                hashed=image.hex(),
            )
        )
        found.append(
            vector(
                f"text-{index}", "small letters", "R-ID-2", {"text": texts[-1]}, expected={"id": raw.hex()}
            )
        )
        found.append(
            vector(
                f"text-capital-{index}",
                "all in capitals",
                "R-ID-3",
                {"text": texts[-1].upper()},
                expected={"id": raw.hex()},
            )
        )
    text = texts[0]
    swapped = (
        text[:10] + text[11] + text[10] + text[12:] if text[10] != text[11] else text[:9] + "qq" + text[11:]
    )
    for name, comment, wrong in (
        ("empty", "nothing", ""),
        ("mixed", "mixed case", text[:20] + text[20:].upper()),
        ("checksum", "another last character", text[:-1] + ("q" if text[-1] != "q" else "p")),
        ("swapped", "two characters swapped", swapped),
        ("cut", "one character less", text[:-1]),
        ("more", "one character more", text + "q"),
        ("prefix", "another prefix", bech32.encode("np", bytes(32))),
        ("short", "31 bytes", bech32.encode("nx", bytes(31))),
        ("long", "33 bytes", bech32.encode("nx", bytes(33))),
        ("none", "no bytes", bech32.encode("nx", b"")),
        ("space", "a space at the end", text + " "),
        ("letter", "a character outside the alphabet", text[:30] + "b" + text[31:]),
        ("hex", "hex", "00" * 32),
    ):
        found.append(vector(f"text-refused-{name}", comment, "R-ID-3", {"text": wrong}, error="encoding"))
    return found
