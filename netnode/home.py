"""The home: the one folder that holds a networker's keys, store, settings and log file.

config.toml          settings (netnode.config)
keys.json            keystore, 0600 (netnode.keys.keystore)
store.sqlite3        the store, with its -wal and -shm beside it
node.lock            held by the one process that may write; the lock dies with the process
token                bearer token of the API, 0600
running.json         where the running node listens, 0600; removed at a clean stop
home.json            machine and path this home was last used at, and its store's inode
recovery-<8 of id>.txt the recovery sheet, 0600, to be moved away by its owner
node.log             what the node did
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
import platformdirs

from netnode.ports import Disk, Entropy
from netnode.problems import ExitCode, Problem, disk_problem

HOME_VARIABLE: Final = "NETNODE_HOME"
_TOKEN_SIZE: Final = 32
_TOKEN = re.compile(rb"[0-9a-f]{64}")


def named_home(text: str) -> Path:
    """The folder a person names; a ~ that no shell replaced (``--home=~/shop``) is theirs too."""
    return Path(os.path.expanduser(text))  # not Path.expanduser: that fails for a user there is not


def default_home(environ: Mapping[str, str]) -> Path:
    """NETNODE_HOME, or where this system keeps the data of a user's programs."""
    if named := environ.get(HOME_VARIABLE):
        return named_home(named)
    return Path(platformdirs.user_data_dir("netnode", appauthor=False))


class Running(msgspec.Struct, frozen=True):
    """The running node: process, API (``http://host:port``), peer address (``ws://...``), id."""

    pid: int
    api: str
    peer: str
    id: str


class _Origin(msgspec.Struct, frozen=True):
    """home.json: the machine (a fingerprint) and the real path this home was last used at, and its store's inode."""

    version: Literal[1]
    machine: str
    path: str
    store: int | None = None


class Home:
    """A home at a path; nothing is touched before a method is called.

    Args:
        path: the folder.
        disk: where its files are read and written.
    """

    __slots__ = ("_disk", "path")

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path.expanduser().absolute()
        self._disk = disk

    # -- places ----------------------------------------------------------------------------------------------
    @property
    def config(self) -> Path:
        """The settings."""
        return self.path / "config.toml"

    @property
    def keys(self) -> Path:
        """The keystore."""
        return self.path / "keys.json"

    @property
    def store(self) -> Path:
        """The store."""
        return self.path / "store.sqlite3"

    @property
    def log_file(self) -> Path:
        """What the node did."""
        return self.path / "node.log"

    def recovery_sheet(self, networker: str) -> Path:
        """The recovery sheet of a networker, named by the first 8 characters of its id text."""
        return self.path / f"recovery-{networker[:8]}.txt"

    # -- the folder ------------------------------------------------------------------------------------------
    def initialised(self) -> bool:
        """Whether a networker lives here: the home holds a keystore."""
        return self._disk.exists(self.keys)

    def refuse_lost_keys(self) -> None:
        """Refuses a home whose keystore is gone, so that no new networker takes the place of the old one's store.

        Raises:
            Problem: exit 4; there is a store that was in use, and no keystore.
        """
        if self._disk.exists(self.store) and self._disk.exists(self._origin_file) and not self.initialised():
            raise Problem(
                f"{self.path} holds the store of a networker, but its keys are gone: {self.keys} is missing. "
                "Put back a backup of that file. For a new networker name another folder with --home.",
                ExitCode.REFUSED,
                "keys_gone",
                {"path": str(self.keys)},
            )

    def create(self) -> None:
        """Makes the folder with mode 0700, or checks the one that is there.

        Raises:
            Problem: see `check`; or the folder cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not any(self.path.iterdir()) and self.path.stat().st_uid == os.getuid():
                self.path.chmod(0o700)  # nothing in it can have leaked, so it needs no question
        except FileExistsError:
            pass  # `check` says what it is
        except OSError as error:
            raise disk_problem(error, "create", self.path) from error
        self.check()

    def check(self) -> None:
        """Refuses a home that another user could read or owns.

        Raises:
            Problem: no such folder, not a folder, a foreign owner, or a looser mode than 0700; with the
                command that mends it.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError as error:
            text = f"There is no home at {self.path}. Make one with: netnode init --name NAME"
            raise Problem(text, ExitCode.NOT_FOUND, "no_home", {"path": str(self.path)}) from error
        except OSError as error:
            raise disk_problem(error, "read", self.path) from error
        if not stat.S_ISDIR(found.st_mode):
            raise Problem(f"{self.path} is a file, not a folder. Name another home with --home.", code="home")
        if found.st_uid != os.getuid():
            raise Problem(
                f"The home {self.path} belongs to another user (uid {found.st_uid}). "
                "Run netnode as that user, or name another home with --home.",
                code="home_owner",
            )
        if mode := stat.S_IMODE(found.st_mode) & 0o077:
            raise Problem(
                f"Other users of this computer can get into the home {self.path} "
                f"(mode {stat.S_IMODE(found.st_mode):04o}). Run: chmod 700 {self.path}",
                code="home_mode",
                details={"path": str(self.path), "loose": f"{mode:03o}"},
            )

    def remove_folder(self, name: str) -> None:
        """Removes a folder of the home with all that is in it; OSError when there is none, or it stays."""
        self._disk.remove_folder(self.path / name)

    # -- the lock --------------------------------------------------------------------------------------------
    @contextmanager
    def lock(self, retries: Iterable[object] = ()) -> Iterator[None]:
        """Makes this process the one writer of the home while the context lasts [R-LOG-20].

        The operating system drops the lock when the process ends, however it ends.

        Args:
            retries: after a refusal, tried again at each step of it (`netnode.system.retries` waits between).

        Raises:
            Problem: `locked`: another process holds it to the end of `retries`.
        """
        descriptor = self._take_lock(retries)
        try:
            # On a full disk the lock is held all the same, and its owner may look around.
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)  # the number of a process that holds nothing helps nobody
            os.close(descriptor)

    def _take_lock(self, retries: Iterable[object]) -> int:
        steps = iter(retries)
        while True:
            try:
                descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise disk_problem(error, "lock", self._lock_file) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_lock_file(descriptor):
                    return descriptor
                os.close(descriptor)  # somebody removed the file between: what we hold is no longer it
                continue
            except OSError as error:
                os.close(descriptor)
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise disk_problem(error, "lock", self._lock_file) from error
            try:
                next(steps)
            except StopIteration:
                raise self._locked() from None

    def _is_lock_file(self, descriptor: int) -> bool:
        try:
            named = os.stat(self._lock_file)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), named)

    def _locked(self) -> Problem:
        holder = self._holder()
        who = f" (pid {holder})" if holder is not None else ""
        return Problem(
            f"Another netnode process{who} is using the home {self.path}. "
            "Stop it with 'netnode stop', or wait until it has finished.",
            ExitCode.REFUSED,
            "locked",
            details={"path": str(self.path), "pid": holder},
        )

    @property
    def _lock_file(self) -> Path:
        return self.path / "node.lock"

    def _holder(self) -> int | None:
        """The process named in the lock file; only a hint, as it may have died."""
        try:
            return int(self._lock_file.read_bytes()[:20])
        except (OSError, ValueError):
            return None

    def in_use(self) -> bool:
        """Whether a process holds the home now; seen without writing, so on a disk that is read-only too."""
        try:
            # Why not for writing: on a disk that turned read-only a running node is found, and asked, all the same.
            descriptor = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    # -- the running node ------------------------------------------------------------------------------------
    @property
    def _running_file(self) -> Path:
        return self.path / "running.json"

    def running(self) -> Running | None:
        """The node that runs on this home, or None; a file left by a node that died is not believed."""
        try:
            found = msgspec.json.decode(self._disk.read(self._running_file), type=Running)
        except (OSError, msgspec.DecodeError):
            return None
        # The lock is probed last, because a probe could for an instant refuse a node that is starting.
        if found.pid == self._holder() and _is_alive(found.pid) and self.in_use():
            return found
        return None

    def write_running(self, running: Running) -> None:
        """Says where the node listens; the caller holds the lock.

        Raises:
            Problem: it cannot be written.
        """
        self._write(self._running_file, msgspec.json.encode(running))

    def remove_running(self) -> None:
        """Takes `running.json` away at a clean stop."""
        with suppress(OSError):
            self._disk.remove(self._running_file)

    # -- the API token ---------------------------------------------------------------------------------------
    @property
    def token_file(self) -> Path:
        """The bearer token of the API."""
        return self.path / "token"

    def token(self, entropy: Entropy) -> str:
        """The API's bearer token, made at first use; the caller holds the lock.

        Raises:
            Problem: the file is readable by others, damaged, or cannot be written.
        """
        if not self._disk.exists(self.token_file):
            self._write(self.token_file, entropy.token(_TOKEN_SIZE).hex().encode() + b"\n")
        return self.read_token()

    def read_token(self) -> str:
        """The bearer token of the running node, as its commands need it.

        Raises:
            Problem: there is none, others can read it, or it is damaged.
        """
        try:
            data = self._disk.read(self.token_file).strip()
            mode = self._disk.permissions(self.token_file)
        except OSError as error:
            raise disk_problem(error, "read", self.token_file) from error
        require_private(self.token_file, mode)
        if _TOKEN.fullmatch(data) is None:
            raise Problem(
                f"{self.token_file} is damaged. Remove it and start the node again: it writes a new one.",
                code="token",
            )
        return data.decode("ascii")

    # -- machine and path ------------------------------------------------------------------------------------
    @property
    def _origin_file(self) -> Path:
        return self.path / "home.json"

    def remember(self, machine: str) -> None:
        """Notes the machine and path the home is used at, and which file its store is [R-LOG-22].

        Args:
            machine: `netnode.system.machine()`.
        """
        origin = _Origin(1, machine, self._real_path(), self._store_file())
        self._write(self._origin_file, msgspec.json.encode(origin))

    def moved(self, machine: str) -> bool:
        """Whether this home came here as a copy: not the machine, path or store it remembers, or no memory at all.

        The store is one file for as long as the home lasts; a copy that was put back at its path is another, and an
        older one. A home without a keystore has not moved, it is new.
        """
        if not self.initialised():
            return False
        try:
            origin = msgspec.json.decode(self._disk.read(self._origin_file), type=_Origin)
        except (OSError, msgspec.DecodeError):
            return True
        if (origin.machine, origin.path) != (machine, self._real_path()):
            return True
        return origin.store is not None and origin.store != self._store_file()

    def _store_file(self) -> int | None:
        try:
            return self._disk.identity(self.store)
        except OSError:
            return None

    def _real_path(self) -> str:
        return os.path.realpath(self.path)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            self._disk.write_private(path, data)
        except OSError as error:
            raise disk_problem(error, "write", path) from error


def require_private(path: Path, mode: int) -> None:
    """Refuses a secret file that others can read.

    Raises:
        Problem: `mode` grants anything to group or others; with the chmod that mends it.
    """
    if mode & 0o077:
        raise Problem(
            f"Other users of this computer can read {path} (mode {mode:04o}). Run: chmod 600 {path}",
            code="file_mode",
            details={"path": str(path)},
        )


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
