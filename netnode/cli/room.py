"""Commands on what this node keeps of others, and on its stamp."""

from __future__ import annotations

from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, passphrase_option
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.room import LISTING_DROP, LOG_DROP, STAMP, STAMP_IMPROVE


@click.command(
    cls=NodeCommand, epilog=examples("netnode listing drop nx1.../brass-lamp     as a search prints it")
)
@click.argument("ref", metavar="REF")
@click.pass_context
def drop(context: click.Context, ref: str) -> None:
    """Let go of somebody else's listing REF here, for good, with all its versions.

    It is not asked for again, and peers that ask this node for it hear that it is gone. Other nodes keep what they
    hold.
    """
    run = invocation(context)
    done = call(run, LISTING_DROP, models.ListingDrop(ref))
    output.emit(run, done, _show_listing)


def _show_listing(done: models.ListingDropped) -> None:
    output.say(f"Let go of {output.counted(done.records, 'record')} of {done.ref}")


@click.command(
    cls=NodeCommand,
    name="drop",
    epilog=examples("netnode log drop nx1...", "netnode log drop nx1... --undo     take it again"),
)
@click.argument("networker", metavar="ID")
@click.option("--undo", is_flag=True, help="Take the log again.")
@click.pass_context
def drop_log(context: click.Context, networker: str, undo: bool) -> None:
    """Let go of the whole log of ID here, and take it no more."""
    run = invocation(context)
    done = call(run, LOG_DROP, models.LogDrop(id=networker, undo=undo))
    output.emit(run, done, _show_log)


def _show_log(done: models.LogDropped) -> None:
    if done.dropped:
        output.say(
            f"Let go of {output.counted(done.entries, 'entry', 'entries')} of {done.id}; no more are taken.",
            f"Take them again with: netnode log drop {done.id} --undo",
        )
    else:
        output.say(f"The log of {done.id} is taken again, from peers that have it.")


@click.group(cls=NodeGroup)
def stamp() -> None:
    """The proof of work that strangers may ask this node for."""


@stamp.command(cls=NodeCommand, epilog=examples("netnode stamp show"))
@click.pass_context
def show(context: click.Context) -> None:
    """Show the stamp this node has, and what it works on."""
    run = invocation(context)
    output.emit(run, call(run, STAMP, models.Nothing()), _show_stamp)


def _show_stamp(state: models.StampState) -> None:
    rows = [
        ("stamp", f"{state.bits} bits" if state.bits else "none yet"),
        (
            "profile",
            f"{state.profile} bits" if state.profile else "none; publish it with: netnode stamp improve",
        ),
    ]
    if state.aim:
        share = f"{state.attempts:,} attempts of about {2**state.aim:,}"
        rows.append(("working on", f"{state.aim} bits, {share}"))
    output.pairs(rows)


@stamp.command(cls=NodeCommand, epilog=examples("netnode stamp improve", "netnode stamp improve --bits 24"))
@click.option("--bits", type=click.IntRange(1, 40), help="How many; each one more takes twice the work.")
@passphrase_option
@click.pass_context
def improve(context: click.Context, bits: int | None, passphrase_file: Path | None) -> None:
    """Make a better stamp now and publish it in the profile."""
    run = invocation(context)
    if bits is None:
        bits = max(20, call(run, STAMP, models.Nothing()).bits + 1)
    if not run.json:
        output.say(f"Working on {bits} bits: about {2**bits:,} attempts, a million or so a second.")
    output.emit(run, call(run, STAMP_IMPROVE, models.StampOrder(bits), passphrase_file), _show_stamp)
