"""No entry that an issuer can write alone lowers a holder's figure, or what is available of it [R-CRED-42; L11].

The issuer here has its own key, every byte that ever was in its log, and buyers of its own making. Of every kind it
writes entries: new ones, old ones again with something changed, statements and messages of others signed with its own
key, ends of swaps that never were. After each of them everybody has at least what they had, now and at any later time.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding
from protocol.deals import message
from protocol.deals.bodies import (
    Cancel,
    Dispute,
    Fulfil,
    PaymentReceived,
    PresumeReceived,
    Receive,
    Refund,
    RefundReceived,
)
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.kinds import KINDS
from protocol.ledger.contents import encode_content
from protocol.ledger.groups import cut
from protocol.ledger.statements import Leg, Limit, Releasing, Request, Swap, sign, sign_swap
from protocol.ledger.union import Union
from protocol.paths import path_hash
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
from protocol.records.plan import Differential, Step
from tests.protocol.author import NETWORK
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.test_garbled import changed
from tests.protocol.ledger.world import DAY, HOLD, TEAM, UNIT, Deal, plan_record

HOLDERS = ("ann", "bob", "cid", "zoe")
LATER = (0, DAY, HOLD, 4 * HOLD, 400 * DAY)
OPENERS = (0, 2, 4)  # these are judged by the log, not by the ledger
CLUB = "club"


class Attacker:
    """An issuer with honest holders, and what it may do to them.

    Attributes:
        world: its log: posted, pending, moved, locked and frozen credit, awards by sale and of a closed month.
        deals: with buyers who are not the issuer's.
        honest: what the log came to before the attack: nobody may fall below it at any moment.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        bench = Bench((1_000, 1_000))
        self.world = bench.x
        self.lock = bench.document((300, 1))
        assert bench.lock(self.lock).code is None
        self.bench = bench
        self.deals: list[Deal] = []
        self.fakes: list[Deal] = []
        self._history()
        self.seen = {entry.kind: entry.record for entry in self.world.issuer.entries}
        self.start = self.world.now
        self.honest = Union((), self.world.book.effects)

    def _history(self) -> None:
        world = self.world
        for name, sponsor in (("cid", "ann"), ("bob", "cid")):
            world.join(name, sponsor)
        assert world.transfer("ann", "zoe", 100, limit=500).code is None
        assert world.redeem("ann", 50).code is None
        assert world.pay_out("ann", 25).code is None
        self._sell(world.deal(3_000, 7_000, path=world.path("bob")).accept().pay().receive(0))
        self._sell(world.deal(5_000, path=world.path("cid")).complete())
        self._sell(world.deal(8_000, path=world.path("cid")).complete().dispute())
        presumed = world.deal(2_000, path=world.path("ann")).accept().pay()
        fulfil = presumed.say("seller", Fulfil(part=0))
        presumed.say("seller", PresumeReceived(fulfil=fulfil.id), at=presumed.now + 2 * DAY)
        self._sell(presumed)
        monthly = Differential(mode="marginal", name="group", steps=(Step(at=0, rate=(1, 10)),))
        team_plan = world.plan
        verdict = world.write(plan_record(opportunity=CLUB, unilevel=(), differential=(monthly,)))
        assert verdict.code is None
        self.club = list(world.book.governing.all())[-1]
        for name, sponsor in (("ann", None), ("bob", "ann")):
            above = world.issuer.id if sponsor is None else world.id(sponsor)
            world.book.teams.tree(CLUB).join(world.id(name), above, world.issuer.entries[-1].seq, world.now)
        world.plan = self.club.hash
        self._sell(world.deal(9_000, path=world.path("bob")).complete())
        self.close(self.club.activity.period(world.now, 0).end)
        world.plan = team_plan

    def _sell(self, deal: Deal) -> None:
        """An honest sale; its path is that of the order."""
        name = next(name for name in ("ann", "bob", "cid") if self._hash(name) == deal.body.path)
        assert self.world.sell(deal, path=self.world.path(name)).code is None
        self.world.now = max(self.world.now, deal.now)
        self.deals.append(deal)

    def _hash(self, name: str) -> bytes:
        return path_hash(NETWORK, self.world.path(name))

    def close(self, at: int) -> str | None:
        content = close_with_awards(self.world.book.state, self.club, at - 1)
        (part,) = cut(ClosePart, encode_content(content))
        return self.world.write(part, at=max(at, self.world.now)).code

    # -- one entry -------------------------------------------------------------------------------------------
    def step(self) -> tuple[str, str | None]:
        """Writes something, and looks at everybody's figures as of the beginning of the attack and later."""
        acts = (
            self.replay, self.replay, self.replay, self.forged_movement, self.forged_limit, self.forged_swap,
            self.forged_release, self.end_lock, self.refund, self.freeze, self.raise_, self.fake_sale,
            self.fake_refund, self.twin, self.plan, self.rekey, self.answer, self.own, self.next_close,
        )  # fmt: skip
        act = self.random.choice(acts)
        code = act()
        for name, later in product(HOLDERS, LATER):
            at = max(self.start, self.world.issuer.entries[-1].time) + later
            now = self.world.book.figures(UNIT, self.world.id(name), at)
            before = self.honest.figures(UNIT, self.world.id(name), at)
            assert now.signed >= before.signed, (act.__name__, name, later, code)
            assert now.available >= before.available, (act.__name__, name, later, code)
        return act.__name__, code

    def write(self, record: msgspec.Struct) -> str | None:
        at = self.start + self.random.choice((0, 1, 1_000))
        return self.world.write(record, at=max(at, self.world.issuer.entries[-1].time)).code

    def replay(self) -> str | None:
        """Any record of the log again, under its kind or another, as it was or with something changed."""
        kind = self.random.choice([each for each in KINDS if each not in OPENERS])
        source = (
            kind if kind in self.seen and self.random.random() < 0.8 else self.random.choice(list(self.seen))
        )
        record = self.seen[source] or b"\x80"
        try:
            for _ in range(self.random.randrange(3)):
                record = encoding.encode(changed(self.random, encoding.decode(record, 10**6)))
        except ProtocolError:
            pass
        tip = self.world.issuer.entries[-1]
        entry = self.world.issuer.after(tip, kind, record, time=max(self.start, tip.time))
        self.world.issuer.entries.append(entry)
        code = self.world.book.take(entry).code
        if code == "unknown":  # an issuer may do that: nothing later counts, nothing before is taken back
            self.world.book.unknown = None
        return code

    def mine(self, unsigned: Any) -> bytes:
        """A statement of somebody else, signed with the issuer's key."""
        return sign(NETWORK, self.world.issuer.signer, unsigned)

    def victim(self) -> tuple[str, dict[str, Any]]:
        name = self.random.choice(HOLDERS)
        return name, {
            "epoch": 0, "holder": self.world.id(name), "issuer": self.world.issuer.id, "signature": bytes(64)
        }  # fmt: skip

    def forged_movement(self) -> str | None:
        name, fields = self.victim()
        action, form = self.random.choice((("transfer", Transfer), ("redeem", Redeem), ("payout", Payout)))
        to = self.random.choice([each for each in HOLDERS if each != name])
        request = Request(
            action=action,  # type: ignore[arg-type]
            amount=self.random.choice((1, 50, 400)),
            counter=self.random.randrange(50, 10**6),
            expires=self.start + HOLD,
            recipient=self.world.id(to) if action == "transfer" else UNSET,
            unit=UNIT,
            **fields,
        )
        openers = self.random.choice(((), self.world.openers("issuer's friend")))
        return self.write(form(openers=openers, request=self.mine(request)))

    def forged_limit(self) -> str | None:
        """A holder's own request, as it was logged, to somebody with a limit they never signed."""
        _, fields = self.victim()
        limit = Limit(amount=10**6, counter=9, expires=self.start + HOLD, unit=UNIT, **fields)
        record = msgspec.msgpack.decode(self.seen[Transfer.KIND] or b"", type=Transfer)
        return self.write(msgspec.structs.replace(record, limit=self.mine(limit)))

    def forged_swap(self) -> str | None:
        name, _ = self.victim()
        mine = Leg(
            amount=100,
            counter=77,
            epoch=0,
            holder=self.world.id(name),
            issuer=self.world.issuer.id,
            unit=UNIT,
        )
        theirs = Leg(
            amount=1,
            counter=1,
            epoch=0,
            holder=self.world.id("friend"),
            issuer=self.bench.y.issuer.id,
            unit="y",
        )
        swap = Swap(
            first=mine,
            head=(0, self.bench.y.issuer.entries[0].id),
            second=theirs,
            signatures=(bytes(64), bytes(64)),
            until=self.start + HOLD,
        )
        data = sign_swap(NETWORK, self.world.issuer.signer, self.world.who("friend").signer, swap)
        return self.write(Lock(document=data, openers=self.world.openers(name, "friend", whole=True)))

    def forged_release(self) -> str | None:
        _, fields = self.victim()
        return self.write(Release(openers=(), release=self.mine(Releasing(about=bytes(32), **fields))))

    def end_lock(self) -> str | None:
        """The lock goes to the other holder by a swap that the other issuer never logged."""
        openers = self.world.openers("ann", "bob", whole=True)
        lock = next(each for each in self.world.issuer.entries if each.kind == Lock.KIND)
        mine = (self.world.issuer.entries[0].wire(),)
        theirs = SwapEntry(document=self.lock, lock=(tuple(lock.wire()),), openers=(*openers, mine))
        other = self.bench.y.issuer
        forged = other.after(
            other.entries[-1], SwapEntry.KIND, encode_record(theirs), signer=self.world.issuer.signer,
            time=self.bench.until - 1,
        )  # fmt: skip
        wires = tuple(tuple(entry.wire() for entry in each.entries if entry.is_opener) for each in (other,))
        return self.write(SwapEntry(document=self.lock, openers=wires, swap=(tuple(forged.wire()),)))

    # -- deals -----------------------------------------------------------------------------------------------
    def says(self, deal: Deal) -> tuple[bytes, ...]:
        """New messages of a deal, by the seller or in the buyer's name, signed with the issuer's key."""
        random = self.random
        bodies: tuple[tuple[Any, Any], ...] = (
            ("seller", Refund(amount=random.choice((1, 500, 5_000)))),
            ("seller", Dispute(claim=0)),
            ("seller", Cancel(reason="other")),
            ("seller", PaymentReceived(amount=random.choice((1, 10_000)))),
            ("buyer", RefundReceived(amount=500, total=500)),
            ("buyer", Dispute(claim=0)),
            ("buyer", Receive(part=0)),
        )
        kept = len(deal.messages)
        deal.now = max(deal.now, self.start)
        for role, body in random.sample(bodies, random.randint(1, 3)):
            try:
                deal.say(role, body, at=deal.now, signer=self.world.issuer.signer)
            except (LocalProtocolError, Void):
                continue  # the table has no place for it
        new = tuple(each.data for each in deal.messages[kept:])
        del deal.messages[kept:]
        return new or (deal.messages[-1].data,)

    def refund(self) -> str | None:
        deal = self.random.choice(self.deals)
        base = self.random.choice((0, 1, 500, 2_500, 2_999, 4_500))
        return self.write(RefundEntry(base=base, messages=self.says(deal), openers=(), order=deal.id))

    def freeze(self) -> str | None:
        deal = self.random.choice(self.deals)
        return self.write(Freeze(messages=self.says(deal), openers=(), order=deal.id))

    def raise_(self) -> str | None:
        deal = self.random.choice(self.deals)
        content = self.world.content(deal, messages=self.says(deal), plan=self.world.plan)
        return self.world.parts(SalePart, encode_content(content), max(self.start, self.world.now)).code

    def twin(self) -> str | None:
        """Another message with a number that the seller used before."""
        deal = self.random.choice(self.deals)
        number = self.random.randrange(2)
        first = [each for each in deal.messages if each.role == "seller"][number]
        body = self.random.choice((Cancel(reason="other"), PaymentReceived(amount=1)))
        made = message.sign(
            NETWORK, self.world.issuer.signer, body=body,
            deal=deal.id, role="seller", number=number, previous=first.previous, seen=first.seen, time=self.start,
            epoch=0,
        )  # fmt: skip
        form = self.random.choice((RefundEntry, Freeze))
        more = {"base": 0} if form is RefundEntry else {}
        return self.write(form(messages=(made.data,), openers=(), order=deal.id, **more))

    def fake_sale(self) -> str | None:
        """A sale to a buyer of the issuer's own making, by a token that is in the log."""
        name = self.random.choice(("ann", "bob", "cid"))
        self.world.now = max(self.world.now, self.start)
        deal = self.world.deal(self.random.choice((100, 9_999)), path=self.world.path(name)).complete()
        try:
            code = self.world.sell(deal, path=self.world.path(name)).code
        except Void as void:  # the plan has ended by one that it published itself
            return void.code
        self.fakes.append(deal)
        return code

    def fake_refund(self) -> str | None:
        if not self.fakes:
            return self.fake_sale()
        deal = self.fakes.pop()
        price = sum(part.price for part in deal.body.parts)
        deal.now = max(deal.now, self.world.now)
        if self.random.random() < 0.5 and deal.now < deal.messages[1].time + 20 * DAY:
            deal.dispute()
            self.world.freeze(deal)
        deal.refund(price)
        return self.world.refund(deal, 0).code

    # -- what it may do anyway -------------------------------------------------------------------------------
    def plan(self) -> str | None:
        key, days = self.random.choice((TEAM, CLUB, "new")), self.random.choice((0, 1, 30))
        record = plan_record(
            opportunity=key, expiry_days=1, hold_days=days, notice_days=0, title=f"t{self.random.random()}"
        )
        return self.write(record)

    def rekey(self) -> str | None:
        name = self.random.choice(HOLDERS)
        twin, _ = self.world.who(name).rotation(self.world.who(name).entries[0], generation=5)
        forged = msgspec.structs.replace(twin, signature=bytes(64))
        wires = (*(tuple(each.wire()) for each in self.world.who(name).entries[:1]), tuple(forged.wire()))
        return self.write(Rekey(openers=(wires,)))

    def answer(self) -> str | None:
        reply = Reply(challenge=bytes([self.random.randrange(3)]) * 32, reason="no_balance")
        return self.write(Answer(replies=(reply,)))

    def own(self) -> str | None:
        """A rotation or settlement of the issuer, in the log."""
        author = self.world.issuer
        author.entries.append(author.settlement(author.entries[-1]))
        return self.world.book.take(author.entries[-1]).code

    def next_close(self) -> str | None:
        closed = self.club.closed
        assert closed is not None
        return self.close(self.club.activity.period(closed, 0).end)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_that_an_issuer_writes_alone_lowers_a_figure(seed: int) -> None:
    attacker = Attacker(seed)
    before = {
        name: attacker.honest.figures(UNIT, attacker.world.id(name), attacker.start) for name in HOLDERS
    }
    assert before["ann"].locked == 300
    assert before["zoe"].signed == 100
    assert all(before[name].pending for name in ("ann", "bob", "cid"))
    done: Counter[tuple[str, str | None]] = Counter(attacker.step() for _ in range(60))
    assert len({name for name, _ in done}) > 12


def test_every_kind_of_the_registry_is_written_by_the_attacker() -> None:
    attacker = Attacker(1)
    for _ in range(400):
        attacker.step()
    written = {entry.kind for entry in attacker.world.issuer.entries}
    assert set(KINDS) - written == {2}
