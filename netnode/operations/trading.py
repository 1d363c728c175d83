"""What operations on deals, offers and stock need from a node; as `netnode.operations.services`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from netnode.operations import models


class Deals(Protocol):
    """Deals; every move is durable when its method returns, and Problem 4 with its code when it has no effect."""

    async def order(self, request: models.DealOrder) -> models.DealState:
        """Orders a listing or what an offer quotes; Problem 3 when it is not here. Signs."""

    async def accept(self, request: models.DealAccept) -> models.DealState:
        """Accepts an order; Problem 4 when it is not what is offered, or too few pieces are left. Signs."""

    async def decline(self, request: models.DealEnd) -> models.DealState:
        """Declines an order. Signs."""

    async def cancel(self, request: models.DealEnd) -> models.DealState:
        """Ends what is open. Signs."""

    async def paid(self, request: models.DealMoney) -> models.DealState:
        """Says that a payment was sent. Signs."""

    async def received(self, request: models.DealMoney) -> models.DealState:
        """Confirms a payment. Signs."""

    async def fulfil(self, request: models.DealFulfil) -> models.DealState:
        """Delivers a part. Signs."""

    async def receipt(self, request: models.DealPartName) -> models.DealState:
        """Confirms a part. Signs."""

    async def refund(self, request: models.DealMoney) -> models.DealState:
        """Says that money was paid back. Signs."""

    async def refunded(self, request: models.DealMoney) -> models.DealState:
        """Confirms a refund. Signs."""

    async def dispute(self, request: models.DealDispute) -> models.DealState:
        """Opens a dispute. Signs."""

    async def rule(self, request: models.DealRuling) -> models.DealState:
        """Rules on a dispute. Signs."""

    async def lapse(self, request: models.DealLapse) -> models.DealState:
        """Ends what did not come in time. Signs."""

    async def presume(self, request: models.DealPresume) -> models.DealState:
        """Presumes what was not confirmed in time. Signs."""

    async def ask(self, request: models.DealAsk) -> models.DealState:
        """Asks the other side for everything of a deal, or waits for the answer no longer."""

    async def show(self, name: str) -> models.DealShown:
        """A deal with its whole history; Problem 3 for an unknown one."""

    async def list(self, query: models.DealsQuery) -> models.Page[models.DealItem]:
        """Deals, those that wait for the owner first, the most urgent at first."""

    def content(self, request: models.DealContent) -> AsyncIterator[bytes]:
        """The file that was delivered; Problem 3 when none was."""

    def export(self, name: str) -> AsyncIterator[bytes]:
        """A deal as a file that proves itself."""


class Offers(Protocol):
    """Offers made here, and those of others."""

    async def make(self, request: models.OfferMake) -> models.OfferItem:
        """Signs an offer; one to a named buyer leaves at once. Signs."""

    async def list(self, query: models.Listed) -> models.Page[models.OfferItem]:
        """Offers, the newest first."""

    async def show(self, name: str) -> models.OfferShown:
        """One offer in full; Problem 3 for an unknown one."""

    async def end(self, name: str) -> models.OfferItem:
        """Takes an own offer back; Problem 4 for one of another."""


class Stocks(Protocol):
    """The private stock of own listings."""

    async def show(self, key: str) -> models.Stock:
        """The counters of a listing; Problem 3 for an unknown one."""

    async def change(self, request: models.StockChange) -> models.Stock:
        """Sets a counter, or whether orders are accepted by themselves."""
