"""What holders sign [R-CRED-5..9]."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding
from protocol.errors import Void
from protocol.ledger.statements import (
    STATEMENTS,
    Leg,
    Limit,
    Releasing,
    Request,
    Swap,
    read,
    require_both,
    require_signed,
    sign,
    sign_swap,
    statement_id,
)
from tests.protocol.author import NETWORK, Author

ANN, BOB, X, Y = (Author(name) for name in ("ann", "bob", "x", "y"))
REQUEST = Request(
    action="transfer", amount=5, counter=1, epoch=0, expires=9, holder=ANN.id, issuer=X.id, recipient=BOB.id,
    signature=bytes(64), unit="star",
)  # fmt: skip
LIMIT = Limit(
    amount=5, counter=1, epoch=0, expires=9, holder=BOB.id, issuer=X.id, signature=bytes(64), unit="star"
)
RELEASE = Releasing(about=bytes(32), epoch=0, holder=BOB.id, issuer=X.id, signature=bytes(64))
FIRST = Leg(amount=5, counter=1, epoch=0, holder=ANN.id, issuer=X.id, unit="x")
SECOND = Leg(amount=7, counter=1, epoch=0, holder=BOB.id, issuer=Y.id, unit="y")
SWAP = Swap(first=FIRST, head=(3, bytes(32)), second=SECOND, signatures=(bytes(64), bytes(64)), until=9)


@pytest.mark.parametrize(
    ("statement", "by"), [(REQUEST, ANN), (LIMIT, BOB), (RELEASE, BOB)], ids=["request", "limit", "release"]
)
def test_a_statement_is_signed_by_its_holder_alone(statement: Any, by: Author) -> None:
    data = sign(NETWORK, by.signer, statement)
    found = read(type(statement), data)
    require_signed(NETWORK, found, [by.signer.public])
    for keys, network in (([X.signer.public], NETWORK), ([], NETWORK), ([by.signer.public], "other")):
        with pytest.raises(Void, match="not_signed"):
            require_signed(network, found, keys)


def test_the_id_does_not_depend_on_the_signature_and_does_on_everything_else() -> None:
    ids = {
        statement_id(NETWORK, msgspec.structs.replace(REQUEST, **change))
        for change in ({}, {"signature": b"s" * 64}, {"amount": 6}, {"counter": 2}, {"recipient": Y.id})
    }
    assert len(ids) == 4
    assert statement_id("other", REQUEST) not in ids


def test_both_holders_sign_one_swap() -> None:
    data = sign_swap(NETWORK, ANN.signer, BOB.signer, SWAP)
    swap = read(Swap, data)
    require_both(NETWORK, swap, [ANN.signer.public], [BOB.signer.public])
    for first, second in (([BOB.signer.public], [ANN.signer.public]), ([ANN.signer.public], [])):
        with pytest.raises(Void, match="not_signed"):
            require_both(NETWORK, swap, first, second)


@pytest.mark.parametrize(
    ("statement", "change"),
    [
        (REQUEST, {"recipient": UNSET}),
        (REQUEST, {"action": "redeem"}),
        (REQUEST, {"order": bytes(32)}),
        (REQUEST, {"recipient": ANN.id}),
        (REQUEST, {"issuer": ANN.id}),
        (SWAP, {"second": msgspec.structs.replace(SECOND, issuer=X.id)}),
        (SWAP, {"second": msgspec.structs.replace(SECOND, holder=ANN.id)}),
        (SWAP, {"second": msgspec.structs.replace(SECOND, holder=X.id)}),
        (SWAP, {"first": msgspec.structs.replace(FIRST, holder=Y.id)}),
    ],
)
def test_fields_that_contradict_each_other_are_refused(statement: Any, change: dict[str, Any]) -> None:
    data = encoding.encode_struct(msgspec.structs.replace(statement, **change))
    with pytest.raises(Void, match="statement"):
        read(type(statement), data)


@pytest.mark.parametrize("form", STATEMENTS.values())
def test_what_is_no_such_map_is_refused(form: type[Any]) -> None:
    for data in (b"", b"\x80", b"\xc1", encoding.encode({"amount": 1}), b"\x00" * 2_000):
        with pytest.raises(Void, match="statement"):
            read(form, data)


def test_a_field_that_is_not_known_is_refused() -> None:
    value = encoding.decode(encoding.encode_struct(REQUEST))
    with pytest.raises(Void, match="statement"):
        read(Request, encoding.encode({**value, "more": 1}))
