"""Record of an alliance: two networkers agreed to promote each other's listings [R-ALLY-1..4]."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Salt, Wires, doc

Agreement = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_AGREEMENT)]
Ending = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_STATEMENT)]


class Alliance(Struct, frozen=True, kw_only=True, rename=SALT):
    """Publishes an agreement that both have signed, or that one of them has ended it."""

    KIND: ClassVar[int] = 17

    salt: Annotated[Salt, doc("16 random bytes")]
    agreement: Annotated[Agreement, doc("signed by both")]
    ending: Annotated[Ending | UnsetType, doc("signed by the one who ends it")] = UNSET
    openers: Annotated[Wires, doc("of the other networker")]
