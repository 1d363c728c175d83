"""WebSocket frames: whole messages out of any pieces, and everything RFC 6455 forbids refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameFault,
    FrameReader,
    closed,
    closing,
    frame,
)

LONGEST = 70_000
MASK = b"\x01\x80\xff\x00"
SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, LONGEST)


def bits(first: int, payload: bytes) -> bytes:
    """A short frame of a server with a first byte of one's own."""
    assert len(payload) < 126
    return bytes((first, len(payload))) + payload


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mask", [None, MASK])
def test_a_frame_comes_out_as_it_went_in(size: int, mask: bytes | None) -> None:
    """Of each form of length, from either side."""
    payload = bytes(index % 251 for index in range(size))
    data = frame(BINARY, payload, mask)
    assert len(data) == size + (2 if size < 126 else 4 if size < 65_536 else 10) + (4 if mask else 0)
    assert FrameReader(LONGEST, masked=mask is not None).feed(data) == [(BINARY, payload)]


def test_what_goes_out_is_as_the_rfc_writes_it() -> None:
    """RFC 6455 section 5.7: the examples, byte by byte."""
    mask = bytes.fromhex("37fa213d")
    assert frame(TEXT, b"Hello", None) == bytes.fromhex("810548656c6c6f")
    assert frame(TEXT, b"Hello", mask) == bytes.fromhex("818537fa213d7f9f4d5158")
    assert frame(PING, b"Hello", None) == bytes.fromhex("890548656c6c6f")
    assert frame(BINARY, bytes(256), None)[:4] == bytes.fromhex("827e0100")
    assert frame(BINARY, bytes(65_536), None)[:10] == bytes.fromhex("827f0000000000010000")
    reader = FrameReader(LONGEST, masked=False)
    assert reader.feed(bytes.fromhex("010348656c80026c6f")) == [(TEXT, b"Hello")]


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 40)), st.booleans())
def test_any_pieces_give_the_same(payloads: list[bytes], cuts: list[int], masked: bool) -> None:
    """The network cuts where it likes."""
    data = b"".join(frame(BINARY, each, MASK if masked else None) for each in payloads)
    reader = FrameReader(300, masked)
    got: list[tuple[int, bytes]] = []
    for cut in cuts:
        got += reader.feed(data[:cut])
        data = data[cut:]
    got += reader.feed(data) if data else []
    assert got == [(BINARY, each) for each in payloads]


def test_byte_by_byte() -> None:
    """Header, mask and payload may each come in pieces."""
    reader = FrameReader(LONGEST, masked=True)
    data = frame(BINARY, b"x" * 300, MASK) + frame(PING, b"?", MASK)
    got = [message for byte in data for message in reader.feed(bytes((byte,)))]
    assert got == [(BINARY, b"x" * 300), (PING, b"?")]


def test_fragments_make_one_message_and_control_frames_lie_between() -> None:
    """RFC 6455 section 5.4; empty fragments too."""
    reader = FrameReader(LONGEST, masked=False)
    data = (
        bits(BINARY, b"a") + bits(0x80 | PING, b"p") + bits(CONTINUATION, b"") + bits(0x80 | PONG, b"")
    ) + bits(0x80 | CONTINUATION, b"b")
    assert reader.feed(data) == [(PING, b"p"), (PONG, b""), (BINARY, b"ab")]
    assert reader.feed(bits(0x80 | BINARY, b"next")) == [(BINARY, b"next")]


def test_fragments_without_bytes_take_no_memory() -> None:
    """They would never reach the bound of a message [R-LINK-5]."""
    reader = FrameReader(LONGEST, masked=False)
    reader.feed(bits(BINARY, b""))
    for _ in range(1_000):
        reader.feed(bits(CONTINUATION, b""))
    assert reader._parts == []
    assert reader.feed(bits(0x80, b"")) == [(BINARY, b"")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(BINARY, b"x", MASK), 1002),  # masked by a server
        (bits(0xC0 | BINARY, b""), 1002),  # compressed, which nobody agreed on
        (bits(0x90 | BINARY, b""), 1002),
        (bits(0x83, b""), 1002),  # opcodes that do not exist
        (bits(0x8B, b""), 1002),
        (bits(CLOSE, b""), 1002),  # a control frame in fragments
        (b"\x89\x7e\x00\x7e" + bytes(126), 1002),  # and one that is too long
        (bits(0x80 | CONTINUATION, b"x"), 1002),  # of no message
        (bits(BINARY, b"x") + bits(0x80 | BINARY, b"y"), 1002),  # a message inside another
        (bits(BINARY, b"x") + bits(0x80 | TEXT, b"y"), 1002),
    ],
)
def test_what_is_forbidden(data: bytes, code: int) -> None:
    """Ends with the close code that says so."""
    with pytest.raises(FrameFault) as raised:
        FrameReader(LONGEST, masked=False).feed(data)
    assert raised.value.code == code


def test_a_client_masks() -> None:
    """RFC 6455 section 5.1."""
    with pytest.raises(FrameFault) as raised:
        FrameReader(LONGEST, masked=True).feed(frame(BINARY, b"x", None))
    assert raised.value.code == 1002


@pytest.mark.parametrize(
    "header",
    [
        frame(BINARY, bytes(LONGEST + 1), None)[:10],
        b"\x82\x7f" + b"\xff" * 8,
        b"\x01\x7f" + (LONGEST + 1).to_bytes(8, "big"),
    ],
)
def test_too_long_is_refused_by_its_header(header: bytes) -> None:
    """Before any of it is kept [R-LINK-2]."""
    with pytest.raises(FrameFault) as raised:
        FrameReader(LONGEST, masked=False).feed(header)
    assert raised.value.code == 1009


def test_too_long_in_fragments() -> None:
    """The sum counts, also of a text that is refused anyway [R-LINK-2]."""
    for opcode in (BINARY, TEXT):
        reader = FrameReader(100, masked=False)
        reader.feed(bits(opcode, bytes(60)))
        with pytest.raises(FrameFault) as raised:
            reader.feed(bits(CONTINUATION, bytes(41)))
        assert raised.value.code == 1009


def test_closes() -> None:
    """Code and text survive; a text too long is cut between characters."""
    assert closed(b"") == (1005, "")
    assert closed(closing(1013, "no room")) == (1013, "no room")
    data = closing(3000, "ü" * 100)
    assert len(data) <= 125 and closed(data) == (3000, "ü" * 61)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xed", 1002),  # 1005, 1006 and 1015 are never sent
        (b"\x03\xee", 1002),
        (b"\x03\xf7", 1002),
        (b"\x00\x00", 1002),
        (b"\x13\x88", 1002),  # 5000
        (b"\x03\xe8\xff", 1007),
    ],
)
def test_closes_that_are_none(payload: bytes, code: int) -> None:
    """RFC 6455 sections 5.5.1 and 7.4."""
    with pytest.raises(FrameFault) as raised:
        closed(payload)
    assert raised.value.code == code
