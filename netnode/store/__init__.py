"""The store: one SQLite database that holds logs, peers and blobs (writer, readers, group commit)."""

from netnode.store.group import GroupCommit
from netnode.store.reader import Reader
from netnode.store.rows import Change, LogRow, Missing, PeerRow
from netnode.store.store import Store
from netnode.store.writer import Writer

__all__ = ["Change", "GroupCommit", "LogRow", "Missing", "PeerRow", "Reader", "Store", "Writer"]
