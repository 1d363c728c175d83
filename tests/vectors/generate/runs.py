"""Makes tests/vectors/runs.json: runs as they travel, and the entries rebuilt."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol import encoding
from protocol.run import run_of
from tests.protocol.author import Author
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Runs (section 8.3), network `test`: the canonical bytes of a run (hex) give the entries rebuilt, as [header, "
    "signature, record or null], with their ids; or the code. Signatures are not verified there."
)


def vectors() -> list[Vector]:
    found: list[Vector] = []
    author = Author("runs")
    author.write(3)
    log = author.entries
    gone = [log[1], msgspec.structs.replace(log[2], record=None)]
    for name, entries in (
        ("one", log[:1]), ("all", log), ("from-2", log[2:]), ("gone", gone),
        ("rotation", [author.rotation(log[-1])[0]]),
    ):  # fmt: skip
        data = encoding.encode(_plain(run_of(entries)))
        expected = {"entries": chain(entries), "ids": [entry.id.hex() for entry in entries]}
        found.append(
            vector(name, f"{len(entries)} entries", "R-RUN-2", {"run": data.hex()}, expected=expected)
        )
    good = _plain(run_of(log[1:3]))
    one = good[5][0]

    def refused(name: str, error: str, requirement: str, place: int, value: Any) -> None:
        changed = [*good[:place], value, *good[place + 1 :]]
        data = encoding.encode(changed)
        found.append(vector(f"refused-{name}", name, requirement, {"run": data.hex()}, error=error))

    def entry(name: str, error: str, requirement: str, place: int, value: Any) -> None:
        refused(name, error, requirement, 5, [[*one[:place], value, *one[place + 1 :]]])

    refused("no-entries", "bad_message", "R-RUN-3", 5, [])
    refused("past-the-end", "bad_message", "R-RUN-3", 3, 2**40 - 1)
    refused("author-31", "bad_message", "R-RUN-4", 0, bytes(31))
    refused("prev-33", "bad_message", "R-RUN-4", 4, bytes(33))
    refused("epoch--1", "bad_message", "R-RUN-4", 1, -1)
    refused("first-2^40", "bad_message", "R-RUN-4", 3, 2**40)
    refused("entry-of-three", "bad_message", "R-RUN-4", 5, [one[:3]])
    refused("entries-map", "bad_message", "R-RUN-4", 5, {})
    entry("time--1", "header", "R-RUN-4", 0, -1)
    entry("kind--1", "header", "R-RUN-4", 1, -1)
    entry("signature-63", "header", "R-RUN-4", 2, bytes(63))
    entry("record-49153", "header", "R-RUN-4", 3, bytes(49_153))
    entry("record-nil", "bad_message", "R-RUN-4", 3, None)
    entry("gone-hash-31", "bad_message", "R-RUN-4", 3, [bytes(31), 1])
    entry("gone-length--1", "bad_message", "R-RUN-4", 3, [bytes(32), -1])
    entry("gone-length-49153", "header", "R-RUN-4", 3, [bytes(32), 49_153])
    entry("gone-of-three", "bad_message", "R-RUN-4", 3, [bytes(32), 1, 1])
    refused("even-gone", "record_missing", "R-RUN-5", 5, [[one[0], 2, one[2], [bytes(32), 1]]])
    refused("even-gone-unknown", "record_missing", "R-RUN-5", 5, [[one[0], 1_000, one[2], [bytes(32), 1]]])
    return found


def _plain(run: object) -> list[Any]:
    value: list[Any] = msgspec.to_builtins(run, builtin_types=(bytes,))
    return [*value[:5], [list(entry) for entry in value[5]]]
