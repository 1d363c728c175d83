"""Makes tests/vectors/items.json: items and cursors as they travel, and what a pair of items needs."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from protocol.items import Item, Standing, need
from tests.spec.messages import LACKING, A, own_items, their_items
from tests.vectors.generate.forms import hexed, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Items (R-LOG-17) and cursors (R-LOG-18) as canonical bytes in hex: read, or refused with `bad_message`. `need-*`: "
    "own item (null: nothing held) and the item told, and what the asker needs (R-SYNC-5)."
)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def item(name: str, value: Any, ok: bool) -> None:
        outcome: dict[str, Any] = {"expected": {"item": hexed(value)}} if ok else {"error": "bad_message"}
        given = {"bytes": encoding.encode(value).hex()}
        found.append(vector(f"item-{name}", name, "R-LOG-17", given, **outcome))

    top = 2**40 - 1
    item("head", [0, A, 0, 0, 5, A, 0], True)
    item("head-from", [0, A, 191, 7, 5, A, 5], True)
    item("head-largest", [0, A, 191, 2**53 - 1, top, A, top], True)
    item("forked", [1, A, 3, 2], True)
    item("contested", [2, A, 3], True)
    for name, value in (
        ("from-above", [0, A, 0, 0, 5, A, 6]), ("from--1", [0, A, 0, 0, 5, A, -1]),
        ("seq-2^40", [0, A, 0, 0, 2**40, A, 0]),
        ("epoch-192", [0, A, 192, 0, 5, A, 0]), ("epoch--1", [2, A, -1]), ("term--1", [1, A, 0, -1]),
        ("author-31", [1, A[1:], 0, 0]), ("author-str", [1, "a" * 32, 0, 0]), ("id-33", [0, A, 0, 0, 5, A + b"x", 0]),
        ("standing-3", [3, A, 0]), ("standing--1", [-1, A, 0]), ("short", [0, A, 0, 0, 5, A]),
        ("forked-long", [1, A, 0, 0, 0]), ("contested-long", [2, A, 0, 0]), ("empty", []), ("bool", [2, A, True]),
        ("bool-standing", [True, A, 0, 0]), ("map", {}), ("nil", None),
    ):  # fmt: skip
        item(f"refused-{name}", value, False)
    store, tag = b"s" * 16, b"t" * 8
    for name, value, ok in (
        ("plain", [store, 7, tag], True), ("zero", [store, 0, tag], True), ("largest", [store, 2**53 - 1, tag], True),
        ("store-15", [store[1:], 7, tag], False), ("tag-9", [store, 7, tag + b"x"], False),
        ("negative", [store, -1, tag], False), ("short", [store, 7], False), ("bool", [store, True, tag], False),
        ("str", ["s" * 16, 7, tag], False), ("map", {}, False),
    ):  # fmt: skip
        outcome: dict[str, Any] = {"expected": {"cursor": hexed(value)}} if ok else {"error": "bad_message"}
        given = {"bytes": encoding.encode(value).hex()}
        found.append(vector(f"cursor-{name}", name, "R-LOG-18", given, **outcome))
    for mine_name, mine in own_items().items():
        if LACKING in mine_name:
            continue  # an item does not tell it
        for theirs_name, theirs in their_items().items():
            given = {"mine": _wire(mine), "theirs": _wire(theirs)}
            found.append(
                vector(
                    f"need-{len(found)}",
                    f"mine: {mine_name}; theirs: {theirs_name}",
                    "R-SYNC-5",
                    given,
                    expected={"need": need(mine, theirs).name},
                )
            )
    assert Standing.HEAD == 0
    return found


def _wire(item: Item | None) -> Any:
    return None if item is None else hexed(item.wire())
