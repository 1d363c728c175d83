"""Deals with a mandate, for tests/vectors/deals.json and transcripts.json: orders, renewals, and their faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from protocol.deals import bodies
from protocol.deals.bodies import Mandate, Part, Renewal
from protocol.deals.mandates import Statement, sign_statement, turn_of
from protocol.deals.message import Message
from protocol.deals.state import judge
from protocol.records import Per
from protocol.signing import Signer
from tests.protocol.deals.made import BUYER, FAR, HOUR, NETWORK, START, TERMS, Play, order, signed, started
from tests.protocol.deals.test_crossings import ACCEPT, CANCEL
from tests.protocol.deals.test_offers import offer, ordered, quote
from tests.vectors.generate.writing import Vector

DAY: Final = 24 * HOUR
MONTH: Final = Mandate(notice=3 * DAY, per=Per(count=1, unit="month"), turns=12)

Make = Callable[[str, str, str, Sequence[Message]], Vector]
"""Makes a vector of name, comment, requirement and messages."""


def first(mandate: Mandate = MONTH, prices: Sequence[int] = (100,), **changes: Any) -> Message:
    """A signed order with a mandate."""
    return signed([started(msgspec.structs.replace(order(prices), mandate=mandate, **changes))])[0]


FIRST: Final = first()


def said(action: Any, number: int, day: int = 1, price: int | None = None, **more: Any) -> Statement:
    """A statement on that order, so many days later."""
    given: dict[str, Any] = {"signer": BUYER, "order": FIRST.id, **more}
    signer: Signer = given.pop("signer")
    return sign_statement(
        NETWORK, signer, action=action, number=number, time=START + day * DAY, price=price, **given
    )


def forged(data: bytes) -> bytes:
    """A statement with a bit of its signature changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def renewal(
    *,
    of: Message = FIRST,
    changes: Sequence[bytes] = (),
    turn: int = 1,
    time: int = START + 20 * DAY,
    prices: Sequence[int] = (100,),
) -> Message:
    """A signed renewal."""
    return signed([unsigned_renewal(of=of, changes=changes, turn=turn, time=time, prices=prices)])[0]


def unsigned_renewal(
    *,
    of: Message = FIRST,
    changes: Sequence[bytes] = (),
    turn: int = 1,
    time: int = START + 20 * DAY,
    prices: Sequence[int] = (100,),
) -> Message:
    """The same, for a deal that goes on."""
    parts = tuple(Part(price=price) for price in prices)
    return started(Renewal(changes=tuple(changes), first=of.data, parts=parts, turn=turn), time=time)


def vectors(make: Make) -> list[Vector]:
    """Orders with a mandate, renewals that have effect and go on, and every reason why one has none."""
    return [*_orders(make), *_going_on(make), *_without_effect(make)]


def _orders(make: Make) -> list[Vector]:
    quarter = Per(count=3, unit="month")
    play = Play(started(msgspec.structs.replace(order(), mandate=MONTH)))
    play.say("seller", ACCEPT)
    on_quote = ordered(offer(), mandate=MONTH)
    with_quote = ordered(offer(quote=quote(msgspec.structs.replace(order(), mandate=MONTH))), mandate=MONTH)
    found = [make("mandate", "an order with a mandate, accepted", "R-DEAL-8", play.signed())]
    found += [
        make(f"mandate-{name}", comment, "R-MAN-1", [first(Mandate(notice=notice, per=per))])
        for name, comment, notice, per in (
            ("notice", "a notice as long as the shortest month", 28 * DAY, Per(count=1, unit="month")),
            ("notice-short", "a ms shorter", 28 * DAY - 1, Per(count=1, unit="month")),
            ("notice-quarter", "a notice as long as three of the shortest months", 84 * DAY, quarter),
            ("notice-quarter-short", "a ms shorter", 84 * DAY - 1, quarter),
            (
                "notice-years",
                "as long as two of the shortest years",
                730 * DAY // 2,
                Per(count=1, unit="year"),
            ),
        )
    ]
    return [
        *found,
        make("mandate-quoted", "on a quote with that mandate", "R-DEAL-8", signed([with_quote])),
        make("mandate-added", "a mandate that the quote has not", "R-DEAL-7", signed([on_quote])),
    ]


def _going_on(make: Make) -> list[Vector]:
    play = Play(unsigned_renewal())
    sent = play.say("buyer", bodies.PaymentSent(amount=100))
    play.say("seller", bodies.PaymentReceived(amount=100, payment=sent.id))
    fulfil = play.say("seller", bodies.Fulfil())
    play.say("buyer", bodies.Receive(fulfil=fulfil.id))
    accepted = Play(unsigned_renewal())
    accepted.send("seller", ACCEPT)
    cancelled = Play(unsigned_renewal())
    cancelled.say("buyer", CANCEL)
    three = first(prices=(60, 30, 10))
    cheaper = said("price", 0, price=50, order=three.id)
    statements = [said("pause", 0), said("resume", 1, 2)]
    first_void = [said("resume", 0), said("price", 1, 2, 70)]
    return [
        make("renewal", "a renewal, paid and delivered", "R-DEAL-9", play.signed()),
        make("renewal-accept", "a renewal waits for no accept", "R-DEAL-9", accepted.signed()),
        make("renewal-cancel", "the buyer's first message ends it", "R-DEAL-9", cancelled.signed()),
        make("renewal-resumed", "with two statements", "R-MAN-7",
             [renewal(changes=[each.data for each in statements])]),
        make("renewal-price", "at the price consented to, divided as before", "R-MAN-7",
             [renewal(of=three, changes=[cheaper.data], prices=(30, 15, 5))]),
        make("renewal-void-statement", "a statement without effect stands among them", "R-MAN-7",
             [renewal(changes=[each.data for each in first_void], prices=[70])]),
        make("renewal-latest", "dated as late as the notice allows", "R-MAN-7",
             [renewal(time=turn_of(FIRST, 1).latest)]),
    ]  # fmt: skip


def _without_effect(make: Make) -> list[Vector]:
    pause, end = said("pause", 0), said("end", 0)
    low, high = sorted((pause, end), key=lambda each: each.id)
    latest = turn_of(FIRST, 1).latest
    strict = first(Mandate(notice=28 * DAY, per=MONTH.per))
    rows: tuple[tuple[str, str, str, Message], ...] = (
        ("other-order", "a statement on another order", "changes",
         renewal(changes=[said("pause", 0, order=b"o" * 32).data])),
        ("gap", "a statement is missing before one", "changes", renewal(changes=[said("pause", 1).data])),
        ("later", "a statement dated after it", "changes", renewal(changes=[said("price", 0, 21, 9).data])),
        ("turned-round", "contradicting statements, the higher id first", "changes",
         renewal(changes=[high.data, low.data])),
        ("contradicted", "contradicting statements, the lower id first", "mandate_ended",
         renewal(changes=[low.data, high.data])),
        ("notice", "a mandate that can never be renewed", "mandate", renewal(of=strict)),
        ("turn", "a turn that the mandate has not", "turn",
         renewal(turn=13, time=turn_of(FIRST, 13).latest)),
        ("ended", "an ended mandate", "mandate_ended", renewal(changes=[end.data])),
        ("paused", "a paused mandate", "mandate_paused", renewal(changes=[pause.data])),
        ("early", "a ms before the period before it begins", "too_early", renewal(time=START - 1)),
        ("late", "a ms later than the notice allows", "too_late", renewal(time=latest + 1)),
        ("dearer", "a price that nobody consented to", "price_differs", renewal(prices=[101])),
        ("parts", "the same price in two parts", "price_differs", renewal(prices=[50, 50])),
        ("changes-first", "a gap, ended, too late and dearer", "changes",
         renewal(changes=[said("end", 1).data], time=latest + 1, prices=[101])),
        ("notice-first", "no such turn, and a notice that is too long", "mandate", renewal(of=strict, turn=1_000)),
        ("turn-first", "no such turn, and ended", "turn", renewal(changes=[end.data], turn=13)),
        ("ended-first", "ended, too late and dearer", "mandate_ended",
         renewal(changes=[end.data], time=latest + 1, prices=[101])),
        ("paused-first", "paused, too early", "mandate_paused",
         renewal(changes=[said("pause", 0, 0).data], turn=3, time=START + DAY)),
        ("late-first", "too late and dearer", "too_late", renewal(time=latest + 1, prices=[101])),
    )  # fmt: skip
    found = []
    for name, comment, code, message in rows:
        assert judge([message], FAR).verdicts[message.id] == code, (name, judge([message], FAR).verdicts)
        found.append(make(f"renewal-{name}", comment, "R-MAN-7", [message]))
    return found


def nested(make: Make) -> list[Vector]:
    """Orders with several faults: the first in the order of the checks decides."""
    late = msgspec.structs.replace(TERMS, ruling_by=1)
    strict = Mandate(notice=28 * DAY, per=MONTH.per)
    fine = offer(quote=quote(msgspec.structs.replace(order(), mandate=strict)))
    rows: tuple[tuple[str, str, str, Message], ...] = (
        ("time", "before its offer, with other terms and a mandate that cannot be", "bad_time",
         ordered(offer(time=START + 1), terms=late, mandate=strict)),
        ("terms", "with other terms and a mandate that cannot be", "terms_differ",
         ordered(offer(), terms=late, mandate=strict)),
        ("mandate", "a mandate that cannot be, and a consent that is over", "mandate",
         ordered(fine, mandate=strict, time=FAR + 1)),
        ("consent", "a consent that is over, on an offer that is over too", "consent", ordered(offer(), time=FAR + 1)),
    )  # fmt: skip
    found = []
    for name, comment, code, start in rows:
        message = signed([start])[0]
        assert judge([message], FAR + 1).verdicts[message.id] == code, name
        found.append(make(f"nested-{name}", comment, "R-DEAL-15", [message]))
    return found
