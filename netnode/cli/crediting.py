"""Commands on credit that sign: what a holder asks of an issuer, what an issuer has to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netnode.cli import output
from netnode.cli.credits import named
from netnode.cli.frame import Command, NodeCommand, examples, invocation, page_options, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.credits import (
    CREDIT_ACCEPT,
    CREDIT_CHALLENGE,
    CREDIT_LIMITS,
    CREDIT_PAYOUT,
    CREDIT_REDEEM,
    CREDIT_REQUESTS,
    CREDIT_SALES,
    CREDIT_TRANSFER,
)


def _moving(command: Command) -> Command:
    """Adds what every request has."""
    for option in (
        click.option(
            "--anyway", is_flag=True, help="Also more than the issuer's log, as it is here, has for you."
        ),
        click.option(
            "--days",
            type=click.IntRange(1, 30),
            default=30,
            show_default=True,
            help="Until the request expires.",
        ),
        click.option("--unit", metavar="UNIT", help="Which credit, where the issuer has several."),
        click.argument("amount"),
        click.argument("issuer"),
    ):
        command = option(command)
    return command


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit transfer nx1... 12.50 --to nx1...",
        "netnode credit transfer nx1... 12.50 --to nx1... --unit star",
    ),
)
@_moving
@click.option("--to", required=True, metavar="ID", help="Who gets it; they have said how much they accept.")
@passphrase_option
@click.pass_context
def transfer(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Ask an ISSUER to give some of your credit to somebody else."""
    run = invocation(context)
    request = models.CreditTransfer(**given)
    output.emit(run, call(run, CREDIT_TRANSFER, request, passphrase_file), _show_request)


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit redeem nx1... 12.50", "netnode deal paid 3f9c2a71 --redeem      for what you bought"
    ),
)
@_moving
@passphrase_option
@click.pass_context
def redeem(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Ask an ISSUER to take credit as payment for something outside of a deal."""
    run = invocation(context)
    output.emit(run, call(run, CREDIT_REDEEM, models.CreditMove(**given), passphrase_file), _show_request)


@click.command(cls=NodeCommand, epilog=examples("netnode credit payout nx1... 100 --received"))
@_moving
@click.option("--received", is_flag=True, help="The money has arrived.")
@passphrase_option
@click.pass_context
def payout(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Sign that an ISSUER has paid credit out to you, outside of this program."""
    run = invocation(context)
    output.emit(run, call(run, CREDIT_PAYOUT, models.CreditPayout(**given), passphrase_file), _show_request)


@click.command(
    name="accept-policy",
    cls=NodeCommand,
    epilog=examples(
        "netnode credit accept-policy                            what you accept now",
        "netnode credit accept-policy nx1... 50 --unit star",
        "netnode credit accept-policy nx1... 0 --unit star       nothing any more",
    ),
)
@click.argument("issuer", required=False)
@click.argument("amount", required=False)
@click.option("--unit", metavar="UNIT", help="Which credit.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="Until it ends.")
@click.option("--to", metavar="ID", help="Tell this holder as well.")
@page_options
@passphrase_option
@click.pass_context
def accept_policy(
    context: click.Context,
    /,
    issuer: str | None,
    amount: str | None,
    unit: str | None,
    days: int,
    to: str | None,
    limit: int,
    cursor: str | None,
    passphrase_file: Path | None,
) -> None:
    """Say up to how much of an ISSUER's credit others may give you; nothing unless you say so."""
    run = invocation(context)
    if issuer is None:
        page = call(run, CREDIT_LIMITS, models.Listed(limit=limit, cursor=cursor))
        output.emit(run, page, _show_limits)
        return
    if amount is None or unit is None:
        raise click.UsageError("Say how much, and of which credit: ISSUER AMOUNT --unit UNIT.")
    request = models.CreditAcceptance(issuer=issuer, amount=amount, unit=unit, days=days, to=to)
    output.emit(run, call(run, CREDIT_ACCEPT, request, passphrase_file), _show_limit)


@click.command(
    cls=NodeCommand, epilog=examples("netnode credit requests", "netnode credit requests --waiting")
)
@click.option("--waiting", is_flag=True, help="Only those nothing has come of.")
@page_options
@click.pass_context
def requests(context: click.Context, waiting: bool, limit: int, cursor: str | None) -> None:
    """List what you asked of issuers, and what holders asked of you, the newest first.

    After a backup was put back, what you had asked since is found again once its issuer has logged or answered it. What
    it did neither with is not known here any more; it may still be carried out until it expires, 30 days as a rule.
    """
    run = invocation(context)
    query = models.CreditRequestsQuery(waiting=waiting, limit=limit, cursor=cursor)
    output.emit(run, call(run, CREDIT_REQUESTS, query), _show_requests)


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit challenge --order 3f9c2a71       a sale you brought, which is not published",
        "netnode credit challenge --request 3f9c2a71     a request that is not carried out",
    ),
)
@click.option("--order", metavar="ID", help="Of a deal that you witnessed: netnode witness ls.")
@click.option("--request", metavar="ID", help="Of your own: netnode credit requests.")
@passphrase_option
@click.pass_context
def challenge(
    context: click.Context, /, order: str | None, request: str | None, passphrase_file: Path | None
) -> None:
    """Challenge an issuer that does not log what it owes, in public: it has 14 days to log it or to say why not."""
    run = invocation(context)
    asked = models.CreditChallenge(request=request, order=order)
    output.emit(run, call(run, CREDIT_CHALLENGE, asked, passphrase_file), _show_challenged)


@click.command(cls=NodeCommand, epilog=examples("netnode credit sales"))
@page_options
@click.pass_context
def sales(context: click.Context, limit: int, cursor: str | None) -> None:
    """List own sales that pay a referrer and are not in your ledger, with the reason."""
    run = invocation(context)
    page = call(run, CREDIT_SALES, models.CreditSalesQuery(limit=limit, cursor=cursor))
    output.emit(run, page, _show_sales)


COMMANDS = (transfer, redeem, payout, accept_policy, requests, challenge, sales)
"""Of the group `credit`."""


# -- for a person --------------------------------------------------------------------------------------------
def _show_request(one: models.CreditRequest) -> None:
    rows = [
        ("request", one.request),
        ("asks for", f"{one.action} of {one.amount} {output.plain(one.unit)}"),
        ("issuer", named(one.issuer)),
        ("state", _state(one)),
    ]
    if one.recipient is not None:
        rows.insert(3, ("to", named(one.recipient)))
    output.pairs(rows)
    if one.state in ("delivered", "queued"):
        output.hint("What the issuer answers is shown by: netnode credit requests")


def _show_requests(page: models.Page[models.CreditRequest]) -> None:
    if not page.items:
        output.say("No requests.")
        return
    rows = [
        (
            one.request[:10],
            "yours" if one.own else named(one.holder),
            one.action,
            f"{one.amount} {output.plain(one.unit)}",
            named(one.issuer) if one.own else "you",
            _state(one),
        )
        for one in page.items
    ]
    output.table(("request", "of", "asks for", "amount", "issuer", "state"), rows, right=(3,))
    output.more(page.next)


def _state(one: models.CreditRequest) -> str:
    if one.state == "refused":
        return f"refused: {output.plain(one.text or one.code or '')}"
    place = one.state if one.entry is None else f"{one.state}, entry {one.entry:,}"
    return f"{place}; {output.plain(one.text)}" if one.text else place


def _show_limit(one: models.CreditLimit) -> None:
    output.say(
        f"You accept up to {one.amount} {output.plain(one.unit)} of {named(one.issuer)} until "
        f"{output.when(one.expires)} UTC. They are told: {one.sent or 'not yet'}."
    )


def _show_limits(page: models.Page[models.CreditLimit]) -> None:
    if not page.items:
        output.say(
            "You accept nothing from other holders. To change that: netnode credit accept-policy --help"
        )
        return
    rows = [
        (named(one.issuer), f"{one.amount} {output.plain(one.unit)}", output.when(one.expires)[:10], one.sent)
        for one in page.items
    ]
    output.table(("issuer", "up to", "until", "told"), rows, right=(1,))
    output.more(page.next)


def _show_challenged(one: models.CreditChallenged) -> None:
    output.say(
        f"Your challenge to {named(one.issuer)} stands in your log as entry {one.entry[:10]}. Everybody who holds it "
        "shows the issuer as suspected when it is not answered 14 days after it was handed over."
    )


def _show_sales(page: models.Page[models.CreditSale]) -> None:
    if not page.items:
        output.say("Every sale that pays somebody is in your ledger.")
        return
    rows = [
        (one.deal[:10], one.code, output.plain(one.text), "" if one.again is None else output.when(one.again))
        for one in page.items
    ]
    output.table(("deal", "code", "why it is not in your ledger", "tried again"), rows)
    output.more(page.next)
