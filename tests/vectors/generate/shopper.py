"""Makes tests/vectors/shopper.json: keys of buyers without a node, and their signed requests."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.shopping import request_bytes
from protocol.signing import Signer
from protocol.tags import tag
from tests.protocol.author import START, seed
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Buyers without a node (section 23.2). `secret` in a network: expected are both private keys made of it, and their "
    "public ones (hex). `request`: the members that are signed behind the id of the node that is asked, bytes in hex; "
    "with the key it is about, the signature and the clock of the node: expected is what is signed."
)
HOST, OTHER = seed("host"), seed("other host")
SECRET: Final = seed("secret of a deal")
SIGNER: Final = Signer(seed("buyer"))


def derived(network: str, secret: bytes, purpose: str) -> bytes:
    """One private key."""
    info = tag(network, "shopper") + purpose.encode()
    return HKDF(SHA256(), 32, None, info).derive(secret)


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for name, network, secret in (
        ("keys", "inx", SECRET),
        ("keys-zeros", "inx", bytes(32)),
        ("keys-network", "test", SECRET),
    ):
        sign, seal = derived(network, secret, "sign"), derived(network, secret, "seal")
        public = X25519PrivateKey.from_private_bytes(seal).public_key().public_bytes_raw()
        expected = {
            "sign": [sign.hex(), Signer(sign).public.hex()],
            "seal": [seal.hex(), public.hex()],
        }
        given = {"network": network, "secret": secret.hex()}
        found.append(vector(name, "both keys of one secret", "R-SHOP-13", given, expected=expected))

    def request(
        name: str, comment: str, about: list[Any], error: str | None = None, *, host: bytes = HOST, now: int = START,
        signed: list[Any] | None = None, network: str = "inx", signer: Signer = SIGNER,
    ) -> None:  # fmt: skip
        signature = signer.sign(request_bytes(network, host, signed or about))
        given = {
            "network": "inx",
            "host": HOST.hex(),
            "key": SIGNER.public.hex(),
            "request": [each.hex() if isinstance(each, bytes) else each for each in about],
            "signature": signature.hex(),
            "now": now,
        }
        outcome = {"error": error} if error else {"expected": request_bytes("inx", HOST, about).hex()}
        found.append(vector(name, comment, "R-SHOP-3", given, **outcome))

    letter, box = ["letter", START, seed("letter")], ["collect", START, SIGNER.public, 0]
    request("letter", "leaves a letter, of which the hash is signed", letter)
    request("collect", "asks for a box from its beginning", box)
    request("collect-after", "from a number on", [*box[:3], 2**53 - 1])
    request("last-ms", "dated as early as may be", letter, now=START + CLOCK_TOLERANCE_MS)
    request("ahead-ms", "dated as late as may be", letter, now=START - CLOCK_TOLERANCE_MS)
    request("old", "dated too early", letter, "clock", now=START + CLOCK_TOLERANCE_MS + 1)
    request("ahead", "dated too late", letter, "clock", now=START - CLOCK_TOLERANCE_MS - 1)
    request("other-host", "signed for another node", letter, "signature", host=OTHER)
    request("other-network", "signed for another network", letter, "signature", network="test")
    request("other-key", "another key signed it", letter, "signature", signer=Signer(seed("thief")))
    request("other-letter", "another letter was signed", letter, "signature", signed=[*letter[:2], seed("x")])
    request("other-number", "another number was signed", box, "signature", signed=[*box[:3], 1])
    request("other-route", "signed to collect", ["letter", *box[1:]], "signature", signed=box)
    request(
        "other-time", "another date was signed", letter, "signature", signed=["letter", START + 1, letter[2]]
    )
    stale = ["letter", START - CLOCK_TOLERANCE_MS - 1, letter[2]]
    request(
        "clock-first",
        "dated too early, and not signed by the key",
        stale,
        "clock",
        signer=Signer(seed("thief")),
    )
    return found
