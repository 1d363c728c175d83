"""Entries: a signed header and its record [R-ENTRY-1..9].

Header (canonical array of ten): version, author, seq, prev, epoch, term, time, kind, record hash, record length. The
first four and ``id = SHA-256(header + signature)`` are frozen for every version to come. The signature covers the
tag `entry` and the header bytes. Header and record are kept and relayed as the bytes they came in.

Three types carry how much is known: `bytes`, `Entry` (well-formed and its record matches its header) and
`AuthenticEntry` (its author wrote it at this place of the log: see `protocol.log`); stores take only the last.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.records.close import Close
from protocol.records.openers import Inception, Rotation, Settlement
from protocol.signing import SIGNATURE_BYTES, Signer, verify
from protocol.tags import tag

HEADER_VERSION: Final = 1
NO_PREV: Final = bytes(32)

INCEPTION: Final = Inception.KIND
ROTATION: Final = Rotation.KIND
SETTLEMENT: Final = Settlement.KIND
CLOSE: Final = Close.KIND
OPENERS: Final = frozenset({INCEPTION, ROTATION, SETTLEMENT})

_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_SEQ)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Header = tuple[int, _Hash, _Seq, _Hash, _Count, _Count, _Count, _Count, _Hash, _Count]
_header_decoder = msgspec.msgpack.Decoder(_Header)
_pack = msgspec.msgpack.Encoder().encode
_sha256 = hashlib.sha256


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry. `record` is None when it is gone (purged); `time` is int milliseconds UTC; hashes are 32 bytes."""

    header: bytes
    signature: bytes
    record: bytes | None
    id: bytes
    author: bytes
    seq: int
    prev: bytes
    epoch: int
    term: int
    time: int
    kind: int
    record_hash: bytes
    record_length: int

    @property
    def place(self) -> tuple[int, int]:
        """(epoch, term)."""
        return (self.epoch, self.term)

    @property
    def is_opener(self) -> bool:
        """Whether the kind is inception, rotation or settlement."""
        return self.kind in OPENERS

    @property
    def is_anchor(self) -> bool:
        """Whether this place needs a valid signature of its own [R-LOG-7]."""
        return self.seq % limits.ANCHOR_EVERY == 0

    def wire(self) -> list[bytes | None]:
        """[header, signature, record or nil]: an entry that stands alone."""
        return [self.header, self.signature, self.record]


if TYPE_CHECKING:  # a NewType of a Struct crashes mypy 2.4; at run time an authentic entry is the same object

    class AuthenticEntry(Entry, frozen=True):
        """An entry that `protocol.log` judged authentic; made there only, by a cast."""
else:
    AuthenticEntry = Entry


def pack_header(
    author: bytes,
    seq: int,
    prev: bytes,
    epoch: int,
    term: int,
    time: int,
    kind: int,
    record_hash: bytes,
    length: int,
) -> bytes:
    """The canonical header bytes [R-ENTRY-1]. Arguments are trusted to be within bounds."""
    return _pack((HEADER_VERSION, author, seq, prev, epoch, term, time, kind, record_hash, length))


def sign_entry(
    network: str,
    signer: Signer,
    *,
    author: bytes,
    seq: int,
    prev: bytes,
    epoch: int,
    term: int,
    time: int,
    kind: int,
    record: bytes,
) -> Entry:
    """Builds and signs one entry of an own log [R-ENTRY-4].

    Args:
        time: milliseconds UTC, not before the entry that `prev` names.
        record: canonical bytes, at most MAX_RECORD.

    Raises:
        LocalProtocolError: the record is too long.
    """
    if len(record) > limits.MAX_RECORD:
        raise LocalProtocolError(f"record of {len(record)} bytes, at most {limits.MAX_RECORD} fit an entry")
    digest = _sha256(record).digest()
    header = pack_header(author, seq, prev, epoch, term, time, kind, digest, len(record))
    signature = signer.sign(tag(network, "entry") + header)
    return Entry(
        header, signature, record, _sha256(header + signature).digest(), author, seq, prev, epoch, term, time, kind,
        digest, len(record),
    )  # fmt: skip


def signature_valid(network: str, key: bytes, entry: Entry) -> bool:
    """Whether the entry's own signature verifies under `key` (32-byte Ed25519 public key)."""
    return verify(key, entry.signature, tag(network, "entry") + entry.header)


def parse_entry(header: bytes, signature: bytes, record: bytes | None) -> Entry:
    """Reads one entry that stands alone; numbered checks, the first failure decides the code [R-ENTRY-6].

    Raises:
        RemoteProtocolError: `header`, `version`, `not_canonical`, `too_large`, `signature` (length),
            `record_missing`, `record_hash`.
    """
    try:
        fields = _header_decoder.decode(header)
    except (msgspec.MsgspecError, RecursionError) as error:
        if _has_other_version(header):
            raise RemoteProtocolError(
                "version", "an entry header of a version this program does not know"
            ) from error
        raise RemoteProtocolError("header", f"not a header: {error}") from error
    if fields[0] != HEADER_VERSION:
        raise RemoteProtocolError("version", f"entry header version {fields[0]} is not known here")
    if _pack(fields) != header:
        raise RemoteProtocolError("not_canonical", "the header is not in its canonical form")
    _, author, seq, prev, epoch, term, time, kind, digest, length = fields
    if length > limits.MAX_RECORD:
        raise RemoteProtocolError(
            "too_large", f"record of {length} bytes, at most {limits.MAX_RECORD} allowed"
        )
    if len(signature) != SIGNATURE_BYTES:
        raise RemoteProtocolError(
            "signature", f"a signature has {SIGNATURE_BYTES} bytes, this one {len(signature)}"
        )
    if record is None:
        if kind % 2 == 0:
            raise RemoteProtocolError(
                "record_missing", f"entry {seq} is ledger-critical and came without its record"
            )
    elif len(record) != length or _sha256(record).digest() != digest:
        raise RemoteProtocolError("record_hash", f"the record of entry {seq} is not the one its header names")
    return Entry(
        header, signature, record, _sha256(header + signature).digest(), author, seq, prev, epoch, term, time, kind,
        digest, length,
    )  # fmt: skip


def parse_wire(value: Any) -> Entry:
    """Reads ``[header, signature, record or nil]`` as decoded from a message or file.

    Raises:
        RemoteProtocolError: as `parse_entry`, and `bad_message` when the value has another shape.
    """
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not (isinstance(value[0], bytes) and isinstance(value[1], bytes))
        or not (value[2] is None or isinstance(value[2], bytes))
    ):
        raise RemoteProtocolError(
            "bad_message", "an entry is an array of header, signature, and record or nil"
        )
    return parse_entry(value[0], value[1], value[2])


def _has_other_version(header: bytes) -> bool:
    """A header of a later version may have more fields; it starts with an array and its version all the same."""
    try:
        value = msgspec.msgpack.decode(header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(value, list) and bool(value) and type(value[0]) is int and value[0] != HEADER_VERSION
