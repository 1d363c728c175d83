"""Makes tests/vectors/logfile.json: files of runs."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from protocol.run import run_of, runs_of
from tests.protocol.author import Author
from tests.vectors.generate.forms import vector
from tests.vectors.generate.runs import _plain
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Files of runs (section 12.5), network `test`: the bytes of a file (hex) and its runs as canonical bytes, or the "
    "code; runs before a fault hold."
)


def vectors() -> list[Vector]:
    author = Author("file")
    author.write(2)
    author.rotate()
    author.write(1)
    openers = [run_of([entry]) for entry in author.entries if entry.is_opener]
    runs = [encoding.encode(_plain(run)) for run in (*openers, *runs_of(author.entries))]
    head = b"INXLOG1\n" + encoding.encode("test")
    blocks = [len(run).to_bytes(4, "big") + run for run in runs]
    whole = head + b"".join(blocks)
    found: list[Vector] = []

    def add(
        name: str, comment: str, requirement: str, data: bytes, count: int, error: str | None = None
    ) -> None:
        expected = {"runs": [run.hex() for run in runs[:count]]}
        outcome: dict[str, Any] = {"expected": expected} | ({"error": error} if error else {})
        found.append(vector(name, comment, requirement, {"file": data.hex()}, **outcome))

    add("whole", "openers, then runs", "R-FILE-3", whole, len(runs))
    add("empty", "no logs", "R-FILE-1", head, 0)
    bad = "bad_file"
    add("no-bytes", "no bytes", "R-FILE-1", b"", 0, bad)
    add("magic", "another beginning", "R-FILE-1", b"INXLOG2\n" + whole[8:], 0, bad)
    add(
        "network",
        "of another network",
        "R-FILE-1",
        b"INXLOG1\n" + encoding.encode("inx") + b"".join(blocks),
        0,
        bad,
    )
    add("cut-head", "cut off in the name", "R-FILE-1", head[:-1], 0, bad)
    add("cut-length", "cut off in a length", "R-FILE-2", head + blocks[0] + blocks[1][:3], 1, bad)
    add("cut-block", "cut off in a block", "R-FILE-2", whole[:-1], len(runs) - 1, bad)
    add("zero", "a block of no bytes", "R-FILE-2", head + blocks[0] + bytes(4), 1, bad)
    add("long", "a block of 65,520 bytes", "R-FILE-2", head + blocks[0] + (65_520).to_bytes(4, "big"), 1, bad)
    add("no-run", "a block that is no run", "R-FILE-2", head + blocks[0] + b"\0\0\0\1\x80", 1, bad)
    add(
        "not-canonical",
        "a block that is not canonical",
        "R-FILE-2",
        head + b"\0\0\0\3\xdc\0\0",
        0,
        "not_canonical",
    )
    return found
