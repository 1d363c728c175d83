"""Alliances: two networkers agree, by signature, to promote each other's listings at stated rates [R-ALLY-1..4].

An agreement is a canonical map of exactly its fields. Both sign one image: tag(`alliance`) and the canonical map
without the two signatures; its id is the SHA-256 of its bytes. Either may end it, alone, by a statement that takes
effect after the notice agreed on; nobody needs the other's log for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.records import Alliance
from protocol.records.fields import Epoch, Hash, Key, Milliseconds, Salt, Signature, doc
from protocol.signing import Signer, verify
from protocol.tags import tag

F = TypeVar("F")
Side = Literal["first", "second"]
Keys = Callable[[bytes, int], Sequence[bytes]]
_Points = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]
_Listings = Annotated[tuple[Key, ...], Meta(min_length=1, max_length=limits.MAX_PRODUCTS)] | UnsetType
_DAY_MS: Final = 24 * 3_600_000


class Partner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of an agreement: who, and what it pays the other."""

    epoch: Annotated[Epoch, doc("whose signing key signs")]
    id: Annotated[Hash, doc("networker id")]
    listings: Annotated[_Listings, doc("keys of own listings it pays for; absent: all")] = UNSET
    points: Annotated[_Points, doc("basis points of the net price that it pays for a sale the other brought")]


class Agreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agreement of two networkers; the one with the lower id is `first`."""

    first: Annotated[Partner, doc("the one with the lower id")]
    first_signature: Annotated[Signature | UnsetType, doc("of `first`; absent while only proposed")] = UNSET
    from_: Annotated[Milliseconds, doc("first moment")] = msgspec.field(name="from")
    nonce: Annotated[Salt, doc("16 random bytes")]
    notice: Annotated[Annotated[int, Meta(ge=0, le=365)], doc("days until a one-sided end takes effect")]
    second: Annotated[Partner, doc("the other one")]
    second_signature: Annotated[Signature | UnsetType, doc("of `second`; absent while only proposed")] = UNSET
    until: Annotated[Milliseconds | UnsetType, doc("first moment after it; absent: open")] = UNSET


class Ending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side ends an agreement."""

    agreement: Annotated[Hash, doc("its id")]
    epoch: Annotated[Epoch, doc("of the signer, whose signing key signed")]
    signature: Annotated[Signature, doc("over tag(`alliance_end`) and the canonical map of the other fields")]
    signer: Annotated[Hash, doc("one of the two")]
    time: Annotated[Milliseconds, doc("the notice runs from here")]


# -- form ----------------------------------------------------------------------------------------------------
def read_agreement(data: bytes) -> Agreement:
    """An agreement from its bytes; signatures are not checked here [R-ALLY-1].

    Raises:
        Void: `alliance`.
    """
    agreement = _read(Agreement, data, limits.MAX_AGREEMENT, "the agreement")
    if agreement.first.id >= agreement.second.id:
        raise Void("alliance", "the agreement is not between two networkers, the lower id first")
    if agreement.until is not UNSET and agreement.until <= agreement.from_:
        raise Void("alliance", "the agreement ends before it begins")
    return agreement


def read_ending(data: bytes) -> Ending:
    """An ending from its bytes; its signature is not checked here.

    Raises:
        Void: `alliance`.
    """
    return _read(Ending, data, limits.MAX_STATEMENT, "the end of the agreement")


def agreement_id(data: bytes) -> bytes:
    """The id of an agreement that both have signed: SHA-256 of its bytes."""
    return hashlib.sha256(data).digest()


# -- signatures ----------------------------------------------------------------------------------------------
def agreement_bytes(network: str, agreement: Agreement) -> bytes:
    """What both signatures are over."""
    fields = msgspec.to_builtins(agreement, builtin_types=(bytes,))
    fields.pop("first_signature", None)
    fields.pop("second_signature", None)
    return tag(network, "alliance") + encoding.encode(fields)


def sign_agreement(network: str, signer: Signer, who: bytes, agreement: Agreement) -> bytes:
    """The bytes of an agreement with the signature of one side put in.

    Args:
        network: name of the network.
        signer: the signing key of `who`, of the epoch that the agreement names.
        who: networker id of one of the two.
        agreement: signed by the other or not.

    Raises:
        LocalProtocolError: `who` is not a party to it.
    """
    signature = signer.sign(agreement_bytes(network, agreement))
    if who == agreement.first.id:
        return encoding.encode_struct(msgspec.structs.replace(agreement, first_signature=signature))
    if who == agreement.second.id:
        return encoding.encode_struct(msgspec.structs.replace(agreement, second_signature=signature))
    raise LocalProtocolError("who signs is not a party to the agreement")


def signed_by(network: str, agreement: Agreement, side: Side, keys: Sequence[bytes]) -> bool:
    """Whether one side signed an agreement, with one of the keys given."""
    signature = agreement.first_signature if side == "first" else agreement.second_signature
    if signature is UNSET:
        return False
    image = agreement_bytes(network, agreement)
    return any(verify(key, signature, image) for key in keys)


def require_signed(network: str, agreement: Agreement, keys: Keys) -> None:
    """Refuses an agreement that not both have signed [R-ALLY-2].

    Args:
        network: name of the network.
        agreement: as read.
        keys: of (networker, epoch).

    Raises:
        Void: `not_signed`.
    """
    sides: tuple[tuple[Side, Partner], ...] = (("first", agreement.first), ("second", agreement.second))
    for side, partner in sides:
        if not signed_by(network, agreement, side, keys(partner.id, partner.epoch)):
            raise Void("not_signed", "an agreement is signed by both, with keys that are known here")


def sign_ending(
    network: str, signer: Signer, *, agreement: bytes, who: bytes, epoch: int, time: int
) -> bytes:
    """The bytes of one side's end of an agreement.

    Args:
        network: name of the network.
        signer: the signing key of `who` in `epoch`.
        agreement: its id.
        who: networker id of one of the two.
        epoch: of `who`.
        time: now, ms UTC.
    """
    unsigned = Ending(agreement=agreement, epoch=epoch, signature=b"", signer=who, time=time)
    signature = signer.sign(ending_bytes(network, unsigned))
    return encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature))


def ending_bytes(network: str, ending: Ending) -> bytes:
    """What the signature of an ending is over."""
    fields = msgspec.to_builtins(ending, builtin_types=(bytes,))
    del fields["signature"]
    return tag(network, "alliance_end") + encoding.encode(fields)


# -- what it says --------------------------------------------------------------------------------------------
def judge(network: str, author: bytes, record: Alliance, keys: Keys) -> tuple[Agreement, Ending | None]:
    """Whether an alliance entry says what both have signed [R-ALLY-3].

    Args:
        network: name of the network.
        author: of the entry.
        record: of the entry.
        keys: of (networker, epoch), those of both.

    Raises:
        Void: `alliance`, `not_signed`.
    """
    agreement = read_agreement(record.agreement)
    if author not in (agreement.first.id, agreement.second.id):
        raise Void("alliance", "the author is not a party to the agreement")
    require_signed(network, agreement, keys)
    if record.ending is UNSET:
        return agreement, None
    ending = read_ending(record.ending)
    require_ending(network, record.agreement, agreement, ending, keys)
    return agreement, ending


def require_ending(network: str, data: bytes, agreement: Agreement, ending: Ending, keys: Keys) -> None:
    """Refuses an ending of another agreement, or that neither of the two signed.

    Args:
        network: name of the network.
        data: bytes of the agreement.
        agreement: what they say.
        ending: as read.
        keys: of (networker, epoch).

    Raises:
        Void: `alliance`, `not_signed`.
    """
    if ending.agreement != agreement_id(data) or ending.signer not in (
        agreement.first.id,
        agreement.second.id,
    ):
        raise Void("alliance", "the end is of another agreement, or by somebody else")
    image = ending_bytes(network, ending)
    if not any(verify(key, ending.signature, image) for key in keys(ending.signer, ending.epoch)):
        raise Void("not_signed", "the end of an agreement is not signed by its signer")


def in_force(agreement: Agreement, at: int, endings: Iterable[Ending] = ()) -> bool:
    """Whether an agreement holds at a moment (ms UTC), given its endings [R-ALLY-4]."""
    if at < agreement.from_ or (agreement.until is not UNSET and at >= agreement.until):
        return False
    return all(at < ending.time + agreement.notice * _DAY_MS for ending in endings)


def points_of(agreement: Agreement, seller: bytes, ally: bytes, listing: str | None) -> int | None:
    """What a seller pays an ally for a sale of a listing, in basis points; None: the agreement says nothing of it.

    Args:
        agreement: in force.
        seller: networker id.
        ally: networker id of who brought the buyer.
        listing: key of the listing; None: for goods without one.
    """
    if (seller, ally) == (agreement.first.id, agreement.second.id):
        partner = agreement.first
    elif (seller, ally) == (agreement.second.id, agreement.first.id):
        partner = agreement.second
    else:
        return None
    covered = partner.listings is UNSET or listing in partner.listings
    return partner.points if covered else None


def _read(form: type[F], data: bytes, most: int, what: str) -> F:
    try:
        return encoding.typed(encoding.decode(data, most), form)
    except ProtocolError as error:
        raise Void("alliance", f"{what}: {error.text}") from error
    except msgspec.ValidationError as error:
        raise Void("alliance", f"{what} has a wrong form: {error}") from error
