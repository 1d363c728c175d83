"""Chance by named streams: the one module of the simulator that draws numbers, and all of them come from the seed.

Each part of a world draws from a stream of its own, seeded by the hash of the world's seed and the stream's name, so
that a draw more in one part moves no other.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Stream:
    """One stream of chance.

    Args:
        seed: of the world.
        name: of the stream; the same name gives the same draws.
    """

    __slots__ = ("_draws", "_seed", "name")

    def __init__(self, seed: int, name: str) -> None:
        self.name = name
        self._seed = seed
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        self._draws = random.Random(digest)  # noqa: S311 - of a simulation

    def stream(self, name: str) -> Stream:
        """A stream of its own for a part of what this one is for."""
        return Stream(self._seed, f"{self.name} {name}")

    def random(self) -> float:
        """A number from 0 to below 1."""
        return self._draws.random()

    def below(self, bound: int) -> int:
        """A whole number from 0 to below `bound`."""
        return self._draws.randrange(bound)

    def choice(self, members: Sequence[T]) -> T:
        """One of them."""
        return members[self._draws.randrange(len(members))]

    def weighted(self, weights: Mapping[T, int]) -> T:
        """One of the keys, each as often as its weight says."""
        left = self.below(sum(weights.values()))
        for member, weight in weights.items():
            left -= weight
            if left < 0:
                return member
        raise AssertionError("weights add up")

    def token(self, size: int) -> bytes:
        """`size` bytes."""
        return self._draws.randbytes(size)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return self._draws.uniform(low, high)

    def shuffle(self, members: MutableSequence[Any]) -> None:
        """Puts `members` into an order of chance, in place."""
        self._draws.shuffle(members)


class SimEntropy:
    """`netnode.ports.Entropy` from one stream: keys too, so that a seed always founds the same networkers."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def token(self, size: int) -> bytes:
        """`size` bytes that nobody could tell from unpredictable ones."""
        return self._stream.token(size)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return self._stream.uniform(low, high)

    def shuffle(self, members: MutableSequence[Any]) -> None:
        """Puts `members` into an order of chance, in place."""
        self._stream.shuffle(members)
