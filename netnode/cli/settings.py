"""Commands on config.toml and on the own profile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from netnode.cli import output
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
from netnode.config import Config
from netnode.operations import models
from netnode.operations.node import PROFILE, PROFILE_EDIT
from netnode.operations.settings import FileConfiguration
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk


@click.group(cls=NodeGroup)
def config() -> None:
    """The settings of the node (a running node takes them at its next start)."""


def _file(run: Invocation) -> FileConfiguration:
    # The file itself, running node or not: it is read anew at every start and by every command.
    return FileConfiguration(Config(run.home.config, SystemDisk()), made=run.home.initialised())


@config.command(cls=NodeCommand, epilog=examples("netnode config path"))
@click.pass_context
def path(context: click.Context) -> None:
    """Print where the settings file is."""
    run = invocation(context)
    output.emit(run, {"path": str(run.home.config)}, lambda answer: output.say(answer["path"]))


@config.command(cls=NodeCommand, name="ls", epilog=examples("netnode config ls"))
@page_options
@click.pass_context
def list_(context: click.Context, limit: int, cursor: str | None) -> None:
    """List all settings with their values."""
    run = invocation(context)
    page = asyncio.run(_file(run).list(models.Listed(limit=limit, cursor=cursor)))
    output.emit(run, page, _show_settings)


def _show_settings(page: models.Page[models.Setting]) -> None:
    rows = [(one.name, _value(one.value), "" if one.set else "default", one.text) for one in page.items]
    output.table(("name", "value", "", "meaning"), rows)
    output.more(page.next)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(member) for member in value) or "(none)"
    return str(value) if value != "" else "(none)"


@config.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode config get listen",
    ),
)
@click.argument("name")
@click.pass_context
def get(context: click.Context, name: str) -> None:
    """Print one setting."""
    run = invocation(context)
    output.emit(run, asyncio.run(_file(run).get(name)), lambda answer: output.say(_value(answer.value)))


@config.command(
    cls=NodeCommand,
    name="set",
    epilog=examples(
        'netnode config set listen "0.0.0.0:4747"',
        'netnode config set peers "ws://a.example/inx/1,ws://b.example/inx/1"',
    ),
)
@click.argument("name")
@click.argument("value")
@click.pass_context
def set_(context: click.Context, name: str, value: str) -> None:
    """Change one setting; lists are written with commas."""
    run = invocation(context)
    run.home.create()
    changed = asyncio.run(_file(run).set(name, value))
    output.emit(run, changed, lambda answer: output.say(f"{answer.name} is now {_value(answer.value)}"))
    if run.home.running() is not None:
        output.hint("The running node takes it at its next start.")


@click.group(cls=NodeGroup)
def profile() -> None:
    """What others see of you."""


@profile.command(cls=NodeCommand, epilog=examples("netnode profile show"))
@click.pass_context
def show(context: click.Context) -> None:
    """Show your profile."""
    run = invocation(context)
    output.emit(run, call(run, PROFILE, models.Nothing()), _show_profile)


def _show_profile(found: models.Profile) -> None:
    output.pairs(
        [
            ("name", found.name),
            ("id", found.id),
            ("bio", found.bio or "-"),
            ("domain", _domain(found)),
            ("addresses", ", ".join(found.addresses) or "-"),
            ("mailboxes", ", ".join(found.mailboxes) or "-"),
        ]
    )


def _domain(found: models.Profile) -> str:
    if found.domain is None:
        return "-"
    if found.domain_state == "unverified":
        return f"{found.domain} (unverified; look at it with: netnode domain verify)"
    done = "verified" if found.domain_state == "verified" else "failed"
    return f"{found.domain} ({done} on {output.when(found.domain_checked)} UTC)"


@profile.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode profile edit --name "Ada\'s Lamps and Shades"',
        "netnode profile edit --domain shop.example",
        "netnode profile edit --mailbox nx1...     who keeps letters for you while your node is off",
    ),
)
@click.option("--name", metavar="NAME", help="The name that others see.")
@click.option("--bio", metavar="TEXT", help="A few words about you; empty takes them away.")
@click.option("--domain", metavar="NAME", help="Your domain, such as shop.example; empty takes it away.")
@click.option(
    "--mailbox",
    metavar="ID",
    multiple=True,
    help="A node that keeps letters for you, the preferred first (repeatable); empty takes all away.",
)
@passphrase_option
@click.pass_context
def edit(
    context: click.Context,
    name: str | None,
    bio: str | None,
    domain: str | None,
    mailbox: tuple[str, ...],
    passphrase_file: Path | None,
) -> None:
    """Change your name, bio, domain or mailbox hosts."""
    run = invocation(context)
    if name is None and bio is None and domain is None and not mailbox:
        raise Problem(
            "Nothing to change. Give --name, --bio, --domain or --mailbox.", ExitCode.USAGE, "usage"
        )
    change = models.ProfileEdit(
        name=msgspec.UNSET if name is None else name,
        bio=msgspec.UNSET if bio is None else bio,
        domain=msgspec.UNSET if domain is None else domain,
        mailboxes=[each for each in mailbox if each] if mailbox else msgspec.UNSET,
    )
    output.emit(run, call(run, PROFILE_EDIT, change, passphrase_file), _show_profile)
