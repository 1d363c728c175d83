"""What members, sponsors and owners of a team sign outside their logs [R-TEAM-5..9].

A statement is a canonical map of exactly its fields. Its signature is Ed25519 by the signing key that `signer` has in
`epoch`, over the tag of the statement's name and the canonical map of all other fields. The records of the team embed
statements as bytes; their id is their hash.

    invite       the sponsor, or the owner where a team is taken over: join below this sponsor
    application  who wants to join, by this invite, with the place of their acknowledgement
    leaving      a member: no member from now on, for a reason
    training     a member: passed a module, helped by somebody
    followup     a member: got a follow-up by somebody
    placing      who consents to another sponsor, or a sponsor who chooses a place
    buyback      a member: take back these goods that I have not sold
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import ProtocolError, Void
from protocol.records.fields import Count, Epoch, Hash, Key, Milliseconds, Place, Salt, Signature, doc
from protocol.records.team import Position
from protocol.signing import Signer, verify
from protocol.tags import tag

LeavingReason = Literal["company", "earnings", "other", "personal", "products", "support", "time"]
Step = Annotated[int, Meta(ge=1, le=limits.MAX_FOLLOWUPS)]
Line = Annotated[int, Meta(ge=0, le=limits.MAX_GOODS_LINES - 1)]
Pieces = Annotated[int, Meta(ge=1, le=limits.MAX_QUANTITY)]

_SIGNATURE: Final = "over tag(its name) and the canonical map of the other fields"
_EPOCH: Final = "of the signer, whose signing key signed"


class Invite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Invites somebody, or whoever has it, to join below a sponsor."""

    disclosure: Annotated[Hash, doc("SHA-256 of the disclosure document in force")]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    expires: Annotated[Milliseconds, doc("an application dated at or after it is not by this invite")]
    for_: Annotated[
        Hash | UnsetType, doc("networker id of the only one it is for; absent: whoever has it")
    ] = msgspec.field(default=UNSET, name="for")
    nonce: Annotated[Salt, doc("16 random bytes; an invite admits one")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    position: Annotated[Position | UnsetType, doc("the sponsor's wish for the place")] = UNSET
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("the sponsor, or the owner")]
    sponsor: Annotated[Hash, doc("whom the new member stands below: a member, or the owner")]


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks to be admitted by an invite."""

    acknowledgement: Annotated[Place, doc("[seq, id] of the signer's acknowledgement")]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    invite: Annotated[Hash, doc("id of the invite")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("who wants to join")]
    time: Annotated[Milliseconds, doc("when it was signed")]


class Leaving(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends one's own membership."""

    epoch: Annotated[Epoch, doc(_EPOCH)]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    reason: Annotated[LeavingReason, doc("asked of everybody; counted in what the team shows of itself")]
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("who leaves")]
    time: Annotated[Milliseconds, doc("when it was signed")]


class Training(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member has passed a training module."""

    by: Annotated[Hash | UnsetType, doc("who trained them; absent: nobody")] = UNSET
    epoch: Annotated[Epoch, doc(_EPOCH)]
    module: Annotated[Key, doc("key of the module, as the plan has it")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("the member")]
    time: Annotated[Milliseconds, doc("when it was passed")]


class Followup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member has got a follow-up."""

    by: Annotated[Hash, doc("who gave it: their sponsor, or somebody of their upline")]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("the member")]
    step: Annotated[Step, doc("which follow-up of the plan, counted from 1")]
    time: Annotated[Milliseconds, doc("when it was")]


class Placing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consents to another sponsor of a member, or chooses the place of one."""

    epoch: Annotated[Epoch, doc(_EPOCH)]
    member: Annotated[Hash, doc("who is moved")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]
    position: Annotated[Position | UnsetType, doc("the place, where a place is chosen")] = UNSET
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("who consents or chooses")]
    sponsor: Annotated[Hash | UnsetType, doc("the new sponsor, where it is about the sponsor")] = UNSET
    time: Annotated[Milliseconds, doc("when it was signed")]


class BuybackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks the owner to take back goods that a member bought and has not sold [R-TEAM-29]."""

    amount: Annotated[Count, doc("what is asked for: minor units of the order's money")]
    bought: Annotated[
        Signature,
        doc("by the order's key, over tag(its name) and the canonical map of all but both signatures"),
    ]
    epoch: Annotated[Epoch, doc(_EPOCH)]
    goods: Annotated[
        Annotated[tuple[tuple[Line, Pieces], ...], Meta(min_length=1, max_length=limits.MAX_STATEMENTS)],
        doc("[line of the order from 0, pieces], ascending, each line once"),
    ]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    order: Annotated[Hash, doc("id of the order by which they were bought")]
    owner: Annotated[Hash, doc("networker id of its owner, who sold them")]
    signature: Annotated[Signature, doc(_SIGNATURE)]
    signer: Annotated[Hash, doc("who is, or was, a member and bought them")]
    time: Annotated[Milliseconds, doc("when it was signed")]


Statement = Invite | Application | Leaving | Training | Followup | Placing | BuybackRequest

STATEMENTS: Final = MappingProxyType(
    {
        "invite": Invite,
        "application": Application,
        "leaving": Leaving,
        "training": Training,
        "followup": Followup,
        "placing": Placing,
        "buyback": BuybackRequest,
    }
)
"""Name, which is the purpose of the tag -> form."""
_NAMES: Final = MappingProxyType({form: name for name, form in STATEMENTS.items()})

S = TypeVar("S", Invite, Application, Leaving, Training, Followup, Placing, BuybackRequest)


def signed_bytes(network: str, statement: Statement) -> bytes:
    """What the signature is over: the tag, then the canonical map without the signature [R-TEAM-5]."""
    fields = msgspec.to_builtins(statement, builtin_types=(bytes,))
    del fields["signature"]
    return tag(network, _NAMES[type(statement)]) + encoding.encode(fields)


def sign(network: str, signer: Signer, unsigned: S) -> bytes:
    """The bytes of a statement, signed.

    Args:
        network: name of the network.
        signer: the signing key that `unsigned.signer` has in `unsigned.epoch`.
        unsigned: its `signature` is put in here.
    """
    signature = signer.sign(signed_bytes(network, unsigned))
    return encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature))


def bought_bytes(network: str, request: BuybackRequest) -> bytes:
    """What the key of the order signs: the tag, then the canonical map without both signatures [R-TEAM-29]."""
    fields = msgspec.to_builtins(request, builtin_types=(bytes,))
    del fields["signature"], fields["bought"]
    return tag(network, "buyback") + encoding.encode(fields)


def sign_bought(network: str, signer: Signer, unsigned: BuybackRequest) -> BuybackRequest:
    """A request with the signature by the key of its order.

    Args:
        network: name of the network.
        signer: the key that the buyer made for the order.
        unsigned: its `bought` is put in here; whoever asks signs it afterwards (`sign`), with their epoch in it.
    """
    return msgspec.structs.replace(unsigned, bought=signer.sign(bought_bytes(network, unsigned)))


def read(form: type[S], data: bytes) -> S:
    """A statement from its bytes; its signature is not checked here [R-TEAM-5].

    Raises:
        Void: `statement`: not canonical, too long, or a field is missing, unknown, of a wrong type or out of bounds.
    """
    name = _NAMES[form]
    try:
        found = encoding.typed(encoding.decode(data, limits.MAX_STATEMENT), form)
    except ProtocolError as error:
        raise Void("statement", f"the {name}: {error.text}") from error
    except msgspec.ValidationError as error:
        raise Void("statement", f"the {name} has a wrong form: {error}") from error
    if encoding.encode_struct(found) != data:
        raise Void("statement", f"the {name} has a field more than it may have")
    return found


def read_named(name: str, data: bytes) -> Statement:
    """A statement of the form that has this name; as `read`."""
    form: type[Any] = STATEMENTS[name]
    found: Statement = read(form, data)
    return found


def require_signed(network: str, statement: Statement, keys: Sequence[bytes]) -> None:
    """Refuses a statement that its signer did not sign.

    Args:
        network: name of the network.
        statement: as read.
        keys: that the signer has in the epoch named; none: they are not known, or do not count any more.

    Raises:
        Void: `not_signed`.
    """
    image = signed_bytes(network, statement)
    if not any(verify(key, statement.signature, image) for key in keys):
        name = _NAMES[type(statement)]
        text = (
            "is not signed by its signer"
            if keys
            else "names a signer and epoch whose key does not count here"
        )
        raise Void("not_signed", f"the {name} {text}")


def statement_id(data: bytes) -> bytes:
    """The id of a statement: SHA-256 of its bytes."""
    return hashlib.sha256(data).digest()
