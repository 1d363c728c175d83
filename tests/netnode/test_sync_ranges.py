"""Nodes that keep many logs compare them by ranges: one exchange for both directions, heads where that fails."""

from __future__ import annotations

import pytest

from netnode.store import Reader
from protocol import limits, messages
from tests.netnode.mesh import Mesh, level, quiet, settings, until
from tests.protocol.author import Author


@pytest.fixture(scope="module")
def crowd() -> list[Author]:
    """More logs than one page of heads; each can be held one entry shorter."""
    made = [Author(f"crowd {index}") for index in range(limits.RANGES_FROM + 30)]
    for author in made:
        author.write(2)
    return made


async def test_strangers_compare_by_ranges_and_both_level(mesh: Mesh, crowd: list[Author]) -> None:
    """The dialler asks, the listener does not; neither asks for heads; what differs is fetched [R-RNG-5]."""
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.take(*crowd[:-3])
    await b.take(*crowd[3:])
    ahead = [Author(f"ahead {index}") for index in range(4)]
    for author in ahead:
        author.write(3)
    for index, author in enumerate(ahead):
        long, short = (a, b) if index % 2 else (b, a)
        await long.gate.admit_chains([author.entries])
        await short.gate.admit_chains([author.entries[:2]])
    await a.join(b)
    await level(a, b)
    assert await a.holds(*crowd, *ahead) and await b.holds(*crowd, *ahead)
    await quiet(mesh)
    assert a.asked(messages.Heads) == b.asked(messages.Heads) == 0
    assert 2 <= a.asked(messages.Ranges) <= 5 and b.asked(messages.Ranges) == 0
    for one, other in ((a, b), (b, a)):
        store = (await other.store.read(Reader.newest)).store
        assert await one.store.read(Reader.cursor, store) is not None, "changes go on from here next time"
