"""The bus: tells the rest of the node what was stored, after it is stored; only sessions hear of a little before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from protocol.entry import Entry
from protocol.items import Item


class Stored(msgspec.Struct, frozen=True):
    """One committed batch.

    Args:
        items: those that changed, one a log.
        entries: the new entries by author, oldest first; those that fill a log from below are left out.
        source: the session the batch came from; None for own entries and files.
    """

    items: Sequence[Item]
    entries: dict[bytes, tuple[Entry, ...]] = {}
    source: object | None = None


Subscriber = Callable[[Stored], None]


class Bus:
    """Calls every subscriber for every batch, in the order they came; a subscriber must not block or raise."""

    __slots__ = ("_ahead", "_subscribers")

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._ahead: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber, *, ahead: Subscriber | None = None) -> Callable[[], None]:
        """Adds a subscriber; returns the function that removes it.

        Args:
            subscriber: called with each batch.
            ahead: for who passes on what is new. Called with a batch that `pass_on` is told of, before `subscriber`
                is; which then comes before those that can wait, with every batch.
        """
        if ahead is None:
            self._subscribers.append(subscriber)
        else:
            self._subscribers.insert(len(self._ahead), subscriber)
            self._ahead.append(ahead)

        def leave() -> None:
            self._subscribers.remove(subscriber)
            if ahead is not None:
                self._ahead.remove(ahead)

        return leave

    @property
    def passes_on(self) -> bool:
        """Whether there may be somebody to pass on to what came from one of them."""
        return len(self._ahead) > 1

    def pass_on(self, news: Stored) -> None:
        """Tells those who pass on; the others hear of it with `publish`, once it is in its tables."""
        for ahead in tuple(self._ahead):
            ahead(news)

    def publish(self, stored: Stored) -> None:
        """Tells all subscribers."""
        for subscriber in tuple(self._subscribers):
            subscriber(stored)
