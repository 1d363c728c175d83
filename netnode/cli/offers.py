"""Commands on offers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from netnode.cli import output
from netnode.cli.deal_views import deal_id, show_lines
from netnode.cli.forms import upper
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.deals import OFFER_END, OFFER_MAKE, OFFER_SHOW, OFFERS
from netnode.problems import ExitCode, Problem

_LINE: Final = re.compile(r"\s*(?:([0-9]{1,7})\s*[xX*]\s+)?(.+?)\s*(?:@|=)\s*([0-9]+(?:\.[0-9]+)?)\s*")
_PART: Final = re.compile(
    r"\s*(.+?)\s*(?:@|=)\s*([0-9]+(?:\.[0-9]+)?)\s*(?:/\s*([0-9]{1,3})\s*(?:d|days?)?)?\s*"
)
_TAX: Final = re.compile(r"\s*([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%?\s*(.*)")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


@click.group(cls=NodeGroup)
def offer() -> None:
    """Offers that bind you: a price for one buyer, for the first so many, or a discount by a code."""


@offer.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode offer make cap --qty 50 --price 9.90 --to nx1...     fifty caps at 9.90 each, for one buyer",
        "netnode offer make --off 10% --code SUMMER --only cap --expires 30d",
        "netnode offer make --off 5.00 --currency EUR --least 40.00 --count 100",
        'netnode offer make --line "2 x Workshop @ 400.00" --currency EUR --tax "19% VAT" --to nx1...',
        'netnode offer make --part "Draft @ 300.00 / 14d" --part "Text @ 700.00 / 30d" --currency EUR --to nx1...',
    ),
)
@click.argument("key", required=False)
@click.option("--variant", metavar="TEXT", help="Which variant of the listing.")
@click.option("--qty", "quantity", type=click.IntRange(1), default=1, show_default=True, help="How many.")
@click.option("--price", metavar="AMOUNT", help="Of one piece; without it that of the listing.")
@click.option(
    "--line",
    "lines",
    multiple=True,
    metavar="TEXT",
    help="Goods of no listing: '2 x TITLE @ PRICE'. Repeatable.",
)
@click.option(
    "--part", "parts", multiple=True, metavar="TEXT", help="A milestone: 'TITLE @ PRICE / DAYS'. Repeatable."
)
@click.option("--tax", metavar="TEXT", help="As '19% VAT': the tax that is in the prices.")
@click.option("--tax-added", is_flag=True, help="The tax comes on top of the prices.")
@click.option("--shipping", metavar="AMOUNT", help="What shipping costs.")
@click.option("--currency", metavar="CUR", callback=upper, help="As EUR.")
@click.option("--off", metavar="AMOUNT|PERCENT", help="A discount: 5.00 or 10%.")
@click.option("--least", metavar="AMOUNT", help="A discount only where the goods cost this at least.")
@click.option("--only", multiple=True, metavar="KEY", help="The discount is for this listing. Repeatable.")
@click.option("--title", metavar="TEXT", help="What the buyer reads.")
@click.option("--to", metavar="ID", help="For this networker alone; their order is the contract.")
@click.option("--code", metavar="CODE", help="By which others get it; without it, one is made.")
@click.option("--count", type=click.IntRange(1, 1_000_000), help="For so many orders.")
@click.option("--arbiter", metavar="ID", help="Who rules when you disagree; you need their consent.")
@click.option("--expires", default="14d", show_default=True, metavar="TIME", help="12h, 14d or 4w.")
@passphrase_option
@click.pass_context
def make(
    context: click.Context,
    /,
    lines: tuple[str, ...],
    parts: tuple[str, ...],
    tax: str | None,
    tax_added: bool,
    off: str | None,
    only: tuple[str, ...],
    expires: str,
    passphrase_file: Path | None,
    **given: Any,
) -> None:
    """Sign an offer: of your listing KEY, of other goods or milestones, or a discount."""
    run = invocation(context)
    if lines and parts:
        raise Problem("Give --line or --part, not both.", ExitCode.USAGE, "usage")
    percent = off.strip().removesuffix("%").strip() if off is not None and off.strip().endswith("%") else None
    request = models.OfferMake(
        lines=[_line(each) for each in lines]
        or [_part(number, each) for number, each in enumerate(parts, 1)],
        tax=None if tax is None else _tax(tax, included=not tax_added),
        off=None if percent is not None else off,
        percent=percent,
        only=list(only),
        expires_in=seconds_of(expires),
        **given,
    )
    made = call(run, OFFER_MAKE, request, passphrase_file)
    output.emit(run, made, _show_made)


def _show_made(made: models.OfferItem) -> None:
    rows = [
        ("offer", deal_id(made.offer)),
        ("for", made.title),
        ("until", f"{output.when(made.expires)} UTC"),
    ]
    if isinstance(made.price, models.Price):
        rows.append(("price", output.price_text(made.price)))
    if isinstance(made.code, str):
        rows.append(("code", made.code))
    output.pairs(rows)
    if made.buyer is not None:
        output.hint("It is on its way to the buyer, whose order on it is the contract.")
    elif isinstance(made.code, str):
        ref = "REF" if made.kind == "discount" else made.seller.id
        output.hint(f"Whoever has the code orders with: netnode deal order {ref} --code {made.code}")


@offer.command(cls=NodeCommand, name="ls", epilog=examples("netnode offer ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the offers you made and those made to you, the newest first."""
    run = invocation(context)
    output.emit(run, call(run, OFFERS, models.Listed(limit=limit, cursor=cursor)), _show_offers)


def _show_offers(page: models.Page[models.OfferItem]) -> None:
    if not page.items:
        output.say("No offers yet. Make one with: netnode offer make --help")
        return
    rows = [
        (
            deal_id(one.offer),
            one.title,
            _worth(one),
            one.state,
            output.when(one.expires),
            _whom(one),
            f"{one.taken} of {one.count}" if isinstance(one.count, int) else str(one.taken or ""),
        )
        for one in page.items
    ]
    output.table(("offer", "what", "price", "state", "until (UTC)", "who", "taken"), rows, right=(2,))
    output.more(page.next)


def _worth(one: models.OfferItem) -> str:
    if isinstance(one.price, models.Price):
        return output.price_text(one.price)
    if isinstance(one.off, models.Price):
        return f"-{output.price_text(one.off)}"
    return f"-{one.percent} %" if isinstance(one.percent, str) else ""


def _whom(one: models.OfferItem) -> str:
    if not one.own:
        return f"from {one.seller.name or output.short(one.seller.id)}"
    if one.buyer is not None:
        return f"to {one.buyer.name or output.short(one.buyer.id)}"
    return f"code {one.code}"


@offer.command(cls=NodeCommand, epilog=examples("netnode offer show 7b1e09"))
@click.argument("offer")
@click.pass_context
def show(context: click.Context, offer: str) -> None:
    """Show OFFER with its goods."""
    run = invocation(context)
    output.emit(run, call(run, OFFER_SHOW, models.OfferName(offer)), _show_one)


def _show_one(found: models.OfferShown) -> None:
    one = found.offer
    rows = [
        ("offer", one.offer),
        ("what", one.title),
        ("state", one.state),
        ("who", _whom(one)),
        ("until", f"{output.when(one.expires)} UTC"),
    ]
    if isinstance(one.least, models.Price):
        rows.append(("from", output.price_text(one.least)))
    if isinstance(one.only, list):
        rows.append(("only for", ", ".join(one.only)))
    if not isinstance(one.price, models.Price):
        rows.append(("discount", _worth(one).removeprefix("-")))
    output.pairs(rows)
    if isinstance(one.price, models.Price):
        output.say("")
        shipping = None
        if isinstance(found.shipping, models.Price):
            shipping = models.DealLine(title="as offered", amount=found.shipping)
        show_lines(found.lines, [], found.taxes, shipping, one.price)
        output.say("")
        for number, within in enumerate(found.fulfil_by, 1):
            which = f" of part {number}" if len(found.fulfil_by) > 1 else ""
            output.say(f"Delivery{which}: within {_days(within)} of the contract or the payment.")
    if not one.own and one.state == "open":
        output.hint(f"To take it: netnode deal order --offer {deal_id(one.offer)}")


@offer.command(cls=NodeCommand, epilog=examples("netnode offer end 7b1e09"))
@click.argument("offer")
@click.pass_context
def end(context: click.Context, offer: str) -> None:
    """Take OFFER back: its code gives nothing any more. Who has it can still order, and you decide."""
    run = invocation(context)
    ended = call(run, OFFER_END, models.OfferName(offer))
    output.emit(run, ended, lambda one: output.say(f"The offer {deal_id(one.offer)} is taken back."))


def _days(span: int) -> str:
    """A span in ms as whole days, none cut short."""
    return output.counted(-(-span // (1000 * _UNITS["d"])), "day")


def _line(text: str) -> models.OfferLine:
    found = _LINE.fullmatch(text)
    if found is None:
        raise Problem(
            f"--line {text!r}: write how many, what, and the price of one: '2 x Workshop @ 400.00'.",
            ExitCode.USAGE,
            "usage",
        )
    return models.OfferLine(title=found[2], unit_price=found[3], quantity=int(found[1] or 1))


def _part(number: int, text: str) -> models.OfferLine:
    found = _PART.fullmatch(text)
    if found is None:
        raise Problem(
            f"--part {text!r}: write what, its price, and in how many days: 'First draft @ 300.00 / 14d'.",
            ExitCode.USAGE,
            "usage",
        )
    days = None if found[3] is None else int(found[3])
    return models.OfferLine(title=found[1], unit_price=found[2], part=number, days=days)


def _tax(text: str, *, included: bool) -> models.OfferTax:
    found = _TAX.fullmatch(text)
    if found is None:
        raise Problem(f"--tax {text!r}: write its rate and name, as '19% VAT'.", ExitCode.USAGE, "usage")
    whole, _, fraction = found[1].partition(".")
    rate = int(whole) * 100 + int(fraction.ljust(2, "0"))
    return models.OfferTax(rate=rate, title=found[2].strip() or f"Tax {found[1]} %", included=included)


def seconds_of(text: str) -> int:
    """A time as people type it, in seconds.

    Raises:
        Problem: it is none from a minute to 400 days (2).
    """
    match = re.fullmatch(r"([0-9]{1,5})([mhdw])", text.strip().lower())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 60 <= seconds <= 400 * 86_400:
        raise Problem(
            f"--expires {text!r}: write a time from a minute to 400 days, as 12h, 14d or 4w.",
            ExitCode.USAGE,
            "usage",
        )
    return seconds
