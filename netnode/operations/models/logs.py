"""Logs and entries held here."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from netnode.operations.models.room import DistanceName
from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit, NetworkerText


class EntriesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries held, by author and seq; own log first. `author` narrows to one log."""

    author: NetworkerText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One entry, without its record. `record`: whether that is held; `void`: the code, if it is void."""

    author: str
    epoch: int
    term: int
    seq: int
    id: str
    time: int
    kind: int
    kind_name: str
    record: bool
    summary: str = ""  # what a person recognises it by, e.g. the key of a listing
    void: str | UnsetType = UNSET


class Log(Struct, frozen=True, kw_only=True):
    """One log held here and its head; `first`: the lowest seq held, `bytes` as the quotas count them."""

    author: str
    name: str | None
    entries: int  # held
    epoch: int
    term: int
    seq: int  # of the head
    head: str
    state: Literal["open", "forked", "contested", "closed"]
    followed: bool = False
    first: int = 0
    bytes: int = 0
    distance: DistanceName = "stranger"


class LogChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One log, or all held."""

    author: NetworkerText | None = None


class LogProblem(Struct, frozen=True):
    """What is wrong with an entry: machine code and sentence."""

    author: str
    seq: int
    code: str
    text: str


class Verified(Struct, frozen=True, kw_only=True):
    """Result of checking hashes, links, signatures and records again; `ok` when `problems` is empty."""

    ok: bool
    logs: int
    entries: int
    problems: list[LogProblem]


class LogImported(Struct, frozen=True, kw_only=True):
    """Result of reading a file of runs: entries new here, entries held before, entries refused."""

    added: int
    held: int
    logs: int
    refused: list[LogProblem]
