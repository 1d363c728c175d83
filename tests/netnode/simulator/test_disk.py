"""The disk of a simulated node: faults, syncs, losses of power."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from netnode.simulator.chance import Stream
from netnode.simulator.disk import ROOM, SimDisk

FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SimDisk]:
    made = SimDisk(str(tmp_path), Stream(1, "disk"))
    yield made
    made.close()


def opened(disk: SimDisk, path: Path) -> apsw.Connection:
    connection = disk.open_database(path, FLAGS)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t(i INTEGER PRIMARY KEY, b BLOB)")
    return connection


@pytest.mark.parametrize("seed", range(60))
def test_a_loss_of_power_takes_back_what_was_not_synced_and_nothing_else(seed: int, tmp_path: Path) -> None:
    """Whatever is left is a whole state that was once committed, and no older than the last durable one."""
    disk, path, chance = SimDisk(str(tmp_path), Stream(seed, "disk")), tmp_path / "db", Stream(seed, "test")
    durable, number = 0, 0
    for _ in range(4):
        connection = opened(disk, path)
        connection.execute("PRAGMA wal_autocheckpoint = 10")
        number = connection.execute("SELECT coalesce(max(i), 0) FROM t").get
        assert connection.execute("PRAGMA integrity_check").get == "ok"
        assert number >= durable and connection.execute("SELECT count(*) FROM t").get == number
        reader = disk.open_database(path, apsw.SQLITE_OPEN_READONLY)
        assert reader.execute("SELECT count(*) FROM t").get == number
        if chance.below(2):
            disk.doom(write=chance.below(60) + 1)
        elif chance.below(2):
            disk.doom(commit=chance.below(10) + 1)
        try:
            for _ in range(20):
                full = chance.below(3) == 0
                connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
                with connection:
                    row = (number + 1, chance.token(chance.below(9_000)))
                    connection.execute("INSERT INTO t VALUES (?, ?)", row)
                number += 1
                durable = number if full else durable
        except apsw.Error:
            assert disk.doomed
        disk.lose_power()
        assert not (tmp_path / "db-shm").exists()
        disk.revive()
    disk.close()


def test_without_a_sync_commits_get_lost_in_some_seeds(tmp_path: Path) -> None:
    left = set()
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        disk = SimDisk(str(folder), Stream(seed, "disk"))
        connection = opened(disk, folder / "db")
        for number in range(10):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number + 1, b"x"))
        disk.lose_power()
        disk.revive()
        left.add(opened(disk, folder / "db").execute("SELECT count(*) FROM t").get)
        disk.close()
    assert min(left) == 0 and max(left) > 5 and len(left) > 3


def test_a_dead_disk_takes_nothing(disk: SimDisk, tmp_path: Path) -> None:
    connection = opened(disk, tmp_path / "db")
    disk.write_private(tmp_path / "file", b"old")
    disk.lose_power()
    assert disk.dead
    with pytest.raises(apsw.ConnectionClosedError):
        connection.execute("SELECT 1")
    for act in (
        lambda: disk.open_database(tmp_path / "db", FLAGS),
        lambda: disk.write_private(tmp_path / "file", b"new"),
        lambda: disk.remove(tmp_path / "file"),
        lambda: disk.sync(tmp_path),
    ):
        with pytest.raises(OSError, match="the power is off"):
            act()
    assert disk.read(tmp_path / "file") == b"old"
    disk.revive()
    disk.write_private(tmp_path / "file", b"new")
    assert disk.read(tmp_path / "file") == b"new"


def test_what_is_being_written_when_the_power_goes_leaves_the_old_file(disk: SimDisk, tmp_path: Path) -> None:
    disk.write_private(tmp_path / "file", b"old")
    with pytest.raises(OSError), disk.writing(tmp_path / "file") as file:
        file.write(b"half")
        disk.lose_power()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.glob("*.new"))) == 1  # nobody was there to remove it


@pytest.mark.parametrize("fault", ["full", "error", "readonly"])
def test_faults_of_a_database_and_of_files(fault: str, disk: SimDisk, tmp_path: Path) -> None:
    connection = opened(disk, tmp_path / "db")
    disk.write_private(tmp_path / "file", b"old")
    with disk.failing(fault):
        with pytest.raises(apsw.Error):
            connection.execute("INSERT INTO t VALUES (1, zeroblob(100000))")
        with pytest.raises(OSError):
            disk.write_private(tmp_path / "file", b"new")
        assert disk.free(tmp_path) == (0 if fault == "full" else ROOM)
        assert disk.failed >= 2
    connection.execute("INSERT INTO t VALUES (1, zeroblob(100000))")
    assert connection.execute("SELECT count(*) FROM t").get == 1
    assert disk.read(tmp_path / "file") == b"old" and not list(tmp_path.glob("*.new"))


def test_a_fault_can_come_after_some_writes(disk: SimDisk, tmp_path: Path) -> None:
    connection = opened(disk, tmp_path / "db")
    done = 0
    with disk.failing("error", after=20), pytest.raises(apsw.IOError):
        for _ in range(100):
            connection.execute("INSERT INTO t(b) VALUES (zeroblob(10000))")
            done += 1
    assert 0 < done < 20


def test_a_full_disk_lets_be_rewritten_what_is_there(disk: SimDisk, tmp_path: Path) -> None:
    connection = opened(disk, tmp_path / "db")
    connection.execute("INSERT INTO t VALUES (1, zeroblob(100000))")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    with disk.failing("full"):
        connection.execute("UPDATE t SET b = x'01'")  # into the log that has room already
    assert connection.execute("SELECT b FROM t").get == b"\x01"


def test_a_removed_file_may_come_back_until_its_folder_is_synced(tmp_path: Path) -> None:
    back = []
    for seed in range(20):
        disk, path = SimDisk(f"{tmp_path} {seed}", Stream(seed, "disk")), tmp_path / "file"
        disk.write_private(path, b"old")
        disk.remove(path)
        disk.lose_power()
        back.append(disk.exists(path))
        if back[-1]:
            assert disk.read(path) == b"old" and disk.permissions(path) == 0o600
        disk.revive()
        disk.remove(path)
        disk.sync(tmp_path)
        disk.lose_power()
        assert not disk.exists(path)
        disk.close()
    assert {True, False} == set(back)


def test_a_file_keeps_its_identity_and_a_copy_has_another(disk: SimDisk, tmp_path: Path) -> None:
    opened(disk, tmp_path / "db")
    disk.write_private(tmp_path / "other", b"")
    identity = disk.identity(tmp_path / "db")
    assert identity == disk.identity(tmp_path / "db") != disk.identity(tmp_path / "other")
    disk.forget(tmp_path / "db")
    assert disk.identity(tmp_path / "db") != identity
    with pytest.raises(FileNotFoundError):
        disk.identity(tmp_path / "none")


def test_commits_are_told(tmp_path: Path) -> None:
    told: list[int] = []
    disk = SimDisk(str(tmp_path), Stream(1, "disk"), told.append)
    connection = opened(disk, tmp_path / "db")
    before = len(told)
    connection.execute("INSERT INTO t VALUES (1, x'')")
    connection.execute("SELECT * FROM t").fetchall()
    assert len(told) == before + 1 and disk.commits == len(told)
    disk.close()


def test_a_doom_strikes_in_the_middle_of_a_commit(disk: SimDisk, tmp_path: Path) -> None:
    connection, struck = opened(disk, tmp_path / "db"), []
    disk.struck = lambda: struck.append(disk.commits)
    connection.execute("PRAGMA synchronous = FULL")
    disk.doom(commit=3)
    connection.execute("INSERT INTO t VALUES (1, x'')")
    connection.execute("INSERT INTO t VALUES (2, x'')")
    with pytest.raises(apsw.IOError):
        connection.execute("INSERT INTO t VALUES (3, x'')")
    assert disk.doomed and disk.dead and len(struck) == 1
    disk.lose_power()
    disk.revive()
    assert not disk.doomed
    assert opened(disk, tmp_path / "db").execute("SELECT count(*) FROM t").get == 2
