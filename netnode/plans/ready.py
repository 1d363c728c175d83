"""Ready-made plans: files with comments, one a family, for `netnode plan new`."""

from __future__ import annotations

from pathlib import Path

from netnode.market.forms import read_toml
from netnode.plans.reading import plan_from
from netnode.problems import ExitCode, Problem
from protocol.plans.document import Compiled, compile_plan

_PACKED = Path(__file__).with_name("ready_made")  # where the wheel puts them
_SOURCES = Path(__file__).parents[2] / "examples" / "plans"


def names() -> list[str]:
    """What there is, the default plan first."""
    found = sorted(path.stem for path in _folder().glob("*.toml"))
    return sorted(found, key=lambda name: name != "default")


def text(name: str) -> str:
    """The file of a ready-made plan.

    Raises:
        Problem: there is none of this name.
    """
    if name not in names():
        what = f"There is no ready-made plan {name!r}. There is: {', '.join(names())}."
        raise Problem(what, ExitCode.NOT_FOUND, "plan_name")
    return (_folder() / f"{name}.toml").read_text(encoding="utf-8")


def compiled(name: str) -> Compiled:
    """A ready-made plan, compiled; as `text`."""
    content = read_toml(text(name).encode(), name)
    return compile_plan(plan_from(content, name))


def _folder() -> Path:
    return _PACKED if _PACKED.is_dir() else _SOURCES
