"""The own log: durable before it leaves, never at the wrong place, silent while others know better."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from netnode.own.log import OwnLog
from netnode.problems import ExitCode, Problem
from netnode.store import Reader
from netnode.store.rows import PeerRow
from netnode.sync import dialling
from protocol import limits, messages
from protocol.items import Item, Standing
from protocol.kinds import encode_record
from protocol.records import Close
from tests.netnode.mesh import Mesh, NodeUnderTest, keys_of, level, quiet, until
from tests.protocol.author import NETWORK, START, Author, odd_record


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def refused(node: NodeUnderTest) -> Problem:
    with pytest.raises(Problem) as raised:
        await node.own.append([(1, odd_record("no"))])
    return raised.value


async def test_entries_are_appended_in_order(mesh: Mesh) -> None:
    """Signed, linked, dated no earlier than the head, all stored when it returns [R-LOG-20]."""
    a = await mesh.node("a")
    a.clock.now = START - 60_000  # behind the head's date
    assert await a.own.append([]) == []
    first = await a.own.append([(1, odd_record(1)), (3, odd_record(2))])
    together = await asyncio.gather(*(a.own.append([(1, odd_record(index))]) for index in range(9)))
    entries = [*a.author.entries, *first, *(entry for (entry,) in together)]
    assert await a.log(a.id) == entries
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)


async def test_locked_keys(mesh: Mesh) -> None:
    """Exit 2, with the option to give; no statements are signed."""
    a = await mesh.node("a")
    locked = OwnLog(NETWORK, a.id, a.gate, a.clock, None, a.store)
    with pytest.raises(Problem, match="--passphrase-file") as raised:
        await locked.append([(1, odd_record(1))])
    assert raised.value.exit_code is ExitCode.USAGE and raised.value.code == "passphrase_needed"
    assert locked.witness() is None and a.own.witness() is not None


async def test_no_log(mesh: Mesh) -> None:
    """A store without the own inception appends nothing."""
    a = await mesh.node("a", own=False)
    assert (await refused(a)).code == "own_log"


async def test_a_closed_log(mesh: Mesh) -> None:
    """After `close` only openers may come [R-LOG-8]."""
    a = await mesh.node("a")
    await a.own.append([(6, encode_record(Close()))])
    problem = await refused(a)
    assert (problem.code, problem.exit_code) == ("closed", ExitCode.REFUSED)


async def test_a_forked_log(mesh: Mesh) -> None:
    """Nothing is added to a forked term [R-LOG-15]."""
    a = await mesh.node("a")
    a.author.write(2)
    await a.take(a.author)
    await a.gate.admit([a.author.after(a.author.entries[1], note="other")])
    assert (await refused(a)).code == "forked"


async def test_a_contested_identity_and_a_retired_key(mesh: Mesh) -> None:
    """A key that was rotated away signs nothing more [R-LOG-16] [R-KEY-1]."""
    a = await mesh.node("a")
    rotation, _ = a.author.rotation(a.author.entries[-1])
    other, _ = a.author.rotation(a.author.entries[-1], generation=2)
    await a.gate.admit_openers([rotation])
    assert (await refused(a)).code == "retired_key"
    await a.gate.admit_openers([other])
    assert (await refused(a)).code == "contested"


async def test_a_clock_that_is_off(mesh: Mesh) -> None:
    """120 s off the peers' median: refused, and told which way."""
    a = await mesh.node("a")
    for skew, word in (
        (limits.CLOCK_TOLERANCE_MS + 1, "behind"),
        (-limits.CLOCK_TOLERANCE_MS - 1, "ahead of"),
    ):
        a.own.skew = lambda skew=skew: skew  # type: ignore[misc]
        problem = await refused(a)
        assert problem.code == "clock" and word in problem.text
    a.own.skew = lambda: limits.CLOCK_TOLERANCE_MS
    await a.own.append([(1, odd_record(1))])


async def test_the_skew_is_the_median_of_three_peers(mesh: Mesh) -> None:
    """One peer with a wrong clock silences nobody."""
    a = await mesh.node("a")
    for index, off in enumerate((200_000, 1_000, -3_000)):
        peer = await mesh.node(f"p{index}")
        peer.clock.now += off
        assert a.keeper.skew() is None
        await a.join(peer)
        await level(a, peer)
    skew = a.keeper.skew()
    assert skew is not None and 1_000 <= skew < 10_000  # its clock stands still meanwhile


async def test_a_peer_of_the_book_counts_also_where_it_dialled(mesh: Mesh) -> None:
    """The owner gave its address: which of both dialled first says nothing of whom the owner chose [R-TIME-1]."""
    a = await mesh.node("a")
    for index in range(3):
        peer = await mesh.node(f"p{index}")
        peer.clock.now += 2_000
        await a.keeper.add(PeerRow(id=peer.author.id, addresses=("ws://127.0.0.1:1/nowhere",)))
        await peer.join(a)
        await until(lambda: len(a.sessions()) == index + 1)  # noqa: B023 - awaited here
    assert not any(session.named for session in a.keeper.open_sessions())
    skew = a.keeper.skew()
    assert skew is not None and 2_000 <= skew < 10_000


async def test_a_clock_that_is_set_right_publishes_at_once(mesh: Mesh) -> None:
    """Peers said what time it is; that this clock was wrong when they did is not held against it [R-TIME-1]."""
    a = await mesh.node("a")
    a.clock.now -= 3_600_000
    peers = [await mesh.node(f"p{index}") for index in range(3)]
    for peer in peers:
        await a.join(peer)
        await level(a, peer)
    assert (await refused(a)).code == "clock"
    await a.keeper.watch_clock()
    await until(lambda: len(a.sessions()) == 3)
    a.clock.now += 3_600_000
    await a.own.append([(1, odd_record("now"))])
    before = a.keeper.open_sessions()
    await a.keeper.watch_clock()
    await until(lambda: len(a.sessions()) == 3 and not set(before) & set(a.keeper.open_sessions()))
    await a.keeper.watch_clock()
    assert len(a.sessions()) == 3


async def test_an_older_store_catches_up_before_it_writes(mesh: Mesh, tmp_path: Path) -> None:
    """A restored backup: a peer's later own head stops appending until it is received [R-LOG-21]."""
    a, b = await mesh.node("a", home="old"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    await quiet(mesh)
    await mesh.stop("a")
    shutil.copy(tmp_path / "old.sqlite3", tmp_path / "backup.sqlite3")
    a = await mesh.node("a", a.author, home="old")
    await until(lambda: len(a.sessions()) == 1)
    await a.write(150)
    await level(a, b)
    await mesh.stop("a")
    restored = await mesh.node("a", a.author, home="backup")
    seen: list[str] = []

    async def caught_up() -> bool:
        head = (await restored.items())[a.id]
        if head.seq < 150 and restored.own._claims:
            seen.append((await refused(restored)).code)
        return head.seq == 150 and await restored.own.caution.caught_up()

    await until(caught_up)
    assert set(seen) <= {"behind", "catching_up"}
    (entry,) = await restored.own.append([(1, odd_record("after"))])
    assert (entry.seq, entry.term) == (
        152,
        1,
    )  # a settlement first: this store turned out to be an older copy
    await level(restored, b)
    assert (await b.items())[a.id].standing is Standing.HEAD


async def test_claims_of_several_peers(mesh: Mesh) -> None:
    """Each counts until it is proved or void; a smaller claim does not hide a larger one [R-LOG-21]."""
    a = await mesh.node("a")

    def claim(seq: int) -> Item:
        return Item(Standing.HEAD, a.id, 0, 0, seq, bytes(32))

    a.own.behind("x", claim(9))
    a.own.behind("y", claim(2))
    a.own.behind("z", Item(Standing.HEAD, Author("other").id, 0, 0, 99, bytes(32)))
    assert (await refused(a)).code == "behind"
    await a.write(2)
    assert (await refused(a)).code == "behind"
    a.own.unproved("x")
    (entry,) = await a.own.append([(1, odd_record(1))])
    assert entry.seq == 3
    a.own.behind("x", Item(Standing.FORKED, a.id, 0, 0))
    assert (await refused(a)).code == "behind"
    a.own.behind("x", Item(Standing.CONTESTED, a.id, 1))
    assert (await refused(a)).code == "behind"
    a.own.unproved("x")
    await a.own.append([(1, odd_record(2))])


async def test_an_entry_written_at_the_wrong_place_proves_no_fork(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own newer entries that come in while one is signed: it is refused, not a fork [R-LOG-21]."""
    a = await mesh.node("a")
    a.author.write(3)
    plain = a.gate.state

    async def state(author: bytes) -> object:
        before = await plain(author)
        monkeypatch.setattr(a.gate, "state", plain)
        await a.take(a.author)
        return before

    monkeypatch.setattr(a.gate, "state", state)
    assert (await refused(a)).code == "own_log"
    assert (await a.items())[a.id].standing is Standing.HEAD
    (entry,) = await a.own.append([(1, odd_record(1))])
    assert entry.seq == 4


async def test_own_entries_are_on_disk_before_they_leave(mesh: Mesh) -> None:
    """What a peer has of the own log is stored here: at any time the peer is not ahead [R-LOG-20] [R-SYNC-16]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    for index in range(20):
        await a.own.append([(1, odd_record(index))])
        mine = await a.store.read(Reader.item, a.id)
        theirs = await b.store.read(Reader.item, a.id)
        assert mine is not None and theirs is not None and theirs.seq <= mine.seq
    await level(a, b)
    assert a.asked(messages.Push) > 0 and keys_of(a.author).epoch == 0
