"""Fixtures of the node's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.netnode.lanes import guard_events
from tests.netnode.mesh import Mesh, Wires, spy


@pytest.fixture(autouse=True)
def events_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in a lane wakes no task: an event that another thread sets may be slept through."""
    guard_events(monkeypatch)


@pytest.fixture
async def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mesh]:
    """Nodes in one folder, joined in memory; all end with the test."""
    async with Wires().running() as wires:
        nodes = Mesh(tmp_path, wires, spy(monkeypatch))
        yield nodes
        await nodes.close()
