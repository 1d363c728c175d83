"""Record by which the newest term vouches for entries of closed ones [R-LOG-12]."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from protocol import limits
from protocol.records.fields import SALT, Place, Salt, doc, malformed

Part = Annotated[int, Meta(ge=1, le=limits.MAX_STANDING_PARTS)]


class Standing(Struct, frozen=True, kw_only=True, rename=SALT):
    """Entries of closed epochs and terms that still stand, so that each can be believed alone."""

    KIND: ClassVar[int] = 7

    salt: Annotated[Salt, doc("16 random bytes")]
    entries: Annotated[
        Annotated[tuple[Place, ...], Meta(min_length=1, max_length=limits.MAX_STANDING)],
        doc("[seq, id] of ancestors of this entry, seq strictly ascending"),
    ]
    part: Annotated[Part, doc("number of this part, counted from 1")]
    parts: Annotated[Part, doc("how many parts there are")]


def check_standing(record: Standing) -> None:
    """The cross-field rules of a standing record.

    Raises:
        Void: `malformed`: part above parts, or entries not ascending.
    """
    if record.part > record.parts:
        malformed("part", f"part {record.part} of {record.parts}")
    last = -1
    for seq, _ in record.entries:
        if seq <= last:
            malformed("entries", "seq is not strictly ascending")
        last = seq
