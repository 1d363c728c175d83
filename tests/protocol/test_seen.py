"""The signed statement *seen*."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import encoding, limits, seen
from protocol.errors import RemoteProtocolError
from protocol.signing import Signer
from protocol.signing import verify as verify_signature

WITNESS = Signer(bytes(range(32)))
FIELDS: dict[str, Any] = {
    "author": b"a" * 32,
    "epoch": 1,
    "id": b"i" * 32,
    "seq": 70_000,
    "term": 2,
    "time": 1_700_000_000_000,
    "witness": b"w" * 32,
    "witness_epoch": 3,
}

fields = st.fixed_dictionaries(
    {
        "author": st.binary(min_size=32, max_size=32),
        "epoch": st.integers(0, limits.MAX_EPOCHS - 1),
        "id": st.binary(min_size=32, max_size=32),
        "seq": st.integers(0, limits.MAX_SEQ),
        "term": st.integers(0, limits.MAX_INT),
        "time": st.integers(0, limits.MAX_INT),
        "witness": st.binary(min_size=32, max_size=32),
        "witness_epoch": st.integers(0, limits.MAX_EPOCHS - 1),
    }
)


def signed() -> seen.Seen:
    return seen.sign("inx", WITNESS, **FIELDS)


def test_the_signature_is_over_tag_and_canonical_map() -> None:  # [R-SEEN-1] [R-SEEN-2]
    statement = signed()
    expected = b"INX/1\0inx\0seen\0" + encoding.encode(FIELDS)
    assert seen.statement_bytes("inx", statement) == expected
    assert verify_signature(WITNESS.public, statement.signature, expected)
    assert seen.encode(statement) == encoding.encode({**FIELDS, "signature": statement.signature})


@given(fields)
def test_round_trip(values: dict[str, Any]) -> None:
    statement = seen.sign("inx", WITNESS, **values)
    data = seen.encode(statement)
    assert data == encoding.encode({**values, "signature": statement.signature})  # canonical
    assert seen.decode(data) == statement
    assert seen.verify("inx", seen.decode(data), WITNESS.public)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_is_signed(name: str) -> None:  # [R-SEEN-2]
    value = FIELDS[name]
    other = value + 1 if isinstance(value, int) else b"x" * 32
    assert not seen.verify("inx", msgspec.structs.replace(signed(), **{name: other}), WITNESS.public)


def test_another_key_or_network_does_not_verify() -> None:  # [R-SEEN-2]
    assert seen.verify("inx", signed(), WITNESS.public)
    assert not seen.verify("other", signed(), WITNESS.public)
    assert not seen.verify("inx", signed(), Signer(bytes(32)).public)


@pytest.mark.parametrize(
    "change",
    [
        *({name: None} for name in [*FIELDS, "signature"]),
        {"author": b"a" * 31},
        {"id": b"i" * 33},
        {"witness": "w" * 32},
        {"signature": b"s" * 63},
        {"signature": b"s" * 65},
        {"epoch": -1},
        {"term": "1"},
        {"seq": limits.MAX_SEQ + 1},
        {"time": True},
        {"witness_epoch": -1},
        {"note": 1},
    ],
    ids=str,
)
def test_exactly_these_fields(change: dict[str, Any]) -> None:  # [R-SEEN-1]
    values = {**FIELDS, "signature": bytes(64), **change}
    data = encoding.encode({name: value for name, value in values.items() if value is not None})
    with pytest.raises(RemoteProtocolError) as refused:
        seen.decode(data)
    assert refused.value.code == "bad_message"


@pytest.mark.parametrize("value", [None, 1, [1], {}])
def test_only_a_map(value: object) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        seen.from_value(value)
    assert refused.value.code == "bad_message"


def test_not_canonical_is_refused() -> None:  # [R-SEEN-1]
    data = seen.encode(signed())
    with pytest.raises(RemoteProtocolError) as refused:
        seen.decode(data.replace(b"\xa5epoch\x01", b"\xa5epoch\xcc\x01"))
    assert refused.value.code == "not_canonical"
