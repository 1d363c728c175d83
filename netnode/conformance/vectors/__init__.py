"""Class C0: the vectors, judged by this codec, which shares no code with the node; section 17."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import EVERYBODY, Broken, Check
from netnode.conformance.faults import Fault
from netnode.conformance.running import Result
from netnode.conformance.vectors import contents, dealings, exchanges, post, trades
from netnode.conformance.vectors.judging import Judge, Vector
from netnode.problems import ExitCode, Problem, disk_problem

JUDGES: Final[Mapping[str, Judge]] = MappingProxyType(
    {**contents.JUDGES, **exchanges.JUDGES, **trades.JUDGES, **post.JUDGES, **dealings.JUDGES}
)
"""Who judges the vectors of a file, by its name without `.json`."""

FILES: Final = tuple(sorted(JUDGES))
IDS: Final = MappingProxyType({f"C0-{number:02}": name for number, name in enumerate(FILES, 1)})
"""The checks of this class: one a file."""


def judge(name: str, content: Vector, vector: Vector) -> None:
    """Judges one vector of a file.

    Raises:
        Broken: this codec comes to something else than the vector says.
    """
    try:
        JUDGES[name](vector, content)
    except Fault as fault:
        raise Broken(f"refused with {fault}") from fault


def judge_folder(folder: Path) -> list[Result]:
    """Judges all files of vectors in a folder, each a check.

    Raises:
        Problem: there is none, or one cannot be read.
    """
    there = [(id_, name) for id_, name in IDS.items() if (folder / f"{name}.json").exists()]
    if not there:
        text = f"There are no vectors in {folder}. Name the folder that holds encoding.json and the others."
        raise Problem(text, ExitCode.NOT_FOUND, "not_found")
    return [_judged(id_, name, folder / f"{name}.json") for id_, name in there]


def _judged(id_: str, name: str, path: Path) -> Result:
    try:
        content: Vector = json.loads(path.read_text(encoding="utf-8"))
        vectors: list[Vector] = content["vectors"]
        requirements = sorted({word for vector in vectors for word in _ids(vector)})
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is no file of vectors.", ExitCode.USAGE, "vectors") from error
    check = Check(id_, " ".join(requirements), EVERYBODY, f"comes to what {name}.json says", _offline)
    wrong = [f"{vector['id']}: {told}" for vector in vectors if (told := _told(name, content, vector))]
    return Result(check, "failed" if wrong else "passed", "; ".join(wrong[:3]))


def _ids(vector: Vector) -> list[str]:
    said = vector["requirement"]
    return [said] if isinstance(said, str) else list(said)


def _told(name: str, content: Vector, vector: Vector) -> str | None:
    try:
        judge(name, content, vector)
    except Broken as broken:
        return str(broken)
    except Exception as error:  # the codec fails at it
        return f"{type(error).__name__} {error}"
    return None


async def _offline(_: Bench) -> None:
    """Needs no node: it is judged with its folder."""
