"""A home for a test; its nodes come from the fixture `mesh` of netnode.testing."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.node import initialise
from netnode.testing import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home of a new networker with no node on it."""
    initialise(tmp_path / "home", name="Ada", passphrase=None)  # in this process: half a second saved a test
    return Place(tmp_path / "home")
