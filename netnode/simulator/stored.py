"""Stores looked at from outside: the disk of a home that is down, the ids of own entries, catalogues made anew."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from netnode.projections import catalogue
from netnode.simulator.oracle import Violation
from netnode.store.rows import entry_id

STORE: Final = "store.sqlite3"
_OWN: Final = {
    "entry": "SELECT header, signature FROM entry WHERE place BETWEEN ?1 << 40 AND (?1 << 40 | 1099511627775)",
    "aside": "SELECT header, signature FROM aside WHERE n = ?1",
    "branch": "SELECT header, signature FROM branch WHERE n = ?1",
    "opener": "SELECT header, signature FROM opener WHERE n = ?1",
}
_TABLES: Final = {
    "listing": "SELECT n, key, seq, withdrawn, time, expires, indexed, kind, entry FROM listing ORDER BY n, key",
    "record": "SELECT n, key, record FROM listing JOIN listing_record USING (l) ORDER BY n, key",
    "text": "SELECT n, key FROM listing WHERE l IN (SELECT rowid FROM listing_text_docsize) ORDER BY n, key",
    "profile": "SELECT * FROM profile ORDER BY n",
    "statement": "SELECT * FROM statement ORDER BY n, kind, target, subject",
    "void": "SELECT n, seq FROM void_entry WHERE key IS NULL ORDER BY n, seq",
    "projected": "SELECT n, low, high FROM projected ORDER BY n",
}


@contextmanager
def disk_copy(home: Path) -> Iterator[apsw.Connection]:
    """The store of a home that is down, opened from a copy, so that looking changes nothing.

    Args:
        home: the folder of the home.
    """
    with tempfile.TemporaryDirectory(prefix="netnode-look-") as folder:
        for path in sorted(home.glob(f"{STORE}*")):
            if not path.name.endswith("-shm"):
                shutil.copy(path, folder)
        connection = apsw.Connection(str(Path(folder) / STORE))
        try:
            yield connection
        finally:
            connection.close()


def own_ids(connection: apsw.Connection, author: bytes) -> set[bytes]:
    """Ids of all entries of one log that a store has: in the log, set aside, or kept as a branch that left it."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "networker" not in tables:
        return set()
    n = connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    if n is None:
        return set()
    return {
        entry_id(header, signature)
        for name, query in _OWN.items()
        if name in tables
        for header, signature in connection.execute(query, (n,))
    }


def own_requests(connection: apsw.Connection) -> set[str]:
    """Ids of the requests of credit that the owner of a store made, as owners read them."""
    return {id_.hex() for (id_,) in connection.execute("SELECT id FROM credit_request WHERE own")}


def require_projections(connection: apsw.Connection, network: str, now: int, who: str) -> None:
    """The catalogue is the one that the logs give when it is made anew; looked at in a copy in memory.

    Args:
        connection: reads the store.
        network: the network's name.
        now: ms UTC, by the node's clock.
        who: the node, for the text.

    Raises:
        Violation: `projection`.
    """
    copy = apsw.Connection(":memory:")
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step()
        _settle(copy, network, now)
        before = _catalogue(copy)
        catalogue.rebuild(copy)
        _settle(copy, network, now)
        for name, rows in _catalogue(copy).items():
            if rows != before[name]:
                text = f"{name}: {_difference(before[name], rows)}"
                raise Violation("projection", f"the catalogue of {who} is not what its logs give, {text}")
    finally:
        copy.close()


def _settle(connection: apsw.Connection, network: str, now: int) -> None:
    while not catalogue.advance(connection, network, now, 1_000_000).done:
        pass


def _catalogue(connection: apsw.Connection) -> dict[str, list[Any]]:
    return {name: connection.execute(query).fetchall() for name, query in _TABLES.items()}


def _difference(before: list[Any], after: list[Any]) -> str:
    gone, new = [row for row in before if row not in after], [row for row in after if row not in before]
    return f"{gone[:2]} against {new[:2]}"
