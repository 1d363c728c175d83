"""Chromium without a window, driven through its DevTools protocol; NETNODE_BROWSER names the binary."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.netnode.patience import patience

SECONDS = 60
_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Page:
    """One page. `said` holds what it wrote to its console and the errors nobody caught."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._number = 0
        self.said: list[str] = []

    async def call(self, method: str, **parameters: Any) -> Any:
        """Calls a method of DevTools; its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") in (
                "Runtime.consoleAPICalled",
                "Runtime.exceptionThrown",
                "Log.entryAdded",
            ):
                self.said.append(str(answer["params"]))

    async def value(self, expression: str) -> Any:
        """The value of an expression, awaited when it is a promise."""
        result = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def open(self, address: str) -> None:
        """Opens a page and waits until its body's data-state says that it has ended its work."""
        await self.call("Page.navigate", url=address)
        ended = """new Promise((resolve) => {
            const look = () => ["done", "failed"].includes(document.body?.dataset.state)
                ? resolve(document.body.dataset.state) : setTimeout(look, 20);
            look();
        })"""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await self.value(ended)
                except AssertionError as error:  # the page before went away while it was asked
                    if "context was destroyed" not in str(error) and "navigated" not in str(error):
                        raise
                else:
                    if await self.value("location.href") == address:
                        return


async def _first_page(client: aiohttp.ClientSession, host: str) -> str:
    """Where the first page of a browser is spoken to; the browser listens a moment before it has one."""
    async with asyncio.timeout(SECONDS):
        while True:
            async with client.get(f"http://{host}/json/list") as answer:
                for each in await answer.json():
                    if each["type"] == "page":
                        return str(each["webSocketDebuggerUrl"])
            await asyncio.sleep(0.02)


@asynccontextmanager
async def page(folder: Path) -> AsyncIterator[Page]:
    """An empty page of a new browser; skips the test where no browser is named."""
    binary = os.environ.get("NETNODE_BROWSER")
    if not binary:
        pytest.skip("NETNODE_BROWSER names no browser")
    process = await asyncio.create_subprocess_exec(
        binary, *_FLAGS, f"--user-data-dir={folder}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    errors = process.stderr
    try:
        async with asyncio.timeout(SECONDS):
            while not (line := await errors.readline()).startswith(b"DevTools listening on "):
                assert line, "the browser ended at once"
        rest = asyncio.create_task(errors.read())  # a full pipe would stop it
        host = line.decode().split("//")[1].split("/")[0]
        async with aiohttp.ClientSession() as client:
            target = await _first_page(client, host)
            async with client.ws_connect(target, max_msg_size=0) as socket:
                opened = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await opened.call(f"{domain}.enable")
                yield opened
                await opened.call("Browser.close")
        await rest
    finally:
        if process.returncode is None:
            try:
                async with patience(10):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
