"""Offers: their form, whose they are, and which orders they bind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals.bodies import Mandate, Order
from protocol.deals.message import Message
from protocol.deals.offers import (
    QUOTED,
    Discount,
    Offer,
    Quote,
    SignedOffer,
    code_hash,
    name_buyer,
    named_by,
    offered_by,
    parse_offer,
    sign_offer,
)
from protocol.deals.state import DealState, Phase, judge
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.records.money import Per
from tests.protocol.author import Author
from tests.protocol.deals.made import ARBITER, BUYER, FAR, HOUR, NETWORK, SELLER, START, Play, order, started
from tests.protocol.deals.test_crossings import ACCEPT

FRIEND = Author("friend")


def quote(of: Order | None = None) -> Quote:
    body = order() if of is None else of
    return Quote(**{name: getattr(body, name) for name in QUOTED})


def offer(**changes: Any) -> SignedOffer:
    """A quote for the friend, unless changed."""
    fields: dict[str, Any] = {
        "salt": b"s" * 16,
        "buyer": FRIEND.id,
        "epoch": 0,
        "expires": START + 10 * HOUR,
        "quote": quote(),
        "seller": SELLER.id,
        "signature": bytes(64),
        "time": START - HOUR,
        **changes,
    }
    return sign_offer(NETWORK, SELLER.signer, Offer(**fields))


def ordered(signed: SignedOffer, *, by: Author | None = FRIEND, time: int = START, **changes: Any) -> Message:
    """An order on an offer."""
    named = (
        UNSET
        if by is None
        else name_buyer(NETWORK, by.signer, id=by.id, epoch=0, key=BUYER.public, seller=SELLER.id)
    )
    return started(msgspec.structs.replace(order(), offer=signed.data, named=named, **changes), time=time)


def state(start: Message) -> DealState:
    return judge([start], FAR)


DISCOUNT = Discount(points=1_000, title="Ten off")


def test_an_offer_comes_back_as_it_was_signed() -> None:
    """R-OFF-1, 2."""
    made = offer()
    assert parse_offer(made.data) == made
    assert offered_by(NETWORK, made, SELLER.signer.public)
    assert not offered_by(NETWORK, made, FRIEND.signer.public)
    assert not offered_by("other", made, SELLER.signer.public)


def test_unknown_fields_are_signed_too() -> None:
    """R-OFF-2: the signature covers the map as it came."""
    fields = encoding.decode(offer().data)
    fields["future"] = 1
    del fields["signature"]
    covered = b"INX/1\x00test\x00offer\x00" + encoding.encode(fields)
    fields["signature"] = SELLER.signer.sign(covered)
    assert offered_by(NETWORK, parse_offer(encoding.encode(fields)), SELLER.signer.public)
    fields["future"] = 2
    assert not offered_by(NETWORK, parse_offer(encoding.encode(fields)), SELLER.signer.public)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quote": UNSET}, "offer.quote"),
        ({"discount": DISCOUNT}, "offer.quote"),
        ({"count": 3}, "offer.count"),
        ({"quote": UNSET, "discount": Discount(title="x")}, "offer.discount.amount"),
        (
            {"quote": UNSET, "discount": Discount(amount=1, points=1, currency="EUR", title="x")},
            "offer.discount.amount",
        ),
        ({"quote": UNSET, "discount": Discount(amount=1, title="x")}, "offer.discount.currency"),
        ({"quote": UNSET, "discount": Discount(points=1, least=1, title="x")}, "offer.discount.currency"),
        (
            {"quote": UNSET, "discount": Discount(amount=1, currency="EUR", unit="u", title="x")},
            "offer.discount.currency",
        ),
        ({"quote": UNSET, "discount": Discount(amount=1, unit="u", title="x")}, "offer.discount.currency"),
        ({"quote": UNSET, "discount": Discount(points=1, keys=("b", "a"), title="x")}, "offer.discount.keys"),
    ],
)
def test_offers_that_contradict_themselves(changes: dict[str, Any], field: str) -> None:
    """R-OFF-1."""
    with pytest.raises(LocalProtocolError, match=f"{field}: "):
        offer(**changes)


def test_forms_of_offers() -> None:
    """R-OFF-1."""
    for data, code in (
        (b"\x80", "deal_message"),
        (b"\x81", "encoding"),
        (bytes(limits.MAX_OFFER + 1), "too_large"),
    ):
        with pytest.raises(RemoteProtocolError) as error:
            parse_offer(data)
        assert error.value.code == code


def test_a_quote_to_the_named_buyer_is_the_contract() -> None:
    """R-DEAL-8, R-OFF-3: at the order's date, and no accept is needed."""
    found = state(ordered(offer()))
    assert (found.phase, found.contract) == (Phase.AGREED, True)
    assert state(ordered(offer(), time=START + 10 * HOUR)).contract


def test_an_order_after_the_expiry_waits_for_accept() -> None:
    """R-DEAL-8: the clock of nobody decides it, the order's date does."""
    found = state(ordered(offer(), time=START + 10 * HOUR + 1))
    assert (found.phase, found.contract) == (Phase.ORDERED, False)


def test_quotes_by_count_and_discounts_wait_for_accept() -> None:
    """R-DEAL-8."""
    for made in (
        offer(buyer=UNSET, count=2),
        offer(buyer=UNSET),
        offer(quote=UNSET, discount=DISCOUNT),
        offer(quote=UNSET, discount=DISCOUNT, count=1),
    ):
        assert state(ordered(made)).phase is Phase.ORDERED


def test_accept_is_not_needed() -> None:
    """R-DEAL-16."""
    play = Play(ordered(offer()))
    assert play.code(play.send("seller", ACCEPT)) == "not_needed"


OTHERWISE: dict[str, dict[str, Any]] = {
    "commission": {"commission": 7},
    "currency": {"currency": "USD"},
    "issuer": {"currency": UNSET, "issuer": b"i" * 32, "unit": "points"},
    "listing": {"listing": b"m" * 32},
    "mandate": {"mandate": Mandate(notice=HOUR, per=Per(count=1, unit="month"))},
    "parts": {"parts": order((99,)).parts},
    "plan": {"plan": b"p" * 32},
    "points": {"points": 5},
    "shipping": {"shipping": 3},
    "tax": {"tax": 4},
    "terms": {"terms": msgspec.structs.replace(order().terms, pay_by=1)},
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_terms_that_differ_from_the_quote(name: str) -> None:
    """R-DEAL-7: every field that the seller decides."""
    start = ordered(offer(), **OTHERWISE[name])
    found = state(start)
    assert found.verdicts[start.id] == "terms_differ"
    assert (found.phase, found.contract, found.parts[0].status.value) == (Phase.FINAL, False, "ended")
    assert set(OTHERWISE) | {"unit"} == set(QUOTED)


def test_nothing_follows_an_order_without_effect() -> None:
    """R-DEAL-13: it is not the order that the other messages need."""
    play = Play(ordered(offer(), tax=4))
    assert play.code(play.send("seller", ACCEPT)) == "no_order"


def test_seller_buyer_and_date_of_an_offer() -> None:
    """R-DEAL-7: another seller's, another buyer's, nobody's, or a later one."""
    for start, code in (
        (ordered(offer(seller=FRIEND.id)), "terms_differ"),
        (ordered(offer(), by=SELLER), "terms_differ"),
        (ordered(offer(), by=None), "terms_differ"),
        (ordered(offer(quote=UNSET, discount=DISCOUNT), by=None), "terms_differ"),
        (ordered(offer(time=START + 1)), "bad_time"),
        (ordered(offer(time=START)), None),
        (ordered(offer(), by=ARBITER), "terms_differ"),
        (ordered(offer(buyer=UNSET), by=None), None),
    ):
        assert state(start).verdicts[start.id] == code


def test_an_arbiter_who_has_not_consented() -> None:
    """R-DEAL-7: the consent in an order is of another than its terms name."""
    start = started(
        msgspec.structs.replace(order(), terms=msgspec.structs.replace(order().terms, arbiter=FRIEND.id))
    )
    assert state(start).verdicts[start.id] == "consent"


def test_a_mandate_without_time_for_a_renewal() -> None:
    """R-DEAL-7: its notice is shorter than its period."""
    start = started(
        msgspec.structs.replace(order(), mandate=Mandate(notice=30 * 24 * HOUR, per=Per(count=1, unit="day")))
    )
    assert state(start).verdicts[start.id] == "mandate"


def test_the_named_buyer_proves_it() -> None:
    """R-OFF-4: for this key and this seller, by the networker's own key."""
    body = ordered(offer()).body
    assert isinstance(body, Order)
    assert named_by(NETWORK, body, FRIEND.signer.public)
    assert not named_by(NETWORK, body, SELLER.signer.public)
    assert not named_by("other", body, FRIEND.signer.public)
    for changes in ({"key": SELLER.signer.public}, {"seller": FRIEND.id}):
        assert not named_by(NETWORK, msgspec.structs.replace(body, **changes), FRIEND.signer.public)


def test_codes() -> None:
    """R-OFF-5: an offer tells the hash of its code, salted with its own salt."""
    salt = b"s" * 16
    assert code_hash(NETWORK, salt, "TEN") != code_hash(NETWORK, salt, "ten")
    assert code_hash(NETWORK, salt, "TEN") != code_hash(NETWORK, b"t" * 16, "TEN")
    assert code_hash(NETWORK, salt, "TEN") != code_hash("other", salt, "TEN")
