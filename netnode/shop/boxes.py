"""The boxes of buyers without a node: what the mailbox of this node asks about letters to a bare key [R-SHOP-7..9]."""

from __future__ import annotations

from typing import Final

from netnode.ports import Clock
from netnode.store import Store, boxes
from protocol.errors import NotHeld
from protocol.letters import Letter

_FULL: Final = "there is no room for another letter to that buyer"


class ShopBoxes:
    """Boxes over the store; `netnode.mail` hands letters to bare keys over to `keep`.

    Args:
        store: of the node.
        clock: says what has expired.
        open: whether buyers without a node are served here at all.
    """

    def __init__(self, store: Store, clock: Clock, open: bool = True) -> None:
        self._store = store
        self._clock = clock
        self._open = open

    async def keep(self, letter: Letter, carrier: bytes) -> bool:
        """Keeps a letter, durably; False when there is no box for its recipient here, or another than its sender came.

        Why only from its sender: the name on a frame proves nothing, and would give anybody the room of a partner.

        Raises:
            NotHeld: `mailbox_full`.
            Problem: the disk.
        """
        if not self._open or carrier != letter.envelope.sender:
            return False
        kept = await self._store.write(boxes.put, letter, self._clock.now_ms())
        if kept == "full":
            raise NotHeld("mailbox_full", _FULL)
        return kept == "kept"

    async def open_box(self, key: bytes, partner: bytes) -> None:
        """Keeps letters to this key from now on; `partner`: whom its owner writes to.

        Raises:
            NotHeld: `mailbox_full`: there are too many boxes, or its owner wrote to too many.
        """
        if not await self._store.write(boxes.open_box, key, partner, self._clock.now_ms()):
            raise NotHeld("mailbox_full", "this node has no room for another buyer")

    async def letters(self, key: bytes, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Number and bytes of letters to a key above a number, in the order they came."""
        return await self._store.read(boxes.letters_in, key, after, limit, self._clock.now_ms())

    async def sweep(self) -> None:
        """Lets go of what has expired."""
        await self._store.write(boxes.sweep, self._clock.now_ms())
