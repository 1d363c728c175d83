"""Commands that put the own log right: end a fork, publish again after a copy or a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.asking import confirm
from netnode.cli.frame import Invocation, NodeCommand, examples, invocation, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.node import STATUS
from netnode.operations.own import LOG_BRANCHES, LOG_RESUME, LOG_SETTLE
from netnode.problems import ExitCode, Problem

_RECOGNISED: Final = "Noted: the entries that came from a peer are yours."
_SHOWN = 5  # entries of a branch named before the rest is counted


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode log settle                  see the branches, then choose",
        "netnode log settle --yes            go on with the one proposed",
        "netnode log settle --branch 3fa9c1  go on with the one that ends so",
        "netnode log settle --from 17        take entry 17 and all after it back",
    ),
)
@click.option("--branch", metavar="ID", help="The branch to go on with: the begin of its newest entry's id.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(1),
    metavar="SEQ",
    help="Take this entry and all after it out of a log that is not forked, as after a wrong clock.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_option
@click.pass_context
def settle(
    context: click.Context, branch: str | None, first: int | None, yes: bool, passphrase_file: Path | None
) -> None:
    """End a fork of your own log: show its branches, and sign which one goes on.

    A log forks when two copies of a home publish, or when a backup does that lacks the newest entries. What stands only
    on the other branches leaves your log; it is named, so that you can publish it again. With --from it takes back what
    was published with a wrong clock.
    """
    run = invocation(context)
    if first is not None:
        if branch is not None:
            raise Problem("Give --branch or --from, not both.", ExitCode.USAGE, "branch_and_first")
        if not yes:
            output.hint(
                f"Entry {first} and all after it leave your log for good. They are kept: netnode key disowned"
            )
            confirm(run, f"Take everything from entry {first} on back?", yes=yes)
        output.emit(run, call(run, LOG_SETTLE, models.Settle(first=first), passphrase_file), _show_settled)
        return
    known = call(run, LOG_BRANCHES, models.Nothing())
    if not known.forked:
        text = (
            "Your log is not forked: there is nothing to settle. To take back what a wrong clock dated: --from SEQ, "
            "see netnode log ls"
        )
        raise Problem(text, ExitCode.REFUSED, "not_forked")
    if not run.json:
        _show_branches(known)
    if branch is None and not yes:
        branch = _ask(run, known)
    elif not yes and run.interactive:
        confirm(run, f"Go on with the branch that ends with {branch}?", yes=yes)
    request = models.Settle(branch=None if branch is None else branch.strip().lower())
    output.emit(run, call(run, LOG_SETTLE, request, passphrase_file), _show_settled)


def _show_branches(known: models.Branches) -> None:
    output.say(
        f"Your log is forked: {len(known.branches)} branches after entry {known.common}.",
        "",
    )
    for number, one in enumerate(known.branches, 1):
        marks = [name for name, holds in (("proposed", number == 1), ("shown now", one.main)) if holds]
        output.say(
            f"{number}. {one.id[:12]}  {output.counted(one.entries, 'entry', 'entries')}, "
            f"{output.when(one.first)} to {output.when(one.last)} UTC, held by {output.counted(one.peers, 'peer')}"
            + (f"  ({', '.join(marks)})" if marks else "")
        )
        for content in one.contents[:_SHOWN]:
            output.say(f"     {content}")
        if one.entries > _SHOWN:
            output.say(f"     and {one.entries - _SHOWN:,} more")
        if not one.whole:
            output.say("     not all of it is here: the log cannot go on with it before a peer gave the rest")
    output.say("")


def _ask(run: Invocation, known: models.Branches) -> str:
    if not run.interactive:
        text = "Say which branch goes on: --yes for the one proposed, or --branch ID."
        raise Problem(text, ExitCode.USAGE, "branch_needed")
    output.hint("What stands only on the other branches leaves your log.")
    number: int = click.prompt(
        "Which one goes on?",
        type=click.IntRange(1, len(known.branches)),
        default=1,
        err=True,
    )
    return known.branches[number - 1].id


def _show_settled(done: models.Settled) -> None:
    output.say(
        f"Settled: your log goes on with the branch {done.goes_on.id[:12]} (entry {done.seq} opens term {done.term})."
    )
    for one in done.left:
        if one.again:
            output.say(
                f"No longer part of your log, publish it again where you still want it ({one.id[:12]}):"
            )
            for content in one.again:
                output.say(f"  {content}")
            if one.again_more:
                output.say(f"  and {one.again_more:,} more; see them with: netnode key disowned")
        else:
            output.say(f"No longer part of your log: nothing that you published yourself ({one.id[:12]}).")
        if one.technical:
            each = ", ".join(f"{name} ({count:,})" for name, count in one.technical.items())
            total = output.counted(sum(one.technical.values()), "entry", "entries")
            output.say(f"With it went {total} that your node writes by itself: {each}")


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode log resume             the other copy of this home is gone for good",
        "netnode log resume --anyway    publish without waiting for peers",
    ),
)
@click.option("--anyway", is_flag=True, help="Publish without waiting for peers; names the risk and asks.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def resume(context: click.Context, anyway: bool, yes: bool) -> None:
    """Publish again after two copies ran, or after a backup was put back.

    Without an option it says that the other copy of this home is gone; the node then asks its peers for your newest
    entries before it publishes. With --anyway it does not wait for them. Entries that came from a peer, and that
    `netnode status` tells of, are recognised by it as yours.
    """
    run = invocation(context)
    status = call(run, STATUS, models.Nothing())
    found = status.waiting
    if found is None and status.unrecognised is not None:
        output.emit(
            run, call(run, LOG_RESUME, models.Resume(anyway=anyway)), lambda _: output.say(_RECOGNISED)
        )
        return
    if found is None:
        text = "Nothing holds this node back: it publishes as usual."
        raise Problem(text, ExitCode.REFUSED, "not_waiting")
    if found.reason == "forked":
        raise Problem(found.text, ExitCode.REFUSED, "forked")
    if found.alarm:
        confirm(run, "Is the other copy of this home stopped, and will it never be started again?", yes=yes)
    if anyway and not yes:
        output.hint(
            "Peers that have not answered may hold newer entries of yours. Whatever is published now takes their "
            "place: they leave your log for good, and others see that it was settled."
        )
        confirm(run, "Publish without waiting?", yes=yes)
    output.emit(run, call(run, LOG_RESUME, models.Resume(anyway=anyway)), _show_resumed)


def _show_resumed(done: models.Resumed) -> None:
    if done.waiting is None:
        output.say("This node publishes again. Its first entry is a settlement, so that nothing can fork.")
        return
    output.say(done.waiting.text)
