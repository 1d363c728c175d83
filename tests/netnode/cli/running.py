"""A running node, as commands see one."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

from netnode.api.server import ApiServer
from netnode.home import Home, Running
from netnode.system import SystemDisk, SystemEntropy
from tests.netnode.fake_services import ME


@contextmanager
def node_running(home, services):
    """A running node on the home, as commands see one: lock, running.json, token and the API."""
    place = Home(home, SystemDisk())
    started, address = threading.Event(), {}

    async def serve():
        server = ApiServer(services, place.token(SystemEntropy()))
        _, address["port"] = await server.start("127.0.0.1", 0)
        address["loop"], address["end"] = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await address["end"].wait()
        await server.close()

    with ExitStack() as held:
        held.enter_context(place.lock())
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert started.wait(10)
        api = f"http://127.0.0.1:{address['port']}"
        place.write_running(Running(os.getpid(), api, "ws://127.0.0.1:1/inx/1", ME))
        held.callback(place.remove_running)
        try:
            yield SimpleNamespace(api=api, release=held.close)
        finally:
            address["loop"].call_soon_threadsafe(address["end"].set)
            thread.join()
