"""Records by which a networker warns those who follow them: block and report."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Hash, Reason, Salt, doc

ReportReason = Literal["abuse", "counterfeit", "fraud", "illegal", "impersonation", "other", "spam"]


class Block(Struct, frozen=True, kw_only=True, rename=SALT):
    """The author wants nothing of another networker, or no longer minds."""

    KIND: ClassVar[int] = 9

    salt: Annotated[Salt, doc("16 random bytes")]
    id: Annotated[Hash, doc("the networker blocked")]
    lifted: Annotated[bool | UnsetType, doc("true: the block ends here")] = UNSET
    reason: Annotated[Reason | UnsetType, doc("why, for people")] = UNSET


class Report(Struct, frozen=True, kw_only=True, rename=SALT):
    """The author accuses a networker, or one entry of theirs."""

    KIND: ClassVar[int] = 11

    salt: Annotated[Salt, doc("16 random bytes")]
    author: Annotated[Hash, doc("the networker reported")]
    entry: Annotated[Hash | UnsetType, doc("id of the entry reported; absent: the networker as such")] = UNSET
    reason: Annotated[ReportReason, doc("what kind of wrong")]
    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_REPORT_TEXT)] | UnsetType,
        doc("what happened, plain text"),
    ] = UNSET
