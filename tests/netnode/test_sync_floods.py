"""Strangers in numbers: whom they make this node dial, how long they silence its owner, what they leave on its disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from netnode.home import Home
from netnode.node import _logging
from netnode.ports import LinkClosed
from netnode.problems import Problem
from netnode.quotas import Distance
from netnode.store import Reader, Writer, invites, writer
from netnode.sync import dialling, outreach, sessions
from netnode.sync.addresses import AddressBook
from netnode.sync.claims import CLAIM_SECONDS, Claims
from netnode.sync.conduct import DISCOURAGED_MS, LIMIT, Conduct, Record
from netnode.sync.reach import Asker
from netnode.system import SystemDisk
from protocol import address, messages
from protocol.address import Told
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Cursor, Item, Standing
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, Puppet, quiet, settings, until
from tests.netnode.test_sync_claims import Clock
from tests.protocol.author import NETWORK, Author

A = "11.1.1.1:4747/inx/1"
VICTIM = "ws://99.9.9.9:443/inx/1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))
    monkeypatch.setattr(outreach, "TICK_SECONDS", 0.02)
    yield


async def at(mesh: Mesh, name: str, **config: Any) -> NodeUnderTest:
    plain = replace(settings(), public_address=(f"ws://{name}",))
    return await mesh.node(name, config=replace(plain, **config), home=name.partition(":")[0])


def stated(number: int, *addresses: str) -> list[Any]:
    author = Author(f"sybil {number}")
    statement = address.sign(
        NETWORK, author.signer, networker=author.id, epoch=0, addresses=addresses, time=NOW
    )
    return Told(statement, tuple(author.entries[:1])).wire()


# -- dialling ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ports", [1, 40])
async def test_a_crowd_that_states_one_host_has_it_dialled_once_a_minute(mesh: Mesh, ports: int) -> None:
    """Else whoever makes identities points every node at a host of their choice, as fast as it refuses [R-BOOK-9]."""
    a = await at(mesh, A, outbound_sessions=8)
    dialled: Counter[str] = Counter()
    talk = a.keeper.outreach
    assert talk is not None
    plain = talk._dialer.dial

    async def counted(where: str, *, public: bool = False) -> Any:
        dialled[where] += 1
        return await plain(where, public=public)

    talk._dialer.dial = counted  # type: ignore[method-assign, assignment]
    teller = await Puppet.meet(mesh.wires, A, Author("teller"), features=[5], source="12.1.1.1:1")
    crowd = [stated(each, VICTIM.replace("443", str(443 + each % ports))) for each in range(40)]
    honest = stated(100, "ws://55.5.5.5:443/inx/1")

    def answer(body: messages.Body) -> messages.Body:
        if isinstance(body, messages.AskPeers):
            return messages.Peers(peers=[*crowd, honest])
        return messages.Refuse(code="not_here", text="")

    serving = asyncio.create_task(teller.serve(answer))
    await until(lambda: dialled["ws://55.5.5.5:443/inx/1"] > 0)
    for _ in range(5):
        talk.wake()
        await asyncio.sleep(0.03)
    assert sum(count for where, count in dialled.items() if "99.9.9.9" in where) == 1
    serving.cancel()


def test_looking_through_a_full_book_for_nothing_is_cheap() -> None:
    """Every end of a session makes the node look: the group of an address is not worked out each time."""
    book = AddressBook(bytes(32))
    for each in range(200):
        book.add(each.to_bytes(32), f"ws://11.1.{each}.1:1/inx/1", f"source {each}", NOW)
    known = next(iter(book))
    assert known.group == "11.1.0.0/16"
    assert replace(known, failures=1).group is known.group or replace(known).group == known.group
    assert "group" in type(known).__slots__


# -- silencing -----------------------------------------------------------------------------------------------
def _claiming(puppet: Puppet, own: bytes) -> asyncio.Task[None]:
    """Claims a later own head, and stalls when it is asked for it."""
    cursor = [puppet.session._hello.store, 0, bytes(8)]
    item = Item(Standing.HEAD, own, 0, 0, 1_000, bytes(32), 0).wire()

    def answer(question: messages.Body) -> messages.Body | None:
        if isinstance(question, messages.Heads):
            return messages.Items(cursor=cursor, items=[item])
        return None

    return asyncio.create_task(puppet.serve(answer))


def _open(node: NodeUnderTest, count: int) -> bool:
    return len(node.sessions()) == count


def _asked(puppet: Puppet) -> bool:
    return any(isinstance(body, messages.Get) for body, _ in puppet.questions)


async def test_strangers_who_claim_own_entries_do_not_silence_a_node(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are believed for a moment, a few times, not for as long as they care to stall [R-LOG-21]."""
    monkeypatch.setattr(sessions, "BELIEVED_SECONDS", 0.2)
    a = await mesh.node("a")
    refused = 0
    serving = []
    for number in range(8):
        puppet = await Puppet.meet(mesh.wires, "a", Author(f"liar {number}"))
        await until(partial(_open, a, number + 1))
        serving.append(_claiming(puppet, a.id))
        await until(partial(_asked, puppet))
        try:
            a.own._require_newest(await a.gate.state(a.id))  # type: ignore[arg-type]
        except Problem:
            refused += 1
            await asyncio.sleep(0.25)
            a.own._require_newest(await a.gate.state(a.id))  # type: ignore[arg-type]
    assert 0 < refused <= sessions.BELIEVED[1]
    for each in serving:
        each.cancel()


async def test_a_peer_its_owner_chose_is_believed_until_it_gave_what_it_claims(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-LOG-21]"""
    monkeypatch.setattr(sessions, "BELIEVED_SECONDS", 0.0)
    friend = Author("friend")
    a = await mesh.node("a", follows=[friend])
    puppet = await Puppet.meet(mesh.wires, "a", friend)
    await until(lambda: len(a.sessions()) == 1)
    serving = _claiming(puppet, a.id)
    await until(lambda: _asked(puppet))
    await asyncio.sleep(0.05)
    with pytest.raises(Problem) as refusal:
        a.own._require_newest(await a.gate.state(a.id))  # type: ignore[arg-type]
    assert refusal.value.code == "behind"
    serving.cancel()


# -- holding back --------------------------------------------------------------------------------------------
def test_liars_that_take_turns_hold_a_log_back_no_longer_than_one() -> None:
    """What one did not give, everybody may ask for: the next one to claim it holds nobody back."""
    clock = Clock()
    table, log = Claims(clock), b"a" * 32
    assert table.take("liar 1", [log]) == {log}
    clock.now += CLAIM_SECONDS - 0.1
    table.release("liar 1", [], failed=[log])
    assert table.take("liar 2", [log]) == {log}
    assert table.take("honest", [log]) == {log}


def test_a_log_that_came_after_all_is_claimed_again_another_time() -> None:
    clock = Clock()
    table, log = Claims(clock), b"a" * 32
    table.take("liar", [log])
    table.release("liar", [], failed=[log])
    table.take("honest", [log])
    table.release("honest", [log])
    assert table.take("one", [log]) == {log}
    assert table.take("two", [log]) == set()


def test_what_was_not_given_is_forgotten_in_time() -> None:
    """By itself: nobody has to ask for it again."""
    clock = Clock()
    table = Claims(clock)
    for number in range(100):
        log = number.to_bytes(32)
        table.take("liar", [log])
        table.release("liar", [], failed=[log])
    clock.now += CLAIM_SECONDS + 1
    table.take("liar", [b"b" * 32])
    table.release("liar", [], failed=[b"b" * 32])
    assert table.held == 1


# -- comparing -----------------------------------------------------------------------------------------------
async def test_strangers_that_come_and_go_have_nobody_compared_with_anew(mesh: Mesh) -> None:
    """A node that keeps few logs wants those of its peers too; each newcomer changes that, for all sessions."""
    a = await mesh.node("a", config=settings("followed"), follows=[Author("friend")])
    puppets = []
    serving = []
    for number in range(20):
        puppet = await Puppet.meet(mesh.wires, "a", Author(f"stranger {number}"))
        puppets.append(puppet)
        serving.append(_nothing_new(puppet))
        await until(partial(_open, a, number + 1))
    await quiet(mesh)
    assert a.asked(messages.Interest) <= 20 + 3 * 20, "one each, and one round or two"
    assert a.keeper.interest().wants(Author("stranger 0").id)
    for each in serving:
        each.cancel()


def _nothing_new(puppet: Puppet) -> asyncio.Task[None]:
    cursor = [puppet.session._hello.store, 0, bytes(8)]

    def answer(question: messages.Body) -> messages.Body:
        if isinstance(question, messages.Heads | messages.Changes):
            return messages.Items(cursor=cursor, items=[])
        return messages.Refuse(code="not_here", text="")

    return asyncio.create_task(puppet.serve(answer))


# -- being reached -------------------------------------------------------------------------------------------
async def test_a_crowd_that_guesses_tokens_keeps_nobody_from_joining(mesh: Mesh) -> None:
    """What it uses up is not what those need who show a token that was made here."""
    ada = await mesh.node("a")
    token = b"t" * 16
    await ada.store.write(invites.make, token, None, None, 1, False, "", NOW)
    for number in range(30):
        for guess in range(10):
            asker = Asker(number.to_bytes(32), "66.6.6.6", False)
            with pytest.raises((NotHeld, RemoteProtocolError)) as refusal:
                await ada.reach.answer(messages.Join(token=guess.to_bytes(16)), asker)
            assert refusal.value.code in {"invite", "rate"}
    assert refusal.value.code == "rate", "the crowd is bounded all the same"
    joined = await ada.reach.answer(messages.Join(token=token), Asker(b"f" * 32, "77.7.7.7", False))
    assert joined == messages.Joined(followed=False)


async def test_a_crowd_that_has_itself_dialled_back_does_not_use_up_what_friends_need(mesh: Mesh) -> None:
    ada = await mesh.node("a")
    for number in range(50):
        asker = Asker(number.to_bytes(32), "66.6.6.6", False)
        with contextlib.suppress(RemoteProtocolError):
            await ada.reach.answer(messages.DialBack(port=80), asker)
    with pytest.raises(RemoteProtocolError) as refusal:
        await ada.reach.answer(messages.DialBack(port=80), Asker(b"s" * 32, "66.6.6.6", False))
    assert refusal.value.code == "rate"
    answer = await ada.reach.answer(messages.DialBack(port=80), Asker(b"f" * 32, "77.7.7.7", True))
    assert answer == messages.DialledBack(address="ws://77.7.7.7:80/inx/1", reached=False)


# -- quotas --------------------------------------------------------------------------------------------------
async def test_a_peer_its_owner_just_named_is_a_stranger_to_the_quotas_no_longer(mesh: Mesh) -> None:
    """Not only when the quotas are looked at next: its log would fall with those of the crowd until then."""
    a, b = await mesh.node("a"), await mesh.node("b")
    assert a.keeping.distance(b.id) is Distance.STRANGER
    await a.join(b)
    assert a.keeping.distance(b.id) is Distance.NEAR
    c = await mesh.node("c")
    await a.join(c, known=False)
    await until(lambda: a.keeping.distance(c.id) is Distance.NEAR)


# -- disk ----------------------------------------------------------------------------------------------------
async def test_cursors_of_stores_that_are_made_up_do_not_fill_the_disk(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer names another store in every session: what is kept of them is bounded."""
    monkeypatch.setattr(writer, "CURSORS", 20)
    a = await mesh.node("a")
    for number in range(60):
        store = number.to_bytes(16)
        await a.store.write(Writer.set_cursor, store, Cursor(store, 1, bytes(8)))
        assert await a.store.read(Reader.cursor, store) is not None, "the newest is kept"
    count = await a.store.read(lambda reader: reader.connection.execute("SELECT count(*) FROM cursor").get)
    assert count <= 20


def test_a_flood_from_a_discouraged_host_says_so_once() -> None:
    """A peer does not fill the log."""
    record = Record()
    said = sum(
        record.count("9.9.9.9", Conduct.DUPLICATE, "tells what is known already", NOW) for _ in range(5_000)
    )
    assert said == 1
    assert record.discouraged("9.9.9.9", NOW) is not None
    later = NOW + DISCOURAGED_MS + 1
    assert not record.count("9.9.9.9", Conduct.DUPLICATE, "again", later)
    for _ in range(int(LIMIT)):
        record.count("9.9.9.9", Conduct.DUPLICATE, "again", later)
    assert record.discouraged("9.9.9.9", later) is not None


async def test_who_knocks_and_shows_nothing_leaves_no_line_in_the_log(
    mesh: Mesh, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "netnode")
    a = await mesh.node("a")
    for _ in range(20):
        link = mesh.wires.connect("x", "a")
        await link.send(b"knock")
        with pytest.raises(LinkClosed):
            await link.receive()
    await until(lambda: not a.keeper._running)
    assert [record.getMessage() for record in caplog.records] == []


def test_what_a_peer_says_makes_no_lines_of_its_own_in_the_log(tmp_path: Path) -> None:
    """The text of a `bye` is the peer's: it cannot forge what this program says, nor steer a terminal."""
    home = Home(tmp_path, SystemDisk())
    with _logging(home, "info"):
        logging.getLogger("netnode.sync").info(
            "session with %s ended: %s %s", "x", "busy", "bye\n2026-01-01 ERROR netnode: forged\x1b[2J\u202e"
        )
    lines = home.log_file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    assert "\x1b" not in lines[0] and "\u202e" not in lines[0] and "\\n2026" in lines[0]
