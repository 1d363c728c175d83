"""The records of INX/1: what an entry says, by kind. Tables, bounds and codec derive from the Structs."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from protocol.errors import LocalProtocolError
from protocol.records.alliance import Alliance
from protocol.records.close import Close
from protocol.records.codec import Codec, merge
from protocol.records.credit import (
    Answer,
    Challenge,
    ClosePart,
    Freeze,
    Lock,
    Payout,
    Redeem,
    RefundEntry,
    Rekey,
    Release,
    SalePart,
    SwapEntry,
    Transfer,
    check_answer,
    check_challenge,
    check_part,
    check_swap_entry,
)
from protocol.records.keys import Keys
from protocol.records.listing import (
    Area,
    Image,
    Listing,
    Shipping,
    Tax,
    Variant,
    Withdraw,
    check_listing,
    check_withdraw,
)
from protocol.records.moderation import Block, Report
from protocol.records.money import Per, Price, Sale
from protocol.records.openers import Inception, Rotation, Settlement, check_settlement
from protocol.records.opportunity import Acknowledgement, Opportunity, check_opportunity
from protocol.records.plan import Plan, check_plan
from protocol.records.profile import Profile, Stamp, check_profile
from protocol.records.review import NamedBuyer, Review, check_review
from protocol.records.standing import Standing, check_standing
from protocol.records.team import Admission, Duty, Leave, Move, check_leave, check_move

Record = (
    Inception
    | Rotation
    | Settlement
    | Close
    | Keys
    | Plan
    | Profile
    | Listing
    | Withdraw
    | Standing
    | Block
    | Report
    | Review
    | Opportunity
    | Admission
    | Move
    | Leave
    | Duty
    | Alliance
    | Acknowledgement
    | Rekey
    | SalePart
    | ClosePart
    | RefundEntry
    | Freeze
    | Transfer
    | Lock
    | SwapEntry
    | Redeem
    | Payout
    | Answer
    | Release
    | Challenge
)

CODECS: Final[dict[int, Codec[Any]]] = {
    Inception.KIND: Codec(Inception, None),
    Rotation.KIND: Codec(Rotation, None),
    Settlement.KIND: Codec(Settlement, check_settlement),
    Close.KIND: Codec(Close, None),
    Keys.KIND: Codec(Keys, None),
    Profile.KIND: Codec(Profile, check_profile),
    Listing.KIND: Codec(Listing, check_listing),
    Withdraw.KIND: Codec(Withdraw, check_withdraw),
    Standing.KIND: Codec(Standing, check_standing),
    Block.KIND: Codec(Block, None),
    Report.KIND: Codec(Report, None),
    Review.KIND: Codec(Review, check_review),
    Plan.KIND: Codec(Plan, check_plan),
    Opportunity.KIND: Codec(Opportunity, check_opportunity),
    Admission.KIND: Codec(Admission, None),
    Move.KIND: Codec(Move, check_move),
    Leave.KIND: Codec(Leave, check_leave),
    Duty.KIND: Codec(Duty, None),
    Alliance.KIND: Codec(Alliance, None),
    Acknowledgement.KIND: Codec(Acknowledgement, None),
    Rekey.KIND: Codec(Rekey, None),
    SalePart.KIND: Codec(SalePart, check_part),
    ClosePart.KIND: Codec(ClosePart, check_part),
    RefundEntry.KIND: Codec(RefundEntry, None),
    Freeze.KIND: Codec(Freeze, None),
    Transfer.KIND: Codec(Transfer, None),
    Lock.KIND: Codec(Lock, None),
    SwapEntry.KIND: Codec(SwapEntry, check_swap_entry),
    Redeem.KIND: Codec(Redeem, None),
    Payout.KIND: Codec(Payout, None),
    Answer.KIND: Codec(Answer, check_answer),
    Release.KIND: Codec(Release, None),
    Challenge.KIND: Codec(Challenge, check_challenge),
}


def decode_record(kind: int, data: bytes) -> Record | None:
    """Decodes the record of an entry, strictly; unknown fields are ignored.

    Args:
        kind: the kind in the entry's header.
        data: the record's bytes as they came.

    Returns:
        The record; None when the kind is unknown here (nothing can then be said of the bytes).

    Raises:
        Void: `malformed`, with a sentence that names the field [R-REC-2].
    """
    codec = CODECS.get(kind)
    if codec is None:
        return None
    record: Record = codec.decode(data)
    return record


def encode_record(record: Struct) -> bytes:
    """Encodes a record canonically, after proving that every reader accepts it.

    Raises:
        LocalProtocolError: a field that INX does not allow (the sentence names it), or no record of INX.
    """
    codec = CODECS.get(getattr(record, "KIND", -1))
    if codec is None:
        raise LocalProtocolError(f"{type(record).__name__} is not a record")
    return codec.encode(record)


__all__ = [
    "CODECS",
    "Acknowledgement",
    "Admission",
    "Alliance",
    "Answer",
    "Area",
    "Block",
    "Challenge",
    "Close",
    "ClosePart",
    "Codec",
    "Duty",
    "Freeze",
    "Image",
    "Inception",
    "Keys",
    "Leave",
    "Listing",
    "Lock",
    "Move",
    "NamedBuyer",
    "Opportunity",
    "Payout",
    "Per",
    "Plan",
    "Price",
    "Profile",
    "Record",
    "Redeem",
    "RefundEntry",
    "Rekey",
    "Release",
    "Report",
    "Review",
    "Rotation",
    "Sale",
    "SalePart",
    "Settlement",
    "Shipping",
    "Stamp",
    "Standing",
    "SwapEntry",
    "Tax",
    "Transfer",
    "Variant",
    "Withdraw",
    "decode_record",
    "encode_record",
    "merge",
]
