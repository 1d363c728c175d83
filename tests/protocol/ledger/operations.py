"""Random ledger operations, right and wrong, on the fold and on the naive ledger at once: equal after each.

Signatures are left out (the fold is handed a verifier that says yes): they are looked at by other tests. Which key
counts at which place is not: holders rotate, and an identity may be contested.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec
from msgspec import UNSET

from protocol import encoding, paths
from protocol.deals.bodies import Order, Part, Terms
from protocol.entry import Entry
from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book, Verdict
from protocol.ledger.contents import AwardLine, CloseContent, SaleContent, encode_content
from protocol.ledger.groups import cut
from protocol.ledger.statements import Action, Leg, Limit, Releasing, Request, Swap
from protocol.ledger.union import Union
from protocol.records import (
    Answer,
    ClosePart,
    Freeze,
    Lock,
    Payout,
    Redeem,
    RefundEntry,
    Rekey,
    Release,
    SalePart,
    SwapEntry,
    Transfer,
    encode_record,
)
from protocol.records.credit import Reply
from protocol.records.fields import Place
from protocol.records.plan import Differential, Step
from tests.protocol.author import Author, seed
from tests.protocol.deals.made import ARBITER, CONSENT
from tests.protocol.ledger.naive import DAY, MONTHLY, STEP, Naive, month_of
from tests.protocol.ledger.trades import Trade
from tests.protocol.ledger.world import TEAM, UNIT, World, plan_record

HOUR = 3_600_000
CLUB = "club"
MEMBERS = {"ann": None, "bob": "ann", "cid": "bob", "dan": "cid", "eve": "ann"}
STRANGERS = ("sid", "tom")
PEOPLE = (*MEMBERS, *STRANGERS, "issuer")
PRICES = ((10_000,), (999,), (3_000, 7_001), (1, 2, 50), (12_345,))
FORMS: dict[Action, Any] = {"payout": Payout, "redeem": Redeem, "transfer": Transfer}
MOST = 3  # rotations of anybody
Outcome = tuple[Verdict, str | None, list[str]]
"""What the fold says, what the naive ledger says, and whose figures may have changed."""


@functools.cache
def rotations(name: str) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Inception and rotations of somebody, and a second rotation to each epoch."""
    author = Author(name)
    chain, twins = [author.entries[0]], [author.entries[0]]
    for _ in range(MOST):
        twins.append(author.rotation(chain[-1], generation=2)[0])
        chain.append(author.rotation(chain[-1])[0])
    return tuple(chain), tuple(twins)


def rules(hold: int, expiry: int | None) -> tuple[dict[str, Any], ...]:
    """The plan by sale, and the monthly ones."""
    whole = {"hold_days": hold, **({} if expiry is None else {"expiry_days": expiry})}
    plans = [whole]
    for low, high in MONTHLY:
        steps = (Step(at=0, rate=(low, 100)), Step(at=STEP, rate=(high, 100)))
        monthly = Differential(mode="marginal", name="group", steps=steps)
        plans.append(
            {**whole, "opportunity": CLUB, "unilevel": (), "differential": (monthly,), "notice_days": 20}
        )
    return tuple(plans)


class Operations:
    """One issuer, a few holders, and random steps.

    Args:
        number: decides everything.
    """

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        expiry = self.random.choice((None, None, 5, 40))
        hold = self.random.choice((0, 30))
        self.world = World(f"issuer-{number % 7}", verify=lambda *_: True, between=self.between)
        world = self.world
        world.people["arbiter"] = ARBITER
        self.rules = rules(hold, expiry)
        self.plans: list[bytes] = []
        for plan in self.rules[:2]:
            world.publish(**plan)
            self.plans.append(world.plan or b"")
        self.first = len(world.issuer.entries)
        self.join(world.book)
        self.naive = Naive(MEMBERS, hold, expiry, world.now)
        self.trades: list[Trade] = []
        self.requests: list[tuple[Any, dict[str, Any]]] = []
        self.swaps: list[dict[str, Any]] = []
        self.counters = 0
        self.now = world.now + DAY
        self.other = Author("other-issuer")
        self.others: list[Entry] | None = None
        self.pinned: dict[int, list[Entry]] = {}
        self.paths = {name: world.path(name) for name in MEMBERS}
        self.codes: dict[str, int] = {}

    def join(self, book: Book) -> None:
        """Seats the members, as admissions would."""
        for tree in (book.teams.tree(TEAM), book.teams.tree(CLUB)):
            for name, sponsor in MEMBERS.items():
                above = self.world.issuer.id if sponsor is None else self.id(sponsor)
                tree.join(
                    self.id(name), above, self.first - 1, self.world.issuer.entries[self.first - 1].time
                )

    def id(self, name: str) -> bytes:
        return self.world.issuer.id if name == "issuer" else self.world.id(name)

    @property
    def ids(self) -> dict[str, bytes]:
        return {name: self.id(name) for name in PEOPLE}

    def between(self, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        return self.others

    # -- one step --------------------------------------------------------------------------------------------
    def step(self) -> None:
        """One operation on both, whose verdicts and figures are the same."""
        self.now += self.random.choice((1, HOUR, HOUR, DAY, DAY, 5 * DAY, 12 * DAY))
        act: Callable[[], Outcome] = self.random.choice(
            (
                self.new_sale, self.new_sale, self.more_sale, self.more_sale, self.refund, self.refund, self.freeze,
                self.move, self.move, self.move, self.move, self.again, self.lock, self.end_lock, self.close,
                self.close, self.change_plan if self.random.random() < 0.3 else self.close,
                self.rekey if self.random.random() < 0.5 else self.move,
                self.release if self.random.random() < 0.3 else self.answer,
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
        book = self.world.book
        for later in (0, DAY, 200 * DAY):
            self.compare(PEOPLE, self.now + later)
            left, right = self.naive.outstanding(self.now + later, PEOPLE)
            assert left == right
        self.compare(PEOPLE, self.now)
        assert dict(self.folded().effects) == dict(book.effects)
        union = self.union()
        union.add(union)
        for name in PEOPLE:
            found = union.figures(UNIT, self.id(name), self.now)
            assert found == book.figures(UNIT, self.id(name), self.now)
        for who, about in self.naive.released:
            assert book.released(self.id(who), about)
        assert not book.released(self.id("ann"), b"never")
        for challenge in (bytes([each]) * 32 for each in range(4)):
            assert book.reply(challenge) == self.naive.replies.get(challenge)

    def union(self) -> Union:
        """Of this one branch."""
        last = self.world.issuer.entries[-1]
        return Union([(last.seq, last.id)], self.world.book.effects)

    def folded(self) -> Book:
        """The same log folded anew, the other log's entries as they were when they were pinned."""
        anew = self.world.fresh()
        for entry in self.world.issuer.entries:
            self.others = self.pinned.get(entry.seq)
            anew.take(entry)
            if entry.seq == self.first - 1:
                self.join(anew)
        return anew

    # -- sales -----------------------------------------------------------------------------------------------
    def write(self, record: msgspec.Struct) -> Verdict:
        return self.world.write(record, at=self.now)

    def order(self, number: int, who: str, prices: tuple[int, ...], plan: bytes) -> Order:
        ruled = self.random.random() < 0.5
        return Order(
            currency="EUR",
            enclosed=hashlib.sha256(str(number).encode()).digest(),
            key=seed("key", number),
            listing=self.world.listing().id,
            parts=tuple(Part(price=price) for price in prices),
            path=paths.path_hash(self.world.issuer.network, self.paths[who]),
            plan=plan,
            seller=self.world.issuer.id,
            terms=Terms(
                accept_by=DAY,
                arbiter=ARBITER.id if ruled else UNSET,
                confirm_by=DAY,
                consent=CONSENT.data if ruled else UNSET,
                dispute_until=400 * DAY,
                fulfil_by=DAY,
                pay_by=DAY,
                ruling_by=400 * DAY,
            ),
        )

    def new_sale(self) -> Outcome:
        who = self.random.choice(list(MEMBERS))
        prices = self.random.choice(PRICES)
        held = max(place for place, plan in enumerate(self.naive.plans) if plan.starts <= self.now - 3)
        plan = held if self.random.random() < 0.45 else None
        order = self.order(len(self.trades), who, prices, self.plans[0 if plan is None else 1 + plan])
        trade = Trade(who, order, prices, plan)
        self.trades.append(trade)
        trade.start(self.now)
        trade.go_on(self.random, self.now)
        return self.log(trade)

    def log(self, trade: Trade) -> Outcome:
        filed = self.naive.sales.get(trade.id)
        new, proof = trade.new(), trade.proof
        broken = bool(new) and self.random.random() < 0.02
        expected = "group" if broken else "deal"  # messages that are there already
        if new and not broken:
            expected = self.naive.sale(trade.id, trade.who, proof, self.now, trade.plan) or ""
        lines: tuple[AwardLine, ...] = ()
        if not expected and trade.plan is None:
            amounts = self.naive.sales[trade.id].steps[-1]["amounts"]
            lines = tuple(
                AwardLine(self.id(name), "level", level, amount)
                for level, (name, amount) in enumerate(amounts.items(), 1)
                if amount
            )
        listing = self.world.listing()
        known = listing.id in self.world.book.state.listings
        names = (trade.who,) if trade.order.terms.arbiter is UNSET else (trade.who, "arbiter")
        content = SaleContent(
            awards=lines,
            listing=UNSET if known else (listing.header, listing.signature, listing.record or b""),
            messages=new or (trade.messages[-1].data,),
            openers=self.openers(*names),
            path=self.paths[trade.who].encode(),
            plan=trade.order.plan or b"",
        )
        verdict = self.write_parts(encode_content(content), broken)
        if verdict.code is None:
            trade.logged = len(trade.messages)
        elif filed is None:
            trade.logged = 0
        return verdict, expected or None, self.naive.line_of(trade.who)

    def write_parts(self, content: bytes, broken: bool) -> Verdict:
        """As one record, or sometimes in two; another entry between them breaks them."""
        if not broken and self.random.random() < 0.9:
            return self.write(cut(SalePart, content)[0])
        digest, middle = hashlib.sha256(content).digest(), self.random.randrange(1, len(content))
        first, second = content[:middle], content[middle:]
        self.write(SalePart(content=first, count=2, hash=digest, number=1))
        if broken:
            self.write(Rekey(openers=self.openers("sid", whole=True)))
        return self.write(SalePart(content=second, count=2, hash=digest, number=2))

    def openers(self, *names: str, whole: bool = False) -> tuple[Any, ...]:
        """Inceptions of those whom the log does not hold yet; `whole`: up to the epoch it knows, of all of them."""
        known = self.world.book.signers
        new = [name for name in dict.fromkeys(names) if whole or known.knows(self.id(name)) is None]
        return tuple(self.chain(name, self.naive.epochs[name]) for name in new)

    def chain(self, name: str, epoch: int) -> tuple[Any, ...]:
        """Inception and rotations of somebody, up to an epoch."""
        if name == "arbiter":
            return (ARBITER.entries[0].wire(),)
        return tuple(entry.wire() for entry in rotations(name)[0][: epoch + 1])

    def more_sale(self) -> Outcome:
        if not self.trades:
            return self.new_sale()
        trade = self.random.choice(self.trades[-8:])
        trade.go_on(self.random, self.now)
        return self.log(trade)

    def refund(self) -> Outcome:
        if not self.trades:
            return self.new_sale()
        trade = self.random.choice(self.trades[-6:])
        trade.give_back(self.random, self.now)
        if not trade.new():
            return self.new_sale()
        one, proof = self.naive.sales.get(trade.id), trade.proof
        stated = 0 if one is None else one.based(proof)
        if self.random.random() < 0.05:
            stated += 1
        expected = self.naive.refund(trade.id, proof, stated, self.now)
        record = RefundEntry(
            base=stated, messages=trade.new(), openers=self.openers("arbiter"), order=trade.id
        )
        return self.added(trade, record, expected)

    def freeze(self) -> Outcome:
        if not self.trades:
            return self.new_sale()
        trade = self.random.choice(
            [each for each in self.trades[-8:] if each.dispute is not None] or self.trades[-4:]
        )
        if trade.dispute is None:
            trade.complain(self.now)
        elif trade.order.terms.arbiter is not UNSET and self.random.random() < 0.6:
            trade.settle(self.random, self.now)
        if not trade.new():
            return self.new_sale()
        expected = self.naive.freeze(trade.id, trade.proof.disputed, self.now)
        record = Freeze(messages=trade.new(), openers=self.openers("arbiter"), order=trade.id)
        return self.added(trade, record, expected)

    def added(self, trade: Trade, record: msgspec.Struct, expected: str | None) -> Outcome:
        """An entry that adds messages to a sale."""
        verdict = self.write(record)
        if verdict.code is None:
            trade.logged = len(trade.messages)
        return verdict, expected, self.naive.line_of(trade.who)

    def change_plan(self) -> Outcome:
        """Once in a log."""
        if len(self.naive.plans) == len(MONTHLY):
            return self.close()
        record = plan_record(**self.rules[2])
        self.plans.append(hashlib.sha256(encode_record(record)).digest())
        verdict = self.write(record)
        self.naive.change_plan(self.now, 20 * DAY)
        return verdict, None, list(MEMBERS)

    def close(self) -> Outcome:
        """Closes a month: mostly the next one, as it should be."""
        naive = self.naive
        plan = self.random.randrange(len(naive.plans))
        begins = naive.plans[plan].closed or month_of(naive.plans[plan].starts)[0]
        if self.random.random() < 0.1:
            begins = self.random.choice((month_of(self.now)[0], month_of(begins - 1)[0], begins + 1))
        ends = month_of(begins)[1]
        right = self.random.random() < 0.9
        lines = tuple(
            AwardLine(self.id(who), "group", step, amount)
            for who, step, amount, _ in naive.month(plan, begins)
        )
        if not right:
            lines = (*lines, AwardLine(self.id("ann"), "group", 9, 1))
        expected = naive.close(plan, begins, ends, right, self.now)
        content = CloseContent(awards=lines, begins=begins, ends=ends, plan=self.plans[1 + plan])
        return self.write(cut(ClosePart, encode_content(content))[0]), expected, list(MEMBERS)

    # -- whose key counts ------------------------------------------------------------------------------------
    def rekey(self) -> Outcome:
        who = self.random.choice((*MEMBERS, *STRANGERS))
        now = self.naive.epochs[who]
        if now and self.random.random() < 0.2:
            twin = rotations(who)[1][now]
            openers: tuple[Any, ...] = ((*self.chain(who, now), twin.wire()),)
            self.naive.rekey(who, now, twin=True)
        else:
            to = min(MOST, now + self.random.choice((0, 1)))
            openers = (self.chain(who, to),)
            self.naive.rekey(who, to)
        return self.write(Rekey(openers=openers)), None, [who]

    def release(self) -> Outcome:
        who = self.random.choice((*MEMBERS, *STRANGERS))
        epoch = self.epoch_of(who)
        about = hashlib.sha256(str(self.now).encode()).digest()
        release = Releasing(
            about=about, epoch=epoch, holder=self.id(who), issuer=self.world.issuer.id, signature=bytes(64)
        )
        record = Release(openers=self.openers(who), release=encoding.encode_struct(release))
        return self.write(record), self.naive.release(who, about, epoch), [who]

    def epoch_of(self, who: str) -> int:
        """Mostly the one that counts, sometimes an old one."""
        known = self.naive.epochs[who]
        return known if self.random.random() < 0.9 else max(0, known - 1)

    def answer(self) -> Outcome:
        seq = len(self.world.issuer.entries)
        challenge = bytes([self.random.randrange(4)]) * 32
        entry = self.random.choice((None, self.random.randint(0, seq)))
        reason = "unpaid" if entry is None else None
        reply = Reply(
            challenge=challenge,
            entry=UNSET if entry is None else entry,
            reason=UNSET if reason is None else reason,
        )
        return self.write(Answer(replies=(reply,))), self.naive.answer(challenge, entry, reason, seq), []

    # -- movements -------------------------------------------------------------------------------------------
    def move(self) -> Outcome:
        pick = self.random
        action: Action = pick.choice(("payout", "redeem", "transfer", "transfer"))
        rich = [name for name in (*MEMBERS, *STRANGERS) if self.naive.available(name, self.now)]
        who = pick.choice(rich if rich and pick.random() < 0.8 else [*MEMBERS, *STRANGERS])
        to = pick.choice([name for name in (*MEMBERS, *STRANGERS) if name != who])
        have = self.naive.available(who, self.now)
        amount = max(1, pick.choice((1, have // 5, have // 2, have, have + 1)))
        over = pick.random() < 0.02
        epoch = self.epoch_of(who)
        fresh = (
            epoch < MOST and pick.random() < 0.03
        )  # a later epoch, whose rotation the request brings along
        epoch += fresh
        request = Request(
            action=action,
            amount=amount,
            counter=self.counter(0.95),
            epoch=epoch,
            expires=self.now if over else self.now + 100 * DAY,
            holder=self.id(who),
            issuer=self.world.issuer.id,
            recipient=self.id(to) if action == "transfer" else UNSET,
            signature=bytes(64),
            unit=UNIT,
        )
        fields: dict[str, Any] = {
            "kind": action, "who": who, "to": to if action == "transfer" else None, "amount": amount,
            "counter": request.counter, "over": over, "epoch": epoch,
        }  # fmt: skip
        openers = self.openers(*(name for name in (who, to) if not (fresh and name == who)))
        if fresh:
            openers = (self.chain(who, epoch), *openers)
            self.naive.rekey(who, epoch)
        record: dict[str, Any] = {"openers": openers, "request": encoding.encode_struct(request)}
        if action == "transfer":
            fields["member"] = to in MEMBERS
            if pick.random() < 0.6:
                most, number = pick.choice((0, 500, 10**6)), pick.choice((0, 0, 1, 2))
                lasts = pick.choice((0, 0, self.now + 20 * DAY))
                limit = Limit(
                    amount=most, counter=number, epoch=self.epoch_of(to), expires=self.now + DAY,
                    holder=self.id(to), issuer=self.world.issuer.id, lasts=lasts or UNSET, signature=bytes(64),
                    unit=UNIT,
                )  # fmt: skip
                record["limit"] = encoding.encode_struct(limit)
                fields |= {"limit": (most, number, limit.epoch), "lasts": lasts}
        self.requests.append((FORMS[action](**record), fields))
        return self.carry_out(*self.requests[-1])

    def counter(self, fresh: float) -> int:
        """A new one, as likely as that, or one of the last."""
        self.counters += 1
        if self.random.random() < fresh:
            return self.counters
        return self.random.randint(max(1, self.counters - 4), self.counters)

    def carry_out(self, record: Any, fields: dict[str, Any]) -> Outcome:
        expected = self.naive.move(record.request, now=self.now, **fields)
        touched = [fields["who"]] + ([fields["to"]] if fields["to"] else [])
        return self.write(record), expected, touched

    def again(self) -> Outcome:
        """A request that was sent before."""
        if not self.requests:
            return self.move()
        record, fields = self.random.choice(self.requests[-40:])
        if getattr(record, "limit", UNSET) is not UNSET:
            return self.move()
        if self.now >= encoding.decode(record.request)["expires"]:  # type: ignore[index, call-overload]
            fields = {**fields, "over": True}
        if fields["epoch"] > self.naive.epochs[fields["who"]]:
            return self.move()  # on another branch its rotation was logged
        return self.carry_out(record, fields)

    # -- swaps -----------------------------------------------------------------------------------------------
    def lock(self) -> Outcome:
        """This log locks, or decides a swap that the other one has locked."""
        pick = self.random
        who, to = pick.sample(list(MEMBERS), 2)
        given = pick.random() < 0.3
        until = self.now + pick.choice((0, DAY, 30 * DAY))
        amount = max(1, pick.choice((1, self.naive.available(who, self.now), 700)))
        epochs = {name: self.naive.epochs[name] for name in (who, to)}
        if pick.random() < 0.2:
            epochs[who] = min(MOST, max(0, epochs[who] + pick.choice((-1, 1))))
        mine = Leg(
            amount=amount,
            counter=self.counter(0.9),
            epoch=epochs[who],
            holder=self.id(who),
            issuer=self.world.issuer.id,
            unit=UNIT,
        )
        theirs = Leg(
            amount=1, counter=0, epoch=epochs[to], holder=self.id(to), issuer=self.other.id, unit="y"
        )
        document = Swap(
            first=theirs if given else mine,
            head=(0, self.other.entries[0].id),
            second=mine if given else theirs,
            signatures=(bytes(64), bytes(64)),
            until=until,
        )
        data = encoding.encode_struct(document)
        openers = tuple(self.chain(name, epochs[name]) for name in (who, to))
        swap = {"document": document, "data": data, "who": who, "to": to, "openers": openers}
        if given:
            wire = self.entry(self.other, Lock(document=data, openers=openers), until)
            theirs_too = (tuple(entry.wire() for entry in self.other.entries[:1]),)
            record: Any = SwapEntry(document=data, lock=(wire,), openers=(*openers, *theirs_too))
        else:
            self.swaps.append(swap)
            record = Lock(document=data, openers=openers)
        expected = self.naive.lock(
            data, who, to, amount, mine.counter, mine.epoch, self.now, over=until <= self.now, given=given
        )
        return self.write(record), expected, [who, to, "issuer"]

    def entry(self, author: Author, record: msgspec.Struct, until: int) -> tuple[Any, ...]:
        """An entry of a log right after its inception, in time for a swap."""
        kind: int = record.KIND  # type: ignore[attr-defined]
        made = author.after(author.entries[0], kind, encode_record(record), time=until - 1)
        return tuple(made.wire())

    def end_lock(self) -> Outcome:
        """The other log's swap, or two places of it between which there is one or none."""
        if not self.swaps:
            return self.lock()
        swap = self.random.choice(self.swaps[-8:])
        document: Swap = swap["document"]
        given = self.random.random() < 0.5
        expected = self.naive.unlock(swap["data"], given)
        deciding = self.deciding(swap, document)
        if given and self.random.random() < 0.5:
            openers = (tuple(entry.wire() for entry in self.other.entries[:1]),)
            record = SwapEntry(document=swap["data"], openers=openers, swap=(tuple(deciding.wire()),))
            return self.write(record), expected, [swap["who"], swap["to"], "issuer"]
        self.others = [deciding] if given else []
        tip = deciding if given else self.other.entries[0]
        self.others.append(self.other.after(tip, 5, b"\x80", time=max(document.until, tip.time)))
        last = self.others[-1]
        record = SwapEntry(document=swap["data"], openers=(), pins=(document.head, (last.seq, last.id)))
        self.pinned[len(self.world.issuer.entries)] = self.others
        return self.write(record), expected, [swap["who"], swap["to"], "issuer"]

    def deciding(self, swap: dict[str, Any], document: Swap) -> Entry:
        """The other issuer's swap, in time."""
        lock = self.entry(
            self.world.issuer, Lock(document=swap["data"], openers=swap["openers"]), document.until
        )
        mine = (self.world.issuer.entries[0].wire(),)
        record = SwapEntry(document=swap["data"], lock=(lock,), openers=(*swap["openers"], mine))
        return self.other.after(
            self.other.entries[0], SwapEntry.KIND, encode_record(record), time=document.until - 1
        )
