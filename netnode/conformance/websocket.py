"""A WebSocket client by hand (RFC 6455), so that a check can also say what no library says; section 9.1.

It answers pings and closes as a client must; everything else is up to who uses it.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from netnode.conformance.target import Target
from netnode.ports import Entropy

CONNECT_SECONDS: Final = 10.0
_MAX_HEAD: Final = 16_384
_MAX_FRAME: Final = 1 << 20  # no INX node sends one as long
_BUFFER: Final = 1 << 16  # bytes read ahead: who is not listened to must notice


class Opcode(IntEnum):
    """Of a frame."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class SocketClosed(Exception):
    """The link has ended.

    Attributes:
        code: of the close frame; None when the connection just ended.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__("the link has ended")
        self.code = code


class NoUpgrade(Exception):
    """What answers is no WebSocket.

    Attributes:
        status: of HTTP; None when the answer is not HTTP.
    """

    def __init__(self, status: int | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came."""

    opcode: int
    fin: bool
    data: bytes


async def connected(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection to the node.

    Raises:
        OSError: there is none.
    """
    context = ssl.create_default_context() if target.secure else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(target.host, target.port, ssl=context, limit=_BUFFER)
    except TimeoutError as error:
        raise OSError(f"no answer within {CONNECT_SECONDS:.0f} s") from error


def upgrade(target: Target, key: bytes, headers: tuple[str, ...] = (), query: str = "") -> bytes:
    """The request that asks for a WebSocket."""
    lines = [
        f"GET {target.path}{query} HTTP/1.1",
        f"Host: {target.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(key).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Socket:
    """An open WebSocket to the node.

    Attributes:
        headers: of the answer to the upgrade, names in small letters.
        pinged: how many pings came.
        on_ping: called with each.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        entropy: Entropy,
        headers: dict[str, str],
    ) -> None:
        self._reader, self._writer, self._entropy = reader, writer, entropy
        self.headers = headers
        self.pinged = 0
        self.on_ping: Callable[[], None] = lambda: None
        self._parts: list[bytes] = []
        self._closed: SocketClosed | None = None

    @classmethod
    async def open(
        cls, target: Target, entropy: Entropy, headers: tuple[str, ...] = (), query: str = ""
    ) -> Self:
        """Connects and upgrades.

        Raises:
            OSError: nothing answers there.
            NoUpgrade: what answers is no WebSocket.
        """
        reader, writer = await connected(target)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                writer.write(upgrade(target, entropy.token(16), headers, query))
                head = await reader.readuntil(b"\r\n\r\n")
            told = _head(head)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            writer.close()
            raise NoUpgrade(None) from error
        except (OSError, NoUpgrade):
            writer.close()
            raise
        return cls(reader, writer, entropy, told)

    # -- sending -----------------------------------------------------------------------------------------------

    async def send(self, data: bytes, opcode: int = Opcode.BINARY, *, fin: bool = True) -> None:
        """Sends one frame; a dead link is noticed when it is read."""
        await self.send_raw(self.framed(data, opcode, fin=fin))

    def framed(
        self, data: bytes, opcode: int = Opcode.BINARY, *, fin: bool = True, length: int | None = None
    ) -> bytes:
        """The bytes of a frame; `length` is told in place of the true one."""
        count = len(data) if length is None else length
        head = bytes([(0x80 if fin else 0) | opcode])
        if count < 126:
            head += bytes([0x80 | count])
        elif count < 1 << 16:
            head += bytes([0x80 | 126]) + count.to_bytes(2, "big")
        else:
            head += bytes([0x80 | 127]) + count.to_bytes(8, "big")
        mask = self._entropy.token(4)
        stream = int.from_bytes((mask * (len(data) // 4 + 1))[: len(data)], "big")
        return head + mask + (int.from_bytes(data, "big") ^ stream).to_bytes(len(data), "big")

    async def send_raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, RuntimeError):
            return

    # -- receiving ---------------------------------------------------------------------------------------------

    async def receive(self) -> Frame:
        """The next message, put together; pongs too. Pings are answered.

        Raises:
            SocketClosed: the link has ended, then and ever after.
        """
        while True:
            frame = await self._frame()
            if frame.opcode == Opcode.PING:
                self.pinged += 1
                self.on_ping()
                await self.send(frame.data, Opcode.PONG)
            elif frame.opcode == Opcode.CLOSE:
                code = int.from_bytes(frame.data[:2], "big") if len(frame.data) >= 2 else None
                await self.send(frame.data[:2], Opcode.CLOSE)
                self._end(code)
            elif frame.opcode == Opcode.PONG or (frame.fin and frame.opcode != Opcode.CONTINUATION):
                return frame
            else:
                self._parts.append(frame.data)
                if frame.fin:
                    whole, self._parts = b"".join(self._parts), []
                    return Frame(Opcode.BINARY, True, whole)

    async def _frame(self) -> Frame:
        if self._closed is not None:
            raise self._closed
        try:
            first, second = await self._reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
            if length > _MAX_FRAME:
                self._end(None)
            data = await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self._end(None)
        return Frame(first & 0x0F, bool(first & 0x80), data)

    def _end(self, code: int | None) -> None:
        self._closed = SocketClosed(code)
        self._writer.close()
        raise self._closed

    async def close(self, code: int = 1000) -> None:
        """Ends the link from this side."""
        if self._closed is None:
            await self.send(code.to_bytes(2, "big"), Opcode.CLOSE)
        self.drop()

    def drop(self) -> None:
        """Ends the connection without a word."""
        self._writer.close()


def _head(head: bytes) -> dict[str, str]:
    """The headers of an answer that upgrades.

    Raises:
        NoUpgrade: it is another answer.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        raise NoUpgrade(None)
    if words[1] != "101" or len(head) > _MAX_HEAD:
        raise NoUpgrade(int(words[1]))
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}
