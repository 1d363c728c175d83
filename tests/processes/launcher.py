"""Starts the real program in processes of its own and talks to it as a person or a program would.

A node is `python -m netnode start` on a home of its own, on a free port, known to be up by its ready file. Nothing
here reaches into a node: only its command line, its API and its signals.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = (sys.executable, "-m", "netnode")
START_SECONDS: Final = 30.0
END_SECONDS: Final = 10.0  # what the program promises after a signal
LOOK_EVERY: Final = 0.01


def until(look: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
    """What `look` gives once it gives something true; fails when that takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(LOOK_EVERY)


@dataclass(frozen=True)
class Result:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails when there is anything else."""
        assert self.out.count("\n") == 1 and self.out.endswith("\n"), self
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What a person was told went wrong: one line on stderr, that is no traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, self
        text = lines[0].removeprefix("Error: ")
        assert len(text) > 15, self
        return text


def environment() -> dict[str, str]:
    """This process's environment without what would choose a home or another code."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("NETNODE_", "COV_"))}


def command(*arguments: object, stdin: int = subprocess.DEVNULL, **options: Any) -> Result:
    """Runs `netnode` with these arguments to its end."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in result.out + result.err, result
    return result


@dataclass
class Place:
    """A home, whether or not a node runs on it."""

    home: Path

    def run(self, *arguments: object, **options: Any) -> Result:
        """Runs a command on this home."""
        return command("--home", self.home, *arguments, **options)

    def ask(self, *arguments: object) -> Any:
        """The JSON document a command answers; fails unless it ended well."""
        result = self.run(*arguments, "--json")
        assert result.code == 0, result
        return result.json


@dataclass
class Node(Place):
    """A running node."""

    process: subprocess.Popen[bytes]
    output: Path
    ready: dict[str, Any] = field(default_factory=dict)
    expected: tuple[int, ...] = (0,)

    @property
    def id(self) -> str:
        """Its networker."""
        return str(self.ready["id"])

    @property
    def peer(self) -> str:
        """Where peers reach it."""
        return str(self.ready["peer"])

    @property
    def port(self) -> int:
        """Its port."""
        port = urllib.parse.urlsplit(self.peer).port
        assert port is not None
        return port

    def wait_ready(self, ready_file: Path) -> None:
        """Waits for the ready file."""

        def look() -> bool:
            assert self.process.poll() is None, f"ended at its start: {self.output.read_text()}"
            return ready_file.exists()

        until(look, "the ready file", START_SECONDS)
        self.ready = json.loads(ready_file.read_text())

    def get(self, path: str, **query: object) -> Any:
        """A GET of the API."""
        return self._request(path + "?" + urllib.parse.urlencode(query))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """A POST of the API."""
        return self._request(path, json.dumps(body or {}).encode())

    def upload(self, path: str, body: bytes, **query: object) -> Any:
        """A POST of a file."""
        return self._request(f"{path}?{urllib.parse.urlencode(query)}", body, "application/octet-stream")

    def _request(self, path: str, body: bytes | None = None, form: str = "application/json") -> Any:
        token = (self.home / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": form}
        request = urllib.request.Request(f"{self.ready['api']}/api/v1{path}", data=body, headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.load(answer)

    def keys(self, text: str) -> set[str]:
        """The keys of the listings that its own catalogue has for a search."""
        return {item["key"] for item in self.get("/search", text=text, limit=500, hubs="never")["items"]}

    def add(self, key: str, title: str, **fields: object) -> Any:
        """Publishes a product."""
        return self.post(
            "/listings/add", {"fields": {"kind": "product", "key": key, "title": title, **fields}}
        )

    def invite(self) -> str:
        """The link that leads here."""
        return str(self.get("/invite")["uri"])

    def peers(self) -> list[dict[str, Any]]:
        """The book."""
        return list(self.get("/peers")["items"])

    def connected(self) -> set[str]:
        """The networkers it has sessions with."""
        return {peer["id"] for peer in self.peers() if peer["state"] == "connected"}

    def end(self, by: int = signal.SIGTERM) -> int:
        """Ends the node by a signal; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        if by == signal.SIGKILL:
            self.expected = (-signal.SIGKILL,)
        return self.process.wait(END_SECONDS)

    def said(self) -> str:
        """What it wrote to its terminal and its log; for a failing test."""
        log = self.home / "node.log"
        return self.output.read_text() + (log.read_text() if log.exists() else "")


class Launcher:
    """Starts nodes in a folder; `close` ends those that still run.

    Args:
        folder: where homes, ready files and outputs go.
        outbound_sessions: the setting of new homes; with 0 nodes dial whom the test names, and the mesh stays as it is.
    """

    def __init__(self, folder: Path, outbound_sessions: int = 0) -> None:
        self.folder = folder
        self.outbound_sessions = outbound_sessions
        self.nodes: list[Node] = []

    def launch(
        self, name: str, *arguments: object, wrapper: Sequence[str] = PROGRAM, **options: Any
    ) -> tuple[Node, Path]:
        """Starts a node on the home `name`, made when it is empty; it may not be ready yet.

        Args:
            name: of the home, and of the networker when it is made.
            arguments: of `start`.
            wrapper: what runs the program instead, such as a profiler.
            options: of the process.
        """
        number = len(self.nodes)
        output, ready_file = self.folder / f"{name}-{number}.out", self.folder / f"{name}-{number}.ready"
        given: list[object] = [
            "--home",
            self.folder / name,
            "start",
            "--ready-file",
            ready_file,
            "--no-browser",
        ]
        if not (self.folder / name / "keys.json").exists():
            given += ["--name", name.capitalize(), "--no-passphrase"]
            self._configure(self.folder / name)
        if "--listen" not in arguments:
            given += ["--listen", "127.0.0.1:0"]
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [*wrapper, *map(str, [*given, *arguments])],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                **options,
            )
        node = Node(self.folder / name, process, output)
        self.nodes.append(node)
        return node, ready_file

    def _configure(self, home: Path) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        config = home / "config.toml"
        if not config.exists():
            config.write_text(f"outbound_sessions = {self.outbound_sessions}\n")
            config.chmod(0o600)

    def start(self, name: str, *arguments: object, **options: Any) -> Node:
        """Starts a node and waits until it serves."""
        node, ready_file = self.launch(name, *arguments, **options)
        node.wait_ready(ready_file)
        return node

    def start_all(self, *names: str) -> list[Node]:
        """Starts nodes side by side."""
        launched = [self.launch(name) for name in names]
        for node, ready_file in launched:
            node.wait_ready(ready_file)
        return [node for node, _ in launched]

    def close(self) -> None:
        """Ends every node; fails when one did not end as expected or met something it does not know."""
        for node in self.nodes:
            if node.process.poll() is None:
                node.process.terminate()
        wrong = []
        for node in self.nodes:
            try:
                code = node.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                node.process.kill()
                code = node.process.wait()
            said = node.said()
            if code not in node.expected or "Traceback" in said:
                wrong.append(f"{node.home.name} ended with {code}:\n{said}")
        assert not wrong, "\n".join(wrong)


@contextmanager
def launcher(folder: Path, outbound_sessions: int = 0) -> Iterator[Launcher]:
    """A launcher whose nodes end with the context."""
    made = Launcher(folder, outbound_sessions)
    try:
        yield made
    finally:
        made.close()
