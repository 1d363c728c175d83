"""Random ledger operations, right and wrong, on the fold and on the naive ledger at once: equal after each.

Signatures are left out (the fold is handed a verifier that says yes): they are looked at by other tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
from msgspec import UNSET

from protocol import encoding, paths
from protocol.deals.bodies import (
    Accept,
    DealBody,
    Dispute,
    LapseDispute,
    Order,
    Part,
    PaymentReceived,
    Receive,
    Refund,
    RefundReceived,
    Terms,
)
from protocol.deals.message import Message, parse, type_of
from protocol.entry import Entry
from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book, Verdict
from protocol.ledger.contents import AwardLine, SaleContent, encode_content
from protocol.ledger.groups import cut
from protocol.ledger.statements import Action, Leg, Limit, Request, Swap
from protocol.ledger.union import Union
from protocol.records import (
    Freeze,
    Lock,
    Payout,
    Redeem,
    RefundEntry,
    SalePart,
    SwapEntry,
    Transfer,
    encode_record,
)
from protocol.records.fields import Place
from tests.protocol.author import Author, seed
from tests.protocol.ledger.naive import DAY, Naive
from tests.protocol.ledger.world import TEAM, UNIT, World

HOUR = 3_600_000
MEMBERS = {"ann": None, "bob": "ann", "cid": "bob", "dan": "cid", "eve": "ann"}
STRANGERS = ("sid", "tom")
PRICES = ((10_000,), (999,), (3_000, 7_001), (1, 2, 50), (12_345,))
FORMS: dict[Action, Any] = {"payout": Payout, "redeem": Redeem, "transfer": Transfer}


@dataclass
class Trade:
    """One deal: its messages without signatures, and what they come to."""

    number: int
    who: str
    order: Order
    messages: list[Message] = field(default_factory=list)
    logged: int = 0
    prices: tuple[int, ...] = ()
    received: set[int] = field(default_factory=set)
    paid: int = 0
    sent_back: int = 0
    confirmed: int = 0
    disputed: bool = False
    disputes: int = 0
    newest: int = -1

    @property
    def earned(self) -> int:
        return sum(self.prices[part] for part in self.received)

    @property
    def refunded(self) -> int:
        return min(self.sent_back, self.confirmed)

    def say(self, role: str, body: DealBody, now: int) -> Message:
        mine = [each for each in self.messages if each.role == role]
        theirs = [each for each in self.messages if each.role != role]
        deal = self.messages[0].id if self.messages else None
        content = msgspec.to_builtins(body, builtin_types=(bytes,))
        frame = [
            type_of(body), deal, role, len(mine), mine[-1].id if mine else None,
            [theirs[-1].id] if theirs and self.messages else [], now, None if role == "buyer" else 0, content,
            bytes(64),
        ]  # fmt: skip
        self.messages.append(parse(encoding.encode(frame), vouched=True))
        return self.messages[-1]

    def new(self) -> tuple[bytes, ...]:
        return tuple(each.data for each in self.messages[self.logged :])


class Operations:
    """One issuer, a few holders, and random steps.

    Args:
        number: decides everything.
    """

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.expiry = self.random.choice((None, None, 5, 40))
        self.hold = self.random.choice((0, 30))
        self.world = World(f"issuer-{number % 7}", verify=lambda *_: True, between=self.between)
        world = self.world
        world.publish(hold_days=self.hold, **({} if self.expiry is None else {"expiry_days": self.expiry}))
        for name, sponsor in MEMBERS.items():
            world.join(name, sponsor)
        self.naive = Naive(dict(MEMBERS), self.hold, self.expiry)
        self.trades: list[Trade] = []
        self.requests: list[tuple[int, Any, dict[str, Any]]] = []
        self.swaps: list[dict[str, Any]] = []
        self.counters = 0
        self.now = world.now + DAY
        self.other = Author("other-issuer")
        self.others: list[Entry] | None = None
        self.pinned: dict[int, list[Entry]] = {}
        self.paths = {name: world.path(name) for name in MEMBERS}
        self.codes: dict[str, int] = {}

    @property
    def people(self) -> list[str]:
        return [*MEMBERS, *STRANGERS, "issuer"]

    def id(self, name: str) -> bytes:
        return self.world.issuer.id if name == "issuer" else self.world.id(name)

    def between(self, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        return self.others

    # -- one step --------------------------------------------------------------------------------------------
    def step(self) -> None:
        """One operation on both, whose verdicts and figures are the same."""
        self.now += self.random.choice((1, HOUR, HOUR, DAY, DAY, 5 * DAY, 12 * DAY))
        act: Callable[[], tuple[Verdict, str | None, list[str]]] = self.random.choice(
            (
                self.new_sale, self.new_sale, self.more_sale, self.refund, self.refund, self.freeze, self.move,
                self.move, self.move, self.move, self.again, self.lock, self.end_lock,
            )
        )  # fmt: skip
        verdict, expected, touched = act()
        assert verdict.code == expected, (act.__name__, verdict, expected)
        name = f"{act.__name__} {expected or 'effective'}"
        self.codes[name] = self.codes.get(name, 0) + 1
        self.compare(touched, self.now)

    def compare(self, people: Sequence[str], now: int) -> None:
        """The figures of some people are the same in both."""
        for name in people:
            found = self.world.book.figures(UNIT, self.id(name), now)
            expected = Figures(**self.naive.figures(name, now))
            assert found == expected, (name, found, expected)

    def finish(self) -> None:
        """Everybody's figures, now and later; their sums; the same log folded anew; its union with itself."""
        for later in (0, DAY, 200 * DAY):
            self.compare(self.people, self.now + later)
            left, right = self.naive.outstanding(self.now + later, self.people)
            assert left == right
        self.compare(self.people, self.now)
        assert dict(self.folded().effects) == dict(self.world.book.effects)
        entries = self.world.issuer.entries
        union = Union([(entries[-1].seq, entries[-1].id)], self.world.book.effects)
        union.add(union)
        for name in self.people:
            found = union.figures(UNIT, self.id(name), self.now)
            assert found == self.world.book.figures(UNIT, self.id(name), self.now)

    def folded(self) -> Book:
        """The same log folded anew, the other log's entries as they were when they were pinned."""
        anew = self.world.fresh()
        first, *rest = self.world.issuer.entries
        anew.take(first)
        anew.take(rest[0])  # the plan
        for name, sponsor in MEMBERS.items():
            above = self.world.issuer.id if sponsor is None else self.id(sponsor)
            anew.teams.tree(TEAM).join(self.id(name), above, rest[0].seq, rest[0].time)
        for entry in rest[1:]:
            self.others = self.pinned.get(entry.seq)
            anew.take(entry)
        return anew

    # -- sales -----------------------------------------------------------------------------------------------
    def write(self, record: msgspec.Struct) -> Verdict:
        return self.world.write(record, at=self.now)

    def new_sale(self) -> tuple[Verdict, str | None, list[str]]:
        number = len(self.trades)
        who = self.random.choice(list(MEMBERS))
        prices = self.random.choice(PRICES)
        order = Order(
            currency="EUR",
            enclosed=hashlib.sha256(str(number).encode()).digest(),
            key=seed("key", number),
            listing=self.world.listing().id,
            parts=tuple(Part(price=price) for price in prices),
            path=paths.path_hash(self.world.issuer.network, self.paths[who]),
            plan=self.world.plan or b"",
            seller=self.world.issuer.id,
            terms=Terms(
                accept_by=DAY,
                confirm_by=DAY,
                dispute_until=400 * DAY,
                fulfil_by=DAY,
                pay_by=DAY,
                ruling_by=DAY,
            ),
        )
        trade = Trade(number, who, order, prices=prices)
        self.trades.append(trade)
        trade.say("buyer", order, self.now - 3)
        trade.say("seller", Accept(key=order.key, path=order.path, listing=order.listing), self.now - 2)
        self.go_on(trade)
        return self.log(trade)

    def go_on(self, trade: Trade) -> None:
        """Something more happens in a deal."""
        if self.random.random() < 0.9 and trade.paid < sum(trade.prices):
            amount = self.random.choice(
                (sum(trade.prices), sum(trade.prices), max(1, sum(trade.prices) // 3))
            )
            trade.say("seller", PaymentReceived(amount=amount), self.now - 1)
            trade.paid += amount
        for part in range(len(trade.prices)):
            if part not in trade.received and self.random.random() < 0.7:
                trade.say("buyer", Receive(part=part), self.now)
                trade.received.add(part)
                trade.newest = self.now
        if self.random.random() < 0.05 and trade.disputes == 0:
            trade.say("buyer", Dispute(claim=0), self.now)
            trade.disputed, trade.disputes = True, 1

    def log(self, trade: Trade) -> tuple[Verdict, str | None, list[str]]:
        filed = self.naive.sales.get(trade.number)
        expected = self.naive.sale(
            trade.number,
            trade.who,
            trade.earned,
            trade.paid,
            trade.refunded,
            trade.newest,
            self.now,
            trade.disputed,
        )
        listing = self.world.listing()
        one = self.naive.sales.get(trade.number)
        lines: tuple[AwardLine, ...] = ()
        if expected is None and one is not None:
            amounts = one.steps[-1]["amounts"]
            lines = tuple(
                AwardLine(self.id(name), "level", level, amounts[name])
                for level, name in enumerate(one.line, 1)
                if amounts[name]
            )
        content = SaleContent(
            awards=lines,
            listing=UNSET
            if listing.id in self.world.book.state.listings
            else (listing.header, listing.signature, listing.record or b""),
            messages=trade.new(),
            openers=self.world.openers(trade.who),
            path=self.paths[trade.who].encode(),
            plan=self.world.plan or b"",
        )
        if not content.messages:
            content = msgspec.structs.replace(content, messages=(trade.messages[-1].data,))
            expected = "deal"
        verdict = Verdict(None)
        for part in cut(SalePart, encode_content(content)):
            verdict = self.write(part)
        if verdict.code is None:
            trade.logged = len(trade.messages)
        elif filed is None:
            trade.logged = 0
        return verdict, expected, self.naive.line_of(trade.who)

    def more_sale(self) -> tuple[Verdict, str | None, list[str]]:
        if not self.trades:
            return self.new_sale()
        trade = self.random.choice(self.trades)
        self.go_on(trade)
        return self.log(trade)

    def refund(self) -> tuple[Verdict, str | None, list[str]]:
        trade = self.random.choice(self.trades) if self.trades else None
        if trade is None:
            return self.new_sale()
        room = min(trade.paid, sum(trade.prices)) - trade.sent_back
        open_parts = sum(price for part, price in enumerate(trade.prices) if part not in trade.received)
        room = min(room, trade.paid - trade.sent_back - open_parts)
        if room > 0:
            amount = self.random.randint(1, room)
            trade.say("seller", Refund(amount=amount), self.now)
            trade.sent_back += amount
            if self.random.random() < 0.8:
                rest = trade.sent_back - trade.confirmed
                trade.say("buyer", RefundReceived(amount=rest, total=trade.sent_back), self.now)
                trade.confirmed = trade.sent_back
        new = trade.new()
        if not new:
            return self.new_sale()
        one = self.naive.sales.get(trade.number)
        stated = 0
        if one is not None:
            stated = max(
                0,
                min(
                    max(trade.earned, one.earned),
                    max(trade.paid, one.paid) - max(trade.refunded, one.refunded),
                ),
            )
        if self.random.random() < 0.05:
            stated += 1
        expected = self.naive.refund(trade.number, trade.earned, trade.paid, trade.refunded, stated, self.now)
        verdict = self.write(RefundEntry(base=stated, messages=new, openers=(), order=trade.messages[0].id))
        if verdict.code is None:
            trade.logged = len(trade.messages)
        return verdict, expected, self.naive.line_of(trade.who)

    def freeze(self) -> tuple[Verdict, str | None, list[str]]:
        trade = self.random.choice(self.trades) if self.trades else None
        if trade is None:
            return self.new_sale()
        if trade.disputes == 0:
            trade.say("buyer", Dispute(claim=0), self.now)
            trade.disputed, trade.disputes = True, 1
        elif trade.disputed and self.random.random() < 0.5:
            dispute = next(each for each in trade.messages if isinstance(each.body, Dispute))
            trade.say("buyer", LapseDispute(dispute=dispute.id), self.now)
            trade.disputed = False
        new = trade.new()
        if not new:
            return self.new_sale()
        expected = self.naive.freeze(trade.number, trade.disputed, self.now)
        verdict = self.write(Freeze(messages=new, openers=(), order=trade.messages[0].id))
        if verdict.code is None:
            trade.logged = len(trade.messages)
        return verdict, expected, self.naive.line_of(trade.who)

    # -- movements -------------------------------------------------------------------------------------------
    def move(self) -> tuple[Verdict, str | None, list[str]]:
        pick = self.random
        action: Action = pick.choice(("payout", "redeem", "transfer", "transfer"))
        who = pick.choice([*MEMBERS, *STRANGERS])
        to = pick.choice([name for name in (*MEMBERS, *STRANGERS) if name != who])
        have = self.naive.available(who, self.now)
        amount = max(1, pick.choice((1, have // 2, have, have + 1)))
        self.counters += 1
        counter = (
            self.counters if pick.random() < 0.95 else pick.randint(max(1, self.counters - 4), self.counters)
        )
        over = pick.random() < 0.02
        request = Request(
            action=action,
            amount=amount,
            counter=counter,
            epoch=0,
            expires=self.now if over else self.now + 100 * DAY,
            holder=self.id(who),
            issuer=self.world.issuer.id,
            recipient=self.id(to) if action == "transfer" else UNSET,
            signature=bytes(64),
            unit=UNIT,
        )
        fields: dict[str, Any] = {
            "kind": action, "who": who, "to": to if action == "transfer" else None, "amount": amount,
            "counter": counter, "over": over,
        }  # fmt: skip
        record: dict[str, Any] = {
            "openers": self.world.openers(who, to),
            "request": encoding.encode_struct(request),
        }
        if action == "transfer":
            fields["member"] = to in MEMBERS
            if pick.random() < 0.6:
                most, number = pick.choice((0, 500, 10**6)), pick.choice((0, 0, 1, 2))
                lasts = pick.choice((0, 0, self.now + 20 * DAY))
                limit = Limit(
                    amount=most, counter=number, epoch=0, expires=self.now + DAY, holder=self.id(to),
                    issuer=self.world.issuer.id, lasts=lasts or UNSET, signature=bytes(64), unit=UNIT,
                )  # fmt: skip
                record["limit"] = encoding.encode_struct(limit)
                fields |= {"limit": (most, number), "lasts": lasts}
        id = len(self.requests)
        self.requests.append((id, FORMS[action](**record), fields))
        return self.carry_out(*self.requests[-1])

    def carry_out(
        self, id: int, record: msgspec.Struct, fields: dict[str, Any]
    ) -> tuple[Verdict, str | None, list[str]]:
        expected = self.naive.move(id, now=self.now, **fields)
        touched = [fields["who"]] + ([fields["to"]] if fields["to"] else [])
        return self.write(record), expected, touched

    def again(self) -> tuple[Verdict, str | None, list[str]]:
        """A request that was sent before."""
        if not self.requests:
            return self.move()
        id, record, fields = self.random.choice(self.requests)
        if hasattr(record, "limit") and record.limit is not UNSET:
            return self.move()
        if self.world.book.head is not None and self.now >= self._expires(record):
            fields = {**fields, "over": True}
        return self.carry_out(id, record, fields)

    def _expires(self, record: Any) -> int:
        expires: int = encoding.decode(record.request)["expires"]
        return expires

    # -- swaps -----------------------------------------------------------------------------------------------
    def lock(self) -> tuple[Verdict, str | None, list[str]]:
        pick = self.random
        who, to = pick.sample(list(MEMBERS), 2)
        amount = max(1, pick.choice((1, self.naive.available(who, self.now), 700)))
        self.counters += 1
        counter = (
            self.counters if pick.random() < 0.9 else pick.randint(max(1, self.counters - 4), self.counters)
        )
        until = self.now + pick.choice((0, DAY, 30 * DAY))
        document = Swap(
            first=Leg(
                amount=amount,
                counter=counter,
                epoch=0,
                holder=self.id(who),
                issuer=self.world.issuer.id,
                unit=UNIT,
            ),
            head=(0, self.other.entries[0].id),
            second=Leg(amount=1, counter=0, epoch=0, holder=self.id(to), issuer=self.other.id, unit="y"),
            signatures=(bytes(64), bytes(64)),
            until=until,
        )
        id = len(self.swaps)
        data = encoding.encode_struct(document)
        self.swaps.append({"document": document, "data": data, "who": who, "to": to})
        expected = self.naive.lock(id, who, to, amount, counter, self.now, over=until <= self.now)
        verdict = self.write(Lock(document=data, openers=self.world.openers(who, to, whole=True)))
        return verdict, expected, [who, to, "issuer"]

    def end_lock(self) -> tuple[Verdict, str | None, list[str]]:
        if not self.swaps:
            return self.lock()
        id = self.random.randrange(len(self.swaps))
        swap = self.swaps[id]
        document: Swap = swap["document"]
        given = self.random.random() < 0.5
        self.others = [self.swap_entry(swap, document)] if given else []
        tip = self.others[-1] if self.others else self.other.entries[0]
        time = max(document.until, tip.time)
        self.others.append(self.other.after(tip, 5, b"\x80", time=time))
        last = self.others[-1]
        expected = self.naive.unlock(id, given)
        record = SwapEntry(document=swap["data"], openers=(), pins=(document.head, (last.seq, last.id)))
        self.pinned[len(self.world.issuer.entries)] = self.others
        return self.write(record), expected, [swap["who"], swap["to"], "issuer"]

    def swap_entry(self, swap: dict[str, Any], document: Swap) -> Entry:
        """The other issuer's swap, in time."""
        openers = self.world.openers(swap["who"], swap["to"], whole=True)
        lock_record = encode_record(Lock(document=swap["data"], openers=openers))
        lock = self.world.issuer.after(
            self.world.issuer.entries[0], Lock.KIND, lock_record, time=document.until - 1
        )
        mine = tuple(entry.wire() for entry in self.world.issuer.entries if entry.is_opener)
        record = SwapEntry(document=swap["data"], lock=(tuple(lock.wire()),), openers=(*openers, mine))
        return self.other.after(
            self.other.entries[0], SwapEntry.KIND, encode_record(record), time=document.until - 1
        )


def play(number: int, steps: int) -> dict[str, int]:
    """One world; how often each operation had each outcome."""
    operations = Operations(number)
    for _ in range(steps):
        operations.step()
    operations.finish()
    return operations.codes
