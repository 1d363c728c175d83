"""Random deals without signatures, and what they come to by counting along."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import msgspec

from protocol import encoding
from protocol.deals.bodies import (
    Accept,
    DealBody,
    Dispute,
    Fulfil,
    LapseDispute,
    Order,
    PaymentReceived,
    PresumeReceived,
    Receive,
    Refund,
    RefundReceived,
    Ruling,
)
from protocol.deals.message import Message, parse, type_of
from tests.protocol.ledger.naive import DAY, Proof


@dataclass
class Trade:
    """One deal: its messages, and what they come to.

    Attributes:
        who: referred the buyer.
        plan: number of the monthly plan; None: the other one.
        logged: how many of the messages entries with effect embed.
        fulfilled: part -> the message that says so.
        presumed: parts that no receipt came for.
    """

    who: str
    order: Order
    prices: tuple[int, ...]
    plan: int | None
    messages: list[Message] = field(default_factory=list)
    logged: int = 0
    received: set[int] = field(default_factory=set)
    fulfilled: dict[int, Message] = field(default_factory=dict)
    presumed: set[int] = field(default_factory=set)
    paid: int = 0
    sent_back: int = 0
    confirmed: int = 0
    dispute: Message | None = None
    keeps: int | None = None
    newest: int = -1

    @property
    def id(self) -> bytes:
        return self.messages[0].id

    @property
    def proof(self) -> Proof:
        """All of it; a presumption does not count while a dispute is open."""
        counted = self.received if self.dispute else self.received | self.presumed
        return Proof(
            sum(self.prices[part] for part in counted),
            self.paid,
            min(self.sent_back, self.confirmed),
            self.newest,
            self.keeps,
            self.dispute is not None,
        )

    def start(self, now: int) -> None:
        """Ordered and accepted."""
        self.say("buyer", self.order, now - 3)
        accept = Accept(key=self.order.key, path=self.order.path, listing=self.order.listing)
        self.say("seller", accept, now - 2)

    def say(self, role: str, body: DealBody, now: int) -> Message:
        mine = [each for each in self.messages if each.role == role]
        theirs = {each.role: each.id for each in self.messages if each.role != role}  # the newest of each
        deal = self.messages[0].id if self.messages else None
        content = msgspec.to_builtins(body, builtin_types=(bytes,))
        frame = [
            type_of(body), deal, role, len(mine), mine[-1].id if mine else None,
            sorted(theirs.values()), now, None if role == "buyer" else 0, content,
            bytes(64),
        ]  # fmt: skip
        self.messages.append(parse(encoding.encode(frame), vouched=True))
        return self.messages[-1]

    def new(self) -> tuple[bytes, ...]:
        return tuple(each.data for each in self.messages[self.logged :])

    # -- what may happen -------------------------------------------------------------------------------------
    def go_on(self, random: Random, now: int) -> None:
        """Money, goods, receipts, a presumption, a dispute: some of it."""
        if self.keeps is not None:
            return
        if random.random() < 0.9 and self.paid < sum(self.prices):
            amount = random.choice((sum(self.prices), sum(self.prices), max(1, sum(self.prices) // 3)))
            self.say("seller", PaymentReceived(amount=amount), now - 1)
            self.paid += amount
        for part in range(len(self.prices)):
            if part in self.received:
                continue
            if random.random() < 0.6:
                self.say("buyer", Receive(part=part), now)
                self.received.add(part)
                self.newest = now
            elif part not in self.fulfilled and random.random() < 0.5:
                self.fulfilled[part] = self.say("seller", Fulfil(part=part), now)
            elif part in self.fulfilled and part not in self.presumed and self.dispute is None:
                self.presume(part, now)
        if random.random() < 0.06:
            self.complain(now)

    def presume(self, part: int, now: int) -> None:
        """No receipt came in time; not before."""
        if now >= self.fulfilled[part].time + DAY:
            self.say("seller", PresumeReceived(fulfil=self.fulfilled[part].id), now)
            self.presumed.add(part)
            self.newest = now

    def complain(self, now: int) -> None:
        """The buyer disputes, once."""
        if not any(isinstance(each.body, Dispute) for each in self.messages):
            self.dispute = self.say("buyer", Dispute(claim=0), now)

    def settle(self, random: Random, now: int) -> None:
        """A dispute ends: the buyer withdraws it, or the arbiter rules."""
        assert self.dispute is not None
        if random.random() < 0.5:
            self.say("buyer", LapseDispute(dispute=self.dispute.id), now)
        else:
            self.keeps = random.randint(0, sum(self.prices))
            delivered = tuple(sorted(self.received))
            self.say(
                "arbiter",
                Ruling(delivered=delivered, dispute=self.dispute.id, keeps=self.keeps, paid=self.paid),
                now,
            )
            self.newest = now
        self.dispute = None

    def give_back(self, random: Random, now: int) -> None:
        """The seller refunds some, and mostly the buyer confirms it."""
        open_parts = sum(price for part, price in enumerate(self.prices) if part not in self.received)
        room = min(self.paid, sum(self.prices)) - self.sent_back
        if self.keeps is None:
            room = min(room, self.paid - self.sent_back - open_parts)
        if room <= 0:
            return
        amount = random.choice((room, random.randint(1, room)))
        self.say("seller", Refund(amount=amount), now)
        self.sent_back += amount
        if random.random() < 0.8:
            rest = self.sent_back - self.confirmed
            self.say("buyer", RefundReceived(amount=rest, total=self.sent_back), now)
            self.confirmed = self.sent_back
