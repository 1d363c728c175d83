"""A node from its start to its end, but for what serves its owner: the same code in production and in the simulator.

Two steps, since who waits for a node is told between them: in `meeting` it accepts links and dials, in `working` it
does all the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from netnode.assembly import Assembly, services_of
from netnode.chores import around, chores
from netnode.connecting import Connections, connecting
from netnode.nearby import Neighbourhood
from netnode.periodic import run_all
from netnode.ports import Listener
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.services.ports import Serving

_log = logging.getLogger("netnode")

Front = Callable[[Connections, NodeServices], AbstractAsyncContextManager[Serving]]
"""Opens what serves the owner, and the port peers dial; it ends after the sessions have."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that meets peers."""

    parts: Assembly
    connections: Connections
    services: NodeServices
    serving: Serving
    neighbourhood: Neighbourhood


@asynccontextmanager
async def meeting(
    parts: Assembly,
    listener: Listener,
    front: Front,
    peers: tuple[str, ...] = (),
    stop: Callable[[], None] | None = None,
) -> AsyncIterator[Node]:
    """Accepts links and dials peers while the context lasts.

    Args:
        parts: the open home.
        listener: accepts links.
        front: opens what serves the owner.
        peers: addresses or invites to add to the book, besides those of the settings.
        stop: asks the node to end; None where nobody may.

    Raises:
        Problem: the own log is not in the store, and nobody who could be reached has it; or a peer's address is none.
    """
    serving: list[Serving] = []
    neighbourhood = Neighbourhood(parts.ports.clock, parts.own.id)
    named = parts.settings.peers
    async with AsyncExitStack() as stack:
        await _own_shown(parts)
        met = await stack.enter_async_context(connecting(parts, listener, (*named, *peers)))
        services = services_of(
            parts, met.sessions, stop, lambda: serving[0] if serving else None, neighbourhood
        )
        serving.append(await stack.enter_async_context(front(met, services)))
        stack.push_async_callback(met.sessions.close)
        await met.sessions.start()
        for uri in named:
            await services.peers.dial(uri)
        for uri in peers:
            await services.peers.add(uri)
        yield Node(parts, met, services, serving[0], neighbourhood)


async def _own_shown(parts: Assembly) -> None:
    """What was published just before a crash is found again from the first request on."""
    try:
        await parts.projector.level_of(parts.own.id)
    except Problem as problem:  # a full disk keeps no node from starting
        _log.warning("what was stored last is not searchable yet: %s", problem.text)


@asynccontextmanager
async def working(node: Node) -> AsyncIterator[None]:
    """Keeps the catalogue level, the sessions open and the chores done while the context lasts."""
    parts, met = node.parts, node.connections
    looking = around(node.neighbourhood, parts.settings, node.serving, parts.ports.multicast)
    work = [*chores(parts, met, node.services), *looking]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(parts.projector.run(), name="projector"),
            group.create_task(met.sessions.run(), name="sessions"),
            group.create_task(run_all(work, parts.failures), name="chores"),
        ]
        yield
        await met.sessions.close()
        for task in tasks:
            task.cancel()
