"""Makes tests/vectors/witnesses.json: files of testimonies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from protocol import encoding, limits, paths
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import sign
from protocol.errors import ProtocolError
from protocol.signing import Signer
from protocol.witnessed import (
    MAGIC,
    Testimony,
    encode_start,
    encode_testimony,
    openers_of,
    part_of,
    prove,
    read_file,
)
from tests.protocol.author import NETWORK, START, Author, seed
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Files of testimonies (section 23.2, R-SHOP-12): a file (hex). Expected: of each testimony before the first fault "
    "the order, the seller, the path hash, the parts of its receipts, and those of the path whose keys the file does "
    "not hold; and the fault: number of the testimony from 1 on, piece and code, null without one."
)
BUYER: Final = Signer(seed("buyer"))
SELLER: Final = Author("seller")
ADA, BEN, THIEF = Author("ada"), Author("ben"), Author("thief")
ORDER: Final = seed("order")


def token(author: Author, prior: bytes | None = None, signer: Signer | None = None) -> bytes:
    """A recommendation of the seller."""
    before = None if prior is None else paths.token_id(prior)
    return paths.sign_referral(
        NETWORK,
        signer or author.signer,
        referrer=author.id,
        epoch=0,
        seller=SELLER.id,
        expires=START,
        prior=before,
    )


PATH: Final = paths.path_of(bytes(range(16)), [token(ADA), token(BEN, token(ADA))])


def said(role: Any, signer: Signer, body: Any, number: int, deal: bytes = ORDER) -> bytes:
    """A message of the deal."""
    return sign(
        NETWORK, signer, body=body, deal=deal, role=role, number=number, previous=None if number == 0 else ORDER,
        seen=(), time=START, epoch=None if role == "buyer" else 0,
    ).data  # fmt: skip


def accept(signer: Signer = SELLER.signer, path: paths.Path | None = PATH) -> bytes:
    """The seller's accept of an order by a path."""
    body = Accept(key=BUYER.public, listing=b"l" * 32)
    if path is not None:
        body = Accept(key=BUYER.public, listing=b"l" * 32, path=paths.path_hash(NETWORK, path))
    return said("seller", signer, body, 0)


def receipt(part: int = 0, signer: Signer = BUYER, deal: bytes = ORDER) -> bytes:
    """The buyer's receipt of a part."""
    return said("buyer", signer, Receive(part=part), part + 1, deal)


WHOLE: Final = Testimony(
    PATH.encode(),
    accept(),
    (receipt(1), receipt(0)),
    (tuple(SELLER.entries), tuple(ADA.entries), tuple(BEN.entries)),
)


def told(data: bytes) -> dict[str, Any]:
    """What a file proves."""
    found: list[dict[str, Any]] = []
    fault: dict[str, Any] | None = None
    try:
        network, testimonies = read_file(data)
        for each in testimonies:
            proven = prove(network, each, openers_of(network, each.openers))
            found.append(
                {
                    "order": proven.order.hex(),
                    "seller": proven.seller.hex(),
                    "path": proven.path_hash.hex(),
                    "parts": [part_of(one) for one in proven.receipts],
                    "unchecked": [one.hex() for one in proven.unchecked],
                }
            )
    except ProtocolError as error:
        piece = error.text.partition(": ")[0]
        named = piece if piece in ("path", "accept", "receipt") else "file"
        fault = {"number": len(found) + 1, "piece": named, "code": error.code}
    return {"proven": found, "fault": fault}


def block(value: object) -> bytes:
    """One block of a file."""
    data = encoding.encode(value)
    return len(data).to_bytes(4, "big") + data


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, data: bytes, requirement: str = "R-SHOP-12") -> None:
        found.append(vector(name, comment, requirement, {"file": data.hex()}, expected=told(data)))

    def changed(name: str, comment: str, **fields: Any) -> None:
        data = encode_start(NETWORK) + encode_testimony(replace(WHOLE, **fields))
        add(name, comment, data, "R-SHOP-11")

    start, whole = encode_start(NETWORK), encode_testimony(WHOLE)
    add("none", "a file without a testimony", start)
    add("whole", "a testimony with two receipts, the later part first", start + whole)
    bare = encode_testimony(replace(WHOLE, receipts=(), openers=(tuple(SELLER.entries),)))
    add("two", "another without receipts, of whose path no keys are in the file", start + whole + bare)
    changed("unchecked", "the keys of the first of the path are not in the file",
            openers=(tuple(SELLER.entries), tuple(BEN.entries)))  # fmt: skip
    add("second", "the second testimony is the one at fault", start + bare + encode_testimony(
        replace(WHOLE, accept=accept(THIEF.signer))))  # fmt: skip
    forged = paths.path_of(bytes(16), [token(ADA), token(BEN, token(ADA), THIEF.signer)])
    changed(
        "token", "a token that its referrer did not sign", path=forged.encode(), accept=accept(path=forged)
    )
    changed("no-path", "no opened path", path=b"\x90")
    cut = encoding.encode([bytes(16), [PATH.tokens[1]]])
    changed("cut-path", "the first token is left out", path=cut)
    changed("salt", "another salt than the accept names", path=paths.path_of(bytes(16), PATH.tokens).encode())
    changed("without", "the accept names no path", accept=accept(path=None))
    changed("thief", "another seller signed the accept", accept=accept(THIEF.signer))
    changed("receipt-as-accept", "a receipt in the place of the accept", accept=receipt())
    changed("no-seller", "the seller's openers are not in the file", openers=(tuple(ADA.entries),))
    changed("accept-as-receipt", "an accept in the place of a receipt", receipts=(accept(),))
    changed("other-deal", "a receipt of another deal", receipts=(receipt(deal=seed("another")),))
    changed("other-buyer", "a receipt that another key signed", receipts=(receipt(signer=THIEF.signer),))
    changed("long-receipt", "a receipt above MAX_RECEIPT", receipts=(bytes(limits.MAX_RECEIPT + 1),))
    changed("cut-receipt", "a receipt that is cut off", receipts=(receipt()[:-1],))
    changed("second-receipt", "the second receipt is another buyer's",
            receipts=(receipt(0), receipt(1, THIEF.signer)))  # fmt: skip
    add("empty", "no bytes", b"")
    add("log", "a file of logs", b"INXLOG1\n" + start[len(MAGIC) :])
    add("no-network", "nothing behind the first bytes", MAGIC)
    add("upper", "no name of a network", MAGIC + block("UPPER"))
    add("number", "a number in the place of the network", MAGIC + block(5))
    add("other-network", "signed for another network", MAGIC + block("other") + whole)
    add("cut", "the last byte is missing", (start + whole)[:-1])
    add("length", "three bytes of a length", start + b"\0\0\0")
    add("nothing", "a block of no bytes", start + b"\0\0\0\0")
    add("long", "a block above MAX_TESTIMONY", start + (limits.MAX_TESTIMONY + 1).to_bytes(4, "big"))
    add("two-members", "no array of four", start + block([b"", b""]))
    add("four-openers", "openers that are no entries", start + block([b"", b"", [], [[[b"", b"", None]]]]))
    add("no-openers", "a list of openers that is empty", start + block([PATH.encode(), accept(), [], [[]]]))
    add("long-form", "not canonical", start + b"\0\0\0\x02\xd9\x00")
    return found
