"""Fetches one log from peers by somebody who has no log yet, or has lost it.

The own inception may be what is missing, so the handshakes are made by a networker who is made for them and forgotten
afterwards. Everything that comes passes the gate like any other entry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from netnode.failures import FETCHING
from netnode.ports import Clock, Dialer, Entropy, LinkClosed
from netnode.problems import Problem
from netnode.store import PeerRow, Reader
from netnode.sync.interest import Interest
from netnode.sync.peering import AddressTalk, Core, Peering
from protocol import limits, messages
from protocol.certificate import DAY_MS, certify
from protocol.entry import INCEPTION, NO_PREV, sign_entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.identity import id_text, networker_id
from protocol.items import Item
from protocol.messages import Hello
from protocol.records import encode_record
from protocol.records.openers import Inception
from protocol.session import VERSION, LocalIdentity, Session
from protocol.signing import Signer

_log = logging.getLogger("netnode.sync")


@dataclass(frozen=True, slots=True)
class Heard:
    """What one peer answered.

    `answered`: it compared its logs with ours to the end; `item` is what it holds of the log then, None for nothing.
    `whole`: it gave all that it claims. `note` says why it did not answer.
    """

    peer: PeerRow
    answered: bool = False
    item: Item | None = None
    whole: bool = False
    note: str = ""


async def fetch_log(
    core: Core,
    dialer: Dialer,
    entropy: Entropy,
    networker: bytes,
    peers: Sequence[PeerRow],
    agent: str,
    heard: Callable[[Heard], None] = lambda answer: None,
) -> list[Heard]:
    """Asks peers for all they hold of one log, side by side; what they give is in the store when it returns.

    Args:
        core: network, store, gate, bus, clock and failures; its other parts are not used.
        dialer: opens links.
        entropy: the throw-away networker, and ephemeral keys.
        networker: whose log, 32 bytes.
        peers: with the addresses to try.
        agent: name and version of the program.
        heard: told of each peer as it has answered.

    Returns:
        One answer per peer, in their order.
    """
    identity = throw_away(core.network, entropy, core.clock)
    bare = Core(
        core.network, core.store, core.gate, core.bus, core.clock, lambda: None, failures=core.failures
    )
    answers: list[Heard] = [Heard(peer) for peer in peers]

    async def ask(number: int) -> None:
        answers[number] = await _ask(bare, dialer, entropy, networker, peers[number], identity, agent)
        heard(answers[number])

    async with asyncio.TaskGroup() as group:
        for number in range(len(peers)):
            group.create_task(ask(number), name=f"fetching from {number}")
    return answers


def throw_away(network: str, entropy: Entropy, clock: Clock) -> LocalIdentity:
    """A networker for some handshakes, stored nowhere."""
    now = clock.now_ms()
    signer = Signer(entropy.token(limits.KEY_BYTES))
    inception = Inception(
        key=signer.public, nonce=entropy.token(limits.SALT_BYTES), promise=entropy.token(limits.HASH_BYTES)
    )
    record = encode_record(inception)
    networker = networker_id(network, record)
    entry = sign_entry(
        network, signer, author=networker, seq=0, prev=NO_PREV, epoch=0, term=0, time=now, kind=INCEPTION, record=record
    )  # fmt: skip
    private = entropy.token(limits.KEY_BYTES)
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return LocalIdentity(networker, (entry,), certify(network, signer, public, now + DAY_MS), private)


async def _ask(
    core: Core,
    dialer: Dialer,
    entropy: Entropy,
    networker: bytes,
    peer: PeerRow,
    identity: LocalIdentity,
    agent: str,
) -> Heard:
    """Tries the addresses of one peer until one answers."""
    answer = Heard(peer, note="no address")
    store = (await core.store.read(Reader.newest)).store
    for address in peer.addresses:
        try:
            link = await dialer.dial(address)
        except (OSError, LinkClosed) as error:
            answer = replace(answer, note=str(error) or type(error).__name__)
            continue
        session = Session(
            core.network,
            initiator=True,
            identity=identity,
            hello=Hello(
                agent=agent,
                clock=core.clock.now_ms(),
                store=store,
                versions=[VERSION],
            ),
            ephemeral=entropy.token(limits.KEY_BYTES),
            expected=peer.id,
        )
        visit = _Visit(networker)
        peering = Peering(core, visit, link, session, outbound=True, address=address)
        leaving = asyncio.create_task(visit.leave_when_level(peering), name="fetching a log")
        try:
            code, text = await peering.run()
        except Problem:  # the own disk: no other address will do better
            raise
        except Exception as error:  # a task root: a fault in one session must not end the others
            core.failures.outlived(FETCHING, error, f"fetching from {address}")
            code, text = "internal", "this side failed"
        finally:
            leaving.cancel()
        if visit.answered:
            known = replace(peer, id=peering.id or peer.id)
            return Heard(known, True, visit.item, not visit.lacking)
        answer = replace(answer, note=text or code or "the peer ended the session")
    return answer


@dataclass(slots=True)
class _Visit:
    """`sync.peering.Sessions` of one session that wants one log and nothing else."""

    networker: bytes
    answered: bool = False
    item: Item | None = None
    lacking: set[bytes] = field(default_factory=set)

    async def leave_when_level(self, peering: Peering) -> None:
        """Ends the session once everything was compared, and notes what the peer holds."""
        await peering.pull.level.wait()
        try:
            self.item = await peering.item_of(self.networker)
            self.answered = peering.pull.compared
        except (NotHeld, LinkClosed, RemoteProtocolError) as error:
            _log.info("%s does not say what it holds: %s", peering.label, error)
        peering.farewell("", "thank you")

    # -- what the session asks -------------------------------------------------------------------------------
    def admit(self, peering: Peering) -> None:
        """Anybody may answer."""

    def greeted(self, peering: Peering, hello: messages.Hello) -> None:
        """Nothing to note."""

    async def met(self, peering: Peering) -> None:
        """No book is kept here."""

    def eager(self, peering: Peering) -> bool:
        """Nothing is pushed."""
        return False

    def interest(self) -> Interest:
        """The one log."""
        return Interest(frozenset({self.networker}))

    def interest_changed(self, peering: Peering) -> None:
        """No matter."""

    def behind(self, peering: Peering, item: Item) -> None:
        """It is being fetched."""

    def unproved(self, peering: Peering, item: Item) -> None:
        """The peer claims what it does not give."""
        self.lacking.add(item.author)

    def named(self, peering: Peering) -> bool:
        """Nobody is."""
        return False

    @property
    def outreach(self) -> AddressTalk | None:
        """No addresses are exchanged."""
        return None

    def told_of_twin(self, peering: Peering) -> None:
        """A networker of one moment has none."""


def label(peer: PeerRow) -> str:
    """Who a peer is, for a person."""
    where = peer.addresses[0] if peer.addresses else ""
    return where or (id_text(peer.id) if peer.id is not None else "a peer")
