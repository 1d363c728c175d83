"""What operations on credit need of the services."""

from __future__ import annotations

from typing import Protocol

from netnode.operations import models


class Ledgers(Protocol):
    """What the logs held here say their authors owe; nothing here changes anything."""

    async def balance(self, query: models.CreditQuery) -> models.CreditBalance:
        """What a holder has of an issuer; Problem 3 where nothing of the log is held."""

    async def list(self, query: models.CreditsQuery) -> models.Page[models.CreditIssuer]:
        """Issuers whose credit the owner has, with what promoters want to know."""

    async def statement(self, query: models.StatementQuery) -> models.CreditStatement:
        """The lines of a period; Problem 2 where the unit has to be named."""

    async def audit(self, issuer: str) -> models.CreditAudit:
        """What a log comes to; names the first wrong entry."""

    async def explain(self, query: models.CreditExplain) -> models.CreditExplained:
        """The awards of a sale in words; Problem 3 where no such sale is held."""

    async def explain_award(self, query: models.AwardExplain) -> models.AwardExplained:
        """What a holder was awarded for a closed period, in words; Problem 3 where that is nothing or not closed."""

    async def period(self, query: models.PeriodQuery) -> models.PeriodOpen:
        """The open period of a team; Problem 3 without a plan."""

    async def replay(self, request: models.PlanReplay) -> models.PlanReplayed:
        """What a plan would have paid a team's members; Problem 2 for a plan that is wrong, 3 without one in force."""


class Swaps(Protocol):
    """Swaps of two issuers' credits, and what is disputed after a rotation of an issuer."""

    async def propose(self, request: models.SwapPropose) -> models.CreditSwap:
        """Proposes; Problem 4 `not_confirmed` with what signing means, before it was confirmed."""

    async def accept(self, request: models.SwapAccept) -> models.CreditSwap:
        """Signs a proposal; as `propose`."""

    async def decline(self, request: models.SwapDecline) -> models.CreditSwap:
        """Declines or withdraws a proposal; Problem 4 once it is signed."""

    async def list(self, query: models.SwapsQuery) -> models.Page[models.CreditSwap]:
        """Swaps, the newest first."""

    async def show(self, name: str) -> models.CreditSwap:
        """One swap; Problem 3."""

    async def release(self, request: models.CreditRelease) -> models.CreditReleased:
        """Lets go of what is disputed; Problem 4 where nothing is."""


class Credits(Protocol):
    """What the owner asks of issuers as a holder, and publishes as one."""

    async def transfer(self, request: models.CreditTransfer) -> models.CreditRequest:
        """Asks for a transfer. Signs; Problem 4 `not_covered`."""

    async def redeem(self, request: models.CreditMove) -> models.CreditRequest:
        """Asks for a redemption; as `transfer`."""

    async def payout(self, request: models.CreditPayout) -> models.CreditRequest:
        """Says that credit was paid out; as `transfer`, and Problem 4 before it was confirmed."""

    async def accept(self, request: models.CreditAcceptance) -> models.CreditLimit:
        """Says how much the owner is willing to hold. Signs."""

    async def limits(self, query: models.Listed) -> models.Page[models.CreditLimit]:
        """What the owner is willing to hold."""

    async def requests(self, query: models.CreditRequestsQuery) -> models.Page[models.CreditRequest]:
        """Requests, the newest first."""

    async def challenge(self, request: models.CreditChallenge) -> models.CreditChallenged:
        """Challenges an issuer. Signs; Problem 3 for an unknown request or order."""

    async def sales(self, query: models.CreditSalesQuery) -> models.Page[models.CreditSale]:
        """Own deals that are not in the own ledger."""

    async def publish(self, request: models.PlanPublish) -> models.PlanPublished:
        """Publishes a plan. Signs; Problem 4 with the findings where the rules refuse it."""

    async def preview(self, request: models.PeriodChoice) -> models.PeriodClosed:
        """What a close would publish; Problem 3 without a plan."""

    async def close(self, request: models.PeriodChoice) -> models.PeriodClosed:
        """Closes a period. Signs; Problem 4 while it is not over."""
