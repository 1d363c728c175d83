"""What holders of credit sign outside their logs [R-CRED-5..9].

A statement is a canonical map of exactly its fields; its signature is Ed25519 by the signing key that the holder has in
`epoch`, over the tag of the statement's name and the canonical map without signatures. Its id is the hash of its bytes
without signatures, so nobody can log one request twice under two ids.

    credit request   a holder: transfer or redeem this, or: I was paid this
    credit limit     a networker: hold up to this much of an issuer's credit for me
    credit swap      two holders: my credit of this issuer for yours of that one
    credit release   a holder: what that rotation or movement left disputed is settled between us
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import ProtocolError, Void
from protocol.records.fields import Count, Epoch, Hash, Milliseconds, Place, Signature, doc
from protocol.signing import Signer, verify
from protocol.tags import tag

Action = Literal["payout", "redeem", "transfer"]
Unit = Annotated[str, Meta(min_length=1, max_length=limits.MAX_UNIT)]
Amount = Annotated[int, Meta(ge=1, le=limits.MAX_INT)]

Verify = Callable[[bytes, bytes, bytes], bool]
"""As `protocol.signing.verify`: key, signature, message -> whether it is valid."""

_SIGNED: Final = "by the holder, over tag(its name) and the canonical map without signatures"
_EPOCH: Final = "of the holder, whose signing key signed"


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A holder has credit moved."""

    action: Annotated[Action, doc("what is done with it; a `payout` says that it was paid out")]
    amount: Annotated[Amount, doc("minor units")]
    counter: Annotated[Count, doc("the holder's own, of this issuer: used for one request or swap, ever")]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    expires: Annotated[Milliseconds, doc("an entry dated at or after it does not carry this out")]
    holder: Annotated[Hash, doc("networker id of who holds the credit")]
    issuer: Annotated[Hash, doc("networker id of who owes it")]
    order: Annotated[Hash | UnsetType, doc("id of the order paid with it; for `redeem` only")] = UNSET
    recipient: Annotated[Hash | UnsetType, doc("networker id; for `transfer` and only then")] = UNSET
    signature: Annotated[Signature, doc(_SIGNED)]
    unit: Annotated[Unit, doc("as the issuer names it")]


class Limit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much credit of an issuer a networker is willing to hold."""

    amount: Annotated[
        Count, doc("most that the figure may be after a transfer, minor units; 0 takes it back")
    ]
    counter: Annotated[
        Count, doc("the holder's own, of limits; one with a lower counter does not count any more")
    ]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    expires: Annotated[Milliseconds, doc("a transfer dated at or after it is not covered")]
    holder: Annotated[Hash, doc("networker id of who would receive")]
    issuer: Annotated[Hash, doc("networker id of who would owe")]
    lasts: Annotated[
        Milliseconds | UnsetType, doc("credit that expires before this is not received; absent: any is")
    ] = UNSET
    signature: Annotated[Signature, doc(_SIGNED)]
    unit: Annotated[Unit, doc("as the issuer names it")]


class Leg(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one side of a swap gives to the other."""

    amount: Annotated[Amount, doc("minor units")]
    counter: Annotated[Count, doc("as in a request of this issuer")]
    epoch: Annotated[Epoch, doc("of the holder, whose signing key signed")]
    holder: Annotated[Hash, doc("networker id of who gives it")]
    issuer: Annotated[Hash, doc("networker id of who owes it")]
    unit: Annotated[Unit, doc("as the issuer names it")]


class Swap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credit of two issuers changes hands: the first issuer locks, the second decides."""

    first: Annotated[Leg, doc("what is locked; its issuer logs `lock`")]
    head: Annotated[Place, doc("[seq, id] of the newest entry of the second issuer that both had")]
    second: Annotated[Leg, doc("what moves at once; its issuer decides by logging `swap`")]
    signatures: Annotated[
        tuple[Signature, Signature], doc("of the first holder and the second, over the same bytes")
    ]
    until: Annotated[Milliseconds, doc("lock and swap are dated before it")]


class Releasing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A holder settles what is disputed."""

    about: Annotated[
        Hash, doc("id of the rotation whose disowned entries it is about, or of a disputed movement")
    ]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    holder: Annotated[Hash, doc("networker id")]
    issuer: Annotated[Hash, doc("networker id of who owes it")]
    signature: Annotated[Signature, doc(_SIGNED)]


Statement = Request | Limit | Swap | Releasing

STATEMENTS: Final = MappingProxyType(
    {"credit request": Request, "credit limit": Limit, "credit swap": Swap, "credit release": Releasing}
)
"""Name, which is the purpose of the tag -> form."""
_NAMES: Final = MappingProxyType({form: name for name, form in STATEMENTS.items()})

S = TypeVar("S", Request, Limit, Swap, Releasing)
Single = TypeVar("Single", Request, Limit, Releasing)


def signed_bytes(network: str, statement: Statement) -> bytes:
    """What the signatures are over: the tag, then the canonical map without signatures [R-CRED-5]."""
    return tag(network, _NAMES[type(statement)]) + _unsigned(statement)


def statement_id(network: str, statement: Statement) -> bytes:
    """The id of a statement: the hash of what is signed, so that it does not depend on a signature."""
    return hashlib.sha256(signed_bytes(network, statement)).digest()


def sign(network: str, signer: Signer, unsigned: Single) -> bytes:
    """The bytes of a statement, signed.

    Args:
        network: name of the network.
        signer: the signing key that the holder has in `unsigned.epoch`.
        unsigned: its `signature` is put in here.
    """
    signature = signer.sign(signed_bytes(network, unsigned))
    return encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature))


def sign_swap(network: str, first: Signer, second: Signer, unsigned: Swap) -> bytes:
    """The bytes of a swap with the signatures of both holders."""
    image = signed_bytes(network, unsigned)
    signatures = (first.sign(image), second.sign(image))
    return encoding.encode_struct(msgspec.structs.replace(unsigned, signatures=signatures))


def read(form: type[S], data: bytes) -> S:
    """A statement from its bytes; its signatures are not checked here [R-CRED-5].

    Raises:
        Void: `statement`: not canonical, too long, or a field is missing, unknown, of a wrong type or out of bounds,
            or fields contradict each other.
    """
    name = _NAMES[form]
    try:
        statement = encoding.typed(encoding.decode(data, limits.MAX_CREDIT_STATEMENT), form)
    except ProtocolError as error:
        raise Void("statement", f"the {name}: {error.text}") from error
    except msgspec.ValidationError as error:
        raise Void("statement", f"the {name} has a wrong form: {error}") from error
    wrong = _amiss(statement)
    if wrong:
        raise Void("statement", f"the {name}: {wrong}")
    return statement


def require_signed(
    network: str, statement: Request | Limit | Releasing, keys: Sequence[bytes], verify: Verify = verify
) -> None:
    """Refuses a statement that its holder did not sign.

    Args:
        network: name of the network.
        statement: as read.
        keys: that the holder has in the epoch named; none: they are not known, or do not count any more.
        verify: as `protocol.signing.verify`.

    Raises:
        Void: `not_signed`.
    """
    _require(_NAMES[type(statement)], signed_bytes(network, statement), statement.signature, keys, verify)


def require_both(
    network: str, swap: Swap, first: Sequence[bytes], second: Sequence[bytes], verify: Verify = verify
) -> None:
    """Refuses a swap that one of its holders did not sign.

    Raises:
        Void: `not_signed`.
    """
    image = signed_bytes(network, swap)
    for signature, keys in zip(swap.signatures, (first, second), strict=True):
        _require("credit swap", image, signature, keys, verify)


def _require(name: str, image: bytes, signature: bytes, keys: Sequence[bytes], verify: Verify) -> None:
    if not any(verify(key, signature, image) for key in keys):
        text = "is not signed by its holder" if keys else "names an epoch whose key does not count here"
        raise Void("not_signed", f"the {name} {text}")


def _unsigned(statement: Statement) -> bytes:
    fields = msgspec.to_builtins(statement, builtin_types=(bytes,))
    fields.pop("signature", None)
    fields.pop("signatures", None)
    return encoding.encode(fields)


def _amiss(statement: Statement) -> str:
    """What fields say against each other; empty when nothing."""
    match statement:
        case Request():
            if (statement.action == "transfer") != (statement.recipient is not UNSET):
                return "a transfer has a recipient, and nothing else has"
            if statement.order is not UNSET and statement.action != "redeem":
                return "only what is redeemed pays an order"
            if statement.holder in (statement.recipient, statement.issuer):
                return "nobody moves credit to themselves, nor holds their own"
        case Swap(first=first, second=second):
            if first.issuer == second.issuer or first.holder == second.holder:
                return "issuers and holders of both sides are different"
            if first.issuer in (first.holder, second.holder) or second.issuer in (
                first.holder,
                second.holder,
            ):
                return "an issuer does not hold credit of its own"
        case _:
            pass
    return ""
