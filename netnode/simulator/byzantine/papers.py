"""False papers: identities, certificates, addresses, invites and stamps that nobody signed or earned [R-CERT-1..4]."""

from __future__ import annotations

from typing import Final

import msgspec

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.puppet import Puppet
from netnode.simulator.byzantine.scene import Scene, Target
from protocol import address, messages
from protocol.certificate import Certificate, certify, encode_identity
from protocol.messages import Hello
from protocol.session import Feature
from protocol.signing import Signer

IDENTITIES: Final = (
    "certified by another",
    "another key",
    "somebody's openers",
    "no openers",
    "bad signature",
)
ADDRESSES: Final = (
    "unsigned address",
    "address of another",
    "address without openers",
    "two addresses alike",
)
MODES: Final = (*IDENTITIES, *ADDRESSES, "wrong token", "wrong pins", "false stamp")
CODES: Final = {
    **dict.fromkeys(IDENTITIES, "link 1002"), "unsigned address": "signature", "address of another": "opener",
    "two addresses alike": "bad_message", "wrong token": "refused invite",
}  # fmt: skip
"""With which code a node ends the session; the other modes end none."""


async def forger(scene: Scene, mode: str) -> None:
    """Shows papers that are not its own, or that nobody signed."""
    for target in scene.targets():
        work = _identity if mode in IDENTITIES else _addresses if mode in ADDRESSES else _earned
        await scene.each([work(scene, mode, target)])


async def _identity(scene: Scene, mode: str, target: Target) -> None:
    author = scene.author("forger")
    async with scene.knocking(target, author, mode) as puppet:
        await puppet.dial(_papers(scene, mode, author), puppet.hello())
        await puppet.last_words()


def _papers(scene: Scene, mode: str, author: Author) -> bytes:
    until = scene.now + 10 * 86_400_000
    own = certify(scene.network, author.signer, author.session_public, until)
    match mode:
        case "certified by another":
            other = certify(scene.network, Signer(scene.chance.token(32)), author.session_public, until)
            return encode_identity(author.openers, other)
        case "another key":
            return encode_identity(
                author.openers, certify(scene.network, author.signer, scene.chance.token(32), until)
            )
        case "somebody's openers":
            return encode_identity(scene.author("somebody").openers, own)
        case "no openers":
            return encode_identity((), own)
        case _:
            return encode_identity(author.openers, Certificate(own.key, own.until, bytes(64)))


async def _addresses(scene: Scene, mode: str, target: Target) -> None:
    author = scene.author("forger")
    somebody = scene.author("somebody")
    where = ["ws://81.2.69.1:4747/inx/1"]
    true = address.sign(
        scene.network, somebody.signer, networker=somebody.id, epoch=0, addresses=where, time=scene.now
    )
    match mode:
        case "unsigned address":
            told = address.Told(msgspec.structs.replace(true, signature=bytes(64)), somebody.openers)
        case "address of another":
            told = address.Told(true, author.openers)
        case "two addresses alike":
            told = address.Told(msgspec.structs.replace(true, addresses=where * 2), somebody.openers)
        case _:
            told = address.Told(true)
    async with scene.meeting(target, author, act=mode, hello=_peers) as puppet:
        await puppet.say(messages.Peers(peers=[told.wire()]))
        await puppet.over(5)


def _peers(puppet: Puppet) -> Hello:
    return puppet.hello(features=[Feature.PEERS, Feature.REACH])


async def _earned(scene: Scene, mode: str, target: Target) -> None:
    """Tokens and PINs that nobody gave, and a stamp without the work."""
    author = scene.author("forger")
    author.write(2)
    scene.deeds.sign(author.entries)
    shelf = scene.shelf(author)
    if mode == "false stamp":
        stamp = (64, scene.chance.token(8))
        async with scene.meeting(
            target, author, shelf, act=mode, hello=lambda puppet: puppet.hello(stamp=stamp)
        ) as puppet:
            await puppet.say(shelf.have())
            await puppet.over(5)
        return
    async with scene.meeting(target, author, shelf, act=mode, hello=_peers) as puppet:
        token = scene.chance.token(16)
        for number in range(12):
            pin = f"{number:06}" if mode == "wrong pins" else None
            await puppet.ask(messages.Join(token=token if pin else scene.chance.token(16), pin=pin))
