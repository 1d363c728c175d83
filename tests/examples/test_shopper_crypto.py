"""The cryptography of the JavaScript shopper against that of the node: seals, letters, keys, stamps, paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from netnode.ports import OpeningKeys, RecipientKeys
from netnode.sealer import HpkeSealer
from protocol import encoding, letters, paths, stamp
from protocol.letter_bodies import Mail, decode_content, encode_content
from protocol.letters import Envelope
from protocol.signing import Signer
from protocol.tags import tag
from tests.examples.nodejs import run
from tests.protocol.author import START, Author, seed
from tests.vectors.reading import read as vectors

SCRIPT = Path(__file__).with_name("shopper_crypto.mjs")
SECRET = seed("secret of a deal")
RFC = {  # RFC 9180, appendix A.1.1
    "ephemeral": "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    "recipient": "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "plaintext": "4265617574792069732074727574682c20747275746820626561757479",
}
RFC_SEALED = (
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218"
)
EXPIRES = START + 1_000


# Whoever knows the buyer's key may seal anything for it; none of it may end the reading of the box.
HOSTILE_CONTENTS: list[dict[str, Any]] = [
    {"type": "deal"},
    {"type": "deal", "messages": 5},
    {"type": "deal", "messages": [5]},
    {"type": "deal", "messages": [b"x"], "enclosures": 5},
    {"type": "deal", "messages": [b"x"], "openers": [5]},
    {"type": "refused", "id": 5, "code": "x"},
    {"type": "ack", "ids": b"x"},
]


def hostile_messages() -> list[list[Any]]:
    """Messages whose frames are good and whose bodies would lead a reader astray."""
    id_, hash_ = bytes(32), b"h" * 32
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("accept", {}),
        ("fulfil", {"part": 50}),
        ("fulfil", {"part": "x"}),
        ("payment_received", {"amount": "1"}),
        ("payment_received", {"amount": 1, "payment": 5}),
        ("refund", {"amount": -1}),
        ("presume_received", {}),
        ("presume_refund", {"refund": [hash_]}),
        ("lapse_dispute", {"dispute": None}),
    ]
    return [[kind, id_, "seller", 0, None, [id_], START, 0, body, bytes(64)] for kind, body in bodies]


def derived(name: str) -> bytes:
    info = tag("inx", "shopper") + name.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(SECRET)


def public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


async def test_both_sides_read_each_other(tmp_path: Path) -> None:
    """[R-SHOP-13] [R-PATH-4] [R-LET-2] [R-LET-3] [R-LET-4] [R-LET-5]"""
    sealer, seller = HpkeSealer(), Author("seller", "inx")
    buyer, box = Signer(derived("sign")), derived("seal")
    own = seed("key of the seller")
    words, info = b"words", b"info"

    def sealed(envelope: Envelope, plaintext: bytes) -> bytes:
        whole = sealer.seal(RecipientKeys(public(box)), letters.info("inx", envelope), plaintext)
        return letters.assemble(envelope, whole).data

    def envelope(sender: bytes) -> Envelope:
        return Envelope(sender, buyer.public, letters.key_id("inx", public(box)), bytes(16), EXPIRES)

    mail = encode_content(Mail(text="Your lamp leaves today."))
    good, mallory = envelope(seller.id), Author("mallory", "inx")
    plain = letters.compose("inx", seller.signer, good, mail, 0, seller.entries)
    forged = letters.compose("inx", mallory.signer, good, mail, 0, mallory.entries)
    unsigned = letters.compose("inx", mallory.signer, good, mail, 0, seller.entries)
    odd = [encoding.encode(each) for each in HOSTILE_CONTENTS]
    hostile = [letters.compose("inx", seller.signer, good, each, 0, seller.entries) for each in odd]
    elsewhere = letters.compose("inx", seller.signer, envelope(mallory.id), mail, 0, seller.entries)
    [vector] = [each for each in vectors("path") if each["id"] == "path-3"]
    given = {
        "secret": SECRET.hex(), "info": info.hex(), "words": words.hex(), "rfc": RFC, "to": public(own).hex(),
        "sealed": sealer.seal(RecipientKeys(public(box)), info, words)[1:].hex(), "id": seller.id.hex(),
        "expires": EXPIRES, "letter": sealed(good, plain).hex(),
        "bad": [sealed(good, each).hex() for each in (forged, unsigned, elsewhere, *hostile)],
        "messages": [encoding.encode(each).hex() for each in hostile_messages()],
        "salt": vector["expected"]["salt"], "tokens": vector["expected"]["tokens"],
    }  # fmt: skip
    file = tmp_path / "given.json"
    file.write_text(json.dumps(given))
    told = (await run(SCRIPT, str(file))).json()

    assert told["rfc"].startswith(RFC_SEALED)
    assert told["keys"] == [buyer.public.hex(), public(box).hex()]
    assert sealer.open(OpeningKeys(own), info, b"\x01" + bytes.fromhex(told["sealed"])) == words
    assert bytes.fromhex(told["opened"]) == words
    assert told["refused"] == ["letter"] * 4
    assert told["read"] == {"text": "Your lamp leaves today.", "sender": seller.id.hex(), "epoch": 0}
    assert told["unread"] == ["letter"] * (3 + len(HOSTILE_CONTENTS))
    assert told["messages"] == ["deal_message"] * len(hostile_messages())
    assert told["path"][1] == vector["expected"]["hash"]
    assert paths.read_path(bytes.fromhex(told["path"][0])).salt.hex() == vector["expected"]["salt"]
    assert told["link"][1] == SECRET.hex() and "#" not in told["link"][0]

    letter = letters.parse(bytes.fromhex(told["letter"]))
    assert (letter.envelope.sender, letter.envelope.recipient) == (buyer.public, seller.id)
    opened = sealer.open(OpeningKeys(own), letters.info("inx", letter.envelope), letter.sealed)
    content = decode_content(letters.read("inx", letter.envelope, opened).content)
    assert isinstance(content.body, Mail) and content.body.text == "A word"
    assert letter.stamp is not None
    stamp.check("inx", buyer.public, *letter.stamp)
