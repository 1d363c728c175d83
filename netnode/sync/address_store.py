"""The address book on disk: functions of a `Reader` or a `Writer`, for `Store.read` and `Store.write`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netnode.ports import Entropy
from netnode.store import Reader, Writer
from netnode.sync.addresses import Key, Known
from netnode.sync.conduct import Discouraged

KEY_BYTES: Final = 32
_KEY: Final = "address key"
_KEPT: Final = "kept peers"


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it: addresses, statements with their openers, discouraged hosts, the peers kept over a restart."""

    addresses: Sequence[Known]
    statements: Sequence[bytes]
    discouraged: Sequence[Discouraged]
    kept: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since it was last stored; None where nothing did."""

    addresses: Sequence[Known]
    gone: Sequence[Key]
    statements: Sequence[tuple[bytes, bytes]]
    unsaid: Sequence[bytes]
    discouraged: Sequence[Discouraged] | None
    kept: Sequence[Key] | None

    def __bool__(self) -> bool:
        """Whether there is anything to store."""
        parts = (self.addresses, self.gone, self.statements, self.unsaid)
        return any(parts) or self.discouraged is not None or self.kept is not None


def secret(writer: Writer, entropy: Entropy) -> bytes:
    """The key of the buckets, made at the first call of a store."""
    key = writer.get_meta(_KEY)
    if key is None:
        key = entropy.token(KEY_BYTES)
        writer.set_meta(_KEY, key)
    return key


def load(reader: Reader) -> Stored:
    """Everything."""
    statements = [told for (told,) in reader.connection.execute("SELECT told FROM stated")]
    return Stored(_rows(reader, ""), statements, discouraged(reader), kept(reader))


def page(reader: Reader, after: Key | None, limit: int) -> list[Known]:
    """Some addresses, by networker and address, from the one after `after` on."""
    if after is None:
        return _rows(reader, "ORDER BY networker, address LIMIT ?", limit)
    where = "WHERE (networker, address) > (?, ?) ORDER BY networker, address LIMIT ?"
    return _rows(reader, where, *after, limit)


def of(reader: Reader, networker: bytes) -> list[Known]:
    """The addresses of one networker."""
    return _rows(reader, "WHERE networker = ? ORDER BY address", networker)


def at(reader: Reader, address: str) -> list[Known]:
    """Who may be at an address."""
    return _rows(reader, "WHERE address = ? ORDER BY networker", address)


def counts(reader: Reader) -> tuple[int, int]:
    """How many addresses there are, and at how many of them somebody was met."""
    found = reader.connection.execute("SELECT count(*), coalesce(sum(tried), 0) FROM address").get
    return (int(found[0]), int(found[1]))


def discouraged(reader: Reader) -> list[Discouraged]:
    """Hosts that broke INX, those whose time is over first."""
    rows = reader.connection.execute("SELECT host, until, why FROM discouraged ORDER BY until")
    return [Discouraged(*row) for row in rows]


def kept(reader: Reader) -> list[Key]:
    """The peers to dial first after a restart."""
    return _kept(reader.connection.execute("SELECT value FROM meta WHERE name = ?", (_KEPT,)).get)


def _rows(reader: Reader, rest: str, *values: object) -> list[Known]:
    columns = "networker, address, source, added, tried, met, attempt, failures, note"
    rows = reader.connection.execute(f"SELECT {columns} FROM address {rest}", values)  # noqa: S608 - constants
    return [
        Known(networker, address, source, added, bool(tried), met, attempt, failures, note)
        for networker, address, source, added, tried, met, attempt, failures, note in rows
    ]


def save(writer: Writer, changes: Changes) -> None:
    """Stores what changed, in one transaction."""
    with writer.transaction() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO address(networker, address, source, added, tried, met, attempt, failures, note)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (k.networker, k.address, k.source, k.added, k.tried, k.met, k.attempt, k.failures, k.note)
                for k in changes.addresses
            ],
        )
        connection.executemany("DELETE FROM address WHERE networker = ? AND address = ?", changes.gone)
        connection.executemany(
            "INSERT OR REPLACE INTO stated(networker, told) VALUES (?, ?)", changes.statements
        )
        connection.executemany("DELETE FROM stated WHERE networker = ?", [(each,) for each in changes.unsaid])
        if changes.discouraged is not None:
            connection.execute("DELETE FROM discouraged")
            connection.executemany(
                "INSERT INTO discouraged(host, until, why) VALUES (?, ?, ?)",
                [(each.host, each.until, each.why) for each in changes.discouraged],
            )
        if changes.kept is not None:
            lines = [f"{networker.hex()} {address}" for networker, address in changes.kept]
            writer.set_meta(_KEPT, "\n".join(lines).encode())


def _kept(value: bytes | None) -> list[Key]:
    keys = []
    for line in (value or b"").decode().splitlines():
        networker, _, address = line.partition(" ")
        keys.append((bytes.fromhex(networker), address))
    return keys
