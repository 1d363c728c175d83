"""Deal messages: frame, bodies, signature; section 21."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    KEY_BYTES,
    MAX_CHANGE,
    MAX_CHANGES,
    MAX_DEAL_MESSAGE,
    MAX_DEAL_MESSAGES,
    MAX_EPOCHS,
    MAX_INT,
    MAX_OFFER,
    MAX_ORDER,
    MAX_PARTS,
    MAX_SEEN,
    MAX_TURNS,
    SIGNATURE_BYTES,
)
from netnode.conformance.offers import HASH, NAMED, PARTS, QUOTED, read_consent, read_offer
from netnode.conformance.shapes import Field, array, bin_, int_, may, must, one_of, or_nil, row, str_, table
from netnode.conformance.signatures import check_key, valid
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]
_CHANGES: Final = array(bin_(0, MAX_CHANGE), 0, MAX_CHANGES)

_AMOUNT: Final = int_(1)
_PART: Final = int_(0, MAX_PARTS - 1)
_ENCLOSED: Final = {"enclosed": may(HASH)}
_REASON: Final = {**_ENCLOSED, "reason": must(str_(1, 32, "^[a-z_]{1,32}$"))}

BODIES: Final[Mapping[str, Mapping[str, Field]]] = {
    "order": {
        **QUOTED,
        "enclosed": must(HASH),
        "key": must(bin_(KEY_BYTES)),
        "named": may(NAMED),
        "offer": may(bin_(0, MAX_OFFER)),
        "path": may(HASH),
        "seller": must(HASH),
    },
    "renewal": {
        "changes": may(_CHANGES),
        "first": must(bin_(0, MAX_ORDER)),
        "parts": must(PARTS),
        "turn": must(int_(1, MAX_TURNS)),
    },
    "accept": {**_ENCLOSED, "key": must(bin_(KEY_BYTES)), "listing": may(HASH), "path": may(HASH)},
    "decline": _REASON,
    "cancel": _REASON,
    "payment_sent": {**_ENCLOSED, "amount": must(_AMOUNT)},
    "payment_received": {**_ENCLOSED, "amount": must(_AMOUNT), "payment": may(HASH)},
    "fulfil": {**_ENCLOSED, "part": may(_PART)},
    "receive": {**_ENCLOSED, "fulfil": may(HASH), "part": may(_PART)},
    "refund": {**_ENCLOSED, "amount": must(_AMOUNT)},
    "refund_received": {"amount": must(_AMOUNT), "refund": may(HASH), "total": must(_AMOUNT)},
    "dispute": {**_ENCLOSED, "claim": must(int_())},
    "ruling": {
        **_ENCLOSED,
        "delivered": may(array(_PART, 0, MAX_PARTS)),
        "dispute": must(HASH),
        "keeps": must(int_()),
        "paid": must(int_()),
    },
    "lapse_accept": {},
    "lapse_pay": {},
    "lapse_fulfil": {"part": may(_PART)},
    "lapse_dispute": {"dispute": must(HASH)},
    "presume_received": {"fulfil": must(HASH)},
    "presume_payment": {"payment": must(HASH)},
    "presume_refund": {"refund": must(HASH)},
}
"""The field tables, by type of message."""
STARTS: Final[Mapping[str, str]] = {"order": "buyer", "renewal": "seller"}

_FRAME: Final = row(
    one_of(*BODIES),
    or_nil(HASH),
    one_of("arbiter", "buyer", "seller"),
    int_(0, MAX_DEAL_MESSAGES - 1),
    or_nil(HASH),
    array(HASH, 0, MAX_SEEN),
    int_(),
    or_nil(int_(0, MAX_EPOCHS - 1)),
    lambda _: True,  # the body: judged last
    bin_(SIGNATURE_BYTES),
)


@dataclass(frozen=True, slots=True)
class Message:
    """A deal message; `deal` is its own id where it starts one, `covered` what its signature is over."""

    id: bytes
    type: str
    deal: bytes
    role: str
    number: int
    previous: bytes | None
    seen: tuple[bytes, ...]
    time: int
    epoch: int | None
    body: Map
    covered: bytes = b""
    signature: bytes = b""

    @property
    def names(self) -> frozenset[bytes]:
        """All that it names itself."""
        return frozenset(self.seen if self.previous is None else (*self.seen, self.previous))

    @property
    def order(self) -> Map:
        """The order of the deal it starts [R-DEAL-7]."""
        return self.body if self.type == "order" else read_message(self.body["first"]).body


def read_message(data: bytes) -> Message:
    """One deal message; its signature is not checked [R-DEAL-1] [R-DEAL-2] [R-DEAL-3].

    Raises:
        Fault: `deal_message`, `key`, or a code of the encoding.
    """
    value = decode(data, MAX_DEAL_MESSAGE)
    demand(_FRAME(value), "deal_message", "its frame")
    type_, deal, role, number, previous, seen, time, epoch, body, signature = value
    demand((epoch is None) == (role == "buyer"), "deal_message", "its epoch")
    if type_ in STARTS:
        first = role == STARTS[type_] and [deal, number, previous, seen] == [None, 0, None, []]
        demand(first, "deal_message", "not as a start")
    else:
        demand(deal is not None, "deal_message", "its deal")
        demand((previous is None) == (number == 0), "deal_message", "its predecessor")
        demand(len({previous, *seen}) == len(seen) + 1, "deal_message", "named twice")
    demand(type_ != "order" or len(data) <= MAX_ORDER, "too_large", "an order")
    demand(table(BODIES[type_])(body), "deal_message", "its body")
    if type_ in _RULES:
        _RULES[type_](body)
    own = sha256(data)
    return Message(
        own,
        type_,
        own if type_ in STARTS else deal,
        role,
        number,
        previous,
        tuple(seen),
        time,
        epoch,
        body,
        encode(value[:9]),
        signature,
    )


def signed_by(network: str, message: Message, key: bytes) -> bool:
    """Whether this key signed the message [R-DEAL-5]."""
    return valid(key, tag(network, "deal message") + message.covered, message.signature)


def _order(order: Map) -> None:
    check_key(order["key"])
    credit = ["issuer" in order, "unit" in order]
    demand(credit == [("currency" not in order)] * 2, "deal_message", "its money")
    _adds_up(order, order.get("tax", 0) + order.get("shipping", 0))
    terms = order["terms"]
    demand(("arbiter" in terms) == ("consent" in terms), "deal_message", "consent without arbiter")
    quoted = False
    try:
        if "consent" in terms:
            read_consent(terms["consent"])
        if "offer" in order:
            quoted = "quote" in read_offer(order["offer"])
    except Fault as fault:
        raise Fault("deal_message", str(fault)) from fault
    demand(quoted or "listing" in order, "deal_message", "an order on nothing")


def _renewal(renewal: Map) -> None:
    try:
        first = read_message(renewal["first"])
    except Fault as fault:
        raise Fault("deal_message", str(fault)) from fault
    demand(first.type == "order" and "mandate" in first.body, "deal_message", "no mandate")
    _adds_up(renewal, 0)


def _adds_up(body: Map, inside: int) -> None:
    price = sum(part["price"] for part in body["parts"])
    demand(inside <= price <= MAX_INT, "deal_message", "its price")


def _ruling(ruling: Map) -> None:
    delivered = ruling.get("delivered", [])
    demand(delivered == sorted(set(delivered)), "deal_message", "its parts")


_RULES: Final[Mapping[str, Callable[[Map], None]]] = {"order": _order, "renewal": _renewal, "ruling": _ruling}
"""What holds across the fields of a body."""
