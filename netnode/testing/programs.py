"""The real program, run as a person or a script runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import netnode
from netnode.testing.waiting import MeshFailure, timeout_factor

# -P: a file of the folder a test runs in must not take the place of a module.
PYTHON: Final = (sys.executable, "-P", "-m")
PROGRAM: Final = (*PYTHON, "netnode")
COMMAND_SECONDS: Final = 60.0
_SOURCES: Final = str(Path(netnode.__file__).resolve().parents[1])


def environment() -> dict[str, str]:
    """This process's environment for a node: without what chooses a home, and with the netnode imported here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NETNODE_", "COV_"))}
    before = kept.get("PYTHONPATH")
    return kept | {"PYTHONPATH": _SOURCES if not before else os.pathsep.join((_SOURCES, before))}


@dataclass(frozen=True, slots=True)
class Result:
    """What one command said.

    Attributes:
        code: its exit code, see `netnode.problems.ExitCode`.
        out: stdout.
        err: stderr.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout.

        Raises:
            MeshFailure: there is anything else.
        """
        if self.out.count("\n") != 1 or not self.out.endswith("\n"):
            raise MeshFailure(f"not one line of JSON on stdout: {self}")
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What a person was told went wrong: one line on stderr.

        Raises:
            MeshFailure: there is none, more than one, or it says nothing.
        """
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        if len(lines) != 1 or len(lines[0]) < 23:
            raise MeshFailure(f"not one sentence of what went wrong: {self}")
        return lines[0].removeprefix("Error: ")


def command(*arguments: object, stdin: int = subprocess.DEVNULL, **options: Any) -> Result:
    """Runs `netnode` with these arguments to its end.

    Args:
        arguments: of the program.
        stdin: as of `subprocess.run`.
        options: further ones of `subprocess.run`.

    Raises:
        MeshFailure: it showed a traceback.
        subprocess.TimeoutExpired: it did not end within a minute.
    """
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        check=False,
        env=environment(),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS * timeout_factor(),
        **options,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    if "Traceback" in result.out + result.err:
        raise MeshFailure(f"netnode {' '.join(map(str, arguments))}: {result}")
    return result


@dataclass(frozen=True, slots=True)
class Place:
    """A home, whether or not a node runs on it."""

    home: Path

    def run(self, *arguments: object, **options: Any) -> Result:
        """Runs a command on this home; see `command`."""
        return command("--home", self.home, *arguments, **options)

    def ask(self, *arguments: object) -> Any:
        """The JSON document that a command answers.

        Raises:
            MeshFailure: it did not end well.
        """
        result = self.run(*arguments, "--json")
        if result.code != 0:
            raise MeshFailure(f"netnode {' '.join(map(str, arguments))}: {result}")
        return result.json
