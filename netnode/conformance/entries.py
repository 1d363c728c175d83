"""Headers and entries that stand alone; section 6.1."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, Final

from netnode.conformance.encoding import encode, examine
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import HASH_BYTES, MAX_INT, MAX_RECORD, MAX_SEQ, SIGNATURE_BYTES
from netnode.conformance.shapes import bin_, int_
from netnode.conformance.signatures import sign, valid
from netnode.conformance.tags import sha256, tag

NOTHING: Final = bytes(HASH_BYTES)
"""The `prev` of an inception."""

INCEPTION: Final = 0
PROFILE: Final = 1
ROTATION: Final = 2
LISTING: Final = 3
SETTLEMENT: Final = 4
WITHDRAW: Final = 5
CLOSE: Final = 6
STANDING: Final = 7
BLOCK: Final = 9
OPENERS: Final = (INCEPTION, ROTATION, SETTLEMENT)


@dataclass(frozen=True, slots=True)
class Header:
    """The ten fields of a header, in their order [R-ENTRY-1]."""

    version: int
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
        """Epoch and term."""
        return self.epoch, self.term

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encode(list(astuple(self)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it came; nothing is said of who signed it.

    Attributes:
        header: the fields.
        header_bytes: the bytes they came in. [R-ENTRY-7]
        signature: 64 bytes.
        record: its bytes, or None when it is gone.
    """

    header: Header
    header_bytes: bytes
    signature: bytes
    record: bytes | None

    @property
    def id(self) -> bytes:
        """[R-ENTRY-3]."""
        return sha256(self.header_bytes, self.signature)

    @property
    def seq(self) -> int:
        """Place in the log."""
        return self.header.seq

    @property
    def place(self) -> tuple[int, int]:
        """Epoch and term."""
        return self.header.place

    @property
    def opens(self) -> bool:
        """Whether its kind is that of an opener."""
        return self.header.kind in OPENERS

    def signed(self, network: str, key: bytes) -> bool:
        """Whether its own signature verifies under this key [R-ENTRY-4]."""
        return valid(key, tag(network, "entry") + self.header_bytes, self.signature)

    def alone(self) -> list[Any]:
        """The form of an entry that stands alone [R-ENTRY-5]."""
        return [self.header_bytes, self.signature, self.record]


def write_entry(network: str, seed: bytes, header: Header, record: bytes | None) -> Entry:
    """Signs a header [R-ENTRY-4]."""
    raw = header.encode()
    return Entry(header, raw, sign(seed, tag(network, "entry") + raw), record)


_FIELDS: Final = (
    int_(),  # the version, looked at before
    bin_(HASH_BYTES),
    int_(0, MAX_SEQ),
    bin_(HASH_BYTES),
    int_(),
    int_(),
    int_(),
    int_(),
    bin_(HASH_BYTES),
    int_(0, MAX_INT),  # MAX_RECORD has its own code, a step later
)


def read_header(data: bytes) -> Header:
    """The header in these bytes.

    Raises:
        Fault: `version`, `header`, `not_canonical` or `too_large`, in the order of R-ENTRY-6.
    """
    try:
        fields, canonical = examine(data)
    except Fault as fault:
        raise Fault("header", str(fault)) from fault
    demand(isinstance(fields, list) and len(fields) > 0 and int_(-MAX_INT)(fields[0]), "header", "no array")
    demand(fields[0] == 1, "version", f"version {fields[0]}")  # [R-ENTRY-2]
    right = len(fields) == len(_FIELDS) and all(
        is_(field) for is_, field in zip(_FIELDS, fields, strict=True)
    )
    demand(right, "header", "a field has a wrong type or is out of bounds")  # [R-ENTRY-1]
    demand(canonical, "not_canonical", "the header")
    header = Header(*fields)
    demand(header.record_length <= MAX_RECORD, "too_large", "the record")  # [R-ENTRY-9]
    return header


def read_entry(alone: object) -> Entry:
    """The entry in `[header, signature, record or nil]`.

    Raises:
        Fault: in the order of [R-ENTRY-6].
    """
    if not isinstance(alone, list) or len(alone) != 3:
        raise Fault("bad_message", "an entry has three members")
    raw, signature, record = alone
    if not isinstance(raw, bytes) or not isinstance(signature, bytes) or not isinstance(record, bytes | None):
        raise Fault("bad_message", "members of an entry are bin, the last may be nil")
    header = read_header(raw)
    demand(len(signature) == SIGNATURE_BYTES, "signature", "64 bytes")
    if record is None:
        demand(header.kind % 2 == 1, "record_missing", "of an even kind")  # [R-ENTRY-8]
    else:
        held = len(record) == header.record_length and sha256(record) == header.record_hash
        demand(held, "record_hash", "another record")
    return Entry(header, raw, signature, record)
