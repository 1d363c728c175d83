"""What strangers may take of inboxes and mailboxes of simulated nodes."""

from __future__ import annotations

from typing import Any

import pytest

from netnode.mail.mailbox import SHARE
from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.world import World
from netnode.store import mailbox
from protocol import letter_bodies, letters
from protocol.identity import id_text
from protocol.signing import Signer
from tests.netnode.simulator.correspondents import (
    Stranger,
    alone,
    arrives,
    bring,
    received,
    send,
    state,
    three,
)
from tests.netnode.simulator.lives import founded, level, run


def test_a_stranger_fills_neither_the_inbox_nor_a_mailbox() -> None:  # [R-LET-12] [R-LET-14]
    async def scene(world: World) -> None:
        node, friend = await founded(world, 2, mailbox="all", mailbox_mb=1, mailbox_pool_mb=1)
        await level(world, node, friend)
        await world.advance(2)
        assert node.parts is not None
        now = node.clock.now_ms()
        keys, others = await node.parts.mail.keys.of(node.id), await node.parts.mail.keys.of(friend.id)
        assert keys is not None and others is not None
        text = letter_bodies.encode_content(letter_bodies.Mail(text="x" * 10_000))
        ada, eve = Stranger("ada"), Stranger("eve")
        for who in (ada, eve):  # to the node itself: one pool for all strangers
            said = [
                await bring(node, who.author.id, who.letter(node, keys, now, number=n, content=text))
                for n in range(120)
            ]
            assert said[-1] == "mailbox_full"
            await world.advance(5)
        assert len(await received(node)) < 110
        kept: dict[bytes, int] = {}
        brought = {
            who: [who.letter(friend, others, now, number=n, content=text) for n in range(60)]
            for who in (ada, eve)
        }
        await friend.stop()
        for who, data in brought.items():  # to another one: a quarter each
            said = [await bring(node, who.author.id, each) for each in data]
            kept[who.author.id] = said.count("True")
            assert said[-1] == "mailbox_full"
        assert all(0 < count <= 1024 * 1024 // SHARE // 10_000 for count in kept.values())
        used = await node.parts.store.read(mailbox.figures)
        assert used[1] <= 1024 * 1024
        await friend.start()  # whoever is known has room all the same
        await node.ask(lambda services: services.follows.add(id_text(friend.id)))
        assert await state(friend, await send(friend, node, "lamp")) in ("queued", "delivered")
        await arrives(world, friend, "out-1")

    run(scene)


def test_a_name_on_the_frame_is_no_way_into_the_room_of_friends() -> None:  # [R-LET-14]
    async def scene(world: World) -> None:
        node, friend, third = await founded(world, 3, mailbox="all", mailbox_mb=1, mailbox_pool_mb=1)
        await level(world, node, friend, third)
        await node.ask(lambda services: services.follows.add(id_text(friend.id)))
        await world.advance(2)
        assert node.parts is not None
        keys = await node.parts.mail.keys.of(third.id)
        assert keys is not None
        eve = Stranger("eve")
        text = letter_bodies.encode_content(letter_bodies.Mail(text="x" * 10_000))
        now = node.clock.now_ms()
        assert (
            await bring(node, eve.author.id, eve.letter(third, keys, now, sender=friend.id, stamped=False))
            == "letter_token"
        )
        said = [
            await bring(
                node,
                eve.author.id,
                eve.letter(third, keys, now, number=n, content=text),
            )
            for n in range(60)
        ]
        assert said[-1] == "mailbox_full"
        own = eve.letter(third, keys, now, number=99, sender=friend.id)
        assert await bring(node, friend.id, own) == "True"  # as if the friend had brought it
        carried = Stranger("carried").letter(third, keys, now, number=98)
        assert (
            await bring(node, friend.id, carried) == "True"
        )  # in the strangers' room, whoever vouches for it
        flags = node.parts.store.reading(
            lambda reader: reader.connection.execute(
                "SELECT stranger FROM mailbox WHERE carrier = ? ORDER BY i", (friend.id,)
            ).fetchall()
        )
        assert flags == [(0,), (1,)]

    run(scene)


def test_recipients_who_are_made_up_give_no_room_at_a_mailbox() -> None:  # [R-LET-9] [R-LET-14]
    """Whoever invents a key signs tokens with it: without a log here they count as none."""

    async def scene(world: World) -> None:
        node, keys = await alone(world, mailbox="all", mailbox_mb=1, mailbox_pool_mb=1)
        assert node.parts is not None
        now, eve = node.clock.now_ms(), Stranger("eve")
        text = letter_bodies.encode_content(letter_bodies.Mail(text="x" * 10_000))

        def to_nobody(number: int, **more: Any) -> bytes:
            nobody = Signer(bytes([number]) * 32)
            token = letters.sign_token(
                "inx", nobody, recipient=nobody.public, sender=eve.author.id, expires=now + 1_000, epoch=None
            )
            return eve.letter(
                node, keys, now, number=number, recipient=nobody.public, token=token, content=text, **more
            )

        assert await bring(node, eve.author.id, to_nobody(1, stamped=False)) == "letter_token"
        said = [await bring(node, eve.author.id, to_nobody(number)) for number in range(2, 60)]
        assert said[-1] == "mailbox_full", "one pool, however many recipients"

    run(scene)


def test_who_brings_what_nobody_can_read_has_to_wait() -> None:  # [R-LET-12]
    async def scene(world: World) -> None:
        node, keys = await alone(world)
        assert node.parts is not None
        ada, now = Stranger("ada"), node.clock.now_ms()
        said = [
            await bring(node, ada.author.id, ada.letter(node, keys, now, number=n, content=b"\xc0"))
            for n in range(40)
        ]
        assert said[0] == "letter" and said[-1] == "rate"
        other = Stranger("other")
        assert await bring(node, other.author.id, other.letter(node, keys, now)) == "False"
        await world.advance(120)
        assert await bring(node, ada.author.id, ada.letter(node, keys, now, number=50)) == "False"

    run(scene)


# -- silence -------------------------------------------------------------------------------------------------------


def test_mail_that_is_removed_makes_room() -> None:  # [R-LET-12]
    """Else whoever filled the room of strangers once would have shut it for all of them."""

    async def scene(world: World) -> None:
        node, keys = await alone(world, mailbox_pool_mb=1)
        now, eve, ada = node.clock.now_ms(), Stranger("eve"), Stranger("ada")
        text = letter_bodies.encode_content(letter_bodies.Mail(text="x" * 10_000))
        for number in range(120):
            said = await bring(node, eve.author.id, eve.letter(node, keys, now, number=number, content=text))
        assert said == "mailbox_full"
        await world.advance(5)
        refused = ada.letter(node, keys, now, content=text)
        assert await bring(node, ada.author.id, refused) == "mailbox_full"
        # More than one, since letters are counted once they were looked into.
        page = await node.ask(lambda services: services.mail.list(models.MailQuery(limit=10)))
        for each in page.items:
            await node.ask(lambda services, each=each: services.mail.remove(each.id))
        with pytest.raises(Problem) as gone:
            await node.ask(lambda services: services.mail.show(page.items[0].id))
        assert gone.value.code == "no_mail"
        assert await bring(node, ada.author.id, refused) == "False"

    run(scene)


def test_a_sent_mail_is_removed_once_it_is_not_on_its_way() -> None:
    async def scene(world: World) -> None:
        one, two, _ = await three(world)
        await two.stop()
        name = await send(one, two, "lamp")
        with pytest.raises(Problem) as waits:
            await one.ask(lambda services: services.mail.remove(name))
        assert waits.value.code == "waits"
        await two.start()
        await arrives(world, one, name)
        await one.ask(lambda services: services.mail.remove(name))
        assert (await one.ask(lambda services: services.mail.list(models.MailQuery()))).items == []
        assert await received(two) == ["lamp"], "the other side keeps theirs"

    run(scene)
