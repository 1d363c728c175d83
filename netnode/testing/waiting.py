"""Waiting for what other processes do: until it is so, never for a fixed time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

from netnode.system import SystemClock, pause

T = TypeVar("T")

FACTOR_VARIABLE: Final = "NETNODE_TIMEOUT_FACTOR"
LOOK_EVERY: Final = 0.01  # seconds


class MeshFailure(AssertionError):
    """Something in the mesh is not as a test needs it; the text says what. A test that meets it fails."""


def timeout_factor() -> float:
    """By how much all deadlines are longer here: the environment's NETNODE_TIMEOUT_FACTOR, 1 without it.

    Raises:
        MeshFailure: it is no number above 0.
    """
    given = os.environ.get(FACTOR_VARIABLE, "1")
    try:
        factor = float(given)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise MeshFailure(
            f"{FACTOR_VARIABLE} is {given!r}; give a number above 0, such as 3 on a slow machine."
        )
    return factor


def wait_until(look: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
    """Asks `look` again and again, and returns its first answer that is true.

    Args:
        look: asks; its exceptions are not caught.
        what: what is waited for, for the message of the failure.
        seconds: how long it may take, times NETNODE_TIMEOUT_FACTOR.

    Raises:
        MeshFailure: it took longer.
    """
    __tracebackhide__ = True  # pytest shows the line that waits
    clock = SystemClock()
    allowed = seconds * timeout_factor()
    end = clock.monotonic() + allowed
    while not (found := look()):
        if clock.monotonic() >= end:
            last = "" if found is None or found is False else f" (the last answer was {found!r})"
            raise MeshFailure(f"not within {allowed:g} s: {what}{last}")
        pause(LOOK_EVERY)
    return found
