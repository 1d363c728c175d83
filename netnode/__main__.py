"""``python -m netnode``."""

from __future__ import annotations

from netnode.cli.main import main

if __name__ == "__main__":
    main()
