"""A mesh of real nodes: processes, homes, and a proxy on every way between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, overload

import tomlkit

from netnode.system import SystemEntropy
from netnode.testing.background import Background
from netnode.testing.clocks import write_offset
from netnode.testing.edges import Edge
from netnode.testing.faults import PERFECT, Faults
from netnode.testing.guard import Guard
from netnode.testing.logs import merged
from netnode.testing.nodes import END_SECONDS, Launch, Node
from netnode.testing.programs import PROGRAM, PYTHON, environment
from netnode.testing.proxy import HOST
from netnode.testing.topologies import Topology, edges_of
from netnode.testing.waiting import MeshFailure, timeout_factor, wait_until
from protocol.identity import parse_id
from protocol.uri import format_invite

MEET_SECONDS: Final = 30.0
LEVEL_SECONDS: Final = 30.0
AS_WRITTEN: Final[Mapping[str, object]] = {  # settings of new homes
    "outbound_sessions": 0,  # nodes dial whom the test names, nobody else
    "stamp_bits": 0,  # why: work for a stamp takes 2 % of a core for minutes, and nobody here asks for one
}
NodeOrName = Node | str


class Mesh:
    """Nodes in processes of their own, and the ways between them; `close`, or the end of ``with``, ends all of it.

    Args:
        folder: where homes and outputs go; it stays. None for a temporary one, which goes at the end unless the test
            fails or `keep` was called.
        settings: of config.toml of every new home. By default nodes dial nobody by themselves, so that the mesh has
            the form the test gives it.
    """

    def __init__(self, folder: Path | None = None, settings: Mapping[str, object] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="netnode-mesh-")) if folder is None else folder
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str], Edge] = {}
        self._kept = folder is not None
        self._closed = False
        self._settings = dict(AS_WRITTEN if settings is None else settings)
        self._background = Background()
        self._guard = Guard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        self.keep()
        sys.stderr.write(f"The homes and logs of the mesh are kept in {self.folder}\n")
        self.close(judge=False)  # what went wrong first is what is told

    # -- nodes -----------------------------------------------------------------------------------------------
    def up(
        self,
        nodes: int | Sequence[str],
        topology: Topology = "line",
        *,
        faults: Faults = PERFECT,
        **starting: Any,
    ) -> list[Node]:
        """Starts nodes and connects them; returns once every edge has its session.

        Args:
            nodes: their names, or how many; then they are n1, n2 and so on.
            topology: "line", "ring", "star" (the first is the middle) or "random".
            faults: of every edge, such as ``Faults(latency=0.05)``.
            starting: further arguments of `start`.
        """
        names = [f"n{number}" for number in range(1, nodes + 1)] if isinstance(nodes, int) else list(nodes)
        made = self.start_all(*names, **starting)
        for dialler, target in edges_of(names, topology, SystemEntropy()):
            self.connect(dialler, target, faults)
        self.wait_connected()
        return made

    def start(self, name: str, *arguments: object, **starting: Any) -> Node:
        """Starts a node, or starts one again that has ended, and waits until it serves; see `launch`."""
        node = self.launch(name, *arguments, **starting)
        self._serving(node)
        return node

    def start_all(self, *names: str, **starting: Any) -> list[Node]:
        """Starts nodes side by side."""
        nodes = [self.launch(name, **starting) for name in names]
        for node in nodes:
            self._serving(node)
        return nodes

    def launch(
        self,
        name: str,
        *arguments: object,
        home: Path | None = None,
        clock: timedelta | None = None,
        settings: Mapping[str, object] | None = None,
        program: Sequence[str] | None = None,
        **options: Any,
    ) -> Node:
        """Starts the program on the home `name`, made when it is empty; the node may not be ready yet.

        Args:
            name: in this mesh, of the home, and of the networker when it is made.
            arguments: of ``netnode start``.
            home: another folder.
            clock: how far its wall clock is ahead of the computer's; `Node.set_clock` changes it later. None gives
                it the computer's clock, and the installed program.
            settings: of config.toml of a new home, instead of those of the mesh.
            program: what runs instead of ``python -m netnode``, a profiler say.
            options: of `subprocess.Popen`.

        Raises:
            MeshFailure: it runs already.
        """
        node = self.nodes.get(name) or self._new(name, self.folder / name if home is None else home)
        if node.running:
            raise MeshFailure(f"{name} runs already")
        number = len(node.launches)
        launched = self.folder / f"{name}-{number}.out", self.folder / f"{name}-{number}.ready"
        launched[1].unlink(missing_ok=True)  # of an earlier mesh in this folder
        given: list[object] = ["--home", node.home, "start", "--ready-file", launched[1], "--no-browser"]
        if not (node.home / "keys.json").exists():
            given += ["--name", name.capitalize(), "--no-passphrase"]
            chosen = self._settings if settings is None else settings
            _configure(node.home, {"allow_hosts": [node.front.host], **chosen})
        if "--listen" not in arguments:
            given += ["--listen", f"{HOST}:0"]
        if clock is not None:
            node.clock_file = self.folder / f"{name}.clock"
            write_offset(node.clock_file, clock)
        with launched[0].open("wb") as sink:
            process = subprocess.Popen(
                [*_program(node, program), *map(str, [*given, *arguments])],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                **options,
            )
        self._guard.watch(name, process.pid)
        node.begin(Launch(process, *launched, program=program))
        self.nodes[name] = node
        return node

    def restart(self, node: NodeOrName, *arguments: object, same_port: bool = False) -> Node:
        """Starts a node that ended, ending it first when it runs; edges to it lead to its new port, and are dialled.

        It runs what it ran before, and by the clock it had.

        Args:
            node: which one.
            arguments: of ``netnode start``.
            same_port: it listens where it did, instead of on a free port.
        """
        found = self[node]
        if found.running:
            found.end()
        listen = ("--listen", f"{HOST}:{found.port}") if same_port else ()
        return self.start(found.name, *arguments, *listen, program=found.launch.program)

    @overload
    def __getitem__(self, which: NodeOrName) -> Node: ...
    @overload
    def __getitem__(self, which: tuple[NodeOrName, NodeOrName]) -> Edge: ...
    def __getitem__(self, which: NodeOrName | tuple[NodeOrName, NodeOrName]) -> Node | Edge:
        """A node by its name, or the edge between two: ``mesh["ada"]``, ``mesh["ada", "ben"]`` in either order."""
        if isinstance(which, Node):
            return which
        if isinstance(which, str):
            if which not in self.nodes:
                raise MeshFailure(
                    f"no node of the name {which}; there are: {', '.join(self.nodes) or 'none'}"
                )
            return self.nodes[which]
        one, other = (self[each].name for each in which)
        found = self.edges.get((one, other)) or self.edges.get((other, one))
        if found is None:
            raise MeshFailure(f"{one} and {other} are not connected")
        return found

    # -- edges -----------------------------------------------------------------------------------------------
    def connect(self, dialler: NodeOrName, target: NodeOrName, faults: Faults = PERFECT) -> Edge:
        """Lets a node dial another through a new proxy, as if it had got an invite that leads there.

        Args:
            dialler: which node dials.
            target: which one it dials; it must have been started.
            faults: what the edge does from its beginning, and after `heal`.

        Raises:
            MeshFailure: it dials that node already.
        """
        one, other = self[dialler], self[target]
        if (one.name, other.name) in self.edges:
            raise MeshFailure(f"{one.name} dials {other.name} already")
        edge = Edge(self._background, one.name, other.name, (HOST, other.port), faults)
        self.edges[one.name, other.name] = edge
        self._dial(edge)
        return edge

    def between(self, one: Iterable[NodeOrName], other: Iterable[NodeOrName]) -> list[Edge]:
        """The edges between two groups of nodes, in either direction."""
        left, right = ({self[each].name for each in group} for group in (one, other))
        return [
            edge
            for (dialler, target), edge in self.edges.items()
            if (dialler in left and target in right) or (dialler in right and target in left)
        ]

    def partition(self, *groups: Iterable[NodeOrName], silent: bool = False) -> list[Edge]:
        """Cuts every edge between groups; returns those. Nodes of no group are a group of their own.

        Args:
            groups: of nodes or names.
            silent: hold everything, as a cut cable does, so that nobody is told and sessions stand until their nodes
                give them up; else connections are reset and refused.

        Raises:
            MeshFailure: a node is in two groups, or none is named.
        """
        named = [[self[each].name for each in group] for group in groups]
        flat = [name for group in named for name in group]
        if not flat:
            raise MeshFailure("A partition needs a node in one of its groups at least.")
        twice = sorted({name for name in flat if flat.count(name) > 1})
        if twice:
            raise MeshFailure(f"A partition needs each node in one group at most; twice: {', '.join(twice)}.")
        named.append([name for name in self.nodes if name not in flat])
        cut = [
            edge
            for number, group in enumerate(named)
            for other in named[number + 1 :]
            for edge in self.between(group, other)
        ]
        for edge in cut:
            if silent:
                edge.stall()
            else:
                edge.refuse()
        return cut

    def heal(self) -> None:
        """Ends the faults of all edges, and lets nodes dial again at once instead of when their pause is over."""
        for edge in self.edges.values():
            edge.heal()
        self._dial_again(self.edges.values())

    def _dial_again(self, edges: Iterable[Edge]) -> None:
        for edge in edges:
            if self._up(edge.dialler):
                self._dial(edge)

    def _dial(self, edge: Edge) -> None:
        target = self.nodes[edge.target]
        uri = format_invite(parse_id(target.id), [edge.address])
        self.nodes[edge.dialler].api.post("/peers/add", {"uri": uri})

    # -- waiting ---------------------------------------------------------------------------------------------
    def wait_connected(self, seconds: float = MEET_SECONDS) -> None:
        """Waits until every edge between running nodes has its session."""

        def missing() -> list[str]:
            return [
                f"{dialler} - {target}"
                for dialler, target in self.edges
                if self._up(dialler)
                and self._up(target)
                and self.nodes[target].id not in self.nodes[dialler].connected()
            ]

        self._wait(lambda: not missing(), lambda: f"sessions between {', '.join(missing())}", seconds)

    def wait_level(self, nodes: Iterable[NodeOrName] | None = None, seconds: float = LEVEL_SECONDS) -> None:
        """Waits until nodes hold the same of every log, and their catalogues show it.

        The same is: the head of each log, and whether it is forked or contested.

        Args:
            nodes: which; None for all that run.
            seconds: how long it may take, times NETNODE_TIMEOUT_FACTOR.
        """
        found = [self[each] for each in (self.nodes if nodes is None else nodes)]
        members = [node for node in found if nodes is not None or self._up(node.name)]
        if not members:
            raise MeshFailure("no node runs that could hold anything")

        def level() -> bool:
            first, *others = (node.logs() for node in members)
            return all(logs == first for logs in others) and not any(node.status().lag for node in members)

        self._wait(level, lambda: f"all hold the same:\n{self._shown(members)}", seconds)

    def _wait(self, look: Callable[[], bool], what: Callable[[], str], seconds: float) -> None:
        """Waits; what is missing is only put into words when it took too long."""
        try:
            wait_until(look, "", seconds)
        except MeshFailure as failure:
            raise MeshFailure(f"{failure}{what()}") from None

    def _shown(self, members: Iterable[Node]) -> str:
        names = {node.id: node.name for node in self.nodes.values() if node.launches}
        return "\n".join(
            f"  {node.name}: "
            + ", ".join(
                f"{names.get(author, author[:12])} at {term}/{seq} {head[:8]} {state}"
                for author, (_, term, seq, head, state) in sorted(node.logs().items())
            )
            for node in members
        )

    def _up(self, name: str) -> bool:
        node = self.nodes[name]
        return node.running and not node.paused

    def _new(self, name: str, home: Path) -> Node:
        return Node(name, home, Edge(self._background, "", name, None))

    def _serving(self, node: Node) -> None:
        node.wait_ready()
        node.front.lead_to((HOST, node.port))
        edges = [edge for edge in self.edges.values() if edge.target == node.name]
        for edge in edges:
            edge.lead_to((HOST, node.port))
        self._dial_again(edges)

    # -- its end ---------------------------------------------------------------------------------------------
    def log(self) -> list[str]:
        """The logs of all nodes, merged by time, each line after its node's name."""
        return merged((node.name, path) for node in self.nodes.values() for path in node.log_files)

    def keep(self) -> None:
        """Keeps the folder with homes, logs and outputs when the mesh ends."""
        self._kept = True

    def close(self, *, judge: bool = True) -> None:
        """Ends every node and edge; a second call does nothing.

        Args:
            judge: whether to look at how the nodes ended.

        Raises:
            MeshFailure: a node ended otherwise than it was told to, or met something it does not know; the folder is
                kept then.
        """
        for node in self.nodes.values():
            node.resume()
            if node.running:
                node.process.terminate()
        wrong = [text for node in self.nodes.values() for text in _ended(node)]
        if not self._closed:
            for edge in (*self.edges.values(), *(node.front for node in self.nodes.values())):
                edge.close()
            self._background.close()
            self._guard.close()
            self._closed = True
        if judge and wrong:
            self.keep()
            raise MeshFailure("\n".join([*wrong, f"homes and logs are kept in {self.folder}"]))
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def _ended(node: Node) -> list[str]:
    """Waits for the end of a node; what was wrong with it."""
    for launch in node.launches:
        try:
            launch.process.wait(END_SECONDS * timeout_factor())
        except subprocess.TimeoutExpired:
            launch.process.kill()
            launch.process.wait()
    said = node.said()
    codes = [launch.process.returncode for launch in node.launches]
    expected = all(code in launch.expected for code, launch in zip(codes, node.launches, strict=True))
    if expected and "Traceback" not in said:
        return []
    return [f"{node.name} ended with {', '.join(map(str, codes))}:\n{said}"]


def _program(node: Node, program: Sequence[str] | None) -> Sequence[str]:
    if program is not None:
        return program
    if node.clock_file is None:
        return PROGRAM
    return (*PYTHON, "netnode.testing.program", str(node.clock_file))


def _configure(home: Path, settings: Mapping[str, object]) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = home / "config.toml"
    if config.exists():
        return
    descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        tomlkit.dump(dict(settings), file)
