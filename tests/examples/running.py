"""A real node process with a few listings, for the tests of the example clients."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 30  # more than any start or command takes, even on a busy machine


@dataclass(frozen=True)
class Running:
    """A node that runs."""

    home: Path
    id: str
    peer: str
    api: str

    async def do(self, *arguments: str) -> Any:
        """Runs a command of the node's owner; its JSON."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "netnode", "--home", str(self.home), *arguments, "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)


@asynccontextmanager
async def running(folder: Path, name: str) -> AsyncIterator[Running]:
    """Starts a node at a free port of loopback, with a new home; ends it with SIGTERM."""
    home, ready = folder / "home", folder / "ready.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "netnode", "--home", str(home), "start", "--no-passphrase", "--name", name,
        "--listen", "127.0.0.1:0", "--no-browser", "--ready-file", str(ready),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(SECONDS):
            while not ready.exists():
                assert process.returncode is None, (await said).decode()
                await asyncio.sleep(0.02)  # the file is all the node tells; it is renamed into place
        told = json.loads(ready.read_text())
        yield Running(home, told["id"], told["peer"], told["api"])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            await process.wait()
            await said
