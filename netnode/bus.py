"""The bus: tells the rest of the node what was stored, after it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from netnode.store.rows import Arrived
from protocol.entry import Entry


class Stored(msgspec.Struct, frozen=True):
    """One committed batch.

    Args:
        arrived: the changed items.
        entries: the new entries by author, oldest first; those that fill a log from below are left out.
        source: the session the batch came from; None for own entries and files.
    """

    arrived: Sequence[Arrived]
    entries: dict[bytes, tuple[Entry, ...]] = {}
    source: object | None = None


Subscriber = Callable[[Stored], None]


class Bus:
    """Calls every subscriber for every batch, in the order they came; a subscriber must not block or raise."""

    __slots__ = ("_first", "_subscribers")

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._first = 0  # how many of them come before all others

    def subscribe(self, subscriber: Subscriber, *, first: bool = False) -> Callable[[], None]:
        """Adds a subscriber; returns the function that removes it.

        Args:
            subscriber: called with each batch.
            first: it is called before those that can wait: it passes on what is new.
        """
        self._subscribers.insert(self._first if first else len(self._subscribers), subscriber)
        self._first += first

        def leave() -> None:
            self._subscribers.remove(subscriber)
            self._first -= first

        return leave

    def publish(self, stored: Stored) -> None:
        """Tells all subscribers."""
        for subscriber in tuple(self._subscribers):
            subscriber(stored)
