"""Letters by which recommendations and alliances get from hand to hand [R-REF-6] [R-REF-10]."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.alliance import Agreement, Ending
from protocol.records.fields import Key, Wires, doc

_Token = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_REFERRAL)]
_Text = Annotated[str, Meta(max_length=limits.MAX_DEAL_TEXT)]


class ReferralLetter(Struct, frozen=True, kw_only=True):
    """Recommends a seller; to that seller, registers a code; by the seller, says what a code stands for."""

    code: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_CODE)] | UnsetType,
        doc(
            "by which people come; with it the letter is to the seller, or the seller's answer to `ask_offer`"
        ),
    ] = UNSET
    listing: Annotated[Key | UnsetType, doc("key of the listing it leads to; absent: to the seller")] = UNSET
    openers: Annotated[Wires, doc("of the referrers, as far as the sender has them")] = ()
    path: Annotated[
        Annotated[tuple[_Token, ...], Meta(min_length=1, max_length=limits.MAX_PATH)],
        doc("the tokens, the first one first"),
    ]
    text: Annotated[_Text, doc("a word to the recipient; may be empty")] = ""


class AllianceLetter(Struct, frozen=True, kw_only=True):
    """An agreement of two networkers: proposed with one signature, agreed with two, or ended by one of them."""

    agreement: Annotated[Agreement, doc("whole, with the signatures that there are")]
    ending: Annotated[Ending | UnsetType, doc("by the sender")] = UNSET
    openers: Annotated[Wires, doc("of the sender")] = ()
    text: Annotated[_Text, doc("a word to the recipient; may be empty")] = ""
