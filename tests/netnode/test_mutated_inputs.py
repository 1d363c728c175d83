"""A small share of the mutated inputs of `python -m tests.long inputs`, always the same."""

from __future__ import annotations

import pytest

from tests.long.inputs import chosen_targets, fed

TARGETS = chosen_targets(None)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_mutated_input_is_read_or_refused(target: object) -> None:
    """[R-ENC-1..9] [R-ENTRY-6] [R-MSG-3, 6] [R-RUN-3..5] [R-CERT-3] [R-CODE-1] and both codecs agree."""
    (found,) = fed((target,), 300, "ci").values()  # type: ignore[arg-type]
    assert not found.wrong
    assert found.verdicts.total() == 300
