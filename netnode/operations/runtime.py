"""What the command line needs of the node core beside its services: making, bringing back and running a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from netnode.operations import models
from netnode.operations.services import Services

if (
    TYPE_CHECKING
):  # why: they load the whole protocol, a quarter of the time of a command that asks a running node
    from netnode.backups.scratch import Watch
    from netnode.keys.rotating import Grant


@dataclass(frozen=True, slots=True)
class Created:
    """A new home. `words` are the 24 recovery words; they exist nowhere else but in the recovery sheet."""

    id: str
    words: tuple[str, ...]
    home: Path
    sheet: Path


@dataclass(frozen=True, slots=True)
class Ready:
    """A node that serves both its addresses; the one line of the ready file.

    `notice`: why it publishes nothing yet, for its owner.
    """

    id: str
    pid: int
    peer: str  # ws://host:port/path
    api: str  # http://host:port
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class BackupKey:
    """What opens a backup: the entropy of the recovery words, or the keys of a home with their passphrase."""

    entropy: bytes | None = field(default=None, repr=False)
    home: Path | None = None
    passphrase: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How to run a node in the foreground.

    `listen` is "host:port" or None (as configured); `on_ready` is called once, after the ready file is there.
    """

    passphrase: bytes | None = None
    listen: str | None = None
    peers: tuple[str, ...] = ()
    ready_file: Path | None = None
    on_ready: Callable[[Ready], None] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What one peer said when it was asked for a log.

    `peer`: its address or id; `address`: the first one known; `seq`: newest entry it holds, None for nothing of it;
    `whole`: it gave all that it claims; `note` says why it did not answer.
    """

    peer: str
    address: str | None
    answered: bool
    seq: int | None
    whole: bool
    note: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the peers gave. `promises`: of each epoch; `missing`: entries below the lowest one held, or records."""

    id: bytes
    network: str
    promises: tuple[bytes, ...]
    epoch: int
    seq: int
    time: int
    entries: int
    missing: int
    contested: bool
    forked: bool
    answers: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """A networker that is back: the epoch its new keys opened, and at which entry."""

    id: bytes
    home: Path
    epoch: int
    seq: int


class Runtime(Protocol):
    """The functions of `netnode.node` that the command line calls; a test passes a fake."""

    def initialise(
        self, home: Path, *, name: str, passphrase: bytes | None, peers: Sequence[str] = ()
    ) -> Created:
        """Makes keys, home and the first entries; Problem 4 when the home holds a networker already.

        `peers` are addresses for the recovery sheet, as far as any are known.
        """

    def opened(self, home: Path, *, passphrase: bytes | None) -> AbstractAsyncContextManager[Services]:
        """Takes the lock and opens the store without a network; Problem 5 when another process has the lock.

        Without a passphrase for locked keys the services read, and raise Problem 2 where they would sign.
        """

    async def restore(self, home: Path, file: Path, key: BackupKey, watch: Watch) -> models.Restored:
        """Makes a home from a backup; Problem 4 when the home is not empty or the key does not open it."""

    async def repair(self, home: Path, anyway: bool, watch: Watch) -> models.Repaired:
        """Makes a new store of what can be read of a damaged one; Problem 4 when nothing is wrong with it."""

    async def verify_backup(self, file: Path, key: BackupKey, watch: Watch) -> models.BackupMade:
        """Restores a backup to a temporary folder and checks all of it; no home is needed."""

    def fetch(
        self, home: Path, *, networker: bytes, peers: Sequence[str], heard: Callable[[Answered], None]
    ) -> Fetched:
        """Makes a home and fetches a log from peers into it; Problem 4 when it holds a networker already."""

    def take_over(self, home: Path, *, networker: bytes, grant: Grant, passphrase: bytes | None) -> Returned:
        """Rotates on what was fetched and makes the keystore."""

    def online(self, home: Path, options: StartOptions) -> AbstractAsyncContextManager[Services]:
        """Runs the node for the time of one command that needs its peers; Ctrl-C ends both."""

    async def run(self, home: Path, options: StartOptions) -> None:
        """Runs the node until SIGTERM, SIGINT or the stop operation; returns after a clean end."""
