"""The terms of deals as the settings say them: those of own orders and offers, and which of others' suit."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from netnode.settings import Settings
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Terms
from protocol.deals.enclosures import Method

_STEPS: Final = ("accept", "pay", "fulfil", "confirm", "dispute", "ruling")
_FIELDS: Final = {"dispute": "dispute_until"}


def terms_of(
    settings: Settings, arbiter: bytes | UnsetType = UNSET, consent: bytes | UnsetType = UNSET
) -> Terms:
    """The terms of an own order or offer.

    Args:
        settings: of this node.
        arbiter: networker id of who rules a dispute.
        consent: signed by the arbiter.
    """
    days = {_field(step): getattr(settings, f"{step}_days") * DAY_MS for step in _STEPS}
    return Terms(**days, arbiter=arbiter, consent=consent)


def differences(terms: Terms, settings: Settings) -> list[str]:
    """How an order's terms are worse for its seller than the settings ask, in sentences; none when they suit."""
    found: list[str] = []
    for step, what in (
        ("pay", "to pay"),
        ("confirm", "until an unconfirmed delivery may be presumed"),
        ("dispute", "for disputes after the receipt"),
    ):
        given, asked = getattr(terms, _field(step)), getattr(settings, f"{step}_days") * DAY_MS
        if given > asked:
            found.append(f"the order leaves {_days(given)} {what}, you ask for at most {_days(asked)}")
    asked = settings.fulfil_days * DAY_MS
    if terms.fulfil_by < asked:
        found.append(f"the order leaves {_days(terms.fulfil_by)} to deliver, you ask for {_days(asked)}")
    return found


def methods_of(settings: Settings) -> tuple[Method, ...]:
    """The ways to pay that the buyer of an accepted order is told."""
    pairs = (each.partition("=") for each in settings.payment)
    return tuple(Method(label=label.strip(), uri=uri.strip()) for label, _, uri in pairs)


def _field(step: str) -> str:
    return _FIELDS.get(step, f"{step}_by")


def _days(milliseconds: int) -> str:
    days = milliseconds / DAY_MS
    return f"{days:.0f} day{'' if days == 1 else 's'}" if days >= 1 else "less than a day"
