"""Takes a store back to an older version, so that a node meets the data directory of a former program."""

from __future__ import annotations

import re
from typing import Final

import apsw

from netnode.store.schema import MIGRATIONS, immediate

_TABLE: Final = re.compile(r"CREATE TABLE (\w+)")
_INDEX: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+)")
_COLUMN: Final = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+)")
_DROPPED: Final = {
    "DROP TABLE arrival": "CREATE TABLE arrival(number INTEGER PRIMARY KEY, tag BLOB NOT NULL)"
}


def age(connection: apsw.Connection, version: int = 1) -> None:
    """Undoes the migrations from a version on: their tables, indexes and columns go, with what is in them.

    Tables that they dropped are there again, empty.

    Args:
        connection: of a store that no node has open.
        version: the one to arrive at.

    Raises:
        ValueError: a migration does what this does not know to undo.
    """
    steps = [statement for step in sorted(MIGRATIONS) if step >= version for statement in MIGRATIONS[step]]
    with immediate(connection):
        for statement in reversed(steps):
            if (table := _TABLE.match(statement)) is not None:
                connection.execute(f"DROP TABLE {table[1]}")
            elif (index := _INDEX.match(statement)) is not None:
                connection.execute(f"DROP INDEX {index[1]}")
            elif (column := _COLUMN.match(statement)) is not None:
                connection.execute(f"ALTER TABLE {column[1]} DROP COLUMN {column[2]}")
            elif (dropped := _DROPPED.get(statement)) is not None:
                connection.execute(dropped)
            elif not statement.startswith("UPDATE"):
                raise ValueError(f"no way back from: {statement[:60]}")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", (str(version).encode(),))
