"""One run on its stage: nodes and their owners, what goes wrong, what is checked, and the verdict."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netnode.problems import Problem
from netnode.simulator import actors, liveness
from netnode.simulator.actors import Stall
from netnode.simulator.arbitrating import ARBITER_ACTS
from netnode.simulator.byzantine import Villain
from netnode.simulator.byzantine.registry import villain
from netnode.simulator.checks import Safety
from netnode.simulator.crediting.giving_back import GIVING_BACK_ACTS
from netnode.simulator.crediting.moving import MOVING_ACTS
from netnode.simulator.crediting.recommending import RECOMMENDING_ACTS
from netnode.simulator.crediting.replacing import REPLACING_ACTS
from netnode.simulator.crediting.shopping import SHOPPING_ACTS
from netnode.simulator.crediting.swapping import SWAPPING_ACTS
from netnode.simulator.crediting.teaming import TEAMING_ACTS
from netnode.simulator.crediting.watching import CreditWatch
from netnode.simulator.dealing import DEAL_ACTS
from netnode.simulator.dealt import own_moves, sides
from netnode.simulator.nodes import Down, SimNode, told
from netnode.simulator.observing import Seen, watch
from netnode.simulator.options import Options
from netnode.simulator.oracle import Oracle, Violation
from netnode.simulator.renewed import held, own_statements
from netnode.simulator.stored import disk_copy, own_ids, own_requests
from netnode.simulator.subscribing import MANDATE_ACTS
from netnode.simulator.troubles import Troubles
from netnode.simulator.virtual_time import Stuck
from netnode.simulator.world import Build, World

EVENTS_A_LOOK: Final = 500  # why: a look costs about what so many events do
LOOK_SECONDS: Final = 0.5
MONTH_MS: Final = 30 * 86_400_000
ACTS: Final = {
    **actors.ACTS, **DEAL_ACTS, **ARBITER_ACTS, **MANDATE_ACTS, **RECOMMENDING_ACTS, **MOVING_ACTS,
    **TEAMING_ACTS, **SWAPPING_ACTS, **GIVING_BACK_ACTS, **REPLACING_ACTS,
    **SHOPPING_ACTS,
}  # fmt: skip
HONEST: Final[Mapping[str, int]] = {name: weight for name, (_, weight) in actors.ACTS.items()}
QUIET: Final[Mapping[str, int]] = {"publish": 6, "edit": 3, "withdraw": 1, "search": 1}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `rule` is empty when everything held."""

    rule: str
    text: str
    trace: str
    events: int
    virtual: float
    told: int
    marks: Counter[str]


class Play:
    """What a scenario works with.

    Args:
        world: empty.
        options: of this run.

    Attributes:
        oracle: what was told.
        seen: marks, messages, endings.
        safety: the checks.
        watch: those of ledgers; None in a market without credit.
        chance: draws of the scenario.
        villains: dishonest peers that took part.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self.oracle = Oracle()
        self.seen = Seen()
        self.safety = Safety(world.network_name, world.nodes, self.oracle, self.seen)
        self.watch: CreditWatch | None = None
        self.chance = world.chance("play")
        self.villains: list[Villain] = []
        self.troubles = Troubles(self)
        self._words: dict[str, tuple[str, ...]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        world.observers.append(lambda node, keeper: watch(keeper, node.name, self.seen))

    @property
    def nodes(self) -> Sequence[SimNode]:
        """The nodes of honest owners, in the order in which they came into the world."""
        return [node for node in self.world.nodes.values() if node.name in self.oracle.homes]

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.world.loop.time()

    # -- nodes -----------------------------------------------------------------------------------------------
    async def found(self, name: str, **settings: object) -> SimNode:
        """A networker with a home, as the options have it where the settings say nothing; not started."""
        options = self.options
        plain: dict[str, object] = {
            "pool_mb": options.pool_mb,
            "near_mb": options.near_mb,
            "outbound_sessions": options.peers,
        }
        if options.byzantine:
            plain["stamp_asked"] = 0  # why: who shows no stamp is not listened to at all
        skew = round(self.chance.uniform(-options.skew_ms, options.skew_ms))
        node = await self.world.found(name, {**plain, **settings}, skew_ms=skew)
        self.oracle.lives_at(name, node.id)
        if node.created is not None:
            self._words[name] = node.created.words
        return node

    async def begin(self, **settings: object) -> Sequence[SimNode]:
        """Founds and starts the nodes of the options, who know each other by their topology."""
        options = self.options
        for number in range(options.nodes):
            follows = number >= options.nodes - options.followers
            mine = {"interest": "followed", "hops": 1 + number % 2} if follows else {}
            await self.found(f"n{number}", **{**settings, **mine})
        for node, known in zip(self.nodes, self._acquaintances(), strict=True):
            await self.start(node, [each.address for each in known])
        return self.nodes

    def _acquaintances(self) -> list[list[SimNode]]:
        """Whom each node knows at its start: of those before it, so that the whole is connected."""
        nodes, found = self.nodes, []
        for number in range(len(nodes)):
            match self.options.topology:
                case "star":
                    known = [0] if number else []
                case "ring":
                    known = [number - 1] if number else [len(nodes) - 1]
                case "random":
                    known = sorted({self.chance.below(number) for _ in range(2)}) if number else []
                case _:
                    known = [number - 1] if number else []
            found.append([nodes[each] for each in known if each != number])
        return found

    def copy(self, source: SimNode, name: str, *, knowing: bool) -> SimNode:
        """A second computer with a copy of a home; not started.

        Args:
            source: whose home.
            name: of the new node.
            knowing: whether the copy can tell that it is one; the clone of a whole computer cannot.
        """
        made = self.world.clone(source, name, knowing=knowing)
        if source.name in self._words:
            self._words[name] = self._words[source.name]
        return made

    def words(self, node: SimNode) -> tuple[str, ...]:
        """The recovery words of the networker at a node."""
        return self._words[node.name]

    def inherit(self, lost: SimNode, home: SimNode, networker: bytes) -> None:
        """Another home takes the place of a lost one, and its owner knows all that was told there."""
        self.oracle.inherited(lost.name, home.name, networker)
        self._words[home.name] = self._words[lost.name]

    def put_back(self, node: SimNode, folder: Path) -> None:
        """An older copy takes the place of the home of a node that is down; the home can tell."""
        node.put_back(folder)
        with disk_copy(node.home) as connection:
            networker = self.oracle.homes[node.name]
            self.oracle.replaced(node.name, own_ids(connection, networker), own_requests(connection))
            kept = own_moves(connection) | own_statements(connection)
        self.oracle.forgot(node.name, kept | self._held_of_deals(node))
        self.safety.replaced(node.name)

    def gone_on_with(self, last: SimNode, gone: SimNode) -> None:
        """Of two homes of one networker, both down, one goes on; what only the other one has is lost."""
        with disk_copy(last.home) as connection:
            kept = own_moves(connection) | own_statements(connection)
        self.oracle.put_back.add(self.oracle.homes[last.name])
        self.oracle.forgot(last.name, kept | self._held_of_deals(last, gone))

    def _held_of_deals(self, *without: SimNode) -> set[bytes]:
        """Ids of the messages of deals, and of statements on mandates, that any other node holds."""
        others = [each for each in self.nodes if each not in without]
        moves = {name for kept in sides(others).values() for side in kept for name in side.messages}
        return moves | {name for kept in held(others).values() for each in kept for name in each.statements}

    async def start(self, node: SimNode, peers: Sequence[str] = ()) -> bool:
        """Starts a node; whether it runs then."""
        async with self._turn(node):
            if node.up:
                return True
            try:
                await node.start(peers)
            except Problem as problem:
                self.seen.mark(f"start failed {problem.code}")
                return False
            except Down:
                self.fell(node)
                return False
            return True

    async def stop(self, node: SimNode) -> None:
        """Stops a node as its owner does."""
        async with self._turn(node):
            if node.up:
                await node.stop()

    def crash(self, node: SimNode) -> None:
        """The power of a node goes; what others hold of it must be on its disk."""
        if node.up:
            self.safety.look_before_crash(node)
            node.crash(silent=self.chance.random() < 0.5)
            self.fell(node)

    def fell(self, node: SimNode) -> None:
        """The power of a node went by itself, in the middle of a commit or a write."""
        self.seen.mark("crash")
        self.safety.crashed(node)

    def _turn(self, node: SimNode) -> asyncio.Lock:
        """One at a time starts and stops a node."""
        return self._turns.setdefault(node.name, asyncio.Lock())

    # -- owners ----------------------------------------------------------------------------------------------
    def stall(self, node: SimNode) -> Stall | None:
        """The owner at a node; None while it is down."""
        if node.services is None:
            return None
        chance = self.world.chance(f"owner {node.name} {self.oracle.told} {self.now:.6f}")
        return Stall(
            node, node.services, self.nodes, chance, self.oracle, self.seen, self.now,
            self.options.text, self.options.blob, self._words.get(node.name, ()),
        )  # fmt: skip

    async def act(self, node: SimNode, name: str) -> str:
        """The owner of a node does something.

        Returns:
            Why it was not done, as the code of a Problem; `down` when the node went down; empty when it was.

        Raises:
            Violation: `answer`, `hang` or `internal`.
        """
        stall = self.stall(node)
        if stall is None:
            return "down"
        try:
            async with asyncio.timeout(actors.PATIENCE):
                await node.ask(lambda _: ACTS[name][0](stall))
        except Problem as problem:
            self.seen.mark(f"act {name} {problem.code}")
            return problem.code
        except Down:
            return "down"
        except TimeoutError:
            raise Violation(
                "hang", f"{node.name}: {name} has no answer after {actors.PATIENCE:.0f} s"
            ) from None
        except AssertionError as error:
            raise Violation("answer", f"{node.name}: {name}: {error}") from error
        self.seen.mark(f"act {name}")
        return ""

    async def mend(self, node: SimNode, within: float = 1_800.0) -> str:
        """Its owner does what it takes until something can be published again: waits, settles, replaces the key.

        Args:
            node: the one home that goes on.
            within: virtual seconds.

        Returns:
            What it took, for marks.

        Raises:
            Violation: `mend`.
        """
        until, took = self.now + within, ""
        while (code := await self.act(node, "publish")) and self.now < until:
            if code in ("twin", "forked"):
                took = code
                await self.act(node, "settle")
            elif code == "contested":
                took = code
                await self.act(node, "rotate")
            await asyncio.sleep(5.0)
        if code:
            raise Violation(
                "mend", f"{node.name} cannot publish within {within:.0f} s without faults: {code}"
            )
        self.seen.mark(f"mended {took or 'by waiting'}")
        return took

    def watch_credit(self) -> CreditWatch:
        """From now on ledgers are looked at too."""
        if self.watch is None:
            self.watch = CreditWatch(self.world.network_name, self.world.nodes, self.oracle, self.seen)
        return self.watch

    # -- phases ----------------------------------------------------------------------------------------------
    async def live(
        self,
        seconds: float | None = None,
        acts: Mapping[str, int] = HONEST,
        owners: Iterable[SimNode] | None = None,
        trouble: bool = True,
    ) -> None:
        """People use their nodes for a while, and what the options say goes wrong.

        Args:
            seconds: virtual; None for as long as the options say.
            acts: what is done, by weight.
            owners: who does something; None for all.
            trouble: whether faults happen and dishonest peers are at work.
        """
        until = self.now + (self.options.seconds if seconds is None else seconds)
        people = self.nodes if owners is None else list(owners)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._looking(), name="checks")]
            tasks += [
                group.create_task(self._owner(each, acts), name=f"owner {each.name}") for each in people
            ]
            if trouble:
                tasks.append(group.create_task(self.troubles.run(), name="troubles"))
                tasks += [group.create_task(self._evil(kind), name=kind) for kind in self.options.byzantine]
            await asyncio.sleep(max(0.0, until - self.now))
            for task in tasks:
                task.cancel()
        self.look()

    async def _owner(self, node: SimNode, acts: Mapping[str, int]) -> None:
        chance = self.world.chance(f"pace of {node.name} {self.now:.3f}")
        while True:
            await asyncio.sleep(chance.uniform(0.1, 2 * self.options.act_every))
            if node.up:
                await self.act(node, chance.weighted(acts))

    async def _evil(self, kind: str) -> None:
        number = len(self.villains)
        one = villain(kind, f"villain {number} {kind}")
        self.villains.append(one)
        await asyncio.sleep(self.chance.uniform(0.0, self.options.seconds / 3))
        self.seen.mark(f"evil {kind}")
        await one.run(self.world)

    async def _looking(self) -> None:
        events = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.world.trace.count - events >= EVENTS_A_LOOK:
                self.look()
                events = self.world.trace.count

    def look(self) -> None:
        """All checks that hold at every moment."""
        if self.world.faults:
            raise Violation("internal", self.world.faults[0])
        for each in self.villains:
            self.oracle.answer_for(each.deeds)
        self.safety.look()
        if self.watch is not None:
            self.watch.look()

    async def level(self, core: Sequence[SimNode] | None = None, bound: float = liveness.BOUND) -> None:
        """Faults end; the core becomes level and quiet, and everything held is judged.

        Args:
            core: None for all nodes.
            bound: virtual seconds it may take.
        """
        core = self.nodes if core is None else core
        await self.troubles.end()
        for node in core:
            await self.start(node)
        await liveness.make_peace(core, self.oracle)
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._looking(), name="checks")
            await liveness.level(core, self.oracle, self.seen, self.safety, bound)
            looking.cancel()
        self.seen.mark("level")
        self.look()
        self.safety.thorough(
            self.world.clock.now_ms() + MONTH_MS
        )  # why: what a wrong clock dated is due by then


def play(
    seed: int, act: Callable[[Play], Awaitable[None]], options: Options, build: Build | None = None
) -> Outcome:
    """Runs one world from its first node to the verdict.

    Args:
        seed: of the world.
        act: the scenario.
        options: of the run.
        build: another outside for its nodes, for tests that take a rule out.
    """
    rule = text = ""
    with World(seed, options, build=build or SimNode.ports) as world:
        stage = Play(world, options)

        async def run() -> None:
            await act(stage)
            stage.look()

        try:
            world.run(run())
        except Exception as raised:
            rule, text = _verdict(_first(raised))
        if world.faults and not rule:
            rule, text = "internal", world.faults[0]
        trace = world.trace
        return Outcome(
            rule, text, trace.hex, trace.count, world.loop.time(), stage.oracle.told, stage.seen.marks
        )


def _verdict(error: BaseException) -> tuple[str, str]:
    if isinstance(error, Violation):
        return error.rule, error.text
    if isinstance(error, Stuck):
        return "stuck", f"{type(error).__name__}: {error}"
    return "internal", told(error)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
