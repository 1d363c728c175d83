"""Makes tests/vectors/mandates.json: periods, statements on mandates, what sets of them come to, and renewals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET

from protocol import encoding
from protocol.deals.bodies import Mandate, Order, Part, Renewal, Terms
from protocol.deals.mandates import (
    Statement,
    authentic_renewal,
    mandate_state,
    parse_statement,
    renewal_fault,
    sign_statement,
    stated_by,
    turn_of,
)
from protocol.deals.message import Message, parse, sign
from protocol.errors import RemoteProtocolError, Void
from protocol.records import Per
from protocol.signing import Signer
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Mandates (section 22.3), network `inx`. `turn-*`: the order's date, the mandate and the number of a turn; when "
    "its period begins and ends, and the first and last moment at which its renewal may be dated. `statement-*`: a "
    "statement (hex) and the order's key. `state-*`: an order and a set of statements; `standing`, the prices of the "
    "parts of a renewal, the number of the next statement, the code of each statement (null: it has effect; `waits`). "
    "`renewal-*`: a renewal: has it effect, or the code why not."
)
DAY: Final = 86_400_000
BUYER: Final = Signer(bytes(range(1, 33)))
SELLER: Final = Signer(bytes(range(2, 34)))
NOON: Final = 1_769_860_800_000  # 2026-01-31T12:00:00Z
MONTH: Final = Mandate(notice=3 * DAY, per=Per(count=1, unit="month"), turns=12)
TERMS: Final = Terms(
    accept_by=DAY, confirm_by=DAY, dispute_until=DAY, fulfil_by=DAY, pay_by=DAY, ruling_by=DAY
)


def order(
    mandate: Mandate = MONTH, prices: Sequence[int] = (900,), time: int = NOON, signer: Signer = BUYER
) -> Message:
    """An order with a mandate."""
    body = Order(
        currency="EUR",
        enclosed=b"e" * 32,
        key=BUYER.public,
        listing=b"l" * 32,
        mandate=mandate,
        parts=tuple(
            Part(price=price, fulfil_by=DAY if number else UNSET) for number, price in enumerate(prices)
        ),
        seller=b"s" * 32,
        terms=TERMS,
    )
    return sign(
        "inx",
        signer,
        body=body,
        deal=None,
        role="buyer",
        number=0,
        previous=None,
        seen=(),
        time=time,
        epoch=None,
    )


FIRST: Final = order()


def said(
    action: Any, number: int, time: int = NOON + DAY, price: int | None = None, **more: Any
) -> Statement:
    """A statement on the order, `time` ms UTC."""
    given: dict[str, Any] = {"signer": BUYER, "order": FIRST.id, "network": "inx"} | more
    network, signer = given.pop("network"), given.pop("signer")
    return sign_statement(network, signer, action=action, number=number, time=time, price=price, **given)


def renewed(
    statements: Sequence[Statement] = (),
    turn: int = 1,
    time: int = NOON + 20 * DAY,
    prices: Sequence[int] = (900,),
    first: Message = FIRST,
) -> Message:
    """A renewal, signed by the seller."""
    return renewed_with([each.data for each in statements], turn, time, prices, first)


def renewed_with(
    changes: Sequence[bytes],
    turn: int = 1,
    time: int = NOON + 20 * DAY,
    prices: Sequence[int] = (900,),
    first: Message = FIRST,
) -> Message:
    """The same, with statements as bytes."""
    body = Renewal(
        changes=tuple(changes),
        first=first.data,
        parts=tuple(Part(price=price) for price in prices),
        turn=turn,
    )
    return sign(
        "inx",
        SELLER,
        body=body,
        deal=None,
        role="seller",
        number=0,
        previous=None,
        seen=(),
        time=time,
        epoch=0,
    )


def fault(data: bytes) -> dict[str, Any]:
    """What `protocol` says of a renewal."""
    message = parse(data)
    assert isinstance(message.body, Renewal)
    if not authentic_renewal("inx", message.body):
        raise RemoteProtocolError("signature", "not signed by the buyer")
    if (code := renewal_fault(message)) is not None:
        raise Void(code, "without effect")
    return {"effect": True}


def stated(data: bytes, key: bytes) -> dict[str, Any]:
    """What `protocol` says of a statement."""
    statement = parse_statement(data)
    if not stated_by("inx", statement, key):
        raise RemoteProtocolError("signature", "not signed by the order's key")
    return {"id": statement.id.hex()}


def state(first: bytes, statements: Sequence[bytes]) -> dict[str, Any]:
    """What `protocol` makes of a set of statements."""
    found = mandate_state(parse(first), [parse_statement(data) for data in statements])
    ids = [parse_statement(data).id for data in statements]
    return {
        "standing": found.standing.value,
        "prices": [part.price for part in found.parts],
        "number": found.number,
        "codes": ["waits" if id_ in found.waits else found.verdicts[id_] for id_ in ids],
    }


def turn(time: int, per: tuple[int, Any], notice: int, number: int) -> dict[str, int]:
    """What `protocol` makes of a turn."""
    found = turn_of(order(Mandate(notice=notice, per=Per(count=per[0], unit=per[1])), time=time), number)
    return {"begins": found.begins, "ends": found.ends, "earliest": found.earliest, "latest": found.latest}


PAUSE: Final = said("pause", 0)
RESUME: Final = said("resume", 1, NOON + 2 * DAY)
PRICE: Final = said("price", 0, price=1_000)
END: Final = said("end", 0)
TURNS: Final = (
    ("day", NOON, (1, "day"), 400), ("weeks", NOON, (2, "week"), 30),
    ("31st-in-february", NOON, (1, "month"), 1), ("31st-in-march", NOON, (1, "month"), 2),
    ("31st-in-april", NOON, (1, "month"), 3), ("quarter", NOON, (3, "month"), 5), ("year", NOON, (1, "year"), 3),
    ("29-february", 1_709_164_800_000, (1, "year"), 1), ("29-february-again", 1_709_164_800_000, (1, "year"), 4),
    ("1970", 0, (1, "month"), 1), ("century", NOON, (1, "month"), 1_200),
    ("no-leap-2100", 4_105_036_800_000, (1, "month"), 1),
)  # fmt: skip
STATES: Final[tuple[tuple[str, tuple[Statement, ...]], ...]] = (
    ("none", ()),
    ("pause", (PAUSE,)),
    ("resume", (PAUSE, RESUME)),
    ("any-order", (RESUME, PAUSE)),
    ("end", (END,)),
    ("price", (PRICE,)),
    ("price-while-paused", (PAUSE, said("price", 1, NOON + 2 * DAY, 1_000))),
    ("price-to-nothing", (said("price", 0, price=0),)),
    ("gap", (PAUSE, said("end", 2))),
    ("gap-at-first", (RESUME,)),
    ("pause-twice", (PAUSE, said("pause", 1, NOON + 2 * DAY))),
    ("resume-active", (said("resume", 0),)),
    ("same-price", (said("price", 0, price=900),)),
    ("after-end", (END, said("resume", 1, NOON + 2 * DAY), said("end", 2, NOON + 3 * DAY))),
    ("before-the-order", (said("pause", 0, NOON - 1),)),
    ("at-the-order", (said("pause", 0, NOON),)),
    ("dated-back", (PAUSE, said("resume", 1, NOON + DAY - 1))),
    ("dated-back-to-a-void-one", (PAUSE, said("pause", 1, NOON + 9 * DAY), said("resume", 2, NOON + DAY))),
    ("contradicted", (PAUSE, END, RESUME)),
    ("contradicted-later", (PAUSE, RESUME, said("end", 1, NOON + 2 * DAY), said("end", 2, NOON + 3 * DAY))),
    ("sixteen", (*(said("resume" if n % 2 else "pause", n, NOON + n) for n in range(15)), said("end", 15, NOON + 15))),
)  # fmt: skip


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, rule: int, given: dict[str, Any], act: Any) -> None:
        try:
            outcome: dict[str, Any] = {"expected": act()}
        except (RemoteProtocolError, Void) as error:
            outcome = {"error": error.code}
        found.append(vector(name, comment, f"R-MAN-{rule}", given, **outcome))

    for name, time, per, number in TURNS:
        given = {"time": time, "per": list(per), "notice": 1_000, "turn": number}
        add(
            f"turn-{name}",
            name.replace("-", " "),
            2,
            given,
            lambda g=given: turn(g["time"], g["per"], 1_000, g["turn"]),
        )  # type: ignore[misc]
    frame = encoding.decode(PRICE.data)
    forms: list[tuple[str, str, Any]] = [
        ("plain", "a statement", PAUSE.data),
        ("price", "consent to a price", PRICE.data),
        ("last", "the last number ends the mandate", said("end", 15).data),
        ("last-pause", "and can do nothing else", ["pause", frame[1], 15, NOON, None, frame[5]]),
        ("number-16", "beyond the last number", [frame[0], frame[1], 16, *frame[3:]]),
        ("negative", "a number below 0", [frame[0], frame[1], -1, *frame[3:]]),
        ("unknown", "an unknown action", ["stop", *frame[1:]]),
        ("no-price", "a price without an amount", [*frame[:4], None, frame[5]]),
        ("price-below", "a negative price", [*frame[:4], -1, frame[5]]),
        ("price-text", "a price in words", [*frame[:4], "9", frame[5]]),
        ("pause-price", "an amount where there is no price", ["pause", *frame[1:]]),
        ("true", "a truth value for a number", [frame[0], frame[1], False, *frame[3:]]),
        ("order-31", "31 bytes", [frame[0], frame[1][1:], *frame[2:]]),
        ("time-below", "before 1970", [*frame[:3], -1, *frame[4:]]),
        ("signature-63", "63 bytes", [*frame[:5], frame[5][1:]]),
        ("five", "five members", frame[:5]),
        ("seven", "seven members", [*frame, None]),
        ("map", "a map", {"action": "end"}),
        ("trailing", "a byte behind", PAUSE.data + b"\0"),
        ("other-price", "another price", [*frame[:4], 1_001, frame[5]]),
        ("other-number", "another number", [*frame[:2], 1, *frame[3:]]),
        ("other-order", "another order", [frame[0], b"o" * 32, *frame[2:]]),
        ("network", "signed for another network", said("pause", 0, network="test").data),
        ("seller", "signed by the seller", said("pause", 0, signer=SELLER).data),
    ]  # fmt: skip
    for name, comment, value in forms:
        data = value if isinstance(value, bytes) else encoding.encode(value)
        given = {"statement": data.hex(), "key": BUYER.public.hex()}
        add(f"statement-{name}", comment, 3, given, lambda d=data: stated(d, BUYER.public))  # type: ignore[misc]
    for name, statements in STATES:
        given = {"order": FIRST.data.hex(), "statements": [each.data.hex() for each in statements]}
        raw = [each.data for each in statements]
        add(f"state-{name}", name.replace("-", " "), 5, given, lambda r=raw: state(FIRST.data, r))  # type: ignore[misc]
    three = order(prices=(500, 300, 100))
    cheaper = [said("price", 0, price=100, order=three.id)]
    for first, statements, name in ((three, cheaper, "price-of-parts"),):
        given = {"order": first.data.hex(), "statements": [each.data.hex() for each in statements]}
        add(f"state-{name}", "divided as before", 5, given, lambda: state(three.data, [cheaper[0].data]))
    latest = turn_of(FIRST, 1).latest
    longer = order(Mandate(notice=28 * DAY, per=Per(count=1, unit="month")))
    endless = order(Mandate(notice=DAY, per=Per(count=1, unit="month")))
    renewals: list[tuple[str, str, int, Message]] = [
        ("first", "of the first turn", 7, renewed()),
        ("earliest", "dated when the period before begins", 7, renewed(time=NOON)),
        ("too-early", "a ms before", 7, renewed(time=NOON - 1)),
        ("latest", "dated as late as the notice allows", 7, renewed(time=latest)),
        ("too-late", "a ms later", 7, renewed(time=latest + 1)),
        ("too-early-second", "the second turn within the period before the first", 7, renewed(turn=2)),
        ("skips-a-turn", "a turn whose predecessor was not renewed", 7, renewed(turn=2, time=NOON + 40 * DAY)),
        ("last-turn", "the last turn", 7, renewed(turn=12, time=turn_of(FIRST, 12).latest)),
        ("beyond", "a turn more than the mandate has", 7, renewed(turn=13, time=turn_of(FIRST, 13).latest)),
        ("endless", "a mandate without a last turn", 7,
         renewed(turn=1_200, time=turn_of(endless, 1_200).earliest, first=endless)),
        ("notice", "a mandate whose notice is as long as its shortest period", 1, renewed(first=longer)),
        ("notice-quarter", "as long as three of the shortest months", 1,
         renewed(first=order(Mandate(notice=84 * DAY, per=Per(count=3, unit="month"))))),
        ("notice-quarter-short", "a ms shorter", 1,
         renewed(first=order(Mandate(notice=84 * DAY - 1, per=Per(count=3, unit="month"))), time=NOON)),
        ("paused", "paused", 7, renewed([PAUSE])),
        ("resumed", "resumed", 7, renewed([PAUSE, RESUME])),
        ("ended", "ended", 7, renewed([END])),
        ("contradicted", "two statements of one number", 7,
         renewed(sorted([PAUSE, END], key=lambda each: each.id))),
        ("contradicted-turned", "the one of the higher id first", 6,
         renewed(sorted([PAUSE, END], key=lambda each: each.id, reverse=True))),
        ("no-statement", "something that is no statement", 6, renewed_with([b"\x80"])),
        ("no-statement-first", "a statement without a form, behind one that is missing", 6,
         renewed_with([RESUME.data, b"\x80"])),
        ("price", "at the price consented to", 7, renewed([PRICE], prices=[1_000])),
        ("old-price", "at the price before it", 7, renewed([PRICE])),
        ("no-consent", "at a price without consent", 7, renewed(prices=[1_000])),
        ("parts", "other parts", 7, renewed(prices=[450, 450])),
        ("out-of-order", "statements out of order", 6, renewed([RESUME, PAUSE])),
        ("gap", "one missing before another", 6, renewed([RESUME])),
        ("twice", "one twice", 6, renewed([PAUSE, PAUSE])),
        ("other-order", "a statement on another order", 6, renewed([said("pause", 0, order=b"o" * 32)])),
        ("later-statement", "a statement dated after the renewal", 6, renewed([said("pause", 0, NOON + 21 * DAY)])),
        ("void-statement", "a statement without effect stands among them", 6,
         renewed([said("resume", 0), said("price", 1, NOON + DAY, 1_000)], prices=[1_000])),
        ("forged", "a statement signed by the seller", 6,
         renewed([said("price", 0, price=9, signer=SELLER)], prices=[9])),
        ("forged-order", "an order signed by the seller", 6, renewed(first=order(signer=SELLER))),
    ]  # fmt: skip
    for name, comment, rule, message in renewals:
        add(
            f"renewal-{name}", comment, rule, {"renewal": message.data.hex()}, lambda m=message: fault(m.data)
        )  # type: ignore[misc]
    return found
