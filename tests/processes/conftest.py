"""Real nodes for a test; they end with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netnode.node import initialise
from tests.processes.launcher import Launcher, Place, launcher


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Launcher]:
    with launcher(tmp_path) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home of a new networker with no node on it."""
    initialise(tmp_path / "home", name="Ada", passphrase=None)  # in this process: half a second saved a test
    return Place(tmp_path / "home")
