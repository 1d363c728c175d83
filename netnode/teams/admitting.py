"""What the owner of a team appends to the own log: admissions, moves, ends, duties. Judged before, so none is void."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.deals.signers import read as read_openers
from netnode.issuing.appending import lacking
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, teams
from netnode.store.teams import PaperRow, SeenRow
from netnode.teams.reading import OwnerLog, TeamLogs
from protocol import encoding, limits, seen
from protocol.entry import Entry, parse_wire
from protocol.errors import LocalProtocolError, Void
from protocol.ledger.signers import Signers
from protocol.records import Admission, Duty, Leave, Move, encode_record
from protocol.records.team import EndReason, MoveReason, Position
from protocol.teams import admission, duties, moves
from protocol.teams.statements import Application, Invite, Placing, read, read_named
from protocol.teams.team import Team

Record = Admission | Move | Leave | Duty
DUTIES: Final = ("followup", "training")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application that came to the owner of this node.

    Attributes:
        paper: the application.
        invite: what it is by.
        member: who applies.
        due: from when on it can be admitted, ms UTC; None: nobody else saw the acknowledgement.
        void: code with which it could not have effect even then.
        why: that, in words.
    """

    paper: PaperRow
    invite: Invite
    member: bytes
    due: int | None
    void: str | None
    why: str


class Admitting:
    """Keeps the own teams.

    Args:
        means: what it acts with.
        logs: the teams of logs held here.
    """

    def __init__(self, means: Means, logs: TeamLogs) -> None:
        self._means = means
        self._logs = logs

    # -- admissions ------------------------------------------------------------------------------------------
    async def candidates(self, key: str) -> list[Candidate]:
        """The applications to an own team that wait, the oldest first.

        Raises:
            Problem: the disk.
        """
        log = await self._logs.of(self._means.own.id)
        own = self._means.own.id
        rows = await self._means.store.read(
            lambda reader: teams.waiting(reader.connection, own, key, ("application",))
        )
        found = [await self._candidate(log, row) for row in rows if not row.own]
        return [each for each in found if each is not None]

    async def candidate(self, paper: PaperRow) -> Candidate:
        """One of them.

        Raises:
            Problem: `no_invite` (3): the invite it is by is not kept any more.
        """
        found = await self._candidate(await self._logs.of(self._means.own.id), paper)
        if found is None:
            raise Problem(
                "The invite of this application is not kept here any more. Have them apply again.",
                ExitCode.NOT_FOUND,
                "no_invite",
            )
        return found

    async def admit(self, candidate: Candidate) -> Entry:
        """Admits somebody to the own team; the entry is on disk when it returns.

        Raises:
            Problem: `too_soon`, or what would make the entry void (4); the log takes no entries.
        """
        if candidate.void is not None:
            raise _refused(candidate.void, candidate.why)
        if candidate.due is None or self._means.clock.now_ms() < candidate.due:
            raise _refused("too_soon", candidate.why)
        log = await self._logs.of(self._means.own.id)
        record = await self._admission(log, candidate.paper)
        entry = await self._append(log, record, [candidate.paper.id])
        await self._means.store.write(
            teams.row_joined, read(Application, candidate.paper.data).invite, candidate.member
        )
        return entry

    async def _candidate(self, log: OwnerLog, row: PaperRow) -> Candidate | None:
        """An application; None where its invite made room for others."""
        application = read(Application, row.data)
        held = await self._means.store.read(lambda reader: teams.by_id(reader.connection, application.invite))
        if held is None:
            return None
        invite = read(Invite, held.data)
        record = await self._admission(log, row)
        entry = parse_wire(list(record.acknowledgement[0]))
        saw = await self._means.store.read(lambda reader: teams.seen_of(reader.connection, entry.id))
        parties = (self._means.own.id, invite.sponsor, application.signer)
        times = [said.time for each in saw if (said := seen.decode(each.data)).witness not in parties]
        due = min(times) + admission.WAIT_MS if times else None
        try:
            # judged as on the day it is due: what is wrong then is wrong for good
            self._judge(log, record, max(due or 0, self._means.clock.now_ms()))
        except Void as void:
            if void.code != "too_soon":
                return Candidate(row, invite, application.signer, due, void.code, void.text)
            due = None
        why = (
            f"the {limits.ACKNOWLEDGED_DAYS} days since somebody else saw their acknowledgement are not over"
        )
        if due is None:
            why = "nobody but you, the sponsor and they themselves has seen their acknowledgement"
        return Candidate(row, invite, application.signer, due, None, why)

    async def _admission(self, log: OwnerLog, row: PaperRow) -> Admission:
        application = read(Application, row.data)

        def gathered(reader: Reader) -> tuple[bytes, list[Any], list[SeenRow], dict[bytes, list[Any]]]:
            held = teams.by_id(reader.connection, application.invite)
            assert held is not None
            wires = encoding.decode(row.proof, limits.MAX_MESSAGE)
            saw = teams.seen_of(reader.connection, parse_wire(wires[0]).id)[: limits.MAX_SEEN]
            signer = read(Invite, held.data).signer
            people = [signer, application.signer, *(each.witness for each in saw)]
            return held.data, wires, saw, self._given(reader, people, [row], saw)

        data, wires, saw, given = await self._means.store.read(gathered)
        invite = read(Invite, data)
        return Admission(
            acknowledgement=tuple(wires),
            application=row.data,
            disclosure=invite.disclosure,
            invite=data,
            openers=lacking(log.ledger.book, given),
            opportunity=row.opportunity,
            position=_wished(log.teams.team(row.opportunity), invite, application.signer),
            seen=tuple(each.data for each in saw) or (b"-",),
        )

    # -- moves, ends, duties ---------------------------------------------------------------------------------
    async def move(
        self, key: str, member: bytes, reason: MoveReason, *, sponsor: bytes | None, position: Position | None
    ) -> Entry:
        """Moves a member, with the consents that have come.

        Raises:
            Problem: what would make the entry void (4).
        """
        log = await self._logs.of(self._means.own.id)
        rows = await self._waiting(key, ("placing",))
        to: Any = UNSET if sponsor is None else sponsor
        place: Any = UNSET if position is None else position
        fitting = [
            row
            for row in rows
            for said in [read(Placing, row.data)]
            if (said.member, said.sponsor, said.position) == (member, to, place)
        ]
        fitting = list({row.signer: row for row in fitting if row.signer != self._means.own.id}.values())
        openers = await self._openers_of(log, fitting)
        record = Move(
            member=member,
            openers=openers,
            opportunity=key,
            position=place,
            reason=reason,
            sponsor=to,
            statements=tuple(row.data for row in fitting[: limits.MAX_STATEMENTS]),
        )
        return await self._append(log, record, [row.id for row in fitting])

    async def end(self, key: str, member: bytes, reason: EndReason) -> Entry:
        """Ends a membership for a reason of the owner's. Raises Problem."""
        log = await self._logs.of(self._means.own.id)
        record = Leave(ended=reason, member=member, openers=(), opportunity=key)
        return await self._append(log, record, [])

    async def log_papers(self) -> int:
        """Logs the leavings and duties that members have sent; how many had effect.

        A paper that cannot have effect is closed with its code, so that nothing is tried for ever.

        Raises:
            Problem: the log takes no entries now.
        """
        own, count = self._means.own.id, 0
        if self._means.ring.opened is None:
            return 0
        log = await self._logs.of(own)
        for key in list(log.teams.teams):
            for row in await self._waiting(key, ("leaving", *DUTIES)):
                log = await self._logs.of(own)
                openers = await self._openers_of(log, [row])
                record: Record
                if row.name == "leaving":
                    record = Leave(leaving=row.data, member=row.signer, openers=openers, opportunity=key)
                else:
                    record = Duty(openers=openers, opportunity=key, statements=(row.data,))
                try:
                    await self._append(log, record, [row.id])
                    count += 1
                except Problem as problem:
                    if problem.exit_code is not ExitCode.REFUSED or "void" not in problem.details:
                        raise
                    if problem.code == "too_costly":  # it waits until the log has grown
                        continue
                    await self._means.store.write(
                        teams.close, row.id, self._means.clock.now_ms(), problem.code
                    )
        return count

    # -- inside ----------------------------------------------------------------------------------------------
    async def _waiting(self, key: str, names: tuple[str, ...]) -> list[PaperRow]:
        own = self._means.own.id
        return await self._means.store.read(lambda reader: teams.waiting(reader.connection, own, key, names))

    async def _append(self, log: OwnerLog, record: Record, papers: Sequence[bytes]) -> Entry:
        """Appends a record that has effect, and closes the papers it rests on.

        Raises:
            Problem: with the code that the entry would be void with (4); `log_moved` (4): the record was made for the
                log as it stood, and it went on meanwhile.
        """
        now = self._means.clock.now_ms()
        if log.place is None or log.ledger.place != log.place:
            raise Problem("The own log went on meanwhile. Try again.", ExitCode.REFUSED, "log_moved")
        try:
            self._judge(log, record, now)
            data = encode_record(record)
        except (Void, LocalProtocolError) as void:  # openers after very many rotations fit no record
            code = "too_large" if isinstance(void, LocalProtocolError) else void.code
            raise _refused(code, void.text) from void
        entry = (await self._means.own.append([(record.KIND, data)], after=log.place[1]))[0]
        await self._means.store.write(_close_all, papers, now)
        return entry

    def _judge(self, log: OwnerLog, record: Record, now: int) -> None:
        """What every reader will find of an entry with this record.

        Raises:
            Void: it would have no effect.
        """
        assert log.tip is not None
        team, tip = log.teams.team(record.opportunity), log.tip
        time = max(now, tip.time)
        entry = Entry(
            b"",
            b"",
            None,
            b"",
            log.owner,
            tip.seq + 1,
            tip.id,
            tip.epoch,
            tip.term,
            time,
            record.KIND,
            b"",
            0,
        )
        signers = self._signers(log, record)
        before, team.rules = team.rules, log.rules_at(record.opportunity, time)
        try:
            match record:
                case Admission():
                    admission.judge(team, entry, record, signers)
                case Move():
                    moves.judge_move(team, entry, record, signers)
                case Leave():
                    moves.judge_leave(team, record, signers)
                case Duty():
                    duties.judge(team, entry, record, signers)
            state = log.ledger.book.state
            state.require_steps(
                log.teams.steps(record, limits.MAX_INT),
                "member: more people stand below than this log may ask its readers to go through now",
            )
        finally:  # the fold takes rules over with the log alone
            team.rules = before

    def _signers(self, log: OwnerLog, record: Record) -> Signers:
        """The signers of the log as they will be with this record, apart from it."""
        found = log.signers.branch()
        found.admit([[parse_wire(list(wire)) for wire in each] for each in record.openers])
        return found

    def _given(
        self, reader: Reader, people: Iterable[bytes], rows: Iterable[PaperRow], saw: Iterable[SeenRow] = ()
    ) -> dict[bytes, list[Any]]:
        """The openers of people, as far as they are known here or came with papers. In a lane: it reads no ledger."""
        given = {}
        for data in (*(row.openers for row in rows), *(each.openers for each in saw)):
            for entries in encoding.decode(data, limits.MAX_MESSAGE):
                found = read_openers(self._means.network, entries)
                given[found.author] = found
        known = Known(self._means.network, reader.connection, given)
        return {author: known.entries(author, 0) or [] for author in people}

    async def _openers_of(self, log: OwnerLog, rows: Sequence[PaperRow]) -> tuple[Any, ...]:
        given = await self._means.store.read(
            lambda reader: self._given(reader, [row.signer for row in rows], rows)
        )
        return lacking(log.ledger.book, given)


def _wished(team: Team, invite: Invite, member: bytes) -> Any:
    """The place that the sponsor wished for, where it can be given at once."""
    if invite.position is UNSET or team.tree.placement(member) is not None:
        return UNSET
    try:
        admission.require_free(team, invite.sponsor, invite.position)
    except Void:
        return UNSET
    return invite.position


def _people(record: Record) -> tuple[bytes, ...]:
    """Whose signatures a record holds."""
    if isinstance(record, Admission):
        saw = [seen.decode(data).witness for data in record.seen if data != b"-"]
        return (read(Invite, record.invite).signer, read(Application, record.application).signer, *saw)
    if isinstance(record, Move):
        return tuple(read(Placing, data).signer for data in record.statements)
    if isinstance(record, Duty):
        return tuple(duties.read_duty(data).signer for data in record.statements)
    return () if record.leaving is UNSET else (read_named("leaving", record.leaving).signer,)


def _close_all(writer: Writer, papers: Sequence[bytes], now: int) -> None:
    with writer.transaction(durable=True):
        for paper in papers:
            teams.close(writer, paper, now)


def _refused(code: str, text: str) -> Problem:
    return Problem(f"This would have no effect: {text}.", ExitCode.REFUSED, code, {"void": code})
