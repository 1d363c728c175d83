"""The store and the backups: whole, verified, projected, and not too long ago."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import apsw
import msgspec

from netnode.backups import shelf
from netnode.home import Home
from netnode.keys.keystore import PublicKeys
from netnode.operations.models import Check
from netnode.own.caution import held_back
from netnode.own.log import FORKED, RETIRED
from netnode.own.unrecognised import unrecognised
from netnode.ports import Disk
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.services.backups import HOUR_MS, META, Kept
from netnode.services.doctor.files import WRITABLE, unwritable
from netnode.services.mail import figures
from netnode.services.verifying import LogVerification
from netnode.settings import Settings
from netnode.store import LogRow, Reader, schema
from netnode.store.faults import told
from protocol.items import Standing

P = ParamSpec("P")
T = TypeVar("T")
LAG: Final = 10_000
MANY_LETTERS: Final = 1_000
LATE: Final = 3  # periods without a backup before it is noted
WITHOUT_SCHEDULE_HOURS: Final = 7 * 24
_REPAIR: Final = "netnode stop; netnode repair"


@dataclass(frozen=True, slots=True)
class Found:
    """What the store says of the own log, for other checks."""

    newest: int | None = None  # ms UTC
    backup: Kept | None = None


@dataclass(frozen=True, slots=True)
class _Alone:
    """One reader on a connection of its own, for whom no node has opened the store."""

    reader: Reader

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self.reader.snapshot():
            return function(self.reader, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class _Owner:
    id: bytes


def _letters(reader: Reader) -> Check:
    """How many letters wait; many that do not leave mean that nobody can be reached, or that no node runs."""
    found = figures(reader)
    waiting = found.queued + found.at_mailbox
    text = (
        f"{waiting:,} letters wait to arrive ({found.at_mailbox:,} at a mailbox), "
        f"{found.incoming:,} are being taken in, {found.kept:,} are kept for others."
    )
    many = found.queued >= MANY_LETTERS or found.incoming >= MANY_LETTERS
    return Check(
        name="letters", state="warn" if many else "ok", text=text, mend="netnode mail ls" if many else None
    )


def store(home: Home, public: PublicKeys | None, disk: Disk) -> tuple[list[Check], Found]:
    """Every page of the store, the own log from nothing, and the catalogue. Blocking: reads all of the file."""
    path = home.store
    if not disk.exists(path):
        text = f"{path} is missing. A running node brings your log back from its peers."
        return [Check(name="store", state="fail", text=text, mend="netnode start")], Found()
    try:
        with told(str(path), "read"):
            if path.stat().st_size == 0:
                raise apsw.NotADBError
            with closing(disk.open_database(path, apsw.SQLITE_OPEN_READONLY)) as connection:
                schema.set_up_reader(connection)
                return _examined(connection, public)
    except Problem as problem:
        if unwritable(home) is not None:  # SQLite then opens no store that was in use, however sound
            text = f"The store cannot be looked at while {home.path} is read-only."
            return [Check(name="store", state="fail", text=text, mend=WRITABLE)], Found()
        return [Check(name="store", state="fail", text=problem.text, mend=_REPAIR)], Found()
    except (OSError, ValueError, KeyError, LookupError, apsw.Error) as error:
        text = f"The store {path} is damaged: {error or type(error).__name__}."
        return [Check(name="store", state="fail", text=text, mend=_REPAIR)], Found()


def _examined(connection: apsw.Connection, public: PublicKeys | None) -> tuple[list[Check], Found]:
    version = int(connection.execute("SELECT value FROM meta WHERE name = 'version'").get or b"0")
    if version > schema.VERSION:
        text = f"The store was made by a newer netnode (its version is {version})."
        return [Check(name="store", state="fail", text=text, mend="pip install --upgrade netnode")], Found()
    if version < schema.VERSION:
        text = f"The store is of version {version}; the next start brings it to {schema.VERSION}, after a backup."
        return [Check(name="store", state="warn", text=text, mend="netnode start")], Found()
    reader = Reader(connection)
    broken = reader.check()
    if broken:
        text = f"The store is damaged: {broken[0]}"
        text += f" (and {len(broken) - 1} more)." if len(broken) > 1 else "."
        return [Check(name="store", state="fail", text=text, mend=_REPAIR)], Found()
    checks = [Check(name="store", state="ok", text="Every page of the store is sound.")]
    value = reader.meta(META)
    found = Found(backup=None if value is None else msgspec.json.decode(value, type=Kept))
    if public is not None:
        row = reader.log(public.networker)
        checks.append(_log(reader, public, row is not None))
        found = Found(None if row is None else row.time, found.backup)
        if row is not None:
            checks += _stands(row, public)
    back = held_back(reader)
    if back is not None and not any(check.name == "publishing" for check in checks):
        text, two = back
        mend = "netnode log resume" if two else "netnode status"
        checks.append(Check(name="publishing", state="fail" if two else "warn", text=text, mend=mend))
    strange = unrecognised(reader)
    if strange is not None:
        checks.append(Check(name="entries", state="warn", text=strange, mend="netnode log ls"))
    checks.append(_letters(reader))
    lag = catalogue.lag(connection)
    if lag > LAG:
        text = f"The catalogue is {lag:,} entries behind; search does not show them yet."
        checks.append(
            Check(name="catalogue", state="warn", text=text, mend="let the node run: netnode start")
        )
    else:
        checks.append(
            Check(
                name="catalogue",
                state="ok",
                text=f"{lag:,} entries are not searchable yet."
                if lag
                else "Every entry held can be found by search.",
            )
        )
    return checks, found


def _stands(row: LogRow, public: PublicKeys) -> list[Check]:
    """What the own log itself says against publishing from this home: a newer key elsewhere, or a fork."""
    if row.item.epoch > public.epoch:
        return [Check(name="publishing", state="fail", text=RETIRED, mend="netnode key rotate")]
    if row.item.standing is Standing.FORKED:
        return [Check(name="publishing", state="fail", text=FORKED, mend="netnode log settle")]
    return []


def _log(reader: Reader, public: PublicKeys, held: bool) -> Check:
    if not held:
        text = "Your own log is not in the store."
        return Check(name="log", state="fail", text=text, mend="netnode start, or restore a backup")
    verification = LogVerification(public.network, _Alone(reader), _Owner(public.networker))
    verified = _at_once(verification.run(public.networker))
    if verified.problems:
        first = verified.problems[0]
        text = f"Your log does not verify: {first.text} (entry {first.seq})."
        return Check(name="log", state="fail", text=text, mend=_REPAIR)
    return Check(name="log", state="ok", text=f"All {verified.entries:,} entries of your log verify.")


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that waits for nothing, where there is no event loop to run it."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("it waits")


def backups(
    home: Home, settings: Settings | None, found: Found, fault: str | None, now: int, disk: Disk
) -> Check:
    """How old the newest backup is, and where it stands."""
    mend = "netnode backup create"
    if fault is not None:
        return Check(name="backup", state="fail", text=f"The last backup failed: {fault}", mend=mend)
    newest = found.backup
    if newest is None:
        return Check(name="backup", state="warn", text="There is no backup yet.", mend=mend)
    hours = (now - newest.created) // HOUR_MS
    every = (0 if settings is None else settings.backup_every_hours * LATE) or WITHOUT_SCHEDULE_HOURS
    age = f"{hours} hours" if hours < 72 else f"{hours // 24} days"
    if hours > every:
        return Check(name="backup", state="warn", text=f"The newest backup is {age} old.", mend=mend)
    if not disk.exists(Path(newest.path)):
        text = f"The newest backup is {age} old, and no longer at {newest.path}."
        return Check(name="backup", state="warn", text=text, mend=mend)
    if _same_disk(home.path, Path(newest.path)):
        text = f"The newest backup is {age} old, on the same disk as the home: it would be lost with it."
        return Check(name="backup", state="warn", text=text, mend="netnode config set backup_folder DIR")
    return Check(name="backup", state="ok", text=f"The newest backup is {age} old, at {newest.path}.")


def backup_folder(home: Home, settings: Settings) -> Path | None:
    """The folder of the settings, when it is another one than the home's."""
    return shelf.folder_of(home, settings.backup_folder) if settings.backup_folder else None


def _same_disk(home: Path, backup: Path) -> bool:
    try:
        return home.stat().st_dev == backup.stat().st_dev
    except OSError:
        return False
