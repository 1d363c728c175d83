"""Two judges of deals, which share no code, come to the same of whatever set of messages they are given [R-DEAL-10].

The sets are made at random, honest messages and odd ones: wrong numbers, branches, names of anything, dates in any
order, rulings that cross. Any difference is a fault of one judge or a hole in SPEC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.conformance.deals import read_message
from netnode.conformance.verdicts import judge as second_judge
from protocol import encoding
from protocol.deals.message import parse
from protocol.deals.state import DealState, judge
from protocol.signing import SIGNATURE_BYTES, Signer

HOUR: Final = 3_600_000
START: Final = 1_700_000_000_000
KEY: Final = Signer(hashlib.sha256(b"buyer").digest()).public
SELLER, OTHER, LISTING, SALT = b"s" * 32, b"o" * 32, b"l" * 32, b"x" * 16
BUYER: Final = b"b" * 32
CONSENT: Final = encoding.encode(
    {
        "$": SALT,
        "arbiter": OTHER,
        "epoch": 0,
        "expires": START + 1,
        "points": 100,
        "signature": bytes(64),
        "terms": LISTING,
        "time": START - 1,
    }
)
ROLES: Final = ("buyer", "seller", "arbiter")
AFTER: Final = (1, 1, 1, 1, 1, 0, 12, 12, 25, 25, 45, 110, 500, 1, 1, 1, 1, 1, 1, -1)
WRONG_ROLE, FIRST, NAMES_ANY, WRONG_NUMBER, DOUBLED, OUT_OF_PLACE, HONEST = 0, 1, 2, 3, 4, 7, 80
PRICES: Final = ((100,), (60, 40), (0, 50), (30, 30, 40))
AMOUNTS: Final = (100, 60, 50, 40, 30, 10, 1, 200)

Step = tuple[int, ...]
number = st.integers(0, 1_000)
steps = st.lists(st.tuples(*[number] * 5, st.integers(0, 99)), max_size=12)


def terms(arbiter: bool) -> dict[str, Any]:
    hours = {
        "accept_by": 10,
        "pay_by": 15,
        "confirm_by": 20,
        "fulfil_by": 30,
        "ruling_by": 40,
        "dispute_until": 100,
    }
    return {name: count * HOUR for name, count in hours.items()} | (
        {"arbiter": OTHER, "consent": CONSENT} if arbiter else {}
    )


def start(kind: int) -> bytes:
    """One of the ways a deal begins: on a listing, or on an offer that holds, is late, or is of something else."""
    prices = PRICES[kind % len(PRICES)]
    order: dict[str, Any] = {
        "currency": "EUR",
        "enclosed": b"e" * 32,
        "key": KEY,
        "listing": LISTING,
        "parts": [{"price": price} for price in prices],
        "seller": SELLER,
        "terms": terms(kind % 3 > 0),
    }
    if kind % 5 > 1:
        quote = {name: order[name] for name in ("currency", "listing", "parts", "terms")}
        offer = {
            "$": SALT,
            "epoch": 0,
            "expires": START + (0 if kind % 7 else -1),
            "quote": quote | ({"tax": 3} if kind % 11 == 1 else {"tax": 0} if kind % 11 == 2 else {}),
            "seller": SELLER if kind % 13 else OTHER,
            "signature": bytes(64),
            "time": START - 1 if kind % 17 else START + 1,
        } | ({"buyer": BUYER} if kind % 5 > 2 else {})
        order["offer"] = encoding.encode(offer)
        if kind % 19:
            order["named"] = {"epoch": 0, "id": BUYER, "signature": bytes(64)}
    return frame("order", None, "buyer", 0, None, [], START, order)


def frame(
    type: str,
    deal: bytes | None,
    role: str,
    number: int,
    previous: bytes | None,
    seen: Sequence[bytes],
    time: int,
    body: dict[str, Any],
) -> bytes:
    epoch = None if role == "buyer" else 0
    return encoding.encode(
        [type, deal, role, number, previous, list(seen), time, epoch, body, bytes(SIGNATURE_BYTES)]
    )


@dataclass
class Deal:
    """A deal that grows by steps; `said` is (id, role, type, number, time, bytes) of each message."""

    data: list[bytes] = field(default_factory=list)
    said: list[tuple[bytes, str, str, int, int, int]] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        made = parse(data)
        self.data.append(data)
        self.said.append((made.id, made.role, made.type, made.number, made.time, len(self.said)))

    def bodies(self, role: str) -> list[tuple[str, dict[str, Any]]]:
        """What a role could say at all, of everything that was said so far."""

        def ids(type: str) -> list[bytes]:
            return [each[0] for each in self.said if each[2] == type]

        def amounts(type: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
            return [(type, {"amount": amount, **more}) for amount in AMOUNTS]

        parts: list[dict[str, Any]] = [{}, {"part": 1}, {"part": 2}]
        disputes: list[tuple[str, dict[str, Any]]] = [
            ("lapse_dispute", {"dispute": each}) for each in ids("dispute")
        ]
        if role == "arbiter":
            return [
                ("ruling", {"dispute": each, "keeps": keeps, "paid": paid, "delivered": delivered})
                for each in (*ids("dispute"), *ids("fulfil")[:1])
                for keeps, paid, delivered in ((100, 0, [0]), (0, 40, []), (40, 100, [1]))
            ]
        both: list[tuple[str, dict[str, Any]]] = [
            ("cancel", {"reason": "other"}),
            ("dispute", {"claim": 0}),
            *disputes,
        ]
        if role == "buyer":
            return [
                *both,
                *amounts("payment_sent"),
                *(("receive", part) for part in parts),
                *(("receive", {**part, "fulfil": each}) for each in ids("fulfil") for part in parts),
                *(
                    each
                    for total in (0, 30, 50)
                    for amount in AMOUNTS
                    for each in [("refund_received", {"amount": amount, "total": amount + total})]
                ),
                *(
                    ("refund_received", {"amount": amount, "total": amount, "refund": each})
                    for each in ids("refund")
                    for amount in AMOUNTS
                ),
                ("lapse_accept", {}),
                *(("lapse_fulfil", part) for part in parts),
                *(("presume_payment", {"payment": each}) for each in ids("payment_sent")),
            ]
        return [
            *both,
            ("accept", {"key": KEY, "listing": LISTING}),
            ("accept", {"key": KEY}),
            ("decline", {"reason": "sold_out"}),
            *amounts("payment_received"),
            *(each for sent in ids("payment_sent") for each in amounts("payment_received", payment=sent)),
            *(("fulfil", part) for part in parts),
            *amounts("refund"),
            ("lapse_pay", {}),
            *(("presume_received", {"fulfil": each}) for each in ids("fulfil")),
            *(("presume_refund", {"refund": each}) for each in ids("refund")),
        ]  # fmt: skip

    def step(self, chosen: Step) -> None:
        """Adds a message: of every other step one that has effect by itself, where there is any."""
        who, what, date, reading, ruling, odd = chosen
        role = ROLES[(0, 1, 0, 1, 0, 1, 2)[who % 7]]
        spoken = role if odd != WRONG_ROLE else ROLES[(ROLES.index(role) + 1) % 3]
        placed = [each for each in self.said if each[0] in self.placed()]
        own = [each for each in (self.said if odd == OUT_OF_PLACE else placed) if each[1] == role]
        previous = max(own, key=lambda each: (each[3], each[5]), default=None)
        if own and DOUBLED <= odd < OUT_OF_PLACE:
            previous = own[what % len(own)]
        if odd == FIRST:
            previous = None
        seen = []
        for other in ROLES:
            theirs = [each for each in placed if each[1] == other]
            theirs.sort(key=lambda each: (each[3], each[5]))
            back = (0, 0, 0, 0, 0, 0, 1, 1, 2, 3)[(ruling if other == "arbiter" else reading) % 10]
            if other != role and (back < len(theirs) or (theirs and odd < HONEST)):
                seen.append(theirs[-1 - min(back, len(theirs) - 1)])
            if other == "arbiter" != role and len(theirs) > 1 and ruling % 3 == 0:
                seen = [*[each for each in seen if each[1] != "arbiter"], *theirs[-2:]]
        if odd == NAMES_ANY:
            seen.append(self.said[what % len(self.said)])
        names = [each for each in (previous, *seen) if each is not None]
        time = max((each[4] for each in names), default=START) + AFTER[date % len(AFTER)] * HOUR
        made = [
            frame(
                type,
                self.said[0][0],
                role,
                0 if previous is None else previous[3] + 1 + (odd == WRONG_NUMBER),
                None if previous is None else previous[0],
                list(dict.fromkeys(each[0] for each in seen if each is not previous))[:3],
                time,
                body,
            )
            for type, body in self.bodies(spoken)
        ]
        if made:
            turned = made[what % len(made) :] + made[: what % len(made)]
            good = next(filter(self.holds, turned), turned[0]) if odd < HONEST else turned[0]
            self.add(good)

    def placed(self) -> set[bytes]:
        """The ids of the messages in their places."""
        state = judge(map(parse, self.data), START + 10**6 * HOUR)
        return {each.id for each in state.outcome.docket.case.messages}

    def holds(self, data: bytes) -> bool:
        """Whether a message would have effect by itself."""
        messages = [parse(each) for each in (*self.data, data)]
        state = judge(messages, START + 10**6 * HOUR)
        return state.outcome.docket.codes.get(messages[-1].id, "") is None


def compare(data: Sequence[bytes], now: int) -> DealState:
    """Asserts that both judges come to the same."""
    first = judge(map(parse, data), now)
    second = second_judge(map(read_message, data), now)
    names = ("price", "owed", "sent", "paid", "refund_sent", "refund_received", "refund_due", "payment_due",
             "unconfirmed_payments", "unconfirmed_refunds", "base")  # fmt: skip
    kinds = {each.id: f"{at} {each.role} {each.type}" for at, each in enumerate(map(parse, data))}
    assert {kinds[key]: code for key, code in second.verdicts.items()} == {
        kinds[key]: code for key, code in first.verdicts.items()
    }
    assert second.waits == frozenset(first.waits)
    assert second.verdicts == dict(first.verdicts)
    assert second.parts == [(part.status.value, part.late) for part in first.parts]
    assert second.figures == {name: getattr(first.figures, name) for name in names}
    assert {kinds[key]: closed for key, closed in second.disputes.items()} == {
        kinds[each.message.id]: each.closed for each in first.disputes
    }
    assert (second.phase, second.contract, second.doubled) == (
        first.phase.value,
        first.contract,
        first.doubled,
    )
    return first


def grown(kind: int, chosen: Sequence[Step]) -> Deal:
    deal = Deal()
    deal.add(start(kind))
    for each in chosen:
        deal.step(each)
    return deal


@given(number, steps, number, number)
@settings(deadline=None)
def test_two_judges_agree(kind: int, chosen: list[Step], cut: int, missing: int) -> None:
    """R-DEAL-10, R-DEAL-12, R-DEAL-13, R-DEAL-17, R-DEAL-20: verdicts, parts, figures and phase of any set."""
    deal = grown(kind, chosen)
    data = list(deal.data)
    compare(data, START + 10**6 * HOUR)
    if missing % 3 == 0 and len(data) > 1:
        data.pop(1 + missing % (len(data) - 1))
    compare(data, START + cut * HOUR if cut % 2 else START + 10**6 * HOUR)


def test_a_presumed_payment_begins_the_time_for_disputes() -> None:
    """R-DEAL-14: presumptions of any kind do; the second judge once knew those of receipts only."""
    deal = Deal()
    deal.add(start(0))

    def say(role: str, type: str, body: dict[str, Any], hours: int) -> bytes:
        own = [each for each in deal.said if each[1] == role]
        seen = [each[0] for each in deal.said if each[1] != role][-1:]
        previous = own[-1][0] if own else None
        time = START + hours * HOUR
        deal.add(frame(type, deal.said[0][0], role, len(own), previous, seen, time, body))
        return deal.said[-1][0]

    say("seller", "accept", {"key": KEY, "listing": LISTING}, 1)
    payment = say("buyer", "payment_sent", {"amount": 100}, 2)
    say("seller", "fulfil", {}, 3)
    say("buyer", "receive", {}, 4)
    say("buyer", "presume_payment", {"payment": payment}, 200)
    dispute = say("seller", "dispute", {"claim": 0}, 290)
    state = compare(deal.data, START + 1_000 * HOUR)
    assert state.verdicts[dispute] is None
    late = say("buyer", "dispute", {"claim": 0}, 301)
    assert compare(deal.data, START + 1_000 * HOUR).verdicts[late] == "hold_over"
