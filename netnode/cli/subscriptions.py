"""Commands on subscriptions, invoices and credit notes; `netnode deal` has them among its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.deal_views import state_text
from netnode.cli.frame import NodeCommand, examples, invocation, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.subscriptions import (
    INVOICE,
    SUBSCRIPTION_CONSENT,
    SUBSCRIPTION_END,
    SUBSCRIPTION_PAUSE,
    SUBSCRIPTION_RENEW,
    SUBSCRIPTION_RESUME,
    SUBSCRIPTIONS,
)
from netnode.problems import disk_problem

_SHOWN: Final = 10  # hex digits of a deal


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode deal renewals               all subscriptions",
        "netnode deal renewals 3f2a9c        one, with its periods and statements",
    ),
)
@click.argument("deal", required=False)
@click.pass_context
def renewals(context: click.Context, deal: str | None) -> None:
    """Show subscriptions: what they cost, the next period, and whether it will be renewed."""
    run = invocation(context)
    found = call(run, SUBSCRIPTIONS, models.SubscriptionsQuery(deal=deal))
    output.emit(run, found, _show_list if deal is None else lambda page: _show(page.items[0]))


@click.command(
    cls=NodeCommand,
    epilog=examples("netnode deal pause 3f2a9c", "netnode deal resume 3f2a9c     later"),
)
@click.argument("deal")
@passphrase_option
@click.pass_context
def pause(context: click.Context, deal: str, passphrase_file: Path | None) -> None:
    """No renewals of the subscription DEAL for now; as its seller: stop renewing it."""
    run = invocation(context)
    output.emit(run, call(run, SUBSCRIPTION_PAUSE, models.DealName(deal), passphrase_file), _show)


@click.command(cls=NodeCommand, epilog=examples("netnode deal resume 3f2a9c"))
@click.argument("deal")
@passphrase_option
@click.pass_context
def resume(context: click.Context, deal: str, passphrase_file: Path | None) -> None:
    """The subscription DEAL goes on after a pause."""
    run = invocation(context)
    output.emit(run, call(run, SUBSCRIPTION_RESUME, models.DealName(deal), passphrase_file), _show)


@click.command(cls=NodeCommand, epilog=examples("netnode deal end 3f2a9c"))
@click.argument("deal")
@passphrase_option
@click.pass_context
def end(context: click.Context, deal: str, passphrase_file: Path | None) -> None:
    """End the subscription DEAL for good, as its buyer; a period that began already stays as it is."""
    run = invocation(context)
    output.emit(run, call(run, SUBSCRIPTION_END, models.DealName(deal), passphrase_file), _show)


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode deal consent 3f2a9c                        as its buyer: to what the seller asks",
        'netnode deal consent 3f2a9c --price 12.00 --text "Post is dearer"    as its seller: ask for it',
    ),
)
@click.argument("deal")
@click.option("--price", metavar="AMOUNT", help="Of a renewal from now on, as 12.50.")
@click.option("--text", default="", metavar="TEXT", help="Why, as its seller.")
@passphrase_option
@click.pass_context
def consent(
    context: click.Context, deal: str, price: str | None, text: str, passphrase_file: Path | None
) -> None:
    """Consent to another price of the subscription DEAL; as its seller: ask for it.

    No price changes before its buyer has consented.
    """
    run = invocation(context)
    wanted = models.SubscriptionPrice(deal=deal, price=price, text=text)
    found = call(run, SUBSCRIPTION_CONSENT, wanted, passphrase_file)
    output.emit(run, found, _show)
    asked = found.asked.minor if isinstance(found.asked, models.Price) else None
    if price is not None and found.role == "buyer" and found.price.minor != asked:
        output.hint(
            "The seller's node renews at no price that they did not ask for: agree with them on it first."
        )


@click.command(
    cls=NodeCommand,
    epilog=examples("netnode deal renew 3f2a9c", "netnode deal renew 3f2a9c --anyway"),
)
@click.argument("deal")
@click.option("--anyway", is_flag=True, help="Also after a period that ended unperformed.")
@passphrase_option
@click.pass_context
def renew(context: click.Context, deal: str, anyway: bool, passphrase_file: Path | None) -> None:
    """Make the next renewal of the subscription DEAL now, as its seller; a running node does so by itself."""
    run = invocation(context)
    wanted = models.SubscriptionRenew(deal=deal, anyway=anyway)
    made = call(run, SUBSCRIPTION_RENEW, wanted, passphrase_file)
    output.emit(run, made, lambda one: output.say(f"Renewed: deal {one.deal[:_SHOWN]} is {one.state}"))


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode deal invoice 3f2a9c --html invoice.html",
        "netnode deal invoice 3f2a9c --credit-note",
        'netnode config set invoice_head "1 Dorset St, VAT GB 123"     the lines below your name',
    ),
)
@click.argument("deal")
@click.option("--html", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a page.")
@click.option("--credit-note", is_flag=True, help="For what was given up or paid back since the invoice.")
@click.option(
    "--number", type=click.IntRange(1, 999_999_999), help="Go on with this number, after a restored backup."
)
@click.pass_context
def invoice(
    context: click.Context, deal: str, file: Path | None, credit_note: bool, number: int | None
) -> None:
    """The invoice of DEAL, as its seller: made once, with the next number of the year.

    It states what is left of the deal, without what was cancelled or paid back before, and never changes. What is given
    up later is stated by a credit note, which has a number of its own.
    """
    run = invocation(context)
    wanted = models.InvoiceOrder(deal=deal, credit_note=credit_note, number=number, html=file is not None)
    found = call(run, INVOICE, wanted)
    if file is not None and isinstance(found.html, str):
        _write(file, found.html)
    output.emit(run, found, lambda one: _show_invoice(one, file))


COMMANDS: Final = (renewals, pause, resume, end, consent, renew, invoice)
"""What `netnode deal` has of this module."""


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise disk_problem(error, "write", file) from error


def _show_list(page: models.Page[models.Subscription]) -> None:
    if not page.items:
        output.say("No subscriptions. Order one with: netnode deal order REF --renew")
        return
    rows = [
        (
            one.deal[:_SHOWN],
            one.role,
            output.plain(one.title),
            output.plain(one.partner_name or one.partner[:12]),
            f"{output.price_text(one.price)} a {_per(one)}",
            "stopped" if one.stopped else one.standing,
            "" if one.turn is None or one.standing == "ended" else output.when(one.turn.begins)[:10],
        )
        for one in page.items
    ]
    output.table(("deal", "you are", "what", "with", "price", "state", "next period"), rows, right=(4,))


def _show(one: models.Subscription) -> None:
    rows = [
        ("deal", one.deal),
        ("what", output.plain(one.title)),
        ("with", output.plain(f"{one.partner_name} ({one.partner})".strip())),
        ("state", one.standing + (", and you renew it no more" if one.stopped else "")),
        ("price", f"{output.price_text(one.price)} a {_per(one)}"),
    ]
    if isinstance(one.asked, models.Price) and one.asked.minor != one.price.minor:
        word = f": {output.plain(one.asked_text)}" if isinstance(one.asked_text, str) else ""
        rows.append(("asked", f"{output.price_text(one.asked)} by the seller{word}"))
        if one.role == "buyer":
            rows.append(("to consent", f"netnode deal consent {one.deal[:_SHOWN]}"))
    if one.turn is not None and one.standing != "ended":
        turn = one.turn
        rows.append(
            ("next period", f"{output.when(turn.begins)[:10]} to {output.when(turn.ends)[:10]} (UTC)")
        )
        if one.why is None:
            rows.append(
                (
                    "renewed",
                    f"by the seller, at some time from {output.when(turn.due)[:10]} "
                    f"until {output.when(turn.latest)[:10]}",
                )
            )
    if one.role == "seller" and isinstance(one.reason, str):
        rows.append(("not renewed", one.reason))
    if one.delivery is not None:
        rows.append(("your word", one.delivery.state.replace("_", " ")))
    output.pairs(rows)
    if one.renewals:
        output.say("")
        output.table(
            ("period", "deal", "state"),
            [(str(each.turn), each.deal[:_SHOWN], state_text(each.state)) for each in one.renewals],
            right=(0,),
        )
    if one.statements:
        output.say("")
        output.table(
            ("said", "at (UTC)", ""),
            [
                (
                    each.action
                    + (f" {output.price_text(each.price)}" if isinstance(each.price, models.Price) else ""),
                    output.when(each.time),
                    "waits for one before it" if each.waits else each.void or "",
                )
                for each in one.statements
            ],
        )


def _per(one: models.Subscription) -> str:
    return one.per.unit if one.per.count == 1 else f"{one.per.count} {one.per.unit}s"


def _show_invoice(one: models.Invoice, file: Path | None) -> None:
    what = "Invoice" if one.kind == "invoice" else f"Credit note on invoice {one.credits}"
    output.pairs(
        [
            ("number", f"{what.partition(' on ')[0]} {one.number}"),
            ("date", output.when(one.time)[:10]),
            ("to", output.plain(", ".join([one.buyer.name, *one.buyer.lines]))),
            *([("of invoice", one.credits)] if one.credits is not None else []),
            ("net", output.price_text(one.net)),
            *((f"{tax.title}", output.price_text(tax.amount)) for tax in one.taxes),
            *([("given up before", output.price_text(one.given_up))] if one.given_up.minor else []),
            ("total", output.price_text(one.total)),
            ("still due", output.price_text(one.money.payment_due)),
        ]
    )
    if file is not None:
        output.say("", f"Wrote {file}.")
    else:
        output.hint("As a page to print or send: --html FILE")
