"""The program `netnode` with a clock that a test sets: ``python -m netnode.testing.program CLOCK_FILE ARGUMENTS``.

It is the same program, run by other ports; the installed `netnode` has no such option. `Mesh.start(..., clock=...)`
starts it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from netnode import node
from netnode.assembly import Ports, system_ports
from netnode.cli.main import main
from netnode.testing.clocks import OffsetClock


class ClockedRuntime:
    """The functions of `netnode.node` by a clock that a file sets; `netnode.operations.runtime.Runtime`.

    Args:
        clock: written by `netnode.testing.clocks.write_offset`.
    """

    def __init__(self, clock: Path) -> None:
        def making() -> Ports:
            return replace(system_ports(), clock=OffsetClock(clock))

        given: dict[str, Any] = {"making": making}
        self.initialise = partial(node.initialise, **given)
        self.opened = partial(node.opened, **given)
        self.online = partial(node.online, **given)
        self.run = partial(node.run, **given)
        self.restore = partial(node.restore, **given)
        self.repair = partial(node.repair, **given)
        self.verify_backup = partial(node.verify_backup, **given)
        self.fetch = partial(node.fetch, **given)
        self.take_over = partial(node.take_over, **given)


def run(arguments: Sequence[str]) -> None:
    """Runs the program by the clock that the first argument names."""
    if not arguments:
        sys.exit("usage: python -m netnode.testing.program CLOCK_FILE ARGUMENTS OF NETNODE ...")
    main(list(arguments[1:]), ClockedRuntime(Path(arguments[0])))


if __name__ == "__main__":
    run(sys.argv[1:])
