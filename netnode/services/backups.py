"""Backups of this home: written, verified, listed, and made by schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

import msgspec

from netnode.backups import reading, shelf
from netnode.backups.format import Header, Opener, Recipients
from netnode.backups.scratch import Watch, scratch
from netnode.backups.writing import Order, no_folder, write_backup
from netnode.config import Config
from netnode.home import Home
from netnode.keys.keystore import Keys
from netnode.operations import models
from netnode.ports import Clock, Disk, Entropy, Executor, Lane, Sealer
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.services import paging
from netnode.services.proving import prove
from netnode.store import Reader, Store, Writer, snapshot

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

HOUR_MS: Final = 3_600_000
LOOK_SECONDS: Final = 300.0  # why: a computer may sleep and wake at any time, and a look costs nothing
META: Final = "backup"
_LIST: Final = "backups"
_log = logging.getLogger("netnode.backups")


class Kept(msgspec.Struct, frozen=True):
    """What the store remembers of the newest backup: when it was made (ms UTC), and where."""

    created: int
    path: str


@dataclass(frozen=True, slots=True)
class Shelter:
    """How well the home is backed up: the newest backup (ms UTC, path), and why the last one by schedule failed."""

    newest: int | None
    path: str | None
    fault: str | None


class HomeBackups:
    """`operations.services.Backups`; one piece of work at a time.

    Args:
        home: what is backed up; the caller holds its lock.
        store: copied while it is used.
        networker: the own id.
        keys: opened; gives None while they are locked.
        config: where backups go, and how often.
        clock: dates them.
        entropy: for their keys.
        executor: runs the work.
        disk: of the files.
        sealer: seals their keys.
        program: the version of netnode.
    """

    def __init__(
        self,
        home: Home,
        store: Store,
        networker: bytes,
        keys: Callable[[], Keys | None],
        config: Config,
        clock: Clock,
        entropy: Entropy,
        executor: Executor,
        disk: Disk,
        sealer: Sealer,
        program: str,
    ) -> None:
        self._home = home
        self._store = store
        self._networker = networker
        self._keys = keys
        self._config = config
        self._clock = clock
        self._entropy = entropy
        self._executor = executor
        self._disk = disk
        self._program = program
        self._sealer = sealer
        self._turn = asyncio.Lock()
        self._watch = Watch()
        self._fault: str | None = None
        self._looked = clock.monotonic()
        self._made: float | None = None

    # -- operations ------------------------------------------------------------------------------------------
    async def create(self, order: models.BackupOrder) -> models.BackupMade:
        """Writes a backup, and verifies it unless told not to.

        Raises:
            Problem: locked keys (2), no such folder (3), there is such a file already (4), or the disk; no file is
                left.
        """
        target = self._target(order.path)
        return await self._make(target, order.verify)

    async def verify(self, path: str) -> models.BackupMade:
        """Restores a backup to a scratch folder and checks all of it.

        Raises:
            Problem: it is damaged or not of this home (4), locked keys (2), or the disk.
        """
        self._unlocked()
        target = Path(path)
        async with self._turn:
            self._watch = Watch()
            header, own = await self._proved(target)
        return models.BackupMade(backup=told(target, header), verified=True, own_entries=own)

    async def list(self, query: models.BackupsQuery) -> models.Page[models.Backup]:
        """The backups of this networker in a folder, newest first.

        Raises:
            Problem: the folder cannot be read, or one that was named is not there (exit 3).
        """
        folder = self._folder() if query.folder is None else Path(query.folder)
        if folder != self._home.path / shelf.FOLDER and not folder.is_dir():
            raise no_folder(folder)  # a stick that is not plugged in is no shelf without backups
        place = paging.opened(_LIST, query.cursor, int)
        start = 0 if place is None else max(0, place[0])
        try:
            found = await self._executor.run(Lane.READER, shelf.shelved, folder, self._networker)
        except OSError as error:
            raise disk_problem(error, "read", folder) from error
        page = [told(each.path, each.header, each.size) for each in found[start : start + query.limit]]
        end = start + len(page)
        return models.Page(page, paging.seal(_LIST, end) if end < len(found) else None)

    async def progress(self) -> models.BackupProgress:
        """How far the backup in work is."""
        watch = self._watch
        if not self._turn.locked():
            return models.BackupProgress()
        return models.BackupProgress(doing=watch.doing, done=watch.done, total=watch.total)

    async def cancel(self) -> None:
        """Gives up the backup in work, if there is one."""
        self._watch.stop = True

    # -- by schedule -----------------------------------------------------------------------------------------
    async def scheduled(self) -> None:
        """Makes a backup when one is due, and removes the oldest that are too many; a chore of the running node.

        Raises:
            Problem: it could not be made; `shelter` tells so until one was.
        """
        settings = self._config.settings()
        now = self._clock.monotonic()
        if not settings.backup_every_hours or now - self._looked < LOOK_SECONDS:
            return  # a node that was just started has other things to do
        newest = (await self.shelter()).newest
        due = settings.backup_every_hours * HOUR_MS
        if newest is not None and 0 <= self._clock.now_ms() - newest < due:
            return
        if self._made is not None and (now - self._made) * 1000 < due:
            return  # the clock was set back: the newest is from its future
        folder = shelf.folder_of(self._home, settings.backup_folder)
        try:
            await self._make(folder / shelf.file_name(self._networker, self._clock.now_ms()), True)
        except Problem as problem:
            self._fault = problem.text
            raise
        self._fault, self._made = None, now
        await self._executor.run(Lane.READER, self._rotate, folder, settings.backup_keep)

    @property
    def fault(self) -> str | None:
        """Why the last backup by schedule failed; None once one succeeded."""
        return self._fault

    async def shelter(self) -> Shelter:
        """The newest backup that was made and verified, and what stands against the next one."""
        value = await self._store.read(Reader.meta, META)
        kept = None if value is None else msgspec.json.decode(value, type=Kept)
        return Shelter(
            None if kept is None else kept.created, None if kept is None else kept.path, self._fault
        )

    def _rotate(self, folder: Path, keep: int) -> None:
        try:
            names = [path.name for path in folder.iterdir()]
            for name in (
                *shelf.superseded(names, self._networker, keep),
                *shelf.unfinished(names, self._networker),
            ):
                self._disk.remove(folder / name)
                _log.info("removed the backup %s", name)
        except OSError as error:
            raise disk_problem(error, "remove old backups from", folder) from error

    # -- inside ----------------------------------------------------------------------------------------------
    async def _make(self, target: Path, verify: bool) -> models.BackupMade:
        keys = self._unlocked()
        async with self._turn:
            self._watch = Watch()
            order = Order(
                target,
                self._networker,
                Recipients(keys.backup_public, keys.backup_key),
                self._clock.now_ms(),
                self._program,
            )
            header = await self._run(
                write_backup,
                self._home,
                self._copy,
                order,
                self._disk,
                self._entropy,
                self._sealer,
                self._watch,
            )
            own = 0
            if verify:
                with ExitStack() as undo:  # a backup that was never proved would be trusted
                    undo.callback(self._disk.remove, target)
                    _, own = await self._proved(target)
                    undo.pop_all()
            kept = Kept(header.created, str(target))
            await self._store.write(Writer.set_meta, META, msgspec.json.encode(kept))
        return models.BackupMade(backup=told(target, header), verified=verify, own_entries=own)

    async def _proved(self, target: Path) -> tuple[Header, int]:
        opener = Opener(home=self._unlocked().backup_key)
        with scratch(self._home) as folder:
            header, _ = await self._run(
                reading.unpack, target, opener, folder, self._disk, self._sealer, self._watch
            )
            self._watch.begin("verifying", 0)
            proof = await prove(folder, header, str(target), self._disk, self._executor, self._entropy)
        return header, proof.own_entries

    async def _run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs it in a lane; cancelled, it gives the work up and waits until it has tidied up."""
        running = asyncio.ensure_future(self._executor.run(Lane.READER, work, *args))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._watch.stop = True
            with suppress(Problem):
                await running
            raise

    def _copy(self, into: Path, stopped: Callable[[], bool]) -> None:
        snapshot.copied(self._store.path, into, self._disk, stopped)

    def _unlocked(self) -> Keys:
        keys = self._keys()
        if keys is None:
            raise Problem(
                "A backup needs the keys of this home, and they are locked: give --passphrase-file FILE.",
                ExitCode.USAGE,
                "passphrase_needed",
            )
        return keys

    def _folder(self) -> Path:
        return shelf.folder_of(self._home, self._config.settings().backup_folder)

    def _target(self, path: str | None) -> Path:
        name = shelf.file_name(self._networker, self._clock.now_ms())
        if path is None:
            return self._folder() / name
        target = Path(path)
        if not target.is_absolute():
            text = f"{target} is no absolute path, and the node may run in another folder than you."
            raise Problem(text, ExitCode.USAGE, "path", {"path": path})
        if target.is_dir():
            return target / name
        if not target.suffix and not target.exists():
            # A stick that is not plugged in, far more likely than a file whose name has no ending.
            raise no_folder(target, f" (the name of a file has an ending: {target}.backup)")
        return target


def told(path: Path, header: Header | None, size: int | None = None) -> models.Backup:
    """A backup as operations tell of it."""
    size = path.stat().st_size if size is None else size
    if header is None:
        return models.Backup(path=str(path), size=size, whole=False)
    head = header.head
    return models.Backup(
        path=str(path),
        size=size,
        id=header.id,
        created=header.created,
        network=header.network,
        program=header.program,
        head=None if head is None else models.BackupHead(head.epoch, head.term, head.seq, head.id),
        entries=header.entries,
        logs=header.logs,
    )
