"""A link over an open WebSocket, on the connection itself: no task or queue lies between it and who reads.

The handshake is HTTP and `netnode.links`' business; then `WebSocketLink` takes the connection over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from netnode import frames
from netnode.frames import BINARY, FrameFault, FrameReader, closed, closing, frame
from netnode.ports import Entropy, LinkClosed
from protocol import limits

# Why: what one slow reader may hold of this node's memory before a send waits
SEND_BUFFER: Final = 256 * 1024
RECEIVE_BUFFER: Final = (
    128 * 1024
)  # messages that wait to be received; beyond it nothing is read from the network
MESSAGE_COST: Final = 64  # bytes that a message takes besides its own
DEAD_AFTER: Final = 1.5  # heartbeats without a sign of life: a ping, and half a heartbeat for its answer
CLOSE_SECONDS: Final = 1.0  # why: the other side's answer to a close is politeness, not needed


class WebSocketLink(asyncio.Protocol):
    """A link over an open WebSocket of either side.

    Args:
        remote: the address of the other side, for the log.
        host: its IP address; empty when it is not known.
        entropy: for the masks of a client; None on the server's side.
    """

    __slots__ = (
        "_ended",
        "_entropy",
        "_frames",
        "_heard",
        "_held",
        "_inbox",
        "_lost",
        "_on_lost",
        "_paused",
        "_said_goodbye",
        "_time",
        "_timer",
        "_transport",
        "_waiter",
        "_writable",
        "host",
        "remote",
    )

    def __init__(self, remote: str, host: str, entropy: Entropy | None) -> None:
        self.remote = remote
        self.host = host
        self._entropy = entropy
        self._frames: FrameReader | None = FrameReader(limits.MAX_NOISE_MESSAGE, masked=entropy is None)
        self._inbox: deque[bytes] = deque()
        self._held = 0  # bytes of these
        self._paused = False  # nothing is read from the network
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended: tuple[int, str] | None = None
        self._said_goodbye = False
        self._lost = asyncio.Event()
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._time: Callable[[], float] = asyncio.get_running_loop().time
        self._heard = self._time()

    def take_over(self, transport: asyncio.Transport, on_lost: Callable[[Exception | None], None]) -> None:
        """Begins, on a connection whose handshake is over.

        Args:
            transport: the connection.
            on_lost: called when it is lost, as `asyncio.BaseProtocol.connection_lost`.
        """
        self._transport, self._on_lost = transport, on_lost
        transport.set_write_buffer_limits(high=SEND_BUFFER)
        transport.set_protocol(self)
        self._beat()

    # -- a link ----------------------------------------------------------------------------------------------
    async def send(self, data: bytes) -> None:
        """Sends one message; waits while the other side reads slowly."""
        self._require_open()
        self._write(BINARY, data)
        if not self._writable.is_set():
            await self._writable.wait()
            self._require_open()

    def offer(self, data: bytes) -> bool:
        """Sends one message on the spot; False when what was sent before still waits in this process."""
        transport = self._transport
        if self._ended is not None or transport is None or transport.get_write_buffer_size():
            return False
        self._write(BINARY, data)
        return True

    async def receive(self) -> bytes:
        """The next binary message; a text message breaks the link."""
        while not self._inbox:
            self._require_open()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._inbox.popleft()
        self._held -= len(data) + MESSAGE_COST
        if self._paused and self._held <= RECEIVE_BUFFER // 2:
            self._go_on_reading()
        return data

    async def close(self, code: int = 1000, text: str = "") -> None:
        """Ends the link, within a second even when the other side does not answer."""
        if self._transport is None:
            return
        self._end(code, text)
        self._go_on_reading()  # what is still on its way is of no use, but the answer comes behind it
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._lost.wait()
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()

    # -- the connection --------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        """Takes in what came. The hot path of an entry that is passed on."""
        self._heard = self._time()
        if self._frames is None:
            return
        try:
            for opcode, payload in self._frames.feed(data):
                if opcode == BINARY:
                    if self._ended is None:
                        self._held += len(payload) + MESSAGE_COST
                        self._inbox.append(payload)
                else:
                    self._take(opcode, payload)
        except FrameFault as fault:
            self._frames = None  # it has lost its place
            self._end(fault.code, fault.text)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._held > RECEIVE_BUFFER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._transport = None
        if self._ended is None:
            self._ended = (1006, "" if exc is None else str(exc))
        if self._timer is not None:
            self._timer.cancel()
        self._lost.set()
        self._writable.set()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._on_lost is not None:
            self._on_lost(exc)

    def pause_writing(self) -> None:
        """The other side reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    # -- inside ----------------------------------------------------------------------------------------------
    def _require_open(self) -> None:
        if self._ended is not None:
            raise LinkClosed(*self._ended)

    def _write(self, opcode: int, payload: bytes) -> None:
        if self._transport is not None:
            mask = None if self._entropy is None else self._entropy.token(4)
            self._transport.write(frame(opcode, payload, mask))

    def _go_on_reading(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def _take(self, opcode: int, payload: bytes) -> None:
        """Takes whatever is no binary message."""
        match opcode:
            case frames.PING:
                # Who does not read its pongs gets no more: the newest answers for all.
                if self._transport is not None and self._transport.get_write_buffer_size() <= SEND_BUFFER:
                    self._write(frames.PONG, payload)
            case frames.CLOSE:
                code, text = closed(payload)
                self._end(code, text)
                if self._transport is not None:
                    self._transport.close()
            case frames.TEXT:
                self._end(1003, "binary messages only")

    def _end(self, code: int, text: str) -> None:
        """Takes and sends no more messages; says so, once."""
        if self._ended is None:
            self._ended = (code, text)
        if not self._said_goodbye:
            self._said_goodbye = True
            self._write(frames.CLOSE, b"" if code == 1005 else closing(code, text))
            self._writable.set()

    def _beat(self) -> None:
        """Pings a link from which nothing came, and ends it when no pong comes either [R-LINK-3]."""
        transport, loop = self._transport, asyncio.get_running_loop()
        if transport is None:
            return
        if self._paused:  # what came was not looked at
            self._heard = loop.time()
        silent = loop.time() - self._heard
        due = self._heard + limits.HEARTBEAT_SECONDS
        if silent >= DEAD_AFTER * limits.HEARTBEAT_SECONDS:
            transport.abort()
            return
        if silent >= limits.HEARTBEAT_SECONDS:
            self._write(frames.PING, b"")
            due = self._heard + DEAD_AFTER * limits.HEARTBEAT_SECONDS
        self._timer = loop.call_at(due, self._beat)
