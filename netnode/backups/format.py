"""The file of a backup: what it is, for whom it opens, and an encrypted body that cannot be cut or rearranged.

    "netnode backup 1" and a line feed      what it is, and the version of this layout
    length (4 bytes) and header (JSON)      whose, when, of which network; readable without a key
    length (2 bytes) and sealed key         by HPKE to the key that the recovery words give
    length (2 bytes) and wrapped key        by AES-256-GCM under the home's own key; length 0: there is none
    chunks of 65,536 + 16 bytes             AES-256-GCM; the last one is shorter or as long, and marked in its nonce

Numbers are big endian. Both copies of the file's key are bound to all that stands before them, the chunks to all that
stands before the first. A chunk's nonce is its number (11 bytes) and whether it is the last (1 byte): a body that was
cut, extended, reordered or put together from two files does not open. The key is used for one file only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, BinaryIO, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from netnode.ports import CannotOpen, Entropy, OpeningKeys, RecipientKeys, Sealer
from netnode.problems import ExitCode, Problem

MARK: Final = b"netnode backup "
VERSION: Final = 1
CHUNK: Final = 64 * 1024
TAG: Final = 16
MAX_HEADER: Final = 16 * 1024  # why: it is read before anything is proved
_KEY: Final = 32
_NONCE: Final = 12
_MAX_WRAPPED: Final = 1024
_PURPOSE: Final = b"netnode backup key\x00"

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class OwnHead(Struct, frozen=True):
    """The newest own entry in a backup; `id` in hex."""

    epoch: Count
    term: Count
    seq: Count
    id: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Header(Struct, frozen=True, kw_only=True):
    """What a backup tells without a key; it is believed only after the body was opened."""

    id: Annotated[str, Meta(max_length=128)]  # the networker, nx1...
    created: Count  # ms UTC
    network: Annotated[str, Meta(max_length=64)]
    program: Annotated[str, Meta(max_length=64)]  # version of the netnode that wrote it
    store: Count  # version of the store's tables
    head: OwnHead | None  # None: the own log was not in the store
    entries: Count
    logs: Count
    size: Count  # bytes of the files inside


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who can open a backup: the owner of the recovery words, and the home unless its keys are locked."""

    words: bytes  # X25519 public key
    home: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opener:
    """What opens a backup: the private key that the recovery words give, or the home's key, or both."""

    words: bytes | None = field(default=None, repr=False)
    home: bytes | None = field(default=None, repr=False)


# -- writing -------------------------------------------------------------------------------------------------
def write(
    file: BinaryIO,
    header: Header,
    recipients: Recipients,
    body: Iterable[bytes],
    entropy: Entropy,
    sealer: Sealer,
) -> int:
    """Writes a whole backup; returns its bytes.

    Raises:
        OSError: the disk.
    """
    key = entropy.token(_KEY)
    head = MARK + str(VERSION).encode() + b"\n" + _sized(msgspec.json.encode(header), 4)
    wrapped = sealer.seal(RecipientKeys(recipients.words), _purpose(head), key)
    head += _sized(wrapped, 2)
    if recipients.home is None:
        head += _sized(b"", 2)
    else:
        nonce = entropy.token(_NONCE)
        head += _sized(nonce + AESGCM(recipients.home).encrypt(nonce, key, _purpose(head)), 2)
    file.write(head)
    written = len(head)
    for chunk in _encrypted(body, key, hashlib.sha256(head).digest()):
        file.write(chunk)
        written += len(chunk)
    return written


def _encrypted(body: Iterable[bytes], key: bytes, bound: bytes) -> Iterator[bytes]:
    cipher = AESGCM(key)
    buffer = bytearray()
    number = 0
    for piece in body:
        buffer += piece
        start = 0
        while len(buffer) - start > CHUNK:  # never the last bytes: the last chunk is marked
            yield cipher.encrypt(_nonce(number, False), bytes(buffer[start : start + CHUNK]), bound)
            number += 1
            start += CHUNK
        del buffer[:start]
    yield cipher.encrypt(_nonce(number, True), bytes(buffer), bound)


# -- reading -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the body: the header, and what the key of the file is found with."""

    header: Header
    sealed: bytes
    wrapped: bytes
    size: int  # bytes of all of it
    bound: bytes = field(repr=False)
    purposes: tuple[bytes, bytes] = field(repr=False)


def read_head(file: BinaryIO, name: str) -> Head:
    """Reads what stands before the body.

    Args:
        file: at its beginning.
        name: of the file, for the messages.

    Raises:
        Problem: it is no backup, of a newer version, or damaged.
        OSError: the disk.
    """
    start = file.read(len(MARK))
    if start != MARK:
        raise Problem(
            f"{name} is not a backup of netnode. Give a file that 'netnode backup create' wrote.",
            code="backup",
        )
    line = bytearray()
    while len(line) <= 8 and (byte := file.read(1)):
        if byte == b"\n":
            break
        line += byte
    if not line.isdigit():
        raise damaged(name)
    if int(line) != VERSION:
        text = f"{name} is a backup of version {int(line)}; this netnode reads version {VERSION}. Update netnode."
        raise Problem(text, code="backup_version")
    head = start + bytes(line) + b"\n"
    encoded = _read_sized(file, 4, MAX_HEADER, name)
    try:
        header = msgspec.json.decode(encoded, type=Header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise damaged(name) from None
    head += _sized(encoded, 4)
    first = _purpose(head)
    sealed = _read_sized(file, 2, _MAX_WRAPPED, name)
    head += _sized(sealed, 2)
    second = _purpose(head)
    wrapped = _read_sized(file, 2, _MAX_WRAPPED, name)
    head += _sized(wrapped, 2)
    return Head(header, sealed, wrapped, len(head), hashlib.sha256(head).digest(), (first, second))


def file_key(head: Head, opener: Opener, sealer: Sealer, name: str) -> bytes:
    """The key of the file.

    Raises:
        Problem: `backup_key`: this opener does not open this backup (exit 4).
    """
    if opener.home is not None and len(head.wrapped) > _NONCE:
        try:
            return AESGCM(opener.home).decrypt(head.wrapped[:_NONCE], head.wrapped[_NONCE:], head.purposes[1])
        except InvalidTag:
            pass  # perhaps the words
    if opener.words is not None:
        try:
            return sealer.open(OpeningKeys(opener.words), head.purposes[0], head.sealed)
        except CannotOpen:
            raise _refused(
                f"These recovery words do not open {name}. It is a backup of {head.header.id}: it opens with the words "
                "that were in force when it was made, if it was not altered since."
            ) from None
    raise _refused(
        f"The keys of this home do not open {name}: it was made by another home, before a rotation of the keys, or "
        "while they were locked. Give the recovery words with --words-file FILE."
    )


def chunks(file: BinaryIO, head: Head, key: bytes, name: str) -> Iterator[bytes]:
    """The body, piece by piece; each was authentic, and the whole is once the iterator ends.

    Args:
        file: behind what `read_head` read.
        head: what it read.
        key: `file_key`.
        name: of the file, for the messages.

    Raises:
        Problem: the body was altered or cut.
        OSError: the disk.
    """
    cipher = AESGCM(key)
    number = 0
    chunk = file.read(CHUNK + TAG)
    while True:
        after = file.read(CHUNK + TAG) if len(chunk) == CHUNK + TAG else b""
        last = not after
        try:
            piece = cipher.decrypt(_nonce(number, last), chunk, head.bound)
        except (InvalidTag, ValueError):
            raise damaged(name) from None
        if last and not piece and number:
            raise damaged(name)  # no writer ends a body so
        yield piece
        if last:
            return
        number, chunk = number + 1, after


def damaged(name: str) -> Problem:
    """The Problem for a backup that is not as it was written."""
    return Problem(
        f"The backup {name} is damaged or cut off. Use another one; 'netnode backup ls' shows those of this home.",
        code="backup_damaged",
        details={"path": name},
    )


def _refused(text: str) -> Problem:
    return Problem(text, ExitCode.REFUSED, "backup_key")


def _purpose(head: bytes) -> bytes:
    return _PURPOSE + hashlib.sha256(head).digest()


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + bytes([last])


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _read_sized(file: BinaryIO, width: int, most: int, name: str) -> bytes:
    length = file.read(width)
    size = int.from_bytes(length, "big")
    if len(length) < width or size > most:
        raise damaged(name)
    data = file.read(size)
    if len(data) < size:
        raise damaged(name)
    return data
