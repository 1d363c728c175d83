"""All kinds of dishonest peers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from netnode.simulator.byzantine import (
    blobs,
    bounds,
    clocks,
    eclipse,
    flooding,
    forking,
    garbage,
    hubs,
    impostors,
    later,
    lying,
    papers,
    relaying,
    replaying,
    retired,
    rollback,
    rotations,
    signatures,
    stalling,
)
from netnode.simulator.byzantine.villain import Kind, Villain

_KINDS: Final = (
    Kind("bad-signer", signatures.bad_signer, signatures.MODES),
    Kind("censor", relaying.censor, relaying.CENSORS),
    Kind("eclipser", eclipse.eclipser, eclipse.MODES),
    Kind("false-blobs", blobs.false_blobs, blobs.MODES),
    Kind("false-hub", hubs.false_hub, hubs.MODES),
    Kind("flooder", flooding.flooder, flooding.MODES),
    Kind("forger", papers.forger, papers.MODES),
    Kind("forker", forking.forker, forking.MODES),
    Kind("garbler", garbage.garbler, garbage.MODES),
    Kind("giant", bounds.giant, bounds.MODES),
    Kind("impostor", impostors.impostor, impostors.MODES),
    Kind("liar", lying.liar, lying.MODES),
    Kind("newcomer", later.newcomer, later.MODES),
    Kind("omitter", relaying.omitter, relaying.OMITS),
    Kind("replayer", replaying.replayer, replaying.MODES),
    Kind("retired-key", retired.retired_key, retired.MODES),
    Kind("reveal-copier", rotations.reveal_copier, rotations.COPIES),
    Kind("rollback", rollback.rollback, rollback.MODES),
    Kind("slow-loris", stalling.slow_loris, stalling.MODES),
    Kind("timeless", clocks.timeless, clocks.MODES),
    Kind("twice-rotated", rotations.twice_rotated, rotations.CONTESTS),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""By name, in order."""


def villain(kind: str, name: str, mode: str | None = None) -> Villain:
    """A dishonest peer of a kind, not yet at work.

    Args:
        kind: a key of KINDS.
        name: its name in the world.
        mode: one of the kind's modes; drawn from the seed when not given.

    Raises:
        KeyError: no such kind.
    """
    return Villain(name, KINDS[kind], mode)
