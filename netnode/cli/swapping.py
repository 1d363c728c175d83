"""Commands on swaps of credit, and on what is disputed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import click
import msgspec

from netnode.cli import output
from netnode.cli.asking import confirm, require_answer
from netnode.cli.credits import named
from netnode.cli.frame import (
    Invocation,
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.swaps import (
    CREDIT_RELEASE,
    SWAP_ACCEPT,
    SWAP_DECLINE,
    SWAP_PROPOSE,
    SWAP_SHOW,
    SWAPS,
)
from netnode.problems import Problem

_QUESTION: Final = "Sign it?"
Signed = TypeVar("Signed", models.SwapPropose, models.SwapAccept)


@click.group(cls=NodeGroup)
def swap() -> None:
    """Swaps: credit of one issuer for credit of another, without trust in either."""


@swap.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit swap propose nx1bob... --give 6.00 --from nx1x... --get 4.00 --of nx1y...",
        "netnode credit swap propose nx1bob... --give 6 --from nx1x... --get 4 --of nx1y... --days 3 --yes",
    ),
)
@click.argument("with_", metavar="HOLDER")
@click.option("--give", required=True, metavar="AMOUNT", help="What you give; it is locked.")
@click.option("--from", "from_", required=True, metavar="ID", help="Issuer of what you give.")
@click.option("--give-unit", metavar="UNIT", help="Where that issuer has several.")
@click.option("--get", required=True, metavar="AMOUNT", help="What you get.")
@click.option("--of", required=True, metavar="ID", help="Issuer of what you get; its log decides.")
@click.option("--get-unit", metavar="UNIT", help="Where that issuer has several.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Until it is over.")
@click.option("--text", default="", help="A word that goes along.")
@click.option("--yes", is_flag=True, help="Do not ask: you know what signing means.")
@passphrase_option
@click.pass_context
def propose(
    context: click.Context,
    /,
    with_: str,
    give: str,
    from_: str,
    give_unit: str | None,
    get: str,
    of: str,
    get_unit: str | None,
    days: int,
    text: str,
    yes: bool,
    passphrase_file: Path | None,
) -> None:
    """Propose a swap to another HOLDER. Your node signs once the answer says the same."""
    run = invocation(context)
    request = models.SwapPropose(
        with_=with_,
        give=give,
        from_=from_,
        give_unit=give_unit,
        get=get,
        of=of,
        get_unit=get_unit,
        days=days,
        text=text,
    )

    def confirmed(problem: Problem) -> models.SwapPropose:
        return msgspec.structs.replace(request, confirmed=True, until=int(problem.details["until"]))

    output.emit(run, _sign(run, SWAP_PROPOSE, request, confirmed, yes, passphrase_file), _show)


@swap.command(cls=NodeCommand, epilog=examples("netnode credit swap accept 3f9c2a71"))
@click.argument("name", metavar="SWAP")
@click.option("--yes", is_flag=True, help="Do not ask: you know what signing means.")
@passphrase_option
@click.pass_context
def accept(context: click.Context, /, name: str, yes: bool, passphrase_file: Path | None) -> None:
    """Sign a SWAP that was proposed to you."""
    run = invocation(context)
    request = models.SwapAccept(swap=name)

    def confirmed(problem: Problem) -> models.SwapAccept:
        return models.SwapAccept(swap=name, confirmed=True)

    output.emit(run, _sign(run, SWAP_ACCEPT, request, confirmed, yes, passphrase_file), _show)


@swap.command(cls=NodeCommand, epilog=examples("netnode credit swap decline 3f9c2a71 --text 'too little'"))
@click.argument("name", metavar="SWAP")
@click.option("--text", default="", help="A word to the other holder.")
@click.pass_context
def decline(context: click.Context, /, name: str, text: str) -> None:
    """Decline a SWAP, or take back one that you proposed and nobody signed."""
    run = invocation(context)
    output.emit(run, call(run, SWAP_DECLINE, models.SwapDecline(swap=name, text=text)), _show)


@swap.command(cls=NodeCommand, epilog=examples("netnode credit swap ls", "netnode credit swap ls --waiting"))
@click.option("--waiting", is_flag=True, help="Only those that something can still come of.")
@page_options
@click.pass_context
def ls(context: click.Context, waiting: bool, limit: int, cursor: str | None) -> None:
    """List swaps, the newest first: yours, and those that you are asked to log."""
    run = invocation(context)
    query = models.SwapsQuery(waiting=waiting, limit=limit, cursor=cursor)
    output.emit(run, call(run, SWAPS, query), _show_list)


@swap.command(cls=NodeCommand, epilog=examples("netnode credit swap show 3f9c2a71"))
@click.argument("name", metavar="SWAP")
@click.pass_context
def show(context: click.Context, /, name: str) -> None:
    """Show a SWAP: who gives what, how far it is, what it waits for."""
    run = invocation(context)
    output.emit(run, call(run, SWAP_SHOW, models.SwapName(swap=name)), _show)


@click.command(
    cls=NodeCommand,
    epilog=examples("netnode credit release nx1...", "netnode credit release nx1... --about ROTATION --yes"),
)
@click.argument("issuer", metavar="ISSUER")
@click.option("--about", metavar="ID", help="Only this rotation, or this disputed movement (64 hex digits).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_option
@click.pass_context
def release(
    context: click.Context, /, issuer: str, about: str | None, yes: bool, passphrase_file: Path | None
) -> None:
    """Let go of what a rotation of an ISSUER left disputed between you; it cannot be claimed again."""
    run = invocation(context)
    confirm(run, "What is disputed is then settled for good. Sign that?", yes=yes)
    request = models.CreditRelease(issuer=issuer, about=about)
    output.emit(run, call(run, CREDIT_RELEASE, request, passphrase_file), _show_released)


COMMANDS: Final = (swap, release)
"""For the group `credit`."""


def _sign(
    run: Invocation,
    operation: Operation[Signed, models.CreditSwap],
    request: Signed,
    confirmed: Callable[[Problem], Signed],
    yes: bool,
    passphrase_file: Path | None,
) -> models.CreditSwap:
    """Says what signing means, asks, and signs [R-CRED-52].

    Raises:
        Problem: as the operation; exit 2 that names --yes, when nobody can be asked.
    """
    try:
        return call(run, operation, request, passphrase_file)
    except Problem as problem:
        if problem.code != "not_confirmed":
            raise
        sentence = str(problem.details["sentence"])
        output.hint(sentence)
        require_answer(run, f"{sentence} {_QUESTION}", yes=yes)
        confirm(run, _QUESTION, yes=yes)
        return call(run, operation, confirmed(problem), passphrase_file)


def _show(found: models.CreditSwap) -> None:
    output.say(f"Swap {found.swap[:10]}: {found.next}.")
    output.pairs(
        [
            ("locked", _side(found.first)),
            ("for", _side(found.second)),
            ("over at", f"{output.when(found.until)} UTC"),
            *([("word", found.text)] if found.text else []),
            *([("refused", f"{found.why} ({found.code})" if found.code else found.why)] if found.why else []),
            *([("lock", f"entry {found.locked.seq} ({found.locked.id[:12]})")] if found.locked else []),
            *([("decided", f"entry {found.swapped.seq} ({found.swapped.id[:12]})")] if found.swapped else []),
        ]
    )
    if found.stage == "proposed" and found.role == "second":
        output.say(
            f"To sign it: netnode credit swap accept {found.swap[:10]}",
            f"Else: netnode credit swap decline {found.swap[:10]}",
        )


def _side(side: models.SwapSide) -> str:
    return f"{side.amount} {side.unit} of {named(side.issuer)}, given by {named(side.holder)}"


def _show_list(page: models.Page[models.CreditSwap]) -> None:
    if not page.items:
        output.say("No swaps.")
        return
    output.table(
        ("swap", "stage", "locked", "for", "over at (UTC)"),
        [
            (
                one.swap[:10],
                one.stage,
                f"{one.first.amount} {one.first.unit} of {named(one.first.issuer)}",
                f"{one.second.amount} {one.second.unit} of {named(one.second.issuer)}",
                output.when(one.until),
            )
            for one in page.items
        ],
    )
    output.more(page.next)


def _show_released(found: models.CreditReleased) -> None:
    output.say(f"{output.counted(len(found.about), 'release')} on the way to {found.issuer}.")
