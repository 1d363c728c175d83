"""Record of the encryption keys a networker receives sealed messages with."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Milliseconds, PublicKey, doc

HybridKey = Annotated[bytes, Meta(min_length=limits.HYBRID_KEY_BYTES, max_length=limits.HYBRID_KEY_BYTES)]


class Keys(Struct, frozen=True, kw_only=True):
    """Public encryption keys; the newest entry of this kind counts, until its date."""

    KIND: ClassVar[int] = 8

    mlkem768_x25519: Annotated[HybridKey | UnsetType, doc("hybrid HPKE key; offered means preferred")] = UNSET
    until: Annotated[Milliseconds, doc("last moment at which a sender may seal to these keys")]
    x25519: Annotated[PublicKey, doc("HPKE key of the mandatory suite")]
