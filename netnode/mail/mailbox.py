"""Letters that this node keeps for others until they come for them: for whom, how many, of whom [R-LET-14]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from netnode.keeping import Keeping
from netnode.mail.inbox import MIB, has_token, require_stamp
from netnode.mail.letters import check_expiry
from netnode.ports import Clock
from netnode.quotas import Distance
from netnode.settings import Settings
from netnode.store import Store
from netnode.store import mailbox as rows
from netnode.sync.post import Carrier
from protocol.errors import NotHeld
from protocol.letters import Letter

SHARE: Final = 4  # one carrier may take a quarter of what a recipient, or all strangers, may have here


class Boxes(Protocol):
    """Boxes of buyers without a node."""

    async def keep(self, letter: Letter, carrier: bytes) -> bool:
        """Keeps a letter that its sender brings to a box here, durably; False: there is no such box, or another came.

        Raises:
            NotHeld: `mailbox_full`: there is one, and no room in it.
        """


class Mailbox:
    """The mailbox host.

    Args:
        network: the network's name.
        store: keeps the letters.
        keeping: how far recipients and carriers are.
        settings: for whom letters are kept, how much, and what strangers have to show.
        clock: tells what has had its time.
    """

    def __init__(
        self, network: str, store: Store, keeping: Keeping, settings: Settings, clock: Clock
    ) -> None:
        self._network = network
        self._store = store
        self._keeping = keeping
        self._settings = settings
        self._clock = clock
        self.boxes: Boxes | None = None
        self.refuses: Callable[[bytes], bool] = _nobody

    def serves(self, recipient: bytes) -> bool:
        """Whether letters are kept for a networker."""
        kept = self._settings.mailbox
        return kept == "all" or (
            kept == "followed" and self._keeping.distance(recipient) <= Distance.FOLLOWED
        )

    async def keep(self, carrier: Carrier, letter: Letter) -> None:
        """Keeps a letter for its recipient; it is on disk when this returns.

        Raises:
            NotHeld: `blocked`, `letter_expired`, `mailbox`, `mailbox_full`.
            RemoteProtocolError: `letter_token`.
            Problem: the disk.
        """
        envelope, now = letter.envelope, self._clock.now_ms()
        if any(self.refuses(each) for each in (envelope.sender, envelope.recipient, carrier.id)):
            raise NotHeld("blocked", "this node has no dealings with one of them")
        check_expiry(letter, now)
        if self.boxes is not None and await self.boxes.keep(letter, carrier.id):
            return
        if not self.serves(envelope.recipient):
            raise NotHeld("mailbox", "this node keeps no letters for that recipient")
        if await self._store.read(rows.holds, letter):
            return
        stranger = await self._is_strangers(carrier, letter, now)
        await self._require_room(carrier, letter, stranger)
        await self._store.write(rows.keep, letter, carrier.id, stranger, now)

    async def _is_strangers(self, carrier: Carrier, letter: Letter, now: int) -> bool:
        """Whether a letter counts in the pool of strangers; asks them for a token or a stamp [R-LET-9, R-LET-10].

        The sender on a letter proves nothing here: what counts is who brings it, or a token that its recipient signed.
        A recipient who is a stranger gives no room beside that of strangers: their tokens spare the stamp alone.
        """
        state = await self._store.load(letter.envelope.recipient)
        if has_token(self._network, letter, None if state is None else state.openers, now):
            return self._keeping.distance(letter.envelope.recipient) is Distance.STRANGER
        if self._keeping.distance(carrier.id) is not Distance.STRANGER:
            return carrier.id != letter.envelope.sender
        require_stamp(self._network, letter, 0 if carrier.here else self._settings.stamp_asked)
        return True

    async def _require_room(self, carrier: Carrier, letter: Letter, stranger: bool) -> None:
        size = len(letter.data) + rows.ROW_BYTES
        most = self._settings.mailbox_mb * MIB
        used = await self._store.read(rows.use, letter.envelope.recipient, carrier.id)
        if used.recipient + size > most or used.carrier + size > most // SHARE:
            raise NotHeld("mailbox_full", "no room for another letter to that recipient")
        if stranger:
            pool = self._settings.mailbox_pool_mb * MIB
            together, of_one = await self._store.read(rows.used_by_strangers, carrier.id)
            if together + size > pool or of_one + size > pool // SHARE:
                raise NotHeld("mailbox_full", "no room for another letter of a stranger")


def _nobody(networker: bytes) -> bool:
    return False
