"""The node of somebody who cannot wait: what others look at every five seconds it looks at several times a second.

``python -m tests.processes.hasty --home HOME ARGUMENTS``: `netnode` by the clock that a mesh puts beside the home.
"""

from __future__ import annotations

import sys

from netnode import chores
from netnode.swapping import deciding
from netnode.testing.program import run
from netnode.testing.programs import PYTHON

HASTY = (*PYTHON, "tests.processes.hasty")
LOOK_SECONDS = 0.25

if __name__ == "__main__":
    chores.WATCH_CLOCK_SECONDS = LOOK_SECONDS  # type: ignore[misc]
    chores.LOOK_AT_SWAPS = LOOK_SECONDS  # type: ignore[misc]
    chores.LOOK_AT_TEAMS = LOOK_SECONDS  # type: ignore[misc]
    deciding._AGAIN_MS = (int(LOOK_SECONDS * 1_000), deciding._AGAIN_MS[1])  # type: ignore[misc]
    run([f"{sys.argv[2]}.clock", *sys.argv[1:]])
