"""Goods that an owner is asked to take back, and answers by a refund of the deal or a reason [R-TEAM-29, 31]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.desk import Desk
from netnode.deals.known import Known, load
from netnode.deals.means import Means
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, deals, teams
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.teams import PaperRow
from netnode.teams.desk import TeamDesk
from netnode.teams.goods import (
    Claim,
    asked_for,
    bought,
    claim_of,
    claims_about,
    claims_to,
    contract_of,
    repaid,
    worth,
)
from netnode.teams.reading import OwnerLog, TeamLogs
from protocol import limits
from protocol.deals.bodies import Role
from protocol.deals.enclosures import Goods
from protocol.errors import Void
from protocol.ledger.challenges import Demand
from protocol.records.team import Buyback
from protocol.teams.buyback import Bought, owed, terms
from protocol.teams.letters import BuybackLetter
from protocol.teams.statements import BuybackRequest, read, sign_bought, statement_id
from protocol.teams.team import DAY_MS

REFUNDED: Final = "refunded"
"""What a challenge is answered with once the goods were paid back."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What an owner has to take back of one order, if it is asked for now.

    Attributes:
        known: the deal.
        goods: its lines.
        left: pieces by line that were received, and neither taken back nor asked for.
        due: what is owed for all of them, minor units.
        until: last moment to ask, ms UTC.
    """

    known: Known
    goods: Goods
    left: Mapping[int, int]
    due: int
    until: int


class TakingBack:
    """Asks an owner to take goods back, and answers members who ask the owner of this node.

    Args:
        means: what it acts with.
        logs: the teams of logs held here.
        papers: signs and sends requests.
        desk: makes refunds of deals.
    """

    def __init__(self, means: Means, logs: TeamLogs, papers: TeamDesk, desk: Desk) -> None:
        self._means = means
        self._logs = logs
        self._papers = papers
        self._desk = desk

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("buyback", self.take)

    # -- the member ------------------------------------------------------------------------------------------
    async def purchases(self, owner: bytes, key: str) -> list[Purchase]:
        """What could be asked for now, the oldest order first.

        Raises:
            Problem: `no_member` (4): who asks never was one; the owner's log is not here.
        """
        log = await self._member(owner, key)
        found = await self._means.store.read(self._purchases, owner)
        now, made = self._means.clock.now_ms(), []
        for known, had, asked in found:
            by, goods = terms(log.rules_at(key, had.received)), known.goods
            assert goods is not None  # else nothing is known of what was bought
            left = {
                line: count - asked[line] for line, (count, _) in had.lines.items() if count > asked[line]
            }
            until = had.received + by.days * DAY_MS
            pieces = tuple(sorted(left.items()))[: limits.MAX_STATEMENTS]
            if pieces and now <= until:
                due = owed(self._unsigned(owner, key, known.row.id, pieces, 0), had, by)
                if due:
                    made.append(Purchase(known, goods, dict(pieces), due, until))
        return made

    async def ask(
        self, owner: bytes, key: str, order: bytes, pieces: Sequence[tuple[int, int]] | None, text: str = ""
    ) -> PaperRow:
        """Asks for goods of one order to be taken back; durable.

        Args:
            owner: of the team.
            key: of the opportunity.
            order: id of the deal.
            pieces: (line, how many), ascending; None: all that is left.
            text: a word that goes along.

        Raises:
            Problem: `nothing_left` (4): nothing of that order can be asked for any more, or not so many; as
                `purchases`; locked keys (2).
        """
        found = {each.known.row.id: each for each in await self.purchases(owner, key)}.get(order)
        if found is None:
            raise Problem(
                f"Nothing of order {order.hex()[:10]} can be given back: it was not bought here from this owner and "
                "received, the time is over, or all of it was asked for. See: netnode team buyback goods",
                ExitCode.REFUSED,
                "nothing_left",
            )
        wanted = tuple(sorted(found.left.items())) if pieces is None else tuple(pieces)
        for line, count in wanted:
            if count > found.left.get(line, 0):
                raise Problem(
                    f"Of line {line} of order {order.hex()[:10]} {found.left.get(line, 0)} pieces are left to give "
                    f"back, not {count}.",
                    ExitCode.REFUSED,
                    "nothing_left",
                )
        log = await self._member(owner, key)
        had = await self._means.store.read(self._had, owner, order)
        due = owed(self._unsigned(owner, key, order, wanted, 0), had, terms(log.rules_at(key, had.received)))
        keys = await self._desk.secret()
        assert keys.deal_secret is not None
        signer = buyer_signer(self._means.network, keys.deal_secret, found.goods.salt)
        unsigned = msgspec.structs.replace(self._unsigned(owner, key, order, wanted, due), epoch=keys.epoch)
        return await self._papers.send(
            "buyback", sign_bought(self._means.network, signer, unsigned), owner, text
        )

    async def contract(self, row: PaperRow) -> bytes:
        """The contract of an own request's order, whole, for a challenge.

        Raises:
            Problem: `no_deal` (3): the deal is not here any more.
        """
        found = await self._means.store.read(self._claim, row)
        if found.known is None:
            raise Problem("The deal of that request is not here any more.", ExitCode.NOT_FOUND, "no_deal")
        return contract_of(found.known).data

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Notes that an owner refuses.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, BuybackLetter)
        row = await self._means.store.read(lambda reader: teams.by_id(reader.connection, body.request))
        if row is None or not row.own or row.name != "buyback" or row.owner != incoming.sender:
            return Refusal("no_request", "no such request was made here")
        await self._means.store.write(teams.close, row.id, self._means.clock.now_ms(), body.code)
        return Taken()

    # -- the owner -------------------------------------------------------------------------------------------
    async def pay(self, row: PaperRow, method: str | None = None) -> Known:
        """Says in the deal that what is owed on a request was paid back; durable, and once.

        Args:
            row: a request that waits.
            method: how it was paid.

        Raises:
            Problem: `already_logged` (4): it was paid back before; what is wrong with the request (4); as `Desk.move`.
        """
        claim = await self._means.store.read(self._claim, row)
        if claim.refund is None:
            try:
                await self.worth(claim)
            except Void as void:
                raise Problem(f"This is not owed: {void.text}.", ExitCode.REFUSED, void.code) from void
        by, now = await self._terms(claim), self._means.clock.now_ms()
        known = await self._desk.move(claim.said.order, repaid(claim, by, method, now))
        await self._means.store.write(teams.close, row.id, self._means.clock.now_ms(), None)
        return known

    async def refuse(self, row: PaperRow, code: str, text: str = "") -> None:
        """Refuses a request; whoever asked is told, durably.

        Raises:
            Problem: `already_logged` (4): it was paid back; the disk, or a full outbox.
        """
        claim = await self._means.store.read(self._claim, row)
        if claim.refund is not None:
            raise Problem("You have paid that back.", ExitCode.REFUSED, "already_logged")
        body = BuybackLetter(code=code, request=row.id, text=text[: limits.MAX_REASON])
        draft = self._means.letters.draft(claim.said.signer, body)
        await self._means.store.write(_refuse, row.id, code, draft, self._means.clock.now_ms())
        self._means.letters.wake()

    async def worth(self, claim: Claim) -> int:
        """What is owed on a request, minor units.

        Raises:
            Void: why nothing is; as `goods.worth`.
            Problem: the owner's log is not here.
        """
        said, now = claim.said, self._means.clock.now_ms()
        role: Role = "seller" if said.owner == self._means.own.id else "buyer"
        others = await self._means.store.read(lambda reader: claims_about(reader.connection, said, role, now))
        return worth(claim, others, await self._terms(claim))

    async def answer(self, demand: Demand, data: bytes, openers: bytes, at: int) -> str | None:
        """The answer to a challenge by which goods are to be taken back; None: the owner has not decided.

        Args:
            demand: as read.
            data: the request, whole.
            openers: of its signer, as they travel.
            at: when the challenge came, ms UTC.

        Raises:
            Problem: the disk.
        """
        said = demand.buyback
        assert said is not None
        row = self._row(said, data, openers, at)
        await self._means.store.write(teams.put, row)  # one that its letter brought stays as it is
        kept = await self._means.store.read(lambda reader: teams.by_id(reader.connection, row.id))
        claim = await self._means.store.read(self._claim, kept or row)
        if claim.refund is not None:
            return REFUNDED
        if claim.paper.why is not None:
            return claim.paper.why
        try:
            await self.worth(claim)
        except Void as void:
            return void.code
        return None

    async def look(self, deal: bytes) -> None:
        """Closes requests that a refund of a deal has answered; by its id, after anything came in it.

        Raises:
            Problem: the disk.
        """
        answered = await self._means.store.read(self._answered, deal)
        for paper in answered:
            await self._means.store.write(teams.close, paper, self._means.clock.now_ms(), None)

    # -- inside ----------------------------------------------------------------------------------------------
    async def _terms(self, claim: Claim) -> Buyback:
        """The terms in force when the goods of a request were received."""
        said, known = claim.said, claim.known
        log = await self._logs.of(said.owner)
        had = None if known is None else bought(known, (), said.signer)
        return terms(log.rules_at(said.opportunity, said.time if had is None else had.received))

    async def _member(self, owner: bytes, key: str) -> OwnerLog:
        log = await self._logs.of(owner)
        if not log.teams.tree(key).known(self._means.own.id):
            raise Problem("You never were a member of this team.", ExitCode.REFUSED, "no_member")
        return log

    def _unsigned(
        self, owner: bytes, key: str, order: bytes, pieces: tuple[tuple[int, int], ...], amount: int
    ) -> BuybackRequest:
        return BuybackRequest(
            amount=amount, bought=bytes(64), epoch=0, goods=pieces, opportunity=key, order=order, owner=owner,
            signature=bytes(64), signer=self._means.own.id, time=self._means.clock.now_ms(),
        )  # fmt: skip

    def _row(self, said: BuybackRequest, data: bytes, openers: bytes, at: int) -> PaperRow:
        return PaperRow(
            0, statement_id(data), "buyback", said.owner, said.opportunity, said.signer, self._means.own.id, False,
            data, openers, b"\x90", "", at,
        )  # fmt: skip

    # -- in a lane -------------------------------------------------------------------------------------------
    def _claim(self, reader: Reader, row: PaperRow) -> Claim:
        role: Role = "buyer" if row.own else "seller"
        return claim_of(reader.connection, row, role, self._means.clock.now_ms())

    def _purchases(self, reader: Reader, owner: bytes) -> list[tuple[Known, Bought, Mapping[int, int]]]:
        connection, now, own = reader.connection, self._means.clock.now_ms(), self._means.own.id
        claims = claims_to(connection, owner, now)
        found: list[tuple[Known, Bought, Mapping[int, int]]] = []
        for row in deals.bought_from(connection, owner):
            known = load(connection, row, now)
            had = bought(known, claims, own)
            if had is not None:
                found.append((known, had, asked_for(claims, row.id)))
        return found

    def _had(self, reader: Reader, owner: bytes, order: bytes) -> Bought:
        had = {known.row.id: had for known, had, _ in self._purchases(reader, owner)}
        return had[order]

    def _answered(self, reader: Reader, deal: bytes) -> list[bytes]:
        connection, now = reader.connection, self._means.clock.now_ms()
        row = deals.by_id(connection, deal)
        if row is None or row.role == "arbiter":
            return []
        waiting = [
            each
            for each in teams.buybacks(connection, row.seller, deal)
            if each.done is None and read(BuybackRequest, each.data).order == deal
        ]
        claims = [claim_of(connection, each, row.role, now) for each in waiting]
        return [each.paper.id for each in claims if each.refund is not None]


def _refuse(writer: Writer, paper: bytes, code: str, draft: Outgoing, now: int) -> None:
    with writer.transaction(durable=True):
        outbox.queue(writer, draft)
        teams.close(writer, paper, now, code)
