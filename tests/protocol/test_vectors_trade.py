"""`protocol` passes the vectors of prices, plans, deals and credit that SPEC pins."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.deals import pricing
from protocol.deals.message import parse as parse_message
from protocol.deals.message import signed_by
from protocol.deals.offers import code_hash, offered_by, parse_offer
from protocol.deals.state import judge
from protocol.errors import RemoteProtocolError
from tests.protocol.test_vectors import outcome, raw
from tests.vectors.generate import (
    challenges,
    deals,
    ledger,
    mandates,
    offers,
    plans,
    prices,
    team_goods,
    transcripts,
)
from tests.vectors.generate.writing import Vector
from tests.vectors.reading import named, read


@pytest.mark.parametrize("vector", read("prices"), ids=named)
def test_prices(vector: Vector) -> None:  # [R-PRICE-1..7]
    def act() -> Any:
        given = vector["input"]
        if "total" in given:
            return {"shares": list(pricing.spread(given["total"], given["weights"]))}
        if "lines" in given:
            return prices.sums(given)
        return prices.told(prices.computed(given))

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("plans"), ids=named)
def test_plans(vector: Vector) -> None:  # [R-PLAN-2..7, 10..21]
    outcome(vector, lambda: plans.evaluated(vector["input"]))


@pytest.mark.parametrize("vector", read("mandates"), ids=named)
def test_mandates(vector: Vector) -> None:  # [R-MAN-1..7]
    def act() -> Any:
        given = vector["input"]
        if "turn" in given:
            return mandates.turn(given["time"], tuple(given["per"]), given["notice"], given["turn"])
        if "statement" in given:
            return mandates.stated(raw(given["statement"]), raw(given["key"]))
        if "renewal" in given:
            return mandates.fault(raw(given["renewal"]))
        return mandates.state(raw(given["order"]), list(map(raw, given["statements"])))

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("deal_messages"), ids=named)
def test_deal_messages(vector: Vector) -> None:  # [R-DEAL-1..6]
    def act() -> Any:
        message = parse_message(raw(vector["input"]["message"]))
        if not signed_by("test", message, raw(vector["input"]["key"])):
            raise RemoteProtocolError("signature", "not valid")
        return {
            "id": message.id.hex(),
            "deal": message.deal.hex(),
            "type": message.type,
            "role": message.role,
            "number": message.number,
        }

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("deals"), ids=named)
def test_deals(vector: Vector) -> None:  # [R-DEAL-7, 8, 10, 12..18, 20..23]
    messages = [parse_message(raw(each)) for each in vector["input"]["messages"]]
    assert deals.told(messages, judge(messages, vector["input"]["now"])) == vector["expected"]


@pytest.mark.parametrize("vector", read("offers"), ids=named)
def test_offers(vector: Vector) -> None:  # [R-OFF-1, 2, 4, 5]
    given = vector["input"]

    def act() -> Any:
        if "code" in given:
            return {"hash": code_hash("test", raw(given["salt"]), given["code"]).hex()}
        if "order_key" in given:
            return {"named": offers.named(given)}
        offer = parse_offer(raw(given["offer"]))
        if not offered_by("test", offer, raw(given["key"])):
            raise RemoteProtocolError("signature", "not valid")
        return {"id": offer.id.hex()}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("transcripts"), ids=named)
def test_transcripts(vector: Vector) -> None:  # [R-DEAL-26..29]
    assert transcripts.told(raw(vector["input"]["file"])) == vector["expected"]


@pytest.mark.parametrize("vector", read("ledger"), ids=named)
def test_ledgers(vector: Vector) -> None:  # [R-CRED-1..4, 10..15, 20, 24..29, 34..38, 43..51, 57, 58, 60..66]
    outcome(vector, lambda: ledger.folded(vector["input"]))


GOODS = [vector for vector in read("teams") if "goods" in vector["input"]]


@pytest.mark.parametrize("vector", GOODS, ids=named)
def test_goods_given_back(vector: Vector) -> None:  # [R-TEAM-29]
    outcome(vector, lambda: team_goods.told(vector["input"]))


@pytest.mark.parametrize("vector", read("challenges"), ids=named)
def test_challenges(vector: Vector) -> None:  # [R-CRED-54..57]
    outcome(vector, lambda: challenges.stood(vector["input"]))
