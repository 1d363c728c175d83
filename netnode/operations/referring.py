"""What operations need of recommendations and alliances: narrow ports, as in `operations.services`."""

from __future__ import annotations

from typing import Protocol

from netnode.operations import models


class Referrals(Protocol):
    """Links, codes, and what came of them."""

    async def make(self, request: models.ReferralMake) -> models.ReferralShown:
        """Recommends a listing, or a seller. Signs."""

    async def forward(self, request: models.ReferralForward) -> models.ReferralShown:
        """Passes a recommendation on; Problem 2 for a mistyped link. Signs."""

    async def show(self, request: models.ReferralChoice) -> models.ReferralShown:
        """What a link, code or id says; Problem 2 for a mistyped link, 3 for an unknown name."""

    async def list(self, query: models.ReferralsQuery) -> models.Page[models.ReferralShown]:
        """Recommendations, the newest first."""

    async def orders(self, query: models.ReferralOrders) -> models.Page[models.ReferralOrder]:
        """Deals that the owner brought about, the newest first."""

    async def policy(self, query: models.AttributionQuery) -> models.AttributionShown:
        """How a seller attributes orders."""

    async def set_policy(self, request: models.AttributionSet) -> models.AttributionShown:
        """Changes the own policy. Signs."""


class Alliances(Protocol):
    """Agreements with other networkers."""

    async def propose(self, request: models.AlliancePropose) -> models.AllianceShown:
        """Signs a proposal and sends it. Signs."""

    async def accept(self, name: str) -> models.AllianceShown:
        """Signs and publishes what another proposed; Problem 3 for an unknown one. Signs."""

    async def end(self, name: str) -> models.AllianceShown:
        """Ends one by its notice. Signs."""

    async def show(self, name: str) -> models.AllianceShown:
        """One of them."""

    async def list(self, query: models.AlliancesQuery) -> models.Page[models.AllianceShown]:
        """All, the newest first."""
