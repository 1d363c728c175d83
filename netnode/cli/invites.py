"""Commands on invites: make one, with expiry and PIN, list them with who joined, take one back."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click

from netnode.cli import output
from netnode.cli.drawing import check_qr_file, draw, qr_options
from netnode.cli.frame import (
    Invocation,
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.peers import INVITE
from netnode.operations.reach import INVITE_MAKE, INVITE_REVOKE, INVITES
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.address import Scope, host_scope
from protocol.errors import RemoteProtocolError
from protocol.limits import PIN_DIGITS, PIN_TRIES
from protocol.uri import parse_invite

_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_STATES: Final = {"locked": "locked: too many wrong PINs", "used": "used up"}


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode invite",
        "netnode invite --qr-file invite.svg",
    ),
)
@qr_options
@click.pass_context
def invite(context: click.Context, qr: bool, qr_file: Path | None) -> None:
    """Print the link that leads another node here (see `peer invite` for one that expires or has a PIN)."""
    run = invocation(context)
    invitation = call(run, INVITE, models.Nothing())
    output.emit(run, invitation, lambda answer: output.say(answer.uri))
    _draw(run, invitation.uri, qr, qr_file)
    output.hint('The other side runs: netnode start --peer "LINK"   (or: netnode peer add "LINK")')
    _warn_of_loopback(invitation.uri)


@click.command(
    cls=NodeCommand,
    name="invite",
    epilog=examples(
        "netnode peer invite                          one person, within a week",
        "netnode peer invite --pin --expires 1h       with a PIN that you tell by telephone",
        "netnode peer invite --uses 50 --qr-file hall.svg   for a room full of people",
    ),
)
@click.option(
    "--expires", default="7d", show_default=True, metavar="TIME", help="30m, 12h, 7d, 4w, or never."
)
@click.option("--pin", is_flag=True, help="Ask for a PIN that you tell by another channel.")
@click.option(
    "--uses", type=click.IntRange(1, 1_000), default=1, show_default=True, help="How many may join."
)
@click.option("--follow", is_flag=True, help="Follow whoever joins.")
@click.option("--note", default="", metavar="TEXT", help="What it is for; only you see it.")
@qr_options
@click.pass_context
def make(
    context: click.Context,
    expires: str,
    pin: bool,
    uses: int,
    follow: bool,
    note: str,
    qr: bool,
    qr_file: Path | None,
) -> None:
    """Make an invite: whoever joins by it counts as somebody you named, not as a stranger."""
    run = invocation(context)
    seconds = _seconds(expires, context)
    check_qr_file(qr_file)
    order = models.InviteOrder(expires_in=seconds, pin=pin, uses=uses, follow=follow, note=note)
    made = call(run, INVITE_MAKE, order)
    output.emit(run, made, _show_made)
    _draw(run, made.uri, qr, qr_file)
    output.hint('The other side runs: netnode peer add "LINK"')
    if made.pin is not None:
        output.hint(
            f"Tell the PIN by another channel than the link, by telephone say. After {PIN_TRIES} wrong ones the "
            "invite is over."
        )
    _warn_of_loopback(made.uri)


def _show_made(made: models.InviteMade) -> None:
    output.say(made.uri, "")
    rows = [
        ("invite", str(made.number)),
        ("PIN", made.pin or "none"),
        ("expires", "never" if made.expires is None else f"{output.when(made.expires)} UTC"),
        ("for", output.counted(made.uses, "node")),
    ]
    output.pairs(rows)


def _seconds(text: str, context: click.Context) -> int | None:
    if text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text.strip().lower())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 60 <= seconds <= 366 * 86_400:
        raise click.BadParameter(
            f"{text!r} is no time from a minute to a year: write 30m, 12h, 7d, 4w or never.",
            context,
            param_hint="--expires",
        )
    return seconds


def _draw(run: Invocation, uri: str, qr: bool, file: Path | None) -> None:
    draw(uri, qr, file, sys.stderr if run.json else sys.stdout)


def _warn_of_loopback(uri: str) -> None:
    addresses = parse_qs(urlsplit(uri).query).get("a", [])
    if all(host_scope(urlsplit(address).hostname or "") is Scope.LOOPBACK for address in addresses):
        output.hint(
            "This link works on this computer only, as the node listens to nobody else. To meet others, run: "
            'netnode config set listen "0.0.0.0:4747", and start the node again.'
        )


@click.group(cls=NodeGroup, name="invites")
def invites() -> None:
    """The invites you made, and who joined by them."""


@invites.command(cls=NodeCommand, name="ls", epilog=examples("netnode peer invites ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List your invites, the newest first."""
    run = invocation(context)
    output.emit(run, call(run, INVITES, models.Listed(limit=limit, cursor=cursor)), _show_invites)


def _show_invites(page: models.Page[models.Invite]) -> None:
    if not page.items:
        output.say("You made no invites yet. Make one with: netnode peer invite")
        return
    rows = [
        (
            str(one.number),
            _STATES.get(one.state, one.state),
            "never" if one.expires is None else output.when(one.expires),
            f"{len(one.joined)} of {one.uses}",
            f"{one.wrong_pins} wrong" if one.wrong_pins else "yes" if one.pin else "-",
            ", ".join(joiner.name or output.short(joiner.id) for joiner in one.joined) or "-",
            one.note,
        )
        for one in page.items
    ]
    output.table(("invite", "state", "expires (UTC)", "joined", "PIN", "who", "note"), rows, right=(0,))
    output.more(page.next)


@invites.command(
    cls=NodeCommand,
    epilog=examples("netnode peer invites revoke 3     its number is in: netnode peer invites ls"),
)
@click.argument("number", type=click.IntRange(1))
@click.pass_context
def revoke(context: click.Context, number: int) -> None:
    """Take an invite back; who joined by it stays."""
    run = invocation(context)
    call(run, INVITE_REVOKE, models.InviteNumber(number))
    output.emit(run, {"revoked": number}, lambda _: output.say(f"Invite {number} opens nothing any more."))


def pin_of(run: Invocation, uri: str, file: Path | None) -> str | None:
    """The PIN of an invite that asks for one: from the file, or asked for at a terminal.

    Raises:
        Problem: the file holds none (2), or nobody can be asked (2).
    """
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise disk_problem(error, "read", file) from error
        except UnicodeDecodeError:
            text = ""
        return _pin(text, f"{file} holds no PIN")
    if not _asks_for_pin(uri):
        return None
    if not run.interactive:
        raise Problem(
            "This invite needs its PIN, 6 digits that its sender tells you. "
            "Put them into a file and add: --pin-file FILE",
            ExitCode.USAGE,
            "pin_needed",
        )
    return _pin(click.prompt("PIN of the invite", err=True), "That is no PIN")


def _pin(text: str, wrong: str) -> str:
    digits = re.sub(r"[\s-]", "", text)
    if re.fullmatch(rf"[0-9]{{{PIN_DIGITS}}}", digits) is None:
        raise Problem(f"{wrong}: it has {PIN_DIGITS} digits, such as 042 917.", ExitCode.USAGE, "pin")
    return digits


def _asks_for_pin(uri: str) -> bool:
    try:
        found = parse_invite(uri.strip())
    except RemoteProtocolError:
        return False  # the operation says what is wrong with it
    return found.pin
