"""Bytes by their hash."""

from msgspec import Struct

from netnode.operations.models.shared import HashText


class BlobName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a blob."""

    hash: HashText


class BlobSize(Struct, frozen=True):
    """A blob that is held here, and its bytes."""

    hash: str
    size: int


class Blob(Struct, frozen=True, kw_only=True):
    """One line of the list of blobs held; `added` in ms; `own`: you added it, else it was fetched and may go again."""

    hash: str
    size: int
    added: int
    own: bool = True


class BlobProgress(Struct, frozen=True, kw_only=True):
    """How far a blob is here: `size` is null while it is unknown, `bytes` are those checked so far."""

    hash: str
    held: bool
    size: int | None = None
    bytes: int = 0
