"""What entries of a ledger come to, by effect id; and how the effects of several branches become one [R-CRED-60..63].

A value is what one branch says of one id. `join` is a least upper bound: it is associative, commutative and
idempotent, so branches merge to the same values in any order and grouping.

    id                                         value      the larger of two
    sale: order                                Sold       more earned and paid, more refunded; awards one by one
    period award: label, rule, level, to       Earned     more volume reversed; more credited
    movement: request                          Moved      the same but for which credit it used
    swap: document                             Swapped    locked, then back, then given
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from msgspec import Struct

from protocol import limits
from protocol.errors import LocalProtocolError

NEVER: Final = limits.MAX_INT
"""The expiry of credit that does not expire."""

NO_COUNTER: Final = -1
"""Of what the issuer moves in a holder's place."""

Exact = int | Fraction
Lots = tuple[tuple[int, int], ...]
"""Which credit a movement used: (expiry in ms UTC or `NEVER`, amount), by expiry."""


AwardKey = tuple[bytes, str, int, str]
"""Recipient, rule, level, unit: what makes two credits of one sale or period the same award."""


class Step(Struct, frozen=True, array_like=True, order=True, gc=False):
    """What one entry credits under an award, when the whole base stands.

    Attributes:
        due: ms UTC: payable from then on.
        expires: ms UTC, or `NEVER`.
        amount: minor units.
        base: what the amount is of: base of the sale, or volume of the period.
        hold: ms UTC: the end of the hold; later than `due` never, earlier where a dispute froze the award.
    """

    due: int
    expires: int
    amount: int
    base: Exact
    hold: int


class Credited(Struct, frozen=True, order=True, gc=False):
    """One award: whose, by which rule and level, in which unit, and what entries credit under it."""

    to: bytes
    rule: str
    level: int
    unit: str
    steps: tuple[Step, ...]

    @property
    def key(self) -> AwardKey:
        """What makes two credits the same award."""
        return (self.to, self.rule, self.level, self.unit)


class Sold(Struct, frozen=True, gc=False):
    """A sale: the money of its order, in that order's minor units, and its awards by key.

    Attributes:
        earned: price of the parts received or presumed.
        paid: confirmed, presumed or found by a ruling.
        refunded: sent by the seller and confirmed by the buyer.
        keeps: what a ruling lets the seller keep; None without one.
    """

    earned: int
    paid: int
    refunded: int
    keeps: int | None
    awards: tuple[Credited, ...]

    @property
    def base(self) -> int:
        """Base now [L11]."""
        earned = self.earned if self.keeps is None else self.keeps
        return max(0, min(earned, self.paid - self.refunded))


class Earned(Struct, frozen=True, gc=False):
    """One award of a period plan, and how much of its volume refunds have reversed since."""

    credit: Credited
    reversed: Exact


class Kind(enum.IntEnum):
    """What a movement does with the credit that leaves its holder."""

    TRANSFER = 1  # to another holder
    REDEEM = 2  # the issuer has delivered for it
    PAYOUT = 3  # the issuer has paid for it elsewhere


class Moved(Struct, frozen=True, gc=False):
    """A movement by a holder's request."""

    kind: Kind
    unit: str
    holder: bytes
    to: bytes  # recipient of a transfer; else empty
    amount: int
    counter: int
    lots: Lots


class Stage(enum.IntEnum):
    """How far one issuer's side of a swap has come."""

    LOCKED = 1
    BACK = 2
    GIVEN = 3


class Swapped(Struct, frozen=True, gc=False):
    """One issuer's side of a swap."""

    stage: Stage
    unit: str
    holder: bytes
    to: bytes
    amount: int
    counter: int
    lots: Lots


Value = Sold | Earned | Moved | Swapped


def sale_id(order: bytes) -> bytes:
    """Of a sale."""
    return b"s" + order


def is_sale(id: bytes) -> bool:
    """Whether an id is that of a sale."""
    return id.startswith(b"s")


def order_of(id: bytes) -> bytes:
    """The order of a sale, from the sale's id."""
    return id[1:]


def period_id(opportunity: str, plan: bytes, label: str, key: AwardKey) -> bytes:
    """Of an award of a period.

    Args:
        opportunity: key of the opportunity whose plan it is by; empty for none.
        plan: hash of the plan: where it changed within the period, both award something for it.
        label: of the period.
        key: of the award.
    """
    to, rule, level, unit = key
    return b"p" + to + "\0".join((rule, str(level), unit, label, opportunity, plan.hex())).encode()


class PeriodKey(Struct, frozen=True, gc=False):
    """What the id of an award of a period says; the fields are the arguments of `period_id`."""

    opportunity: str
    plan: bytes
    label: str
    key: AwardKey


def is_period(id: bytes) -> bool:
    """Whether an id is that of an award of a period."""
    return id.startswith(b"p")


def read_period_id(id: bytes) -> PeriodKey:
    """What `period_id` made an id of."""
    rule, level, unit, label, opportunity, plan = id[33:].decode().split("\0")
    return PeriodKey(opportunity, bytes.fromhex(plan), label, (id[1:33], rule, int(level), unit))


def movement_id(request: bytes) -> bytes:
    """Of a movement."""
    return b"m" + request


def swap_id(document: bytes) -> bytes:
    """Of one side of a swap; a log has only one of them."""
    return b"w" + document


# -- join ----------------------------------------------------------------------------------------------------
def join(one: Value, two: Value) -> Value:
    """The least value that has all that either has.

    Raises:
        LocalProtocolError: values of different types, which one id never has.
    """
    match one, two:
        case Sold(), Sold():
            return Sold(
                max(one.earned, two.earned),
                max(one.paid, two.paid),
                max(one.refunded, two.refunded),
                _least(one.keeps, two.keeps),
                merged((*one.awards, *two.awards)),
            )
        case Earned(), Earned():
            (credit,) = merged((one.credit, two.credit))
            return Earned(credit, max(one.reversed, two.reversed))
        case Moved(), Moved():
            return max(one, two, key=lambda each: each.lots)
        case Swapped(), Swapped():
            return max(one, two, key=lambda each: (each.stage, each.lots, each.holder))
        case _:
            raise LocalProtocolError("one id has effects of two types")


def merged(credits: Iterable[Credited]) -> tuple[Credited, ...]:
    """Awards by key, each with all steps that any of its credits has."""
    found: dict[AwardKey, set[Step]] = {}
    for credit in credits:
        found.setdefault(credit.key, set()).update(credit.steps)
    return tuple(Credited(*key, tuple(sorted(steps))) for key, steps in sorted(found.items()))


def _least(one: int | None, two: int | None) -> int | None:
    known = [each for each in (one, two) if each is not None]
    return min(known, default=None)


# -- what remains --------------------------------------------------------------------------------------------
class Lot(Struct, frozen=True, array_like=True, order=True, gc=False):
    """An amount that is posted to a holder from one moment on."""

    due: int
    expires: int
    gross: int  # as awarded
    net: int  # what remains of it


def awards_of(value: Sold | Earned) -> tuple[Credited, ...]:
    """The awards that a value holds."""
    return value.awards if isinstance(value, Sold) else (value.credit,)


def lots_of(value: Sold | Earned, credit: Credited) -> Iterator[Lot]:
    """What an award posts, and when: of several steps the larger counts from its date on [L11, L12, L13]."""
    return _lots(credit, _standing(value), _reversed(value))


def posted_by(value: Sold | Earned) -> Iterator[tuple[Credited, Lot]]:
    """The same of all awards of a value."""
    base, reversed_ = _standing(value), _reversed(value)
    for credit in awards_of(value):
        for lot in _lots(credit, base, reversed_):
            yield credit, lot


def _standing(value: Sold | Earned) -> int | None:
    """The base of a sale now; None for an award of a period."""
    return value.base if isinstance(value, Sold) else None


def _reversed(value: Sold | Earned) -> Exact:
    return 0 if isinstance(value, Sold) else value.reversed


def _lots(credit: Credited, base: int | None, reversed_: Exact) -> Iterator[Lot]:
    gross = net = 0
    for step in credit.steps:
        most, left = step.amount, step.amount
        stands = step.base - reversed_ if base is None else base
        if stands < step.base:
            left = max(0, step.amount * stands // step.base)  # toward zero; a Fraction's // is exact as well
        if not gross:  # the first one, nearly always the only one: what it holds is not made again
            yield Lot(step.due, step.expires, most, left)
        else:
            most, left = max(gross, most), max(net, left)
            if most > gross or left > net:
                yield Lot(step.due, step.expires, most - gross, left - net)
        gross, net = most, left
