"""Recovery words and their sheet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.keys.words import decode_words, encode_words, recovery_sheet
from netnode.problems import Problem

_ENTROPY = bytes(range(32))
_WORDS = encode_words(_ENTROPY)


def test_the_published_bip39_vectors() -> None:  # [R-KEY-3]
    assert encode_words(bytes(32)) == ("abandon",) * 23 + ("art",)
    assert encode_words(b"\xff" * 32) == ("zoo",) * 23 + ("vote",)


@given(st.binary(min_size=32, max_size=32))
def test_round_trip(entropy: bytes) -> None:
    assert decode_words(" ".join(encode_words(entropy))) == entropy


@pytest.mark.parametrize(
    "text",
    [
        "  " + "\n".join(_WORDS) + "\r\n",
        " ".join(_WORDS).upper(),
        ", ".join(_WORDS),
        "\t".join(f"{number}. {word}" for number, word in enumerate(_WORDS, 1)),
        " ".join(f"{number}.{word}" for number, word in enumerate(_WORDS, 1)),
        "\u00a0".join(_WORDS),
        recovery_sheet("nx1abcdefgh", "inx", _WORDS, ["wss://peer.example/inx/1"]),
        recovery_sheet("nx1abcdefgh", "inx", _WORDS),
    ],
)
def test_it_reads_what_people_type_and_the_sheet(text: str) -> None:
    assert decode_words(text) == _ENTROPY


def test_an_unknown_word_is_named_by_its_position_with_near_ones() -> None:
    words = list(encode_words(bytes(32)))
    words[6] = "abandn"
    with pytest.raises(Problem) as caught:
        decode_words(" ".join(words))
    assert caught.value.text.startswith("Word 7 ('abandn') is not a recovery word. Did you mean abandon")
    assert caught.value.details == {"position": 7}


def test_a_word_like_no_other() -> None:
    with pytest.raises(Problem, match="Look at that word again"):
        decode_words("qqqqqqqq " + " ".join(_WORDS[1:]))


@pytest.mark.parametrize(("count", "said"), [(0, "There are 0 words"), (23, "There are 23 words")])
def test_too_few_words(count: int, said: str) -> None:
    with pytest.raises(Problem, match=said):
        decode_words(" ".join(_WORDS[:count]))


def test_two_words_that_changed_places() -> None:
    swapped = (_WORDS[1], _WORDS[0], *_WORDS[2:])
    with pytest.raises(Problem) as caught:
        decode_words(" ".join(swapped))
    assert "two changed places" in caught.value.text
    assert not any(word in caught.value.text.split() for word in _WORDS if word not in ("together", "one"))


def test_encoding_takes_32_bytes_only() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encode_words(bytes(16))


def test_the_sheet_says_whose_where_and_what_to_do() -> None:
    sheet = recovery_sheet("nx1abcdefgh", "inx", _WORDS, ["wss://peer.example/inx/1"])
    for expected in ("nx1abcdefgh", "wss://peer.example/inx/1", f"24. {_WORDS[23]}", "Delete this file"):
        assert expected in sheet
    assert max(map(len, sheet.splitlines())) <= 90
    assert sheet.endswith("\n")
