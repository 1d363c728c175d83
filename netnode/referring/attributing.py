"""Whom an own order is attributed to: the seller's policy over what led the owner there [R-ALLY-6..9] [R-REF-7, 8]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
from msgspec import UNSET

from netnode.projections import views
from netnode.store import Reader, deals, referrals
from netnode.store.referrals import ReferralRow
from protocol import paths
from protocol.attribution import Policy, Touch, attributed
from protocol.errors import ProtocolError
from protocol.paths import Path
from protocol.records.profile import Profile

_NO_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Customer:
    """What counts of the owner as the customer of one seller.

    Attributes:
        policy: the seller's.
        gift: code of the offer for who was brought; None: there is none.
        met: links and codes that led there.
        first: whether nothing was bought there before.
        bound: the path of the first order; None: it had none, or there was none.
    """

    policy: Policy
    gift: str | None
    met: tuple[ReferralRow, ...]
    first: bool
    bound: Path | None

    def touch(self, listing: str, now: int, given: Touch | None, code: str | None) -> Touch | None:
        """The touch that an order made now names; None: nobody brought the owner.

        Args:
            listing: key of what is ordered.
            now: date of the order, ms UTC.
            given: the link that is ordered by.
            code: that was typed, as it counts.
        """
        touches = [touch for row in self.met for touch in _touches(row) if row.code in (None, code)]
        if given is not None:
            touches.append(given)
        return attributed(self.policy, touches, listing, now, self._bound(touches, listing, now))

    def gift_code(self) -> str | None:
        """The code of the gift that an order by a touch takes: the first one does [R-ALLY-9]."""
        return self.gift if self.first else None

    def _bound(self, touches: Sequence[Touch], listing: str, now: int) -> Touch | None:
        """The first order's path, or a newer one of the same referrers: by expired tokens nobody would be paid."""
        if self.bound is None:
            return None
        who = _referrers(self.bound.tokens)
        first = touch_of(self.bound.tokens, 0)
        same = [first, *(each for each in touches if _referrers(each.path) == who)]
        usable = [each for each in same if now < each.expires and each.listing in (None, listing)]
        return max(usable, key=lambda each: (each.expires, each.path), default=None)


def customer(reader: Reader, seller: bytes) -> Customer:
    """What counts of the owner as the customer of a seller."""
    connection = reader.connection
    row = views.profile(connection, seller)
    policy, code = policy_of(None if row is None else row.record)
    first, bound = _first_order(connection, seller)
    return Customer(policy, code, tuple(referrals.met(connection, seller)), first, bound)


def policy_of(profile: Profile | None) -> tuple[Policy, str | None]:
    """How a seller attributes orders, and the code of the gift."""
    if profile is None or profile.attribution is UNSET:
        return _NO_POLICY, None
    said = profile.attribution
    policy = Policy(model=said.model, window_days=said.window, bind=said.bind)
    return policy, None if said.gift is UNSET else said.gift


def touch_of(tokens: tuple[bytes, ...], time: int, *, code: bool = False) -> Touch:
    """A touch from the tokens of a path.

    Raises:
        RemoteProtocolError: as `paths.read_referral`.
    """
    read = [paths.read_referral(each) for each in tokens]
    listing = next((each.listing for each in read if each.listing is not UNSET), None)
    return Touch(tokens, time, code, min(each.expires for each in read), listing)


def _touches(row: ReferralRow) -> tuple[Touch, ...]:
    """Of a link that was met again, the first time and the last: which one counts the policy says."""
    return tuple(
        touch_of(row.tokens, each, code=row.code is not None) for each in sorted({row.first, row.at})
    )


def _referrers(tokens: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(paths.read_referral(each).referrer for each in tokens)


def _first_order(connection: apsw.Connection, seller: bytes) -> tuple[bool, Path | None]:
    """Whether there is no contract with a seller yet, and the path of the first one."""
    row: Any = connection.execute(
        "SELECT d FROM deal WHERE role = 'buyer' AND seller = ? AND contract ORDER BY opened, d LIMIT 1",
        (seller,),
    ).fetchone()
    if row is None:
        return True, None
    for data in deals.enclosures(connection, row[0]).values():
        try:
            path = paths.read_path(data)
        except ProtocolError:
            continue  # goods, or a word
        if path.seller == seller:
            return False, path
    return False, None
