"""Consents: an arbiter is bound by signature, and is no party to what they rule on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding
from protocol.deals import transcript
from protocol.deals.bodies import Order, Terms
from protocol.deals.consent import check_consent, consented_by, fee, parse_consent, terms_hash
from protocol.deals.message import Message, parse, sign
from protocol.deals.state import judge
from protocol.deals.transcript import Fault
from protocol.errors import LocalProtocolError, RemoteProtocolError, Void
from protocol.records import NamedBuyer
from tests.protocol.author import Author
from tests.protocol.deals.made import FAR, OPENERS, Play, order, signed, started
from tests.protocol.deals.reviewed import (
    ARBITER,
    BUYER,
    NAMED,
    NETWORK,
    SELLER,
    START,
    TERMS,
    consented,
    the_path,
)

THIEF = Author("thief")


def terms(**fields: object) -> Terms:
    return msgspec.structs.replace(TERMS, **fields)


def code(made: Order, time: int = START) -> str | None:
    """Of the verdict on an order."""
    play = Play(started(made, time=time))
    return play.code(play.start)


def ordered(body: Order) -> Message:
    """The order, signed."""
    return sign(
        NETWORK, BUYER, body=body, deal=None, role="buyer", number=0, previous=None, seen=(), time=START, epoch=None
    )  # fmt: skip


def test_a_consent_is_signed_by_its_arbiter() -> None:  # [R-ARB-1] [R-ARB-2]
    made = consented(seller=SELLER.id, terms=terms_hash("Half each."))
    assert parse_consent(made.data) == made
    assert consented_by(NETWORK, made, ARBITER.signer.public)
    assert not consented_by(NETWORK, made, THIEF.signer.public)
    assert not consented_by("other", made, ARBITER.signer.public)
    cheap = msgspec.structs.replace(made.consent, points=0)
    altered = parse_consent(encoding.encode_struct(cheap))
    assert not consented_by(NETWORK, altered, ARBITER.signer.public)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 5, "currency": "EUR"},
        {"points": UNSET},
        {"points": UNSET, "amount": 5},
        {"points": UNSET, "amount": 5, "unit": "star"},
        {"points": UNSET, "amount": 5, "currency": "EUR", "unit": "star", "issuer": SELLER.id},
        {"currency": "EUR"},
        {"points": 10_001},
        {"seller": ARBITER.id},
        {"terms": b"t"},
    ],
)
def test_a_consent_of_a_wrong_form_is_refused(fields: dict[str, Any]) -> None:  # [R-ARB-1]
    with pytest.raises(LocalProtocolError):
        consented(**fields)


def test_an_order_does_not_parse_with_bytes_that_are_no_consent() -> None:  # [R-ARB-1]
    for data in (b"", b"\x80", consented().data + b"\x00"):
        body = order(terms=terms(consent=data))
        with pytest.raises(LocalProtocolError, match=r"terms\.consent"):
            ordered(body)


def test_an_order_whose_consent_does_not_fit_has_no_effect() -> None:  # [R-ARB-3]
    assert code(order()) is None
    for made in (
        consented(seller=THIEF.id),
        consented(arbiter=THIEF),
        consented(expires=START - 1),
        consented(time=START + 1),
    ):
        assert code(order(terms=terms(consent=made.data))) == "consent"
    assert code(order(terms=terms(consent=consented(seller=SELLER.id, expires=START).data))) is None


def test_no_party_is_the_arbiter() -> None:  # [R-ARB-3]
    assert code(order(terms=terms(arbiter=SELLER.id, consent=consented(arbiter=SELLER).data))) == "consent"
    named = NamedBuyer(epoch=0, id=NAMED.id, signature=bytes(64))
    buys = msgspec.structs.replace(
        order(terms=terms(arbiter=NAMED.id, consent=consented(arbiter=NAMED).data)), named=named
    )
    assert code(buys) == "consent"
    made = consented().consent
    with pytest.raises(Void, match="led the buyer") as caught:
        check_consent(
            made, arbiter=ARBITER.id, seller=SELLER.id, buyer=None, time=START, path=the_path(ARBITER)
        )
    assert caught.value.code == "consent"
    check_consent(
        made, arbiter=ARBITER.id, seller=SELLER.id, buyer=NAMED.id, time=START, path=the_path(THIEF)
    )


def test_a_transcript_proves_the_consent_in_its_order() -> None:  # [R-ARB-2]
    whole = signed(Play(started(order())).messages)
    assert not isinstance(transcript.verify(transcript.encode(NETWORK, whole, OPENERS)), Fault)
    forged = msgspec.structs.replace(consented().consent, points=1)
    data = encoding.encode_struct(forged)
    body = order(terms=terms(consent=data))
    start = ordered(body)
    with pytest.raises(LocalProtocolError, match=r"body\.terms\.consent"):
        transcript.encode(NETWORK, [start], OPENERS)
    with pytest.raises(LocalProtocolError, match=r"body\.terms\.consent"):
        transcript.encode(NETWORK, whole, OPENERS[:1])


def test_a_fee_is_an_amount_or_a_share_of_the_price() -> None:  # [R-ARB-4]
    assert fee(consented(points=UNSET, amount=2_500, currency="EUR").consent, 9) == 2_500
    assert [fee(consented(points=250).consent, price) for price in (0, 19, 20, 10_000)] == [0, 0, 1, 250]


def test_only_orders_are_asked_for_consent() -> None:
    """An order without an arbiter needs none, and one with an arbiter cannot be without."""
    assert code(order(terms=terms(arbiter=UNSET, consent=UNSET))) is None
    with pytest.raises((RemoteProtocolError, LocalProtocolError)):
        body = order(terms=terms(consent=UNSET))
        parse(ordered(body).data)
    assert judge(signed([started(order())]), FAR).verdicts
