"""Who dials whom in a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, get_args

from netnode.ports import Entropy

Topology = Literal["line", "ring", "star", "random"]
TOPOLOGIES: Final[tuple[Topology, ...]] = get_args(Topology)
EXTRA: Final = 0.5  # edges a node has in a random mesh beyond those that hold it together


def edges_of(names: Sequence[str], topology: Topology, entropy: Entropy) -> list[tuple[str, str]]:
    """The edges (dialler, target) of a connected mesh; between two nodes there is one at most.

    Args:
        names: of the nodes, in their order; the first is the middle of a star.
        topology: "line"; "ring"; "star"; or "random", a random tree with half as many edges more as there are nodes.
        entropy: draws a random one.
    """
    if topology == "star":
        return [(name, names[0]) for name in names[1:]]
    if topology == "random":
        return _random(names, entropy)
    edges = [(later, earlier) for earlier, later in pairwise(names)]
    if topology == "ring" and len(names) > 2:
        edges.append((names[0], names[-1]))
    return edges


def _random(names: Sequence[str], entropy: Entropy) -> list[tuple[str, str]]:
    edges: list[tuple[str, str]] = []
    free: list[tuple[str, str]] = []
    for number, name in enumerate(names[1:], 1):
        earlier = list(names[:number])
        entropy.shuffle(earlier)
        edges.append((name, earlier[0]))
        free += [(name, other) for other in earlier[1:]]
    entropy.shuffle(free)
    return edges + free[: int(len(names) * EXTRA)]
