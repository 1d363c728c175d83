"""How long tests wait for what must happen: as long as the machine needs, by the same factor as meshes of processes."""

from __future__ import annotations

import asyncio

from netnode.testing.waiting import timeout_factor


def patience(seconds: float) -> asyncio.Timeout:
    """Ends a wait for what must happen; a test that passes never waits so long.

    Args:
        seconds: on a machine with nothing else to do, times NETNODE_TIMEOUT_FACTOR.
    """
    return asyncio.timeout(seconds * timeout_factor())
