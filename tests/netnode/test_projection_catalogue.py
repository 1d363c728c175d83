from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.problems import Problem
from netnode.projections import catalogue, effects, tables, views
from protocol.kinds import encode_record
from protocol.records import Close
from tests.netnode.shelf import (
    DAY,
    NOW,
    Put,
    Shelf,
    author,
    block,
    entry_bytes,
    euros,
    inception,
    listing,
    malformed,
    profile,
    report,
    withdraw,
)

ANNA, BEN = author(1), author(2)


def shown(shelf: Shelf, who: bytes = ANNA, everything: bool = False, now: int = NOW) -> dict[str, str]:
    rows, _ = views.listings_of(shelf.connection, who, now, everything=everything)
    return {row.key: row.record.title for row in rows}


def test_the_newest_listing_of_a_key_counts() -> None:  # [R-EFF-1]
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a", "old"), listing("b"), listing("a", "new")])
    assert catalogue.lag(shelf.connection) == 4
    progress = shelf.advance()
    assert progress == catalogue.Progress(True, 4, None)
    assert catalogue.lag(shelf.connection) == 0
    assert shown(shelf) == {"a": "new", "b": "A thing"}
    row = views.listing(shelf.connection, ANNA, "a")
    assert row is not None and row.entry == entry_bytes(ANNA, 3, listing("a", "new"))[1]


def test_a_withdrawn_listing_is_kept_but_not_offered_until_it_is_listed_again() -> None:  # [R-EFF-1]
    shelf = Shelf()
    log = [inception(), listing("a"), withdraw("a")]
    shelf.put(ANNA, log)
    shelf.settle()
    assert shown(shelf) == {}
    assert shown(shelf, everything=True) == {"a": "A thing"}
    row = views.listing(shelf.connection, ANNA, "a")
    assert row is not None and row.withdrawn and not row.in_force(NOW)
    shelf.put(ANNA, [*log, listing("a", "again")])
    shelf.settle()
    assert shown(shelf) == {"a": "again"}


def test_an_expired_listing_leaves_the_index_and_stays_in_the_table() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a", expires=NOW + 5), listing("b", expires=NOW - 5)])
    assert shelf.advance().wake_at_ms == NOW + 5
    assert shown(shelf) == {"a": "A thing"}
    assert views.count_listings(shelf.connection, NOW) == 1
    assert views.count_listings(shelf.connection, NOW + 5) == 0
    assert shelf.advance(NOW + 5) == catalogue.Progress(True, 0, None)
    assert shelf.dump()["text"] == []
    assert shown(shelf, everything=True, now=NOW + 5).keys() == {"a", "b"}


def test_a_withdrawal_that_names_nothing_is_void_until_the_listing_below_it_comes() -> None:  # [R-VER-4]
    shelf = Shelf()
    log = [inception(), listing("a"), withdraw("a"), withdraw("b"), malformed()]
    shelf.put(ANNA, log[2:], base=2)
    shelf.settle()
    assert shelf.dump()["void"] == [
        (1, 2, "wrong_key", "a"),
        (1, 3, "wrong_key", "b"),
        (1, 4, "malformed", None),
    ]
    assert views.voids(shelf.connection, ANNA, 0, 9) == {4: "malformed"}  # the rest is not known yet
    shelf.put(ANNA, log)
    shelf.settle()
    assert views.voids(shelf.connection, ANNA, 0, 9) == {3: "wrong_key", 4: "malformed"}
    assert shown(shelf) == {}
    assert views.listing(shelf.connection, ANNA, "b") is None


def test_a_void_withdrawal_does_not_touch_a_later_listing() -> None:  # [R-EFF-1]
    shelf = Shelf()
    shelf.put(ANNA, [inception(), withdraw("a"), listing("a")])
    shelf.settle()
    assert shown(shelf) == {"a": "A thing"}
    assert views.voids(shelf.connection, ANNA, 0, 9) == {1: "wrong_key"}


def test_notes_about_void_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "VOIDS_KEPT", 3)
    shelf = Shelf()
    shelf.put(ANNA, [inception(), *[malformed()] * 8])
    shelf.settle()
    assert [row[1] for row in shelf.dump()["void"]] == [6, 7, 8]


def test_an_entry_from_the_future_stops_its_log_until_it_is_due() -> None:  # [R-EFF-3]
    shelf = Shelf()
    late = NOW + 10 * DAY
    shelf.put(ANNA, [inception(), listing("a"), listing("b", time=late), listing("c", time=late + 1)])
    shelf.put(BEN, [inception(), listing("d", time=NOW + 120_000)])
    progress = shelf.advance()
    assert progress.done and progress.wake_at_ms == late - 120_000
    assert catalogue.lag(shelf.connection) == 0
    assert shown(shelf) == {"a": "A thing"} and shown(shelf, BEN).keys() == {"d"}
    assert shelf.advance(late - 120_001).taken == 0
    progress = shelf.advance(late - 120_000)
    assert progress.wake_at_ms == late + 1 - 120_000 and shown(shelf).keys() == {"a", "b"}
    assert shelf.advance(late).wake_at_ms is None
    assert shown(shelf).keys() == {"a", "b", "c"}
    assert shelf.dump()["due"] == []


def test_a_log_that_lies_in_the_future_as_a_whole_is_filled_downwards_too() -> None:
    shelf = Shelf()
    late = NOW + DAY
    log = [inception(), listing("a"), listing("b", time=late)]
    shelf.put(ANNA, log[2:], base=2)
    shelf.settle()
    shelf.put(ANNA, log)
    shelf.settle()
    assert shown(shelf) == {"a": "A thing"}
    shelf.settle(late)
    assert shown(shelf).keys() == {"a", "b"}


def test_nothing_above_the_last_common_entry_counts() -> None:  # [R-LOG-15]
    shelf = Shelf()
    log = [inception(), listing("a"), listing("a", "branch")]
    shelf.put(ANNA, log)
    shelf.settle()
    shelf.put(ANNA, log, common=1, replaced=True)
    shelf.settle()
    assert shown(shelf) == {"a": "A thing"}


def test_replaced_entries_are_noticed_without_a_new_arrival() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a"), Put(3, None)])
    shelf.settle()
    shelf.put(ANNA, [inception(), listing("a"), listing("b")], replaced=True, arrives=False)
    assert catalogue.lag(shelf.connection) == 3
    shelf.settle()
    assert shown(shelf).keys() == {"a", "b"}


def test_a_log_that_falls_takes_its_listings_with_it() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a"), profile("Anna"), block(BEN)])
    shelf.settle()
    shelf.connection.execute("DELETE FROM log")
    shelf.settle()
    assert all(rows == [] for rows in shelf.dump().values())


def test_a_log_that_fell_and_came_back_is_taken_anew() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a")])
    shelf.settle()
    shelf.connection.execute("DELETE FROM log")
    shelf.put(ANNA, [inception(), listing("b")])
    shelf.settle()
    assert shown(shelf).keys() == {"b"}


def test_what_is_being_fetched_again_stays_as_it_was() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a")])
    shelf.settle()
    shelf.connection.execute("INSERT INTO extent VALUES (1, 0, 0, x'', 0, 0, 0, 1, 1, 0)")
    shelf.put(ANNA, [inception()], base=9, replaced=True)
    assert shelf.advance().done
    assert shown(shelf) == {"a": "A thing"} and catalogue.lag(shelf.connection) == 0
    shelf.connection.execute("DELETE FROM extent")
    shelf.put(ANNA, [inception(), listing("b")], replaced=True)
    shelf.settle()
    assert shown(shelf).keys() == {"b"}


def test_what_a_forked_log_lacked_below_is_taken_without_a_new_arrival() -> None:
    """Found by simulated forkers: an item that is forked stays the same when its common part comes [R-LOG-17]."""
    shelf = Shelf()
    log = [listing(f"k{number}", time=NOW - DAY + number) for number in range(6)]
    shelf.put(ANNA, log[5:], base=5, common=4)
    shelf.connection.execute("INSERT INTO extent VALUES (1, 0, 0, x'', 0, 0, 0, 0, 3, 0)")
    shelf.settle()
    assert shown(shelf) == {}
    shelf.put(ANNA, log, base=0, common=4, arrives=False)
    shelf.connection.execute("DELETE FROM extent")
    shelf.settle()
    assert set(shown(shelf)) == {"k0", "k1", "k2", "k3", "k4"}


def test_work_comes_in_small_transactions_and_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ENTRIES_PER_TRANSACTION", 4)
    shelf = Shelf()
    shelf.put(ANNA, [inception(), *(listing(f"k{index:02}") for index in range(20))])
    shelf.put(BEN, [inception(), listing("b")])
    progress = shelf.advance(budget=6)
    assert not progress.done and progress.taken == 6 and catalogue.lag(shelf.connection) == 17
    shelf.settle()
    assert len(shown(shelf)) == 20 and shown(shelf, BEN).keys() == {"b"}
    shelf.put(ANNA, [inception(), listing("other")], replaced=True)
    assert shelf.advance(budget=4).taken == 4  # the old rows go in small transactions too
    assert len(shown(shelf)) == 16
    shelf.settle()
    assert shown(shelf).keys() == {"other"}


def test_a_failed_transaction_leaves_the_tables_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a")])
    before = shelf.dump()

    def full(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "drop_expired", full)
        with pytest.raises(Problem):
            shelf.advance()
    assert shelf.dump() == before and not shelf.connection.in_transaction
    shelf.settle()
    assert shown(shelf).keys() == {"a"}


def test_a_closed_log_offers_nothing() -> None:  # [R-EFF-4]
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a"), Put(6, encode_record(Close()))])
    shelf.settle()
    assert shelf.dump()["projected"] == [(1, 0, 2, 1)]


def test_unknown_kinds_and_gone_records_are_passed_over() -> None:  # [R-VER-2]
    shelf = Shelf()
    shelf.put(ANNA, [inception(), Put(99, b"\xff"), Put(3, None), listing("a")])
    shelf.settle()
    assert shown(shelf).keys() == {"a"} and shelf.dump()["void"] == []


def test_profile_and_names() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), profile("Anna"), profile("Anna B.", bio="Hello", domain="anna.example")])
    shelf.put(BEN, [inception()])
    shelf.settle()
    row = views.profile(shelf.connection, ANNA)
    assert row is not None and row.stamp == 0
    view = views.profile_view(row)
    assert (view.name, view.bio, view.domain, view.addresses) == ("Anna B.", "Hello", "anna.example", [])
    assert views.profile(shelf.connection, BEN) is None
    assert views.names(shelf.connection, [ANNA, BEN]) == {ANNA: "Anna B."}


def test_statements_in_force() -> None:  # [R-EFF-2]
    shelf = Shelf()
    sold = listing("lamp")
    shelf.put(BEN, [inception(), sold])
    shelf.put(
        ANNA,
        [
            inception(),
            block(BEN, reason="rude"),
            block(author(3)),
            block(author(3), lifted=True),
            report(BEN, entry=entry_bytes(BEN, 1, sold)[1], reason="fraud", text="Never came"),
            report(BEN, reason="spam"),
        ],
    )
    shelf.settle()
    page = views.statements(shelf.connection, [ANNA], limit=2)
    assert [(item.type, item.reason) for item in page.items] == [
        ("report", "spam"),
        ("report", "fraud: Never came"),
    ]
    assert page.items[1].target.endswith("/lamp")
    rest = views.statements(shelf.connection, [ANNA], limit=2, cursor=page.next)
    assert [(item.type, item.reason) for item in rest.items] == [("block", "rude")]
    assert rest.next is None
    assert views.statements(shelf.connection, [BEN]).items == []
    with pytest.raises(Problem):
        views.statements(shelf.connection, [ANNA], cursor="1.2")


def test_own_listings_come_in_pages() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), *(listing(f"k{index}", price=euros(index)) for index in range(5))])
    shelf.settle()
    rows, following = views.listings_of(shelf.connection, ANNA, NOW, limit=3)
    assert [row.key for row in rows] == ["k0", "k1", "k2"] and following == "k2"
    rows, following = views.listings_of(shelf.connection, ANNA, NOW, limit=3, after=following)
    assert [row.key for row in rows] == ["k3", "k4"] and following is None
    assert views.count_listings(shelf.connection, NOW, ANNA) == 5


def test_tables_of_another_version_are_made_anew() -> None:
    shelf = Shelf()
    shelf.put(ANNA, [inception(), listing("a")])
    shelf.settle()
    with shelf.connection:
        tables.create(shelf.connection)
    assert shown(shelf).keys() == {"a"}
    shelf.connection.execute("UPDATE meta SET value = 'old' WHERE name = 'catalogue'")
    with shelf.connection:
        tables.create(shelf.connection)
    assert shown(shelf) == {} and tables.cursor(shelf.connection) == 0
    shelf.settle()
    assert shown(shelf).keys() == {"a"}


def test_the_tables_belong_to_the_store(tmp_path: Path) -> None:
    from netnode.store.schema import prepare, set_up_reader
    from netnode.system import SystemEntropy

    path = str(tmp_path / "store.sqlite3")
    writer = apsw.Connection(path)
    prepare(writer, "inx", SystemEntropy(), [tables.create])
    assert catalogue.advance(writer, "inx", NOW, 100) == catalogue.Progress(True, 0, None)
    reader = apsw.Connection(path, apsw.SQLITE_OPEN_READONLY)
    set_up_reader(reader)
    assert views.count_listings(reader, NOW) == 0 and catalogue.lag(reader) == 0
    reader.close()
    writer.close()


# -- property: however it came about, the tables are those of a rebuild ---------------------------------------
KEYS = "abc"


def random_log(rng: random.Random, start: int) -> list[Put]:
    time = start
    log = [inception(time)]
    for _ in range(rng.randrange(1, 14)):
        time += rng.choice([0, 1, DAY // 4, DAY])
        key = rng.choice(KEYS)
        choice = rng.randrange(10)
        if choice < 4:
            fields = {"expires": time + rng.randrange(3) * DAY} if rng.random() < 0.3 else {}
            put = listing(key, f"title {rng.randrange(9)}", time, price=euros(rng.randrange(500)), **fields)
        elif choice < 6:
            put = withdraw(key, time)
        elif choice == 6:
            put = profile(f"name {rng.randrange(9)}", time)
        elif choice == 7:
            put = block(author(rng.randrange(3)), time, lifted=rng.random() < 0.5)
        elif choice == 8:
            put = report(author(rng.randrange(3)), time, reason="spam")
        else:
            put = rng.choice([malformed(time), Put(99, b"\xc1", time), Put(3, None, time)])
        log.append(put)
    return log


@dataclasses.dataclass
class Held:
    """What of a log is on the shelf: entries `base` to `top` of `log`."""

    log: list[Put]
    base: int
    top: int


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_rebuilding_gives_equal_tables(rng: random.Random) -> None:
    shelf = Shelf()
    held: dict[int, Held] = {}
    now = NOW
    for _ in range(rng.randrange(3, 25)):
        number = rng.randrange(3)
        who = author(number)
        step = rng.randrange(8)
        if number not in held:
            log = random_log(rng, now - rng.randrange(8) * DAY)
            base = rng.choice([0, rng.randrange(len(log))])
            held[number] = Held(log, base, rng.randrange(base, len(log)))
            shelf.put(who, log[base : held[number].top + 1], base=base)
        elif step < 3:
            each = held[number]
            each.top = rng.randrange(each.top, len(each.log))
            each.base = rng.randrange(each.base + 1)
            shelf.put(who, each.log[each.base : each.top + 1], base=each.base)
        elif step == 3:  # a fork, a cut, other entries, a later base: generation goes up
            each = held[number]
            if rng.random() < 0.5:
                each.log = [*each.log[: each.top], *random_log(rng, each.log[each.top].time)[1:]]
                each.top = rng.randrange(each.base, len(each.log))
            each.base = rng.randrange(each.base, each.top + 1)
            common = rng.choice([None, rng.randrange(each.base - 1, each.top + 1)])
            shelf.put(who, each.log[each.base : each.top + 1], base=each.base, common=common, replaced=True)
            if common is not None:  # while forked nothing follows: settle it
                shelf.advance(now, rng.randrange(1, 9))
                shelf.put(who, each.log[each.base : each.top + 1], base=each.base, replaced=True)
        elif step == 4:
            now += rng.choice([1, DAY // 4, DAY])
        elif step == 5:
            shelf.settle(now)
        else:
            shelf.advance(now, rng.randrange(1, 9))
    shelf.settle(now)
    assert catalogue.lag(shelf.connection) == 0
    before = shelf.dump()
    catalogue.rebuild(shelf.connection)
    shelf.settle(now)
    assert shelf.dump() == before
