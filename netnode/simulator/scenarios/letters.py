"""Letters: people write to each other whatever fails; each mail arrives once, or its sender sees why not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.nodes import Down, SimNode
from netnode.simulator.options import Options
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios.scenario import Scenario
from netnode.store import Reader
from protocol.identity import id_text

WRITING: Final = {"write": 8, "publish": 2, "edit": 1}
ARRIVE_SECONDS: Final = 3_600.0  # virtual; why: pauses between attempts have grown to some minutes by then
LOOK_SECONDS: Final = 20.0


async def letters(play: Play) -> None:
    """People write while links and nodes fail, some of them away for long: each mail arrives once."""
    await play.begin(mailbox="all")
    hosts = play.nodes[:2]
    for node in play.nodes:
        names = [id_text(host.id) for host in hosts if host is not node]
        try:
            await node.ask(partial(_name_hosts, names))
        except (Problem, Down):
            play.seen.mark("letters without a host")
    await play.live(acts=WRITING)
    away = play.chance.choice(play.nodes)
    await play.stop(away)
    others = [node for node in play.nodes if node is not away]
    await play.live(play.options.seconds / 2, WRITING, others)
    silent = play.chance.choice(
        others
    )  # whoever wrote to the one that is away may be gone when it comes back
    await play.stop(silent)
    await play.start(away)
    await play.live(play.options.seconds / 2, WRITING, [node for node in play.nodes if node is not silent])
    await play.level()
    await _arrive(play)


async def _name_hosts(names: Sequence[str], services: NodeServices) -> None:
    await services.identity.edit_profile(models.ProfileEdit(mailboxes=list(names)))


async def _arrive(play: Play) -> None:
    """Every mail that was told sent is at its recipient, once, and its sender knows.

    Raises:
        Violation: `letters`.
    """
    until = play.now + ARRIVE_SECONDS
    while missing := _missing(play):
        if play.now > until:
            raise Violation(
                "letters",
                f"{len(missing)} mails did not arrive in {ARRIVE_SECONDS:.0f} s: {'; '.join(missing[:4])}",
            )
        await asyncio.sleep(LOOK_SECONDS)
    play.seen.mark("letters arrived")


def _missing(play: Play) -> list[str]:
    """The mails that have not arrived yet, in sentences.

    Raises:
        Violation: `letters`: one arrived twice, or is not where its sender left it.
    """
    homes = {play.oracle.homes[node.name]: node for node in play.nodes}
    found = []
    for home, sent in play.oracle.mails.items():
        sender = next((node for node in play.nodes if node.name == home), None)
        if sender is None:
            continue
        for name, (to, subject) in sent.items():
            state = _state(sender, name)
            if state is None:
                raise Violation("letters", f"{home} does not know any more what it sent as {name}")
            count = _received(homes[to], play.oracle.homes[home], subject)
            if count > 1:
                raise Violation("letters", f"{homes[to].name} has {count} times what {home} wrote once")
            if count == 0 and state in ("delivered", "settled"):
                raise Violation(
                    "letters", f"{home} is told that {name} is delivered, {homes[to].name} has none"
                )
            if count == 0 or state != "delivered":
                found.append(f"{name} of {home} to {homes[to].name} is {state}, there {count} times")
    return found


def _state(node: SimNode, name: str) -> str | None:
    """How far a sent mail is, as its sender would be told; None when nothing is known of it."""
    if node.parts is None:
        return "down"
    number = int(name.partition("-")[2])

    def look(reader: Reader) -> str | None:
        state: str | None = reader.connection.execute("SELECT state FROM outbox WHERE i = ?", (number,)).get
        return state

    return node.parts.store.reading(look)


def _received(node: SimNode, sender: bytes, subject: str) -> int:
    if node.parts is None:
        return 0

    def look(reader: Reader) -> int:
        count: int = reader.connection.execute(
            "SELECT count(*) FROM mail WHERE sender = ? AND subject = ?", (sender, subject)
        ).get
        waiting: int = reader.connection.execute("SELECT count(*) FROM inbox WHERE sender = ?", (sender,)).get
        return count if count or not waiting else 0

    return node.parts.store.reading(look)


def _failing(options: Options) -> Options:
    faults = ("partition", "reset", "half_open", "clog", "crash", "restart")
    return replace(options, byzantine=(), faults=faults, fault_every=10.0, followers=0)


LETTERS: Final = (
    Scenario("letters", letters, _failing, least=3, marks=("level", "letters arrived", "tell delivered")),
)
