"""Links in virtual time: pipes that take time, break, clog and fill up as TCP with WebSockets over it does.

What a link never does is lose or reorder messages while it is open: a message that is cut in transit is lost with its
link. Bytes take their time on the line one after the other; a reader that is slow fills a bounded buffer, and then the
writer waits. A link that carries nothing for a heartbeat and a half is broken by whoever misses the answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from netnode.ports import LinkClosed
from netnode.simulator.chance import Stream
from netnode.simulator.virtual_time import VirtualLoop
from protocol import limits

BUFFER: Final = 256 * 1024  # bytes sent and not read before a sender waits
DEAD_AFTER: Final = 1.5 * limits.HEARTBEAT_SECONDS  # a ping, and half a heartbeat for its answer
FRAME: Final = 8  # bytes around a message


@dataclass(slots=True)
class Line:
    """How one direction of a link is.

    Attributes:
        latency: seconds each byte is on its way.
        jitter: up to so many seconds more, drawn for each message.
        bandwidth: bytes per second; 0: no bound.
    """

    latency: float
    jitter: float = 0.0
    bandwidth: float = 0.0


class SimLink:
    """One end of a link. `netnode.ports.Link`.

    Args:
        loop: virtual time.
        owner: name of the host whose end this is.
        remote: as the log shows the other side.
        host: the IP address of the other side.
    """

    __slots__ = (
        "_ended",
        "_inbox",
        "_read_rate",
        "_reader",
        "_ready_at",
        "_writers",
        "host",
        "in_flight",
        "loop",
        "owner",
        "remote",
        "to",
    )

    def __init__(self, loop: VirtualLoop, owner: str, remote: str, host: str) -> None:
        self.loop = loop
        self.owner = owner
        self.remote = remote
        self.host = host
        self.to: Pipe | None = None  # what this end writes into; None: not joined yet
        self.in_flight = 0  # bytes sent to this end and not read
        self._inbox: deque[bytes] = deque()
        self._ended: tuple[int, str] | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writers: deque[asyncio.Future[None]] = deque()
        self._ready_at = 0.0
        self._read_rate: Callable[[], float] = lambda: 0.0

    # -- the port --------------------------------------------------------------------------------------------
    async def send(self, data: bytes) -> None:
        """Sends one message; waits while the other side reads slowly."""
        if self._ended is not None or self.to is None:
            raise LinkClosed(*(self._ended or (1006, "")))
        self.to.put(data)
        while self.to.end.in_flight > BUFFER and self._ended is None:
            room = self.loop.create_future()
            self._writers.append(room)
            await room

    def offer(self, data: bytes) -> bool:
        """Sends one message on the spot, where none before it waits."""
        if self._ended is not None or self.to is None or self._writers:
            return False
        if self.to.end.in_flight + len(data) > BUFFER:
            return False
        self.to.put(data)
        return True

    async def receive(self) -> bytes:
        """The next message. Raises LinkClosed."""
        while True:
            if self._inbox and self._ready_at <= self.loop.time():
                data = self._inbox.popleft()
                self._read(len(data))
                return data
            if self._ended is not None and not self._inbox:
                raise LinkClosed(*self._ended)
            if self._inbox:
                await asyncio.sleep(self._ready_at - self.loop.time())
                continue
            self._reader = self.loop.create_future()
            await self._reader

    async def close(self, code: int = 1000, text: str = "") -> None:
        """Ends the link, saying why."""
        if self._ended is None:
            self._inbox.clear()
            self._end(code, text)
            if self.to is not None:
                self.to.put_close(code, text)
        await asyncio.sleep(0)

    # -- what the network does to it ---------------------------------------------------------------------------
    @property
    def open(self) -> bool:
        """Whether this end knows of no end."""
        return self._ended is None

    def reads_at(self, rate: Callable[[], float]) -> None:
        """Lets this end read so many bytes per second; 0: as fast as they come."""
        self._read_rate = rate

    def arrive(self, data: bytes) -> None:
        """A message is there."""
        if self._ended is None:
            self._inbox.append(data)
            self._wake()

    def broken(self, code: int = 1006, text: str = "the link broke") -> None:
        """This end learns that the link is gone; what came before can still be read when it was closed in order."""
        if self._ended is None:
            if code == 1006:
                self._inbox.clear()
            self._end(code, text)

    def _end(self, code: int, text: str) -> None:
        self._ended = (code, text)
        self._wake()
        while self._writers:
            self._free(self._writers.popleft())

    def _read(self, size: int) -> None:
        self.in_flight -= size
        rate = self._read_rate()
        if rate > 0:
            self._ready_at = max(self._ready_at, self.loop.time()) + size / rate
        if self.to is not None:
            far = self.to.end
            if self.in_flight <= BUFFER:
                while far._writers:
                    self._free(far._writers.popleft())

    def _wake(self) -> None:
        if self._reader is not None:
            self._free(self._reader)
            self._reader = None

    @staticmethod
    def _free(waiting: asyncio.Future[None]) -> None:
        if not waiting.done():
            waiting.set_result(None)


class Pipe:
    """One direction of a link: from the host `source` to the end of the host `target`.

    Args:
        line: its figures.
        chance: the jitter.
        source: name of the sending host.
        end: the end that receives.
        shut: whether nothing gets through from source to target now.
        delivered: told of each message that arrives.
    """

    __slots__ = (
        "_chance",
        "_coming",
        "_deaf",
        "_delivered",
        "_free_at",
        "_held",
        "_last",
        "_line",
        "_lost",
        "_shut",
        "cut_at",
        "end",
        "sent",
        "source",
    )

    def __init__(
        self,
        line: Line,
        chance: Stream,
        source: str,
        end: SimLink,
        shut: Callable[[], bool],
        delivered: Callable[[Pipe, bytes], None],
    ) -> None:
        self._line = line
        self._chance = chance
        self.source = source
        self.end = end
        self.sent = 0  # bytes
        self.cut_at: int | None = None  # the link breaks at this byte
        self._shut = shut
        self._delivered = delivered
        self._free_at = 0.0  # when the line has taken in all bytes so far
        self._last = 0.0  # when the newest message arrives: none overtakes it
        self._coming: deque[tuple[bytes | None, int, str]] = deque()
        self._held: deque[tuple[bytes | None, int, str]] = deque()
        self._lost: asyncio.TimerHandle | None = None
        self._deaf = False

    def put(self, data: bytes) -> None:
        """Takes a message onto the line."""
        size = len(data) + FRAME
        self.end.in_flight += len(data)
        if self._deaf:
            return
        if self.cut_at is not None and self.sent + size >= self.cut_at:
            at = self._arrival(self.cut_at - self.sent)
            self._deaf = True
            self.end.loop.call_at(at, self._cut)
            return
        self.sent += size
        self._coming.append((data, 0, ""))
        self.end.loop.call_at(self._arrival(size), self._arrive)

    def put_close(self, code: int, text: str) -> None:
        """Takes the close frame onto the line."""
        if not self._deaf:
            self._coming.append((None, code, text))
            self.end.loop.call_at(self._arrival(FRAME + len(text)), self._arrive)

    def _arrival(self, size: int) -> float:
        line, now = self._line, self.end.loop.time()
        self._free_at = max(now, self._free_at) + (size / line.bandwidth if line.bandwidth else 0.0)
        jitter = line.jitter * self._chance.random() if line.jitter else 0.0
        self._last = max(self._last, self._free_at + line.latency + jitter)
        return self._last

    def _arrive(self) -> None:
        # Timers of one moment come in any order, so each takes what is next on the line.
        coming = self._coming.popleft()
        if self._shut() or self._held:
            self._held.append(coming)
            return
        self._deliver(*coming)

    def _deliver(self, data: bytes | None, code: int, text: str) -> None:
        if data is None:
            self.end.broken(code, text)
        elif self.end.open:
            self._delivered(self, data)
            self.end.arrive(data)

    def _cut(self) -> None:
        """Both ends learn that the link was reset."""
        self.end.broken(text="the link was reset")
        if self.end.to is not None:
            self.end.to.end.broken(text="the link was reset")

    # -- faults ----------------------------------------------------------------------------------------------
    def look(self) -> None:
        """The network changed: what was held goes on, or the heartbeat begins to be missed."""
        if self._shut():
            if self._lost is None and self.end.open:
                self._lost = self.end.loop.call_later(DEAD_AFTER, self._missed)
            return
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        while self._held:
            self._deliver(*self._held.popleft())

    def _missed(self) -> None:
        """Pings of the receiving side stay without an answer: it gives the link up, and says so."""
        self._lost = None
        self.lose("no heartbeat")

    def lose(self, text: str) -> None:
        """The receiving end gives the link up."""
        if self.end.open:
            self.end.broken(text=text)
            if self.end.to is not None:
                self.end.to.put_close(1006, text)

    def silence(self) -> None:
        """The sending host is gone without a word; the receiving end misses it a heartbeat and a half later."""
        self._deaf = True
        self._held.clear()
        if self._lost is None and self.end.open:
            self._lost = self.end.loop.call_later(DEAD_AFTER, self._missed)
