"""What a prospect is told before joining: the owner's document, and what the log says of earnings [R-TEAM-3, 22..24].

The document has the five items that a prospect needs: who it is, legal actions, cancellation and refund, what is
claimed of earnings, references. The earnings are computed by every node from the log, over *all* members, those at
zero and those who left included, and stand beside every invitation; nobody can leave the losers out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import ProtocolError, Void
from protocol.records.fields import Count, Currency, Milliseconds, doc
from protocol.teams.team import Team

_Text = Annotated[str, Meta(min_length=1, max_length=limits.MAX_DISCLOSURE_TEXT)]
_Line = Annotated[str, Meta(min_length=1, max_length=limits.MAX_REASON)]
_Points = Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)]
_WHOLE: Final = 10_000


class Claim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim of earnings: so many members of so many had so much or more, from one date to another."""

    amount: Annotated[Count, doc("minor units, in all, in that time")]
    currency: Annotated[Currency | UnsetType, doc("ISO 4217 code; absent: the unit of the plan")] = UNSET
    from_: Annotated[Milliseconds, doc("first moment")] = msgspec.field(name="from")
    members: Annotated[Count, doc("how many had it")]
    of: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_INT)], doc("of how many who were members in that time")
    ]
    points: Annotated[_Points, doc("`members` of `of` in basis points, rounded down")]
    until: Annotated[Milliseconds, doc("first moment after it")]


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A disclosure document; its canonical bytes are the field `disclosure` of an opportunity."""

    cancellation: Annotated[_Text, doc("how a member cancels, and what is refunded")]
    claims: Annotated[
        Annotated[tuple[Claim, ...], Meta(max_length=limits.MAX_CLAIMS)],
        doc("all that is claimed of earnings; none: nothing is claimed"),
    ]
    identity: Annotated[_Text, doc("who offers this: name, address, registration")]
    legal: Annotated[
        _Text, doc("legal actions of the last ten years against the owner; `none` where there are none")
    ]
    references: Annotated[
        Annotated[tuple[_Line, ...], Meta(min_length=1, max_length=limits.MAX_REFERENCES)],
        doc("whom a prospect may ask: members, or where their names are given out"),
    ]


def encode_document(document: Document) -> bytes:
    """The canonical bytes of a disclosure document.

    Raises:
        Void: `statement`: a field out of bounds, or a claim without sense.
    """
    data = encoding.encode_struct(document)
    read_document(data)
    return data


def read_document(data: bytes) -> Document:
    """A disclosure document from its bytes [R-TEAM-3] [R-TEAM-24].

    Raises:
        Void: `statement`: not canonical, an item is missing, or a claim whose numbers do not go together.
    """
    try:
        document = encoding.typed(encoding.decode(data, limits.MAX_DISCLOSURE), Document)
    except ProtocolError as error:
        raise Void("statement", f"the disclosure: {error.text}") from error
    except msgspec.ValidationError as error:
        raise Void("statement", f"the disclosure has a wrong form: {error}") from error
    for claim in document.claims:
        if claim.from_ >= claim.until or claim.members > claim.of:
            raise Void("statement", "the disclosure: a claim of no time, or of more members than there were")
        if claim.points != claim.members * _WHOLE // claim.of:
            raise Void("statement", "the disclosure: the percentage of a claim is not that of its numbers")
    return document


def document_hash(data: bytes) -> bytes:
    """What an acknowledgement names: SHA-256 of the document's bytes."""
    return hashlib.sha256(data).digest()


@dataclass(frozen=True, slots=True)
class Earnings:
    """What the members of a team had in a time, net of what they bought; minor units of the plan's unit [R-TEAM-22].

    Attributes:
        members: how many were members at any moment of it.
        left: how many of them are no members at its end.
        zero: how many were awarded nothing.
        median: at least half of the members had no more, before what they bought.
        p90: nine of ten had no more.
        p99: 99 of 100 had no more.
        net_median: as `median`, less what each one bought.
        net_p90: as `p90`, less what each one bought.
        net_p99: as `p99`, less what each one bought.
        losing: how many bought for more than they were awarded.
        total: of all awards.
    """

    members: int
    left: int
    zero: int
    median: int
    p90: int
    p99: int
    net_median: int
    net_p90: int
    net_p99: int
    losing: int
    total: int

    @property
    def share_zero(self) -> Fraction:
        """Share of the members who were awarded nothing."""
        return Fraction(self.zero, self.members) if self.members else Fraction(0)


def earnings(
    team: Team, start: int, end: int, awarded: Mapping[bytes, int], bought: Mapping[bytes, int]
) -> Earnings:
    """The earnings of all who were members in a time, zeros and leavers included [R-TEAM-22].

    Args:
        team: as the log has made it.
        start: first moment, ms UTC.
        end: first moment after it, ms UTC.
        awarded: by member, what awards of that time came to, less what was clawed back.
        bought: by member, what they paid the owner for goods in that time, at the plan's rate.
    """
    people, left = [], 0
    for person in team.tree.everybody():
        spans = [
            span
            for span in team.tree.spans(person)
            if span.joined_ms < end and (span.left_ms is None or span.left_ms > start)
        ]
        if spans:
            people.append(person)
            left += spans[-1].left_ms is not None and spans[-1].left_ms <= end
    gross = sorted(awarded.get(person, 0) for person in people)
    net = sorted(awarded.get(person, 0) - bought.get(person, 0) for person in people)
    return Earnings(
        members=len(people),
        left=left,
        zero=sum(1 for each in gross if each == 0),
        median=percentile(gross, 50),
        p90=percentile(gross, 90),
        p99=percentile(gross, 99),
        net_median=percentile(net, 50),
        net_p90=percentile(net, 90),
        net_p99=percentile(net, 99),
        losing=sum(1 for each in net if each < 0),
        total=sum(gross),
    )


def percentile(ascending: Sequence[int], percent: int) -> int:
    """The smallest value that at least so many percent do not exceed (nearest rank); 0 of nothing.

    Args:
        ascending: the values in ascending order.
        percent: 1 to 100.
    """
    return ascending[-(-len(ascending) * percent // 100) - 1] if ascending else 0


def claim_holds(claim: Claim, amounts: Iterable[int]) -> bool:
    """Whether a claim says no more than the log: the share who had the amount, and of how many [R-TEAM-24].

    Args:
        claim: in the unit of the plan.
        amounts: what each one who was a member in its time was awarded, zeros and leavers included.
    """
    had = list(amounts)
    members = sum(1 for each in had if each >= claim.amount)
    return claim.of == len(had) and claim.members <= members
