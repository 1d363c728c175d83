"""The shopper of examples/shopper on its command line, for tests."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

from tests.examples.nodejs import BINARY, FOLDER

SHOP: Final = FOLDER.parent / "shopper" / "shop.mjs"
SECONDS: Final = 60


def tried(*arguments: object) -> tuple[int, str, str]:
    """Runs the shopper's command."""
    ended = subprocess.run(
        [BINARY, SHOP, *map(str, arguments)], capture_output=True, timeout=SECONDS, check=False
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def shop(*arguments: object) -> Any:
    """Its JSON."""
    code, out, err = tried(*arguments)
    assert code == 0, err
    return json.loads(out)
