"""What all nodes of a mesh wrote, in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")


def merged(logs: Iterable[tuple[str, Path]]) -> list[str]:
    """The lines of several files, each after its node's name, sorted by their times.

    Args:
        logs: names of nodes and files; one that is missing is passed over. A line without a time, as of a traceback,
            stays behind the one before it.
    """
    width = 0
    rows: list[tuple[str, str, str]] = []
    for name, path in logs:
        width = max(width, len(name))
        time = ""
        if not path.exists():
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            found = _DATED.match(line)
            time = found[0] if found else time
            rows.append((time, name, line))
    dated = [(time, number, f"{name:{width}}  {line}") for number, (time, name, line) in enumerate(rows)]
    return [line for _, _, line in sorted(dated)]
