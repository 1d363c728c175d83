"""Reviews: nobody can alter, re-aim or make one up; the newest by the buyer's own time counts."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding
from protocol.deals.message import Message, sign
from protocol.deals.reviews import AGED_MS, agreed_by, named_in, newer, opened, parse_review, sign_review
from protocol.errors import LocalProtocolError, Void
from protocol.records import Review, decode_record, encode_record
from protocol.signing import Signer
from tests.protocol.author import Author
from tests.protocol.deals.reviewed import (
    BUYER,
    HOUR,
    LISTING,
    NAMED,
    NETWORK,
    REFERRER,
    SELLER,
    START,
    accepted,
    bought,
    received,
    reviewed,
    the_path,
)
from tests.vectors.generate import mandates

OTHER = Signer(hashlib.sha256(b"other buyer").digest())
THIEF = Author("thief")


def code(data: bytes, network: str = NETWORK) -> str:
    with pytest.raises(Void) as caught:
        parse_review(network, data)
    return caught.value.code


def changed(data: bytes, **fields: object) -> bytes:
    """The same review with other fields, and the signature it had."""
    record = decode_record(Review.KIND, data)
    assert isinstance(record, Review)
    return encode_record(msgspec.structs.replace(record, **fields))


def test_a_review_tells_what_its_deal_was() -> None:  # [R-REV-1] [R-REV-2]
    found = parse_review(NETWORK, reviewed())
    assert (found.key, found.listing, found.path_hash, found.epoch) == (BUYER.public, LISTING, None, 0)
    assert found.deal == b"d" * 32
    assert found.id == hashlib.sha256(found.data).digest()


def test_only_the_sellers_key_makes_the_contract() -> None:  # [R-REV-3]
    found = parse_review(NETWORK, reviewed())
    assert agreed_by(NETWORK, found, SELLER.signer.public)
    assert not agreed_by(NETWORK, found, THIEF.signer.public)
    assert not agreed_by("other", found, SELLER.signer.public)


@pytest.mark.parametrize(
    "fields",
    [
        {"rating": 5},
        {"rating": UNSET, "text": UNSET},
        {"text": "Never came."},
        {"time": START + 99 * HOUR},
        {"seller": THIEF.id},
        {"entry": 7},
        {"salt": b"s" * 16},
        {"receipt": received(accepted(), time=START + 8 * HOUR).data},
    ],
)
def test_nobody_can_alter_or_re_aim_it(fields: dict[str, object]) -> None:  # [R-REV-4]
    assert code(changed(reviewed(), **fields)) == "signature"


def test_an_unknown_field_is_signed_too() -> None:  # [R-REV-4]
    data = reviewed()
    fields = encoding.decode(data)
    assert code(encoding.encode({**fields, "zest": 1})) == "signature"


def test_receipt_and_review_are_of_the_one_key() -> None:  # [R-REV-4]
    contract = accepted()
    assert code(reviewed(contract=contract, receipt=received(contract, key=OTHER))) == "signature"
    assert code(reviewed(contract=contract, receipt=received(contract), key=OTHER)) == "signature"
    assert code(reviewed(), "other") == "signature"


def test_contract_and_receipt_go_together() -> None:  # [R-REV-2]
    contract = accepted()
    for data in (
        reviewed(contract=contract, receipt=received(contract, deal=b"x" * 32)),
        reviewed(contract=contract, receipt=contract),
        reviewed(contract=received(contract), receipt=received(contract)),
        reviewed(contract=contract, receipt=received(contract, time=START)),
        reviewed(contract=contract, receipt=received(contract), time=START + 2 * HOUR),
        changed(reviewed(), contract=b"\x90"),
    ):
        assert code(data) == "malformed"


def test_only_a_seller_accepts() -> None:  # [R-REV-3]
    for role in ("buyer", "arbiter"):
        contract = sign(
            NETWORK, BUYER, body=accepted().body, deal=b"d" * 32, role=role, number=0, previous=None, seen=(),
            time=START, epoch=None if role == "buyer" else 0,
        )  # fmt: skip
        assert code(reviewed(contract=contract, receipt=received(contract))) == "malformed"


def of_renewal(start: Message) -> bytes:
    """A review of the deal of a further period."""
    receipt = received(start, key=mandates.BUYER, network="inx", time=start.time)
    unsigned = Review(
        salt=b"r" * 16, contract=start.data, rating=5, receipt=receipt.data, seller=b"s" * 32, signature=bytes(64),
        time=start.time,
    )  # fmt: skip
    return sign_review("inx", mandates.BUYER, unsigned)


def test_a_renewal_is_a_contract_by_the_buyers_mandate() -> None:  # [R-REV-3]
    found = parse_review("inx", of_renewal(mandates.renewed()))
    assert (found.key, found.listing, found.epoch) == (mandates.BUYER.public, b"l" * 32, 0)
    assert agreed_by("inx", found, mandates.SELLER.public)
    assert not agreed_by("inx", found, SELLER.signer.public)
    assert code(of_renewal(mandates.renewed(turn=99)), "inx") == "malformed"
    unsigned = mandates.renewed(first=mandates.order(signer=OTHER))
    assert code(of_renewal(unsigned), "inx") == "signature"


def test_a_record_that_contradicts_itself_is_no_review() -> None:  # [R-REV-1]
    with pytest.raises(LocalProtocolError):
        reviewed(rating=UNSET)
    with pytest.raises(LocalProtocolError):
        reviewed(named=SELLER)
    with pytest.raises(LocalProtocolError):
        reviewed(rating=6)
    assert parse_review(NETWORK, reviewed(rating=UNSET, text=UNSET)).record.rating is UNSET


def test_an_offer_to_a_named_buyer_stands_for_the_accept() -> None:  # [R-REV-3]
    contract = bought()
    found = parse_review(NETWORK, reviewed(contract=contract, receipt=received(contract)))
    assert agreed_by(NETWORK, found, SELLER.signer.public)
    assert not agreed_by(NETWORK, found, THIEF.signer.public)
    forged = sign(
        NETWORK, OTHER, body=contract.body, deal=None, role="buyer", number=0, previous=None, seen=(), time=START,
        epoch=None,
    )  # fmt: skip
    assert code(reviewed(contract=forged, receipt=received(forged))) == "signature"
    for start in (bought(named=False), bought(expires=START - 1)):
        assert code(reviewed(contract=start, receipt=received(start))) == "malformed"
    assert code(reviewed(contract=contract, receipt=received(contract), seller=THIEF)) == "malformed"


def test_who_bought_says_so_by_signature() -> None:  # [R-REV-5]
    found = parse_review(NETWORK, reviewed(named=NAMED))
    assert named_in(NETWORK, found, NAMED.signer.public)
    assert not named_in(NETWORK, found, THIEF.signer.public)
    assert not named_in(NETWORK, parse_review(NETWORK, reviewed()), NAMED.signer.public)
    # Taken over into a review of another deal, the proof names another key.
    signed = parse_review(NETWORK, reviewed(named=NAMED)).record.buyer
    other = parse_review(NETWORK, reviewed(key=OTHER))
    lent = replace(other, record=msgspec.structs.replace(other.record, buyer=signed))
    assert not named_in(NETWORK, lent, NAMED.signer.public)


def test_a_path_is_opened_under_the_keys_of_who_led() -> None:  # [R-REV-6]
    path = the_path()
    contract = accepted(path=path)
    data = reviewed(contract=contract, receipt=received(contract), path=path.encode())
    found = parse_review(NETWORK, data)

    def keys(networker: bytes, epoch: int) -> tuple[bytes, ...]:
        return (REFERRER.signer.public,) if (networker, epoch) == (REFERRER.id, 0) else ()

    assert opened(NETWORK, found, keys) == path
    assert opened(NETWORK, found, lambda networker, epoch: ()) is None
    assert opened(NETWORK, found, lambda networker, epoch: (THIEF.signer.public,)) is None
    assert opened(NETWORK, parse_review(NETWORK, reviewed()), keys) is None
    for wrong in (the_path(THIEF), the_path(seller=THIEF)):
        assert (
            code(reviewed(contract=contract, receipt=received(contract), path=wrong.encode())) == "malformed"
        )
    assert code(reviewed(path=path.encode())) == "malformed"
    assert code(reviewed(path=b"\x90")) == "malformed"


def test_the_newest_by_the_buyers_own_time_counts() -> None:  # [R-REV-7]
    first = parse_review(NETWORK, reviewed())
    later = parse_review(NETWORK, reviewed(rating=1, time=START + 11 * HOUR))
    same = parse_review(NETWORK, reviewed(rating=2))
    assert newer(later, first)
    assert not newer(first, later)
    assert newer(same, first) != newer(first, same)
    assert not newer(first, first)


def test_a_receipt_is_aged_thirty_days_after_the_contract() -> None:  # [R-REV-8]
    found = parse_review(NETWORK, reviewed())
    assert AGED_MS == 30 * 24 * HOUR
    assert not found.aged(START + HOUR + AGED_MS - 1)
    assert found.aged(START + HOUR + AGED_MS)
