"""The backup that is made before the store's tables change: without it they do not."""

from __future__ import annotations

from collections.abc import Callable

import apsw

from netnode.backups import shelf
from netnode.backups.format import Recipients
from netnode.backups.scratch import Watch
from netnode.backups.writing import Order, write_backup
from netnode.home import Home
from netnode.keys.keystore import Keystore
from netnode.ports import Clock, Disk, Entropy, Sealer
from netnode.problems import Problem
from netnode.settings import Settings
from netnode.store import schema, snapshot


def saving(
    home: Home,
    settings: Settings,
    home_key: bytes | None,
    clock: Clock,
    disk: Disk,
    entropy: Entropy,
    sealer: Sealer,
    program: str,
) -> schema.Saving:
    """What `Store.open` calls before it migrates a store.

    Only public keys are needed: the backup opens with the recovery words, and with `home_key` where the keys are open.
    """

    def save(connection: apsw.Connection, version: int) -> None:
        now = clock.now_ms()
        try:
            public = Keystore(home, disk, entropy).public()
            folder = shelf.folder_of(home, settings.backup_folder)
            target = folder / shelf.file_name(public.networker, now, version + 1)
            order = Order(target, public.networker, Recipients(public.backup_public, home_key), now, program)
            write_backup(home, _copier(connection), order, disk, entropy, sealer, Watch())
        except Problem as problem:
            raise Problem(
                f"This netnode changes the tables of the store, and makes a backup first, which failed. {problem.text} "
                "Nothing was changed; the former netnode still works.",
                problem.exit_code,
                problem.code,
                problem.details,
            ) from problem

    return save


def _copier(connection: apsw.Connection) -> Callable[..., None]:
    return lambda into, stopped: snapshot.copy(connection, into, stopped)
