"""The home: modes, the lock, the running node, the token, machine and path."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netnode.home import Home, Running, default_home, named_home
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk, SystemEntropy, retries

_HOLDER = """
import sys
from pathlib import Path
from netnode.home import Home, Running
from netnode.system import SystemDisk
import os
home = Home(Path(sys.argv[1]), SystemDisk())
with home.lock():
    home.write_running(Running(os.getpid(), "http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", "nx1x"))
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home", SystemDisk())
    made.create()
    return made


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock and says it runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


# -- the folder ------------------------------------------------------------------------------------------------
def test_the_default_home(tmp_path: Path) -> None:
    assert default_home({"NETNODE_HOME": str(tmp_path)}) == tmp_path
    assert default_home({}).name == "netnode"


def test_a_tilde_no_shell_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named_home("~/shop") == default_home({"NETNODE_HOME": "~/shop"}) == tmp_path / "shop"
    assert named_home("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")


def test_a_new_home_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b", SystemDisk())
    home.create()
    assert _mode(home.path) == 0o700
    home.create()
    assert not home.initialised()


def test_an_empty_folder_is_made_private_without_a_question(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Home(tmp_path, SystemDisk()).create()
    assert _mode(tmp_path) == 0o700


def test_a_looser_home_is_refused_with_the_command_that_mends_it(home: Home) -> None:
    home.keys.write_text("{}")
    home.path.chmod(0o750)
    for call in (home.create, home.check):
        with pytest.raises(Problem, match=f"mode 0750.*Run: chmod 700 {home.path}"):
            call()


def test_a_foreign_home_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(Problem, match="belongs to another user"):
        home.create()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(Problem, match="is a file, not a folder"):
        Home(path, SystemDisk()).create()
    with pytest.raises(Problem, match=r"Cannot create .* a part of that path is a file"):
        Home(path / "home", SystemDisk()).create()


def test_no_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="netnode init") as caught:
        Home(tmp_path / "none", SystemDisk()).check()
    assert caught.value.exit_code is ExitCode.NOT_FOUND


def test_the_recovery_sheet_is_named_by_the_id(home: Home) -> None:
    assert home.recovery_sheet("nx1abcdefghijk").name == "recovery-nx1abcde.txt"


def test_the_files_of_a_home(home: Home) -> None:
    files = (home.config, home.keys, home.store, home.log_file, home.token_file)
    assert [file.name for file in files] == ["config.toml", "keys.json", "store.sqlite3", "node.log", "token"]
    assert {file.parent for file in files} == {home.path}


def test_a_path_without_end(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(Problem, match=r"Cannot read .* a chain of links"):
        Home(tmp_path / "loop", SystemDisk()).check()


# -- the lock --------------------------------------------------------------------------------------------------
def test_the_lock_comes_back(home: Home) -> None:
    for _ in range(2):
        with home.lock():
            assert (home.path / "node.lock").read_text() == f"{os.getpid()}\n"
    assert _mode(home.path / "node.lock") == 0o600


def test_two_writers_never_exist(home: Home, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Problem) as caught, home.lock():
        pytest.fail("two writers")
    assert f"(pid {holder.pid})" in caught.value.text
    assert str(home.path) in caught.value.text
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.code == "locked"


def test_nor_within_one_process(home: Home) -> None:
    with home.lock(), pytest.raises(Problem, match="Another netnode process"), home.lock():
        pytest.fail("two writers")


def test_the_lock_dies_with_a_killed_process(home: Home, holder: subprocess.Popen[str]) -> None:
    running = home.running()
    assert running is not None
    assert running.pid == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert home.running() is None
    with home.lock():
        pass


def test_a_command_waits_for_the_lock(home: Home, holder: subprocess.Popen[str]) -> None:
    steps: list[str] = []

    def patience() -> Iterator[None]:
        steps.append("refused")
        yield
        steps.append("refused again")
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait()
        yield

    with home.lock(patience()):
        assert steps == ["refused", "refused again"]


def test_waiting_ends(home: Home, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Problem, match="Another netnode"), home.lock(retries(0.02, every=0.01)):
        pytest.fail("two writers")


def test_a_removed_lock_file_gives_no_second_lock_to_its_holder(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is swapped between open and flock: what was locked then is a file nobody else looks at."""
    real = fcntl.flock
    calls: list[int] = []

    def swap(descriptor: int, operation: int) -> None:
        real(descriptor, operation)
        if not calls:
            (home.path / "node.lock").unlink()
        calls.append(descriptor)

    monkeypatch.setattr(fcntl, "flock", swap)
    with home.lock():
        assert len(calls) == 2
        assert (home.path / "node.lock").read_text() == f"{os.getpid()}\n"


def test_no_folder_to_lock(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Cannot lock"), Home(tmp_path / "none", SystemDisk()).lock():
        pass


def _take(path: Path, tries: int, inside: Path, failures: Path) -> None:
    home = Home(path, SystemDisk())
    for _ in range(tries):
        with home.lock(retries(30, every=0.001)):
            try:
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
                os.unlink(inside)
            except OSError as error:
                failures.write_text(str(error))


def test_many_processes_take_turns(home: Home, tmp_path: Path) -> None:
    inside, failures = tmp_path / "inside", tmp_path / "failures"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_take, args=(home.path, 20, inside, failures)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert not failures.exists()


# -- the running node ------------------------------------------------------------------------------------------
def test_a_running_node_is_found_until_it_says_goodbye(home: Home) -> None:
    mine = Running(os.getpid(), "http://127.0.0.1:4747", "ws://127.0.0.1:4747/inx/1", "nx1x")
    assert home.running() is None
    with home.lock():
        home.write_running(mine)
        assert _mode(home.path / "running.json") == 0o600
        assert home.running() == mine
        home.remove_running()
        assert home.running() is None


def test_a_stale_file_is_not_believed(home: Home) -> None:
    mine = Running(os.getpid(), "http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", "nx1x")
    home.write_running(mine)  # a live process that holds no lock
    assert home.running() is None
    (home.path / "node.lock").write_text(f"{os.getpid()}\n")
    assert home.running() is None
    with home.lock():
        home.write_running(Running(-1, mine.api, mine.peer, mine.id))
        assert home.running() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe"])
def test_a_damaged_running_file_is_none(home: Home, content: bytes) -> None:
    (home.path / "running.json").write_bytes(content)
    assert home.running() is None


# -- the token -------------------------------------------------------------------------------------------------
def test_the_token_is_made_once_and_private(home: Home) -> None:
    token = home.token(SystemEntropy())
    assert len(token) == 64
    assert home.token(SystemEntropy()) == home.read_token() == token
    assert _mode(home.token_file) == 0o600


def test_no_token_yet(home: Home) -> None:
    with pytest.raises(Problem, match=r"Cannot read .*token"):
        home.read_token()


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 64])
def test_a_damaged_token(home: Home, content: bytes) -> None:
    home.token_file.write_bytes(content)
    home.token_file.chmod(0o600)
    with pytest.raises(Problem, match=r"is damaged. Remove it"):
        home.token(SystemEntropy())


def test_a_token_others_can_read(home: Home) -> None:
    home.token(SystemEntropy())
    home.token_file.chmod(0o640)
    with pytest.raises(Problem, match=f"mode 0640.*chmod 600 {home.token_file}"):
        home.read_token()


# -- machine and path ------------------------------------------------------------------------------------------
def test_a_home_knows_when_it_was_moved(home: Home, tmp_path: Path) -> None:
    assert not home.moved("here")  # new
    home.keys.write_text("{}")
    assert home.moved("here")  # keys without a memory: somebody copied them
    home.remember("here")
    assert not home.moved("here")
    assert home.moved("another machine")
    home.path.rename(tmp_path / "elsewhere")
    assert Home(tmp_path / "elsewhere", SystemDisk()).moved("here")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    elsewhere = Home(tmp_path / "elsewhere", SystemDisk())
    elsewhere.remember("here")
    assert not Home(tmp_path / "link", SystemDisk()).moved("here")


def test_a_home_knows_its_store(home: Home) -> None:
    """A copy put back at the same path is another file, and an older one [R-LOG-22]."""
    home.keys.write_text("{}")
    home.store.write_bytes(b"store")
    home.remember("here")
    assert not home.moved("here")
    copy = home.path / "copy"
    shutil.copy(home.store, copy)
    home.store.write_bytes(b"written to, the same file")
    assert not home.moved("here")
    copy.replace(home.store)
    assert home.moved("here")
    home.remember("here")
    assert not home.moved("here")
    home.store.unlink()
    assert home.moved("here")


def test_a_damaged_memory_counts_as_moved(home: Home) -> None:
    home.keys.write_text("{}")
    (home.path / "home.json").write_text("{")
    assert home.moved("here")


def test_a_full_disk_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match=r"Cannot write .*token: the disk is full\. Free some space"):
        home.token(SystemEntropy())


def test_a_store_whose_keys_are_gone_is_not_taken_for_a_new_home(home: Home) -> None:
    home.refuse_lost_keys()
    home.store.write_bytes(b"logs")
    home.refuse_lost_keys()  # an init that was interrupted
    home.remember("machine")
    with pytest.raises(Problem, match="keys are gone") as caught:
        home.refuse_lost_keys()
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.REFUSED, "keys_gone")
    home.keys.write_bytes(b"{}")
    home.refuse_lost_keys()


def test_a_full_disk_keeps_nobody_from_the_lock(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process number in it is a hint; its owner may look at what is there."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with home.lock(), pytest.raises(Problem, match="is using the home"), home.lock():
        pass


def test_a_running_node_is_found_on_a_disk_that_turned_read_only(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by hand: `status` could not lock the home, and the node that could have told why was not asked."""
    mine = Running(os.getpid(), "http://127.0.0.1:4747", "ws://127.0.0.1:4747/inx/1", "nx1x")
    really = os.open

    def read_only(path: str | Path, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "read-only", str(path))
        return really(path, flags, *more)

    with home.lock():
        home.write_running(mine)
        monkeypatch.setattr(os, "open", read_only)
        assert home.running() == mine
        with pytest.raises(Problem, match="read-only"), home.lock():
            pass
