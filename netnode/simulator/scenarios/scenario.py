"""What a scenario is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from netnode.simulator.options import Options
from netnode.simulator.playing import Play


def as_drawn(options: Options) -> Options:
    """A scenario that takes whatever a seed draws."""
    return options


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of run.

    Attributes:
        name: as on the command line and in replays.
        act: what happens; its docstring says it for people.
        fit: makes options that were drawn fit: what it needs on, what would hide it off.
        least: honest nodes it needs.
        weight: how often seeds draw it, beside the others.
        marks: what some seed of it has to cover.
    """

    name: str
    act: Callable[[Play], Awaitable[None]]
    fit: Callable[[Options], Options] = as_drawn
    least: int = 2
    weight: int = 2
    marks: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What happens in it, in one line."""
        return (self.act.__doc__ or "").strip().partition("\n")[0]
