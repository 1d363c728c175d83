"""The backups a node makes by itself: where they are, what they are called, and which of them go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from netnode.backups.format import Header
from netnode.backups.reading import read_header
from netnode.home import Home
from netnode.problems import Problem
from protocol.identity import id_text

SUFFIX: Final = ".backup"
FOLDER: Final = "backups"
LISTED: Final = 10_000  # why: a folder that somebody else fills is not read without end
_ID: Final = 12  # characters of the id in a name


@dataclass(frozen=True, slots=True)
class Shelved:
    """A backup in the folder; `header` is None when the file is no whole backup."""

    path: Path
    size: int
    header: Header | None


def folder_of(home: Home, setting: str) -> Path:
    """Where backups go: the configured folder, else one in the home."""
    return Path(setting).expanduser() if setting else home.path / FOLDER


def file_name(networker: bytes, now: int, before: int | None = None) -> str:
    """The name of a backup made now (ms UTC); `before`: the version of the store's tables it precedes."""
    when = datetime.fromtimestamp(now // 1000, UTC).strftime("%Y%m%d-%H%M%S")
    mark = "" if before is None else f"-before-version-{before}"
    return f"{_prefix(networker)}{when}{mark}{SUFFIX}"


def shelved(folder: Path, networker: bytes) -> list[Shelved]:
    """The backups of a networker in a folder, newest first, whatever their names.

    Raises:
        OSError: the folder cannot be read; one that is not there is empty.
    """
    found: list[Shelved] = []
    try:
        paths = sorted(folder.glob(f"*{SUFFIX}"))[:LISTED]
    except FileNotFoundError:
        return []
    own = id_text(networker)
    for path in paths:
        with suppress(OSError):
            if not path.is_file() or path.name.startswith("."):
                continue
            size = path.stat().st_size
            try:
                header = read_header(path)
            except Problem:
                found.append(Shelved(path, size, None))
                continue
            if header.id == own:
                found.append(Shelved(path, size, header))
    found.sort(key=lambda each: (-(each.header.created if each.header else 0), each.path.name))
    return found


def superseded(names: Sequence[str], networker: bytes, keep: int) -> list[str]:
    """Which of a folder's files go when only the newest `keep` made by schedule stay.

    Nothing else is ever named: neither files of other names, nor those of another networker, nor the backups made
    before a migration.
    """
    pattern = re.compile(re.escape(_prefix(networker)) + r"\d{8}-\d{6}" + re.escape(SUFFIX))
    own = sorted(name for name in names if pattern.fullmatch(name))
    return own[: max(0, len(own) - keep)]


def unfinished(names: Sequence[str], networker: bytes) -> list[str]:
    """Files that an interrupted backup of this networker left beside its name."""
    pattern = re.compile(re.escape("." + _prefix(networker)) + r".*\.new")
    return [name for name in names if pattern.fullmatch(name)]


def _prefix(networker: bytes) -> str:
    return f"netnode-{id_text(networker)[:_ID]}-"
