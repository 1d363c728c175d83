"""Deals made by hand: messages with or without signatures, in whatever order and with whatever names a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from protocol.deals import bodies, message
from protocol.deals.bodies import DealBody, Order, Part, Role, Terms
from protocol.deals.consent import Consent, sign_consent
from protocol.deals.message import Message, type_of
from protocol.deals.moves import draft
from protocol.deals.state import DealState, judge
from protocol.signing import Signer
from tests.protocol.author import NETWORK, START, Author

HOUR = 3_600_000
FAR = START + 10**6 * HOUR

BUYER = Signer(hashlib.sha256(b"buyer").digest())
SELLER = Author("seller")
ARBITER = Author("arbiter")
SIGNERS = {"buyer": BUYER, "seller": SELLER.signer, "arbiter": ARBITER.signer}
OPENERS = (SELLER.entries, ARBITER.entries)

CONSENT = sign_consent(
    NETWORK,
    ARBITER.signer,
    Consent(
        salt=b"c" * 16, arbiter=ARBITER.id, epoch=0, expires=FAR, points=200, signature=bytes(64), terms=b"t" * 32,
        time=START - HOUR,
    ),
)  # fmt: skip
"""The arbiter rules for 2 % of the price."""

TERMS = Terms(
    accept_by=10 * HOUR,
    arbiter=ARBITER.id,
    confirm_by=20 * HOUR,
    consent=CONSENT.data,
    dispute_until=100 * HOUR,
    fulfil_by=30 * HOUR,
    pay_by=15 * HOUR,
    ruling_by=40 * HOUR,
)


def order(prices: Sequence[int] = (100,), *, terms: Terms = TERMS, offer: bytes | None = None) -> Order:
    """An order in euros of parts with these prices."""
    return Order(
        currency="EUR",
        enclosed=b"e" * 32,
        key=BUYER.public,
        listing=b"l" * 32,
        offer=UNSET if offer is None else offer,
        parts=tuple(Part(price=price) for price in prices),
        seller=SELLER.id,
        terms=terms,
    )


def unsigned(
    body: DealBody,
    role: Role,
    *,
    deal: bytes = b"",
    previous: Message | None = None,
    seen: Iterable[Message] = (),
    time: int = START,
    number: int | None = None,
    salt: object = None,
) -> Message:
    """A message that nobody signed: judging asks for no signature. `salt` makes two of one content differ."""
    names = tuple(each.id for each in seen)
    place = number if number is not None else 0 if previous is None else previous.number + 1
    data = repr((body, role, deal, previous and previous.id, names, time, place, salt)).encode()
    own = hashlib.sha256(data).digest()
    return Message(
        data=data,
        id=own,
        type=type_of(body),
        deal=deal or own,
        role=role,
        number=place,
        previous=None if previous is None else previous.id,
        seen=names,
        time=time,
        epoch=None if role == "buyer" else 0,
        body=body,
    )


def started(body: DealBody | None = None, *, time: int = START) -> Message:
    """The first message of a deal."""
    start = order() if body is None else body
    return unsigned(start, "seller" if isinstance(start, bodies.Renewal) else "buyer", time=time)


@dataclass
class Play:
    """One deal, message by message: `say` sends what would have effect, `send` anything; `seen` makes crossings.

    Each side has read all that was said unless `blind` names those it has not.
    """

    start: Message = field(default_factory=started)
    messages: list[Message] = field(init=False)
    now: int = field(init=False)

    def __post_init__(self) -> None:
        self.messages = [self.start]
        self.now = self.start.time

    def last(self, role: Role, among: Iterable[Message] | None = None) -> Message | None:
        """The newest message of a role."""
        said = [each for each in (self.messages if among is None else among) if each.role == role]
        return max(said, key=lambda each: each.number, default=None)

    def send(self, role: Role, body: DealBody, *, after: int = 1, blind: Iterable[Message] = ()) -> Message:
        """Sends a message whether or not it has effect.

        Args:
            role: of the sender.
            body: what it says.
            after: hours since the message before.
            blind: what the sender has not read, with whatever came after it of others.
        """
        self.now += after * HOUR
        unread = {each.id for each in blind}
        read: list[Message] = []
        for each in self.messages:
            if each.role == role or (each.id not in unread and not unread & set(each.names)):
                read.append(each)
            else:
                unread.add(each.id)
        others: list[Role] = [other for other in ("buyer", "seller", "arbiter") if other != role]
        named = [found for other in others if (found := self.last(other, read)) is not None]
        made = unsigned(body, role, deal=self.start.id, previous=self.last(role), seen=named, time=self.now)
        self.messages.append(made)
        return made

    def say(self, role: Role, body: DealBody, *, after: int = 1, blind: Iterable[Message] = ()) -> Message:
        """Sends a message and asserts that it has effect by itself."""
        made = self.send(role, body, after=after, blind=blind)
        assert self.state().outcome.docket.codes[made.id] is None, self.state().verdicts[made.id]
        return made

    def code(self, sent: Message) -> str | None:
        """The verdict on a message."""
        return self.state().verdicts[sent.id]

    def state(self) -> DealState:
        """As of now."""
        return judge(self.messages, self.now)

    def signed(self) -> list[Message]:
        """The same messages with signatures, names and ids following."""
        return signed(self.messages)


def signed(messages: Iterable[Message], network: str = NETWORK) -> list[Message]:
    """Messages made by `unsigned`, signed by the keys here; ids in bodies follow."""
    new: dict[bytes, Message] = {}
    for each in messages:
        body = each.body
        for name in ("payment", "fulfil", "refund", "dispute"):
            old = getattr(body, name, UNSET)
            if isinstance(old, bytes) and old in new:
                body = type(body)(
                    **{field: getattr(body, field) for field in body.__struct_fields__} | {name: new[old].id}
                )
        made = message.sign(
            network,
            SIGNERS[each.role],
            body=body,
            deal=None if each.starts else new[each.deal].id,
            role=each.role,
            number=each.number,
            previous=None if each.previous is None else new[each.previous].id,
            seen=tuple(new[id].id for id in each.seen),
            time=each.time,
            epoch=each.epoch,
        )
        new[each.id] = made
    return list(new.values())


def drafted(state: DealState, role: Role, body: DealBody, now: int) -> Message:
    """The message that `moves.draft` would have a side send."""
    place = draft(state, role, body, now)
    known = {each.id: each for each in state.outcome.docket.case.messages}
    return unsigned(
        body,
        role,
        deal=place.deal,
        previous=None if place.previous is None else known[place.previous],
        seen=[known[id] for id in place.seen],
        time=place.time,
    )
