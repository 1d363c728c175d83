"""The address book: buckets, what becomes of addresses, and how little an attacker with many of them gets."""

from __future__ import annotations

import random
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.sync import addresses
from netnode.sync.addresses import (
    BACK_OFF_MS,
    CONTESTS,
    DAY_MS,
    FRESH_MS,
    HOUR_MS,
    MINUTE_MS,
    PLACES,
    SOURCE_SHARE,
    TEST_MS,
    TRIED_SHARE,
    AddressBook,
    Known,
)
from netnode.sync.groups import LOOPBACK, PRIVATE, block_of, group_of, host_group, network_of

KEY = b"k" * 32
NOW = 1_800_000_000_000


def networker(number: int) -> bytes:
    return number.to_bytes(32, "big")


def url(first: int, second: int, third: int, fourth: int) -> str:
    return f"ws://{first}.{second}.{third}.{fourth}:4747/inx/1"


def draw(seed: int = 7) -> addresses.Draw:
    return random.Random(seed).randrange


def anything(known: Known) -> bool:
    return True


# -- groups ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("ws://5.6.7.8:1/inx/1", "5.6.0.0/16"),
        ("ws://5.6.255.1/", "5.6.0.0/16"),
        ("ws://[2a01:4f8:1:2::3]:1/", "2a01:4f8::/32"),
        ("ws://[::ffff:5.6.7.8]/", "5.6.0.0/16"),
        ("wss://a.shop.example/inx/1", "shop.example"),
        ("wss://b.c.shop.example./", "shop.example"),
        ("wss://shop.co.uk/", "shop.co.uk"),
        ("wss://a.shop.co.uk/", "shop.co.uk"),
        ("ws://127.0.0.1:9/", LOOPBACK),
        ("ws://localhost:9/", LOOPBACK),
        ("ws://10.1.2.3/", PRIVATE),
        ("ws://192.168.0.7/", PRIVATE),
        ("ws://printer/", PRIVATE),
    ],
)
def test_groups(address: str, group: str) -> None:
    assert group_of(address) == group


def test_blocks() -> None:
    assert block_of("5.6.7.8") == block_of("5.6.7.250") != block_of("5.6.8.8")
    assert block_of("2a01:4f8:1:2::3") == block_of("2a01:4f8:1:ffff::") != block_of("2a01:4f8:2::")
    assert block_of("::ffff:5.6.7.8") == block_of("5.6.7.8")
    assert block_of("shop.example") == "shop.example"
    assert host_group("2a01:4f8::1") == "2a01:4f8::/32"


# -- eclipse ---------------------------------------------------------------------------------------------------
def attacked() -> tuple[AddressBook, Known]:
    """A book with one honest peer met and 10,000 addresses of one /16, each of its own networker, met as well."""
    book = AddressBook(KEY)
    book.met(networker(1), url(81, 2, 3, 4), "81.2.0.0/16", NOW - 5 * HOUR_MS)
    honest = book.get(networker(1), url(81, 2, 3, 4))
    assert honest is not None
    numbers = random.Random(1).sample(range(65_536), 10_000)
    for number in numbers:
        who, address = networker(number + 2), url(66, 6, number >> 8, number & 255)
        book.add(who, address, "66.6.0.0/16", NOW)
        book.met(who, address, "66.6.0.0/16", NOW)
    return book, honest


def test_a_16_with_10000_addresses_reaches_few_buckets() -> None:
    """Fewer than 8 of the 256 tried buckets, and a bounded part of the new ones; the honest peer is still there."""
    book, honest = attacked()
    tried = book.buckets(tried=True, group="66.6.0.0/16")
    assert 0 < len(tried) <= TRIED_SHARE < 8
    assert len(book.buckets(tried=False)) <= SOURCE_SHARE
    assert sum(known.group == "66.6.0.0/16" and known.tried for known in book) <= TRIED_SHARE * PLACES
    assert book.get(*honest.key) == honest
    assert len(book) < (SOURCE_SHARE + TRIED_SHARE) * PLACES


def test_the_honest_peer_is_drawn_as_often_as_a_whole_bucket() -> None:
    """Many addresses in one group do not push a lonely honest one out of the draw."""
    book, honest = attacked()
    drawn = draw()
    hits = sum(book.pick(drawn, anything, tried=True) == honest for _ in range(1_000))
    assert hits > 1_000 / (TRIED_SHARE + 1) * 0.7


def test_sources_share_the_new_table() -> None:
    """One who tells addresses of the whole world fills its share only."""
    book = AddressBook(KEY)
    for number in range(30_000):
        book.add(networker(number), url(1 + number % 99, number % 251, 0, number % 250), "66.6.0.0/16", NOW)
    assert len(book.buckets(tried=False)) <= SOURCE_SHARE
    told = len(book)
    book.add(networker(99_999), url(81, 2, 3, 4), "81.2.0.0/16", NOW)
    assert len(book) == told + 1


def test_places_depend_on_the_secret() -> None:
    first, second = AddressBook(b"a" * 32), AddressBook(b"b" * 32)
    for book in (first, second):
        for number in range(200):
            book.add(networker(number), url(20 + number, 1, 2, 3), "81.2.0.0/16", NOW)
    assert first.buckets(tried=False) != second.buckets(tried=False)


# -- properties ------------------------------------------------------------------------------------------------
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "met", "failed", "only", "forget", "decide", "attempted"]),
        st.integers(0, 400),
        st.integers(0, 40 * DAY_MS),
    ),
    max_size=120,
)


def consistent(book: AddressBook) -> None:
    """Every address stands in exactly the place it hashes to, and the tables hold nothing else."""
    places = set()
    for known in book:
        bucket, place = book._place(known, tried=known.tried)
        assert bucket < (addresses.TRIED_BUCKETS if known.tried else addresses.NEW_BUCKETS)
        assert place < addresses.PLACES
        assert book._tables[known.tried][bucket][place] == known.key
        places.add((known.tried, bucket, place))
    held = {
        (tried, bucket, place)
        for tried in (False, True)
        for bucket, rows in book._tables[tried].items()
        for place in rows
    }
    assert held == places and all(rows for table in book._tables for rows in table.values())


@patch.multiple(addresses, PLACES=2, TRIED_BUCKETS=4, NEW_BUCKETS=8, CONTESTS=3)
@settings(deadline=None)
@given(steps, st.binary(min_size=1, max_size=8))
def test_the_tables_stay_consistent(made: list[tuple[str, int, int]], key: bytes) -> None:
    """Whatever happens, with few places to fight for, and after it was stored and read again."""
    book = AddressBook(key)
    stored: dict[addresses.Key, Known] = {}
    now = NOW
    for action, number, passed in made:
        now += passed // 40
        who, address = networker(number), url(11 + number % 2, 0, number % 3, number % 120)
        match action:
            case "add":
                book.add(who, address, f"{number % 5}", now)
            case "met":
                book.met(who, address, f"{number % 5}", now)
            case "failed":
                book.failed((who, address), "no answer", now)
            case "only":
                book.only(who, [address])
                assert {known.address for known in book if known.networker == who} <= {address}
            case "forget":
                book.forget((who, address))
                assert book.get(who, address) is None
            case "attempted":
                book.attempted((who, address), now)
            case "decide":
                book.decide(now)
        consistent(book)
        changed, gone = book.changes()
        stored.update((known.key, known) for known in changed)
        for each in gone:
            stored.pop(each, None)
    assert stored == {known.key: known for known in book}
    again = AddressBook(key)
    again.load(stored.values())
    consistent(again)
    assert {known.key: known for known in again} == stored
    assert again.changes() == ([], [])


@given(st.integers(0, 12), st.integers(1, NOW))
def test_the_pause_grows(failures: int, attempt: int) -> None:
    """60 s after the first failure, twice as long after each further one, 6 h at most."""
    known = Known(b"", "ws://5.6.7.8/", "", 0, attempt=attempt, failures=failures)
    pause = known.dial_after() - attempt
    assert pause == min(BACK_OFF_MS[0] * 2 ** max(0, failures - 1), BACK_OFF_MS[1])
    assert replace(known, attempt=0).dial_after() == 0


# -- what becomes of an address --------------------------------------------------------------------------------
def rivals(book: AddressBook) -> tuple[Known, Known]:
    """Two addresses of one group whose places in *tried* are the same; the first holds it."""
    places: dict[tuple[int, int], Known] = {}
    for number in range(5_000):
        known = Known(networker(number), url(66, 6, number >> 8, number & 255), "s", NOW)
        other = places.setdefault(book._place(known, tried=True), known)
        if other is not known and book._place(known, tried=False) != book._place(other, tried=False):
            return other, known
    raise AssertionError("no two in one place")


def contested() -> tuple[AddressBook, Known, Known]:
    book = AddressBook(KEY)
    holder, challenger = rivals(book)
    assert book.met(*holder.key, "s", NOW) is None
    later = NOW + FRESH_MS
    book.add(*challenger.key, "s", later)
    told = book.met(*challenger.key, "s", later)
    assert told is not None and told.key == holder.key
    return book, holder, challenger


def test_a_holder_that_answers_keeps_its_place() -> None:
    """Test before evict."""
    book, holder, challenger = contested()
    assert [(c.key, h.key) for c, h in book.contests()] == [(challenger.key, holder.key)]
    book.decide(NOW + FRESH_MS + 1)
    assert len(book.contests()) == 1  # not tested yet: nobody moves
    book.met(*holder.key, "s", NOW + FRESH_MS + 2)
    book.decide(NOW + FRESH_MS + 3)
    assert book.contests() == []
    kept, other = book.get(*holder.key), book.get(*challenger.key)
    assert kept is not None and kept.tried and other is not None and not other.tried


@pytest.mark.parametrize("untested", [False, True])
def test_a_holder_that_is_silent_makes_room(untested: bool) -> None:
    """After a failed test, or when it could not be tested in time."""
    book, holder, challenger = contested()
    later = NOW + FRESH_MS + (TEST_MS + 1 if untested else 5)
    if not untested:
        book.failed(holder.key, "no answer", later)
    book.decide(later)
    loser, winner = book.get(*holder.key), book.get(*challenger.key)
    assert loser is not None and not loser.tried and winner is not None and winner.tried
    consistent(book)


def test_so_many_contests_at_once() -> None:
    book = AddressBook(KEY)
    for number in range(10_000):
        book.met(networker(number), url(66, 6, number >> 8, number & 255), "s", NOW)
    assert len(book.contests()) == CONTESTS


def test_an_address_that_never_worked_goes_after_three_tries() -> None:
    book = AddressBook(KEY)
    book.add(networker(1), url(5, 6, 7, 8), "s", NOW)
    for number in range(addresses.NEVER_MET):
        known = book.get(networker(1), url(5, 6, 7, 8))
        assert known is not None and known.failures == number
        book.failed(known.key, "no answer" * 100, NOW + number * HOUR_MS)
    assert len(book) == 0


def test_an_address_that_worked_is_kept_for_a_week_of_failures() -> None:
    book = AddressBook(KEY)
    book.met(networker(1), url(5, 6, 7, 8), "s", NOW)
    key = (networker(1), url(5, 6, 7, 8))
    for number in range(20):
        book.failed(key, "no answer", NOW + number * HOUR_MS)
    assert len(book) == 1
    book.failed(key, "no answer", NOW + 8 * DAY_MS)
    assert len(book) == 0


def test_a_hopeless_holder_makes_room_in_new() -> None:
    """Who fills a place with an address that does not answer does not hold it."""
    book = AddressBook(KEY)
    places: dict[tuple[int, int], Known] = {}
    for number in range(60_000):
        known = Known(networker(number), url(66, 6, number >> 8, number & 255), "s", NOW)
        other = places.setdefault(book._place(known, tried=False), known)
        if other is not known:
            break
    book.add(*other.key, "s", NOW)
    assert not book.add(*known.key, "s", NOW + HOUR_MS)
    assert book.add(*known.key, "s", NOW + 31 * DAY_MS)
    assert book.get(*other.key) is None
    consistent(book)


def test_two_networkers_may_claim_one_address() -> None:
    """A liar who claims an honest peer's address does not take it from it: the handshake tells."""
    book = AddressBook(KEY)
    book.met(networker(1), url(81, 2, 3, 4), "s", NOW)
    book.add(networker(2), url(81, 2, 3, 4), "x", NOW)
    book.failed(
        (networker(2), url(81, 2, 3, 4)), "another networker answers at this address", NOW + MINUTE_MS
    )
    honest = book.get(networker(1), url(81, 2, 3, 4))
    assert honest is not None and honest.tried and honest.failures == 0


def test_a_draw_finds_nothing_that_is_not_usable() -> None:
    book = AddressBook(KEY)
    assert book.pick(draw(), anything, tried=True) is None
    for number in range(50):
        book.add(networker(number), url(20 + number, 1, 2, 3), "s", NOW)
    wanted = networker(33)
    found = book.pick(draw(), lambda known: known.networker == wanted, tried=False)
    assert found is not None and found.networker == wanted
    assert book.pick(draw(), lambda known: False, tried=False) is None


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("ws://203.0.113.77:4747/inx/1", "203.0.113.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("wss://[2001:db8:1:2::7]/inx/1", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("wss://shop.example/inx/1", "shop.example"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_log_names_the_network_of_a_peer_not_its_address(remote: str, told: str) -> None:
    assert network_of(remote) == told
