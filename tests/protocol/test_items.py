"""Items: what makes two equal [R-LOG-17]."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.items import Item, Standing
from tests.protocol.author import seed

ITEM = Item(Standing.HEAD, seed("a"), 1, 2, 3, seed("id"), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("standing", Standing.FORKED),
        ("author", seed("b")),
        ("epoch", 2),
        ("term", 1),
        ("seq", 4),
        ("id", seed("x")),
    ],
)
def test_items_are_equal_when_all_but_from_agrees(field: str, value: Any) -> None:
    other = msgspec.structs.replace(ITEM, **{field: value})
    assert not ITEM.equals(other) and not other.equals(ITEM)
    assert ITEM.equals(ITEM) and ITEM.equals(msgspec.structs.replace(ITEM, held_from=0))
