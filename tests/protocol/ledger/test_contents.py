"""A close in pieces is the canonical content, and what is not is told from it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Void
from protocol.ledger.contents import (
    AwardLine,
    CloseContent,
    encode_close,
    encode_content,
    read_close,
    read_terms,
    states,
)
from protocol.ledger.groups import cut, cut_stream
from protocol.limits import MAX_GROUP_CONTENT, MAX_INT
from protocol.plans.facts import Award
from protocol.records import ClosePart

PLAN = bytes(32)
_award = st.builds(
    Award,
    to=st.binary(min_size=32, max_size=32),
    amount=st.integers(1, MAX_INT),
    rule=st.sampled_from(["group", "r" * 32]),
    level=st.integers(0, 300),
    base=st.just(0),
    num=st.just(1),
    den=st.just(1),
    source=st.just("2026-01"),
)


def _content(awards: list[Award[bytes]], begins: int, ends: int) -> bytes:
    lines = tuple(AwardLine(each.to, each.rule, each.level, each.amount) for each in awards)
    return encode_content(CloseContent(awards=lines, begins=begins, ends=ends, plan=PLAN))


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@given(st.lists(_award, max_size=20), st.integers(0, MAX_INT), st.integers(0, MAX_INT))
def test_pieces_come_to_the_content(awards: list[Award[bytes]], begins: int, ends: int) -> None:
    content = _content(awards, begins, ends)
    pieces = list(encode_close(awards, begins=begins, ends=ends, plan=PLAN))
    assert b"".join(pieces) == content and states(sha256(content).digest(), pieces)
    assert not states(sha256(content + b"x").digest(), pieces)
    assert not states(sha256(content).digest(), pieces[:-1])
    terms = read_terms(pieces)
    assert (terms.begins, terms.ends, terms.plan) == (begins, ends, PLAN)


@pytest.mark.parametrize("count", [15, 16, 1_001, 65_535, 65_536])
def test_pieces_of_many_awards_come_to_the_content(count: int) -> None:
    awards = [Award(PLAN, 1 + place, "group", 1, 0, 1, 1, "2026-01") for place in range(count)]
    content = b"".join(encode_close(awards, begins=1, ends=2, plan=PLAN))
    assert content == _content(awards, 1, 2)
    assert read_terms((content,)).ends == read_terms(_cut(content, 47_000)).ends == 2
    for wrong in (content.replace(b"group", b"GROUP\x00", 1), content[:-60], content[:60]):
        for size in (len(wrong), 5_000):
            with pytest.raises(Void, match="content"):
                read_terms(_cut(wrong, size))


@pytest.mark.parametrize(("amount", "rule"), [(MAX_INT + 1, "group"), (2**70, "group"), (1, "r" * 33)])
def test_an_award_that_no_content_can_state_is_refused(amount: int, rule: str) -> None:
    awards = [Award(PLAN, amount, rule, 1, 0, 1, 1, "2026-01")]
    with pytest.raises(Void) as found:
        list(encode_close(awards, begins=1, ends=2, plan=PLAN))
    assert found.value.code == "malformed"
    assert not states(sha256(b"").digest(), encode_close(awards, begins=1, ends=2, plan=PLAN))


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x81\xa6begins\x01", b"\x90" * 5_000])
def test_what_has_no_terms_is_malformed(data: bytes) -> None:
    with pytest.raises(Void) as found:
        read_terms((data,))
    assert found.value.code == "malformed"


@given(st.lists(_award, max_size=3), st.data(), st.integers(1, 200))
def test_a_close_without_its_awards_is_read_as_strictly_as_with_them(
    awards: list[Award[bytes]], data: st.DataObject, size: int
) -> None:
    content = bytearray(_content(awards, 5, 300))
    for _ in range(data.draw(st.integers(0, 2))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found: list[object] = []
    for read in (read_close, lambda whole: read_terms(_cut(whole, size))):
        try:
            found.append(read(bytes(content)).begins)
        except Void as void:
            found.append(void.code)
    assert found[0] == found[1]


def test_forms_that_say_the_same_in_other_bytes_are_malformed() -> None:
    line = [bytes(32), "group", 1, 2]
    right = {"awards": [line], "begins": 1, "ends": 2, "plan": PLAN}
    for wrong in (
        msgspec.msgpack.encode(right | {"more": 1}),
        msgspec.msgpack.encode(dict(reversed(right.items()))),
        msgspec.msgpack.encode(right | {"awards": [[*line, 1]]}),
        msgspec.msgpack.encode(right | {"awards": [line[:3]]}),
        msgspec.msgpack.encode(right).replace(b"\x91\x94", b"\xdc\x00\x01\x94"),
        msgspec.msgpack.encode(right).replace(b"\x01\x02\xa6", b"\x01\xcc\x02\xa6"),
        msgspec.msgpack.encode(right) + b"\x00",
    ):
        for read in (read_close, lambda whole: read_terms((whole,))):
            with pytest.raises(Void, match="content") as found:
                read(wrong)
            assert found.value.code == "malformed"
    assert read_terms((msgspec.msgpack.encode(right),)).ends == 2


@pytest.mark.parametrize("size", [1, 1_000, MAX_GROUP_CONTENT, 3 * MAX_GROUP_CONTENT + 1])
def test_a_stream_is_cut_like_the_whole(size: int) -> None:
    content = bytes(index % 251 for index in range(2 * MAX_GROUP_CONTENT + 7))
    assert tuple(cut_stream(ClosePart, lambda: _cut(content, size))) == cut(ClosePart, content)
