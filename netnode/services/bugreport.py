"""What a bug report tells of a node, and how it is kept from telling anything else.

Only what is listed here goes in. Texts that the program wrote (its log, the doctor's sentences) are masked: ids and
hashes are shortened, addresses, paths, quoted texts and names of people are taken out.
"""

from __future__ import annotations

import io
import platform
import re
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from netnode.config import Config
from netnode.home import Home
from netnode.operations.models import Examined, Status
from netnode.ports import Disk
from netnode.problems import Problem

LOG_LINES: Final = 400
LOG_BYTES: Final = 256 * 1024
_SHOWN: Final = frozenset({"network", "interest", "log_level"})  # settings whose text names nobody
_COUNTS: Final = (
    "running", "entries", "logs", "listings", "own_listings", "sessions", "peers", "lag", "started", "backup",
    "failures",
)  # fmt: skip
_LINE: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ netnode[\w.]*: ")
_FRAME: Final = re.compile(r'^\s+File ".*", line \d+, in [\w<>.]+$')
_RAISED: Final = re.compile(
    r"^([A-Za-z_][\w.]*(?:Error|Exception|Problem|Fault|Held|Closed|Interrupt))(?::.*)?$"
)
_HEX: Final = "[0-9a-fA-F]{1,4}"
_MASKS: Final = (  # in this order
    (re.compile(r"\b(?:wss?|https?|inx):[^\s\"'<>]+"), "(address)"),
    (re.compile(r"\bnx1([a-z0-9]{4})[a-z0-9]{8,}"), r"nx1\1..."),
    (re.compile(r"(?<![\w+/=-])(?![0-9a-fA-F]+\b(?![+/_=-]))[A-Za-z0-9+/_=-]{32,}"), "(bytes)"),
    (re.compile(r"(?<![\w.~)])/(?:[\w.@+=-]+/)+(?=[\w-]+\.(?:json|log|py|sqlite3|toml)\b)"), "(path)/"),
    (re.compile(r"(?<![\w.~)])(?!/api/v1)/(?:[\w.@+=-]+/?)+"), "(path)"),
    (re.compile(r"\b([0-9a-fA-F]{4})[0-9a-fA-F]{12,}\b"), r"\1..."),
    (
        re.compile(
            rf"\[?(?:{_HEX}(?::{_HEX}){{7}}|(?:{_HEX}(?::{_HEX}){{0,6}})?::(?:{_HEX}(?::{_HEX}){{0,6}})?)"
            r"(?:%\w+)?\]?(?::\d+)?"
        ),
        "(address)",
    ),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "(address)"),
    (re.compile(r"'[^'\n]*'|\"[^\"\n]*\""), "'...'"),
    (
        re.compile(
            r"(?<![\w.(])(?!netnode\b)[\w-]+(?:\.[\w-]+)*"
            r"\.(?!py\b|json\b|toml\b|sqlite3\b|log\b|txt\b|backup\b)[a-z]{2,}\b(?::\d+)?"
        ),
        "(name)",
    ),
)


def masked(text: str, hidden: Iterable[tuple[str, str]] = ()) -> str:
    """A text of ours without what it says of people and places.

    Args:
        text: a line or more.
        hidden: what is known to stand for something private, and what to write instead.
    """
    for private, instead in hidden:
        if len(private) >= 3:
            text = text.replace(private, instead)
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def log_lines(text: str, hidden: Sequence[tuple[str, str]]) -> list[str]:
    """The newest lines of the log that have a known form; what an error said of its data is left out."""
    lines: list[str] = []
    for line in text.splitlines():
        if head := _LINE.match(line):
            lines.append(head[0] + masked(line[head.end() :], hidden))
        elif _FRAME.match(line):
            name, _, rest = line.strip().removeprefix('File "').partition('", line ')
            lines.append(f"  {_module(name)}, line {rest}")
        elif raised := _RAISED.match(line):
            lines.append(raised[1])
    return lines[-LOG_LINES:]


def _module(name: str) -> str:
    """The file of a frame from the package on; where it is installed says whose computer it is."""
    parts = Path(name).parts
    for at in range(len(parts) - 1, -1, -1):
        if parts[at] in ("netnode", "protocol", "site-packages") or parts[at].startswith("python3."):
            return "/".join(parts[at:])
    return "(file)"


def bundle(
    home: Home, disk: Disk, version: str, examined: Examined, status: Status | None, why_no_status: str
) -> dict[str, str]:
    """The files of a report: name and text."""
    hidden = _hidden(home, disk, status)
    about = {
        "netnode": version,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "sqlite": apsw.sqlite_lib_version(),
    }
    doctor = {
        "ok": examined.ok,
        "running": examined.running,
        "checks": [[check.name, check.state, masked(check.text, hidden)] for check in examined.checks],
    }
    counts: dict[str, Any] = (
        {"missing": masked(why_no_status, hidden)}
        if status is None
        else {name: getattr(status, name) for name in _COUNTS}
    )
    return {
        "about.json": _pretty(about),
        "settings.json": _pretty(_settings(home, disk, hidden)),
        "doctor.json": _pretty(doctor),
        "counts.json": _pretty(counts),
        "log.txt": "\n".join(log_lines(_tail(home.log_file), hidden)) + "\n",
    }


def packed(files: dict[str, str]) -> bytes:
    """A zip of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def _settings(home: Home, disk: Disk, hidden: Sequence[tuple[str, str]]) -> dict[str, Any]:
    try:
        rows = Config(home.config, disk).ls()
    except Problem as problem:
        return {"missing": masked(problem.text, hidden)}
    found: dict[str, Any] = {}
    for row in rows:
        if isinstance(row.value, int) or row.setting.name in _SHOWN:
            found[row.setting.name] = row.value
        elif isinstance(row.value, tuple):
            found[row.setting.name] = f"{len(row.value)} set"
        else:
            found[row.setting.name] = "set" if row.is_set else "default"
    return found


def _hidden(home: Home, disk: Disk, status: Status | None) -> list[tuple[str, str]]:
    """Names of people that may stand in the log, and places on this computer; the longest first."""
    found = {str(home.path): "HOME", str(Path.home()): "~", platform.node(): "(this computer)"}
    if status is not None:
        found[status.name] = "(me)"
    with suppress(Problem):
        for row in Config(home.config, disk).ls():
            values = row.value if isinstance(row.value, tuple) else (row.value,)
            if row.is_set and row.setting.name not in _SHOWN:
                found.update({each: f"({row.setting.name})" for each in values if isinstance(each, str)})
    try:
        connection = disk.open_database(home.store, apsw.SQLITE_OPEN_READONLY)
        try:
            for name, note in connection.execute("SELECT name, note FROM peer LIMIT 5000"):
                found.update({each: "(peer)" for each in (name, note) if isinstance(each, str) and each})
            for (name,) in connection.execute("SELECT name FROM profile LIMIT 20000"):
                if isinstance(name, str):
                    found.setdefault(name, "(networker)")
        finally:
            connection.close()
    except (apsw.Error, OSError):
        pass  # damaged: what it held is not known, and quoted texts go anyway
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
