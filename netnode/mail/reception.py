"""Answers `deliver`: letters to this node's networker go to its inbox, others to the mailbox [R-LET-12, R-LET-14]."""

from __future__ import annotations

from netnode.mail.inbox import Inbox
from netnode.mail.letters import Letters
from netnode.mail.mailbox import Mailbox
from netnode.sync.post import Carrier
from protocol.letters import parse


class Reception:
    """`netnode.sync.post.Post`.

    Args:
        own: this node's networker, 32 bytes.
        inbox: takes own letters.
        mailbox: keeps those of others.
        letters: told who is met.
    """

    __slots__ = ("_inbox", "_letters", "_mailbox", "_own")

    def __init__(self, own: bytes, inbox: Inbox, mailbox: Mailbox, letters: Letters) -> None:
        self._own = own
        self._inbox = inbox
        self._mailbox = mailbox
        self._letters = letters

    async def deliver(self, carrier: Carrier, data: bytes) -> bool:
        """See `netnode.sync.post.Post`."""
        letter = parse(data)
        if letter.envelope.recipient == self._own:
            await self._inbox.take(carrier, letter)
            return False
        await self._mailbox.keep(carrier, letter)
        self._letters.met(letter.envelope.recipient)  # it may be in session here now
        return True

    def met(self, networker: bytes) -> None:
        """See `netnode.sync.post.Post`."""
        self._letters.met(networker)
