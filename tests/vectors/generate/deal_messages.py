"""Makes tests/vectors/deal_messages.json: single messages of deals."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET

from protocol import encoding, limits
from protocol.deals.bodies import Mandate, Order
from protocol.deals.message import Message, parse
from protocol.records.money import Per
from protocol.signing import SMALL_ORDER, Signer
from tests.protocol.deals.made import BUYER, HOUR, SIGNERS, order, signed, started
from tests.protocol.deals.test_table import STATES
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Deal messages (section 21.1), network `test`: the bytes of one and the key of its sender (hex). Expected: its id, "
    "that of the deal, type, role, number. `signature`: it is not the key's; other codes: the form is wrong."
)
ID: Final = b"\x07" * 32


def vectors() -> list[Vector]:
    """Every type, then every way in which frame, body and signature can be wrong."""
    return [*_valid(), *_frames(), *_bodies(), *_nested(), *_signatures()]


def _vector(
    name: str, comment: str, requirement: str, data: bytes, key: bytes, read: Message | None, error: str = ""
) -> Vector:
    given = {"message": data.hex(), "key": key.hex()}
    if read is None:
        return vector(name, comment, requirement, given, error=error)
    expected = {
        "id": read.id.hex(), "deal": read.deal.hex(), "type": read.type, "role": read.role, "number": read.number,
    }  # fmt: skip
    return vector(name, comment, requirement, given, expected=expected)


def _key(read: Message) -> bytes:
    return SIGNERS[read.role].public


def _valid() -> list[Vector]:
    found: dict[str, Vector] = {}
    for make in STATES.values():
        for read in make().signed():
            if read.type not in found:
                found[read.type] = _vector(
                    f"type-{read.type}", f"a message of type {read.type}", "R-DEAL-1, 2, 3", read.data, _key(read), read
                )  # fmt: skip
    credit = msgspec.structs.replace(order(), currency=UNSET, issuer=ID, unit="points")
    read = signed([started(credit)])[0]
    more = _vector("credit", "a price in a unit of credit", "R-DEAL-6", read.data, BUYER.public, read)
    value = _frame(read.data)[:9]
    value[8]["future"] = [1]
    unknown = _vector_signed("unknown-field", "a field that is not known, signed with the rest", value)
    return [*found.values(), more, unknown]


def _frame(data: bytes) -> list[Any]:
    value: list[Any] = encoding.decode(data)
    return value


def _vector_signed(name: str, comment: str, frame: list[Any]) -> Vector:
    image = b"INX/1\x00test\x00deal message\x00" + encoding.encode(frame)
    read = parse(encoding.encode([*frame, BUYER.sign(image)]))
    return _vector(name, comment, "R-DEAL-3", read.data, BUYER.public, read)


def _frames() -> list[Vector]:
    start = _frame(signed([started()])[0].data)
    other = ["cancel", ID, "seller", 1, ID, [], 5, 0, {"reason": "other"}, bytes(64)]
    key = SIGNERS["seller"].public
    wrong: tuple[tuple[str, list[Any], int, Any], ...] = (
        ("type-unknown", start, 0, "orders"),
        ("type-int", start, 0, 1),
        ("start-deal", start, 1, ID),
        ("start-role", start, 2, "seller"),
        ("start-number", start, 3, 1),
        ("start-previous", start, 4, ID),
        ("start-seen", start, 5, [ID]),
        ("time-negative", start, 6, -1),
        ("time-bool", start, 6, True),
        ("buyer-epoch", start, 7, 0),
        ("body-array", start, 8, []),
        ("signature-63", start, 9, bytes(63)),
        ("signature-nil", start, 9, None),
        ("deal-nil", other, 1, None),
        ("deal-31", other, 1, bytes(31)),
        ("role-unknown", other, 2, "keeper"),
        ("number-negative", other, 3, -1),
        ("number-too-high", other, 3, limits.MAX_DEAL_MESSAGES),
        ("number-0-previous", other, 3, 0),
        ("previous-nil", other, 4, None),
        ("previous-31", other, 4, bytes(31)),
        ("seen-no-array", other, 5, ID),
        ("seen-31", other, 5, [bytes(31)]),
        ("seen-too-many", other, 5, [bytes([i]) * 32 for i in range(limits.MAX_SEEN + 1)]),
        ("seen-twice", other, 5, [b"\x08" * 32, b"\x08" * 32]),
        ("seen-previous", other, 5, [ID]),
        ("seller-epoch-nil", other, 7, None),
        ("seller-epoch-192", other, 7, limits.MAX_EPOCHS),
    )
    found = []
    for name, whole, at, value in wrong:
        data = encoding.encode([*whole[:at], value, *whole[at + 1 :]])
        found.append(_vector(name, "a field of the frame", "R-DEAL-1, 2", data, key, None, "deal_message"))
    data = encoding.encode(start)
    long = encoding.encode([*start[:8], {**start[8], "future": bytes(limits.MAX_ORDER)}, start[9]])
    for name, broken, code in (
        ("nine", encoding.encode(start[:9]), "deal_message"),
        ("map", encoding.encode({}), "deal_message"),
        ("cut", data[:-1], "encoding"),
        ("more", data + b"\x00", "encoding"),
        ("order-too-long", long, "too_large"),
        ("message-too-long", bytes(limits.MAX_DEAL_MESSAGE + 1), "too_large"),
    ):
        found.append(_vector(name, "the array itself", "R-DEAL-1", broken, key, None, code))
    return found


def _bodies() -> list[Vector]:
    def changed(**changes: Any) -> Order:
        return msgspec.structs.replace(order(), **changes)

    terms = order().terms
    wrong: tuple[tuple[str, Order, str], ...] = (
        ("no-money", changed(currency=UNSET), "deal_message"),
        ("two-moneys", changed(issuer=ID, unit="points"), "deal_message"),
        ("half-credit", changed(currency=UNSET, issuer=ID), "deal_message"),
        ("price-too-high", changed(parts=order((limits.MAX_INT, 1)).parts), "deal_message"),
        ("tax-and-shipping", changed(tax=60, shipping=41), "deal_message"),
        ("arbiter-without-consent", changed(terms=msgspec.structs.replace(terms, consent=UNSET)), "deal_message"),
        ("consent-without-arbiter", changed(terms=msgspec.structs.replace(terms, arbiter=UNSET)), "deal_message"),
        ("consent-of-no-form", changed(terms=msgspec.structs.replace(terms, consent=b"\x80")), "deal_message"),
        ("no-listing", changed(listing=UNSET), "deal_message"),
        ("offer-of-no-form", changed(offer=b"\x80"), "deal_message"),
        ("no-parts", changed(parts=()), "deal_message"),
        ("term-too-long", changed(terms=msgspec.structs.replace(terms, pay_by=limits.MAX_TERM + 1)), "deal_message"),
        ("key-of-small-order", changed(key=min(SMALL_ORDER)), "key"),
    )  # fmt: skip
    frame = _frame(signed([started()])[0].data)
    found = []
    for name, body, code in wrong:
        frame[8] = msgspec.to_builtins(body, builtin_types=(bytes,))
        data = encoding.encode(frame)
        found.append(
            _vector(f"order-{name}", "a body that is wrong", "R-DEAL-6", data, BUYER.public, None, code)
        )
    mandate = signed([started(changed(mandate=Mandate(notice=HOUR, per=Per(count=1, unit="month"))))])[0]
    for name, first in (
        ("no-order", b"\x80"),
        ("without-mandate", signed([started()])[0].data),
        ("", mandate.data),
    ):
        body = {"first": first, "parts": [{"price": 100}], "turn": 1 if name else 0}
        data = encoding.encode(["renewal", None, "seller", 0, None, [], 5, 0, body, bytes(64)])
        found.append(
            _vector(f"renewal-{name or 'turn-0'}", "a body that is wrong", "R-DEAL-6", data, BUYER.public, None,
                    "deal_message")
        )  # fmt: skip
    for name, body in (
        ("delivered-falls", {"delivered": [1, 0], "dispute": ID, "keeps": 0, "paid": 0}),
        ("dispute-missing", {"keeps": 0, "paid": 0}),
    ):
        data = encoding.encode(["ruling", ID, "arbiter", 0, None, [ID], 5, 0, body, bytes(64)])
        found.append(
            _vector(
                f"ruling-{name}",
                "a body that is wrong",
                "R-DEAL-3, 6",
                data,
                BUYER.public,
                None,
                "deal_message",
            )
        )
    return found


def _nested() -> list[Vector]:
    """Several faults in one message: the first in the order of the checks decides [R-DEAL-1]."""
    frame = _frame(signed([started()])[0].data)
    body = frame[8]
    small = {**body, "key": min(SMALL_ORDER)}
    bad_terms = {**body["terms"], "consent": b"\x80"}
    long = bytes(limits.MAX_ORDER)
    changed = Mandate(notice=HOUR, per=Per(count=1, unit="month"))
    inner = _frame(signed([started(msgspec.structs.replace(order(), mandate=changed))])[0].data)
    inner[8] = {**inner[8], "key": min(SMALL_ORDER)}
    renewal = {"first": encoding.encode(inner), "parts": [{"price": 1}], "turn": 1}
    rows: tuple[tuple[str, str, list[Any], str], ...] = (
        ("frame-size", "a wrong frame that is too long for an order", [*frame[:3], 1, *frame[4:8], long, frame[9]],
         "deal_message"),
        ("size-body", "too long for an order, with a body that is no map", [*frame[:8], long, frame[9]], "too_large"),
        ("size-field", "too long for an order, with a field of a wrong form",
         [*frame[:8], {**body, "parts": [], "future": long}, frame[9]], "too_large"),
        ("field-key", "a field of a wrong form, and a key that is none",
         [*frame[:8], {**small, "parts": []}, frame[9]], "deal_message"),
        ("key-money", "a key that is none, and two moneys",
         [*frame[:8], {**small, "issuer": ID, "unit": "u"}, frame[9]], "key"),
        ("key-consent", "a key that is none, and a consent of no form",
         [*frame[:8], {**small, "terms": bad_terms}, frame[9]], "key"),
        ("inner-key", "the order that a renewal holds has a key that is none",
         ["renewal", None, "seller", 0, None, [], 5, 0, renewal, bytes(64)], "deal_message"),
    )  # fmt: skip
    return [
        _vector(f"nested-{name}", comment, "R-DEAL-1", encoding.encode(value), BUYER.public, None, code)
        for name, comment, value, code in rows
    ]


def _signatures() -> list[Vector]:
    read = signed([started()])[0]
    found = []
    for at, value in ((1 + 6, read.time + 1), (0, read.time - 1)):
        frame = _frame(read.data)
        frame[6] = value
        name = f"dated-{'later' if at else 'earlier'}"
        found.append(
            _vector(name, "another date", "R-DEAL-5", encoding.encode(frame), BUYER.public, None, "signature")
        )
    network = signed([started()], "other")[0].data
    found.append(_vector("network", "another network", "R-DEAL-5", network, BUYER.public, None, "signature"))
    stranger = Signer(bytes(range(32))).public
    found.append(_vector("key", "another key", "R-DEAL-5", read.data, stranger, None, "signature"))
    return found
