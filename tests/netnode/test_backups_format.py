"""The file of a backup: what it opens with, and that nothing of it can be changed, cut or moved."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from netnode.backups import archive, format
from netnode.backups.format import CHUNK, TAG, Header, Opener, OwnHead, Recipients
from netnode.problems import ExitCode, Problem
from netnode.sealer import HpkeSealer
from netnode.system import SystemEntropy

WORDS = bytes(range(32))
HOME = bytes(range(32, 64))
RECIPIENTS = Recipients(X25519PrivateKey.from_private_bytes(WORDS).public_key().public_bytes_raw(), HOME)
HEADER = Header(
    id="nx1" + "a" * 58,
    created=1_800_000_000_000,
    network="inx",
    program="1.0",
    store=2,
    head=OwnHead(0, 0, 5, "ab" * 32),
    entries=6,
    logs=1,
    size=100,
)
BOTH = [
    Opener(words=WORDS),
    Opener(home=HOME),
    Opener(words=WORDS, home=HOME),
    Opener(words=WORDS, home=bytes(32)),
]


def written(
    body: bytes, recipients: Recipients = RECIPIENTS, piece: int = 1000, header: Header = HEADER
) -> bytes:
    file = io.BytesIO()
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    size = format.write(file, header, recipients, pieces, SystemEntropy(), HpkeSealer())
    assert size == len(file.getvalue())
    return file.getvalue()


def read(data: bytes, opener: Opener = BOTH[0]) -> tuple[Header, bytes]:
    file = io.BytesIO(data)
    head = format.read_head(file, "x.backup")
    key = format.file_key(head, opener, HpkeSealer(), "x.backup")
    return head.header, b"".join(format.chunks(file, head, key, "x.backup"))


def refused(data: bytes, opener: Opener = BOTH[0]) -> Problem:
    with pytest.raises(Problem) as caught:
        read(data, opener)
    return caught.value


@pytest.mark.parametrize("opener", BOTH)
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
def test_what_was_written_is_read(size: int, opener: Opener) -> None:
    body = bytes(number % 251 for number in range(size))
    assert read(written(body), opener) == (HEADER, body)


def test_it_tells_whose_it_is_and_nothing_of_what_it_holds() -> None:
    secret = b"a secret of the home, in plain bytes"
    data = written(secret * 100)
    assert HEADER.id.encode() in data[:400] and data.startswith(b"netnode backup 1\n")
    assert secret not in data and HOME not in data and WORDS not in data
    assert written(secret)[400:] != written(secret)[400:]  # a key of its own each time


def test_locked_keys_make_one_that_opens_with_the_words_alone() -> None:
    data = written(b"body", Recipients(RECIPIENTS.words))
    assert read(data, BOTH[0])[1] == b"body"
    found = refused(data, BOTH[1])
    assert found.exit_code is ExitCode.REFUSED and "--words-file" in found.text


def test_other_keys_do_not_open_it() -> None:
    data = written(b"body")
    assert "keys of this home do not open" in refused(data, Opener(home=bytes(32))).text
    found = refused(data, Opener(words=bytes(31) + b"\x01"))
    assert "recovery words do not open" in found.text and HEADER.id in found.text
    assert refused(data, Opener()).code == "backup_key"


def chunk_ends(data: bytes) -> list[int]:
    file = io.BytesIO(data)
    start = format.read_head(file, "x").size
    return [*range(start, len(data), CHUNK + TAG), len(data)]


def test_a_cut_at_every_boundary_is_refused() -> None:
    data = written(bytes(3 * CHUNK + 50))
    ends = chunk_ends(data)
    assert len(ends) == 5
    for end in ends[:-1]:
        for at in (end - 1, end, end + 1):
            assert refused(data[:at]).code in ("backup_damaged", "backup", "backup_key")
    assert refused(data[:-1]).code == "backup_damaged"
    assert refused(data + b"x").code == refused(data + bytes(CHUNK + TAG)).code == "backup_damaged"


def test_a_whole_body_cut_to_whole_chunks_is_refused() -> None:
    data = written(bytes(3 * CHUNK))
    for end in chunk_ends(data)[:-1]:
        assert refused(data[:end]).code == "backup_damaged"


def test_chunks_cannot_be_swapped_repeated_or_taken_from_another_backup() -> None:
    data, other = written(bytes(3 * CHUNK)), written(bytes(3 * CHUNK))
    first, second, third, end = chunk_ends(data)
    a, b, c = data[first:second], data[second:third], data[third:end]
    for body in (b + a + c, a + a + c, a + b + b + c, a + c, b + c, a + b + c + c):
        assert refused(data[:first] + body).code == "backup_damaged"
    start = chunk_ends(other)[0]
    assert refused(data[:first] + other[start:]).code == "backup_damaged"
    assert refused(data[:second] + other[start + CHUNK + TAG :]).code == "backup_damaged"


def test_header_and_keys_of_another_backup_do_not_fit() -> None:
    renamed = msgspec.structs.replace(HEADER, id="nx1" + "b" * 58)
    data, other = written(b"body"), written(b"body", header=renamed)
    changed = data.replace(HEADER.id.encode(), renamed.id.encode())
    assert changed != data
    for opener in BOTH[:2]:
        assert refused(changed, opener).code == "backup_key"
    start, theirs = chunk_ends(data)[0], chunk_ends(other)[0]
    assert refused(other[:theirs] + data[start:]).code == "backup_damaged"


@given(st.data())
def test_no_single_change_goes_unseen(data: st.DataObject) -> None:
    whole = _SAMPLE
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
    for opener in (BOTH[0], BOTH[1]):
        with pytest.raises(Problem):
            read(changed, opener)


@given(st.integers(0, 2 * (CHUNK + TAG)))
def test_no_cut_goes_unseen(length: int) -> None:
    with pytest.raises(Problem):
        read(_SAMPLE[: min(length, len(_SAMPLE) - 1)])


@given(st.binary(max_size=3000), st.booleans())
def test_noise_is_refused_with_a_sentence(noise: bytes, marked: bool) -> None:
    with pytest.raises(Problem):
        read((format.MARK + b"1\n" if marked else b"") + noise)


_SAMPLE = written(bytes(CHUNK + 100))


@given(st.binary(max_size=5 * 1024), st.integers(1, 700))
def test_any_body_in_any_pieces_comes_back(body: bytes, piece: int) -> None:
    assert read(written(body, piece=piece))[1] == body


def test_what_is_no_backup_and_what_is_of_a_newer_version_is_told() -> None:
    assert refused(b"").code == refused(b"PK\x03\x04zip").code == "backup"
    assert (
        "reads version 1. Update netnode" in refused(written(b"x").replace(b"backup 1\n", b"backup 2\n")).text
    )
    for wrong in (
        b"netnode backup x\n",
        b"netnode backup \n",
        b"netnode backup ",
    ):
        assert refused(wrong).code == "backup_damaged"
    assert refused(b"netnode backup 1\n" + b"\xff\xff\xff\xff" + bytes(100)).code == "backup_damaged"


# -- archive -------------------------------------------------------------------------------------------------
def unpacked(data: bytes, folder: Path, piece: int = 7) -> list[str]:
    pieces: Iterator[bytes] = (data[start : start + piece] for start in range(0, len(data), piece))
    return archive.unpack(pieces, lambda name: (folder / name).open("wb"), "x.backup")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_files_come_back(tmp_path: Path, piece: int) -> None:
    files = {archive.KEYS: b"k" * 30, archive.CONFIG: b"", archive.STORE: bytes(9000)}
    data = b"".join(archive.pack(archive.Member(name, len(body), [body]) for name, body in files.items()))
    assert unpacked(data, tmp_path, piece) == list(files)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x09keys.json",
        b"\x09keys.json" + (5).to_bytes(8, "big") + b"1234",
        b"\x09keys.json" + bytes(8),  # no end
        b"\x05token" + bytes(8) + b"\0",
        b"\x0c../keys.json" + bytes(8) + b"\0",
        b"\x09keys.jso\xff" + bytes(8) + b"\0",
        (b"\x09keys.json" + bytes(8)) * 2 + b"\0",
        b"\0\0",
    ],
)
def test_an_archive_that_is_not_well_formed_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Problem, match="damaged"):
        unpacked(data, tmp_path)


def test_a_file_that_changes_its_size_is_told() -> None:
    with pytest.raises(ValueError, match="changed its size"):
        list(archive.pack([archive.Member("keys.json", 5, [b"four"])]))
