"""What fails in a node and is outlived: logged, and counted for its owner."""

from __future__ import annotations

import logging
from typing import Final

from netnode.problems import Problem

SESSION: Final = "a session"
DIALLING: Final = "dialling a peer"
FETCHING: Final = "fetching a log"
SERVING: Final = "answering the owner"
SHOPPER: Final = "answering a shopper"
_log = logging.getLogger("netnode")


class Failures:
    """Counts the tasks of one running node that failed while the node went on.

    Whatever catches every `Exception`, since one task must not end the others, tells it here.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def outlived(self, task: str, error: Exception, what: str) -> None:
        """Logs a failure and counts it. A full disk, say, gets its sentence, a fault of this program its trace.

        Args:
            task: under which it is counted: the name of a chore, or one of those above; it names no peer.
            error: what ended it.
            what: the same with its particulars, for the log.
        """
        self._counts[task] = self._counts.get(task, 0) + 1
        if isinstance(error, Problem):
            _log.error("%s failed: %s", what, error.text)
        else:
            _log.error("%s failed", what, exc_info=error)

    def counts(self) -> dict[str, int]:
        """How often each task failed since the node started; those that never did are not named."""
        return dict(self._counts)
