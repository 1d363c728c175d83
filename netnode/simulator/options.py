"""What one run is made of: drawn from its seed, so that runs differ in kind and not only in order (swarm testing).

Each class of fault is on or off as a whole: a run with every fault on at once hides what one alone would show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

LINK_FAULTS: Final = ("clog", "half_open", "partition", "refuse", "reset", "slow_reader", "stall")
NODE_FAULTS: Final = ("clock", "crash", "disk_error", "disk_full", "restart")
FAULTS: Final = (*LINK_FAULTS, *NODE_FAULTS)
DEALINGS: Final = ("arbiters", "mandates")  # what there is in deals beside plain sales
TOPOLOGIES: Final = ("line", "ring", "star", "random")
MAX_NODES: Final = 32  # why: more than a few take minutes a run and find nothing new


class Draws(Protocol):
    """What options are drawn from; `netnode.simulator.chance.Stream`."""

    def random(self) -> float:
        """A number from 0 to below 1."""

    def below(self, bound: int) -> int:
        """A whole number from 0 to below `bound`."""

    def choice(self, members: Sequence[T]) -> T:
        """One of them."""

    def uniform(self, low: float, high: float) -> float:
        """A number between."""


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes, rates and faults of one run.

    Attributes:
        nodes: honest nodes at the beginning; a scenario may add copies and dishonest peers.
        followers: of these, nodes that keep only the logs of those they follow.
        topology: who knows whom at the beginning, one of TOPOLOGIES.
        seconds: virtual seconds of trouble, after which faults end and everything has to level.
        faults: the classes of faults that happen, of FAULTS.
        fault_every: mean virtual seconds between two faults.
        act_every: mean virtual seconds between two actions of one networker.
        latency_ms: one way, of the slowest link.
        jitter_ms: on top of it.
        bandwidth: bytes per virtual second of a link; 0: no bound.
        skew_ms: the most a clock is off at the beginning, either way.
        text: characters of the longest description.
        blob: bytes of the largest blob.
        pool_mb: room for all strangers' logs together at each node.
        near_mb: the same for those near.
        peers: sessions a node seeks by itself.
        byzantine: kinds of dishonest peers that take part.
        dealings: what there is in deals beside plain sales, of DEALINGS.
    """

    nodes: int = 5
    followers: int = 0
    topology: str = "random"
    seconds: float = 180.0
    faults: tuple[str, ...] = ()
    fault_every: float = 20.0
    act_every: float = 10.0
    latency_ms: float = 20.0
    jitter_ms: float = 5.0
    bandwidth: int = 0
    skew_ms: int = 0
    text: int = 200
    blob: int = 2_000
    pool_mb: int = 64
    near_mb: int = 64
    peers: int = 3
    byzantine: tuple[str, ...] = ()
    dealings: tuple[str, ...] = ()

    def has(self, fault: str) -> bool:
        """Whether a class of fault happens."""
        return fault in self.faults

    def without(self, *faults: str) -> Options:
        """The same with these classes of faults, kinds of dishonest peers, or of dealings, left out."""
        return replace(
            self,
            faults=tuple(each for each in self.faults if each not in faults),
            byzantine=tuple(each for each in self.byzantine if each not in faults),
            dealings=tuple(each for each in self.dealings if each not in faults),
        )

    def record(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def drawn(draws: Draws, byzantine: Sequence[str] = ()) -> Options:
    """Options as a seed gives them.

    Args:
        draws: a stream of this seed for nothing else.
        byzantine: the kinds of dishonest peers there are.
    """
    nodes = draws.choice((3, 4, 4, 5, 5, 6, 8))
    faults = tuple(each for each in FAULTS if draws.random() < 0.4)
    dishonest = tuple(each for each in byzantine if draws.random() < 1.5 / max(1, len(byzantine)))
    return Options(
        nodes=nodes,
        followers=draws.below(nodes // 2) if draws.random() < 0.4 else 0,
        topology=draws.choice(TOPOLOGIES),
        seconds=draws.choice((90.0, 180.0, 180.0, 300.0)),
        faults=faults,
        fault_every=draws.choice((8.0, 20.0, 40.0)),
        act_every=draws.choice((4.0, 10.0, 25.0)),
        latency_ms=draws.choice((1.0, 20.0, 80.0, 300.0)),
        jitter_ms=draws.choice((0.0, 5.0, 100.0)),
        bandwidth=draws.choice((0, 0, 2_000_000, 100_000)),
        skew_ms=draws.choice((0, 0, 5_000, 60_000)),
        text=draws.choice((40, 400, 8_000)),
        blob=draws.choice((500, 40_000, 120_000)),
        pool_mb=draws.choice((1, 64, 64)),
        near_mb=draws.choice((64, 64, 2)),
        peers=draws.choice((0, 2, 8)),
        byzantine=dishonest,
        dealings=tuple(each for each in DEALINGS if draws.random() < 0.6),
    )
