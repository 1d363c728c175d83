"""A process killed in the middle of commits: what it acknowledged is there, and nothing is half there [R-LOG-20]."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from netnode import node
from netnode.assembly import Assembly, assembled, home_keys, system_ports
from netnode.home import Home
from netnode.store import Writer, room
from netnode.system import SystemDisk
from protocol.run import run_of
from tests.netnode.stored import open_reader, open_writer
from tests.protocol.author import Author

ROOT = Path(__file__).parents[2]


def killed_after(path: Path, lines: int) -> int:
    """Runs the child, kills it while it goes on after `lines` acknowledgements; the last seq it acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.netnode.store_child", str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    whole = [line for line in said if line.endswith("\n")]
    return int(whole[-1])


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    author = Author("crash")
    for lines in (1, 5, 40, 90):
        acknowledged = killed_after(path, lines)
        writer = open_writer(path)
        reader = open_reader(path)
        try:
            assert writer.connection.execute("PRAGMA integrity_check").get == "ok"
            state = reader.load(author.id)
            assert state is not None and state.tip.seq >= acknowledged and state.base.seq == 0
            entries = reader.entries(author.id, 0, 2**40 - 1, 2**40)
            assert [entry.seq for entry in entries] == list(range(state.tip.seq + 1))
            assert all(entry.prev == before.id for before, entry in itertools.pairwise(entries))
            assert entries[-1].id == state.tip.id
            row = reader.log(author.id)
            assert row is not None and reader.newest().arrival == row.arrival + 1  # of this opening
        finally:
            reader.connection.close()
            writer.connection.close()


async def test_a_home_opened_again_has_what_was_passed_on(tmp_path: Path) -> None:
    """A node that was killed after sessions had an entry and before its tables did takes it up when it starts."""
    await asyncio.to_thread(node.initialise, tmp_path / "home", name="Ada", passphrase=None)
    home = Home(tmp_path / "home", SystemDisk())
    friend = Author("friend", "inx")
    friend.write(5)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Assembly]:
        ports = system_ports()
        async with assembled(home, ports, *home_keys(home, ports, None)) as parts:
            yield parts

    async with opened() as parts:
        assert (await parts.gate.admit(friend.entries[:3])).fault is None
        await parts.store.write(Writer.note, msgspec.msgpack.encode(run_of(friend.entries[3:])))
    async with opened() as parts:
        state = await parts.store.load(friend.id)
        assert state is not None and state.tip.id == friend.entries[-1].id
        await parts.store.write(room.drop, [friend.id], 1, lambda *_: None, owner=True, kept=1)
    async with opened() as parts:
        assert await parts.store.load(friend.id) is None
