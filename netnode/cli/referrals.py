"""Commands on recommendations: links and codes, passing them on, what they brought, how orders are attributed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click
from msgspec import UNSET

from netnode.cli import output
from netnode.cli.drawing import check_qr_file, draw, qr_options
from netnode.cli.frame import (
    Command,
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.opportunities import show_beside
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.referrals import (
    ATTRIBUTION,
    ATTRIBUTION_SET,
    REFER_FORWARD,
    REFER_MAKE,
    REFER_ORDERS,
    REFER_SHOW,
    REFERRALS,
)

_LOGGED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "logged": "in the seller's log",
        "not_due": "not received yet",
        "not_logged": "not in the seller's log",
        "unknown": "unknown: the seller's log is not here, or not whole",
    }
)
_RATES: Final = (
    "What a sale pays is decided by the first of these that there is, and rates are never added: the seller's ALLIANCE "
    "with a networker of the path (the one nearest the buyer), the COMMISSION of the listing, the seller's PLAN."
)


@click.group(cls=NodeGroup)
def refer() -> None:
    """Recommend listings: links and codes that say who brought a buyer, and what came of them."""


def _making(command: Command) -> Command:
    for option in (
        click.option("--campaign", metavar="WORD", help="Your own name for what brings buyers."),
        click.option(
            "--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="Until it expires."
        ),
        click.option(
            "--code", metavar="CODE", help="A word that stands for it at checkout; '' has the node make one."
        ),
        click.option("--register", is_flag=True, help="Tell the seller the code too."),
        click.option("--to", metavar="ID", help="Send it to this networker."),
        click.option("--text", default="", help="A word to them."),
    ):
        command = option(command)
    return command


@refer.command(
    cls=NodeCommand,
    epilog=_RATES
    + "\n\n"
    + examples(
        "netnode refer make nx1.../linen-shirt --campaign spring",
        "netnode refer make nx1.../linen-shirt --days 90 --qr-file shirt.svg",
        "netnode refer make nx1.../linen-shirt --code ANNA --register     people type ANNA at checkout",
        "netnode refer make nx1...     whatever this seller offers",
    ),
)
@click.argument("subject", metavar="SELLER[/KEY]")
@_making
@qr_options
@passphrase_option
@click.pass_context
def make(
    context: click.Context,
    /,
    subject: str,
    qr: bool,
    qr_file: Path | None,
    passphrase_file: Path | None,
    **given: Any,
) -> None:
    """Recommend a listing, or a seller: you are paid for what it sells, member of their team or not."""
    run = invocation(context)
    check_qr_file(qr_file)
    shown = call(run, REFER_MAKE, models.ReferralMake(subject=subject, **given), passphrase_file)
    output.emit(run, shown, _show_made)
    _draw(run.json, shown.link, qr, qr_file)


@refer.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode refer forward inxref1... --campaign newsletter",
        "netnode refer forward inxref1... --to nx1...",
    ),
)
@click.argument("link")
@_making
@qr_options
@passphrase_option
@click.pass_context
def forward(
    context: click.Context,
    /,
    link: str,
    qr: bool,
    qr_file: Path | None,
    passphrase_file: Path | None,
    **given: Any,
) -> None:
    """Pass somebody's LINK on with your own step behind theirs, which nobody can cut out."""
    run = invocation(context)
    check_qr_file(qr_file)
    shown = call(run, REFER_FORWARD, models.ReferralForward(link=link, **given), passphrase_file)
    output.emit(run, shown, _show_made)
    _draw(run.json, shown.link, qr, qr_file)


def _draw(json: bool, link: str, qr: bool, file: Path | None) -> None:
    # capital letters make a QR code of text a third smaller, and mean the same
    draw(link.upper(), qr, file, sys.stderr if json else sys.stdout)


def _show_made(one: models.ReferralShown) -> None:
    output.say(one.link, "")
    rows = [("id", one.id[:10]), ("expires", f"{output.when(one.expires)} UTC")]
    if one.code is not None:
        rows.append(("code", one.code))
    output.pairs(rows)
    show_beside(None if one.plan is UNSET else one.plan)
    output.hint("Who has it orders with: netnode deal order LINK   (what it says: netnode refer show LINK)")


@refer.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode refer show inxref1...",
        "netnode refer show inxref1... --keep     what you order there later counts for who made it",
        "netnode refer show R-K7QF2M9X     a code, or an id of: netnode refer ls",
    ),
)
@click.argument("name", metavar="LINK|CODE|ID")
@click.option("--keep", is_flag=True, help="Let it count as what led you there, by the seller's policy.")
@click.pass_context
def show(context: click.Context, name: str, keep: bool) -> None:
    """Say what a link, a code or a recommendation is: who recommends what, and until when."""
    run = invocation(context)
    output.emit(run, call(run, REFER_SHOW, models.ReferralChoice(name=name, keep=keep)), _show_one)


def _show_one(one: models.ReferralShown) -> None:
    subject = f"{one.seller}/{one.listing}" if one.listing else one.seller
    listed = one.title or ("the listing is not here" if one.listing else "any listing of this seller")
    rows = [
        ("recommends", f"{one.seller_name or ''} {subject}".strip()),
        ("", listed),
        ("expires", f"{output.when(one.expires)} UTC{', which is over' if one.expired else ''}"),
    ]
    if one.code is not None:
        rows.append(("code", one.code))
    if one.brought is not UNSET:
        rows.append(("brought", _brought(one.brought)))
    output.pairs(rows)
    for number, step in enumerate(one.path, 1):
        note = "" if step.checked else "; signature not checked"
        campaign = f", campaign {step.campaign}" if step.campaign else ""
        output.say(f"{number}. {step.name or ''} {step.referrer}{campaign}{note}")
    show_beside(None if one.plan is UNSET else one.plan)
    if one.role == "made":
        output.say("", one.link)


def _brought(found: models.ReferralBrought) -> str:
    return (
        f"{output.counted(found.orders, 'order')}, {found.received} received, {found.logged} in sellers' logs"
    )


@refer.command(
    cls=NodeCommand,
    name="ls",
    epilog=examples("netnode refer ls", "netnode refer ls --met     links that led you somewhere"),
)
@click.option("--met", "role", flag_value="met", help="Links that led you somewhere.")
@click.option("--registered", "role", flag_value="registered", help="Codes that others registered with you.")
@click.option("--made", "role", flag_value="made", default=True, help="Your own; the default.")
@page_options
@click.pass_context
def list_(context: click.Context, role: Any, limit: int, cursor: str | None) -> None:
    """List recommendations, the newest first, and what yours brought."""
    run = invocation(context)
    query = models.ReferralsQuery(role=role, limit=limit, cursor=cursor)
    output.emit(run, call(run, REFERRALS, query), _show_page)


def _show_page(page: models.Page[models.ReferralShown]) -> None:
    if not page.items:
        output.say("None yet. Make one with: netnode refer make SELLER/KEY")
        return
    rows = [
        (
            one.id[:10],
            one.code or "",
            one.path[-1].campaign or "",
            f"{one.seller_name or output.short(one.seller)}{'/' + one.listing if one.listing else ''}",
            "over" if one.expired else output.when(one.expires),
            "" if one.brought is UNSET else _brought(one.brought),
        )
        for one in page.items
    ]
    output.table(("id", "code", "campaign", "recommends", "expires (UTC)", "brought"), rows)
    output.more(page.next)


@refer.command(
    cls=NodeCommand,
    epilog=examples("netnode refer orders", "netnode refer orders R-K7QF2M9X     by one recommendation"),
)
@click.argument("name", required=False, metavar="[CODE|ID]")
@page_options
@click.pass_context
def orders(context: click.Context, name: str | None, limit: int, cursor: str | None) -> None:
    """List the deals you brought about: whether the seller's log holds them, and what it awards you."""
    run = invocation(context)
    query = models.ReferralOrders(name=name, limit=limit, cursor=cursor)
    output.emit(run, call(run, REFER_ORDERS, query), _show_orders)


def _show_orders(page: models.Page[models.ReferralOrder]) -> None:
    if not page.items:
        output.say("No deal yet.")
        output.more(page.next)
        return
    rows = [
        (
            one.order[:16],
            one.seller_name or output.short(one.seller),
            one.campaign or "",
            output.when(one.accepted),
            _LOGGED[one.logged],
            ", ".join(f"{each.amount} {each.unit}, payable {output.when(each.due)}" for each in one.awards),
        )
        for one in page.items
    ]
    output.table(("order", "seller", "campaign", "accepted (UTC)", "sale", "awarded"), rows)
    output.more(page.next)
    if any(one.logged == "not_logged" for one in page.items):
        output.hint("Ask the seller to log a sale that is missing: netnode credit challenge --help")


@refer.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode refer policy     how orders with you are attributed",
        "netnode refer policy --model first --window 60",
        "netnode refer policy --gift 10     10 % off the first order of who was brought; 0 ends it",
        "netnode refer policy --seller nx1...     how another seller does it",
    ),
)
@click.option("--seller", metavar="ID", help="Show that of another seller.")
@click.option("--model", type=click.Choice(("first", "last")), help="Which link within the window counts.")
@click.option("--window", type=click.IntRange(1, 365), help="Days for which a link counts.")
@click.option("--bind/--no-bind", default=None, help="Customers stay with who brought their first order.")
@click.option("--gift", metavar="PERCENT", help="Off the first order of a buyer who was brought.")
@passphrase_option
@click.pass_context
def policy(
    context: click.Context,
    /,
    seller: str | None,
    model: Any,
    window: int | None,
    bind: bool | None,
    gift: str | None,
    passphrase_file: Path | None,
) -> None:
    """Show or change how orders are attributed; a code typed at checkout always beats a link."""
    run = invocation(context)
    change = models.AttributionSet(
        model=UNSET if model is None else model,
        window=UNSET if window is None else window,
        bind=UNSET if bind is None else bind,
        gift=UNSET if gift is None else gift,
    )
    if seller is None and change != models.AttributionSet():
        found = call(run, ATTRIBUTION_SET, change, passphrase_file)
    else:
        found = call(run, ATTRIBUTION, models.AttributionQuery(seller=seller))
    output.emit(run, found, _show_policy)


def _show_policy(found: models.AttributionShown) -> None:
    output.pairs(
        (
            ("counts", f"the {found.model} link of {output.counted(found.window, 'day')}; a code before it"),
            ("customers", "stay with who brought their first order" if found.bind else "are not bound"),
            ("gift", f"{found.gift} % off the first order" if found.gift else "none"),
        )
    )
