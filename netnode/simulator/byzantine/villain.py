"""A dishonest peer: one kind of it at work in the world, with a truthful record of its deeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.byzantine.scene import Scene, Stage, forgiving

Play = Callable[[Scene, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dishonest peer.

    Attributes:
        name: as in options and replays.
        play: does its work in a scene, in one of the modes; ends by itself.
        modes: in which ways it can do it.
    """

    name: str
    play: Play
    modes: tuple[str, ...]

    @property
    def what(self) -> str:
        """What it does, in words."""
        return (self.play.__doc__ or "").strip().partition("\n")[0]


@dataclass(slots=True)
class Villain:
    """One dishonest peer of a world.

    Attributes:
        name: its name in the world; everything it draws comes from it and the seed.
        kind: what it does.
        mode: in which way; drawn when not given.
        deeds: what it did so far.
    """

    name: str
    kind: Kind
    mode: str | None = None
    deeds: Deeds = field(default_factory=Deeds)

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The networkers it made so far."""
        return tuple(self.deeds.identities)

    async def run(self, stage: Stage) -> None:
        """Works until it is done; a node that ends a link does not end it."""
        scene = Scene(stage, self.name, self.deeds)
        if self.mode is None:
            self.mode = scene.chance.choice(self.kind.modes)
        self.deeds.acts[f"{self.kind.name}: {self.mode}"] += 1
        await forgiving(self.kind.play(scene, self.mode))
