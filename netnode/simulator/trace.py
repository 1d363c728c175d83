"""The trace of a run: a running hash over everything that happened, with its virtual time.

Two runs with one trace did the same; where they should have and did not, the newest lines say where they parted.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable


class Trace:
    """Takes in each message delivered, each commit, each timer.

    Args:
        now: virtual seconds.
        keep: the newest lines kept for people.
    """

    __slots__ = ("_hash", "_now", "count", "lines")

    def __init__(self, now: Callable[[], float], keep: int = 0) -> None:
        self._now = now
        self._hash = hashlib.sha256()
        self.count = 0
        self.lines: deque[str] | None = deque(maxlen=keep) if keep else None

    def note(self, kind: str, who: str, data: bytes | bytearray | memoryview = b"") -> None:
        """Takes in one event.

        Args:
            kind: a word: ``message``, ``commit``, ``timer``.
            who: whose; of a message ``FROM>TO``.
            data: what it was.
        """
        self.count += 1
        self._hash.update(f"\n{self._now()!r} {kind} {who} {len(data)} ".encode())
        self._hash.update(data)
        if self.lines is not None:
            digest = hashlib.sha256(data).hexdigest()[:8] if data else ""
            self.lines.append(f"{self._now():.6f} {kind} {who} {len(data)} {digest}")

    @property
    def hex(self) -> str:
        """The hash of all so far."""
        return self._hash.copy().hexdigest()
