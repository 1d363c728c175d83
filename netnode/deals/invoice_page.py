"""An invoice as one HTML file that needs nothing else: for a browser, for print, for a mail."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import UNSET

from netnode.deals.invoice import Document
from netnode.market.money import show
from protocol.deals.periods import DAY, date_of

_HEADINGS: Final = {"invoice": "Invoice", "credit_note": "Credit note"}


def page(document: Document) -> str:
    """The HTML of an invoice or credit note; no scripts, and nothing is fetched.

    Args:
        document: as it was made.
    """
    environment = Environment(
        loader=PackageLoader("netnode.deals"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    currency = document.money.currency
    unit = document.money.unit if currency is UNSET else currency

    def money(amount: int) -> str:
        return str(amount) if currency is UNSET else show(amount, currency)

    environment.filters.update({"date": date_text, "money": money, "percent": percent_text})
    titles = ["" for _ in document.parts]
    for line in document.lines:
        if line.part < len(titles) and not titles[line.part]:
            titles[line.part] = line.title
    found: str = environment.get_template("invoice.html").render(
        document=document, heading=_HEADINGS[document.kind], titles=titles, unit=unit
    )
    return found


def date_text(moment: int) -> str:
    """The day of a moment in UTC, as 2026-01-31."""
    year, month, day = date_of(moment // DAY)
    return f"{year:04}-{month:02}-{day:02}"


def percent_text(points: int) -> str:
    """Basis points as 19 % or 7.7 %."""
    whole, fraction = divmod(points, 100)
    return f"{whole}.{fraction:02}".rstrip("0").rstrip(".") + " %" if fraction else f"{whole} %"
