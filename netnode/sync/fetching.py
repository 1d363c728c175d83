"""Fetches blobs through one session [R-BLOB-1..5]: chunk 0 first, then the others, each checked before it is kept.

It works inside its session: what the other side does wrong ends the session with code `blob` like any other fault,
and the end of the session ends the fetch. Nothing is fetched from an address that a peer names.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from netnode.ports import LinkClosed
from netnode.problems import Problem
from netnode.sync.conversation import Conversation
from protocol import blobs, messages
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError

IN_FLIGHT: Final = 4  # why: keeps a link busy over a round trip, and leaves half of the questions to the logs
FETCH_SECONDS: Final = 300.0  # why: 16 MiB at 56 KB/s; a peer slower than that holds the asker up for nothing
WAITING: Final = 8  # fetches of one session; the next is refused at once
GONE: Final = "the session ended before the blob was whole"

Admit = Callable[[int], None]
"""Told the bytes a blob will have; raises Problem when there is no room for it."""
Progress = Callable[[int, int], None]
"""Told the bytes checked so far and the bytes of the whole."""


class Fetching:
    """The fetches of one session, one after the other.

    Args:
        conversation: where it asks.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    async def fetch(self, blob: bytes, admit: Admit, progress: Progress) -> bytes:
        """A whole blob, proved by its name.

        Args:
            blob: its name, 32 bytes.
            admit: asked once its size is known.
            progress: told how far it is.

        Raises:
            NotHeld: the other side has it not, or not any more; it is too slow; the session is not open or ends.
            Problem: of `admit`.
            RemoteProtocolError: the other side sent what is not that blob; its session ends.
        """
        if self._closed or not self._conversation.greeted.is_set() or len(self._jobs) >= WAITING:
            raise NotHeld("busy", "the session is not open or busy with other blobs")
        job = _Job(blob, admit, progress)
        self._jobs.append(job)
        self._wake.set()
        return await job.done

    async def run(self) -> None:
        """Works until the session ends; a fault of the other side ends it."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._jobs:
                await self._work(self._jobs[0])
                self._jobs.popleft()
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    # A task group whose members failed raises their faults and forgets that it was cancelled.
                    raise asyncio.CancelledError

    def close(self) -> None:
        """The session is over: nobody waits any longer."""
        self._closed = True
        while self._jobs:
            self._jobs.popleft().fail(NotHeld("not_here", GONE))

    async def _work(self, job: _Job) -> None:
        if job.done.done():
            return  # who asked has gone
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                data = await self._assembled(job)
        except TimeoutError:
            job.fail(NotHeld("busy", "the peer sends too slowly"))
        except (NotHeld, Problem) as refusal:
            job.fail(refusal)
        except RemoteProtocolError as fault:
            job.fail(fault)
            raise
        else:
            if not job.done.done():
                job.done.set_result(data)

    async def _assembled(self, job: _Job) -> bytes:
        first = await self._chunk(job.blob, 0)
        assembly = blobs.Assembly(job.blob, first.size, first.manifest)
        job.admit(assembly.size)
        arrival = _Arrival(job, assembly)
        arrival.take(0, first)
        numbers = iter(assembly.missing)
        fault: ProtocolError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(IN_FLIGHT, assembly.count - 1)):
                    group.create_task(self._worker(arrival, numbers), name="chunks of a blob")
        except* ProtocolError as faults:
            fault = _worst(faults)
        if fault is not None:
            raise fault
        if arrival.whole is None:
            raise NotHeld("not_here", "who asked for the blob has gone")
        return arrival.whole

    async def _worker(self, arrival: _Arrival, numbers: Iterator[int]) -> None:
        for number in numbers:
            if arrival.job.done.done():
                return
            arrival.take(number, await self._chunk(arrival.job.blob, number))

    async def _chunk(self, blob: bytes, number: int) -> messages.Chunk:
        try:
            answer = await self._conversation.ask(messages.Fetch(chunk=number, hash=blob), messages.Chunk)
        except LinkClosed as closed:
            raise NotHeld("not_here", GONE) from closed
        if answer.data is None:
            raise NotHeld("not_here", "the peer does not hold this blob")
        return answer


class _Job:
    """One blob asked for."""

    __slots__ = ("admit", "blob", "done", "progress")

    def __init__(self, blob: bytes, admit: Admit, progress: Progress) -> None:
        self.blob = blob
        self.admit = admit
        self.progress = progress
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def fail(self, error: ProtocolError | Problem) -> None:
        """Tells who asked, if anybody still waits."""
        if not self.done.done():
            self.done.set_exception(error)


class _Arrival:
    """A blob on its way in; `whole` once it is proved."""

    __slots__ = ("_assembly", "_bytes", "job", "whole")

    def __init__(self, job: _Job, assembly: blobs.Assembly) -> None:
        self.job = job
        self.whole: bytes | None = None
        self._assembly = assembly
        self._bytes = 0

    def take(self, number: int, chunk: messages.Chunk) -> None:
        """Takes one chunk. Raises RemoteProtocolError (`blob`)."""
        if chunk.size != self._assembly.size:
            raise RemoteProtocolError(
                "blob", f"a blob of {self._assembly.size} bytes has {chunk.size} at chunk {number}"
            )
        data = chunk.data or b""
        self.whole = self._assembly.add(number, data)
        self._bytes += len(data)
        self.job.progress(self._bytes, self._assembly.size)


def _worst(group: BaseExceptionGroup[ProtocolError]) -> ProtocolError:
    """The fault to blame, if there is one among refusals."""
    flat: list[ProtocolError] = []
    left: deque[BaseException] = deque([group])
    while left:
        error = left.popleft()
        if isinstance(error, BaseExceptionGroup):
            left.extend(error.exceptions)
        elif isinstance(error, ProtocolError):
            flat.append(error)
    return next((error for error in flat if isinstance(error, RemoteProtocolError)), flat[0])
