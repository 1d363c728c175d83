"""A ledger written the slow way: figures are worked out anew from the list of all that ever happened.

Nothing here is shared with `protocol.ledger`. A sale follows one of two plans. By the one, 10, 5 and 1 per cent of the
base, rounded down, go to the referrer and two above, at once. By the other everybody has, when a month is closed, 5 per
cent of what the own group sold up to `STEP` and 10 of what is above, less what the groups right below have so. That
one may be changed once, to 7 and 12 per cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FOREVER = 2**53 - 1
DAY = 24 * 3_600_000
PERCENT = (10, 5, 1)
STEP = 10_000
MONTHLY = ((5, 10), (7, 12))
STAGES = ("locked", "back", "given")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def month_of(time: int) -> tuple[int, int]:
    """First moment of the month of a moment, and of the next."""
    begins = (EPOCH + timedelta(milliseconds=time)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = (begins + timedelta(days=32)).replace(day=1)
    first, next_ = ((each - EPOCH) // timedelta(milliseconds=1) for each in (begins, ends))
    return first, next_


@dataclass(frozen=True)
class Proof:
    """What the messages of a deal come to; `newest` is the date of the last that makes a base, -1 without one."""

    earned: int
    paid: int
    refunded: int
    newest: int
    keeps: int | None = None
    disputed: bool = False


@dataclass
class NaiveSale:
    """One order: what was proved of it, and the awards of each entry that raised it."""

    line: list[str]
    hold_ms: int
    expiry_ms: int | None
    plan: int | None
    time: int
    earned: int = 0
    paid: int = 0
    refunded: int = 0
    keeps: int | None = None
    taken: int = 0
    hold: int = 0
    frozen: bool = False
    thaws: int | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[list[int]] = field(default_factory=list)  # month, volume that counts in it

    def base(self) -> int:
        earned = self.earned if self.keeps is None else self.keeps
        return max(0, min(earned, self.paid - self.refunded))

    def with_(self, proof: Proof) -> tuple[int, int, int, int | None]:
        known = [each for each in (self.keeps, proof.keeps) if each is not None]
        return (
            max(self.earned, proof.earned),
            max(self.paid, proof.paid),
            max(self.refunded, proof.refunded),
            min(known, default=None),
        )

    def based(self, proof: Proof) -> int:
        """The base with what is proved now."""
        earned, paid, refunded, keeps = self.with_(proof)
        return max(0, min(earned if keeps is None else keeps, paid - refunded))

    def learn(self, proof: Proof) -> None:
        self.earned, self.paid, self.refunded, self.keeps = self.with_(proof)


@dataclass
class NaivePlan:
    """One monthly plan: since when it holds, until when, and the end of its last month that was closed."""

    starts: int
    ends: int | None = None
    closed: int | None = None


Gain = tuple[int, int, int]  # expiry, gross, net


class Naive:
    """Every sale, movement and swap, as lists."""

    def __init__(
        self, sponsors: Mapping[str, str | None], hold_days: int, expiry_days: int | None, begins: int
    ) -> None:
        self.sponsors = sponsors
        self.hold_ms = hold_days * DAY
        self.expiry_ms = None if expiry_days is None else expiry_days * DAY
        self.plans = [NaivePlan(begins)]
        self.sales: dict[bytes, NaiveSale] = {}
        self.moves: dict[bytes, dict[str, Any]] = {}
        self.swaps: dict[bytes, dict[str, Any]] = {}
        self.months: dict[tuple[int, int, str, int], dict[str, Any]] = {}  # plan, month, who, step -> award
        self.counters: dict[tuple[str, int], Any] = {}
        self.limits: dict[str, int] = {}
        self.epochs: dict[str, int] = defaultdict(int)
        self.contested: set[str] = set()
        self.released: set[tuple[str, bytes]] = set()
        self.replies: dict[bytes, tuple[int, str | None]] = {}

    # -- sales -----------------------------------------------------------------------------------------------
    def line_of(self, who: str) -> list[str]:
        found: list[str] = []
        above: str | None = who
        while above is not None:
            found.append(above)
            above = self.sponsors[above]
        return found

    def sale(self, id: bytes, who: str, proof: Proof, now: int, plan: int | None) -> str | None:
        """A sale entry with everything that is proved by now; the code why it is void. `plan`: the monthly one."""
        known = self.sales.get(id)
        one = known or NaiveSale(self.line_of(who), self.hold_ms, self.expiry_ms, plan, now)
        base = one.based(proof)
        if base == 0 or proof.newest < 0:
            return "no_receipt"
        if known is not None and base <= known.taken:
            return "already_logged"
        before = one.base() if known else 0
        one.learn(proof)
        one.taken = base
        one.hold = max(one.hold, proof.newest + one.hold_ms)
        if proof.disputed:
            one.frozen = True
            one.thaws = one.hold + 60 * DAY
        self.sales[id] = one
        if plan is not None:
            self._sell(one, base - before, now, self.plans[plan].closed)
            return None
        due = one.hold if one.thaws is None else max(one.hold, one.thaws)
        if proof.disputed:
            self._move(one, now, due)
        amounts = {name: base * share // 100 for name, share in zip(one.line, PERCENT, strict=False)}
        expires = FOREVER if one.expiry_ms is None else due + one.expiry_ms
        one.steps.append({"due": due, "expires": expires, "amounts": amounts, "base": base})
        return None

    def _sell(self, one: NaiveSale, more: int, now: int, closed: int | None) -> None:
        """Volume of a month: that of the first entry as long as it is open, else that of this one."""
        month = month_of(one.time)[0]
        if closed is not None and month < closed:
            month = max(month_of(now)[0], closed)
        if one.volumes and one.volumes[-1][0] == month:
            one.volumes[-1][1] += more
        else:
            one.volumes.append([month, more])

    def refund(self, id: bytes, proof: Proof, stated: int, now: int) -> str | None:
        one = self.sales.get(id)
        if one is None:
            return "no_sale"
        base = one.based(proof)
        if base >= one.base():
            return "no_reduction"
        if base != stated:
            return "base_differs"
        last = one.hold if one.thaws is None else max(one.hold, one.thaws + 14 * DAY)
        if now > last:
            return "hold_over"
        gone = one.base() - base
        one.learn(proof)
        for volume in reversed(one.volumes):  # what came last goes first
            part = min(gone, volume[1])
            volume[1] -= part
            gone -= part
            for (plan, month, who, _), award in self.months.items():
                if (plan, month) == (one.plan, volume[0]) and who in one.line:
                    award["gone"] += min(part, award["volume"])
        return None

    def freeze(self, id: bytes, disputed: bool, now: int) -> str | None:
        one = self.sales.get(id)
        if one is None:
            return "no_sale"
        stands = one.frozen and one.thaws is not None and now < one.thaws
        if disputed and stands:
            return "already_logged"
        if not disputed and not stands:
            return "no_dispute"
        if disputed and now > one.hold:
            return "hold_over"
        one.frozen = True
        one.thaws = one.hold + 60 * DAY if disputed else max(one.hold, now)
        self._move(one, now, one.thaws)
        return None

    def _move(self, one: NaiveSale, now: int, due: int) -> None:
        """What is pending gets another date, and expires as long after it as before."""
        for step in one.steps:
            if step["due"] > now:
                if step["expires"] != FOREVER:
                    step["expires"] += due - step["due"]
                step["due"] = due

    # -- months ----------------------------------------------------------------------------------------------
    def change_plan(self, now: int, notice: int) -> None:
        """The changed plan holds after its notice, and ends the one before."""
        starts = max(now, self.plans[-1].starts) + notice
        self.plans[-1].ends = starts
        self.plans.append(NaivePlan(starts))

    def month(self, plan: int, begins: int) -> list[tuple[str, int, int, int]]:
        """What the members have of a month as things stand: who, step, amount, volume; the volume may not be whole."""
        group: dict[str, int] = defaultdict(int)
        for one in self.sales.values():
            for month, volume in one.volumes:
                if (one.plan, month) == (plan, begins):
                    for who in one.line:
                        group[who] += volume
        low, high = MONTHLY[plan]

        def worth(volume: int) -> int:  # hundredths
            return low * min(volume, STEP) + high * max(0, volume - STEP)

        found = []
        for who in self.sponsors:
            below = sum(worth(group[name]) for name, above in self.sponsors.items() if above == who)
            amount = (worth(group[who]) - below) // 100
            if amount:
                found.append((who, 1 if group[who] < STEP else 2, amount, group[who]))
        return found

    def close(self, plan: int, begins: int, ends: int, right: bool, now: int) -> str | None:
        held = self.plans[plan]
        if held.closed is not None and ends <= held.closed:
            return "already_logged"
        if month_of(begins) != (begins, ends) or ends > now:
            return "period"
        later = (
            volume
            for one in self.sales.values()
            for month, volume in one.volumes
            if one.plan == plan and month >= begins
        )
        if ends <= held.starts or (held.ends is not None and begins >= held.ends and not any(later)):
            return "period"
        if held.closed is not None and begins != held.closed:
            return "period"
        if not right:
            return "awards_differ"
        due = now + self.hold_ms
        expires = FOREVER if self.expiry_ms is None else due + self.expiry_ms
        for who, step, amount, volume in self.month(plan, begins):
            self.months[plan, begins, who, step] = {
                "steps": [(due, expires, amount, volume)], "volume": volume, "gone": 0
            }  # fmt: skip
        held.closed = ends
        return None

    # -- figures ---------------------------------------------------------------------------------------------
    def awards(self, who: str) -> Iterator[tuple[int | None, list[tuple[int, int, int, int]], int]]:
        """All that somebody was awarded: (due, expires, amount, base) of each entry, and the base that stands."""
        for one in self.sales.values():
            steps = [
                (step["due"], step["expires"], step["amounts"][who], step["base"])
                for step in one.steps
                if who in step["amounts"]
            ]
            yield one.base(), steps, 0
        for (_, _, name, _), award in self.months.items():
            if name == who:
                yield None, award["steps"], award["gone"]

    def posted(self, who: str, now: int) -> list[Gain]:
        """(expiry, gross, net) of everything awarded to somebody that is due."""
        found = []
        for stands, steps, gone in self.awards(who):
            gross, net = 0, 0
            for due, expires, amount, base in sorted(steps):
                if due > now:
                    continue
                remains = base - gone if stands is None else stands
                left = amount if remains >= base else max(0, amount * remains // base)
                found.append((expires, max(0, amount - gross), max(0, left - net)))
                gross, net = max(gross, amount), max(net, left)
        return found

    def pending(self, who: str, now: int) -> int:
        whole = sum(net for _, _, net in self.posted(who, FOREVER))
        return whole - sum(net for _, _, net in self.posted(who, now))

    def classes(self, who: str, posted: list[Gain]) -> dict[int, int]:
        """What somebody has, by expiry, as if nothing had expired."""
        sums: dict[int, int] = defaultdict(int)
        for expires, _, net in posted:
            sums[expires] += net
        for move in self.moves.values():
            for expires, amount in move["lots"]:
                if move["holder"] == who:
                    sums[expires] -= amount
                if move["to"] == who:
                    sums[expires] += amount
        for swap in self.swaps.values():
            if swap["stage"] == "given":
                for expires, amount in swap["lots"]:
                    if swap["holder"] == who:
                        sums[expires] -= amount
                if swap["to"] == who:
                    sums[FOREVER] += swap["amount"]
        return sums

    def locks(self, who: str) -> dict[int, int]:
        sums: dict[int, int] = defaultdict(int)
        for swap in self.swaps.values():
            if swap["stage"] == "locked" and swap["holder"] == who:
                for expires, amount in swap["lots"]:
                    sums[expires] += amount
        return sums

    def doubled(self, who: str) -> int:
        """What somebody moved by counters that were used twice, but for the largest of each."""
        used: dict[int, list[int]] = defaultdict(list)
        for each in (*self.moves.values(), *(s for s in self.swaps.values() if s["stage"] == "given")):
            if each["holder"] == who and each["counter"] is not None:
                used[each["counter"]].append(each["amount"])
        return sum(sum(amounts) - max(amounts) for amounts in used.values())

    def figures(self, who: str, now: int) -> dict[str, int]:
        """All figures of somebody."""
        posted = self.posted(who, now)
        classes, locks = self.classes(who, posted), self.locks(who)
        given = [swap for swap in self.swaps.values() if swap["stage"] == "given"]
        mine = [move for move in self.moves.values() if move["holder"] == who]
        sent = sum(move["amount"] for move in mine if move["kind"] == "transfer")
        sent += sum(swap["amount"] for swap in given if swap["holder"] == who)
        received = sum(move["amount"] for move in self.moves.values() if move["to"] == who)
        received += sum(swap["amount"] for swap in given if swap["to"] == who)
        redeemed = sum(move["amount"] for move in mine if move["kind"] == "redeem")
        paid_out = sum(move["amount"] for move in mine if move["kind"] == "payout")
        awarded = sum(gross for _, gross, _ in posted)
        total = sum(classes.values())
        over = sum(
            max(0, amount - locks.get(expires, 0)) for expires, amount in classes.items() if expires <= now
        )
        expired = min(over, max(0, total))
        short = max(0, sent + redeemed + paid_out - awarded - received)
        uncovered = max(0, short - self.doubled(who))
        return {
            "signed": total - expired + uncovered,
            "locked": sum(locks.values()),
            "pending": self.pending(who, now),
            "awarded": awarded,
            "clawed": awarded - sum(net for _, _, net in posted),
            "received": received,
            "sent": sent,
            "redeemed": redeemed,
            "paid_out": paid_out,
            "expired": expired,
            "uncovered": uncovered,
        }

    def available(self, who: str, now: int) -> int:
        figures = self.figures(who, now)
        return max(0, max(0, figures["signed"]) - figures["locked"])

    def choose(self, who: str, amount: int, now: int, lasts: int = 0) -> list[tuple[int, int]]:
        """What expires first is used first."""
        classes, locks = self.classes(who, self.posted(who, now)), self.locks(who)
        lots = []
        for expires in sorted(classes):
            free = classes[expires] - locks.get(expires, 0)
            part = min(free, amount)
            if part > 0 and expires > now and expires >= lasts:
                lots.append((expires, part))
                amount -= part
        return lots

    def outstanding(self, now: int, people: Iterable[str]) -> tuple[int, int]:
        """The sum of all figures, and what issue and return come to."""
        every = [self.figures(who, now) for who in people]

        def column(name: str) -> int:
            return sum(each[name] for each in every)

        right = column("awarded") + column("uncovered")
        for name in ("redeemed", "paid_out", "clawed", "expired"):
            right -= column(name)
        return column("signed"), right

    # -- whose key counts ------------------------------------------------------------------------------------
    def rekey(self, who: str, epoch: int, *, twin: bool = False) -> None:
        """Rotations up to an epoch that the log embeds; `twin`: and a second one to it."""
        if epoch > self.epochs[who]:
            self.epochs[who] = epoch
            self.contested.discard(who)
        if twin:
            self.contested.add(who)

    def release(self, who: str, about: bytes, epoch: int) -> str | None:
        if epoch != self.epochs[who]:
            return "not_signed"
        self.released.add((who, about))
        return None

    def answer(self, challenge: bytes, entry: int | None, reason: str | None, seq: int) -> str | None:
        if entry is not None and entry >= seq:
            return "no_entry"
        if entry is not None:
            self.replies[challenge] = (entry, None)
        else:
            self.replies.setdefault(challenge, (seq, reason))
        return None

    # -- movements -------------------------------------------------------------------------------------------
    def move(
        self,
        id: bytes,
        kind: str,
        who: str,
        to: str | None,
        amount: int,
        counter: int,
        epoch: int,
        now: int,
        *,
        limit: tuple[int, int, int] | None = None,
        member: bool = False,
        lasts: int = 0,
        over: bool = False,
    ) -> str | None:
        """A movement; `limit` is (amount, counter, epoch) of the recipient."""
        if id in self.moves:
            return "already_logged"
        if epoch != self.epochs[who]:
            return "not_signed"
        if who in self.contested:
            return "contested_holder"
        if over:
            return "request_over"
        if self.counters.get((who, counter), id) != id:
            return "counter"
        if kind == "transfer":
            assert to is not None
            if limit is None and not member:
                return "no_limit"
            if limit is not None and limit[2] != self.epochs[to]:
                return "not_signed"
            if limit is not None and limit[1] < self.limits.get(to, 0):
                return "no_limit"
        lots = self.choose(who, amount, now, lasts)
        if self.available(who, now) < amount or sum(part for _, part in lots) < amount:
            return "not_covered"
        if kind == "transfer" and limit is not None:
            assert to is not None
            if max(0, self.figures(to, now)["signed"]) + amount > limit[0]:
                return "over_limit"
            self.limits[to] = limit[1]
        self.counters[who, counter] = id
        self.moves[id] = {
            "kind": kind, "holder": who, "to": to, "amount": amount, "counter": counter, "lots": lots
        }  # fmt: skip
        return None

    # -- swaps -----------------------------------------------------------------------------------------------
    def lock(
        self,
        id: bytes,
        who: str,
        to: str,
        amount: int,
        counter: int,
        epoch: int,
        now: int,
        *,
        over: bool,
        given: bool,
    ) -> str | None:
        """A lock, or the second issuer's swap (`given`)."""
        if over:
            return "request_over"
        if id in self.swaps:
            return "already_logged"
        self.rekey(who, epoch)
        free = self.counters.setdefault((who, counter), ("swap", id)) == ("swap", id)
        bound = free and epoch == self.epochs[who] and who not in self.contested
        lots = self.choose(who, min(amount, self.available(who, now)), now) if bound else []
        rest = amount - sum(part for _, part in lots)
        classes = dict(lots)
        if rest:
            classes[FOREVER] = classes.get(FOREVER, 0) + rest
        self.swaps[id] = {
            "holder": who if bound else "issuer", "to": to, "amount": amount, "lots": sorted(classes.items()),
            "stage": "given" if given else "locked", "counter": counter if bound else None,
        }  # fmt: skip
        return None

    def unlock(self, id: bytes, given: bool) -> str | None:
        if id not in self.swaps:
            return "no_lock"
        stage = "given" if given else "back"
        if STAGES.index(stage) <= STAGES.index(self.swaps[id]["stage"]):
            return "already_logged"
        self.swaps[id] = {**self.swaps[id], "stage": stage}
        return None
