"""Makes tests/vectors/session.json: identity payloads, certificates, and the exchange of SPEC section 13."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from protocol import encoding
from protocol.certificate import Certificate, certify, encode_identity
from protocol.entry import Entry
from protocol.signing import Signer
from tests.protocol.author import START, Author, seed
from tests.spec.exchange import NETWORK, NOW, exchange
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Sessions, network `inx`. `identity-*`: a payload (hex) with the static key the handshake proved and the clock "
    "`now` of the receiver gives id, epoch and certified key, or the code. `certificate-*`: seed, key and until give "
    "the signature. `exchange`: keys and every WebSocket message of SPEC section 13, with what it holds. Hex."
)
DAY: Final = 86_400_000
KEY: Final = seed("session key")


def certificate(signer: Signer, until: int = START + DAY, key: bytes = KEY) -> Certificate:
    return certify(NETWORK, signer, key, until)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(
        name: str, comment: str, requirement: str, payload: bytes, error: str | None = None, *, epoch: int = 0,
        now: int = START, key: bytes = KEY,
    ) -> None:  # fmt: skip
        given = {"payload": payload.hex(), "static": key.hex(), "now": now}
        outcome: dict[str, Any] = (
            {"error": error}
            if error
            else {"expected": {"id": author.id.hex(), "epoch": epoch, "key": KEY.hex()}}
        )
        found.append(vector(f"identity-{name}", comment, requirement, given, **outcome))

    author = Author("session", network=NETWORK)
    old = author.signer
    first = author.entries[0]
    plain = encode_identity((first,), certificate(old))
    add("plain", "an inception", "R-CERT-3", plain)
    value = encoding.decode(plain)
    more = encoding.encode(value | {"zz": 1})
    add("unknown", "an unknown member is ignored", "R-CERT-3", more)
    author.write(1)
    rotation = author.rotate()
    two = (first, rotation)
    add(
        "rotated",
        "inception and rotation",
        "R-CERT-4",
        encode_identity(two, certificate(author.signer)),
        epoch=1,
    )
    add(
        "retired",
        "certified by the key of the epoch before",
        "R-CERT-1",
        encode_identity(two, certificate(old)),
        "certificate",
    )
    add(
        "foreign",
        "certified by another key",
        "R-CERT-1",
        encode_identity((first,), certificate(Author("x").signer)),
        "certificate",
    )
    add("static", "another static key in the handshake", "R-CERT-3", plain, "certificate", key=seed("other"))
    for name, until, ok in (
        ("expired-120", START - 120_000, True),
        ("expired-121", START - 120_001, False),
        ("longest", START + 90 * DAY + 120_000, True),
        ("too-long", START + 90 * DAY + 120_001, False),
    ):
        payload = encode_identity((first,), certificate(old, until))
        add(name, f"until is {until - START} ms from now", "R-CERT-2", payload, None if ok else "certificate")
    told = certificate(old)
    flipped = Certificate(told.key, told.until, bytes([told.signature[0] ^ 1]) + told.signature[1:])
    add("signature", "a bit of the signature", "R-CERT-1", encode_identity((first,), flipped), "certificate")
    longer = Certificate(told.key, told.until + 1, told.signature)
    add("until", "until is signed", "R-CERT-1", encode_identity((first,), longer), "certificate")

    def openers(name: str, comment: str, entries: Sequence[Entry], error: str, signer: Signer = old) -> None:
        add(name, comment, "R-CERT-3", encode_identity(tuple(entries), certificate(signer)), error)

    openers("no-inception", "a rotation only", [rotation], "opener")
    openers("twice", "the inception twice", [first, first], "opener")
    openers("turned", "the rotation first", [rotation, first], "opener")
    openers(
        "profile",
        "an entry that opens nothing",
        [first, Author("session", network=NETWORK).write(1)[0]],
        "opener",
    )
    openers(
        "settlement", "a settlement", [first, Author("session", network=NETWORK).settlement(first)], "opener"
    )
    next_one, _ = author.rotation(rotation)
    openers("left-out", "an epoch left out", [first, next_one], "opener")
    contest, _ = Author("session", network=NETWORK).rotation(first, generation=9)
    openers("contested", "two rotations of one epoch", [first, rotation, contest], "opener")
    stranger = Author("stranger", network=NETWORK).rotate()
    openers("foreign-rotation", "a rotation of another networker", [first, stranger], "opener")

    def broken(name: str, comment: str, changed: Any, error: str) -> None:
        data = changed if isinstance(changed, bytes) else encoding.encode(changed)
        add(name, comment, "R-CERT-3", data, error)

    broken("empty", "no bytes", b"", "encoding")
    broken("trailing", "a byte behind", plain + b"\0", "encoding")
    broken("array", "an array", [], "bad_message")
    broken("no-openers", "no openers", {"certificate": value["certificate"]}, "bad_message")
    broken("openers-empty", "an empty list", value | {"openers": []}, "bad_message")
    broken("no-certificate", "no certificate", {"openers": value["openers"]}, "bad_message")
    broken("certificate-two", "two members", value | {"certificate": value["certificate"][:2]}, "bad_message")
    broken(
        "key-31",
        "31 bytes of key",
        value | {"certificate": [bytes(31), *value["certificate"][1:]]},
        "bad_message",
    )
    broken("until--1", "a negative date", value | {"certificate": [KEY, -1, bytes(64)]}, "bad_message")
    broken(
        "signature-63",
        "63 bytes of signature",
        value | {"certificate": [KEY, told.until, bytes(63)]},
        "certificate",
    )
    gone = [value["openers"][0][0], value["openers"][0][1], None]
    broken("opener-gone", "an opener without its record", value | {"openers": [gone]}, "record_missing")
    entry = value["openers"][0]
    broken(
        "opener-signature",
        "an inception that is not signed",
        value | {"openers": [[entry[0], bytes(64), entry[2]]]},
        "signature",
    )
    broken("opener-two", "an entry of two members", value | {"openers": [entry[:2]]}, "bad_message")
    image = b"INX/1\0inx\0session-key\0" + KEY + (START + DAY).to_bytes(8, "big")
    found.append(
        vector(
            "certificate-sign",
            "what a certificate signs",
            "R-CERT-1",
            {"seed": old.seed.hex(), "key": KEY.hex(), "until": START + DAY},
            expected={"signature": old.sign(image).hex()},
            signed=image.hex(),
        )
    )
    ada, bob, sent = exchange()
    parties = {
        name: {
            "id": side.author.id.hex(), "signing_seed": side.author.signer.seed.hex(), "session": side.session.hex(),
            "ephemeral": side.ephemeral.hex(), "store": side.store.hex(),
        }
        for name, side in (("dialler", ada), ("listener", bob))
    }  # fmt: skip
    found.append(
        vector(
            "exchange",
            "SPEC section 13",
            "R-SES-1",
            {"network": NETWORK, "now": NOW, **parties},
            expected={
                "messages": [
                    {
                        "from": "dialler" if message.from_dialler else "listener",
                        "wire": message.wire.hex(),
                        "plaintext": message.plaintext.hex(),
                    }
                    for message in sent
                ]
            },
        )
    )
    return found
