"""What speaks against an issuer: shown beside its credit and its listings."""

from msgspec import Struct


class DisputedCredit(Struct, frozen=True, kw_only=True):
    """What a rotation disowned and its holders did not release."""

    unit: str
    amount: str
    holders: int


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
