"""How many rows a second the store commits and reads: ``python -m tests.benchmarks.store_commit [entries] [logs]``."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import apsw

from netnode.store import Change, Reader, Writer
from netnode.store.schema import prepare, set_up_reader
from netnode.system import SystemDisk, SystemEntropy
from protocol.entry import AuthenticEntry, Entry, pack_header
from protocol.identity import networker_id
from protocol.log import Keep
from protocol.log_state import Base, LogState, Place
from protocol.openers import Openers, Opening
from protocol.records import Inception, encode_record

NETWORK = "inx"
BATCH = 500


def chain(number: int, length: int, record_bytes: int = 300) -> list[Entry]:
    """One log with signatures of noise: the store does not look at them."""
    salt = number.to_bytes(16, "big")
    inception = encode_record(Inception(key=bytes(32), nonce=salt, promise=bytes(32)))
    author = networker_id(NETWORK, inception)
    entries: list[Entry] = []
    prev = bytes(32)
    for seq in range(length):
        record = (
            inception if seq == 0 else hashlib.shake_128(salt + seq.to_bytes(8, "big")).digest(record_bytes)
        )
        digest = hashlib.sha256(record).digest()
        kind = 0 if seq == 0 else 3
        header = pack_header(author, seq, prev, 0, 0, 1_700_000_000_000 + seq, kind, digest, len(record))
        signature = hashlib.shake_128(header).digest(64)
        prev = hashlib.sha256(header + signature).digest()
        entries.append(
            Entry(
                header, signature, record, prev, author, seq, entries[-1].id if entries else bytes(32), 0, 0,
                1_700_000_000_000 + seq, kind, digest, len(record),
            )
        )  # fmt: skip
    return entries


def changes(entries: list[Entry], openers: Openers, step: int) -> list[Change]:
    """The changes that store one log, `step` entries each."""
    first = entries[0]
    base = Base(0, first.prev, 0, 0, first.time, True)
    before: LogState | None = None
    made: list[Change] = []
    for start in range(0, len(entries), step):
        part = entries[start : start + step]
        tip = Place(part[-1].seq, part[-1].id, 0, 0, part[-1].time, part[-1].kind)
        after = LogState(openers, base, tip)
        made.append(Change(before, after, [Keep(cast("tuple[AuthenticEntry, ...]", tuple(part)))]))
        before = after
    return made


def measure(entries: int, logs: int) -> None:
    """Prints rows a second for one shape."""
    each = entries // logs
    made: list[Change] = []
    for number in range(logs):
        log = chain(number, each)
        openers = Openers(NETWORK, log[0].author, ((Opening(log[0], bytes(32), bytes(32)),),))
        made.extend(changes(log, openers, min(each, 100)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        disk = SystemDisk()
        connection = disk.open_database(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        prepare(connection, NETWORK, SystemEntropy())
        writer = Writer(connection, SystemEntropy())
        began = time.perf_counter()
        batch: list[Change] = []
        weight = 0
        for change in made:
            batch.append(change)
            weight += change.weight
            if weight >= BATCH:
                writer.commit(batch)
                batch, weight = [], 0
        writer.commit(batch)
        took = time.perf_counter() - began
        print(f"{entries:>8} entries in {logs:>6} logs: commit {entries / took:>9,.0f} rows/s", end="")
        other = disk.open_database(path, apsw.SQLITE_OPEN_READONLY)
        set_up_reader(other)
        reader = Reader(other)
        began = time.perf_counter()
        read = sum(len(reader.entries(author, 0, each, 2**40)) for author in reader.authors())
        print(f", read {read / (time.perf_counter() - began):>9,.0f} rows/s", end="")
        began = time.perf_counter()
        for author in reader.authors():
            reader.load(author)
        print(f", load {logs / (time.perf_counter() - began):>8,.0f} logs/s", end="")
        began = time.perf_counter()
        items = reader.items_since(0, logs)
        print(f", items {len(items) / (time.perf_counter() - began):>9,.0f}/s")
        other.close()
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    else:
        measure(10_000, 1)
        measure(10_000, 1_000)
        measure(100_000, 10_000)
