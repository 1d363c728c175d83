"""Every kind of dishonest peer, in every way it has, on production nodes: what must hold, and the code of SPEC."""

from __future__ import annotations

import pytest

from netnode.simulator.byzantine import KINDS, Villain, blobs
from netnode.simulator.options import Options
from netnode.simulator.world import World
from tests.netnode.simulator.siege import besieged

ELSEWHERE = {
    "eclipser",
    "false-blobs",
    "false-hub",
    "flooder",
    "slow-loris",
}  # every mode of them has a test of its own
EVERY = [(kind.name, mode) for kind in KINDS.values() for mode in kind.modes if kind.name not in ELSEWHERE]


@pytest.mark.parametrize(("kind", "mode"), EVERY, ids=[f"{kind}-{mode}" for kind, mode in EVERY])
def test_no_peer_harms_honest_nodes(kind: str, mode: str) -> None:
    """Nobody honest is cut off or framed, nothing false is stored, nodes level and serve; each deed has its code."""
    assert besieged(kind, mode).villain.deeds.codes, "it did nothing"


def test_every_kind_says_what_it_does() -> None:
    for kind in KINDS.values():
        assert len(kind.what) > 20 and kind.what.endswith((".", "]")), kind.name
        assert kind.modes and len(set(kind.modes)) == len(kind.modes)
    assert list(KINDS) == sorted(KINDS)
    assert set(blobs.MODES) > blobs.FAULTS


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_seed_does_the_same(kind: str) -> None:
    """Mode, deeds and trace follow from the seed and the name."""

    def once(seed: int) -> tuple[str, str | None, list[bytes], list[bytes]]:
        with World(seed, Options(nodes=1)) as world:
            one = Villain("villain", KINDS[kind])

            async def main() -> None:
                node = await world.found("ada", {"stamp_asked": 0})
                await node.start()
                await one.run(world)

            world.run(main())
            assert world.faults == []
            return world.trace.hex, one.mode, list(one.ids), list(one.deeds.signed)

    assert once(3) == once(3)
    assert once(3) != once(4)
