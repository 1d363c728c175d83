"""What an own rotation or settlement took out of the own teams is logged again, as far as papers go [R-LOG-13].

Admissions, moves, leavings and duties rest on papers that others signed and this home kept: where such a paper had its
effect by an entry that is out of the log, it has it again by a new one. An entry whose papers are not here may be the
work of whoever had the key: it is not repeated, and the owner is told, as of what cannot have effect any more. Periods
that were closed are closed again, by what the log says now.

All is known from the log, the papers and the entries that are out of the log, so whatever ends the process between,
nothing is logged twice. Only when all was looked at is that noted, with what the owner is to know.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from netnode.deals.means import Means
from netnode.issuing.periods import Periods
from netnode.own import evidence
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, teams
from netnode.store.teams import PaperRow
from netnode.teams.admitting import Admitting
from netnode.teams.reading import OwnerLog, TeamLogs
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.contents import CloseContent, read_close
from protocol.records import Admission, ClosePart, Duty, Leave, Move, Record, decode_record
from protocol.teams import duties
from protocol.teams.statements import Application, Leaving, Training, read, statement_id

_META: Final = "relogged"
_KINDS: Final = frozenset((Admission.KIND, ClosePart.KIND, Duty.KIND, Leave.KIND, Move.KIND))
_NO_PAPER: Final = "what it rests on is not kept here, so whoever had your key may have written it"
_log = logging.getLogger("netnode")


class _Noted(msgspec.Struct, frozen=True):
    """Up to which epoch and term all was looked at, and by id of an entry (hex) why it is not logged again."""

    place: tuple[int, int] = (0, 0)
    why: dict[str, str] = {}


class Relogging:
    """Looks after what left the own log.

    Args:
        means: the own log and its papers.
        logs: the own teams.
        admitting: appends to them.
        periods: closes the periods of own plans.
    """

    def __init__(self, means: Means, logs: TeamLogs, admitting: Admitting, periods: Periods) -> None:
        self._means = means
        self._logs = logs
        self._admitting = admitting
        self._periods = periods
        self._place: tuple[int, int] | None = None  # as noted
        self._why: dict[str, str] = {}
        self._whole = False  # whether all that sales rest on was looked at

    async def teams(self) -> None:
        """Logs again what the own teams lack; sales, which rest on them, come after.

        Raises:
            Problem: the disk.
        """
        if not await self._is_due():
            return
        self._whole, self._why = False, {}
        try:
            out = await self._means.store.read(self._out)
            past = _past(out)
            for entry in out:
                skipped = entry.kind == ClosePart.KIND or entry.id in past
                why = "" if skipped else await self._again(entry)
                if why:
                    self._why[entry.id.hex()] = why
        except Problem as problem:
            _wait(problem)
        else:
            self._whole = True

    async def closes(self) -> None:
        """Closes the periods again whose close is out of the log, once all sales are in it again, and notes the end.

        Raises:
            Problem: as `teams`.
        """
        if not self._whole or not await self._is_due():
            return
        try:
            for last, content in _contents(await self._means.store.read(self._out)):
                why = await self._closed(content)
                if why:
                    self._why[last.id.hex()] = why
        except Problem as problem:
            return _wait(problem)
        place = await self._now()
        await self._means.store.write(_note, _Noted(place, self._why))
        self._place = place
        if self._why:
            _log.warning(
                "%d entries of teams and periods that left the own log are not in it again: netnode key disowned",
                len(self._why),
            )

    # -- one entry -------------------------------------------------------------------------------------------
    async def _again(self, entry: Entry) -> str:
        """Logs what an entry did; why it is not: empty where it is in the log, or has no effect to lose."""
        try:
            match record := _decoded(entry):
                case Admission():
                    return await self._admission(record)
                case Duty():
                    return await self._papers(record.opportunity, record.statements)
                case Leave() if record.leaving is not UNSET:
                    return await self._papers(record.opportunity, (record.leaving,))
                case Leave():
                    log = await self._logs.of(self._means.own.id)
                    ended = not log.teams.tree(record.opportunity).member(record.member)
                    return (
                        ""
                        if ended
                        else "who ended this membership is not known here: end it again, or leave it"
                    )
                case Move():
                    return await self._move(record)
                case _:
                    return ""
        except Problem as problem:
            if problem.code != "no_invite" and "void" not in problem.details:
                raise
            return problem.text
        except Void as void:  # somebody else's form of it
            return void.text

    async def _admission(self, record: Admission) -> str:
        log = await self._logs.of(self._means.own.id)
        team = log.teams.team(record.opportunity)
        application = read(Application, record.application)
        if statement_id(record.invite) in team.used or team.tree.member(application.signer):
            return ""
        paper = await self._reopened(statement_id(record.application))
        if paper is None:
            return _NO_PAPER
        await self._admitting.admit(await self._admitting.candidate(paper))
        return ""

    async def _papers(self, key: str, statements: Sequence[bytes]) -> str:
        """Has leavings and duties logged again that the log lacks."""
        log = await self._logs.of(self._means.own.id)
        fates = [_fate(log, key, data, self._means.clock.now_ms()) for data in statements]
        lost = [data for data, fate in zip(statements, fates, strict=True) if fate is None]
        found = [await self._reopened(statement_id(data)) for data in lost]
        if None in found:
            return _NO_PAPER
        await self._admitting.log_papers()
        for row in found:
            paper = None if row is None else await self._means.store.read(_paper, row.id)
            if paper is not None and paper.why is not None:
                return f"it would have no effect any more ({paper.why})"
        return next((fate for fate in fates if fate), "")

    async def _move(self, record: Move) -> str:
        log = await self._logs.of(self._means.own.id)
        team = log.teams.team(record.opportunity)
        ids = [statement_id(data) for data in record.statements]
        if any(each in team.used for each in ids):
            return ""
        position = None if record.position is UNSET else record.position
        sponsor = None if record.sponsor is UNSET else record.sponsor
        stands = team.tree.sponsor(record.member), team.tree.placement(record.member)
        if (sponsor is not None and stands[0] == sponsor) or (position is not None and stands[1] is not None):
            return ""
        found = [await self._reopened(each) for each in ids]
        if None in found or not ids:
            return _NO_PAPER
        await self._admitting.move(
            record.opportunity, record.member, record.reason, sponsor=sponsor, position=position
        )
        return ""

    async def _closed(self, content: CloseContent) -> str:
        """Closes the period of a plan again; why it is not closed."""
        log = await self._logs.of(self._means.own.id)
        governed = next((each for each in log.governing.all() if each.hash == content.plan), None)
        if governed is None or governed.opportunity is None:
            return "its plan is out of the log too: publish it again"
        if governed.closed is not None and content.begins < governed.closed:
            return ""
        try:
            await self._periods.close(governed.opportunity, max(content.begins, governed.starts))
        except Problem as problem:
            if problem.code not in ("no_plan", "not_over", "period"):
                raise
            return problem.text
        return ""

    async def _reopened(self, paper: bytes) -> PaperRow | None:
        """A paper that had its effect waits again; None: it is not kept here, or never had one."""
        return await self._means.store.write(_reopen, paper)

    # -- what is out of the log ------------------------------------------------------------------------------
    async def _is_due(self) -> bool:
        """Whether the log has another opener than when all was looked at."""
        if self._place is None:
            self._place = (await self._means.store.read(noted)).place
        return self._means.ring.opened is not None and self._place != await self._now()

    async def _now(self) -> tuple[int, int]:
        state = await self._means.store.load(self._means.own.id)
        assert state is not None  # the owner's
        return state.openers.place

    def _out(self, reader: Reader) -> list[Entry]:
        found = evidence.exhibits(reader, self._means.own.id)
        return [each.entry for each in found if each.entry.kind in _KINDS]


def noted(reader: Reader) -> _Noted:
    """What is not logged again, by entry."""
    value = reader.meta(_META)
    return _Noted() if value is None else msgspec.json.decode(value, type=_Noted)


def _past(out: Sequence[Entry]) -> set[bytes]:
    """Ids of admissions after which the same member left, or was admitted again: who left is not brought back."""
    found: set[bytes] = set()
    newest: dict[tuple[str, bytes], bytes] = {}
    for entry in out:
        record = None if entry.kind not in (Admission.KIND, Leave.KIND) else _decoded(entry)
        if isinstance(record, Admission):
            key = (record.opportunity, read(Application, record.application).signer)
        elif isinstance(record, Leave):
            key = (record.opportunity, record.member)
        else:
            continue
        found |= {newest.pop(key)} if key in newest else set()
        if isinstance(record, Admission):
            newest[key] = entry.id
    return found


def _fate(log: OwnerLog, key: str, data: bytes, now: int) -> str | None:
    """What becomes of a leaving or duty: None: it may be logged again; empty: nothing is lost; else why it cannot."""
    team = log.teams.team(key)
    try:
        statement = duties.read_duty(data)
    except Void:
        leaving = read(Leaving, data)
        stays = (
            team.tree.member(leaving.signer) and leaving.time >= team.tree.spans(leaving.signer)[-1].joined_ms
        )
        return None if stays else ""
    membership = team.membership(statement.signer)
    if membership is None:
        return ""
    done = statement.module in membership.trainings if isinstance(statement, Training) else (
        statement.step in membership.followups
    )  # fmt: skip
    if done:
        return ""
    try:
        duties.require_counted(team, statement, now)
    except Void as void:
        return void.text
    return None


def _decoded(entry: Entry) -> Record | None:
    """The record; None where it has no right form."""
    try:
        return None if entry.record is None else decode_record(entry.kind, entry.record)
    except Void:
        return None


def _contents(out: Sequence[Entry]) -> list[tuple[Entry, CloseContent]]:
    """The whole closes among entries, by period, each with its last part."""
    parts: dict[bytes, list[tuple[Entry, ClosePart]]] = {}
    for entry in out:
        record = _decoded(entry) if entry.kind == ClosePart.KIND else None
        if isinstance(record, ClosePart):
            parts.setdefault(record.hash, []).append((entry, record))
    found = []
    for entries in parts.values():
        pieces = {record.number: record for _, record in entries}
        first = pieces.get(1)
        if first is None or set(pieces) != set(range(1, first.count + 1)):
            continue  # it never had effect
        try:
            content = read_close(b"".join(pieces[number].content for number in sorted(pieces)))
        except Void:
            continue
        found.append((entries[-1][0], content))
    return sorted(found, key=lambda each: each[1].begins)


def _wait(problem: Problem) -> None:
    """The log takes no entries now: all is looked at again at the next look.

    Raises:
        Problem: anything else.
    """
    if problem.exit_code not in (ExitCode.REFUSED, ExitCode.USAGE):
        raise problem
    _log.warning("what left the log is not in it again yet: %s", problem.text)


def _paper(reader: Reader, paper: bytes) -> PaperRow | None:
    return teams.by_id(reader.connection, paper)


def _reopen(writer: Writer, paper: bytes) -> PaperRow | None:
    with writer.transaction(durable=True) as connection:
        row = teams.by_id(connection, paper)
        if row is None or row.own or row.why is not None:
            return None
        teams.reopen(writer, paper)
        return teams.by_id(connection, paper)


def _note(writer: Writer, found: _Noted) -> None:
    with writer.transaction(durable=True):
        writer.set_meta(_META, msgspec.json.encode(found))
