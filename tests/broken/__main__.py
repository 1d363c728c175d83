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
    for where in dict.fromkeys(where for where, _, _ in switch.changes):
        rewrite(where, [(old, new) for each, old, new in switch.changes if each == where])
    main(arguments[3:])


if __name__ == "__main__":
    run(sys.argv[1:])
