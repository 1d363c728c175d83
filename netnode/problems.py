"""What a person can meet: a sentence, an exit code and a machine word; never a traceback."""

from __future__ import annotations

import enum
import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_SPANS: Final = ((86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes"))


def lasting(ms: int) -> str:
    """A length of time in a sentence, in the largest unit that it has twice: ``45 s``, ``3 hours``, ``40 days``."""
    for unit, name in _SPANS:
        if abs(ms) >= 2 * unit:
            return f"{(abs(ms) + unit // 2) // unit:,} {name}"
    return f"{abs(ms) // 1_000} s"


class ExitCode(enum.IntEnum):
    """How a command ends; the API maps the same values to HTTP."""

    OK = 0  # also an empty list
    FAILED = 1
    USAGE = 2  # an option is missing or wrong
    NOT_FOUND = 3
    REFUSED = 4  # a rule of INX or of this node says no
    UNREACHABLE = 5  # the node, or the peer, does not answer


class Problem(Exception):
    """Something a person can meet and act on.

    Args:
        text: a sentence that says what is wrong, where, and what to do.
        exit_code: how a command that meets it ends.
        code: one word for machines, stable over versions.
        details: more for machines (JSON values only); never a secret.
    """

    def __init__(
        self,
        text: str,
        exit_code: ExitCode = ExitCode.FAILED,
        code: str = "failed",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code
        self.code = code
        self.details: dict[str, Any] = dict(details or {})


_ADVICE: Final = {
    errno.ENOSPC: "the disk is full. Free some space and try again",
    errno.EDQUOT: "your disk quota is used up. Free some space and try again",
    errno.EROFS: "the disk is read-only. A computer makes it so when the disk fails: check it, make it writable, then "
    "try again",
    errno.EACCES: "you have no permission there. Check its owner and mode",
    errno.EPERM: "you have no permission there. Check its owner and mode",
    errno.ENOENT: "there is no such file or folder. Check the path",
    errno.EISDIR: "it is a folder. Give a file",
    errno.ENOTDIR: "a part of that path is a file, not a folder. Check the path",
    errno.ELOOP: "it is a chain of links without end. Check the path",
    errno.ENAMETOOLONG: "the path is too long. Choose a shorter one",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n)",
    errno.EIO: "the disk reports an error. Check the disk and your backups",
}


def disk_problem(error: OSError, doing: str, path: Path) -> Problem:
    """The sentence for an operating system error at a file.

    Args:
        error: what the system said.
        doing: a verb: ``read``, ``write``, ``create``, ``lock``.
        path: the file or folder that a person knows.
    """
    advice = _ADVICE.get(error.errno or 0, f"the system says: {error.strerror or error}")
    exit_code = ExitCode.NOT_FOUND if error.errno == errno.ENOENT and doing == "read" else ExitCode.FAILED
    return Problem(f"Cannot {doing} {path}: {advice}.", exit_code, "disk", {"path": str(path)})
