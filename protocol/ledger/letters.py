"""Letters between holders and issuers of credit [R-CRED-72..76]."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.credit import Statement
from protocol.records.fields import Hash, Place, Wires, doc

_Code = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")]


class RequestLetter(Struct, frozen=True, kw_only=True):
    """A holder asks the issuer to move credit."""

    limit: Annotated[
        Statement | UnsetType, doc("with a transfer: the recipient's acceptance limit, if the holder has it")
    ] = UNSET
    openers: Annotated[Wires, doc("of the holder, and of the recipient with `limit`")] = ()
    request: Annotated[Statement, doc("a `credit request`, whole")]


class LimitLetter(Struct, frozen=True, kw_only=True):
    """A networker tells an issuer how much of its credit they are willing to receive."""

    limit: Annotated[Statement, doc("a `credit limit`, whole")]
    openers: Annotated[Wires, doc("of who signed it")] = ()


class AnsweredLetter(Struct, frozen=True, kw_only=True):
    """An issuer says what became of a request: an entry, or why there is none."""

    code: Annotated[
        _Code | UnsetType, doc("why it is not carried out; the code that its entry would have")
    ] = UNSET
    entry: Annotated[Place | UnsetType, doc("[seq, id] of the entry in the issuer's log")] = UNSET
    request: Annotated[Hash, doc("id of the request")]
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_REASON)], doc("a sentence for a person; may be empty")
    ] = ""


class ChallengeLetter(Struct, frozen=True, kw_only=True):
    """Hands a challenge to the issuer that it asks."""

    entry: Annotated[
        Annotated[tuple[Any, ...], Meta(min_length=3, max_length=3)],
        doc("entry of the challenge, [header, signature, record]"),
    ]
    openers: Annotated[Wires, doc("of its author")] = ()


def sound_answer(body: AnsweredLetter) -> bool:
    """Whether an answer says one of both: an entry, or a code."""
    return (body.entry is UNSET) != (body.code is UNSET)
