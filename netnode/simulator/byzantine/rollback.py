"""An author whose backup was restored: it lost its newest entries and goes on from an older one [R-LOG-22]."""

from __future__ import annotations

from netnode.simulator.byzantine.scene import Scene

MODES = ("careless", "careful", "back and forth")


async def rollback(scene: Scene, mode: str) -> None:
    """Loses its newest entries and writes on: at once, which forks its log, or settling first, which does not."""
    author = scene.author("restored")
    author.write(scene.chance.below(80) + 5)
    backup = list(author.entries)
    author.write(scene.chance.below(40) + 1, note="lost")
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)
    for target in scene.targets()[:1]:  # whoever knows what it lost
        await scene.show(target, author, shelf, seconds=10, act="before the loss")
    author.entries = backup
    if mode == "careful":
        author.settle()
    else:
        scene.deeds.forked[author.id] = None
    author.write(scene.chance.below(20) + 1, note="after")
    scene.deeds.sign(author.entries)
    restored = scene.shelf(author)
    for target in scene.targets():
        # The store is another one as well: what was restored gives its arrivals anew.
        shown = shelf if mode == "back and forth" and scene.chance.below(2) else restored
        await scene.show(
            target, author, shown, seconds=scene.chance.uniform(5, 20), act="after the loss", pushed=author.id
        )
