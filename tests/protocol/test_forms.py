"""Forms that a typed decoder lets through and INX does not; each was found by mutated inputs (tests/long/inputs.py)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from protocol import address, encoding, logfile, seen
from protocol.certificate import read_identity
from protocol.entry import parse_entry
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.found import hits_of
from protocol.messages import Found, decode_message
from protocol.run import run_of
from tests.protocol.author import NETWORK, Author
from tests.vectors.reading import read


def as_text(data: bytes) -> str:
    """What JSON would carry in the place of bytes."""
    return base64.b64encode(data).decode()


def message(number: int, body: dict[str, Any], request: int = 7) -> bytes:
    return encoding.encode([number, request, body])


def run() -> list[Any]:
    author = Author("a")
    author.write(2)
    return list(encoding.decode(encoding.encode_struct(run_of(author.entries))))


def code_of(data: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_message(data)
    return caught.value.code


def test_text_is_never_taken_for_bytes() -> None:
    """[R-MSG-4] [R-SEEN-1] [R-BOOK-1] [R-FILE-2] base64 is a form of JSON, not of INX."""
    author = bytes(range(32))
    assert code_of(message(10, {"authors": [as_text(author)]})) == "bad_message"
    assert code_of(message(16, {"author": as_text(author), "seq": 1})) == "bad_message"
    statement = encoding.decode(bytes.fromhex(read("seen")[0]["input"]["statement"]))
    told = encoding.decode(bytes.fromhex(read("address")[0]["input"]["told"]))
    for field in ("witness", "signature"):
        with pytest.raises(RemoteProtocolError, match="bad_message"):
            seen.from_value(statement | {field: as_text(statement[field])})
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        address.parse_told([told[0] | {"id": as_text(told[0]["id"])}, told[1]])
    block = encoding.encode([as_text(run()[0]), *run()[1:]])
    reader = logfile.Reader(NETWORK)
    with pytest.raises(RemoteProtocolError, match="bad_file"):
        reader.feed(logfile.encode_start(NETWORK) + len(block).to_bytes(4, "big") + block)


def test_a_run_is_an_array_of_six() -> None:
    """[R-RUN-3] [R-MSG-6] fields are ignored where they have names."""
    assert decode_message(message(23, {"runs": [run()]})).body is not None
    assert code_of(message(23, {"runs": [[*run(), 0]]})) == "bad_message"
    assert code_of(message(23, {"runs": [run()[:5]]})) == "bad_message"


@pytest.mark.parametrize(
    "entry",
    [
        [1 << 60, 1, bytes(64), b"\x80"],
        [1, 1 << 60, bytes(64), b"\x80"],
        [1, 1, bytes(64), [bytes(32), 1 << 60]],
        [1, 1, bytes(64), [bytes(32), 1.5]],
        [1, 1, bytes(64), ["a\0b", 1]],
        [1, 1, bytes(64), [[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]], 1]],
    ],
    ids=["time", "kind", "length", "float", "nul", "deep"],
)
def test_the_quick_decoder_of_runs_knows_the_bounds_of_the_encoding(entry: list[Any]) -> None:
    """[R-ENC-1, 2, 3, 7] before anything of the body is judged [R-MSG-3]."""
    import msgpack

    data = msgpack.packb([23, 0, {"runs": [[*run()[:5], [entry]]]}])
    assert code_of(data) in {"encoding", "too_large"}


@pytest.mark.parametrize(
    "header", [b"\x92\x02\xa1\xff", b"\x92\x01\xa1\xff", b"\xa2\xc0\x80", b"\xa1\xff", b"\x81\xa1\xff\x01"]
)
def test_a_header_that_is_no_text_is_refused_like_any_other(header: bytes) -> None:
    """[R-ENTRY-2, 6] the decoder's own error for UTF-8 is none of its others."""
    with pytest.raises(RemoteProtocolError, match="header"):
        parse_entry(header, bytes(64), b"\x80")


def test_a_handshake_with_such_a_header_is_refused() -> None:
    """[R-CERT-3] whoever dials can send it, before anything is proved."""
    given = read("session", "identity-plain")[0]["input"]
    payload = encoding.decode(bytes.fromhex(given["payload"]))
    payload["openers"][0][0] = b"\x92\x02\xa1\xff"
    with pytest.raises(RemoteProtocolError, match="header"):
        read_identity("inx", encoding.encode(payload), bytes.fromhex(given["static"]), given["now"])


def test_what_every_part_of_an_answer_looks_like_is_judged_before_its_openers() -> None:
    """[R-QRY-4] step 1 before step 2."""
    author = Author("a")
    author.write(2)
    forged = run_of([author.entries[0]])
    forged = type(forged)(*[getattr(forged, name) for name in forged.__struct_fields__[:5]], [
        (time, kind, bytes(64), body) for time, kind, _, body in forged.entries
    ])  # fmt: skip
    whole = run_of(author.entries)
    for found in (
        Found(openers=[forged], hits=[whole]),
        Found(openers=[forged], standings=[whole]),
        Found(openers=[forged], heads=[[9]]),
    ):
        with pytest.raises(ProtocolError) as caught:
            hits_of(NETWORK, found, {})
        assert caught.value.code == "bad_message"


@pytest.mark.parametrize(
    "data",
    [
        b"\x93\x02\x01\xdc\xea\x60" + b"\xc0" * 60_000,
        b"\x93\x02\x01\xde\x27\x11" + b"".join(b"\xa4%04x\xc0" % number for number in range(10_001)),
        b"\x91" * 60_000 + b"\x90",
    ],
    ids=["array", "map", "deep"],
)
def test_one_bound_broken_has_its_code_however_far(data: bytes) -> None:
    """[R-ENC-7] Libraries have bounds of their own, and other names for what is beyond them."""
    assert code_of(data) == "too_large"


def test_what_a_message_claims_to_hold_costs_no_memory() -> None:
    """[R-ENC-7] 1,023 arrays inside each other, each said to be of 10,000 members, took 80 MB."""
    import tracemalloc

    tracemalloc.start()
    try:
        code = code_of(b"\xdc\x27\x10" * 1_023)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert code in {"encoding", "too_large"} and most < 1_000_000
