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
    rows = reader.connection.execute
    return Stored(
        [
            Known(networker, address, source, added, bool(tried), met, attempt, failures, note)
            for networker, address, source, added, tried, met, attempt, failures, note in rows(
                "SELECT networker, address, source, added, tried, met, attempt, failures, note FROM address"
            )
        ],
        [told for (told,) in rows("SELECT told FROM stated")],
        [Discouraged(*row) for row in rows("SELECT host, until, why FROM discouraged ORDER BY until")],
        _kept(rows("SELECT value FROM meta WHERE name = ?", (_KEPT,)).get),
    )


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
