"""A replayer: says again what was true or sealed once - bytes of another session, old heads, pushes, addresses."""

from __future__ import annotations

from typing import Final

from netnode.ports import Link, LinkClosed
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import address, messages
from protocol.certificate import DAY_MS
from protocol.messages import encode_message
from protocol.run import run_of

MODES: Final = ("sealed bytes", "handshake", "heads", "pushes", "addresses", "settled fork")


async def replayer(scene: Scene, mode: str) -> None:
    """Sends again what it heard or said before: to the same node, and to others."""
    targets = scene.targets()
    for target in targets:
        match mode:
            case "sealed bytes":
                await scene.each([_sealed(scene, target)])
            case "handshake":
                await scene.each([_handshake(scene, target)])
            case "addresses":
                await scene.each([_addresses(scene, target)])
            case "settled fork":
                await scene.each([_settled(scene, target)])
            case _:
                await scene.each([_old_news(scene, mode, target, targets[0])])


async def _sealed(scene: Scene, target: Target) -> None:
    """One sealed message twice: the second does not decrypt, since its number is used up [R-NOISE-5]."""
    async with scene.meeting(target, scene.author("replayer"), act="sealed bytes") as puppet:
        assert puppet.transport is not None
        sealed = puppet.transport.encrypt(encode_message(messages.Interest(all=True)))
        await puppet.link.send(sealed)
        await puppet.link.send(sealed)
        await puppet.over(5)


async def _handshake(scene: Scene, target: Target) -> None:
    """The bytes of a whole handshake once more, on a new link."""
    puppet = scene.puppet(await scene.link(target), scene.author("replayer"))
    sent = _Tap(puppet.link)
    puppet.link = sent
    await puppet.dial(puppet.author.identity(scene.now), puppet.hello())
    await sent.close()
    again = await scene.link(target)
    try:
        for data in sent.said:
            await again.send(data)
            await again.receive()
    except LinkClosed as closed:
        scene.deeds.answered("handshake", f"link {closed.code}")
    finally:
        await again.close()


async def _old_news(scene: Scene, mode: str, target: Target, source: Target) -> None:
    """What a node told a while ago, as if it were news: older heads, entries that everybody has."""
    logs = await scene.copy(source)
    async with scene.meeting(target, scene.author("replayer"), act=mode) as puppet:
        for _ in range(3):
            for entries in logs.values():
                if mode == "pushes":
                    await puppet.say(messages.Push(runs=[run_of(entries[-1:])]))
                    continue
                old = entries[scene.chance.below(len(entries))]
                item = [0, old.author, old.epoch, old.term, old.seq, old.id, 0]
                await puppet.say(messages.Have(items=[item]))
            await scene.pause(1, 5)
        await puppet.over(5)


async def _addresses(scene: Scene, target: Target) -> None:
    """Statements of the same networker in the wrong order: the older ones after the newest [R-BOOK-4]."""
    author = scene.author("moved")
    statements = [
        address.sign(
            scene.network, author.signer, networker=author.id, epoch=0,
            addresses=[f"ws://81.2.{day}.7:4747/inx/1"], time=scene.now - day * DAY_MS,
        )
        for day in (0, 3, 29, 31)
    ]  # fmt: skip
    async with scene.meeting(target, scene.author("replayer"), act="addresses") as puppet:
        for statement in statements:
            told = address.Told(statement, author.openers)
            await puppet.say(messages.Peers(peers=[told.wire()]))
            await scene.pause(11, 15)


async def _settled(scene: Scene, target: Target) -> None:
    """The proof of a fork that was settled since: of a closed term nothing can be proved any more [R-LOG-14]."""
    author = scene.author("settled")
    author.write(5)
    other = author.branch(author.entries[2], 2, "other")
    left, right = run_of(author.entries[3:4]), run_of(other[:1])
    author.settle()
    author.write(2)
    scene.deeds.sign(author.entries, other)
    scene.deeds.forked[author.id] = None  # where the settlement did not come yet
    await scene.show(target, author, scene.shelf(author), seconds=5, act="settlement")
    async with scene.meeting(target, scene.author("replayer"), act="settled fork") as puppet:
        await puppet.say(messages.Fork(left=left, right=right))
        await puppet.over(5)


class _Tap:
    """A link that remembers what was sent over it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.said: list[bytes] = []

    @property
    def remote(self) -> str:
        return self._link.remote

    @property
    def host(self) -> str:
        return self._link.host

    async def send(self, data: bytes) -> None:
        self.said.append(data)
        await self._link.send(data)

    def offer(self, data: bytes) -> bool:
        if not self._link.offer(data):
            return False
        self.said.append(data)
        return True

    async def receive(self) -> bytes:
        return await self._link.receive()

    async def close(self, code: int = 1000, text: str = "") -> None:
        await self._link.close(code, text)
