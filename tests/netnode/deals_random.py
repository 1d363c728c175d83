"""Deals made at random, of honest messages and odd ones: wrong numbers, branches, any names, crossing rulings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from protocol import encoding
from protocol.deals.message import parse
from protocol.deals.state import judge
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
AFTER: Final = (1, 1, 1, 1, 1, 1, 1, 1, 0, 10, 15, 15, 20, 20, 30, 40, 40, 100, 500, -1)
"""Hours after the newest message that is named."""
TERMS: Final = (10, 15, 20, 30, 40, 100)
WRONG_ROLE, FIRST, NAMES_ANY, WRONG_NUMBER, BACKWARDS, DOUBLED, OUT_OF_PLACE, HONEST = 0, 1, 2, 3, 4, 5, 8, 85
"""What is odd about a step, by its last number; from DOUBLED to OUT_OF_PLACE a number is used twice."""
PRICES: Final = ((100,), (60, 40), (0, 50), (30, 30, 40))
AMOUNTS: Final = (100, 60, 50, 40, 30, 10, 1, 200)

Step = tuple[int, ...]


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


@dataclass(frozen=True)
class Said:
    """One message, as the next ones refer to it; `at` is its place among all."""

    id: bytes
    role: str
    type: str
    number: int
    time: int
    at: int

    def order(self) -> tuple[int, int]:
        """Which is the newest of a role."""
        return self.number, self.at


@dataclass
class Deal:
    """A deal that grows by steps."""

    data: list[bytes] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        made = parse(data)
        self.data.append(data)
        self.said.append(Said(made.id, made.role, made.type, made.number, made.time, len(self.said)))

    def bodies(self, role: str) -> list[tuple[str, dict[str, Any]]]:
        """What a role could say at all, of everything that was said so far."""

        def ids(type: str) -> list[bytes]:
            return [each.id for each in self.said if each.type == type]

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
        """Adds a message: mostly one that has effect by itself, where there is any."""
        who, what, date, reading, ruling, odd = chosen
        role = ROLES[(0, 1, 0, 1, 2)[who % 5]]
        spoken = role if odd != WRONG_ROLE else ROLES[(ROLES.index(role) + 1) % 3]
        place = self.placed()
        placed = [each for each in self.said if each.id in place]
        own = [each for each in (self.said if odd == OUT_OF_PLACE else placed) if each.role == role]
        previous = max(own, key=Said.order, default=None)
        if own and DOUBLED <= odd < OUT_OF_PLACE:
            previous = own[what % len(own)]
        if odd == FIRST or (role == "arbiter" and ruling % 2):
            previous = None  # of an arbiter: a ruling that crosses
        seen: list[Said] = []
        for other, drawn in zip(ROLES, (reading, reading, ruling), strict=True):
            theirs = sorted((each for each in placed if each.role == other), key=Said.order)
            if other != role:
                seen += self.read(previous, theirs, drawn, odd)
        if odd == NAMES_ANY:
            seen.append(self.said[what % len(self.said)])
        date_of = max((each.time for each in (previous, *seen) if each is not None), default=START)
        time = date_of + AFTER[date % len(AFTER)] * HOUR
        ends = [each.time + hours * HOUR for each in placed for hours in TERMS]
        if date % 4 == 0 and (ahead := [end for end in ends if end > date_of]):
            time = ahead[what % len(ahead)] - date // 4 % 2  # a term's very end, or just before it
        made = [
            frame(
                type,
                self.said[0].id,
                role,
                0 if previous is None else previous.number + 1 + (odd == WRONG_NUMBER),
                None if previous is None else previous.id,
                list(dict.fromkeys(each.id for each in seen if each is not previous))[:3],
                time,
                body,
            )
            for type, body in self.bodies(spoken)
        ]
        if made:
            turned = made[what % len(made) :] + made[: what % len(made)]
            self.add(next(filter(self.holds, turned), turned[0]) if odd < HONEST else turned[0])

    def read(self, previous: Said | None, theirs: list[Said], drawn: int, odd: int) -> list[Said]:
        """What a sender names of another role: its newest, or an older one that it may, so that messages cross."""
        known = self.closure(previous)
        least = max((at for at, each in enumerate(theirs) if each.id in known), default=-1)
        if odd == BACKWARDS:
            least = -1
        if theirs and theirs[0].role == "arbiter":
            return theirs[-2:] if drawn % 3 == 0 else theirs[-1:] if drawn % 3 == 1 else []
        first = theirs[0].type in ("order", "renewal") if theirs else False
        may = [None, *theirs][max(least + 1, int(first)) :]
        back = (0, 0, 0, 1, 2, 1)[drawn % 6]
        chosen = may[-1 - min(back, len(may) - 1)]
        return [] if chosen is None else [chosen]

    def closure(self, message: Said | None) -> set[bytes]:
        """A message and all it names, directly or through others."""
        names = {each.id: each.names for each in map(parse, self.data)}
        found: set[bytes] = set()
        left = [] if message is None else [message.id]
        while left:
            id = left.pop()
            if id not in found:
                found.add(id)
                left += names.get(id, ())
        return found

    def placed(self) -> set[bytes]:
        """The ids of the messages in their places."""
        state = judge(map(parse, self.data), START + 10**6 * HOUR)
        return {each.id for each in state.outcome.docket.case.messages}

    def holds(self, data: bytes) -> bool:
        """Whether a message would have effect by itself."""
        messages = [parse(each) for each in (*self.data, data)]
        state = judge(messages, START + 10**6 * HOUR)
        return state.outcome.docket.codes.get(messages[-1].id, "") is None


OPENINGS: Final = (
    (),
    ("accept",),
    ("accept", "payment_sent"),
    ("accept", "payment_sent", "payment_received"),
    ("accept", "payment_sent", "payment_received", "fulfil"),
    ("accept", "payment_sent", "payment_received", "dispute"),
    ("accept", "fulfil", "dispute"),
)
"""How deals begin; what has no effect in one that an offer made is said all the same."""


def grown(kind: int, chosen: Sequence[Step]) -> Deal:
    """A deal of a kind, with an opening that everybody has read, and so many steps."""
    deal = Deal()
    deal.add(start(kind))
    for type in OPENINGS[kind // 7 % len(OPENINGS)]:
        role = "buyer" if type == "payment_sent" else "seller"
        own = [each for each in deal.said if each.role == role]
        seen = [each.id for each in deal.said if each.role != role][-1:]
        body = next(body for name, body in deal.bodies(role) if name == type)
        previous = own[-1].id if own else None
        time = deal.said[-1].time + HOUR
        deal.add(frame(type, deal.said[0].id, role, len(own), previous, seen, time, body))
    for each in chosen:
        deal.step(each)
    return deal
