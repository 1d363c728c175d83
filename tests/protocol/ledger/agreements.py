"""Alliances of an issuer of a test with another networker."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from protocol.alliances import Agreement, Partner, read_agreement, sign_agreement
from tests.protocol.author import NETWORK, START
from tests.protocol.ledger.world import World


def alliance(made: World, other: Any, points: int, *, signed: bool = True) -> bytes:
    """An agreement by which the issuer pays `points` to the other; not `signed`: the issuer's signature is missing."""
    sides = sorted(
        (Partner(epoch=0, id=each.id, points=part) for each, part in ((other, 100), (made.issuer, points))),
        key=lambda side: side.id,
    )
    agreement = Agreement(first=sides[0], from_=START - 1, nonce=bytes(range(16)), notice=0, second=sides[1])
    data = b""
    for author in (other, made.issuer) if signed else (other,):
        data = sign_agreement(NETWORK, author.signer, author.id, agreement)
        found = read_agreement(data)
        for name in ("first_signature", "second_signature"):
            if (value := getattr(found, name)) is not UNSET:
                agreement = msgspec.structs.replace(agreement, **{name: value})
    return data
