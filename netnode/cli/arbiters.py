"""Commands on arbiters."""

from __future__ import annotations

from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.deal_views import deal_id, state_text, step_text
from netnode.cli.forms import upper
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.offers import seconds_of
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.arbiters import ARBITER_OFFER, ARBITER_SEND, ARBITER_SHOW, CASES, CONSENTS
from netnode.problems import ExitCode, Problem, disk_problem


@click.group(cls=NodeGroup)
def arbiter() -> None:
    """Arbiters: who rules when buyer and seller disagree, and has signed that they will."""


@arbiter.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode arbiter offer --fee 2.5% --terms terms.txt --to nx1...",
        "netnode arbiter offer --fee 25.00 --currency EUR --terms terms.txt --seller nx1... --to nx1...",
    ),
)
@click.option(
    "--fee", required=True, metavar="AMOUNT|PERCENT", help="Of one ruling: 25.00, or 2.5% of the price."
)
@click.option("--currency", metavar="CUR", callback=upper, help="Of the fee, as EUR.")
@click.option(
    "--terms",
    type=click.Path(path_type=Path),
    required=True,
    help="A file with your terms: who pays the fee and when, how you rule.",
)
@click.option("--seller", metavar="ID", help="Only for deals of this seller.")
@click.option("--to", multiple=True, metavar="ID", help="Send it to this networker. Repeatable.")
@click.option("--expires", default="52w", show_default=True, metavar="TIME", help="12h, 14d or 4w.")
@passphrase_option
@click.pass_context
def offer(
    context: click.Context,
    /,
    fee: str,
    currency: str | None,
    terms: Path,
    seller: str | None,
    to: tuple[str, ...],
    expires: str,
    passphrase_file: Path | None,
) -> None:
    """Consent, by signature, to rule in the deals of others whose orders hold it."""
    run = invocation(context)
    percent = fee.strip().removesuffix("%").strip() if fee.strip().endswith("%") else None
    request = models.ArbiterOffer(
        amount=None if percent is not None else fee.strip(),
        currency=currency,
        percent=percent,
        terms=_text(terms),
        seller=seller,
        to=list(to),
        expires_in=seconds_of(expires),
    )
    output.emit(run, call(run, ARBITER_OFFER, request, passphrase_file), _show_consent)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode().strip()
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8 text.", ExitCode.USAGE, "file", {"path": str(path)}) from error


@arbiter.command(cls=NodeCommand, epilog=examples("netnode arbiter send 4be0c94d3a nx1..."))
@click.argument("consent")
@click.argument("to", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def send(context: click.Context, consent: str, to: tuple[str, ...]) -> None:
    """Send your CONSENT to more networkers."""
    run = invocation(context)
    output.emit(run, call(run, ARBITER_SEND, models.ArbiterSend(consent=consent, to=list(to))), _show_consent)


@arbiter.command(cls=NodeCommand, name="ls", epilog=examples("netnode arbiter ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the consents you gave and those given to you, the newest first."""
    run = invocation(context)
    output.emit(run, call(run, CONSENTS, models.Listed(limit=limit, cursor=cursor)), _show_consents)


def _show_consents(page: models.Page[models.Consent]) -> None:
    if not page.items:
        output.say("No consents yet. An arbiter gives one with: netnode arbiter offer --help")
        return
    rows = [
        (
            deal_id(one.consent),
            "you" if one.own else _party(one.arbiter),
            _fee(one),
            "any seller" if one.seller is None else _party(one.seller),
            "expired" if one.state == "expired" else f"until {output.when(one.expires)[:10]}",
        )
        for one in page.items
    ]
    output.table(("consent", "arbiter", "fee", "for deals of", ""), rows)
    output.more(page.next)


@arbiter.command(cls=NodeCommand, epilog=examples("netnode arbiter cases", "netnode arbiter cases --all"))
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@page_options
@click.pass_context
def cases(context: click.Context, everything: bool, limit: int, cursor: str | None) -> None:
    """List the deals that came to you as their arbiter, those that wait for you first."""
    run = invocation(context)
    query = models.CasesQuery(all=everything, limit=limit, cursor=cursor)
    output.emit(run, call(run, CASES, query), _show_cases)


def _show_cases(page: models.Page[models.Case]) -> None:
    if not page.items:
        output.say(
            "No cases. They come when a party of a deal that names you as its arbiter opens a dispute."
        )
        return
    rows = [
        (
            deal_id(one.deal),
            output.plain(one.title),
            _party(one.seller),
            _party(one.buyer),
            output.price_text(one.price),
            "conflict of interest" if one.bars else "ruled" if one.ruled else step_text(one.next, "arbiter"),
        )
        for one in page.items
    ]
    output.table(("deal", "goods", "seller", "buyer", "price", ""), rows, right=(4,))
    output.more(page.next)


@arbiter.command(cls=NodeCommand, epilog=examples("netnode arbiter show 4be0c94d3a"))
@click.argument("name", metavar="CONSENT|DEAL")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show a consent with its terms, or a case: what both sides claim, your fee, and what you must disclose."""
    run = invocation(context)
    output.emit(run, call(run, ARBITER_SHOW, models.ArbiterName(name)), _show)


def _show(found: models.ArbiterShown) -> None:
    if found.case is not None:
        _show_case(found.case)
    if found.consent is not None:
        if found.case is not None:
            output.say("")
        _show_consent(found.consent)
    if isinstance(found.terms, str):
        output.say("", *(output.plain(line) for line in found.terms.splitlines()))


def _show_case(case: models.Case) -> None:
    rows = [
        ("deal", case.deal),
        ("state", state_text(case.state)),
        ("goods", case.title),
        ("seller", _party(case.seller)),
        ("buyer", _party(case.buyer)),
        ("price", output.price_text(case.price)),
        ("paid", output.price_text(case.paid)),
    ]
    if isinstance(case.fee, models.Price):
        rows.append(("your fee", output.price_text(case.fee)))
    output.pairs(rows)
    for claim in case.claims:
        text = claim.text if isinstance(claim.text, str) else ""
        output.say(
            "",
            f"The {claim.role} says the seller should keep {output.price_text(claim.claim)}"
            f"{'' if claim.open else ' (closed)'}.",
            *(f"  {output.plain(line)}" for line in text.splitlines()),
        )
    if case.bars:
        output.say("", case.bars)
    for warning in case.warnings:
        output.say("", f"Both sides are told: {warning}")
    if not case.ruled and not case.bars:
        output.hint(f"Rule with: netnode deal rule {deal_id(case.deal)} --keeps AMOUNT --text WHY")


def _show_consent(one: models.Consent) -> None:
    output.pairs(
        (
            ("consent", one.consent),
            ("arbiter", "you" if one.own else _party(one.arbiter)),
            ("fee", _fee(one)),
            ("for deals of", "any seller" if one.seller is None else _party(one.seller)),
            ("until", f"{output.when(one.expires)} UTC"),
        )
    )


def _fee(one: models.Consent) -> str:
    return (
        output.price_text(one.fee) if isinstance(one.fee, models.Price) else f"{one.percent} % of the price"
    )


def _party(party: models.DealParty) -> str:
    return f"{party.name} ({output.short(party.id)})" if party.name else output.short(party.id)
