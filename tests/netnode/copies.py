"""Copies of one home in any order of events: what must hold of its log, whatever its owner does [R-LOG-20..23].

One networker, up to three homes with its keys, three peers of different networks. Homes are copied, put back from
older copies, started and stopped, publish, settle, rotate and are recovered; peers come and go. Looked at throughout:
what a home said it published is on its disk; no copy that knows it is one forks the log; a key that was replaced
signs nothing. At the end one home goes on with all peers: one settlement or rotation of its owner, and nobody sees a
fork, and what a peer had of it is in the log or is shown to its owner.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from netnode.own import evidence
from netnode.own.caution import Reason, Rule, mark
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store
from netnode.system import SystemDisk
from protocol.items import Standing
from tests.netnode.mesh import NOW, InlineExecutor, Mesh, NodeUnderTest, TestEntropy, keys_of, until
from tests.protocol.author import NETWORK, Author, odd_record

PEERS: Final = ("1.1.0.1:1", "1.2.0.1:1", "1.3.0.1:1")
HOMES: Final = ("one", "two", "three")
STEP_MS: Final = 300_000
ALLOWED: Final = frozenset(
    {"catching_up", "behind", "twin", "halted", "forked", "contested", "retired_key", "own_log", "clock"}
)
HEALING: Final = 12


@dataclass
class Home:
    """A home of the networker: its store, its keys, and what it was told succeeded."""

    path: Path
    author: Author
    node: NodeUnderTest | None = None
    published: dict[bytes, int] = field(default_factory=dict)  # id -> seq; still on its disk


@dataclass
class World:
    """Everything of one run."""

    mesh: Mesh
    now: int = NOW
    number: int = 0
    homes: dict[str, Home] = field(default_factory=dict)
    peers: dict[str, NodeUnderTest | None] = field(default_factory=dict)
    shelf: list[Home] = field(default_factory=list)  # copies that were put away
    seen: set[bytes] = field(default_factory=set)  # what a home published and a peer held at some time
    everything: set[bytes] = field(default_factory=set)
    # A copy that does not know it is one was made, or the owner did not wait: forks may be
    loose: bool = False

    # -- what happens ----------------------------------------------------------------------------------------
    async def begin(self) -> None:
        """The first home, and its peers."""
        for name in PEERS:
            self.peers[name] = await self.mesh.node(name, now=self.now)
        self.homes["one"] = Home(self.mesh.folder / "one.sqlite3", Author("me"))
        await self.start("one")
        for name in PEERS:
            await self.meet("one", name)

    async def start(self, name: str) -> None:
        """Starts a home; it dials its book."""
        home = self.homes[name]
        home.node = await self.mesh.node(_address(name), home.author, home=name, own=False, now=self.now)
        if await home.node.gate.state(home.author.id) is None:
            await home.node.gate.admit(home.author.entries, durable=True)
        log = {entry.id for entry in await home.node.log(home.author.id)} | await self._kept(home)
        missing = set(home.published) - log
        assert not missing, f"{name} lost {len(missing)} of {len(home.published)} that it said it published"

    async def stop(self, name: str) -> None:
        """Ends a home."""
        home = self.homes[name]
        if home.node is not None:
            await self._openers(home)
            await self.mesh.stop(home.node.name)
            home.node = None

    async def meet(self, name: str, peer: str) -> None:
        """A home knows a peer from now on, and is level with it when both can speak."""
        home, other = self.homes[name], self.peers[peer]
        if home.node is not None and other is not None:
            await home.node.join(other)
            await self.rest()

    async def rest(self) -> None:
        """Lets all that are up speak until nothing changes."""
        before: object = None
        for _ in range(60):
            await asyncio.sleep(0.02)
            now = [await node.items() for node in self.up()]
            if now == before:
                break
            before = now
        for peer in filter(None, self.peers.values()):
            held = {entry.id for entry in await peer.log(Author("me").id)}
            self.seen |= held & self.everything
            item = (await peer.items()).get(Author("me").id)
            if not self.loose and item is not None:
                assert item.standing is Standing.HEAD, f"{peer.name} sees the log {item.standing.name}"

    async def away(self, peer: str) -> None:
        """A peer goes, or comes back."""
        node = self.peers[peer]
        if node is not None:
            await self.mesh.stop(peer)
            self.peers[peer] = None
        else:
            self.peers[peer] = await self.mesh.node(peer, now=self.now)
            await self.rest()

    async def forget(self, name: str, peer: str) -> None:
        """The owner removes a peer from the book of a home."""
        node = self.homes[name].node
        if node is None:
            return
        for row in await node.store.read(Reader.peers):
            if row.id == Author(peer).id:
                await node.keeper.drop(row)
                self.loose = True  # what only that peer holds is not asked for

    async def publish(self, name: str, count: int) -> None:
        """Entries of a home; a refusal says why."""
        home = self.homes[name]
        if home.node is None:
            await self.start(name)
            await self.rest()
        assert home.node is not None
        self.number += 1
        rule = (await home.node.own.caution.standing()).by
        records = [(1, odd_record("copies", self.number, each)) for each in range(count)]
        try:
            entries = await home.node.own.append(records)
        except Problem as problem:
            assert problem.code in ALLOWED, problem.text
            assert problem.exit_code is ExitCode.REFUSED, problem.text
            return
        if rule in (Rule.GROUPS, Rule.OWNER):
            self.loose = True
        state = await home.node.store.load(home.author.id)
        assert state is not None and entries[0].epoch == state.openers.epoch, "a replaced key signed"
        home.published.update((entry.id, entry.seq) for entry in entries)
        self.everything |= {entry.id for entry in entries}
        await self.rest()

    async def copy(self, name: str, onto: str, marked: bool) -> None:
        """A copy of a home takes the place of another one; `marked`: by ways that tell it so."""
        if name == onto or name not in self.homes:
            return
        await self.stop(name)
        if onto in self.homes:
            await self.stop(onto)
        source = self.homes[name]
        await self._place(source, onto, marked)

    async def shelve(self, name: str) -> None:
        """Puts a copy of a home away."""
        running = self.homes[name].node is not None
        await self.stop(name)
        home = self.homes[name]
        kept = self.mesh.folder / f"kept {len(self.shelf)}.sqlite3"
        shutil.copy(home.path, kept)
        self.shelf.append(Home(kept, _again(home.author), None, dict(home.published)))
        if running:
            await self.start(name)

    async def put_back(self, name: str, index: int, marked: bool) -> None:
        """An older copy takes the place of a home."""
        if not self.shelf:
            return
        await self.stop(name)
        await self._place(self.shelf[index % len(self.shelf)], name, marked)

    async def resume(self, name: str, anyway: bool) -> None:
        """The owner's word."""
        node = self.homes[name].node
        if node is None:
            return
        try:
            await node.own.caution.resume(anyway=anyway)
        except Problem as problem:
            assert problem.code in ("not_waiting", "catching_up"), problem.text
        else:
            self.loose = self.loose or anyway
        await self.rest()

    def pass_time(self) -> None:
        """Five minutes pass for everybody."""
        self.now += STEP_MS
        for node in self.up():
            node.clock.now = self.now

    async def settle(self, name: str) -> None:
        """The owner ends a fork."""
        node = self.homes[name].node
        if node is None:
            return
        try:
            await node.own.settle()
        except Problem as problem:
            assert problem.code in (*ALLOWED, "not_forked", "not_here", "no_branch"), problem.text
        await self.rest()

    async def rotate(self, name: str) -> None:
        """The owner replaces the key, with the words: what `key rotate` does and demands."""
        home = self.homes[name]
        node = home.node
        if node is None:
            return
        state = await node.gate.state(home.author.id)
        if state is None or not await node.own.caution.caught_up():
            return
        async with node.own.still():
            gone = await node.store.read(evidence.disowned_by, state, state.tip.seq)
            await node.own.branches.keep(gone)
            self.number += 1
            home.author.entries = await node.log(home.author.id)
            home.author.generation = self.number
            entry = home.author.rotate()
            outcome = await node.gate.admit([entry], durable=True, head=state.tip.id)
            assert outcome.kept == 1, outcome.fault
            await node.own.adopt(keys_of(home.author))
            await node.own.caution.settled()
            node.own.reopened()
        await self.rest()

    async def recover(self, name: str) -> None:
        """The owner begins a home anew by the words, with the log that the peers in reach hold."""
        reached = [peer for peer in self.peers.values() if peer is not None]
        if not reached:
            return
        if name in self.homes:
            await self.stop(name)
        for old in self.mesh.folder.glob(f"{name}.sqlite3*"):
            old.unlink()
        self.loose = self.loose or len(reached) < len(PEERS)
        self.number += 1
        address = _address(name)
        fetching = await self.mesh.node(
            address, Author(f"thrown away {self.number}"), home=name, now=self.now
        )
        me = Author("me", generation=self.number)

        async def fetched() -> bool:
            state = await fetching.gate.state(me.id)
            items = [item for each in reached if (item := (await each.items()).get(me.id)) is not None]
            places = [(item.epoch, item.term) for item in items]
            return state is not None and state.openers.place == max(places)

        for peer in reached:
            await fetching.join(peer)
        await until(fetched, "the log came")
        await self.rest()
        state = await fetching.gate.state(me.id)
        assert state is not None
        me.entries = await fetching.log(me.id)
        outcome = await fetching.gate.admit([me.rotate()], durable=True, head=state.tip.id)
        assert outcome.kept == 1, outcome.fault
        await self.mesh.stop(address)
        self.homes[name] = Home(self.mesh.folder / f"{name}.sqlite3", me)
        await self.start(name)
        for peer in reached:
            await self.meet(name, peer.name)

    # -- the end ---------------------------------------------------------------------------------------------
    async def heal(self, name: str) -> None:
        """One home goes on, with all peers: what its owner does then ends every fork."""
        for other in self.homes:
            if other != name:
                await self.stop(other)
        for peer, node in self.peers.items():
            if node is None:
                await self.away(peer)
        if self.homes[name].node is None:
            await self.start(name)
        for peer in PEERS:
            await self.meet(name, peer)
        if await self._left_behind(
            self.homes[name]
        ):  # its key was replaced by another home: nobody speaks with it
            await self.recover(name)
        home = self.homes[name]
        node = home.node
        assert node is not None
        code, text = "", ""
        for _ in range(HEALING):
            self.number += 1
            try:
                await node.own.append([(1, odd_record("healed", self.number))])
                break
            except Problem as problem:
                code, text = problem.code, problem.text
            match code:
                case "twin":
                    await node.own.caution.resume(anyway=False)
                case "forked":
                    await until(node.own.caution.caught_up, "it caught up")
                    try:
                        await node.own.settle()
                    except Problem as problem:
                        assert problem.code == "not_here", problem.text
                        await asyncio.sleep(0.1)
                case "retired_key":
                    await self.recover(name)
                    home, node = self.homes[name], self.homes[name].node
                    assert node is not None
                case "contested":
                    await until(node.own.caution.caught_up, "it caught up")
                    await self.rotate(name)
                case "catching_up":
                    await until(node.own.caution.caught_up, "it caught up")
                case _:
                    await self.rest()
        else:
            raise AssertionError(f"{name} cannot go on: {code}: {text}")
        up = self.up()

        async def alike() -> bool:
            items = [(await each.items()).get(home.author.id) for each in up]
            return all(item is not None and item.standing is Standing.HEAD for item in items) and (
                len({(item.epoch, item.term, item.seq, item.id) for item in items if item is not None}) == 1
            )

        try:
            await until(alike, "all hold the log that goes on")
        except AssertionError:
            raise AssertionError(
                [(each.name, (await each.items()).get(home.author.id)) for each in up]
            ) from None
        await self._nothing_lost(home)

    async def _left_behind(self, home: Home) -> bool:
        items = [(await peer.items()).get(home.author.id) for peer in self.peers.values() if peer is not None]
        return max(item.epoch for item in items if item is not None) > home.author.entries[-1].epoch

    async def _nothing_lost(self, home: Home) -> None:
        """What a home published and a peer held is in the log, or some home of the owner shows that it left it."""
        node = home.node
        assert node is not None
        told = {entry.id for entry in await node.log(home.author.id)} | await self._kept(home)
        assert set(home.published) <= told, "its own home does not show what left the log"
        if not self.loose:
            assert self.seen <= told, (
                f"{len(self.seen - told)} entries that a peer held are gone without a word"
            )

    # -- inside ----------------------------------------------------------------------------------------------
    def up(self) -> list[NodeUnderTest]:
        """All nodes that run."""
        return [
            *filter(None, self.peers.values()),
            *(home.node for home in self.homes.values() if home.node is not None),
        ]

    async def _kept(self, home: Home) -> set[bytes]:
        assert home.node is not None
        found = await home.node.store.read(evidence.exhibits, home.author.id)
        return {exhibit.entry.id for exhibit in found}

    async def _openers(self, home: Home) -> None:
        """The home's author knows the openers its store has: the session identity names them."""
        assert home.node is not None
        log = await home.node.log(home.author.id)
        if log and log[-1].epoch == home.author.entries[-1].epoch:
            home.author.entries = log

    async def _place(self, source: Home, onto: str, marked: bool) -> None:
        path = self.mesh.folder / f"{onto}.sqlite3"
        for old in self.mesh.folder.glob(f"{onto}.sqlite3*"):
            old.unlink()
        shutil.copy(source.path, path)
        self.number += 1
        if marked:
            await _mark(path, f"copy {self.number}")
        else:
            self.loose = True
        self.homes[onto] = Home(path, _again(source.author), None, dict(source.published))


def _address(home: str) -> str:
    return f"2.{HOMES.index(home)}.0.1:1"


def _again(author: Author) -> Author:
    """The same keys, in another home."""
    made = Author(author.name, entries=list(author.entries), generation=author.generation)
    made.signer = author.signer
    return made


async def _mark(path: Path, name: str) -> None:
    executor, entropy = InlineExecutor(), TestEntropy(name)
    store = await Store.open(path, NETWORK, SystemDisk(), executor, entropy)
    await store.write(mark, Reason.RESTORED, NOW, entropy.token(16))
    await store.close()
