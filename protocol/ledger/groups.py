"""Groups: content larger than one record, as a run of numbered part entries [R-CRED-11, 12; L4].

The parts of a group follow each other in the log without another entry between; each names how many there are and
the hash of the whole. Nothing of it has effect before the last; a group that is broken off never has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from protocol import limits
from protocol.entry import Entry
from protocol.errors import LocalProtocolError, Void
from protocol.records import ClosePart, SalePart, decode_record

Part = TypeVar("Part", SalePart, ClosePart)


def cut(form: type[Part], content: bytes) -> tuple[Part, ...]:
    """The records, in order, that carry a content.

    Raises:
        LocalProtocolError: it is empty, or larger than MAX_GROUP_PARTS parts.
    """
    return tuple(cut_stream(form, lambda: (content,)))


def cut_stream(form: type[Part], content: Callable[[], Iterable[bytes]]) -> Iterator[Part]:
    """The same of a content that comes in pieces of any size: it and its parts are never there as a whole.

    Args:
        form: of the parts.
        content: gives the pieces, twice: each part says what all of them come to.

    Raises:
        LocalProtocolError: as `cut`.
    """
    size, digest, length = limits.MAX_GROUP_CONTENT, hashlib.sha256(), 0
    for some in content():
        digest.update(some)
        length += len(some)
    count = -(-length // size)
    if not 1 <= count <= limits.MAX_GROUP_PARTS:
        raise LocalProtocolError(f"a content of {length} bytes does not fit a group")
    number, rest = 0, bytearray()
    for some in content():
        rest += some
        while len(rest) >= size:
            number += 1
            yield form(content=bytes(rest[:size]), count=count, hash=digest.digest(), number=number)
            del rest[:size]
    if rest:
        yield form(content=bytes(rest), count=count, hash=digest.digest(), number=count)


class Groups:
    """Puts the parts of one log together.

    What a group holds is not kept while it comes, which may be as much as 190 MB: it is read again once it is whole.

    Args:
        read: an entry that was taken before, by seq.
    """

    __slots__ = ("_before", "_count", "_digest", "_hash", "_kind", "_next", "_read")

    def __init__(self, read: Callable[[int], Entry]) -> None:
        self._read = read
        self._kind, self._count, self._hash, self._next = -1, 0, b"", -1
        self._digest, self._before = hashlib.sha256(), 0

    def take(self, seq: int, part: SalePart | ClosePart) -> Iterator[bytes] | None:
        """Takes the next part.

        Args:
            seq: of its entry.
            part: its record.

        Returns:
            The whole content in pieces with the last part, to be gone through before the next entry is taken; None
            before.

        Raises:
            Void: `group`: it does not go on the group before it, or the whole is not what the hash says.
        """
        if part.number == 1:
            self._kind, self._count, self._hash = part.KIND, part.count, part.hash
            self._digest = hashlib.sha256()
        elif (part.KIND, part.count, part.hash, part.number, seq) != (
            self._kind,
            self._count,
            self._hash,
            self._before + 1,
            self._next,
        ):
            self._drop()
            raise Void("group", "number: the part before it is not right before it")
        self._digest.update(part.content)
        self._before, self._next = part.number, seq + 1
        if part.number < part.count:
            return None
        whole = self._digest.digest()
        self._drop()
        if whole != part.hash:
            raise Void("group", "hash: is not that of the whole content")
        return self._pieces(seq, part)

    def _pieces(self, last: int, part: SalePart | ClosePart) -> Iterator[bytes]:
        """The contents of all parts; those before the last are of the entries right before it."""
        for seq in range(last - part.count + 1, last):
            entry = self._read(seq)
            before = None if entry.record is None else decode_record(entry.kind, entry.record)
            if not isinstance(before, (SalePart, ClosePart)):
                raise LocalProtocolError(f"entry {seq} of this log cannot be read again")
            yield before.content
        yield part.content

    def _drop(self) -> None:
        self._kind, self._count, self._hash, self._next = -1, 0, b"", -1
        self._digest, self._before = hashlib.sha256(), 0
