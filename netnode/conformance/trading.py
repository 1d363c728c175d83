"""Deals that are played through: what the node sells, both sides' messages, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import Broken, Skipped, want
from netnode.conformance.correspondent import Correspondent, Purchase, asked
from netnode.conformance.deals import Message, read_message, signed_by
from netnode.conformance.effects import effects
from netnode.conformance.entries import LISTING
from netnode.conformance.faults import Fault
from netnode.conformance.naming import plan_named
from netnode.conformance.openers import Openers
from netnode.conformance.peer import Peer
from netnode.conformance.prices import cost
from netnode.conformance.records import read_record
from netnode.conformance.verdicts import State, judge

_COPIED: Final = ("commission", "points")
_SHIPPED: Final = ("shipping", "tax", "variants")

Map = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ware:
    """A listing of the node that can be ordered as it stands.

    Attributes:
        entry: id of its entry.
        record: what it says.
        price: of one piece now.
        openers: of the node's networker.
        plan: hash of the plan that an order names; None: it names none.
    """

    entry: bytes
    record: Map
    price: int
    openers: Openers
    plan: bytes | None = None

    @property
    def key(self) -> str:
        """Its key."""
        return str(self.record["key"])

    def goods(self, unit_price: int | None = None) -> Map:
        """The goods of an order of one piece."""
        price = self.price if unit_price is None else unit_price
        line = {
            "amount": price,
            "key": self.key,
            "quantity": 1,
            "title": self.record["title"],
            "unit_price": price,
        }
        return {"lines": [line]}

    def order(self, unit_price: int | None = None) -> Map:
        """The fields of that order that this listing decides; a field that is None is left out."""
        price = self.record["price"]
        money = {name: price.get(name) for name in ("currency", "issuer", "unit")}
        copied = {name: self.record.get(name) for name in _COPIED}
        parts = [{"price": self.price if unit_price is None else unit_price}]
        return {**money, **copied, "listing": self.entry, "parts": parts, "plan": self.plan}


async def ware(bench: Bench) -> Ware:
    """The first listing of the node with a plain price.

    Raises:
        Skipped: it has none.
    """
    async with bench.meet(gives=False) as peer:
        log = await peer.log(bench.known.id)
    entries = {entry.id: entry for entry in log.main if entry.header.kind == LISTING and entry.record}
    now = bench.now()
    for key, told in sorted(effects(log, now).listings.items()):
        if not told.offered or told.entry not in entries:
            continue
        record = read_record(LISTING, entries[told.entry].record or b"")
        if record["key"] != key or any(name in record for name in _SHIPPED):
            continue
        try:
            found = cost(record, [([], 1)], now, None, None, None)
        except Fault:
            continue
        plan = None if "commission" in record else plan_named(log.main, key, now)
        return Ware(told.entry, record, found.price, log.openers, plan)
    raise Skipped("the node offers nothing with a price that needs neither variant, tax nor shipping")


class Trade:
    """One deal of a buyer of ours with the node.

    Args:
        bench: of the check.
        own: who carries the buyer's letters.
        sold: what is ordered.
        unit_price: told in the order, where it is not the right one.
        changes: fields of the order that are others, or more.

    Attributes:
        deal: our side of it.
        heard: what came of others, each authentic, by id.
    """

    def __init__(
        self, bench: Bench, own: Correspondent, sold: Ware, unit_price: int | None = None, **changes: object
    ) -> None:
        self._bench, self._own, self._sold = bench, own, sold
        fields = {**sold.order(unit_price), **changes}
        self.deal = Purchase(bench, sold.goods(unit_price), **fields)
        self.heard: dict[bytes, Message] = {}

    # -- what we say -------------------------------------------------------------------------------------------

    async def orders(self, peer: Peer) -> None:
        """Hands over the order, and waits until the node has it."""
        await self._own.give(peer, self.deal.letter(self.deal.order))
        await self.all(peer)

    async def says(self, peer: Peer, type_: str, **body: object) -> bytes:
        """Says the next thing in this deal, naming the newest of everybody; its id."""
        newest = [self._newest(role) for role in ("seller", "arbiter")]
        seen = [each for each in newest if each is not None]
        time = max([self._bench.now(), *(each.time for each in seen)])
        data = self.deal.add(type_, body, seen=sorted(each.id for each in seen), later=time - self.deal.time)
        await self._own.give(peer, self.deal.letter(data))
        await self.all(peer)  # a letter that was taken may still wait to be looked into
        want(self.state.verdicts[read_message(data).id] is None, "a message of this check is void")
        return read_message(data).id

    def _newest(self, role: str) -> Message | None:
        said = [each for each in self.heard.values() if each.role == role]
        return max(said, key=lambda each: each.number, default=None)

    # -- what the node says ------------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Takes in a message of another; it is the node's, and has effect beside what was said."""
        message = read_message(data)
        if message.deal != self.deal.id or message.role == "buyer" or message.id in self.heard:
            return
        if message.role == "seller":
            want(message.epoch in self._sold.openers.epochs, "a message of an epoch that its log has not")
            keys = self._sold.openers.keys(message.epoch or 0)
            signed = any(signed_by(self._bench.network, message, key) for key in keys)
            want(signed, f"the node's {message.type} is not signed by it [R-DEAL-5]")
        self.heard[message.id] = message
        code = self.state.verdicts.get(message.id, "waits")
        want(code is None, f"the node's {message.type} has no effect: {code} [R-DEAL-19]")

    def add(self, data: bytes) -> None:
        """Takes in a message of ours in another part than the buyer's."""
        message = read_message(data)
        self.heard[message.id] = message

    @property
    def state(self) -> State:
        """What all messages come to, dated ahead or not."""
        messages = [*map(read_message, self.deal.said), *self.heard.values()]
        return judge(messages, max(each.time for each in messages))

    def _look(self) -> None:
        for content in self._own.of("deal"):
            for data in content["messages"]:
                self.take(data)

    def of(self, type_: str) -> list[Message]:
        """The node's messages of a type that came."""
        self._look()
        return [each for each in self.heard.values() if each.type == type_ and each.role == "seller"]

    async def all(self, peer: Peer) -> list[bytes]:
        """All messages that the node has of the deal; the node's own are taken in."""
        found = await asked(self._own, peer, self.deal.id)
        for data in found:
            self.take(data)
        return found

    async def owner(self, action: str) -> str:
        """Lets the owner of the node act; why they could not, or an empty text.

        Raises:
            Skipped: nobody acts for the owner.
        """
        if self._bench.owner is None:
            raise Skipped("needs what only the owner does: name a command for it with --owner")
        return await self._bench.owner.act(action, self.deal.id)

    async def awaits(self, peer: Peer, action: str, type_: str) -> Message:
        """Lets the owner act, and returns the message that must follow, which tells all it has to tell."""
        before = len(self.of(type_))
        told = await self.owner(action)

        def look() -> Message | None:
            found = self.of(type_)
            return found[-1] if len(found) > before else None

        try:
            return await peer.until(look, f"a {type_} of the node")
        except Broken as broken:
            raise Broken(f"{broken}; the owner's command for {action} says: {told or 'nothing'}") from broken

    async def agreed(self, peer: Peer) -> Message:
        """Orders, and has the order accepted; some nodes do so by themselves."""
        await self.orders(peer)
        await self.owner("accept")  # fails where the node was quicker
        what = "an accept of an order that is what it offers"
        return await peer.until(lambda: next(iter(self.of("accept")), None), what)
