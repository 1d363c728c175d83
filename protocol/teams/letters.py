"""The letters of a team: one carries a paper from hand to hand, one refuses to take goods back [R-TEAM-30]."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Hash, Wires, doc

Paper = Literal["application", "buyback", "followup", "invite", "leaving", "placing", "training"]
_Statement = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_STATEMENT)]


class TeamLetter(Struct, frozen=True, kw_only=True):
    """A signed statement about a team, with what its recipient needs to check and to log it."""

    acknowledgement: Annotated[
        Annotated[tuple[Any, ...], Meta(max_length=limits.MAX_PROOF)],
        doc("with an application: entries as an admission embeds them; with any other: none"),
    ] = ()
    invite: Annotated[_Statement | UnsetType, doc("with an application: the invite it is by")] = UNSET
    name: Annotated[Paper, doc("which statement it is")]
    openers: Annotated[Wires, doc("of its signer, and of who saw the acknowledgement")] = ()
    seen: Annotated[
        Annotated[tuple[_Statement, ...], Meta(max_length=limits.MAX_SEEN)],
        doc("with an application: statements of others that the acknowledgement was there"),
    ] = ()
    statement: Annotated[_Statement, doc("the statement, whole")]
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_DEAL_TEXT)], doc("a word to the recipient; may be empty")
    ] = ""


class BuybackLetter(Struct, frozen=True, kw_only=True):
    """An owner says why they pay nothing back for goods; that they do is said by a refund of the deal."""

    code: Annotated[
        Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")],
        doc("as `too_late`, `too_much`, `not_returned`, `not_resalable`, `other`"),
    ]
    request: Annotated[Hash, doc("id of the `buyback`")]
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_REASON)], doc("a sentence for a person; may be empty")
    ] = ""
