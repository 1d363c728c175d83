"""Commands on listings, and search."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args

import click
from msgspec import UnsetType

from netnode.cli import output
from netnode.cli.credits import badges, warn
from netnode.cli.forms import EXAMPLE, fields_of, form_options, upper
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
    verbatim,
)
from netnode.cli.opportunities import show_beside
from netnode.cli.pictures import publish
from netnode.cli.reach import call, send_file, use
from netnode.cli.receiving import Received
from netnode.cli.reviews import rating_rows
from netnode.cli.saving import save
from netnode.operations import models
from netnode.operations.calling import Caller
from netnode.operations.listings import (
    LISTING_ADD,
    LISTING_EDIT,
    LISTING_EXPORT,
    LISTING_IMPORT,
    LISTING_SHOW,
    LISTING_WITHDRAW,
    LISTINGS,
    SEARCH,
)
from netnode.problems import ExitCode, Problem

EXPORTS: Final = "shopify, woocommerce, google (TSV; RSS for a FILE.xml), schemaorg or nostr"
KINDS: Final = get_args(models.Kind)


@click.group(cls=NodeGroup)
def listing() -> None:
    """Offer things to the market, and keep them up to date."""


@listing.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode listing add --key cap --kind product --title "Blue cap" --price 12.50 --currency EUR',
        'netnode listing add --key coaching --kind service --title "Coaching" --price 99 --currency EUR --per month',
        'netnode listing add --key van --kind want-ad --title "Wanted: a van" --country DE',
        "netnode listing add --from linen-shirt.toml",
    )
    + "\n\nA file holds the same fields, with tables for what an option cannot say:\n\n"
    + verbatim(EXAMPLE),
)
@form_options
@click.option("--key", metavar="KEY", help="Your own name for it, kept over edits.")
@passphrase_option
@click.pass_context
def add(context: click.Context, /, key: str | None, passphrase_file: Path | None, **given: Any) -> None:
    """Publish a new listing from options, from a TOML file, or both (options win)."""
    run = invocation(context)
    fields = fields_of(given)
    if key is not None:
        fields["key"] = key.strip()
    for name in ("key", "kind", "title"):
        if name not in fields:
            text = f"A listing needs a {name}. Give it with --{name}, or in a file with --from FILE.toml."
            raise Problem(text, ExitCode.USAGE, "usage", {"field": name})
    published = publish(run, LISTING_ADD, fields, models.ListingAdd, passphrase_file)
    output.emit(run, published, lambda answer: output.say(f"Published {answer.key} as {answer.ref}"))


@listing.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode listing edit cap --price 9.90",
        "netnode listing edit cap --availability out_of_stock --clear sale",
    ),
)
@click.argument("key")
@form_options
@click.option("--clear", multiple=True, metavar="FIELD", help="Take a field away. Repeatable.")
@passphrase_option
@click.pass_context
def edit(
    context: click.Context, /, key: str, clear: tuple[str, ...], passphrase_file: Path | None, **given: Any
) -> None:
    """Publish the next version of the listing KEY with some fields changed."""
    run = invocation(context)
    fields = fields_of(given)
    if fields.pop("key", key) != key:
        text = f"The file is about another key than {key}. A key never changes; add a new listing instead."
        raise Problem(text, ExitCode.USAGE, "usage")
    if not fields and not clear:
        raise Problem("Nothing to change. Name a field, as --title or --price.", ExitCode.USAGE, "usage")

    def change(ready: dict[str, Any]) -> models.ListingEdit:
        return models.ListingEdit(key=key, fields=ready, clear=list(clear))

    published = publish(run, LISTING_EDIT, fields, change, passphrase_file)
    output.emit(run, published, lambda answer: output.say(f"Published the next version of {answer.key}"))


@listing.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode listing withdraw brass-lamp",
    ),
)
@click.argument("key")
@passphrase_option
@click.pass_context
def withdraw(context: click.Context, key: str, passphrase_file: Path | None) -> None:
    """Take the listing KEY from the market."""
    run = invocation(context)
    published = call(run, LISTING_WITHDRAW, models.ListingKey(key), passphrase_file)
    output.emit(run, published, lambda answer: output.say(f"Withdrew {answer.key}"))


@listing.command(
    cls=NodeCommand,
    name="ls",
    epilog=examples("netnode listing ls", "netnode listing ls --all     withdrawn and expired ones too"),
)
@click.option("--all", "everything", is_flag=True, help="Also withdrawn and expired listings.")
@page_options
@click.pass_context
def list_(context: click.Context, everything: bool, limit: int, cursor: str | None) -> None:
    """List your own listings."""
    run = invocation(context)
    page = call(run, LISTINGS, models.ListingsQuery(all=everything, limit=limit, cursor=cursor))
    output.emit(run, page, _show_own)


def _show_own(page: models.Page[models.ListingSummary]) -> None:
    if not page.items:
        output.say("No listings yet. Add one with: netnode listing add --help")
        return
    rows = [
        (
            item.key,
            item.title,
            item.kind,
            output.price_text(item.price, item.sale),
            output.counted(len(item.variants), "variant") if item.variants else "",
            _state(item),
        )
        for item in page.items
    ]
    output.table(("key", "title", "kind", "price", "variants", ""), rows, right=(3,))
    output.more(page.next)


def _state(item: models.ListingSummary) -> str:
    if item.withdrawn is True:
        return "withdrawn"
    return f"until {output.when(item.expires)[:10]}" if isinstance(item.expires, int) else ""


@listing.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode listing show brass-lamp           your own",
        "netnode listing show nx1.../brass-lamp    as a search prints it",
    ),
)
@click.argument("key")
@click.pass_context
def show(context: click.Context, key: str) -> None:
    """Show a listing: KEY of your own, or SELLER/KEY as search gives it."""
    run = invocation(context)
    output.emit(run, call(run, LISTING_SHOW, models.ListingRef(key)), _show_one)


def _show_one(found: models.Listing) -> None:
    rows = [
        ("title", found.title),
        ("ref", found.ref),
        ("seller", f"{found.seller_name} ({found.seller})"),
        ("kind", found.kind),
        ("price", output.price_text(found.price, found.sale)),
        ("published", f"{output.when(found.time)} UTC, entry {found.entry}"),
    ]
    if found.withdrawn is True:
        rows.append(("state", "withdrawn"))
    rows += rating_rows(found.ratings)
    shown = {"title", "key", "kind", "price", "currency", "per", "variants", "description"}
    rows += [
        (name.replace("_", " "), _field(name, value))
        for name, value in found.fields.items()
        if name not in shown
    ]
    output.pairs(rows)
    if found.standing is not None:
        warn(found.standing)
    _show_variants(found)
    if found.fields.get("description"):
        output.say("", str(found.fields["description"]))
    show_beside(found.plan)


def _show_variants(found: models.Listing) -> None:
    if found.variants:
        output.say("")
        variants = [
            (
                ", ".join(f"{name}: {value}" for name, value in one.options.items()),
                output.price_text(one.price or found.price, one.sale),
                one.sku if isinstance(one.sku, str) else "",
                one.availability if isinstance(one.availability, str) else "",
            )
            for one in found.variants
        ]
        output.table(("variant", "price", "sku", "availability"), variants, right=(1,))


def _field(name: str, value: Any) -> str:
    """One field of a form in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in ("expires", "sale_from", "sale_until"):
        return f"{str(value)[:16].replace('T', ' ')} UTC"
    if isinstance(value, list):
        return ("; " if name in ("images", "shipping") else ", ").join(
            _field(name[:-1], one) for one in value
        )
    if isinstance(value, dict):
        if name == "tax":
            return _tax(value)
        return _rate(value) if "regions" in value else " ".join(str(member) for member in value.values())
    return str(value)


def _tax(tax: dict[str, Any]) -> str:
    """A tax: `19 % VAT, included, also in shipping`."""
    way, shipping = ("included", "in") if tax["included"] else ("added", "to")
    return f"{tax['rate']} % {tax['title']}, {way}" + (
        f", also {shipping} shipping" if tax["shipping"] else ""
    )


def _rate(rate: dict[str, Any]) -> str:
    """A shipping rate: `DE, AT: 4.90 (Post, 1-3 days)`."""
    price = rate.get("price", "price on request")
    amount = " ".join(str(part) for part in price.values()) if isinstance(price, dict) else str(price)
    days = [f"{rate['days'][0]}-{rate['days'][1]} days"] if "days" in rate else []
    more = [*([rate["label"]] if "label" in rate else []), *days]
    return f"{', '.join(rate['regions'])}: {amount}" + (f" ({', '.join(more)})" if more else "")


def feed_options(command: Callable[..., None]) -> Callable[..., None]:
    """How a feed is read: `form`, `currency`, `whole` and `fetch_images`."""
    for option in (
        click.option(
            "--fetch-images",
            is_flag=True,
            help="Fetch the pictures that FILE names by address, and serve them yourself.",
        ),
        click.option(
            "--whole",
            is_flag=True,
            help="FILE is all you offer: withdraw your listings that it does not have.",
        ),
        click.option("--currency", metavar="CUR", callback=upper, help="Where the file has none."),
        click.option(
            "--format",
            "form",
            default="auto",
            show_default=True,
            metavar="FORMAT",
            help="auto, shopify, woocommerce, google, schemaorg or nostr.",
        ),
    ):
        command = option(command)
    return command


@listing.command(
    cls=NodeCommand,
    name="import",
    epilog=examples(
        "netnode listing import products_export.csv --currency EUR --dry-run",
        "netnode listing import products_export.csv --currency EUR",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@feed_options
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@passphrase_option
@click.pass_context
def import_(
    context: click.Context,
    file: Path,
    form: str,
    currency: str | None,
    whole: bool,
    fetch_images: bool,
    dry_run: bool,
    passphrase_file: Path | None,
) -> None:
    """Publish the listings of a shop's export FILE; a second import changes only what differs.

    Each product is taken whole or skipped, with its row, field and reason; skipped ones are no failure. Exit 1: FILE
    cannot be read as a feed; 2: an option is missing or wrong; 3: there is no FILE.
    """
    run = invocation(context)
    query = models.ImportQuery(
        format=form,
        currency=currency,
        dry_run=dry_run,
        whole=whole,
        fetch_images=fetch_images,
        filename=file.name,
    )
    result = send_file(run, LISTING_IMPORT, query, file, signs=not dry_run, passphrase_file=passphrase_file)
    output.emit(run, result, lambda answer: show_import(answer, dry_run=dry_run))


def show_import(result: models.Imported, *, dry_run: bool) -> None:
    """What an import did, for a person."""
    would = "Would be: " if dry_run else ""
    withdrawn = f"{result.withdrawn:,} withdrawn, " if result.withdrawn else ""
    output.say(
        f"{would}{result.created:,} created, {result.updated:,} updated, {result.unchanged:,} unchanged, "
        f"{withdrawn}{len(result.skipped):,} skipped."
    )
    if result.pictures:
        output.say(f"{output.counted(result.pictures, 'picture')} fetched.")
    if result.not_fetched:
        output.table(
            ("row", "field", "picture that was not fetched"),
            [(str(one.row), one.field, one.reason) for one in result.not_fetched],
            right=(0,),
        )
    if isinstance(result.kept, str):
        output.hint(f"Nothing was withdrawn: {result.kept}.")
    if result.skipped:
        output.table(
            ("row", "field", "why it was skipped"),
            [(str(one.row), one.field, one.reason) for one in result.skipped],
            right=(0,),
        )
    if dry_run:
        output.hint("Nothing was written. Leave out --dry-run to publish.")


@listing.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode listing export shop.csv --format woocommerce",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", required=True, metavar="FORMAT", help=f"{EXPORTS}.")
@click.pass_context
def export(context: click.Context, file: Path, form: str) -> None:
    """Write your listings to FILE for another shop system; what its format cannot carry is named."""
    run = invocation(context)
    query = models.ExportQuery(format=form, filename=file.name)
    received = Received()

    async def work(caller: Caller) -> int:
        return await save(received.texts(caller.download(LISTING_EXPORT, query)), file)

    use(run, work)
    output.emit(run, received.result(), lambda answer: _show_export(answer, file))


def _show_export(result: models.Exported, file: Path) -> None:
    output.say(f"Wrote {output.counted(result.exported, 'listing')} to {file}.")
    if result.not_carried:
        keys: dict[str, list[str]] = {}
        for one in result.not_carried:
            keys.setdefault(one.field, []).append(one.key)
        output.table(
            ("not carried", "listings", "keys"),
            [(field, f"{len(found):,}", _some(found)) for field, found in keys.items()],
            right=(1,),
        )
    if result.currency is not None:
        output.hint(f"This format names no currency: its prices are in {result.currency}.")


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode search linen shirt --max-price 60 --currency EUR",
        'netnode search "" --kind service     an empty TEXT finds everything',
    ),
)
@click.argument("text", nargs=-1, required=True, metavar="TEXT")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--seller", metavar="ID", help="Only of this networker.")
@click.option("--category", metavar="TEXT", help="Only in this category and below.")
@click.option("--min-price", metavar="AMOUNT", help="As 12.50.")
@click.option("--max-price", metavar="AMOUNT", help="As 12.50.")
@click.option("--currency", metavar="CUR", callback=upper, help="Only priced in this.")
@click.option(
    "--hubs",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    help="Ask connected peers that keep more; auto: when less than a page is found here.",
)
@page_options
@click.pass_context
def search(
    context: click.Context,
    text: tuple[str, ...],
    kind: Any,
    seller: str | None,
    category: str | None,
    min_price: str | None,
    max_price: str | None,
    currency: str | None,
    hubs: Any,
    limit: int,
    cursor: str | None,
) -> None:
    """Find listings of everybody this node keeps, and what connected peers keep besides."""
    run = invocation(context)
    query = models.SearchQuery(
        text=" ".join(text),
        kind=kind,
        seller=seller,
        category=category,
        min_price=min_price,
        max_price=max_price,
        currency=currency,
        hubs=hubs,
        limit=limit,
        cursor=cursor,
    )
    output.emit(run, call(run, SEARCH, query), _show_found)


def _seller(one: models.ListingSummary) -> str:
    """Name of a seller, and in single words what speaks against them."""
    against = [] if isinstance(one.standing, UnsetType) else badges(one.standing, None)
    return f"{one.seller_name} ({', '.join(against)})".strip() if against else one.seller_name


def _plan(one: models.ListingSummary) -> str:
    """What the plan of a listing pays at most, and what came of it for the members of its team."""
    if isinstance(one.plan, UnsetType):
        return ""
    words = [] if one.plan.most is None else [f"pays up to {Decimal(one.plan.most) * 100:f} %"]
    words += [output.counted(one.plan.warns, "warning")] if one.plan.warns else []
    if one.plan.zero_percent is not None:
        words.append(f"{one.plan.zero_percent} % of {one.plan.members:,} members earned nothing")
    return ", ".join(words)


def _show_found(found: models.Found) -> None:
    for hub in found.hubs if isinstance(found.hubs, list) else ():
        if isinstance(hub.refused, str):
            output.hint(f"The peer {hub.hub[:12]} did not search for you: {hub.refused}.")
    if not found.items:
        output.say("Nothing found." if not found.total else "No more results.")
        return
    planned = any(not isinstance(one.plan, UnsetType) for one in found.items)
    rows = [
        (
            f"{one.title} *" if isinstance(one.hub, str) else one.title,
            output.price_text(one.price, one.sale),
            one.kind,
            _seller(one),
            *((_plan(one),) if planned else ()),
            one.ref,
        )
        for one in found.items
    ]
    heads = ("title", "price", "kind", "seller", *(("plan",) if planned else ()), "ref")
    output.table(heads, rows, right=(1,))
    if any(isinstance(one.hub, str) for one in found.items):
        output.say(
            "* found at a peer, not kept here: signed by its seller, but perhaps not the newest. "
            "To keep what a seller offers: netnode follow SELLER"
        )
    total = f"more than {found.total:,}" if found.more is True else f"{found.total:,}"
    output.say("", f"{len(found.items)} of {total}. See one with: netnode listing show REF")
    output.more(found.next)
