"""Commands on being reached: ping, netcheck, nodes nearby, domains."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from netnode.cli import output
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    file_option,
    invocation,
    messages,
    page_options,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.reach import (
    DOMAIN_DOCUMENT,
    DOMAIN_VERIFY,
    DOMAINS,
    NEARBY,
    NETCHECK,
    PING,
)
from netnode.problems import ExitCode, disk_problem

_REACHED: Final = {
    "yes": "yes, from the internet",
    "lan": "from your local network",
    "here": "from this computer only",
    "no": "no; it works through the sessions it opens itself",
    "unknown": "not known",
}


def reached(word: str | None) -> str:
    """Whether others reach the node, for people; `-` while none runs."""
    return _REACHED.get(word or "", "-")


@click.command(
    cls=NodeCommand,
    epilog=examples("netnode ping nx1...", "netnode ping ws://192.168.1.20:4747/inx/1 --count 5"),
)
@click.argument("peer")
@click.option("--count", type=click.IntRange(1, 100), default=1, show_default=True, help="How often.")
@click.pass_context
def ping(context: click.Context, peer: str, count: int) -> None:
    """Ask a peer in session for a sign of life: round trip, clock, where it sees you.

    PEER is an id or an address of the book.
    """
    run = invocation(context)
    found = [call(run, PING, models.PingOrder(peer=peer)) for _ in range(count)]
    if run.json:
        output.write_json(found[0] if count == 1 else found)
        return
    for one in found:
        output.say(
            f"{one.name or output.short(one.id)} at {one.remote}: {one.milliseconds:.1f} ms, clock {_off(one.clock)}, "
            f"sees you at {one.seen_as or 'an address it does not tell'}"
        )


def _off(milliseconds: int) -> str:
    if abs(milliseconds) < 1_000:
        return "the same"
    return f"{abs(milliseconds) / 1000:.1f} s {'ahead' if milliseconds > 0 else 'behind'}"


@click.command(cls=NodeCommand, epilog=examples("netnode netcheck"))
@click.pass_context
def netcheck(context: click.Context) -> None:
    """Find out where your node can be reached, and what to do if it cannot."""
    run = invocation(context)
    console = messages()
    with console.status("Asking your peers to dial back ..."):
        found = call(run, NETCHECK, models.Nothing())
    output.emit(run, found, _show_netcheck)


def _show_netcheck(found: models.Netcheck) -> None:
    output.pairs(
        [
            ("reachable", reached(found.reachable)),
            ("listens at", found.listen),
            ("this computer", ", ".join(found.local) or "no network"),
            ("seen by peers at", ", ".join(found.seen_as) or "not known"),
            ("reached at", ", ".join(found.confirmed) or "-"),
            ("IPv6", "yes" if found.ipv6 else "no public address"),
            ("sessions", f"{found.outbound} opened by you, {found.inbound} by others"),
            (
                "clock",
                "not known: it takes three peers of yours" if found.clock is None else _off(-found.clock),
            ),
        ]
    )
    if found.peers:
        output.say("")
        rows = [
            (
                one.name or output.short(one.id),
                one.remote,
                "-" if one.milliseconds is None else f"{one.milliseconds:.0f} ms",
                one.seen_as or "-",
                "-" if one.reached is None else f"{'yes' if one.reached else 'no'}, {one.dialled}",
                one.note or "",
            )
            for one in found.peers
        ]
        output.table(("peer", "at", "round trip", "sees you at", "dialled back", "note"), rows)
    output.say("", *found.advice)


@click.command(cls=NodeCommand, epilog=examples("netnode peer nearby"))
@page_options
@click.pass_context
def nearby(context: click.Context, limit: int, cursor: str | None) -> None:
    """List nodes that announce themselves in your local network; none is dialled until you add it."""
    run = invocation(context)
    output.emit(run, call(run, NEARBY, models.Listed(limit=limit, cursor=cursor)), _show_nearby)


def _show_nearby(page: models.Page[models.Neighbour]) -> None:
    if not page.items:
        output.say("No other node announces itself in your local network.")
        return
    rows = [
        (one.name or "-", "in the book" if one.known else "new", output.when(one.seen), one.uri)
        for one in page.items
    ]
    output.table(("name", "", "heard (UTC)", "link for netnode peer add"), rows)
    output.more(page.next)
    output.hint("A name and an address prove nothing: the session does. Add whom you expect here.")


@click.group(cls=NodeGroup)
def domain() -> None:
    """Show that a domain is yours, and whose domain is theirs."""


@domain.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode domain verify", "netnode domain verify nx1...   the domain in somebody's profile"
    ),
)
@click.argument("networker", metavar="[ID]", required=False)
@click.pass_context
def verify(context: click.Context, networker: str | None) -> None:
    """Look whether the domain in a profile (yours without ID) names its networker; calls that domain's server.

    Exit 1: it does not.
    """
    run = invocation(context)
    chosen = None if networker in (None, "self") else networker
    found = call(run, DOMAIN_VERIFY, models.DomainChoice(chosen))
    output.emit(run, found, _show_check)
    if found.state != "verified":
        context.exit(int(ExitCode.FAILED))


def _show_check(found: models.DomainCheck) -> None:
    output.say(f"{found.domain}: {checked(found)}")


def checked(found: models.DomainCheck) -> str:
    """What is known of a domain, for people."""
    if found.state == "verified":
        return f"verified on {output.when(found.checked)} UTC"
    if found.state == "failed":
        return f"failed on {output.when(found.checked)} UTC: {found.note}"
    return "unverified"


@domain.command(cls=NodeCommand, name="ls", epilog=examples("netnode domain ls"))
@page_options
@click.pass_context
def domains(context: click.Context, limit: int, cursor: str | None) -> None:
    """List the domains you looked at."""
    run = invocation(context)
    output.emit(run, call(run, DOMAINS, models.Listed(limit=limit, cursor=cursor)), _show_domains)


def _show_domains(page: models.Page[models.DomainCheck]) -> None:
    if not page.items:
        output.say("You looked at no domain yet. Look at one with: netnode domain verify ID")
        return
    rows = [(one.name or output.short(one.id), one.domain, checked(one)) for one in page.items]
    output.table(("networker", "domain", "state"), rows)
    output.more(page.next)


@domain.command(cls=NodeCommand, epilog=examples("netnode domain document --out netnode.json"))
@file_option("--out", help="Write it to FILE.")
@click.pass_context
def document(context: click.Context, out: Path | None) -> None:
    """Print what your web server should serve at /.well-known/netnode.json."""
    run = invocation(context)
    found = call(run, DOMAIN_DOCUMENT, models.Nothing())
    data = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    if out is None:
        output.emit(run, found, lambda _: output.write(data.decode()))
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise disk_problem(error, "write", out) from error
    output.emit(run, found, lambda answer: output.say(f"Written to {out}."))
