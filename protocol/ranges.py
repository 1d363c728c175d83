"""Range reconciliation: finds where two sets of items differ, in a few rounds and few bytes [R-RNG-1..11].

Pure and without state of the wire: `Elements` is the set, `Salted` its fingerprints in one session, `answered` what
the side that is asked says to one question, `Asking` the side that asks. A *range* is all networkers whose id, in hex,
begins with a prefix; it splits into sixteen by the next digit. Small ranges are told as lists of short ids.

An element is 64 bytes: the author's id, then the id of the log's head (which names epoch, term and seq by itself), or
of a forked or contested log the hash of its item. So equal elements are equal items, and `from` is left out
[R-LOG-17]. A fingerprint is a cut-off SHA-256 over a secret salt and all elements of the range, in order: no algebra
joins the elements, and nobody but the two sides of the session can look for a collision.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from protocol import encoding, limits
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item, Standing
from protocol.messages import Ranges, RangesAnswer
from protocol.tags import tag

ELEMENT_BYTES: Final = 64
ID_BYTES: Final = limits.RANGES_ID_BYTES
WAYS: Final = 16
DIGITS: Final = "0123456789abcdef"
LIST_MAX: Final = limits.MAX_RANGES_LIST

ROOM: Final = limits.MAX_MESSAGE - 1_024  # bytes of one message for rows and items
ROW_BYTES: Final = 80  # of a row besides its ids: prefix of at most 64 digits and frame
ITEM_BYTES: Final = 112  # of an item, at most
ROWS: Final = 1_000  # of one question: three values each stay far below MAX_NODES
ITEMS: Final = limits.MAX_ITEMS

Row = tuple[str, bytes]
Mask = tuple[str, int]


def element(network: str, item: Item) -> bytes:
    """The 64 bytes that stand for an item in fingerprints [R-RNG-2]."""
    if item.standing is Standing.HEAD:
        return item.author + item.id
    return item.author + hashlib.sha256(tag(network, "item") + encoding.encode(item.wire())).digest()


class Elements:
    """An immutable set of elements in order of author, one of each author.

    Args:
        data: the elements, joined.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data) // ELEMENT_BYTES

    def author(self, index: int) -> bytes:
        """The networker of the element at `index`."""
        at = index * ELEMENT_BYTES
        return self.data[at : at + 32]

    def within(self, prefix: str) -> tuple[int, int]:
        """The first element whose author begins with these hex digits, and the one behind the last."""
        everything = range(len(self))
        low = bisect_left(everything, bytes.fromhex(prefix.ljust(64, "0")), key=self.author)
        high = bytes.fromhex(prefix.ljust(64, "f")) + b"\0"  # above every id of the range
        return low, bisect_left(everything, high, lo=low, key=self.author)

    def bounds(self, depth: int, low: int, high: int) -> list[int]:
        """Where the sixteen parts of a range whose authors share `depth` digits begin, and where the last ends."""
        column = self.data[low * ELEMENT_BYTES + depth // 2 : high * ELEMENT_BYTES : ELEMENT_BYTES]
        if depth % 2 == 0:
            firsts = range(0, 256, 16)
        else:
            shared = column[0] & 0xF0 if column else 0
            firsts = range(shared, shared + 16)
        return [low + bisect_left(column, first) for first in firsts] + [high]

    def changed(self, elements: Iterable[bytes]) -> Elements:
        """The set with these elements in place of those of their authors, or added."""
        data = bytearray(self.data)
        new: dict[bytes, bytes] = {}
        everything = range(len(self))
        for each in elements:
            author = each[:32]
            index = bisect_left(everything, author, key=self.author)
            if index < len(self) and self.author(index) == author:
                data[index * ELEMENT_BYTES : (index + 1) * ELEMENT_BYTES] = each
            else:
                new[author] = each
        if not new:
            return Elements(bytes(data))
        pieces: list[bytes | bytearray] = []
        done = 0
        for author in sorted(new):
            at = bisect_left(everything, author, key=self.author) * ELEMENT_BYTES
            pieces += (data[done:at], new[author])
            done = at
        return Elements(b"".join([*pieces, data[done:]]))


class Salted:
    """A set under the salt of one session [R-RNG-3].

    Args:
        elements: the set, as it was when the reconciliation began.
        network: the network's name.
        salt: 16 random bytes, drawn for this reconciliation by the side that asks.
    """

    __slots__ = ("_empty", "_seed", "elements")

    def __init__(self, elements: Elements, network: str, salt: bytes) -> None:
        self.elements = elements
        self._seed = hashlib.sha256(tag(network, "ranges") + salt)
        self._empty = self._seed.digest()[:ID_BYTES]

    def fingerprint(self, low: int, high: int) -> bytes:
        """Of the elements from index `low` to below `high`."""
        if low == high:
            return self._empty
        hashed = self._seed.copy()
        hashed.update(self.elements.data[low * ELEMENT_BYTES : high * ELEMENT_BYTES])
        return hashed.digest()[:ID_BYTES]

    def ids(self, low: int, high: int) -> list[bytes]:
        """The short ids of single elements: the fingerprints of ranges of one."""
        return [self.fingerprint(index, index + 1) for index in range(low, high)]

    def split(self, prefix: str, low: int, high: int) -> bytes:
        """The fingerprints of the sixteen parts of a range, joined."""
        ends = self.elements.bounds(len(prefix), low, high)
        return b"".join(map(self.fingerprint, ends, ends[1:]))

    def differing(self, prefix: str, theirs: bytes) -> list[tuple[str, int, int]]:
        """The parts of a range whose fingerprints are others than these: prefix and place of each."""
        low, high = self.elements.within(prefix)
        ends = self.elements.bounds(len(prefix), low, high)
        return [
            (prefix + DIGITS[part], ends[part], ends[part + 1])
            for part in range(WAYS)
            if self.fingerprint(ends[part], ends[part + 1])
            != theirs[part * ID_BYTES : part * ID_BYTES + ID_BYTES]
        ]

    def matched(self, low: int, high: int, theirs: Sequence[bytes]) -> tuple[int, list[bytes]]:
        """Compares a range with a list of short ids.

        Returns:
            A mask with bit i set when id i is not among the own ones, and the authors of own elements not listed.
        """
        own = self.ids(low, high)
        known, listed = set(own), set(theirs)
        mask = sum(1 << place for place, each in enumerate(theirs) if each not in known)
        return mask, [
            self.elements.author(low + place) for place, each in enumerate(own) if each not in listed
        ]

    def chosen(self, prefix: str, mask: int) -> list[bytes]:
        """The authors of a listed range that a mask names.

        Raises:
            RemoteProtocolError: `bad_message`: such a list was never told.
        """
        low, high = self.elements.within(prefix)
        if high - low > LIST_MAX or mask >> (high - low):
            raise RemoteProtocolError("bad_message", "a mask of a list that was not told")
        return [self.elements.author(low + place) for place in range(high - low) if mask >> place & 1]


@dataclass(slots=True)
class Reply:
    """What is said to one question; `tell` are the authors whose items go with it."""

    tell: list[bytes] = field(default_factory=list)
    lacking: list[Mask] = field(default_factory=list)
    lists: list[Row] = field(default_factory=list)
    splits: list[Row] = field(default_factory=list)
    left: int = 0

    def range(self, salted: Salted, prefix: str, low: int, high: int) -> None:
        """Tells a range that differs: as a list when it is short, else by the fingerprints of its parts."""
        if high - low <= LIST_MAX:
            self.lists.append((prefix, b"".join(salted.ids(low, high))))
        else:
            self.splits.append((prefix, salted.split(prefix, low, high)))

    @property
    def weight(self) -> int:
        """Bytes on the wire, at most."""
        rows = len(self.lacking) + len(self.lists) + len(self.splits)
        ids = sum(len(each) for _, each in self.lists) + len(self.splits) * WAYS * ID_BYTES
        return rows * ROW_BYTES + ids + len(self.tell) * ITEM_BYTES


def check_rows(question: Ranges | RangesAnswer) -> None:
    """Rows stand in order of their prefixes and do not overlap, so that no set is hashed twice [R-RNG-6].

    Raises:
        RemoteProtocolError: `bad_message`.
    """
    for rows in (question.lacking, question.lists, question.splits):
        before: str | None = None
        for prefix, _ in rows:
            if before is not None and (prefix <= before or prefix.startswith(before)):
                raise RemoteProtocolError("bad_message", "ranges out of order, or one inside another")
            before = prefix
    for _, ids in question.lists:
        if len(ids) % ID_BYTES:
            raise RemoteProtocolError("bad_message", "a list that ends within an id")
    if any(len(prefix) == 64 for prefix, _ in question.splits):
        raise RemoteProtocolError("bad_message", "the range of one networker has no parts")


def answered(salted: Salted, question: Ranges, room: int = ROOM) -> Reply:
    """What the side that is asked says to a question [R-RNG-7].

    Args:
        salted: its set, as it was at the first question.
        question: rows are answered in this order: `lacking`, `lists`, `splits`.
        room: bytes the answer may take; rows that it has no room for are counted in `left`.

    Raises:
        RemoteProtocolError: `bad_message`.
    """
    check_rows(question)
    reply = Reply()
    rows: list[tuple[int, str, Any]] = [
        *((0, prefix, mask) for prefix, mask in question.lacking),
        *((1, prefix, ids) for prefix, ids in question.lists),
        *((2, prefix, ids) for prefix, ids in question.splits),
    ]
    for done, (form, prefix, value) in enumerate(rows):
        part = _row_answered(salted, form, prefix, value)
        room -= part.weight
        if (room < 0 or len(reply.tell) + len(part.tell) > ITEMS) and done:
            reply.left = len(rows) - done
            break
        reply.tell += part.tell
        reply.lacking += part.lacking
        reply.lists += part.lists
        reply.splits += part.splits
    reply.splits.sort()  # a list that was answered by its parts stands before the parts of splits
    return reply


def _row_answered(salted: Salted, form: int, prefix: str, value: Any) -> Reply:
    reply = Reply()
    if form == 0:
        reply.tell = salted.chosen(prefix, value)
    elif form == 1:
        low, high = salted.elements.within(prefix)
        if high - low > LIST_MAX:
            reply.splits.append((prefix, salted.split(prefix, low, high)))
        else:
            mask, reply.tell = salted.matched(low, high, _cut(value))
            if mask:
                reply.lacking.append((prefix, mask))
    else:
        for child, low, high in salted.differing(prefix, value):
            reply.range(salted, child, low, high)
    return reply


class Asking:
    """The side that asks: what it still has to compare, and what it found [R-RNG-8].

    Args:
        salted: its set.
    """

    __slots__ = ("_questions", "_queue", "_salted", "_sent", "unmatched")

    def __init__(self, salted: Salted) -> None:
        self._salted = salted
        self._queue: deque[tuple[int, str, Any]] = deque()
        self._sent: list[tuple[int, str, Any]] = []
        self._questions = 0
        self.unmatched: dict[bytes, None] = {}  # authors of own elements that the other side does not have so
        elements = salted.elements
        first = [""] if len(elements) <= WAYS * WAYS * LIST_MAX else list(DIGITS)
        for prefix in first:
            self._queue.append((2, prefix, salted.split(prefix, *elements.within(prefix))))

    @property
    def done(self) -> bool:
        """Whether nothing is left to ask."""
        return not self._queue

    def question(self, room: int = ROOM) -> Reply:
        """The rows of the next question, at most what one message carries.

        Raises:
            NotHeld: the other side keeps this up for too long: `heads` is the way [R-RNG-9].
        """
        self._questions += 1
        if self._questions > limits.MAX_RANGES_QUESTIONS:
            raise NotHeld("not_here", "the sets differ in too many places for a reconciliation")
        taken: list[tuple[int, str, Any]] = []
        while self._queue and len(taken) < ROWS:
            form, _, value = self._queue[0]
            room -= ROW_BYTES + (len(value) if form else 0)
            if room < 0 and taken:
                break
            taken.append(self._queue.popleft())
        self._sent = sorted(taken, key=_order)
        rows = Reply()
        for form, prefix, value in self._sent:
            (rows.lacking, rows.lists, rows.splits)[form].append((prefix, value))
        return rows

    def take(self, answer: RangesAnswer, items: Sequence[Item]) -> None:
        """Takes the answer to the last question; `items` are its items, read.

        Raises:
            RemoteProtocolError: `bad_message` or `answer`: it says what was not asked.
        """
        check_rows(answer)
        count = len(self._sent)
        if answer.left and answer.left >= count:
            raise RemoteProtocolError("answer", "an answer that reaches no row of its question")
        reached, rest = self._sent[: count - answer.left], self._sent[count - answer.left :]
        self._queue.extendleft(reversed(rest))
        self._sent = []
        listed = {prefix for form, prefix, _ in reached if form == 1}
        told = {prefix for form, prefix, _ in reached if form < 2}
        parts = {prefix + digit for form, prefix, _ in reached if form == 2 for digit in DIGITS}
        _inside(told, items)
        for prefix, theirs in answer.splits:
            if prefix in listed:
                listed.discard(prefix)
            elif prefix in parts:
                parts.discard(prefix)
            else:
                raise RemoteProtocolError("answer", "fingerprints of a range that was not asked for")
            for child, low, high in self._salted.differing(prefix, theirs):
                self._ask(child, low, high)
        for prefix, mask in answer.lacking:
            if prefix not in listed:
                raise RemoteProtocolError("answer", "a mask of a list that was not told")
            self.unmatched.update(dict.fromkeys(self._salted.chosen(prefix, mask)))
        for prefix, ids in answer.lists:
            if prefix not in parts:
                raise RemoteProtocolError("answer", "a list of a range that was not asked for")
            mask, own = self._salted.matched(*self._salted.elements.within(prefix), _cut(ids))
            self.unmatched.update(dict.fromkeys(own))
            if mask:
                self._queue.append((0, prefix, mask))

    def _ask(self, prefix: str, low: int, high: int) -> None:
        row = Reply()
        row.range(self._salted, prefix, low, high)
        self._queue.extend([(1, *each) for each in row.lists] + [(2, *each) for each in row.splits])


def comparable(mine: int, theirs: int) -> bool:
    """Whether two sets of these sizes are worth reconciling: else whoever has less asks for heads [R-RNG-4]."""
    return min(mine, theirs) >= limits.RANGES_FROM and max(mine, theirs) <= 2 * min(mine, theirs)


def _order(row: tuple[int, str, Any]) -> tuple[int, str]:
    return row[0], row[1]


def _cut(ids: bytes) -> list[bytes]:
    return [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]


def _inside(prefixes: set[str], items: Sequence[Item]) -> None:
    """Items answer lists and masks only, each author once.

    Raises:
        RemoteProtocolError: `answer`.
    """
    lengths = {len(prefix) for prefix in prefixes}
    seen: set[bytes] = set()
    for item in items:
        digits = item.author.hex()
        if item.author in seen or not any(digits[:length] in prefixes for length in lengths):
            raise RemoteProtocolError("answer", "an item that was not asked for")
        seen.add(item.author)


def rows_of(reply: Reply) -> dict[str, Any]:
    """The fields of a message that carry these rows."""
    return {"lacking": reply.lacking, "lists": reply.lists, "splits": reply.splits}
