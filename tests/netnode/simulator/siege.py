"""Two production nodes in virtual time, one dishonest peer at work on them, and what has to hold whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from netnode.operations import models
from netnode.ports import Dialer, Listener
from netnode.simulator.byzantine import Target, Villain, garbage, impostors, papers, villain
from netnode.simulator.byzantine.later import REFUSED
from netnode.simulator.byzantine.lying import PROTOCOL_FAULTS
from netnode.simulator.chance import Stream
from netnode.simulator.clocks import SimClock
from netnode.simulator.nodes import SimNode
from netnode.simulator.options import Options
from netnode.simulator.world import World
from netnode.store import Reader
from netnode.sync.peering import Peering
from protocol import limits
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.items import Item, Standing

SEED = 7
AFTER = 100.0  # virtual seconds in which everything levels: one anti-entropy and some


# What a node says to a deed, where the kinds themselves do not name it: act, outcome.
SAYS = {
    ("bad-signer", "bad anchor"): "signature",
    ("bad-signer", "unproved tail"): "signature",
    ("bad-signer", "out of time"): "time_order",
    ("bad-signer", "after close"): "after_close",
    ("flooder", "questions"): "refused rate",
    ("flooder", "interests"): "too_large",
    ("flooder", "unknown messages"): "refused unknown_message",
    ("flooder", "addresses asked"): "refused rate",
    ("giant", "epoch beyond"): "bad_message",
    ("giant", "seq beyond"): "bad_message",
    ("giant", "limit beyond"): "bad_message",
    ("giant", "record beyond"): "header",
    **{("impostor", mode): "link 1002" for mode in impostors.MODES if mode != "honest"},
    ("liar", "wrong runs"): "signature",
    ("newcomer", "messages"): "refused unknown_message",
    ("omitter", "never answers"): "answer",
    ("replayer", "sealed bytes"): "link 1002",
    ("replayer", "handshake"): "link 1002",
    ("retired-key", "standing"): "signature",
    ("reveal-copier", "before the rotation"): "signature",
    ("slow-loris", "silent"): "link 1002",
    ("slow-loris", "after noise 1"): "link 1002",
    ("slow-loris", "after noise 3"): "handshake",
    ("slow-loris", "silent in session"): "answer",
    ("timeless", "expired"): "link 1002",
    ("timeless", "valid for too long"): "link 1002",
    **{("garbler", mode): code for mode, code in garbage.CODES.items()},
    **{("forger", mode): code for mode, code in papers.CODES.items()},
    **{("liar", mode): "bad_message" for mode in PROTOCOL_FAULTS - {"wrong runs"}},
    **{("newcomer", mode): code for mode, code in REFUSED.items()},
}


@dataclass(frozen=True)
class Near:
    """A stage on which only some of the nodes can be reached."""

    world: World
    nodes: Sequence[SimNode]

    @property
    def network_name(self) -> str:
        return self.world.network_name

    @property
    def clock(self) -> SimClock:
        return self.world.clock

    def chance(self, name: str) -> Stream:
        return self.world.chance(name)

    def address(self, name: str) -> str:
        return self.world.address(name)

    def dialer(self, name: str) -> Dialer:
        return self.world.dialer(name)

    def listener(self, name: str) -> Listener:
        return self.world.listener(name)

    def targets(self) -> Sequence[Target]:
        return [node for node in self.nodes if node.up]


@dataclass
class Siege:
    """A world under attack; `troubled` where sessions end for other reasons as well."""

    world: World
    villain: Villain
    nodes: list[SimNode] = field(default_factory=list)
    sessions: dict[str, list[Peering]] = field(default_factory=dict)
    troubled: bool = False

    @property
    def ids(self) -> list[bytes]:
        return [node.id for node in self.nodes]

    def honest_sessions(self) -> dict[str, list[Peering]]:
        """The very sessions honest nodes have with each other."""
        found = {}
        for node in self.nodes:
            assert node.connections is not None
            open_now = node.connections.sessions.open_sessions()
            found[node.name] = [each for each in open_now if each.id in self.ids]
        return found

    def outsiders(self, node: SimNode) -> list[Peering]:
        """Sessions with anybody else."""
        assert node.connections is not None
        return [each for each in node.connections.sessions.open_sessions() if each.id not in self.ids]

    async def items(self, node: SimNode) -> dict[bytes, Item]:
        assert node.parts is not None
        store = node.parts.store
        return {
            item.author: item for item in await store.read(Reader.items_of, await store.read(Reader.authors))
        }

    async def log(self, node: SimNode, author: bytes) -> list[Entry]:
        assert node.parts is not None
        return await node.parts.store.read(Reader.entries, author, 0, limits.MAX_SEQ, 2**40)

    async def publish(self, node: SimNode, key: str) -> None:
        fields = {"key": key, "kind": "product", "title": f"A {key}"}
        await node.ask(lambda services: services.listings.publish(fields))

    async def reaches(self, key: str, source: SimNode, target: SimNode, within: float = 20.0) -> None:
        """Waits until a listing of one node is among what another one shows."""

        async def shown() -> bool:
            query = models.SearchQuery(text=key, seller=id_text(source.id), hubs="never")
            found = await target.ask(lambda services: services.search.find(query))
            return [each.key for each in found.items] == [key]

        await self.world.settle(shown, within, f"{key} of {source.name} at {target.name}")

    async def level(self) -> bool:
        """Whether all nodes hold equal items."""
        told = [
            {
                author: (item.standing, item.epoch, item.term, item.seq, item.id)
                for author, item in (await self.items(node)).items()
            }
            for node in self.nodes
        ]
        return all(each == told[0] for each in told)

    async def require(self) -> None:
        """What has to hold: nobody honest was cut off or framed, nothing false is stored, all are level and serve."""
        deeds = self.villain.deeds
        assert self.world.faults == []
        if not self.troubled:
            now = self.honest_sessions()
            for name, before in self.sessions.items():
                assert all(each in now[name] for each in before), "an honest session ended"
        await self.world.settle(self.level, 3 * AFTER if self.troubled else AFTER, "equal items")
        for node in self.nodes:
            for author, item in (await self.items(node)).items():
                mine = author in deeds.identities
                if item.standing is not Standing.HEAD:
                    assert mine and deeds.excuses(author), f"{node.name} shows {author.hex()[:8]} as {item}"
                for entry in await self.log(node, author):
                    assert entry.id not in deeds.forged, deeds.forged[entry.id]
                    assert not mine or entry.id in deeds.signed, f"{node.name} holds what nobody signed"
        one, other = self.nodes[0], self.nodes[-1]
        await self.publish(one, "afterwards")
        await self.reaches("afterwards", one, other)


async def _trading(siege: Siege) -> None:
    """People go on meanwhile: what one publishes is soon at the other."""
    ada, ben = siege.nodes
    await siege.world.advance(3)
    await siege.publish(ada, "meanwhile")
    await siege.reaches("meanwhile", ada, ben)


def besieged(
    kind: str,
    mode: str | None,
    then: Callable[[Siege], Awaitable[None]] | None = None,
    *,
    seed: int = SEED,
    beside: Callable[[Siege], Awaitable[None]] | None = None,
    **settings: object,
) -> Siege:
    """Lets a dishonest peer do its worst on two nodes that know each other.

    Args:
        kind: of the peer.
        mode: of the kind.
        then: looks at the world afterwards, besides `Siege.require`.
        seed: of the world.
        beside: what happens meanwhile; a listing is published when not given.
        settings: of the nodes, besides those of every simulated node; strangers need no stamp.
    """
    with World(seed, Options(nodes=2)) as world:
        siege = Siege(world, villain(kind, "villain", mode))

        async def main() -> None:
            for name in ("ada", "ben"):
                siege.nodes.append(await world.found(name, {"stamp_asked": 0, **settings}))
            ada, ben = siege.nodes
            await ada.start()
            await ben.start([ada.address])
            await siege.publish(ada, "before")
            await siege.reaches("before", ada, ben)
            siege.sessions = siege.honest_sessions()
            assert all(siege.sessions.values())
            async with asyncio.TaskGroup() as group:
                group.create_task(siege.villain.run(world))
                group.create_task((beside or _trading)(siege))
            await siege.require()
            if then is not None:
                await then(siege)

        world.run(main())
        assert world.faults == []
    expected = SAYS.get((kind, mode or ""))
    if expected is not None:
        assert set(siege.villain.deeds.codes[str(mode)]) == {expected}
    return siege
