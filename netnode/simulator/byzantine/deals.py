"""A dishonest partner in deals: a whole node whose owner signs and sends what no program of INX would.

Its program carries letters as everybody's does, so what it sends arrives under every fault; what is in them is its
own. It writes down which messages no honest store may hold, and which no store of a third party. [R-DEAL-5, 33]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import UNSET

from netnode.assembly import Assembly
from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.known import Known, enclose, load
from netnode.ports import LinkClosed, RecipientKeys
from netnode.services.node_services import NodeServices
from netnode.simulator.chance import Stream
from netnode.simulator.nodes import Down, SimNode
from netnode.store import Writer, deals
from protocol import letters
from protocol.deals import bodies
from protocol.deals.bodies import DealBody, Role
from protocol.deals.message import Message, sign, type_of
from protocol.deals.table import ROWS
from protocol.errors import ProtocolError
from protocol.letter_bodies import Answers, Ask, DealLetter, LetterBody, Mail, encode_content
from protocol.letters import Envelope
from protocol.signing import Signer

HOUR_MS: Final = 3_600_000
TIMES: Final = 3  # that something is said again


@dataclass(slots=True)
class Crook:
    """The owner of a dishonest node.

    Attributes:
        node: theirs, up.
        network: name of the network.
        chance: what they draw.
        forged: ids of messages that nobody honest may keep, with the reason.
        secret: ids of messages that only the two sides may keep.
        refused: codes with which a letter of theirs was refused at once, by whom they sent it to.
    """

    node: SimNode
    network: str
    chance: Stream
    forged: dict[bytes, str] = field(default_factory=dict)
    secret: dict[bytes, None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def known(self, deal: bytes) -> Known:
        """A deal as the own store has it."""
        parts = self.parts

        def look(connection: object) -> Known:
            row = deals.by_id(connection, deal)  # type: ignore[arg-type]
            if row is None:
                raise Down("the deal is gone")
            return load(connection, row, self.node.clock.now_ms())  # type: ignore[arg-type]

        return parts.store.reading(lambda reader: look(reader.connection))

    def signer(self, known: Known) -> Signer:
        """The key that the own messages of a deal are signed by."""
        keys = self.parts.ring.keys
        if known.role == "buyer":
            assert keys.deal_secret is not None and known.row.nonce is not None
            return buyer_signer(self.network, keys.deal_secret, known.row.nonce)
        return Signer(keys.signing_seed)

    def says(
        self, known: Known, body: DealBody, *, after: Message | None = None, forged: Role | None = None
    ) -> Message:
        """A message of a right form and of any content.

        Args:
            known: the deal.
            body: what it says.
            after: the own message before it; None for the newest.
            forged: whose message it pretends to be; the own one for None.
        """
        role = known.role if forged is None else forged
        newest = known.state.newest
        last = newest.get(role) if after is None else after
        other: Role = "seller" if role == "buyer" else "buyer"
        seen = (newest[other].id,) if other in newest else ()
        made = sign(
            self.network,
            self.signer(known),
            body=body,
            deal=known.row.id,
            role=role,
            number=0 if last is None else last.number + 1,
            previous=None if last is None else last.id,
            seen=seen,
            time=max([self.node.clock.now_ms(), *(each.time for each in newest.values())]),
            epoch=None if role == "buyer" else self.parts.ring.keys.epoch,
        )
        if forged is not None:
            self.forged[made.id] = f"a {made.type} that the {role} did not sign"
        return made

    async def keep(self, known: Known, message: Message) -> None:
        """Puts an own message into the own store, so that the program goes on after it."""

        def put(writer: Writer) -> None:
            with writer.transaction(durable=True):
                deals.put_message(writer, known.row.number, message.id, message.data, message.time, own=True)

        await self.parts.store.write(put)

    async def send(
        self,
        to: bytes,
        messages: Sequence[Message],
        enclosures: Sequence[bytes] = (),
        answers: Answers | None = None,
    ) -> None:
        """Sends messages in a letter of their own."""
        await self.letter(
            to,
            DealLetter(
                messages=tuple(each.data for each in messages),
                enclosures=tuple(enclosures),
                answers=UNSET if answers is None else answers,
            ),
        )

    async def letter(self, to: bytes, body: LetterBody) -> None:
        """Sends a letter."""
        await self.parts.mail.letters.send(to, body)

    async def hand_over(self, to: bytes, seal: Callable[[RecipientKeys], bytes]) -> None:
        """Seals a letter by hand and hands it over in a session, if one is open; notes what is answered."""
        parts, connections = self.parts, self.node.connections
        keys = await parts.mail.keys.of(to)
        if keys is None or connections is None:
            return
        for peering in connections.sessions.open_sessions():
            if peering.id != to:
                continue
            try:
                await peering.deliver(seal(keys))
            except ProtocolError as refusal:
                self.refused.append(refusal.code)
            except LinkClosed:
                self.refused.append("closed")

    def sealed(self, envelope: Envelope, keys: RecipientKeys, plaintext: bytes) -> bytes:
        """A letter around any plaintext."""
        sealer = self.parts.ports.sealer
        info = letters.info(self.network, envelope)
        return letters.assemble(envelope, sealer.seal(keys, plaintext, info)).data

    def envelope(self, to: bytes, keys: RecipientKeys, sender: bytes | None = None) -> Envelope:
        """The frame of a letter by hand."""
        return Envelope(
            sender=self.node.id if sender is None else sender,
            recipient=to,
            key=letters.key_id(self.network, keys.x25519),
            id=self.chance.token(16),
            expires=self.node.clock.now_ms() + HOUR_MS,
        )

    @property
    def seed(self) -> Signer:
        """The networker's signing key."""
        return Signer(self.parts.ring.keys.signing_seed)

    @property
    def services(self) -> NodeServices:
        """Of its program, while it is up."""
        if self.node.services is None:
            raise Down(f"{self.node.name} is down")
        return self.node.services

    @property
    def parts(self) -> Assembly:
        """Of its program, while it is up."""
        if self.node.parts is None:
            raise Down(f"{self.node.name} is down")
        return self.node.parts


Deed = Callable[[Crook, Known, bytes, bytes], Awaitable[None]]
"""Does something in a deal with a victim, beside whom there is a third party."""


async def wrong_state(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Says what is not allowed in this state, one thing after the other."""
    for _ in range(TIMES):
        known = crook.known(known.row.id)
        choices = [each for each in _anything(known) if (type_of(each), known.role) in ROWS]
        made = crook.says(known, crook.chance.choice(choices))
        await crook.keep(known, made)
        await crook.send(victim, [made])


async def wrong_role(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Says in its own name what only the other side may say."""
    choices = [each for each in _anything(known) if (type_of(each), known.role) not in ROWS]
    made = crook.says(known, crook.chance.choice(choices))
    await crook.keep(known, made)
    await crook.send(victim, [made])


async def replay(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Sends all messages of the deal again and again, its own and the victim's, in any order."""
    said = known.ordered()
    for _ in range(TIMES):
        crook.chance.shuffle(said)
        await crook.send(victim, said, list(known.enclosures.values()))


async def forged_receipt(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Confirms to itself, in the victim's name, what it wants to be confirmed."""
    other: Role = "seller" if known.role == "buyer" else "buyer"
    confirmations: tuple[DealBody, ...] = (
        (bodies.Receive(part=0), bodies.RefundReceived(amount=1, total=1))
        if known.role == "seller"
        else (bodies.PaymentReceived(amount=known.state.figures.price or 1), bodies.Fulfil(part=0))
    )
    for body in confirmations:
        await crook.send(victim, [crook.says(known, body, forged=other)])


async def double_accept(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Accepts twice, one after the other; a buyer cancels twice."""
    for _ in range(2):
        known = crook.known(known.row.id)
        body: DealBody = bodies.Cancel(reason="other")
        if known.role == "seller":
            order = known.order
            body = bodies.Accept(key=order.key, listing=order.listing, path=order.path)
        made = crook.says(known, body)
        await crook.keep(known, made)
        await crook.send(victim, [made])


async def changed_order(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Orders for less than is asked; as the seller, says that the victim ordered for more."""
    order, goods = known.order, known.goods
    assert goods is not None
    salt = crook.chance.token(16)
    part = msgspec.structs.replace(order.parts[0], price=1 if known.role == "buyer" else 10_000_000)
    changed = msgspec.structs.replace(goods, salt=salt)
    data, name = enclose(changed)
    secret = crook.chance.token(32)
    signer = buyer_signer(crook.network, secret, salt)
    fields = {"parts": (part,), "tax": 0, "shipping": 0, "enclosed": name, "offer": UNSET, "named": UNSET}
    key = signer.public if known.role == "buyer" else order.key
    body = msgspec.structs.replace(order, key=key, **fields)
    made = sign(
        crook.network, signer, body=body, deal=None, role="buyer", number=0, previous=None, seen=(),
        time=crook.node.clock.now_ms(), epoch=None,
    )  # fmt: skip
    if known.role == "seller":
        crook.forged[made.id] = "an order that its buyer did not make"
    await crook.send(victim, [made], [data])


async def withheld(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Says one thing more, and nothing ever again, whatever it is told."""
    body: DealBody = (
        bodies.PaymentSent(amount=max(1, known.state.figures.price))
        if known.role == "buyer"
        else bodies.Fulfil(part=0)
    )
    made = crook.says(known, body)
    await crook.keep(known, made)
    await crook.send(victim, [made])


async def equivocation(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Two messages with one number, in two letters or in one; later more on both branches."""
    left = crook.says(known, bodies.Cancel(reason="other"))
    right = crook.says(known, bodies.Dispute(claim=0))
    if crook.chance.random() < 0.5:
        await crook.send(victim, [left, right])
    else:
        await crook.send(victim, [left])
        await crook.send(victim, [right])
    await crook.send(victim, [crook.says(known, bodies.Cancel(reason="changed_mind"), after=right)])


async def resealed(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Passes the deal on to a third party, as it is and as a letter that the victim seems to have written to it."""
    said = known.ordered()
    crook.secret.update((each.id, None) for each in said)
    await crook.send(third, said, list(known.enclosures.values()))
    await crook.letter(third, Ask(deal=known.row.id, nonce=crook.chance.token(16)))
    content = encode_content(DealLetter(messages=tuple(each.data for each in said)))

    def seal(keys: RecipientKeys) -> bytes:
        # Signed for another envelope, as a letter to the crook would be.
        first = crook.envelope(crook.node.id, keys, victim)
        plaintext = letters.compose(crook.network, crook.seed, first, content, 0)
        return crook.sealed(crook.envelope(third, keys, victim), keys, plaintext)

    await crook.hand_over(third, seal)


async def bad_inner(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Letters that open and that nobody signed: in its own name and in that of a third party."""
    content = encode_content(Mail(subject="Yours", text="Signed by nobody."))
    nobody = Signer(crook.chance.token(32))

    def seal(sender: bytes, keys: RecipientKeys) -> bytes:
        envelope = crook.envelope(victim, keys, sender)
        return crook.sealed(envelope, keys, letters.compose(crook.network, nobody, envelope, content, 0))

    await crook.hand_over(victim, lambda keys: seal(crook.node.id, keys))
    await crook.hand_over(victim, lambda keys: seal(third, keys))


async def false_answers(crook: Crook, known: Known, victim: bytes, third: bytes) -> None:
    """Answers questions that nobody asked, with heads that do not exist and without what there is; asks for others'."""
    start = known.state.start
    for heads in ((crook.chance.token(32),), (start.id,), ()):
        answers = Answers(heads=heads, nonce=crook.chance.token(16))
        await crook.send(victim, [start], answers=answers)
    await crook.letter(victim, Ask(deal=crook.chance.token(32), nonce=crook.chance.token(16)))
    await crook.letter(third, Ask(deal=known.row.id, nonce=crook.chance.token(16)))


def _anything(known: Known) -> Iterator[DealBody]:
    """One body of every type but the starts; what it refers to may be of another kind, or not there."""
    named = next(iter(known.messages))
    order = known.order
    yield bodies.Accept(key=order.key, listing=order.listing, path=order.path)
    yield bodies.Decline(reason="other")
    yield bodies.Cancel(reason="other")
    yield bodies.PaymentSent(amount=10_000_000)
    yield bodies.PaymentReceived(amount=1, payment=named)
    yield bodies.Fulfil(part=49)
    yield bodies.Fulfil(part=0)
    yield bodies.Receive(part=49)
    yield bodies.Receive(part=0, fulfil=named)
    yield bodies.Refund(amount=10_000_000)
    yield bodies.RefundReceived(amount=10_000_000, total=10_000_000)
    yield bodies.Dispute(claim=0)
    yield bodies.LapseAccept()
    yield bodies.LapsePay()
    yield bodies.LapseFulfil(part=0)
    yield bodies.LapseDispute(dispute=named)
    yield bodies.PresumeReceived(fulfil=named)
    yield bodies.PresumePayment(payment=named)
    yield bodies.PresumeRefund(refund=named)


DEAL_DEEDS: Final[Mapping[str, Deed]] = {
    "wrong-state": wrong_state,
    "wrong-role": wrong_role,
    "replay": replay,
    "forged-receipt": forged_receipt,
    "double-accept": double_accept,
    "changed-order": changed_order,
    "withheld": withheld,
    "equivocation": equivocation,
    "resealed": resealed,
    "bad-inner": bad_inner,
    "false-answers": false_answers,
}
"""What a dishonest partner does, by name."""
