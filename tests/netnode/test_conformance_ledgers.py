"""Ledgers by two implementations that share no code: random logs, right and wrong, come to the same.

Plans here have no team: what a team comes to is compared in `test_conformance_teams`, what plans pay in
`test_conformance_plans`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from netnode.conformance.entries import read_entry
from netnode.conformance.holdings import Holding, union
from netnode.conformance.ledgerfold import Ledger
from protocol.deals.bodies import LapseDispute
from protocol.errors import Void
from protocol.ledger.contents import AwardLine
from protocol.ledger.statements import Releasing, sign
from protocol.ledger.union import Union
from protocol.records import Answer, Freeze, RefundEntry, Release, SalePart, Transfer
from protocol.records.credit import Reply
from protocol.records.plan import Path
from tests.protocol.author import NETWORK
from tests.protocol.ledger.world import DAY, HOLD, UNIT, Deal, World

NAMES = ("ann", "bob", "cid")
RULES = Path(depth=3, first=(1, 10), mode="geometric", name="path", ratio=(1, 2))
WAITS = st.sampled_from([0, 0, DAY, HOLD + DAY])


class Play:
    """Writes a log, step by step, by what is drawn."""

    def __init__(self, expiry: int | None, hold: int) -> None:
        self.world = World()
        more: dict[str, Any] = {} if expiry is None else {"expiry_days": expiry}
        self.world.publish(opportunity=UNSET, path=(RULES,), team=UNSET, unilevel=(), hold_days=hold, **more)
        self.deals: list[tuple[Deal, Any]] = []

    def step(self, draw: Any) -> None:
        acts = [
            self.sell,
            self.sell,
            self.again,
            self.refund,
            self.refund,
            self.freeze,
            self.move,
            self.move,
            self.move,
            self.rest,
        ]
        self.world.now += draw(WAITS)
        with suppress(Void):  # a move that the deal does not allow now: nobody makes it
            draw(st.sampled_from(acts))(draw)

    # -- sales -----------------------------------------------------------------------------------------------
    def sell(self, draw: Any) -> None:
        world = self.world
        names = draw(
            st.lists(
                st.sampled_from(NAMES), min_size=draw(st.sampled_from([0, 1, 1])), max_size=3, unique=True
            )
        )
        expires = world.now + draw(st.sampled_from([HOLD, HOLD, HOLD, 0]))
        path = world.path(*names, expires=expires) if names else None
        prices = draw(st.lists(st.integers(1, 9_999), min_size=1, max_size=3))
        more = {"commission": 700} if draw(st.integers(0, 4)) == 0 else {}
        deal = world.deal(*prices, path=path, tax=draw(st.integers(0, 1)), **more)
        deal.accept().pay(draw(st.sampled_from([sum(prices), sum(prices), sum(prices), 1])))
        for part in range(len(prices) - draw(st.sampled_from([0, 0, 0, 1]))):
            deal.receive(part)
        self.deals.append((deal, path))
        wrong = draw(st.sampled_from([None, None, None, None, "none", "other"]))
        if wrong is None:
            self.log(deal, path)
        else:
            other = (AwardLine(world.id("ann"), "path", 1, 1),)
            world.sell(deal, path=path, awards=() if wrong == "none" else other)

    def log(self, deal: Deal, path: Any) -> None:
        """Logs a sale as it should be, or without awards where there is nothing that it should be."""
        known, sent = set(self.world.known), deal.sent
        try:
            self.world.sell(deal, path=path)
        except Void:
            self.world.known, deal.sent = known, sent
            self.world.sell(deal, path=path, awards=())

    def _one(self, draw: Any) -> tuple[Deal, Any] | None:
        return draw(st.sampled_from(self.deals)) if self.deals else None

    def again(self, draw: Any) -> None:
        found = self._one(draw)
        if found is None:
            return
        deal, path = found
        deal.now = max(deal.now, self.world.now)
        parts = [number for number, each in enumerate(deal.state().parts) if each.status.value == "open"]
        if parts and not deal.state().disputes:
            deal.receive(parts[0])
        if draw(st.booleans()) or deal.sent == len(deal.messages):
            deal.pay(draw(st.integers(1, 500)))
        self.log(deal, path)

    def refund(self, draw: Any) -> None:
        found = self._one(draw)
        if found is None:
            return
        deal, _ = found
        deal.now = max(deal.now, self.world.now)
        if deal.state().figures.paid > deal.state().figures.refund_sent:
            most = deal.state().figures.paid - deal.state().figures.refund_sent
            deal.refund(draw(st.integers(1, most)), confirmed=draw(st.integers(0, 4)) > 0)
        if deal.sent < len(deal.messages):
            base = deal.state().figures.base + draw(st.sampled_from([0, 0, 0, 1]))
            at = max(self.world.now + 1, deal.now)
            record = RefundEntry(base=base, messages=deal.new(), openers=(), order=deal.id)
            self.world.write(record, at=at)

    def freeze(self, draw: Any) -> None:
        found = self._one(draw)
        if found is None:
            return
        deal, _ = found
        deal.now = max(deal.now, self.world.now)
        disputes = deal.state().disputes
        still = [each for each in disputes if each.closed is None]
        if not disputes:
            deal.dispute(draw(st.sampled_from(["buyer", "buyer", "seller"])))
        elif still and still[0].message.role == "buyer":
            deal.say(
                "buyer",
                LapseDispute(dispute=still[0].message.id),
                at=max(deal.now, self.world.now) + 31 * DAY,
            )
        if deal.sent < len(deal.messages):
            record = Freeze(messages=deal.new(), openers=(), order=deal.id)
            self.world.write(record, at=max(self.world.now + 1, deal.now))

    # -- movements -------------------------------------------------------------------------------------------
    def move(self, draw: Any) -> None:
        world, holder = self.world, draw(st.sampled_from(NAMES))
        available = world.figures(holder).available
        amount = draw(st.sampled_from([max(1, available), available + 1, max(1, available // 3)]))
        fields: dict[str, Any] = {}
        if draw(st.integers(0, 5)) == 0:
            fields = draw(st.sampled_from([{"counter": 1}, {"expires": world.now}, {"epoch": 1}]))
        action = draw(st.sampled_from(["transfer", "transfer", "redeem", "payout"]))
        if action == "redeem":
            world.redeem(holder, amount, **fields)
        elif action == "payout":
            world.pay_out(holder, amount, **fields)
        else:
            to = draw(st.sampled_from([each for each in (*NAMES, "dan") if each != holder]))
            lasts = draw(
                st.sampled_from(
                    [{}, {}, {"lasts": world.now + 9 * DAY}, {"counter": 2}, {"expires": world.now}]
                )
            )
            most = draw(st.sampled_from([10**9, 10**9, amount]))
            limit = UNSET if draw(st.integers(0, 5)) == 0 else world.limit(to, most, **lasts)
            request = world.request("transfer", holder, amount, to, **fields)
            world.write(Transfer(limit=limit, openers=world.openers(holder, to), request=request))

    def rest(self, draw: Any) -> None:
        world, holder = self.world, draw(st.sampled_from(NAMES))
        who = world.who(holder)
        act = draw(st.sampled_from(["rotate", "rekey", "release", "answer", "part", "odd"]))
        if act == "rotate":
            rotation, signer = who.rotation(who.entries[-1])
            who.entries.append(rotation)
            who.signer = signer
        elif act == "rekey":
            world.rekey(holder)
        elif act == "release":
            about = Releasing(
                about=bytes(32),
                epoch=who.entries[-1].epoch,
                holder=who.id,
                issuer=world.issuer.id,
                signature=bytes(64),
            )
            world.write(Release(openers=world.openers(holder), release=sign(NETWORK, who.signer, about)))
        elif act == "answer":
            world.write(
                Answer(replies=(Reply(challenge=bytes(32), entry=draw(st.sampled_from([0, 10**6]))),))
            )
        elif act == "part":
            number = draw(st.integers(1, 2))
            world.write(SalePart(content=b"c", count=2, hash=bytes(32), number=number))
        else:
            world.publish(
                title=f"Plan {len(world.issuer.entries)}",
                opportunity=UNSET,
                path=(RULES,),
                team=UNSET,
                unilevel=(),
            )

    def back_to(self, length: int, sent: list[int], known: set[str]) -> None:
        """Goes on from an earlier place of the log, on another branch."""
        del self.world.issuer.entries[length:]
        del self.deals[len(sent) :]
        for (deal, _), count in zip(self.deals, sent, strict=True):
            deal.sent = count
        self.world.known = set(known)
        self.world.book = self.world.fresh()
        for entry in self.world.issuer.entries:
            self.world.book.take(entry)


@st.composite
def logs(draw: Any) -> tuple[World, list[Any], list[list[str | None]], Union]:
    """Two branches of one log, with what `protocol` makes of them."""
    play = Play(draw(st.sampled_from([None, None, 12])), draw(st.sampled_from([0, 30])))
    for _ in range(draw(st.integers(3, 14))):
        play.step(draw)
    length, sent = len(play.world.issuer.entries), [deal.sent for deal, _ in play.deals]
    known, now = set(play.world.known), play.world.now
    found: list[Any] = []
    verdicts: list[list[str | None]] = []
    whole = Union()
    for _ in range(2):
        for _ in range(draw(st.integers(0, 4))):
            play.step(draw)
        book = play.world.fresh()
        verdicts.append([book.take(entry).code for entry in play.world.issuer.entries])
        found.append([entry.wire() for entry in play.world.issuer.entries])
        assert book.head is not None
        whole.add(Union([book.head[:2]], book.effects))
        play.back_to(length, sent, known)
        play.world.now = now
    return play.world, found, verdicts, whole


@settings(max_examples=60, deadline=None)
@given(logs())
def test_random_ledgers_come_to_the_same(
    drawn: tuple[World, list[Any], list[list[str | None]], Union],
) -> None:
    """[R-CRED-1..42] [R-CRED-60..66] by both: the verdict on each entry, and figures of both branches together."""
    world, branches, verdicts, whole = drawn
    ledgers = [Ledger(NETWORK, world.issuer.id) for _ in branches]
    found = [
        [ledger.take(read_entry(list(wire))) for wire in branch]
        for ledger, branch in zip(ledgers, branches, strict=True)
    ]
    assert found == verdicts
    effects = union([ledger.effects for ledger in ledgers])
    assert len(effects) == len(whole.effects)
    newest = max(read_entry(list(branch[-1])).header.time for branch in branches)
    for name in (*NAMES, "dan"):
        for unit in (UNIT, "EUR"):
            for later in (0, HOLD, 400 * DAY):
                first = asdict(whole.figures(unit, world.id(name), newest + later))
                assert Holding(effects, unit, world.id(name), newest + later).figures == first, (
                    name,
                    unit,
                    later,
                )
