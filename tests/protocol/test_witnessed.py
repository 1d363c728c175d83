"""What a witness keeps, and files of it: every piece must hold, and a fault is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import encoding, limits, paths, witnessed
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import sign
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.openers import Openers
from protocol.signing import Signer
from protocol.witnessed import MAGIC, encode_start, encode_testimony, openers_of, prove, read_file
from tests.protocol.author import NETWORK, START, Author, seed

SALT = bytes(range(16))
BUYER = Signer(seed("buyer"))
SELLER, ADA, BEN = Author("seller"), Author("ada"), Author("ben")
DEAL = seed("order")


def told(author: Author, prior: bytes | None = None) -> bytes:
    before = None if prior is None else paths.token_id(prior)
    return paths.sign_referral(
        NETWORK, author.signer, referrer=author.id, epoch=0, seller=SELLER.id, expires=START, prior=before
    )


TOKENS = (told(ADA), told(BEN, told(ADA)))
PATH = paths.path_of(SALT, TOKENS)


def said(role: Any, signer: Signer, body: Any, number: int, deal: bytes = DEAL) -> bytes:
    epoch = None if role == "buyer" else 0
    previous = None if number == 0 else deal
    return sign(
        NETWORK, signer, body=body, deal=deal, role=role, number=number, previous=previous, seen=(), time=START,
        epoch=epoch,
    ).data  # fmt: skip


def accept(signer: Signer = SELLER.signer, path: paths.Path = PATH) -> bytes:
    body = Accept(key=BUYER.public, listing=b"l" * 32, path=paths.path_hash(NETWORK, path))
    return said("seller", signer, body, 0)


def receipt(part: int = 0, signer: Signer = BUYER, deal: bytes = DEAL) -> bytes:
    return said("buyer", signer, Receive(part=part), part + 1, deal)


def whole(**change: Any) -> witnessed.Testimony:
    fields: dict[str, Any] = {
        "path": PATH.encode(),
        "accept": accept(),
        "receipts": (receipt(1), receipt(0)),
        "openers": (tuple(SELLER.entries), tuple(ADA.entries), tuple(BEN.entries)),
    }
    return witnessed.Testimony(**{**fields, **change})


def proved(testimony: witnessed.Testimony) -> Any:
    return prove(NETWORK, testimony, openers_of(NETWORK, testimony.openers))


def refused(act: Any) -> tuple[str, str]:
    with pytest.raises(ProtocolError) as error:
        act()
    return error.value.code, error.value.text


def test_what_is_whole_proves_the_sale() -> None:  # [R-SHOP-11]
    proven = proved(whole())
    assert (proven.order, proven.seller, proven.path_hash) == (
        DEAL,
        SELLER.id,
        paths.path_hash(NETWORK, PATH),
    )
    assert [each.body.part for each in proven.receipts] == [0, 1] and proven.unchecked == ()
    assert [each.referrer for each in proven.path.referrals] == [ADA.id, BEN.id]


def test_whose_keys_are_not_known_is_told() -> None:  # [R-SHOP-11]
    assert proved(whole(openers=(tuple(SELLER.entries), tuple(BEN.entries)))).unchecked == (ADA.id,)
    assert refused(lambda: proved(whole(openers=(tuple(ADA.entries),))))[0] == "unknown_author"


@pytest.mark.parametrize(
    ("change", "code", "piece"),
    [
        ({"path": b"\x90"}, "path", "path"),
        ({"path": paths.path_of(bytes(16), TOKENS).encode()}, "path", "accept"),
        ({"accept": accept(ADA.signer)}, "signature", "accept"),
        ({"accept": receipt()}, "deal_message", "accept"),
        ({"accept": accept()[:-1]}, "encoding", "accept"),
        ({"receipts": (accept(),)}, "deal_message", "receipt"),
        ({"receipts": (receipt(signer=ADA.signer),)}, "signature", "receipt"),
        ({"receipts": (receipt(deal=seed("another")),)}, "deal_message", "receipt"),
    ],
)
def test_what_is_not_named(change: dict[str, Any], code: str, piece: str) -> None:  # [R-SHOP-11] [R-SHOP-12]
    found, text = refused(lambda: proved(whole(**change)))
    assert (found, text.partition(":")[0]) == (code, piece)


def test_a_receipt_has_a_bound() -> None:  # [R-SHOP-11]
    long = bytes(limits.MAX_RECEIPT + 1)
    assert refused(lambda: proved(whole(receipts=(long,))))[0] == "too_large"


def test_of_openers_those_that_reach_furthest_count() -> None:  # [R-SHOP-11]
    old, other = SELLER.openers(), Author("seller")
    new = SELLER.openers(other.rotate())
    for known in (({SELLER.id: old}, {SELLER.id: new}), ({SELLER.id: new}, {SELLER.id: old})):
        assert witnessed.newest(*known) == {SELLER.id: new}
    first = SELLER.openers()
    assert witnessed.newest({SELLER.id: first}, {SELLER.id: old})[SELLER.id] is first


def test_a_token_that_nobody_signed() -> None:  # [R-SHOP-11]
    forged = paths.sign_referral(
        NETWORK, BEN.signer, referrer=ADA.id, epoch=0, seller=SELLER.id, expires=START
    )
    path = paths.path_of(SALT, [forged])
    found, text = refused(lambda: proved(whole(path=path.encode(), accept=accept(path=path))))
    assert (found, text.partition(":")[0]) == ("signature", "path")


def test_openers_come_whole() -> None:  # [R-SHOP-12]
    rotated = Author("rotated")
    rotated.rotate()
    known = openers_of(NETWORK, [rotated.entries])
    assert known[rotated.id].epoch == 1 and isinstance(known[rotated.id], Openers)
    assert refused(lambda: openers_of(NETWORK, [[]]))[0] == "opener"
    assert refused(lambda: openers_of(NETWORK, [rotated.entries[1:]]))[0] == "opener"


def file_of(*testimonies: witnessed.Testimony) -> bytes:
    return encode_start(NETWORK) + b"".join(map(encode_testimony, testimonies))


def block(value: object) -> bytes:
    data = encoding.encode(value)
    return len(data).to_bytes(4, "big") + data


def test_a_file_brings_back_what_was_put_there() -> None:  # [R-SHOP-12]
    one, two = whole(), whole(receipts=(), openers=())
    network, found = read_file(file_of(one, two))
    assert network == NETWORK and list(found) == [one, two]
    assert list(read_file(file_of())[1]) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_file"),
        (b"INXLOG1\n" + block(NETWORK), "bad_file"),
        (MAGIC, "encoding"),
        (MAGIC + block("no network!"), "bad_file"),
        (MAGIC + block([1]), "bad_file"),
        (MAGIC + block(1), "bad_file"),
        (file_of(whole())[:-1], "bad_file"),
        (file_of() + b"\0\0\0\0", "bad_file"),
        (file_of() + (limits.MAX_TESTIMONY + 1).to_bytes(4, "big"), "bad_file"),
        (file_of() + block([b"", b""]), "bad_file"),
        (file_of() + block([b"", b"", [], [[[b"", b"", None]]]]), "header"),
        (file_of() + b"\0\0\0\x01\xc1", "encoding"),
    ],
)
def test_a_file_of_another_form(data: bytes, code: str) -> None:  # [R-SHOP-12]
    assert refused(lambda: list(read_file(data)[1]))[0] == code


@given(st.data())
@settings(max_examples=200)
def test_one_flipped_bit_is_found(data: st.DataObject) -> None:  # [R-SHOP-12]
    file = bytearray(file_of(whole()))
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    file[bit // 8] ^= 1 << bit % 8

    def checked() -> None:
        network, found = read_file(bytes(file))
        assert all(prove(network, each, openers_of(network, each.openers)) for each in found)

    refused(checked)


def test_an_entry_of_the_openers_is_an_entry() -> None:
    _, found = read_file(file_of(whole()))
    assert all(isinstance(entry, Entry) for each in found for entries in each.openers for entry in entries)
