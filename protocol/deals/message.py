"""Deal messages: the signed units of a deal, as bytes and as what they say [R-DEAL-1..6].

A message is the canonical array ``[type, deal, role, number, previous, seen, time, epoch, body, signature]``; its id is
the SHA-256 of these bytes, the id of the deal that of its start. `parse` judges the form alone; whose key signed is
asked with `signed_by`, and whether the message has effect is for `judging` to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, NoReturn, get_args

import msgspec

from protocol import encoding, limits
from protocol.deals.bodies import TYPES, DealBody, Order, Renewal, Role, Ruling
from protocol.deals.consent import parse_consent
from protocol.deals.offers import parse_offer
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import HASH_BYTES
from protocol.signing import SIGNATURE_BYTES, Signer, check_key, verify
from protocol.tags import tag

STARTS: Final[Mapping[str, Role]] = MappingProxyType({"order": "buyer", "renewal": "seller"})
"""What starts a deal, and who sends it."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
_NAMES: Final[Mapping[type[DealBody], str]] = {body: name for name, body in TYPES.items()}
_FRAME: Final = 10
_Int = Annotated[int, msgspec.Meta(ge=-limits.MAX_INT, le=limits.MAX_INT)]
_frame: Final = msgspec.msgpack.Decoder(
    tuple[
        str, bytes | None, str, _Int, bytes | None, tuple[bytes, ...], _Int, _Int | None, msgspec.Raw, bytes
    ]
)
_bodies: Final[Mapping[str, msgspec.msgpack.Decoder[Any]]] = {
    name: msgspec.msgpack.Decoder(body) for name, body in TYPES.items()
}


class Message(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One deal message of a right form; equal when its bytes are. Times in ms UTC, ids of 32 bytes.

    `deal` is the message's own id when it starts the deal. `seen` holds what it names besides its predecessor.
    """

    data: bytes
    id: bytes
    type: str
    deal: bytes
    role: Role
    number: int
    previous: bytes | None
    seen: tuple[bytes, ...]
    time: int
    epoch: int | None
    body: DealBody

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    @property
    def names(self) -> tuple[bytes, ...]:
        """Every message it names directly: its predecessor first."""
        return self.seen if self.previous is None else (self.previous, *self.seen)

    @property
    def starts(self) -> bool:
        """Whether it is the first message of its deal."""
        return self.type in STARTS


def type_of(body: DealBody) -> str:
    """The name on the wire of what a message with this body is."""
    return _NAMES[type(body)]


def parse(data: bytes, *, vouched: bool = False) -> Message:
    """Reads one message; its signature is not checked here [R-DEAL-1..3].

    Args:
        data: the bytes as they came.
        vouched: an order's key is not looked at, since its signature is verified next, which proves a good key at a
            third of the cost.

    Raises:
        RemoteProtocolError: `encoding`, `not_canonical` or `too_large`; `key` when an order's key is none; else
            `deal_message`, with a sentence that begins with the field.
    """
    known = _known(data)
    frame = encoding.decode(data, limits.MAX_DEAL_MESSAGE) if known is None else known
    if type(frame) is not list or len(frame) != _FRAME:
        _wrong("message", f"is not an array of {_FRAME}")
    kind, deal, role, number, previous, seen, time, epoch, body, signature = frame
    if type(kind) is not str or kind not in TYPES:
        _wrong("type", "is no type of deal message known here")
    if type(role) is not str or role not in ROLES:
        _wrong("role", "is not arbiter, buyer or seller")
    if role != STARTS.get(kind, role):
        _wrong("role", f"a {kind} is not the {role}'s to send")
    _check_place(kind, deal, number, previous, seen)
    if type(time) is not int or time < 0:
        _wrong("time", "is not a number of milliseconds")
    if role == "buyer":
        if epoch is not None:
            _wrong("epoch", "is for keys of networkers: a buyer signs with the key of the order")
    elif type(epoch) is not int or not 0 <= epoch < limits.MAX_EPOCHS:
        _wrong("epoch", f"is not a number below {limits.MAX_EPOCHS}")
    if type(signature) is not bytes or len(signature) != SIGNATURE_BYTES:
        _wrong("signature", f"is not of {SIGNATURE_BYTES} bytes")
    if kind == "order" and len(data) > limits.MAX_ORDER:
        raise RemoteProtocolError("too_large", f"an order of {len(data)} bytes, at most {limits.MAX_ORDER}")
    read = _body(kind, body, vouched)
    own = hashlib.sha256(data).digest()
    return Message(
        data=data,
        id=own,
        type=kind,
        deal=own if kind in STARTS else deal,
        role=role,
        number=number,
        previous=previous,
        seen=tuple(seen),
        time=time,
        epoch=epoch,
        body=read,
    )


def sign(
    network: str,
    signer: Signer,
    *,
    body: DealBody,
    deal: bytes | None,
    role: Role,
    number: int,
    previous: bytes | None,
    seen: tuple[bytes, ...],
    time: int,
    epoch: int | None,
) -> Message:
    """A signed message; `moves.draft` gives the frame fields of the next one [R-DEAL-5].

    Args:
        network: name of the network.
        signer: the order's key for a buyer; the signing key of `epoch` for a networker.
        body: what it says; its class is the type.
        deal: id of the deal; None for its start.
        role: of the sender in this deal.
        number: of the sender's own messages before this one in the deal.
        previous: id of the sender's own message before it; None for its first.
        seen: ids of the newest messages of others that the sender has.
        time: in ms UTC, not before any message named.
        epoch: of a networker's key; None for a buyer.

    Raises:
        LocalProtocolError: the message has a form that a receiver would refuse.
    """
    frame = [type_of(body), deal, role, number, previous, list(seen), time, epoch, msgspec.to_builtins(
        body, builtin_types=(bytes,)
    )]  # fmt: skip
    signature = signer.sign(tag(network, "deal message") + encoding.encode(frame))
    try:
        return parse(encoding.encode([*frame, signature]))
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"a {frame[0]} of a wrong form: {error.text}") from error


def signed_by(
    network: str, message: Message, key: bytes, verify: Callable[[bytes, bytes, bytes], bool] = verify
) -> bool:
    """Whether the key signed this message [R-DEAL-5]: the order's for a buyer, else a networker's of its epoch."""
    return verify(key, message.data[-SIGNATURE_BYTES:], signed_bytes(network, message))


def signed_bytes(network: str, message: Message) -> bytes:
    """What the signature of a message, its last 64 bytes, is over: the tag, and the array of the nine before it."""
    return tag(network, "deal message") + b"\x99" + message.data[1 : -SIGNATURE_BYTES - 2]


def first_order(start: Message) -> Order:
    """The order that says the terms of a deal: the start itself, or the one with the mandate that it renews.

    Raises:
        LocalProtocolError: the message starts no deal.
    """
    match start.body:
        case Order():
            return start.body
        case Renewal():
            order = parse(start.body.first).body
            assert isinstance(order, Order)  # parse has refused any other
            return order
        case _:
            raise LocalProtocolError(f"a {start.type} starts no deal")


def _check_place(kind: str, deal: Any, number: Any, previous: Any, seen: Any) -> None:
    if kind in STARTS:
        if deal is not None or number != 0 or type(number) is not int or previous is not None or seen != []:
            _wrong("deal", f"a {kind} starts its deal: number 0, and no deal, predecessor or seen message")
        return
    if not _is_id(deal):
        _wrong("deal", "is not an id of 32 bytes")
    if type(number) is not int or not 0 <= number < limits.MAX_DEAL_MESSAGES:
        _wrong("number", f"is not a number below {limits.MAX_DEAL_MESSAGES}")
    if (previous is None) != (number == 0) or not (previous is None or _is_id(previous)):
        _wrong("previous", "is the id of the sender's message before, absent for number 0 and only then")
    if type(seen) is not list or len(seen) > limits.MAX_SEEN or not all(map(_is_id, seen)):
        _wrong("seen", f"is not a list of at most {limits.MAX_SEEN} ids")
    if len({previous, *seen}) != len(seen) + 1:
        _wrong("seen", "names a message twice")


def _is_id(value: Any) -> bool:
    return type(value) is bytes and len(value) == HASH_BYTES


def _known(data: bytes) -> list[Any] | None:
    """The frame of most messages, its body read, without a walk through every value.

    Returns:
        None unless the types decode, and encode again, to the same bytes: which is all that canonical asks, where no
        text is in it that another check does not hold to a pattern.
    """
    if len(data) > limits.MAX_DEAL_MESSAGE:
        return None
    try:
        frame = _frame.decode(data)
        body = _bodies[frame[0]].decode(frame[8])
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return None
    if encoding.encode_struct(frame) != data or encoding.encode_struct(body) != bytes(frame[8]):
        return None
    if isinstance(body, Order) and body.unit is not msgspec.UNSET:
        return None
    return [*frame[:5], list(frame[5]), *frame[6:8], body, frame[9]]


def _body(kind: str, value: Any, vouched: bool) -> DealBody:
    try:
        body: DealBody = value if isinstance(value, TYPES[kind]) else encoding.typed(value, TYPES[kind])
    except msgspec.ValidationError as error:
        what, _, place = str(error).rpartition(" - at `$")
        where = f"body{place.rstrip('`')}" if what else "body"
        _wrong(where, what or str(error))
    match body:
        case Order():
            _check_order(body, vouched)
        case Renewal():
            _check_renewal(body)
        case Ruling():
            if list(body.delivered) != sorted(set(body.delivered)):
                _wrong("body.delivered", "is not ascending")
        case _:
            pass
    return body


def _check_order(order: Order, vouched: bool) -> None:
    if not vouched:
        check_key(order.key)
    credit = order.issuer is not msgspec.UNSET and order.unit is not msgspec.UNSET
    neither = order.issuer is msgspec.UNSET and order.unit is msgspec.UNSET
    if not (neither if order.currency is not msgspec.UNSET else credit):
        _wrong("body.currency", "the price is either in a currency, or in a unit of an issuer")
    price = sum(part.price for part in order.parts)
    if price > limits.MAX_INT:
        _wrong("body.parts", "their prices add up to more than any amount can be")
    if order.tax + order.shipping > price:
        _wrong("body.tax", "tax and shipping are part of the price, which is lower")
    if (order.terms.arbiter is msgspec.UNSET) != (order.terms.consent is msgspec.UNSET):
        _wrong("body.terms.consent", "goes with an arbiter, and only then")
    if order.terms.consent is not msgspec.UNSET:
        try:
            parse_consent(order.terms.consent)
        except RemoteProtocolError as error:
            _wrong("body.terms.consent", error.text)
    quoted = False
    if order.offer is not msgspec.UNSET:
        try:
            quoted = parse_offer(order.offer).offer.quote is not msgspec.UNSET
        except RemoteProtocolError as error:
            _wrong("body.offer", error.text)
    if order.listing is msgspec.UNSET and not quoted:
        _wrong("body.listing", "an order names a listing, or holds an offer with a quote")


def _check_renewal(renewal: Renewal) -> None:
    try:
        first = parse(renewal.first)
    except RemoteProtocolError as error:
        _wrong("body.first", error.text)
    if not isinstance(first.body, Order) or first.body.mandate is msgspec.UNSET:
        _wrong("body.first", "is not an order with a mandate")
    if sum(part.price for part in renewal.parts) > limits.MAX_INT:
        _wrong("body.parts", "their prices add up to more than any amount can be")


def _wrong(field: str, reason: str) -> NoReturn:
    raise RemoteProtocolError("deal_message", f"{field}: {reason}")
