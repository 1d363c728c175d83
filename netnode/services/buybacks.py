"""Goods that members give back: what is left to give back, requests both ways, answers, challenges."""

from __future__ import annotations

from typing import Final

import msgspec

from netnode.deals.means import Means
from netnode.deals.wording import amount_text
from netnode.issuing.challenging import Challenging
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services import paging
from netnode.services.deals import one_deal
from netnode.services.opportunities import named
from netnode.services.prefixes import ambiguous, span
from netnode.services.team_views import Names, names_of, team_name
from netnode.store import Reader, credits, teams
from netnode.store.teams import PaperRow
from netnode.teams.goods import Claim, claim_of
from netnode.teams.taking_back import Purchase, TakingBack
from protocol.errors import Void
from protocol.limits import CHALLENGE_DAYS

_GOODS: Final = "buyback goods"
_LIST: Final = "buybacks"


class BuybackBook:
    """`operations.services.Buybacks`.

    Args:
        means: own id, store, clock.
        taking_back: asks and answers.
        challenging: challenges owners that do not answer.
    """

    def __init__(self, means: Means, taking_back: TakingBack, challenging: Challenging) -> None:
        self._means = means
        self._taking_back = taking_back
        self._challenging = challenging

    async def goods(self, query: models.BuybackGoodsQuery) -> models.Page[models.BuybackGoods]:
        """What could be given back now, the oldest order first. Raises Problem as `TakingBack.purchases`."""
        place = paging.opened(_GOODS, query.cursor, int)
        start = 0 if place is None else max(0, int(place[0]))
        found = await self._taking_back.purchases(*named(query.team, self._means.own.id))
        page = found[start : start + query.limit]
        end = start + len(page)
        return models.Page(
            [_goods(each) for each in page], paging.seal(_GOODS, end) if end < len(found) else None
        )

    async def ask(self, request: models.BuybackAsk) -> models.Page[models.Buyback]:
        """Asks for goods to be taken back; one request for each order.

        Raises:
            Problem: `nothing_left` (4); pieces without a deal (2); as `TakingBack.ask`.
        """
        owner, key = named(request.team, self._means.own.id)
        if request.deal is None:
            if request.pieces:
                raise Problem("Of which order? Give --deal ID with --piece.", ExitCode.USAGE, "usage")
            orders = [each.known.row.id for each in await self._taking_back.purchases(owner, key)]
            if not orders:
                raise Problem(
                    "There is nothing to give back: you bought nothing here from this owner that was received, is "
                    "within the time, and was not asked for before.",
                    ExitCode.REFUSED,
                    "nothing_left",
                )
        else:
            name = request.deal
            orders = [(await self._means.store.read(lambda reader: one_deal(reader.connection, name))).id]
        pieces = tuple(sorted(request.pieces)) or None
        if pieces and len({line for line, _ in pieces}) != len(pieces):
            raise Problem("Name each line of the order once.", ExitCode.USAGE, "usage")
        rows = [await self._taking_back.ask(owner, key, order, pieces, request.text) for order in orders]
        return models.Page([await self._shown(row) for row in rows], None)

    async def list(self, query: models.BuybacksQuery) -> models.Page[models.Buyback]:
        """Requests made here, and those to the owner of this node, the newest first."""
        place = paging.opened(_LIST, query.cursor, int)
        before: int | None = None if place is None else place[0]
        rows = await self._means.store.read(lambda reader: teams.requests(reader.connection, before))
        items: list[models.Buyback] = []
        for row in rows:
            one = await self._shown(row)
            if query.waiting and one.state in ("paid back", "refused"):
                continue
            if len(items) == query.limit:
                return models.Page(items, paging.seal(_LIST, before or 0))
            items.append(one)
            before = row.number
        return models.Page(items, None)

    async def pay(self, request: models.BuybackPay) -> models.Buyback:
        """Says in the deal that it was paid back. Raises Problem as `TakingBack.pay`."""
        row = await self._asked(request.paper)
        await self._taking_back.pay(row, request.method)
        return await self._shown(row)

    async def refuse(self, request: models.BuybackRefuse) -> models.Buyback:
        """Refuses. Raises Problem as `TakingBack.refuse`."""
        row = await self._asked(request.paper)
        await self._taking_back.refuse(row, request.code, request.text)
        return await self._shown(row)

    async def challenge(self, request: models.BuybackName) -> models.CreditChallenged:
        """Asks in public for what the owner does not answer.

        Raises:
            Problem: no such own request (3); `answered` (4): it was paid back; `too_soon` (4); locked keys (2).
        """
        row = await self._one(request.paper)
        if not row.own:
            raise Problem(
                "That request is not yours: who asked can challenge.", ExitCode.REFUSED, "not_yours"
            )
        one = await self._shown(row)
        if one.state == "paid back":
            raise Problem("That request was answered: it was paid back.", ExitCode.REFUSED, "answered")
        if one.state == "challenged":
            raise Problem("Your challenge of that request is open.", ExitCode.REFUSED, "already_logged")
        if one.state == "waiting":
            raise Problem(
                f"The owner has {CHALLENGE_DAYS} days to answer. See until when: netnode team buyback ls",
                ExitCode.REFUSED,
                "too_soon",
            )
        made = await self._challenging.claim_goods(row.owner, row.data, await self._taking_back.contract(row))
        names = await self._means.store.read(names_of, (made.issuer,))
        return models.CreditChallenged(entry=made.id.hex(), issuer=names.person(made.issuer))

    # -- inside ----------------------------------------------------------------------------------------------
    async def _one(self, prefix: str) -> PaperRow:
        low, high = span(prefix)
        found = await self._means.store.read(lambda reader: teams.by_prefix(reader.connection, low, high))
        rows = [row for row in found if row.name == "buyback"]
        if len(rows) > 1:
            raise ambiguous(prefix, "request")
        if not rows:
            text = f"There is no request {prefix[:10]} here. See: netnode team buyback ls"
            raise Problem(text, ExitCode.NOT_FOUND, "no_paper")
        return rows[0]

    async def _asked(self, prefix: str) -> PaperRow:
        row = await self._one(prefix)
        if row.own:
            raise Problem("You made that request: its owner answers it.", ExitCode.REFUSED, "own")
        return row

    async def _shown(self, row: PaperRow) -> models.Buyback:
        def read(reader: Reader) -> tuple[Claim, bool, Names]:
            kept = teams.by_id(reader.connection, row.id) or row
            now = self._means.clock.now_ms()
            claim = claim_of(reader.connection, kept, "buyer" if kept.own else "seller", now)
            challenged = any(
                each.author == claim.said.signer and kept.data in each.entry
                for each in credits.challenges_to(reader.connection, kept.owner)
            )
            return claim, challenged, names_of(reader, (claim.said.signer, claim.said.owner))

        claim, challenged, names = await self._means.store.read(read)
        paper, said = claim.paper, claim.said
        due, code, why = None, paper.why, ""
        if claim.open:
            try:
                due = await self._taking_back.worth(claim)
            except Void as void:
                code, why = void.code, void.text
            except Problem as problem:  # the owner's log is not here
                why = problem.text
        return models.Buyback(
            paper=paper.id.hex(),
            team=team_name(said.owner, said.opportunity),
            deal=said.order.hex(),
            member=names.person(said.signer),
            owner=names.person(said.owner),
            own=paper.own,
            lines=_lines(claim),
            amount=_amount(claim, said.amount),
            owed=None if due is None else _amount(claim, due),
            code=code,
            why=why,
            state=msgspec.convert(_state(claim, challenged, self._means.clock.now_ms()), models.BuybackState),
            at=paper.at,
            due=claim.due,
            text=paper.text,
        )


def _state(claim: Claim, challenged: bool, now: int) -> str:
    if claim.refund is not None:
        return "paid back"
    if challenged:
        return "challenged"
    if claim.paper.why is not None:
        return "refused"
    return "overdue" if now >= claim.due else "waiting"


def _goods(one: Purchase) -> models.BuybackGoods:
    return models.BuybackGoods(
        deal=one.known.row.id.hex(),
        lines=[
            models.BuybackLine(line=line, title=one.goods.lines[line].title, left=left)
            for line, left in sorted(one.left.items())
        ],
        due=amount_text(one.known.order, one.due),
        until=one.until,
    )


def _lines(claim: Claim) -> list[models.BuybackLine]:
    goods = None if claim.known is None else claim.known.goods
    lines = () if goods is None else goods.lines
    return [
        models.BuybackLine(line=line, title=lines[line].title if line < len(lines) else "", left=pieces)
        for line, pieces in claim.said.goods
    ]


def _amount(claim: Claim, amount: int) -> str:
    return str(amount) if claim.known is None else amount_text(claim.known.order, amount)
