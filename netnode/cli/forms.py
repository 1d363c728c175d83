"""The fields of a listing as options and as a TOML file; the node checks their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click
import msgspec

from netnode.cli import pictures
from netnode.cli.frame import file_option
from netnode.market.forms import read_toml
from netnode.operations import models
from netnode.problems import ExitCode, Problem, disk_problem

Command = TypeVar("Command", bound=Callable[..., Any])
MAX_FORM: Final = 1024 * 1024  # bytes; a longer file is some other file


def upper(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Currency codes are written in capitals; people need not."""
    return value.strip().upper() if value is not None else None


_TAX: Final = {"rate": "tax", "title": "tax_title", "added": "tax_added", "shipping": "tax_shipping"}
EXAMPLE: Final = """\
key = "linen-shirt"
kind = "product"
title = "Linen shirt"
description = "Washed linen, cut wide."
price = "49.00"
currency = "EUR"
category = "Clothing > Shirts"
tags = ["linen", "summer"]
ships = true
tax = { rate = "19", title = "VAT", included = true, shipping = true }

[[images]]
url = "https://shop.example/front.jpg"    # or: file = "front.jpg"
alt = "From the front"

[[shipping]]
regions = ["DE", "AT"]                    # "*" is everywhere
price = "4.90"
days = [1, 3]

[[variants]]
options = { Size = "M" }
sku = "LS-M"

[[variants]]
options = { Size = "L" }
price = "52.00"
sku = "LS-L"
"""
_OPTIONS: Final = (
    file_option("--from", "source", metavar="FILE.toml", help="Take the fields from a file, as shown below."),
    click.option("--kind", type=click.Choice(get_args(models.Kind)), help="What is offered."),
    click.option("--title", metavar="TEXT", help="At most 150 characters."),
    click.option("--price", metavar="AMOUNT", help="As 12.50."),
    click.option("--currency", metavar="CUR", callback=upper, help="As USD or EUR."),
    click.option(
        "--per", metavar="PERIOD", help="For a price that is paid again: month, year or '3 months'."
    ),
    click.option("--sale", metavar="AMOUNT", help="A reduced price, beside --price."),
    click.option("--sale-from", metavar="DATE", help="First day of the reduced price."),
    click.option("--sale-until", metavar="DATE", help="Last day of the reduced price."),
    click.option("--tax", metavar="PERCENT", help="The tax on it, as 19 or 7.7; the price holds it."),
    click.option("--tax-title", metavar="TEXT", help="What that tax is called; else VAT."),
    click.option("--tax-added/--tax-included", default=None, help="Add the tax to the price."),
    click.option(
        "--tax-shipping/--no-tax-shipping", default=None, help="Whether shipping bears it too; else it does."
    ),
    click.option("--issuer", metavar="ID", help="For a price in credit: who issues it."),
    click.option("--unit", metavar="UNIT", help="For a price in credit: the unit it is counted in."),
    click.option("--points", metavar="N", help="Points of your plan, as 10 or 7.5."),
    click.option("--commission", metavar="PERCENT", help="What a referrer earns, as 15 or 12.5."),
    click.option("--summary", metavar="TEXT", help="One or two sentences."),
    click.option("--description", metavar="TEXT", help="The full text."),
    file_option("--description-file", help="The full text, in a file."),
    click.option(
        "--format", type=click.Choice(("plain", "markdown", "html")), help="How the full text is written."
    ),
    click.option("--category", metavar="TEXT", help="As 'Clothing > Shirts'."),
    click.option("--tag", "tags", multiple=True, metavar="TEXT", help="A word to find it by. Repeatable."),
    click.option("--brand", metavar="TEXT", help="Who makes it."),
    click.option("--sku", metavar="TEXT", help="Your article number."),
    click.option("--gtin", metavar="TEXT", help="The number under its bar code."),
    click.option("--mpn", metavar="TEXT", help="The maker's article number."),
    click.option(
        "--condition", type=click.Choice(("new", "refurbished", "used")), help="State of the goods."
    ),
    click.option(
        "--availability",
        type=click.Choice(("in_stock", "out_of_stock", "preorder", "backorder")),
        help="Whether it can be had; never a count, your stock stays private.",
    ),
    click.option(
        "--image",
        "images",
        multiple=True,
        metavar="FILE",
        help="A picture: PNG, JPEG, WebP or GIF, or the address of one. Repeatable.",
    ),
    click.option(
        "--image-alt",
        "image_alts",
        multiple=True,
        metavar="TEXT",
        help="What the picture shows, in words; the first text for the first picture. Repeatable.",
    ),
    click.option("--url", metavar="URL", help="Its page on the web."),
    click.option("--country", metavar="CC", callback=upper, help="Where it is, as DE."),
    click.option("--region", metavar="TEXT", help="Where in that country, roughly."),
    click.option("--ships/--no-ships", default=None, help="Whether it is shipped."),
    click.option(
        "--ship-to",
        "ship_to",
        multiple=True,
        metavar="REGION[=PRICE]",
        help="Where it is shipped and for how much, as DE=4.90; * is everywhere. Repeatable.",
    ),
    click.option("--weight", metavar="GRAMS", type=click.IntRange(0), help="As shipped."),
    click.option("--expires", metavar="DATE", help="Last day, as 2030-12-31."),
)


def form_options(command: Command) -> Command:
    """Adds the fields of a listing as options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def fields_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a listing form: those of the file, replaced by those of the options.

    Raises:
        Problem: a file that cannot be read, is not TOML or not UTF-8.
    """
    given = {name: value for name, value in given.items() if value is not None and value != ()}
    source: Path | None = given.pop("source", None)
    fields = pictures.located(_read_form(source), source) if source is not None else {}
    text: Path | None = given.pop("description_file", None)
    if text is not None:
        fields["description"] = _read_text(text)
    tax = _tax(given)
    if tax:
        known = fields.get("tax")
        fields["tax"] = {**(known if isinstance(known, dict) else {}), **tax}
    area = {name: given.pop(name) for name in ("country", "region") if name in given}
    if area:
        known = fields.get("area")
        fields["area"] = {**(known if isinstance(known, dict) else {}), **area}
    if "ship_to" in given:
        fields["shipping"] = [_rate(text) for text in given.pop("ship_to")]
    images, alts = given.pop("images", ()), given.pop("image_alts", ())
    if images or alts:
        fields["images"] = pictures.from_options(images, alts)
    if "tags" in given:
        fields["tags"] = list(given.pop("tags"))
    return {**fields, **given}


def _tax(given: dict[str, Any]) -> dict[str, Any]:
    """The table of the tax, taken from the options."""
    tax = {name: given.pop(option) for name, option in _TAX.items() if option in given}
    if "added" in tax:
        tax["included"] = not tax.pop("added")
    return tax


def _rate(text: str) -> dict[str, Any]:
    region, separator, price = text.partition("=")
    rate: dict[str, Any] = {"regions": [region.strip()]}
    if separator:
        rate["price"] = price.strip()
    return rate


def _read_form(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(read_toml(_read(path), str(path)))  # dates become ISO text
    return found


def _read_text(path: Path) -> str:
    data = _read(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        text = f"{path}, line {line}: not UTF-8 text. Save the file as UTF-8."
        raise Problem(text, ExitCode.USAGE, "form") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FORM + 1)
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if len(data) > MAX_FORM:
        raise Problem(f"{path} is larger than 1 MiB. Is it the file you meant?", ExitCode.USAGE, "form")
    return data
