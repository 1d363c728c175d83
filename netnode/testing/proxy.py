"""A TCP proxy that does to connections what networks do to them; the asyncio side, `edges.Edge` is what tests use."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from netnode.ports import Entropy
from netnode.testing.faults import Arrival, Faults

HOST: Final = "127.0.0.1"
PIECE: Final = 16 * 1024  # bytes read at once
PIECES: Final = 64  # why: 1 MiB on its way in each direction, then the sender waits, as on a real line
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: closing resets the connection


class Proxy:
    """Passes connections on to a target; `faults` says how. All methods run on one event loop.

    The port stays the same from `start` to `close`, also while connections are refused: a second socket that never
    listens keeps it from being given to somebody else.

    Args:
        entropy: draws jitter.
    """

    def __init__(self, entropy: Entropy) -> None:
        self.entropy = entropy
        self.faults = Faults()
        self.target: tuple[str, int] | None = None
        self.port = 0
        self.out = 0  # bytes that came through to the target, and back
        self.back = 0
        self._changed = asyncio.Event()
        self._holder: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._open: list[_Connection] = []

    @property
    def connections(self) -> int:
        """How many connections of the dialler stand."""
        return len(self._open)

    async def start(self, target: tuple[str, int] | None) -> None:
        """Takes a free port and passes on what comes there; without a target, every connection is reset."""
        self.target = target
        self._holder = _bound(0)
        self.port = self._holder.getsockname()[1]
        await self._listen()

    async def change(self, faults: Faults) -> None:
        """Takes other faults, for connections that stand as well."""
        before, self.faults = self.faults, faults
        if faults.half_open and not before.half_open:
            for connection in self._open:
                connection.lose_far()
        elif before.half_open and not faults.half_open:
            for connection in tuple(self._open):
                if connection.lost:  # the far machine is back and knows nothing of it
                    connection.reset()
        self._changed.set()  # whoever waits looks at the new faults
        self._changed = asyncio.Event()
        if faults.arrival is Arrival.REFUSED:
            self._deafen()
        elif self._server is None:
            await self._listen()

    def reset(self) -> None:
        """Resets every connection that stands, on both sides."""
        for connection in tuple(self._open):
            connection.reset()

    def close(self) -> None:
        """Ends all; the port is free for others."""
        self._deafen()
        self.reset()
        if self._holder is not None:
            self._holder.close()

    async def changed(self) -> None:
        """Returns when the faults are others."""
        await self._changed.wait()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=_bound(self.port))

    def _deafen(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._open.append(connection)
        # Its own task: Python 3.11 reports those that asyncio makes as failed when they are cancelled.
        connection.task = asyncio.get_running_loop().create_task(connection.serve())
        connection.task.add_done_callback(lambda _: self._open.remove(connection))


class _Cut(Exception):
    """The connection came to the byte at which it is reset."""


class _Connection:
    """One connection of the dialler, and its far side."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._near = writer
        self._far: asyncio.StreamWriter | None = None
        self._passed = 0
        self.task: asyncio.Task[None] | None = None
        self.lost = proxy.faults.half_open  # the far side is gone, and the dialler does not know

    async def serve(self) -> None:
        """Passes bytes until either side ends it or it is reset."""
        try:
            while self._proxy.faults.arrival is Arrival.SILENT:
                await self._proxy.changed()
            async with asyncio.TaskGroup() as group:
                if self.lost:
                    group.create_task(self._pass(self._reader, None))
                else:
                    if self._proxy.target is None:
                        raise ConnectionRefusedError("no node is there")
                    far_reader, self._far = await asyncio.open_connection(*self._proxy.target)
                    group.create_task(self._pass(self._reader, self._far))
                    group.create_task(self._pass(far_reader, self._near, back=True))
        except* (OSError, _Cut):
            self._abort()
        finally:
            for writer in (self._near, self._far):
                if writer is not None:
                    writer.close()

    def lose_far(self) -> None:
        """Takes the far side away without a word to the dialler."""
        self.lost = True
        if self._far is not None:
            _abort(self._far)

    def reset(self) -> None:
        """Resets it on both sides."""
        self._abort()
        if self.task is not None:
            self.task.cancel()

    def _abort(self) -> None:
        for writer in (self._near, self._far):
            if writer is not None:
                _abort(writer)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter | None, back: bool = False
    ) -> None:
        """Passes one direction on; to no sink, or to one that was lost, nothing arrives."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(source, pieces))
            group.create_task(self._give(pieces, sink, back))

    async def _take(self, source: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        """Reads pieces and says when each is due."""
        loop = asyncio.get_running_loop()
        sent, last = 0.0, 0.0
        while True:
            data = await source.read(PIECE)
            faults = self._proxy.faults
            due = loop.time()
            if faults.bandwidth is not None:
                sent = due = max(sent, due) + len(data) / faults.bandwidth
            due += faults.latency + (
                self._proxy.entropy.uniform(0.0, faults.jitter) if faults.jitter else 0.0
            )
            last = max(last, due)
            await pieces.put((last, data))
            if not data:
                return

    async def _give(
        self,
        pieces: asyncio.Queue[tuple[float, bytes]],
        sink: asyncio.StreamWriter | None,
        back: bool,
    ) -> None:
        """Passes pieces on when they are due and not held; an empty one is the end of this direction."""
        loop = asyncio.get_running_loop()
        while True:
            due, data = await pieces.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            while self._proxy.faults.hold_back if back else self._proxy.faults.hold_out:
                await self._proxy.changed()
            if not data:
                if sink is not None and not self.lost and sink.can_write_eof():
                    sink.write_eof()
                return
            if sink is None or self.lost:
                continue
            await self._write(sink, data, back)

    async def _write(self, sink: asyncio.StreamWriter, data: bytes, back: bool) -> None:
        limit = self._proxy.faults.reset_after
        room = len(data) if limit is None else max(0, limit - self._passed)
        part = data[:room]
        self._passed += len(part)
        if back:
            self._proxy.back += len(part)
        else:
            self._proxy.out += len(part)
        if part:
            sink.write(part)
        if len(part) < len(data):
            raise _Cut
        try:
            await sink.drain()
        except OSError:
            if not self.lost:
                raise


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((HOST, port))
    return made


def _abort(writer: asyncio.StreamWriter) -> None:
    """Resets a connection, whatever is still on its way."""
    held = writer.get_extra_info("socket")
    if held is not None and not writer.is_closing():
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
