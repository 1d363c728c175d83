"""After the trouble: faults end, and within a bound the nodes of the core hold the same, show the same and go quiet.

Equal are items, as rule R-LOG-17 compares them, of the logs that all of the core want; then every acknowledged entry
is at every one of them, the catalogues are level, and messages fall to what a session costs that has nothing to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.services.node_services import NodeServices
from netnode.simulator.checks import Safety
from netnode.simulator.nodes import SimNode
from netnode.simulator.observing import Seen
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import Reader
from protocol.identity import id_text
from protocol.items import Item, Standing

BOUND: Final = 1_800.0  # virtual seconds; why: rule (b) alone takes ten minutes
LOOK: Final = 10.0
QUIET_SECONDS: Final = 120.0
IDLE: Final = 16.0  # messages a minute at one end of a session: two comparisons, and a few more
APART: Final = 40.0  # of a node: chores that ask around

State = Mapping[bytes, tuple[object, ...]]
"""What a node holds, by author, without `from`."""


async def level(
    core: Sequence[SimNode], oracle: Oracle, seen: Seen, safety: Safety, bound: float = BOUND
) -> None:
    """Waits until the core is level and quiet; what was wrong before has ended, and all of it is up.

    Args:
        core: nodes that reach each other.
        oracle: what was told.
        seen: counts messages.
        safety: goes on looking.
        bound: virtual seconds.

    Raises:
        Violation: `liveness`, `acknowledged` or `noise`.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        safety.look()
        wrong = await differences(core, oracle)
        if not wrong:
            break
        if loop.time() - began > bound:
            raise Violation(
                "liveness", f"not level after {bound:.0f} s without faults: {'; '.join(wrong[:4])}"
            )
        await asyncio.sleep(LOOK)
    _everything_told(core, oracle)
    await _require_quiet(core, seen)


async def differences(core: Sequence[SimNode], oracle: Oracle) -> list[str]:
    """What is not level yet, in sentences; empty when all is."""
    found: list[str] = []
    states = {node.name: _state(node) for node in core if node.parts is not None}
    names = {oracle.homes[node.name]: node.name for node in core}
    for node in core:
        if node.parts is None:
            found.append(f"{node.name} is down")
    for author in sorted({author for state in states.values() for author in state}):
        held = {
            name: state.get(author)
            for node in core
            if (name := node.name) in states
            and _wants(node, author)
            and not _beyond_a_gap(node, author, core)
            for state in (states[name],)
        }
        for together in _together([node for node in core if node.name in held]):
            states_here = {name: held[name] for name in together}
            if len(set(states_here.values())) > 1:
                who = names.get(author, author.hex()[:8])
                shown = ", ".join(f"{name} {_shown(state)}" for name, state in states_here.items())
                found.append(f"the log of {who}: {shown}")
    if len(apart := _together(core)) > 1:
        found.append(f"the core is in {len(apart)} parts: {apart}")
    for node in core:
        if node.parts is not None:
            behind = node.parts.store.reading(lambda reader: catalogue.lag(reader.connection))
            if behind:
                found.append(f"the catalogue of {node.name} is {behind} entries behind")
    return found


def _state(node: SimNode) -> State:
    assert node.parts is not None
    items: list[Item] = node.parts.store.reading(lambda reader: reader.items_of(reader.authors()))
    return {
        item.author: (item.standing, item.epoch, item.term, item.seq, item.id)
        if item.standing is Standing.HEAD
        else (item.standing, item.epoch, item.term)
        for item in items
    }


def _wants(node: SimNode, author: bytes) -> bool:
    """Whether a node keeps this log, now that nobody is in the way."""
    if node.parts is None or node.connections is None:
        return False
    if author == node.parts.own.id:
        return True
    if not node.parts.keeping.wants(author):
        return False
    interest = node.connections.sessions.interest()
    return interest.wants(author)


def _together(nodes: Sequence[SimNode]) -> list[list[str]]:
    """The parts in which these nodes are in session with each other, directly or through others of them.

    Who keeps few logs passes on no others, so nodes that want a log may have nobody between them who does.
    """
    by_id = {node.parts.own.id: node.name for node in nodes if node.parts is not None}
    met: dict[str, set[str]] = {node.name: set() for node in nodes}
    for node in nodes:
        if node.connections is not None:
            for peering in node.connections.sessions.open_sessions():
                if (other := by_id.get(peering.id)) is not None:
                    met[node.name].add(other)
                    met[other].add(node.name)
    left, found = list(met), []
    while left:
        part, new = [left[0]], [left[0]]
        while new:
            new = [name for each in new for name in sorted(met[each]) if name not in part]
            new = list(dict.fromkeys(new))
            part += new
        left = [name for name in left if name not in part]
        found.append(sorted(part))
    return found


def _beyond_a_gap(node: SimNode, author: bytes, core: Sequence[SimNode]) -> bool:
    """Whether quotas of all peers of a node let go of the very entries that would join what it holds [R-LOG-30].

    Then it goes on once it meets somebody who holds more, the author say, or the log gets an opener.
    """
    if node.parts is None or node.connections is None:
        return False
    mine = node.parts.store.reading(Reader.log, author)
    if mine is None or mine.item.standing is not Standing.HEAD:
        return False
    met = {peering.id for peering in node.connections.sessions.open_sessions()}
    ahead = False
    for other in core:
        if other.parts is None or other.parts.own.id not in met:
            continue
        theirs = other.parts.store.reading(Reader.log, author)
        if theirs is None or theirs.last <= mine.last:
            continue
        if (
            theirs.first <= mine.last + 1
            or theirs.item.epoch != mine.item.epoch
            or theirs.item.term != mine.item.term
        ):
            return False
        ahead = True
    return ahead


def _shown(state: tuple[object, ...] | None) -> str:
    if state is None:
        return "has nothing"
    if state[0] is Standing.HEAD:
        _, epoch, term, seq, entry = state
        return f"{epoch}.{term}.{seq} {bytes(entry).hex()[:6] if isinstance(entry, bytes) else ''}"
    return f"{getattr(state[0], 'name', '?').lower()} {state[1]}.{state[2]}"


def _everything_told(core: Sequence[SimNode], oracle: Oracle) -> None:
    """What an owner was told is in their log here and is not older than what a quota let go of is at every node."""
    for author in core:
        if author.parts is None:
            continue
        told = oracle.acknowledged.get(author.name, {})
        home = oracle.homes[author.name]
        own = _chain(author, home)
        due = {entry: each for entry, each in told.items() if entry in own}
        for node in core:
            if node.parts is None or not _wants(node, home) or _beyond_a_gap(node, home, core):
                continue
            wanting = [each for each in core if _wants(each, home)]
            if not any({node.name, author.name} <= set(together) for together in _together(wanting)):
                continue
            held = _chain(node, home)
            row = node.parts.store.reading(Reader.log, home)
            first = 0 if row is None else row.first
            lost = [each for entry, each in due.items() if entry not in held and own[entry] >= first]
            if lost:
                text = ", ".join(each.what for each in lost[:3])
                raise Violation(
                    "acknowledged", f"{node.name} lacks {len(lost)} entries of {author.name}: {text}"
                )


def _chain(node: SimNode, author: bytes) -> dict[bytes, int]:
    """Ids and seqs of the main run."""
    assert node.parts is not None
    entries = node.parts.store.reading(lambda reader: reader.entries(author, 0, 2**40 - 1, 2**50))
    return {entry.id: entry.seq for entry in entries}


async def _require_quiet(core: Sequence[SimNode], seen: Seen) -> None:
    """Counts messages once everything is level.

    Raises:
        Violation: `noise`.
    """
    await asyncio.sleep(QUIET_SECONDS / 2)
    before = seen.messages
    await asyncio.sleep(QUIET_SECONDS)
    rate = (seen.messages - before) * 60.0 / QUIET_SECONDS
    sessions = sum(
        len(node.connections.sessions.open_sessions()) for node in core if node.connections is not None
    )
    most = IDLE * sessions + APART * len(core)
    if rate > most:
        raise Violation(
            "noise",
            f"all is level, yet {rate:.0f} messages a minute go over {sessions} session ends; {most:.0f} are idle",
        )


async def make_peace(core: Sequence[SimNode], oracle: Oracle) -> None:
    """What owners take back before nodes can be level: sessions refused, logs let go of."""
    for node in core:
        home = oracle.homes[node.name]
        for other in {oracle.homes[each.name]: None for each in core}:
            if other == home:
                continue
            with suppress(Problem):
                await node.ask(partial(_allow, id_text(other)))
                if (node.name, other) in oracle.dropped:
                    await node.ask(partial(_take_again, id_text(other)))
                    oracle.dropped.discard((node.name, other))


async def _allow(networker: str, services: NodeServices) -> None:
    await services.peers.block(models.PeerBlock(id=networker, lifted=True))


async def _take_again(networker: str, services: NodeServices) -> None:
    await services.room.drop_log(models.LogDrop(id=networker, undo=True))
