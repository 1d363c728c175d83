"""What a plan is evaluated on and what comes out: sales, teams, periods, awards. Nothing here decides anything.

A person is any hashable value: a networker id on the wire, a name in files. Amounts are minor units of the plan's
unit, volumes what the plan counts (those minor units, or hundredths of a point); both are exact.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct

P = TypeVar("P", bound=Hashable)
Exact = int | Fraction  # an integer wherever the value is one: most are, and integers are fast

# Why something is less than the rule by itself would give; the words are in `netnode.plans.explaining`.
Reason = Literal["cap_company", "cap_member", "duty", "maximum", "r2", "r3", "r5", "r6", "r7", "r17", "r19"]


class Team(Protocol[P]):
    """The sponsor tree and the placement tree of one team, at any place of its owner's log.

    `at` is the seq of an entry and means the state right after it; in files, the number of a sale.
    """

    def sponsor(self, person: P, at: int | None = None) -> P | None:
        """Whom somebody stands below; None for the owner and who was no member yet."""

    def placement(self, person: P, at: int | None = None) -> tuple[P, int] | None:
        """Parent and leg, from 0 on, in the placement tree; None where somebody has no place."""

    def member(self, person: P, at: int | None = None) -> bool:
        """Whether somebody is a member."""

    def members(self, at: int | None = None) -> Iterable[P]:
        """All members."""

    def joined_ms(self, person: P, at: int | None = None) -> int | None:
        """When the membership of somebody began, ms UTC; None for who never was a member."""


class Duties(Protocol[P]):
    """Who did what uplines owe to the members below them; asked only where a plan has duties."""

    def done_by(self, upline: P, member: P, at: int | None = None) -> P | None:
        """Who did the duties that `upline` owes to `member`, the head of one of its legs.

        Returns:
            `upline` itself when they are done, not due yet, or none are owed; another member who did them; None when
            they are overdue and nobody did them.
        """


class SaleFacts(Struct, Generic[P], frozen=True, kw_only=True, gc=False):
    """What evaluation needs of one sale. The ledger reads it from the sale entry, the calculator from a file.

    Attributes:
        id: names the sale in its awards.
        at: its place in the log: the tree is that right after it, sums and ranks are those right before it.
        logged: place of its entry, where that is another: it was logged too late, and is evaluated as of what was
            there right after `at`; from its own entry on it counts.
        time: ms UTC, decides the period.
        amount: net commissionable price in minor units of the plan's unit (`commissionable`), before the plan's share.
        points: hundredths of a point.
        referrer: the member whose sale it is; None without one.
        buyer: the networker who bought, where known; a member of the team or not.
        customer: what tells buyers apart: the networker, else the buyer's key.
        path: who led the buyer, nearest first, where there is no team; its first is the referrer.
        listing: key of the listing, None for free goods.
        renewal: whether it is the renewal of a mandate.
        seller: the issuer, so that nobody sells to oneself.
        excluded: it is of a kit, fee, training or rank, paid with credit of the same sale, or closes a cycle of
            receipts: no commissionable amount [R3, R17].
        presumed: rests on a presumption of receipt: does not count for R5 to R7 [L12].
    """

    id: Hashable
    at: int
    time: int
    amount: Exact
    points: int = 0
    referrer: P | None = None
    buyer: P | None = None
    customer: Hashable = None
    path: tuple[P, ...] = ()
    listing: str | None = None
    renewal: bool = False
    seller: P | None = None
    excluded: Literal["r3", "r17"] | None = None
    presumed: bool = False
    logged: int | None = None

    @property
    def before(self) -> int:
        """The place before which something was logged that it is evaluated on."""
        return self.at if self.logged is None else self.at + 1

    @property
    def place(self) -> int:
        """The place from which on it counts."""
        return self.at if self.logged is None else self.logged


@dataclass(frozen=True, slots=True)
class Period:
    """One half-open period [start, end), ms UTC, and the last place in the log that lies in it.

    Attributes:
        label: how people and awards call it: its first day, as 2026-01-01.
        at: seq of the last entry dated before `end`: tree and duties are those in force there.
    """

    label: str
    start: int
    end: int
    at: int


class Award(Struct, Generic[P], frozen=True, gc=False):
    """What one member gets by one rule, and everything it follows from [R-PLAN-20].

    `amount` = base x rate - less - what was kept, rounded once.

    Attributes:
        to: the recipient.
        amount: minor units, above zero; zero awards do not exist [L10].
        rule: name of the rule in the plan; `NAME:duty` for what another member's duty brought.
        level: level, generation, step, pairs or cycles, as the family says; 0 where there is none.
        base: minor units that the rate is of, exact.
        num, den: the rate; `num` is 0 for fixed amounts.
        source: id of the sale, or label of the period.
        taken: numerator over `den` of what others below get of the same base first.
        volume: what the award rests on, in the plan's volume: a later refund scales the award by it [L11].
        kept: minor units that did not become part of it, rounded toward zero.
        reason: the first that made it less; None for none.
    """

    to: P
    amount: int
    rule: str
    level: int
    base: Exact
    num: int
    den: int
    source: Hashable
    taken: Exact = 0
    volume: Exact = 0
    kept: int = 0
    reason: Reason | None = None

    @property
    def rate(self) -> Fraction:
        """Of the base."""
        return Fraction(self.num, self.den)

    @property
    def less(self) -> Fraction:
        """Minor units that others below get of the same base first."""
        return Fraction(self.taken) / self.den


class Withheld(Struct, Generic[P], frozen=True, gc=False):
    """What a rule would have given, had nothing stood against it: for explanations only, without any effect."""

    to: P
    amount: int
    rule: str
    level: int
    source: Hashable
    reason: Reason
