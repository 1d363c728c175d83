"""A small share of `python -m tests.long credit_kills`."""

from __future__ import annotations

import pytest

from netnode.testing import Mesh
from tests.processes.credit_kills import kill_rounds


@pytest.mark.timeout(600)
def test_kills_lose_and_double_no_credit(mesh: Mesh) -> None:
    told = kill_rounds(mesh, 1, seed=3)
    assert told.sales >= 2 and told.transfers >= 3 and sum(told.kills.values()) >= 3, told
