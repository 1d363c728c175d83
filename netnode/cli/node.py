"""Commands on the node: init, start, stop, status, demo, completion."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click
from click.shell_completion import get_completion_class

from netnode.cli import output
from netnode.cli.asking import make_home, show_words
from netnode.cli.frame import Invocation, NodeCommand, examples, file_option, invocation
from netnode.cli.netcheck import reached
from netnode.cli.reach import call, known_passphrase
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.operations.node import STATUS, STOP
from netnode.operations.runtime import Created, Ready, StartOptions
from netnode.problems import ExitCode, Problem
from netnode.settings import SETTINGS
from netnode.system import SystemDisk, SystemEntropy, retries, run_loop
from protocol.errors import RemoteProtocolError
from protocol.uri import parse_invite

_STOP_SECONDS: Final = 15.0  # why: a node ends within 10 s of the signal
_SHOWN: Final = {"unknown": "not known whole here"}  # of an issuer whose ledger it is
_HINTS: Final = {
    "bash": 'eval "$(netnode completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(netnode completion zsh)"   in ~/.zshrc',
    "fish": "netnode completion fish > ~/.config/fish/completions/netnode.fish",
}


@click.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode init --name "Ada\'s Lamps"',
        'netnode init --name "Ada\'s Lamps" --passphrase-file pass.txt    where nobody can be asked',
    ),
)
@click.option("--name", metavar="NAME", help="The name that others will see.")
@click.option(
    "--no-passphrase", is_flag=True, help="Ask for none: store the keys in a file that only you can read."
)
@file_option("--passphrase-file", help="File whose first line is the passphrase for the keys.")
@click.pass_context
def init(context: click.Context, name: str | None, no_passphrase: bool, passphrase_file: Path | None) -> None:
    """Make a new networker: its keys, its home and its recovery words."""
    run = invocation(context)
    created, _ = make_home(run, name, no_passphrase, passphrase_file)
    if run.json:
        output.write_json(_created(created))
        return
    show_words(run, created)
    output.say(
        "",
        "Your node is ready. You are:",
        f"  {created.id}",
        "",
        "Next:",
        "  netnode start                     run the node and meet others",
        "  netnode listing add --help        offer something to the market",
        "  netnode invite                    a link that leads others to you",
    )


def _created(created: Created) -> dict[str, object]:
    return {
        "id": created.id,
        "recovery_words": list(created.words),
        "home": str(created.home),
        "recovery_sheet": str(created.sheet),
    }


def _listen(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    # Here, not in the node: a slip must not leave a new networker behind.
    if value is not None and not SETTINGS["listen"].accepts(value):
        raise click.BadParameter(f"{value!r} is not {SETTINGS['listen'].allowed}.", context, parameter)
    return value


def peer_uris(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses what is neither an invite nor an address, before anything is made."""
    for value in values:
        text = ""
        if value.lower().startswith("inx:"):
            try:
                asks_for_pin = parse_invite(value).pin
            except RemoteProtocolError as error:
                text = f"{value[:80]!r} is no invite: {error.text}."
            else:
                if asks_for_pin:
                    text = "This invite needs its PIN. Start without it, then run: netnode peer add LINK"
        elif not SETTINGS["peers"].accepts(value):
            text = f"{value[:80]!r} is neither an invite (inx:...) nor an address of a peer (ws://...)."
        if text:
            raise click.BadParameter(text, context, parameter)
    return values


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode start",
        'netnode start --peer "inx:nx1..."     meet the one who sent you this link',
        "netnode start --listen 0.0.0.0:4747   let others on the network dial you",
    ),
)
@click.option("--name", metavar="NAME", help="Name of a new networker, when the home is empty.")
@click.option("--no-passphrase", is_flag=True, help="For an empty home: store the keys without a passphrase.")
@file_option("--passphrase-file", help="File whose first line is the passphrase of the keys.")
@click.option(
    "--listen", metavar="HOST:PORT", callback=_listen, help="Where to listen; port 0 picks a free one."
)
@click.option(
    "--peer",
    "peers",
    metavar="URI",
    multiple=True,
    callback=peer_uris,
    help="A peer to dial: inx: or ws://. Repeatable.",
)
@file_option("--ready-file", help="Written once the node serves: one JSON line with its real addresses.")
@click.option("--no-browser", is_flag=True, help="Open no browser; this version never does.")
@click.pass_context
def start(
    context: click.Context,
    name: str | None,
    no_passphrase: bool,
    passphrase_file: Path | None,
    listen: str | None,
    peers: tuple[str, ...],
    ready_file: Path | None,
    no_browser: bool,  # taken for scripts that will not want one
) -> None:
    """Run the node in the foreground until Ctrl-C; makes a new networker in an empty home."""
    run = invocation(context)
    created: Created | None = None
    if run.home.initialised():
        run.home.check()
        running = run.home.running()
        if running is not None:
            raise Problem(
                f"The node of {run.home.path} is running already, at {running.api}.",
                ExitCode.REFUSED,
                "running",
                {"pid": running.pid, "api": running.api},
            )
        protected = Keystore(run.home, SystemDisk(), SystemEntropy()).public().protected
        passphrase = known_passphrase(run, passphrase_file) if protected else None
    else:
        created, passphrase = make_home(run, name, no_passphrase, passphrase_file, peers)
        if run.interactive:
            show_words(run, created)
        else:
            # Nobody is there to write them down, and a service's output ends in a journal.
            output.hint(
                f"New networker {created.id}. Its recovery words are in {created.sheet}: move it away."
            )

    def ready(addresses: Ready) -> None:
        if addresses.notice is not None:
            output.hint(addresses.notice, "")
        if run.json:
            output.write_json(
                {"id": addresses.id, "pid": addresses.pid, "peer": addresses.peer, "api": addresses.api}
            )
            return
        output.say(
            "Your node is running. Ctrl-C ends it.",
            f"  you     {addresses.id}",
            f"  peers   {addresses.peer}",
            f"  API     {addresses.api}",
            "",
            "In another window:",
            "  netnode invite            a link that leads others to you",
            "  netnode search TEXT       find what others offer",
            "  netnode status            how the node is doing",
        )

    options = StartOptions(
        passphrase=passphrase,
        listen=listen,
        peers=peers,
        ready_file=ready_file,
        on_ready=ready,
    )
    run_loop(run.runtime.run(run.home.path, options))
    if not run.json:
        output.hint("The node has stopped.")


@click.command(cls=NodeCommand, epilog=examples("netnode stop"))
@click.pass_context
def stop(context: click.Context) -> None:
    """End the running node cleanly."""
    run = invocation(context)
    running = run.home.running()
    if running is None:
        text = f"No node is running on {run.home.path}. Start one with: netnode start"
        raise Problem(text, ExitCode.UNREACHABLE, "not_running")
    call(run, STOP, models.Nothing())
    _wait_for_end(run)
    output.emit(run, {"stopped": True, "pid": running.pid}, lambda _: output.say("The node has stopped."))


def _wait_for_end(run: Invocation) -> None:
    """Waits until the home is free, so that a `start` right after finds it so."""
    for _ in retries(_STOP_SECONDS):
        if not run.home.in_use():
            return
    text = (
        f"The node did not end in time. Look at {run.home.log_file}; the last resort is to kill its process."
    )
    raise Problem(text, ExitCode.FAILED, "stop")


@click.command(cls=NodeCommand, epilog=examples("netnode status", "netnode status --json     for a script"))
@click.pass_context
def status(context: click.Context) -> None:
    """Show how the node is doing; without a running node, what its store holds."""
    run = invocation(context)
    output.emit(run, call(run, STATUS, models.Nothing()), _show_status)


def _peers(found: models.Status) -> str:
    if not found.peers and not found.sessions and not found.addresses:
        return "none yet; add one: netnode peer add LINK"
    told = f"{found.peers:,} known, {output.counted(found.sessions, 'session')} open"
    if found.sessions:
        networks = output.counted(found.groups, "network")
        dialled = f"{found.outbound:,} dialled in {networks}" if found.outbound else "none dialled"
        told += f" ({dialled}, {found.inbound:,} accepted)"
    if found.addresses:
        told += (
            f"; {output.counted(found.addresses, 'address', 'addresses')} in the book, {found.tried:,} met"
        )
    return told


def _show_status(found: models.Status) -> None:
    rows = [
        ("name", found.name),
        ("id", found.id),
        ("home", found.home),
        ("node", f"running since {output.when(found.started)} UTC" if found.running else "not running"),
        ("listings", f"{found.listings:,} ({found.own_listings:,} your own)"),
        ("logs", f"{found.logs:,} with {output.counted(found.entries, 'entry', 'entries')}"),
        ("on disk", _room(found)),
        ("peers", _peers(found)),
        (
            "catalogue",
            "up to date" if not found.lag else f"{output.counted(found.lag, 'entry', 'entries')} behind",
        ),
    ]
    if found.mail is not None and (letters := _letters(found.mail)):
        rows.append(("letters", letters))
    if found.shop is not None and (shoppers := _shoppers(found.shop)):
        rows.append(("shoppers", shoppers))
    rows += [
        (
            "credit",
            f"{output.plain(each.name) or output.short(each.issuer)} is {_SHOWN.get(each.what, each.what)} since "
            f"{output.when(each.since)} UTC: netnode credit balance {each.issuer}",
        )
        for each in found.notices
    ]
    rows.append(("backup", _backup(found)))
    if found.damaged is not None:
        rows.append(("store", f"{found.damaged} Nothing is written until then."))
    elif found.failing is not None:
        rows.append(("store", f"{found.failing} Until then nothing new is kept."))
    if found.clock is not None:
        rows.append(("clock", found.clock))
    if found.failures:
        each = ", ".join(f"{name} ({count:,})" for name, count in found.failures.items())
        rows.append(("failed", f"{each}. To look closer: netnode doctor"))
    if found.peer is not None:
        rows.append(("peers dial", found.peer))
        rows.append(("reachable", reached(found.reachable)))
    if found.api is not None:
        rows.append(("API", found.api))
    output.pairs(rows)
    if found.waiting is not None and (found.waiting.by is None or found.waiting.alarm):
        output.say("", found.waiting.text)
    if found.unrecognised is not None:
        output.say("", found.unrecognised)


def _room(found: models.Status) -> str:
    """What is held of whom, and how much of the shared pools is taken."""
    parts = [
        f"{each.distance} {output.size(each.bytes)}" + (f" of {output.size(each.most)}" if each.most else "")
        for each in found.storage
        if each.logs
    ]
    if found.blobs or found.fetched_blobs:
        parts.append(f"blobs {output.size(found.blobs + found.fetched_blobs)}")
    if found.fallen:
        parts.append(f"{output.counted(found.fallen, 'log')} let go of")
    return ", ".join(parts)


def _letters(found: models.MailFigures) -> str:
    """How many letters wait, and for whom."""
    parts = (
        (found.unread, "mail not read"),
        (found.queued, "to be sent"),
        (found.at_mailbox, "at a mailbox"),
        (found.refused, "refused"),
        (found.incoming, "being taken in"),
        (found.kept, f"kept for others ({output.size(found.kept_bytes)})"),
    )
    return ", ".join(f"{count:,} {words}" for count, words in parts if count)


def _shoppers(found: models.ShopFigures) -> str:
    """What is kept for buyers without a node."""
    parts = []
    if found.boxes:
        letters = output.counted(found.letters, "letter")
        parts.append(
            f"{output.counted(found.boxes, 'box', 'boxes')} with {letters} ({output.size(found.bytes)})"
        )
    if found.witnesses:
        parts.append(f"{output.counted(found.witnesses, 'deal')} brought about (netnode witness ls)")
    return ", ".join(parts)


def _backup(found: models.Status) -> str:
    if found.backup_fault is not None:
        return f"failed: {found.backup_fault}"
    return (
        "none yet; make one: netnode backup create"
        if found.backup is None
        else f"{output.when(found.backup)} UTC"
    )


@click.command(
    cls=NodeCommand, epilog=examples("netnode demo", "netnode demo --nodes 6 --once     ends after the table")
)
@click.option("--nodes", type=click.IntRange(2, 20), default=4, show_default=True, help="How many nodes.")
@click.option("--once", is_flag=True, help="End after the table instead of staying up.")
@click.pass_context
def demo(context: click.Context, nodes: int, once: bool) -> None:
    """Run several nodes on this machine that meet, replicate and search."""
    from netnode import demo as demonstration  # late: no other command needs it

    asyncio.run(demonstration.run(nodes=nodes, once=once, as_json=invocation(context).json))


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode completion bash", "netnode completion fish > ~/.config/fish/completions/netnode.fish"
    ),
)
@click.argument("shell", type=click.Choice(sorted(_HINTS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands and options."""
    kind = get_completion_class(shell)
    if kind is None:
        raise Problem(f"There is no completion for {shell}.", ExitCode.USAGE, "usage")
    script = kind(context.find_root().command, {}, "netnode", "_NETNODE_COMPLETE").source()
    output.emit(
        invocation(context), {"shell": shell, "script": script}, lambda _: output.write(f"{script}\n")
    )
    output.hint(f"To install: {_HINTS[shell]}")
