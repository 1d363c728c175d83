"""What the messages that a sale embeds prove; sections 27.4 and 27.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netnode.conformance.deals import STARTS, Message, read_message, signed_by
from netnode.conformance.faults import Fault, demand
from netnode.conformance.mandates import check_renewal
from netnode.conformance.offers import named_by
from netnode.conformance.verdicts import binding, judge

Map = dict[str, Any]
Keys = Callable[[bytes, int], list[bytes]]
"""Networker and epoch -> the keys of it, replaced ones too."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a deal comes to by messages embedded.

    Attributes:
        contract, ordered: dates.
        newest: date of the newest receipt, presumption or ruling; None without one.
        disputed: whether a dispute of the buyer is open.
    """

    start: Message
    order: Map
    price: int
    earned: int
    paid: int
    refunded: int
    keeps: int | None
    contract: int
    ordered: int
    newest: int | None
    presumed: bool
    disputed: bool


def read_messages(data: list[bytes]) -> list[Message]:
    """Deal messages by their form.

    Raises:
        Fault: `deal`.
    """
    try:
        return [read_message(each) for each in data]
    except Fault as fault:
        raise Fault("deal", str(fault)) from fault


def prove(
    network: str,
    issuer: bytes,
    before: list[Message],
    data: list[bytes],
    new: list[Message],
    now: int,
    keys: Keys,
) -> Proof:
    """What messages prove with those embedded before [R-CRED-14] [R-CRED-15].

    Args:
        data: the bytes of `new`.
        now: date of the entry.

    Raises:
        Fault: `deal`, `dated_ahead`, `names_differ`, `not_signed`, `not_agreed`.
    """
    messages = [*before, *new]
    start = messages[0]
    demand(start.type in STARTS, "deal", "no start")
    known = {each.id for each in before}
    for each in new:
        one = each.deal == start.id and each.id not in known and (each.type not in STARTS or each is start)
        demand(one and each.names <= known, "deal", "of another deal, twice, or out of order")
        known.add(each.id)
    demand(all(each.time <= now for each in new), "dated_ahead")
    order = start.order
    demand(order["seller"] == issuer, "names_differ", "another seller")
    for each, raw in zip(new, data, strict=True):
        demand(_signed(network, order, each, raw, keys), "not_signed", each.type)
    state = judge(messages, now)
    holding = [each for each in messages if state.verdicts.get(each.id, "waits") is None]
    contract = [start.time] if binding(start) else [each.time for each in holding if each.type == "accept"]
    demand(state.contract and bool(contract), "not_agreed")
    prices = [part["price"] for part in start.body["parts"]]
    got = [name in ("received", "presumed") for name, _ in state.parts]
    ruling = [each for each in holding if each.id == state.ruling]
    dated = ("receive", "presume_received", "presume_payment", "ruling")
    figures = state.figures
    by_id = {each.id: each for each in messages}
    return Proof(
        start,
        order,
        sum(prices),
        sum(price for price, counts in zip(prices, got, strict=True) if counts),
        figures["paid"],
        min(figures["refund_sent"], figures["refund_received"]),
        ruling[0].body["keeps"] if ruling else None,
        contract[0],
        read_message(start.body["first"]).time if start.type == "renewal" else start.time,
        max((each.time for each in holding if each.type in dated), default=None),
        any(name == "presumed" for name, _ in state.parts),
        any(end is None and by_id[id_].role == "buyer" for id_, end in state.disputes.items()),
    )


def _signed(network: str, order: Map, message: Message, raw: bytes, keys: Keys) -> bool:
    named = order.get("named")
    agreed = named is None or any(named_by(network, order, key) for key in keys(named["id"], named["epoch"]))
    if message.type == "renewal":
        try:
            check_renewal(network, raw)
        except Fault as fault:
            return fault.code != "signature" and agreed
        return agreed
    if message.role == "buyer":
        return (message.type != "order" or agreed) and signed_by(network, message, order["key"])
    if message.role == "arbiter":
        arbiter = order["terms"].get("arbiter")
        known = [] if arbiter is None or message.epoch is None else keys(arbiter, message.epoch)
        return any(signed_by(network, message, key) for key in known)
    return True
