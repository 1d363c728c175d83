"""How a command reaches its operations: over HTTP to the running node, else on the store in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from netnode.cli.frame import Invocation
from netnode.cli.output import hint
from netnode.home import Running
from netnode.keys.keystore import Keystore, read_passphrase_file
from netnode.operations.calling import Caller, DirectCaller
from netnode.operations.operation import MIB, Operation, Request, Response, Upload
from netnode.operations.runtime import StartOptions
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.system import SystemDisk, SystemEntropy

Result = TypeVar("Result")
_TRIES: Final = 3  # a node may start or stop between the look at running.json and the attempt
_CHUNK: Final = 256 * 1024
_ANY_PORT: Final = "127.0.0.1:0"  # why: the command dials; nobody needs to find it


def call(
    run: Invocation,
    operation: Operation[Request, Response],
    request: Request,
    passphrase_file: Path | None = None,
) -> Response:
    """Calls one JSON operation, wherever it can be answered."""
    return use(run, lambda caller: caller.call(operation, request), operation.signs, passphrase_file)


def use(
    run: Invocation,
    work: Callable[[Caller], Awaitable[Result]],
    signs: bool = False,
    passphrase_file: Path | None = None,
    *,
    online: bool = False,
    passphrase: bytes | None = None,
) -> Result:
    """Does `work` with a caller, in an event loop of its own.

    Args:
        run: where the home is.
        work: what to do.
        signs: whether it needs unlocked keys.
        passphrase_file: where their passphrase is.
        online: whether it needs the peers; then a node runs for the time of it, if none is running.
        passphrase: of the keys, when it is known already.

    Raises:
        Problem: of the operation; exit 3 without a home; exit 5 when a process holds the home and does not answer.
    """
    require_home(run)
    # Asked before the event loop runs: Ctrl-C at a prompt must end the command.
    if passphrase is None:
        passphrase = needed_passphrase(run, signs, passphrase_file)
    return asyncio.run(_use(run, work, passphrase, online))


def require_home(run: Invocation) -> None:
    """Refuses to go on without a networker in the home.

    Raises:
        Problem: exit 3, naming `netnode init`; or the home is open to other users.
    """
    run.home.check()
    if not run.home.initialised():
        run.home.refuse_lost_keys()
        text = f"There is no networker in {run.home.path} yet. Make one with: netnode init --name NAME"
        raise Problem(text, ExitCode.NOT_FOUND, "no_home", {"path": str(run.home.path)})


async def _use(
    run: Invocation, work: Callable[[Caller], Awaitable[Result]], passphrase: bytes | None, online: bool
) -> Result:
    last = Problem("The node does not answer.", ExitCode.UNREACHABLE, "unreachable")
    for _ in range(_TRIES):
        running = run.home.running()
        try:
            if running is not None:
                return await _remote(run, running, work)
            opened = (
                run.runtime.online(run.home.path, StartOptions(passphrase=passphrase, listen=_ANY_PORT))
                if online
                else run.runtime.opened(run.home.path, passphrase=passphrase)
            )
            async with opened as services:
                return await work(DirectCaller(services))
        except Problem as problem:
            if problem.code == "locked":
                last = Problem(problem.text, ExitCode.UNREACHABLE, problem.code, problem.details)
            elif problem.code == "unreachable" and problem.details.get("connected") is False:
                last = problem
            else:
                raise
    raise last


async def _remote(run: Invocation, running: Running, work: Callable[[Caller], Awaitable[Result]]) -> Result:
    from netnode.api.client import ApiClient  # late: aiohttp takes a while, and an offline command needs none

    async with ApiClient(running.api, run.home.read_token()) as client:
        return await work(client)


def needed_passphrase(run: Invocation, signs: bool, passphrase_file: Path | None) -> bytes | None:
    """The passphrase if the work signs, no node is running that has it, and the keys are under one."""
    if (
        not signs
        or run.home.running() is not None
        or not Keystore(run.home, SystemDisk(), SystemEntropy()).public().protected
    ):
        return None
    return known_passphrase(run, passphrase_file)


def known_passphrase(run: Invocation, passphrase_file: Path | None) -> bytes:
    """The passphrase of existing keys: from the file, or asked for.

    Raises:
        Problem: exit 2 that names --passphrase-file, when nobody can be asked.
    """
    if passphrase_file is not None:
        passphrase, warning = read_passphrase_file(passphrase_file)
        if warning is not None:
            hint(warning)
        return passphrase
    if not run.interactive:
        raise Problem(
            f"The keys in {run.home.keys} are under a passphrase. Give it with --passphrase-file FILE.",
            ExitCode.USAGE,
            "passphrase_needed",
        )
    answer: str = click.prompt("Passphrase", hide_input=True, err=True)
    return answer.encode()


def send_file(
    run: Invocation,
    operation: Upload[Request, Response],
    request: Request,
    path: Path,
    *,
    signs: bool,
    passphrase_file: Path | None = None,
) -> Response:
    """Streams a file into an operation, with a progress bar on stderr when that is a terminal.

    Raises:
        Problem: the file cannot be read or is too large, or as `use`.
    """
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass  # said before the node or the passphrase is asked for
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if size > operation.max_bytes:
        text = f"{path} is larger than {operation.max_bytes // MIB} MiB. Split it and import the parts."
        raise Problem(text, code="too_large", details={"max_bytes": operation.max_bytes})
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"Reading {path.name}", total=size or None)

        def advance(read: int) -> None:
            progress.advance(task, read)
            if progress.tasks[0].finished and len(progress.tasks) == 1:
                # Read is not done: a bar without end until the answer comes.
                progress.update(task, visible=False)
                progress.add_task("Verifying and storing", total=None)

        try:
            return use(
                run,
                lambda caller: caller.upload(operation, request, file_chunks(path, advance)),
                signs,
                passphrase_file,
            )
        except KeyboardInterrupt:
            progress.stop()
            hint(f"{path} may be taken in already. The same command again adds only what is missing.")
            raise


async def file_chunks(path: Path, advance: Callable[[int], Any]) -> AsyncIterator[bytes]:
    """The content of a file in pieces; `advance` is told their sizes.

    Raises:
        Problem: it cannot be read.
    """
    try:
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk
                advance(len(chunk))
        finally:
            await asyncio.to_thread(file.close)
    except OSError as error:
        raise disk_problem(error, "read", path) from error
