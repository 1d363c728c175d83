"""Commands that look at a home from outside: doctor, bugreport."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.backups import in_process
from netnode.cli.frame import Invocation, NodeCommand, examples, invocation
from netnode.cli.reach import call, require_home
from netnode.operations import models
from netnode.operations.doctor import DOCTOR
from netnode.operations.node import STATUS
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.system import SystemClock, SystemDisk, SystemEntropy, machine

_SIGNS: Final = {"ok": "ok", "warn": "!", "fail": "FAIL"}


@click.command(cls=NodeCommand, epilog=examples("netnode doctor"))
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check this computer, the home and every entry in it, with the command that mends what is wrong.

    Works while the node runs and while it does not. Ends with exit code 1 when anything failed.
    """
    run = invocation(context)
    found = examined(run)
    output.emit(run, found, _show)
    if not found.ok:
        context.exit(int(ExitCode.FAILED))


def examined(run: Invocation) -> models.Examined:
    """What the doctor finds: asked of the running node, which knows more, else looked at from here."""
    if not run.home.path.is_dir():
        text = f"There is no home at {run.home.path}. Make one with: netnode init --name NAME"
        raise Problem(text, ExitCode.NOT_FOUND, "no_home", {"path": str(run.home.path)})
    try:
        if run.home.running() is not None:
            return call(run, DOCTOR, models.Nothing())
    except Problem:
        pass  # one that does not answer is examined from outside
    from netnode.services.doctor import examine  # late: no other command needs it

    return examine(run.home, machine(), SystemClock(), SystemDisk(), SystemEntropy())


@click.command(cls=NodeCommand, epilog=examples("netnode repair"))
@click.option("--anyway", is_flag=True, help="Also when no damage is found.")
@click.pass_context
def repair(context: click.Context, anyway: bool) -> None:
    """Make a new store of every entry, peer and picture that can be read of a damaged one.

    The damaged store is kept in a folder of the home. A good backup loses less: see netnode backup ls.
    """
    run = invocation(context)
    require_home(run)
    if run.home.running() is not None:
        text = "The node is running. End it first: netnode stop"
        raise Problem(text, ExitCode.REFUSED, "running")
    done = in_process(lambda watch: run.runtime.repair(run.home.path, anyway, watch))
    output.emit(run, done, _show_repaired)


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode bugreport report.zip     read it before you send it",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def bugreport(context: click.Context, file: Path) -> None:
    """Write a zip for a bug report to FILE; it says nothing of keys, peers, addresses or listings."""
    run = invocation(context)
    from netnode.cli.main import program_version
    from netnode.services import bugreport as reports  # late: no other command needs it

    if file.exists():
        text = f"{file} is there already. Name another file."
        raise Problem(text, ExitCode.REFUSED, "exists", {"path": str(file)})
    found = examined(run)
    status, why = None, ""
    try:
        status = call(run, STATUS, models.Nothing())
    except Problem as problem:
        why = problem.text
    disk = SystemDisk()
    files = reports.bundle(run.home, disk, program_version(), found, status, why)
    try:
        disk.write_private(file.absolute(), reports.packed(files))
    except OSError as error:
        raise disk_problem(error, "write", file) from error
    output.emit(run, {"file": str(file), "contents": files}, lambda _: _show_report(file, files))


def _show_report(file: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        output.say(f"== {name}")
        output.write(text if text.endswith("\n") else f"{text}\n")
    output.say(
        "",
        f"All of the above is in {file}. Read it before you send it; nothing was sent.",
    )


def _show_repaired(done: models.Repaired) -> None:
    output.say(
        f"The store is new: {output.counted(done.entries, 'entry', 'entries')} of "
        f"{output.counted(done.found, 'entry', 'entries')} that could be read, {output.counted(done.logs, 'log')}, "
        f"{output.counted(done.peers, 'peer')}, {output.counted(done.follows, 'follow')}, "
        f"{output.counted(done.blobs, 'picture or file', 'pictures or files')}."
    )
    if done.own_head is not None:
        output.say(f"Your own log goes up to entry {done.own_head}.")
    if done.unreadable:
        output.say(f"{done.unreadable:,} of {done.pages:,} pages of the old store could not be read whole.")
    output.say(*done.lost)
    output.say(
        f"The damaged store is kept in {done.kept}; remove it when all is well.",
        "",
        "Until your peers have answered what they hold of your log, the node publishes nothing.",
        "  netnode start      meet your peers and catch up",
        "  netnode doctor     look again",
    )


def _show(found: models.Examined) -> None:
    for check in found.checks:
        output.say(f"{_SIGNS[check.state]:>4}  {check.name:<13} {check.text}")
        if check.mend is not None:
            output.say(f"{'':>20} -> {check.mend}")
    failed = sum(check.state == "fail" for check in found.checks)
    noted = sum(check.state == "warn" for check in found.checks)
    output.say("")
    if failed:
        output.say(
            f"{output.counted(failed, 'check')} failed. Do what stands behind the arrow, then look again."
        )
    elif noted:
        output.say(f"It works; {output.counted(noted, 'note')} to look at.")
    else:
        output.say("All is well.")
