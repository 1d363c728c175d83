"""A liar: says in the right form what is not so, of heads, changes, haves, ids, records, cursors, ranges, clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.puppet import Answer, Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from netnode.simulator.byzantine.shelf import Shelf, stripped, unsigned
from protocol import messages
from protocol.items import Item, Standing
from protocol.messages import Body, Hello
from protocol.run import run_of
from protocol.session import Feature

MODES: Final = (
    "heads", "own heads", "haves", "standings", "changes stand still", "foreign cursor", "wild cursor", "unsorted",
    "ids", "gone", "left", "wrong runs", "ranges", "clock", "twin",
)  # fmt: skip
PROTOCOL_FAULTS: Final = frozenset({"changes stand still", "foreign cursor", "unsorted", "wrong runs"})
"""Modes whose lies are against the form as well: the node ends those sessions."""
FALSE_LOGS: Final = 40


async def liar(scene: Scene, mode: str) -> None:
    """Tells every node of things that are not so, and gives nothing of what it claims."""
    author = scene.author("liar")
    author.write(6)
    scene.deeds.sign(author.entries)
    victims = [target.id for target in scene.targets()]
    for target in scene.targets():
        shelf = scene.shelf(author)
        await scene.each([_lie(scene, mode, target, author, shelf, victims)])


async def _lie(
    scene: Scene, mode: str, target: Target, author: Author, shelf: Shelf, victims: list[bytes]
) -> None:
    def hello(puppet: Puppet) -> Hello:
        off = scene.chance.choice((-1, 1)) * 86_400_000 * 300 if mode == "clock" else 0
        return puppet.hello(features=[Feature.RANGES, Feature.REACH], clock=scene.now + off)

    answer = _answer(scene, mode, author, shelf, [target.id] if mode == "own heads" else victims)
    async with scene.meeting(target, author, shelf, act=mode, answer=answer, hello=hello) as puppet:
        for _ in range(3):
            await _tell(scene, mode, puppet, author, victims)
            if await puppet.over(scene.chance.uniform(2, 12)):
                break


async def _tell(scene: Scene, mode: str, puppet: Puppet, own: Author, victims: list[bytes]) -> None:
    """What the liar says unasked."""
    match mode:
        case "haves":
            made = [scene.chance.token(32) for _ in range(FALSE_LOGS)]
            await puppet.say(messages.Have(items=[_false_head(scene, each).wire() for each in made]))
            await puppet.say(messages.Have(items=[_false_head(scene, each).wire() for each in victims]))
        case "standings":
            items = [Item(Standing.FORKED, each, 0, 0) for each in victims]
            items += [Item(Standing.CONTESTED, each, scene.chance.below(5) + 1) for each in victims]
            await puppet.say(messages.Have(items=[item.wire() for item in items]))
        case "twin":
            await puppet.say(messages.Twin())
        case "gone":
            await puppet.say(messages.Push(runs=[stripped(run_of(own.entries))]))
        case "ranges":
            store = scene.chance.choice((puppet.shelf.store, scene.chance.token(16)))
            begin = (scene.chance.token(16), [store, 5, bytes(8)], 500)
            rows = [(digit, scene.chance.token(128)) for digit in "0123"]
            await puppet.ask(messages.Ranges(begin=begin, splits=rows))
            lists = [("4", scene.chance.token(32)), ("5", scene.chance.token(128))]
            await puppet.ask(messages.Ranges(lists=lists))
            await puppet.ask(messages.Ranges(items=[_false_head(scene, victims[0]).wire()], last=True))
        case "clock":
            await puppet.ask(messages.Ping(clock=scene.chance.below(2**53)))
        case _:
            return


def _false_head(scene: Scene, author: bytes) -> Item:
    seq = scene.chance.below(5_000)
    return Item(Standing.HEAD, author, 0, scene.chance.below(2), seq, scene.chance.token(32), 0)


def _answer(scene: Scene, mode: str, author: Author, shelf: Shelf, victims: list[bytes]) -> Answer:
    """What the liar says to questions: honest but for its lie."""

    def answer(question: Body) -> Sequence[Body]:
        match question:
            case messages.Heads() if mode in ("heads", "own heads", "ids", "left", "wrong runs"):
                return (_heads(scene, shelf, victims),)
            case messages.Heads() if mode in ("foreign cursor", "wild cursor", "unsorted"):
                return (_page(scene, mode, shelf, victims),)
            case messages.Changes() if mode in ("changes stand still", "foreign cursor", "wild cursor"):
                return (_page(scene, mode, shelf, victims),)
            case messages.AskIds() if mode == "ids":
                return (messages.Ids(ids=[scene.chance.token(32) for _ in question.seqs]),)
            case messages.Want() if mode == "gone":
                return (messages.Records(gone=list(range(len(question.entries)))),)
            case messages.Get() if mode == "left":
                return (messages.Runs(left=question.wants),)
            case messages.Get() if mode == "wrong runs":
                return (messages.Runs(runs=[unsigned(shelf.logs[author.id])]),)
            case messages.Ranges() if mode == "ranges":
                rows = [(prefix, scene.chance.token(128)) for prefix, _ in question.splits]
                return (messages.RangesAnswer(begin=(shelf.cursor(), 500), splits=rows),)
            case _:
                return shelf.answer(question)

    return answer


def _heads(scene: Scene, shelf: Shelf, victims: list[bytes]) -> Body:
    """Heads far beyond what anybody wrote."""
    items = [_false_head(scene, each) for each in dict.fromkeys(victims)]
    items += [item for author in shelf.logs if (item := shelf.item(author)) is not None]
    wire = [item.wire() for item in sorted(items, key=lambda item: item.author)]
    return messages.Items(cursor=shelf.cursor(), items=wire)


def _page(scene: Scene, mode: str, shelf: Shelf, victims: list[bytes]) -> Body:
    store, arrival, tag = shelf.cursor()
    ids = sorted(dict.fromkeys(victims))
    match mode:
        case "changes stand still":
            return messages.Items(cursor=[store, arrival, tag], items=[], more=True)
        case "foreign cursor":
            return messages.Items(cursor=[scene.chance.token(16), arrival, tag], items=[])
        case "wild cursor":
            return messages.Items(cursor=[store, scene.chance.below(2**53), scene.chance.token(8)], items=[])
        case _:
            items = [_false_head(scene, each).wire() for each in (*ids[::-1], *ids)]
            return messages.Items(cursor=[store, arrival, tag], items=items)
