"""Referral links and codes: whatever is wrong in one is found, and nobody is lost without a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import bech32, encoding, limits, paths
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.referrals import (
    ALPHABET,
    CODE_CHARACTERS,
    PREFIX,
    check_code,
    checked_code,
    is_link,
    link_of,
    normal,
    read_link,
    write_link,
)
from protocol.signing import Signer
from tests.protocol.author import seed

SELLER = seed("sol")


def tokens(*who: str, listing: str | None = "cap", campaign: str | None = None) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for place, name in enumerate(who):
        found.append(
            paths.sign_referral(
                "inx",
                Signer(seed(name)),
                referrer=seed(name, "id"),
                epoch=0,
                seller=SELLER,
                expires=1_000 + place,
                listing=listing,
                campaign=campaign,
                prior=paths.token_id(found[-1]) if found else None,
            )
        )
    return tuple(found)


LINK = link_of(tokens("anna", "ben", campaign="spring"), None, ("ws://192.168.1.20:4747/inx/1",))
TEXT = write_link(LINK)


def test_a_link_comes_back_as_it_was() -> None:
    """[R-REF-1] [R-REF-2]"""
    assert read_link(TEXT) == LINK and read_link(f"  {TEXT.upper()}\n") == LINK
    assert (LINK.listing, LINK.expires, LINK.path.seller) == ("cap", 1_000, SELLER)
    longest = link_of(tokens(*(f"r{each}" for each in range(limits.MAX_PATH)), listing="k" * 128))
    assert read_link(write_link(longest)) == longest
    assert is_link(TEXT) and is_link(TEXT.upper()) and not is_link("nx1abc")
    assert link_of(tokens("anna", listing=None)).listing is None


def _wrong(text: str) -> str:
    with pytest.raises(RemoteProtocolError) as refused:
        read_link(text)
    assert refused.value.code == "bad_uri"
    return refused.value.text


@given(st.integers(len(PREFIX) + 1, len(TEXT) - 1), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_wrong_character_is_found(place: int, character: str) -> None:
    """[R-REF-2] For certain, at any place of a text of any length."""
    if TEXT[place] != character:
        assert "checksum" in _wrong(TEXT[:place] + character + TEXT[place + 1 :])


@given(st.integers(1, len(TEXT) - 1))
def test_a_cut_is_found(length: int) -> None:
    """[R-REF-2]"""
    _wrong(TEXT[:length])
    if length < len(TEXT) - 1 and TEXT[length] != TEXT[length + 1] and length > len(PREFIX):
        _wrong(TEXT[:length] + TEXT[length + 1] + TEXT[length] + TEXT[length + 2 :])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": []},
        {"path": list(tokens("anna")), "more": 1},
        {"path": [b"token"]},
        {"path": list(tokens("anna")), "at": ["http://a.example"]},
        {"path": list(tokens("anna")), "listing": "mug"},
        {"path": list(tokens("anna", "ben"))[1:]},
        {"path": list(tokens("anna")) * 2},
        [1],
    ],
)
def test_what_is_no_link(body: object) -> None:
    """[R-REF-1] Fields of another form, tokens that are no path, a listing that no token recommends, not canonical."""
    _wrong(bech32.encode(PREFIX, encoding.encode(body), limits.MAX_REFERRAL_LINK))


def test_addresses_may_be_left_out() -> None:
    """[R-REF-1]"""
    bare = link_of(tokens("anna"))
    for body in ({"path": list(bare.path.tokens)}, {"at": [], "path": list(bare.path.tokens)}):
        assert read_link(bech32.encode(PREFIX, encoding.encode(body), limits.MAX_REFERRAL_LINK)) == bare


def test_a_link_that_is_too_long() -> None:
    """[R-REF-2]"""
    _wrong(f"{PREFIX}1" + "q" * limits.MAX_REFERRAL_LINK)
    with pytest.raises(LocalProtocolError):
        bech32.encode(PREFIX, bytes(limits.MAX_REFERRAL_LINK), limits.MAX_REFERRAL_LINK)
    with pytest.raises(RemoteProtocolError, match="different listings"):
        link_of(tokens("anna"), "mug")
    with pytest.raises(RemoteProtocolError, match="ws://host"):
        link_of(tokens("anna"), None, ("ftp://a.example",))


# -- codes ---------------------------------------------------------------------------------------------------
@given(st.text(ALPHABET, min_size=CODE_CHARACTERS, max_size=CODE_CHARACTERS), st.data())
def test_one_wrong_or_two_swapped_characters_of_a_code_are_found(body: str, data: st.DataObject) -> None:
    """[R-REF-4]"""
    code = checked_code(body)
    assert check_code(f" {code.lower()} ") == code
    place = data.draw(st.integers(2, len(code) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(code[place], "")))
    swapped = code[:place] + code[place + 1 : place + 2] + code[place] + code[place + 2 :]
    for wrong in (code[:place] + other + code[place + 1 :], swapped, code[:-1], code + "A"):
        if wrong != code:
            with pytest.raises(RemoteProtocolError, match="mistyped"):
                check_code(wrong)


def test_codes_that_people_choose() -> None:
    """[R-REF-4]"""
    assert check_code("an na 10") == normal("ANNA10") == "ANNA10"
    assert check_code("café") == "CAFé", "only ASCII letters have one capital everywhere"
    for wrong in ("", "  ", "X" * (limits.MAX_CODE + 1), "R-", "r-summer"):
        with pytest.raises(RemoteProtocolError):
            check_code(wrong)
    for wrong in ("", "AAAAAA", "aaaaaaa", "AAAAAA0"):
        with pytest.raises(LocalProtocolError):
            checked_code(wrong)
