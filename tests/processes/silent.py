"""The node of an issuer that publishes no sale and answers no challenge; everything else it does as any other.

``python -m tests.processes.silent CLOCK_FILE ARGUMENTS``, as `netnode.testing.program`.
"""

from __future__ import annotations

import sys

from netnode.issuing.challenging import Challenging
from netnode.issuing.sales import Sales
from netnode.testing.program import run


async def nothing(*given: object) -> None:
    """What the owner of such a node has it do."""


if __name__ == "__main__":
    Sales.look = nothing  # type: ignore[assignment,method-assign]
    Challenging._answer = nothing  # type: ignore[assignment,method-assign]
    run(sys.argv[1:])
