"""The production twins of the ports. The only module that touches the system's clock and randomness."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import platform
import queue
import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, MutableSequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, TypeVarTuple

import apsw

from netnode.ports import Lane

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_HUGE_PAGE: Final = 2 * 1024 * 1024
_MADV_COLLAPSE: Final = 25
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 1 << 20  # bytes: columns of a hundred thousand members; messages stay below
_MACHINE_IDS: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


class SystemClock:
    """The computer's clocks."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds, never going back."""
        return time.monotonic()

    def elapsed(self) -> float:
        """Seconds, never going back, those that the computer slept too."""
        # Why two: on Linux CLOCK_MONOTONIC stands still in a sleep, on macOS it goes on and CLOCK_BOOTTIME is missing.
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemEntropy:
    """The operating system's generator, for keys and for jitter alike."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = random.SystemRandom()

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        return os.urandom(size)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return self._numbers.uniform(low, high)

    def shuffle(self, members: MutableSequence[Any]) -> None:
        """Puts `members` into a random order, in place."""
        self._numbers.shuffle(members)


class ThreadExecutor:
    """Threads: one writes, one verifies, two read. One thread a lane keeps that lane's work in order."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        _share_memory()
        threads = {Lane.WRITER: 1, Lane.VERIFIER: 1, Lane.READER: 2}
        self._lanes = {lane: _Threads(f"netnode-{lane.value}", count) for lane, count in threads.items()}

    async def run(self, lane: Lane, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs ``function(*args)`` in its lane; see `netnode.ports.Executor` for what cancelling does."""
        return await self._lanes[lane].run(function, *args)

    def idle(self, lane: Lane) -> bool:
        """Whether nothing runs or waits in a lane; to be trusted for lanes of one thread, on the event loop."""
        return self._lanes[lane].idle

    async def close(self) -> None:
        """Waits for all work given so far; `run` raises RuntimeError after."""
        for lane in self._lanes.values():
            await asyncio.to_thread(lane.close)


def _share_memory() -> None:
    """Lets threads use again what others of them have let go of, and gives back to the system what was large.

    glibc gives each thread a heap of its own, whose free room the others cannot use; and once a large block was let go
    of, it puts blocks of that size into heaps as well, where their room stays. Only one thread runs Python at a time:
    one heap is enough. Large blocks have pages of their own, which grow without a copy and go back at once.
    """
    import ctypes  # late: only who opens a home needs it

    library = ctypes.CDLL(None) if os.name == "posix" else None
    mallopt = getattr(library, "mallopt", None)
    if mallopt is not None:  # other C libraries have none
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


class _Threads:
    """Threads that share one queue of work.

    Why not a ThreadPoolExecutor: its futures are guarded by locks and chained to those of the event loop, which
    takes three times as long per call, and an entry makes some calls at each node on its way.
    """

    __slots__ = ("_closed", "_done", "_given", "_queue", "_threads")

    def __init__(self, name: str, count: int) -> None:
        self._given = 0  # counted by the event loop
        self._done = 0  # counted by the thread
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}_{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs ``function(*args)`` in one of the threads."""
        if self._closed:
            raise RuntimeError("no work is taken any more")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._given += 1
        self._queue.put((loop, future, function, args))
        return await future

    @property
    def idle(self) -> bool:
        """Whether all work given is done."""
        return self._given == self._done

    def close(self) -> None:
        """Blocks until all work is done and the threads have ended."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            loop, future, function, args = work
            if future.cancelled():
                self._done += 1
                continue
            result, error = None, None
            try:
                result = function(*args)
            except BaseException as raised:  # the caller hears of it, whatever it is
                error = raised
            self._done += 1
            with suppress(RuntimeError):  # the loop is closed: nobody waits for the result
                loop.call_soon_threadsafe(_settle, future, result, error)
            # Nothing is kept alive until the next work comes.
            del work, loop, future, function, args, result, error


_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Runs on the event loop: gives the waiting caller its result, unless it stopped waiting."""
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class SystemDisk:
    """The file system."""

    __slots__ = ()

    def open_database(self, path: Path, flags: int) -> apsw.Connection:
        """Opens a SQLite database; raises OSError or an apsw error."""
        if flags & apsw.SQLITE_OPEN_CREATE:
            # SQLite itself would create it 0644; its WAL takes the mode of the database.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return apsw.Connection(str(path), flags=flags)

    def read(self, path: Path) -> bytes:
        """The whole content."""
        return path.read_bytes()

    def write_private(self, path: Path, data: bytes) -> None:
        """Writes beside, fsyncs, renames into place, fsyncs the folder; mode 0600 from the first byte."""
        with self.writing(path) as file:
            file.write(data)

    @contextmanager
    def writing(self, path: Path) -> Iterator[BinaryIO]:
        """A new private file that takes its name when the context ends well; see `netnode.ports.Disk`."""
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        with ExitStack() as undo:
            undo.callback(_give_up, beside)
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
            undo.pop_all()
        self.sync(path.parent)

    def free(self, path: Path) -> int:
        """The bytes this user may still write there."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def remove(self, path: Path) -> None:
        """Removes the file; fine when there is none."""
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        """Removes a folder with all that is in it."""
        shutil.rmtree(path)

    def exists(self, path: Path) -> bool:
        """Whether there is something at this path."""
        return path.exists()

    def permissions(self, path: Path) -> int:
        """The permission bits."""
        return path.stat().st_mode & 0o7777

    def identity(self, path: Path) -> int:
        """The inode."""
        return path.stat().st_ino

    def sync(self, path: Path) -> None:
        """Fsyncs a file or a folder."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _give_up(beside: str) -> None:
    with suppress(OSError):
        os.unlink(beside)


def retries(seconds: float, every: float = 0.05) -> Iterator[None]:
    """Yields with a pause before each, until `seconds` have passed: how long a command waits."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(every)
        yield None


def pause(seconds: float) -> None:
    """Waits; Ctrl-C ends it."""
    time.sleep(seconds)


def machine() -> str:
    """A fingerprint of this computer that does not name it, the same over restarts [R-LOG-22]."""
    name = platform.node()
    for path in _MACHINE_IDS:
        with suppress(OSError):
            if found := path.read_text("ascii", "replace").strip():
                name = found
                break
    return hashlib.sha256(b"netnode machine\x00" + name.encode()).hexdigest()


def freeze_memory() -> None:
    """Settles what a start leaves in memory: a full collection else halts all for 20 ms, small pages slow all down."""
    gc.collect()
    gc.freeze()
    with suppress(OSError, ValueError, AttributeError):  # other systems, older kernels
        _collapse_pages()


def _collapse_pages() -> None:
    """Has Linux (6.1 and later) put this process's memory into pages of 2 MiB, once.

    A node that is woken after a pause finds its memory by far fewer steps: a tenth less processor time for each entry
    that is passed on. It takes some 20 ms and no memory, since only whole pages are asked for.
    """
    import ctypes  # late: two milliseconds that few commands need

    advise = ctypes.CDLL(None, use_errno=True).madvise
    for line in Path("/proc/self/maps").read_text("ascii", "replace").splitlines():
        extent, rights, _, _, inode, *name = line.split()
        first, _, last = extent.partition("-")
        start, end = -(-int(first, 16) // _HUGE_PAGE) * _HUGE_PAGE, int(last, 16) // _HUGE_PAGE * _HUGE_PAGE
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]) and end > start:
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on an event loop: uvloop's where there is one, else asyncio's own."""
    try:
        import uvloop  # not on Windows
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def lan_address() -> str | None:
    """The address other computers of the network reach this one at; None without a network. Sends nothing."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # A documentation address: connecting a datagram socket only picks a route.
        probe.connect(("192.0.2.1", 9))
        address = str(probe.getsockname()[0])
        if not address.startswith(("127.", "0.")):
            return address
    return None


def own_addresses() -> tuple[str, ...]:
    """The IP addresses this computer talks to others from, IPv4 first; empty without a network. Sends nothing."""
    found = []
    # Documentation addresses: connecting a datagram socket only picks a route.
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            found.append(str(probe.getsockname()[0]))
    return tuple(found)
