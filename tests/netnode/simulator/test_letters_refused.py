"""Letters that are not taken: whoever wrote them learns of it, also by way of a mailbox host and from a stranger."""

from __future__ import annotations

import pytest

from netnode.mail import inbox
from netnode.mail.seals import Seals
from netnode.operations import models
from netnode.simulator.nodes import SimNode
from netnode.simulator.world import World
from netnode.store import letters as rows
from netnode.store import mailbox
from protocol import encoding, letter_bodies
from protocol.identity import id_text
from protocol.letter_bodies import Ack, Refused, Reply
from protocol.letters import Letter, Opened
from tests.netnode.simulator.correspondents import (
    Stranger,
    alone,
    arrives,
    bring,
    delivery,
    named,
    received,
    send,
    state,
    three,
)
from tests.netnode.simulator.lives import founded, level, run


async def written(node: SimNode, to: bytes) -> list[rows.OutRow]:
    assert node.parts is not None
    return await node.parts.store.read(rows.waiting, to, 2**62, 99)


def test_who_is_refused_learns_it_by_way_of_the_hosts() -> None:  # [R-LET-15] [R-LET-18]
    """The letter waits at a host while its recipient is off, who then blocks its sender: no session between them."""

    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="all")
        await named(one, host)
        await world.advance(60)
        await two.stop()
        name = await send(one, two, "lamp")
        await world.settle(lambda: _is(one, name, "at_mailbox"), 1_200, "it is at the host")
        await one.stop()
        await host.stop()
        await two.start()
        await two.ask(lambda services: services.peers.block(models.PeerBlock(id=id_text(one.id))))
        await host.start()
        await world.settle(lambda: _empty(host, two), 3_600, "the host has let go of it")
        await one.start()
        await world.settle(lambda: _is(one, name, "refused"), 3_600, "its sender has learnt it")
        told = await delivery(one, name)
        assert told.code == "blocked" and told.reason == "no letters are taken from this sender"
        assert await received(two) == []

    run(scene)


async def _is(node: SimNode, name: str, wanted: str) -> bool:
    return await state(node, name) == wanted


async def _empty(host: SimNode, recipient: SimNode) -> bool:
    assert host.parts is not None
    return await host.parts.store.read(mailbox.kept_for, recipient.id, 0, 9) == []


def test_each_refusal_that_stays_is_told_to_the_named_sender_a_few_times() -> None:  # [R-LET-18]
    async def scene(world: World) -> None:
        node, keys = await alone(world)
        assert node.parts is not None
        now, host = node.clock.now_ms(), b"h" * 32
        bad = {"content": b"\x80"}, {"key": b"k" * 16}, {"stamped": False}
        codes = ["letter", "letter_key", "letter_token"]
        for who, changed, code in zip(map(Stranger, ("ada", "eve", "ben")), bad, codes, strict=True):
            for number in range(9):
                data = who.letter(node, keys, now, number=number, **changed)
                assert await bring(node, host, data) == code
            told = [
                letter_bodies.decode_content(each.content).body for each in await written(node, who.author.id)
            ]
            assert [(each.id[-1], each.code) for each in told if isinstance(each, Refused)] == [
                (number, code) for number in range(inbox.NOTICES[0])
            ]
        direct = Stranger("direct")
        data = direct.letter(node, keys, now, stamped=False)
        assert await bring(node, direct.author.id, data) == "letter_token"
        over = direct.letter(node, keys, now, number=1, expires=now - 1)
        assert await bring(node, host, over) == "letter_expired"
        assert await written(node, direct.author.id) == [], "who is there hears it; who waited too long knows"

    run(scene)


def test_an_answer_finds_a_stranger_whose_log_is_not_held() -> None:  # [R-LET-11] [R-LET-17] [R-LET-19]
    async def scene(world: World) -> None:
        node, host = await founded(world, 2, mailbox="all")
        await level(world, node, host)
        assert node.parts is not None
        keys = await node.parts.mail.keys.of(node.id)
        assert keys is not None
        ada, now = Stranger("ada"), node.clock.now_ms()
        reply = Reply(host=host.id, x25519=b"x" * 32)
        mail = letter_bodies.encode_content(letter_bodies.Mail(text="t"), reply=reply)
        odd = {"type": "telepathy", "reply": {"host": host.id, "x25519": b"x" * 32}}
        for number, content in enumerate((mail, encoding.encode(odd))):
            data = ada.letter(node, keys, now, number=number, content=content)
            assert await bring(node, host.id, data) == "False"
        await world.advance(1)
        out = await written(node, ada.author.id)
        bodies = [letter_bodies.decode_content(each.content).body for each in out]
        assert {type(each) for each in bodies} == {Ack, Refused}
        assert {(each.host, each.x25519) for each in out} == {(host.id, b"x" * 32)}
        await world.settle(
            lambda: _reached(node, ada.author.id, host.id), 600, "they are at the host they name"
        )

    run(scene)


async def _reached(node: SimNode, to: bytes, host: bytes) -> bool:
    return {each.place for each in await written(node, to)} == {host}


def test_letters_say_where_answers_go(monkeypatch: pytest.MonkeyPatch) -> None:  # [R-LET-19]
    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="all")
        await named(one, host)
        seen: list[Reply | None] = []
        opening = Seals.open

        async def look(self: Seals, letter: Letter) -> Opened:
            opened = await opening(self, letter)
            seen.append(letter_bodies.decode_content(opened.content).reply)
            return opened

        monkeypatch.setattr(Seals, "open", look)
        await arrives(world, one, await send(one, two, "lamp"))
        assert one.parts is not None
        keys = await one.parts.mail.keys.of(one.id)
        assert keys is not None and seen == [Reply(host=host.id, x25519=keys.x25519)]

    run(scene)


def test_a_full_outbox_holds_up_no_letter_that_comes(monkeypatch: pytest.MonkeyPatch) -> None:  # [R-LET-13]
    """What the node says by itself has room of its own; when that is full, the rest goes on."""

    async def scene(world: World) -> None:
        node, keys = await alone(world)
        assert node.parts is not None
        now, host = node.clock.now_ms(), b"h" * 32
        monkeypatch.setattr(rows, "ANSWERS", 0)
        for number, who in enumerate(map(Stranger, ("ada", "eve"))):
            odd = who.letter(node, keys, now, number=number, content=encoding.encode({"type": "telepathy"}))
            assert await bring(node, host, odd) == "False"
            assert await bring(node, host, who.letter(node, keys, now, number=number + 5)) == "False"
            assert (
                await bring(node, host, who.letter(node, keys, now, number=9, stamped=False))
                == "letter_token"
            )
        await world.advance(1)
        assert await received(node) == ["s5", "s6"] and await node.parts.store.read(rows.incoming, 0, 9) == []
        monkeypatch.setattr(rows, "ANSWERS", 9)
        await world.settle(lambda: _told(node), 60, "they are told once there is room")

    run(scene)


async def _told(node: SimNode) -> bool:
    assert node.parts is not None
    return await node.parts.store.read(rows.unacknowledged) == []


def test_one_sender_does_not_fill_the_inbox(monkeypatch: pytest.MonkeyPatch) -> None:  # [R-LET-12]
    async def scene(world: World) -> None:
        node, keys = await alone(world)
        assert node.parts is not None
        ada, eve, now = Stranger("ada"), Stranger("eve"), node.clock.now_ms()
        monkeypatch.setattr(rows, "UNREAD_OF_ONE", 0)
        assert await bring(node, ada.author.id, ada.letter(node, keys, now)) == "busy"
        monkeypatch.undo()
        monkeypatch.setattr(rows, "KNOWN_OF_ONE", 2)
        said = [await bring(node, ada.author.id, ada.letter(node, keys, now, number=n)) for n in range(4)]
        assert said == ["False", "False", "busy", "busy"]
        assert await bring(node, eve.author.id, eve.letter(node, keys, now)) == "False"

    run(scene)
