"""The registry of kinds: parity, completeness, words for SPEC."""

from __future__ import annotations

import pytest

from protocol.kinds import KINDS, RESERVED, decode_record, is_critical
from protocol.records import CODECS


def test_every_kind_with_a_codec_is_registered_with_its_record() -> None:
    assert set(KINDS) == set(CODECS)
    for number, kind in KINDS.items():
        assert kind.number == number
        assert kind.struct is CODECS[number].struct


def test_even_kinds_are_critical_and_odd_kinds_begin_with_salt() -> None:  # [R-KIND-1]
    for kind in KINDS.values():
        assert kind.struct is not None
        fields = kind.struct.__struct_encode_fields__
        assert kind.even == is_critical(kind.number)
        assert ("$" in fields) == (not kind.even)
        if not kind.even:
            assert fields[0] == "$"


def test_the_reserved_numbers_are_those_of_the_design_and_free() -> None:  # [R-KIND-4]
    assert not set(RESERVED) & set(KINDS)
    named = set(RESERVED) | set(KINDS)
    assert {number for number in named if number % 2 == 0} == set(range(0, 43, 2))
    assert {number for number in named if number % 2} == set(range(1, 24, 2))
    names = [kind.name for kind in KINDS.values()] + list(RESERVED.values())
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_says_what_it_is_for(kind: object) -> None:
    for text in (kind.purpose, kind.validity, kind.effect):  # type: ignore[attr-defined]
        assert text.endswith(".") and "  " not in text


@pytest.mark.parametrize("kind", [15, 99, 1_000])
def test_an_unknown_kind_is_not_judged(kind: int) -> None:  # [R-KIND-2]
    assert decode_record(kind, b"\xc1 no MessagePack at all") is None
