"""Makes tests/vectors/ranges.json: elements, fingerprints, and answers to rows of questions."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from protocol import ranges
from protocol.items import Item, Standing
from protocol.messages import Ranges
from tests.vectors.generate.forms import hexed, vector
from tests.vectors.generate.writing import Vector

NETWORK: Final = "test"
SALT: Final = b"\x5a" * 16
ABOUT: Final = (
    "Range reconciliation (R-RNG-1 to 7), network `test`; a side holds the first `count` of `items` (bytes in hex). "
    "`element-*`: the element of one item. `split-*`: under `salt`, the sixteen fingerprints of a range, and the short "
    "ids of all in it. `answer-*`: the rows of a question, and the rows of the answer with the authors whose items it "
    "tells (`tell`), as if all fitted one message; or `bad_message`."
)


def digest(*parts: object) -> bytes:
    """Bytes made from a name."""
    return hashlib.sha256(repr(parts).encode()).digest()


def crowd(count: int) -> list[Item]:
    """Items of `count` logs, a few of them forked or contested."""
    items = []
    for number in range(count):
        author = digest("author", number)
        if number % 11 == 3:
            items.append(Item(Standing.FORKED, author, number % 3, number % 5))
        elif number % 13 == 5:
            items.append(Item(Standing.CONTESTED, author, number % 7))
        else:
            items.append(Item(Standing.HEAD, author, 0, 0, number, digest("entry", number), number // 2))
    return items


def salted(items: list[Item]) -> ranges.Salted:
    """The set a side reconciles."""
    made = ranges.Elements().changed(ranges.element(NETWORK, item) for item in items)
    return ranges.Salted(made, NETWORK, SALT)


def shared() -> dict[str, Any]:
    """What vectors refer to."""
    return {"items": hexed([item.wire() for item in crowd(300)])}


def vectors() -> list[Vector]:
    """All of them."""
    found: list[Vector] = []
    for item in [*crowd(6), Item(Standing.HEAD, digest("a"), 1, 2, 3, digest("b"), 3)]:
        found.append(
            vector(
                f"element-{len(found)}",
                item.standing.name.lower(),
                "R-RNG-2",
                {"item": hexed(item.wire())},
                expected={"element": ranges.element(NETWORK, item).hex()},
            )
        )
    for count, prefix in ((0, ""), (1, ""), (40, ""), (40, "a"), (40, "ff"), (300, "7"), (300, "73")):
        held = salted(crowd(count))
        low, high = held.elements.within(prefix)
        found.append(
            vector(
                f"split-{len(found)}",
                f"{count} logs, prefix {prefix!r}",
                "R-RNG-3",
                {
                    "count": count,
                    "salt": SALT.hex(),
                    "prefix": prefix,
                },
                expected={
                    "fingerprints": held.split(prefix, low, high).hex(),
                    "ids": hexed(held.ids(low, high)),
                },
            )
        )
    held, other = salted(crowd(300)), salted(crowd(290) + crowd(0))
    whole = other.split("", 0, len(other.elements))
    some = {prefix: other.ids(*other.elements.within(prefix)) for prefix in ("0a", "1", "73", "e")}
    longest = b"".join(salted(crowd(8)).ids(0, 8)) * 2
    for name, rows, wrong in (
        ("equal", {"splits": [("", held.split("", 0, 300))]}, False),
        ("other", {"splits": [("", whole)]}, False),
        ("nothing", {"splits": [("", bytes(128))]}, False),
        ("deeper", {"splits": [(each, bytes(128)) for each in ("00", "7", "f3a")]}, False),
        ("lists", {"lists": [(prefix, b"".join(ids)[:128]) for prefix, ids in some.items()]}, False),
        ("empty-list", {"lists": [("0a", b""), ("1", b"")]}, False),
        ("list-of-strangers", {"lists": [("0a", longest)]}, False),
        ("masks", {"lacking": [("0a", 1), ("73", 1)]}, False),
        ("all", {"lacking": [("0a", 1)], "lists": [("1", b""), ("73", b"")], "splits": [("e", bytes(128))]}, False),
        ("order", {"splits": [("b", bytes(128)), ("a", bytes(128))]}, True),
        ("twice", {"splits": [("a", bytes(128)), ("a", bytes(128))]}, True),
        ("inside", {"splits": [("a", bytes(128)), ("a0", bytes(128))]}, True),
        ("lists-inside", {"lists": [("", b""), ("a0", b"")]}, True),
        ("cut-off", {"lists": [("a", bytes(12))]}, True),
        ("too-deep", {"splits": [("a" * 64, bytes(128))]}, True),
        ("mask-of-many", {"lacking": [("1", 1)]}, True),
        ("mask-above", {"lacking": [("0a", 1 << 15)]}, True),
    ):  # fmt: skip
        given: dict[str, Any] = {
            "count": 300,
            "salt": SALT.hex(),
            "question": {form: hexed(each) for form, each in rows.items()},
        }
        if wrong:
            outcome: dict[str, Any] = {"error": "bad_message"}
        else:
            reply = ranges.answered(held, Ranges(**rows))
            assert not reply.left
            outcome = {
                "expected": {"tell": hexed(reply.tell)}
                | {form: hexed(each) for form, each in ranges.rows_of(reply).items()}
            }
        found.append(vector(f"answer-{name}", name, "R-RNG-6" if wrong else "R-RNG-7", given, **outcome))
    return found
