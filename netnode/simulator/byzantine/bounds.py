"""Numbers at the bounds of limits: the largest that are allowed, and one more [R-ENC-2] [R-MSG-4]."""

from __future__ import annotations

from typing import Final

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.puppet import Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from netnode.simulator.byzantine.shelf import Shelf
from protocol import limits, messages
from protocol.items import Item, Standing
from protocol.messages import Body
from protocol.run import Run, run_of

ALLOWED: Final = ("heads", "runs", "questions", "requests", "cursor", "large records", "interest")
BEYOND: Final = ("epoch beyond", "seq beyond", "limit beyond", "record beyond")
MODES: Final = ALLOWED + BEYOND


async def giant(scene: Scene, mode: str) -> None:
    """Uses every number as far as it goes, or one further."""
    for target in scene.targets():
        await scene.each([_huge(scene, mode, target)])


async def _huge(scene: Scene, mode: str, target: Target) -> None:
    author = scene.author("giant")
    if mode == "large records":
        for _ in range(3):
            body = author.odd_record("x" * (limits.MAX_RECORD - 100))
            author.entries.append(author.after(author.tip, record=body))
    author.write(1)
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)

    def answer(question: Body) -> tuple[Body, ...]:
        match question:
            case messages.Heads() | messages.Changes() if mode == "cursor":
                cursor = [shelf.store, limits.MAX_INT, bytes(8)]
                return (messages.Items(cursor=cursor, items=[]),)
            case messages.Heads() if mode == "heads":
                items = [item.wire() for item in sorted(_heads(scene), key=lambda item: item.author)]
                return (messages.Items(cursor=shelf.cursor(), items=items),)
            case messages.Get() if mode in ("heads", "runs"):
                return (
                    messages.Runs(left=[(author, last, first) for author, first, last in question.wants]),
                )
            case _:
                return tuple(shelf.answer(question))

    async with scene.meeting(target, author, shelf, act=mode, answer=answer) as puppet:
        await _tell(scene, mode, puppet, author, shelf)
        if mode == "requests":
            await puppet.ask(messages.Heads(limit=1), request=limits.MAX_INT)
        elif mode == "questions":
            wants = [(target.id, 0, limits.MAX_SEQ), (target.id, limits.MAX_SEQ, 0)] * 256
            await puppet.ask(messages.Get(budget=limits.MAX_GET_BYTES, wants=wants))
            seqs = [limits.MAX_SEQ - number for number in range(limits.MAX_IDS)]
            await puppet.ask(messages.AskIds(author=target.id, epoch=limits.MAX_INT, term=0, seqs=seqs))
            await puppet.ask(messages.Changes(cursor=[target.id[:16], limits.MAX_INT, bytes(8)], limit=400))
        await puppet.over(8)


def _heads(scene: Scene) -> list[Item]:
    """Heads at the very end of what an item can say."""
    most = limits.MAX_INT
    return [
        Item(Standing.HEAD, scene.chance.token(32), 0, 0, limits.MAX_SEQ, scene.chance.token(32), 0),
        Item(
            Standing.HEAD, scene.chance.token(32), limits.MAX_EPOCHS - 1, most, limits.MAX_SEQ, bytes(32), 0
        ),
        Item(Standing.FORKED, scene.chance.token(32), limits.MAX_EPOCHS - 1, most),
        Item(Standing.CONTESTED, scene.chance.token(32), limits.MAX_EPOCHS - 1),
        *(
            Item(Standing.HEAD, target.id, 0, most, limits.MAX_SEQ, bytes(32), 0)
            for target in scene.targets()
        ),
    ]


async def _tell(scene: Scene, mode: str, puppet: Puppet, author: Author, shelf: Shelf) -> None:
    """What is told unasked."""
    record = author.odd_record("end")
    match mode:
        case "heads":
            await puppet.say(messages.Have(items=[item.wire() for item in _heads(scene)]))
        case "runs":
            # At the highest seq, of the highest term: well-formed, and joined to nothing.
            end = Run(
                author.id, 0, limits.MAX_INT, limits.MAX_SEQ, bytes(32), [(0, 1_001, bytes(64), record)]
            )
            await puppet.say(messages.Push(runs=[end]))
        case "large records":
            for push in shelf.pushes(author.id):
                await puppet.say(push)
        case "interest":
            for part in range(limits.MAX_INTEREST_TOTAL // limits.MAX_INTEREST):
                ids = [(part * 2_000 + number).to_bytes(32) for number in range(limits.MAX_INTEREST)]
                await puppet.say(messages.Interest(all=False, ids=ids, more=True))
            await puppet.say(messages.Interest(all=False, ids=[author.id]))
        case "epoch beyond":
            item = [0, author.id, limits.MAX_EPOCHS, 0, 1, bytes(32), 0]
            await puppet.say(messages.Have(items=[item]))
        case "seq beyond":
            run = run_of(author.entries[-1:])
            past = Run(run.author, 0, 0, limits.MAX_SEQ, run.prev, run.entries * 2)
            await puppet.say(messages.Push(runs=[past]))
        case "limit beyond":
            await puppet.say_any(messages.HEADS, 5, {"after": None, "limit": limits.MAX_ITEMS + 1})
        case "record beyond":
            run = run_of(author.entries[-1:])
            time, kind, signature, _ = run.entries[0]
            big = bytes(limits.MAX_RECORD + 1)
            run = Run(run.author, 0, 0, run.first, run.prev, [(time, kind, signature, big)])
            await puppet.say(messages.Push(runs=[run]))
