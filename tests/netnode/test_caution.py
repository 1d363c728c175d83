"""Never fork yourself: a restored, moved or copied home catches up before it appends."""

from __future__ import annotations

import asyncio
import itertools
import shutil

import pytest

from netnode.own.caution import GROUPS_SECONDS, Reason, Rule, mark
from netnode.own.unrecognised import unrecognised
from netnode.problems import ExitCode, Problem
from netnode.services.logfiles import LogFiles
from netnode.store import PeerRow, Reader, Store, Writer
from netnode.sync import dialling
from netnode.system import SystemDisk
from protocol import messages
from protocol.entry import SETTLEMENT, Entry
from protocol.items import Item, Standing
from protocol.kinds import decode_record
from protocol.records import Settlement
from tests.netnode.mesh import (
    InlineExecutor,
    Mesh,
    NodeUnderTest,
    Puppet,
    TestEntropy,
    level,
    quiet,
    until,
)
from tests.protocol.author import NETWORK, Author, odd_record, seed

RECORD = (1, odd_record("own"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def refused(node: NodeUnderTest) -> Problem:
    with pytest.raises(Problem) as raised:
        await node.own.append([RECORD])
    assert raised.value.exit_code is ExitCode.REFUSED
    return raised.value


async def backup(mesh: Mesh, home: str, name: str) -> None:
    """Copies the store of a node that does not run, as the copy that it is."""
    shutil.copy(mesh.folder / f"{home}.sqlite3", mesh.folder / f"{name}.sqlite3")
    executor, entropy = InlineExecutor(), TestEntropy(name)
    store = await Store.open(mesh.folder / f"{name}.sqlite3", NETWORK, SystemDisk(), executor, entropy)
    await store.write(mark, Reason.RESTORED, 5, entropy.token(16))
    await store.close()


async def caught_up(node: NodeUnderTest) -> None:
    await until(node.own.caution.caught_up)


async def appended(node: NodeUnderTest) -> Entry:
    (entry,) = await node.own.append([RECORD])
    return entry


async def test_a_restored_backup_catches_up_and_settles(mesh: Mesh) -> None:
    """A peer knows the newer head: it is received first, and the first own entry settles on it [R-LOG-22]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    await mesh.stop("a")
    await backup(mesh, "a", "old")
    a = await mesh.node("a", a.author)
    await a.write(70)
    await level(a, b)
    await mesh.stop("a")
    mesh.wires.prepare = lambda *ends: ends[3].pause()
    old = await mesh.node("a", a.author, home="old")
    problem = await refused(old)
    assert problem.code == "catching_up" and "was restored from a backup" in problem.text
    assert "0 of 1 peer has answered" in problem.text and "at ws://b" in problem.text
    assert old.own.caution.reason is Reason.RESTORED and not await old.own.caution.caught_up()
    mesh.wires.prepare = lambda *_: None
    for _, _, near, _ in mesh.wires.links:
        near.cut()
    await caught_up(old)
    assert await old.own.caution.waiting_for() == []
    first, second = await old.own.append([RECORD, RECORD])
    settlement = await old.store.read(Reader.entry, old.id, 71)
    assert settlement is not None and (settlement.kind, settlement.prev) == (
        SETTLEMENT,
        a.author.entries[70].id,
    )
    record = decode_record(SETTLEMENT, settlement.record or b"")
    assert record == Settlement(branches=((70, settlement.prev),))
    assert [(each.seq, each.term) for each in (first, second)] == [(72, 1), (73, 1)]
    assert old.own.caution.reason is None
    assert (await appended(old)).term == 1
    await level(old, b)
    item = (await b.items())[old.id]
    assert (item.standing, item.term, item.seq) == (Standing.HEAD, 1, 74)


async def test_the_own_log_is_asked_for_before_anything_else(mesh: Mesh) -> None:
    """While a node is cautious; an ordinary start asks nothing more than always [R-LOG-21] [R-LOG-31] [R-LOG-32]."""
    b = await mesh.node("b")
    await b.take(*(Author(f"other {index}") for index in range(5)))
    a = await mesh.node("a")
    await a.join(b)
    await level(a, b)
    after = (int.from_bytes(a.id) - 1).to_bytes(32)
    asked = messages.Heads(after=after, limit=1)
    assert asked not in a.sent
    await mesh.stop("a")
    await backup(mesh, "a", "copy")
    a.sent.clear()
    a = await mesh.node("a", a.author, home="copy")
    await caught_up(a)
    questions = [
        each for each in a.sent if isinstance(each, messages.Heads | messages.Changes | messages.Get)
    ]
    assert questions[0] == asked
    assert (await a.store.read(Reader.newest)).store != (await b.store.read(Reader.newest)).store


async def test_an_ordinary_start_never_waits(mesh: Mesh) -> None:
    """Also without its peers, and after it was killed [R-LOG-21]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    await mesh.stop("b")
    await mesh.stop("a")
    a = await mesh.node("a", a.author)
    assert (await appended(a)).term == 0
    assert a.own.caution.reason is None and not a.own.caution.asking


async def silent_and_three(mesh: Mesh, names: tuple[str, ...]) -> NodeUnderTest:
    """A restored node; its book has a peer that is silent and peers that answer."""
    a = await mesh.node("a")
    await a.store.write(Writer.put_peer, PeerRow(id=Author("gone").id, addresses=("ws://gone",)))
    peers = [await mesh.node(name) for name in names]
    for peer in peers:
        await a.join(peer)
    await level(a, *peers)
    await mesh.stop("a")
    await backup(mesh, "a", "copy")
    a = await mesh.node("a", a.author, home="copy")
    await until(lambda: len(a.own.caution._answers) == len(names))
    a.own.skew = lambda: None  # its clock stands still while the tests let time pass
    return a


async def test_one_silent_peer(mesh: Mesh) -> None:
    """The others hold nothing later: it waits ten minutes from the third network's answer on [R-LOG-22]."""
    a = await silent_and_three(mesh, ("1.1.0.1:1", "1.2.0.1:1", "1.3.0.1:1"))
    problem = await refused(a)
    assert "3 of 4 peers have answered; silent: " in problem.text and "at ws://gone" in problem.text
    assert "Peers of 3 networks have: it goes on without the others in 10 min." in problem.text
    now = a.clock.monotonic()
    a.clock.monotonic = lambda: now + GROUPS_SECONDS - 30  # type: ignore[method-assign]
    assert "in 3" in (await refused(a)).text
    found = await a.own.caution.standing()
    assert found.by is None and 25 <= (found.seconds or 0) <= 30 and not found.caught_up
    a.clock.monotonic = lambda: now + GROUPS_SECONDS  # type: ignore[method-assign]
    assert (await a.own.caution.standing()).by is Rule.GROUPS
    assert await a.own.caution.caught_up()
    assert (await appended(a)).term == 1


async def test_the_ten_minutes_begin_with_the_third_network(mesh: Mesh) -> None:
    """Not with the first, and not with one more peer of a network that answered before [R-LOG-22]."""
    a = await mesh.node("a")
    await a.store.write(Writer.put_peer, PeerRow(id=Author("gone").id, addresses=("ws://gone",)))
    await a.own.caution.begin(Reason.MOVED)
    for now, group in ((0, "x"), (100, "y"), (200, "y"), (500, "z"), (550, "w"), (580, "x")):
        a.clock.monotonic = lambda now=now: now  # type: ignore[method-assign,misc]
        await a.own.caution.answered(seed(now), group)
    a.clock.monotonic = lambda: 600  # type: ignore[method-assign]
    found = await a.own.caution.standing()
    assert (found.seconds, found.groups, found.by) == (500, 4, None)


async def test_peers_of_one_network_count_once(mesh: Mesh) -> None:
    """However many of them answer, the silent one is waited for [R-LOG-22]."""
    a = await silent_and_three(mesh, ("1.1.0.1:1", "1.1.7.1:1", "1.2.0.1:1"))
    now = a.clock.monotonic()
    a.clock.monotonic = lambda: now + 10 * GROUPS_SECONDS  # type: ignore[method-assign]
    problem = await refused(a)
    assert (
        "It goes on when all have, or 10 minutes after three peers of different networks have."
        in problem.text
    )
    assert (await a.own.caution.standing()).groups == 2


async def test_the_silent_peer_answers_at_last(mesh: Mesh) -> None:
    """Then nothing is waited for any longer."""
    a = await silent_and_three(mesh, ("1.1.0.1:1",))
    await refused(a)
    gone = await mesh.node("gone")
    await caught_up(a)
    assert (await a.own.caution.standing()).by is Rule.BOOK
    await appended(a)
    await level(a, gone)


async def test_a_silent_peer_is_forgotten_or_blocked(mesh: Mesh) -> None:
    """The owner says that it will never answer."""
    a = await silent_and_three(mesh, ("1.1.0.1:1",))
    await a.store.write(Writer.block, Author("gone").id, 1)
    await appended(a)


async def test_the_owner_goes_on_anyway(mesh: Mesh) -> None:
    """(c): what is published then settles, and frames nobody; it never counts as caught up [R-LOG-22]."""
    a = await silent_and_three(mesh, ("1.1.0.1:1",))
    with pytest.raises(Problem, match="was restored"):
        await a.own.caution.resume(anyway=False)
    await a.own.caution.resume(anyway=True)
    found = await a.own.caution.standing()
    assert found.by is Rule.OWNER and not found.caught_up
    assert not await a.own.caution.caught_up() and await a.own.caution.waiting_for()
    assert (await appended(a)).term == 1
    with pytest.raises(Problem, match="Nothing holds this node back"):
        await a.own.caution.resume(anyway=True)


async def test_an_empty_book(mesh: Mesh) -> None:
    """No peer is no answer: (a) needs one [R-LOG-22]."""
    a = await mesh.node("a")
    assert not await a.own.caution.caught_up()
    await a.own.caution.begin(Reason.MOVED)
    problem = await refused(a)
    assert "was moved or copied here" in problem.text and "netnode peer add URI" in problem.text
    assert "netnode log resume --anyway" in problem.text and "peer rm" not in problem.text  # there is none


async def test_without_a_running_node(mesh: Mesh) -> None:
    """It is said that peers are asked while the node runs."""
    a = await mesh.node("a")
    await a.own.caution.begin(Reason.LOST)
    a.own.caution.online = False
    assert "They are asked while the node runs (netnode start)." in (await refused(a)).text
    await a.store.write(Writer.put_peer, PeerRow(addresses=("ws://x",)))
    assert "netnode start" in (await refused(a)).text


async def test_a_restart_forgets_nothing(mesh: Mesh) -> None:
    """Who answered, and that all have, are on disk [R-LOG-22]."""
    a = await silent_and_three(mesh, ("1.1.0.1:1",))
    await mesh.stop("1.1.0.1:1")
    await mesh.stop("a")
    a = await mesh.node("a", a.author, home="copy")
    found = await a.own.caution.standing()
    assert (found.answered, found.peers, found.reason) == (1, 2, Reason.RESTORED)
    await mesh.node("gone")
    await caught_up(a)
    assert await a.own.caution.require()
    await a.store.write(Writer.put_peer, PeerRow(id=Author("new").id, addresses=("ws://new",)))
    assert (await appended(a)).term == 1
    await mesh.stop("a")
    a = await mesh.node("a", a.author, home="copy")
    assert a.own.caution.reason is None


async def test_an_unreadable_note_is_caution(mesh: Mesh) -> None:
    """Of another version, say: the node waits rather than forks."""
    a = await mesh.node("a")
    await a.store.write(Writer.set_meta, "caution", b"{")
    await a.own.caution.load()
    assert (await refused(a)).code == "catching_up"


async def test_a_claim_without_entries_is_no_answer(mesh: Mesh) -> None:
    """A peer that tells of later own entries and does not give them has not answered [R-LOG-32]."""
    a = await mesh.node("a")
    await a.own.caution.begin(Reason.RESTORED)
    puppet = await Puppet.meet(mesh.wires, "a", Author("liar"))
    head = Item(Standing.HEAD, a.id, 0, 0, 7, bytes(32)).wire()
    cursor = [seed("liar", "store")[:16], 1, bytes(8)]

    def answer(question: messages.Body) -> messages.Body:
        if isinstance(question, messages.Heads | messages.Changes):
            return messages.Items(cursor=cursor, items=[head] if isinstance(question, messages.Heads) else [])
        if isinstance(question, messages.Get):
            return messages.Runs(runs=[])
        return messages.Refuse(code="not_here", text="a puppet")

    serving = asyncio.create_task(puppet.serve(answer))
    await until(lambda: sum(isinstance(body, messages.Get) for body, _ in puppet.questions) > 1)
    await quiet(mesh)
    assert not a.own.caution.has_answered(Author("liar").id)
    assert "0 of 1 peer" in (await refused(a)).text or (await refused(a)).code == "behind"
    await puppet.link.close()
    await serving


async def test_a_refusal_is_no_answer(mesh: Mesh) -> None:
    """A peer that does not say has not answered [R-LOG-32]."""
    a = await mesh.node("a")
    await a.own.caution.begin(Reason.RESTORED)
    puppet = await Puppet.meet(mesh.wires, "a", Author("mute"))
    serving = asyncio.create_task(puppet.serve(lambda _: messages.Refuse(code="busy", text="later")))
    await until(lambda: len(puppet.questions) > 1)
    await quiet(mesh)
    assert not a.own.caution.has_answered(Author("mute").id)
    await puppet.link.close()
    await serving


async def test_newer_own_entries_make_an_unmarked_copy_cautious(mesh: Mesh) -> None:
    """An older store put back by other means: the first newer entry from a peer tells [R-LOG-21] [R-LOG-33]."""
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    await a.join(b)
    await a.join(c)
    await level(a, b, c)
    await mesh.stop("a")
    shutil.copy(mesh.folder / "a.sqlite3", mesh.folder / "old.sqlite3")
    a = await mesh.node("a", a.author)
    await a.write(3)
    await level(a, b, c)
    await mesh.stop("c")
    await a.write(3)
    await level(a, b)
    await mesh.stop("a")
    await mesh.stop("b")
    await mesh.node("c")  # knows three of the six
    old = await mesh.node("a", a.author, home="old")
    await until(lambda: old.own.caution.reason is Reason.BEHIND)
    assert (await refused(old)).code in ("catching_up", "behind")
    told = await old.store.read(unrecognised)
    assert told is not None and "netnode log resume" in told and "netnode key rotate --last " in told
    b = await mesh.node("b", b.author)
    await caught_up(old)
    entry = await appended(old)
    assert (entry.seq, entry.term) == (8, 1)
    await level(old, b)
    assert (await b.items())[old.id].standing is Standing.HEAD


async def test_entries_that_nobody_here_wrote_stay_noted_until_they_are_recognised(mesh: Mesh) -> None:
    """Catching up takes a moment, and the settlement ends the caution: of a stolen key nobody would have heard."""
    a, thief = await mesh.node("a"), Author("a")
    await a.write(2)
    thief.entries = list(a.author.entries)
    thief.write(1)
    b = await mesh.node("b")
    await b.take(thief)
    await a.join(b)
    await until(lambda: a.own.caution.reason is Reason.BEHIND)
    await caught_up(a)
    await appended(a)  # as a stamp or new encryption keys do, unasked
    told = await a.store.read(unrecognised)
    assert a.own.caution.reason is None
    assert told is not None and "above number 2" in told and "key rotate --last 2" in told
    await a.own.caution.resume(anyway=False)
    assert await a.store.read(unrecognised) is None
    with pytest.raises(Problem, match="Nothing holds this node back"):
        await a.own.caution.resume(anyway=False)
    await a.own.caution.begin(Reason.BEHIND, brought=2)
    assert await a.store.read(unrecognised) is not None
    await a.own.caution.settled(rotated=True)
    assert await a.store.read(unrecognised) is None


async def test_whoever_is_cautious_for_what_a_peer_brought_has_noted_it(mesh: Mesh) -> None:
    """A node killed between the two would be cautious, take no note, and nobody hears of a stolen key [R-LOG-33]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    newer = Author("a", entries=list(a.author.entries))
    newer.write(1)
    await b.take(newer)
    told: list[str | None] = []
    a.own.caution.changed = lambda: told.append(a.store.reading(unrecognised))
    await a.join(b)
    await until(lambda: bool(told), "it is cautious")
    assert told[0] is not None and "above number" in told[0]


async def test_newer_own_entries_in_a_file_tell_as_well(mesh: Mesh) -> None:
    """What is carried on a stick was published by this networker: this store is an older copy [R-LOG-33]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    a.author.write(3)
    await b.take(a.author)
    theirs, ours = (LogFiles(NETWORK, each.store, each.gate, each.own, each.projector) for each in (b, a))
    imported = await ours.take(theirs.export(a.id))
    assert imported.added == 3 and a.own.caution.reason is Reason.BEHIND
    assert (await ours.take(theirs.export(a.id))).added == 0


async def test_a_copy_is_another_store(mesh: Mesh) -> None:
    """With a store id of its own and no cursors, so that peers tell it from the home it was made of [R-LOG-31]."""
    a, hub = await mesh.node("a"), await mesh.node("hub")
    await a.join(hub)
    await level(a, hub)
    there = (await hub.store.read(Reader.newest)).store

    async def kept() -> bool:
        return await a.store.read(Reader.cursor, there) is not None

    await until(kept)
    await mesh.stop("a")
    await backup(mesh, "a", "copy")
    a = await mesh.node("a", a.author)
    await until(lambda: hub.sessions() == [a.id])
    mesh.wires.prepare = lambda *ends: ends[3].pause()
    copy = await mesh.node("copy", a.author)
    assert await a.store.read(Reader.cursor, there) is not None
    assert await copy.store.read(Reader.cursor, there) is None
    ids = [(await node.store.read(Reader.newest)).store for node in (a, copy)]
    assert ids[0] != ids[1]
    mesh.wires.prepare = lambda *_: None
    for *_, far in mesh.wires.links:
        far.pause(False)
    await until(lambda: a.own.halted is not None and copy.own.halted is not None, "the hub tells both")


# -- twins ---------------------------------------------------------------------------------------------------
async def test_a_twin_alarm_outlives_a_restart(mesh: Mesh) -> None:
    """Both stop until the owner says that the other is gone; then the rule applies [R-LOG-23]."""
    hub = await mesh.node("hub")
    a, b = await mesh.node("a", Author("same")), await mesh.node("b", Author("same"))
    await a.join(hub)
    await b.join(hub)
    await until(lambda: a.own.halted is not None and b.own.halted is not None)
    problem = await refused(a)
    assert problem.code == "twin" and "netnode log resume" in problem.text
    assert problem.text.startswith("Another node of this networker is running.")
    await mesh.stop("b")
    await mesh.stop("a")
    a = await mesh.node("a", Author("same"))
    assert (await refused(a)).code == "twin"
    found = await a.own.caution.standing()
    assert found.alarm is not None and found.reason is None
    await a.own.caution.resume(anyway=False)
    assert a.own.halted is None and a.own.caution.reason is Reason.COPIED
    await caught_up(a)
    assert (await appended(a)).term == 1


async def test_answers_from_before_an_alarm_do_not_count(mesh: Mesh) -> None:
    """The other copy may have published since they were given [R-LOG-23]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await caught_up(a)
    await mesh.stop("b")
    await until(lambda: a.sessions() == [])
    a.own.caution.alarm("Two.")
    await a.own.caution.resume(anyway=False)
    assert "0 of 1 peer" in (await refused(a)).text
    await mesh.node("b", b.author)
    await caught_up(a)


async def test_the_owner_says_that_the_other_is_gone_and_does_not_wait(mesh: Mesh) -> None:
    """Both in one word."""
    a = await mesh.node("a")
    a.own.caution.alarm("Two.")
    a.own.caution.alarm("Three.")
    assert (a.own.halted or "").startswith("Two. ")
    await a.own.caution.resume(anyway=True)
    assert (await appended(a)).term == 1


async def test_entries_written_since_the_start_tell_of_a_twin(mesh: Mesh) -> None:
    """Of a clone with the same store id no peer can tell; the date of what it writes does [R-LOG-23]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    clone = a.author.after(a.author.entries[-1], time=a.clock.now + 300_000)
    assert (await b.gate.admit([clone])).fault is None
    await until(lambda: a.own.halted is not None)
    assert "is publishing" in (await refused(a)).text and "netnode key rotate" in (await refused(a)).text


async def test_the_own_older_entries_tell_of_no_twin(mesh: Mesh) -> None:
    """What was written before this start is what a backup lacks."""
    a, b = await mesh.node("a"), await mesh.node("b")
    a.author.write(3)
    await b.take(a.author)
    await a.join(b)
    await level(a, b)
    assert a.own.halted is None and a.own.caution.reason is Reason.BEHIND
    await caught_up(a)
    assert (await appended(a)).seq == 5


# -- every backup point --------------------------------------------------------------------------------------
@pytest.mark.parametrize("override", [False, True])
async def test_no_restored_backup_forks_the_log(mesh: Mesh, override: bool) -> None:
    """Restored from every point, with every set of peers in reach: nobody ever holds the proof of a fork [R-LOG-22]."""
    entries, heads = 4, {"b": 2, "c": 4}
    a = await mesh.node("a", Author("me"))
    for name in heads:
        await a.store.write(Writer.put_peer, PeerRow(id=Author(name).id, addresses=(f"ws://{name}",)))
    await mesh.stop("a")
    for point in range(entries + 1):
        await backup(mesh, "a", f"point {point}")
        a = await mesh.node("a", a.author)
        await a.write()
        await mesh.stop("a")
    author = a.author
    for point, *reached in itertools.product(range(entries + 1), (False, True), (False, True)):
        names = [name for name, here in zip(heads, reached, strict=True) if here]
        case = f"{point} {names}"
        peers = {}
        for name, head in heads.items():
            peers[name] = await mesh.node(name, home=f"{name} {case} {override}")
            await peers[name].gate.admit_chains([author.entries[: head + 1]])
            if name not in names:
                await mesh.stop(name)
        shutil.copy(mesh.folder / f"point {point}.sqlite3", mesh.folder / f"{case}.sqlite3")
        a = await mesh.node("a", author, home=case)
        if len(names) == len(heads):
            await caught_up(a)
            assert (await appended(a)).seq == max(point, *heads.values()) + 2, case
        else:
            assert (await refused(a)).code in ("catching_up", "behind"), case
            if override:
                await until(lambda: len(a.sessions()) == len(names))  # noqa: B023
                await a.own.caution.resume(anyway=True)
                await until(_appends(a))
        for name in heads:
            if name not in names:
                peers[name] = await mesh.node(name, home=f"{name} {case} {override}")
        await level(a, *peers.values())
        for node in (a, *peers.values()):
            assert (await node.items())[author.id].standing is Standing.HEAD, case
        for name in ("a", *heads):
            await mesh.stop(name)


async def test_one_backup_put_back_twice(mesh: Mesh) -> None:
    """From every point, after an earlier restore had settled already: with all peers answering nothing forks."""
    a, b = await mesh.node("a", Author("me")), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    await mesh.stop("a")
    for point in range(3):
        await backup(mesh, "a", f"point {point}")
        a = await mesh.node("a", a.author)
        await a.write()
        await level(a, b)
        await mesh.stop("a")
    terms = []
    for number, point in enumerate((0, 2, 0, 1, 1, 2, 0)):
        shutil.copy(mesh.folder / f"point {point}.sqlite3", mesh.folder / f"again {number}.sqlite3")
        a = await mesh.node("a", a.author, home=f"again {number}")
        await caught_up(a)
        terms.append((await appended(a)).term)
        await level(a, b)
        assert (await b.items())[a.id].standing is Standing.HEAD
        assert await b.log(a.id) == await a.log(a.id)
        await mesh.stop("a")
    assert terms == [1, 2, 3, 4, 5, 6, 7]


def _appends(node: NodeUnderTest):  # type: ignore[no-untyped-def]
    async def attempt() -> bool:
        try:
            await node.own.append([RECORD])
        except Problem as problem:
            assert problem.code == "behind"
            return False
        return True

    return attempt
