"""Commits: arrivals and tags, what a failed one leaves, records, and what the node remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import msgspec
import pytest

from netnode.problems import Problem
from netnode.store import Change, PeerRow, room, schema
from netnode.store.faults import store_problem
from netnode.store.rows import MAX_NETWORKERS
from protocol.entry import Entry
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.items import Cursor, Standing
from protocol.log import Admission, hold_from, receive
from protocol.run import rebuild, run_of
from tests.netnode.stored import Twin, open_reader, open_writer, opened
from tests.protocol.author import NETWORK, Author
from tests.protocol.held import Held


def admitted(entries: list[Entry], held: Held | None = None) -> tuple[Change, Held]:
    """The change that storing these makes, and the model after it."""
    held = held or Held()
    before = held.state
    admission: Admission = receive(NETWORK, before, entries, held)
    assert admission.fault is None and not admission.rest
    held.apply(admission)
    assert admission.state is not None
    return Change(before, admission.state, admission.steps), held


def gone(entries: list[Entry], *seqs: int) -> list[Entry]:
    """The same entries, those at `seqs` without their records."""
    return [msgspec.structs.replace(each, record=None) if each.seq in seqs else each for each in entries]


def test_a_change_of_the_item_has_a_new_number_and_tag(tmp_path: Path) -> None:
    """[R-LOG-18]"""
    author = Author("a")
    author.write(20)
    with opened(tmp_path) as (writer, reader):
        empty = reader.newest()
        assert (empty.store, empty.arrival, len(empty.tag)) == (reader.store_id, 0, 8)
        assert reader.items_since(0, 10) == [] and reader.knows(empty)
        twin = Twin(author.id, writer, reader)
        (first,) = twin.receive(author.entries[:10])
        (second,) = twin.receive(author.entries[10:])
        assert (first.seq, second.seq) == (9, author.entries[-1].seq)
        newest = reader.newest()
        assert (newest.store, newest.arrival, newest.tag) == (reader.store_id, 2, reader.tag_of(2))
        tags = [reader.tag_of(number) for number in range(3)]
        assert len(set(tags)) == 3 and tags[0] == empty.tag
        assert reader.knows(empty) and reader.knows(newest)
        # Both arrivals are of one log, so there is one item, at its newest number.
        assert reader.items_since(0, 10) == [(2, second)]
        assert reader.items_since(2, 10) == []
        assert twin.receive(author.entries) == []


def test_a_higher_from_is_no_news_a_lower_one_is(tmp_path: Path) -> None:
    """[R-LOG-17]"""
    author = Author("a")
    author.write(20)
    with opened(tmp_path) as (writer, reader):
        twin = Twin(author.id, writer, reader)
        twin.receive(author.entries)
        generation = reader.log(author.id).generation  # type: ignore[union-attr]
        state = twin.memory.state
        assert state is not None
        after, step = hold_from(state, author.entries[15])
        assert writer.commit([Change(state, after, [step])]) == []
        row = reader.log(author.id)
        assert row is not None and (row.first, row.entries, row.generation) == (15, 6, generation + 1)
        assert reader.load(author.id) == after and reader.entry(author.id, 14) is None
        twin.memory.state = after
        twin.memory.rows = {seq: entry for seq, entry in twin.memory.rows.items() if seq >= 15}
        (arrived,) = twin.receive(author.entries[5:15])
        assert (reader.newest().arrival, arrived.held_from) == (2, 5)
        row = reader.log(author.id)
        assert row is not None and row.generation == generation + 1
        twin.compare()


def test_a_fork_gives_a_proof_and_its_end_takes_it_away(tmp_path: Path) -> None:
    """[R-LOG-14, 15]"""
    author = Author("a")
    author.write(100)
    with opened(tmp_path) as (writer, reader):
        twin = Twin(author.id, writer, reader)
        twin.receive(author.entries)
        other = author.after(author.entries[80], note="other")
        (arrived,) = twin.receive([other])
        assert arrived.standing is Standing.FORKED
        twin.compare()
        proof = reader.proof(author.id)
        assert proof is not None and proof[0].first == proof[1].first == 81
        row = reader.log(author.id)
        assert row is not None and (row.common, row.last, row.generation) == (80, 100, 1)
        lower = author.after(author.entries[70], note="lower")
        assert twin.receive([lower]) == []  # still the same item: nothing to tell
        proof = reader.proof(author.id)
        assert proof is not None and proof[1].first == 71
        (arrived,) = twin.receive([author.settle(100)])
        assert arrived.standing is Standing.HEAD and reader.proof(author.id) is None
        twin.compare()


def test_a_batch_spans_logs_and_gives_each_log_one_number(tmp_path: Path) -> None:
    first, second = Author("a"), Author("b")
    first.write(50)
    second.write(10)
    with opened(tmp_path) as (writer, reader):
        one, held = admitted(first.entries[:20])
        two, _ = admitted(second.entries)
        three, _ = admitted(first.entries[20:], held)
        arrived = writer.commit([one, two, three])
        assert [(each.author, each.seq) for each in arrived] == [
            (first.id, 50),
            (second.id, 10),
        ]
        assert [number for number, _ in reader.items_since(0, 10)] == [1, 2]
        assert reader.load(first.id) == three.after and reader.load(second.id) == two.after
        assert reader.counts() == (62, 2) and reader.authors() == sorted([first.id, second.id])
        assert [item.author for item in reader.items_after(None, 1)] == reader.authors()[:1]
        assert [item.author for item in reader.items_after(reader.authors()[0], 9)] == reader.authors()[1:]
        assert [item.author for item in reader.items_of([second.id, bytes(32), first.id])] == [
            second.id,
            first.id,
        ]
        assert writer.commit([]) == []


def test_a_change_from_another_state_than_the_stored_one_is_refused_whole(tmp_path: Path) -> None:
    author, other = Author("a"), Author("b")
    author.write(30)
    other.write(3)
    with opened(tmp_path) as (writer, reader):
        one, held = admitted(author.entries[:10])
        two, held = admitted(author.entries[10:20], held)
        three, _ = admitted(author.entries[20:], held)
        beside, _ = admitted(other.entries)
        writer.commit([one])
        with pytest.raises(LocalProtocolError, match="state that is stored"):
            writer.commit([beside, three])
        with pytest.raises(LocalProtocolError, match="state the one before it led to"):
            writer.commit([beside, two, two])
        with pytest.raises(LocalProtocolError, match="something else already"):
            writer.commit([beside, one])
        assert reader.authors() == [author.id] and reader.newest().arrival == 1
        assert reader.connection.execute("SELECT count(*) FROM networker").get == 1
        # What the failed ones remembered is gone with them.
        writer.commit([beside, two, three])
        assert [number for number, _ in reader.items_since(1, 10)] == [2, 3]
        assert reader.load(author.id) == three.after and reader.load(other.id) == beside.after


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    author, other = Author("a"), Author("b")
    author.write(10)
    other.write(1500)
    with opened(tmp_path) as (writer, reader):
        one, _ = admitted(author.entries)
        two, _ = admitted(other.entries)
        writer.commit([one])
        pages = writer.connection.execute("PRAGMA page_count").get
        writer.connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(Problem, match="the disk is full"):
            writer.commit([two], durable=True)
        assert not writer.connection.in_transaction
        assert reader.authors() == [author.id]
        writer.connection.execute("PRAGMA max_page_count = 1000000")
        writer.commit([two], durable=True)
        assert reader.newest().arrival == 2
        assert reader.load(other.id) == two.after


def test_a_durable_commit_syncs_and_the_next_does_not(tmp_path: Path) -> None:
    """[R-LOG-20]"""
    author = Author("a")
    author.write(3)
    with opened(tmp_path) as (writer, _):

        def level() -> object:
            return writer.connection.execute("PRAGMA synchronous").get

        assert level() == 1
        one, held = admitted(author.entries[:2])
        writer.commit([one], durable=True)
        assert level() == 2
        two, _ = admitted(author.entries[2:], held)
        writer.commit([two])
        assert level() == 1
        with (
            pytest.raises(LocalProtocolError, match="durable"),
            writer.transaction(),
            writer.transaction(durable=True),
        ):
            pass


def test_a_part_that_fails_takes_its_transaction_along(tmp_path: Path) -> None:
    author = Author("a")
    change, _ = admitted(author.entries)
    with opened(tmp_path) as (writer, reader):
        with pytest.raises(LocalProtocolError, match="a part"), writer.transaction():
            writer.set_meta("place", b"1")
            writer.commit([change])
            with pytest.raises(LocalProtocolError):
                writer.commit([change])
        assert reader.meta("place") is None and reader.authors() == []
        with writer.transaction() as connection:
            connection.execute("CREATE TABLE projection(n)")
            writer.set_meta("place", b"1")
            writer.commit([change])
            assert writer.get_meta("place") == b"1" and reader.meta("place") is None
        assert reader.meta("place") == b"1" and reader.authors() == [author.id]
        writer.set_meta("place", None)
        assert reader.meta("place") is None


def test_what_a_copy_did_not_live_to_see_is_unknown_to_it(tmp_path: Path) -> None:
    """Cursors from before the copy hold; those from after it do not, whatever either side numbers [R-LOG-18]."""
    author, other = Author("a"), Author("b")
    author.write(30)
    other.write(9)
    with opened(tmp_path) as (writer, reader):
        twin = Twin(author.id, writer, reader)
        empty = reader.newest()
        twin.receive(author.entries[:10])
        kept = reader.newest()
        copy = apsw.Connection(str(tmp_path / "copy.sqlite3"))
        with copy.backup("main", writer.connection, "main") as backup:
            backup.step()
        copy.close()
        later = []
        for entry in author.entries[10:15]:
            twin.receive([entry])
            later.append(reader.newest())
        assert all(reader.knows(each) for each in (empty, kept, *later))
        wrong = Cursor(reader.store_id, kept.arrival, bytes(8)), Cursor(bytes(16), kept.arrival, kept.tag)
        assert not any(reader.knows(each) for each in wrong)
    writer, reader = open_writer(tmp_path / "copy.sqlite3"), open_reader(tmp_path / "copy.sqlite3")
    assert reader.knows(empty) and reader.knows(kept)
    assert not any(reader.knows(each) for each in later)
    own = [reader.newest()]
    held = Held()
    for entries in (other.entries[:1], other.entries[1:5], other.entries[5:]):
        change, held = admitted(entries, held)
        writer.commit([change])
        own.append(reader.newest())
    assert not any(reader.knows(each) for each in later)
    assert all(reader.knows(each) for each in own)
    assert len({each.arrival for each in own}) == 4 and own[-1].arrival == max(each.arrival for each in own)
    reader.connection.close()
    writer.connection.close()


def test_a_numbering_goes_on_above_what_was_dropped(tmp_path: Path) -> None:
    """The newest log goes: its number is not given to another with a cursor that is known."""
    author, other = Author("a"), Author("b")
    author.write(2)
    other.write(2)
    path = tmp_path / "store.sqlite3"
    with opened(tmp_path) as (writer, reader):
        for entries in (author.entries, other.entries):
            writer.commit([admitted(entries)[0]])
        newest = reader.newest()
        room.drop(writer, [other.id], 1, lambda *_: None, owner=True, kept=10)
        assert reader.newest().arrival == newest.arrival - 1 and reader.knows(newest)
    for _ in range(3):
        writer, reader = open_writer(path), open_reader(path)
        assert not reader.knows(newest)
        found = reader.newest()
        writer.commit([admitted(other.entries)[0]])
        assert reader.newest().arrival > found.arrival and not reader.knows(newest)
        room.drop(writer, [other.id], 1, lambda *_: None, owner=True, kept=10)
        reader.connection.close()
        writer.connection.close()


def test_a_failed_commit_gives_no_number_again_of_what_was_dropped(tmp_path: Path) -> None:
    """Whoever has the cursor of the dropped log would never hear of the one that had its number."""
    author, other, third = Author("a"), Author("b"), Author("c")
    for each in (author, other, third):
        each.write(2)
    with opened(tmp_path) as (writer, reader):
        first = admitted(author.entries)[0]
        for change in (first, admitted(other.entries)[0]):
            writer.commit([change])
        told = reader.newest()
        room.drop(writer, [other.id], 1, lambda *_: None, owner=True, kept=10)
        with pytest.raises(LocalProtocolError, match="something else already"):
            writer.commit([first])
        writer.commit([admitted(third.entries)[0]])
        assert reader.knows(told)
        assert [item.author for _, item in reader.items_since(told.arrival, 10)] == [third.id]


def test_old_openings_go_and_their_cursors_become_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "OPENINGS_KEPT", 3)
    given = []
    for _ in range(5):
        with opened(tmp_path) as (_, reader):
            given.append(reader.newest())
            count = reader.connection.execute("SELECT count(*) FROM opening").get
            assert count == min(len(given), 3)
            assert [reader.knows(each) for each in given] == [False] * (len(given) - 3) + [True] * count


def test_what_is_passed_on_is_kept_until_another_run_is(tmp_path: Path) -> None:
    author = Author("a")
    author.write(3)
    with opened(tmp_path) as (writer, reader):
        assert reader.passed_on() is None
        for entry in author.entries:
            writer.note(msgspec.msgpack.encode(run_of([entry])))
            found = reader.passed_on()
            assert found is not None and rebuild(found) == [entry]
        with writer.transaction(durable=True):
            writer.set_meta("durable", b"1")
        writer.note(msgspec.msgpack.encode(run_of(author.entries[:1])))
        assert writer.connection.execute("PRAGMA synchronous").get == 1, "no wait for the disk"
        writer.commit([admitted(author.entries)[0]])
        writer.purge_records(author.id, [1])
        assert reader.passed_on() is None, "a record in it may be the one that has to go"


def test_a_missing_record_comes_later_and_must_be_the_one(tmp_path: Path) -> None:
    author = Author("a")
    author.write(5)
    with opened(tmp_path) as (writer, reader):
        change, _ = admitted(gone(author.entries, 2, 4))
        writer.commit([change])
        missing = reader.missing_records(10)
        assert [(each.author, each.seq, each.id) for each in missing] == [
            (author.id, seq, author.entries[seq].id) for seq in (2, 4)
        ]
        assert reader.missing_records(1) == missing[:1]
        assert reader.missing_records(10, missing[0].place) == missing[1:]
        assert reader.entry(author.id, 1) == author.entries[1] and reader.entry(author.id, 99) is None
        assert reader.entry(author.id, 2) == gone(author.entries, 2)[2]
        two, four = author.entries[2], author.entries[4]
        assert two.record is not None and four.record is not None
        with pytest.raises(RemoteProtocolError, match="record_hash"):
            writer.set_records([(author.id, 2, two.id, two.record), (author.id, 4, four.id, b"another")])
        assert len(reader.missing_records(10)) == 2
        assert writer.set_records([(author.id, 2, bytes(32), two.record)]) == 0
        assert writer.set_records([(author.id, 3, author.entries[3].id, b"")]) == 0
        assert writer.set_records([(bytes(32), 3, author.entries[3].id, b"")]) == 0
        assert writer.set_records([(author.id, 2, two.id, two.record)]) == 1
        assert reader.entry(author.id, 2) == two and [each.seq for each in reader.missing_records(10)] == [4]
        row = reader.log(author.id)
        assert row is not None and row.generation == 1


def test_a_purged_record_is_gone_from_the_file_and_not_asked_for(tmp_path: Path) -> None:
    author = Author("a")
    author.write(5)
    with opened(tmp_path) as (writer, reader):
        change, _ = admitted(author.entries)
        writer.commit([change])
        record = author.entries[3].record
        assert record is not None
        with pytest.raises(LocalProtocolError, match="critical"):
            writer.purge_records(author.id, [0])
        assert writer.purge_records(author.id, [3, 77]) == 1
        assert writer.purge_records(author.id, [3]) == 0
        assert reader.entry(author.id, 3) == gone(author.entries, 3)[3]
        assert reader.load(author.id) == change.after
        assert reader.missing_records(10) == []
        writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = (tmp_path / "store.sqlite3").read_bytes()
        assert record not in content and (author.entries[2].record or b"-") in content
        assert writer.set_records([(author.id, 3, author.entries[3].id, record)]) == 1
        assert reader.entry(author.id, 3) == author.entries[3]


def test_entries_come_in_either_order_and_stop_at_a_size(tmp_path: Path) -> None:
    author = Author("a")
    author.write(20)
    with opened(tmp_path) as (writer, reader):
        change, _ = admitted(author.entries)
        writer.commit([change])
        assert reader.entries(author.id, 3, 7, 10**6) == author.entries[3:8]
        assert reader.entries(author.id, 3, 7, 10**6, descending=True) == author.entries[3:8][::-1]
        assert reader.entries(author.id, 15, 2**40 + 5, 10**6) == author.entries[15:]
        assert reader.entries(author.id, 3, 7, 1) == author.entries[3:4]
        size = sum(len(e.header) + len(e.signature) + len(e.record or b"") for e in author.entries[3:5])
        assert reader.entries(author.id, 3, 7, size) == author.entries[3:5]
        assert reader.entries(author.id, 3, 7, size - 1) == author.entries[3:4]
        assert reader.entries(author.id, 7, 3, 10**6) == reader.entries(bytes(32), 0, 9, 10**6) == []
        assert reader.ids(author.id, [5, 99, -1, 2]) == [(5, author.entries[5].id), (2, author.entries[2].id)]
        assert reader.ids(bytes(32), [1]) == []
        assert reader.entry(bytes(32), 0) is None and reader.entry(author.id, 2**41) is None
        assert reader.item(bytes(32)) is None and reader.log(bytes(32)) is None
        assert reader.load(bytes(32)) is None and reader.proof(bytes(32)) is None


def test_the_node_remembers_follows_blocks_cursors_and_peers(tmp_path: Path) -> None:
    one, two = b"\x01" * 32, b"\x02" * 32
    with opened(tmp_path) as (writer, reader):
        writer.follow(two, 5)
        writer.follow(one, 6)
        writer.follow(one, 7)
        writer.block(two, 8)
        assert reader.follows() == [(one, 6), (two, 5)] and reader.blocked() == [(two, 8)]
        assert writer.unfollow(one) and not writer.unfollow(one) and not writer.unfollow(bytes(32))
        assert writer.unblock(two) and not writer.unblock(two)
        assert reader.follows() == [(two, 5)] and reader.blocked() == []
        assert reader.authors() == []  # to be followed is not to have a log here

        cursor = Cursor(bytes(16), 7, bytes(8))
        writer.set_cursor(one, cursor)
        assert reader.cursor(one) == cursor and reader.cursor(two) is None
        writer.set_cursor(one, None)
        assert reader.cursor(one) is None

        stranger = PeerRow(addresses=("ws://127.0.0.1:1/inx/1",), added=3, invited=True)
        known = PeerRow(
            id=one, name="One", addresses=("ws://a", "wss://b"), inbound=True, seen=4, note="n", added=9
        )
        stranger = replace(stranger, p=writer.put_peer(stranger))
        known = replace(known, p=writer.put_peer(known))
        assert reader.peers() == [stranger, known]
        stranger = replace(stranger, id=two, name="Two")
        assert writer.put_peer(stranger) == stranger.p
        assert reader.peers() == [stranger, known]
        with pytest.raises(LocalProtocolError, match="has that id"):
            writer.put_peer(replace(stranger, id=one))
        assert writer.remove_peer(known.p) and not writer.remove_peer(known.p)
        assert reader.peers() == [stranger]


def test_numbers_are_given_out_inside_a_transaction_and_not_without_end(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, _):
        with pytest.raises(LocalProtocolError, match="inside a transaction"):
            writer.intern(bytes(32))
        with writer.transaction() as connection:
            assert writer.intern(bytes(32)) == writer.intern(bytes(32)) == 1
            connection.execute("INSERT INTO networker(n, id) VALUES (?, x'00')", (MAX_NETWORKERS,))
        with writer.transaction() as connection:
            assert writer.intern(b"\x01" * 32) == 2  # one that was given back
            connection.execute(
                "WITH RECURSIVE c(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM c LIMIT 10)"
                " INSERT INTO networker(n, id) SELECT n, CAST(n AS BLOB) FROM c"
            )
            writer.forget_number(b"7")
            assert writer.intern(b"\x02" * 32) == 7
            assert writer.intern(b"\x03" * 32) == 13


def test_no_more_networkers_than_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netnode.store.writer.MAX_NETWORKERS", 3)
    with opened(tmp_path) as (writer, _):
        with writer.transaction():
            assert [writer.intern(bytes((each,)) * 32) for each in range(3)] == [1, 2, 3]
        with pytest.raises(LocalProtocolError, match="at most"), writer.transaction():
            writer.intern(b"\x09" * 32)


def test_the_check_names_what_is_wrong(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, reader):
        assert reader.check() == []
        writer.connection.execute("PRAGMA foreign_keys = OFF; INSERT INTO follow(n, since) VALUES (7, 1)")
        assert reader.check() == ["row 7 of follow names a row of networker that is not there"]


def test_failures_of_the_disk_are_sentences_and_mistakes_are_not() -> None:
    problem = store_problem(apsw.ReadOnlyError(), "/data/x/store.sqlite3", "write")
    assert problem is not None
    assert problem.text == (
        "Cannot write the store /data/x/store.sqlite3: it is read-only."
        " Check the owner and mode of the file and its folder."
    )
    assert problem.code == "store"
    assert store_problem(apsw.SQLError(), "/x", "write") is None
