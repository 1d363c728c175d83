"""Range reconciliation; section 11.6."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from netnode.conformance.encoding import encode
from netnode.conformance.faults import demand
from netnode.conformance.items import HEAD, Item
from netnode.conformance.limits import MAX_RANGES_LIST, RANGES_ID_BYTES
from netnode.conformance.tags import sha256, tag

DIGITS: Final = "0123456789abcdef"


def element(network: str, item: Item) -> bytes:
    """What stands for an item [R-RNG-2]."""
    author: bytes = item[1]
    state: bytes = item[5] if item[0] == HEAD else sha256(tag(network, "item"), encode(item))
    return author + state


class Set:
    """The elements of one side under a salt.

    Args:
        network: its name.
        salt: 16 bytes.
        items: one of each log.
    """

    def __init__(self, network: str, salt: bytes, items: list[Item]) -> None:
        self._before = tag(network, "ranges") + salt
        self._elements = sorted(element(network, item) for item in items)

    def within(self, prefix: str) -> list[bytes]:
        """The elements of a range [R-RNG-1]."""
        return [each for each in self._elements if each[:32].hex().startswith(prefix)]

    def fingerprint(self, elements: list[bytes]) -> bytes:
        """Of some elements [R-RNG-3]."""
        return sha256(self._before, *elements)[:RANGES_ID_BYTES]

    def ids(self, prefix: str) -> list[bytes]:
        """The short ids of a range."""
        return [self.fingerprint([each]) for each in self.within(prefix)]

    def split(self, prefix: str) -> bytes:
        """The fingerprints of the parts of a range."""
        return b"".join(self.fingerprint(self.within(prefix + digit)) for digit in DIGITS)

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Rows and authors that answer the rows of a question, as if all of it fitted one message [R-RNG-7].

        Raises:
            Fault: `bad_message`.
        """
        check_rows(question)
        answer: dict[str, Any] = {"tell": [], "lacking": [], "lists": [], "splits": []}
        for prefix, mask in question.get("lacking", []):
            listed = self.within(prefix)
            known = len(listed) <= MAX_RANGES_LIST and mask < 1 << len(listed)
            demand(known, "bad_message", "a mask of a list that was not told")
            answer["tell"] += [each[:32] for place, each in enumerate(listed) if mask >> place & 1]
        for prefix, joined in question.get("lists", []):
            own, theirs = self.within(prefix), cut(joined)
            if len(own) > MAX_RANGES_LIST:
                answer["splits"].append([prefix, self.split(prefix)])
                continue
            ids = self.ids(prefix)
            mask = sum(1 << place for place, each in enumerate(theirs) if each not in ids)
            answer["lacking"] += [[prefix, mask]] if mask else []
            answer["tell"] += [each[:32] for each, id_ in zip(own, ids, strict=True) if id_ not in theirs]
        for prefix, theirs in question.get("splits", []):
            for part, fingerprint in enumerate(cut(theirs)):
                child = prefix + DIGITS[part]
                held = self.within(child)
                if self.fingerprint(held) == fingerprint:
                    continue
                if len(held) <= MAX_RANGES_LIST:
                    answer["lists"].append([child, b"".join(self.ids(child))])
                else:
                    answer["splits"].append([child, self.split(child)])
        return {name: rows if name == "tell" else sorted(rows) for name, rows in answer.items()}


def cut(joined: bytes) -> list[bytes]:
    """Joined ids, or fingerprints, one by one."""
    return [joined[at : at + RANGES_ID_BYTES] for at in range(0, len(joined), RANGES_ID_BYTES)]


def check_rows(body: Mapping[str, Any]) -> None:
    """Raises `bad_message` unless the rows are in order and apart, and whole [R-RNG-6]."""
    for name in ("lacking", "lists", "splits"):
        prefixes = [row[0] for row in body.get(name, [])]
        for before, after in pairwise(prefixes):
            apart = before < after and not after.startswith(before)
            demand(apart, "bad_message", "ranges out of order, or one inside another")
    whole = all(len(joined) % RANGES_ID_BYTES == 0 for _, joined in body.get("lists", []))
    demand(whole, "bad_message", "a list that ends within an id")
    parts = all(len(prefix) < 64 for prefix, _ in body.get("splits", []))
    demand(parts, "bad_message", "the range of one networker has no parts")
