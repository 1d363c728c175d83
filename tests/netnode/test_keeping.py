"""Quotas carried out by whole nodes on links in memory [R-QUOTA-1..5]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netnode.mail.public_keys import PublicKeys
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.quotas import KEEP, LEAST, MIB, Distance, Quotas
from netnode.simulator.chance import Stream
from netnode.simulator.disk import SimDisk
from netnode.store import Reader, Writer, domains, invites, letters, room
from protocol import encoding, messages
from protocol.errors import NotHeld
from protocol.log_state import LogState
from protocol.records import Block, Keys, Listing, Profile, Withdraw, encode_record
from tests.long.flood import flooded
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, level, until
from tests.protocol.author import Author, seed

SMALL = Quotas(followed=2 * MIB, near=2 * MIB, near_together=2 * MIB, pool=2 * MIB)


def bulky(name: str, entries: int, size: int = 4_000) -> Author:
    """An author of long entries."""
    author = Author(name)
    for number in range(entries):
        record = encoding.encode({"$": seed(name, number)[:16], "text": "x" * size})
        author.entries.append(author.after(author.entries[-1], record=record))
    return author


async def held_bytes(node: NodeUnderTest, distance: Distance = Distance.STRANGER) -> int:
    return next(each.bytes for each in await node.keeping.figures() if each.distance is distance)


async def state(node: NodeUnderTest, author: Author) -> LogState:
    found = await node.gate.state(author.id)
    assert found is not None
    return found


async def counted(node: NodeUnderTest, author: Author) -> int:
    """What the rows of a log come to, from nothing."""

    def read(reader: Reader) -> int:
        n = reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author.id,)).get
        rows = [
            "SELECT record FROM entry WHERE place >> 40 = ?",
            "SELECT record FROM aside WHERE n = ?",
            "SELECT record FROM opener WHERE n = ?",
        ]
        found = [len(row[0] or b"") for each in rows for row in reader.connection.execute(each, (n,))]
        return 512 + 350 * len(found) + 3 * sum(found)

    return await node.store.read(read)


async def compared(node: NodeUnderTest, times: int) -> None:
    """Waits until a node has compared what changed so often."""
    before = node.asked(messages.Changes)
    await until(lambda: node.asked(messages.Changes) >= before + times, "comparisons")


async def bytes_of(node: NodeUnderTest, author: Author) -> int:
    return next(use.bytes for use in await node.store.read(room.uses) if use.author == author.id)


async def test_the_bytes_of_a_log_are_those_of_its_rows(mesh: Mesh) -> None:
    """Through growing, opening, branches set aside, dropped records and cuts."""
    a = await mesh.node("a")
    log = bulky("log", 200, 500)
    await a.take(log)
    assert await bytes_of(a, log) == await counted(a, log)
    log.rotate(150)
    await a.gate.admit(log.entries[-1:])
    log.write(3)
    await a.take(log)
    assert await bytes_of(a, log) == await counted(a, log)
    await a.store.write(Writer.purge_records, log.id, [7])
    assert await bytes_of(a, log) == await counted(a, log)
    await a.store.write(Writer.set_records, [(log.id, 7, log.entries[7].id, log.entries[7].record or b"")])
    assert await bytes_of(a, log) == await counted(a, log)
    await a.gate.cut(log.id, 50_000)
    assert await bytes_of(a, log) == await counted(a, log)
    assert (await state(a, log)).base.seq > 0


async def test_a_strangers_log_over_the_pool_moves_its_start_and_never_stops_at_the_front(mesh: Mesh) -> None:
    """The openers stay, the newest entries are held, and it goes on [R-QUOTA-2] [R-LOG-29]."""
    a = await mesh.node("a", quotas=SMALL)
    log = bulky("log", 900)
    for start in range(0, 901, 50):
        outcome = await a.gate.admit(log.entries[start : start + 50])
        assert outcome.fault is None
        assert await held_bytes(a) <= SMALL.pool + 50 * 9_000
    now = await state(a, log)
    assert now.tip.seq == 900 and now.base.seq > 600
    assert now.openers.entries() == (log.entries[0],)
    assert await a.log(log.id) == log.entries[now.base.seq :]
    assert await bytes_of(a, log) == await counted(a, log)
    log.write(5)
    assert (await a.gate.admit(log.entries[-5:])).kept == 5


async def test_a_cut_log_that_goes_on_over_a_gap_is_in_the_catalogue(mesh: Mesh) -> None:
    """Found by a simulated market: nothing lower is asked for, so what was set aside is never joined nor dropped."""
    a = await mesh.node("a", quotas=SMALL)
    log = bulky("log", 300)
    await a.take(log)
    await a.keeping.look(a.gate)
    assert not a.keeping.lower(log.id)
    log.write(2)
    settlement = log.settle()
    record = Listing(salt=bytes(16), key="tea", kind="product", title="Green tea")
    log.entries.append(log.after(settlement, 3, encode_record(record)))
    assert (await a.gate.admit(log.entries[-2:])).fault is None
    now = await state(a, log)
    assert now.aside and now.base.seq == settlement.seq
    await a.projector.level()

    def shown(reader: Reader) -> list[tuple[str]]:
        return list(reader.connection.execute("SELECT key FROM listing WHERE indexed"))

    assert await a.store.read(shown) == [("tea",)]
    assert await a.store.read(lambda each: catalogue.lag(each.connection)) == 0


async def test_a_thousand_fresh_identities_cannot_displace_a_followed_seller(mesh: Mesh) -> None:
    """Nor each other without end: the pool holds [R-QUOTA-1] [R-QUOTA-2]."""
    seller = Author("seller")
    record = Listing(salt=bytes(16), key="tea", kind="product", title="Green tea")
    seller.entries.append(seller.after(seller.entries[-1], 3, encode_record(record)))
    a = await mesh.node("a", quotas=SMALL, follows=[seller])
    await a.keeping.load()
    await a.take(seller)
    for number in range(1_000):
        await a.gate.admit(bulky(f"fresh {number}", 1, 1_500).entries)
    await a.projector.level()
    assert await a.holds(seller)
    assert await held_bytes(a) <= SMALL.pool + 9_000
    figures = {each.distance: each.logs for each in await a.keeping.figures()}
    assert (
        figures[Distance.FOLLOWED] == figures[Distance.OWN] == 1 and 100 < figures[Distance.STRANGER] < 1_000
    )

    def shown(reader: Reader) -> list[tuple[str]]:
        return list(reader.connection.execute("SELECT key FROM listing WHERE indexed"))

    assert await a.store.read(shown) == [("tea",)]
    fallen = await a.store.read(room.fallen)
    assert len(fallen) == 1_000 - figures[Distance.STRANGER] and not any(each.owner for each in fallen)


async def test_what_fell_is_not_asked_for_again_until_there_is_room(mesh: Mesh) -> None:
    """Two nodes go quiet, though one holds more than the other may; what came before is forgotten by search too
    [R-QUOTA-4]."""
    a = await mesh.node("a", every=0.2)
    b = await mesh.node("b", quotas=SMALL, every=0.2)
    logs = [bulky(f"log {number}", 30, 3_000) for number in range(30)]  # 30 x 193 KB
    await a.take(*logs)
    await b.join(a)
    await until(lambda: bool(b.keeper.open_sessions()) and b.keeper.open_sessions()[0].pull.level.is_set())
    await b.keeping.look(b.gate)
    await compared(b, 2)
    assert await held_bytes(b) <= SMALL.pool + 200_000
    fell = [log for log in logs if not b.keeping.wants(log.id)]
    cut = [log for log in logs if not b.keeping.lower(log.id)]
    assert fell or cut
    gets, heads = b.asked(messages.Get), b.asked(messages.Heads)
    await compared(b, 4)
    assert b.asked(messages.Get) == gets and b.asked(messages.Heads) == heads
    assert await b.store.read(Reader.cursor, (await a.store.read(Reader.newest)).store) is not None


async def test_a_log_that_is_followed_comes_back_whole(mesh: Mesh) -> None:
    """Nearer, it is wanted from its beginning [R-QUOTA-5]."""
    a = await mesh.node("a", every=0.2)
    b = await mesh.node("b", quotas=SMALL, every=0.2)
    log = bulky("log", 200)
    await b.take(log)
    others = [bulky(f"other {number}", 30) for number in range(10)]
    await b.take(*others)
    await a.take(log)
    await b.keeping.look(b.gate)
    assert not b.keeping.lower(log.id)
    await b.join(a)
    await until(lambda: b.sessions() == [a.id])
    await b.store.write(Writer.follow, log.id, NOW)
    await b.keeper.changed()
    await until(lambda: b.holds(log))


async def test_entries_below_a_cut_are_refused_without_ending_the_session(mesh: Mesh) -> None:
    """[R-QUOTA-3]"""
    b = await mesh.node("b", quotas=SMALL)
    log = bulky("log", 400)
    await b.take(log)
    await b.keeping.look(b.gate)
    base = (await state(b, log)).base.seq
    assert base > 0
    outcome = await b.gate.admit(log.entries[base - 20 : base])
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "quota" and outcome.kept == 0
    log.write(1)
    outcome = await b.gate.admit(log.entries[base - 20 :])
    assert outcome.fault is None and outcome.kept == 1 and (await state(b, log)).base.seq == base


async def test_an_opener_below_the_cut_still_counts(mesh: Mesh) -> None:
    """A rotation that disowns what is held is never refused by a quota [R-LOG-5] [R-QUOTA-3]."""
    b = await mesh.node("b", quotas=SMALL)
    log = bulky("log", 400)
    await b.take(log)
    await b.keeping.look(b.gate)
    opener = log.rotate(100)
    outcome = await b.gate.admit([opener])
    assert outcome.fault is None
    assert (await state(b, log)).openers.epoch == 1


async def test_a_log_the_owner_dropped_stays_away(mesh: Mesh) -> None:
    """It is neither asked for nor taken when pushed, until the owner allows it [R-QUOTA-4]."""
    a, b = await mesh.node("a", every=0.2), await mesh.node("b", every=0.2)
    log = bulky("log", 10, 10)
    await a.take(log)
    await b.join(a)
    await level(a, b)
    await b.keeping.drop(b.gate, log.id)
    assert await b.store.read(Reader.item, log.id) is None
    gets = b.asked(messages.Get)
    log.write(2)
    await a.take(log)
    await compared(b, 3)
    assert await b.store.read(Reader.item, log.id) is None and b.asked(messages.Get) == gets
    outcome = await b.gate.admit(log.entries)
    assert isinstance(outcome.fault, NotHeld) and outcome.fault.code == "not_wanted"
    assert await b.keeping.allow(log.id) and not await b.keeping.allow(log.id)
    for peering in b.keeper.open_sessions():
        peering.pull.restart()
    await until(lambda: b.holds(log))


async def test_what_was_let_go_of_is_remembered_over_a_restart(mesh: Mesh) -> None:
    b = await mesh.node("b", quotas=SMALL)
    log, other = bulky("log", 400), bulky("other", 3)
    await b.take(log, other)
    await b.keeping.look(b.gate)
    await b.keeping.drop(b.gate, other.id)
    await mesh.stop("b")
    b = await mesh.node("b", quotas=SMALL)
    assert not b.keeping.lower(log.id) and not b.keeping.wants(other.id)


async def test_the_file_does_not_grow_past_what_was_once_held(mesh: Mesh) -> None:
    """What is let go of makes room in the file for what comes."""
    b = await mesh.node("b", quotas=SMALL)
    pages: list[int] = []
    for turn in range(6):
        for number in range(40):
            await b.gate.admit(bulky(f"log {turn} {number}", 30).entries)
        pages.append(await b.store.write(lambda writer: writer.connection.execute("PRAGMA page_count").get))
    assert pages[-1] <= pages[1] * 1.1
    networkers = await b.store.write(
        lambda writer: writer.connection.execute("SELECT count(*) FROM networker").get
    )
    logs = sum(each.logs for each in await b.keeping.figures())
    assert networkers == logs  # numbers of those let go of are given back


async def test_search_forgets_what_lies_below_a_cut_and_that_alone(mesh: Mesh) -> None:
    """The tables after a cut are those a rebuild makes, but for what no one can see of a log that has no beginning."""
    b = await mesh.node("b")
    seller = Author("seller")

    def say(kind: int, record: Any) -> None:
        seller.entries.append(seller.after(seller.entries[-1], kind, encode_record(record)))

    def offer(key: str, note: int) -> None:
        say(3, Listing(salt=seed(key, note)[:16], key=key, kind="product", title=f"{key} {note}"))

    say(1, Profile(salt=bytes(16), name="Old name"))
    say(9, Block(salt=bytes(16), id=bytes(32)))
    for number in range(60):
        offer(f"once {number}", number)
        offer(f"edited {number % 7}", number)
    for number in (0, 3, 50, 55):
        say(5, Withdraw(salt=seed(number)[:16], key=f"once {number}"))
    await b.take(seller)
    await b.projector.level()
    for _ in range(3):
        await b.gate.cut(seller.id, 12_000)
        await b.projector.level()
    base = (await state(b, seller)).base.seq
    assert 20 < base < 110
    queries = {
        "listing": "SELECT key, seq, withdrawn, time, indexed, kind, entry FROM listing ORDER BY key",
        "records": "SELECT count(*) FROM listing_record",
        "words": "SELECT count(*) FROM listing_text WHERE listing_text MATCH 'once'",
        "profile": "SELECT * FROM profile",
        "statement": "SELECT * FROM statement",
        "void": "SELECT seq FROM void_entry WHERE key IS NULL",
        "projected": "SELECT n, low, high FROM projected ORDER BY n",
    }

    def dump(reader: Reader) -> dict[str, list[tuple[Any, ...]]]:
        return {name: list(reader.connection.execute(query)) for name, query in queries.items()}

    after = await b.store.read(dump)
    assert after["profile"] == after["statement"] == [] and {row[0] for row in after["listing"]} >= {
        "edited 0"
    }
    assert all(row[1] is None or row[1] >= base for row in after["listing"])
    await b.store.write(lambda writer: catalogue.rebuild(writer.connection))
    await b.projector.level()
    assert await b.store.read(dump) == after


async def test_those_a_followed_peer_wants_are_near(mesh: Mesh) -> None:
    friend, liked, stranger = Author("friend"), Author("liked"), Author("stranger")
    b = await mesh.node("b", follows=[friend])
    await b.keeping.load()
    await b.keeping.near_to(friend.id, [liked.id])
    far = [b.keeping.distance(each.id) for each in (b.author, friend, liked, stranger)]
    assert far == list(Distance)
    await b.store.write(Writer.unfollow, friend.id)
    await b.keeping.look(b.gate)
    assert b.keeping.distance(liked.id) is Distance.STRANGER


async def test_whom_the_owner_writes_to_is_near_while_the_letter_is_on_its_way(mesh: Mesh) -> None:
    b = await mesh.node("b")
    friend, told = Author("friend"), Author("told")
    await b.take(friend, told)

    def letter(to: Author, kind: str) -> letters.Outgoing:
        return letters.Outgoing(to.id, kind, b"", seed("letter", kind)[:16], NOW + 1_000, NOW)

    await b.store.write(letters.queue, letter(told, "ack"))
    await b.store.write(letters.queue, letter(friend, "mail"))
    await b.keeping.load()
    assert (b.keeping.distance(friend.id), b.keeping.distance(told.id)) == (Distance.NEAR, Distance.STRANGER)
    await b.store.write(letters.arrived, friend.id, [seed("letter", "mail")[:16]], NOW)
    await b.keeping.load()
    assert b.keeping.distance(friend.id) is Distance.STRANGER


async def test_keys_that_were_read_are_known_after_their_log_fell(mesh: Mesh) -> None:
    b = await mesh.node("b")
    friend = Author("friend")
    record = encode_record(Keys(until=NOW + 1_000_000, x25519=seed("x25519")[:32]))
    friend.entries.append(friend.after(friend.entries[-1], kind=Keys.KIND, record=record))
    await b.take(friend)
    keys = PublicKeys(b.store, b.clock)
    before = await keys.of(friend.id)
    await b.keeping.drop(b.gate, friend.id)
    assert before is not None
    assert await keys.of(friend.id) == before
    assert await PublicKeys(b.store, b.clock).of(friend.id) is None


async def test_a_flood_of_one_stranger_stays_in_the_pool(tmp_path: Path) -> None:
    """A small share of ``python -m tests.long flood``, on disk and with threads [R-QUOTA-2]."""
    pool = 6 * MIB
    found = await flooded(tmp_path, 12_800, Quotas(pool, pool, pool, pool))
    assert found.sent == 12_800 and 1_000 < found.held < 8_000
    assert found.counted <= pool and found.database <= 2 * pool


def test_figures_of_the_policy() -> None:
    assert KEEP == (7, 8) and LEAST >= 2 * 48 * 1024 + 200


async def test_a_log_falls_whose_networker_joined_by_an_invite_or_has_a_domain(mesh: Mesh) -> None:
    """Found by a simulated market: other tables name networkers too, and their rows stay."""
    b = await mesh.node("b")
    joined, verified, joining = Author("joined"), Author("verified"), Author("joining")
    await b.take(joined, verified, joining)
    await b.store.write(invites.make, bytes(16), None, None, 1, False, "", NOW)
    await b.store.write(invites.admit, bytes(16), None, joined.id, NOW)
    await b.store.write(invites.expect, joining.id, bytes(16), None, None, NOW)
    await b.store.write(domains.put, verified.id, "shop.example", NOW, "")
    for author in (joined, verified, joining):
        await b.keeping.drop(b.gate, author.id)
        assert await b.gate.state(author.id) is None
    await b.keeping.allow(joined.id)
    await b.take(joined)
    assert await b.holds(joined)


async def test_a_log_that_could_not_be_let_go_of_stays_wanted(mesh: Mesh) -> None:
    """Found by simulated disks: the owner is told that it failed, and the node must not act as if it had not."""
    disk = SimDisk("dropping", Stream(0, "disk"))
    b = await mesh.node("b", disk=disk)
    stranger = Author("stranger")
    await b.take(stranger)
    with disk.failing("full"), pytest.raises(Problem, match="full"):
        await b.keeping.drop(b.gate, stranger.id)
    assert b.keeping.wants(stranger.id) and await b.holds(stranger)
    await b.keeping.drop(b.gate, stranger.id)
    with disk.failing("full"), pytest.raises(Problem, match="full"):
        await b.keeping.allow(stranger.id)
    assert not b.keeping.wants(stranger.id)
