"""The own log: why it takes no entries, its branches, and what ends a fork."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol import limits

BranchText = Annotated[
    str,
    Meta(min_length=4, max_length=64, pattern="^[0-9a-f]+$", description="begin of the id of a newest entry"),
]


class Waiting(Struct, frozen=True, kw_only=True):
    """What a node that publishes nothing waits for. `alarm`: two copies are thought to run; the owner has to act.

    `reason` forked: the owner has to settle the log; retired: a rotation elsewhere replaced the key.

    `seconds`: until it goes on without the peers that are silent; null while fewer than three networks answered.
    `by`: what lets it go on all the same, its next entry being a settlement; null while it waits.
    """

    text: str  # all of it in sentences, for a person
    reason: Literal["restored", "moved", "lost", "behind", "copied", "repaired", "forked", "retired"] | None
    alarm: bool
    by: Literal["book", "groups", "owner"] | None
    since: int | None
    peers: int  # in the book
    answered: int
    silent: list[str]  # who has not, at most 50
    groups: int  # networks that answered
    seconds: int | None


class OwnBranch(Struct, frozen=True, kw_only=True):
    """One branch of the own log above the last common entry."""

    id: str  # of its newest entry: how `log.settle` names it
    seq: int
    entries: int
    first: int  # dates of its oldest and newest entry, ms UTC
    last: int
    whole: bool  # all of it is here, so the log can go on with it
    main: bool  # the one this node shows now
    peers: int  # that hold it, of those asked
    contents: list[str]  # what its newest entries are, at most 20
    again: list[
        str
    ] = []  # what of it the owner published, and can again: the newest of each thing, at most 20
    again_more: int = 0  # how many such things there are besides
    technical: dict[str, int] = {}  # what the node wrote by itself, by the name of its kind


class Branches(Struct, frozen=True, kw_only=True):
    """The branches of the own log, the one proposed to go on first; none while it is not forked."""

    forked: bool
    common: int | None  # seq of the last entry all branches share
    branches: list[OwnBranch]


class Settle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends a fork; without `branch` the log goes on with the one proposed.

    With `first` it takes the entries from that seq on out of a log that is not forked, as after a wrong clock.
    """

    branch: BranchText | None = None
    first: Annotated[int, Meta(ge=1, le=limits.MAX_SEQ)] | None = None


class Settled(Struct, frozen=True, kw_only=True):
    """The settlement that was published. `left`: branches that are no longer part of the log."""

    entry: str
    seq: int
    epoch: int
    term: int
    goes_on: OwnBranch
    left: list[OwnBranch]


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner's word: the other copy is gone; `anyway`: publish without waiting for peers."""

    anyway: bool = False


class Resumed(Struct, frozen=True, kw_only=True):
    """`waiting` is null when the node may publish."""

    waiting: Waiting | None
