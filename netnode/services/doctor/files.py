"""The home: who can get into it, its keys, its settings, and whether it is where it was."""

from __future__ import annotations

import errno
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from netnode.config import Config
from netnode.home import Home
from netnode.keys.keystore import Keystore, PublicKeys
from netnode.operations.models import Check
from netnode.ports import Disk, Entropy
from netnode.problems import Problem, disk_problem
from netnode.settings import Settings

WRITABLE: Final = (
    "make the disk or folder writable (a computer makes a disk read-only when it fails), then: netnode doctor"
)


def folder(home: Home) -> Check:
    """The folder and the modes of its files."""
    try:
        home.check()
    except Problem as problem:
        return Check(name="home", state="fail", text=problem.text, mend=f"chmod 700 {home.path}")
    private = [home.keys, home.store, home.token_file, home.config, home.log_file]
    with suppress(OSError):
        private += sorted(home.path.glob("recovery-*.txt"))
    loose = [path for path in private if _mode(path) & 0o077]
    if loose:
        text = (
            f"Other users of this computer can read {', '.join(path.name for path in loose)} in {home.path}."
        )
        return Check(name="home", state="fail", text=text, mend=f"chmod 600 {' '.join(map(str, loose))}")
    fault = unwritable(home)
    if fault is not None:
        return Check(name="home", state="fail", text=fault, mend=WRITABLE)
    sheets = [path for path in private if path.name.startswith("recovery-")]
    if sheets:
        return Check(
            name="home",
            state="warn",
            text=f"The recovery sheet is still on this computer: {sheets[0]}. Whoever reads it has your identity.",
            mend=f"print it or copy it to paper, then: rm {sheets[0]}",
        )
    return Check(name="home", state="ok", text=f"{home.path} is private.")


def unwritable(home: Home) -> str | None:
    """Why nothing can be written in the home; None where it can, or where only the room is lacking.

    A file is made and removed: a disk that failed says of itself that it can be written, and an administrator may all.
    """
    try:
        with tempfile.TemporaryFile(dir=home.path):
            return None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return None
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return f"{home.path} is read-only."
        return disk_problem(error, "write", home.path).text


def keys(home: Home, disk: Disk, entropy: Entropy) -> tuple[Check, PublicKeys | None]:
    """The keystore, and what it tells without a passphrase."""
    try:
        public = Keystore(home, disk, entropy).public()
    except Problem as problem:
        mend = "netnode --home NEW backup restore FILE"
        return Check(name="keys", state="fail", text=problem.text, mend=mend), None
    how = "under a passphrase" if public.protected else "without a passphrase, readable by you only"
    return Check(name="keys", state="ok", text=f"The keys are there, {how}."), public


def settings(home: Home, disk: Disk) -> tuple[Check, Settings | None]:
    """config.toml."""
    try:
        found = Config(home.config, disk).settings()
    except Problem as problem:
        mend = f"correct {home.config}, or move it away for the defaults"
        return Check(name="settings", state="fail", text=problem.text, mend=mend), None
    return Check(name="settings", state="ok", text="The settings can be read."), found


def place(home: Home, machine: str) -> Check:
    """Whether the home is where it was used last."""
    if home.moved(machine):
        return Check(
            name="place",
            state="warn",
            text="This home was moved, copied or restored since it was last used. Never run two copies of it.",
            mend="netnode start, then: netnode status",
        )
    return Check(
        name="place",
        state="ok",
        text="The home is on the computer and at the path it was made or last moved to.",
    )


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
