"""The frame of a deal message: canonical, typed, bounded, and whose key signed it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals import bodies, message
from protocol.deals.bodies import TYPES, Accept, Cancel, Mandate, NamedBuyer, Order, Part, Renewal
from protocol.deals.message import Message, first_order, parse, sign, signed_by, type_of
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.records import table
from protocol.records.money import Per
from protocol.signing import SMALL_ORDER, Signer
from tests.protocol.deals.made import BUYER, HOUR, NETWORK, SELLER, START, order, signed, started

ID = b"\x07" * 32


def ordered(body: Order | None = None) -> Message:
    return signed([started(body)])[0]


def frame(data: bytes) -> list[Any]:
    value: list[Any] = encoding.decode(data)
    return value


def refused(value: list[Any]) -> tuple[str, str]:
    """Code and field."""
    with pytest.raises(RemoteProtocolError) as error:
        parse(encoding.encode(value))
    return error.value.code, error.value.text.partition(":")[0]


def test_a_message_comes_back_as_it_was_signed() -> None:
    """R-DEAL-1, 2: its id is the hash of its bytes, the deal's id that of the start."""
    start = ordered()
    assert start.id == start.deal == hashlib.sha256(start.data).digest()
    assert (start.starts, start.names, start.type) == (True, (), "order")
    assert parse(start.data) == start
    accept = sign(
        NETWORK,
        SELLER.signer,
        body=Accept(key=BUYER.public),
        deal=start.id,
        role="seller",
        number=0,
        previous=None,
        seen=(start.id,),
        time=START + 1,
        epoch=0,
    )
    assert (accept.deal, accept.names, accept.starts) == (start.id, (start.id,), False)
    assert parse(accept.data).body == accept.body


def test_every_type_comes_back() -> None:
    """R-DEAL-3: the type on the wire names the body."""
    for name, form in TYPES.items():
        if name not in message.STARTS:
            fields = {
                field.name: ID if field.name in ("key", "dispute", "fulfil", "payment", "refund") else
                "other" if field.name == "reason" else 1
                for field in msgspec.structs.fields(form)
                if field.required
            }  # fmt: skip
            body = form(**fields)
            assert type_of(body) == name
            made = sign(
                NETWORK,
                BUYER,
                body=body,
                deal=ID,
                role="buyer",
                number=1,
                previous=ID,
                seen=(),
                time=1,
                epoch=None,
            )
            assert parse(made.data).body == body


def test_signatures() -> None:
    """R-DEAL-5: over tag and the nine fields, by one key, in one network."""
    start = ordered()
    assert signed_by(NETWORK, start, BUYER.public)
    assert not signed_by(NETWORK, start, SELLER.signer.public)
    assert not signed_by("other", start, BUYER.public)
    value = frame(start.data)
    assert BUYER.sign(b"INX/1\x00test\x00deal message\x00" + encoding.encode(value[:9])) == value[9]
    value[6] += 1
    assert not signed_by(NETWORK, parse(encoding.encode(value)), BUYER.public)


@pytest.mark.parametrize(
    ("at", "value", "field"),
    [
        (0, "orders", "type"),
        (0, 1, "type"),
        (1, ID, "deal"),
        (2, "keeper", "role"),
        (2, "seller", "role"),
        (3, 1, "deal"),
        (3, False, "deal"),
        (4, ID, "deal"),
        (5, [ID], "deal"),
        (6, -1, "time"),
        (6, True, "time"),
        (7, 0, "epoch"),
        (8, [], "body"),
        (9, bytes(63), "signature"),
        (9, None, "signature"),
    ],
)
def test_fields_of_a_start(at: int, value: Any, field: str) -> None:
    """R-DEAL-1, 2: each field of a wrong form is named."""
    whole = frame(ordered().data)
    whole[at] = value
    assert refused(whole) == ("deal_message", field)


@pytest.mark.parametrize(
    ("at", "value", "field"),
    [
        (1, None, "deal"),
        (1, bytes(31), "deal"),
        (3, -1, "number"),
        (3, True, "number"),
        (3, limits.MAX_DEAL_MESSAGES, "number"),
        (3, 0, "previous"),
        (4, None, "previous"),
        (4, bytes(31), "previous"),
        (5, ID, "seen"),
        (5, [bytes(31)], "seen"),
        (5, [bytes([i]) * 32 for i in range(limits.MAX_SEEN + 1)], "seen"),
        (5, [b"\x08" * 32, b"\x08" * 32], "seen"),
        (5, [ID], "seen"),
        (7, None, "epoch"),
        (7, True, "epoch"),
        (7, -1, "epoch"),
        (7, limits.MAX_EPOCHS, "epoch"),
    ],
)
def test_fields_of_what_follows(at: int, value: Any, field: str) -> None:
    """R-DEAL-1, 2."""
    whole = ["cancel", ID, "seller", 1, ID, [], 5, 0, {"reason": "other"}, bytes(64)]
    assert parse(encoding.encode(whole)).number == 1
    whole[at] = value
    assert refused(whole) == ("deal_message", field)


def test_number_0_has_no_predecessor() -> None:
    """R-DEAL-2."""
    whole = ["cancel", ID, "seller", 0, None, [ID], 5, 0, {"reason": "other"}, bytes(64)]
    assert parse(encoding.encode(whole)).previous is None
    whole[4] = b"\x08" * 32
    assert refused(whole) == ("deal_message", "previous")


def test_the_frame_itself() -> None:
    """R-DEAL-1: canonical, an array of ten, and bounded."""
    data = ordered().data
    for broken, code in (
        (data[:-1], "encoding"),
        (data + b"\x00", "encoding"),
        (encoding.encode(frame(data)[:9]), "deal_message"),
        (encoding.encode({}), "deal_message"),
        (bytes(limits.MAX_DEAL_MESSAGE + 1), "too_large"),
    ):
        with pytest.raises(RemoteProtocolError) as error:
            parse(broken)
        assert error.value.code == code
    long = frame(data)
    long[8]["future"] = bytes(limits.MAX_ORDER)
    assert refused(long)[0] == "too_large"


def test_unknown_fields_of_a_body_are_kept() -> None:
    """R-DEAL-3: the bytes are as they came, the signature covers them."""
    value = frame(ordered().data)[:9]
    value[8]["future"] = [1, 2]
    data = encoding.encode(
        [*value, BUYER.sign(b"INX/1\x00test\x00deal message\x00" + encoding.encode(value))]
    )
    read = parse(data)
    assert (read.body, read.data) == (ordered().body, data)
    assert signed_by(NETWORK, read, BUYER.public)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": UNSET}, "body.currency"),
        ({"issuer": ID}, "body.currency"),
        ({"currency": UNSET, "issuer": ID}, "body.currency"),
        ({"parts": (Part(price=limits.MAX_INT), Part(price=1))}, "body.parts"),
        ({"tax": 60, "shipping": 41}, "body.tax"),
        ({"terms": msgspec.structs.replace(order().terms, consent=UNSET)}, "body.terms.consent"),
        ({"terms": msgspec.structs.replace(order().terms, arbiter=UNSET)}, "body.terms.consent"),
        ({"listing": UNSET}, "body.listing"),
        ({"offer": b"\x80"}, "body.offer"),
        ({"named": NamedBuyer(epoch=0, id=ID, signature=bytes(64)), "seller": b""}, "body.seller"),
        ({"parts": ()}, "body.parts"),
        ({"parts": (Part(price=1),) * (limits.MAX_PARTS + 1)}, "body.parts"),
    ],
)
def test_orders_that_contradict_themselves(changes: dict[str, Any], field: str) -> None:
    """R-DEAL-6."""
    body = msgspec.structs.replace(order(), **changes)
    value = frame(ordered().data)
    value[8] = msgspec.to_builtins(body, builtin_types=(bytes,))
    assert refused(value) == ("deal_message", field)


def test_the_key_of_an_order() -> None:
    """R-DEAL-6: one under which signatures mean something."""
    for key in SMALL_ORDER:
        value = frame(ordered().data)
        value[8]["key"] = key
        assert refused(value)[0] == "key"


def test_an_order_in_a_unit_of_credit() -> None:
    """R-DEAL-6: issuer and unit in place of a currency."""
    body = msgspec.structs.replace(order(), currency=UNSET, issuer=ID, unit="points")
    assert ordered(body).body == body


def test_an_order_without_an_arbiter() -> None:
    """R-DEAL-6: then nobody consents either."""
    terms = msgspec.structs.replace(order().terms, arbiter=UNSET, consent=UNSET)
    assert ordered(msgspec.structs.replace(order(), terms=terms)).role == "buyer"


def test_rulings_name_parts_in_order() -> None:
    """R-DEAL-6."""
    whole = ["ruling", ID, "arbiter", 0, None, [ID], 5, 0, {"dispute": ID, "keeps": 0, "paid": 0}, bytes(64)]
    assert parse(encoding.encode(whole)).role == "arbiter"
    for parts in ([1, 0], [0, 0]):
        whole[8] = {"delivered": parts, "dispute": ID, "keeps": 0, "paid": 0}
        assert refused(whole) == ("deal_message", "body.delivered")


def renewal(first: bytes) -> list[Any]:
    body = {"changes": [], "first": first, "parts": [{"price": 100}], "turn": 1}
    return ["renewal", None, "seller", 0, None, [], START, 0, body, bytes(64)]


def test_renewals_hold_an_order_with_a_mandate() -> None:
    """R-DEAL-6."""
    with_mandate = ordered(
        msgspec.structs.replace(order(), mandate=Mandate(notice=HOUR, per=Per(count=1, unit="month")))
    )
    read = parse(encoding.encode(renewal(with_mandate.data)))
    assert isinstance(read.body, Renewal)
    assert first_order(read) == with_mandate.body
    for first in (b"", ordered().data):
        assert refused(renewal(first)) == ("deal_message", "body.first")
    value = renewal(with_mandate.data)
    value[8]["parts"] = [{"price": limits.MAX_INT}, {"price": 1}]
    assert refused(value) == ("deal_message", "body.parts")
    value = renewal(with_mandate.data)
    value[2] = "buyer"
    assert refused(value) == ("deal_message", "role")


def test_only_a_start_has_an_order() -> None:
    """A mistake of this program."""
    made = signed([started()])[0]
    accept = sign(
        NETWORK,
        SELLER.signer,
        body=Cancel(reason="other"),
        deal=made.id,
        role="seller",
        number=0,
        previous=None,
        seen=(made.id,),
        time=1,
        epoch=0,
    )
    with pytest.raises(LocalProtocolError, match="starts no deal"):
        first_order(accept)


def test_what_a_receiver_would_refuse_is_not_signed() -> None:
    """R-DEAL-1: the sentence names the field."""
    with pytest.raises(LocalProtocolError, match="cancel of a wrong form: number"):
        sign(
            NETWORK,
            Signer(bytes(32)),
            body=bodies.Cancel(reason="other"),
            deal=ID,
            role="buyer",
            number=-1,
            previous=ID,
            seen=(),
            time=1,
            epoch=None,
        )


def test_bodies_hold_nothing_private() -> None:
    """R-DEAL-4: figures, dates, hashes and codes of a closed form; whatever a person writes is enclosed."""
    for struct in TYPES.values():
        for held in (struct, *table.nested(struct)):
            for row in table.table(held):
                if row.type == "str":
                    assert row.name in ("reason", "currency", "unit"), (held, row)
                    assert "matches" in row.bounds or "one of" in row.bounds or row.name == "unit"
        assert struct in (Order, Renewal) or not {"text", "reference"} & set(struct.__struct_fields__)
