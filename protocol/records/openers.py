"""Records that open an epoch or a term: inception, rotation, settlement [R-LOG-1, R-LOG-3, R-LOG-4]."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from protocol import limits
from protocol.records.fields import Hash, Place, PublicKey, Salt, doc, malformed


class Inception(Struct, frozen=True, kw_only=True):
    """Entry 0 of a log. Its bytes make the networker id."""

    KIND: ClassVar[int] = 0

    key: Annotated[PublicKey, doc("Ed25519 key that signs epoch 0")]
    nonce: Annotated[Salt, doc("random; makes the id unique")]
    promise: Annotated[
        Hash, doc("SHA-256 of tag `promise` and the public key that will sign the next rotation")
    ]


class Rotation(Struct, frozen=True, kw_only=True):
    """Opens the next epoch; its entry is signed by the promised key, which it reveals."""

    KIND: ClassVar[int] = 2

    key: Annotated[PublicKey, doc("Ed25519 key that signs the epoch opened here")]
    promise: Annotated[Hash, doc("promise of the key that will sign the next rotation")]
    reveal: Annotated[PublicKey, doc("the promised public key; this entry's signature verifies with it")]


class Settlement(Struct, frozen=True, kw_only=True):
    """Opens the next term of an epoch: ends a fork, or follows a restored backup."""

    KIND: ClassVar[int] = 4

    branches: Annotated[
        Annotated[tuple[Place, ...], Meta(max_length=limits.MAX_BRANCHES)],
        doc("newest known entry [seq, id] of each branch, for claims only; seq ascending, then id ascending"),
    ]


def check_settlement(record: Settlement) -> None:
    """The cross-field rule of a settlement.

    Raises:
        Void: `malformed`: branches are not ascending, or one is named twice.
    """
    if any(first >= second for first, second in zip(record.branches, record.branches[1:], strict=False)):
        malformed("branches", "not in ascending order of seq and id, or one is named twice")
