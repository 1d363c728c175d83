"""Backups of the home."""

from typing import Annotated

from msgspec import Meta, Struct

from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit

PathText = Annotated[
    str, Meta(min_length=1, max_length=4096, description="absolute path on the node's computer")
]


class BackupOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to write a backup: a file that is not there, a folder, or null for the folder of the settings."""

    path: PathText | None = None
    verify: bool = True  # restore it to a scratch folder afterwards, and check everything


class BackupChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which backup."""

    path: PathText


class BackupsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Backups in a folder; null for the folder of the settings."""

    folder: PathText | None = None
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class BackupHead(Struct, frozen=True):
    """The newest own entry in a backup."""

    epoch: int
    term: int
    seq: int
    id: str


class Backup(Struct, frozen=True, kw_only=True):
    """A backup. `whole`: it has the form of one; only verifying shows that it opens."""

    path: str
    size: int
    whole: bool = True
    id: str | None = None
    created: int | None = None
    network: str | None = None
    program: str | None = None  # version of the netnode that wrote it
    head: BackupHead | None = None
    entries: int = 0  # of all logs
    logs: int = 0


class BackupMade(Struct, frozen=True, kw_only=True):
    """A backup that was written, or verified by a restore to a scratch folder."""

    backup: Backup
    verified: bool
    own_entries: int = 0  # that were verified from nothing


class BackupProgress(Struct, frozen=True, kw_only=True):
    """How far the backup in work is, in bytes; `doing` is empty when there is none."""

    doing: str = ""
    done: int = 0
    total: int = 0


class Restored(Struct, frozen=True, kw_only=True):
    """A home that was made from a backup."""

    home: str
    id: str
    created: int  # ms UTC: when the backup was made
    head: BackupHead | None
    own_entries: int
    protected: bool  # the keys are under the passphrase they had
