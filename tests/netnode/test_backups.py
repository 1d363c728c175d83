"""Backups of real homes: made, verified, restored, by schedule, and before a migration."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import apsw
import pytest

from netnode import node
from netnode.assembly import assembled, home_keys, services_of, system_ports
from netnode.backups import shelf
from netnode.backups.scratch import NAME, Watch
from netnode.config import Config
from netnode.home import Home
from netnode.homes import restoring
from netnode.keys import words
from netnode.operations import models
from netnode.operations.runtime import BackupKey, Created
from netnode.problems import ExitCode, Problem
from netnode.services.backups import HOUR_MS, LOOK_SECONDS
from netnode.store import schema, snapshot
from netnode.system import SystemDisk
from protocol.identity import parse_id
from tests.netnode.services_home import TestClock
from tests.netnode.store_version_1 import TABLES as TABLES_1


def made(path: Path) -> Created:
    return node.initialise(path, name="Ada", passphrase=None)


def key(created: Created) -> BackupKey:
    return BackupKey(words.decode_words(" ".join(created.words)))


async def published(home: Path, *keys: str) -> None:
    async with node.opened(home, passphrase=None) as services:
        for name in keys:
            await services.listings.publish({"key": name, "title": name, "kind": "want-ad"})


async def backed_up(home: Path, target: Path, **order: Any) -> models.BackupMade:
    async with node.opened(home, passphrase=None) as services:
        return await services.backups.create(models.BackupOrder(path=str(target), **order))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dated(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "node.lock"}


def looked_at(path: Path) -> tuple[int, bytes]:
    return stat.S_IMODE(path.stat().st_mode), path.read_bytes()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Created, Path]:
    """A home with three entries, and a backup of it."""
    path = tmp_path_factory.mktemp("homes") / "h"
    created = made(path)
    asyncio.run(published(path, "boots"))
    target = path.parent / "x.backup"
    asyncio.run(backed_up(path, target))
    return path, created, target


# -- made and verified ---------------------------------------------------------------------------------------
async def test_a_backup_is_private_verified_and_leaves_nothing_beside(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    home, created, _ = founded
    found = await backed_up(home, tmp_path)
    assert found.verified and found.own_entries == 3
    one = found.backup
    assert (one.id, one.network, one.entries, one.logs, one.whole) == (created.id, "inx", 3, 1, True)
    assert one.head is not None and one.head.seq == 2
    path = Path(one.path)
    assert path.parent == tmp_path and names(tmp_path) == [path.name]
    mode, data = looked_at(path)
    assert mode == 0o600 and len(data) == one.size
    assert NAME not in names(home)
    for secret in (
        (home / "keys.json").read_bytes(),
        b"SQLite format 3",
        b"boots",
        " ".join(created.words).encode(),
    ):
        assert secret not in data


async def test_the_recovery_sheet_and_the_token_are_not_in_it(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    home, created, target = founded
    (home / "token").write_text("ab" * 32)
    assert created.sheet.exists()
    await restoring.restore(tmp_path / "new", target, key(created), Watch())
    assert names(tmp_path / "new") == ["config.toml", "home.json", "keys.json", "node.lock", "store.sqlite3"]


async def test_it_never_replaces_a_file(founded: tuple[Path, Created, Path], tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(Problem, match="is there already") as caught:
        await backed_up(founded[0], tmp_path / "there")
    assert caught.value.exit_code is ExitCode.REFUSED and (tmp_path / "there").read_text() == "mine"


async def test_what_a_kill_left_beside_its_name_goes(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    for name in (".x.backup.abc.new", ".y.backup.abc.new"):
        (tmp_path / name).write_text("a part")
    await backed_up(founded[0], tmp_path / "x.backup", verify=False)
    assert names(tmp_path) == [".y.backup.abc.new", "x.backup"]


async def test_relative_paths_and_folders_that_are_not_there_are_told(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    with pytest.raises(Problem, match="no absolute path"):
        await backed_up(founded[0], Path("x.backup"))
    for folder in (tmp_path / "no", tmp_path / "no" / "such"):  # as when a stick is not plugged in
        with pytest.raises(Problem, match=f"There is no folder {folder}. Plug in its disk") as caught:
            await backed_up(founded[0], folder / "x.backup")
        assert caught.value.exit_code is ExitCode.NOT_FOUND
    with pytest.raises(Problem, match=f"There is no folder {tmp_path / 'no'}. Plug in its disk") as caught:
        await backed_up(founded[0], tmp_path / "no")  # meant as a folder: no ending
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    assert not (tmp_path / "no").exists()  # else the backup would lie on the disk that it is to outlive


async def test_entries_written_meanwhile_are_no_harm(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    created = await asyncio.to_thread(made, tmp_path / "h")
    async with node.opened(tmp_path / "h", passphrase=None) as services, asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(
                services.listings.publish({"key": f"k{number}", "title": "x", "kind": "want-ad"})
            )
        order = models.BackupOrder(path=str(tmp_path / "x.backup"))
        backup = group.create_task(services.backups.create(order))
    assert backup.result().verified
    restored = await restoring.restore(tmp_path / "new", tmp_path / "x.backup", key(created), Watch())
    assert 2 <= restored.own_entries <= 32


async def test_a_changed_backup_does_not_verify(founded: tuple[Path, Created, Path], tmp_path: Path) -> None:
    home, created, target = founded
    data = bytearray(target.read_bytes())
    data[-500] ^= 1
    (tmp_path / "bad.backup").write_bytes(data)
    async with node.opened(home, passphrase=None) as services:
        with pytest.raises(Problem, match="damaged or cut off"):
            await services.backups.verify(str(tmp_path / "bad.backup"))
        assert (await services.backups.verify(str(target))).own_entries == 3
    with pytest.raises(Problem, match="damaged or cut off"):
        await restoring.restore(tmp_path / "new", tmp_path / "bad.backup", key(created), Watch())
    assert names(tmp_path / "new") == ["node.lock"]
    assert (await restoring.verify_backup(target, key(created), Watch())).own_entries == 3


async def test_a_backup_of_a_damaged_log_is_not_kept(tmp_path: Path) -> None:
    home = tmp_path / "h"
    await asyncio.to_thread(made, home)
    await published(home, "boots")
    connection = apsw.Connection(str(home / "store.sqlite3"))
    connection.execute("UPDATE entry SET signature = zeroblob(64) WHERE place & 0xff = 2")
    connection.close()
    with pytest.raises(Problem, match="own log does not verify") as caught:
        await backed_up(home, tmp_path / "x.backup")
    assert caught.value.code == "backup_unsound" and names(tmp_path) == ["h"]


async def test_a_full_disk_leaves_nothing(
    founded: tuple[Path, Created, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full(self: SystemDisk, path: Path) -> Iterator[BinaryIO]:
        with real(self, path) as file:
            file.write(b"a part")
            raise OSError(errno.ENOSPC, "no space")
            yield file

    real = SystemDisk.writing
    monkeypatch.setattr(SystemDisk, "writing", full)
    with pytest.raises(Problem, match="the disk is full"):
        await backed_up(founded[0], tmp_path / "x.backup")
    assert names(tmp_path) == [] and NAME not in names(founded[0])


async def test_it_is_said_before_that_there_is_no_room(
    founded: tuple[Path, Created, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemDisk, "free", lambda self, path: 1024)
    with pytest.raises(Problem, match="no room for a copy of the store"):
        await backed_up(founded[0], tmp_path / "x.backup")
    with pytest.raises(Problem, match="no room for what the backup holds"):
        await restoring.restore(tmp_path / "new", founded[2], key(founded[1]), Watch())


async def test_cancelling_leaves_nothing(founded: tuple[Path, Created, Path], tmp_path: Path) -> None:
    async with node.opened(founded[0], passphrase=None) as services:
        for rounds in range(12):
            order = models.BackupOrder(path=str(tmp_path / "x.backup"))
            task = asyncio.ensure_future(services.backups.create(order))
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert names(tmp_path) == [] and NAME not in names(founded[0])
        assert (await services.backups.create(order)).verified


async def test_giving_up_what_is_not_in_work_spoils_nothing(founded: tuple[Path, Created, Path]) -> None:
    async with node.opened(founded[0], passphrase=None) as services:
        await services.backups.cancel()
        assert (await services.backups.verify(str(founded[2]))).verified
        assert (await services.backups.progress()).doing == ""


async def test_giving_up_leaves_nothing(founded: tuple[Path, Created, Path], tmp_path: Path) -> None:
    async with node.opened(founded[0], passphrase=None) as services:
        order = models.BackupOrder(path=str(tmp_path / "x.backup"))
        task = asyncio.ensure_future(services.backups.create(order))
        while not (await services.backups.progress()).doing:  # noqa: ASYNC110 - it tells no other way
            await asyncio.sleep(0)
        await services.backups.cancel()
        with pytest.raises(Problem, match="nothing was left half done"):
            await task
        assert names(tmp_path) == [] and NAME not in names(founded[0])


# -- restored ------------------------------------------------------------------------------------------------
async def test_a_restored_home_has_everything_and_is_cautious(tmp_path: Path) -> None:
    home, new = tmp_path / "h", tmp_path / "new"
    created = await asyncio.to_thread(made, home)
    async with node.opened(home, passphrase=None) as services:
        await services.listings.publish({"key": "boots", "title": "Boots", "kind": "want-ad"})
        await services.peers.add("ws://192.0.2.1:4747/inx/1")
        await services.config.set("listen", "127.0.0.1:4999")
    await backed_up(home, tmp_path / "x.backup")
    restored = await restoring.restore(new, tmp_path / "x.backup", key(created), Watch())
    assert restored.own_entries == 3 and not restored.protected
    assert stat.S_IMODE((new / "keys.json").stat().st_mode) == 0o600
    assert (new / "keys.json").read_bytes() == (home / "keys.json").read_bytes()
    async with node.opened(new, passphrase=None) as services:
        assert (await services.listings.show("boots")).title == "Boots"
        assert len((await services.peers.list(models.Listed())).items) == 1
        assert (await services.config.get("listen")).value == "127.0.0.1:4999"
        assert (await services.log.verify(None)).ok
        with pytest.raises(Problem, match="restored from a backup") as caught:
            await services.listings.publish({"key": "hats", "title": "x", "kind": "want-ad"})
        assert caught.value.code == "catching_up"


async def test_a_home_with_anything_in_it_is_left_alone(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    home, created, target = founded
    before = dated(home)
    with pytest.raises(Problem, match="not empty") as caught:
        await restoring.restore(home, target, key(created), Watch())
    assert caught.value.code == "home_not_empty"
    assert dated(home) == before
    (tmp_path / "holiday.jpg").write_text("x")
    os.chmod(tmp_path, 0o700)
    for _ in range(2):
        with pytest.raises(Problem, match="not empty"):
            await restoring.restore(tmp_path, target, key(created), Watch())
        assert (tmp_path / "holiday.jpg").read_text() == "x"
        (tmp_path / NAME).mkdir(exist_ok=True)  # nor is it taken for what an interrupted restore left


async def test_what_an_interrupted_restore_left_is_no_hindrance(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    new = tmp_path / "new"
    (new / NAME).mkdir(parents=True, mode=0o700)
    os.chmod(new, 0o700)
    (new / NAME / "keys.json").write_text("half")
    for name in ("store.sqlite3", "config.toml", "node.lock"):
        (new / name).write_text("")
    assert (await restoring.restore(new, founded[2], key(founded[1]), Watch())).own_entries == 3


async def test_other_words_and_another_home_do_not_open_it(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    other = await asyncio.to_thread(made, tmp_path / "other")
    with pytest.raises(Problem, match="recovery words do not open"):
        await restoring.restore(tmp_path / "new", founded[2], key(other), Watch())
    with pytest.raises(Problem, match="keys of this home do not open"):
        await restoring.restore(tmp_path / "new", founded[2], BackupKey(home=tmp_path / "other"), Watch())
    assert not (tmp_path / "new").exists()
    restored = await restoring.restore(tmp_path / "new", founded[2], BackupKey(home=founded[0]), Watch())
    assert restored.id == founded[1].id


async def test_a_header_that_claims_another_head_is_found_out(
    founded: tuple[Path, Created, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the home itself could write one such: what it checks is itself.
    from netnode.backups import writing

    monkeypatch.setattr(
        writing, "OwnHead", lambda epoch, term, seq, entry: archive_head(epoch, term, seq + 1, entry)
    )
    from netnode.backups.format import OwnHead as archive_head

    with pytest.raises(Problem, match="newest entry of its log is not the one it names"):
        await backed_up(founded[0], tmp_path / "x.backup")


# -- lists and schedule --------------------------------------------------------------------------------------
async def test_backups_are_listed_newest_first_in_pages(
    founded: tuple[Path, Created, Path], tmp_path: Path
) -> None:
    home = founded[0]
    other = await asyncio.to_thread(made, tmp_path / "other")
    assert other.id != founded[1].id
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in "abc":
        await backed_up(home, folder / f"{name}.backup", verify=False)
    await backed_up(tmp_path / "other", folder / "other.backup", verify=False)
    (folder / "broken.backup").write_bytes(b"netnode backup 1\nxx")
    (folder / "notes.txt").write_text("x")
    async with node.opened(home, passphrase=None) as services:
        query = models.BackupsQuery(folder=str(folder), limit=2)
        first = await services.backups.list(query)
        rest = await services.backups.list(
            models.BackupsQuery(folder=str(folder), limit=2, cursor=first.next)
        )
        assert [Path(one.path).name for one in first.items + rest.items] == [
            "c.backup", "b.backup", "a.backup", "broken.backup",
        ]  # fmt: skip
        assert [one.whole for one in rest.items] == [True, False] and rest.next is None
        assert (await services.backups.list(models.BackupsQuery())).items == []  # none by the schedule yet
        with pytest.raises(Problem, match="Plug in its disk") as missing:
            await services.backups.list(models.BackupsQuery(folder=str(tmp_path / "none")))
        assert missing.value.exit_code == ExitCode.NOT_FOUND


async def test_the_schedule_makes_one_when_due_and_keeps_the_newest(tmp_path: Path) -> None:
    home = Home(tmp_path / "h", SystemDisk())
    created = await asyncio.to_thread(made, home.path)
    Config(home.config, SystemDisk()).set("backup_folder", str(tmp_path / "shelf"))
    Config(home.config, SystemDisk()).set("backup_keep", "2")
    ports = system_ports()
    clock = TestClock()
    ports = replace(ports, clock=clock)
    async with assembled(home, ports, *home_keys(home, ports, None)) as parts:
        backups = services_of(parts).backups
        await backups.scheduled()  # it was just started
        clock.now += int(LOOK_SECONDS * 1000)
        with pytest.raises(Problem, match="There is no folder"):
            await backups.scheduled()
        (tmp_path / "shelf").mkdir()
        await backups.scheduled()
        first = names(tmp_path / "shelf")
        assert len(first) == 1 and first[0].startswith(f"netnode-{created.id[:12]}-")
        shelter = await backups.shelter()
        assert shelter.newest == clock.now and shelter.path == str(tmp_path / "shelf" / first[0])
        clock.now += HOUR_MS * 23
        await backups.scheduled()
        assert names(tmp_path / "shelf") == first
        (tmp_path / "shelf" / "mine.backup").write_text("kept")
        (tmp_path / "shelf" / f".{first[0]}.abc.new").write_text("left by a kill")
        for _ in range(3):
            clock.now += HOUR_MS * 24
            await backups.scheduled()
        left = names(tmp_path / "shelf")
        assert len(left) == 3 and "mine.backup" in left and first[0] not in left
        clock.now += HOUR_MS * 24
        (tmp_path / "shelf").chmod(0o500)
        if os.getuid() != 0:
            with pytest.raises(Problem, match="permission"):
                await backups.scheduled()
        (tmp_path / "shelf").chmod(0o700)


class TwoClocks(TestClock):
    """A wall clock that can be set without the other."""

    def __init__(self) -> None:
        super().__init__()
        self.monotonic_ms = 1_000

    def monotonic(self) -> float:
        return self.monotonic_ms / 1000

    def elapsed(self) -> float:
        return self.monotonic()


async def test_a_failure_of_the_schedule_is_told_until_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "h", SystemDisk())
    await asyncio.to_thread(made, home.path)
    ports = system_ports()
    clock = TwoClocks()
    ports = replace(ports, clock=clock)
    async with assembled(home, ports, *home_keys(home, ports, None)) as parts:
        services = services_of(parts)
        clock.monotonic_ms += int(LOOK_SECONDS * 1000)
        with monkeypatch.context() as patch:
            patch.setattr(SystemDisk, "free", lambda self, path: 0)
            with pytest.raises(Problem, match="no room"):
                await services.backups.scheduled()
            assert "no room" in ((await services.node.status()).backup_fault or "")
        await services.backups.scheduled()
        status = await services.node.status()
        assert (status.backup, status.backup_fault) == (clock.now, None)
        assert len(names(home.path / "backups")) == 1
        clock.monotonic_ms += int(LOOK_SECONDS * 1000)
        clock.now -= HOUR_MS * 48  # set back: no backup after backup until it caught up
        await services.backups.scheduled()
        assert (await services.node.status()).backup == clock.now + HOUR_MS * 48
        assert len(names(home.path / "backups")) == 1
        clock.monotonic_ms += HOUR_MS * 24
        await services.backups.scheduled()
        assert len(names(home.path / "backups")) == 2


def test_rotation_names_only_what_the_schedule_made() -> None:
    own, other = parse_id(OWN), bytes(32)
    mine = [shelf.file_name(own, 1_800_000_000_000 + day * 86_400_000) for day in range(9)]
    rest = [
        shelf.file_name(other, 1_700_000_000_000),
        shelf.file_name(own, 1_700_000_000_000, before=2),
        "shop.backup",
        mine[0] + ".old",
        "." + mine[0],
    ]
    assert shelf.superseded([*rest, *reversed(mine)], own, 7) == mine[:2]
    assert shelf.superseded(mine[:7], own, 7) == [] and shelf.superseded([], own, 7) == []


OWN = "nx1zsw7dzfzhvdmejpzdlaguwwss2m9ax5gdhjtpegzkh7y7vvsnlksuxu8sj"


# -- before a migration --------------------------------------------------------------------------------------
def make_older(home: Path) -> None:
    """Turns the store of a home into one of version 1, entries and all."""
    store = home / "store.sqlite3"
    old = home / "old"
    connection = apsw.Connection(str(old))
    for statement in ("PRAGMA journal_mode = WAL",):
        assert connection.execute(statement).get == "wal"
    connection.execute(TABLES_1)
    connection.execute("ATTACH ? AS new", (str(store),))
    for name in ("meta", "networker", "log", "opener", "entry", "peer"):
        columns = ", ".join(
            row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (name,))
        )
        connection.execute(f"INSERT INTO main.{name}({columns}) SELECT {columns} FROM new.{name}")
    connection.execute("UPDATE main.meta SET value = x'31' WHERE name = 'version'")
    connection.execute("DELETE FROM main.meta WHERE name LIKE 'catalogue%'")
    connection.close()
    for end in ("", "-wal", "-shm"):
        store.with_name(store.name + end).unlink(missing_ok=True)
    old.rename(store)


async def test_before_a_migration_there_is_a_backup_that_restores(tmp_path: Path) -> None:
    home = tmp_path / "h"
    created = await asyncio.to_thread(made, home)
    await published(home, "boots")
    make_older(home)
    async with node.opened(home, passphrase=None) as services:
        assert (await services.log.verify(None)).ok
        (one,) = (await services.backups.list(models.BackupsQuery())).items
    assert "-before-version-2" in one.path
    restored = await restoring.restore(tmp_path / "new", Path(one.path), key(created), Watch())
    assert restored.own_entries == 3
    async with node.opened(home, passphrase=None) as services:
        assert len((await services.backups.list(models.BackupsQuery())).items) == 1


async def test_with_locked_keys_too(tmp_path: Path) -> None:
    home = tmp_path / "h"
    created = await asyncio.to_thread(lambda: node.initialise(home, name="Ada", passphrase=b"open"))
    make_older(home)
    async with node.opened(home, passphrase=None) as services:
        (one,) = (await services.backups.list(models.BackupsQuery())).items
        with pytest.raises(Problem) as caught:
            await services.backups.create(models.BackupOrder())
        assert caught.value.code == "passphrase_needed"
    restored = await restoring.restore(tmp_path / "new", Path(one.path), key(created), Watch())
    assert restored.protected and restored.own_entries == 2


async def test_when_the_backup_cannot_be_written_the_store_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "h"
    await asyncio.to_thread(made, home)
    make_older(home)
    with monkeypatch.context() as patch:
        patch.setattr(SystemDisk, "free", lambda self, path: 0)
        with pytest.raises(Problem, match=r"makes a backup first, which failed\. There is no room"):
            async with node.opened(home, passphrase=None):
                pass
    connection = apsw.Connection(str(home / "store.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT value FROM meta WHERE name = 'version'").get == b"1"
    connection.close()
    async with node.opened(home, passphrase=None):
        pass
    connection = apsw.Connection(str(home / "store.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT value FROM meta WHERE name = 'version'").get == b"%d" % schema.VERSION
    connection.close()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_copy_that_is_given_up_leaves_nothing(tmp_path: Path, damaged: bool) -> None:
    path, into = tmp_path / "store.sqlite3", tmp_path / "copy.sqlite3"
    made = apsw.Connection(str(path))
    made.execute(
        "CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
        " INSERT INTO t SELECT randomblob(20) FROM n"
    )
    made.close()
    if damaged:
        with path.open("r+b") as file:
            file.seek(4096 * 20)
            file.write(bytes(4096 * 20))
    source = apsw.Connection(str(path))
    with pytest.raises(Problem if damaged else snapshot.Stopped):
        snapshot.copy(source, into, lambda: not damaged)
    source.close()
    assert list(tmp_path.iterdir()) == [path]
