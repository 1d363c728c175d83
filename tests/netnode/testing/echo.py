"""A TCP server that answers with what it gets, and connections to it through an edge."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from netnode.testing.background import Background
from netnode.testing.edges import Edge
from netnode.testing.faults import PERFECT, Faults

PATIENCE = 20.0  # seconds for what must come


class Echo:
    """Answers every connection with its own bytes; `ended` counts connections that are over, `got` their bytes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.got = b""
        self.ended = threading.Semaphore(0)
        self.resets = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    self.got += data
                    connection.sendall(data)
            except OSError:
                self.resets += 1
        self.ended.release()

    def wait_ended(self) -> None:
        """Waits until one more connection is over."""
        assert self.ended.acquire(timeout=PATIENCE)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def way_to(target: tuple[str, int] | None, usual: Faults = PERFECT) -> Iterator[Edge]:
    """An edge from outside to a server."""
    background = Background()
    edge = Edge(background, "", "server", target, usual)
    try:
        yield edge
    finally:
        edge.close()
        background.close()


def dial(edge: Edge) -> socket.socket:
    """A connection through the edge."""
    host, port = edge.host.split(":")
    return socket.create_connection((host, int(port)), PATIENCE)


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or those before the end."""
    found = b""
    while len(found) < size and (data := connection.recv(size - len(found))):
        found += data
    return found


def silent(connection: socket.socket, seconds: float = 0.15) -> bool:
    """Whether nothing comes for a while."""
    connection.settimeout(seconds)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE)
    return False
