"""Sales, refunds, freezes and closes of an issuer's log; sections 27.4 to 27.6."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from netnode.conformance.awards import Award, Duties
from netnode.conformance.deals import Message
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.following import Following, Plan
from netnode.conformance.holdings import NEVER, Effect, Paid, Sold, Step
from netnode.conformance.limits import (
    FREEZE_DAYS,
    LEDGER_STEPS,
    LEDGER_STEPS_ENTRY,
    LOGGING_DAYS,
    MAX_SALE_ENTRIES,
    MAX_SALE_MESSAGES,
    MILLISECONDS_PER_DAY,
)
from netnode.conformance.proving import Proof, prove, read_messages
from netnode.conformance.selling import Sale
from netnode.conformance.signers import Signers
from netnode.conformance.teamfold import UNRULED, TeamFold

Map = dict[str, Any]


@dataclass(slots=True)
class File:
    """What the log holds of a sale: its messages, the plan, the facts of its first entry, and its dates.

    Attributes:
        pieces: what it counts as, the newest last: what is added after the close of its period is a piece of its own.
        place: as of which it is evaluated.
        contract: date of the contract, where it was logged too late: as which date it is evaluated.
        looked: entries of the order after the first.
        counted: the base it was evaluated on.
        redeemed: for the order since its first entry, by holder and unit.
    """

    messages: list[Message]
    plan: Plan
    sale: Sale
    pieces: list[Sale]
    base: int
    hold: int
    rates: tuple[Fraction, Fraction]
    place: int
    contract: int | None = None
    thawed: int | None = None
    looked: int = 0
    counted: int = 0
    redeemed: dict[tuple[bytes, str], int] = field(default_factory=dict)

    def look(self) -> None:
        """One more entry of the order, whatever it comes to [R-CRED-91]."""
        demand(self.looked < MAX_SALE_ENTRIES, "sale_full", "entries")
        self.looked += 1


class Sales:
    """What was sold and closed in one log.

    Args:
        network: the network's name.
        author: networker id.
        signers: of the log.
        effects: of the ledger; sales and awards of periods are put there.
    """

    def __init__(self, network: str, author: bytes, signers: Signers, effects: dict[bytes, Effect]) -> None:
        self.network = network
        self.author = author
        self.effects = effects
        self._signers = signers
        self._following = Following(network, author, signers)
        self._files: dict[bytes, File] = {}
        self.teams: dict[str, TeamFold] = {}
        self._even: list[tuple[int, int]] = []  # date and seq of even entries
        self._steps = 0

    # -- teams -----------------------------------------------------------------------------------------------
    def note(self, entry: Entry) -> None:
        """Notes an even entry, before it is judged; plans that hold by now shape their teams."""
        self._govern(entry.header.time)
        self._even.append((entry.header.time, entry.seq))

    def _govern(self, now: int) -> None:
        """[R-TEAM-11]."""
        for plan in sorted(self._following.plans.values(), key=lambda each: each.starts):
            if plan.key is not None and plan.starts <= now and not plan.governs:
                plan.governs = True
                self._team(plan.key).govern(plan.terms["team"])

    def _team(self, key: str) -> TeamFold:
        if key not in self.teams:
            self.teams[key] = TeamFold(self.network, self.author, key, UNRULED, self._signers)
        return self.teams[key]

    def spend(self, seq: int, steps: int) -> None:
        """What an entry asks of its readers [R-CRED-93]."""
        enough = self.affords(seq, steps)
        if not enough:
            self._steps = LEDGER_STEPS + LEDGER_STEPS_ENTRY * seq
        demand(enough, "too_costly")

    def affords(self, seq: int, steps: int) -> bool:
        """Takes steps if so many are left."""
        enough = self._steps + steps <= LEDGER_STEPS + LEDGER_STEPS_ENTRY * seq
        self._steps += steps if enough else 0
        return enough

    def _rank_again(self, seq: int, plan: Plan) -> None:
        """[R-CRED-94]."""
        sold = plan.payer.sold
        stale = [number for number in sold.closed if plan.stale is not None and number >= plan.stale]
        steps = self._signers.count * len(stale)
        if not stale or not plan.terms["ranks"]:
            plan.stale = None
        elif self.affords(seq, steps):
            sold.rank_again(min(stale))
            plan.stale = None

    def enter(self, entry: Entry, record: Map) -> None:
        """An admission, move, leave or duty."""
        self._signers.admit(record["openers"])
        team = self._team(record["opportunity"])
        self.spend(entry.seq, team.steps(entry.header.kind, record))
        team.apply(entry, record)

    def member(self, who: bytes) -> bool:
        """Whether somebody is a member of a team of this log [R-CRED-7]."""
        return any(team.inside(who) for team in self.teams.values())

    def _newest(self, before: int) -> int:
        """Seq of the newest even entry dated before a moment."""
        return max((seq for time, seq in self._even if time < before), default=0)

    def _duties(self, plan: Plan, now: int, at: int) -> Duties | None:
        key = plan.key
        return None if key is None else lambda upline, head: self._team(key).doer(upline, head, now, at)  # type: ignore[arg-type]

    # -- plans -----------------------------------------------------------------------------------------------
    def publish(self, now: int, record: Map) -> None:
        """A plan [R-CRED-19]."""
        self._following.publish(now, record)
        self._govern(now)

    # -- sales -----------------------------------------------------------------------------------------------
    def _prove(self, order: bytes | None, data: list[bytes], new: list[Message], now: int) -> Proof:
        """What messages prove together with those of the sale; figures only rise, `keeps` only falls [R-CRED-15]."""
        file = None if order is None else self._files[order]
        before = [] if file is None else file.messages
        demand(len(before) + len(new) <= MAX_SALE_MESSAGES, "sale_full", "messages")  # [R-CRED-91]
        proof = prove(self.network, self.author, before, data, new, now, self._signers.ever)
        sold = None if order is None else self.effects[b"s" + order]
        if not isinstance(sold, Sold):
            return proof
        keeps = [each for each in (proof.keeps, sold.keeps) if each is not None]
        return replace(
            proof,
            earned=max(proof.earned, sold.earned),
            paid=max(proof.paid, sold.paid),
            refunded=max(proof.refunded, sold.refunded),
            keeps=min(keeps, default=None),
        )

    def sell(self, seq: int, now: int, content: Map) -> None:
        """A sale [R-CRED-13]."""
        self._signers.admit(content["openers"])
        new = read_messages(content["messages"])
        order = new[0].deal
        file = self._files.get(order)
        if file is not None:
            file.look()
        proof = self._prove(order if file else None, content["messages"], new, now)
        base = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps).base
        demand(proof.newest is not None and base > 0, "no_receipt")
        listing: str | None = None
        if file is None:
            plan, sale, listing = self._following.first(now, content, proof)
            place = self._place(plan, seq, now, proof.contract)
            file = File([], plan, sale, [sale], 0, 0, self._rates(plan, proof), place)
            file.contract = None if place == seq else proof.contract
            sale.logged = seq
            sale.tree = None if plan.key is None else self._team(plan.key).tree(place)
        else:
            demand(base > file.base, "already_logged")  # [R-CRED-24]
            plan, sale = file.plan, replace(file.sale, gone=Fraction(0))
        counted = max(file.counted, base - self._itself(file, proof.order))
        self._measure(sale, file.rates, counted)
        demand(content["plan"] == plan.digest, "plan_differs")
        sold = plan.payer.sold.before(file.place + (file.contract is not None))
        if order in self._files:
            added = self._part_of(file, sale, seq, now)
        else:
            plan.payer.sold.settle(sale)
        judged = sale if file.contract is None else replace(sale, time=file.contract)
        awards = plan.payer.pay(judged, self._duties(plan, judged.time, file.place), sold)
        demand(content["awards"] == [list(award[:4]) for award in awards], "awards_differ")  # [R-CRED-22]
        if order in self._files:
            self._add(file, sale, added)
        else:
            plan.payer.sold.sales.append(sale)
            self._files[order] = file
            if "listing" in proof.order and listing is not None:
                self._following.listings[proof.order["listing"]] = listing
        file.messages += new
        file.sale, file.base, file.counted = sale, base, counted
        file.hold = max(file.hold, (proof.newest or 0) + plan.terms["hold_days"] * MILLISECONDS_PER_DAY)
        if proof.disputed:
            file.thawed = file.hold + FREEZE_DAYS * MILLISECONDS_PER_DAY  # [R-CRED-28]
        due = file.hold if file.thawed is None else max(file.hold, file.thawed)
        known = self.effects.get(b"s" + order)
        steps: dict[Any, frozenset[Step]] = dict(known.awards) if isinstance(known, Sold) else {}
        if proof.disputed:
            steps = {key: _moved(found, now, due) for key, found in steps.items()}
        for award in awards:
            key = (award.to, award.rule, award.level, plan.terms["unit"]["name"])
            mine = Step(due, _expiry(plan, due), award.amount, base)
            steps[key] = steps.get(key, frozenset()) | {mine}
        self._put(order, proof, steps)

    def redeem(self, order: bytes, holder: bytes, unit: str, amount: int) -> None:
        """Credit was redeemed for an order; before its first sale entry there is none of that sale [R-CRED-24]."""
        if order in self._files:
            redeemed = self._files[order].redeemed
            redeemed[holder, unit] = redeemed.get((holder, unit), 0) + amount

    def _itself(self, file: File, order: Map) -> int:
        """What credit of the sale itself paid for [R-CRED-24]."""
        known = self.effects.get(b"s" + file.messages[0].deal) if file.messages else None
        awarded: dict[tuple[bytes, str], int] = {}
        for (to, _, _, unit), steps in known.awards.items() if isinstance(known, Sold) else ():
            awarded[to, unit] = awarded.get((to, unit), 0) + max(step.amount for step in steps)
        money = order.get("currency", order.get("unit"))
        return sum(
            min(amount, awarded.get((holder, unit), 0))
            for (holder, unit), amount in file.redeemed.items()
            if unit == money
        )

    def _part_of(self, file: File, larger: Sale, seq: int, now: int) -> Sale:
        """What counts of a raised sale: all where all did and it may, else no more volume than did [R-PLAN-23].

        Returns:
            What is added, as a sale of its own.
        """
        sold = file.plan.payer.sold
        more, stands = sold.volume(larger), [(each, 1 - each.gone) for each in file.pieces]
        late = sold.number(file.sale.time) in sold.closed
        added = replace(
            larger,
            amount=larger.amount - sum((each.amount * left for each, left in stands), Fraction(0)),
            points=larger.points - sum((each.points * left for each, left in stands), Fraction(0)),
            time=now if late else file.sale.time,
            logged=seq if late else larger.logged,
        )
        if not more or more == sold.volume(file.sale):
            return added
        if larger.part < 1:
            larger.part *= sold.volume(file.sale) / more
        elif larger.inside and not sold.plan["personal_free"] and larger.reason is None:
            added.part = min(Fraction(1), *sold.shares(added))
            new = sold.volume(added)
            larger.part = (more - new + new * added.part) / more
        return added

    def _add(self, file: File, larger: Sale, added: Sale) -> None:
        """Counts a raised sale; after the close of its period what was added is of the period of now [R-CRED-31]."""
        sold = file.plan.payer.sold
        if sold.number(file.sale.time) not in sold.closed:
            sold.sales[next(at for at, each in enumerate(sold.sales) if each is file.pieces[0])] = larger
            file.pieces = [larger]
        else:
            added.part = added.part if file.sale.part == 1 else Fraction(0)
            sold.sales.append(added)
            file.pieces.append(added)

    def _put(self, order: bytes, proof: Proof, awards: dict[Any, frozenset[Step]]) -> None:
        self.effects[b"s" + order] = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps, awards)

    def _place(self, plan: Plan, seq: int, now: int, contract: int) -> int:
        """[R-CRED-21]."""
        late = now >= contract + plan.terms["log_days"] * MILLISECONDS_PER_DAY
        return self._newest(contract + 1) if late else seq

    def _rates(self, plan: Plan, proof: Proof) -> tuple[Fraction, Fraction]:
        """Amount and points for one minor unit of base [R-PLAN-10] [R-CRED-21]."""
        order = proof.order
        whole = sum(part["price"] for part in order["parts"])
        besides = (order.get("tax", 0) + order.get("shipping", 0)) * proof.price // whole if whole else 0
        rate = Fraction(0)
        for each in plan.terms["currencies"]:
            if each["currency"] == order.get("currency"):
                rate = Fraction(*each["rate"])
        share = Fraction(proof.price - besides, proof.price) if proof.price else Fraction(0)
        return share * rate, Fraction(order.get("points", 0), whole or 1)

    def _measure(self, sale: Sale, rates: tuple[Fraction, Fraction], base: int) -> None:
        sale.amount, sale.points = base * rates[0], int(base * rates[1])

    def _known(self, record: Map) -> tuple[bytes, File, Sold, list[Message]]:
        """What an entry after a sale is about: the order, its file, its sale so far, the messages it adds."""
        self._signers.admit(record["openers"])
        order = record["order"]
        demand(order in self._files, "no_sale")
        self._files[order].look()
        sold = self.effects[b"s" + order]
        assert isinstance(sold, Sold)
        return order, self._files[order], sold, read_messages(record["messages"])

    def refund(self, seq: int, now: int, record: Map) -> None:
        """A refund [R-CRED-25]."""
        order, file, sold, new = self._known(record)
        proof = self._prove(order, record["messages"], new, now)
        after = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps)
        demand(after.base < sold.base, "no_reduction")
        demand(after.base == record["base"], "base_differs")
        grace = LOGGING_DAYS * MILLISECONDS_PER_DAY
        last = file.hold if file.thawed is None else max(file.hold, file.thawed + grace)
        demand(now <= last, "hold_over")
        self._reverse(file, Fraction(sold.base - after.base, file.base))
        file.messages += new
        self._put(order, proof, dict(sold.awards))
        self._rank_again(seq, file.plan)

    def _reverse(self, file: File, part: Fraction) -> None:
        """What a refund takes off sums, closed awards and legs, what came last first [R-CRED-26] [R-CRED-31]."""
        sold = file.plan.payer.sold
        left = sold.volume(file.sale) * part
        if len(file.pieces) == 1:
            self._take_back(file.plan, file.pieces[0], part)
            return
        for piece in reversed(file.pieces):
            volume = sold.volume(piece)
            taken = min(left, volume * (1 - piece.gone))
            if taken > 0:
                left -= taken
                self._take_back(file.plan, piece, taken / volume)

    def _take_back(self, plan: Plan, sale: Sale, part: Fraction) -> None:
        """[R-CRED-27] [R-PLAN-23]."""
        sale.gone += part
        period = plan.payer.sold.number(sale.time)
        if period not in plan.closed:
            return
        if sale.part:
            plan.stale = period if plan.stale is None else min(period, plan.stale)
        volume = plan.payer.sold.volume(sale) * sale.part * part
        for award in plan.closed[period]:
            if sale.owner in award.rests:
                own = self._period_id(plan, period, award)
                known = self.effects[own]
                assert isinstance(known, Paid)
                self.effects[own] = replace(known, reversed=known.reversed + min(volume, award.volume))
        places = {} if sale.tree is None else sale.tree.places
        for legs in plan.payer.carry.values():
            place = places.get(sale.owner)
            while place is not None:
                parent, leg = place
                if parent in legs and leg < 2:
                    kept = list(legs[parent])
                    kept[leg] = max(Fraction(0), kept[leg] - volume)
                    legs[parent] = (kept[0], kept[1])
                place = places.get(parent)

    def freeze(self, now: int, record: Map) -> None:
        """A freeze or its end [R-CRED-28] [R-CRED-29]."""
        order, file, sold, new = self._known(record)
        proof = self._prove(order, record["messages"], new, now)
        frozen = file.thawed is not None and now < file.thawed
        demand(not (proof.disputed and frozen), "already_logged")
        demand(proof.disputed or frozen, "no_dispute")
        demand(not proof.disputed or now <= file.hold, "hold_over")
        long = file.hold + FREEZE_DAYS * MILLISECONDS_PER_DAY
        due = file.thawed = long if proof.disputed else max(file.hold, now)
        file.messages += new
        awards = {key: _moved(steps, now, due) for key, steps in sold.awards.items()}
        self.effects[b"s" + order] = replace(sold, awards=awards)

    # -- periods ---------------------------------------------------------------------------------------------
    def close(self, seq: int, now: int, content: Map) -> None:
        """The close of a period [R-CRED-30]."""
        plan = self._following.plans.get(content["plan"])
        demand(plan is not None and plan.key is not None, "no_plan", "no team")
        assert plan is not None and plan.key is not None
        demand(plan.newest is None or content["ends"] > plan.newest, "already_logged")
        sold = plan.payer.sold
        period = sold.number(content["begins"])
        begins, ends = sold.start(period), sold.start(period + 1)
        demand(
            (content["begins"], content["ends"]) == (begins, ends) and ends <= now,
            "period",
            "is none, or not over",
        )
        later = {sold.number(each.time) for each in sold.sales if sold.number(each.time) >= period}
        follows = any(sold.total(number)[0] for number in later)
        demand(plan.starts < ends, "period", "before it was in force")
        demand(plan.ends is None or begins < plan.ends or follows, "period", "after it was in force")
        demand(plan.newest in (None, begins), "period", "not the next")
        self.spend(seq, self._signers.count)
        at = self._newest(ends)
        carry = dict(plan.payer.carry)
        awards = plan.payer.close(period, self._team(plan.key).tree(at), self._duties(plan, ends, at))
        if content["awards"] != [list(award[:4]) for award in awards]:
            plan.payer.carry = carry
            del sold.closed[period], sold.known[period]
            raise Fault("awards_differ")
        sold.ended[period], plan.newest, plan.closed[period] = seq, ends, awards
        self._rank_again(seq, plan)
        due = now + plan.terms["hold_days"] * MILLISECONDS_PER_DAY  # [R-CRED-32]
        for award in awards:
            step = Step(due, _expiry(plan, due), award.amount, award.volume)
            own = self._period_id(plan, period, award)
            assert isinstance(award.to, bytes)
            self.effects[own] = Paid(award.to, plan.terms["unit"]["name"], frozenset([step]), Fraction(0))

    def _period_id(self, plan: Plan, period: int, award: Award) -> bytes:
        """[R-CRED-60]."""
        label = datetime.fromtimestamp(plan.payer.sold.start(period) // 1000, UTC).strftime("%Y-%m-%d")
        unit, key = plan.terms["unit"]["name"], plan.key or ""
        parts = (award.rule, str(award.level), unit, label, key, plan.digest.hex())
        return b"p" + award.to + "\0".join(parts).encode()  # type: ignore[operator]


def _moved(steps: Iterable[Step], now: int, due: int) -> frozenset[Step]:
    """What is pending gets another date, and expires as long after it as before [R-CRED-28] [R-CRED-29]."""
    found = set()
    for step in steps:
        if step.due > now:
            expires = step.expires if step.expires == NEVER else step.expires - step.due + due
            step = Step(due, expires, step.amount, step.base)
        found.add(step)
    return frozenset(found)


def _expiry(plan: Plan, due: int) -> int:
    days = plan.terms.get("expiry_days")
    return NEVER if days is None else due + days * MILLISECONDS_PER_DAY
