"""Relays that cheat: one hides what nobody is to see, one leaves out of its answers what it likes [R-SYNC-11, 12]."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from netnode.ports import LinkClosed
from netnode.simulator.byzantine.puppet import Answer, Puppet
from netnode.simulator.byzantine.scene import Scene, items_of
from netnode.simulator.byzantine.shelf import Shelf, stripped
from protocol import limits, messages
from protocol.entry import Entry
from protocol.items import Standing
from protocol.messages import Body, Runs
from protocol.run import Run, rebuild

CENSORS: Final = ("authors", "newest", "openers", "records")
OMITS: Final = ("refuses", "partial", "some types", "never answers", "empty")
ROUNDS: Final = 6


async def censor(scene: Scene, mode: str) -> None:
    """Holds sessions with all nodes and passes their logs on, but for chosen authors, entries or records."""
    targets = scene.targets()
    hidden = frozenset(target.id for target in targets[: max(1, len(targets) // 3)])
    shelf = scene.shelf()
    async with AsyncExitStack() as stack:
        puppets: list[Puppet] = []
        for number, target in enumerate(targets):
            meeting = scene.meeting(
                target,
                scene.author(f"relay {number}"),
                shelf,
                act=mode,
                answer=lambda question: [_censored(mode, hidden, body) for body in shelf.answer(question)],
            )
            try:
                puppets.append(await stack.enter_async_context(meeting))
            except LinkClosed:
                scene.deeds.acts["kept out"] += 1
        for _ in range(ROUNDS):
            for puppet in puppets:
                await scene.each([_relay(scene, shelf, puppet, puppets)])
            await scene.pause(3, 12)


async def _relay(scene: Scene, shelf: Shelf, puppet: Puppet, puppets: Sequence[Puppet]) -> None:
    """Takes what one node has and tells the others of it."""
    if puppet.ending.code is not None or puppet.ending.link is not None:
        return
    fresh = False
    for item in await items_of(puppet):
        if item.standing is not Standing.HEAD or item.held_from > 0:
            continue
        held = shelf.logs.get(item.author)
        if held and (item.epoch, item.term, item.seq) <= (*held[-1].place, held[-1].seq):
            continue
        get = messages.Get(budget=limits.MAX_GET_BYTES, wants=[(item.author, 0, item.seq)])
        entries = _entries(await puppet.ask(get), item.author)
        if entries:
            shelf.put(entries)
            fresh = True
            scene.deeds.acts["relayed"] += 1
    if fresh:
        for other in puppets:
            if other is not puppet and other.ending.link is None:
                await scene.each([other.say(shelf.have())])


def _entries(answers: Sequence[Body], author: bytes) -> list[Entry]:
    """The entries of an answer, as one log from its beginning."""
    runs = [run for each in answers if isinstance(each, Runs) for run in each.runs if run.author == author]
    entries = [entry for run in runs for entry in rebuild(run)]
    return entries if entries and entries[0].seq == 0 else []


def _censored(mode: str, hidden: frozenset[bytes], body: Body) -> Body:
    """An honest answer without what is hidden."""
    match body:
        case messages.Items() if mode == "authors":
            kept = [item for item in body.items if item[1] not in hidden]
            return messages.Items(cursor=body.cursor, items=kept, more=body.more)
        case messages.Runs() if mode == "authors":
            return messages.Runs(runs=[run for run in body.runs if run.author not in hidden], more=body.more)
        case messages.Runs() if mode == "openers":
            return messages.Runs(runs=[run for run in body.runs if run.first == 0], more=body.more)
        case messages.Runs() if mode == "newest":
            return messages.Runs(
                runs=[_shorter(run) if run.author in hidden else run for run in body.runs], more=body.more
            )
        case messages.Runs() if mode == "records":
            return messages.Runs(runs=[stripped(run) for run in body.runs], more=body.more)
        case messages.Records() if mode == "records":
            return messages.Records(gone=[place for place, _ in body.records])
        case _:
            return body


def _shorter(run: Run) -> Run:
    """A run without its newest entry, where it has several; each entry of an honest log is signed by itself."""
    entries = run.entries[:-1] if len(run.entries) > 1 else run.entries
    return Run(run.author, run.epoch, run.term, run.first, run.prev, entries)


async def omitter(scene: Scene, mode: str) -> None:
    """Has logs to give and answers for them in part, now and then, or never."""
    authors = [scene.author(f"omitted {number}") for number in range(3)]
    for author in authors:
        author.write(scene.chance.below(150) + 1)
        scene.deeds.sign(author.entries)
    shelf = scene.shelf(*authors)
    answer = _omitting(scene, mode, shelf)
    for target in scene.targets():
        await scene.show(
            target, authors[0], shelf, seconds=scene.chance.uniform(40, 100), act=mode, answer=answer
        )


def _omitting(scene: Scene, mode: str, shelf: Shelf) -> Answer:
    silent = scene.chance.choice((messages.Get, messages.AskOpeners, messages.Changes, messages.AskIds))

    def answer(question: Body) -> Sequence[Body]:
        match mode:
            case "refuses" if scene.chance.below(2):
                code = scene.chance.choice(("busy", "not_here", "rate", "internal", "gap", "no such code"))
                return (messages.Refuse(code=code, text="not now"),)
            case "partial" if isinstance(question, messages.Get):
                return [_part(scene, body) for body in shelf.answer(question)]
            case "some types" if isinstance(question, silent):
                return ()
            case "never answers":
                return ()
            case "empty" if isinstance(question, messages.Get | messages.AskOpeners):
                return (messages.Runs(),)
            case _:
                return shelf.answer(question)

    return answer


def _part(scene: Scene, body: Body) -> Body:
    if not isinstance(body, Runs):
        return body
    return Runs(runs=[run for run in body.runs if scene.chance.below(2)], more=body.more)
