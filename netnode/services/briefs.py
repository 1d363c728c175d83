"""In short what plans pay for listings and what came of it, for search."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Protocol

import msgspec

from netnode.bus import Stored
from netnode.ledgers.stakes import QUICK
from netnode.operations import models
from netnode.projections import gists
from netnode.projections.gists import About
from netnode.services.gisting import Due
from netnode.store import Reader
from protocol.records import Plan

AT_ONCE: Final = 10  # why: each may be a log to fold and a plan to measure
MOST: Final = (
    2_000  # sellers that are kept, those whose logs changed last; why: any stranger may publish a plan
)
REST_MS: Final = 600_000  # why: a team that sells all day is looked at anew so often
DAY_MS: Final = 86_400_000  # why: what was earned in a year changes with the days too


class Briefs(msgspec.Struct, frozen=True):
    """Of one seller: in short what its plans pay, and by key of a listing which of them it is.

    Attributes:
        plans: each once.
        listings: place in `plans`; None: that one's plan was left out.
        others: place of the plan of all other listings; None: there is none.
    """

    plans: list[models.PlanBrief] = []
    listings: dict[str, int | None] = {}
    others: int | None = None

    def of(self, listing: str) -> models.PlanBrief | None:
        """The plan that sales of a listing follow."""
        place = self.listings.get(listing, self.others)
        return None if place is None else self.plans[place]


class Sums(Protocol):
    """Who folds ledgers and measures plans."""

    async def briefs(self, seller: bytes) -> Briefs:
        """What the plans of a seller pay, however long that takes."""


class PlanBriefs:
    """Gists of what plans pay.

    Args:
        sums: makes them.
    """

    about = About.PLANS
    at_once = AT_ONCE

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    def due(self, reader: Reader, now: int, folded: Set[bytes]) -> Due:
        """Whose briefs are to be made anew, and who has none any more."""
        planners, known = gists.planners(reader, MOST), gists.every(reader, self.about)
        due = []
        for seller, entries in planners:
            state, gist = reader.load(seller), known.get(seller)
            if state is None:
                continue
            rest = REST_MS if entries <= QUICK or seller in folded else DAY_MS
            if gist is None or now >= gist.at + (DAY_MS if gist.mark == state.tip.id else rest):
                due.append((seller, state.tip.id))
        there = {seller for seller, _ in planners}
        return Due(due, [each for each in known if each not in there])

    async def make(self, issuer: bytes) -> bytes:
        """What the plans of a seller pay.

        Raises:
            Problem: the disk.
        """
        return msgspec.json.encode(await self._sums.briefs(issuer))

    def concerned(self, stored: Stored, known: Set[bytes]) -> bool:
        """Whether a plan came."""
        return any(entry.kind == Plan.KIND for entries in stored.entries.values() for entry in entries)


def glances(reader: Reader, wanted: dict[bytes, set[str]]) -> dict[tuple[bytes, str], models.PlanBrief]:
    """What is kept of listings, by seller and key."""
    found = {}
    for seller, gist in gists.of(reader, About.PLANS, wanted.keys()).items():
        known = msgspec.json.decode(gist.data, type=Briefs)
        for key in wanted[seller]:
            brief = known.of(key)
            if brief is not None:
                found[seller, key] = brief
    return found
