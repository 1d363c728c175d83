"""Makes tests/vectors/noise.json: ``python -m tests.vectors.generate.noise``.

The published vector is kept as data; ours come from the straight-line XX below, which is checked against it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generate.writing import Vector, write

ABOUT: Final = (
    "Noise_XX_25519_AESGCM_SHA256. `cacophony`: published, the entry of that name in cacophony's vectors "
    "(https://github.com/haskell-cryptography/cacophony, vectors/cacophony.txt) as kept by snow "
    "(https://github.com/mcginty/snow, tests/vectors/cacophony.txt); public domain. Its `handshake_hash` is h as it "
    "stands after message 2, here `hash_after_2`; `hash` is h at the end, as Noise defines it. `whole-*`: input are "
    "both sides' private keys, prologue and payloads in the order sent (initiator, responder, initiator, then "
    "transport messages: responder, initiator, responder ...); expected the messages in that order and the handshake "
    "hash. `broken-*`: one side (`role`) with its own payloads to write; the last of `received` must be refused. "
    "`answer-*`: one side, which sends `sent` after what it received. Hex."
)
CACOPHONY: Final[dict[str, Any]] = {
    "prologue": "4a6f686e2047616c74",
    "initiator_static": "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
    "initiator_ephemeral": "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "responder_static": "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
    "responder_ephemeral": "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    "payloads": [
        "4c756477696720766f6e204d69736573",
        "4d757272617920526f746862617264",
        "462e20412e20486179656b",
        "4361726c204d656e676572",
        "4a65616e2d426170746973746520536179",
        "457567656e2042f6686d20766f6e2042617765726b",
    ],
}
CACOPHONY_HASH_AFTER_2: Final = "c7c118c30ea6b4b4fb8b576a2a29da04bbbb63e2b3a8430856a2a6d58f5953ad"
CACOPHONY_MESSAGES: Final = [
    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843757117acceb05bd7a45733bc22015c97a9d0cbaf41b8"
    "0446d5988ff5127235d76b79eade70f473d6a4ef521fdcbeda5340d01e028ba793fc059f2724a83af05f12dda0448a7621a926b379a9"
    "2477fd",
    "c90f1cf77eba4e50edb038991565e36c9758943a989229b6051244dc4fbecb6946744b401af2ee1a5881b65fbb87fd07cb6a328ececc"
    "9ce6ce84c399dc332d4fd521fa4bb7f467ce909395",
    "bc3fa77f6aca3e8466d7dc6bea10013e88a6a29add5132b461806c",
    "250b01074cdfe0df2ecf8ccbf1737b15a2ddb5b52fd9a396604e9c793cee3b3bb9",
    "449d4d433b3cdc3d02bf6fc881774b9df54366ebcffb9689bb13f14709822cd7ef42bcdb4d",
]


def xx(keys: dict[str, Any]) -> tuple[list[bytes], bytes, bytes]:
    """All messages, the handshake hash after message 2 and at the end, written as one who knows both sides' secrets."""
    secret = {
        name: X25519PrivateKey.from_private_bytes(bytes.fromhex(keys[f"{side}_{kind}"]))
        for name, side, kind in (
            ("si", "initiator", "static"),
            ("ei", "initiator", "ephemeral"),
            ("sr", "responder", "static"),
            ("er", "responder", "ephemeral"),
        )
    }
    public = {name: key.public_key().public_bytes_raw() for name, key in secret.items()}
    payloads = [bytes.fromhex(payload) for payload in keys["payloads"]]
    chain = b"Noise_XX_25519_AESGCM_SHA256" + bytes(4)
    h = hashlib.sha256(chain + bytes.fromhex(keys["prologue"])).digest()

    def mix(*parts: bytes) -> None:
        nonlocal h
        for part in parts:
            h = hashlib.sha256(h + part).digest()

    def agree(mine: str, theirs: str) -> AESGCM:
        nonlocal chain
        shared = secret[mine].exchange(X25519PublicKey.from_public_bytes(public[theirs]))
        temporary = hmac.digest(chain, shared, "sha256")
        chain = hmac.digest(temporary, b"\1", "sha256")
        return AESGCM(hmac.digest(temporary, chain + b"\2", "sha256"))

    def nonce(number: int) -> bytes:
        return bytes(4) + number.to_bytes(8, "big")

    messages = [public["ei"] + payloads[0]]
    mix(public["ei"], payloads[0])
    # <- e, ee, s, es
    mix(public["er"])
    static = agree("er", "ei").encrypt(nonce(0), public["sr"], h)
    mix(static)
    sealed = agree("sr", "ei")  # before the payload: mixes the chain only
    payload = sealed.encrypt(nonce(0), payloads[1], h)
    mix(payload)
    messages.append(public["er"] + static + payload)
    after_2 = h
    # -> s, se; the key of `es` goes on with its second nonce
    static = sealed.encrypt(nonce(1), public["si"], h)
    mix(static)
    payload = agree("si", "er").encrypt(nonce(0), payloads[2], h)
    mix(payload)
    messages.append(static + payload)

    temporary = hmac.digest(chain, b"", "sha256")
    first = hmac.digest(temporary, b"\1", "sha256")
    # Responder sends first here
    ciphers = (AESGCM(hmac.digest(temporary, first + b"\2", "sha256")), AESGCM(first))
    for number, plain in enumerate(payloads[3:]):
        messages.append(ciphers[number % 2].encrypt(nonce(number // 2), plain, None))
    return messages, after_2, h


def _high_bit(keys: dict[str, Any], one: bytes) -> Vector:
    """A public key with its highest bit set: X25519 masks the bit (RFC 7748), the hash takes the key as it came."""
    secret = {
        kind: X25519PrivateKey.from_private_bytes(bytes.fromhex(keys[f"responder_{kind}"]))
        for kind in ("static", "ephemeral")
    }
    public = {kind: key.public_key().public_bytes_raw() for kind, key in secret.items()}
    shown = one[:31] + bytes([one[31] | 0x80])
    chain = b"Noise_XX_25519_AESGCM_SHA256" + bytes(4)
    h = hashlib.sha256(chain + bytes.fromhex(keys["prologue"])).digest()
    for part in (shown, b"", public["ephemeral"]):
        h = hashlib.sha256(h + part).digest()
    sealed = []
    for kind, plain in (("ephemeral", public["static"]), ("static", b"")):
        temporary = hmac.digest(
            chain, secret[kind].exchange(X25519PublicKey.from_public_bytes(shown)), "sha256"
        )
        chain = hmac.digest(temporary, b"\1", "sha256")
        sealed.append(AESGCM(hmac.digest(temporary, chain + b"\2", "sha256")).encrypt(bytes(12), plain, h))
        h = hashlib.sha256(h + sealed[-1]).digest()
    return {
        "id": "answer-high-bit",
        "comment": "the initiator's ephemeral key with its highest bit set",
        "requirement": "R-NOISE-1",
        "input": {
            "role": "responder", "prologue": keys["prologue"], "static": keys["responder_static"],
            "ephemeral": keys["responder_ephemeral"], "payloads": [""], "received": [shown.hex()],
        },
        "expected": {"sent": (public["ephemeral"] + b"".join(sealed)).hex()},
    }  # fmt: skip


def vectors() -> list[Vector]:
    messages, after_2, h = xx(CACOPHONY)
    assert [message.hex() for message in messages] == CACOPHONY_MESSAGES
    assert after_2.hex() == CACOPHONY_HASH_AFTER_2
    found: list[Vector] = [
        {
            "id": "cacophony",
            "comment": "published",
            "requirement": "R-NOISE-1",
            "input": CACOPHONY,
            "expected": {
                "messages": CACOPHONY_MESSAGES,
                "hash": h.hex(),
                "hash_after_2": CACOPHONY_HASH_AFTER_2,
            },
        }
    ]
    keys = {
        "prologue": b"INX/1\0inx\0".hex(),
        "initiator_static": bytes(range(32)).hex(),
        "initiator_ephemeral": bytes(range(32, 64)).hex(),
        "responder_static": bytes(range(64, 96)).hex(),
        "responder_ephemeral": bytes(range(96, 128)).hex(),
    }
    for name, payloads in (
        ("empty", [b""] * 5),
        (
            "payloads",
            [b"hello", b"I am the responder", b"I am the initiator", *(bytes([n]) * n for n in range(8))],
        ),
    ):
        given = {**keys, "payloads": [payload.hex() for payload in payloads]}
        messages, _, h = xx(given)
        found.append(
            {
                "id": f"whole-{name}",
                "comment": f"{len(payloads)} messages",
                "requirement": "R-NOISE-1",
                "input": given,
                "expected": {"messages": [message.hex() for message in messages], "hash": h.hex()},
            }
        )
    one, two, three, *transport = messages  # of the last one
    found.append(_high_bit(keys, one))

    def broken(name: str, comment: str, requirement: str, role: str, *received: bytes, **other: str) -> None:
        mine = payloads[0:3:2] if role == "initiator" else payloads[1:2]
        side = {
            "prologue": keys["prologue"],
            "static": keys[f"{role}_static"],
            "ephemeral": keys[f"{role}_ephemeral"],
            **other,
        }
        given = {"role": role, **side, "payloads": [payload.hex() for payload in mine]}
        head = {"id": f"broken-{name}", "comment": comment, "requirement": requirement}
        given["received"] = [message.hex() for message in received]
        found.append({**head, "input": given, "error": "handshake"})

    def flip(message: bytes, at: int) -> bytes:
        return message[:at] + bytes([message[at] ^ 1]) + message[at:][1:]

    broken("1-short", "31 bytes", "R-NOISE-3", "responder", one[:31])
    broken("1-empty", "no bytes", "R-NOISE-3", "responder", b"")
    for name, key in (
        ("zero", bytes(32)),
        ("one", b"\1" + bytes(31)),
        ("order-8", bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
        ("p", bytes.fromhex("ed" + "ff" * 30 + "7f")),
    ):
        broken(f"2-{name}", "an ephemeral key of small order", "R-NOISE-6", "initiator", key + two[32:])
    broken("2-prologue", "another network", "R-NOISE-1", "initiator", two, prologue=b"INX/1\0other\0".hex())
    for at, part in (
        (0, "ephemeral key"),
        (40, "static key"),
        (70, "tag of the static key"),
        (85, "payload"),
    ):
        broken(f"2-flip-{at}", f"one bit of the {part}", "R-NOISE-5", "initiator", flip(two, at))
    for length in (0, 31, 32, 79, 80, 95, len(two) - 1):
        broken(f"2-cut-{length}", f"cut off after {length} bytes", "R-NOISE-3", "initiator", two[:length])
    broken("2-more", "one byte too many", "R-NOISE-5", "initiator", two + b"\0")
    for at, part in ((0, "static key"), (40, "tag of the static key"), (50, "payload")):
        broken(f"3-flip-{at}", f"one bit of the {part}", "R-NOISE-5", "responder", one, flip(three, at))
    for length in (0, 47, 48, 63, len(three) - 1):
        broken(
            f"3-cut-{length}", f"cut off after {length} bytes", "R-NOISE-3", "responder", one, three[:length]
        )
    broken("3-repeat", "message 1 again", "R-NOISE-5", "responder", one, one)
    broken("4-flip", "one bit of a transport message", "R-NOISE-5", "initiator", two, flip(transport[0], 3))
    broken("4-short", "15 bytes", "R-NOISE-3", "initiator", two, transport[0][:15])
    broken("4-repeat", "a transport message twice", "R-NOISE-4", "initiator", two, transport[0], transport[0])
    broken(
        "4-lost", "a transport message left out", "R-NOISE-4", "initiator", two, transport[0], transport[4]
    )
    broken("4-own", "a transport message of the own side", "R-NOISE-4", "responder", one, three, transport[0])
    return found


if __name__ == "__main__":
    write("noise", ABOUT, vectors())
