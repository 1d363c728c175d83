"""A small share of `python -m tests.long pi`: one core, bounded memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from netnode.testing import Mesh
from tests.long.pi import small_machine


@pytest.mark.skipif(sys.platform != "linux", reason="one core and control groups are Linux's")
def test_a_node_on_a_small_machine_starts_syncs_and_searches(tmp_path: Path) -> None:
    with Mesh(tmp_path) as nodes:
        figures = small_machine(nodes, 500)
    assert figures["entries"] >= 1_500 and figures["memory MB, highest"] < 256
