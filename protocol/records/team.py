"""Records of a team in its owner's log: admission, move, leave, duty [R-TEAM-5..30].

What they rest on is embedded: statements that others signed, and the openers of signers that this log did not hold
before. They hold no personal data, since they cannot be purged.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import Hash, Key, Wires, doc, malformed

Statement = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_STATEMENT)]
Leg = Annotated[int, Meta(ge=0, le=limits.MAX_LEGS - 1)]
MoveReason = Literal["agreed", "holding", "neglect"]
EndReason = Literal["inactive", "terms"]
Orphans = Literal["roll_up", "stay"]
Spill = Literal["breadth", "depth"]
Replacement = Literal["choice", "none", "upline"]
Days = Annotated[int, Meta(ge=1, le=3_650)]


class Position(Struct, frozen=True, kw_only=True):
    """A place below another in the placement tree."""

    leg: Annotated[Leg, doc("which leg of it, counted from 0")]
    parent: Annotated[Hash, doc("who holds the place above: a member, or the owner")]


class Admission(Struct, frozen=True, kw_only=True):
    """Makes somebody a member."""

    KIND: ClassVar[int] = 12

    acknowledgement: Annotated[
        Annotated[tuple[Any, ...], Meta(min_length=1, max_length=limits.MAX_PROOF)],
        doc("consecutive entries of the member's log: their acknowledgement first, a signed one last"),
    ]
    application: Annotated[Statement, doc("signed by the member")]
    disclosure: Annotated[Hash, doc("SHA-256 of the disclosure document that was acknowledged")]
    invite: Annotated[Statement, doc("signed by the sponsor, or by the owner for a team that is taken over")]
    openers: Annotated[Wires, doc("of signers whose openers this log does not hold yet")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    position: Annotated[
        Position | UnsetType, doc("place in the placement tree; absent: the holding place, or no such tree")
    ] = UNSET
    seen: Annotated[
        Annotated[tuple[Statement, ...], Meta(min_length=1, max_length=limits.MAX_SEEN)],
        doc("statements by others that the acknowledgement was there; the first that counts is enough"),
    ]


class Move(Struct, frozen=True, kw_only=True):
    """Gives a member another sponsor or a place."""

    KIND: ClassVar[int] = 14

    member: Annotated[Hash, doc("who is moved")]
    openers: Annotated[Wires, doc("as in an admission")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    position: Annotated[
        Position | UnsetType, doc("the place out of the holding place; for `holding` only")
    ] = UNSET
    reason: Annotated[MoveReason, doc("by which rule")]
    sponsor: Annotated[Hash | UnsetType, doc("the new sponsor; for `agreed` and `neglect` only")] = UNSET
    statements: Annotated[
        Annotated[tuple[Statement, ...], Meta(max_length=limits.MAX_STATEMENTS)],
        doc("`placing` statements of those whose consent the rule asks for"),
    ]


class Leave(Struct, frozen=True, kw_only=True):
    """Ends a membership."""

    KIND: ClassVar[int] = 16

    ended: Annotated[EndReason | UnsetType, doc("the owner's reason, where the owner ends it")] = UNSET
    leaving: Annotated[Statement | UnsetType, doc("signed by the member, where the member leaves")] = UNSET
    member: Annotated[Hash, doc("who is no member any more")]
    openers: Annotated[Wires, doc("as in an admission")]
    opportunity: Annotated[Key, doc("key of the opportunity")]


class Duty(Struct, frozen=True, kw_only=True):
    """Counts duties done: what members say, by signature, of training passed and follow-up received."""

    KIND: ClassVar[int] = 18

    openers: Annotated[Wires, doc("as in an admission")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    statements: Annotated[
        Annotated[tuple[Statement, ...], Meta(min_length=1, max_length=limits.MAX_STATEMENTS)],
        doc("`training` and `followup` statements"),
    ]


class Module(Struct, frozen=True, kw_only=True):
    """One training module that a member passes."""

    days: Annotated[Days | UnsetType, doc("by when, from the admission on; absent: no date")] = UNSET
    key: Annotated[Key, doc("its name; the key of a listing where it is one")]


class Buyback(Struct, frozen=True, kw_only=True):
    """What the owner takes back of goods that a member bought and has not sold."""

    days: Annotated[
        Annotated[int, Meta(ge=0, le=3_650)], doc("for how many days from the receipt on; 0: never")
    ]
    points: Annotated[
        Annotated[int, Meta(ge=0, le=limits.MAX_BASIS_POINTS)],
        doc("basis points of the price paid, without shipping"),
    ]


class TeamRules(Struct, frozen=True, kw_only=True):
    """The part of a plan that shapes the team; nothing is left to a default."""

    buyback: Annotated[
        Buyback | UnsetType, doc("of unsold goods; absent: 90 % within 365 days of the receipt")
    ] = UNSET
    depth: Annotated[Annotated[int, Meta(ge=1, le=limits.MAX_TEAM_DEPTH)], doc("most levels below the owner")]
    followups: Annotated[
        Annotated[tuple[Days, ...], Meta(max_length=limits.MAX_FOLLOWUPS)],
        doc("deadlines of follow-ups in days from the admission on, ascending"),
    ]
    holding: Annotated[Days, doc("days in the holding place until the rule decides the place")]
    legs: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_LEGS)] | UnsetType,
        doc("legs of each place of the placement tree; absent: the plan has no such tree"),
    ] = UNSET
    missed: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_FOLLOWUPS)],
        doc("deadlines missed that make a member neglected"),
    ]
    modules: Annotated[
        Annotated[tuple[Module, ...], Meta(max_length=limits.MAX_MODULES)], doc("training that members pass")
    ]
    orphans: Annotated[
        Orphans, doc("those sponsored by one who leaves: `roll_up` to the next sponsor above, or `stay`")
    ]
    replacement: Annotated[
        Replacement,
        doc(
            "new sponsor of a neglected member: the next `upline` that has not neglected, their `choice`, or none"
        ),
    ]
    spill: Annotated[Spill, doc("which free place the rule takes: the nearest, or down the first leg")]


def check_move(record: Move) -> None:
    """A move changes either the sponsor or the place.

    Raises:
        Void: `malformed`.
    """
    holding = record.reason == "holding"
    if holding != (record.position is not UNSET):
        malformed("position", "is given for `holding`, and only then")
    if holding == (record.sponsor is not UNSET):
        malformed("sponsor", "is given for `agreed` and `neglect`, and only then")


def check_leave(record: Leave) -> None:
    """A membership is ended by one of the two.

    Raises:
        Void: `malformed`.
    """
    if (record.ended is UNSET) == (record.leaving is UNSET):
        malformed("leaving", "either the member's statement is given or `ended`, the owner's reason")


def check_rules(record: TeamRules) -> None:
    """The cross-field rules of the part of a plan that shapes the team.

    Raises:
        Void: `malformed`.
    """
    if any(first >= second for first, second in zip(record.followups, record.followups[1:], strict=False)):
        malformed("followups", "not ascending")
    if len({module.key for module in record.modules}) < len(record.modules):
        malformed("modules", "one is named twice")
    if record.followups and record.missed > len(record.followups):
        malformed("missed", "is more than there are follow-ups")
