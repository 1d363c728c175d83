"""Eclipse of the address book: very many addresses of very few network groups, told by few [R-BOOK-8]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.scene import Scene, Target
from protocol import address, limits, messages
from protocol.address import Told
from protocol.session import Feature

MODES: Final = ("answers", "unasked", "one networker", "many tellers")
NETWORKERS: Final = 40  # whose addresses one teller tells
PORT: Final = 4_747


async def eclipser(scene: Scene, mode: str) -> None:
    """Fills the address books of nodes with addresses of its own, so that they dial nobody else."""
    prefix = 20 + scene.chance.below(50)
    for index, target in enumerate(scene.targets()):
        tellers = 4 if mode == "many tellers" else 1
        await scene.each([_tell(scene, mode, target, f"{index} {each}", prefix) for each in range(tellers)])


async def _tell(scene: Scene, mode: str, target: Target, label: str, prefix: int) -> None:
    told = _statements(scene, mode, label, prefix)
    shelf = scene.shelf()
    rows = [each.wire() for each in told][: limits.MAX_PEERS]
    scene.deeds.acts["addresses told"] += sum(len(each.statement.addresses) for each in told)

    def answer(question: messages.Body) -> tuple[messages.Body, ...]:
        if isinstance(question, messages.AskPeers) and mode != "unasked":
            return (messages.Peers(peers=rows),)
        return tuple(shelf.answer(question))

    async with scene.meeting(
        target, scene.author(f"eclipser {label}"), shelf, act=mode, answer=answer, source=f"{scene.name} {label}",
        hello=lambda puppet: puppet.hello(features=[Feature.PEERS]),
    ) as puppet:  # fmt: skip
        if mode != "answers":
            for start in range(0, len(rows), 20):
                await puppet.say(messages.Peers(peers=rows[start : start + 20]))
                await scene.pause(1, 10)
        await puppet.over(20)


def _statements(scene: Scene, mode: str, label: str, prefix: int) -> list[Told]:
    """Signed statements of networkers made for this, eight addresses each, all in one or two network groups."""
    told: list[Told] = []
    for number in range(NETWORKERS):
        owner = scene.author("eclipsed" if mode == "one networker" else f"eclipsed {label} {number}")
        where = [
            f"ws://{prefix}.{1 + number % 2}.{scene.chance.below(256)}.{host + 1}:{PORT}/inx/1"
            for host in range(limits.MAX_ADDRESSES)
        ]
        statement = address.sign(
            scene.network, owner.signer, networker=owner.id, epoch=0, addresses=where,
            time=scene.now - NETWORKERS + number,
        )  # fmt: skip
        told.append(Told(statement, owner.openers))
    return told
