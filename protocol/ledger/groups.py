"""Groups: content larger than one record, as a run of numbered part entries [R-CRED-11, 12; L4].

The parts of a group follow each other in the log without another entry between; each names how many there are and
the hash of the whole. Nothing of it has effect before the last; a group that is broken off never has.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

from protocol import limits
from protocol.errors import LocalProtocolError, Void
from protocol.records.credit import ClosePart, SalePart

Part = TypeVar("Part", SalePart, ClosePart)


def cut(form: type[Part], content: bytes) -> tuple[Part, ...]:
    """The records, in order, that carry a content.

    Raises:
        LocalProtocolError: it is empty, or larger than MAX_GROUP_PARTS parts.
    """
    size = limits.MAX_GROUP_CONTENT
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    if not 1 <= len(pieces) <= limits.MAX_GROUP_PARTS:
        raise LocalProtocolError(f"a content of {len(content)} bytes does not fit a group")
    digest = hashlib.sha256(content).digest()
    return tuple(
        form(content=piece, count=len(pieces), hash=digest, number=number)
        for number, piece in enumerate(pieces, 1)
    )


class Groups:
    """Puts the parts of one log together."""

    __slots__ = ("_count", "_hash", "_kind", "_next", "_pieces")

    def __init__(self) -> None:
        self._kind, self._count, self._hash, self._next = -1, 0, b"", -1
        self._pieces: list[bytes] = []

    def take(self, seq: int, part: SalePart | ClosePart) -> bytes | None:
        """Takes the next part.

        Args:
            seq: of its entry.
            part: its record.

        Returns:
            The whole content with the last part, None before.

        Raises:
            Void: `group`: it does not go on the group before it, or the whole is not what the hash says.
        """
        if part.number == 1:
            self._kind, self._count, self._hash = part.KIND, part.count, part.hash
            self._pieces = []
        elif (part.KIND, part.count, part.hash, part.number, seq) != (
            self._kind,
            self._count,
            self._hash,
            len(self._pieces) + 1,
            self._next,
        ):
            self._drop()
            raise Void("group", "number: the part before it is not right before it")
        self._pieces.append(part.content)
        self._next = seq + 1
        if part.number < part.count:
            return None
        content = b"".join(self._pieces)
        self._drop()
        if hashlib.sha256(content).digest() != part.hash:
            raise Void("group", "hash: is not that of the whole content")
        return content

    def _drop(self) -> None:
        self._kind, self._count, self._hash, self._next = -1, 0, b"", -1
        self._pieces = []
