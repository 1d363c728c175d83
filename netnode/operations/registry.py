"""The one table of operations; routes, OpenAPI, the client and the command line are driven by it."""

from __future__ import annotations

from typing import Any, Final

from netnode.operations import (
    addresses,
    arbiters,
    backups,
    blobs,
    buybacks,
    credits,
    deals,
    doctor,
    keys,
    ledgers,
    listings,
    logs,
    mail,
    node,
    own,
    peers,
    reach,
    referrals,
    reviews,
    room,
    subscriptions,
    swaps,
    teams,
    witnesses,
)
from netnode.operations.operation import Download, Operation, Upload

AnyOperation = Operation[Any, Any] | Upload[Any, Any] | Download[Any]

OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    *node.OPERATIONS,
    *listings.OPERATIONS,
    *peers.OPERATIONS,
    *addresses.OPERATIONS,
    *reach.OPERATIONS,
    *logs.OPERATIONS,
    *own.OPERATIONS,
    *keys.OPERATIONS,
    *blobs.OPERATIONS,
    *backups.OPERATIONS,
    *doctor.OPERATIONS,
    *room.OPERATIONS,
    *mail.OPERATIONS,
    *deals.OPERATIONS,
    *subscriptions.OPERATIONS,
    *witnesses.OPERATIONS,
    *reviews.OPERATIONS,
    *arbiters.OPERATIONS,
    *teams.OPERATIONS,
    *buybacks.OPERATIONS,
    *swaps.OPERATIONS,
    *referrals.OPERATIONS,
    *ledgers.OPERATIONS,
    *credits.OPERATIONS,
)
