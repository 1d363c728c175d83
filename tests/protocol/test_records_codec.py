"""Every record: round trip, one canonical form, unknown fields, tables; the checks that hold for all kinds."""

from __future__ import annotations

import uuid

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, Void
from protocol.ledger.contents import SaleContent
from protocol.records import CODECS, Codec, Listing, Price, Withdraw, decode_record, encode_record, merge
from protocol.records.credit import SwapEntry
from protocol.records.table import nested, table
from tests.protocol.samples import FULL, FULL_LISTING, LEAST, SALT

EVERY = (*LEAST, *FULL)
NAMES = [f"{type(record).__name__}-{index}" for index, record in enumerate(EVERY)]


def generic(record: msgspec.Struct) -> dict[str, object]:
    return encoding.decode(encode_record(record))  # type: ignore[no-any-return]


def text_of(kind: int, data: bytes) -> str:
    with pytest.raises(Void) as caught:
        decode_record(kind, data)
    assert caught.value.code == "malformed"
    return caught.value.text


@pytest.mark.parametrize("record", EVERY, ids=NAMES)
def test_a_record_survives_the_round_trip_in_canonical_form(record: msgspec.Struct) -> None:
    data = encode_record(record)
    assert encoding.encode(msgpack.unpackb(data)) == data
    assert decode_record(record.KIND, data) == record  # type: ignore[attr-defined]


@pytest.mark.parametrize("struct", [s for c in CODECS.values() for s in (c.struct, *nested(c.struct))])
def test_fields_are_declared_in_byte_order_and_described_once(struct: type[msgspec.Struct]) -> None:
    names = list(struct.__struct_encode_fields__)
    assert names == sorted(names, key=str.encode)
    assert struct.__struct_config__.frozen and not struct.__struct_config__.forbid_unknown_fields
    for row in table(struct):
        assert row.doc, row.name
        assert row.bounds or row.type == "bool" or row.type[0].isupper(), row


@pytest.mark.parametrize("record", EVERY, ids=NAMES)
def test_a_struct_of_many_fields_gets_the_short_map_header(record: msgspec.Struct) -> None:
    # msgspec chooses the header by the fields declared, not by those present; encode_struct mends the outermost.
    data = encode_record(record)
    present = len(msgpack.unpackb(data))
    assert data[0] == (0x80 | present if present < 16 else 0xDE)
    for inner in nested(type(record)):
        assert len(inner.__struct_fields__) < 16


@pytest.mark.parametrize("record", EVERY, ids=NAMES)
def test_unknown_fields_are_ignored_and_survive_an_edit(record: msgspec.Struct) -> None:
    kind: int = record.KIND  # type: ignore[attr-defined]
    value = generic(record) | {"a new field": [1, {"x": None}], "zz": b"\x00"}
    data = encoding.encode(value)
    assert decode_record(kind, data) == record
    assert merge(data, record) == data


def test_unknown_fields_survive_an_edit_where_the_element_is_still_the_same() -> None:
    value = generic(FULL_LISTING)
    value["price"]["tax"] = 19  # type: ignore[index]
    value["variants"][0]["colour_code"] = "#fff"  # type: ignore[index]
    value["variants"][1]["colour_code"] = "#000"  # type: ignore[index]
    value["images"][1]["width"] = 800  # type: ignore[index]
    value["shipping"][1]["carrier"] = "any"  # type: ignore[index]
    data = encoding.encode(value)
    assert decode_record(3, data) == FULL_LISTING
    assert merge(data, FULL_LISTING) == data
    first, _ = FULL_LISTING.variants  # type: ignore[misc]
    edited = msgspec.structs.replace(
        FULL_LISTING,
        title="New",
        sale=msgspec.UNSET,
        price=Price(amount=10_000, currency="USD"),
        variants=(first,),
    )
    after = encoding.decode(merge(data, edited))
    assert after["title"] == "New" and "sale" not in after
    assert after["price"] == {"amount": 10_000, "currency": "USD", "tax": 19}
    assert [variant.get("colour_code") for variant in after["variants"]] == ["#fff"]
    assert decode_record(3, merge(data, edited)) == edited


def test_a_merge_that_grows_too_large_or_starts_from_rubbish_is_refused() -> None:
    record = Withdraw(salt=SALT, key="k")
    with pytest.raises(LocalProtocolError, match="cannot be edited"):
        merge(b"\xc1", record)
    old = encoding.encode({"$": SALT, "key": "k", "x": b"\x01" * (limits.MAX_RECORD - 60)})
    with pytest.raises(LocalProtocolError, match="at most"):
        merge(old, Withdraw(salt=SALT, key="k" * 128))


@pytest.mark.parametrize("record", LEAST, ids=[type(record).__name__ for record in LEAST])
def test_every_required_field_is_asked_for_by_name(record: msgspec.Struct) -> None:
    value = generic(record)
    for name in value:
        data = encoding.encode({key: member for key, member in value.items() if key != name})
        assert name in text_of(record.KIND, data)  # type: ignore[attr-defined]


@pytest.mark.parametrize("record", FULL, ids=[type(record).__name__ for record in FULL])
def test_a_field_of_another_type_is_named(record: msgspec.Struct) -> None:
    value = generic(record)
    for name, member in value.items():
        for other in (None, 1, "x", b"x", [], {}, True, -1):
            if type(other) is type(member):
                continue
            text = text_of(record.KIND, encoding.encode(value | {name: other}))  # type: ignore[attr-defined]
            assert text.startswith(name), text


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc0", id="nil"),
        pytest.param(b"\x90", id="array"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key", id="cut"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\x00", id="bytes after the end"),
        pytest.param(b"\x82\xa3key\xa1k\xa1$\xc4\x10" + SALT, id="keys out of order"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1j\xa3key\xa1k", id="a key twice"),
        pytest.param(b"\xde\x00\x02\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k", id="long map header"),
        pytest.param(b"\x82\xd9\x01$\xc4\x10" + SALT + b"\xa3key\xa1k", id="long key header"),
        pytest.param(b"\x82\xa1$\xc5\x00\x10" + SALT + b"\xa3key\xa1k", id="long bin header"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key\xa1\xff", id="not UTF-8"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key\xa3\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key\xa3a\x00b", id="NUL"),
        pytest.param(b"\x82\xa1$\xc4\x10" + SALT + b"\xa3key\xc4\x01k", id="bin for str"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z\xcb" + bytes(8), id="unknown float"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z\xd4\x01\x01", id="unknown ext"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z\xcf" + b"\xff" * 8, id="unknown huge"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z\xa2\x00a", id="unknown with NUL"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\x01\x01", id="key that is no str"),
        pytest.param(b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z" + b"\x91" * 5_000, id="deep"),
        pytest.param(b"\xff" * (limits.MAX_RECORD + 1), id="too long"),
    ],
)
def test_bytes_that_are_no_canonical_record_are_void(data: bytes) -> None:
    assert len(text_of(Withdraw.KIND, data)) > 10


def test_a_zero_in_the_salt_is_no_nul() -> None:
    record = Withdraw(salt=bytes(16), key="k")
    assert decode_record(Withdraw.KIND, encode_record(record)) == record


def test_limits_of_a_record_as_a_whole() -> None:
    frame = len(encoding.encode({"$": SALT, "key": "k", "x": b"\x01" * 40_000})) - 40_000
    for size, ok in ((limits.MAX_RECORD - frame, True), (limits.MAX_RECORD - frame + 1, False)):
        data = encoding.encode({"$": SALT, "key": "k", "x": b"\x01" * size})
        if ok:
            assert decode_record(Withdraw.KIND, data) == Withdraw(salt=SALT, key="k")
        else:
            assert str(limits.MAX_RECORD) in text_of(Withdraw.KIND, data)
    # The map, its three fields and the list come to four values beside the members.
    data = b"\x83\xa1$\xc4\x10" + SALT + b"\xa3key\xa1k\xa1z\xdc"
    for members, ok in ((limits.MAX_NODES - 4, True), (limits.MAX_NODES - 3, False)):
        whole = data + members.to_bytes(2, "big") + b"\x01" * members
        if ok:
            assert decode_record(Withdraw.KIND, whole)
        else:
            assert "values" in text_of(Withdraw.KIND, whole)


class Lax(msgspec.Struct):
    """A record with a type that the decoder takes in more than one form."""

    x: uuid.UUID


def test_a_value_that_the_decoder_takes_in_a_second_form_is_refused() -> None:
    codec = Codec(Lax, None)
    one = uuid.UUID(int=0xABCDEF)
    data = encoding.encode({"x": str(one)})
    assert codec.decode(data) == Lax(one)
    for form in (str(one).upper(), one.bytes):
        with pytest.raises(Void, match="as its type demands"):
            codec.decode(encoding.encode({"x": form}))


def test_tables_are_of_structs_with_types_inx_knows() -> None:
    with pytest.raises(LocalProtocolError, match="no Struct"):
        table(int)  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError, match="no words"):
        table(Lax)
    assert nested(Lax) == ()


def test_tables_name_an_entry_as_such_and_no_bound_where_there_is_none() -> None:
    lock = next(row for row in table(SwapEntry) if row.name == "lock")
    assert (lock.type, lock.bounds) == ("array of entry", f"1 to {limits.MAX_PROOF} elements")
    content = {row.name: (row.type, row.bounds) for row in table(SaleContent)}
    assert content["awards"] == ("array of AwardLine", "")
    assert content["listing"] == ("array", "[bin, bin, bin]")


def test_a_merge_onto_another_shape_takes_only_what_fits() -> None:
    record = FULL_LISTING
    assert merge(encoding.encode({"images": 5, "price": 6, "variants": [7]}), record) == encode_record(record)
    assert merge(encoding.encode(7), record) == encode_record(record)


def test_encoding_refuses_what_no_reader_takes() -> None:
    with pytest.raises(LocalProtocolError, match="no encoding"):
        encode_record(Withdraw(salt=SALT, key="\udc80"))
    with pytest.raises(LocalProtocolError, match="title"):
        encode_record(Listing(salt=SALT, key="k", kind="product", title="x" * 151))
    with pytest.raises(LocalProtocolError, match="not a record"):
        encode_record(Price(amount=1, currency="EUR"))


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=40)
LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@given(
    salt=st.binary(min_size=16, max_size=16),
    key=LINES,
    title=LINES,
    summary=TEXTS | st.just(msgspec.UNSET),
    amount=st.integers(0, limits.MAX_INT),
    weight=st.integers(0, limits.MAX_INT) | st.just(msgspec.UNSET),
    tags=st.lists(TEXTS, min_size=1, unique=True, max_size=5),
)
def test_any_listing_encodes_as_the_generic_encoder_says(
    salt: bytes, key: str, title: str, summary: str, amount: int, weight: int, tags: list[str]
) -> None:
    record = Listing(
        salt=salt,
        key=key,
        kind="service",
        title=title,
        summary=summary,
        price=Price(amount=amount, currency="CHF"),
        weight=weight,
        tags=tuple(tags),
    )
    data = encode_record(record)
    assert encoding.encode(encoding.decode(data)) == data
    assert decode_record(Listing.KIND, data) == record


@given(st.binary(max_size=80), st.integers(0, 11))
def test_arbitrary_bytes_are_void_and_nothing_worse(data: bytes, kind: int) -> None:
    try:
        record = decode_record(kind, data)
    except Void as error:
        assert error.code == "malformed"
    else:
        assert record is None or encode_record(record)


@given(st.data())
def test_a_changed_byte_never_yields_a_second_form(draws: st.DataObject) -> None:
    data = bytearray(encode_record(FULL_LISTING))
    place = draws.draw(st.integers(0, len(data) - 1))
    data[place] = draws.draw(st.integers(0, 255))
    try:
        record = decode_record(Listing.KIND, bytes(data))
    except Void:
        return
    # What still decodes is canonical; nothing but an unknown field may be missing from the typed encoding.
    assert encoding.encode(encoding.decode(bytes(data))) == bytes(data)
    assert merge(bytes(data), record) == bytes(data)  # type: ignore[arg-type]
