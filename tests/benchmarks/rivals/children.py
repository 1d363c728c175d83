"""A rival's process: JSON documents come from its stdout, one a line; lines go to its stdin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

HERE: Final = Path(__file__).resolve().parent
END_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running rival."""

    name: str
    process: subprocess.Popen[bytes]
    complaints: IO[bytes]

    def hear(self, key: str) -> Any:
        """The value under `key` in the next document that has one; fails when the process ends before."""
        while key not in (document := self.document()):
            pass
        return document[key]

    def document(self) -> dict[str, Any]:
        """The next document; fails when the process ends before."""
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            found: dict[str, Any] = json.loads(line)
            return found
        self.complaints.seek(0)
        said = self.complaints.read().decode(errors="replace")[-2_000:]
        raise RuntimeError(f"{self.name} ended before it told what it was asked:\n{said}")

    def tell(self, line: object) -> None:
        """Writes a line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()


@contextmanager
def child(arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Starts a rival; it is ended with the context, by closing its stdin first."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            list(map(str, arguments)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, **(environment or {})},
        )
        try:
            yield Child(_name(arguments), process, complaints)
        finally:
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.close()
            except BrokenPipeError:
                print(f"{_name(arguments)} ended by itself", file=sys.stderr)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _name(arguments: Sequence[object]) -> str:
    """The program's file."""
    return next((Path(str(each)).name for each in arguments if str(each).startswith(str(HERE))), "a rival")
