"""All that a ledger's fold knows at one place of one log; the modules beside it read and change it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, MutableMapping, Sequence
from copy import copy
from functools import partial
from typing import Any

from protocol import limits
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.accounts import Accounts
from protocol.ledger.dates import Dates
from protocol.ledger.effects import Exact, Value
from protocol.ledger.embedding import openers_again
from protocol.ledger.filing import Files
from protocol.ledger.governing import Governing
from protocol.ledger.groups import Groups
from protocol.ledger.holdings import Effects
from protocol.ledger.period_awards import PeriodAwards, Terms
from protocol.ledger.signers import Signers, entries_of
from protocol.ledger.statements import Verify
from protocol.paths import Referral
from protocol.records.fields import Place
from protocol.rolls import Roll
from protocol.teams.fold import Teams
from protocol.teams.used import used_again

Between = Callable[[bytes, Place, Place], Sequence[Entry] | None]
"""Entries of another log above the first place up to the second, linked from one to the other; None: not held."""


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
        "accounts", "awards", "between", "changed", "counters", "dates", "effects", "governing", "groups", "issuer",
        "limits", "listings", "network", "orders", "read", "releases", "replaced", "replies", "signers", "steps",
        "teams", "tokens", "verify",
    )  # fmt: skip

    def __init__(
        self, network: str, issuer: bytes, read: Callable[[int], Entry], between: Between, verify: Verify
    ) -> None:
        self.network = network
        self.issuer = issuer
        self.read = read
        self.between = between
        self.verify = verify
        everybody: Roll[bytes] = Roll()
        self.teams = Teams(network, issuer, everybody, partial(used_again, read))
        self.governing = Governing(everybody)
        self.groups = Groups(read)
        self.dates = Dates()
        self.signers = Signers(network, everybody, partial(openers_again, read, self.dates))
        orders: Roll[bytes] = Roll()
        self.orders = Files(orders, self.dates, everybody)
        self.awards = PeriodAwards(everybody)
        self.effects = Effects(orders, self.awards)
        self.accounts = Accounts(self.awards)
        self.listings: dict[bytes, str] = {}  # id of a listing's entry -> its key
        self.counters: dict[tuple[bytes, int], bytes] = {}  # holder and counter -> request or swap
        self.limits: dict[tuple[bytes, str], int] = {}  # holder and unit -> newest counter of a limit
        self.releases: set[tuple[bytes, bytes]] = set()  # holder, about
        self.replies: dict[bytes, tuple[int, str | None]] = {}  # challenge -> seq of the answer, reason
        self.tokens: MutableMapping[bytes, Referral] = {}  # referral tokens that verified, by their bytes
        self.changed: list[bytes] = []  # by the entry that is being taken, but for the awards of a close
        self.replaced: dict[bytes, Value] = {}  # what those had before that had a value
        self.steps = 0  # of those that entries of this log may ask of its readers

    def put(self, id: bytes, value: Value) -> None:
        """Gives an effect its value in this log; accounts follow."""
        old = self.effects.find(id)
        if old is not None:
            self.replaced.setdefault(id, old)
        self.accounts.change(old, value, self.dates.newest)
        self.effects.put(id, value, len(self.dates) - 1)
        self.changed.append(id)

    def admit(self, openers: Sequence[Sequence[Any]]) -> None:
        """Takes in the openers that the newest entry embeds, which is of one part.

        Raises:
            Void: `openers`.
        """
        self.signers.admit(entries_of(openers), len(self.dates) - 1)

    def award(self, to: bytes, kind: int, amount: int, volume: Exact, terms: Terms) -> bool:
        """Gives an effect to an award of a close; False: its recipient has one of this kind.

        Args:
            to: the recipient.
            kind: by `awards.kind`.
            amount: minor units.
            volume: that it rests on.
            terms: when it is due, and so on.
        """
        if not self.awards.add(to, kind, amount, volume, terms):
            return False
        self.accounts.change(None, self.awards.value(len(self.awards) - 1), self.dates.newest)
        return True

    def draft(self) -> State:
        """The same state for what is not logged yet: what a draft learns of signers stays in the draft."""
        drafting = copy(self)
        drafting.signers = self.signers.branch()
        drafting.tokens = ChainMap({}, self.tokens)
        return drafting

    def left(self, seq: int) -> int:
        """How many steps an entry at this place may ask of a reader [R-CRED-93]."""
        return limits.LEDGER_STEPS + limits.LEDGER_STEPS_ENTRY * seq - self.steps

    def spend(self, seq: int, steps: int) -> None:
        """Counts what an entry asks of its readers beyond what it brings, before any of it is done [R-CRED-93].

        Args:
            seq: of the entry.
            steps: that it takes.

        Raises:
            Void: `too_costly`: more than are left; those are used up.
        """
        if not self.affords(seq, steps):
            self.steps += self.left(seq)
            raise Void(
                "too_costly", "the entries of this log would ask more work of its readers than they bring"
            )

    def affords(self, seq: int, steps: int) -> bool:
        """Counts steps if so many are left; else nothing changes. Arguments as of `spend`."""
        enough = steps <= self.left(seq)
        self.steps += steps if enough else 0
        return enough

    def require_steps(self, steps: int, what: str) -> None:
        """Refuses the draft of an entry that would ask for more than is left; nothing is counted.

        Args:
            steps: that it would take.
            what: of the record asks for them, as a sentence about the log.

        Raises:
            Void: `too_costly`.
        """
        if steps > self.left(self.dates.seq(-1)):
            raise Void("too_costly", f"{what}; it can be logged once the log has grown")

    def note(self, entry: Entry) -> None:
        """Notes the place and date of a critical entry."""
        self.dates.note(entry.seq, entry.time)

    def member(self, networker: bytes) -> bool:
        """Whether a networker is a member of any team of this log."""
        return any(team.tree.member(networker) for team in self.teams.teams.values())
