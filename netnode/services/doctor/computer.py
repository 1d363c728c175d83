"""What the node rests on: Python, SQLite, the clock, the disk, the port."""

from __future__ import annotations

import errno
import platform
import socket
from pathlib import Path
from typing import Final

import apsw

from netnode.market.dates import day
from netnode.operations.models import Check
from netnode.ports import Disk
from netnode.problems import lasting
from netnode.quotas import MIB
from netnode.settings import split_listen
from netnode.sync.clocks import Doubt
from protocol import limits

FIXED_SQLITE: Final = (3, 51, 3)  # why: 3.7.0 to 3.51.2 can corrupt a database with a write-ahead log
EARLIEST: Final = 1_760_000_000_000  # why: October 2025, before this program was written
LATEST: Final = 4_102_444_800_000  # why: the year 2100
SKEW_NOTED: Final = 30_000
LOW: Final = 200 * 1024 * 1024
_UNCOMPARED: Final = "It looks right; it takes three peers of yours to compare it with."


def python() -> Check:
    """The interpreter, and the parser of the HTTP server."""
    from aiohttp import http_parser  # late: it takes a while, and hardly any command needs it

    found = f"Python {platform.python_version()}"
    if http_parser.HttpRequestParser.__module__ != "aiohttp._http_parser":
        return Check(
            name="python",
            state="fail",
            text=f"{found}; aiohttp runs without its compiled parser, which is not safe to serve with.",
            mend="unset AIOHTTP_NO_EXTENSIONS, then: pip install --force-reinstall aiohttp",
        )
    return Check(name="python", state="ok", text=f"{found}, aiohttp with its compiled parser.")


def sqlite(version: str | None = None) -> Check:
    """The SQLite that the node brings along; `version` instead of it."""
    version = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")[:3]) < FIXED_SQLITE:
        return Check(
            name="sqlite",
            state="fail",
            text=f"SQLite {version} can damage a store that is written and read at once.",
            mend="pip install --upgrade apsw",
        )
    return Check(name="sqlite", state="ok", text=f"SQLite {version}.")


def clock(now: int, newest: int | None, skew: int | None, doubt: Doubt | None = None) -> Check:
    """The computer's clock.

    Args:
        now: what it says, ms UTC.
        newest: the date of the newest own entry.
        skew: ms by which it differs from the peers' median; None with too few peers.
        doubt: what speaks against it then.
    """
    mend = (
        "sudo sntp -sS time.apple.com" if platform.system() == "Darwin" else "sudo timedatectl set-ntp true"
    )

    def found(state: str, text: str) -> Check:
        return Check(name="clock", state="fail" if state == "fail" else "warn", text=text, mend=mend)

    if not EARLIEST < now < LATEST:
        return found("fail", f"The clock of this computer is wrong by years: it says {day(now)}.")
    if skew is not None and abs(skew) > limits.CLOCK_TOLERANCE_MS:
        side = "behind" if skew > 0 else "ahead of"
        text = (
            f"The clock of this computer is {lasting(skew)} {side} those of the peers: nothing is published until it "
            "is set."
        )
        return found("fail", text)
    if newest is not None and newest > now + limits.CLOCK_TOLERANCE_MS:
        text = (
            f"Your newest entry is dated {lasting(newest - now)} ahead of this computer's clock: nothing is published "
            "before that date. If the clock is wrong, set it. If it was wrong when you published: netnode log ls shows "
            "those entries, and netnode log settle --from SEQ takes them back."
        )
        return found("fail", text)
    if doubt is not None and (doubt.sure or doubt.alone):
        return found("warn", _doubted(doubt))
    if skew is not None and abs(skew) > SKEW_NOTED:
        return found("warn", f"The clock of this computer is {lasting(skew)} off those of the peers.")
    if doubt is not None:
        text = (
            f"It looks right, but the clock of one peer is {lasting(doubt.off)} off it; it takes three peers of yours "
            "to tell which is right."
        )
        return Check(name="clock", state="ok", text=text)
    return Check(
        name="clock",
        state="ok",
        text="It agrees with those of the peers." if skew is not None else _UNCOMPARED,
    )


def _doubted(doubt: Doubt) -> str:
    """Why its owner should look at the clock, though the node goes on."""
    side = "behind" if doubt.off > 0 else "ahead"
    if doubt.alone:
        return (
            f"The clock of this computer was set {lasting(doubt.off)} {'back' if doubt.off > 0 else 'ahead'} while the "
            "node ran, and there is no peer to compare it with. If it is wrong, set it before you publish: entries "
            "keep their dates."
        )
    return (
        f"The clock of this computer seems to be {lasting(doubt.off)} {side}: whatever there is to compare it with "
        "says so, too little to be sure. If it is wrong, set it before you publish: entries keep their dates."
    )


def space(name: str, disk: Disk, folder: Path, store: int) -> Check:
    """The room left where the home is, or the backups are; `store`: bytes that a copy takes."""
    try:
        free = disk.free(folder)
    except OSError as error:
        text = f"{folder} cannot be looked at: {error.strerror or error}."
        return Check(name=name, state="fail", text=text, mend=f"ls -ld {folder}")
    text = f"{free // MIB:,} MiB free at {folder}"
    mend = "free some space, or move the home to a larger disk"
    if free < LOW // 4:
        return Check(name=name, state="fail", text=f"{text}: too little to go on.", mend=mend)
    if free < LOW + 2 * store:
        return Check(
            name=name, state="warn", text=f"{text}: too little for a backup and its check.", mend=mend
        )
    return Check(name=name, state="ok", text=f"{text}.")


def port(listen: str, serving: str | None) -> Check:
    """Whether the node can listen where it is configured; `serving`: where it does."""
    if serving is not None:
        return Check(name="port", state="ok", text=f"The node listens at {serving}.")
    host, number = split_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, number))
            probe.listen(1)  # another listener shows only now
    except OSError as error:
        why = {
            errno.EADDRINUSE: "another program listens there",
            errno.EADDRNOTAVAIL: "this computer has no such address",
            errno.EACCES: "ports below 1024 need the rights of an administrator",
        }.get(error.errno or 0, error.strerror or str(error))
        return Check(
            name="port",
            state="fail",
            text=f"The node cannot listen at {listen}: {why}.",
            mend="netnode config set listen 127.0.0.1:4748",
        )
    return Check(name="port", state="ok", text=f"{listen} is free for the node.")
