"""What one session fetches the others leave to it, for a moment and once."""

from __future__ import annotations

import asyncio

import pytest

from netnode.sync import claims as claiming
from netnode.sync.claims import CLAIM_SECONDS, Claims
from protocol import messages
from protocol.messages import Body
from protocol.run import RUN_OVERHEAD, entry_weight
from tests.netnode.mesh import Mesh, Puppet, level, until
from tests.netnode.patience import patience
from tests.protocol.author import Author

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def now_ms(self) -> int:
        return int(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    def elapsed(self) -> float:
        return self.monotonic()


def test_a_claim_holds_a_log_back_from_other_sessions_only() -> None:
    table = Claims(Clock())
    assert table.take("one", [A, B]) == {A, B}
    assert table.take("two", [B, C]) == {C}
    assert table.take("one", [A, B, C]) == {A, B}
    table.release("two", [A, B, C])
    assert table.take("two", [A, B]) == set(), "nobody gives back what others claimed"
    table.release("one", [B])
    assert table.take("two", [A, B]) == {B}


def test_a_claim_that_ran_out_holds_nobody_back() -> None:
    """Nor can a second session that stalls claim the log anew: it was held back once."""
    clock = Clock()
    table = Claims(clock)
    table.take("stalls", [A])
    clock.now += CLAIM_SECONDS - 0.1
    assert table.take("two", [A]) == set()
    clock.now += 0.2
    assert table.take("two", [A]) == {A}
    assert table.take("three", [A]) == {A}


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "CLAIMS", 2)
    table = Claims(Clock())
    assert table.take("one", [A, B, C]) == {A, B, C}
    assert table.take("two", [A, B, C]) == {C}


async def test_waiting_ends_with_the_release_of_the_last() -> None:
    table = Claims(Clock())
    table.take("one", [A, B])
    task = asyncio.create_task(table.wait("two", [A, B, C]))
    await asyncio.sleep(0)
    table.release("one", [A])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    table.release("one", [B])
    async with patience(1):
        await task
    await table.wait("one", [A, B, C])  # own claims hold nobody back


async def test_waiting_ends_when_the_claims_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "CLAIM_SECONDS", 0.01)
    table = Claims(Clock())
    table.take("stalls", [A])
    async with patience(1):
        await table.wait("two", [A])


def weight(sent: list[Body]) -> int:
    """Bytes of runs, about."""
    runs = [run for body in sent if isinstance(body, messages.Runs | messages.Push) for run in body.runs]
    return sum(RUN_OVERHEAD + sum(len(entry[3]) + 120 for entry in run.entries) for run in runs)


async def test_a_cold_node_with_four_peers_fetches_each_log_once(mesh: Mesh) -> None:
    """The bytes of a first meeting with four peers are those of one, and a little more."""
    logs = [Author(f"log {index}") for index in range(120)]
    for author in logs:
        author.write(20)
    peers = [await mesh.node(f"peer {number}") for number in range(4)]
    for peer in peers:
        await peer.take(*logs)
    cold = await mesh.node("cold")
    for peer in peers:
        await cold.join(peer)
    await level(cold, *peers)
    once = sum(entry_weight(entry) for author in logs for entry in author.entries)
    assert sum(weight(peer.sent) for peer in peers) < 1.3 * once


async def test_a_peer_that_stalls_holds_no_log_back(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who claims to have everything and sends nothing delays its logs by one claim, not by its silence."""
    monkeypatch.setattr(claiming, "CLAIM_SECONDS", 0.1)
    logs = [Author(f"log {index}") for index in range(5)]
    for author in logs:
        author.write(3)
    items = [
        [0, a.id, 0, 0, len(a.entries) - 1, a.entries[-1].id, 0] for a in sorted(logs, key=lambda a: a.id)
    ]
    cold = await mesh.node("cold")
    stalling = await Puppet.meet(mesh.wires, "cold", Author("stalling"))

    def answer(question: Body) -> Body | None:
        if isinstance(question, messages.Heads):
            cursor = [stalling.session._hello.store, 0, bytes(8)]
            return messages.Items(cursor=cursor, items=items)
        return None

    serving = asyncio.create_task(stalling.serve(answer))
    await until(lambda: any(isinstance(body, messages.Get) for body, _ in stalling.questions))
    honest = await mesh.node("honest")
    await honest.take(*logs)
    await cold.join(honest)

    async def whole() -> bool:
        return await cold.holds(*logs)

    await until(whole)
    serving.cancel()
