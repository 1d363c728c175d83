"""The ports: everything the node takes from outside comes in through one of these.

Production gives the twins of `netnode.system`, `netnode.sealer` and `netnode.links`; the simulator gives
seeded ones and runs the same node in virtual time.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, MutableSequence, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeVar, TypeVarTuple

import apsw

PEER_PATH: Final = "/inx/1"  # where a node's HTTP server accepts links
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Clock(Protocol):
    """Time. The wall clock may jump, the monotonic one never goes back."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an unnamed origin; only differences mean anything."""
        ...

    def elapsed(self) -> float:
        """The same, and it goes on while the computer sleeps: no sleep looks like a wall clock that was set."""
        ...


class Entropy(Protocol):
    """Randomness; `token` is fit for keys."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`, for jitter."""
        ...

    def shuffle(self, members: MutableSequence[Any]) -> None:
        """Puts `members` into a random order, in place."""
        ...


class Lane(enum.Enum):
    """Where blocking work runs; work of one single-threaded lane runs in the order it was given."""

    __hash__ = object.__hash__  # why: that of enumerations is written in Python, and each entry asks

    WRITER = "writer"  # the one thread that writes the store
    VERIFIER = "verifier"  # signatures, key derivation
    READER = "reader"  # queries of the store


class Executor(Protocol):
    """Runs blocking work off the event loop."""

    async def run(self, lane: Lane, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs ``function(*args)`` in its lane and returns or raises what it does.

        Cancelling the wait drops work that has not begun; work once begun finishes, its result unheard.
        """
        ...

    def idle(self, lane: Lane) -> bool:
        """Whether nothing runs or waits in a lane: then some microseconds of its work may be done on the event loop."""
        ...

    async def close(self) -> None:
        """Waits for all work given so far; none is taken after."""
        ...


class Disk(Protocol):
    """Files. Every method raises OSError as the system does."""

    def open_database(self, path: Path, flags: int) -> apsw.Connection:
        """Opens a SQLite database with ``SQLITE_OPEN_*`` flags; a new file is readable by its owner only."""
        ...

    def read(self, path: Path) -> bytes:
        """The whole content."""
        ...

    def write_private(self, path: Path, data: bytes) -> None:
        """Replaces the file, mode 0600; whatever happens, it holds the old or the new content whole."""
        ...

    def writing(self, path: Path) -> AbstractContextManager[BinaryIO]:
        """A new private file, 0600, for content too large for memory.

        It stands beside `path` as ``.NAME.*.new`` and takes its name, durably, when the context ends well; when it ends
        with an exception nothing is left.
        """
        ...

    def free(self, path: Path) -> int:
        """The bytes this user may still write to the file system of a file or folder."""
        ...

    def remove(self, path: Path) -> None:
        """Removes the file; fine when there is none."""
        ...

    def remove_folder(self, path: Path) -> None:
        """Removes a folder with all that is in it; FileNotFoundError when there is none."""
        ...

    def exists(self, path: Path) -> bool:
        """Whether there is something at this path."""
        ...

    def permissions(self, path: Path) -> int:
        """The permission bits, such as 0o600."""
        ...

    def identity(self, path: Path) -> int:
        """A number that a file keeps for as long as it lasts, and its copy does not have."""
        ...

    def sync(self, path: Path) -> None:
        """Returns when the file, or the names in the folder, will survive a loss of power."""
        ...


class LinkClosed(Exception):
    """The link ended, from either side.

    Args:
        code: the WebSocket close code; 1006 when the link broke without one.
        text: the reason given, for the log.
    """

    def __init__(self, code: int = 1006, text: str = "") -> None:
        super().__init__(f"link closed ({code}){': ' if text else ''}{text}")
        self.code = code
        self.text = text


class Link(Protocol):
    """A pipe of whole binary messages to one peer."""

    @property
    def remote(self) -> str:
        """The address of the other side, for the log."""
        ...

    @property
    def host(self) -> str:
        """The IP address of the other side as this one sees it; empty when it is not known."""
        ...

    async def send(self, data: bytes) -> None:
        """Sends one message; waits while the other side reads slowly. Raises LinkClosed."""
        ...

    def offer(self, data: bytes) -> bool:
        """Sends one message on the spot, if nothing makes it wait; False: nothing was sent, `send` it."""
        ...

    async def receive(self) -> bytes:
        """The next message. Raises LinkClosed."""
        ...

    async def close(self, code: int = 1000, text: str = "") -> None:
        """Ends the link, saying why; fine when it has ended already."""
        ...


class Dialer(Protocol):
    """Opens links."""

    async def dial(self, address: str, *, public: bool = False) -> Link:
        """Opens a link to a ``ws://`` or ``wss://`` address. Raises OSError or LinkClosed.

        `public`: strangers told the address, so one of this computer or of a private network is not dialled, also
        when a name leads there.
        """
        ...

    async def close(self) -> None:
        """Ends the links it opened."""
        ...


class Listener(Protocol):
    """Accepts links."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where peers reach it, with the real port; empty before `start`."""
        ...

    async def start(self, on_link: Callable[[Link], Awaitable[None]]) -> None:
        """Begins to accept; each link lives as long as its call of `on_link`. Raises OSError."""
        ...

    async def close(self) -> None:
        """Accepts no more and ends the links it accepted."""
        ...


class Multicast(Protocol):
    """Announcements in the local network."""

    async def run(
        self,
        name: str,
        port: int,
        hosts: Sequence[str],
        heard: Callable[[str, Sequence[str], int], None],
        gone: Callable[[str], None],
    ) -> None:
        """Announces a node and listens to others until cancelled.

        Args:
            name: of the node; nothing else is told of it but hosts and port.
            port: where it listens.
            hosts: its IP addresses in the local network.
            heard: called with name, IP addresses and port of a node that announced itself.
            gone: called with the name of a node that said goodbye.

        Raises:
            OSError: this network, or this installation, cannot.
        """
        ...


class Web(Protocol):
    """Documents of the web, for what the owner asks to look at."""

    async def fetch(self, host: str, path: str) -> bytes:
        """A small document over https. Raises OSError with a sentence of what is wrong."""
        ...

    async def picture(self, url: str) -> bytes:
        """The file at an http address, at most MAX_BLOB bytes. Raises OSError with a sentence of what is wrong."""
        ...


@dataclass(frozen=True, slots=True)
class RecipientKeys:
    """Public keys of the recipient's newest `keys` entry: 32 bytes, and 1,216 when it offers the hybrid."""

    x25519: bytes
    mlkem768_x25519: bytes | None = None


@dataclass(frozen=True, slots=True)
class OpeningKeys:
    """The private halves: 32 bytes, and the 32-byte seed of the hybrid pair."""

    x25519: bytes = field(repr=False)
    mlkem768_x25519: bytes | None = field(default=None, repr=False)


class CannotOpen(Exception):
    """A sealed message that these keys and this `info` do not open: not for us, or altered."""


class Sealer(Protocol):
    """Public-key encryption to a networker, for the sealed messages of a later version."""

    def seal(self, recipient: RecipientKeys, info: bytes, plaintext: bytes) -> bytes:
        """Seals for the recipient, by the hybrid suite when offered. Raises ValueError on malformed keys."""
        ...

    def open(self, keys: OpeningKeys, info: bytes, sealed: bytes) -> bytes:
        """Opens what was sealed with the same `info`. Raises CannotOpen."""
        ...
