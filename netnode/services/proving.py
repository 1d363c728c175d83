"""Whether what a backup held is a home that works: restored for real, opened, and verified from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netnode.backups import archive
from netnode.backups.format import Header, OwnHead
from netnode.home import Home
from netnode.keys.keystore import Keystore
from netnode.ports import Disk, Entropy, Executor
from netnode.problems import Problem
from netnode.projections import tables
from netnode.services.verifying import LogVerification
from netnode.store import Reader, Store
from protocol.identity import id_text


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved: the networker, and how many own entries there are."""

    id: bytes
    own_entries: int


async def prove(
    folder: Path, header: Header, name: str, disk: Disk, executor: Executor, entropy: Entropy
) -> Proof:
    """Checks the files of a backup in a folder of their own, which are changed by it.

    Every page of the store is checked, the own log is verified from its inception, its head is compared with the
    header's, and the keys must be those of the same networker.

    Args:
        folder: what `netnode.backups.reading.unpack` wrote.
        header: of the backup.
        name: of the backup, for the messages.
        disk: of the files.
        executor: runs the work.
        entropy: a store wants it.

    Raises:
        Problem: `backup_unsound`, with what does not hold; or the disk.
    """
    home = Home(folder, disk)
    public = Keystore(home, disk, entropy).public()
    if (id_text(public.networker), public.network) != (header.id, header.network):
        raise _unsound(name, "its keys are not those of the networker it names")
    store = await Store.open(folder / archive.STORE, header.network, disk, executor, entropy, [tables.create])
    try:
        if broken := await store.read(Reader.check):
            raise _unsound(name, f"its store is damaged ({broken[0]})")
        head = await store.read(_head, public.networker)
        if head != header.head:
            raise _unsound(name, "the newest entry of its log is not the one it names")
        if head is None:
            return Proof(public.networker, 0)
        own = Proof(public.networker, head.seq)
        verified = await LogVerification(header.network, store, own).run(public.networker)
        if verified.problems:
            first = verified.problems[0]
            raise _unsound(name, f"its own log does not verify ({first.code} at {first.seq}: {first.text})")
        return Proof(public.networker, verified.entries)
    finally:
        await store.close()


def _head(reader: Reader, own: bytes) -> OwnHead | None:
    row = reader.connection.execute(
        "SELECT epoch, term, seq, head FROM log JOIN networker USING (n) WHERE id = ?", (own,)
    ).fetchone()
    return None if row is None else OwnHead(row[0], row[1], row[2], row[3].hex())


def _unsound(name: str, why: str) -> Problem:
    return Problem(
        f"The backup {name} is of no use: {why}. Make a new one, or use an older one: netnode backup ls",
        code="backup_unsound",
        details={"path": name},
    )
