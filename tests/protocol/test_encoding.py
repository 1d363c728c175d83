"""What cannot be encoded is refused at once, and the quick encoder of Structs gives the same bytes as the other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError


def nested(depth: int, wrap: Any) -> Any:
    value: Any = None
    for _ in range(depth):
        value = wrap(value)
    return value


WRAPS = [lambda value: [value], lambda value: {"k": value}]


@pytest.mark.parametrize("wrap", WRAPS, ids=["arrays", "maps"])
def test_depth_is_bounded_in_arrays_and_maps_alike(wrap: Any) -> None:
    """[R-ENC-7] the limit and one more, both ways."""
    data = encoding.encode(nested(limits.MAX_DEPTH, wrap))
    assert encoding.decode(data) == nested(limits.MAX_DEPTH, wrap)
    with pytest.raises(LocalProtocolError, match="too deep"):
        encoding.encode(nested(limits.MAX_DEPTH + 1, wrap))
    head = b"\x91" if isinstance(wrap(None), list) else b"\x81\xa1k"
    with pytest.raises(RemoteProtocolError, match="too_large"):
        encoding.decode(head + data)


def test_the_number_of_values_is_bounded() -> None:
    """[R-ENC-7]"""
    most = [None] * (limits.MAX_NODES - 1)
    assert encoding.decode(encoding.encode(most)) == most
    with pytest.raises(LocalProtocolError, match="too large"):
        encoding.encode([*most, None])
    wide = {str(number): None for number in range(limits.MAX_NODES)}
    with pytest.raises(LocalProtocolError, match="too large"):
        encoding.encode(wide)


@pytest.mark.parametrize(
    "value",
    [
        limits.MAX_INT + 1,
        -limits.MAX_INT - 1,
        "a\0",
        "\0",
        "\ud800",
        {"\0": 1},
        {"a\0b": 1},
        {1: 1},
        {b"k": 1},
    ]
    + [{"\ud800": 1}, {None: 1}, 1.5, {1}, Ellipsis, bytearray(b"x")],
    ids=repr,
)
def test_what_inx_cannot_say_is_refused(value: Any) -> None:
    """[R-ENC-1..4]"""
    for whole in (value, [value], {"k": value}):
        with pytest.raises(LocalProtocolError):
            encoding.encode(whole)


def test_bounds_that_can_be_said() -> None:
    """[R-ENC-2]"""
    for value in (limits.MAX_INT, -limits.MAX_INT, True, False, None, b"", "", [], {}):
        assert encoding.decode(encoding.encode(value)) == value
    assert encoding.encode({"b": 1, "a": 2}) == encoding.encode({"a": 2, "b": 1})


class Wide(msgspec.Struct, omit_defaults=True):
    """More fields than fit the short header of a map."""

    f01: int = 0
    f02: int = 0
    f03: int = 0
    f04: int = 0
    f05: int = 0
    f06: int = 0
    f07: int = 0
    f08: int = 0
    f09: int = 0
    f10: int = 0
    f11: int = 0
    f12: int = 0
    f13: int = 0
    f14: int = 0
    f15: int = 0
    f16: int = 0
    f17: int = 0


@pytest.mark.parametrize("count", range(18))
def test_a_struct_has_the_shortest_header_however_many_fields_are_there(count: int) -> None:
    """[R-ENC-5]"""
    fields = dict.fromkeys(Wide.__struct_fields__[:count], 1)
    assert encoding.encode_struct(Wide(**fields)) == encoding.encode(fields)


def test_a_map_of_256_members_keeps_its_header() -> None:
    """Its second length byte is as small as one that would be shortened."""
    for count in (255, 256, 257, 271, 272):
        value = {f"{number:03}": number for number in range(count)}
        assert encoding.encode_struct(value) == encoding.encode(value)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81\x01", b"\x01\x01"])
def test_damaged_bytes_are_told_in_words_for_a_person(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as told:
        encoding.decode(data)
    assert told.value.text == "not one MessagePack value: damaged, cut off, or followed by more"
