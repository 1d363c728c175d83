"""The production twins of the ports."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import stat
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from netnode import system
from netnode.ports import Clock, Disk, Entropy, Executor, Lane

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_twins_fit_their_ports() -> None:
    clock: Clock = system.SystemClock()
    entropy: Entropy = system.SystemEntropy()
    disk: Disk = system.SystemDisk()
    assert clock.now_ms() > 1_700_000_000_000
    assert clock.monotonic() <= clock.monotonic()
    assert len(entropy.token(32)) == 32
    assert entropy.token(32) != entropy.token(32)
    assert 0.5 <= entropy.uniform(0.5, 1.5) <= 1.5
    members = list(range(50))
    entropy.shuffle(members)
    assert sorted(members) == list(range(50))
    assert not disk.exists(Path("/no/such/file"))


async def test_each_lane_keeps_its_order_and_the_writer_is_one_thread() -> None:
    executor: Executor = system.ThreadExecutor()
    seen: list[int] = []
    names: set[str] = set()

    def work(number: int) -> int:
        seen.append(number)
        names.add(threading.current_thread().name)
        return number

    results = await asyncio.gather(*(executor.run(Lane.WRITER, work, number) for number in range(100)))
    await executor.close()
    assert results == seen == list(range(100))
    assert len(names) == 1


_LARGE = """
import ctypes
from pathlib import Path
from netnode.system import ThreadExecutor
ThreadExecutor()
first = bytearray(16 << 20)
del first  # from here on glibc by itself would put as large ones into the heap
second = bytearray(8 << 20)
place = ctypes.addressof(ctypes.c_char.from_buffer(second))
for line in Path("/proc/self/maps").read_text().splitlines():
    begin, _, end = line.split()[0].partition("-")
    if int(begin, 16) <= place < int(end, 16):
        print("heap" if "[heap]" in line else "apart")
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is told is glibc's own")
def test_large_blocks_have_pages_of_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", _LARGE], stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.strip() == "apart"


async def test_readers_do_not_wait_for_the_writer() -> None:
    executor = system.ThreadExecutor()
    release = threading.Event()
    writing = asyncio.ensure_future(executor.run(Lane.WRITER, release.wait))
    assert await executor.run(Lane.READER, lambda: "read") == "read"
    assert await executor.run(Lane.VERIFIER, lambda: "verified") == "verified"
    release.set()
    assert await writing
    await executor.close()


async def test_errors_come_back_to_the_caller() -> None:
    executor = system.ThreadExecutor()

    def fail() -> None:
        raise KeyError("here")

    with pytest.raises(KeyError):
        await executor.run(Lane.VERIFIER, fail)
    await executor.close()
    with pytest.raises(RuntimeError):
        await executor.run(Lane.VERIFIER, fail)


async def test_cancelling_drops_what_has_not_begun_and_finishes_what_has() -> None:
    executor = system.ThreadExecutor()
    begun, release = threading.Event(), threading.Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        release.wait()
        done.append("slow")

    first = asyncio.ensure_future(executor.run(Lane.WRITER, slow))
    second = asyncio.ensure_future(executor.run(Lane.WRITER, done.append, "queued"))
    await asyncio.to_thread(begun.wait)
    for waiting in (first, second):
        waiting.cancel()
    assert [type(result) for result in await asyncio.gather(first, second, return_exceptions=True)] == [
        asyncio.CancelledError,
        asyncio.CancelledError,
    ]
    release.set()
    await executor.close()
    assert done == ["slow"]


def test_write_private_replaces_whole_with_mode_0600(tmp_path: Path) -> None:
    disk, path = system.SystemDisk(), tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o644)
    disk.write_private(path, b"new")
    assert disk.read(path) == b"new"
    assert _mode(path) == disk.permissions(path) == 0o600
    assert os.listdir(tmp_path) == ["secret"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, path = system.SystemDisk(), tmp_path / "secret"
    disk.write_private(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        disk.write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["secret"]


def test_remove_is_fine_with_no_file(tmp_path: Path) -> None:
    disk, path = system.SystemDisk(), tmp_path / "file"
    disk.write_private(path, b"x")
    disk.remove(path)
    disk.remove(path)
    assert not disk.exists(path)


def test_a_database_and_its_wal_are_private(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    connection = system.SystemDisk().open_database(path, _FLAGS)
    connection.execute("pragma journal_mode=wal; create table t(x); insert into t values (1)").fetchall()
    assert {file.name: _mode(file) for file in tmp_path.iterdir()} == {
        "store.sqlite3": 0o600,
        "store.sqlite3-wal": 0o600,
        "store.sqlite3-shm": 0o600,
    }
    connection.close()
    system.SystemDisk().sync(path)


def test_opening_for_reading_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        system.SystemDisk().open_database(tmp_path / "none.sqlite3", apsw.SQLITE_OPEN_READONLY)
    assert os.listdir(tmp_path) == []


def test_retries_end() -> None:
    assert list(system.retries(0)) == []
    assert len(list(system.retries(0.01, every=0.002))) >= 1


def test_the_machine_has_one_fingerprint() -> None:
    assert system.machine() == system.machine()
    assert len(system.machine()) == 64


def test_memory_is_settled_on_any_system() -> None:
    system.freeze_memory()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
