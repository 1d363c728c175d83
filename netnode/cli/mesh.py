"""`netnode mesh`: several real nodes on this computer, whose ways can be cut, for who tests against them."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, file_option, invocation
from netnode.home import Home
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.system import SystemDisk, SystemEntropy, retries
from netnode.testing.topologies import TOPOLOGIES

if TYPE_CHECKING:  # the commands load it late: no other command needs it
    from netnode.testing.control import MeshState, NodeState

TEST_NETWORK: Final = "test"
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PARTS: Final = (("d", 86_400, 1_000_000), ("h", 3_600, 24), ("m", 60, 60), ("s", 1, 60))
DOWN_SECONDS: Final = 20.0  # why: a node ends within 10 s of the signal


def _span(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A time as people type it, in seconds."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])|0", value.strip().lower())
    if match is None:
        raise click.BadParameter(f"{value!r}: write a time as 30s, 45m, 12h, 7d or 4w.", context, parameter)
    return int(match[1]) * _UNITS[match[2]] if match[1] else 0


def folder_option(command: Any) -> Any:
    """The option --folder, as `up` was given it."""
    return file_option("--folder", metavar="DIR", help="Folder of the mesh, as given to up.")(command)


@click.group(cls=NodeGroup)
def mesh() -> None:
    """Run a mesh of nodes on this computer, to test what talks to them; cut and kill them at will."""


@mesh.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode mesh up --nodes 6 --topology ring",
        "netnode mesh up --nodes 3 --latency 80 --ready-file mesh.ready &   in a script",
        "netnode mesh up --nodes 5 --clock 0          then, where something takes days: netnode mesh clock 7d",
        "netnode mesh partition n1,n2 / n3,n4,n5,n6   from another terminal",
    ),
)
@click.option(
    "--nodes", type=click.IntRange(1, 50), default=4, show_default=True, help="How many: n1, n2, ..."
)
@click.option(
    "--topology",
    type=click.Choice(TOPOLOGIES),
    default="line",
    show_default=True,
    help="Who dials whom; in a star n1 is the middle.",
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 60_000),
    default=0.0,
    metavar="MS",
    help="Milliseconds that bytes between nodes take, each way.",
)
@click.option(
    "--clock",
    callback=_span,
    metavar="TIME",
    help="Give the nodes clocks that `netnode mesh clock` moves, so far ahead of the computer's (0, 12h, 7d). They are "
    "on the network `test`, which no other node is on.",
)
@file_option("--ready-file", help="Written once all nodes are connected: one JSON line with nodes and edges.")
@file_option(
    "--folder",
    metavar="DIR",
    help="An empty folder for the homes, which stays; else one that goes at the end.",
)
@click.pass_context
def up(
    context: click.Context,
    nodes: int,
    topology: Any,
    latency: float,
    clock: int | None,
    ready_file: Path | None,
    folder: Path | None,
) -> None:
    """Start nodes, connect them, and stay until Ctrl-C or `netnode mesh down`."""
    from netnode.testing.control import Controlled, state_of
    from netnode.testing.faults import Faults
    from netnode.testing.mesh import AS_WRITTEN, Mesh
    from netnode.testing.waiting import MeshFailure

    run = invocation(context)
    place = _made(folder)
    # Why: what is signed by a clock that somebody sets must never reach anybody who takes it for the time
    apart = {} if clock is None else {"network": TEST_NETWORK}
    made = Mesh(place, {**AS_WRITTEN, **apart})
    control = None
    try:
        with _terminable():
            output.hint(f"Starting {output.counted(nodes, 'node')} ...")
            control = Controlled(made, SystemDisk(), SystemEntropy())
            control.tell()  # before any node: what is left of a start that was killed is found by it
            ahead = None if clock is None else timedelta(seconds=clock)
            made.up(nodes, topology, faults=Faults(latency=latency / 1000), clock=ahead)
            made.wait_level()
            state = state_of(made)
            if ready_file is not None:
                _write_ready(ready_file, state)
            output.emit(run, state, _show)
            if not run.json:
                output.say("", "Ctrl-C ends it. Offer something at a node:")
                output.say(
                    f"  netnode --home {state.nodes[0].home} listing add --kind product --key lamp --title Lamp"
                )
            control.serve()
    except KeyboardInterrupt:
        pass
    except MeshFailure as failure:
        raise Problem(f"The mesh did not come up: {failure}", code="mesh") from failure
    finally:
        with _deaf():
            made.close(judge=False)
            if control is not None:
                control.close()
            if folder is None:
                shutil.rmtree(place, ignore_errors=True)
    if not run.json:
        output.hint("The mesh has ended.")


@mesh.command(cls=NodeCommand, epilog=examples("netnode mesh status", "netnode mesh status --json"))
@folder_option
@click.pass_context
def status(context: click.Context, folder: Path | None) -> None:
    """Show nodes and edges, and whether all nodes hold the same."""
    from netnode.testing.control import MeshState

    output.emit(invocation(context), _asked(folder, MeshState, do="status"), _show)


@mesh.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode mesh partition n1,n2 / n3,n4",
        "netnode mesh partition n3              n3 alone, all others together",
        "netnode mesh partition n1,n2 --silent   as when a cable is cut: nobody is told",
    ),
)
@click.argument("groups", nargs=-1, required=True, metavar="A,B [/ C,D ...]")
@click.option("--silent", is_flag=True, help="Hold everything instead of resetting and refusing connections.")
@folder_option
@click.pass_context
def partition(context: click.Context, groups: tuple[str, ...], silent: bool, folder: Path | None) -> None:
    """Cut every edge between groups of nodes; those that are not named are a group of their own."""
    from netnode.testing.control import Cut

    split = [one.replace(",", " ").split() for one in " ".join(groups).split("/")]
    if not all(split):
        raise Problem(
            "A group is empty. Write: netnode mesh partition n1,n2 / n3,n4", ExitCode.USAGE, "usage"
        )
    cut: Cut = _asked(folder, Cut, do="partition", groups=split, silent=silent)

    def show(cut: Cut) -> None:
        pairs = ", ".join(f"{dialler} - {target}" for dialler, target in cut.cut)
        nothing = "No edge lies between these groups; nothing was cut. A / stands between two groups."
        output.say(f"Cut: {pairs}." if pairs else nothing)

    output.emit(invocation(context), cut, show)


@mesh.command(cls=NodeCommand, epilog=examples("netnode mesh heal"))
@folder_option
@click.pass_context
def heal(context: click.Context, folder: Path | None) -> None:
    """Mend all edges; the nodes dial each other again at once."""
    from netnode.testing.control import MeshState

    state = _asked(folder, MeshState, do="heal")
    output.emit(invocation(context), state, lambda _: output.say("All edges are as they were made."))


@mesh.command(
    cls=NodeCommand,
    epilog=examples("netnode mesh kill n2", "netnode mesh kill n2 --restart   now, or later on"),
)
@click.argument("node")
@click.option("--restart", is_flag=True, help="Start it again on its home; one that ended is only started.")
@folder_option
@click.pass_context
def kill(context: click.Context, node: str, restart: bool, folder: Path | None) -> None:
    """End a node without warning (SIGKILL), as a loss of power would."""
    from netnode.testing.control import NodeState

    def show(state: NodeState) -> None:
        output.say(f"{state.name} is up again, at {state.peer}." if restart else f"{state.name} was killed.")

    output.emit(invocation(context), _asked(folder, NodeState, do="kill", node=node, restart=restart), show)


@mesh.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode mesh clock 7d                    seven days pass at all nodes",
        "netnode mesh clock 2h --back --node n2   the clock of n2 alone goes back",
    ),
)
@click.argument("time", callback=_span)
@click.option("--back", is_flag=True, help="Set the clocks back by it.")
@click.option("--node", default="", metavar="NAME", help="Only this one's.")
@folder_option
@click.pass_context
def clock(context: click.Context, time: int, back: bool, node: str, folder: Path | None) -> None:
    """Let TIME pass at the nodes of a mesh that was started with --clock.

    Commands on the home of a node that is down go by the computer's clock: start it again first.
    """
    from netnode.testing.control import MeshState

    def show(state: MeshState) -> None:
        for each in state.nodes:
            output.say(f"{each.name}  {_ahead(each)}")

    output.emit(
        invocation(context),
        _asked(folder, MeshState, do="clock", seconds=-time if back else time, node=node),
        show,
    )


@mesh.command(cls=NodeCommand, epilog=examples("netnode mesh down"))
@folder_option
@click.pass_context
def down(context: click.Context, folder: Path | None) -> None:
    """End the mesh and all of its nodes, also what a mesh that was killed left behind."""
    from netnode.testing.control import Request, ask, read_control

    run, place = invocation(context), _place(folder)
    control = read_control(place, SystemDisk())
    try:
        ask(control, lambda token: Request(token=token, do="down"), dict)
    except Problem as problem:
        if problem.code != "gone":
            raise
        _end_leftovers(place, folder is None)
    else:
        _wait_for_end(place)
    output.emit(run, {"down": True}, lambda _: output.say("The mesh has ended."))


def _asked(folder: Path | None, kind: type[Any], **request: Any) -> Any:
    from netnode.testing.control import Request, ask, read_control

    control = read_control(_place(folder), SystemDisk())
    return ask(control, lambda token: Request(token=token, **request), kind)


def _place(folder: Path | None) -> Path:
    from netnode.testing.control import default_folder

    return default_folder() if folder is None else folder.absolute()


def _made(folder: Path | None) -> Path:
    """The folder of a new mesh.

    Raises:
        Problem: it is in use, or somebody else's (4).
    """
    from netnode.testing.control import CONTROL_FILE

    place = _place(folder)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder is None and (place.lstat().st_uid != os.getuid() or place.lstat().st_mode & 0o022):
            text = f"{place} is not yours alone. Name another folder with --folder."
            raise Problem(text, ExitCode.REFUSED, "file_mode", {"folder": str(place)})
        inside = sorted(place.iterdir())
    except OSError as error:
        raise disk_problem(error, "create", place) from error
    if (place / CONTROL_FILE) in inside:
        text = f"A mesh is in {place} already. End it with: netnode mesh down, or choose another folder with --folder."
        raise Problem(text, ExitCode.REFUSED, "running", {"folder": str(place)})
    if inside:
        raise Problem(f"{place} is not empty. Give a new folder.", ExitCode.REFUSED, "not_empty")
    return place


def _end_leftovers(place: Path, remove: bool) -> None:
    """Ends the nodes of a mesh whose own process is gone."""
    from netnode.testing.control import CONTROL_FILE
    from netnode.testing.programs import Place

    for home in sorted(path for path in place.iterdir() if path.is_dir()):
        if Home(home, SystemDisk()).running() is not None:
            Place(home).run("stop")
    if remove:
        shutil.rmtree(place, ignore_errors=True)
    else:
        SystemDisk().remove(place / CONTROL_FILE)


def _wait_for_end(place: Path) -> None:
    from netnode.testing.control import CONTROL_FILE

    for _ in retries(DOWN_SECONDS):
        if not (place / CONTROL_FILE).exists():
            return
    raise Problem(f"The mesh in {place} did not end in time. Look at the node.log of its homes.", code="stop")


def _write_ready(path: Path, state: MeshState) -> None:
    try:
        SystemDisk().write_private(path, msgspec.json.encode(state) + b"\n")
    except OSError as error:
        raise disk_problem(error, "write", path) from error


def _ahead(node: NodeState) -> str:
    """`7d 2h ahead`, of the computer's clock."""
    seconds = round(node.clock or 0)
    parts = [
        f"{abs(seconds) // size % every}{unit}"
        for unit, size, every in _PARTS
        if abs(seconds) // size % every
    ]
    return f"{' '.join(parts)} {'ahead' if seconds > 0 else 'behind'}" if parts else "as the computer's"


def _show(state: MeshState) -> None:
    def count(number: int | None) -> str:
        return "-" if number is None else f"{number:,}"

    def cells(node: NodeState) -> tuple[str, ...]:
        counts = [count(each) for each in (node.sessions, node.logs, node.entries, node.listings)]
        clock = () if node.clock is None else (_ahead(node),)
        return (node.name, node.state, output.short(node.id), node.peer, node.api, *counts, *clock)

    clocks = ("Clock",) if any(node.clock is not None for node in state.nodes) else ()
    output.table(
        ("Node", "State", "Id", "Peers dial", "API", "Sessions", "Logs", "Entries", "Listings", *clocks),
        [cells(node) for node in state.nodes],
        right=(5, 6, 7, 8),
    )
    output.table(
        ("From", "To", "Through", "State", "Latency"),
        [(e.dialler, e.target, e.address, e.state, f"{e.latency * 1000:g} ms") for e in state.edges],
        right=(4,),
    )
    held = "All nodes that are up hold the same." if state.level else "The nodes do not hold the same (yet)."
    output.say(held, f"Homes and logs: {state.folder}")


@contextmanager
def _terminable() -> Iterator[None]:
    """Takes SIGTERM for Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """No signal keeps the nodes from being ended."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, taken in before:
            signal.signal(number, taken)
