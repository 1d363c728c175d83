"""Holders' figures, kept while effects change: each costs what it touches, whatever else there is [R-CRED-64..67].

An account is a function of the effects alone. When an effect takes another value, what the former one had
contributed is taken out again; so accounts of a union of branches come from the same code as those of one log.

    total      = posted awards + received - sent - redeemed - paid out - clawed back
    expired    = of classes that have expired, what is left and not locked; never more than the total
    uncovered  = what was moved beyond all that was ever posted and received, less what the holder asked for twice
    signed     = total - expired + uncovered;  balance, clawback due = its positive and negative part
    available  = max(0, balance - locked)
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from protocol.ledger.effects import (
    NEVER,
    NO_COUNTER,
    Earned,
    Kind,
    Lot,
    Lots,
    Moved,
    Sold,
    Stage,
    Swapped,
    Value,
    posted_by,
)
from protocol.ledger.expiries import Expiries
from protocol.ledger.period_awards import PeriodAwards

_FEW: Final = 64  # awards of who has no account yet: of more of them one is kept


@dataclass(frozen=True, slots=True)
class Figures:
    """What one holder has of one issuer and unit at one moment; minor units.

    Attributes:
        signed: balance less clawback due.
        locked: held for swaps that are not decided.
        pending: awards whose hold has not ended.
        awarded: posted since the beginning, before refunds.
        clawed: of what was posted, by refunds.
        received: from other holders.
        sent: to other holders.
        redeemed: for goods of the issuer.
        paid_out: elsewhere.
        expired: by the plan's date.
        uncovered: borne by the issuer.
    """

    signed: int
    locked: int
    pending: int
    awarded: int
    clawed: int
    received: int
    sent: int
    redeemed: int
    paid_out: int
    expired: int
    uncovered: int

    @property
    def balance(self) -> int:
        """What the issuer owes."""
        return max(0, self.signed)

    @property
    def clawback_due(self) -> int:
        """What the holder owes, to be set off against later awards."""
        return max(0, -self.signed)

    @property
    def available(self) -> int:
        """What may be moved now [L6]."""
        return max(0, self.balance - self.locked)


NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Account(Struct, gc=False):
    """One holder, one unit. Posting follows a moment that may go back as well as forth.

    Attributes:
        pending: a heap; what is taken out again is in it with negative amounts.
        waiting: net of it.
        posted: by date, so that the moment can go back; none before the last entry's date; None for none.
        lasting: total of what does not expire.
        expiring: what expires; None for none.
        counters: counter -> amounts moved by it.
        doubled: moved by counters used twice, beyond the largest amount of each.
    """

    now: int = -1
    pending: list[Lot] = []
    waiting: int = 0
    posted: list[Lot] | None = None
    lasting: int = 0
    expiring: Expiries | None = None
    awarded: int = 0
    clawed: int = 0
    received: int = 0
    sent: int = 0
    redeemed: int = 0
    paid_out: int = 0
    locked: int = 0
    counters: dict[int, list[int]] | None = None
    doubled: int = 0

    # -- what effects contribute -----------------------------------------------------------------------------
    def add(self, lot: Lot) -> None:
        """Adds what an award posts."""
        if lot.due <= self.now:
            if self.posted is None:
                self.posted = []
            insort(self.posted, lot)
            self._post(lot, 1)
        else:
            heappush(self.pending, lot)
            self.waiting += lot.net

    def take(self, lot: Lot) -> None:
        """Takes out what `add` added."""
        self.add(Lot(lot.due, lot.expires, -lot.gross, -lot.net))

    def move(self, lots: Lots, sign: int) -> None:
        """Credit that came in (1) or left (-1)."""
        for expires, amount in lots:
            self._class(expires, sign * amount)

    def lock(self, lots: Lots, sign: int) -> None:
        """Credit that is held (1), or not any more (-1)."""
        for expires, amount in lots:
            self.locked += sign * amount
            if expires != NEVER:
                self._expiries().lock(expires, sign * amount)

    def count(self, counter: int, amount: int) -> None:
        """Notes what a counter moved."""
        if self.counters is None:
            self.counters = {}
        amounts = self.counters.setdefault(counter, [])
        self.doubled -= _beyond(amounts)
        amounts.append(amount)
        self.doubled += _beyond(amounts)

    def uncount(self, counter: int, amount: int) -> None:
        """Takes back what `count` noted."""
        assert self.counters is not None  # `count` came before
        amounts = self.counters[counter]
        self.doubled -= _beyond(amounts)
        amounts.remove(amount)
        self.doubled += _beyond(amounts)

    # -- the moment ------------------------------------------------------------------------------------------
    def settle(self, now: int, *, final: bool = False) -> None:
        """Posts what is due at a moment, and no more.

        Args:
            now: ms UTC.
            final: no earlier moment will be asked for.
        """
        pending, posted = self.pending, self.posted or []
        while pending and pending[0].due <= now:
            lot = heappop(pending)
            self.waiting -= lot.net
            posted.append(lot)
            self._post(lot, 1)
        while posted and posted[-1].due > now:
            lot = posted.pop()
            self._post(lot, -1)
            heappush(pending, lot)
            self.waiting += lot.net
        self.now = now
        self.posted = (
            None if final or not posted else posted
        )  # most accounts have none: a list less to look after

    def figures(self, now: int) -> Figures:
        """As of a moment, ms UTC."""
        self.settle(now)
        total, expired = self.lasting, 0
        if self.expiring is not None:
            total += self.expiring.total
            expired = min(self.expiring.expired(now), max(0, total))
        inward = self.awarded + self.received
        short = max(0, self.sent + self.redeemed + self.paid_out - inward)
        uncovered = short - min(short, self.doubled)
        return Figures(
            signed=total - expired + uncovered,
            locked=self.locked,
            pending=self.waiting,
            awarded=self.awarded,
            clawed=self.clawed,
            received=self.received,
            sent=self.sent,
            redeemed=self.redeemed,
            paid_out=self.paid_out,
            expired=expired,
            uncovered=uncovered,
        )

    def choose(self, amount: int, now: int, lasts: int = 0) -> Lots:
        """Which credit a movement uses: what expires first, of what has not expired.

        Args:
            amount: minor units.
            now: date of the entry.
            lasts: credit that expires before this moment is not used.

        Returns:
            May come to less than `amount`.
        """
        lots = [] if self.expiring is None else self.expiring.choose(amount, now, lasts)
        rest = amount - sum(each for _, each in lots)
        free = self.lasting - self.locked + (0 if self.expiring is None else self.expiring.locked)
        if rest > 0 and free > 0:
            lots.append((NEVER, min(free, rest)))
        return tuple(lots)

    def _post(self, lot: Lot, sign: int) -> None:
        self.awarded += sign * lot.gross
        self.clawed += sign * (lot.gross - lot.net)
        self._class(lot.expires, sign * lot.net)

    def _class(self, expires: int, amount: int) -> None:
        if expires == NEVER:
            self.lasting += amount
            return
        self._expiries().add(expires, amount)

    def _expiries(self) -> Expiries:
        if self.expiring is None:
            self.expiring = Expiries()
        return self.expiring


def _beyond(amounts: list[int]) -> int:
    """What a counter moved more than once."""
    return sum(amounts) - max(amounts, default=0)


class Accounts:
    """All accounts of an issuer, by unit and holder.

    Most holders have nothing but awards of closed periods, which nothing was done with yet: their accounts are made
    when they are asked for.

    Args:
        awards: of closed periods, where they are kept; None: all comes by `change`.
    """

    __slots__ = ("_accounts", "_awards")

    def __init__(self, awards: PeriodAwards | None = None) -> None:
        self._accounts: dict[str, dict[bytes, Account]] = {}
        self._awards = awards

    def account(self, unit: str, holder: bytes) -> Account:
        """The account of a holder, made where there is none."""
        holders = self._accounts.get(unit)
        if holders is None:
            holders = self._accounts[unit] = {}
        account = holders.get(holder)
        if account is None:
            account = holders[holder] = self._awarded(self._places(unit, holder))
        return account

    def figures(self, unit: str, holder: bytes, now: int) -> Figures:
        """What a holder has at a moment, ms UTC; zero for who never had anything."""
        account = self._accounts.get(unit, {}).get(holder)
        if account is not None:
            return account.figures(now)
        places = self._places(unit, holder)
        if len(places) > _FEW:
            return self.account(unit, holder).figures(now)
        return self._awarded(places).figures(now) if places else NOTHING

    def has(self, unit: str, holder: bytes) -> bool:
        """Whether somebody ever had something of a unit."""
        return holder in self._accounts.get(unit, {}) or bool(self._places(unit, holder))

    def units(self) -> tuple[str, ...]:
        """The units that were ever credited, sorted."""
        return tuple(sorted({*self._accounts, *(() if self._awards is None else self._awards.units())}))

    def holders(self, unit: str) -> Iterator[bytes]:
        """Who ever had something of a unit, each once."""
        known = self._accounts.get(unit, {})
        yield from known
        if self._awards is not None:
            yield from (each for each in self._awards.holders(unit) if each not in known)

    def change(self, old: Value | None, new: Value | None, final: int = -1) -> None:
        """An effect takes another value.

        Args:
            old: it had; None: there was none.
            new: it has; None: there is none any more.
            final: ms UTC: no earlier moment will be asked for, so what is due by then need not be kept lot by lot.
        """
        if old is not None:
            self._contribute(old, -1, final)
        if new is not None:
            self._contribute(new, 1, final)

    def _contribute(self, value: Value, sign: int, final: int) -> None:
        match value:
            case Earned() if sign > 0 and self._sleeps(value):
                pass
            case Sold() | Earned():
                for credit, lot in posted_by(value):
                    account = self.account(credit.unit, credit.to)
                    if account.pending and account.pending[0].due <= final:
                        account.settle(final, final=True)
                    account.add(lot) if sign > 0 else account.take(lot)
            case Moved():
                account = self.account(value.unit, value.holder)
                if value.kind is Kind.REDEEM:
                    account.redeemed += sign * value.amount
                elif value.kind is Kind.PAYOUT:
                    account.paid_out += sign * value.amount
                else:
                    self._pass(account, value, value.lots, sign)
                self._leave(account, value, sign)
            case _:
                account = self.account(value.unit, value.holder)
                if value.stage is Stage.LOCKED:
                    account.lock(value.lots, sign)
                elif value.stage is Stage.GIVEN:
                    # Slowness of another log must not cost anything: what a swap gave does not expire.
                    self._pass(account, value, ((NEVER, value.amount),), sign)
                    self._leave(account, value, sign)

    def _sleeps(self, value: Earned) -> bool:
        """Whether an award is counted when somebody asks for its holder's account."""
        credit = value.credit
        return self._awards is not None and credit.to not in self._accounts.get(credit.unit, {})

    def _places(self, unit: str, holder: bytes) -> list[int]:
        return [] if self._awards is None else self._awards.of(unit, holder)

    def _awarded(self, places: list[int]) -> Account:
        """An account with awards of periods alone."""
        account = Account()
        for place in places:
            assert self._awards is not None  # it has the places
            for _, lot in posted_by(self._awards.value(place)):
                account.add(lot)
        return account

    def _pass(self, account: Account, value: Moved | Swapped, lots: Lots, sign: int) -> None:
        """What goes from one holder to another."""
        account.sent += sign * value.amount
        other = self.account(value.unit, value.to)
        other.received += sign * value.amount
        other.move(lots, sign)

    def _leave(self, account: Account, value: Moved | Swapped, sign: int) -> None:
        account.move(value.lots, -sign)
        if value.counter == NO_COUNTER:
            return
        if sign > 0:
            account.count(value.counter, value.amount)
        else:
            account.uncount(value.counter, value.amount)
