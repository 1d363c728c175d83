"""Makes tests/vectors/ledger.json: logs in, verdicts and figures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from msgspec import UNSET

from protocol import limits
from protocol.deals.bodies import LapseDispute, PaymentReceived, Receive
from protocol.entry import Entry, parse_wire
from protocol.ledger.book import Book
from protocol.ledger.contents import AwardLine
from protocol.ledger.statements import Releasing, sign
from protocol.ledger.union import Union
from protocol.records import Answer, Lock, Release, SalePart, SwapEntry, Transfer, encode_record
from protocol.records.credit import Reply
from protocol.records.fields import Place
from protocol.records.plan import Path, Step, Tiers, Unit
from tests.protocol.author import NETWORK
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, HOLD, UNIT, World, plan_record
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.ledger_teams import TEAMS
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Ledgers (chapter 27), network `test`. `logs`: branches of one issuer's log, each an array of entries [header, "
    "signature, record or null] in hex. `others`: logs of other issuers, for what is pinned. `ask`: [unit, holder, "
    "now]. Expected are the code of each entry's verdict by branch (null: it has effect, or needs none), and the "
    "figures asked for, of the union of the branches."
)
YEAR: Final = 365 * DAY


def folded(given: dict[str, Any]) -> dict[str, Any]:
    """The verdicts and figures of a vector."""
    logs = [_entries(log) for log in given["logs"]]
    others = [_entries(log) for log in given["others"]]

    def between(author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        for log in others:
            by_seq = {entry.seq: entry for entry in log if entry.author == author}
            if last[0] in by_seq and by_seq[last[0]].id == last[1]:
                return [by_seq[seq] for seq in range(first[0] + 1, last[0] + 1)]
        return None

    union = Union()
    verdicts = []
    for log in logs:
        by_seq = {entry.seq: entry for entry in log}
        book = Book(NETWORK, log[0].author, by_seq.__getitem__, between)
        verdicts.append([book.take(entry).code for entry in log])
        assert book.head is not None
        union.add(Union([book.head[:2]], book.effects))
    figures = [asdict(union.figures(unit, bytes.fromhex(holder), now)) for unit, holder, now in given["ask"]]
    return {"verdicts": verdicts, "figures": figures}


def _entries(log: Sequence[Sequence[str | None]]) -> list[Entry]:
    return [parse_wire([None if part is None else bytes.fromhex(part) for part in entry]) for entry in log]


def made(**fields: Any) -> World:
    """An issuer with a plan of three steps without a team: 10, 5 and 2.5 per cent."""
    world = World()
    path = Path(depth=3, first=(1, 10), mode="geometric", name="path", ratio=(1, 2))
    world.publish(**({"opportunity": UNSET, "path": (path,), "team": UNSET, "unilevel": ()} | fields))
    return world


def sold(world: World, *names: str, prices: tuple[int, ...] = (10_000,)) -> Any:
    """A completed deal, logged."""
    path = world.path(*names)
    deal = world.deal(*prices, path=path).complete()
    world.sell(deal, path=path)
    return deal


def rich(**fields: Any) -> World:
    """ann, bob and cid have 250, 500 and 1,000 that are posted."""
    world = made(**fields)
    sold(world, "ann", "bob", "cid")
    world.now += 2 * HOLD
    return world


# -- what is in the file -------------------------------------------------------------------------------------
def sale() -> World:
    world = made()
    sold(world, "ann", "bob", "cid")
    sold(world, "cid", prices=(19,))
    return world


def commission() -> World:
    world = World()
    path = world.path("zoe")
    deal = world.deal(12_345, path=path, commission=700, tax=1_000, shipping=345).complete()
    world.sell(deal, path=path)
    return world


def raised() -> World:
    world = made()
    path = world.path("cid")
    deal = world.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    world.sell(deal, path=path)
    deal.receive(1)
    world.sell(deal, path=path)
    deal.pay(1)
    world.sell(deal, path=path, awards=(), plan=world.plan)
    return world


def refunds() -> World:
    world = made()
    path = world.path("cid")
    deal = world.deal(999, path=path).complete()
    world.sell(deal, path=path)
    for amount, base in ((1, 998), (332, 666), (5, 7)):
        deal.refund(amount)
        world.refund(deal, base)
    deal.refund(1, confirmed=False)
    world.refund(deal, 660)
    late = sold(world, "cid")
    late.refund(100)
    world.refund(late, 9_900, at=late.messages[3].time + HOLD + 1)
    return world


def freezes() -> World:
    world = made(expiry_days=100)
    path = world.path("cid")
    first, second = (world.deal(path=path).complete() for _ in range(2))
    for deal in (first, second):
        world.sell(deal, path=path)
        deal.dispute()
        world.freeze(deal)
    first.say("buyer", LapseDispute(dispute=first.messages[-1].id), at=first.now + 40 * DAY)
    world.freeze(first)
    first.refund(1_000)
    world.refund(first, 9_000)
    return world


def movements() -> World:
    world = rich()
    world.transfer("cid", "zoe", 100)
    world.transfer("cid", "zoe", 100, limit=99)
    world.transfer("cid", "zoe", 100, limit=100)
    world.transfer("cid", "zoe", 1, limit=1_000, counter=3)
    world.transfer("cid", "zoe", 901, limit=10**6)
    world.redeem("cid", 200)
    world.pay_out("cid", 300)
    world.redeem("cid", 1, expires=world.now)
    request = world.request("redeem", "bob", 500)
    world.write(Transfer(openers=(), request=request))
    return world


def keys() -> World:
    world = rich()
    old = [world.request("transfer", "cid", 10, "ann") for _ in range(2)]
    limit = world.limit("ann", 10**6)
    cid = world.who("cid")
    rotation, signer = cid.rotation(cid.entries[-1])
    world.write(Transfer(limit=limit, openers=world.openers("ann"), request=old[0]))
    cid.entries.append(rotation)
    cid.signer = signer
    world.rekey("cid")
    world.write(Transfer(limit=limit, openers=(), request=old[1]))
    world.redeem("cid", 5)
    twin, _ = cid.rotation(cid.entries[0], generation=2)
    world.write(Transfer(limit=limit, openers=((twin.wire(),),), request=old[1]))
    world.redeem("cid", 6)
    return world


def groups() -> World:
    world = made()
    path = world.path("cid")
    deal = world.deal(*(200,) * 50, path=path).accept().pay()
    for part in range(50):
        deal.say("buyer", Receive(part=part))
        for _ in range(4):
            deal.say("seller", PaymentReceived(amount=1))
    world.sell(deal, path=path)
    first, second = (SalePart(content=b"c", count=2, hash=bytes(32), number=number) for number in (1, 2))
    for part_record in (first, second, second, first):
        world.write(part_record)
    world.rekey("cid")
    world.write(second)
    return world


def unknown() -> World:
    world = rich()
    world.redeem("cid", 10)
    entry = world.issuer.after(world.issuer.entries[-1], 44, b"\x80", time=world.now)
    world.issuer.entries.append(entry)
    world.book.take(entry)
    world.redeem("cid", 10)
    return world


def answers() -> World:
    world = rich()
    world.write(Answer(replies=(Reply(challenge=bytes(32), reason="unpaid"),)))
    world.write(Answer(replies=(Reply(challenge=bytes(32), entry=10**6),)))
    ann = world.who("ann")
    release = Releasing(about=bytes(32), epoch=0, holder=ann.id, issuer=world.issuer.id, signature=bytes(64))
    world.write(Release(openers=(), release=sign(NETWORK, ann.signer, release)))
    world.write(Release(openers=(), release=sign(NETWORK, world.who("bob").signer, release)))
    return world


def expiring() -> World:
    world = made(expiry_days=10, hold_days=0)
    sold(world, "cid")
    world.now += DAY
    world.transfer("cid", "zoe", 300, limit=10**6)
    world.now += DAY
    sold(world, "cid")
    world.redeem("cid", 800)
    return world


def units() -> World:
    """A unit keeps its decimal places; a commission's has two."""
    world = rich()
    path = Path(depth=1, first=(1, 10), mode="flat", name="path")
    for name, exponent in ((UNIT, 4), ("EUR", 3), (UNIT, 2)):
        unit = Unit(name=name, exponent=exponent)
        world.write(
            plan_record(
                opportunity=UNSET,
                path=(path,),
                team=UNSET,
                title=f"{name} {exponent}",
                unilevel=(),
                unit=unit,
            )
        )
    return world


def without_team() -> World:
    """No period of a plan without a team is ever closed: one with a rule by period is void, and binds no order."""
    world = rich()
    for rules in (("sale", "period"), ("period",), ("sale",)):
        tiers = tuple(
            Tiers(mode="whole", name=when, steps=(Step(at=0, rate=(1, 20)),), when=when) for when in rules
        )
        record = plan_record(opportunity=UNSET, team=UNSET, tiers=tiers, title=" ".join(rules), unilevel=())
        world.write(record)
        world.plan = hashlib.sha256(encode_record(record)).digest()
        path = world.path("cid")
        deal = world.deal(5_000, path=path).complete()
        lines = (AwardLine(world.id("cid"), "sale", 1, 250),) if "sale" in rules else ()
        world.sell(deal, path=path, awards=lines, plan=world.plan)
    tiers = (Tiers(mode="whole", name="month", steps=(Step(at=0, rate=(1, 20)),), when="period"),)
    world.write(plan_record(tiers=tiers, title="Team", unilevel=()))
    return world


def frozen_later() -> World:
    """Of two parts the second comes with the dispute: both wait; after its end a third has its own hold."""
    world = made()
    path = world.path("cid")
    deal = world.deal(4_000, 6_000, 2_000, path=path).accept().pay().receive(0)
    world.sell(deal, path=path)
    deal.receive(1).dispute()
    dispute = deal.messages[-1].id
    world.sell(deal, path=path)
    deal.say("buyer", LapseDispute(dispute=dispute))
    world.freeze(deal)
    deal.now += 20 * DAY
    deal.receive(2)
    world.sell(deal, path=path)
    return world


def _swap(cover: tuple[int, int] = (1_000, 1_000), ending: str = "embedded") -> tuple[World, World]:
    bench = Bench(cover, admitted=False)
    head = bench.y.issuer.entries[-1]
    document = bench.document()
    bench.lock(document)
    if ending != "back":
        bench.swap(document)
    if ending == "embedded":
        bench.give(document)
    else:
        bench.pin(document, (head.seq, head.id), bench.pass_time(bench.until))
    bench.lock(document)
    locks = [entry for entry in bench.x.issuer.entries if entry.kind == Lock.KIND]
    bench.swap(document, at=bench.until - 1, lock=locks[0])
    return bench.x, bench.y


def full() -> World:
    """More entries of one order than count: each brings a message that freezes nothing; then a refund."""
    world = made()
    path = world.path("cid")
    deal = world.deal(path=path).complete()
    world.sell(deal, path=path)
    deal.pay(1)
    for _ in range(limits.MAX_SALE_ENTRIES):
        deal.sent = len(deal.messages) - 1
        world.freeze(deal)
    deal.refund(1_000)
    deal.sent = len(deal.messages) - 3
    world.refund(deal, 9_001)
    sold(world, "cid", prices=(19,))
    return world


def costly() -> World:
    """Pins over more entries than a log may make its readers go through: once it has tried, nothing is left."""
    bench = Bench((1_000, 1_000), admitted=False)
    head = bench.y.issuer.entries[-1]
    document = bench.document()
    bench.lock(document)
    far = bench.y.issuer.entries[-1].id
    for last in (limits.LEDGER_STEPS * 2, head.seq + limits.LEDGER_STEPS_ENTRY + 1):
        pins = ((head.seq, head.id), (last, far))
        bench.x.write(SwapEntry(document=document, openers=(), pins=pins))
    return bench.x


ONE: Final[tuple[tuple[str, str, str, Callable[[], World]], ...]] = (
    ("sale", "two sales by a plan of three steps", "R-CRED-13", sale),
    ("commission", "a sale by a bare commission, tax and shipping not counted", "R-CRED-20", commission),
    ("raised", "a later sale raises the award; another adds nothing", "R-CRED-24", raised),
    ("refunds", "refunds in proportion; unconfirmed, misstated and late ones", "R-CRED-25", refunds),
    ("freezes", "a dispute that ends, and one that does not", "R-CRED-28", freezes),
    ("movements", "transfers, redemption, payout; each refusal", "R-CRED-34", movements),
    ("keys", "requests by a retired key, and by a contested holder", "R-CRED-2", keys),
    ("groups", "a sale of several parts; groups broken off and mixed up", "R-CRED-12", groups),
    ("unknown", "an even kind that is not known", "R-CRED-10", unknown),
    ("answers", "answers and releases", "R-CRED-57", answers),
    (
        "frozen-later",
        "a later sale that brings the dispute, and one after its end",
        "R-CRED-28",
        frozen_later,
    ),
    ("no-close", "plans without a team that have a rule by period", "R-CRED-19", without_team),
    ("units", "plans that would give a unit other decimal places", "R-CRED-19", units),
    ("full", "more entries of an order than count", "R-CRED-91", full),
    ("costly", "pins over more entries than a log may ask for", "R-CRED-93", costly),
    ("expiry", "what expires first is used first; expiry goes along", "R-CRED-36", expiring),
)


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for id, comment, requirement, scene in (*ONE, *TEAMS):
        world = scene()
        found.append(_vector(id, comment, requirement, [world.issuer.entries], [], world))
    for id, comment, requirement, cover, ending in (
        ("swap", "lock, swap, and the swap embedded", "R-CRED-48", (1_000, 1_000), "embedded"),
        ("swap-pinned", "the swap found between pins", "R-CRED-49", (1_000, 1_000), "pinned"),
        ("swap-back", "no swap between pins", "R-CRED-49", (1_000, 1_000), "back"),
        ("swap-uncovered", "neither side covered", "R-CRED-50", (100, 0), "embedded"),
    ):
        x, y = _swap(cover, ending)
        x.people.update(y.people)
        for side, world, other in (("first", x, y), ("second", y, x)):
            found.append(
                _vector(
                    f"{id}-{side}", f"{comment}; the {side} issuer", requirement, [world.issuer.entries],
                    [other.issuer.entries], world,
                )
            )  # fmt: skip
    found.extend(_forks())
    return found


def _forks() -> list[Vector]:
    """One holder's credit moved on two branches: by two counters, and by one."""
    found = []
    for id, counters, comment in (
        ("fork", (1, 2), "the issuer bears what was moved twice"),
        ("fork-doubled", (1, 1), "one counter on two branches is the holder's clawback"),
    ):
        world = rich()
        tip = len(world.issuer.entries)
        branches = []
        for to, counter in zip(("yan", "zoe"), counters, strict=True):
            del world.issuer.entries[tip:]
            world.book = world.fresh()
            for entry in world.issuer.entries:
                world.book.take(entry)
            world.known = {"ann", "bob", "cid"}
            world.transfer("cid", to, 1_000, limit=10**6, counter=counter)
            branches.append(list(world.issuer.entries))
        found.append(_vector(id, comment, "R-CRED-63", branches, [], world))
    return found


def _vector(
    id: str,
    comment: str,
    requirement: str,
    logs: Sequence[Sequence[Entry]],
    others: Sequence[Sequence[Entry]],
    world: World,
) -> Vector:
    unit = "EUR" if id in ("commission", "paid-by-itself") else UNIT
    holders = [*sorted(each.id for each in world.people.values()), world.issuer.id]
    given = {
        "logs": [chain(log) for log in logs],
        "others": [chain(log) for log in others],
        "ask": [
            [unit, holder.hex(), now]
            for holder in holders
            for now in (world.now, world.now + HOLD, world.now + YEAR)
        ],
    }
    return vector(id, comment, requirement, given, expected=folded(given))
