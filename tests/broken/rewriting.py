"""Rewrites one function of the running program."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any


def rewrite(where: str, pieces: Sequence[tuple[str, str]]) -> None:
    """Replaces pieces of a function's source; whoever imported the function runs the new code too.

    Args:
        where: `module:function` or `module:Class.method`.
        pieces: each stands in it exactly once, and what stands there instead.
    """
    function, code = rewritten(where, pieces)
    function.__code__ = code


def rewritten(where: str, pieces: Sequence[tuple[str, str]]) -> tuple[FunctionType, CodeType]:
    """The function, and what `rewrite` would make of it."""
    module_name, _, path = where.partition(":")
    module = importlib.import_module(module_name)
    found: Any = module
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    function = found.fget if isinstance(found, property) else found
    assert isinstance(function, FunctionType), where
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in pieces:
        assert source.count(old) == 1, f"{where} has {source.count(old)} times: {old}"
        source = source.replace(old, new)
    body = "\n".join(line for line in source.splitlines() if not line.startswith("@"))
    made: dict[str, Any] = {}
    exec(compile("from __future__ import annotations\n" + body, where, "exec"), module.__dict__, made)
    return function, made[function.__name__].__code__
