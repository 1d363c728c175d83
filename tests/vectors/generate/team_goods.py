"""The vectors of goods given back, part of teams.json: what an owner owes on a request [R-TEAM-29]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from protocol import encoding
from protocol.deals.bodies import Order
from protocol.deals.enclosures import DiscountLine, Goods, GoodsLine, TaxLine
from protocol.deals.message import Message, parse, sign
from protocol.errors import Void
from protocol.records.codec import Codec
from protocol.records.team import Buyback
from protocol.teams.buyback import Bought, lines_of, owed
from protocol.teams.statements import BuybackRequest, read
from tests.protocol.author import NETWORK, START
from tests.protocol.deals.made import BUYER, order
from tests.protocol.teams.made import DAY, Play
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

_DEFAULT: Final = (365, 9_000)
_YEAR: Final = 365 * DAY
_GOODS: Final = Codec(Goods, None)


def told(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is owed on the request of a vector, and what was paid for each line that was received.

    Raises:
        Void: `too_late`, `too_much`.
    """
    request = read(BuybackRequest, bytes.fromhex(given["request"]))
    body = parse(bytes.fromhex(given["order"])).body
    assert isinstance(body, Order)
    lines = lines_of(body, _GOODS.decode(bytes.fromhex(given["goods"])), given["price"], given["parts"])
    bought = Bought(
        request.order, request.signer, given["received"], lines, dict(given["returned"]), given["left"]
    )
    days, points = given["rule"]
    due = owed(request, bought, Buyback(days=days, points=points))
    return {"owed": due, "paid": [[line, pieces, paid] for line, (pieces, paid) in lines.items()]}


def goods(play: Play) -> list[Vector]:
    """Requests about orders of lines at 1,000 each piece."""
    found: list[Vector] = []

    def back(name: str, comment: str, asked: Sequence[tuple[int, int]], amount: int, **other: Any) -> None:
        lines: Sequence[tuple[int, int]] = other.get("lines", ((3, 0),))
        cost = sum(pieces for pieces, _ in lines) * 1_000
        off, shipping, tax = (other.get(each, 0) for each in ("off", "shipping", "tax"))
        price = cost - off + shipping + tax
        parts = max(part for _, part in lines) + 1
        made = _ordered([price] if parts == 1 else [price - 1_000, 1_000], shipping, tax)
        request = play.signed(
            "ada", BuybackRequest, amount=amount, bought=bytes(64), goods=tuple(asked), order=made.id,
            time=other.get("time", START + _YEAR),
        )  # fmt: skip
        given = {
            "request": request.hex(), "order": made.data.hex(), "goods": _enclosed(lines, off, tax).hex(),
            "price": other.get("price", price), "parts": other.get("parts", list(range(parts))), "received": START,
            "returned": other.get("returned", []), "left": other.get("left", other.get("price", price)),
            "rule": list(other.get("rule", _DEFAULT)),
        }  # fmt: skip
        try:
            found.append(vector(f"goods-{name}", comment, "R-TEAM-29", given, expected=told(given)))
        except Void as void:
            found.append(vector(f"goods-{name}", comment, "R-TEAM-29", given, error=void.code))

    back("one", "one of three pieces, on the last day", [(0, 1)], 900)
    back("all", "all of them", [(0, 3)], 2_700)
    back("less", "less is asked for than is owed", [(0, 3)], 1)
    back("more", "a unit more than is owed", [(0, 3)], 2_701)
    back("late", "a ms after the last day", [(0, 1)], 900, time=START + _YEAR + 1)
    back("rule", "by the plan's own rule", [(0, 1)], 333, rule=(30, 3_333), time=START + 30 * DAY)
    back(
        "never",
        "a plan that takes nothing back, at the moment of the receipt",
        [(0, 1)],
        0,
        rule=(0, 9_000),
        time=START,
    )
    back("rounded", "what was paid for three pieces does not divide", [(0, 1)], 899, off=1)
    lines = ((3, 0), (2, 0), (1, 0))
    back(
        "shares",
        "a discount divides among the lines, the rest to the largest remainders",
        [(0, 3), (1, 2), (2, 1)],
        5_397,
        lines=lines,
        off=2,
    )
    back("lines", "each line is rounded down by itself", [(0, 1), (1, 1)], 1_798, lines=lines, off=2)
    back("shipping", "neither shipping nor the tax on it is paid back", [(0, 3)], 2_700, shipping=500, tax=95)
    back("renewal", "by a renewal at another price", [(0, 1)], 449, shipping=500, tax=95, price=1_798)
    back("part", "of a part that was not received", [(1, 1)], 0, lines=((3, 0), (1, 1)), parts=[0])
    back("received", "of the part that was received", [(0, 3)], 2_700, lines=((3, 0), (1, 1)), parts=[0])
    back("none", "a line that there is not", [(7, 1)], 0)
    back("pieces", "more pieces than were bought", [(0, 4)], 0)
    back("again", "pieces of which some were taken back before", [(0, 1)], 900, returned=[[0, 2]])
    back("again-more", "more than are left of them", [(0, 2)], 900, returned=[[0, 2]])
    back("left", "the seller has less left than would be owed", [(0, 3)], 2_000, left=2_000)
    back("left-more", "a unit more than the seller has left", [(0, 3)], 2_001, left=2_000)
    back("free", "an order that cost nothing", [(0, 1)], 0, off=3_000)
    return found


def _ordered(prices: Sequence[int], shipping: int, tax: int) -> Message:
    body = replace(order(prices), shipping=shipping, tax=tax)
    return sign(
        NETWORK,
        BUYER,
        body=body,
        deal=None,
        role="buyer",
        number=0,
        previous=None,
        seen=(),
        time=START,
        epoch=None,
    )


def _enclosed(lines: Sequence[tuple[int, int]], off: int, tax: int) -> bytes:
    made = tuple(
        GoodsLine(amount=pieces * 1_000, part=part, quantity=pieces, title="Linen", unit_price=1_000)
        for pieces, part in lines
    )
    taxes = (TaxLine(amount=tax, included=False, rate=1_900, shipping=tax, title="VAT"),) if tax else ()
    discounts = (DiscountLine(amount=off, title="Less"),) if off else ()
    return encoding.encode_struct(Goods(salt=bytes(16), discounts=discounts, lines=made, taxes=taxes))
