"""A mesh that stays up, steered from other processes: what `netnode mesh` does with `Mesh`.

The process that runs the mesh listens on 127.0.0.1 and answers one JSON line with one. The control file in the mesh's
folder says where, and holds the token that each request carries; only its owner can read it.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from netnode.ports import Disk, Entropy
from netnode.problems import ExitCode, Problem
from netnode.testing.edges import Edge
from netnode.testing.faults import Arrival
from netnode.testing.mesh import Mesh
from netnode.testing.nodes import Node
from netnode.testing.proxy import HOST
from netnode.testing.waiting import MeshFailure, timeout_factor

CONTROL_FILE: Final = "mesh.json"
MAX_LINE: Final = 1024 * 1024
LINE_SECONDS: Final = 5.0  # why: who connects and says nothing must not hold up the others
MAX_AHEAD: Final = timedelta(days=3650)  # why: the protocol's days and years stay far from their ends
ANSWER_SECONDS: Final = 120.0  # why: a node that is started again on a slow machine


class Control(msgspec.Struct, frozen=True):
    """The control file: process, port and token of a mesh."""

    pid: int
    port: int
    token: str


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """One node. What only a running one knows is null when it is not up or does not answer.

    `clock`: seconds that its clock is ahead of the computer's; null where the mesh was started without clocks.
    """

    name: str
    state: Literal["up", "paused", "silent", "ended"]
    id: str
    pid: int
    peer: str
    api: str
    home: str
    sessions: int | None = None
    logs: int | None = None
    entries: int | None = None
    listings: int | None = None
    clock: float | None = None


class EdgeState(msgspec.Struct, frozen=True, kw_only=True):
    """One edge: who dials whom, at which address of the proxy; `latency` in seconds each way."""

    dialler: str
    target: str
    address: str
    state: Literal["open", "faulty", "cut"]
    latency: float
    connections: int


class MeshState(msgspec.Struct, frozen=True, kw_only=True):
    """A mesh. `level`: all nodes that are up hold the same of every log."""

    folder: str
    pid: int
    nodes: list[NodeState]
    edges: list[EdgeState]
    level: bool


class Cut(msgspec.Struct, frozen=True):
    """The edges that a partition cut, as pairs of dialler and target."""

    cut: list[tuple[str, str]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What another process asks for."""

    token: str
    do: Literal["status", "partition", "heal", "kill", "clock", "down"]
    groups: list[list[str]] = []
    silent: bool = False
    node: str = ""
    restart: bool = False
    seconds: int = 0


class _Failed(msgspec.Struct, frozen=True):
    code: str
    text: str
    exit_code: int


class _Answer(msgspec.Struct, frozen=True):
    document: msgspec.Raw = msgspec.Raw(b"null")
    failed: _Failed | None = None


def default_folder() -> Path:
    """Where a mesh lives whose folder nobody named: one a user."""
    return Path(tempfile.gettempdir()) / f"netnode-mesh-{os.getuid()}"


# -- the side that runs the mesh -----------------------------------------------------------------------------
class Controlled:
    """Answers requests for a mesh, one after the other, until one asks for its end.

    Args:
        mesh: whose nodes are up.
        disk: writes the control file.
        entropy: makes the token.
    """

    def __init__(self, mesh: Mesh, disk: Disk, entropy: Entropy) -> None:
        self._mesh = mesh
        self._disk = disk
        self._token = entropy.token(16).hex()
        self._listener = socket.create_server((HOST, 0))
        self._path = mesh.folder / CONTROL_FILE

    def tell(self) -> None:
        """Writes the control file."""
        port = self._listener.getsockname()[1]
        control = Control(os.getpid(), port, self._token)
        self._disk.write_private(self._path, msgspec.json.encode(control))

    def serve(self) -> None:
        """Answers until the mesh is to end."""
        going = True
        while going:
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):  # whoever asked may go away
                connection.settimeout(LINE_SECONDS)
                try:
                    request = self._asked(connection)
                except Problem as problem:
                    connection.sendall(_failed(problem))
                else:
                    going = request.do != "down"
                    connection.sendall(self._answer(request))

    def close(self) -> None:
        """Takes the control file away."""
        self._listener.close()
        self._disk.remove(self._path)

    def _asked(self, connection: socket.socket) -> Request:
        """The next request.

        Raises:
            Problem: it is none, or its token is another mesh's (4).
            OSError: the other side went away.
        """
        try:
            request = msgspec.json.decode(_line(connection), type=Request)
        except msgspec.DecodeError as error:
            raise Problem(f"This is no request to a mesh: {error}.", ExitCode.REFUSED, "request") from error
        if request.token != self._token:
            raise Problem("The token is not this mesh's.", ExitCode.REFUSED, "token")
        return request

    def _answer(self, request: Request) -> bytes:
        try:
            document = self._done(request)
        except MeshFailure as failure:
            return _failed(Problem(str(failure), ExitCode.REFUSED, "mesh"))
        except Problem as problem:
            return _failed(problem)
        return msgspec.json.encode(_Answer(document=msgspec.Raw(msgspec.json.encode(document)))) + b"\n"

    def _done(self, request: Request) -> object:
        for name in (*[name for group in request.groups for name in group], request.node):
            if name and name not in self._mesh.nodes:
                names = ", ".join(self._mesh.nodes)
                raise Problem(
                    f"No node of this mesh is called {name}. There are: {names}.", ExitCode.NOT_FOUND, "node"
                )
        if request.do == "partition":
            cut = self._mesh.partition(*request.groups, silent=request.silent)
            return Cut([(edge.dialler, edge.target) for edge in cut])
        if request.do == "heal":
            self._mesh.heal()
        if request.do == "kill":
            return self._killed(self._mesh[request.node], request.restart)
        if request.do == "clock":
            self._pass(timedelta(seconds=request.seconds), request.node)
        if request.do == "down":
            return {"down": True}
        return state_of(self._mesh)

    def _pass(self, span: timedelta, only: str) -> None:
        """Moves the clocks of all nodes, or of one, from where they are.

        Raises:
            Problem: the mesh has no clocks, or one would be years away (4).
        """
        nodes = [self._mesh[only]] if only else list(self._mesh.nodes.values())
        aims = [(node, node.ahead + span) for node in nodes if node.ahead is not None]
        if len(aims) < len(nodes):
            text = (
                "The nodes of this mesh go by the computer's clock. Start one with: netnode mesh up --clock 0"
            )
            raise Problem(text, ExitCode.REFUSED, "no_clock")
        for node, ahead in aims:
            if abs(ahead) > MAX_AHEAD:
                text = (
                    f"The clock of {node.name} would be more than {MAX_AHEAD.days} days from the computer's."
                )
                raise Problem(text, ExitCode.REFUSED, "clock")
        for node, ahead in aims:
            node.set_clock(ahead)

    def _killed(self, node: Node, restart: bool) -> NodeState:
        if not node.running and not restart:
            raise Problem(
                f"{node.name} does not run any more. Start it again with: netnode mesh kill {node.name} --restart",
                ExitCode.REFUSED,
                "ended",
            )
        if node.running:
            node.kill()
        if restart:
            self._mesh.restart(node)
        return _node_state(node)


def state_of(mesh: Mesh) -> MeshState:
    """What a mesh is like now."""
    nodes = [_node_state(node) for node in mesh.nodes.values()]
    up = [mesh[each.name].logs() for each in nodes if each.state == "up"]
    return MeshState(
        folder=str(mesh.folder),
        pid=os.getpid(),
        nodes=nodes,
        edges=[_edge_state(edge) for edge in mesh.edges.values()],
        level=all(logs == up[0] for logs in up),
    )


def _node_state(node: Node) -> NodeState:
    ready = node.ready
    state: Literal["up", "paused", "silent", "ended"] = "ended" if not node.running else "paused"
    known: dict[str, Any] = {}
    if node.running and not node.paused:
        try:
            status = node.status()
        except Problem:
            state = "silent"
        else:
            state = "up"
            known = {name: getattr(status, name) for name in ("sessions", "logs", "entries", "listings")}
    return NodeState(
        name=node.name,
        state=state,
        id=ready.id,
        pid=ready.pid,
        peer=ready.peer,
        api=ready.api,
        home=str(node.home),
        clock=None if node.ahead is None else node.ahead.total_seconds(),
        **known,
    )


def _edge_state(edge: Edge) -> EdgeState:
    faults = edge.faults
    cut = faults.arrival is not Arrival.PASSED
    return EdgeState(
        dialler=edge.dialler,
        target=edge.target,
        address=edge.address,
        state="cut" if cut else "open" if faults == edge.usual else "faulty",
        latency=faults.latency,
        connections=edge.connections,
    )


# -- the side that asks --------------------------------------------------------------------------------------
def read_control(folder: Path, disk: Disk) -> Control:
    """The control file of a mesh.

    Raises:
        Problem: there is none (5), or it cannot be read.
    """
    path = folder / CONTROL_FILE
    try:
        return msgspec.json.decode(disk.read(path), type=Control)
    except FileNotFoundError:
        raise Problem(
            f"No mesh runs in {folder}. Start one with: netnode mesh up --nodes 4, or name its folder with --folder.",
            ExitCode.UNREACHABLE,
            "no_mesh",
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise Problem(f"The control file {path} cannot be read: {error}.", code="control") from error


def ask(control: Control, make: Callable[[str], Request], kind: type[Any]) -> Any:
    """Sends a request to a mesh; its answer.

    Args:
        control: of the mesh.
        make: makes the request with the token.
        kind: of the answer.

    Raises:
        Problem: what the mesh says is wrong; 5 where it does not answer.
    """
    try:
        with socket.create_connection((HOST, control.port), LINE_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS * timeout_factor())
            connection.sendall(msgspec.json.encode(make(control.token)) + b"\n")
            answer = msgspec.json.decode(_line(connection), type=_Answer)
    except (OSError, msgspec.DecodeError) as error:
        raise Problem(
            f"The mesh of process {control.pid} does not answer ({error}). What it left behind ends with: "
            "netnode mesh down",
            ExitCode.UNREACHABLE,
            "gone",
        ) from error
    if answer.failed is not None:
        raise Problem(answer.failed.text, ExitCode(answer.failed.exit_code), answer.failed.code)
    return msgspec.json.decode(answer.document, type=kind)


def _failed(problem: Problem) -> bytes:
    return (
        msgspec.json.encode(_Answer(failed=_Failed(problem.code, problem.text, int(problem.exit_code))))
        + b"\n"
    )


def _line(connection: socket.socket) -> bytes:
    """One line. Raises OSError where the other side ends before."""
    with connection.makefile("rb") as stream:
        line = stream.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise ConnectionError("the other side went away")
    return line
