"""A ledger written the slow way: figures are worked out anew from the list of all that ever happened.

Nothing here is shared with `protocol.ledger`. Awards are those of one plan: 10, 5 and 1 per cent of the base, rounded
down, to the referrer and two above.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

FOREVER = 2**53 - 1
DAY = 24 * 3_600_000
PERCENT = (10, 5, 1)


@dataclass
class NaiveSale:
    """One order: what was proved of it, and the awards of each entry that raised it."""

    line: list[str]
    hold_ms: int
    expiry_ms: int | None
    earned: int = 0
    paid: int = 0
    refunded: int = 0
    taken: int = 0
    hold: int = 0
    frozen: bool = False
    thaws: int | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    def base(self) -> int:
        return max(0, min(self.earned, self.paid - self.refunded))


class Naive:
    """Every sale, movement and swap, as lists."""

    def __init__(self, sponsors: dict[str, str | None], hold_days: int, expiry_days: int | None) -> None:
        self.sponsors = sponsors
        self.hold_ms = hold_days * DAY
        self.expiry_ms = None if expiry_days is None else expiry_days * DAY
        self.sales: dict[int, NaiveSale] = {}
        self.moves: list[dict[str, Any]] = []
        self.swaps: dict[int, dict[str, Any]] = {}
        self.counters: dict[tuple[str, int], Any] = {}
        self.limits: dict[str, int] = {}

    # -- sales -----------------------------------------------------------------------------------------------
    def line_of(self, who: str) -> list[str]:
        found: list[str] = []
        above: str | None = who
        while above is not None and len(found) < len(PERCENT):
            found.append(above)
            above = self.sponsors[above]
        return found

    def sale(
        self,
        number: int,
        who: str,
        earned: int,
        paid: int,
        refunded: int,
        newest: int,
        now: int,
        disputed: bool,
    ) -> str | None:
        """A sale entry with everything that is proved by now; the code why it is void."""
        known = self.sales.get(number)
        one = known or NaiveSale(self.line_of(who), self.hold_ms, self.expiry_ms)
        base = max(0, min(max(earned, one.earned), max(paid, one.paid) - max(refunded, one.refunded)))
        if base == 0 or newest < 0:
            return "no_receipt"
        if known is not None and base <= known.taken:
            return "already_logged"
        one.earned, one.paid = max(earned, one.earned), max(paid, one.paid)
        one.refunded = max(refunded, one.refunded)
        one.taken = base
        one.hold = max(one.hold, newest + one.hold_ms)
        if disputed:
            one.frozen = True
            one.thaws = one.hold + 60 * DAY
        due = one.hold if one.thaws is None else one.thaws
        amounts = {name: base * share // 100 for name, share in zip(one.line, PERCENT, strict=False)}
        expires = FOREVER if one.expiry_ms is None else due + one.expiry_ms
        one.steps.append({"due": due, "expires": expires, "amounts": amounts, "base": base})
        self.sales[number] = one
        return None

    def refund(self, number: int, earned: int, paid: int, refunded: int, stated: int, now: int) -> str | None:
        one = self.sales.get(number)
        if one is None:
            return "no_sale"
        earned, paid, refunded = max(earned, one.earned), max(paid, one.paid), max(refunded, one.refunded)
        base = max(0, min(earned, paid - refunded))
        if base >= one.base():
            return "no_reduction"
        if base != stated:
            return "base_differs"
        last = one.hold if one.thaws is None else max(one.hold, one.thaws + 14 * DAY)
        if now > last:
            return "hold_over"
        one.earned, one.paid, one.refunded = earned, paid, refunded
        return None

    def freeze(self, number: int, disputed: bool, now: int) -> str | None:
        one = self.sales.get(number)
        if one is None:
            return "no_sale"
        stands = one.frozen and one.thaws is not None and now < one.thaws
        if disputed and stands:
            return "already_logged"
        if not disputed and not stands:
            return "no_dispute"
        if disputed and (one.frozen or now > one.hold):
            return "hold_over"
        one.frozen = True
        one.thaws = one.hold + 60 * DAY if disputed else max(one.hold, now)
        for step in one.steps:
            if step["due"] > now:
                if step["expires"] != FOREVER:
                    step["expires"] += one.thaws - step["due"]
                step["due"] = one.thaws
        return None

    # -- figures ---------------------------------------------------------------------------------------------
    def posted(self, who: str, now: int) -> list[tuple[int, int, int]]:
        """(expiry, gross, net) of everything awarded to somebody that is due."""
        found = []
        for one in self.sales.values():
            base, gross, net = one.base(), 0, 0
            for step in sorted(one.steps, key=lambda each: (each["due"], each["expires"])):
                if step["due"] > now or who not in step["amounts"]:
                    continue
                amount = step["amounts"][who]
                left = amount if base >= step["base"] else amount * base // step["base"]
                found.append((step["expires"], max(0, amount - gross), max(0, left - net)))
                gross, net = max(gross, amount), max(net, left)
        return found

    def pending(self, who: str, now: int) -> int:
        whole = sum(net for _, _, net in self.posted(who, FOREVER))
        return whole - sum(net for _, _, net in self.posted(who, now))

    def classes(self, who: str, now: int) -> dict[int, int]:
        """What somebody has, by expiry, as if nothing had expired."""
        sums: dict[int, int] = defaultdict(int)
        for expires, _, net in self.posted(who, now):
            sums[expires] += net
        for move in self.moves:
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

    def figures(self, who: str, now: int) -> dict[str, int]:
        """All figures of somebody."""
        posted = self.posted(who, now)
        classes, locks = self.classes(who, now), self.locks(who)
        given = [swap for swap in self.swaps.values() if swap["stage"] == "given"]
        mine = [move for move in self.moves if move["holder"] == who]
        sent = sum(move["amount"] for move in mine if move["kind"] == "transfer")
        sent += sum(swap["amount"] for swap in given if swap["holder"] == who)
        received = sum(move["amount"] for move in self.moves if move["to"] == who)
        received += sum(swap["amount"] for swap in given if swap["to"] == who)
        redeemed = sum(move["amount"] for move in mine if move["kind"] == "redeem")
        paid_out = sum(move["amount"] for move in mine if move["kind"] == "payout")
        awarded = sum(gross for _, gross, _ in posted)
        total = sum(classes.values())
        over = sum(
            max(0, amount - locks.get(expires, 0)) for expires, amount in classes.items() if expires <= now
        )
        expired = min(over, max(0, total))
        uncovered = max(0, sent + redeemed + paid_out - awarded - received)
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
        classes, locks = self.classes(who, now), self.locks(who)
        lots = []
        for expires in sorted(classes):
            free = classes[expires] - locks.get(expires, 0)
            part = min(free, amount)
            if part > 0 and expires > now and expires >= lasts:
                lots.append((expires, part))
                amount -= part
        return lots

    # -- movements -------------------------------------------------------------------------------------------
    def move(
        self,
        id: int,
        kind: str,
        who: str,
        to: str | None,
        amount: int,
        counter: int,
        now: int,
        *,
        limit: tuple[int, int] | None = None,
        member: bool = False,
        lasts: int = 0,
        over: bool = False,
    ) -> str | None:
        """A movement; `limit` is (amount, counter) of the recipient."""
        if any(move["id"] == id for move in self.moves):
            return "already_logged"
        if over:
            return "request_over"
        if self.counters.get((who, counter), id) != id:
            return "counter"
        if kind == "transfer":
            assert to is not None
            if limit is None and not member:
                return "no_limit"
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
        self.moves.append({"id": id, "kind": kind, "holder": who, "to": to, "amount": amount, "lots": lots})
        return None

    # -- swaps -----------------------------------------------------------------------------------------------
    def lock(
        self,
        id: int,
        who: str,
        to: str,
        amount: int,
        counter: int,
        now: int,
        *,
        over: bool,
        given: bool = False,
    ) -> str | None:
        """A lock, or the second issuer's swap (`given`)."""
        if over:
            return "request_over"
        if id in self.swaps:
            return "already_logged"
        holder = who if self.counters.setdefault((who, counter), ("swap", id)) == ("swap", id) else "issuer"
        lots = (
            self.choose(holder, min(amount, self.available(holder, now)), now) if holder != "issuer" else []
        )
        rest = amount - sum(part for _, part in lots)
        stage = "given" if given else "locked"
        self.swaps[id] = {
            "holder": holder, "to": to, "amount": amount, "stage": stage, "lots": [*lots, (FOREVER, rest)],
        }  # fmt: skip
        return None

    def unlock(self, id: int, given: bool) -> str | None:
        if id not in self.swaps:
            return "no_lock"
        stages = ["locked", "back", "given"]
        stage = "given" if given else "back"
        if stages.index(stage) <= stages.index(self.swaps[id]["stage"]):
            return "already_logged"
        self.swaps[id]["stage"] = stage
        return None

    def outstanding(self, now: int, people: list[str]) -> tuple[int, int]:
        """The sum of all figures, and what issue and return come to."""
        every = [self.figures(who, now) for who in people]

        def column(name: str) -> int:
            return sum(each[name] for each in every)

        right = column("awarded") + column("uncovered")
        for name in ("redeemed", "paid_out", "clawed", "expired"):
            right -= column(name)
        return column("signed"), right
