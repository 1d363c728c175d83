"""Credit as logs make it: figures, statements, audits, the open period. Everything here only reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Final, TypeVar

import msgspec

from netnode.ledgers.circles import LATELY_MS, Lead, closing, leads
from netnode.ledgers.facts import exponent_of, owing, promoting
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.reclosing import STATEMENT, AtHand, Folding, at_hand
from netnode.ledgers.stakes import QUICK, at_stake, stakes
from netnode.ledgers.standing import doubtful, questioned, standing
from netnode.ledgers.statement import Statement, statement
from netnode.operations import models
from netnode.plans.reading import allowed, plan_from
from netnode.plans.replaying import compare, document, replay
from netnode.plans.values import amount_text
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import gists, views
from netnode.projections.gists import About
from netnode.services import ledger_views as shown
from netnode.services import paging
from netnode.services.branch_questions import BranchQuestions
from netnode.services.explanations import asked_award, in_words, sale_explained
from netnode.services.opportunities import named
from netnode.services.ports import OwnLog
from netnode.services.team_views import names_of, team_name
from netnode.store import Reader, Store
from protocol.identity import id_text
from protocol.ledger.governing import Governed
from protocol.plans.document import Compiled

T = TypeVar("T")
_LIST: Final = "credits"
_STATEMENT: Final = "credit statement"
_PERIOD: Final = "period open"
_REPLAY: Final = "plan replay"
WRONG_SHOWN: Final = 20
"""Wrong entries that an audit names: the first one is what matters, the next ones show a pattern."""

UNKNOWN_SHOWN: Final = 20
"""Missing branches that are named, the lowest first: who forks on purpose shows thousands; the others are counted."""

_GONE: Final = ("unknown_author", "incomplete")


class LedgerBook:
    """`operations.services.Ledgers`.

    Args:
        network: the network's name.
        store: knows names, follows and challenges.
        own: the owner of this node.
        ledgers: of the logs held here.
        clock: the date.
        questions: asks peers for branches of a log that is looked at.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        ledgers: Ledgers,
        clock: Clock,
        questions: BranchQuestions,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._ledgers = ledgers
        self._clock = clock
        self._questions = questions
        self._folding = Folding(ledgers)

    async def balance(self, query: models.CreditQuery) -> models.CreditBalance:
        """What a holder has of an issuer.

        Raises:
            Problem: nothing of the log is held (3), or not all of it (4).
        """
        holder = self._holder(query.holder)

        def found(reader: Reader, ledger: Ledger) -> models.CreditBalance:
            names = names_of(reader, (ledger.issuer, holder))
            return models.CreditBalance(
                issuer=names.person(ledger.issuer),
                holder=names.person(holder),
                figures=_figures(ledger, holder, self._now(ledger)),
                standing=self._standing(reader, ledger, holder),
                unknown_from=ledger.book.unknown,
                unknown_branches=_unknown(ledger),
                unknown_count=len(ledger.lacking),
                why=ledger.why,
                branches=_branches(ledger),
            )

        return await self._looked_at(views.networker_id(query.issuer), found)

    async def list(self, query: models.CreditsQuery) -> models.Page[models.CreditIssuer]:
        """Issuers whose credit the owner has or had until a rotation took it, by id; the owner's own is among them.

        Raises:
            Problem: the cursor is none of this list (2).
        """
        after = paging.opened_id(_LIST, query.cursor) or b""
        issuers = await self._store.read(stakes, self._own.id)
        items: list[models.CreditIssuer] = []
        last = None
        for issuer in issuers:
            if issuer <= after:
                continue
            if len(items) == query.limit:
                assert last is not None  # there are items
                return models.Page(items, paging.seal(_LIST, last.hex()))
            one = await self._issuer(issuer, query.all)
            if one is not None:
                items.append(one)
            last = issuer
        return models.Page(items, None)

    async def _issuer(self, issuer: bytes, every: bool) -> models.CreditIssuer | None:
        def found(reader: Reader, ledger: Ledger) -> models.CreditIssuer | None:
            now = self._now(ledger)
            figures = _figures(ledger, self._own.id, now)
            if not every and not at_stake(ledger, self._own.id):
                return None
            return models.CreditIssuer(
                issuer=names_of(reader, (issuer,)).person(issuer),
                figures=figures,
                standing=self._standing(reader, ledger),
                facts=shown.facts_view(promoting(ledger, now)),
                unknown_from=ledger.book.unknown,
                unknown_branches=_unknown(ledger),
                unknown_count=len(ledger.lacking),
                why=ledger.why,
            )

        try:
            return await self._ledgers.study(issuer, found)
        except Problem as problem:
            if problem.code not in _GONE:
                raise
            if not every:
                return None
            names = await self._store.read(names_of, (issuer,))
            return models.CreditIssuer(
                issuer=names.person(issuer),
                figures=[],
                standing=None,
                facts=None,
                unknown_from=0,
                why=problem.text,
            )

    async def statement(self, query: models.StatementQuery) -> models.CreditStatement:
        """Figures before and at the end of a period, and a page of its lines, the oldest first.

        Raises:
            Problem: the unit has to be named, or there is no such (2); as `balance`.
        """
        holder = self._holder(query.holder)
        if query.until is not None and query.until <= query.from_:
            text = "A statement ends after it begins: --until names the first day that is no more in it."
            raise Problem(text, ExitCode.USAGE, "usage")
        place = paging.opened(_STATEMENT, query.cursor, int)
        first: int = 0 if place is None else max(0, place[0])
        issuer = views.networker_id(query.issuer)

        def looked(reader: Reader, ledger: Ledger) -> tuple[str, int, Statement, AtHand]:
            unit = _unit(ledger, query.unit, holder)
            now = self._now(ledger) + 1
            until = now if query.until is None else min(query.until, now)
            made = statement(ledger, unit, holder, min(query.from_, until), until)
            awards = (each.line for each in made.lines[first : first + query.limit])
            return unit, until, made, at_hand(ledger, holder, (), awards, STATEMENT)

        unit, until, made, (told, again) = await self._looked_at(issuer, looked)
        told |= await self._folding.told(issuer, holder, again)
        page = made.lines[first : first + query.limit]

        def shown_(reader: Reader, ledger: Ledger) -> models.CreditStatement:
            names = names_of(reader, {ledger.issuer, holder, *(each.line.other for each in page)} - {b""})
            exponent = exponent_of(ledger, unit)

            def change(name: str) -> str:
                return amount_text(getattr(made.closing, name) - getattr(made.opening, name), exponent)

            following = first + len(page)
            return models.CreditStatement(
                issuer=names.person(ledger.issuer),
                holder=names.person(holder),
                unit=unit,
                from_=min(query.from_, until),
                until=until,
                opening=shown.figures_view(unit, exponent, made.opening),
                closing=shown.figures_view(unit, exponent, made.closing),
                posted=change("awarded"),
                clawed_back=change("clawed"),
                redeemed=change("redeemed"),
                paid_out=change("paid_out"),
                expired=change("expired"),
                received=change("received"),
                sent=change("sent"),
                uncovered=change("uncovered"),
                standing=self._standing(reader, ledger),
                unknown_from=ledger.book.unknown,
                unknown_branches=_unknown(ledger),
                unknown_count=len(ledger.lacking),
                why=ledger.why,
                items=[shown.line_view(ledger, each, exponent, holder, names.person, told) for each in page],
                next=paging.seal(_STATEMENT, following) if following < len(made.lines) else None,
            )

        return await self._ledgers.study(issuer, shown_)

    async def audit(self, issuer: str) -> models.CreditAudit:
        """What a log comes to. Raises Problem as `balance`."""
        examined = views.networker_id(issuer)
        since = self._clock.now_ms() - LATELY_MS
        others = await self._leads(examined, since)

        def found(reader: Reader, ledger: Ledger) -> models.CreditAudit:
            now = self._now(ledger)
            return models.CreditAudit(
                issuer=names_of(reader, (ledger.issuer,)).person(ledger.issuer),
                head=None if ledger.tip is None else ledger.tip.seq,
                entries=ledger.taken,
                unknown_from=ledger.book.unknown,
                unknown_branches=_unknown(ledger),
                unknown_count=len(ledger.lacking),
                why=ledger.why,
                wrongs=ledger.wrongs,
                wrong=shown.wrong_view(ledger, WRONG_SHOWN),
                branches=_branches(ledger),
                units=[shown.owed_view(each) for each in owing(ledger, now)],
                facts=shown.facts_view(promoting(ledger, now)),
                standing=self._standing(reader, ledger),
                circles=[each.hex() for each in closing(leads(ledger, since), others)[:WRONG_SHOWN]],
            )

        return await self._looked_at(examined, found)

    async def _leads(self, but: bytes, since: int) -> Sequence[Lead]:
        """Who led whom by sales of other issuers, as far as it takes no long time to know."""
        found: list[Lead] = []
        for issuer in await self._store.read(stakes, self._own.id):
            asked = await self._store.read(questioned, issuer)
            if issuer == but or not (0 < asked.entries <= QUICK or self._ledgers.holds(issuer)):
                continue
            try:
                found += await self._ledgers.ask(issuer, lambda ledger: tuple(leads(ledger, since).values()))
            except Problem as problem:
                if problem.code not in _GONE:
                    raise
        return found

    async def explain(self, query: models.CreditExplain) -> models.CreditExplained:
        """The awards of a sale in words.

        Raises:
            Problem: no sale with such an order is held (3), or several (2).
        """
        prefix = query.id.lower()

        def found(reader: Reader, ledger: Ledger) -> models.CreditExplained | None:
            return sale_explained(reader, ledger, prefix)

        async for _, made in self._each_log(query.issuer, found):
            if made is not None:
                return made
        raise Problem(
            f"No sale of an order {prefix[:16]} is in the logs looked at. Name whose log has it: "
            f"netnode credit explain {prefix[:16]} --issuer nx1...",
            ExitCode.NOT_FOUND,
            "no_sale",
        )

    async def explain_award(self, query: models.AwardExplain) -> models.AwardExplained:
        """What a holder was awarded at the close of a period, in words, and what was withheld.

        Raises:
            Problem: no team of that name has a plan in the logs looked at, the period is none or not closed, or the
                holder has no such award (3); several issuers have such a team (2); as `balance`.
        """
        asked = asked_award(query.id, self._own.id)
        issuer, holder = query.issuer, self._holder(query.holder)
        if asked.owner is not None:
            issuer = id_text(asked.owner)
        having = [
            each
            async for each, has in self._each_log(issuer, lambda reader, ledger: asked.is_of(ledger))
            if has
        ]
        issuer_id = asked.one_of(having)
        made = await self._ledgers.study(issuer_id, lambda reader, ledger: asked.look(ledger, holder))
        told = made.told | await self._folding.told(issuer_id, holder, made.again)
        return await self._ledgers.study(
            issuer_id, lambda reader, ledger: asked.explained(reader, ledger, holder, made.lines, told)
        )

    async def _each_log(
        self, issuer: str | None, function: Callable[[Reader, Ledger], T]
    ) -> AsyncIterator[tuple[bytes, T]]:
        """What the ledger of an issuer comes to; of none named, those of the owner and of whom there is credit of."""
        if issuer is not None:
            issuers = [views.networker_id(issuer)]
        else:
            others = await self._store.read(stakes, self._own.id)
            issuers = [self._own.id, *(each for each in others if each != self._own.id)]
        for each in issuers:
            try:
                found = await self._ledgers.study(each, function)
            except Problem as problem:
                if problem.code not in _GONE or issuer is not None:
                    raise
                continue
            yield each, found

    async def period(self, query: models.PeriodQuery) -> models.PeriodOpen:
        """The open period of a team as it stands now.

        Raises:
            Problem: `no_plan` (3); as `balance`.
        """
        owner, key = named(query.team, self._own.id)
        place = paging.opened(_PERIOD, query.cursor, int)
        first: int = 0 if place is None else max(0, place[0])
        return await self._ledgers.study(
            owner,
            lambda reader, ledger: _period(reader, ledger, key, self._now(ledger), first, query.limit),
        )

    async def against(self, issuer: bytes) -> models.IssuerStanding | None:
        """What speaks against an issuer; None where nothing is known that does.

        Raises:
            Problem: the disk fails.
        """
        asked = await self._store.read(questioned, issuer)
        if not asked.closer:
            return None
        found = shown.exposed(exposed=asked.exposed)
        if asked.entries <= QUICK or self._ledgers.holds(issuer):  # else nobody waits for it with a listing
            try:
                found = await self._ledgers.study(issuer, self._standing)
            except Problem as problem:
                if problem.code not in _GONE:
                    raise
        return found if found.exposed or found.suspected or found.disputed else None

    async def weigh(self, issuer: bytes) -> models.IssuerStanding:
        """What speaks against an issuer, however long its log is; of one not held whole, only whether it forked.

        Raises:
            Problem: the disk fails.
        """
        asked = await self._store.read(questioned, issuer)
        try:
            return await self._ledgers.study(issuer, self._standing)
        except Problem as problem:
            if problem.code not in (*_GONE, "changing"):
                raise
            return shown.exposed(exposed=asked.exposed)

    async def glances(self, issuers: Collection[bytes]) -> dict[bytes, models.IssuerStanding]:
        """What speaks against issuers as far as it takes no time: proofs of forks, and what is kept of the rest.

        Raises:
            Problem: the disk fails.
        """

        def read(reader: Reader) -> dict[bytes, models.IssuerStanding]:
            found = {}
            rows = gists.of(reader, About.STANDING, issuers)
            for issuer, forked in doubtful(reader, issuers).items():
                row = rows.get(issuer)
                kept = shown.exposed(exposed=forked)
                if row is not None:
                    kept = msgspec.json.decode(row.data, type=models.IssuerStanding)
                    kept = msgspec.structs.replace(kept, exposed=forked or kept.exposed)
                if kept.exposed or kept.suspected or kept.disputed:
                    found[issuer] = kept
            return found

        return await self._store.read(read)

    async def replay(self, request: models.PlanReplay) -> models.PlanReplayed:
        """A plan over all that a team's log has, beside the one in force; a page of the members.

        Raises:
            Problem: what is wrong with the plan (2), or that INX does not allow it (4); `no_plan` (3); as `balance`.
        """
        owner, key = named(request.team, self._own.id)
        plan = allowed(plan_from(request.plan, "plan"), "plan")
        place = paging.opened(_REPLAY, request.cursor, int)
        first: int = 0 if place is None else max(0, place[0])
        return await self._ledgers.study(
            owner,
            lambda reader, ledger: _replayed(
                reader, ledger, key, plan, self._now(ledger), first, request.limit
            ),
        )

    # -- inside ----------------------------------------------------------------------------------------------
    async def _looked_at(self, issuer: bytes, function: Callable[[Reader, Ledger], T]) -> T:
        """What a ledger comes to, with the branches that peers give when they are asked."""
        await self._questions.bring(issuer)
        return await self._ledgers.study(issuer, function)

    def _holder(self, holder: str | None) -> bytes:
        return self._own.id if holder is None else views.networker_id(holder)

    def _now(self, ledger: Ledger) -> int:
        """Figures are asked as of now, and never before the newest entry."""
        head = ledger.book.head
        return max(self._clock.now_ms(), 0 if head is None else head[2])

    def _standing(self, reader: Reader, ledger: Ledger, holder: bytes | None = None) -> models.IssuerStanding:
        found = standing(reader, self._network, ledger, self._now(ledger), self._own.id)
        return shown.standing_view(found, lambda unit: exponent_of(ledger, unit), holder or self._own.id)


def _figures(ledger: Ledger, holder: bytes, now: int) -> list[models.CreditFigures]:
    """Of every unit that a holder ever had."""
    return [
        shown.figures_view(unit, exponent_of(ledger, unit), ledger.figures(unit, holder, now))
        for unit in ledger.units()
        if ledger.has(unit, holder)
    ]


def _branches(ledger: Ledger) -> list[str]:
    return [] if ledger.union is None else [id.hex() for _, id in ledger.union.branches]


def _unknown(ledger: Ledger) -> list[models.UnknownBranch]:
    return [models.UnknownBranch(seq=seq, id=id.hex()) for seq, id in ledger.lacking[:UNKNOWN_SHOWN]]


def _unit(ledger: Ledger, unit: str | None, holder: bytes) -> str:
    """The unit asked for, or the only one, or the only one of which the holder ever had any.

    Raises:
        Problem: `unit` (2).
    """
    units = ledger.units()
    if unit is not None and unit in units:
        return unit
    had = [each for each in units if ledger.has(each, holder)]
    if unit is None and 1 in (len(units), len(had)):
        return units[0] if len(units) == 1 else had[0]
    name = id_text(ledger.issuer)
    if not units:
        raise Problem(f"{name} has issued no credit.", ExitCode.NOT_FOUND, "no_credit")
    raise Problem(
        f"Which unit? Add --unit and one of those that {name} issues: {', '.join(units)}.",
        ExitCode.USAGE,
        "unit",
        {"units": list(units)},
    )


def _period(reader: Reader, ledger: Ledger, key: str, now: int, first: int, limit: int) -> models.PeriodOpen:
    governed = _in_force(ledger, key, now)
    unit = governed.plan.unit
    found = ledger.open_period(governed, now)
    period, tally = found.open.period, found.tally
    page = found.open.awards(first, limit + 1)
    more, page = len(page) > limit, page[:limit]
    names = names_of(reader, {award.to for award in page})
    before = governed.starts if governed.closed is None else governed.closed
    following = first + len(page)
    assert ledger.tip is not None  # it has a plan
    return models.PeriodOpen(
        team=team_name(ledger.issuer, key),
        period=period.label,
        begins=period.start,
        ends=period.end,
        plan=governed.hash.hex(),
        plan_title=governed.plan.title,
        unit=unit.name,
        head=ledger.tip.seq,
        sales=tally.sales,
        awarded=amount_text(tally.awarded, unit.exponent),
        base=amount_text(int(found.open.base), unit.exponent),
        closing=amount_text(found.open.closing, unit.exponent),
        unclosed=before < period.start,
        items=[
            models.PeriodAward(
                to=names.person(award.to),
                amount=amount_text(award.amount, unit.exponent),
                rule=award.rule,
                level=award.level,
                words=in_words(governed.compiled, award, names, period.label),
            )
            for award in page
        ],
        next=paging.seal(_PERIOD, following) if more else None,
    )


def _replayed(
    reader: Reader, ledger: Ledger, key: str, plan: Compiled, now: int, first: int, limit: int
) -> models.PlanReplayed:
    state, old = ledger.book.state, _in_force(ledger, key, now).compiled
    members = state.teams.team(key).tree.members()
    rows = compare(members, replay(state, key, old), replay(state, key, plan))
    page = rows[first : first + limit]
    names = names_of(reader, {each.member for each in page})
    found = document(old, plan, rows)
    following = first + len(page)
    return models.PlanReplayed(
        team=team_name(ledger.issuer, key),
        before=models.ReplayedPlan(**found["before"]),
        after=models.ReplayedPlan(**found["after"]),
        total=models.ReplayedSum(**found["total"]),
        less=found["less"],
        more=found["more"],
        items=[
            models.ReplayedMember(**{**row, "member": names.person(each.member)})
            for each, row in zip(page, found["members"][first:following], strict=True)
        ],
        next=paging.seal(_REPLAY, following) if following < len(rows) else None,
    )


def _in_force(ledger: Ledger, key: str, now: int) -> Governed:
    """The plan of a team that holds now.

    Raises:
        Problem: `no_plan` (3).
    """
    for governed in ledger.book.governing.all():
        ends = governed.ends
        if governed.opportunity == key and governed.starts <= now and (ends is None or now < ends):
            return governed
    raise Problem(
        f"{id_text(ledger.issuer)} has no plan in force for a team {key!r}. See their opportunities with: "
        f"netnode opportunity ls {id_text(ledger.issuer)}",
        ExitCode.NOT_FOUND,
        "no_plan",
    )
