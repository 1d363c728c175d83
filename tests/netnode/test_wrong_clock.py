"""A clock that is wrong, or was: what its owner is told, what peers do, and the way back."""

from __future__ import annotations

import pytest

from netnode.own import evidence
from netnode.problems import ExitCode, Problem
from netnode.services.settling import OwnWork
from netnode.sync import dialling
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.entry import SETTLEMENT
from protocol.items import Standing
from protocol.kinds import decode_record
from protocol.records import Settlement
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, level, until
from tests.protocol.author import odd_record


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "BACK_OFF", (0.01, 0.05))


async def publish(node: NodeUnderTest, *notes: object) -> list[bytes]:
    return [entry.id for entry in await node.own.append([(1, odd_record(note)) for note in notes])]


async def refused(node: NodeUnderTest) -> Problem:
    with pytest.raises(Problem) as raised:
        await publish(node, "no")
    assert (raised.value.exit_code, raised.value.code) == (ExitCode.REFUSED, "clock")
    return raised.value


async def test_a_clock_behind_the_newest_entry(mesh: Mesh) -> None:
    """A computer that forgot the time at its start publishes nothing; once the clock is set it goes on."""
    a = await mesh.node("a")
    await publish(a, 1)
    a.clock.now = NOW - limits.CLOCK_TOLERANCE_MS
    await publish(a, "within the tolerance")
    a.clock.now -= 1
    text = (await refused(a)).text
    assert "Set the clock if it is wrong" in text and "--from 1," in text
    a.clock.now = NOW
    (after,) = await a.own.append([(1, odd_record(2))])
    assert (after.seq, after.term) == (3, 0)


async def test_a_home_that_was_made_in_the_future_is_told_of_no_entry_below_its_first(mesh: Mesh) -> None:
    """There is nothing to take back to: it was told `--from 0`, which the command refuses."""
    a = await mesh.node("a")
    await publish(a, 1)
    a.clock.now -= 400 * DAY_MS
    text = (await refused(a)).text
    assert "Even your first entry" in text and "--from" not in text


async def test_entries_of_the_future_are_taken_back(mesh: Mesh) -> None:
    """Published offline with a clock that was days ahead: a settlement below them, and everybody follows [R-LOG-4]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    kept = await publish(a, 1, 2)
    await level(a, b)
    a.clock.now += 40 * DAY_MS
    wrong = await publish(a, 3, 4, 5)
    await level(a, b)
    a.clock.now = NOW
    text = (await refused(a)).text
    assert "log settle --from 3" in text
    with pytest.raises(Problem, match="log settle --from 3"):  # not below all of them
        await a.own.take_back(4)
    entry, stays, left = await a.own.take_back(3)
    assert (entry.kind, entry.seq, entry.term, entry.prev) == (SETTLEMENT, 3, 1, kept[-1])
    assert stays.tip.id == kept[-1] and [each.id for each in left.entries] == wrong
    assert decode_record(SETTLEMENT, entry.record or b"") == Settlement(branches=((5, wrong[-1]),))
    (after,) = await a.own.append([(1, odd_record("again"))])
    assert (after.seq, after.time) == (4, NOW)
    await level(a, b)
    assert (await b.items())[a.id].standing is Standing.HEAD
    assert await b.log(a.id) == await a.log(a.id)
    shown = {exhibit.entry.id for exhibit in await a.store.read(evidence.exhibits, a.id)}
    assert set(wrong) <= shown
    await publish(a, "and on")


async def test_what_cannot_be_taken_back(mesh: Mesh) -> None:
    """The inception, what is not there, and what lies below the newest settlement: that takes a rotation."""
    a = await mesh.node("a")
    for first in (-1, 0, 1, 7):
        with pytest.raises(Problem) as raised:
            await a.own.take_back(first)
        assert (raised.value.exit_code, raised.value.code) == (ExitCode.NOT_FOUND, "no_entry")
    await publish(a, 1, 2)
    await a.own.take_back(2)
    await publish(a, 3)
    for first in (1, 2):
        with pytest.raises(Problem, match=f"key rotate --last {first - 1}") as raised:
            await a.own.take_back(first)
        assert (raised.value.exit_code, raised.value.code) == (ExitCode.REFUSED, "closed_term")
    entry, _, _ = await a.own.take_back(3)
    assert (entry.seq, entry.term) == (3, 2)


async def test_the_clock_is_far_ahead_while_running(mesh: Mesh) -> None:
    """Sessions that are open go on; the ten minutes of caution do not pass by it [R-LOG-22]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    for number in range(3):
        await a.own.caution.answered(bytes(31) + bytes([number]), f"network {number}")
    a.clock.now += 20 * DAY_MS
    assert ((await a.own.caution.standing()).seconds or 0) > 500
    await publish(b, 1)
    await level(a, b)
    assert a.sessions() == [b.id]


async def test_a_certificate_expires_with_a_jump(mesh: Mesh) -> None:
    """The peer whose clock is right refuses a session; back in time, they meet again."""
    a, b = await mesh.node("a"), await mesh.node("b")
    b.clock.now = NOW + 31 * DAY_MS  # the certificates of the test end before
    await a.join(b)
    await until(lambda: len(mesh.wires.links) > 2, "it dialled again and again")
    assert b.sessions() == []
    b.clock.now = NOW
    await until(lambda: b.sessions() == [a.id])
    await level(a, b)


async def test_the_operation_takes_a_first_entry_or_a_branch(mesh: Mesh) -> None:
    """What `log settle --from` asks of the node: named contents of what left, in order."""
    a = await mesh.node("a")
    await publish(a, 1, 2, 3)
    work = OwnWork(a.own, a.store, a.projector)
    with pytest.raises(Problem, match="not both") as raised:
        await work.settle("abcd", 2)
    assert raised.value.exit_code is ExitCode.USAGE
    done = await work.settle(None, 2)
    assert (done.seq, done.term, done.goes_on.seq) == (2, 1, 1)
    assert [(each.seq, each.entries) for each in done.left] == [(3, 2)]
