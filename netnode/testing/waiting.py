"""Waiting for what other processes do: until it is so, never for a fixed time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

from netnode.system import SystemClock, pause

T = TypeVar("T")

FACTOR_VARIABLE: Final = "NETNODE_TIMEOUT_FACTOR"
LOOK_EVERY: Final = 0.01  # seconds, at first
LOOK_SELDOM: Final = 0.1  # seconds, later
LATE: Final = (
    0.05  # why: so much later than it could is nobody's loss, and who is asked all the time has less to do it
)


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

    The longer it waits, the less often it asks: it notices a twentieth later, and a tenth of a second at most.

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
    began = clock.monotonic()
    while not (found := look()):
        waited = clock.monotonic() - began
        if waited >= allowed:
            last = "" if found is None or found is False else f" (the last answer was {found!r})"
            raise MeshFailure(f"not within {allowed:g} s: {what}{last}")
        pause(min(max(LOOK_EVERY, waited * LATE), LOOK_SELDOM))
    return found
