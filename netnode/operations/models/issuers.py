"""What speaks against an issuer: shown beside its credit and its listings."""

from typing import Literal

from msgspec import Struct


class DisputedCredit(Struct, frozen=True, kw_only=True):
    """What a rotation disowned and its holders did not release; `mine`: of it the holder's who is looked at."""

    unit: str
    amount: str
    holders: int
    mine: str = "0"


class IssuerStanding(Struct, frozen=True, kw_only=True):
    """What speaks against an issuer as far as this node knows; shown beside its credit and its listings.

    `exposed`: it forked its log, there is a proof. `suspected`: a challenge was not answered in 14 days.
    """

    exposed: bool
    suspected: bool
    overdue: int
    open: int
    refused: list[str]
    disputed: list[DisputedCredit]


class CreditNotice(Struct, frozen=True, kw_only=True):
    """Something stands against an issuer whose credit the owner has; `since`: ms UTC, when this node noticed.

    `unknown`: something of its log is missing here or not understood, so what it owes cannot be told whole.
    """

    issuer: str
    name: str
    what: Literal["disputed", "exposed", "suspected", "unknown"]
    since: int
