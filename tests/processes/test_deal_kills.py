"""A small share of `python -m tests.long deal_kills`."""

from __future__ import annotations

from netnode.testing import Mesh
from tests.processes.deal_kills import kill_rounds


def test_kills_lose_and_double_no_deal(mesh: Mesh) -> None:
    told = kill_rounds(mesh, 2, seed=5)
    assert told.deals >= 2 and told.steps >= 10 and sum(told.kills.values()) >= 4
