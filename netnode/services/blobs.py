"""Blobs: kept, listed, sent, and fetched by hash from the open sessions."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.quotas import MIB
from netnode.services import paging
from netnode.services.ports import OwnLog, Projector, Sessions
from netnode.store import Reader, Store, blobs
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.identity import id_text
from protocol.limits import MAX_BLOB

AT_ONCE: Final = 2  # why: each holds up to 32 MiB while its chunks are joined
_LIST: Final = "blobs"
_log = logging.getLogger("netnode.blobs")


class HeldBlobs:
    """`operations.services.Blobs`.

    Args:
        store: where they are kept.
        own: whose listings hold on to them.
        projector: brings those listings up to date.
        clock: dates what is added.
        sessions: whom to ask; None when no network is open.
        most: bytes of all fetched blobs together.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        clock: Clock,
        sessions: Sessions | None,
        most: int,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._clock = clock
        self._sessions = sessions
        self._most = most
        self._places = asyncio.Semaphore(AT_ONCE)
        self._turns: dict[bytes, tuple[asyncio.Lock, int]] = {}  # of blobs being fetched, with who waits
        self._progress: dict[bytes, tuple[int, int]] = {}

    async def add(self, chunks: AsyncIterable[bytes]) -> models.BlobSize:
        """Keeps a blob; on disk when it returns.

        Raises:
            Problem: it is empty or too long (2), or the disk.
        """
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > MAX_BLOB:
                raise too_long()
        if not data:
            raise empty()
        digest = await self._store.write(blobs.put, bytes(data), self._clock.now_ms())
        return models.BlobSize(digest.hex(), len(data))

    async def fetch(self, name: str) -> models.BlobSize:
        """Brings a blob here: the open sessions are asked one after the other, and what came is proved and kept.

        Raises:
            Problem: nobody asked has it (3), nobody is there to ask (5), no room (4), or the disk.
        """
        digest = bytes.fromhex(name)
        async with self._turn(digest):
            size = await self._store.read(blobs.size, digest)
            if size is not None:
                await self._store.write(blobs.use, digest, self._clock.now_ms())
                return models.BlobSize(name, size)
            async with self._places:
                try:
                    data = await self._asked(digest)
                finally:
                    self._progress.pop(digest, None)
                spared = await self._store.read(self._spared)
                await self._store.write(blobs.put_fetched, data, self._clock.now_ms(), self._most, spared)
        return models.BlobSize(name, len(data))

    async def progress(self, name: str) -> models.BlobProgress:
        """How far a blob is here."""
        digest = bytes.fromhex(name)
        size = await self._store.read(blobs.size, digest)
        if size is not None:
            return models.BlobProgress(hash=name, held=True, size=size, bytes=size)
        done, whole = self._progress.get(digest, (0, 0))
        return models.BlobProgress(hash=name, held=False, size=whole or None, bytes=done)

    async def send(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of a blob held here, chunk by chunk.

        Raises:
            Problem: it is not held (3), was removed meanwhile, or what is on disk is another blob.
        """
        digest = bytes.fromhex(name)
        size = await self._store.read(blobs.size, digest)
        if size is None:
            raise not_here(name)
        whole, left, number = hashlib.sha256(), size, 0
        while left > 0:
            chunk = await self._store.read(blobs.chunk, digest, number)
            if chunk is None:
                raise Problem(
                    f"The blob {name} was removed while it was read.", ExitCode.NOT_FOUND, "no_blob"
                )
            whole.update(chunk)
            left -= len(chunk)
            number += 1
            if left <= 0 and whole.digest() != digest:
                break  # the last chunk is kept back: nobody takes a damaged blob for whole
            yield chunk
        if whole.digest() != digest:
            raise Problem(
                f"The blob {name} is damaged on disk. Remove it with `netnode blob rm` and get it again.",
                code="damaged",
                details={"hash": name},
            )

    async def list(self, query: models.Listed) -> models.Page[models.Blob]:
        """Blobs held, by hash."""
        after = paging.opened_id(_LIST, query.cursor)
        rows = await self._store.read(blobs.listed, after, query.limit + 1)
        page = rows[: query.limit]
        return models.Page(
            [models.Blob(hash=row.hash.hex(), size=row.size, added=row.added, own=row.own) for row in page],
            paging.seal(_LIST, page[-1].hash.hex()) if len(rows) > len(page) else None,
        )

    async def remove(self, name: str) -> None:
        """Lets go of a blob.

        Raises:
            Problem: it is not held (3), or an own listing in force shows it (4).
        """
        digest = bytes.fromhex(name)
        await self._projector.level()
        key = await self._store.read(self._showing, digest)
        if key is not None:
            raise Problem(
                f"Your listing {key!r} shows the blob {name}, and others get it from you. Withdraw the listing or "
                "change its images first.",
                ExitCode.REFUSED,
                "blob_shown",
                {"hash": name, "key": key},
            )
        if not await self._store.write(blobs.remove, digest):
            raise not_here(name)

    # -- steps -----------------------------------------------------------------------------------------------
    def _showing(self, reader: Reader, digest: bytes) -> str | None:
        return views.showing(reader.connection, self._own.id, digest, self._clock.now_ms())

    def _spared(self, reader: Reader) -> frozenset[bytes]:
        """The blobs that listings of the owner and of those followed show."""
        if blobs.totals(reader)[1] == 0:
            return frozenset()
        sellers = [self._own.id, *(each for each, _ in reader.follows())]
        return views.blobs_shown(reader.connection, sellers, self._clock.now_ms())

    async def _asked(self, digest: bytes) -> bytes:
        """The blob from the first session that has it."""
        sessions = [] if self._sessions is None else list(self._sessions.open_sessions())
        if not sessions:
            raise nobody(digest.hex(), running=self._sessions is not None)

        def admit(size: int) -> None:
            if size > self._most:
                raise blobs.full(size, self._most)

        def progress(done: int, whole: int) -> None:
            self._progress[digest] = (done, whole)

        wrong = 0
        for session in sessions:
            try:
                return await session.fetch(digest, admit, progress)
            except NotHeld as refusal:
                _log.debug("no blob %s from %s: %s", digest.hex(), id_text(session.id), refusal.text)
            except RemoteProtocolError as fault:
                wrong += 1
                _log.warning("blob %s from %s: %s", digest.hex(), id_text(session.id), fault.text)
            self._progress.pop(digest, None)
        raise nowhere(digest.hex(), len(sessions), wrong)

    @asynccontextmanager
    async def _turn(self, digest: bytes) -> AsyncIterator[None]:
        """One fetch of a blob at a time; whoever waited finds it held."""
        lock, waiting = self._turns.get(digest, (asyncio.Lock(), 0))
        self._turns[digest] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(digest)
            if waiting > 1:
                self._turns[digest] = (lock, waiting - 1)


def empty() -> Problem:
    """The Problem for a blob without bytes."""
    return Problem("The file is empty, and a blob has at least one byte.", ExitCode.USAGE, "empty")


def too_long() -> Problem:
    """The Problem for a file that is no blob any more."""
    return Problem(
        f"The file is larger than {MAX_BLOB // MIB} MiB, the most a blob has.",
        ExitCode.USAGE,
        "too_large",
        {"max_bytes": MAX_BLOB},
    )


def not_here(name: str) -> Problem:
    """The Problem for a blob that is not held."""
    return Problem(
        f"The blob {name} is not in this home. Get it with: netnode blob get {name} FILE",
        ExitCode.NOT_FOUND,
        "no_blob",
        {"hash": name},
    )


def nobody(name: str, *, running: bool) -> Problem:
    """The Problem for a blob that is not held while there is nobody to ask."""
    why = "no peer is connected" if running else "no node is running that could ask others"
    see = "peer ls" if running else "start"
    return Problem(
        f"The blob {name} is not in this home, and {why}. See: netnode {see}",
        ExitCode.UNREACHABLE,
        "no_session",
        {"hash": name},
    )


def nowhere(name: str, asked: int, wrong: int) -> Problem:
    """The Problem for a blob that nobody has; `wrong` of the `asked` sent something else."""
    who = (
        "the one connected peer does not have it" if asked == 1 else f"none of {asked} connected peers has it"
    )
    lied = f" ({wrong} sent false bytes and lost the connection)" if wrong else ""
    return Problem(
        f"The blob {name} is not in this home, and {who}{lied}. Try again later, or connect to its seller.",
        ExitCode.NOT_FOUND,
        "no_blob",
        {"hash": name, "asked": asked, "wrong": wrong},
    )
