"""Writes every vector file: ``python -m tests.vectors.generate``; names as arguments write those only."""

from __future__ import annotations

import sys

from tests.vectors.generate import ALL
from tests.vectors.generate.writing import write

if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        module = ALL[name]
        shared = module.shared() if hasattr(module, "shared") else {}
        write(name, module.ABOUT, module.vectors(), **shared)
