"""An issuer's ledger, folded from its log: the verdict on each entry, and the effects; chapter 27.

Plans with a team are not evaluated here: of an entry that rests on one the verdict is `UNJUDGED`, and all after it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from netnode.conformance import teams
from netnode.conformance.awards import Payer
from netnode.conformance.credits import read_statement, signed_by, statement_id
from netnode.conformance.deals import Message
from netnode.conformance.encoding import encode
from netnode.conformance.entries import INCEPTION, ROTATION, Entry, read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.groups import Groups, read_sale
from netnode.conformance.holdings import NEVER, Effect, Holding, Lots, Moved, Sold, Step, ended
from netnode.conformance.limits import FREEZE_DAYS, LOGGING_DAYS, MILLISECONDS_PER_DAY
from netnode.conformance.log import links
from netnode.conformance.openers import Openers
from netnode.conformance.paths import check_token, hash_of, read_path, read_token
from netnode.conformance.proving import Proof, prove, read_messages
from netnode.conformance.records import FIELDS, read_record
from netnode.conformance.selling import Sale
from netnode.conformance.tags import sha256

Map = dict[str, Any]
UNKNOWN: Final = "unknown"
UNJUDGED: Final = "unjudged"
_LISTING, _LOCK, _SWAP = 3, 32, 34
_ACTIONS: Final = {30: "transfer", 36: "redeem", 38: "payout"}


class Lost(Exception):
    """Nothing can be said from here on; `args[0]` is the verdict."""


@dataclass(slots=True)
class Plan:
    """A plan of the log: from when and until when it holds, and what was sold under it."""

    digest: bytes
    payer: Payer
    starts: int
    ends: int | None = None

    @property
    def terms(self) -> Map:
        """The record, with what absent fields mean."""
        return self.payer.plan


@dataclass(slots=True)
class File:
    """What the log holds of a sale: its messages, the plan, the facts of its first entry, and its dates."""

    messages: list[Message]
    plan: Plan
    sale: Sale
    base: int
    hold: int
    rates: tuple[Fraction, Fraction]
    thawed: int | None = None


class Ledger:
    """Folds one branch of one log.

    Args:
        network: the network's name.
        author: networker id.
        others: logs of others that are held, for what is pinned.
    """

    def __init__(self, network: str, author: bytes, others: Sequence[Sequence[Entry]] = ()) -> None:
        self.network = network
        self.author = author
        self.effects: dict[bytes, Effect] = {}
        self._others = others
        self._lost: str | None = None
        self._signers: dict[bytes, Openers] = {}
        self._plans: dict[bytes, Plan] = {}
        self._commissions: dict[bytes, Plan] = {}
        self._files: dict[bytes, File] = {}
        self._listings: dict[bytes, str] = {}
        self._counters: dict[tuple[bytes, int], bytes] = {}
        self._limits: dict[tuple[bytes, str], int] = {}
        self._groups = Groups()

    def take(self, entry: Entry) -> str | None:
        """The verdict on the next entry: a code, None with effect (or where none is needed), `UNKNOWN`."""
        if self._lost is not None:
            return self._lost
        if entry.header.kind % 2:
            return None
        try:
            if entry.header.kind not in FIELDS or entry.record is None:
                raise Lost(UNKNOWN)  # [R-CRED-10]
            self._apply(entry, entry.header.time, read_record(entry.header.kind, entry.record))
        except Fault as fault:
            return fault.code
        except Lost as lost:
            self._lost = str(lost.args[0])
            return self._lost
        return None

    def _apply(self, entry: Entry, now: int, record: Map) -> None:
        match entry.header.kind:
            case 0 | 2:
                self._admit([[entry.alone()]])
            case 10:
                self._publish(now, record)
            case 12 | 14 | 16 | 18:
                raise Lost(UNJUDGED)
            case 20:
                self._admit(record["openers"])
            case 22 | 24:
                content = self._groups.take(entry.seq, entry.header.kind, record)
                if content is not None and entry.header.kind == 24:
                    raise Lost(UNJUDGED)
                if content is not None:
                    self._sell(now, read_sale(content))
            case 26:
                self._refund(now, record)
            case 28:
                self._freeze(now, record)
            case 30 | 36 | 38:
                self._move(entry.header.kind, now, record)
            case 32:
                self._lock(entry, record)
            case 34:
                self._swap(entry, record)
            case 40:
                late = any(reply.get("entry", -1) >= entry.seq for reply in record["replies"])
                demand(not late, "no_entry")  # [R-CRED-57]
            case 42:
                self._release(record)

    # -- who signs -------------------------------------------------------------------------------------------
    def _admit(self, chains: Sequence[Any]) -> None:
        """Takes in openers, all or none [R-CRED-1]."""
        found = dict(self._signers)
        try:
            for chain in chains:
                entries = [read_entry(alone) for alone in chain]
                author = entries[0].header.author
                known = copy.deepcopy(found.get(author)) or Openers(self.network)
                for entry in entries:
                    demand(entry.header.kind in (INCEPTION, ROTATION), "openers", "another kind")
                    known.admit(entry)
                found[author] = known
        except Fault as fault:
            raise Fault("openers", str(fault)) from fault
        self._signers = found

    def _ever(self, who: bytes, epoch: int) -> list[bytes]:
        known = self._signers.get(who)
        return known.keys(epoch) if known is not None and epoch in known.epochs else []

    def _now(self, who: bytes, epoch: int) -> list[bytes]:
        """[R-CRED-2]."""
        known = self._signers.get(who)
        return self._ever(who, epoch) if known is not None and max(known.epochs) == epoch else []

    def _contested(self, who: bytes) -> bool:
        known = self._signers.get(who)
        return known is not None and known.contested is not None

    def _signed(self, name: str, statement: Map, keys: list[bytes]) -> None:
        held = any(signed_by(self.network, name, statement, key, statement["signature"]) for key in keys)
        demand(held, "not_signed", name)

    # -- plans -----------------------------------------------------------------------------------------------
    def _publish(self, now: int, record: Map) -> None:
        """[R-CRED-19]."""
        payer = Payer(record)
        digest = sha256(encode(record))
        demand(digest not in self._plans, "already_logged", "a plan")
        plan = Plan(digest, payer, now)
        key = record.get("opportunity")
        if key is not None:
            same = [each for each in self._plans.values() if each.terms.get("opportunity") == key]
            if same:
                notice = same[-1].terms["notice_days"] * MILLISECONDS_PER_DAY
                plan.starts = same[-1].ends = max(now, same[-1].starts) + notice
        self._plans[digest] = plan

    def _commission(self, points: int, currency: str) -> Plan:
        """[R-CRED-20]."""
        record: Map = {
            "currencies": [{"currency": currency, "rate": [1, 1]}],
            "maximum": [points, 10_000],
            "path": [{"depth": 1, "first": [points, 10_000], "mode": "flat", "name": "commission"}],
            "period": {"count": 1, "unit": "month"},
            "title": "commission",
            "unit": {"exponent": 2, "name": currency},
        }
        digest = sha256(encode(record))
        return self._commissions.setdefault(digest, Plan(digest, Payer(record), 0))

    # -- sales -----------------------------------------------------------------------------------------------
    def _prove(self, order: bytes | None, data: list[bytes], new: list[Message], now: int) -> Proof:
        """What messages prove together with those of the sale; figures only rise, `keeps` only falls [R-CRED-15]."""
        file = None if order is None else self._files[order]
        before = [] if file is None else file.messages
        proof = prove(self.network, self.author, before, data, new, now, self._ever)
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

    def _sell(self, now: int, content: Map) -> None:
        """[R-CRED-13]."""
        self._admit(content["openers"])
        new = read_messages(content["messages"])
        order = new[0].deal
        file = self._files.get(order)
        proof = self._prove(order if file else None, content["messages"], new, now)
        base = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps).base
        demand(proof.newest is not None and base > 0, "no_receipt")
        if file is None:
            plan, sale, listing = self._first(now, content, proof, base)
        else:
            demand(base > file.base, "already_logged")  # [R-CRED-24]
            plan, listing = file.plan, None
            sale = replace(file.sale, gone=Fraction(0))
            self._measure(sale, file.rates, base)
        demand(content["plan"] == plan.digest, "plan_differs")
        sales = plan.payer.sold.sales
        at = len(sales) if file is None else sales.index(file.sale)
        plan.payer.sold.sales = sales[:at]  # as of the first entry [R-CRED-24]
        plan.payer.sold.settle(sale)
        awards = plan.payer.pay(sale)
        plan.payer.sold.sales = sales
        lines = [list(award[:4]) for award in awards]
        demand(content["awards"] == lines, "awards_differ")  # [R-CRED-22]
        if file is None:
            file = self._files[order] = File([], plan, sale, 0, 0, self._rates(plan, proof))
            if "listing" in proof.order and listing is not None:
                self._listings[proof.order["listing"]] = listing
        file.messages += new
        sales[at : at + 1] = [sale]
        file.sale, file.base = sale, base
        file.hold = max(file.hold, (proof.newest or 0) + plan.terms["hold_days"] * MILLISECONDS_PER_DAY)
        if proof.disputed:
            file.thawed = file.hold + FREEZE_DAYS * MILLISECONDS_PER_DAY  # [R-CRED-28]
        due = file.hold if file.thawed is None else file.thawed
        days = plan.terms.get("expiry_days")
        expires = NEVER if days is None else due + days * MILLISECONDS_PER_DAY
        known = self.effects.get(b"s" + order)
        before = known.awards if isinstance(known, Sold) else {}
        steps: dict[Any, frozenset[Step]] = dict(before)
        for award in awards:
            key = (award.to, award.rule, award.level, plan.terms["unit"]["name"])
            mine = Step(due, expires, award.amount, base)
            steps[key] = steps.get(key, frozenset()) | {mine}
        self._put(order, proof, steps)

    def _put(self, order: bytes, proof: Proof, awards: dict[Any, frozenset[Step]]) -> None:
        self.effects[b"s" + order] = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps, awards)

    def _first(self, now: int, content: Map, proof: Proof, base: int) -> tuple[Plan, Sale, str | None]:
        order = proof.order
        listing = self._listing(content, order)
        led = self._led(content, proof, listing)
        points = order.get("commission")
        if "agreement" in content:
            ally, allied = self._allied(content["agreement"], led, listing, proof.ordered)
            led, points = ([ally], allied) if ally is not None else (led, points)
        if points is not None:
            demand("currency" in order, "no_plan", "a price in credit")
            plan = self._commission(points, order["currency"])
        else:
            named = self._plans.get(order.get("plan", b""))
            agreed = named is not None and named.starts <= proof.contract
            demand(agreed and (named.ends is None or proof.ordered < named.ends), "no_plan")  # type: ignore[union-attr]
            assert named is not None
            plan = named
        if "team" in plan.terms:
            raise Lost(UNJUDGED)
        buyer = order["named"]["id"] if "named" in order else None
        sale = Sale(
            proof.start.id, now, Fraction(0), 0, led[0] if led else None, buyer, buyer or order["key"], tuple(led),
            listing, proof.start.type == "renewal", self.author, None, proof.presumed,
        )  # fmt: skip
        self._measure(sale, self._rates(plan, proof), base)
        return plan, sale, listing

    def _rates(self, plan: Plan, proof: Proof) -> tuple[Fraction, Fraction]:
        """Amount and points for one minor unit of base [R-PLAN-10] [R-CRED-21]."""
        order = proof.order
        whole = sum(part["price"] for part in order["parts"])
        besides = (order["tax"] + order["shipping"]) * proof.price // whole if whole else 0
        rate = Fraction(0)
        for each in plan.terms["currencies"]:
            if each["currency"] == order.get("currency"):
                rate = Fraction(*each["rate"])
        share = Fraction(proof.price - besides, proof.price) if proof.price else Fraction(0)
        return share * rate, Fraction(order.get("points", 0), whole or 1)

    def _measure(self, sale: Sale, rates: tuple[Fraction, Fraction], base: int) -> None:
        sale.amount, sale.points = base * rates[0], int(base * rates[1])

    def _listing(self, content: Map, order: Map) -> str | None:
        """[R-CRED-17]."""
        if "listing" not in order:
            demand("listing" not in content, "listing_differs", "of none")
            return None
        if "listing" not in content:
            demand(order["listing"] in self._listings, "listing_differs", "none before")
            return self._listings[order["listing"]]
        try:
            entry = read_entry(content["listing"])
            record = read_record(entry.header.kind, entry.record or b"")
        except Fault as fault:
            raise Fault("listing_differs", str(fault)) from fault
        same = entry.id == order["listing"] and entry.header.author == self.author
        demand(same and entry.header.kind == _LISTING, "listing_differs")
        key: str = record["key"]
        return key

    def _led(self, content: Map, proof: Proof, listing: str | None) -> list[bytes]:
        """Who led the buyer, nearest first [R-CRED-16]."""
        order = proof.order
        demand(("path" in order) == ("path" in content), "path_differs")
        if "path" not in order:
            return []
        try:
            tokens = [read_token(each) for each in read_path(content["path"])[1]]
        except Fault as fault:
            raise Fault("path_differs", str(fault)) from fault
        demand(hash_of(self.network, content["path"]) == order["path"], "path_differs", "another path")
        for token in tokens:
            other = listing is not None and token.get("listing", listing) != listing
            if other or token["expires"] <= proof.ordered or token["seller"] != self.author:
                return []
        for token in tokens:
            keys = self._ever(token["referrer"], token["epoch"])
            demand(bool(keys), "openers", "of a referrer")
            if not any(_passes(check_token, self.network, token, key) for key in keys):
                return []
        return [token["referrer"] for token in reversed(tokens)]

    def _allied(
        self, data: bytes, led: list[bytes], listing: str | None, at: int
    ) -> tuple[bytes | None, int]:
        """The partner who is paid, and how much, by an agreement [R-CRED-18] [R-ALLY-5]."""
        agreement = teams.read_agreement(data)
        for side in ("first", "second"):
            keys = self._ever(agreement[side]["id"], agreement[side]["epoch"])
            held = any(teams.agreed_by(self.network, agreement, side, key) for key in keys)
            demand(held, "not_signed", "an agreement")
        partners = {agreement[side]["id"]: agreement[side] for side in ("first", "second")}
        mine = partners.pop(self.author, None)
        [(other, _), *_] = partners.items()
        covers = mine is not None and ("listings" not in mine or listing in mine["listings"])
        holds = agreement["from"] <= at < agreement.get("until", at + 1)
        return (other, mine["points"]) if covers and holds and other in led and mine else (None, 0)

    def _refund(self, now: int, record: Map) -> None:
        """[R-CRED-25]."""
        self._admit(record["openers"])
        order = record["order"]
        demand(order in self._files, "no_sale")
        file, sold = self._files[order], self.effects[b"s" + order]
        assert isinstance(sold, Sold)
        new = read_messages(record["messages"])
        proof = self._prove(order, record["messages"], new, now)
        after = Sold(proof.earned, proof.paid, proof.refunded, proof.keeps)
        demand(after.base < sold.base, "no_reduction")
        demand(after.base == record["base"], "base_differs")
        grace = LOGGING_DAYS * MILLISECONDS_PER_DAY
        last = file.hold if file.thawed is None else max(file.hold, file.thawed + grace)
        demand(now <= last, "hold_over")
        file.sale.gone += Fraction(sold.base - after.base, file.base)
        file.messages += new
        self._put(order, proof, dict(sold.awards))

    def _freeze(self, now: int, record: Map) -> None:
        """[R-CRED-28] [R-CRED-29]."""
        self._admit(record["openers"])
        order = record["order"]
        demand(order in self._files, "no_sale")
        file, sold = self._files[order], self.effects[b"s" + order]
        assert isinstance(sold, Sold)
        new = read_messages(record["messages"])
        proof = prove(self.network, self.author, file.messages, record["messages"], new, now, self._ever)
        frozen = file.thawed is not None and now < file.thawed
        demand(not (proof.disputed and frozen), "already_logged")
        demand(proof.disputed or frozen, "no_dispute")
        demand(not proof.disputed or now <= file.hold, "hold_over")
        long = file.hold + FREEZE_DAYS * MILLISECONDS_PER_DAY
        due = file.thawed = long if proof.disputed else max(file.hold, now)
        file.messages += new

        def moved(step: Step) -> Step:
            if step.due <= now:
                return step
            expires = step.expires if step.expires == NEVER else step.expires - step.due + due
            return Step(due, expires, step.amount, step.base)

        awards = {key: frozenset(map(moved, steps)) for key, steps in sold.awards.items()}
        self.effects[b"s" + order] = replace(sold, awards=awards)

    # -- movements -------------------------------------------------------------------------------------------
    def _holding(self, unit: str, holder: bytes, now: int) -> Holding:
        return Holding(self.effects, unit, holder, now)

    def _move(self, kind: int, now: int, record: Map) -> None:
        """[R-CRED-34]."""
        self._admit(record["openers"])
        request = read_statement("credit request", record["request"])
        asked = request["issuer"] == self.author and request["action"] == _ACTIONS[kind]
        demand(asked, "names_differ")
        own = statement_id(self.network, "credit request", request)
        demand(b"m" + own not in self.effects, "already_logged")
        holder, unit = request["holder"], request["unit"]
        self._signed("credit request", request, self._now(holder, request["epoch"]))
        demand(not self._contested(holder), "contested_holder")
        demand(now < request["expires"], "request_over")
        demand(self._counters.get((holder, request["counter"]), own) == own, "counter")
        to, limit = request.get("recipient", b""), None
        if kind == 30:
            demand("limit" in record, "no_limit", "no member")
            limit = read_statement("credit limit", record["limit"])
            about = (limit["holder"], limit["issuer"], limit["unit"])
            demand(about == (to, self.author, unit), "names_differ", "the limit")
            self._signed("credit limit", limit, self._now(to, limit["epoch"]))
            newest = self._limits.get((to, unit), 0)
            demand(now < limit["expires"] and limit["counter"] >= newest, "no_limit")
        mine = self._holding(unit, holder, now)
        demand(request["amount"] <= mine.available, "not_covered")
        lots = mine.choose(request["amount"], 0 if limit is None else limit.get("lasts", 0))
        demand(sum(amount for _, amount in lots) == request["amount"], "not_covered", "that lasts")
        if limit is not None:
            after = self._holding(unit, to, now).balance + request["amount"]
            demand(after <= limit["amount"], "over_limit")
            self._limits[to, unit] = limit["counter"]
        self._counters[holder, request["counter"]] = own
        self.effects[b"m" + own] = Moved(
            request["action"], unit, holder, to, request["amount"], request["counter"], lots
        )

    def _release(self, record: Map) -> None:
        """[R-CRED-58]."""
        self._admit(record["openers"])
        release = read_statement("credit release", record["release"])
        demand(release["issuer"] == self.author, "names_differ")
        self._signed("credit release", release, self._now(release["holder"], release["epoch"]))

    # -- swaps -----------------------------------------------------------------------------------------------
    def _alone(self, openers: Sequence[Any]) -> Ledger:
        """What stands by its own bytes is judged by these openers alone."""
        other = Ledger(self.network, self.author)
        other._admit(openers)
        return other

    def _standing(self, entry: Entry, record: Map) -> bytes:
        """The id of the document of a lock or swap that stands [R-CRED-44] [R-CRED-46]."""
        alone = self._alone(record["openers"])
        document = read_statement("credit swap", record["document"])
        locks = entry.header.kind == _LOCK
        leg = document["first" if locks else "second"]
        demand(leg["issuer"] == entry.header.author and (locks or "lock" in record), "names_differ")
        demand(entry.header.time < document["until"], "request_over")
        for side, signature in zip(("first", "second"), document["signatures"], strict=True):
            keys = alone._ever(document[side]["holder"], document[side]["epoch"])
            held = any(signed_by(self.network, "credit swap", document, key, signature) for key in keys)
            demand(held, "not_signed", side)
        own = statement_id(self.network, "credit swap", document)
        if not locks:
            lock = self._embedded(record["lock"], document["first"]["issuer"], _LOCK, alone._ever, "no_lock")
            demand(self._decides(lock, own), "no_lock")
        return own

    def _embedded(
        self,
        proof: Sequence[Any],
        author: bytes,
        kind: int,
        keys: Callable[[bytes, int], list[bytes]],
        code: str,
    ) -> Entry:
        """The first of consecutive entries of another log, the last of which is signed."""
        try:
            entries = [read_entry(each) for each in proof]
        except Fault as fault:
            raise Fault(code, str(fault)) from fault
        first, last = entries[0], entries[-1]
        whole = all(links(below, above) for below, above in pairwise(entries))
        demand(whole and first.header.author == author and first.header.kind == kind, code)
        demand(first.place == last.place, code, "two terms")
        demand(
            any(last.signed(self.network, key) for key in keys(author, last.header.epoch)), code, "unsigned"
        )
        return first

    def _decides(self, entry: Entry, document: bytes) -> bool:
        """Whether an entry is a lock or swap of a document, and stands."""
        try:
            record = read_record(entry.header.kind, entry.record or b"")
            return self._standing(entry, record) == document
        except Fault:
            return False

    def _lock(self, entry: Entry, record: Map) -> None:
        """[R-CRED-45]."""
        own = self._standing(entry, record)
        demand(b"w" + own not in self.effects, "already_logged")
        document = read_statement("credit swap", record["document"])
        side = self._side(entry, own, document["first"], document["second"]["holder"], record["openers"])
        self.effects[b"w" + own] = replace(side, stage="locked")

    def _swap(self, entry: Entry, record: Map) -> None:
        """[R-CRED-47] [R-CRED-48] [R-CRED-49]."""
        if "lock" in record:
            own = self._standing(entry, record)
            demand(b"w" + own not in self.effects, "already_logged")
            document = read_statement("credit swap", record["document"])
            side = self._side(entry, own, document["second"], document["first"]["holder"], record["openers"])
            self.effects[b"w" + own] = side
            return
        document = read_statement("credit swap", record["document"])
        own = statement_id(self.network, "credit swap", document)
        known = self.effects.get(b"w" + own)
        mine = isinstance(known, Moved) and document["first"]["issuer"] == self.author
        demand(mine, "no_lock")
        assert isinstance(known, Moved)
        other = document["second"]["issuer"]
        if "swap" in record:
            self._admit(record["openers"])
            swap = self._embedded(record["swap"], other, _SWAP, self._now, "no_swap")
            demand(self._decides(swap, own), "no_swap")
            given = True
        else:
            given = self._pinned(document, record["pins"], own)
        after = ended(known, "given" if given else "back")
        demand(after is not None, "already_logged")
        assert after is not None
        self.effects[b"w" + own] = after

    def _pinned(self, document: Map, pins: Sequence[Any], own: bytes) -> bool:
        """Whether the other issuer swapped between two places of its log [R-CRED-49]."""
        demand(pins[0] == document["head"], "no_swap", "another place")
        for log in self._others:
            at = {entry.id: place for place, entry in enumerate(log)}
            author = log[0].header.author == document["second"]["issuer"]
            if author and pins[1][1] in at and log[at[pins[1][1]]].seq == pins[1][0]:
                low, high = at.get(pins[0][1]), at[pins[1][1]]
                demand(low is not None and low < high, "no_swap", "no descent")
                demand(log[high].header.time >= document["until"], "no_swap", "too early")
                between = log[(low or 0) + 1 : high + 1]
                return any(each.header.kind == _SWAP and self._decides(each, own) for each in between)
        raise Lost(UNKNOWN)

    def _side(self, entry: Entry, own: bytes, leg: Map, to: bytes, openers: Sequence[Any]) -> Moved:
        """[R-CRED-50] [R-CRED-51]."""
        _passes(self._admit, openers)
        holder, counter, unit = leg["holder"], leg["counter"], leg["unit"]
        free = self._counters.setdefault((holder, counter), own) == own
        bound = free and bool(self._now(holder, leg["epoch"])) and not self._contested(holder)
        lots: Lots = ()
        if bound:
            mine = self._holding(unit, holder, entry.header.time)
            lots = mine.choose(min(leg["amount"], mine.available))
        rest = leg["amount"] - sum(amount for _, amount in lots)
        if rest:
            sums = dict(lots)
            sums[NEVER] = sums.get(NEVER, 0) + rest
            lots = tuple(sorted(sums.items()))
        who = holder if bound else self.author
        return Moved("swap", unit, who, to, leg["amount"], counter if bound else None, lots)


def _passes(act: Callable[..., Any], *arguments: Any) -> bool:
    try:
        act(*arguments)
    except Fault:
        return False
    return True
