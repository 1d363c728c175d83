"""Commands on others: peer, follow, unfollow, moderate."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from netnode.cli import addresses, invites, netcheck, output
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    file_option,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.peers import (
    BLOCK,
    FOLLOW,
    FOLLOWS,
    MODERATION,
    PEER_ADD,
    PEER_BLOCK,
    PEER_REMOVE,
    PEERS,
    REPORT,
    UNFOLLOW,
)
from protocol.records.moderation import ReportReason


@click.group(cls=NodeGroup)
def peer() -> None:
    """The nodes this one knows."""


peer.add_command(invites.make)
peer.add_command(invites.invites)
peer.add_command(netcheck.nearby)
peer.add_command(addresses.show)
peer.add_command(addresses.addresses)


@peer.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode peer add "inx:nx1..."               an invite, in quotes',
        "netnode peer add ws://192.168.1.20:4747/inx/1",
    ),
)
@click.argument("uri")
@file_option("--pin-file", help="File with the PIN of the invite, where nobody can be asked for it.")
@click.pass_context
def add(context: click.Context, uri: str, pin_file: Path | None) -> None:
    """Add a peer by its invite (inx:...) or address (ws://...)."""
    run = invocation(context)
    pin = invites.pin_of(run, uri, pin_file)
    output.emit(run, call(run, PEER_ADD, models.PeerUri(uri, pin)), _show_added)
    if run.home.running() is None:
        output.hint("It is dialled as soon as the node runs: netnode start")


def _show_added(added: models.Peer) -> None:
    who = added.id or (added.addresses[0] if added.addresses else "the peer")
    met = {"known": "not met yet", "connected": "in session with it"}
    output.say(f"Added {who} ({met.get(added.state, added.state)}).")
    if added.invite == "joined":
        output.say("You joined by the invite.")
    elif added.invite == "pending":
        output.say(
            "The invite is shown there as soon as a session opens; see what comes of it with: netnode peer ls"
        )


@peer.command(cls=NodeCommand, name="ls", epilog=examples("netnode peer ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the peers in the book."""
    run = invocation(context)
    output.emit(run, call(run, PEERS, models.Listed(limit=limit, cursor=cursor)), _show_book)


def _show_book(page: models.Page[models.Peer]) -> None:
    if not page.items:
        output.say("No peers yet. Add one with: netnode peer add LINK")
        return
    rows = [
        (
            one.name or "-",
            one.id or "-",
            one.state,
            ", ".join(one.addresses) or "-",
            output.when(one.seen),
            one.note or "",
        )
        for one in page.items
    ]
    output.table(("name", "id", "state", "addresses", "last session (UTC)", "note"), rows)
    output.more(page.next)


@peer.command(
    cls=NodeCommand,
    name="rm",
    epilog=examples("netnode peer rm nx1...", "netnode peer rm ws://192.168.1.20:4747/inx/1"),
)
@click.argument("name", metavar="PEER")
@click.pass_context
def remove(context: click.Context, name: str) -> None:
    """Forget a peer, by its id or one of its addresses."""
    run = invocation(context)
    call(run, PEER_REMOVE, models.PeerName(name))
    output.emit(run, {"removed": name}, lambda _: output.say(f"Forgot {name}."))


@peer.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode peer block nx1...",
        "netnode peer block nx1... --lift     allow it again",
    ),
)
@click.argument("networker", metavar="ID")
@click.option("--lift", is_flag=True, help="Allow sessions again.")
@click.pass_context
def block(context: click.Context, networker: str, lift: bool) -> None:
    """Refuse sessions with a networker, and all letters of theirs, also those of deals.

    Nobody else is told; they themselves are told that they are refused. `moderate block` says it in public, and lets
    deals go on.
    """
    run = invocation(context)
    found = call(run, PEER_BLOCK, models.PeerBlock(id=networker, lifted=lift))
    done = "Allowed again: sessions with" if lift else "Refused from now on: sessions with, and letters of,"
    output.emit(run, found, lambda _: output.say(f"{done} {networker}."))


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode follow nx1...",
    ),
)
@click.argument("networker", metavar="ID")
@click.pass_context
def follow(context: click.Context, networker: str) -> None:
    """Follow a networker: what they publish is kept here for good, and asked of every peer."""
    run = invocation(context)
    found = call(run, FOLLOW, models.Networker(networker))
    output.emit(run, found, lambda answer: output.say(f"You follow {answer.name or answer.id}."))


@click.command(cls=NodeCommand, epilog=examples("netnode unfollow nx1..."))
@click.argument("networker", metavar="ID")
@click.pass_context
def unfollow(context: click.Context, networker: str) -> None:
    """Follow a networker no longer; what is held here stays for now."""
    run = invocation(context)
    call(run, UNFOLLOW, models.Networker(networker))
    output.emit(run, {"unfollowed": networker}, lambda _: output.say(f"You no longer follow {networker}."))


@click.command(cls=NodeCommand, epilog=examples("netnode following"))
@page_options
@click.pass_context
def following(context: click.Context, limit: int, cursor: str | None) -> None:
    """List everybody you follow."""
    run = invocation(context)
    output.emit(run, call(run, FOLLOWS, models.Listed(limit=limit, cursor=cursor)), _show_follows)


def _show_follows(page: models.Page[models.Follow]) -> None:
    if not page.items:
        output.say("You follow nobody yet. Follow somebody with: netnode follow ID")
        return
    rows = [(one.name or "-", one.id, f"{one.entries:,}") for one in page.items]
    output.table(("name", "id", "entries here"), rows, right=(2,))
    output.more(page.next)


@click.group(cls=NodeGroup)
def moderate() -> None:
    """Public, signed statements about others, shown to those who follow you."""


@moderate.command(
    cls=NodeCommand,
    name="block",
    epilog=examples(
        'netnode moderate block nx1... --reason "Sends what nobody ordered"',
        "netnode moderate block nx1... --lift     take it back",
    ),
)
@click.argument("networker", metavar="ID")
@click.option("--reason", metavar="TEXT", help="Why, for your followers.")
@click.option("--lift", is_flag=True, help="Take an earlier block back.")
@passphrase_option
@click.pass_context
def block_publicly(
    context: click.Context, networker: str, reason: str | None, lift: bool, passphrase_file: Path | None
) -> None:
    """Publish that you block a networker: what they offer is not shown here, and mail of theirs is refused.

    Who follows you sees it. Deals with them go on; to refuse sessions and every letter of theirs as well: netnode peer
    block ID.
    """
    run = invocation(context)
    statement = models.BlockPublish(id=networker, reason=reason, lifted=lift)
    stated = call(run, BLOCK, statement, passphrase_file)
    output.emit(run, stated, lambda answer: output.say(f"Published as entry {answer.entry}"))


@moderate.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode moderate report nx1.../brass-lamp --reason counterfeit",
        'netnode moderate report nx1... --reason spam --text "A thousand listings of nothing"',
    ),
)
@click.argument("ref")
@click.option("--reason", required=True, type=click.Choice(get_args(ReportReason)), help="What is wrong.")
@click.option("--text", metavar="TEXT", help="What happened.")
@passphrase_option
@click.pass_context
def report(
    context: click.Context, ref: str, reason: str, text: str | None, passphrase_file: Path | None
) -> None:
    """Publish a report of a listing (SELLER/KEY) or a networker (its id)."""
    run = invocation(context)
    stated = call(run, REPORT, models.ReportPublish(ref=ref, reason=reason, text=text), passphrase_file)
    output.emit(run, stated, lambda answer: output.say(f"Published as entry {answer.entry}"))


@moderate.command(cls=NodeCommand, name="ls", epilog=examples("netnode moderate ls"))
@page_options
@click.pass_context
def statements(context: click.Context, limit: int, cursor: str | None) -> None:
    """List blocks and reports by you and those you follow."""
    run = invocation(context)
    output.emit(run, call(run, MODERATION, models.Listed(limit=limit, cursor=cursor)), _show_statements)


def _show_statements(page: models.Page[models.Moderation]) -> None:
    if not page.items:
        output.say("No blocks or reports by you or those you follow.")
        return
    rows = [
        (one.type, one.target, one.reason, output.short(one.author), output.when(one.time))
        for one in page.items
    ]
    output.table(("what", "about", "reason", "by", "when (UTC)"), rows)
    output.more(page.next)
