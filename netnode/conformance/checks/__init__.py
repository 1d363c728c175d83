"""The checks by subject; each module has a tuple `CHECKS`, and `ALL` is all of them in order of id."""

from __future__ import annotations

from typing import Final

from netnode.conformance.checking import Check
from netnode.conformance.checks import (
    beside,
    branches,
    credits,
    deals,
    extras,
    floods,
    garbage,
    greeting,
    handshake,
    identities,
    ledgers,
    letters,
    links,
    logs,
    mailboxes,
    market,
    openers,
    pages,
    pulling,
    questions,
    relaying,
    sales,
    serving,
    shops,
    stalls,
)

ALL: Final[tuple[Check, ...]] = tuple(
    sorted(
        (
            check
            for module in (
                links,
                handshake,
                identities,
                greeting,
                questions,
                extras,
                market,
                pages,
                serving,
                logs,
                openers,
                branches,
                beside,
                pulling,
                relaying,
                garbage,
                stalls,
                floods,
                letters,
                mailboxes,
                ledgers,
                credits,
                deals,
                sales,
                shops,
            )
            for check in module.CHECKS
        ),
        key=lambda check: check.order,
    )
)
"""Every check that needs a node."""
