"""Makes tests/vectors/reviews.json: reviews, and consents of arbiters."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET

from protocol import encoding
from protocol.deals.consent import fee, parse_consent
from protocol.deals.message import Message
from protocol.deals.reviews import parse_review
from protocol.records import Review, decode_record, encode_record
from tests.protocol.author import NETWORK, START, Author
from tests.protocol.deals.reviewed import (
    ARBITER,
    HOUR,
    NAMED,
    SELLER,
    accepted,
    bought,
    consented,
    received,
    reviewed,
    the_path,
)
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Reviews (section 24.1) and consents of arbiters (24.2), network `test`. `review`: a record of kind 19, a key that "
    "may be the seller's and one that may be the named buyer's (hex): expected are its id, the buyer's key of the "
    "deal, the epoch of the seller's key, whether that key made the contract, and whether the buyer is proved. "
    "`consent` with a key that may be the arbiter's and a price: expected are its id, whether that key signed it, and "
    "the fee."
)
THIEF: Final = Author("thief")


def changed(data: bytes, **fields: object) -> bytes:
    record = decode_record(Review.KIND, data)
    assert isinstance(record, Review)
    return encode_record(msgspec.structs.replace(record, **fields))


def of(contract: Message, **more: Any) -> bytes:
    """A review of the deal that a message made."""
    return reviewed(contract=contract, receipt=received(contract), **more)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def review(
        name: str,
        comment: str,
        requirement: str,
        data: bytes,
        *,
        error: str | None = None,
        seller: Author = SELLER,
    ) -> None:
        given = {
            "review": data.hex(),
            "seller": seller.signer.public.hex(),
            "buyer": NAMED.signer.public.hex(),
        }
        outcome: dict[str, Any] = {"error": error}
        if error is None:
            read = parse_review(NETWORK, data)
            outcome = {
                "expected": {
                    "id": read.id.hex(),
                    "key": read.key.hex(),
                    "epoch": read.epoch,
                    "agreed": seller is SELLER,
                    "named": None if read.record.buyer is UNSET else True,
                }
            }
        found.append(vector(name, comment, requirement, given, **outcome))

    path = the_path()
    led, order = accepted(path=path), bought()
    contract = accepted()
    review("accept", "on a seller's accept", "R-REV-2", reviewed())
    review("another-seller", "a key that made no such contract", "R-REV-3", reviewed(), seller=THIEF)
    review("named", "the buyer says who they are", "R-REV-5", reviewed(named=NAMED))
    review(
        "path",
        "the path is opened",
        "R-REV-6",
        of(led, path=path.encode()),
    )
    review(
        "offer",
        "on an order by an offer to a named buyer",
        "R-REV-3",
        of(order),
    )
    review("taken-back", "without a rating", "R-REV-1", reviewed(rating=UNSET, text=UNSET))
    for name, fields in (
        ("rating", {"rating": 5}),
        ("text", {"text": "Never came."}),
        ("seller", {"seller": THIEF.id}),
        ("time", {"time": START + 99 * HOUR}),
        ("receipt", {"receipt": received(contract, time=START + 8 * HOUR).data}),
    ):
        review(
            f"altered-{name}",
            f"another {name} than was signed",
            "R-REV-4",
            changed(reviewed(), **fields),
            error="signature",
        )
    unknown = encoding.encode({**encoding.decode(reviewed()), "zest": 1})
    review("altered-unknown", "a field that nobody signed", "R-REV-4", unknown, error="signature")
    for name, comment, data in (
        ("two-deals", "the receipt is of another deal", reviewed(receipt=received(contract, deal=b"x" * 32))),
        ("no-receipt", "an accept in place of the receipt", reviewed(receipt=contract)),
        ("no-contract", "a receipt in place of the contract", of(received(contract))),
        ("early-receipt", "the receipt is dated before the contract", reviewed(receipt=received(contract, time=START))),
        ("early", "the review is dated before the receipt", reviewed(time=START + 2 * HOUR)),
        ("open-offer", "the offer is for no named buyer", of(bought(named=False))),
        ("another-path", "not the path of the contract", of(led, path=the_path(THIEF).encode())),
        ("no-message", "the contract is no deal message", changed(reviewed(), contract=b"\x90")),
    ):  # fmt: skip
        review(name, comment, "R-REV-2", data, error="malformed")
    unsigned = order.data[:-1] + bytes([order.data[-1] ^ 1])
    for name, comment, data, code in (
        ("signed-by-nobody", "an order that its key did not sign", changed(of(order), contract=unsigned), "malformed"),
        ("path-first", "another path, and nobody signed the review",
         changed(of(led, path=path.encode()), path=the_path(THIEF).encode(), rating=5), "malformed"),
        ("date-first", "dated before the receipt, which it changes", changed(reviewed(), time=START), "malformed"),
    ):  # fmt: skip
        review(name, comment, "R-REV-4", data, error=code)

    def consent(
        name: str,
        comment: str,
        requirement: str,
        data: bytes,
        *,
        error: str | None = None,
        by: Author = ARBITER,
    ) -> None:
        given = {"consent": data.hex(), "arbiter": by.signer.public.hex(), "price": 1_230}
        outcome: dict[str, Any] = {"error": error}
        if error is None:
            read = parse_consent(data)
            told = {"id": read.id.hex(), "signed": by is ARBITER, "fee": fee(read.consent, 1_230)}
            outcome = {"expected": told}
        found.append(vector(name, comment, requirement, given, **outcome))

    consent("consent-share", "2.5 % of the price, half up", "R-ARB-4", consented(points=250).data)
    amount = {"points": UNSET, "amount": 2_500, "currency": "EUR"}
    consent("consent-amount", "25 EUR, for one seller", "R-ARB-4", consented(seller=SELLER.id, **amount).data)
    consent("consent-forged", "a key that did not sign it", "R-ARB-2", consented().data, by=THIEF)
    good = encoding.decode(consented().data)
    for name, comment, fields in (
        ("both", "an amount and a share", {**good, "amount": 1, "currency": "EUR"}),
        ("neither", "no fee", {key: value for key, value in good.items() if key != "points"}),
        ("share-money", "a share with a currency", {**good, "currency": "EUR"}),
        ("share-unit", "a share with a unit", {**good, "issuer": bytes(32), "unit": "u"}),
        (
            "two-moneys",
            "an amount in two moneys",
            {
                **{key: value for key, value in good.items() if key != "points"},
                "amount": 1,
                "currency": "EUR",
                "issuer": bytes(32),
                "unit": "u",
            },
        ),
        (
            "half-unit",
            "a unit without its issuer",
            {**{key: value for key, value in good.items() if key != "points"}, "amount": 1, "unit": "u"},
        ),
        (
            "money",
            "an amount without its currency",
            {**{key: value for key, value in good.items() if key != "points"}, "amount": 1},
        ),
        ("own", "for the arbiter's own sales", {**good, "seller": ARBITER.id}),
        ("lacks", "no terms", {key: value for key, value in good.items() if key != "terms"}),
    ):
        consent(f"consent-{name}", comment, "R-ARB-1", encoding.encode(fields), error="deal_message")
    return found
