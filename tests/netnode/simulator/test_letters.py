"""Letters between simulated production nodes: directly, by mailbox hosts, past renewed keys, crashes and floods."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest

from netnode.mail.reception import Reception
from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.world import World
from netnode.store import letters as rows
from netnode.sync.conversation import TooSlow
from netnode.sync.peering import Peering
from netnode.sync.post import Carrier
from protocol import encoding, letter_bodies, letters, limits
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.signing import Signer
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


# -- ways --------------------------------------------------------------------------------------------------------
def test_a_mail_and_its_answer() -> None:  # [R-LET-11] [R-LET-13]
    async def scene(world: World) -> None:
        one, two, _ = await three(world)
        name = await send(one, two, "lamp")
        await arrives(world, one, name)
        page = await two.ask(lambda services: services.mail.list(models.MailQuery()))
        (mail,) = page.items
        assert (mail.subject, mail.sender, mail.read, mail.text) == ("lamp", id_text(one.id), False, None)
        shown = await two.ask(lambda services: services.mail.show(mail.id))
        assert shown.text == "text of lamp"
        answer = await send(two, one, "thanks", re=mail.id)
        await arrives(world, two, answer)
        (back,) = (await one.ask(lambda services: services.mail.list(models.MailQuery(box="in")))).items
        assert back.re == name
        (mail,) = (await two.ask(lambda services: services.mail.list(models.MailQuery(box="in")))).items
        assert mail.read

    run(scene)


def test_who_is_off_finds_the_mail_at_the_host_when_its_sender_is_off() -> (
    None
):  # [R-LET-14] [R-LET-15] [R-LET-17]
    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="all")
        await two.stop()
        name = await send(one, two, "lamp")

        async def at_host() -> bool:
            return await state(one, name) == "at_mailbox"

        await world.settle(at_host, 120, "at the mailbox")
        assert (await host.ask(lambda services: services.mail.figures())).kept == 1
        await one.stop()
        await two.start()

        async def here() -> bool:
            return await received(two) == ["lamp"]

        await world.settle(here, 120, "the host hands it over")
        (ack,) = await two.parts.store.read(rows.waiting, one.id, 2**62, 9)  # type: ignore[union-attr]
        assert ack.type == "ack"
        await one.start()
        await arrives(world, one, name, 1_200)
        assert (await host.ask(lambda services: services.mail.figures())).kept == 0
        assert await received(two) == ["lamp"]

    run(scene)


def test_the_host_hands_on_at_once_to_who_is_in_session_there() -> None:  # [R-LET-15] [R-LET-16]
    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="all")
        await named(one, host)
        await level(world, one, two, host)
        world.network.partition([one.name], [two.name])
        await world.advance(120)
        name = await send(one, two, "lamp")

        async def here() -> bool:
            return await received(two) == ["lamp"]

        await world.settle(here, 100, "the host hands it over")
        await arrives(world, one, name, 100)  # by an acknowledgement, the same way back

    run(scene)


def test_a_host_keeps_for_those_it_follows_or_for_nobody() -> None:  # [R-LET-14]
    async def scene(world: World) -> None:
        one, two, host = await three(world)
        await two.stop()
        name = await send(one, two, "lamp")

        async def refused() -> bool:
            return (await delivery(one, name)).code == "mailbox"

        await world.settle(refused, 120, "the host says that it keeps nothing")
        assert await state(one, name) == "queued"
        await host.ask(lambda services: services.follows.add(id_text(two.id)))

        async def at_host() -> bool:
            return await state(one, name) == "at_mailbox"

        await world.settle(at_host, 300, "at the mailbox")

    run(scene)


def test_nobody_to_leave_it_with_is_said() -> None:  # [R-LET-11]
    async def scene(world: World) -> None:
        one, two, _ = await three(world, mailbox="off")
        await two.stop()
        name = await send(one, two, "lamp")

        async def tried() -> bool:
            return (await delivery(one, name)).reason is not None

        await world.settle(tried, 120, "a reason")
        assert await state(one, name) == "queued"
        await two.start()
        await arrives(world, one, name, 300)

    run(scene)


def test_blocked_senders_are_refused_with_the_reason() -> None:  # [R-LET-12]
    async def scene(world: World) -> None:
        one, two, _ = await three(world)
        keys = await two.parts.mail.keys.of(one.id)  # type: ignore[union-attr]
        assert keys is not None
        two.connections.sessions._blocked |= {one.id}  # the session stands yet
        name = await send(one, two, "lamp")

        async def refused() -> bool:
            return await state(one, name) == "refused"

        await world.settle(refused, 60, "refused")
        assert (await delivery(one, name)).code == "blocked"

    run(scene)


def test_many_letters_go_page_by_page_and_none_is_hammered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # [R-LET-16]
    async def scene(world: World) -> None:
        one, two, _ = await three(world, mailbox="off")
        await two.stop()
        await world.advance(5)
        sent = [await send(one, two, f"mail {number}") for number in range(150)]
        monkeypatch.setattr(rows, "UNREAD", 0)  # nothing is taken in
        asked = 0
        deliver = Reception.deliver

        async def counted(self: Reception, carrier: Carrier, data: bytes) -> bool:
            nonlocal asked
            asked += 1
            return await deliver(self, carrier, data)

        monkeypatch.setattr(Reception, "deliver", counted)
        await two.start()
        await world.advance(25)
        assert 0 < asked < 10  # by it, and of the host, which is shut
        assert (await delivery(one, sent[0])).code in ("busy", "mailbox")
        monkeypatch.setattr(rows, "UNREAD", 2_000)
        await arrives(world, one, sent[-1], 600)
        assert len(await received(two)) == 150
        assert asked < 170

    run(scene)


def test_a_host_that_does_not_answer_is_waited_for_once_in_a_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # [R-LET-16]
    """Found by kills: orders in a row each waited for half a minute while their recipient was back long since."""

    async def scene(world: World) -> None:
        one, two, host = await three(world)
        await two.stop()
        await host.stop()
        await world.advance(5)
        sent = [await send(one, two, f"mail {number}") for number in range(8)]
        await world.advance(5)
        asked = 0
        deliver = Peering.deliver

        async def stuck(self: Peering, letter: bytes) -> bool:
            nonlocal asked
            if self.id != host.id:
                return await deliver(self, letter)
            asked += 1
            await asyncio.sleep(limits.ANSWER_SECONDS)
            raise TooSlow("answer", "no answer in time")

        monkeypatch.setattr(Peering, "deliver", stuck)
        await host.start()

        async def asked_twice() -> bool:
            return asked >= 2  # the first letter that was due, and then the others

        await world.settle(asked_twice, 120, "the host is asked")
        await two.start()
        for name in sent:
            await arrives(world, one, name, 60)

    run(scene)


# -- keys ----------------------------------------------------------------------------------------------------------
def test_a_letter_to_a_destroyed_key_is_sealed_again_and_comes_once() -> None:  # [R-LET-8] [R-LET-18]
    async def scene(world: World) -> None:
        one, two, host = await three(world, mailbox="all")
        await two.stop()
        name = await send(one, two, "lamp")

        async def at_host() -> bool:
            return await state(one, name) == "at_mailbox"

        await world.settle(at_host, 120, "at the mailbox")
        wall = world.network.partition([one.name], [two.name, host.name])
        await two.start()
        assert two.parts is not None
        before = two.parts.ring.keys.encryption
        # What is left of its keys is made anew before the host can hand over anything.
        await two.ask(lambda services: _new_keys(two))
        assert two.parts.ring.keys.encryption[0] not in before
        world.network.fall(wall)
        await arrives(world, one, name, 3_000)
        assert await received(two) == ["lamp"]
        row = await one.parts.store.read(rows.out, 1)  # type: ignore[union-attr]
        assert row is not None and row.first != row.id

    # The host may be faster than the owner of the recipient: then nothing had to be sealed again.
    run(scene, 3)


async def _new_keys(node: SimNode) -> None:
    assert node.parts is not None and node.services is not None
    await node.parts.ring.change(lambda keys: keys.with_encryption(()))
    await node.services.keys.renew()


def test_a_letter_to_an_unknown_key_is_asked_for_again_a_few_times() -> None:  # [R-LET-18]
    async def scene(world: World) -> None:
        one, two, host = await three(world)
        assert two.parts is not None
        keys = await two.parts.mail.keys.of(two.id)
        assert keys is not None
        eve, now = Stranger("eve"), two.clock.now_ms()
        for number in range(6):
            data = eve.letter(two, keys, now, number=number, sender=one.id, key=b"k" * 16)
            assert await bring(two, host.id, data, here=True) == "letter_key"
        await world.advance(10)
        asked = two.parts.store.reading(
            lambda reader: reader.connection.execute(
                "SELECT state FROM outbox WHERE type = 'refused'"
            ).fetchall()
        )
        assert asked == [("delivered",)] * 3  # nobody makes it write more, or has the named sender troubled

    run(scene)


# -- crashes -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("victim", [0, 1, 2])
def test_power_goes_at_any_commit_and_each_mail_comes_once(victim: int, seed: int) -> None:  # [R-LET-13]
    async def scene(world: World) -> None:
        nodes = await three(world, mailbox="all")
        one, two, _ = nodes
        chance = world.chance("scene")
        sent: dict[str, str] = {}
        if chance.below(2):
            await two.stop()
        nodes[victim].disk.doom(commit=1 + chance.below(10))
        for number in range(4):
            subject = f"mail {number}"
            with suppress(Down, Problem):
                sent[await send(one, two, subject)] = subject
            await world.advance(chance.uniform(0.0, 3.0))
        nodes[victim].crash()
        for node in nodes:
            await node.gone()
            if not node.up:
                await node.start()

        async def all_here() -> bool:
            states = [await state(one, name) for name in sent]
            return states == ["delivered"] * len(sent) and set(sent.values()) <= set(await received(two))

        await world.settle(all_here, 3_000, "all mails arrive")
        got = await received(two)
        assert len(got) == len(set(got))

    run(scene, seed)


# -- what strangers bring ------------------------------------------------------------------------------------------
def test_each_fault_of_a_letter_has_its_code() -> None:  # [R-LET-9] [R-LET-10] [R-LET-12]
    async def scene(world: World) -> None:
        node, keys = await alone(world)
        assert node.parts is not None
        now = node.clock.now_ms()
        ada, eve = Stranger("ada"), Stranger("eve")
        me = ada.author.id
        good = ada.letter(node, keys, now)
        expected = {
            "letter": [b"", b"\x90", good[:-1], ada.letter(node, keys, now, content=b"\x80", number=20)],
            "letter_expired": [
                ada.letter(node, keys, now, expires=now - 1),
                ada.letter(node, keys, now, expires=now + 31 * DAY_MS),
            ],
            "letter_key": [ada.letter(node, keys, now, key=b"k" * 16)],
            "letter_token": [ada.letter(node, keys, now, stamped=False)],
            "mailbox": [ada.letter(node, keys, now, recipient=eve.author.id)],
        }
        for code, hostile in expected.items():
            for each in hostile:
                assert await bring(node, me, each) == code
        assert await bring(node, me, eve.letter(node, keys, now, sender=me), here=True) == "letter"
        assert await bring(node, me, ada.letter(node, keys, now, stamped=False), here=True) == "False"
        assert await bring(node, me, ada.letter(node, keys, now)) == "False"  # the same again
        unknown = encoding.encode({"type": "telepathy"})
        assert await bring(node, me, ada.letter(node, keys, now, number=7, content=unknown)) == "False"
        await world.advance(1)
        assert await received(node) == ["s0"]
        out = await node.parts.store.read(rows.waiting, me, 2**62, 9)
        assert [letter_bodies.decode_content(each.content).body for each in out] == [
            letter_bodies.Refused(
                id=(7).to_bytes(16, "big"),
                code="unknown_type",
                text="letters of type telepathy are not known here",
            )
        ]

    run(scene)


def test_a_token_is_as_good_as_a_stamp_until_it_is_over() -> None:  # [R-LET-9]
    async def scene(world: World) -> None:
        (node,) = await founded(world, 1)
        await world.advance(2)
        assert node.parts is not None
        keys, witness = await node.parts.mail.keys.of(node.id), node.parts.own.witness()
        assert keys is not None and witness is not None
        now = node.clock.now_ms()
        ada = Stranger("ada")

        def token(signer: Signer, expires: int) -> bytes:
            return letters.sign_token(
                "inx", signer, recipient=node.id, sender=ada.author.id, expires=expires, epoch=0
            )

        for number, (signer, expires, said) in enumerate(
            [
                (witness.signer, now + 1_000, "False"),
                (witness.signer, now - 1, "letter_token"),
                (ada.author.signer, now + 1_000, "letter_token"),
            ]
        ):
            data = ada.letter(node, keys, now, number=number, stamped=False, token=token(signer, expires))
            assert await bring(node, ada.author.id, data) == said

    run(scene)


def test_nothing_of_a_letter_stands_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(world: World) -> None:
        logging.getLogger("netnode").setLevel(logging.DEBUG)
        logging.getLogger("netnode").propagate = True
        one, two, _ = await three(world, mailbox="all")
        await two.stop()
        name = await send(one, two, "SECRET")
        await world.advance(60)
        await two.start()
        await arrives(world, one, name, 1_200)
        (node_keys,) = {await two.parts.mail.keys.of(two.id)}  # type: ignore[union-attr]
        assert node_keys is not None
        bad = Stranger("ada")
        content = encoding.encode({"type": "mail", "text": "SECRET", "subject": 7})
        await bring(two, bad.author.id, bad.letter(two, node_keys, two.clock.now_ms(), content=content))

    with caplog.at_level(logging.DEBUG, logger="netnode"):
        run(scene)
    assert caplog.records
    assert "SECRET" not in caplog.text
