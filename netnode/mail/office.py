"""The letters of one open home: the parts that need no network, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.failures import Failures
from netnode.keeping import Keeping
from netnode.keys.keyring import KeyRing
from netnode.mail.inbox import MIB, Inbox
from netnode.mail.letters import Incoming, Letters, Receiver, Refusal, Taken
from netnode.mail.mailbox import Mailbox
from netnode.mail.public_keys import PublicKeys
from netnode.mail.reception import Reception
from netnode.mail.seals import Seals
from netnode.own.log import OwnLog
from netnode.ports import Clock, Entropy, Executor, Sealer
from netnode.projections import views
from netnode.settings import Settings
from netnode.stamping import Stamping
from netnode.store import Store, mail, mailbox
from netnode.store import letters as rows
from protocol.letter_bodies import Mail

SWEEP_SECONDS: Final = 600.0  # why: a letter whose time is over takes room, and does no other harm


@dataclass(frozen=True, slots=True)
class PostOffice:
    """The parts: who writes and takes uses `letters`, a session `reception`."""

    letters: Letters
    seals: Seals
    keys: PublicKeys
    inbox: Inbox
    mailbox: Mailbox
    reception: Reception
    store: Store
    clock: Clock

    async def sweep(self) -> None:
        """Ends what has had its time.

        Raises:
            Problem: the disk.
        """
        await self.store.write(rows.sweep, self.clock.now_ms())
        await self.store.write(mailbox.sweep, self.clock.now_ms())


def post_office(
    settings: Settings,
    store: Store,
    ring: KeyRing,
    own: OwnLog,
    keeping: Keeping,
    stamping: Stamping,
    sealer: Sealer,
    executor: Executor,
    clock: Clock,
    entropy: Entropy,
    failures: Failures,
) -> PostOffice:
    """Puts the parts together; mail has its receiver, other types get theirs by `Letters.receive`."""
    letters = Letters(store, clock, entropy)
    keys = PublicKeys(store, clock)
    seals = Seals(settings.network, store, ring, own, sealer, executor, clock, entropy, stamping)
    inbox = Inbox(
        settings.network,
        own.id,
        store,
        letters,
        seals,
        keeping,
        clock,
        asked=settings.stamp_asked,
        strangers_bytes=settings.mailbox_pool_mb * MIB,
        failures=failures,
    )
    kept = Mailbox(settings.network, store, keeping, settings, clock)
    letters.receive("mail", _mail(store, own.id))
    return PostOffice(
        letters, seals, keys, inbox, kept, Reception(own.id, inbox, kept, letters), store, clock
    )


def _mail(store: Store, own: bytes) -> Receiver:
    async def take(incoming: Incoming) -> Taken | Refusal:
        body = incoming.body
        if not isinstance(body, Mail):
            return Refusal("letter", "this is no mail")
        # Why only mail: what both owe each other in a deal goes on, whatever they think of each other.
        if await store.read(lambda reader: views.blocks(reader.connection, own, incoming.sender)):
            return Refusal("blocked", "they have blocked you in public and take no mail of yours")
        re = body.re if isinstance(body.re, bytes) else None
        await store.write(
            mail.put,
            incoming.sender,
            incoming.first,
            re,
            body.subject,
            body.text,
            incoming.stranger,
            incoming.at,
        )
        return Taken()

    return take
