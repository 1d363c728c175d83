"""Teams: invited, applied to, admitted; who stands where, who is neglected, who left."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from itertools import islice
from typing import Final, TypeVar

import msgspec

from netnode.deals.means import Means
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging, team_views
from netnode.services.opportunities import named, own_key
from netnode.services.plan_reports import PlanReports
from netnode.services.prefixes import ambiguous, span
from netnode.store import Reader, Writer, teams
from netnode.store.teams import ImportRow, PaperRow
from netnode.teams.admitting import Admitting, Candidate
from netnode.teams.desk import TeamDesk, read_invite, read_invite_text
from netnode.teams.importing import read_list
from netnode.teams.reading import OwnerLog, TeamLogs, opportunity_of
from netnode.teams.taking_back import TakingBack
from protocol.records.team import MoveReason, Position
from protocol.teams.duties import neglected
from protocol.teams.statements import Application, Followup, Invite, Leaving, Placing, Training, read_named
from protocol.teams.team import Team

T = TypeVar("T")
_PAPERS: Final = "team papers"
_TREE: Final = "team tree"
_DUTIES: Final = "team duties"
_NEGLECTED: Final = "team neglected"


class TeamBook:
    """`operations.services.Teams`.

    Args:
        means: own id, store, clock.
        logs: the teams of logs held here.
        reports: what stands beside invites.
        desk: signs papers.
        admitting: keeps the own teams.
        taking_back: asks for goods to be taken back.
    """

    def __init__(
        self,
        means: Means,
        logs: TeamLogs,
        reports: PlanReports,
        desk: TeamDesk,
        admitting: Admitting,
        taking_back: TakingBack,
    ) -> None:
        self._means = means
        self._logs = logs
        self._reports = reports
        self._desk = desk
        self._admitting = admitting
        self._taking_back = taking_back

    # -- joining ---------------------------------------------------------------------------------------------
    async def invite(self, request: models.TeamInvite) -> models.TeamPaper:
        """Invites somebody, or whoever gets the text of the answer.

        Raises:
            Problem: no such opportunity (3); who invites is no member, or it is closed (4); locked keys (2).
        """
        owner, key = named(request.team, self._means.own.id)
        row = await self._desk.invite(
            owner,
            key,
            to=None if request.to is None else views.networker_id(request.to),
            days=request.days,
            position=_position(request.parent, request.leg),
            text=request.text,
        )
        return await self._paper(row)

    async def apply(self, request: models.TeamApply) -> models.TeamPaper:
        """Acknowledges the disclosure and applies.

        Raises:
            Problem: `not_acknowledged` (4) before the disclosure was read; the invite is over; locked keys (2).
        """
        data = await self._invite(request.invite)
        invite = read_invite(data)
        log = await self._logs.of(invite.owner)
        opportunity_of(log, invite.opportunity)
        team = team_views.team_name(invite.owner, invite.opportunity)
        if not request.acknowledged:
            raise Problem(
                f"Read what you are told before joining: netnode opportunity show {team}. Then say that you did: "
                "netnode team apply --acknowledged INVITE. It is published in your log, and you can join 7 days "
                "after somebody else saw it.",
                ExitCode.REFUSED,
                "not_acknowledged",
            )
        await self._means.store.write(Writer.follow, invite.owner, self._means.clock.now_ms())
        return await self._paper(await self._desk.apply(data))

    async def admit(self, request: models.TeamAdmit) -> models.TeamDone:
        """Admits by one application, or by all whose days are over.

        Raises:
            Problem: no such application (3); it would have no effect (4); locked keys (2).
        """
        if request.paper is not None:
            row = await self._one(request.paper)
            if row.name != "application" or row.own or row.done is not None:
                raise Problem(
                    "That is no application that waits for you.", ExitCode.REFUSED, "no_application"
                )
            entry = await self._admitting.admit(await self._admitting.candidate(row))
            await self._invite_next(row.opportunity)
            return models.TeamDone(entries=[entry.id.hex()], skipped=[])
        entries, skipped = list[str](), list[models.TeamPaper]()
        log = await self._logs.of(self._means.own.id)
        for key in sorted(log.opportunities):
            for waiting in await self._admitting.candidates(key):
                candidate = await self._admitting.candidate(
                    waiting.paper
                )  # the one before may have changed it
                now = self._means.clock.now_ms()
                if candidate.void is None and candidate.due is not None and candidate.due <= now:
                    entries.append((await self._admitting.admit(candidate)).id.hex())
                else:
                    skipped.append(await self._paper(candidate.paper, candidate))
            await self._invite_next(key)
        return models.TeamDone(entries=entries, skipped=skipped)

    async def take_over(
        self, query: models.TeamImportQuery, chunks: AsyncIterable[bytes]
    ) -> models.TeamImported:
        """Takes a team over from a list. With a fault nothing is done.

        Raises:
            Problem: no such opportunity (3); locked keys (2); the disk.
        """
        key = own_key(query.key, self._means.own.id)
        data = b"".join([chunk async for chunk in chunks])
        opportunity_of(await self._logs.of(self._means.own.id), key)
        known = await self._rows(key)
        rows, faults = read_list(key, data, known)
        told = [models.ImportFault(row=each.row, field=each.field, problem=each.problem) for each in faults]
        if faults or query.dry_run:
            return models.TeamImported(rows=len(rows), invited=0, waiting=len(rows), faults=told)
        await self._means.store.write(teams.put_rows, rows)
        invited = await self._invite_next(key, query.days)
        tree = (await self._logs.of(self._means.own.id)).teams.tree(key)
        waiting = sum(
            1
            for row in await self._rows(key)
            if row.invite is None and (row.networker is None or not tree.member(row.networker))
        )
        return models.TeamImported(rows=len(rows), invited=invited, waiting=waiting, faults=[])

    async def papers(self, query: models.PapersQuery) -> models.Page[models.TeamPaper]:
        """Papers made here and come from others, the newest first. Raises Problem where `paper` names none, or two."""
        if query.paper is not None:
            return models.Page([await self._paper(await self._one(query.paper))], None)
        place = paging.opened(_PAPERS, query.cursor, int)
        before: int | None = None if place is None else place[0]
        found: list[PaperRow] = []
        while len(found) <= query.limit:
            rows = await self._means.store.read(_page, before, query.limit + 1)
            if not rows:
                break
            before = rows[-1].number
            found += [row for row in rows if not query.waiting or row.done is None]
        page = found[: query.limit]
        items = [await self._paper(row) for row in page]
        following = paging.seal(_PAPERS, page[-1].number) if len(found) > len(page) else None
        return models.Page(items, following)

    # -- looking ---------------------------------------------------------------------------------------------
    async def tree(self, query: models.TeamTreeQuery) -> models.Page[models.TeamMember]:
        """Members below somebody, level by level."""
        below = None if query.below is None else views.networker_id(query.below)
        start = _place(_TREE, query.cursor)

        def found(reader: Reader, log: OwnerLog, team: Team) -> models.Page[models.TeamMember]:
            first = team.tree.downline(log.owner if below is None else below)
            rows = list(islice(first, start, start + query.limit + 1))
            page = rows[: query.limit]
            people = {
                each for member, _ in page for each in (member, team.tree.sponsor(member)) if each is not None
            }
            names = team_views.names_of(reader, people)
            items = [team_views.member_view(team, member, level, names) for member, level in page]
            return models.Page(
                items, paging.seal(_TREE, start + len(page)) if len(rows) > len(page) else None
            )

        return await self._study(query.team, found)

    async def duties(self, query: models.TeamQuery) -> models.Page[models.MemberDuties]:
        """Duties of all members."""
        return await self._study(
            query.team,
            lambda reader, _, team: self._duties(reader, _DUTIES, team, list(team.tree.members()), query),
        )

    async def neglected(self, query: models.TeamQuery) -> models.Page[models.MemberDuties]:
        """Members whose follow-up deadlines were missed, the longest first."""

        def found(reader: Reader, _: OwnerLog, team: Team) -> models.Page[models.MemberDuties]:
            members = [each.member for each in neglected(team, self._means.clock.now_ms())]
            return self._duties(reader, _NEGLECTED, team, members, query)

        return await self._study(query.team, found)

    async def stats(self, team: str) -> models.TeamStats:
        """What is computed of a team."""
        own = self._means.own.id

        def found(reader: Reader, log: OwnerLog, team: Team) -> models.TeamStats:
            waiting = teams.waiting(reader.connection, own, team.key, ("application",))
            count = len(waiting) if log.owner == own else 0
            return team_views.stats_view(log, team, self._means.clock.now_ms(), count)

        return await self._study(team, found)

    # -- acting ----------------------------------------------------------------------------------------------
    async def duty(self, request: models.TeamDutyDone) -> models.TeamPaper:
        """Says that a module was passed or a follow-up received. Raises Problem."""
        owner, key = named(request.team, self._means.own.id)
        by = None if request.by is None else views.networker_id(request.by)
        if (request.module is None) == (request.step is None):
            raise Problem("What was done? Give --module KEY or --follow-up N.", ExitCode.USAGE, "usage")
        if request.module is not None:
            return await self._paper(await self._desk.train(owner, key, request.module, by))
        return await self._paper(await self._desk.followed(owner, key, request.step or 0, by))

    async def move(self, request: models.TeamMove) -> models.TeamDone:
        """Moves a member of an own team, or consents to it where the team is another's. Raises Problem."""
        owner, key = named(request.team, self._means.own.id)
        member = views.networker_id(request.member)
        sponsor = None if request.sponsor is None else views.networker_id(request.sponsor)
        position = _position(request.parent, request.leg)
        if (sponsor is None) == (position is None):
            raise Problem("Where to? Give --sponsor ID, or --parent ID and --leg N.", ExitCode.USAGE, "usage")
        if owner != self._means.own.id:
            row = await self._desk.place(owner, key, member, sponsor, position)
            return models.TeamDone(entries=[], skipped=[await self._paper(row)])
        reason: MoveReason = "holding" if position is not None else "neglect" if request.neglect else "agreed"
        entry = await self._admitting.move(key, member, reason, sponsor=sponsor, position=position)
        return models.TeamDone(entries=[entry.id.hex()], skipped=[])

    async def leave(self, request: models.TeamLeave) -> models.TeamDone:
        """Leaves a team, or ends a membership of an own one. Raises Problem."""
        owner, key = named(request.team, self._means.own.id)
        if owner != self._means.own.id:
            if request.reason is None:
                raise Problem(
                    "Why do you leave? Give --reason company, earnings, personal, products, support, time or other: "
                    "it is counted in what the team shows of itself.",
                    ExitCode.USAGE,
                    "usage",
                )
            rows = [await self._desk.leave(owner, key, request.reason)]
            if request.buyback:
                for each in await self._taking_back.purchases(owner, key):
                    rows.append(await self._taking_back.ask(owner, key, each.known.row.id, None))
            return models.TeamDone(entries=[], skipped=[await self._paper(row) for row in rows])
        if request.buyback:
            raise Problem("Who leaves asks for it: --buyback is not for owners.", ExitCode.USAGE, "usage")
        if request.member is None or request.ended is None:
            raise Problem(
                "Whose membership ends, and why? Give --member ID and --ended.", ExitCode.USAGE, "usage"
            )
        entry = await self._admitting.end(key, views.networker_id(request.member), request.ended)
        return models.TeamDone(entries=[entry.id.hex()], skipped=[])

    # -- inside ----------------------------------------------------------------------------------------------
    async def _study(self, team: str, function: Callable[[Reader, OwnerLog, Team], T]) -> T:
        """Runs a function on a team in a reader lane: it may look at every member."""
        owner, key = named(team, self._means.own.id)

        def found(reader: Reader, log: OwnerLog) -> T:
            if key not in log.teams.teams:
                opportunity_of(log, key)
            return function(reader, log, log.teams.team(key))

        return await self._logs.study(owner, found)

    def _duties(
        self, reader: Reader, name: str, team: Team, members: list[bytes], query: models.TeamQuery
    ) -> models.Page[models.MemberDuties]:
        start = _place(name, query.cursor)
        page = members[start : start + query.limit]
        following = start + len(page)
        people = set(page) | set(team.tree.everybody()) | {team.owner} if page else set()
        names = team_views.names_of(reader, people)
        now = self._means.clock.now_ms()
        items = [team_views.duties_view(team, member, now, names) for member in page]
        return models.Page(items, paging.seal(name, following) if following < len(members) else None)

    async def _rows(self, key: str) -> list[ImportRow]:
        return await self._means.store.read(lambda reader: teams.import_rows(reader.connection, key))

    async def _invite_next(self, key: str, days: int = 90) -> int:
        """Makes the invites of those rows of a taken-over team whose sponsor is a member by now; how many."""
        rows = await self._rows(key)
        own, by_ref = self._means.own.id, {row.ref: row for row in rows}
        tree = (await self._logs.of(own)).teams.tree(key)
        count = 0
        for row in rows:
            if row.invite is not None:
                continue
            if row.networker is not None and (row.networker == own or tree.member(row.networker)):
                continue  # they are in the team
            above = by_ref.get(row.sponsor)
            sponsor = own if above is None else above.networker
            if sponsor is None or (sponsor != own and not tree.member(sponsor)):
                continue
            made = await self._desk.invite(own, key, to=row.networker, days=days, sponsor=sponsor)
            await self._means.store.write(teams.row_invited, key, row.ref, made.id)
            count += 1
        return count

    async def _invite(self, text: str) -> bytes:
        if not all(character in "0123456789abcdefABCDEF" for character in text) or len(text) > 64:
            return read_invite_text(text)
        row = await self._one(text)
        if row.name != "invite":
            raise Problem("That paper is no invite.", ExitCode.USAGE, "invite")
        return row.data

    async def _one(self, prefix: str) -> PaperRow:
        low, high = span(prefix)
        found = await self._means.store.read(lambda reader: teams.by_prefix(reader.connection, low, high))
        if not found:
            text = f"There is no paper {prefix[:10]} here. See: netnode team papers"
            raise Problem(text, ExitCode.NOT_FOUND, "no_paper")
        if len(found) > 1:
            raise ambiguous(prefix, "paper")
        return found[0]

    async def _paper(self, row: PaperRow, candidate: Candidate | None = None) -> models.TeamPaper:
        own = self._means.own.id
        if (
            candidate is None
            and row.owner == own
            and row.name == "application"
            and not row.own
            and row.done is None
        ):
            with suppress(Problem):  # the invite it is by made room for others
                candidate = await self._admitting.candidate(row)

        def shown(reader: Reader) -> models.TeamPaper:
            kept = teams.by_id(reader.connection, row.id) or row
            listed = teams.row_of_invite(reader.connection, row.id)
            people = [row.signer, row.owner, *filter(None, [team_views.invitee(row)])]
            names = team_views.names_of(reader, people)
            return team_views.paper_view(kept, names, candidate, self._means.clock.now_ms(), listed)

        paper = await self._means.store.read(shown)
        if row.own and row.owner != own and row.why is None and await self._landed(row):
            paper = msgspec.structs.replace(paper, state="logged")
        if row.name != "invite":
            return paper
        try:
            earnings, report = await self._reports.beside(row.owner, row.opportunity)
        except Problem:  # the owner's log is not here (yet): the invite is shown, its earnings are unknown
            return paper
        return msgspec.structs.replace(paper, earnings=earnings, report=report)

    async def _landed(self, row: PaperRow) -> bool:
        """Whether an own paper has had its effect in the log of the team's owner, as far as that is here."""
        said = read_named(row.name, row.data)

        def found(reader: Reader, log: OwnerLog) -> bool:
            team = log.teams.teams.get(row.opportunity)
            if team is None:
                return False
            match said:
                case Application():  # an invite for whoever has it may have admitted another
                    return said.invite in team.used and team.tree.joined(said.signer) is not None
                case Invite() | Leaving() | Placing():
                    return row.id in team.used
                case Training():
                    member = team.membership(said.signer)
                    return member is not None and said.module in member.trainings
                case Followup():
                    member = team.membership(said.signer)
                    return member is not None and said.step in member.followups
            return False

        with suppress(Problem):  # their log is not here (yet): nothing is known of it
            return await self._logs.study(row.owner, found)
        return False


def _position(parent: str | None, leg: int | None) -> Position | None:
    if (parent is None) != (leg is None):
        raise Problem("A place is a parent and a leg: give both.", ExitCode.USAGE, "usage")
    return None if parent is None or leg is None else Position(leg=leg, parent=views.networker_id(parent))


def _place(name: str, cursor: str | None) -> int:
    place = paging.opened(name, cursor, int)
    return 0 if place is None else max(0, int(place[0]))


def _page(reader: Reader, before: int | None, limit: int) -> list[PaperRow]:
    return teams.page(reader.connection, before, limit)
