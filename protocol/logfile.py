"""Files of runs, for logs that travel without a session [R-FILE-1..4].

``INXLOG1`` and a line feed, the network's name as canonical str, then blocks: the length of a run in 4 bytes big
endian, and the run as its canonical array. Openers of an author come first, each as a run of one entry. Sans-I/O:
`Reader` takes bytes in pieces of any size and hands out runs; nothing is verified here but the form.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.run import Run

MAGIC: Final = b"INXLOG1\n"
_LENGTH: Final = 4


def encode_start(network: str) -> bytes:
    """What a file begins with."""
    return MAGIC + encoding.encode(network)


def encode_run(run: Run) -> bytes:
    """One block.

    Raises:
        LocalProtocolError: the run is longer than MAX_MESSAGE: cut it in two.
    """
    data = encoding.encode_struct(run)
    if len(data) > limits.MAX_MESSAGE:
        raise LocalProtocolError(f"run of {len(data)} bytes, at most {limits.MAX_MESSAGE} fit a block")
    return len(data).to_bytes(_LENGTH, "big") + data


class Reader:
    """Reads a file piece by piece; after an error it reads nothing more. Holds at most one block and one piece.

    Args:
        network: the network's name; a file of another one is refused.
    """

    __slots__ = ("_buffer", "_fault", "_start", "_started")

    def __init__(self, network: str) -> None:
        self._start = encode_start(network)
        self._buffer = bytearray()
        self._started = False
        self._fault: RemoteProtocolError | None = None

    def feed(self, data: bytes) -> list[Run]:
        """Takes the next piece.

        Returns:
            The runs that are whole now, in order. Those before a fault are handed out first; the fault is raised by
            the call after [R-FILE-2].

        Raises:
            RemoteProtocolError: `bad_file`, or the codes of the encoding; runs handed out before hold.
        """
        runs: list[Run] = []
        if self._fault is None:
            self._buffer += data
            try:
                if self._begun():
                    self._blocks(runs)
            except RemoteProtocolError as error:
                self._fault = error
        if self._fault is not None and not runs:
            raise self._fault
        return runs

    def close(self) -> None:
        """Says that the file ends here.

        Raises:
            RemoteProtocolError: what `feed` has not raised yet, or `bad_file`: the file ends inside its beginning
                or a block.
        """
        if self._fault is not None:
            raise self._fault
        if self._buffer or not self._started:
            raise RemoteProtocolError("bad_file", "the file is cut off")

    def _begun(self) -> bool:
        if self._started:
            return True
        size = min(len(self._buffer), len(self._start))
        if self._buffer[:size] != self._start[:size]:
            what = "not a file of logs" if self._buffer[:8] != MAGIC[:size] else "of another network"
            raise RemoteProtocolError("bad_file", f"this is {what}")
        if size < len(self._start):
            return False
        del self._buffer[:size]
        self._started = True
        return True

    def _blocks(self, runs: list[Run]) -> None:
        at = 0
        while len(self._buffer) - at >= _LENGTH:
            length = int.from_bytes(self._buffer[at : at + _LENGTH], "big")
            if not 1 <= length <= limits.MAX_MESSAGE:
                raise RemoteProtocolError("bad_file", f"a block of {length} bytes cannot be")
            end = at + _LENGTH + length
            if len(self._buffer) < end:
                break
            runs.append(_run(bytes(self._buffer[at + _LENGTH : end])))
            at = end
        del self._buffer[:at]


def _run(data: bytes) -> Run:
    try:
        return encoding.typed(encoding.decode(data), Run)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_file", f"a block is not a run: {error}") from error
