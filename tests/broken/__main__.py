"""``python -m tests.broken --switch NAME -- start ...``: the real program, with one rule switched off."""

from __future__ import annotations

import sys

from netnode.cli.main import main
from tests.broken.rewriting import rewrite
from tests.broken.switches import SWITCHES


def run(arguments: list[str]) -> None:
    """Switches a rule off, then runs the program."""
    if len(arguments) < 3 or arguments[0] != "--switch" or arguments[2] != "--":
        sys.exit(f"{__doc__}\n\nSwitches: {', '.join(SWITCHES)}")
    switch = SWITCHES[arguments[1]]
    for where, pieces in switch.rewrites.items():
        rewrite(where, pieces)
    main(arguments[3:])


if __name__ == "__main__":
    run(sys.argv[1:])
