"""Vectors of what orders cost, and of mandates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from netnode.conformance.encoding import decode
from netnode.conformance.limits import MAX_RECORD
from netnode.conformance.mandates import check_renewal, read_statement, standing, turn
from netnode.conformance.prices import check_sums, cost, divided
from netnode.conformance.tags import sha256
from netnode.conformance.vectors.judging import Judge, Vector, compared, hexed


def _prices(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "total" in given:
            return {"shares": divided(given["total"], given["weights"])}
        if "lines" in given:
            return {"price": check_sums(given)}
        listing = decode(hexed(given["listing"]), MAX_RECORD)
        address, discount = (
            decode(hexed(given[name]), MAX_RECORD) if name in given else None
            for name in ("address", "discount")
        )
        choices = [(values, pieces) for values, pieces in given["choices"]]
        found = cost(listing, choices, given["time"], address, given.get("service"), discount)
        return {
            "lines": [list(line) for line in found.lines],
            "discount": found.discount,
            "tax": found.tax and list(found.tax),
            "shipping": found.shipping,
            "price": found.price,
            "points": found.points,
        }

    compared(vector, judge)


def _mandates(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "turn" in given:
            count, unit = given["per"]
            mandate = {"per": {"count": count, "unit": unit}, "notice": given["notice"]}
            return turn(given["time"], mandate, given["turn"])
        if "statement" in given:
            data = hexed(given["statement"])
            read_statement("inx", data, hexed(given["key"]))
            return {"id": sha256(data).hex()}
        if "renewal" in given:
            check_renewal("inx", hexed(given["renewal"]))
            return {"effect": True}
        order = decode(hexed(given["order"]), MAX_RECORD)
        prices = [part["price"] for part in order[8]["parts"]]
        return standing(order[6], prices, list(map(hexed, given["statements"])))

    compared(vector, judge)


JUDGES: Final[Mapping[str, Judge]] = {"prices": _prices, "mandates": _mandates}
"""By the name of the file."""
