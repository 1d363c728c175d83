"""Every kind of dishonest peer, in every way it has, on production nodes: what must hold, and the code of SPEC."""

from __future__ import annotations

import pytest

from netnode.simulator.byzantine import KINDS, Villain, blobs, garbage, papers
from netnode.simulator.byzantine.later import REFUSED
from netnode.simulator.byzantine.lying import PROTOCOL_FAULTS
from netnode.simulator.options import Options
from netnode.simulator.world import World
from tests.netnode.simulator.siege import besieged

EVERY = [(kind.name, mode) for kind in KINDS.values() for mode in kind.modes]
# What a node says to a deed, where the kinds themselves do not name it: act, outcome.
SAYS = {
    ("bad-signer", "bad anchor"): "signature",
    ("bad-signer", "unproved tail"): "signature",
    ("bad-signer", "out of time"): "time_order",
    ("bad-signer", "after close"): "after_close",
    ("flooder", "questions"): "refused rate",
    ("flooder", "interests"): "too_large",
    ("flooder", "unknown messages"): "refused unknown_message",
    ("flooder", "addresses asked"): "refused rate",
    ("giant", "epoch beyond"): "bad_message",
    ("giant", "seq beyond"): "bad_message",
    ("giant", "limit beyond"): "bad_message",
    ("giant", "record beyond"): "header",
    ("liar", "wrong runs"): "signature",
    ("newcomer", "messages"): "refused unknown_message",
    ("omitter", "never answers"): "answer",
    ("replayer", "sealed bytes"): "link 1002",
    ("replayer", "handshake"): "link 1002",
    ("retired-key", "standing"): "signature",
    ("reveal-copier", "before the rotation"): "signature",
    ("slow-loris", "silent"): "link 1002",
    ("slow-loris", "after noise 1"): "link 1002",
    ("slow-loris", "after noise 3"): "handshake",
    ("slow-loris", "silent in session"): "answer",
    ("timeless", "expired"): "link 1002",
    ("timeless", "valid for too long"): "link 1002",
    **{("garbler", mode): code for mode, code in garbage.CODES.items()},
    **{("forger", mode): code for mode, code in papers.CODES.items()},
    **{("liar", mode): "bad_message" for mode in PROTOCOL_FAULTS - {"wrong runs"}},
    **{("newcomer", mode): code for mode, code in REFUSED.items()},
}


@pytest.mark.parametrize(("kind", "mode"), EVERY, ids=[f"{kind}-{mode}" for kind, mode in EVERY])
def test_no_peer_harms_honest_nodes(kind: str, mode: str) -> None:
    """Nobody honest is cut off or framed, nothing false is stored, nodes level and serve; each deed has its code."""
    siege = besieged(kind, mode)
    codes = siege.villain.deeds.codes
    assert codes, "it did nothing"
    expected = SAYS.get((kind, mode))
    if expected is not None:
        assert set(codes[mode]) == {expected}


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
