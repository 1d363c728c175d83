"""The verdict of each message of a deal on its seen-set, and the state of a set; section 21."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from netnode.conformance.accounts import (
    ENDED,
    FULFILLED,
    OPEN,
    RECEIVED,
    Account,
    Deal,
    account,
)
from netnode.conformance.deals import STARTS, Message
from netnode.conformance.encoding import encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.mandates import check_notice, renewal_effect
from netnode.conformance.offers import QUOTED, read_consent, read_offer

SIDES: Final = ("buyer", "seller")


@dataclass(frozen=True, slots=True)
class State:
    """The state of a set of messages [R-DEAL-10]: `verdicts` by id, None for effect; `waits` are not among them."""

    phase: str
    contract: bool
    parts: list[tuple[str, bool]]
    figures: dict[str, int]
    disputes: dict[bytes, str | None]
    ruling: bytes | None
    verdicts: dict[bytes, str | None]
    waits: frozenset[bytes]
    doubled: frozenset[str]


def judge(messages: Iterable[Message], now: int) -> State:
    """The state of authentic messages of one deal, the start among them, in whatever order they come.

    Args:
        messages: each any number of times.
        now: the reader's clock, ms UTC: messages dated later wait.
    """
    known = {each.id: each for each in messages}
    [start] = [each for each in known.values() if each.type in STARTS]
    fault = _code(lambda: _start(start))
    deal = Deal(
        start, start.order, start.time if fault is None and _binds(start) else None, fault is not None, {}
    )
    placed: dict[bytes, Message] = {}
    verdicts: dict[bytes, str | None] = {}
    while ready := [
        each
        for each in known.values()
        if each.id not in verdicts and each.time <= now and each.names <= verdicts.keys()
    ]:
        for each in ready:
            verdicts[each.id] = _code(partial(_judge, deal, placed, verdicts, fault, each))
    waits = frozenset(known.keys() - verdicts.keys())
    doubled = frozenset(_doubled(placed))
    counting = _counting(deal, placed)
    for each in placed.values():
        if verdicts[each.id] is None and each.id not in counting:
            verdicts[each.id] = "broken" if len(doubled) == 2 else "doubled"
    for each in placed.values():
        if verdicts[each.id] is None and each.type == "ruling" and verdicts[each.body["dispute"]] is not None:
            verdicts[each.id] = "no_dispute"  # of a branch that does not count
    whole = account(deal, [each for each in placed.values() if verdicts[each.id] is None])
    return State(
        _phase(whole, len(doubled) == 2),
        whole.contract is not None,
        list(zip(whole.parts, whole.late, strict=True)),
        whole.figures,
        whole.disputes,
        None if whole.ruling is None else whole.ruling.id,
        {**verdicts, **whole.struck},
        waits,
        doubled,
    )


def _phase(whole: Account, broken: bool) -> str:
    figures = whole.figures
    if broken:
        return "broken"
    if whole.open_disputes:
        return "disputed"
    if OPEN in whole.parts:
        return "ordered" if whole.contract is None else "agreed"
    if FULFILLED in whole.parts:
        return "fulfilled"
    if figures["unconfirmed_payments"] + figures["unconfirmed_refunds"]:
        return "unconfirmed"
    return "closed" if figures["refund_due"] + figures["payment_due"] else "final"


def _code(act: Callable[[], None]) -> str | None:
    try:
        act()
    except Fault as fault:
        return fault.code
    return None


# -- the start -----------------------------------------------------------------------------------------------------


def binding(start: Message) -> bool:
    """Whether a start has effect and is the contract by itself [R-DEAL-8] [R-DEAL-9]."""
    return _code(lambda: _start(start)) is None and _binds(start)


def _binds(start: Message) -> bool:
    """Whether a start without fault is the contract by itself [R-DEAL-9]."""
    if start.type == "renewal":
        return True
    if "offer" not in start.body:
        return False
    offer = read_offer(start.body["offer"])
    return "quote" in offer and "buyer" in offer and start.time <= offer["expires"]


def _start(start: Message) -> None:
    """[R-DEAL-8]."""
    if start.type == "renewal":
        renewal_effect(start.time, start.body)
        return
    order = start.body
    if "offer" in order:
        offer = read_offer(order["offer"])
        demand(offer["time"] <= start.time, "bad_time", "before its offer")
        demand(offer["seller"] == order["seller"], "terms_differ", "another seller")
        if "buyer" in offer:
            demand(order.get("named", {}).get("id") == offer["buyer"], "terms_differ", "another buyer")
        if "quote" in offer:
            for name in QUOTED:
                demand(_quoted(offer["quote"], name) == _quoted(order, name), "terms_differ", name)
    if "mandate" in order:
        check_notice(order["mandate"])
    if "consent" in order["terms"]:
        _consented(start.time, order)


def _consented(time: int, order: dict[str, Any]) -> None:
    """[R-ARB-3]."""
    consent, arbiter = read_consent(order["terms"]["consent"]), order["terms"]["arbiter"]
    demand(consent["arbiter"] == arbiter, "consent", "of another")
    demand(consent.get("seller", order["seller"]) == order["seller"], "consent", "to another")
    demand(consent["time"] <= time <= consent["expires"], "consent", "not in time")
    demand(arbiter not in (order["seller"], order.get("named", {}).get("id")), "consent", "no third")


def _quoted(body: dict[str, Any], name: str) -> bytes:
    """A field as it is compared: what stands in the table, and its bytes alone."""
    return encode(body.get(name, 0 if name in ("shipping", "tax") else None))


# -- the place -----------------------------------------------------------------------------------------------------


def _judge(
    deal: Deal,
    placed: dict[bytes, Message],
    verdicts: dict[bytes, str | None],
    fault: str | None,
    message: Message,
) -> None:
    """Judges a message whose named ones are judged; it enters `placed` when it is in its place.

    Raises:
        Fault: with the code why it has no effect.
    """
    if message is not deal.start:
        _check_place(deal, placed, fault, message)
    seen = frozenset().union(*(deal.seen[id_] | {id_} for id_ in message.names))
    deal.seen[message.id] = seen
    placed[message.id] = message
    if message is deal.start:
        demand(fault is None, fault or "", "the start")
        return
    check = _TABLE.get((message.type, message.role))
    if check is None:
        raise Fault("not_party")
    at = account(deal, [placed[id_] for id_ in seen if verdicts[id_] is None])
    check(deal, at, message)


def _check_place(deal: Deal, placed: dict[bytes, Message], fault: str | None, message: Message) -> None:
    """[R-DEAL-13]."""
    if message.previous is not None:
        previous = placed.get(message.previous)
        right = (
            previous is not None and previous.role == message.role and previous.number + 1 == message.number
        )
        demand(right, "bad_number", "its predecessor")
    named = [placed.get(id_) for id_ in message.seen]
    demand(None not in named, "bad_names", "one out of place")
    roles = [each.role for each in named if each is not None]
    demand(message.role not in roles, "bad_names", "one of its own")
    demand(all(roles.count(side) <= 1 for side in SIDES), "bad_names", "two of one side")
    seen = frozenset().union(*(deal.seen[id_] | {id_} for id_ in message.names))
    demand(deal.start.id in seen and fault is None, "no_order")
    for side in SIDES:
        newest = message.previous if side == message.role else None
        newest = next((each.id for each in named if each is not None and each.role == side), newest)
        mine = {id_ for id_ in seen if placed[id_].role == side}
        if mine != _chain(placed, newest):
            demand(side != message.role, "bad_number", "another branch of its own")
            numbers = [placed[id_].number for id_ in mine]
            forked = len(set(numbers)) < len(numbers)
            raise Fault("names_other_branch" if forked else "names_backwards")
    demand(all(placed[id_].time <= message.time for id_ in message.names), "bad_time")
    if message.previous is not None and message.epoch is not None:
        demand((placed[message.previous].epoch or 0) <= message.epoch, "bad_epoch")


def _chain(placed: dict[bytes, Message], id_: bytes | None) -> set[bytes]:
    """A message and its predecessors."""
    chain = set()
    while id_ is not None:
        chain.add(id_)
        id_ = placed[id_].previous
    return chain


# -- numbers used twice --------------------------------------------------------------------------------------------


def _doubled(placed: dict[bytes, Message]) -> dict[str, int]:
    """The sides that used a number twice, and the lowest such number."""
    found: dict[str, int] = {}
    for side in SIDES:
        numbers = [each.number for each in placed.values() if each.role == side]
        twice = [number for number in numbers if numbers.count(number) > 1]
        if twice:
            found[side] = min(twice)
    return found


def _counting(deal: Deal, placed: dict[bytes, Message]) -> set[bytes]:
    """The ids of the messages that count [R-DEAL-17]."""
    doubled = _doubled(placed)
    counting = set(placed)
    for side, number in doubled.items():
        other = SIDES[1 - SIDES.index(side)]
        named = set().union(*(deal.seen[each.id] for each in placed.values() if each.role == other))
        for each in placed.values():
            if each.role == side and each.number >= number and (len(doubled) == 2 or each.id not in named):
                counting.discard(each.id)
    if len(doubled) == 1:
        _follow(placed, counting, *doubled)
    return counting


def _follow(placed: dict[bytes, Message], counting: set[bytes], side: str) -> None:
    """What follows the branch that the other side named counts, as far as it is one."""
    while True:
        after = [each for each in placed.values() if each.role == side and each.id not in counting]
        single = [
            each
            for each in after
            if each.previous in counting
            and [one.previous for one in placed.values() if one.role == side].count(each.previous) == 1
        ]
        if not single:
            return
        counting.update(each.id for each in single)


# -- the table -----------------------------------------------------------------------------------------------------

_Row = Callable[[Deal, Account, Message], None]


def _contract(at: Account) -> int:
    demand(at.contract is not None, "not_agreed")
    return at.contract or 0


def _some_open(at: Account, code: str = "nothing_open") -> None:
    demand(OPEN in at.parts, code)


def _not_ruled(at: Account) -> None:
    demand(at.ruling is None, "ruled")


def _part(at: Account, message: Message) -> str:
    number = message.body.get("part", 0)
    demand(number < len(at.parts), "no_part")
    return at.parts[number]


def _accept(deal: Deal, at: Account, message: Message) -> None:
    demand(deal.contract is None, "not_needed")
    demand(at.contract is None, "already")
    _some_open(at, "ended")
    same = all(message.body.get(name) == deal.order.get(name) for name in ("key", "listing", "path"))
    demand(same, "terms_differ")


def _decline(_: Deal, at: Account, __: Message) -> None:
    demand(at.contract is None, "contract")
    _some_open(at, "already")


def _cancel(_: Deal, at: Account, message: Message) -> None:
    if message.role == "seller":
        _contract(at)
    _not_ruled(at)
    own = [each for each in at.of("cancel") if each.role == message.role]
    demand(message.role == "seller" or not own, "already")
    _some_open(at)


def _payment_sent(_: Deal, at: Account, message: Message) -> None:
    _contract(at)
    demand(set(at.parts) != {ENDED}, "ended")
    left = at.figures["price"] - at.figures["sent"]
    demand(left > 0, "already")
    demand(message.body["amount"] <= left, "too_much")


def _payment_received(_: Deal, at: Account, message: Message) -> None:
    named = message.body.get("payment")
    if named is not None:
        demand(at.find(named, "payment_sent") is not None, "not_seen")
        demand(named not in [each.body.get("payment") for each in at.of("payment_received")], "repeat")


def _fulfil(_: Deal, at: Account, message: Message) -> None:
    _contract(at)
    status = _part(at, message)
    demand(status != ENDED and at.ruling is None, "ended")
    demand(status == OPEN, "already")


def _receive(_: Deal, at: Account, message: Message) -> None:
    _contract(at)
    demand(_part(at, message) != RECEIVED, "repeat")
    if "fulfil" in message.body:
        fulfil = at.find(message.body["fulfil"], "fulfil")
        same = fulfil is not None and fulfil.body.get("part", 0) == message.body.get("part", 0)
        demand(same, "not_seen")


def _refund(deal: Deal, at: Account, message: Message) -> None:
    demand(at.figures["paid"] > 0, "nothing_paid")
    still_open = sum(price for price, status in zip(deal.prices, at.parts, strict=True) if status == OPEN)
    back = max(at.figures["refund_sent"], at.figures["refund_received"])
    demand(message.body["amount"] <= at.figures["paid"] - back - still_open, "too_much")


def _refund_received(_: Deal, at: Account, message: Message) -> None:
    figures, body = at.figures, message.body
    if "refund" in body:
        demand(at.find(body["refund"], "refund") is not None, "not_seen")
        demand(body["refund"] not in [each.body.get("refund") for each in at.of("refund_received")], "repeat")
    most = max(0, figures["refund_sent"] - figures["refund_received"]) + figures["refund_due"]
    demand(most > 0, "nothing_due")
    demand(body["amount"] <= most, "too_much")
    demand(body["total"] == figures["refund_received"] + body["amount"], "total_differs")


def _dispute(deal: Deal, at: Account, message: Message) -> None:
    demand(at.contract is not None or bool(at.of("payment_received")), "not_agreed")
    _not_ruled(at)
    demand(all(each.role != message.role for each in at.of("dispute")), "dispute_used")
    closings = [
        each.time for each in at.of("receive", "presume_received", "presume_payment", "presume_refund")
    ]
    if closings and OPEN not in at.parts and FULFILLED not in at.parts:
        demand(message.time <= max(closings) + deal.order["terms"]["dispute_until"], "hold_over")


def _ruling(deal: Deal, at: Account, message: Message) -> None:
    demand("arbiter" in deal.order["terms"], "no_arbiter")
    _not_ruled(at)
    demand(message.body["dispute"] in at.open_disputes, "no_dispute")
    demand(message.body["keeps"] <= at.figures["price"], "too_much")
    demand(all(part < len(at.parts) for part in message.body.get("delivered", [])), "no_part")


def _lapse_accept(deal: Deal, at: Account, message: Message) -> None:
    demand(at.contract is None and OPEN in at.parts, "already")
    demand(message.time >= deal.start.time + deal.order["terms"]["accept_by"], "too_early")


def _lapse_pay(deal: Deal, at: Account, message: Message) -> None:
    since = _contract(at)
    _some_open(at)
    demand(not at.of("payment_sent", "payment_received"), "paid")
    demand(message.time >= since + deal.order["terms"]["pay_by"], "too_early")


def _lapse_fulfil(deal: Deal, at: Account, message: Message) -> None:
    since = _contract(at)
    demand(_part(at, message) == OPEN, "nothing_open")
    since = max([since, *(each.time for each in at.of("payment_received"))])
    part = deal.start.body["parts"][message.body.get("part", 0)]
    demand(message.time >= since + part.get("fulfil_by", deal.order["terms"]["fulfil_by"]), "too_early")


def _lapse_dispute(deal: Deal, at: Account, message: Message) -> None:
    named = message.body["dispute"]
    demand(named in at.open_disputes, "no_dispute")
    dispute = at.find(named, "dispute")
    assert dispute is not None  # an open one is there
    late = message.time >= dispute.time + deal.order["terms"]["ruling_by"]
    demand(dispute.role == message.role or late, "too_early")


def _presume_received(deal: Deal, at: Account, message: Message) -> None:
    fulfil = at.find(message.body["fulfil"], "fulfil")
    if fulfil is None:
        raise Fault("not_seen")
    demand(at.parts[fulfil.body.get("part", 0)] == FULFILLED, "already")
    _due(deal, at, message, fulfil)


def _presume_payment(deal: Deal, at: Account, message: Message) -> None:
    _presume(
        deal, at, message, at.find(message.body["payment"], "payment_sent"), "payment_received", "payment"
    )


def _presume_refund(deal: Deal, at: Account, message: Message) -> None:
    _presume(deal, at, message, at.find(message.body["refund"], "refund"), "refund_received", "refund")


def _presume(
    deal: Deal, at: Account, message: Message, claim: Message | None, confirmation: str, name: str
) -> None:
    if claim is None:
        raise Fault("not_seen")
    demand(not at.open_disputes, "dispute_open")
    left = at.figures[f"unconfirmed_{name}s"] > 0
    ruled = name == "payment" and at.ruling is not None and claim.id in deal.seen[at.ruling.id]
    demand(left and not ruled and at.unconfirmed(claim, confirmation, name), "already")
    _due(deal, at, message, claim)


def _due(deal: Deal, at: Account, message: Message, claim: Message) -> None:
    demand(not at.open_disputes, "dispute_open")
    demand(message.time >= claim.time + deal.order["terms"]["confirm_by"], "too_early")


_TABLE: Final[dict[tuple[str, str], _Row]] = {
    ("accept", "seller"): _accept,
    ("decline", "seller"): _decline,
    ("cancel", "buyer"): _cancel,
    ("cancel", "seller"): _cancel,
    ("payment_sent", "buyer"): _payment_sent,
    ("payment_received", "seller"): _payment_received,
    ("fulfil", "seller"): _fulfil,
    ("receive", "buyer"): _receive,
    ("refund", "seller"): _refund,
    ("refund_received", "buyer"): _refund_received,
    ("dispute", "buyer"): _dispute,
    ("dispute", "seller"): _dispute,
    ("ruling", "arbiter"): _ruling,
    ("lapse_accept", "buyer"): _lapse_accept,
    ("lapse_pay", "seller"): _lapse_pay,
    ("lapse_fulfil", "buyer"): _lapse_fulfil,
    ("lapse_dispute", "buyer"): _lapse_dispute,
    ("lapse_dispute", "seller"): _lapse_dispute,
    ("presume_received", "seller"): _presume_received,
    ("presume_payment", "buyer"): _presume_payment,
    ("presume_refund", "seller"): _presume_refund,
}
