"""A store of an older version is brought up to what a new one is; a copy is kept first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from netnode.problems import Problem
from netnode.store import Reader, Store, schema
from netnode.system import SystemDisk, SystemEntropy
from tests.netnode.store_version_1 import make_store
from tests.netnode.test_store import Inline
from tests.protocol.author import NETWORK


async def opened(path: Path, saving: schema.Saving | None = None) -> Store:
    return await Store.open(path, NETWORK, SystemDisk(), Inline(), SystemEntropy(), saving=saving)


def shape(connection: apsw.Connection) -> dict[str, Any]:
    """Tables with their columns, keys and indexes; a column's place in its table does not count."""

    def rows(statement: str, *values: Any) -> list[Any]:
        return connection.execute(statement, values).fetchall()

    found: dict[str, Any] = {}
    for name, kind, columns, rowid, strict in rows(
        "SELECT name, type, ncol, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%'"
    ):
        found[name] = (
            (kind, columns, rowid, strict),
            sorted(rows('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', name)),
            sorted(rows('SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)', name), key=repr),
        )
    for kind, name, sql in rows(
        "SELECT type, name, sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"
    ):
        found[f"{kind} {name}"] = " ".join(sql.split())
    return found


@pytest.mark.parametrize("version", range(1, schema.VERSION))
async def test_a_migrated_store_is_like_a_new_one(tmp_path: Path, version: int) -> None:
    make_store(tmp_path / "old", NETWORK, version)
    shapes = []
    for name in ("old", "new"):
        store = await opened(tmp_path / name)
        assert await store.read(Reader.meta, "version") == str(schema.VERSION).encode()
        assert await store.read(Reader.check) == []
        shapes.append(await store.read(lambda reader: shape(reader.connection)))
        await store.close()
    assert shapes[0] == shapes[1]


async def test_a_copy_is_kept_before_anything_changes(tmp_path: Path) -> None:
    make_store(tmp_path / "s", NETWORK)
    saved: list[tuple[int, bytes | None, bool]] = []

    def saving(connection: apsw.Connection, version: int) -> None:
        found = connection.execute("SELECT value FROM meta WHERE name = 'version'").get
        saved.append((version, found, connection.in_transaction))

    await (await opened(tmp_path / "s", saving)).close()
    assert saved == [(1, b"1", False)]
    await (await opened(tmp_path / "s", saving)).close()
    await (await opened(tmp_path / "new", saving)).close()
    assert len(saved) == 1  # neither a store of this version nor a new one is migrated


async def test_without_a_copy_there_is_no_migration(tmp_path: Path) -> None:
    make_store(tmp_path / "s", NETWORK)

    def saving(connection: apsw.Connection, version: int) -> None:
        raise Problem("The disk is full.")

    with pytest.raises(Problem, match="disk is full"):
        await opened(tmp_path / "s", saving)
    connection = SystemDisk().open_database(tmp_path / "s", apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT value FROM meta WHERE name = 'version'").get == b"1"
    connection.close()


async def test_a_migration_that_fails_leaves_the_old_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_store(tmp_path / "s", NETWORK)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", {1: ("CREATE TABLE half(a)", "CREATE TABLE half(a)")})
        with pytest.raises(apsw.SQLError):
            await opened(tmp_path / "s")
    store = await opened(tmp_path / "s")
    assert "half" not in await store.read(lambda reader: shape(reader.connection))
    await store.close()
