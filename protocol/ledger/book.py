"""The ledger of one issuer as a fold of one log [R-CRED-1..69].

book = Book(network, issuer, read=..., between=...)
verdict = book.take(entry)      # the critical entries of one branch of the log, in order, each once
book.figures(unit, holder, now)

What an entry comes to depends on the log up to it and on what it embeds or pins, never on a clock or on other logs.
An entry that breaks a rule is void: it has no effect, and the verdict carries its code. From the first critical entry
on whose kind or record is not known here, the ledger is *unknown*, and nothing later counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from msgspec import UNSET

from protocol.entry import CLOSE, INCEPTION, ROTATION, SETTLEMENT, Entry
from protocol.errors import Void
from protocol.kinds import KINDS, is_critical
from protocol.ledger import closing, movements, selling, swaps
from protocol.ledger.accounts import Figures
from protocol.ledger.effects import Value
from protocol.ledger.filing import OrderFile
from protocol.ledger.governing import Governing
from protocol.ledger.preparing import Prepared
from protocol.ledger.signers import Signers
from protocol.ledger.state import Between, State
from protocol.ledger.statements import Releasing, Verify, read, require_signed
from protocol.records import (
    Admission,
    Answer,
    ClosePart,
    Duty,
    Freeze,
    Keys,
    Leave,
    Lock,
    Move,
    Payout,
    Plan,
    Record,
    Redeem,
    RefundEntry,
    Rekey,
    Release,
    SalePart,
    SwapEntry,
    Transfer,
    decode_record,
)
from protocol.records.fields import Place
from protocol.signing import verify as verify_signature
from protocol.teams.fold import Teams


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one entry came to.

    Attributes:
        code: why it has no effect; None: it has; `unknown`: nothing can be said from here on.
        text: the same as a sentence; empty with effect.
        changed: ids of the effects that have another value now, but for the awards of a close, which are new.
    """

    code: str | None
    text: str = ""
    changed: tuple[bytes, ...] = ()


def nothing_held(author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
    """Of other logs nothing is known: swaps that end by pins are unknown."""
    return None


class Book:
    """Folds one branch of one log.

    Args:
        network: name of the network.
        issuer: networker id of the author.
        read: an entry that `take` was given before, by seq; asked for the parts of a group, when a sale is refunded,
            frozen or raised, and of signers and statements that come again.
        between: entries of another log above the first place up to the second; None: not held here.
        verify: as `protocol.signing.verify`; a node hands in one that knows what its threads have verified already.
    """

    __slots__ = ("_state", "head", "unknown")

    def __init__(
        self,
        network: str,
        issuer: bytes,
        read: Callable[[int], Entry],
        between: Between = nothing_held,
        verify: Verify = verify_signature,
    ) -> None:
        self._state = State(network, issuer, read, between, verify)
        self.head: tuple[int, bytes, int] | None = None
        """Seq, id and date of the newest entry taken."""
        self.unknown: int | None = None
        """Seq of the first entry of which nothing can be said."""

    # -- questions -------------------------------------------------------------------------------------------
    @property
    def issuer(self) -> bytes:
        """Networker id of the author of the log."""
        return self._state.issuer

    @property
    def effects(self) -> Mapping[bytes, Value]:
        """Every effect of this branch, by id."""
        return MappingProxyType(self._state.effects)

    @property
    def signers(self) -> Signers:
        """Foreign signers as this log knows them."""
        return self._state.signers

    @property
    def teams(self) -> Teams:
        """The author's teams."""
        return self._state.teams

    @property
    def governing(self) -> Governing:
        """The plans of this log."""
        return self._state.governing

    @property
    def state(self) -> State:
        """Everything that the fold knows; for reading."""
        return self._state

    def order(self, order: bytes) -> OrderFile | None:
        """Where a sale stands; None while none of it is logged."""
        return self._state.orders.find(order)

    def figures(self, unit: str, holder: bytes, now: int) -> Figures:
        """What a holder has by this branch alone.

        Args:
            unit: as the issuer names it.
            holder: networker id.
            now: ms UTC, not before the newest entry.
        """
        return self._state.accounts.figures(unit, holder, now)

    def holders(self, unit: str) -> Iterator[bytes]:
        """Who ever had something of a unit."""
        return self._state.accounts.holders(unit)

    def has(self, unit: str, holder: bytes) -> bool:
        """Whether somebody ever had something of a unit."""
        return self._state.accounts.has(unit, holder)

    def units(self) -> tuple[str, ...]:
        """The units that were ever credited."""
        return self._state.accounts.units()

    def reply(self, challenge: bytes) -> tuple[int, str | None] | None:
        """The answer to a challenge: seq of the entry that was asked for or of the answer, and the reason given."""
        return self._state.replies.get(challenge)

    def released(self, holder: bytes, about: bytes) -> bool:
        """Whether a holder let go of what a rotation or movement left disputed."""
        return (holder, about) in self._state.releases

    # -- the fold --------------------------------------------------------------------------------------------
    def take(self, entry: Entry, prepared: Prepared | None = None, *, proved: bool = False) -> Verdict:
        """Takes the next entry of the log; odd kinds may be left out, even ones may not.

        Args:
            entry: of the log.
            prepared: by `prepare` of this very entry; None: nothing was.
            proved: whether all claims of what was prepared verified.

        Returns:
            What it came to. Nothing an author writes makes this raise.
        """
        if self.unknown is not None:
            return Verdict("unknown", f"the ledger is unknown from entry {self.unknown} on")
        self.head = (entry.seq, entry.id, entry.time)
        if not is_critical(entry.kind):
            return Verdict(None)
        if entry.kind not in KINDS or entry.record is None:
            return self._lost(
                entry, "its kind is not known here" if entry.record else "its record is missing"
            )
        state = self._state
        state.changed, state.replaced = [], {}
        _govern(state, entry.time)
        state.note(entry)
        try:
            record = prepared.part if prepared is not None else decode_record(entry.kind, entry.record)
            assert record is not None  # the kind is known
            self._apply(state, entry, record, prepared, proved)
        except Void as error:
            return Verdict(error.code, error.text)
        except swaps.Unknown as error:
            return self._lost(entry, str(error))
        return Verdict(None, "", tuple(state.changed))

    def _lost(self, entry: Entry, why: str) -> Verdict:
        self.unknown = entry.seq
        return Verdict("unknown", f"entry {entry.seq}: {why}")

    def _apply(
        self, state: State, entry: Entry, record: Record, prepared: Prepared | None, proved: bool
    ) -> None:
        match record:
            case SalePart() | ClosePart():
                content = state.groups.take(entry.seq, record)
                if content is not None and isinstance(record, SalePart):
                    sale = None if prepared is None else (prepared.content, prepared.messages)
                    selling.take_sale(state, entry, b"".join(content), record.count, sale, proved=proved)
                elif content is not None:
                    closing.take_close(state, entry, content, record.hash)
            case RefundEntry():
                selling.take_refund(state, entry, record)
            case Freeze():
                selling.take_freeze(state, entry, record)
            case Transfer() | Redeem() | Payout():
                movements.take_movement(state, entry, record)
            case Lock():
                swaps.take_lock(state, entry, record)
            case SwapEntry():
                swaps.take_swap(state, entry, record)
            case Rekey():
                state.admit(record.openers)
            case Release():
                _take_release(state, record)
            case Answer():
                _take_answer(state, entry, record)
            case Plan():
                state.governing.take(entry.time, record)
                _govern(state, entry.time)
            case Admission() | Move() | Leave() | Duty():
                state.admit(record.openers)
                state.spend(entry.seq, state.teams.steps(record, state.left(entry.seq)))
                state.teams.take(entry, record, state.signers)
            case _ if entry.kind in (INCEPTION, ROTATION):
                state.signers.admit(((entry,),))  # the author's own keys, for agreements
            case Keys() | _:
                assert entry.kind in (Keys.KIND, CLOSE, SETTLEMENT)  # no effect here


def _govern(state: State, time: int) -> None:
    """Plans with a team that hold from now on shape it."""
    for governed in state.governing.due(time) if state.governing.waits else ():
        assert governed.opportunity is not None  # only those wait
        assert governed.plan.team is not UNSET  # given with the opportunity
        state.teams.govern(governed.opportunity, governed.plan.team)


def _take_release(state: State, record: Release) -> None:
    """A holder lets go of what is disputed [R-CRED-58].

    Raises:
        Void: `openers`, `statement`, `names_differ`, `not_signed`.
    """
    state.admit(record.openers)
    release = read(Releasing, record.release)
    if release.issuer != state.issuer:
        raise Void("names_differ", "release: is to another issuer")
    require_signed(state.network, release, state.signers.keys(release.holder, release.epoch), state.verify)
    state.releases.add((release.holder, release.about))


def _take_answer(state: State, entry: Entry, record: Answer) -> None:
    """Answers challenges; the first answer to one stands, unless a later one names the entry asked for [R-CRED-57].

    Raises:
        Void: `no_entry`: an entry that is named is not before this one.
    """
    if any(reply.entry is not UNSET and reply.entry >= entry.seq for reply in record.replies):
        raise Void("no_entry", "replies: an entry that is named is not before this one")
    for reply in record.replies:
        known = state.replies.get(reply.challenge)
        if reply.entry is not UNSET:
            state.replies[reply.challenge] = (reply.entry, None)
        elif known is None:
            assert reply.reason is not UNSET  # one of both
            state.replies[reply.challenge] = (entry.seq, reply.reason)
