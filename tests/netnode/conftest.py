"""Fixtures of the node's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.netnode.mesh import Mesh, Wires, spy


@pytest.fixture
async def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mesh]:
    """Nodes in one folder, joined in memory; all end with the test."""
    async with Wires().running() as wires:
        nodes = Mesh(tmp_path, wires, spy(monkeypatch))
        yield nodes
        await nodes.close()
