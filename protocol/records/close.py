"""Record that ends a log."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Struct, UnsetType

from protocol.records.fields import Reason, doc


class Close(Struct, frozen=True, kw_only=True):
    """Ends a log; only a rotation or a settlement may follow. Debts and mailbox stay."""

    KIND: ClassVar[int] = 6

    reason: Annotated[
        Reason | UnsetType, doc("why, for people; no personal data: it can never be purged")
    ] = UNSET
