"""What was found at the domains of profiles. Functions of a `Writer` or a `Reader`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.store.reader import Reader
from netnode.store.writer import Writer

KEPT: Final = 10_000  # why: looked at one by one, by hand; the oldest make room


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain looked at: when (ms UTC), and what was wrong; empty for a domain that names the networker."""

    domain: str
    checked: int
    fault: str


def put(writer: Writer, networker: bytes, domain: str, checked: int, fault: str) -> None:
    """Writes down what was found; in place of what was found before."""
    with writer.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO domain(n, domain, checked, fault) VALUES (?, ?, ?, ?)",
            (writer.intern(networker), domain, checked, fault),
        )
        connection.execute(
            "DELETE FROM domain WHERE n NOT IN (SELECT n FROM domain ORDER BY checked DESC, n LIMIT ?)",
            (KEPT,),
        )


def of(reader: Reader, networker: bytes) -> DomainRow | None:
    """What was found of this networker's domain."""
    found = list(
        reader.connection.execute(
            "SELECT domain, checked, fault FROM domain JOIN networker USING (n) WHERE id = ?", (networker,)
        )
    )
    return DomainRow(*found[0]) if found else None


def checked(reader: Reader, after: bytes | None, limit: int) -> list[tuple[bytes, DomainRow]]:
    """All, by id."""
    rows = reader.connection.execute(
        "SELECT id, domain, checked, fault FROM domain JOIN networker USING (n) WHERE id > ? ORDER BY id LIMIT ?",
        (after or b"", limit),
    )
    return [(known, DomainRow(*rest)) for known, *rest in rows]
