"""What operations need of opportunities and teams: narrow ports, as in `operations.services`."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

from netnode.operations import models


class Opportunities(Protocol):
    """Opportunities."""

    async def publish(self, request: models.OpportunityPublish) -> models.OpportunityShown:
        """Publishes an opportunity or its next version. Signs."""

    async def show(self, team: str) -> models.OpportunityShown:
        """One with its disclosure; Problem 3 when there is none."""

    async def list(self, query: models.OpportunitiesQuery) -> models.Page[models.Opportunity]:
        """Those of one networker, by key."""

    async def close(self, key: str) -> models.OpportunityShown:
        """Closes an own one. Signs."""


class Teams(Protocol):
    """Teams: own ones, and those of others as their logs make them."""

    async def invite(self, request: models.TeamInvite) -> models.TeamPaper:
        """Invites somebody. Signs."""

    async def apply(self, request: models.TeamApply) -> models.TeamPaper:
        """Acknowledges the disclosure and applies. Signs."""

    async def admit(self, request: models.TeamAdmit) -> models.TeamDone:
        """Admits by an application; Problem 4 before its days are over. Signs."""

    async def take_over(
        self, query: models.TeamImportQuery, chunks: AsyncIterable[bytes]
    ) -> models.TeamImported:
        """Takes a team over from a list: nothing of it with a fault. Signs."""

    async def papers(self, query: models.PapersQuery) -> models.Page[models.TeamPaper]:
        """Papers, the newest first."""

    async def tree(self, query: models.TeamTreeQuery) -> models.Page[models.TeamMember]:
        """Members, level by level."""

    async def duties(self, query: models.TeamQuery) -> models.Page[models.MemberDuties]:
        """Duties of all members."""

    async def neglected(self, query: models.TeamQuery) -> models.Page[models.MemberDuties]:
        """Members whose deadlines were missed."""

    async def stats(self, team: str) -> models.TeamStats:
        """What is computed of a team."""

    async def duty(self, request: models.TeamDutyDone) -> models.TeamPaper:
        """Says that a duty was done to the owner of this node. Signs."""

    async def move(self, request: models.TeamMove) -> models.TeamDone:
        """Moves a member, or consents to it. Signs."""

    async def leave(self, request: models.TeamLeave) -> models.TeamDone:
        """Leaves a team, or ends a membership. Signs."""


class Buybacks(Protocol):
    """Goods that members give back to the owner of a team."""

    async def goods(self, query: models.BuybackGoodsQuery) -> models.Page[models.BuybackGoods]:
        """What can be given back now."""

    async def ask(self, request: models.BuybackAsk) -> models.Page[models.Buyback]:
        """Asks for goods to be taken back, one request for each order. Signs."""

    async def list(self, query: models.BuybacksQuery) -> models.Page[models.Buyback]:
        """Requests, the newest first."""

    async def pay(self, request: models.BuybackPay) -> models.Buyback:
        """Says in the deal that it was paid back. Signs."""

    async def refuse(self, request: models.BuybackRefuse) -> models.Buyback:
        """Refuses, for a reason. Signs."""

    async def challenge(self, request: models.BuybackName) -> models.CreditChallenged:
        """Asks in public for what was not answered; Problem 4 before its time is over. Signs."""
