"""All checks in one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netnode.backups.writing import store_size
from netnode.home import Home
from netnode.operations.models import Check, Examined
from netnode.ports import Clock, Disk, Entropy, Executor, Lane
from netnode.services.doctor import computer, files, stored
from netnode.sync.clocks import Doubt


@dataclass(frozen=True, slots=True)
class Live:
    """What only the running node knows.

    Where peers dial it, its clock against theirs, its last backup's fault, how often which of its tasks failed.
    """

    peer: str
    skew: int | None = None
    backup_fault: str | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    doubt: Doubt | None = None


def examine(
    home: Home, machine: str, clock: Clock, disk: Disk, entropy: Entropy, live: Live | None = None
) -> Examined:
    """Looks at everything; what is damaged is a finding, never an error. Blocking: it reads the whole store.

    Args:
        home: looked at.
        machine: `netnode.system.machine()`.
        clock: looked at too.
        disk: of its files.
        entropy: a keystore wants it.
        live: what the running node knows; None when none is running.
    """
    keys, public = files.keys(home, disk, entropy)
    settings_check, settings = files.settings(home, disk)
    checks = [computer.python(), computer.sqlite(), files.folder(home), files.place(home, machine), keys]
    found_checks, found = stored.store(home, public, disk)
    size = store_size(home)
    checks += [settings_check, *found_checks]
    now = clock.now_ms()
    fault = None if live is None else live.backup_fault
    checks.append(stored.backups(home, settings, found, fault, now, disk))
    skew, doubt = (None, None) if live is None else (live.skew, live.doubt)
    checks.append(computer.clock(now, found.newest, skew, doubt))
    checks.append(computer.space("disk", disk, home.path, size))
    if settings is not None:
        elsewhere = stored.backup_folder(home, settings)
        if elsewhere is not None:
            checks.append(computer.space("backup folder", disk, elsewhere, size))
        checks.append(computer.port(settings.listen, None if live is None else live.peer))
    if live is not None:
        checks.append(_tasks(live.failures, home.log_file))
    return _together(checks, live is not None)


def _together(checks: list[Check], running: bool) -> Examined:
    return Examined(ok=all(check.state != "fail" for check in checks), running=running, checks=checks)


def _tasks(failures: Mapping[str, int], log: Path) -> Check:
    """What failed in the running node since it started, and was outlived."""
    if not failures:
        return Check(name="tasks", state="ok", text="None of the node failed since it started.")
    each = ", ".join(f"{name} ({count:,})" for name, count in failures.items())
    total = sum(failures.values())
    text = f"{total:,} {'task' if total == 1 else 'tasks'} of the node failed since it started: {each}. "
    return Check(
        name="tasks", state="warn", text=f"{text}Its log says more: {log}", mend="netnode bugreport FILE"
    )


class Doctor:
    """`operations.services.Doctor` of an open home.

    Args:
        home: looked at.
        machine: `netnode.system.machine()`.
        clock: looked at too.
        disk: of its files.
        entropy: a keystore wants it.
        executor: runs the work.
        live: what the running node knows; gives None when none is running.
    """

    def __init__(
        self,
        home: Home,
        machine: str,
        clock: Clock,
        disk: Disk,
        entropy: Entropy,
        executor: Executor,
        live: Callable[[], Live | None],
    ) -> None:
        self._home = home
        self._machine = machine
        self._clock = clock
        self._disk = disk
        self._entropy = entropy
        self._executor = executor
        self._live = live

    async def examine(self) -> Examined:
        """Looks at everything."""
        return await self._executor.run(
            Lane.READER,
            examine,
            self._home,
            self._machine,
            self._clock,
            self._disk,
            self._entropy,
            self._live(),
        )
