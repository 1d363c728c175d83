"""Commands on addresses: `peer show`, `peer addresses`."""

from __future__ import annotations

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, examples, invocation, page_options
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.addresses import PEER_ADDRESSES, PEER_SHOW


@click.command(
    cls=NodeCommand,
    epilog=examples("netnode peer show nx1...", "netnode peer show ws://192.168.1.20:4747/inx/1"),
)
@click.argument("name", metavar="PEER")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show a peer and its addresses, by its id or one of the addresses."""
    run = invocation(context)
    output.emit(run, call(run, PEER_SHOW, models.PeerName(name)), _show_peer)


def _show_peer(found: models.PeerShown) -> None:
    peer = found.peer
    state: str = peer.state
    if peer.state == "connected":
        state = "connected; it dialled" if peer.inbound else "connected; dialled from here"
    rows = [
        ("name", peer.name or "-"),
        ("id", peer.id or "not known before the first session"),
        ("state", state),
        ("last session", f"{output.when(peer.seen)} UTC" if peer.seen else "none"),
    ]
    output.pairs([*rows, ("note", peer.note)] if peer.note else rows)
    if found.addresses:
        output.say("")
        _table(found.addresses)
    else:
        output.say("No address is known: it dialled in.")


@click.command(cls=NodeCommand, epilog=examples("netnode peer addresses"))
@page_options
@click.pass_context
def addresses(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the addresses that peers told (the address book)."""
    run = invocation(context)
    output.emit(run, call(run, PEER_ADDRESSES, models.Listed(limit=limit, cursor=cursor)), _show_book)


def _show_book(page: models.Page[models.KnownAddress]) -> None:
    if not page.items:
        output.say(
            "No addresses yet: peers tell them in sessions. Add a first peer with: netnode peer add LINK"
        )
        return
    _table(page.items, with_id=True)
    output.more(page.next)


def _table(found: list[models.KnownAddress], with_id: bool = False) -> None:
    rows = [
        (
            *((each.id or "-",) if with_id else ()),
            each.address,
            each.group,
            "kept" if each.kept else each.state,
            output.when(each.met),
            _trouble(each),
        )
        for each in found
    ]
    ids = ("id",) if with_id else ()
    output.table((*ids, "address", "network", "state", "last met (UTC)", "note"), rows)


def _trouble(each: models.KnownAddress) -> str:
    """Why it is not dialled now, or what went wrong at the newest attempt."""
    if each.discouraged is not None:
        return f"avoided until {output.when(each.discouraged)}: {each.fault}"
    if each.failure is None:
        return ""
    again = "" if each.retry is None else f"; again after {output.when(each.retry)}"
    return f"{each.failure}{again}"
