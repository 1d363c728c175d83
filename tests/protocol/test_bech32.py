"""Bech32m: BIP-350's vectors and ours, and that no short slip of the finger gets through."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol import bech32
from protocol.errors import LocalProtocolError, RemoteProtocolError
from tests.vectors.generate import bech32 as generator
from tests.vectors.generate.writing import VECTORS, Vector, text
from tests.vectors.reading import named, read


def test_vectors_are_what_their_generator_makes() -> None:
    assert (VECTORS / "bech32.json").read_text() == text(generator.ABOUT, generator.vectors())


@pytest.mark.parametrize("vector", read("bech32", "bip350-"), ids=named)
def test_bip_350(vector: Vector) -> None:  # [R-ID-3]
    if "expected" in vector:
        prefix, groups = bech32.split(vector["input"]["text"])
        assert {"prefix": prefix, "groups": bytes(groups).hex()} == vector["expected"]
        return
    with pytest.raises(RemoteProtocolError) as refused:
        bech32.split(vector["input"]["text"])
    assert refused.value.code == vector["error"]


@pytest.mark.parametrize("vector", read("bech32", "bytes-"), ids=named)
def test_both_ways(vector: Vector) -> None:  # [R-ID-2] [R-ID-3]
    prefix, data = vector["input"]["prefix"], bytes.fromhex(vector["input"]["bytes"])
    assert bech32.encode(prefix, data) == vector["expected"]["text"]
    assert bech32.decode(vector["expected"]["text"], prefix) == data


@pytest.mark.parametrize("vector", read("bech32", "read-"), ids=named)
def test_read(vector: Vector) -> None:  # [R-ID-3]
    given_text, prefix = vector["input"]["text"], vector["input"]["prefix"]
    if "expected" in vector:
        assert bech32.decode(given_text, prefix).hex() == vector["expected"]["bytes"]
        return
    with pytest.raises(RemoteProtocolError) as refused:
        bech32.decode(given_text, prefix)
    assert refused.value.code == vector["error"]


@pytest.mark.parametrize(
    ("given_text", "says"),
    [
        ("nx1" + "q" * 88, "longer than 90"),
        ("nx1 qqqqqqq", "a space"),
        ("nx1Qqqqqqqq", "mixes"),
        ("qqqqqqqq", "no prefix"),
        ("nx1qqqqq", "cut off"),
        ("nx1qqqbqqqq", "the character b"),
        ("nx1qqqqqqqq", "checksum"),
        ("a1lqfn3a", "begins with a1, expected is nx1"),
        (generator.text_of("nx", [0]), "whole bytes"),
    ],
)
def test_the_sentence_says_what_is_wrong(given_text: str, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        bech32.decode(given_text, "nx")
    assert refused.value.code == "encoding"


@pytest.mark.parametrize("prefix", ["", "NX", "n x", "n\x7f", "\u00e4"])
def test_prefixes_that_are_refused(prefix: str) -> None:
    with pytest.raises(LocalProtocolError, match="prefix"):
        bech32.encode(prefix, b"")


def test_the_longest_text() -> None:
    assert len(bech32.encode("nx", bytes(50))) == 89
    assert len(bech32.encode("nxx", bytes(50))) == 90
    with pytest.raises(LocalProtocolError, match="90"):
        bech32.encode("nxxx", bytes(50))


@given(data=st.binary(max_size=50), prefix=st.text("!0123456789abcxyz~", min_size=1, max_size=3))
def test_round_trip(data: bytes, prefix: str) -> None:
    assert bech32.decode(bech32.encode(prefix, data), prefix) == data
    assert bech32.decode(bech32.encode(prefix, data).upper(), prefix) == data


@given(
    data=st.binary(min_size=32, max_size=32),
    slips=st.dictionaries(st.integers(3, 60), st.sampled_from(generator.ALPHABET), min_size=1, max_size=4),
)
def test_up_to_four_wrong_characters_are_noticed(data: bytes, slips: dict[int, str]) -> None:
    right = bech32.encode("nx", data)
    wrong = "".join(slips.get(place, character) for place, character in enumerate(right))
    assume(wrong != right)
    with pytest.raises(RemoteProtocolError):
        bech32.decode(wrong, "nx")


@given(st.text(max_size=95))
def test_any_text_gives_bytes_or_the_one_error(anything: str) -> None:
    try:
        data = bech32.decode(anything, "nx")
    except RemoteProtocolError as error:
        assert error.code == "encoding"
    else:
        assert bech32.encode("nx", data) == anything.lower()


def test_every_printable_character_may_stand_in_a_prefix() -> None:
    """[R-ID-3] the bounds of what is printable, and one beyond."""
    for prefix in ("!", "~", "a~", "!~"):
        assert bech32.decode(bech32.encode(prefix, b"x"), prefix) == b"x"
    for character in (" ", "\x7f", "\x80"):
        with pytest.raises(LocalProtocolError):
            bech32.encode(character, b"x")
        with pytest.raises(RemoteProtocolError, match="encoding"):
            bech32.split(f"{character}1qqqqqq")
