"""WebSocket frames (RFC 6455) without I/O: bytes in, whole messages out, and back [R-LINK-1] [R-LINK-2].

Why own code: a node reads and writes one message per entry that it passes on, and a library that serves every use of
WebSockets takes five times as long for it. There are no extensions here, and no text: that is left to the caller.
"""

from __future__ import annotations

import struct
from typing import Final

from aiohttp._websocket.helpers import websocket_mask  # in C, on the place; nothing public has it

MAX_CONTROL: Final = 125  # bytes of a ping, pong or close
_MASK_BYTES: Final = 4
_FINAL: Final = 0x80
_MIDDLE: Final = struct.Struct("!BBH").pack
_LONG: Final = struct.Struct("!BBQ").pack
_CONTROL: Final = 0x08  # the bit that control frames have in their opcode
_FINAL_BINARY: Final = _FINAL | 2


# Opcodes; plain numbers, since an enumeration costs more than the frame
CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_KNOWN: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
# Close codes that may be sent (RFC 6455 section 7.4 and the registry it opens)
_SENDABLE: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


class FrameFault(Exception):
    """What came breaks RFC 6455, or is longer than allowed.

    Args:
        code: the close code that says so.
        text: the reason, for the other side.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class FrameReader:
    """Cuts what arrives into messages.

    Args:
        longest: bytes that a message may have, all its fragments together.
        masked: whether frames come masked, as every client's do; the others must not.
    """

    __slots__ = ("_buffer", "_kind", "_longest", "_masked", "_parts", "_size", "_wanted")

    def __init__(self, longest: int, masked: bool) -> None:
        self._longest = longest
        self._masked = masked
        self._buffer = bytearray()  # the beginning of a frame
        self._wanted = 0  # bytes that have to be there before the frame is looked at again
        self._kind: int | None = None  # of the message whose fragments are coming
        self._parts: list[bytes] = []
        self._size = 0  # of these

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Takes bytes as they arrive.

        Returns:
            What is complete now, in order: opcode (never a continuation) and payload.

        Raises:
            FrameFault: nothing that came with it or comes after can be read.
        """
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
            self._wanted = 0
        masked, whole = self._masked, []
        start, end = 0, len(data)
        while end - start >= 2:
            first, length, body = data[start], data[start + 1], start + 2
            if (length > 127) is not masked:
                raise FrameFault(1002, "a frame is masked by the wrong side")
            length &= 127
            if length > MAX_CONTROL:
                body += 2 if length == 126 else 8
                if end < body:
                    break
                length = int.from_bytes(data[start + 2 : body], "big")
            if first != _FINAL_BINARY or self._kind is not None or length > self._longest:
                self._require_allowed(first, length)
            if masked:
                body += _MASK_BYTES
            after = body + length
            if after > end:
                self._wanted = after - start
                break
            payload = data[body:after]
            if masked:
                payload = _masked(data[body - _MASK_BYTES : body], payload)
            start = after
            if first == _FINAL_BINARY:
                whole.append((BINARY, payload))
            else:
                self._take(first, payload, whole)
        if start < end:
            self._buffer += data[start:]
        return whole

    def _require_allowed(self, first: int, length: int) -> None:
        """Refuses a frame by its header, before any of its payload is kept."""
        opcode = first & 0x0F
        if first & 0x70 or opcode not in _KNOWN:
            raise FrameFault(1002, "a frame of an extension that was not agreed on")
        if opcode & _CONTROL:
            if length > MAX_CONTROL or not first & _FINAL:
                raise FrameFault(1002, "a control frame is too long or in fragments")
            return
        if (opcode == CONTINUATION) is (self._kind is None):
            raise FrameFault(1002, "fragments of two messages are mixed")
        if self._size + length > self._longest:
            raise FrameFault(1009, f"a message is longer than {self._longest} bytes")

    def _take(self, first: int, payload: bytes, whole: list[tuple[int, bytes]]) -> None:
        """Takes a control frame, a fragment, or text."""
        opcode = first & 0x0F
        if opcode & _CONTROL:
            whole.append((opcode, payload))
            return
        if opcode != CONTINUATION:
            self._kind = opcode
        if payload:  # why: fragments without any would pile up without reaching a bound
            self._parts.append(payload)
            self._size += len(payload)
        if first & _FINAL and self._kind is not None:
            whole.append((self._kind, b"".join(self._parts)))
            self._kind, self._parts, self._size = None, [], 0


def frame(opcode: int, payload: bytes, mask: bytes | None) -> bytes:
    """One whole frame.

    Args:
        opcode: of a message in one piece, or a control frame.
        payload: at most MAX_CONTROL bytes for a control frame.
        mask: four unpredictable bytes from a client, None from a server.
    """
    size = len(payload)
    bit = 0 if mask is None else 0x80
    if size <= MAX_CONTROL:
        header = bytes((_FINAL | opcode, bit | size))
    elif size < 0x10000:
        header = _MIDDLE(_FINAL | opcode, bit | 126, size)
    else:
        header = _LONG(_FINAL | opcode, bit | 127, size)
    if mask is None:
        return header + payload
    return header + mask + _masked(mask, payload)


def closing(code: int, text: str) -> bytes:
    """The payload of a close frame; a text too long for it is cut."""
    return struct.pack("!H", code) + text.encode()[: MAX_CONTROL - 2].decode(errors="ignore").encode()


def closed(payload: bytes) -> tuple[int, str]:
    """Code and text of a close frame that came; 1005 where there is no code.

    Raises:
        FrameFault: no code that may be sent, or a text that is none.
    """
    if not payload:
        return 1005, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or code not in _SENDABLE:
        raise FrameFault(1002, "a close code that does not exist")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError as error:
        raise FrameFault(1007, "the reason of a close is no text") from error


def _masked(mask: bytes, payload: bytes) -> bytes:
    data = bytearray(payload)
    websocket_mask(mask, data)
    return bytes(data)
