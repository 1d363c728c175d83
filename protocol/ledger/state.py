"""All that a ledger's fold knows at one place of one log; the modules beside it read and change it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import ChainMap
from collections.abc import Callable, MutableMapping, Sequence
from copy import copy

from msgspec import Struct

from protocol.entry import Entry
from protocol.ledger.accounts import Accounts
from protocol.ledger.effects import Exact, Value
from protocol.ledger.governing import Governing
from protocol.ledger.groups import Groups
from protocol.ledger.signers import Signers
from protocol.ledger.statements import Verify
from protocol.paths import Referral
from protocol.records.fields import Place
from protocol.teams.fold import Teams

Between = Callable[[bytes, Place, Place], Sequence[Entry] | None]
"""Entries of another log above the first place up to the second, linked from one to the other; None: not held."""


class OrderFile(Struct, gc=False):
    """Where a sale stands in its log.

    Attributes:
        seqs: of the entries that embed its messages: first part of each.
        at: the place as of which it is evaluated.
        time: date of its first sale entry, ms UTC.
        taken: what `activity` has of it, minor units of the order's money.
        hold: ms UTC: the end of the hold.
        frozen: ms UTC: a dispute has frozen its awards since; None: none has.
        thawed: ms UTC: when that ended, or ends at the latest.
        bought: networker who bought, where the order names one, the plan's unit, and the commissionable amount of
            `taken` in it.
        sold: whose own sale it is and under which opportunity's plan, or under a plan without a team (empty); None:
            nobody's, one that they bought themselves, or one that counts nothing by R3 or R17.
    """

    seqs: tuple[int, ...]
    at: int
    time: int
    taken: int
    hold: int
    frozen: int | None = None
    thawed: int | None = None
    bought: tuple[bytes, str, Exact] | None = None
    sold: tuple[bytes, str] | None = None


class State:
    """A ledger while it is folded.

    Args:
        network: name of the network.
        issuer: networker id of the author of the log.
        read: an entry of the log that was folded before, by seq.
        between: entries of another log, where a swap pins them.
        verify: as `protocol.signing.verify`.
    """

    __slots__ = (
        "accounts", "between", "changed", "counters", "effects", "governing", "groups", "issuer", "limits", "listings",
        "network", "orders", "read", "releases", "replaced", "replies", "seqs", "signers", "teams", "times", "tokens",
        "verify",
    )  # fmt: skip

    def __init__(
        self, network: str, issuer: bytes, read: Callable[[int], Entry], between: Between, verify: Verify
    ) -> None:
        self.network = network
        self.issuer = issuer
        self.read = read
        self.between = between
        self.verify = verify
        self.signers = Signers(network)
        self.teams = Teams(network, issuer)
        self.governing = Governing()
        self.groups = Groups()
        self.effects: dict[bytes, Value] = {}
        self.accounts = Accounts()
        self.orders: dict[bytes, OrderFile] = {}
        self.listings: dict[bytes, str] = {}  # id of a listing's entry -> its key
        self.counters: dict[tuple[bytes, int], bytes] = {}  # holder and counter -> request or swap
        self.limits: dict[tuple[bytes, str], int] = {}  # holder and unit -> newest counter of a limit
        self.releases: set[tuple[bytes, bytes]] = set()  # holder, about
        self.replies: dict[bytes, tuple[int, str | None]] = {}  # challenge -> seq of the answer, reason
        self.tokens: MutableMapping[bytes, Referral] = {}  # referral tokens that verified, by their bytes
        self.times = array("q")
        self.seqs = array("q")
        self.changed: list[bytes] = []  # by the entry that is being taken
        self.replaced: dict[bytes, Value] = {}  # what those had before that had a value

    def put(self, id: bytes, value: Value) -> None:
        """Gives an effect its value in this log; accounts follow."""
        old = self.effects.get(id)
        if old is not None:
            self.replaced.setdefault(id, old)
        self.accounts.change(old, value, self.times[-1] if self.times else -1)
        self.effects[id] = value
        self.changed.append(id)

    def draft(self) -> State:
        """The same state for what is not logged yet: what a draft learns of signers stays in the draft."""
        drafting = copy(self)
        drafting.signers = self.signers.branch()
        drafting.tokens = ChainMap({}, self.tokens)
        return drafting

    def note(self, entry: Entry) -> None:
        """Notes the place and date of a critical entry."""
        self.times.append(entry.time)
        self.seqs.append(entry.seq)

    def before(self, time: int) -> int:
        """Seq of the newest critical entry dated before a moment; 0 for none."""
        index = bisect_left(self.times, time)
        return self.seqs[index - 1] if index else 0

    def until(self, time: int) -> int:
        """Seq of the newest critical entry dated at a moment or before; 0 for none."""
        index = bisect_right(self.times, time)
        return self.seqs[index - 1] if index else 0

    def member(self, networker: bytes) -> bool:
        """Whether a networker is a member of any team of this log."""
        return any(team.tree.member(networker) for team in self.teams.teams.values())
