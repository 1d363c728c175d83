"""Random logs of issuers with a team: members come and go, plans of all kinds pay, much is wrong."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import msgspec
from msgspec import UNSET

from netnode.conformance import challenges as second
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.holdings import Holding, union
from netnode.conformance.ledgerfold import Ledger
from netnode.plans.reading import plan_from
from protocol.deals.bodies import Fulfil, PresumeReceived
from protocol.deals.offers import name_buyer
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.challenges import DEADLINE_MS, Demand, outcomes, read_challenge
from protocol.ledger.contents import AwardLine, CloseContent, encode_content
from protocol.ledger.union import Union
from protocol.records import Answer, Challenge, ClosePart, NamedBuyer, Transfer
from protocol.records.credit import Reply
from protocol.records.plan import Plan
from protocol.records.team import Position
from protocol.signing import Signer
from tests.protocol.author import NETWORK, seed
from tests.protocol.ledger.asking import back, challenged, keys, on_offer
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import followup, join, leave, move
from tests.protocol.ledger.world import DAY, HOLD, TEAM, UNIT, Deal, World

NAMES = ("ann", "bob", "cid", "dot", "eve")
OUTSIDERS = ("yan", "zoe")
RANKS = [
    {"name": "bronze", "own": "5"},
    {"name": "silver", "group": "40", "leg_cap": "60%"},
    {"name": "gold", "group": "60", "leaders": [{"rank": "bronze", "legs": 1}]},
]
RATES: tuple[dict[str, Any], ...] = (
    {"rates": ["10%", "5%", "1/30"]},
    {"rates": ["8%", "4%"]},
    {"rates": {"bronze": ["5%"], "silver": ["5%", "4%"], "gold": ["6%", "4%", "3%"]}},
)
STEPS = [["0", "5%"], ["30", "10%"], ["100", "15%"]]


def rule_of(drawn: random.Random, family: str) -> dict[str, Any]:
    """A rule of a family."""
    rates, when = drawn.choice(RATES), drawn.choice(["sale", "period"])
    match family:
        case "unilevel":
            how = drawn.choice(["none", "inactive", "dynamic", "rank"])
            return {**rates, "compression": how, "when": when} | ({"rank": "bronze"} if how == "rank" else {})
        case "matrix":
            return {"height": 2, "rates": ["10%", "5%"]}
        case "generation":
            more = {
                "boundary": drawn.choice(["same", "threshold"]),
                "empty": drawn.choice(["consumes", "passes"]),
            }
            return {**rates, **more, "rank": "bronze", "when": when}
        case "infinity":
            return {"rates": {"bronze": "2%", "gold": "3%"}, "when": when}
        case "differential":
            more = drawn.choice([{}, {"breakaway": "silver"}])
            return {"mode": drawn.choice(["marginal", "whole"]), "steps": STEPS, **more}
        case "override":
            return {"mode": "fixed", "rank": "bronze", "generations": 2, "rates": {"bronze": ["4%", "2%"]}}
        case "tiers":
            return {"mode": drawn.choice(["marginal", "whole"]), "steps": STEPS, "when": when}
        case "binary":
            after = drawn.choice(["carry", "net_off", "flush"])
            return {"mode": "percent", "steps": "10%", "after": after} | (
                {"carry_cap": "50"} if after == "carry" else {}
            )
        case "cdrm":
            return {"mode": drawn.choice([1, 2]), "phi": "20%", "theta": "15%"}
        case "pool":
            return {"rank": "bronze", "share": "2%", "split": drawn.choice(["equal", "group", "own"])}
    raise AssertionError(family)


FAMILIES = (
    "unilevel", "matrix", "generation", "infinity", "differential", "override", "tiers", "binary", "cdrm", "pool",
)  # fmt: skip
CLOSING = ("differential", "override", "binary", "cdrm", "pool")
BY_SALE = ("unilevel", "generation", "infinity", "matrix", "tiers")


def plan_of(drawn: random.Random, title: str) -> Plan:
    """A plan for the team, often with a rule that pays at the close."""
    families = drawn.sample(drawn.choice([FAMILIES, CLOSING]), drawn.choice([1, 1, 2]))
    fields: dict[str, Any] = {family: rule_of(drawn, family) for family in families}
    late = all(name in CLOSING or fields[name].get("when") == "period" for name in families)
    if "binary" in families:
        for name in families:
            if name != "binary":
                del fields[name]
        late = True
        fields["cap_company"] = "30%"
    if late and drawn.random() < 0.3:
        fields["cap_member"] = "3"
    named = [name for name in ("unilevel", "differential", "tiers") if name in fields]
    if named and drawn.random() < 0.3:
        when = "period" if named[0] == "differential" else fields[named[0]]["when"]
        fields["matching"] = {"of": [named[0]], "rates": ["20%", "10%"], "when": when}
    for name, value in (
        ("active", "15"), ("grace", 1), ("rank_used", "achieved"), ("origin", "sponsor"),
        ("rounding", "half_even"), ("share", "80%"), ("expiry_days", 40), ("idle_periods", 1),
        ("unlock_buyers", 1), ("outside_full", "90%"), ("personal", "15"),
    ):  # fmt: skip
        if drawn.random() < 0.25:
            fields[name] = value
    for name in ("r2", "r5", "r6", "r19"):
        if (name, name == "r5" and "unlock_buyers" in fields) != ("r5", True) and drawn.random() < 0.85:
            fields[name] = False
    base = {
        "title": title, "unit": {"name": UNIT, "exponent": 2}, "currency": "EUR", "maximum": "1", "ranks": RANKS,
        "team": {"legs": 2, "followups": [3], "orphans": drawn.choice(["roll_up", "stay"])}, "opportunity": TEAM,
        "notice_days": drawn.choice([1, 40]), "log_days": 14, "hold_days": drawn.choice([0, 60, 400, 400]),
    }  # fmt: skip
    return plan_from(base | fields, "p")


def late_plan_of(drawn: random.Random, title: str) -> Plan:
    """A plan that pays by sale, by who is active and sold to others right then; sales are soon too late."""
    fields: dict[str, Any] = {
        "unilevel": {
            "rates": ["10%", "5%", "3%"],
            "compression": drawn.choice(["inactive", "inactive", "none"]),
        }
    }
    for family in drawn.sample(BY_SALE[1:], drawn.choice([0, 0, 1])):
        fields[family] = rule_of(drawn, family)
    for name, value, often in (
        ("active", drawn.choice(["15", "40", "90"]), 0.8), ("unlock_buyers", drawn.choice([1, 2, 3]), 0.4),
        ("unlock_volume", drawn.choice(["20", "80"]), 0.3), ("idle_periods", drawn.choice([1, 2]), 0.4),
        ("outside_full", "90%", 0.3), ("personal", "15", 0.3), ("share", "1/3", 0.3), ("origin", "sponsor", 0.2),
        ("rank_used", "achieved", 0.2), ("rounding", "half_even", 0.2),
    ):  # fmt: skip
        if drawn.random() < often:
            fields[name] = value
    for name, key in (
        ("r2", "personal"),
        ("r5", "unlock_buyers"),
        ("r6", "outside_full"),
        ("r19", "idle_periods"),
    ):
        if key not in fields and (name != "r5" or "unlock_volume" not in fields):
            fields[name] = False
    base = {
        "title": title, "unit": {"name": UNIT, "exponent": 2}, "currency": "EUR", "maximum": "1", "ranks": RANKS,
        "team": {"legs": 2, "followups": [3], "orphans": drawn.choice(["roll_up", "stay"])}, "opportunity": TEAM,
        "notice_days": drawn.choice([1, 40]), "log_days": drawn.choice([0, 1, 3]), "hold_days": 400,
        "period": drawn.choice(["month", "month", {"count": 2, "unit": "week"}]),
    }  # fmt: skip
    return plan_from(base | fields, "p")


class TeamPlay:
    """Writes a log, step by step, by what is drawn.

    Args:
        drawn: what decides.
        late: whether many sales are logged long after others that came later.
    """

    def __init__(self, drawn: random.Random, *, late: bool = False) -> None:
        self.drawn = drawn
        self.late = late
        self.waiting: list[tuple[Deal, Any]] = []
        self.world = World()
        self.plans: list[bytes] = []
        self.deals: list[tuple[Deal, Any]] = []
        self.asked: list[tuple[Entry, Challenge]] = []
        self.acts = (
            *(self.sell,) * 6, *(self.again,) * 3, *(self.refund,) * 4, self.close, self.join, self.leave,
            self.move, self.followup, self.give, self.publish, self.ask, self.ask, self.answer,
            *(self.log_waiting,) * (5 if late else 0),
        )  # fmt: skip
        self.publish()
        for number, name in enumerate(NAMES[: drawn.randint(2, 5)]):
            join(self.world, name, drawn.choice([None, *NAMES[:number], *NAMES[:number]]))

    def step(self) -> None:
        """One thing happens, or nobody can do it now."""
        self.world.now += self.drawn.choice([0, 0, 0, DAY, 4 * DAY, 12 * DAY])
        with suppress(Void):
            self.drawn.choice(self.acts)()

    # -- plans and team --------------------------------------------------------------------------------------
    def publish(self) -> None:
        if len(self.plans) > 1:
            return
        with suppress(Void):
            make = late_plan_of if self.late else plan_of
            record = make(self.drawn, f"Plan {len(self.plans)}")
            if self.world.write(record).code is None:
                self.plans.append(next(reversed(list(self.world.book.governing.all()))).hash)
        if not self.plans:
            self.publish()

    def _inside(self) -> list[str]:
        tree = self.world.book.teams.tree(TEAM)
        return [name for name in NAMES if tree.member(self.world.id(name))]

    def join(self) -> None:
        world, inside = self.world, self._inside()
        name = self.drawn.choice([each for each in NAMES if each not in inside] or NAMES)
        sponsor = self.drawn.choice([None, *inside])
        position = None
        if self.drawn.random() < 0.7:
            tree = world.book.teams.tree(TEAM)
            placed = [each for each in map(world.id, NAMES) if tree.placement(each) is not None]
            parent = self.drawn.choice([world.issuer.id, *placed])
            position = Position(leg=self.drawn.randrange(2), parent=parent)
        join(world, name, sponsor, position, wait=self.drawn.choice([7, 7, 7, 6]) * DAY)

    def leave(self) -> None:
        leave(self.world, self.drawn.choice(self._inside() or NAMES))

    def move(self) -> None:
        name, to = self.drawn.choice(self._inside() or NAMES), self.drawn.choice([None, *NAMES])
        consents = {name, *([] if to is None else [to])}
        before = self.world.book.teams.tree(TEAM).sponsor(self.world.id(name))
        consents |= {each for each in NAMES if self.world.id(each) == before}
        move(self.world, name, to, *sorted(consents)[self.drawn.choice([0, 0, 0, 1]) :])

    def followup(self) -> None:
        name, by = self.drawn.sample(NAMES, 2)
        followup(self.world, name, by)

    # -- sales -----------------------------------------------------------------------------------------------
    def sell(self) -> None:
        world, drawn = self.world, self.drawn
        by = drawn.choice([*self._inside() * 8, *NAMES, *OUTSIDERS])
        path = world.path(by) if drawn.random() < 0.9 else None
        prices = [drawn.randint(500, 5_000) for _ in range(drawn.choice([1, 2, 2]))]
        more: dict[str, Any] = {"plan": self._plan()}
        if drawn.random() < 0.05:
            more = {"commission": 700}
        if drawn.random() < 0.2:
            more["named"] = self._named(drawn.choice([*NAMES, "yan"]))
        deal = world.deal(*prices, path=path, tax=drawn.choice([0, 50]), **more)
        deal.accept().pay()
        if drawn.random() < 0.1:
            self._presumed(deal)
        else:
            deal.receive(*range(drawn.randint(1, len(prices))))
        if self.late and drawn.random() < 0.5:
            self.waiting.append((deal, path))
            return
        self.deals.append((deal, path))
        if drawn.random() < 0.15:
            world.now += 15 * DAY  # logged late
        if drawn.random() < 0.07:
            world.sell(deal, path=path, awards=(AwardLine(world.id("ann"), "unilevel", 1, 1),))
        else:
            self._log(deal, path)

    def log_waiting(self) -> None:
        """Logs one of the sales that nobody logged in time."""
        if self.waiting:
            self.deals.append(self.waiting.pop(self.drawn.randrange(len(self.waiting))))
            self._log(*self.deals[-1])

    def _plan(self) -> bytes:
        """Mostly one that holds now."""
        found = [self.world.book.governing.find(each) for each in self.plans]
        held = [
            each.hash for each in found if each is not None and each.holds(self.world.now, self.world.now)
        ]
        return self.drawn.choice(held * 9 + self.plans)

    def _named(self, name: str) -> NamedBuyer:
        """A networker says that the key of the next order is theirs."""
        who, world = self.world.who(name), self.world
        key = Signer(seed(world.issuer.name, "buyer", world.deals + 1)).public
        return name_buyer(
            who.network, who.signer, id=who.id, epoch=who.entries[-1].epoch, key=key, seller=world.issuer.id
        )

    def _presumed(self, deal: Deal) -> None:
        fulfil = deal.say("seller", Fulfil(part=0))
        deal.say("seller", PresumeReceived(fulfil=fulfil.id), at=deal.now + 2 * DAY)

    def _log(self, deal: Deal, path: Any) -> None:
        known, sent = set(self.world.known), deal.sent
        named = [] if deal.body.named is UNSET else [self.world._name(deal.body.named.id)]
        led = [] if path is None else [self.world._name(each.referrer) for each in path.referrals]
        try:
            self.world.sell(deal, path=path, openers=self.world.openers(*led, *named))
        except Void:
            self.world.known, deal.sent = known, sent
            self.world.sell(deal, path=path, openers=self.world.openers(*led, *named), awards=())

    def again(self) -> None:
        if not self.deals:
            return
        deal, path = self.drawn.choice(self.deals)
        deal.now = max(deal.now, self.world.now)
        open_ = [number for number, each in enumerate(deal.state().parts) if each.status.value == "open"]
        if open_:
            deal.receive(open_[0])
        if deal.sent < len(deal.messages):
            self._log(deal, path)

    def refund(self) -> None:
        if not self.deals:
            return
        deal, _ = self.drawn.choice([*self.deals, *self.deals[-3:] * 3])
        deal.now = max(deal.now, self.world.now)
        figures = deal.state().figures
        if figures.paid > figures.refund_sent:
            deal.refund(self.drawn.choice([figures.paid - figures.refund_sent, self.drawn.randint(1, 400)]))
        if deal.sent < len(deal.messages):
            self.world.refund(deal, deal.state().figures.base, at=max(self.world.now + 1, deal.now))

    # -- what is asked for in public -------------------------------------------------------------------------
    def ask(self) -> None:
        """For goods to be taken back, mostly; for a sale, or for credit to be moved. Much is wrong."""
        world, drawn = self.world, self.drawn
        by = drawn.choice([*NAMES, *OUTSIDERS])
        deals = [*self.deals, *self.waiting]
        if drawn.random() < 0.2:
            world.who(by)
            deals.append((on_offer(world, drawn.choice([by, by, *NAMES])), None))
        if drawn.random() < 0.2 or not deals:
            request = world.request("redeem", by, drawn.choice([1, 100, 10**6]))
            self.asked.append(challenged(world, drawn.choice([by] * 5 + ["zoe"]), request=request))
            return
        deal, path = drawn.choice(deals)
        other, _ = drawn.choice([(deal, None)] * 6 + deals)
        contract = drawn.choice(deal.messages[-1:] + deal.messages[:2] * 4).data
        if path is not None and drawn.random() < 0.3:
            by = drawn.choice([world._name(path.referrals[0].referrer)] * 4 + [by])
            opened = drawn.choice([path] * 5 + [world.path("yan")]).encode()
            self.asked.append(challenged(world, by, contract=contract, path=opened))
            return
        fields: dict[str, Any] = {"request": back(world, by, other, order=deal.id)}
        if drawn.random() < 0.9:
            fields["contract"] = contract
        if drawn.random() < 0.1:  # a byte is another one
            name = drawn.choice(sorted(fields))
            data = bytearray(fields[name])
            data[drawn.randrange(len(data))] ^= 1
            fields[name] = bytes(data)
        self.asked.append(challenged(world, drawn.choice([by] * 8 + ["yan"]), **fields))

    def answer(self) -> None:
        """Says why not, or names an entry, which now and then is not there yet."""
        if not self.asked:
            return
        tip = self.world.issuer.entries[-1].seq
        replies = {
            entry.id: self.drawn.choice(
                [
                    Reply(challenge=entry.id, reason=self.drawn.choice(["refunded", "other"])),
                    Reply(challenge=entry.id, entry=tip + self.drawn.choice([0, 0, 0, 1])),
                ]
            )
            for entry, _ in self.drawn.sample(self.asked, min(2, len(self.asked)))
        }
        self.world.write(Answer(replies=tuple(replies[each] for each in sorted(replies))))

    # -- periods and credit ----------------------------------------------------------------------------------
    def close(self) -> None:
        world, drawn = self.world, self.drawn
        governed = world.book.governing.find(drawn.choice(self.plans))
        assert governed is not None
        begins = governed.starts if governed.closed is None else governed.closed
        while (period := governed.activity.period(begins, 0)).end <= world.now:
            self._close(close_with_awards(world.book.state, governed, begins))
            begins = period.end
        if drawn.random() < 0.4:
            return
        begins += drawn.choice([0, 0, 0, 0, 31, -31]) * DAY
        period = governed.activity.period(begins, 0)
        if drawn.random() < 0.9:
            world.now = max(world.now, period.end)
        content = close_with_awards(world.book.state, governed, begins)
        if drawn.random() < 0.1:
            line = AwardLine(world.id("ann"), "differential", 1, 1)
            content = msgspec.structs.replace(content, awards=(*content.awards, line))
        self._close(content)

    def _close(self, content: CloseContent) -> None:
        tip = self.world.issuer.entries[-1].time
        self.world.parts(ClosePart, encode_content(content), max(self.world.now, tip) + 1)

    def give(self) -> None:
        """To a member without a limit, or to somebody else."""
        world = self.world
        holder, to = self.drawn.sample([*NAMES, "yan"], 2)
        amount = max(1, world.figures(holder).available - self.drawn.choice([0, 0, -1]))
        request = world.request("transfer", holder, amount, to)
        world.write(Transfer(openers=world.openers(holder, to), request=request))


def play(seed: int, steps: tuple[int, int] = (10, 40), *, late: bool = False) -> TeamPlay:
    """A log of its own for each seed."""
    drawn = random.Random(seed)
    made = TeamPlay(drawn, late=late)
    for _ in range(drawn.randint(*steps)):
        made.step()
    return made


def compare(seed: int, steps: tuple[int, int] = (10, 40), *, late: bool = False) -> int:
    """Judges the log of a seed by both implementations.

    Returns:
        How many entries it has.

    Raises:
        AssertionError: they differ.
    """
    made = play(seed, steps, late=late)
    world = made.world
    entries = world.issuer.entries
    ledger = Ledger(NETWORK, world.issuer.id)
    for entry, verdict in zip(entries, world.verdicts, strict=True):
        found = ledger.take(read_entry(list(entry.wire())))
        assert found == verdict.code, (entry.seq, entry.kind, found, verdict.code, verdict.text)
    whole = Union([world.book.head[:2]], world.book.effects)  # type: ignore[index]
    effects = union([ledger.effects])
    assert effects.keys() == whole.effects.keys()
    newest = entries[-1].time
    for name in (*NAMES, *OUTSIDERS):
        for unit in (UNIT, "EUR"):
            for later in (0, HOLD, 400 * DAY):
                told = asdict(whole.figures(unit, world.id(name), newest + later))
                found_ = Holding(effects, unit, world.id(name), newest + later).figures
                assert found_ == told, (name, unit, later)
    _compare_asked(made, ledger)
    return len(entries)


def _compare_asked(made: TeamPlay, ledger: Ledger) -> None:
    """Each challenge is void for one reason, or stands where it stands, by both implementations [R-CRED-54..57]."""
    world, known = made.world, keys(made.world)
    mine: list[Demand] = []
    theirs: list[second.Asked] = []
    for entry, record in made.asked:
        code = other = None
        try:
            mine.append(read_challenge(NETWORK, entry, record, known))
        except Void as void:
            code = void.code
        try:
            theirs.append(second.read_challenge(NETWORK, read_entry(list(entry.wire())), known))
        except Fault as fault:
            other = fault.code
        assert other == code, (entry.id.hex()[:10], other, code)
    newest = world.issuer.entries[-1].time
    handed = {each.id: newest + made.drawn.randrange(3) * DAY for each in mine if made.drawn.random() < 0.8}
    for now in (newest, newest + DEADLINE_MS, newest + DEADLINE_MS + DAY, newest + 400 * DAY):
        told = {each.id: found.value for each, found in outcomes(mine, world.book, now, handed)}
        assert second.stand(ledger, theirs, now, handed) == told, now
