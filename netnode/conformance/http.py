"""HTTP/1.1 by hand, one request a connection, so that a check can also send what no library sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from netnode.conformance.checking import Broken
from netnode.conformance.peer import PATIENCE
from netnode.conformance.target import Target
from netnode.conformance.websocket import connected

_MOST: Final = 4 << 20  # bytes of an answer: more than any may have


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


async def request(
    target: Target, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """Asks once.

    Args:
        target: the node; its port alone counts.
        method: as `POST`.
        path: absolute.
        body: with its length told, unless `headers` say otherwise.
        headers: more, or others; an empty one is left out.

    Raises:
        Broken: nothing that is HTTP came.
    """
    given = {
        "Host": target.netloc,
        "Connection": "close",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
    try:
        reader, writer = await connected(target)
    except OSError as error:
        raise Broken(f"the node cannot be reached any more: {error}") from error
    try:
        async with asyncio.timeout(PATIENCE):
            return await _answered(reader, writer, ("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    except TimeoutError as error:
        raise Broken(f"no answer to {method} {path} within {PATIENCE:.0f} s") from error
    finally:
        writer.close()


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> Answer:
    came = b""
    try:
        writer.write(data)
        await writer.drain()
    except ConnectionError:
        pass  # refused before all was sent: what it says is read all the same
    try:
        while len(came) <= _MOST and (more := await reader.read(1 << 16)):
            came += more
    except ConnectionError:
        pass  # the same
    head, found, body = came.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if not found or len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise Broken("the answer is not HTTP")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
    }
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return Answer(int(words[1]), headers, _joined(body) if chunked else body)


def _joined(body: bytes) -> bytes:
    """A body that came in chunks."""
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            break
        whole, body = whole + body[:length], body[length + 2 :]
    return whole
