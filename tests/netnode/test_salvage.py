"""What is saved of a damaged store: rows from pages, chains from entries, a new store from both."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode import node
from netnode.backups.scratch import NAME, Watch
from netnode.homes import repairing
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.salvage import chains
from netnode.salvage.gathering import gather
from netnode.salvage.pages import Pages, Row
from netnode.salvage.tables import COPIED
from netnode.store.schema import TABLES
from protocol.identity import parse_id
from tests.protocol.author import Author

PAGE = 4096


# -- pages ---------------------------------------------------------------------------------------------------
def rows_of(path: Path) -> list[Row]:
    pages = Pages(path)
    try:
        return [row for number in pages for row in pages.rows(number)]
    finally:
        pages.close()


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
    st.binary(max_size=30),
    st.integers(0, 9000).map(lambda size: bytes(size % 251 for _ in range(size))),
)


@given(
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=30),
    page=st.sampled_from([512, 1024, 4096, 65536]),
    wal=st.booleans(),
)
def test_the_rows_are_those_that_sqlite_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], page: int, wal: bool
) -> None:
    path = tmp_path_factory.mktemp("db") / "x.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF").fetchall()
    connection.execute(f"PRAGMA page_size = {page}").fetchall()
    connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}").fetchall()
    connection.execute("CREATE TABLE t(a, b)")
    connection.execute("CREATE TABLE w(k INTEGER, a, b, PRIMARY KEY(k)) WITHOUT ROWID")
    connection.execute("BEGIN")
    for number, row in enumerate(rows):
        connection.execute("INSERT INTO t VALUES (?, ?)", row)
        connection.execute("INSERT INTO w VALUES (?, ?, ?)", (number, *row))
    connection.execute("COMMIT")
    found = rows_of(path)  # before it is closed: what is in the write-ahead log counts
    connection.close()
    assert [row.values for row in found if row.number is not None and len(row.values) == 2] == rows
    flat = sorted((row.values for row in found if row.number is None), key=lambda row: row[0])  # type: ignore[return-value, arg-type]
    assert flat == [(number, *row) for number, row in enumerate(rows)]


@given(st.data())
def test_any_damage_is_read_over(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("db") / "x.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF").fetchall()
    connection.execute("PRAGMA page_size = 512").fetchall()
    with connection:  # one commit
        connection.execute("CREATE TABLE t(a, b)")
        for number in range(20):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, bytes(number * 100)))
    connection.close()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 30))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    rows_of(path)  # no error, no endless chain


@pytest.mark.parametrize("kept", [0, 16, 18, 20, 99])
def test_a_file_that_ends_within_its_header_has_no_rows(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "x.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t(a)")
    connection.close()
    path.write_bytes(path.read_bytes()[:kept])
    assert rows_of(path) == []


def test_what_an_earlier_round_left_in_the_log_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA journal_mode = WAL").get == "wal"
    connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    connection.execute("CREATE TABLE t(a, b)")
    for number in range(20):  # each rewrites the one page of the table
        connection.execute("INSERT INTO t VALUES (?, 'old')", (number,))
    connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
    connection.execute("UPDATE t SET b = 'new'")  # begins the log anew, before what it held
    found = [row.values for row in rows_of(path) if row.number is not None and len(row.values) == 2]
    connection.close()
    assert found == [(number, "new") for number in range(20)]


def test_what_was_not_committed_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA journal_mode = WAL").get == "wal"
    connection.execute("PRAGMA cache_size = 1").fetchall()
    connection.execute("CREATE TABLE t(a, b)")
    connection.execute("INSERT INTO t VALUES (1, 'kept')")
    connection.execute("BEGIN")
    for number in range(300):  # more than the cache holds: some pages are in the log before the commit
        connection.execute("INSERT INTO t VALUES (?, zeroblob(1000))", (number,))
    connection.execute("UPDATE t SET b = 'lost' WHERE a = 1")
    found = [row.values for row in rows_of(path) if row.number is not None and len(row.values) == 2]
    connection.execute("ROLLBACK")
    connection.close()
    assert found == [(1, "kept")]


def test_a_log_of_another_database_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t(a, b)")
    connection.execute("INSERT INTO t VALUES (1, 2)")
    connection.close()
    before = rows_of(path)
    for noise in (b"", b"noise", os.urandom(5000), (0x377F0682).to_bytes(4, "big") + bytes(5000)):
        path.with_name("x.sqlite3-wal").write_bytes(noise)
        assert rows_of(path) == before


# -- chains --------------------------------------------------------------------------------------------------
def link(seq: int, branch: int = 0, below: int | None = None, epoch: int = 0) -> chains.Link:
    def name(at: int, of: int) -> bytes:
        return bytes([of, at + 1])

    return (name(seq, branch), seq, name(seq - 1, branch if below is None else below), epoch, 0)


def seqs(links: list[chains.Link]) -> list[list[int]]:
    return [[seq for seq, _ in chain] for chain in chains.chains(links)]


def test_a_whole_log_is_one_chain() -> None:
    assert seqs([link(seq) for seq in range(5)]) == [[0, 1, 2, 3, 4]]
    assert seqs([]) == []


def test_a_hole_makes_two_and_the_longest_comes_first() -> None:
    assert seqs([link(seq) for seq in (0, 1, 3, 4, 5)]) == [[3, 4, 5], [0, 1]]
    assert seqs([link(seq) for seq in (0, 1, 3, 4)]) == [[3, 4], [0, 1]]  # of equal ones the newer


def test_a_fork_makes_a_second_one_of_what_the_first_does_not_have() -> None:
    links = [link(seq) for seq in range(5)] + [link(3, 1, below=0), link(4, 1)]
    first, second = chains.chains(links)
    assert [seq for seq, _ in first] == [0, 1, 2, 3, 4] and [seq for seq, _ in second] == [3, 4]
    assert not set(first) & set(second)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 2)), max_size=40))
def test_every_entry_is_in_one_chain(parts: list[tuple[int, int, int]]) -> None:
    links = {one[0]: one for one in (link(seq, branch, below) for seq, branch, below in parts)}
    found = chains.chains(list(links.values()))
    flat = [entry for chain in found for _, entry in chain]
    assert sorted(flat) == sorted(links)
    assert all(b[0] == a[0] + 1 for chain in found for a, b in itertools.pairwise(chain))


# -- repair --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound home: 150 own entries, another log, a peer, a follow, a picture."""
    home = tmp_path_factory.mktemp("whole") / "h"
    node.initialise(home, name="Ada", passphrase=None)
    asyncio.run(fill(home))
    return home


FRIEND = Author("friend", "inx")
PICTURE = random.Random(1).randbytes(90_000)


async def chunks(data: bytes) -> Any:
    yield data


async def fill(home: Path) -> None:
    from netnode.assembly import assembled, home_keys, services_of, system_ports
    from netnode.home import Home
    from netnode.system import SystemDisk
    from protocol.identity import id_text

    FRIEND.write(40)
    place, ports = Home(home, SystemDisk()), system_ports()
    async with assembled(place, ports, *home_keys(place, ports, None)) as parts:
        services = services_of(parts)
        for number in range(148):
            fields = {
                "key": f"k{number}",
                "title": f"Thing {number}",
                "kind": "want-ad",
                "description": "x" * 400,
            }
            await services.listings.publish(fields)
        assert (await parts.gate.admit(FRIEND.entries)).fault is None
        await services.peers.add("ws://192.0.2.1:4747/inx/1")
        await services.follows.add(id_text(FRIEND.id))
        await services.blobs.add(chunks(PICTURE))


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "h")
    return tmp_path / "h"


async def repaired(home: Path, anyway: bool = False) -> models.Repaired:
    return await repairing.repair(home, anyway, Watch())


def overwrite(home: Path, pages: Any) -> None:
    path = home / "store.sqlite3"
    content = bytearray(path.read_bytes())
    for number in pages:
        content[number * PAGE : (number + 1) * PAGE] = bytes(PAGE)
    path.write_bytes(content)


async def test_a_sound_store_is_left_alone(home: Path) -> None:
    before = (home / "store.sqlite3").read_bytes()
    with pytest.raises(Problem, match="Nothing is wrong") as caught:
        await repaired(home)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert (home / "store.sqlite3").read_bytes() == before


async def test_made_anew_a_sound_store_has_everything(home: Path) -> None:
    done = await repaired(home, anyway=True)
    assert (done.found, done.entries, done.logs) == (done.entries, 150 + len(FRIEND.entries), 2)
    assert (done.own_newest, done.own_head, done.peers, done.follows, done.blobs) == (149, 149, 1, 1, 1)
    assert done.lost == [] and done.unreadable == 0
    await require_sound(home, 148)
    async with node.opened(home, passphrase=None) as services:
        with pytest.raises(Problem, match="damaged and made anew") as caught:
            await services.listings.publish({"key": "z", "title": "z", "kind": "want-ad"})
        assert caught.value.code == "catching_up"
        (one,) = (await services.blobs.list(models.Listed())).items
        assert one.size == len(PICTURE)
        assert [row.id for row in (await services.follows.list(models.Listed())).items] != []


def kept(done: models.Repaired) -> bytes:
    return (Path(done.kept) / "store.sqlite3").read_bytes()


async def require_sound(home: Path, listings: int) -> None:
    async with node.opened(home, passphrase=None) as services:
        verified = await services.log.verify(None)
        assert verified.ok, verified.problems
        status = await services.node.status()
        assert status.own_listings == listings and status.lag == 0
    assert NAME not in os.listdir(home)


@pytest.mark.parametrize(
    "noise", [b"not a database" * 400, bytes(PAGE), b"SQLite format 3\0" + b"\xff" * 4000]
)
async def test_without_its_first_page_nothing_of_a_log_is_lost(home: Path, noise: bytes) -> None:
    path = home / "store.sqlite3"
    path.write_bytes(noise[:PAGE].ljust(PAGE, b"x") + path.read_bytes()[PAGE:])
    with pytest.raises(Problem, match="netnode repair") as caught:
        async with node.opened(home, passphrase=None):
            pass
    assert caught.value.code == "damaged"
    done = await repaired(home)
    assert done.own_head == 149 and done.logs == 2 and done.peers == 1 and done.blobs == 1
    assert any("follow" in sentence for sentence in done.lost)
    assert kept(done)[:10] == noise[:10]  # as it was
    await require_sound(home, 148)


@pytest.mark.parametrize("seed", range(6))
async def test_damaged_pages_cost_what_stood_on_them(home: Path, seed: int) -> None:
    count = (home / "store.sqlite3").stat().st_size // PAGE
    overwrite(home, random.Random(seed).sample(range(1, count), 3))
    done = await repaired(home, anyway=True)
    assert done.entries > 40 and done.own_newest is not None and done.own_head is not None
    async with node.opened(home, passphrase=None) as services:
        assert (await services.log.verify(None)).ok
        with pytest.raises(Problem, match="made anew"):
            await services.listings.publish({"key": "z", "title": "z", "kind": "want-ad"})


@pytest.mark.parametrize("left", [0, 100, PAGE, PAGE * 3 + 7])
async def test_a_store_that_was_cut_is_told_and_saved(home: Path, left: int) -> None:
    path = home / "store.sqlite3"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(Problem) as caught:
        async with node.opened(home, passphrase=None):
            pass
    assert caught.value.code == "damaged" and "netnode repair" in caught.value.text
    done = await repaired(home)
    assert done.lost
    async with node.opened(home, passphrase=None) as services:
        assert (await services.log.verify(None)).ok or done.own_head is None


async def test_entries_that_their_author_did_not_sign_do_not_come_back(home: Path) -> None:
    connection = apsw.Connection(str(home / "store.sqlite3"))
    connection.execute("UPDATE entry SET signature = randomblob(64) WHERE place & 0xffffffff = 100")
    connection.close()
    done = await repaired(home, anyway=True)
    assert done.own_head is not None and done.own_head < 100
    assert any("up to entry" in sentence for sentence in done.lost)
    await require_sound(home, done.own_head - 1)


async def test_interrupted_between_the_two_it_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "store.sqlite3").write_bytes(b"x" * PAGE + (home / "store.sqlite3").read_bytes()[PAGE:])
    real = os.replace

    def killed(source: Any, target: Any) -> None:
        if Path(target) == home / "store.sqlite3":
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            await repaired(home)
    assert not (home / "store.sqlite3").exists()
    done = await repaired(home)
    assert done.own_head == 149
    await require_sound(home, 148)


async def test_without_keys_or_without_a_store_it_says_so(home: Path) -> None:
    (home / "store.sqlite3").unlink()
    with pytest.raises(Problem, match="no store in") as caught:
        await repaired(home)
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    (home / "keys.json").unlink()
    with pytest.raises(Problem, match="no keys"):
        await repaired(home)


def test_what_is_gathered_is_counted(whole: Path, tmp_path: Path) -> None:
    into = apsw.Connection(str(tmp_path / "found"))
    steps: list[int] = []
    found = gather(whole / "store.sqlite3", into, steps.append)
    assert found.pages == len(steps) == (whole / "store.sqlite3").stat().st_size // PAGE
    assert found.entries == 150 + len(FRIEND.entries) and (found.broken, found.unreadable) == (0, 0)
    own = parse_id(next(whole.glob("recovery-*")).read_text().split("Networker: ")[1].split()[0])
    assert chains.newest(found=into, author=own) == 149
    assert chains.authors(into, own)[0] == own
    into.close()


# -- damage met while it runs --------------------------------------------------------------------------------
async def test_after_damage_nothing_is_written(home: Path) -> None:
    async with node.opened(home, passphrase=None) as services:
        pass
    connection = apsw.Connection(str(home / "store.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").get
    connection.close()
    overwrite(home, [root - 1])
    async with node.opened(home, passphrase=None) as services:
        assert (await services.node.status()).damaged is None
        with pytest.raises(Problem) as caught:
            await services.log.entries(models.EntriesQuery())
        assert caught.value.code == "damaged"
        before = (home / "store.sqlite3").read_bytes()
        with pytest.raises(Problem, match="netnode repair") as caught:
            await services.follows.remove((await services.node.status()).id)
        assert (await services.node.status()).damaged is not None
        with pytest.raises(Problem, match="netnode repair"):
            await services.peers.add("ws://192.0.2.9:4747/inx/1")
        assert (home / "store.sqlite3").read_bytes() == before


def test_every_table_that_logs_do_not_make_again_is_copied() -> None:
    made_again = {
        "meta",
        "log",
        "opener",
        "entry",
        "aside",
        "extent",
        "proof",
        "opening",
        "passed_on",
        "cursor",
        "blob",
        "blob_chunk",
    }
    connection = apsw.Connection(":memory:")
    connection.execute(TABLES)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {each for each in tables if not each.startswith("sqlite_")} - made_again == set(COPIED)
