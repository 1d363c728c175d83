"""What a person reads when the database fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

from netnode.problems import Problem

DAMAGED: Final = "damaged"
FAILING: Final = "store"
_FULL: Final = "the disk is full. Free some space and try again"
# Who opens a database needs 32 KiB beside it for its index of the log; SQLite has no word of its own for their lack.
_NO_ROOM: Final = frozenset({apsw.SQLITE_IOERR_SHMSIZE})
_ADVICE: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, _FULL),
    (apsw.ReadOnlyError, "it is read-only. Check the owner and mode of the file and its folder"),
    (apsw.CantOpenError, "it cannot be opened. Check that its folder exists and is yours"),
    (apsw.PermissionsError, "you have no permission there. Check its owner and mode"),
    (apsw.BusyError, "another program is using it. Stop that program and try again"),
    (apsw.LockedError, "another program is using it. Stop that program and try again"),
    (apsw.CorruptError, "it is damaged. To save what can be read, stop the node and run: netnode repair"),
    (apsw.NotADBError, "it is damaged: it is no database. To save what can be read, run: netnode repair"),
    (apsw.IOError, "the disk reports an error. Check the disk and your backups"),
)


def store_problem(error: apsw.Error, path: str, doing: str) -> Problem | None:
    """The sentence for a failure of the disk or the file; None when the error is a mistake of this program.

    Args:
        error: what SQLite said.
        path: the database file.
        doing: a verb: ``read``, ``write``, ``open``.
    """
    for form, advice in _ADVICE:
        if isinstance(error, form):
            if getattr(error, "extendedresult", 0) in _NO_ROOM:
                advice = _FULL
            code = DAMAGED if isinstance(error, (apsw.CorruptError, apsw.NotADBError)) else FAILING
            return Problem(f"Cannot {doing} the store {path}: {advice}.", code=code, details={"path": path})
    return None


@contextmanager
def told(path: str, doing: str) -> Iterator[None]:
    """Turns failures of the disk or the file into a `Problem`; mistakes of this program pass unchanged."""
    try:
        yield
    except apsw.Error as error:
        problem = store_problem(error, path, doing)
        if problem is None:
            raise
        raise problem from error
