"""The program `netnode`: its commands, and what it says and returns when one fails."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NoReturn

import click

from netnode.cli import output
from netnode.cli.frame import NodeGroup, Start
from netnode.cli.late import LateCommands
from netnode.home import Home, default_home, named_home
from netnode.operations.runtime import Runtime
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk

_DEBUG: Final = "NETNODE_DEBUG"
_INTERRUPTED: Final = 130  # what a shell reports for Ctrl-C
_PLACES: Final = {
    "alliance": "alliances:alliance",
    "arbiter": "arbiters:arbiter",
    "backup": "backups:backup",
    "blob": "blobs:blob",
    "bugreport": "doctor:bugreport",
    "completion": "node:completion",
    "config": "settings:config",
    "conformance": "conformance:conformance",
    "credit": "credits:credit crediting:COMMANDS swapping:COMMANDS",
    "deal": "deals:deal subscriptions:COMMANDS",
    "demo": "node:demo",
    "doctor": "doctor:doctor",
    "domain": "netcheck:domain",
    "follow": "peers:follow",
    "following": "peers:following",
    "init": "node:init",
    "invite": "invites:invite",
    "key": "keys:key",
    "listing": "listings:listing stock:stock room:drop",
    "log": "logs:log room:drop_log",
    "mail": "mail:mail",
    "mesh": "mesh:mesh",
    "moderate": "peers:moderate",
    "netcheck": "netcheck:netcheck",
    "offer": "offers:offer",
    "opportunity": "opportunities:opportunity",
    "peer": "peers:peer",
    "period": "periods:period closing:COMMANDS",
    "ping": "netcheck:ping",
    "plan": "plans:plan closing:publish",
    "profile": "settings:profile",
    "recover": "recovery:recover",
    "refer": "referrals:refer",
    "repair": "doctor:repair",
    "review": "reviews:review",
    "search": "listings:search",
    "sim": "simulation:sim",
    "stamp": "room:stamp",
    "standing": "keys:standing",
    "start": "node:start",
    "status": "node:status",
    "stop": "node:stop",
    "team": "teams:team buybacks:buyback",
    "unfollow": "peers:unfollow",
    "watch": "watching:watch",
    "witness": "witness:witness",
}


def program_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("netnode")
    except PackageNotFoundError:
        return "0 (not installed)"


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    number = program_version()
    start = context.find_object(Start)
    if start is not None and start.as_json:
        output.write_json({"name": "netnode", "version": number})
    else:
        output.say(f"netnode {number}")
    context.exit()


@click.group(
    cls=NodeGroup,
    commands=LateCommands(_PLACES),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version.",
)
def netnode() -> None:
    """A node for INX, the peer-to-peer market of networkers who sell for each other."""


def main(arguments: Sequence[str] | None = None, runtime: Runtime | None = None) -> NoReturn:
    """Runs one command and ends the process with its exit code.

    Args:
        arguments: without the program's name; None takes those of the process.
        runtime: the node functions; None takes `netnode.node`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # why: a name no terminal encoding can show must not end a command
    try:
        code = _run(given, runtime)
        sys.stdout.flush()
    except OSError:
        # The reader of the pipe (`| head`) went away: nobody is left to tell.
        output.abandon_stdout()
        code = ExitCode.FAILED
    sys.exit(code)


def _open_streams() -> None:
    """Lets closed streams lead nowhere, else the next file opened takes their place, and messages go into it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good


def _run(arguments: list[str], runtime: Runtime | None) -> int:
    start = Start(as_json="--json" in arguments, runtime=runtime)
    try:
        code = netnode.main(args=arguments, prog_name="netnode", standalone_mode=False, obj=start)
        return code if isinstance(code, int) else 0
    except Problem as problem:
        return _fail(start, problem)
    except click.ClickException as error:
        return _fail(start, _usage(error))
    except click.Abort:
        _fail(start, Problem("Interrupted.", code="interrupted"))
        return _INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _fail(start, _unexpected(error, arguments))


def _usage(error: click.ClickException) -> Problem:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return Problem(f"Name a command.\n\n{error.format_message()}", ExitCode.USAGE, "usage")
    text = " ".join(error.format_message().split())
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    see = f" See: {context.command_path} --help" if context is not None else ""
    return Problem(f"{text}{see}", ExitCode.USAGE, "usage")


def _unexpected(error: Exception, arguments: Sequence[str]) -> Problem:
    """A bug of ours: one sentence for the person, the trace in the home's log for the report."""
    trace = "".join(traceback.format_exception(error))
    log = _home_of(arguments).log_file
    try:
        with log.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"netnode {program_version()}: {arguments[:2]} failed\n{trace}")
        log.chmod(0o600)
    except OSError:
        if os.environ.get(_DEBUG):
            output.hint(trace)
        where = f"Run it again with {_DEBUG}=1 to see the details"
    else:
        where = f"The details are in {log}"
    text = f"netnode met something it does not know how to handle ({type(error).__name__}). {where}; please report it."
    return Problem(text, ExitCode.FAILED, "internal")


def _home_of(arguments: Sequence[str]) -> Home:
    """The home, found without click: its parsing may be what failed."""
    path = default_home(os.environ)
    for index, argument in enumerate(arguments):
        if argument == "--home" and index + 1 < len(arguments):
            path = named_home(arguments[index + 1])
        elif argument.startswith("--home="):
            path = named_home(argument.partition("=")[2])
    return Home(path, SystemDisk())


def _fail(start: Start, problem: Problem) -> int:
    output.hint(f"Error: {problem.text}")
    if start.as_json:
        output.write_json(output.error_document(problem.code, problem.text, problem.details))
    return int(problem.exit_code)
