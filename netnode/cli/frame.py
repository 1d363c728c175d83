"""The frame of every command: options that work anywhere, and what one invocation knows.

click hands options to the command they follow. `--home` and `--json` are declared by the classes here, so every
command and group takes them, and note them in the context's shared `meta`; the innermost one given wins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console

from netnode.cli.placing import placed
from netnode.home import HOME_VARIABLE, Home, default_home, named_home
from netnode.operations.runtime import Runtime
from netnode.problems import Problem
from netnode.system import SystemDisk

_HOME: Final = "netnode.home"
_JSON: Final = "netnode.json"
_NO_LIMIT: Final = 1_000
Command = TypeVar("Command", bound=Callable[..., Any])


def _note_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_JSON] = True


def _note_home(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if not value.strip():
        # `--home "$UNSET"` of a script would otherwise mean the folder it happens to run in
        raise click.BadParameter("it is empty. Name a folder.", context, parameter)
    context.meta[_HOME] = named_home(value)


def _everywhere() -> list[click.Parameter]:
    """The options every command takes; made anew, as click keeps state in the command's own list."""
    return [
        click.Option(
            ["--home"],
            metavar="DIR",
            expose_value=False,
            callback=_note_home,
            shell_complete=click.Path(file_okay=False).shell_complete,
            help=f"Folder of the node's data, else the environment's {HOME_VARIABLE}.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_note_json,
            help="Write exactly one JSON document to stdout.",
        ),
    ]


class NodeCommand(click.Command):
    """A command with the options of every command; click's way to extend it is this subclass."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, then those of every command."""
        return [*super().get_params(ctx), *_everywhere()]

    def invoke(self, ctx: click.Context) -> Any:
        """Runs it; a Problem names what the person typed."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise placed(problem, ctx) from problem

    def get_short_help_str(self, limit: int = 45) -> str:
        """What it does, for the list of commands."""
        return _whole(super().get_short_help_str(_NO_LIMIT))


class NodeGroup(click.Group):
    """A group with the options of every command."""

    command_class = NodeCommand
    group_class = type

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, then those of every command."""
        return [*super().get_params(ctx), *_everywhere()]

    def get_short_help_str(self, limit: int = 45) -> str:
        """What its commands do, for the list of commands."""
        return _whole(super().get_short_help_str(_NO_LIMIT))


def _whole(text: str) -> str:
    """The first clause of a help text as a sentence: click wraps it, where it would cut off a longer one."""
    return text.partition(";")[0].removesuffix(".") + "."


@dataclass(frozen=True, slots=True)
class Start:
    """How the program was started: whether `--json` stands anywhere, and other node functions than our own."""

    as_json: bool
    runtime: Runtime | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the program: where the home is, how to answer, and other node functions than our own."""

    home: Home
    json: bool
    given: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """Who makes and runs nodes."""
        if self.given is not None:
            return self.given
        import netnode.node  # late: takes a while, and what a running node answers needs none of it

        return netnode.node

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: stdin is a terminal, and the answer is not for a program."""
        return not self.json and terminal_on_stdin()


def invocation(context: click.Context) -> Invocation:
    """What the options of this run and the environment say."""
    path = context.meta.get(_HOME) or default_home(os.environ)
    start = context.find_object(Start)
    given = None if start is None else start.runtime
    return Invocation(Home(path, SystemDisk()), bool(context.meta.get(_JSON)), given)


def verbatim(text: str) -> str:
    """Lines for a help text that keep their places."""
    paragraphs = text.rstrip("\n").split("\n\n")
    return "\n\n".join("\b\n" + "\n".join(f"  {line}" for line in one.split("\n")) for one in paragraphs)


def examples(*lines: str) -> str:
    """The examples below a help text, one command a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def terminal_on_stdin() -> bool:
    """Whether stdin is a terminal; closed stdin counts as none."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:
        return False


def messages() -> Console:
    """Where progress and messages go: stderr."""
    return Console(stderr=True, highlight=False, markup=False)


def file_option(*names: str, metavar: str = "FILE", help: str) -> Callable[[Command], Command]:
    """An option that names a file, or a folder where `metavar` says so; the command gets a Path."""
    return click.option(*names, type=click.Path(path_type=Path), metavar=metavar, help=help)


def passphrase_option(command: Command) -> Command:
    """Adds --passphrase-file to a command that signs."""
    option = file_option(
        "--passphrase-file", help="File whose first line is the passphrase; needed when no node is running."
    )
    return option(command)


def page_options(command: Command) -> Command:
    """Adds --limit and --cursor to a list."""
    limit = click.option(
        "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Most items."
    )
    cursor = click.option("--cursor", metavar="TEXT", help="The `next` of the page before.")
    return limit(cursor(command))
