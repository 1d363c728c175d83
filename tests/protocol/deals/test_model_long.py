"""What `python -m tests.long deals` looks at, begun: the same kinds with one move a side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.long.deals import KINDS, Kind, checked


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_the_long_run_begins(kind: Kind) -> None:
    """R-DEAL-10: a long run that cannot begin proves nothing."""
    found = checked(replace(kind, buyer=1, seller=1))
    assert found.wrong == []
    assert found.sets > 10
