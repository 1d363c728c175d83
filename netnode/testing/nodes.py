"""One node of a mesh: its home, its process, its API."""

from __future__ import annotations

import signal
import subprocess
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from netnode.operations import models
from netnode.operations.node import STATUS
from netnode.operations.runtime import Ready
from netnode.testing.client import Client
from netnode.testing.clocks import read_offset, write_offset
from netnode.testing.edges import Edge
from netnode.testing.programs import Place, Result
from netnode.testing.waiting import MeshFailure, timeout_factor, wait_until

START_SECONDS: Final = 30.0
END_SECONDS: Final = 10.0  # what the program promises after a signal


@dataclass(slots=True)
class Launch:
    """One run of the program on a home.

    Attributes:
        process: as started.
        output: what it wrote to its terminal.
        ready_file: written once it serves.
        expected: exit codes that are no failure.
        program: what was run instead of netnode, if anything.
    """

    process: subprocess.Popen[bytes]
    output: Path
    ready_file: Path
    expected: tuple[int, ...] = (0,)
    program: Sequence[str] | None = None


@dataclass(slots=True)
class Node:
    """A node of a mesh, made by `Mesh.start`; it stays the same object over restarts.

    Attributes:
        name: in the mesh.
        home: its data directory.
        front: a way to it for clients that are tested, with faults of its own: `front.api` is its HTTP API (where the
            home was made by this mesh: a node answers to its own host names only), `front.address` where it accepts
            peers. Calls of this class do not take it.
        clock_file: what sets its clock; None where it has the computer's.
        launches: its runs, the newest last.
        api: its HTTP API.
        paused: whether it is stopped by SIGSTOP.
    """

    name: str
    home: Path
    front: Edge
    clock_file: Path | None = None
    launches: list[Launch] = field(default_factory=list)
    api: Client = field(init=False, repr=False)
    paused: bool = False
    _ready: Ready | None = None

    def __post_init__(self) -> None:
        self.api = Client(lambda: self.ready.api, lambda: (self.home / "token").read_text().strip())

    # -- its process -----------------------------------------------------------------------------------------
    @property
    def launch(self) -> Launch:
        """The newest run."""
        if not self.launches:
            raise MeshFailure(f"{self.name} was never started")
        return self.launches[-1]

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the newest run."""
        return self.launch.process

    @property
    def running(self) -> bool:
        """Whether its process lives, paused or not."""
        return bool(self.launches) and self.process.poll() is None

    @property
    def ready(self) -> Ready:
        """Where it serves: `id`, `pid`, `peer` (ws://...) and `api` (http://...) of the newest run."""
        if self._ready is None:
            raise MeshFailure(f"{self.name} does not serve yet")
        return self._ready

    @property
    def id(self) -> str:
        """Its networker."""
        return self.ready.id

    @property
    def peer(self) -> str:
        """Where it accepts peers itself, without a proxy."""
        return self.ready.peer

    @property
    def port(self) -> int:
        """Its port."""
        return urllib.parse.urlsplit(self.peer).port or 0

    @property
    def output(self) -> Path:
        """What the newest run wrote to its terminal."""
        return self.launch.output

    def begin(self, launch: Launch) -> None:
        """Takes a run that has just begun."""
        self.launches.append(launch)
        self.paused = False

    def wait_ready(self) -> None:
        """Waits until it serves.

        Raises:
            MeshFailure: it ended, or took too long; with what it said.
        """
        launch = self.launch

        def look() -> bool:
            if launch.process.poll() is not None and not launch.ready_file.exists():
                raise MeshFailure(f"{self.name} ended at its start:\n{launch.output.read_text()}")
            return launch.ready_file.exists()

        wait_until(look, f"{self.name} serves", START_SECONDS)
        self._ready = msgspec.json.decode(launch.ready_file.read_bytes(), type=Ready)

    def end(self, by: int = signal.SIGTERM) -> int:
        """Ends it by a signal and waits; returns its exit code. A clean end is 0 within ten seconds."""
        self.resume()
        if self.running:
            self.process.send_signal(by)
        if by == signal.SIGKILL:
            self.launch.expected = (*self.launch.expected, -signal.SIGKILL)
        return self.process.wait(END_SECONDS * timeout_factor())

    def kill(self) -> None:
        """Ends it without warning, as a loss of power does to a program."""
        self.end(signal.SIGKILL)

    def pause(self) -> None:
        """Stops the process where it is: its connections stand, nothing answers. `resume` lets it go on."""
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Lets a paused process go on."""
        if self.paused and self.running:
            self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def set_clock(self, ahead: timedelta) -> None:
        """Sets its wall clock at once: so much ahead of the computer's, or behind when negative.

        Raises:
            MeshFailure: it was started without a clock of its own; give `Mesh.start` the argument `clock`.
        """
        if self.clock_file is None:
            raise MeshFailure(f"{self.name} has the computer's clock; start it with clock=timedelta(0)")
        write_offset(self.clock_file, ahead)

    @property
    def ahead(self) -> timedelta | None:
        """How far its wall clock is ahead of the computer's; None where it has no clock of its own."""
        return None if self.clock_file is None else read_offset(self.clock_file)

    def said(self) -> str:
        """What it wrote to its terminal, all runs, and to its log."""
        parts = [launch.output for launch in self.launches] + [
            path for path in self.log_files if path.exists()
        ]
        return "".join(path.read_text(errors="replace") for path in parts)

    @property
    def log_files(self) -> tuple[Path, ...]:
        """Its log, the older part first; either may be missing."""
        return (self.home / "node.log.1", self.home / "node.log")

    # -- its command line ------------------------------------------------------------------------------------
    def run(self, *arguments: object, **options: Any) -> Result:
        """Runs a command on its home; see `netnode.testing.command`."""
        return Place(self.home).run(*arguments, **options)

    def ask(self, *arguments: object) -> Any:
        """The JSON document that a command on its home answers; see `Place.ask`."""
        return Place(self.home).ask(*arguments)

    # -- what people do with a node ----------------------------------------------------------------------------
    def status(self) -> models.Status:
        """How it is doing."""
        return self.api.call(STATUS, models.Nothing())

    def add(self, key: str, title: str, **fields: object) -> Any:
        """Publishes a listing, a product unless `kind` says another; returns the answer of the API."""
        return self.api.post(
            "/listings/add", {"fields": {"kind": "product", "key": key, "title": title, **fields}}
        )

    def withdraw(self, key: str) -> Any:
        """Takes an own listing from the market."""
        return self.api.post("/listings/withdraw", {"key": key})

    def search(self, text: str) -> list[dict[str, Any]]:
        """What its own catalogue has for a text; no peer is asked."""
        return list(self.api.get("/search", text=text, limit=500, hubs="never")["items"])

    def keys(self, text: str) -> set[str]:
        """The keys of the listings that its own catalogue has for a text."""
        return {item["key"] for item in self.search(text)}

    def logs(self) -> dict[str, tuple[int, int, int, str, str]]:
        """What it holds of each log: epoch, term, seq and id of the head, and the state."""
        return {
            log["author"]: (log["epoch"], log["term"], log["seq"], log["head"], log["state"])
            for log in self.api.pages("/logs")
        }

    def invite(self) -> str:
        """The link that leads straight here, past every proxy."""
        return str(self.api.get("/invite")["uri"])

    def peers(self) -> list[dict[str, Any]]:
        """Its book."""
        return self.api.pages("/peers")

    def connected(self) -> set[str]:
        """The networkers it has sessions with."""
        return {peer["id"] for peer in self.peers() if peer["state"] == "connected"}
