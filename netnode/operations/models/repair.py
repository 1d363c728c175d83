"""What came out of a damaged store."""

from msgspec import Struct


class Repaired(Struct, frozen=True, kw_only=True):
    """A new store made of what could be read of a damaged one."""

    kept: str  # folder where the damaged store stands now; nothing of it was changed
    pages: int
    unreadable: int  # pages of which rows could not be read
    found: int  # entries that could be read
    entries: int  # that are in the new store
    logs: int
    own_newest: int | None  # highest own seq that could be read
    own_head: int | None  # highest own seq in the new store
    peers: int
    follows: int
    blobs: int
    lost: list[str]  # sentences
