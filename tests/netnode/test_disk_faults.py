"""A disk that is full, read-only or in error: a clear state, nothing acknowledged lost, no fork, a way back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest

from netnode.problems import Problem
from netnode.simulator.chance import Stream
from netnode.simulator.disk import FAULTS, SimDisk
from netnode.store import Reader
from netnode.store.faults import store_problem
from protocol.items import Standing
from protocol.records import Profile, encode_record
from tests.netnode.mesh import Mesh, NodeUnderTest, level, until
from tests.protocol.author import Author, seed


def profile(number: int) -> tuple[int, bytes]:
    record = Profile(salt=seed("faults", number)[:16], name=f"Name {number}")
    return Profile.KIND, encode_record(record)


async def sound(node: NodeUnderTest, told: list[bytes]) -> None:
    """The own log is whole, links, and holds everything that was told succeeded."""
    log = await node.log(node.id)
    assert [entry.seq for entry in log] == list(range(len(log)))
    assert all(after.prev == before.id for before, after in pairwise(log))
    assert set(told) <= {entry.id for entry in log}
    item = (await node.items())[node.id]
    assert item.standing is Standing.HEAD
    assert await node.store.read(Reader.check) == []


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_publishing_on_a_failing_disk_is_refused_and_goes_on_after(mesh: Mesh, fault: str) -> None:
    """Whichever write fails first: the entry is there or it is not, and the next one is no fork [R-LOG-20]."""
    disk = SimDisk(f"publishing-{fault}", Stream(0, "disk"))
    node = await mesh.node("node", disk=disk)
    told: list[bytes] = []
    for after in range(12):
        with disk.failing(fault, after):
            try:
                told += [entry.id for entry in await node.own.append([profile(after)])]
            except Problem as problem:
                assert problem.code == "store" and "store" in problem.text
                assert node.store.failing == problem.text
                # What changes nothing touches no disk, and shows nothing of it.
                await node.store.write(lambda writer: writer.unfollow(b"nobody".ljust(32)))
                assert node.store.failing == problem.text
        told += [entry.id for entry in await node.own.append([profile(100 + after)])]
        assert node.store.failing is None
    assert disk.failed
    await sound(node, told)
    await mesh.stop("node")
    again = await mesh.node("node", node.author, disk=disk, own=False)
    await sound(again, told)


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_a_receiver_with_a_failing_disk_catches_up_after(mesh: Mesh, fault: str) -> None:
    """Its sessions end with a reason; it forgets nothing it had, and comes level when the disk works again."""
    disk = SimDisk(f"receiving-{fault}", Stream(0, "disk"))
    source = await mesh.node("source")
    node = await mesh.node("node", disk=disk)
    first, second = Author("first"), Author("second")
    first.write(200)
    second.write(200)
    await source.take(first)
    await node.join(source)
    await until(lambda: node.holds(first))
    with disk.failing(fault, 3):
        await source.take(second)
        await until(lambda: disk.failed > 0)
        assert await node.holds(first)
    await level(source, node)
    assert await node.holds(first, second)
    await sound(node, [])


async def test_projections_catch_up_after_a_full_disk(mesh: Mesh) -> None:
    """They are behind meanwhile, which is no harm."""
    disk = SimDisk("projecting", Stream(0, "disk"))
    node = await mesh.node("node", disk=disk)
    await node.own.append([profile(1)])
    with disk.failing("full"), pytest.raises(Problem, match="full"):
        await node.projector.level()
    await node.projector.level()
    assert await node.store.read(_named) == "Name 1"


def _named(reader: Reader) -> Any:
    return reader.connection.execute("SELECT name FROM profile").get


async def test_a_disk_that_fails_at_every_write_of_a_burst(mesh: Mesh, tmp_path: Path) -> None:
    """Large appends: all of one call or nothing of it."""
    disk = SimDisk("bursts", Stream(0, "disk"))
    node = await mesh.node("node", disk=disk)
    for after in range(0, 60, 7):
        before = len(await node.log(node.id))
        with disk.failing("full", after):
            try:
                await node.own.append([profile(number) for number in range(300)])
                expected = before + 300
            except Problem:
                expected = before
        assert len(await node.log(node.id)) == expected
    await sound(node, [])


def test_no_room_for_the_index_of_the_log_is_a_full_disk() -> None:
    """Who opens the store on a full disk is told that, not to check the disk."""
    for code, word in ((apsw.SQLITE_IOERR_SHMSIZE, "is full"), (apsw.SQLITE_IOERR_READ, "reports an error")):
        error = apsw.IOError("disk I/O error")
        error.result, error.extendedresult = apsw.SQLITE_IOERR, code
        problem = store_problem(error, "store.sqlite3", "open")
        assert problem is not None and word in problem.text


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_a_node_ends_on_a_failing_disk(mesh: Mesh, fault: str) -> None:
    """Found by a simulated market: what is committed stays in the write-ahead log, and the next start has it."""
    disk = SimDisk(f"ending-{fault}", Stream(0, "disk"))
    node = await mesh.node("node", disk=disk)
    told = [entry.id for entry in await node.own.append([profile(1)])]
    with disk.failing(fault):
        await mesh.stop("node")
    assert disk.failed
    again = await mesh.node("node", node.author, disk=disk, own=False)
    await sound(again, told)
