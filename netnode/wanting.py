"""What the gate asks of whoever knows which logs are wanted here, and what that one may ask of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from netnode.store import room
from protocol.errors import NotHeld


class Releasing(Protocol):
    """The side of the gate that lets go: see `netnode.ingest.Gate`."""

    async def cut(self, author: bytes, size: int) -> None:
        """Moves the start of a log up until it takes `size` bytes less."""

    async def drop(
        self, authors: Sequence[bytes], now: int, forget: room.Forget, *, owner: bool, remembered: int
    ) -> None:
        """Lets go of whole logs."""


class Keeping(Protocol):
    """What is held here and what not, as the quotas and the owner want it [R-QUOTA-1..5]."""

    def full(self) -> bool:
        """Whether so much came that somebody has to look whether it is too much."""

    async def sweep(self, gate: Releasing) -> None:
        """Lets go of what is too much."""

    def wants(self, author: bytes) -> bool:
        """Whether a log is asked for and taken."""

    def refusal(self, author: bytes) -> NotHeld | None:
        """Why nothing is taken of a log that is not held; None: it may come."""

    def lower(self, author: bytes) -> bool:
        """Whether entries below the start of a log may come."""

    def whole(self, author: bytes) -> bool:
        """Whether nothing that is held of a log is let go of for what comes above a gap."""


class Everything:
    """Keeps all that comes."""

    __slots__ = ()

    def full(self) -> bool:
        """Never."""
        return False

    async def sweep(self, gate: Releasing) -> None:
        """Nothing to do."""

    def wants(self, author: bytes) -> bool:
        """It is."""
        return True

    def refusal(self, author: bytes) -> NotHeld | None:
        """None."""
        return None

    def lower(self, author: bytes) -> bool:
        """They may."""
        return True

    def whole(self, author: bytes) -> bool:
        """It is let go of."""
        return False
