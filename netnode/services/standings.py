"""What speaks against sellers as issuers of credit, for search."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Protocol

import msgspec

from netnode.bus import Stored
from netnode.ledgers.stakes import QUICK
from netnode.ledgers.standing import doubtful_sellers, mark_of
from netnode.operations import models
from netnode.projections import gists
from netnode.projections.gists import About, Gist
from netnode.services.gisting import Due
from netnode.store import Reader
from protocol.items import Standing as Item
from protocol.records import Challenge

AT_ONCE: Final = 20  # why: each may be a log to fold
MOST: Final = (
    2_000  # issuers that are kept, those whose logs changed last; why: forks of strangers cost a few KB each
)
OPEN_MS: Final = 3_600_000  # why: with an open challenge the time alone makes the issuer suspected


class Weighs(Protocol):
    """Who folds ledgers."""

    async def weigh(self, issuer: bytes) -> models.IssuerStanding:
        """What speaks against an issuer, however long that takes."""


class Standings:
    """Gists of what speaks against sellers.

    Args:
        weighs: makes them.
    """

    about = About.STANDING
    at_once = AT_ONCE

    def __init__(self, weighs: Weighs) -> None:
        self._weighs = weighs

    def due(self, reader: Reader, now: int, folded: Set[bytes]) -> Due:
        """Whose standing is to be found anew, and who has none any more."""
        issuers, known = doubtful_sellers(reader, MOST), gists.every(reader, self.about)
        marks = [(each, mark_of(reader, each)) for each in issuers]
        due = [
            (each, mark) for each, mark in marks if _is_due(reader, each, mark, known.get(each), now, folded)
        ]
        there = frozenset(issuers)
        return Due(due, [each for each in known if each not in there], there)

    async def make(self, issuer: bytes) -> bytes:
        """What speaks against an issuer.

        Raises:
            Problem: the disk.
        """
        return msgspec.json.encode(await self._weighs.weigh(issuer))

    def concerned(self, stored: Stored, known: Set[bytes]) -> bool:
        """Whether a log of theirs, a fork, a challenge or an opener came."""
        return any(each.author in known or each.standing is not Item.HEAD for each in stored.items) or any(
            entry.kind == Challenge.KIND or entry.is_opener
            for entries in stored.entries.values()
            for entry in entries
        )


def _is_due(
    reader: Reader, issuer: bytes, mark: bytes, gist: Gist | None, now: int, folded: Set[bytes]
) -> bool:
    if gist is None:
        return True
    rested = now >= gist.at + OPEN_MS
    if gist.mark == mark:
        return rested and msgspec.json.decode(gist.data, type=models.IssuerStanding).open > 0
    state = reader.load(issuer)
    return rested or state is None or state.tip.seq < QUICK or issuer in folded
