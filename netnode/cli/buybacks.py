"""Commands on goods that members give back to the owner of a team."""

from __future__ import annotations

from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.credits import named
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.buybacks import (
    BUYBACK_ASK,
    BUYBACK_CHALLENGE,
    BUYBACK_GOODS,
    BUYBACK_PAY,
    BUYBACK_REFUSE,
    BUYBACKS,
)
from netnode.problems import ExitCode, Problem

_CODES = ("not_resalable", "not_returned", "other", "too_late", "too_much")


@click.group(cls=NodeGroup)
def buyback() -> None:
    """Goods given back: what a member bought from the owner and has not sold, at the plan's rate."""


@buyback.command(cls=NodeCommand, epilog=examples("netnode team buyback goods nx1.../linen-team"))
@click.argument("name", metavar="OWNER/KEY")
@page_options
@click.pass_context
def goods(context: click.Context, name: str, limit: int, cursor: str | None) -> None:
    """Show what you bought from the owner of a team and can give back, what is owed for it, and until when to ask."""
    run = invocation(context)
    query = models.BuybackGoodsQuery(team=name, limit=limit, cursor=cursor)
    output.emit(run, call(run, BUYBACK_GOODS, query), _show_goods)


@buyback.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team buyback ask nx1.../linen-team                              all that is left",
        "netnode team buyback ask nx1.../linen-team --deal 3f9c2a71 --piece 0=2  two of the first line",
    ),
)
@click.argument("name", metavar="OWNER/KEY")
@click.option("--deal", metavar="ID", help="Only of this order.")
@click.option("--piece", "pieces", multiple=True, metavar="LINE=N", help="So many of this line; repeat it.")
@click.option("--text", default="", help="A word that goes along.")
@passphrase_option
@click.pass_context
def ask(
    context: click.Context,
    /,
    name: str,
    deal: str | None,
    pieces: tuple[str, ...],
    text: str,
    passphrase_file: Path | None,
) -> None:
    """Ask the owner of a team to take back what you have not sold, also after you left. They have 14 days to answer."""
    run = invocation(context)
    request = models.BuybackAsk(team=name, deal=deal, pieces=[_piece(each) for each in pieces], text=text)
    output.emit(run, call(run, BUYBACK_ASK, request, passphrase_file), _show_asked)


@buyback.command(
    name="ls",
    cls=NodeCommand,
    epilog=examples("netnode team buyback ls", "netnode team buyback ls --waiting"),
)
@click.option("--waiting", is_flag=True, help="Only those that are not answered.")
@page_options
@click.pass_context
def list_(context: click.Context, waiting: bool, limit: int, cursor: str | None) -> None:
    """List requests to take goods back, yours and those of your members: what is owed, and until when to answer."""
    run = invocation(context)
    query = models.BuybacksQuery(waiting=waiting, limit=limit, cursor=cursor)
    output.emit(run, call(run, BUYBACKS, query), _show_list)


@buyback.command(
    cls=NodeCommand,
    epilog=examples("netnode team buyback pay 3f9c2a71", "netnode team buyback pay 3f9c2a71 --method 'Bank'"),
)
@click.argument("paper", metavar="REQUEST")
@click.option("--method", metavar="TEXT", help="How you paid.")
@passphrase_option
@click.pass_context
def pay(context: click.Context, /, paper: str, method: str | None, passphrase_file: Path | None) -> None:
    """As the owner: say that you have paid back what a REQUEST asks for. It is a refund of that deal like any other."""
    run = invocation(context)
    request = models.BuybackPay(paper=paper, method=method)
    output.emit(run, call(run, BUYBACK_PAY, request, passphrase_file), _show_one)


@buyback.command(
    cls=NodeCommand, epilog=examples("netnode team buyback refuse 3f9c2a71 --reason not_returned")
)
@click.argument("paper", metavar="REQUEST")
@click.option("--reason", type=click.Choice(_CODES), required=True, help="Why; the member is told.")
@click.option("--text", default="", help="In your words.")
@passphrase_option
@click.pass_context
def refuse(
    context: click.Context, /, paper: str, reason: str, text: str, passphrase_file: Path | None
) -> None:
    """As the owner: refuse a REQUEST, and say why. You can still pay it back later."""
    run = invocation(context)
    request = models.BuybackRefuse(paper=paper, code=reason, text=text)  # type: ignore[arg-type]
    output.emit(run, call(run, BUYBACK_REFUSE, request, passphrase_file), _show_one)


@buyback.command(cls=NodeCommand, epilog=examples("netnode team buyback challenge 3f9c2a71"))
@click.argument("paper", metavar="REQUEST")
@passphrase_option
@click.pass_context
def challenge(context: click.Context, /, paper: str, passphrase_file: Path | None) -> None:
    """Challenge an owner in public who has refused your REQUEST, or has not answered it in 14 days.

    What you ask for, and that you bought it there, is shown to everybody; what the goods are is not.
    """
    run = invocation(context)
    output.emit(
        run, call(run, BUYBACK_CHALLENGE, models.BuybackName(paper), passphrase_file), _show_challenged
    )


# -- for a person --------------------------------------------------------------------------------------------
def _piece(text: str) -> tuple[int, int]:
    line, _, count = text.partition("=")
    if not (line.isdecimal() and count.isdecimal() and int(line) < 100 and 0 < int(count) <= 1_000_000):
        raise Problem(
            f"--piece {text!r}: write the line, counted from 0, and how many pieces, as 0=2.",
            ExitCode.USAGE,
            "usage",
        )
    return int(line), int(count)


def _show_goods(page: models.Page[models.BuybackGoods]) -> None:
    if not page.items:
        output.say("Nothing to give back.")
        return
    rows = [
        (one.deal[:10] if not index else "", str(line.line), output.plain(line.title), f"{line.left:,}",
         one.due if not index else "", output.when(one.until)[:10] if not index else "")
        for one in page.items
        for index, line in enumerate(one.lines)
    ]  # fmt: skip
    output.table(("order", "line", "what", "pieces", "owed for all", "ask until"), rows, right=(1, 3, 4))
    output.hint(
        "Ask with: netnode team buyback ask OWNER/KEY. What you have sold, leave out: --deal ID --piece 0=2"
    )
    output.more(page.next)


def _show_asked(page: models.Page[models.Buyback]) -> None:
    for one in page.items:
        _show_one(one)
    output.hint("Not answered by then? Ask in public with: netnode team buyback challenge REQUEST")


def _show_list(page: models.Page[models.Buyback]) -> None:
    if not page.items:
        output.say("No requests. See what you can give back with: netnode team buyback goods OWNER/KEY")
        return
    rows = [
        (
            one.paper[:10],
            f"you to {named(one.owner)}" if one.own else named(one.member),
            one.amount,
            one.owed or "",
            _state(one),
        )
        for one in page.items
    ]
    output.table(("request", "by", "asked", "owed", "state"), rows, right=(2, 3))
    if any(not one.own and one.state in ("overdue", "waiting", "challenged") for one in page.items):
        output.hint("Answer with: netnode team buyback pay REQUEST, or: netnode team buyback refuse REQUEST")
    output.more(page.next)


def _show_one(one: models.Buyback) -> None:
    rows = [
        ("request", one.paper),
        ("team", one.team),
        ("order", one.deal),
        ("by", "you" if one.own else named(one.member)),
        (
            "goods",
            ", ".join(f"{line.left:,} x {output.plain(line.title) or line.line}" for line in one.lines),
        ),
        ("asked for", one.amount),
        ("state", _state(one)),
    ]
    if one.why:
        rows.append(("not owed", output.plain(one.why)))
    output.pairs(rows)


def _state(one: models.Buyback) -> str:
    match one.state:
        case "waiting":
            return f"to be answered until {output.when(one.due)} UTC"
        case "overdue":
            return f"not answered since {output.when(one.due)} UTC"
        case "challenged":
            return "challenged in public"
        case "refused":
            return f"refused: {one.code}"
        case "paid back":
            return "paid back; confirm it in the deal" if one.own else "paid back"


def _show_challenged(one: models.CreditChallenged) -> None:
    output.say(
        f"Your challenge to {named(one.issuer)} stands in your log as entry {one.entry[:10]}. Everybody who holds it "
        "sees whether it is answered within 14 days."
    )
