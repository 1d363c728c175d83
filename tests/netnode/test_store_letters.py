"""Letters in the store: outbox, inbox, mailbox of others, mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from netnode.problems import Problem
from netnode.store import Store, Writer, mail, mailbox, published
from netnode.store import letters as rows
from netnode.store.letters import Arriving, Outgoing
from netnode.system import SystemDisk, SystemEntropy
from protocol import letter_bodies, letters
from protocol.letters import Envelope, Letter
from tests.netnode.test_store import Inline
from tests.protocol.author import NETWORK

TO, OTHER = b"t" * 32, b"o" * 32
NOW = 1_760_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "s", NETWORK, SystemDisk(), Inline(), SystemEntropy())
    yield opened
    await opened.close()


def outgoing(number: int = 0, to: bytes = TO, **more: Any) -> Outgoing:
    content = letter_bodies.encode_content(letter_bodies.Mail(subject=f"s{number}"))
    fields = {"expires": NOW + 1_000, "made": NOW + number, "type": "mail", "content": content}
    return Outgoing(recipient=to, id=number.to_bytes(16, "big"), **{**fields, **more})


def arriving(number: int = 0, **more: Any) -> Arriving:
    fields = {
        "sender": TO, "id": number.to_bytes(16, "big"), "first": number.to_bytes(16, "big"), "expires": NOW + 1_000,
        "type": "mail", "content": b"c", "epoch": 0, "key": b"k" * 32, "stranger": False, "at": NOW,
        "acknowledged": False,
    }  # fmt: skip
    return Arriving(**{**fields, **more})


def letter(number: int = 0, to: bytes = TO, size: int = 100) -> Letter:
    envelope = Envelope(OTHER, to, b"k" * 16, number.to_bytes(16, "big"), NOW + 1_000)
    return letters.assemble(envelope, bytes([1]) * size)


async def test_a_letter_is_queued_with_what_it_carries_or_not_at_all(store: Store) -> None:
    def both(writer: Writer) -> None:
        with writer.transaction(durable=True):
            rows.queue(writer, outgoing())
            raise Problem("the deal's message cannot be stored")

    with pytest.raises(Problem, match="cannot be stored"):
        await store.write(both)
    assert await store.read(rows.waiting, TO, NOW + 9, 9) == []
    number = await store.write(rows.queue, outgoing())
    (row,) = await store.read(rows.waiting, TO, NOW, 9)
    assert (row.i, row.state, row.due, row.first, row.id, row.key) == (
        number,
        "queued",
        NOW,
        bytes(16),
        bytes(16),
        None,
    )


async def test_the_outbox_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WAITING", 2)
    for number in range(2):
        await store.write(rows.queue, outgoing(number))
    with pytest.raises(Problem) as caught:
        await store.write(rows.queue, outgoing(2))
    assert caught.value.code == "outbox_full"
    await store.write(rows.arrived, TO, [bytes(16)], NOW)
    await store.write(rows.queue, outgoing(2))


async def test_only_who_a_letter_is_for_can_end_it(store: Store) -> None:  # [R-LET-17] [R-LET-18]
    number = await store.write(rows.queue, outgoing(type="deal"))
    assert await store.write(rows.arrived, OTHER, [bytes(16)], NOW) == 0
    await store.write(rows.refused, OTHER, bytes(16), "blocked", "no", NOW)
    await store.write(rows.again, OTHER, bytes(16), NOW + 5)
    row = await store.read(rows.out, number)
    assert row is not None and (row.state, row.due) == ("queued", NOW)
    assert await store.write(rows.arrived, TO, [bytes(16)], NOW + 7) == 1
    row = await store.read(rows.out, number)
    assert row is not None and (row.state, row.since, row.due, row.content) == (
        "delivered",
        NOW + 7,
        None,
        b"",
    )
    await store.write(rows.refused, TO, bytes(16), "unknown_type", "no", NOW + 8)
    row = await store.read(rows.out, number)
    assert row is not None and (row.state, row.code) == ("refused", "unknown_type")


async def test_what_is_over_by_another_clock_alone_is_tried_again(store: Store) -> None:  # [R-LET-11]
    number = await store.write(rows.queue, outgoing(type="deal"))
    for attempts, pause in ((1, 30_000), (2, 60_000)):
        await store.write(rows.refused, TO, bytes(16), "letter_expired", "over", NOW)
        row = await store.read(rows.out, number)
        assert row is not None and (row.state, row.code, row.due) == ("queued", "letter_expired", NOW + pause)
        assert row.attempts == attempts and row.content
    await store.write(rows.refused, TO, bytes(16), "letter_expired", "over", row.expires)
    row = await store.read(rows.out, number)
    assert row is not None and (row.state, row.code, row.due) == ("refused", "letter_expired", None)


async def test_what_is_settled_stays_so(store: Store) -> None:
    number = await store.write(rows.queue, outgoing(type="deal"))
    await store.write(rows.settle, [number], NOW + 1)
    await store.write(rows.settle, [number], NOW + 2)
    await store.write(rows.refused, TO, bytes(16), "blocked", "no", NOW + 3)
    row = await store.read(rows.out, number)
    assert row is not None and (row.state, row.since, row.due) == ("settled", NOW + 1, None)


async def test_a_letter_sealed_again_is_known_by_both_ids(store: Store) -> None:  # [R-LET-8]
    number = await store.write(rows.queue, outgoing())
    row = await store.read(rows.out, number)
    assert row is not None
    await store.write(rows.sealed, row, b"n" * 16, b"k" * 16)
    for id in (bytes(16), b"n" * 16):
        assert await store.write(rows.arrived, TO, [id], NOW) == (1 if id == bytes(16) else 0)
    assert await store.write(rows.take, arriving())
    assert not await store.write(rows.take, arriving(id=b"n" * 16))  # its first came
    assert await store.read(rows.known, TO, b"n" * 16)
    assert not await store.write(rows.take, arriving(id=b"m" * 16, first=b"n" * 16))
    assert len(await store.read(rows.incoming, 0, 9)) == 1


async def test_ids_are_remembered_until_the_letter_expires(store: Store) -> None:  # [R-LET-13]
    await store.write(rows.take, arriving())
    await store.write(rows.sweep, NOW + 1_000)
    assert await store.read(rows.known, TO, bytes(16))
    await store.write(rows.sweep, NOW + 1_001 + 120_000)
    assert not await store.read(rows.known, TO, bytes(16))


async def test_what_nobody_took_ends_with_its_time(store: Store) -> None:
    numbers = [await store.write(rows.queue, outgoing(number)) for number in range(2)]
    await store.write(rows.put_off, [numbers[0]], NOW + 9, "mailbox_full", "no room")
    assert await store.write(rows.sweep, NOW + 1_000) == 0
    assert await store.write(rows.sweep, NOW + 1_001) == 2
    for number, text in zip(numbers, ("no room", "nobody took it in time"), strict=True):
        row = await store.read(rows.out, number)
        assert row is not None and (row.state, row.code, row.text, row.due) == (
            "refused",
            "letter_expired",
            text,
            None,
        )


async def test_acks_are_collected_and_gone_once_they_are_written(store: Store) -> None:  # [R-LET-17]
    for number in range(300):
        await store.write(rows.take, arriving(number, acknowledged=True))
    ((sender, ids),) = await store.read(rows.unacknowledged)
    assert sender == TO and len(ids) == 256
    await store.write(rows.acknowledged, outgoing(1, type="ack"), ids)
    ((_, rest),) = await store.read(rows.unacknowledged)
    assert len(rest) == 44 and not set(rest) & set(ids)


async def test_the_next_time_is_that_of_own_and_others(store: Store) -> None:
    assert await store.read(rows.next_due, NOW) is None
    await store.write(rows.queue, outgoing(5))
    assert await store.read(rows.next_due, NOW) == NOW + 5
    assert await store.write(mailbox.forward, letter(), OTHER, NOW + 2)
    assert await store.read(rows.next_due, NOW) == NOW + 2
    [passing] = await store.read(mailbox.kept_for, TO, 0, 9)
    await store.write(mailbox.put_off, [passing.i], NOW + 50)
    assert await store.read(rows.next_due, NOW) == NOW + 5
    assert await store.read(rows.next_due, NOW + 5) == NOW + 50
    assert await store.read(rows.recipients, NOW + 4) == []
    assert await store.read(rows.recipients, NOW + 5) == [TO]
    assert await store.read(mailbox.recipients, NOW + 50) == [TO]


async def test_a_mailbox_knows_what_it_keeps(store: Store) -> None:  # [R-LET-14]
    assert await store.write(mailbox.keep, letter(0), OTHER, True, NOW)
    assert not await store.write(mailbox.keep, letter(0), TO, True, NOW)
    assert await store.write(mailbox.keep, letter(1), TO, False, NOW)
    assert await store.write(mailbox.forward, letter(0), TO, NOW), "it is here"
    one = len(letter().data) + mailbox.ROW_BYTES
    use = await store.read(mailbox.use, TO, OTHER)
    assert (use.recipient, use.carrier) == (2 * one, one)
    assert await store.read(mailbox.used_by_strangers, OTHER) == (one, one)
    assert await store.read(mailbox.figures) == (2, 2 * one)
    kept = await store.read(mailbox.kept_for, TO, 0, 9)
    assert [each.id for each in kept] == [letter(0).envelope.id, letter(1).envelope.id]
    await store.write(mailbox.remove, [kept[0].i])
    assert not await store.read(mailbox.holds, letter(0)) and await store.read(mailbox.holds, letter(1))
    assert await store.write(mailbox.sweep, NOW + 1_001) == 1


async def test_what_is_on_its_way_through_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "FORWARDED", 1)
    assert await store.write(mailbox.forward, letter(0), OTHER, NOW)
    assert not await store.write(mailbox.forward, letter(1), OTHER, NOW)


async def test_mails_are_listed_page_by_page(store: Store) -> None:
    for number in range(5):
        await store.write(mail.put, TO, bytes([number]) * 16, None, f"in {number}", "t", False, NOW + number)
        await store.write(mail.put, TO, bytes([number]) * 16, None, "again", "t", False, NOW)
        await store.write(rows.queue, outgoing(number))
    found: list[str] = []
    place = None
    while page := await store.read(mail.page, "all", place, 3):
        place = page[-1][0]
        found += [row.subject if isinstance(row, mail.MailRow) else f"out {row.i}" for _, row in page]
    assert found == [each for n in range(4, -1, -1) for each in (f"in {n}", f"out {n + 1}")]
    assert (
        len(await store.read(mail.page, "in", None, 9))
        == len(await store.read(mail.page, "out", None, 9))
        == 5
    )
    assert await store.read(mail.unread) == 5
    await store.write(mail.mark_read, 1)
    assert await store.read(mail.unread) == 4
    assert await store.read(mail.find, TO, bytes(16)) == "in-1"
    assert await store.read(mail.find, OTHER, bytes(16)) is None
    assert await store.read(mail.use, TO) == (5 * 513, 0)


async def test_nothing_is_published_by_nobody(store: Store) -> None:
    assert await store.read(published.newest, TO, 8, NOW) is None
