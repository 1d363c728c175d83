"""Mandates: a buyer's standing consent to be sold the same again, and what it says of it later [R-MAN-1..7].

The order with a mandate gives it; the buyer's numbered *statements*, signed by the order's key, pause, resume or end
it, or consent to another price. What they come to is a function of their set. A renewal holds the order and the
statements that the seller has seen, so whether it has effect is a function of its own bytes.
"""

from __future__ import annotations

import enum
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn, get_args

import msgspec
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals.bodies import Mandate, Order, Part, Renewal
from protocol.deals.message import Message, parse, signed_by
from protocol.deals.periods import later, shortest
from protocol.deals.pricing import spread
from protocol.errors import LocalProtocolError, RemoteProtocolError, Void
from protocol.signing import SIGNATURE_BYTES, Signer, verify
from protocol.tags import tag

Action = Literal["end", "pause", "price", "resume"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_FRAME: Final = 6
_LAST: Final = limits.MAX_CHANGES - 1  # the last number is kept for `end`: a mandate can always be ended


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a right form; equal when its bytes are.

    Attributes:
        data: the canonical bytes.
        id: their SHA-256.
        action: what it says.
        order: id of the order with the mandate, which is that of its deal.
        number: of the buyer's statements on this mandate before it.
        time: ms UTC.
        price: of a renewal from then on, minor units; None unless the action is `price`.
    """

    data: bytes
    id: bytes = field(compare=False)
    action: Action = field(compare=False)
    order: bytes = field(compare=False)
    number: int = field(compare=False)
    time: int = field(compare=False)
    price: int | None = field(compare=False)


class Standing(enum.Enum):
    """Whether a mandate may be renewed."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class MandateState:
    """What a set of statements comes to.

    Attributes:
        standing: whether it may be renewed.
        parts: of a renewal, with their prices.
        number: of the buyer's next statement.
        time: of the newest statement with effect, else of the order; the next is not dated before it.
        verdicts: id -> None (with effect) or the code why it has none; those in `waits` are not in it.
        waits: ids of statements with one before them missing; ascending.
        contradicted: whether two different statements have one number, which ends the mandate.
    """

    standing: Standing
    parts: tuple[Part, ...]
    number: int
    time: int
    verdicts: Mapping[bytes, str | None]
    waits: tuple[bytes, ...]
    contradicted: bool

    @property
    def price(self) -> int:
        """Of a renewal, minor units."""
        return sum(part.price for part in self.parts)


@dataclass(frozen=True, slots=True)
class Turn:
    """One further period: when it begins and ends, and from when until when its renewal may be dated (ms UTC)."""

    number: int
    begins: int
    ends: int
    earliest: int
    latest: int


def _amiss(action: Action, number: int, price: int | None) -> str:
    """What is wrong with the form of a statement, in words; empty when nothing is [R-MAN-3]."""
    if (price is None) != (action != "price"):
        return "price: goes with the action `price`, and only then"
    if number == _LAST and action != "end":
        return f"number: the {limits.MAX_CHANGES}th statement on a mandate can only end it; order anew"
    return ""


def sign_statement(
    network: str,
    signer: Signer,
    *,
    action: Action,
    order: bytes,
    number: int,
    time: int,
    price: int | None = None,
) -> Statement:
    """A signed statement on a mandate.

    Args:
        network: name of the network.
        signer: the key of the order.
        action: what it says.
        order: id of the order.
        number: `MandateState.number`.
        time: now, ms UTC.
        price: of a renewal from now on, minor units; with `price` and only then.

    Raises:
        LocalProtocolError: a form that the seller would refuse; the sentence names the field.
    """
    frame = [action, order, number, time, price]
    signature = signer.sign(tag(network, "mandate") + encoding.encode(frame))
    try:
        return parse_statement(encoding.encode([*frame, signature]))
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"a statement of a wrong form: {error.text}") from error


def parse_statement(data: bytes) -> Statement:
    """Reads a statement; its signature is not checked here [R-MAN-3].

    Raises:
        RemoteProtocolError: `encoding`, `not_canonical`, `too_large`; else `deal_message`, naming the field.
    """
    frame = encoding.decode(data, limits.MAX_CHANGE)
    if type(frame) is not list or len(frame) != _FRAME:
        _wrong("statement", f"is not an array of {_FRAME}")
    action, order, number, time, price, signature = frame
    if action not in ACTIONS:
        _wrong("action", f"is none of {', '.join(ACTIONS)}")
    if type(order) is not bytes or len(order) != limits.HASH_BYTES:
        _wrong("order", "is not an id of 32 bytes")
    if type(number) is not int or not 0 <= number <= _LAST:
        _wrong("number", f"is not a number below {limits.MAX_CHANGES}")
    if type(time) is not int or time < 0:
        _wrong("time", "is not a number of milliseconds")
    if price is not None and (type(price) is not int or price < 0):
        _wrong("price", "is not an amount")
    if type(signature) is not bytes or len(signature) != SIGNATURE_BYTES:
        _wrong("signature", f"is not of {SIGNATURE_BYTES} bytes")
    if (text := _amiss(action, number, price)) != "":
        raise RemoteProtocolError("deal_message", text)
    return Statement(data, hashlib.sha256(data).digest(), action, order, number, time, price)


def stated_by(network: str, statement: Statement, key: bytes) -> bool:
    """Whether the key of the order signed this statement [R-MAN-3]."""
    # The signature is the last 64 bytes; what it covers is the array of the five before it.
    covered = b"\x95" + statement.data[1 : -SIGNATURE_BYTES - 2]
    return verify(key, statement.data[-SIGNATURE_BYTES:], tag(network, "mandate") + covered)


def mandate_of(first: Message) -> Mandate:
    """The mandate of an order.

    Raises:
        LocalProtocolError: the message is no order, or one without a mandate.
    """
    if not isinstance(first.body, Order) or first.body.mandate is UNSET:
        raise LocalProtocolError("this message gives no mandate")
    return first.body.mandate


def check_mandate(order: Order) -> None:
    """An order's mandate leaves its seller a time in which a renewal may be dated [R-MAN-1].

    Raises:
        Void: `mandate`.
    """
    if order.mandate is not UNSET and order.mandate.notice >= shortest(order.mandate.per):
        raise Void("mandate", "the notice of the mandate is not shorter than its period")


def turn_of(first: Message, number: int) -> Turn:
    """One period of a mandate: the first order's is number 0 and begins at its date [R-MAN-2]."""
    mandate = mandate_of(first)
    begins = later(first.time, mandate.per, number)
    earliest = later(first.time, mandate.per, max(0, number - 1))
    return Turn(number, begins, later(first.time, mandate.per, number + 1), earliest, begins - mandate.notice)


def next_turn(first: Message, now: int) -> Turn | None:
    """The first period for which a renewal may still be dated now or later; None when there is no further one."""
    mandate = mandate_of(first)
    most = limits.MAX_TURNS if mandate.turns is UNSET else mandate.turns
    found = bisect_left(range(1, most + 1), now, key=lambda number: turn_of(first, number).latest) + 1
    return turn_of(first, found) if found <= most else None


def mandate_state(first: Message, statements: Iterable[Statement]) -> MandateState:
    """What a set of statements comes to, in whatever order they come [R-MAN-5].

    Args:
        first: the order with the mandate.
        statements: of this order, signed by its key; repeats do not matter.

    Raises:
        LocalProtocolError: a statement on another order.
    """
    by_number: dict[int, list[Statement]] = {}
    for each in sorted(set(statements), key=lambda one: (one.number, one.id)):
        if each.order != first.id:
            raise LocalProtocolError("a statement on another order")
        by_number.setdefault(each.number, []).append(each)
    assert isinstance(first.body, Order)
    standing, parts, time, number = Standing.ACTIVE, first.body.parts, first.time, 0
    verdicts: dict[bytes, str | None] = {}
    contradicted = False
    while number in by_number:
        doubled = by_number.pop(number)
        number += 1
        if contradicted or len(doubled) > 1:
            # Nobody can be bound by two consents that contradict: what follows them counts for nothing.
            verdicts |= dict.fromkeys((each.id for each in doubled), "contradicted")
            contradicted, standing = True, Standing.ENDED
            continue
        said = doubled[0]
        code = _code(said, standing, sum(part.price for part in parts), time)
        verdicts[said.id] = code
        if code is not None:
            continue
        time = said.time
        match said.action:
            case "pause":
                standing = Standing.PAUSED
            case "resume":
                standing = Standing.ACTIVE
            case "end":
                standing = Standing.ENDED
            case _:
                parts = _at_price(parts, said.price or 0)
    waits = tuple(sorted(each.id for rest in by_number.values() for each in rest))
    return MandateState(standing, parts, number, time, verdicts, waits, contradicted)


def renewal_fault(message: Message) -> str | None:
    """The code why a renewal has no effect, or None: a function of its own bytes [R-MAN-7].

    Args:
        message: of type `renewal`, authentic (see `authentic_renewal`).
    """
    body = message.body
    assert isinstance(body, Renewal)
    first = parse(body.first)
    assert isinstance(first.body, Order)  # the form of a renewal holds
    mandate = mandate_of(first)
    statements = _statements(body, first.id)
    if statements is None or any(each.time > message.time for each in statements):
        return "changes"
    state = mandate_state(first, statements)
    turn = turn_of(first, body.turn)
    for fault, code in (
        (mandate.notice >= shortest(mandate.per), "mandate"),
        (mandate.turns is not UNSET and body.turn > mandate.turns, "turn"),
        (state.standing is Standing.ENDED, "mandate_ended"),
        (state.standing is Standing.PAUSED, "mandate_paused"),
        (message.time < turn.earliest, "too_early"),
        (message.time > turn.latest, "too_late"),
        (body.parts != state.parts, "price_differs"),
    ):
        if fault:
            return code
    return None


def authentic_renewal(network: str, renewal: Renewal) -> bool:
    """Whether the buyer of the order inside signed that order and every statement of a right form [R-MAN-6].

    The renewal's own signature is the seller's, and is checked as that of any message.
    """
    first = parse(renewal.first)
    assert isinstance(first.body, Order)  # the form of a renewal holds
    key = first.body.key
    if not signed_by(network, first, key):
        return False
    try:
        return all(stated_by(network, parse_statement(data), key) for data in renewal.changes)
    except RemoteProtocolError:
        return False


def renewal(first: Message, statements: Sequence[Statement], turn: int) -> Renewal:
    """The body of the renewal for one turn.

    Args:
        first: the order with the mandate.
        statements: all that the seller has.
        turn: its number.
    """
    state = mandate_state(first, statements)
    ordered = sorted((each for each in set(statements) if each.id in state.verdicts), key=_place)
    return Renewal(
        changes=tuple(each.data for each in ordered), first=first.data, parts=state.parts, turn=turn
    )


def _statements(body: Renewal, order: bytes) -> list[Statement] | None:
    """The statements of a renewal; None unless they are of this order and in their order without a gap."""
    try:
        found = [parse_statement(data) for data in body.changes]
    except RemoteProtocolError:
        return None
    numbers = [each.number for each in found]
    whole = sorted(set(numbers)) == list(range(max(numbers, default=-1) + 1))
    in_order = found == sorted(set(found), key=_place)
    return found if whole and in_order and all(each.order == order for each in found) else None


def _place(statement: Statement) -> tuple[int, bytes]:
    return statement.number, statement.id


def _code(said: Statement, standing: Standing, price: int, time: int) -> str | None:
    """The code why a statement has no effect after those before it, or None [R-MAN-5]."""
    if said.time < time:
        return "bad_time"
    if standing is Standing.ENDED:
        return "ended"
    already = {
        "pause": standing is Standing.PAUSED,
        "resume": standing is Standing.ACTIVE,
        "price": said.price == price,
        "end": False,
    }
    return "already" if already[said.action] else None


def _at_price(parts: tuple[Part, ...], price: int) -> tuple[Part, ...]:
    """The parts at another price of the whole: divided as before."""
    prices = spread(price, [part.price for part in parts])
    return tuple(
        msgspec.structs.replace(part, price=share) for part, share in zip(parts, prices, strict=True)
    )


def _wrong(field: str, reason: str) -> NoReturn:
    raise RemoteProtocolError("deal_message", f"{field}: {reason}")
