"""``python -m tests.spec --write`` prints the tables into SPEC.md, ``--check`` exits 1 on a difference."""

from __future__ import annotations

import argparse
import sys

from tests.spec import check
from tests.spec.tables import ROOT


def main() -> int:
    """Run the command; the exit code is 0 when SPEC.md and the code agree (or were made to)."""
    parser = argparse.ArgumentParser(prog="python -m tests.spec", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="print the tables into SPEC.md")
    action.add_argument("--check", action="store_true", help="compare SPEC.md with the code")
    arguments = parser.parse_args()
    path = ROOT / "SPEC.md"
    spec = path.read_text(encoding="utf-8")
    if arguments.write:
        spec = check.written(spec)
        path.write_text(spec, encoding="utf-8")
    found = check.findings(spec, ROOT)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if arguments.check and found:
        print(f"SPEC.md and the code differ in {len(found)} places", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
