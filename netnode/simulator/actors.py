"""What people do with their nodes: one function per thing to do, and how often it is done.

Every one goes through the services, as the command line and the API do. What they answer is what their owner is told,
so an entry named in an answer is *acknowledged*; a Problem is an answer too.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.keys.rotating import grant
from netnode.keys.words import decode_words
from netnode.operations import models
from netnode.services.node_services import NodeServices
from netnode.simulator.chance import Stream
from netnode.simulator.nodes import SimNode
from netnode.simulator.observing import Seen
from netnode.simulator.oracle import Oracle
from protocol.errors import CODES, Side
from protocol.identity import id_text

KINDS: Final = ("product", "service", "opportunity", "knowledge", "want-ad")
NOUNS: Final = ("lamp", "chair", "kettle", "lesson", "bicycle", "honey", "carpet", "violin", "tea", "walk")
PATIENCE: Final = 900.0  # virtual seconds; why: every wait of a node on a peer has a deadline far below


@dataclass(slots=True)
class Stall:
    """One owner at their node.

    Attributes:
        node: theirs.
        services: of the node, up while the action lasts or its answer is lost.
        others: nodes of other networkers, up or down.
        chance: draws of this owner.
        oracle: remembers what they are told.
        seen: counts what was done.
        now: virtual seconds.
        text: characters of the longest description.
        blob: bytes of the largest blob.
        words_of: the recovery words.
    """

    node: SimNode
    services: NodeServices
    others: Sequence[SimNode]
    chance: Stream
    oracle: Oracle
    seen: Seen
    now: float
    text: int
    blob: int
    words_of: tuple[str, ...] = ()

    def told(self, entry: str, what: str) -> None:
        """The owner is told that an entry is on disk."""
        self.oracle.acknowledge(self.node.name, bytes.fromhex(entry), what, self.now)

    @property
    def keys(self) -> set[str]:
        """Keys of own listings that were published here and not withdrawn."""
        return self.oracle.listings.setdefault(self.node.name, set())

    def somebody(self) -> SimNode | None:
        """Another networker."""
        own = self.oracle.homes[self.node.name]
        found = [each for each in self.others if self.oracle.homes.get(each.name, own) != own]
        return self.chance.choice(found) if found else None

    def id_of(self, node: SimNode) -> bytes:
        """The networker at a node, up or down."""
        return self.oracle.homes[node.name]

    def words(self, size: int) -> str:
        """A text of about so many characters; a long one goes round in circles."""
        found = " ".join(self.chance.choice(NOUNS) for _ in range(min(60, size // 5 + 1)))
        return (f"{found} " * (size // len(found) + 1))[: max(1, size)].strip()


Act = Callable[[Stall], Awaitable[None]]


async def publish(stall: Stall) -> None:
    """Publishes a new listing."""
    number = len(stall.oracle.acknowledged.get(stall.node.name, {}))
    key = f"{stall.chance.choice(NOUNS)}-{number}-{stall.chance.below(1_000)}"
    fields: dict[str, object] = {
        "key": key,
        "kind": "knowledge" if stall.text > 5_000 else stall.chance.choice(KINDS),
        "title": f"{stall.words(12)} {number}",
        "description": stall.words(1 + stall.chance.below(stall.text)),
        "price": {"amount": f"{1 + stall.chance.below(900)}.00", "currency": "EUR"},
    }
    blobs = stall.oracle.blobs.get(stall.node.name)
    if blobs and stall.chance.random() < 0.2:
        fields["images"] = [{"hash": stall.chance.choice(sorted(blobs))}]
    made = await stall.services.listings.publish(fields)
    stall.told(made.entry, f"listing {key}")
    stall.keys.add(key)


async def edit(stall: Stall) -> None:
    """Edits a listing of its own."""
    if not stall.keys:
        return await publish(stall)
    key = stall.chance.choice(sorted(stall.keys))
    fields = {"title": f"{stall.words(10)} {stall.chance.below(10_000)}"}
    made = await stall.services.listings.edit(models.ListingEdit(key=key, fields=fields))
    stall.told(made.entry, f"edit of {key}")
    return None


async def withdraw(stall: Stall) -> None:
    """Withdraws a listing of its own."""
    if not stall.keys:
        return
    key = stall.chance.choice(sorted(stall.keys))
    made = await stall.services.listings.withdraw(key)
    stall.keys.discard(key)
    stall.told(made.entry, f"withdrawal of {key}")


async def profile(stall: Stall) -> None:
    """Edits the profile."""
    change = models.ProfileEdit(bio=stall.words(1 + stall.chance.below(200)))
    edited = await stall.services.identity.edit_profile(change)
    if edited.entry is not None:
        stall.told(edited.entry, "profile")


async def follow(stall: Stall) -> None:
    """Follows somebody, or no longer."""
    other = stall.somebody()
    if other is None:
        return
    followed = {each.id for each in (await stall.services.follows.list(models.Listed())).items}
    if id_text(stall.id_of(other)) in followed and stall.chance.random() < 0.5:
        await stall.services.follows.remove(id_text(stall.id_of(other)))
    else:
        await stall.services.follows.add(id_text(stall.id_of(other)))


async def refuse(stall: Stall) -> None:
    """Refuses sessions with somebody for a while, or allows them again."""
    other = stall.somebody()
    if other is not None:
        lifted = stall.chance.random() < 0.7
        await stall.services.peers.block(models.PeerBlock(id=id_text(stall.id_of(other)), lifted=lifted))


async def state_block(stall: Stall) -> None:
    """Publishes a block of somebody, or lifts it."""
    other = stall.somebody()
    if other is not None:
        lifted = stall.chance.random() < 0.3
        statement = models.BlockPublish(id=id_text(stall.id_of(other)), reason="spam", lifted=lifted)
        stall.told((await stall.services.moderation.block(statement)).entry, "block")


async def report(stall: Stall) -> None:
    """Reports a networker."""
    other = stall.somebody()
    if other is not None:
        statement = models.ReportPublish(ref=id_text(stall.id_of(other)), reason="spam", text=stall.words(30))
        stall.told((await stall.services.moderation.report(statement)).entry, "report")


async def invite(stall: Stall) -> None:
    """Invites somebody, who joins."""
    other = stall.somebody()
    pin = stall.chance.random() < 0.3
    order = models.InviteOrder(pin=pin, follow=stall.chance.random() < 0.5)
    made = await stall.services.invites.make(order)
    if other is not None:
        await other.ask(lambda theirs: theirs.peers.add(made.uri, made.pin, patience=5.0))


async def meet(stall: Stall) -> None:
    """Adds somebody's address to the book."""
    other = stall.somebody()
    if other is not None:
        await stall.services.peers.add(other.address)


async def search(stall: Stall) -> None:
    """Searches what is here, and asks hubs where that is little."""
    query = models.SearchQuery(text=stall.chance.choice(NOUNS), limit=20, hubs="auto")
    await stall.services.search.find(query)


async def ask_hubs(stall: Stall) -> None:
    """Searches and asks hubs in any case."""
    found = await stall.services.search.find(
        models.SearchQuery(text=stall.chance.choice(NOUNS), limit=5, hubs="always")
    )
    if isinstance(found.hubs, list) and any(each.hits for each in found.hubs):
        stall.seen.mark("hub answered")


async def keep_blob(stall: Stall) -> None:
    """Adds a blob."""
    data = stall.chance.token(1 + stall.chance.below(stall.blob))
    kept = await stall.services.blobs.add(_chunks(data))
    stall.oracle.blobs.setdefault(stall.node.name, {})[kept.hash] = kept.size


async def fetch_blob(stall: Stall) -> None:
    """Fetches a blob that somebody was told is kept; its bytes are looked at."""
    other = stall.somebody()
    blobs = {} if other is None else stall.oracle.blobs.get(other.name, {})
    if not blobs:
        return
    name = stall.chance.choice(sorted(blobs))
    await stall.services.blobs.fetch(name)
    whole = hashlib.sha256()
    async for chunk in stall.services.blobs.send(name):
        whole.update(chunk)
    assert whole.hexdigest() == name, f"a blob fetched by {stall.node.name} is another one"
    stall.seen.mark("blob fetched")


async def rotate(stall: Stall) -> None:
    """Replaces the signing key by the recovery words."""
    services = stall.services
    plan = await services.keys.plan(None)
    words = decode_words(" ".join(stall.words_of))
    given = grant(plan.network, words, plan.epoch, words)
    # Before it is done: the answer may be lost with the power.
    stall.oracle.rotated.add(stall.id_of(stall.node))
    rotated = await services.keys.rotate(
        models.KeyRotation(
            head=plan.head,
            seed=given.seed.hex(),
            promise=given.promise.hex(),
            backup_public=given.backup_public.hex(),
        )
    )
    stall.told(rotated.entry, "rotation")


async def settle(stall: Stall) -> None:
    """Ends a fork of the own log, if there is one, and says that other copies are gone."""
    waiting = await stall.services.own.waiting()
    if waiting is not None and waiting.alarm:
        await stall.services.own.resume(anyway=False)
    if (await stall.services.own.branches()).forked:
        stall.told((await stall.services.own.settle(None)).entry, "settlement")
        stall.seen.mark("settled a fork")


async def back_up(stall: Stall) -> None:
    """Makes a backup, which is proved."""
    await stall.services.backups.create(models.BackupOrder())


async def carry(stall: Stall) -> None:
    """Exports all logs to a file and imports it at somebody else's."""
    other = stall.somebody()
    pieces = [piece async for piece in stall.services.log.export(None)]
    if other is not None:
        found = await other.ask(lambda theirs: theirs.log.import_file(_pieces(pieces)))
        bad = [each for each in found.refused if CODES[each.code].side is Side.REMOTE]
        assert not bad, f"{other.name} refused of an honest export: {bad[:2]}"


async def drop_log(stall: Stall) -> None:
    """Lets go of somebody's log for a while, and takes it again."""
    other = stall.somebody()
    if other is None:
        return
    undo = (stall.node.name, stall.id_of(other)) in stall.oracle.dropped
    await stall.services.room.drop_log(models.LogDrop(id=id_text(stall.id_of(other)), undo=undo))
    if undo:
        stall.oracle.dropped.discard((stall.node.name, stall.id_of(other)))
    else:
        stall.oracle.dropped.add((stall.node.name, stall.id_of(other)))


async def ask_peers(stall: Stall) -> None:
    """Asks peers whether they reach this node, pings one, looks at the status."""
    await stall.services.node.status()
    await stall.services.reaching.check()
    other = stall.somebody()
    if other is not None:
        await stall.services.reaching.ping(id_text(stall.id_of(other)))


async def write(stall: Stall) -> None:
    """Writes to somebody, under a subject of its own."""
    other = stall.somebody()
    if other is None:
        return
    to = stall.id_of(other)
    subject = f"{stall.words(8)} {stall.chance.below(1_000_000_000)}"
    draft = models.MailDraft(
        to=id_text(to), subject=subject, text=stall.words(1 + stall.chance.below(stall.text))
    )
    sent = await stall.services.mail.send(draft)
    stall.oracle.mails.setdefault(stall.node.name, {})[sent.id] = (to, subject)


ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "publish": (publish, 30),
    "edit": (edit, 12),
    "withdraw": (withdraw, 6),
    "profile": (profile, 3),
    "follow": (follow, 4),
    "refuse": (refuse, 2),
    "state block": (state_block, 2),
    "report": (report, 2),
    "invite": (invite, 3),
    "meet": (meet, 4),
    "search": (search, 6),
    "ask hubs": (ask_hubs, 3),
    "keep blob": (keep_blob, 4),
    "fetch blob": (fetch_blob, 4),
    "rotate": (rotate, 1),
    "settle": (settle, 1),
    "back up": (back_up, 1),
    "carry": (carry, 2),
    "drop log": (drop_log, 1),
    "ask peers": (ask_peers, 3),
    "write": (write, 3),
}
"""What there is to do, and how often it is done beside the others."""


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 10_000):
        yield data[start : start + 10_000]


async def _pieces(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
