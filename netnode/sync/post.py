"""What a session needs of the letters of its node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who brings a letter: the peer of the session; `here`: its program runs on this computer."""

    id: bytes
    here: bool = False


class Post(Protocol):
    """The letters of a node."""

    async def deliver(self, carrier: Carrier, data: bytes) -> bool:
        """Takes a letter, durably; True: it is kept for its recipient, False: its recipient is this node's networker.

        Raises:
            NotHeld: the refusal to send.
            RemoteProtocolError: the letter breaks the rules.
        """

    def met(self, networker: bytes) -> None:
        """A session with this networker is open: what waits for it can go."""
