"""Makes tests/vectors/letters.json: letters sealed with ephemeral keys that are told here, and what breaks them.

Sealed by the pseudocode of RFC 9180 in `netnode.conformance.hpke`; the tests open them by the node's own library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from netnode.conformance import hpke
from protocol import encoding, stamp
from protocol.entry import Entry
from protocol.signing import Signer
from tests.protocol.author import START, Author, seed
from tests.vectors.generate import letters_credit
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Letters (section 20), network `test`; bytes in hex, entries as [header, signature, record]. By their input: "
    "`x25519` alone, the key's id; `letter` alone, the members of its frame, and `info`; with `private`, the X25519 "
    "key of the recipient, its plaintext; with `plaintext` and `known`, the openers held of the sender, what the "
    "checks of R-LET-5 give, and `signed`, what the signature is over; with `token`, `now` and `keys` ([epoch or "
    "null, key]), whether it lets the sender write; with `bits`, whether it shows such a stamp; `content`, its type, "
    "whether that is known, and the fields beside the body."
)
PRIVATE: Final = seed("letters", "x25519")
PUBLIC: Final = hpke.public(PRIVATE)
ID: Final = bytes(range(16))
EXPIRES: Final = START + 30 * 86_400_000


def tagged(purpose: str) -> bytes:
    return b"INX/1\0test\0" + purpose.encode() + b"\0"


KEY: Final = hashlib.sha256(tagged("key id") + PUBLIC).digest()[:16]
RECIPIENT: Final = Author("letters recipient")
SENDER: Final = Author("letters sender")
BUYER: Final = Signer(seed("letters", "buyer"))
MAIL: Final = encoding.encode({"type": "mail", "subject": "The lamp", "text": "It left today."})


def bound(sender: bytes = SENDER.id, **changed: Any) -> list[Any]:
    fields = {"recipient": RECIPIENT.id, "key": KEY, "id": ID, "expires": EXPIRES, **changed}
    return [1, sender, *fields.values()]


def framed(
    array: Sequence[Any], sealed: bytes = b"\x01sealed", token: Any = None, stamp: Any = None
) -> bytes:
    return encoding.encode([*array, token, stamp, sealed])


def padded(content: bytes, epoch: int | None, openers: Sequence[Any], signature: bytes) -> bytes:
    bare = len(encoding.encode([content, epoch, list(openers), signature, b""]))
    return encoding.encode([content, epoch, list(openers), signature, bytes(-bare % 256)])


def signed(array: Sequence[Any], content: bytes) -> bytes:
    return tagged("letter content") + encoding.encode([*array, content])


def sealed(array: Sequence[Any], plaintext: bytes, number: int = 0, info: bytes | None = None) -> bytes:
    about = tagged("letter") + encoding.encode(list(array)) if info is None else info
    return b"\x01" + hpke.seal(PUBLIC, seed("letters", "ephemeral", number), about, plaintext)


def token(by: Signer, array: Sequence[Any], expires: int = EXPIRES, epoch: int | None = 0) -> bytes:
    said = [array[2], array[1], expires, epoch]
    return encoding.encode(
        [array[1], expires, epoch, by.sign(tagged("letter token") + encoding.encode(said))]
    )


def vectors() -> list[Vector]:
    return [*_keys(), *_frames(), *_sealed(), *_plaintexts(), *_tokens(), *_stamps(), *_contents()]


def _keys() -> list[Vector]:
    return [
        vector("key-id", "how a letter names a key", "R-LET-2", {"x25519": PUBLIC.hex()}, expected=KEY.hex())
    ]


def _frames() -> list[Vector]:
    found: list[Vector] = []
    array = bound()
    nonce = b"n" * 8

    def add(name: str, comment: str, data: bytes, error: str | None = None) -> None:
        given = {"letter": data.hex()}
        if error:
            found.append(vector(f"frame-{name}", comment, "R-LET-1", given, error=error))
            return
        version, *names, expires, token, stamp, rest = encoding.decode(data)
        assert version == 1
        expected = {
            **{
                key: each.hex() for key, each in zip(("sender", "recipient", "key", "id"), names, strict=True)
            },
            "expires": expires,
            "token": token and token.hex(),
            "stamp": stamp and [stamp[0], stamp[1].hex()],
            "sealed": rest.hex(),
        }
        info = tagged("letter") + encoding.encode(encoding.decode(data)[:6])
        found.append(
            vector(f"frame-{name}", comment, "R-LET-1 R-LET-3", given, expected=expected, info=info.hex())
        )

    add("plain", "neither token nor stamp", framed(array))
    add("token", "with a token", framed(array, token=b"t" * 256))
    add("stamp", "with a stamp", framed(array, stamp=[64, nonce]))
    add("least", "the earliest expiry, the shortest sealed part", framed(bound(expires=0), b"\x01"))
    room = 61_440 - len(framed(array, bytes(60_000))) + 60_000
    add("longest", "61,440 bytes", framed(array, bytes(room)))
    add("too-long", "61,441 bytes", framed(array, bytes(room + 1)), "letter")
    for index, name in enumerate(("sender", "recipient", "key", "id"), 1):
        short = list(array)
        short[index] = short[index][1:]
        add(f"short-{name}", f"{name} lacks a byte", framed(short), "letter")
    add("version-2", "another version", framed([2, *array[1:]]), "letter")
    add("version-true", "true is not 1", framed([True, *array[1:]]), "letter")
    add("expires-negative", "an expiry before 1970", framed(bound(expires=-1)), "letter")
    add("expires-text", "an expiry that is a text", framed(bound(expires="soon")), "letter")
    add("sealed-empty", "nothing sealed", framed(array, b""), "letter")
    add("token-empty", "an empty token", framed(array, token=b""), "letter")
    add("token-long", "a token of 257 bytes", framed(array, token=bytes(257)), "letter")
    add("stamp-65", "a stamp of 65 bits", framed(array, stamp=[65, nonce]), "letter")
    add("stamp-short", "a nonce of 7 bytes", framed(array, stamp=[20, nonce[1:]]), "letter")
    add("stamp-three", "a stamp of three members", framed(array, stamp=[20, nonce, 0]), "letter")
    add("eight", "a member less", encoding.encode([*array, None, None]), "letter")
    add("ten", "a member more", encoding.encode([*array, None, None, b"\x01s", None]), "letter")
    add("map", "no array", encoding.encode({}), "letter")
    add("not-canonical", "a long form", framed(array).replace(b"\x99\x01", b"\x99\xcc\x01", 1), "letter")
    add("behind", "bytes behind", framed(array) + b"\xc0", "letter")
    return found


def _sealed() -> list[Vector]:
    found: list[Vector] = []
    array = bound()
    plaintext = padded(MAIL, 0, [SENDER.entries[0].wire()], SENDER.signer.sign(signed(array, MAIL)))

    def add(name: str, comment: str, data: bytes, error: str | None = None, private: bytes = PRIVATE) -> None:
        given = {"letter": data.hex(), "private": private.hex()}
        outcome: dict[str, Any] = {"error": error} if error else {"expected": plaintext.hex()}
        found.append(vector(f"open-{name}", comment, "R-LET-3", given, **outcome))

    whole = sealed(array, plaintext)
    add("plain", "sealed by the mandatory suite", framed(array, whole))
    add("again", "the same by another ephemeral key", framed(array, sealed(array, plaintext, 1)))
    other = bound(id=ID[::-1])
    add("other-id", "sealed for another id", framed(other, whole), "letter")
    add(
        "other-recipient", "sealed for another recipient", framed(bound(recipient=b"r" * 32), whole), "letter"
    )
    add("other-sender", "sealed by another sender", framed(bound(sender=b"s" * 32), whole), "letter")
    add("other-expiry", "sealed with another expiry", framed(bound(expires=EXPIRES + 1), whole), "letter")
    add("flipped", "one bit of the ciphertext", framed(array, whole[:-1] + bytes([whole[-1] ^ 1])), "letter")
    add("flipped-key", "one bit of the encapsulated key", framed(array, b"\x01" + bytes([whole[1] ^ 1]) + whole[2:]),
        "letter")  # fmt: skip
    add("cut", "the last byte is missing", framed(array, whole[:-1]), "letter")
    add("suite-0", "an unknown suite", framed(array, b"\0" + whole[1:]), "letter")
    add(
        "small-order",
        "an encapsulated key of small order",
        framed(array, b"\x01" + bytes(32) + whole[33:]),
        "letter",
    )
    elsewhere = sealed(array, plaintext, info=b"INX/1\0inx\0letter\0" + encoding.encode(array))
    add("network", "sealed in another network", framed(array, elsewhere), "letter")
    add(
        "other-key",
        "a key that the recipient does not have",
        framed(bound(key=b"k" * 16), whole),
        "letter_key",
    )
    return found


def _plaintexts() -> list[Vector]:
    found: list[Vector] = []
    array = bound()
    rotated = Author("letters rotated")
    rotated.write()
    rotated.rotate()
    turned = [entry for entry in rotated.entries if entry.kind in (0, 2)]
    rotated.write()
    third, third_key = rotated.rotation(rotated.entries[-1])
    split = Author("letters contested")
    split.write()
    sides = [split.rotation(split.entries[-1], generation=number) for number in (1, 2)]
    settled = rotated.settlement(rotated.entries[-1])
    first = Signer(seed(rotated.name, "key", 0))
    buyer = bound(sender=BUYER.public)

    def signature(by: Signer, content: bytes = MAIL, to: Sequence[Any] = array) -> bytes:
        return by.sign(signed(to, content))

    def add(
        name: str, comment: str, plaintext: Any, error: str | None = None, to: Sequence[Any] = array,
        known: Sequence[Entry] = (), **expected: Any,
    ) -> None:  # fmt: skip
        raw = plaintext if isinstance(plaintext, bytes) else encoding.encode(plaintext)
        given = {"letter": framed(to).hex(), "plaintext": raw.hex(), "known": chain(known)}
        if error:
            found.append(vector(f"read-{name}", comment, "R-LET-5", given, error=error))
            return
        told = {
            "content": expected["content"].hex(),
            "epoch": expected["epoch"],
            "key": expected["key"].hex(),
        }
        image = signed(to, expected["content"]).hex()
        found.append(vector(f"read-{name}", comment, "R-LET-4 R-LET-5", given, expected=told, signed=image))

    own = [SENDER.entries[0].wire()]
    whole = padded(MAIL, 0, own, signature(SENDER.signer))
    add("plain", "by a networker, with its inception", whole, content=MAIL, epoch=0, key=SENDER.signer.public)
    add("known", "without openers, to who holds them", padded(MAIL, 0, [], signature(SENDER.signer)),
        known=SENDER.entries[:1], content=MAIL, epoch=0, key=SENDER.signer.public)  # fmt: skip
    add("both", "openers that are held already", whole, known=SENDER.entries[:1], content=MAIL, epoch=0,
        key=SENDER.signer.public)  # fmt: skip
    turned_to = bound(sender=rotated.id)
    add("rotated", "of epoch 1, with its rotation",
        padded(MAIL, 1, [each.wire() for each in turned], signature(rotated.signer, to=turned_to)),
        to=turned_to, content=MAIL, epoch=1, key=rotated.signer.public)  # fmt: skip
    add("bare", "by a buyer without a node", padded(MAIL, None, [], signature(BUYER, to=buyer)), to=buyer,
        content=MAIL, epoch=None, key=BUYER.public)  # fmt: skip
    odd = encoding.encode({"type": "telepathy"})
    add("unknown-type", "its content is another question", padded(odd, 0, own, signature(SENDER.signer, odd)),
        content=odd, epoch=0, key=SENDER.signer.public)  # fmt: skip

    add("other-letter", "taken out of a letter of another id", whole, "letter", bound(id=ID[::-1]))
    add("other-recipient", "sealed again for somebody else", whole, "letter", bound(recipient=b"r" * 32))
    add("other-expiry", "made to last longer", whole, "letter", bound(expires=EXPIRES + 1))
    add("other-content", "another content", padded(odd, 0, own, signature(SENDER.signer)), "letter")
    add("by-another", "signed by somebody else", padded(MAIL, 0, own, signature(BUYER)), "letter")
    add("others-openers", "openers of somebody else",
        padded(MAIL, 0, [RECIPIENT.entries[0].wire()], signature(RECIPIENT.signer)), "letter")  # fmt: skip
    add("nobody", "no openers anywhere", padded(MAIL, 0, [], signature(SENDER.signer)), "unknown_author")
    add("retired", "signed by a key that was replaced",
        padded(MAIL, 0, [each.wire() for each in turned], signature(first, to=turned_to)), "letter_key",
        turned_to)  # fmt: skip
    add("retired-known", "replaced, as the recipient knows", padded(MAIL, 0, [turned[0].wire()],
        signature(first, to=turned_to)), "letter_key", turned_to, turned)  # fmt: skip
    add("epoch-ahead", "of an epoch that nobody told of", padded(MAIL, 1, own, signature(SENDER.signer)),
        "unknown_epoch")  # fmt: skip
    add("rotation-alone", "a rotation without what it follows",
        padded(MAIL, 1, [turned[1].wire()], signature(rotated.signer, to=turned_to)), "letter", turned_to)  # fmt: skip
    ahead = [turned[0].wire(), third.wire()]
    by_third = signature(third_key, to=turned_to)
    add("gap", "the rotation before its last one is missing", padded(MAIL, 2, ahead, by_third), "unknown_epoch",
        turned_to)  # fmt: skip
    add("gap-known", "missing, and not held either", padded(MAIL, 2, [third.wire()], by_third), "unknown_epoch",
        turned_to, turned[:1])  # fmt: skip
    add("gap-closed", "missing, and held", padded(MAIL, 2, ahead, by_third), to=turned_to, known=turned, content=MAIL,
        epoch=2, key=third_key.public)  # fmt: skip
    add("gap-and-form", "behind the gap something that is no entry", padded(MAIL, 2, [*ahead, [1, 2]], by_third),
        "letter", turned_to)  # fmt: skip
    add("gap-and-settlement", "behind the gap a settlement", padded(MAIL, 2, [*ahead, settled.wire()], by_third),
        "letter", turned_to)  # fmt: skip
    add("settlement", "a settlement among the openers",
        padded(MAIL, 1, [*(each.wire() for each in turned), settled.wire()], signature(rotated.signer, to=turned_to)),
        "letter", turned_to)  # fmt: skip
    split_to = bound(sender=split.id)
    add("contested", "two rotations of one epoch",
        padded(MAIL, 1, [each.wire() for each in (split.entries[0], sides[0][0], sides[1][0])],
               signature(sides[0][1], to=split_to)), "contested", split_to)  # fmt: skip
    add("contested-and-old", "two rotations of one epoch, and the key they replace",
        padded(MAIL, 0, [sides[1][0].wire()], signature(split.signer, to=split_to)), "contested", split_to,
        [split.entries[0], sides[0][0]])  # fmt: skip
    add(
        "others-openers-known",
        "openers of somebody else, to who holds the sender's",
        padded(MAIL, 0, [RECIPIENT.entries[0].wire()], signature(SENDER.signer)),
        "letter",
        known=SENDER.entries[:1],
    )
    add("openers-then-signature", "openers that do not verify, and no signature either",
        padded(MAIL, 5, [turned[1].wire()], bytes(64)), "letter", turned_to)  # fmt: skip
    add("epoch-then-signature", "a replaced key, and no signature either",
        padded(MAIL, 0, [each.wire() for each in turned], bytes(64)), "letter_key", turned_to)  # fmt: skip
    add(
        "bare-openers",
        "openers of a bare key",
        padded(MAIL, None, own, signature(BUYER, to=buyer)),
        "letter",
        buyer,
    )
    small = bound(sender=bytes(32))
    add("bare-small", "a sender that is no good key", padded(MAIL, None, [], bytes(64)), "letter", small)
    add("bare-networker", "an id is no key", padded(MAIL, None, [], signature(SENDER.signer)), "letter")
    sign = signature(SENDER.signer)
    add("epoch-192", "an epoch beyond the last", padded(MAIL, 192, own, sign), "letter")
    add("epoch-negative", "an epoch below 0", padded(MAIL, -1, own, sign), "letter")
    add("epoch-false", "false is not 0", padded(MAIL, False, own, sign), "letter")
    add("signature-63", "a signature of 63 bytes", padded(MAIL, 0, own, sign[:-1]), "letter")
    add("content-text", "a content that is a text", padded("mail", 0, own, sign), "letter")  # type: ignore[arg-type]
    bare = len(encoding.encode([MAIL, 0, own, sign, b""]))
    add("unpadded", "no padding", encoding.encode([MAIL, 0, own, sign, b""]), "letter")
    add("padded-ones", "a padding of ones", [MAIL, 0, own, sign, b"\x01" * (-bare % 256)], "letter")
    add("padded-twice", "256 bytes too many", [MAIL, 0, own, sign, bytes(-bare % 256 + 255)], "letter")
    four = [MAIL, 0, own]
    add("four", "a member less", [*four, bytes(1_021 - len(encoding.encode([*four, b""])) + 2)], "letter")
    long = encoding.encode({"type": "mail", "zz": bytes(53_248)})
    add("content-long", "a content of more than 53,248 bytes", padded(long, 0, [], signature(SENDER.signer, long)),
        "letter", known=SENDER.entries[:1])  # fmt: skip
    return found


def _tokens() -> list[Vector]:
    found: list[Vector] = []
    array = bound()
    to_key = bound(recipient=BUYER.public)
    keys = [[0, RECIPIENT.signer.public.hex()]]

    def add(name: str, comment: str, data: bytes, error: str | None = None, now: int = START,
            to: Sequence[Any] = array, in_force: Any = keys) -> None:  # fmt: skip
        given = {"letter": framed(to).hex(), "token": data.hex(), "now": now, "keys": in_force}
        outcome: dict[str, Any] = {"error": error} if error else {"expected": True}
        found.append(vector(f"token-{name}", comment, "R-LET-9", given, **outcome))

    good = token(RECIPIENT.signer, array)
    add("plain", "signed by the recipient", good)
    add("last", "at its last moment", good, now=EXPIRES)
    add("bare", "of a recipient without a log", token(BUYER, to_key, epoch=None), to=to_key,
        in_force=[[None, BUYER.public.hex()]])  # fmt: skip
    add("over", "a moment too late", good, "letter_token", EXPIRES + 1)
    add("other-sender", "for another sender", good, "letter_token", to=bound(sender=b"s" * 32))
    add("other-recipient", "of another recipient", good, "letter_token", to=bound(recipient=b"r" * 32))
    add("by-sender", "signed by the sender", token(SENDER.signer, array), "letter_token")
    add("epoch", "of an epoch that is not in force", token(RECIPIENT.signer, array, epoch=1), "letter_token")
    add("no-keys", "nothing is known of the recipient", good, "letter_token", in_force=[])
    add("longer", "made to last longer",
        encoding.encode([array[1], EXPIRES + 1, 0, encoding.decode(good)[3]]), "letter_token")  # fmt: skip
    add("three", "a member less", encoding.encode(encoding.decode(good)[:3]), "letter_token")
    add("not-canonical", "bytes behind", good + b"\0", "letter_token")
    return found


def _stamps() -> list[Vector]:
    array = bound()
    nonce = stamp.search("test", SENDER.id, 8, 0, 100_000)
    assert nonce is not None
    cases = (
        ("reached", [8, nonce], 8, True),
        ("more-asked", [8, nonce], 9, False),
        ("not-reached", [9, nonce], 8, False),
        ("none", None, 1, False),
        ("none-asked", [0, bytes(8)], 0, True),
    )
    return [
        vector(f"stamp-{name}", f"{bits} bits asked for", "R-LET-10",
               {"letter": framed(array, stamp=shown).hex(), "bits": bits}, expected=holds)
        for name, shown, bits, holds in cases
    ]  # fmt: skip


def _contents() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, fields: Any, error: str | None = None, known: bool = True) -> None:
        raw = fields if isinstance(fields, bytes) else encoding.encode(fields)
        outcome: dict[str, Any] = {"error": error}
        if error is None:
            beside = {key: fields[key].hex() if key in fields else None for key in ("first", "token")}
            outcome = {"expected": {"type": fields["type"], "known": known, **beside}}
        found.append(vector(f"content-{name}", comment, "R-LET-7", {"content": raw.hex()}, **outcome))

    add("mail", "a mail", {"type": "mail", "subject": "s", "text": "t"})
    add("mail-again", "sealed again, an answer, with a token",
        {"type": "mail", "text": "t", "re": ID, "first": ID, "token": b"t"})  # fmt: skip
    add("more", "an unknown field", {"type": "mail", "zz": 1})
    add("deal", "a deal message", {"type": "deal", "messages": [b"m"], "enclosures": [b"e"]})
    add("ask", "asks for a deal", {"type": "ask", "deal": b"d" * 32, "nonce": ID})
    add("ack", "acknowledges", {"type": "ack", "ids": [ID]})
    add("refused", "refuses", {"type": "refused", "id": ID, "code": "unknown_type", "text": "no"})
    add("offer", "an offer", {"type": "offer", "offer": b"o"})
    add("ask-offer", "asks for an offer", {"type": "ask_offer", "code": "SPRING"})
    add("offer-openers", "an offer, with the openers of its arbiter",
        {"type": "offer", "offer": b"o", "openers": [[[b"h", b"s", b"r"]]]})  # fmt: skip
    statements = {"type": "mandate", "order": b"d" * 32, "statements": [b"s" * 512] * 64}
    add(
        "witness",
        "what the way in passes on",
        {"type": "witness", "accept": b"a", "order": b"d" * 32, "path": b"p"},
    )
    add("witness-receipts", "with the buyer's receipts, without an accept",
        {"type": "witness", "order": b"d" * 32, "path": b"p", "receipts": [b"r", b"r"]})  # fmt: skip
    add("mandate", "all statements that the sender has", statements)
    add("mandate-asks", "asks for statements, and for another price with a word",
        {"type": "mandate", "asks": True, "order": b"d" * 32, "price": 0, "text": "w" * 2_000})  # fmt: skip
    consent = {"type": "consent", "consent": b"c" * 4_096, "text": "t" * 10_000}
    add("consent", "an arbiter's consent with its terms", consent)
    add("consent-openers", "with the arbiter's openers", {**consent, "openers": [[[b"h", b"s", b"r"]]]})
    add("unknown", "a type that nobody knows yet", {"type": "telepathy", "text": 7}, known=False)
    wrong: tuple[tuple[str, str, Any], ...] = (
        ("no-type", "no type", {"subject": "s"}),
        ("type-int", "a type that is a number", {"type": 1}),
        ("type-long", "a type of 33 characters", {"type": "t" * 33}),
        ("array", "no map", ["mail"]),
        ("not-canonical", "bytes behind", encoding.encode({"type": "mail"}) + b"\0"),
        ("first-short", "a first id of 15 bytes", {"type": "mail", "first": ID[1:]}),
        ("token-long", "a token of 257 bytes", {"type": "mail", "token": bytes(257)}),
        ("subject-long", "a subject of 151 characters", {"type": "mail", "subject": "s" * 151}),
        ("text-long", "a text of 10,001 characters", {"type": "mail", "text": "t" * 10_001}),
        ("text-bytes", "a text that is bin", {"type": "mail", "text": b"t"}),
        ("re-short", "an answer to an id of 15 bytes", {"type": "mail", "re": ID[1:]}),
        ("deal-empty", "no message", {"type": "deal", "messages": []}),
        ("ask-short", "a deal of 31 bytes", {"type": "ask", "deal": b"d" * 31, "nonce": ID}),
        ("ack-none", "acknowledges nothing", {"type": "ack", "ids": []}),
        ("ack-many", "257 ids", {"type": "ack", "ids": [ID] * 257}),
        ("refused-code", "a code with a space", {"type": "refused", "id": ID, "code": "not now"}),
        (
            "refused-text",
            "a text of 501 characters",
            {"type": "refused", "id": ID, "code": "x", "text": "t" * 501},
        ),
        ("offer-long", "an offer of 8,193 bytes", {"type": "offer", "offer": bytes(8_193)}),
        ("ask-offer-none", "no code", {"type": "ask_offer"}),
        ("offer-openers-empty", "openers of nobody", {"type": "offer", "offer": b"o", "openers": [[]]}),
        ("witness-path", "no path", {"type": "witness", "accept": b"a", "order": b"d" * 32}),
        ("witness-order", "an order of 31 bytes", {"type": "witness", "order": b"d" * 31, "path": b"p"}),
        ("witness-receipts-65", "65 receipts",
         {"type": "witness", "order": b"d" * 32, "path": b"p", "receipts": [b"r"] * 65}),
        ("mandate-none", "no order", {"type": "mandate", "asks": True}),
        ("mandate-asks-1", "a number in place of a truth value", {"type": "mandate", "asks": 1, "order": b"d" * 32}),
        ("mandate-65", "65 statements", {**statements, "statements": [b"s"] * 65}),
        ("mandate-513", "a statement of 513 bytes", {**statements, "statements": [b"s" * 513]}),
        ("mandate-price", "a price below nothing", {"type": "mandate", "order": b"d" * 32, "price": -1}),
        ("mandate-text", "a word of 2,001 characters", {"type": "mandate", "order": b"d" * 32, "text": "w" * 2_001}),
        ("consent-none", "terms without a consent", {"type": "consent", "text": "t"}),
        ("consent-terms", "a consent without its terms", {"type": "consent", "consent": b"c"}),
        ("consent-long", "a consent of 4,097 bytes", {**consent, "consent": b"c" * 4_097}),
        ("consent-text", "terms of 10,001 characters", {**consent, "text": "t" * 10_001}),
    )  # fmt: skip
    for name, comment, fields in (*wrong, *letters_credit.WRONG):
        add(name, comment, fields, "letter")
    for name, comment, fields in letters_credit.RIGHT:
        add(name, comment, fields)
    return found
