"""Scenes of tests/vectors/ledger.json with a team: sales up a line, closes, refunds after them, people who leave."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import UNSET

from protocol import encoding
from protocol.deals.bodies import Receive
from protocol.ledger.contents import AwardLine, CloseContent, encode_content
from protocol.records import ClosePart, Transfer
from protocol.records.plan import (
    Binary,
    Differential,
    DutyTerms,
    Generation,
    Matching,
    Matrix,
    Path,
    Pool,
    Rank,
    RankRates,
    Step,
)
from protocol.records.team import Position
from protocol.teams.team import NO_RULES
from tests.protocol.ledger.joining import followup, join, leave, move
from tests.protocol.ledger.world import DAY, Deal, World, plan_record
from tests.vectors.generate.ledger_acts import closed, level, log, made, refund, same, sold
from tests.vectors.generate.ledger_raised import paid_by_itself, raised_own

STEPS: Final = (Step(at=0, rate=(1, 20)), Step(at=10_000, rate=(1, 10)), Step(at=50_000, rate=(3, 20)))
BINARY: Final = Binary(after="carry", carry_cap=30_000, mode="pairs", name="pair", weak=10_000, amount=500)
TWO: Final = msgspec.structs.replace(NO_RULES, legs=2)


# -- sales ---------------------------------------------------------------------------------------------------
def up_a_line() -> World:
    world = made("ann", "bob", "cid")
    sold(world, "cid")
    sold(world, "zoe", 20_000)
    sold(world, "bob", 999)
    return world


def wrong_awards() -> World:
    world = made("ann", "bob")
    right = (AwardLine(world.id("bob"), "level", 1, 1_000), AwardLine(world.id("ann"), "level", 2, 500))
    more = (right[0], AwardLine(world.id("ann"), "level", 2, 501))
    own = (*right, AwardLine(world.issuer.id, "level", 3, 100))
    for awards in (right[:1], right[::-1], more, own, (right[0], right[0]), ()):
        path = world.path("bob")
        world.sell(world.deal(path=path).complete(), path=path, awards=awards)
    other = (world.id("bob"), "other", 1, 1_000)
    path = world.path("bob")
    world.sell(world.deal(path=path).complete(), path=path, awards=(AwardLine(*other), right[1]))
    path = world.path("bob")
    world.sell(world.deal(path=path).complete(), path=path, awards=right)
    return world


def compressed(how: str) -> Callable[[], World]:
    def scene() -> World:
        rule = level(compression=how, **({"rank": "seller"} if how == "rank" else {}))
        if how == "dynamic":
            rates = (
                RankRates(rates=((1, 10), (1, 20))),
                RankRates(rank="seller", rates=((1, 20), (1, 40), (1, 50))),
            )
            rule = level(compression=how, rates=rates)
        ranks = (Rank(name="seller", own=5_000),)
        world = made("ann", "bob", "cid", "dot", unilevel=(rule,), ranks=ranks, active=5_000)
        closed(world)
        sold(world, "ann")
        closed(world)
        sold(world, "dot")
        sold(world, "cid", 3_000)
        sold(world, "dot", 20_000)
        return world

    return scene


def departed() -> World:
    world = made("ann", "bob", "cid")
    sold(world, "cid")
    leave(world, "bob")
    sold(world, "cid")
    sold(world, "bob")
    leave(world, "bob")
    join(world, "bob", "cid")
    join(world, "cid", "bob")
    sold(world, "bob")
    return world


def stayed() -> World:
    rules = msgspec.structs.replace(NO_RULES, orphans="stay")
    world = made("ann", "bob", "cid", team=rules, unilevel=(level(compression="inactive"),))
    leave(world, "bob")
    sold(world, "cid")
    sold(world, "bob")
    return world


def moved() -> World:
    world = made("ann", "bob", "cid")
    move(world, "cid", "ann", "cid", "ann")
    sold(world, "cid")
    move(world, "cid", "ann", "ann", "bob", "cid")
    sold(world, "cid")
    move(world, "ann", "cid", "ann", "cid")
    return world


def late() -> World:
    """Logged 14 days after the contract: as of the contract, before cid joined."""
    world = made("ann", "bob")
    first, path = sold(world, "bob", logged=False)
    second, other = sold(world, "bob", logged=False)
    world.now = first.messages[1].time + 14 * DAY
    join(world, "cid", "bob", wait=0)
    join(world, "cid", "bob")
    move(world, "bob", None, "ann", "bob")
    log(world, first, path)
    lines = (AwardLine(world.id("bob"), "level", 1, 1_000),)
    world.sell(second, path=other, awards=lines)
    return world


def late_active() -> World:
    """Logged too late: active by what was logged up to the contract, not refunded since, and by the sale itself."""
    rule = level(compression="inactive")
    world = made("ann", "bob", unilevel=(rule,), active=5_000, log_days=3, hold_days=90)
    first = sold(world, "bob", 1_000, logged=False)
    logged, _ = sold(world, "bob", 3_000)
    enough, short, gone = (sold(world, "bob", price, logged=False) for price in (2_000, 1_999, 4_000))
    path = world.path("ann")
    parts = world.deal(2_000, 2_500, path=path).accept().pay().receive(0)
    log(world, parts, path)
    sold(world, "bob", 9_000)
    sold(world, "ann", 4_000)
    parts.receive(1)
    log(world, parts, path)
    world.now += 4 * DAY
    for deal, way in (first, enough, short):
        log(world, deal, way)
    refund(world, logged, 3_000)
    log(world, *gone)
    return world


def late_unlocked(**fields: Any) -> Callable[[], World]:
    """Logged too late: overrides by what the upline had sold to others up to the contract's place."""

    def scene() -> World:
        world = made("ann", "bob", log_days=3, hold_days=90, **fields)
        waiting = [sold(world, "bob", logged=False)]
        deals = []
        for _ in range(2):
            deals.append(sold(world, "ann", 6_000)[0])
            waiting += [sold(world, "bob", logged=False) for _ in range(2)]
        sold(world, "ann", 6_000)
        world.now += 4 * DAY
        for deal, path in waiting[::2]:
            log(world, deal, path)
        refund(world, deals[0], 6_000)
        for deal, path in waiting[1::2]:
            log(world, deal, path)
        return world

    return scene


def raised() -> World:
    """A raise as of the first entry, although who stood above has left since; then after the close."""
    world = made("ann", "bob", unilevel=(level(), level("month", when="period")), hold_days=90)
    path = world.path("bob")
    deal = world.deal(4_000, 5_000, 6_000, path=path).accept().pay().receive(0)
    log(world, deal, path)
    leave(world, "ann")
    deal.receive(1)
    log(world, deal, path)
    deal.pay(1)
    sent = deal.sent
    world.sell(deal, path=path, awards=(), plan=world.plan)
    deal.sent = sent
    closed(world)
    closed(world)
    deal.now = world.now
    deal.receive(2)
    log(world, deal, path)
    closed(world)
    refund(world, deal, 8_000)
    return world


def other_plans() -> World:
    """Orders by plans that are not in force, and plans that are void."""
    world = made("ann")
    first = world.plan
    unbound = plan_record(unilevel=(), binary=(BINARY,), team=TWO)
    world.write(unbound)
    world.write(plan_record())
    world.publish(title="The next", notice_days=1)
    second = world.plan
    for plan in (bytes(32), second):
        path = world.path("ann")
        world.sell(world.deal(path=path, plan=plan).complete(), path=path, awards=(), plan=plan)
    world.now += 31 * DAY
    path = world.path("ann")
    world.sell(world.deal(path=path, plan=first).complete(), path=path, awards=(), plan=first)
    world.plan = second
    sold(world, "ann")
    return world


def forged() -> World:
    """Receipts that the buyer did not sign, or of another deal; no receipt, no payment, no contract; dated ahead."""
    world = made("ann")
    path = world.path("ann")

    def refused(deal: Deal, messages: tuple[bytes, ...] = (), **fields: Any) -> None:
        more = {"messages": messages} if messages else {}
        world.sell(deal, path=path, awards=(), **more, **fields)

    forger = world.deal(path=path).accept().pay()
    forger.say("buyer", Receive(part=0), signer=world.issuer.signer)
    refused(forger)
    deal = world.deal(path=path).complete()
    other = world.deal(path=path).complete()
    data = [each.data for each in deal.messages]
    refused(deal, (*data[:3], other.messages[3].data))
    refused(deal, (data[0], *data[2:]))
    refused(deal, (*data, data[-1]))
    refused(world.deal(path=path).accept().pay())
    refused(world.deal(path=path).accept().receive())
    refused(world.deal(path=path))
    refused(deal, (*data,), at=deal.now - 1)
    refused(deal, (*data,), openers=((b"",),))
    stranger = World("stranger")
    refused(stranger.deal().complete())
    deal.sent = 0
    log(world, deal, path)
    deal.sent = 0
    refused(deal)
    return world


def refund_alone() -> World:
    """What the seller says alone takes nothing back: refunds, a dispute; nor does a refund of another sale."""
    world = made("ann")
    deal, _ = sold(world, "ann")
    deal.refund(5_000, confirmed=False)
    world.refund(deal, 5_000)
    deal.sent -= 1
    deal.dispute("seller")
    world.refund(deal, 0)
    deal.sent -= 2
    world.freeze(deal)
    other = world.deal().complete()
    other.refund(10_000)
    world.refund(other, 0)
    return world


# -- periods -------------------------------------------------------------------------------------------------
def differential() -> World:
    rule = Differential(mode="marginal", name="group", steps=STEPS)
    world = made("ann", "bob", "cid", unilevel=(), differential=(rule,))
    closed(world)
    for name, price in (("ann", 4_000), ("bob", 30_000), ("cid", 40_001)):
        sold(world, name, price)
    closed(world)
    closed(world)
    return world


def period_codes() -> World:
    """Closes too early, of no period, out of turn, twice, by another plan."""
    world = made("ann", "bob", unilevel=(level(when="period"),))
    sold(world, "bob")
    closed(world, same, at=world.now + 1)
    world.now += 62 * DAY
    replace = msgspec.structs.replace
    closed(
        world,
        lambda each: replace(each, plan=bytes(32)),
        lambda each: replace(each, begins=each.begins + 1),
        lambda each: replace(each, ends=each.ends + 1),
        lambda each: replace(each, begins=each.begins - 31 * DAY, ends=each.begins),
    )
    closed(
        world,
        lambda each: replace(each, begins=each.ends, ends=each.ends + 31 * DAY),
        lambda each: replace(each, begins=each.begins - 30 * DAY, ends=each.begins),
    )
    content = encode_content(CloseContent(awards=(), begins=0, ends=1, plan=world.plan or b""))
    world.write(ClosePart(content=content[:9], count=2, hash=bytes(32), number=1))
    world.write(ClosePart(content=content[9:], count=2, hash=bytes(32), number=2))
    more = encoding.encode({**encoding.decode(content), "zest": 1})
    world.write(ClosePart(content=more, count=1, hash=sha256(more).digest(), number=1))
    closed(world)
    return world


def refunded() -> World:
    """Refunds before a close, after it, and all of it; what remains of what rests on the sale."""
    rule = Differential(mode="whole", name="group", steps=STEPS)
    match = Matching(name="match", of=("group",), rates=(RankRates(rates=((1, 10),)),), when="period")
    world = made("ann", "bob", "cid", unilevel=(), differential=(rule,), matching=(match,), hold_days=90)
    closed(world)
    early, _ = sold(world, "cid", 9_000)
    deal, _ = sold(world, "bob", 30_000)
    refund(world, early, 2_000)
    closed(world)
    refund(world, deal, 7_001)
    refund(world, early, 7_000)
    world.now = deal.messages[3].time + 91 * DAY
    refund(world, deal, 1)
    return world


def pooled() -> World:
    """A pool of what all sold, what nobody brought too; refunds of both after the close."""
    ranks = (Rank(name="seller", own=5_000),)
    pool = Pool(name="pool", rank="seller", share=(1, 20), split="own")
    world = made("ann", "bob", unilevel=(), pool=(pool,), ranks=ranks, hold_days=90)
    closed(world)
    sold(world, "ann")
    nobody, _ = sold(world, None)
    mine, _ = sold(world, "bob", 30_000)
    closed(world)
    refund(world, nobody, 5_000)
    refund(world, mine, 1_000)
    return world


def binary() -> World:
    """Two legs: pairs, what they keep, and a refund of what was kept."""
    world = World()
    world.publish(unilevel=(), binary=(BINARY,), team=TWO, cap_company=(1, 2), hold_days=90)
    owner = world.issuer.id
    join(world, "ann", None, Position(leg=0, parent=owner))
    join(world, "bob", "ann", Position(leg=0, parent=world.id("ann")))
    join(world, "cid", "ann", Position(leg=0, parent=world.id("ann")))
    join(world, "cid", "ann", Position(leg=1, parent=world.id("ann")))
    join(world, "dot", "bob", Position(leg=2, parent=world.id("bob")))
    closed(world)
    deal, _ = sold(world, "bob", 65_000)
    sold(world, "cid", 25_000)
    closed(world)
    refund(world, deal, 40_000)
    sold(world, "cid", 25_000)
    closed(world)
    return world


def matrix() -> World:
    """Up the tree of places, which is not that of sponsors."""
    rule = Matrix(height=2, name="place", rates=((1, 10), (1, 20)))
    world = World()
    world.publish(unilevel=(), matrix=(rule,), team=TWO)
    join(world, "ann", None, Position(leg=0, parent=world.issuer.id))
    join(world, "bob", "ann", Position(leg=1, parent=world.id("ann")))
    join(world, "cid", "ann", Position(leg=0, parent=world.id("bob")))
    join(world, "dot", "ann")
    for name in ("cid", "dot", "bob"):
        sold(world, name)
    return world


def ranked() -> World:
    """Generations by the ranks of the newest closed period; a close in between changes what comes after it alone."""
    ranks = (Rank(name="seller", own=5_000), Rank(name="leader", group=30_000))
    rates = (RankRates(rates=((1, 20), (1, 40))),)
    rule = Generation(boundary="threshold", name="generation", rank="seller", rates=rates)
    world = made("ann", "bob", "cid", unilevel=(), generation=(rule,), ranks=ranks)
    sold(world, "cid")
    closed(world)
    for name in ("ann", "bob", "cid"):
        sold(world, name, 12_000)
    path = world.path("cid")
    deal = world.deal(5_000, 6_000, path=path).accept().pay().receive(0)
    log(world, deal, path)
    closed(world)
    deal.now = world.now
    deal.receive(1)
    log(world, deal, path)
    sold(world, "cid")
    return world


def changed_plan() -> World:
    """Two plans of one team in one month: what one awards takes nothing from the other."""
    world = made("ann", "bob", unilevel=(level(when="period"),), notice_days=5)
    world.now += 5 * DAY
    sold(world, "bob")
    first = world.plan
    world.publish(unilevel=(level(when="period"),), title="The next", notice_days=5)
    second = world.plan
    world.now += 6 * DAY
    sold(world, "bob", 100)
    for plan in (first, second, first, second):
        world.plan = plan
        closed(world)
    return world


def duties() -> World:
    """What a sponsor who owes follow-ups is withheld goes to who gave them, or to nobody."""
    rules = msgspec.structs.replace(NO_RULES, followups=(3, 20), missed=2)
    terms = DutyTerms(rules=("level",), withheld=(1, 2))
    world = made("ann", "bob", "cid", team=rules, duty=terms)
    followup(world, "cid", "bob")
    followup(world, "cid", "bob")
    followup(world, "cid", "zoe")
    followup(world, "bob", "ann", 3)
    sold(world, "cid")
    world.now += 30 * DAY
    sold(world, "cid")
    followup(world, "cid", "ann", 2)
    sold(world, "cid")
    return world


# -- credit --------------------------------------------------------------------------------------------------
def given() -> World:
    """Members need no limit, others do; a payout; what expires stays with whom it is given to."""
    world = made("ann", "bob", hold_days=0, expiry_days=60)
    sold(world, "bob")
    world.transfer("bob", "ann", 300)
    world.transfer("bob", "zoe", 1)
    leave(world, "ann")
    world.transfer("bob", "ann", 1)
    world.pay_out("bob", 200)
    world.pay_out("bob", 600)
    world.pay_out("ann", 700)
    world.redeem("ann", 100)
    limit = world.limit("bob", 10**6, epoch=1)
    request = world.request("transfer", "ann", 1, "bob")
    world.write(Transfer(limit=limit, openers=(), request=request))
    return world


def without_team() -> World:
    """Tiers and a path by sale without a team; a close of such a plan is none of a team."""
    path = Path(depth=2, first=(1, 10), mode="flat", name="path")
    world = World()
    world.publish(opportunity=UNSET, path=(path,), team=UNSET, unilevel=())
    tokens = world.path("ann", "bob", "cid")
    log(world, world.deal(path=tokens).complete(), tokens)
    content = CloseContent(awards=(), begins=0, ends=31 * DAY, plan=world.plan or b"")
    world.parts(ClosePart, encode_content(content), world.now + 1)
    return world


TEAMS: Final[tuple[tuple[str, str, str, Callable[[], World]], ...]] = (
    ("team-line", "three levels up a line; a referrer outside the team, with nobody above", "R-CRED-22", up_a_line),
    ("team-awards", "awards left out, in another order, too high, to the issuer, twice", "R-CRED-22", wrong_awards),
    ("team-forged", "receipts, payments and contracts that are not there, or not the buyer's", "R-CRED-14", forged),
    ("team-alone", "what the seller says alone takes nothing back", "R-CRED-25", refund_alone),
    ("team-none", "compression none", "R-PLAN-19", compressed("none")),
    ("team-inactive", "who is not active uses no level up", "R-PLAN-19", compressed("inactive")),
    ("team-rank", "who is below the rank uses no level up", "R-PLAN-19", compressed("rank")),
    ("team-dynamic", "who has no rate at a level uses none up", "R-PLAN-19", compressed("dynamic")),
    ("team-left", "a member leaves between sales, sells as a guest, comes back elsewhere", "R-TEAM-16", departed),
    ("team-stay", "who left still stands there, and those above are paid", "R-TEAM-16", stayed),
    ("team-moved", "a sale before and after a move; moves without consent, in a circle", "R-TEAM-12", moved),
    ("team-late", "logged too late: as of the contract", "R-CRED-21", late),
    ("team-late-active", "late or raised: active by what was sold before its place", "R-CRED-21", late_active),
    (
        "team-late-buyers", "logged too late: overrides unlocked by buyers up to its place", "R-CRED-21",
        late_unlocked(unlock_buyers=2),
    ),
    (
        "team-late-volume", "logged too late: overrides unlocked by volume up to its place", "R-CRED-21",
        late_unlocked(unlock_buyers=9, unlock_volume=12_000),
    ),
    (
        "team-late-idle", "logged too late: overrides of who sold in the period up to its place", "R-CRED-21",
        late_unlocked(idle_periods=1),
    ),
    ("team-raised", "raised as of the first entry; after the close of its period", "R-CRED-24", raised),
    ("team-raised-own", "own purchases are raised up to what they count for", "R-PLAN-23", raised_own),
    ("paid-by-itself", "a sale is raised by what its own credit paid for", "R-CRED-24", paid_by_itself),
    ("team-plans", "plans unknown, without bound, twice, not yet and no longer in force", "R-CRED-19", other_plans),
    ("team-differential", "a differential, and a close that states too much", "R-CRED-31", differential),
    ("team-periods", "closes too early, of no period, out of turn, by no plan, broken off", "R-CRED-30", period_codes),
    ("team-refunds", "refunds before and after a close; matching", "R-CRED-27", refunded),
    ("team-pool", "refunds after the close of what rests on the sums of all", "R-PLAN-23", pooled),
    ("team-binary", "pairs, what legs keep, a refund of it; places that are taken or not there", "R-PLAN-19", binary),
    ("team-matrix", "up the tree of places", "R-PLAN-19", matrix),
    ("team-ranks", "ranks of the newest close before the place of the sale", "R-PLAN-15", ranked),
    ("team-changed", "the plan changes within a month: both award", "R-CRED-60", changed_plan),
    ("team-duties", "what is withheld for duties", "R-PLAN-18", duties),
    ("team-given", "transfers to members and to those who are not; payouts", "R-CRED-7", given),
    ("team-without", "a plan without a team has no close", "R-CRED-30", without_team),
)  # fmt: skip
"""(id, comment, requirement, scene)."""
