"""Mandates: periods, statements of buyers, and which renewals have effect; section 22.3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    MAX_CHANGE,
    MAX_CHANGES,
    MAX_DEAL_MESSAGE,
    MAX_INT,
)
from netnode.conformance.prices import divided
from netnode.conformance.shapes import bin_, int_, one_of, or_nil, row
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400_000
_SHORTEST: Final = {"day": 1, "week": 7, "month": 28, "year": 365}
_SHAPE: Final = row(
    one_of("end", "pause", "price", "resume"),
    bin_(32),
    int_(0, MAX_CHANGES - 1),
    int_(),
    or_nil(int_(0, MAX_INT)),
    bin_(64),
)


def after(moment: int, per: Map, turns: int) -> int:
    """The moment so many periods later [R-MAN-2]."""
    count = per["count"] * turns
    if per["unit"] in ("day", "week"):
        days: int = count * _SHORTEST[per["unit"]]
        return moment + days * _DAY
    first = _EPOCH + timedelta(milliseconds=moment)
    months = first.year * 12 + first.month - 1 + count * (12 if per["unit"] == "year" else 1)
    day = first.day
    while True:
        try:
            found = first.replace(year=months // 12, month=months % 12 + 1, day=day)
        except ValueError:
            day -= 1
            continue
        return (found - _EPOCH) // timedelta(milliseconds=1)


def turn(time: int, mandate: Map, number: int) -> dict[str, int]:
    """When a turn of a mandate begins and ends, and when its renewal may be dated [R-MAN-2]."""
    begins = after(time, mandate["per"], number)
    return {
        "begins": begins,
        "ends": after(time, mandate["per"], number + 1),
        "earliest": after(time, mandate["per"], max(0, number - 1)),
        "latest": begins - mandate["notice"],
    }


def check_notice(mandate: Map) -> None:
    """The notice leaves time for a renewal [R-MAN-1].

    Raises:
        Fault: `mandate`.
    """
    shortest = mandate["per"]["count"] * _SHORTEST[mandate["per"]["unit"]] * _DAY
    demand(mandate["notice"] < shortest, "mandate", "")


def read_statement(network: str, data: bytes, key: bytes) -> list[Any]:
    """A statement that the key of its order signed [R-MAN-3].

    Raises:
        Fault: `deal_message`, `signature`, or a code of the encoding.
    """
    value = formed(data)
    demand(valid(key, tag(network, "mandate") + encode(value[:5]), value[5]), "signature", "")
    return value


def formed(data: bytes) -> list[Any]:
    """A statement by its form alone [R-MAN-3].

    Raises:
        Fault: `deal_message`, or a code of the encoding.
    """
    value: list[Any] = decode(data, MAX_CHANGE)
    demand(_SHAPE(value), "deal_message", "not a statement")
    action, _, number, _, price, _ = value
    demand((action == "price") == (price is not None), "deal_message", "a price")
    demand(number < MAX_CHANGES - 1 or action == "end", "deal_message", "the last one")
    return value


def standing(time: int, prices: list[int], statements: list[bytes]) -> Map:
    """What statements on an order of that date and those prices come to [R-MAN-5]."""
    by_number: dict[int, set[bytes]] = {}
    for data in statements:
        by_number.setdefault(decode(data, MAX_CHANGE)[2], set()).add(data)
    now, number, codes, broken = "active", 0, dict.fromkeys(statements, "waits"), False
    told: dict[bytes, str | None] = dict(codes)
    while number in by_number:
        group = by_number[number]
        number += 1
        broken = broken or len(group) > 1
        for data in group:
            told[data] = "contradicted" if broken else _effect(decode(data, MAX_CHANGE), now, prices, time)
            if told[data] is None:
                action, _, _, time, price, _ = decode(data, MAX_CHANGE)
                now = {"end": "ended", "pause": "paused", "resume": "active"}.get(action, now)
                prices = divided(price, prices) if action == "price" else prices
        now = "ended" if broken else now
    return {"standing": now, "prices": prices, "number": number, "codes": [told[data] for data in statements]}


def check_renewal(network: str, data: bytes) -> None:
    """A renewal has effect [R-MAN-1] [R-MAN-6] [R-MAN-7].

    Raises:
        Fault: with the code why it has none, or `signature`.
    """
    message = decode(data, MAX_DEAL_MESSAGE)
    body, date = message[8], message[6]
    first, changes = body["first"], body.get("changes", [])
    order = decode(first, MAX_DEAL_MESSAGE)
    key = order[8]["key"]
    demand(valid(key, tag(network, "deal message") + encode(order[:9]), order[9]), "signature", "")
    for each in changes:
        try:
            read_statement(network, each, key)
        except Fault as fault:  # what has no form was signed by nobody [R-MAN-6]
            raise Fault("signature", str(fault)) from fault
    renewal_effect(date, body)


def renewal_effect(date: int, body: Map) -> None:
    """A renewal whose signatures hold has effect [R-MAN-1] [R-MAN-7].

    Raises:
        Fault: with the code why it has none.
    """
    first, changes = body["first"], body.get("changes", [])
    order = decode(first, MAX_DEAL_MESSAGE)
    mandate, began = order[8]["mandate"], order[6]
    try:
        read = [formed(each) for each in changes]
    except Fault as fault:
        raise Fault("changes", str(fault)) from fault
    numbers = [each[2] for each in read]
    in_order = changes == sorted(set(changes), key=lambda each: (decode(each, MAX_CHANGE)[2], sha256(each)))
    demand(in_order and sorted(set(numbers)) == list(range(len(set(numbers)))), "changes", "")
    demand(all(each[1] == sha256(first) and each[3] <= date for each in read), "changes", "")
    state = standing(began, [part["price"] for part in order[8]["parts"]], changes)
    window = turn(began, mandate, body["turn"])
    check_notice(mandate)
    demand(body["turn"] <= mandate.get("turns", body["turn"]), "turn", "")
    demand(state["standing"] != "ended", "mandate_ended", "")
    demand(state["standing"] != "paused", "mandate_paused", "")
    demand(window["earliest"] <= date, "too_early", "")
    demand(date <= window["latest"], "too_late", "")
    wanted = [
        {**part, "price": price} for part, price in zip(order[8]["parts"], state["prices"], strict=True)
    ]
    demand(body["parts"] == wanted, "price_differs", "")


def _effect(said: list[Any], now: str, prices: list[int], time: int) -> str | None:
    action, _, _, date, price, _ = said
    if date < time:
        return "bad_time"
    if now == "ended":
        return "ended"
    same = {"pause": now == "paused", "resume": now == "active", "price": price == sum(prices), "end": False}
    return "already" if same[action] else None
