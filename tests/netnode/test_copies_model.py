"""Copies of one home in any order of events: a few walks; `python -m tests.long copies` makes many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.netnode.copies_walk import walk


@pytest.mark.parametrize("seed", range(6))
def test_copies_of_a_home_in_any_order(tmp_path: Path, seed: int) -> None:
    """No fork that its owner cannot end, nothing published that is gone without a word [R-LOG-20..23]."""
    walk(tmp_path, seed, 14)
