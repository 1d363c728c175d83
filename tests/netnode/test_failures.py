"""What fails in a node and is outlived is logged, counted, and told to its owner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from netnode import upkeep
from netnode.failures import DIALLING, SESSION, Failures
from netnode.operations import models
from netnode.periodic import Periodic, run_all
from netnode.problems import Problem
from netnode.simulator.world import World
from netnode.sync.book import Book
from netnode.sync.peering import Peering
from tests.netnode.mesh import Mesh, until
from tests.netnode.patience import patience

FULL = "The disk is full."


def test_a_problem_is_logged_by_its_sentence_a_fault_by_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    failures = Failures()
    assert failures.counts() == {}
    failures.outlived("a chore", Problem(FULL), "a chore of Ada")
    failures.outlived("a chore", ZeroDivisionError("a bug"), "a chore of Bob")
    failures.outlived(SESSION, ZeroDivisionError("another"), "session with Ada")
    problem, fault, _ = caplog.records
    assert problem.getMessage() == f"a chore of Ada failed: {FULL}" and problem.exc_info is None
    assert fault.getMessage() == "a chore of Bob failed"
    assert fault.exc_info is not None and str(fault.exc_info[1]) == "a bug"
    assert failures.counts() == {"a chore": 2, SESSION: 1}


async def test_a_chore_that_fails_is_tried_again_and_ends_no_other() -> None:
    @dataclass
    class Chore:
        faults: list[Exception]
        rounds: asyncio.Event = field(default_factory=asyncio.Event)

        async def run(self) -> None:
            if self.faults:
                raise self.faults.pop()
            self.rounds.set()

    failures = Failures()
    bad, good = Chore([Problem(FULL), ZeroDivisionError()]), Chore([])
    chores = [Periodic("bad", 0.0, bad.run), Periodic("good", 0.0, good.run)]
    running = asyncio.create_task(run_all(chores, failures))
    async with patience(10.0):
        await bad.rounds.wait()
        await good.rounds.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert failures.counts() == {"bad": 2}


async def test_a_fault_in_a_session_ends_that_session_alone(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    a, b, c = await mesh.node("a"), await mesh.node("b"), await mesh.node("c")
    whole = Peering.run

    async def run(self: Peering) -> tuple[str, str]:
        if self.address == "ws://b":
            raise ZeroDivisionError("a bug")
        return await whole(self)

    monkeypatch.setattr(Peering, "run", run)
    await a.join(b)
    await a.join(c)
    await until(lambda: a.sessions() == [c.id])
    await until(lambda: "session with " in caplog.text)
    assert "ZeroDivisionError: a bug" in caplog.text


def test_the_owner_of_a_node_sees_how_often_which_task_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the status and by the doctor, from wherever in the node."""

    def failing(*_: object) -> NoReturn:
        raise Problem(FULL)

    async def unwell(*_: object) -> NoReturn:
        raise Problem(FULL)

    async def scene(world: World) -> tuple[models.Status, models.Examined]:
        ada, bob = await world.found("ada"), await world.found("bob")
        await ada.start()
        monkeypatch.setattr(upkeep, "purge_old", unwell)
        monkeypatch.setattr(Peering, "run", unwell)
        monkeypatch.setattr(Book, "note", unwell)
        await bob.start([ada.address])

        async def seen() -> bool:
            return len((await bob.ask(lambda each: each.node.status())).failures) > 2

        await world.settle(seen, 300.0, "failing")
        return (
            await bob.ask(lambda each: each.node.status()),
            await bob.ask(lambda each: each.doctor.examine()),
        )

    with World(1) as world:
        status, examined = world.run(scene(world))
        assert world.faults == []
    assert set(status.failures) == {"letting go of old records", SESSION, DIALLING}
    (told,) = [check for check in examined.checks if check.name == "tasks"]
    total = sum(status.failures.values())
    assert told.state == "warn" and told.text.startswith(f"{total:,} tasks of the node failed")
    assert f"{SESSION} ({status.failures[SESSION]:,})" in told.text
