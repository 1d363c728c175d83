"""Never fork yourself: when this node may add to its own log [R-LOG-22] [R-LOG-23].

A home that was restored, moved or copied, or whose store was lost, may lack own entries that peers hold; what it
appended then would fork its log. So it is *cautious*: it appends nothing until its peers have answered what they hold
of its log, and its first own entry is a settlement. An ordinary start, also after a crash, is not cautious.

    begin(reason) -> waiting -> (a) every peer of the book answered         -> may append, a settlement first -> over
                             -> (b) three peers of different networks did,
                                    and ten minutes passed
                             -> (c) the owner goes on all the same
    alarm(how)    -> alarmed -> the owner says that the other copy is gone  -> waiting

What is known is kept in the store, so that a restart changes nothing; a backup restored over it begins anew.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from netnode.own.unrecognised import forget, note
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.store import PeerRow, Reader, Store, Writer
from protocol.identity import id_text

GROUPS: Final = 3  # why: one operator may run every peer of one network, hardly of three
GROUPS_SECONDS: Final = 600.0  # why: time for the peers that are slower to dial
ANSWERS: Final = 2_000  # peers remembered as having answered; the book is smaller
NAMED: Final = 5  # silent peers named in a sentence
_META: Final = "caution"
_COPIED: Final = "copied"
_log = logging.getLogger("netnode")


class Reason(enum.StrEnum):
    """Why a node is cautious."""

    RESTORED = "restored"  # a backup was put back
    MOVED = "moved"  # the home is at another machine or path than it remembers
    LOST = "lost"  # keys without the store
    REPAIRED = "repaired"  # a damaged store was made anew of what could be read
    BEHIND = "behind"  # a peer held own entries that this store never had
    COPIED = "copied"  # two copies ran, and the owner says that this one stays


class Rule(enum.StrEnum):
    """By which part of R-LOG-22 a node may append again."""

    BOOK = "book"  # (a)
    GROUPS = "groups"  # (b)
    OWNER = "owner"  # (c)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the store remembers, as JSON. `answers`: network group by peer id (hex). `alarm`: why two copies ran."""

    since: int
    reason: Reason | None = None
    by: Rule | None = None
    answers: dict[str, str] = {}
    alarm: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    group: str
    at: float  # monotonic seconds


@dataclass(frozen=True, slots=True)
class Standing:
    """How far catching up is, of one moment.

    `reason` is None while the node is not cautious; `alarm` says why two copies are thought to run. `by` is the rule
    that lets it append, None while it waits. `silent` are the peers of the book that have not answered; `seconds` is
    how long rule (b) still takes, None while fewer than three networks answered.
    """

    reason: Reason | None
    alarm: str | None
    since: int | None
    by: Rule | None
    silent: tuple[PeerRow, ...]
    peers: int
    answered: int
    groups: int
    seconds: int | None
    online: bool

    @property
    def caught_up(self) -> bool:
        """By (a) or (b) of R-LOG-22; the owner's word, (c), does not count."""
        return self.by in (Rule.BOOK, Rule.GROUPS)

    def waiting_for(self) -> list[str]:
        """Sentences that say what catching up still waits for, for a person; none when it is done."""
        if self.caught_up:
            return []
        if not self.peers:
            text = "This node knows no peer that could hold newer entries of yours: add one (netnode peer add URI)."
            return [text] if self.online else [text, _START]
        named = ", ".join(peer_label(row) for row in self.silent[:NAMED])
        more = f" and {len(self.silent) - NAMED} more" if len(self.silent) > NAMED else ""
        said = [
            f"{self.answered} of {self.peers} {'peer has' if self.peers == 1 else 'peers have'} answered; "
            f"silent: {named}{more}."
        ]
        if self.seconds is not None:
            said.append(
                f"Peers of {self.groups} networks have: it goes on without the others in {_spell(self.seconds)}."
            )
        else:
            said.append(
                "It goes on when all have, or 10 minutes after three peers of different networks have."
            )
        if not self.online:
            said.append(_START)
        return said


_START: Final = "They are asked while the node runs (netnode start)."
_WHY: Final = {
    Reason.RESTORED: "This home was restored from a backup",
    Reason.MOVED: "This home was moved or copied here",
    Reason.LOST: "The store of this home was lost",
    Reason.REPAIRED: "The store of this home was damaged and made anew",
    Reason.BEHIND: "A peer held entries of yours that this home did not write: it is an older copy, or somebody has "
    "your key (then: netnode key rotate)",
    Reason.COPIED: "Another copy of this home was running",
}


class Caution:
    """Whether the own log may be added to; one per open home.

    Args:
        store: remembers it, and holds the book.
        clock: dates it, and measures the ten minutes.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: _Kept | None = None
        self._answers: dict[bytes, _Answer] = {}
        self._unsaved = False
        self.online = False  # whether this node meets peers
        self.changed: Callable[[], None] = _nobody  # told when peers have to be asked

    async def load(self) -> None:
        """Reads what the store remembers; once, before anything else is asked."""
        value = await self._store.read(Reader.meta, _META)
        self._kept = None if value is None else _decode(value)
        if self._kept is not None:
            now = self._clock.monotonic()
            self._answers = {
                bytes.fromhex(peer): _Answer(group, now) for peer, group in self._kept.answers.items()
            }

    # -- what others ask -------------------------------------------------------------------------------------
    @property
    def reason(self) -> Reason | None:
        """Why the next own entry must be a settlement; None when the log goes on as usual."""
        return None if self._kept is None else self._kept.reason

    @property
    def asking(self) -> bool:
        """Whether each session begins with the question for the own log."""
        return self._kept is not None

    @property
    def alarmed(self) -> str | None:
        """The sentence for the owner while two copies of this home are thought to run."""
        if self._kept is None or self._kept.alarm is None:
            return None
        return _two(self._kept.alarm)

    def require_alone(self) -> None:
        """Lets nothing be signed while two copies of this home are thought to run.

        Raises:
            Problem: `twin` (exit 4).
        """
        if self.alarmed is not None:
            raise Problem(self.alarmed, ExitCode.REFUSED, "twin")

    async def caught_up(self) -> bool:
        """Whether the peers have answered by (a) or (b) of R-LOG-22, never by the owner's word.

        Also asked by whoever is not cautious but must not miss own entries (a rotation): then the peers met since this
        node started count.
        """
        return (await self.standing()).caught_up

    async def waiting_for(self) -> list[str]:
        """Sentences that say what `caught_up` waits for; none when it is true."""
        return (await self.standing()).waiting_for()

    async def standing(self) -> Standing:
        """Everything at once, for the status."""
        rows, blocked = await self._store.read(lambda reader: (reader.peers(), dict(reader.blocked())))
        return self._standing([row for row in rows if row.id is None or row.id not in blocked])

    async def require(self) -> bool:
        """Whether the next own entry has to be a settlement.

        Raises:
            Problem: nothing may be appended now (exit 4: `twin` or `catching_up`), with what is waited for.
        """
        if (kept := self._kept) is None:
            return False
        if self.alarmed is not None:
            await self.save()
            self.require_alone()
        if kept.by is None:
            found = await self.standing()
            if found.by is None:
                raise Problem(sentence(found), ExitCode.REFUSED, "catching_up")
            await self._keep(msgspec.structs.replace(kept, by=found.by))
            _log.info("caught up: the own log may go on (%s)", found.by.value)
        return kept.reason is not None

    # -- what happens ----------------------------------------------------------------------------------------
    async def begin(self, reason: Reason, *, brought: int | None = None) -> None:
        """Becomes cautious, or begins to wait anew; durable when it returns.

        For a store that is not open here yet, `mark` does the same.

        Args:
            reason: why.
            brought: own entries above this seq came from a peer, and this home wrote none of them: that is noted with
                it, since who is cautious already takes no note of what comes.
        """
        alarm = None if self._kept is None else self._kept.alarm
        self._answers.clear()
        kept = _Kept(since=self._clock.now_ms(), reason=reason, alarm=alarm)
        await self._keep(kept, copy=True, brought=brought)
        _log.warning("nothing is published until peers have answered: %s", _WHY[reason])
        self.changed()

    def alarm(self, how: str) -> None:
        """Two copies of this home run: nothing is appended until the owner says that the other is gone [R-LOG-23].

        In force at once; `save` makes it durable.

        Args:
            how: a sentence that says how it was seen; the first one is kept.
        """
        if self._kept is not None and self._kept.alarm is not None:
            return
        _log.error("%s Nothing is published until the owner says: netnode log resume", how)
        kept = self._kept or _Kept(since=self._clock.now_ms())
        self._kept = msgspec.structs.replace(kept, alarm=how)
        self._unsaved = True

    async def save(self) -> None:
        """Makes an alarm durable; nothing to do without one."""
        if self._unsaved and self._kept is not None:
            await self._keep(self._kept)

    def has_answered(self, peer: bytes) -> bool:
        """Whether this peer has told what it holds of the own log, since this node started or became cautious."""
        return peer in self._answers

    async def answered(self, peer: bytes, group: str) -> None:
        """A peer has told what it holds of the own log ("none" is an answer), and what is later came here.

        Args:
            peer: its networker id.
            group: the network group it is in; all of loopback is one.
        """
        if peer in self._answers or len(self._answers) >= ANSWERS:
            return
        self._answers[peer] = _Answer(group, self._clock.monotonic())
        if self._kept is not None:
            answers = {each.hex(): answer.group for each, answer in self._answers.items()}
            await self._keep(msgspec.structs.replace(self._kept, answers=answers))

    async def resume(self, *, anyway: bool) -> None:
        """The owner's word: after an alarm that the other copy is gone; `anyway`: rule (c), without the peers.

        Either way entries that this home did not write are recognised.

        Raises:
            Problem: there is nothing to resume (exit 4), or it waits and `anyway` was not said.
        """
        noted = await self._store.write(forget)
        kept = self._kept
        if kept is None:
            if noted:
                return
            raise Problem(
                "Nothing holds this node back: it publishes as usual.", ExitCode.REFUSED, "not_waiting"
            )
        if kept.alarm is not None:
            self._answers.clear()
            kept = _Kept(since=self._clock.now_ms(), reason=Reason.COPIED)
            _log.warning("the owner says that the other copy is gone")
            await self._keep(kept, copy=True)
            self.changed()
        elif not anyway and kept.by is None:
            found = await self.standing()
            if found.by is None:
                raise Problem(sentence(found), ExitCode.REFUSED, "catching_up")
        if anyway and kept.by is None:
            _log.warning("the owner goes on without the peers")
            await self._keep(msgspec.structs.replace(kept, by=Rule.OWNER))

    async def settled(self, *, rotated: bool = False) -> None:
        """The settlement or rotation is stored: the log goes on as usual."""
        self._kept = None
        await self._store.write(_end, rotated)

    # -- inside ----------------------------------------------------------------------------------------------
    async def _keep(self, kept: _Kept, *, copy: bool = False, brought: int | None = None) -> None:
        self._kept = kept
        self._unsaved = False
        await self._store.write(_write, kept, copy, brought)

    def _standing(self, book: Sequence[PeerRow]) -> Standing:
        silent = tuple(row for row in book if row.id is None or row.id not in self._answers)
        seconds = self._seconds()
        by = None if self._kept is None else self._kept.by
        if by in (None, Rule.OWNER):  # peers that answer later count all the same
            if book and not silent:
                by = Rule.BOOK
            elif seconds == 0:
                by = Rule.GROUPS
        return Standing(
            reason=self.reason,
            alarm=None if self._kept is None else self._kept.alarm,
            since=None if self._kept is None else self._kept.since,
            by=by,
            silent=silent,
            peers=len(book),
            answered=len(book) - len(silent),
            groups=len({answer.group for answer in self._answers.values()}),
            seconds=seconds,
            online=self.online,
        )

    def _seconds(self) -> int | None:
        """How long rule (b) still takes: ten minutes from the answer of the third network; None before that."""
        first: dict[str, float] = {}
        for answer in self._answers.values():
            first[answer.group] = min(answer.at, first.get(answer.group, answer.at))
        if len(first) < GROUPS:
            return None
        left = sorted(first.values())[GROUPS - 1] + GROUPS_SECONDS - self._clock.monotonic()
        return max(0, -int(-left // 1))


def sentence(found: Standing) -> str:
    """Why a cautious node appends nothing, what it waits for, and what its owner can do."""
    why = _WHY[found.reason or Reason.BEHIND]
    said = " ".join(found.waiting_for())
    gone = " A peer that is gone for good: netnode peer rm PEER." if found.peers else ""
    return (
        f"Nothing is published yet. {why}, so peers may hold newer entries of yours. {said}{gone} To go on without "
        "waiting: netnode log resume --anyway"
    )


def asked_first(reason: Reason) -> str:
    """What the owner of a cautious node hears at its start, when most peers answer within seconds."""
    return (
        f"Nothing is published yet. {_WHY[reason]}, so your peers are asked first what they hold of your log. "
        "How far that is: netnode status"
    )


def held_back(reader: Reader) -> tuple[str, bool] | None:
    """What the store of a home says of why its node publishes nothing, for who looks at it from outside.

    Args:
        reader: of the store.

    Returns:
        A sentence or two, and whether two copies of the home are thought to run; None when nothing holds it back.
    """
    value = reader.meta(_META)
    if value is None:
        return None
    kept = _decode(value)
    if kept.alarm is not None:
        return _two(kept.alarm), True
    if kept.reason is None or kept.by is not None or _all_answered(reader, kept):
        return None
    return (
        f"Nothing is published until your peers have told what they hold of your log. {_WHY[kept.reason]}.",
        False,
    )


def _all_answered(reader: Reader, kept: _Kept) -> bool:
    """Rule (a) is met, though nothing was published since, which would have written that down."""
    blocked = {peer for peer, _ in reader.blocked()}
    book = [row.id for row in reader.peers() if row.id not in blocked]
    return bool(book) and all(peer is not None and peer.hex() in kept.answers for peer in book)


def _two(alarm: str) -> str:
    return (
        f"{alarm} Two would split your log, so this one publishes nothing. Stop the other one for good, "
        "then say here that it is gone: netnode log resume"
    )


def mark(writer: Writer, reason: Reason, now: int, store_id: bytes) -> None:
    """Makes the node of this store cautious from its next start on, as the copy that it is [R-LOG-22].

    It gets a store id of its own and no cursors: two copies are told apart by peers, and both ask for everything
    [R-LOG-31]. Close the store afterwards and open it again, since connections remember the id.

    Args:
        writer: of the store that was restored, moved or copied.
        reason: why.
        now: ms UTC.
        store_id: 16 fresh random bytes.
    """
    with writer.transaction(durable=True) as connection:
        connection.execute("DELETE FROM cursor")
        writer.set_meta("store", store_id)
        value = writer.get_meta(_META)
        before = None if value is None else _decode(value)
        alarm = None
        if before is not None:
            alarm = before.alarm
            if (
                reason is Reason.MOVED
            ):  # a restored home is at a new place as well; the first reason says more
                reason = before.reason or reason
        writer.set_meta(_META, msgspec.json.encode(_Kept(since=now, reason=reason, alarm=alarm)))
        _count(writer, now)


class Copied(msgspec.Struct, frozen=True):
    """How often this store turned out to be an older copy, and when (ms UTC) that was seen last."""

    times: int = 0
    at: int = 0


def copied(reader: Reader | Writer) -> Copied:
    """How often this store was a copy; open deals are held until their other side has told what it has."""
    value = reader.meta(_COPIED) if isinstance(reader, Reader) else reader.get_meta(_COPIED)
    return Copied() if value is None else msgspec.json.decode(value, type=Copied)


def _count(writer: Writer, now: int) -> None:
    writer.set_meta(_COPIED, msgspec.json.encode(Copied(copied(writer).times + 1, now)))


def _write(writer: Writer, kept: _Kept, copy: bool, brought: int | None) -> None:
    with writer.transaction(durable=True):
        writer.set_meta(_META, msgspec.json.encode(kept))
        if copy:
            _count(writer, kept.since)
        if brought is not None:
            note(writer, brought, kept.since)


def _end(writer: Writer, rotated: bool) -> None:
    with writer.transaction():
        writer.set_meta(_META, None)
        if rotated:
            forget(writer)


def _decode(value: bytes) -> _Kept:
    try:
        return msgspec.json.decode(value, type=_Kept)
    except msgspec.DecodeError:  # of another version: caution is the safe reading
        return _Kept(since=0, reason=Reason.MOVED)


def peer_label(row: PeerRow) -> str:
    """Who and where a peer of the book is, for a person."""
    who = row.name or (id_text(row.id)[:16] if row.id is not None else "")
    where = f"at {row.addresses[0]}" if row.addresses else "who dialled in"
    return f"{who} {where}".strip()


def _spell(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{-(-seconds // 60)} min"


def _nobody() -> None:
    """Who is told of a change while no peers are met."""
