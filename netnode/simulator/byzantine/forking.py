"""An author of two branches: signs two entries of one place and shows one to these nodes, one to those [R-LOG-14]."""

from __future__ import annotations

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.scene import Scene
from netnode.simulator.byzantine.shelf import Shelf
from protocol import limits
from protocol.entry import Entry, sign_entry

MODES = ("plain", "anchor", "after opener", "after settlement", "two settlements", "two inceptions", "healed")


async def forker(scene: Scene, mode: str) -> None:
    """Signs two branches and shows them to different nodes; some of them settle the fork in the end."""
    author = scene.author("forker")
    at = _place(scene, author, mode)
    left, right = _branches(scene, author, mode, at)
    scene.deeds.sign(left, right)
    scene.deeds.forked[author.id] = None
    one, other = _holding(scene, left), _holding(scene, right)
    targets = scene.targets()
    half = max(1, len(targets) // 2)
    await scene.each(
        [
            scene.show(
                target,
                author if index == 0 else scene.author(f"friend {index}"),
                one if index < half else other,
                seconds=scene.chance.uniform(5, 60),
                act="branch",
                pushed=author.id,
            )
            for index, target in enumerate(targets)
        ]
    )
    if len(targets) == 1:
        await scene.show(
            targets[0], scene.author("friend"), other, seconds=20, act="branch", pushed=author.id
        )
    if mode == "healed":
        await _settle(scene, author, left)


def _place(scene: Scene, author: Author, mode: str) -> int:
    """Writes what both branches share; returns the seq of the last entry of it."""
    if mode in ("two inceptions", "after opener"):
        return 0
    author.write(scene.chance.below(90) + 2)
    if mode == "anchor":
        while (author.tip.seq + 1) % limits.ANCHOR_EVERY:
            author.write()
    elif mode == "after settlement":
        author.settle()
    scene.deeds.sign(author.entries)
    return author.tip.seq


def _branches(scene: Scene, author: Author, mode: str, at: int) -> tuple[list[Entry], list[Entry]]:
    """Both branches, whole logs."""
    common = author.entries[: at + 1]
    longest = scene.chance.below(130) + 1
    lengths = (scene.chance.below(longest) + 1, longest)
    if mode == "two settlements":
        first = author.settlement(common[-1])
        second = author.settlement(common[-1 - scene.chance.below(2)], note=1)
        return [*common, first, *author.branch(first, lengths[0])], [
            *common[: second.seq],
            second,
            *author.branch(second, lengths[1]),
        ]
    if mode == "two inceptions":
        other = _again(author)
        return [*common, *author.branch(common[0], lengths[0])], [other, *author.branch(other, lengths[1])]
    return [*common, *author.branch(common[-1], lengths[0], "left")], [
        *common,
        *author.branch(common[-1], lengths[1], "right"),
    ]


def _again(author: Author) -> Entry:
    """The inception once more, with its record and another date: the same networker, another entry."""
    first = author.entries[0]
    return sign_entry(
        author.network, author.signer, author=author.id, seq=0, prev=first.prev, epoch=0, term=0,
        time=first.time + 1, kind=first.kind, record=first.record or b"",
    )  # fmt: skip


def _holding(scene: Scene, entries: list[Entry]) -> Shelf:
    shelf = scene.shelf()
    shelf.put(entries)
    return shelf


async def _settle(scene: Scene, author: Author, branch: list[Entry]) -> None:
    """Chooses a branch by a settlement and shows it to all: from then on nobody is forked any more."""
    author.entries = list(branch)
    author.settle()
    author.write(3)
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)
    for target in scene.targets():
        await scene.show(target, author, shelf, seconds=15, act="settlement")
    scene.deeds.acts["settled"] += 1
