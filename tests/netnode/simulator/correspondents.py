"""Simulated nodes that write to each other, and strangers who write letters by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from netnode.operations import models
from netnode.ports import RecipientKeys
from netnode.simulator.nodes import SimNode
from netnode.simulator.world import World
from netnode.sync.post import Carrier
from protocol import letter_bodies, letters, stamp
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.identity import id_text
from protocol.letters import Envelope
from tests.netnode.simulator.lives import founded, level
from tests.protocol.author import Author

BITS = 4  # asked for by nodes of a simulation


# -- what people do ----------------------------------------------------------------------------------------------
async def send(node: SimNode, to: SimNode, subject: str, **more: Any) -> str:
    draft = models.MailDraft(to=id_text(to.id), subject=subject, text=f"text of {subject}", **more)
    return (await node.ask(lambda services: services.mail.send(draft))).id


async def state(node: SimNode, name: str) -> str:
    shown = await node.ask(lambda services: services.mail.show(name))
    assert shown.delivery is not None
    return shown.delivery.state


async def delivery(node: SimNode, name: str) -> models.Delivery:
    shown = await node.ask(lambda services: services.mail.show(name))
    assert shown.delivery is not None
    return shown.delivery


async def received(node: SimNode) -> list[str]:
    query = models.MailQuery(box="in", limit=500)
    page = await node.ask(lambda services: services.mail.list(query))
    return sorted(each.subject for each in page.items)


async def named(node: SimNode, *hosts: SimNode) -> None:
    change = models.ProfileEdit(mailboxes=[id_text(host.id) for host in hosts])
    await node.ask(lambda services: services.identity.edit_profile(change))


async def three(world: World, **settings: object) -> list[SimNode]:
    """Sender, recipient and a host that the recipient names, level."""
    nodes = await founded(world, 3, **settings)
    sender, recipient, host = nodes
    await level(world, *nodes)
    await named(recipient, host)
    await world.settle(lambda: keys_known(nodes), 60, "keys are known")
    await level(world, *nodes)
    for node in nodes:  # so that who is off is no reason for who is on
        for other in nodes:
            if other is not node:
                await node.ask(lambda services, other=other: services.peers.add(other.address))
    return [sender, recipient, host]


async def keys_known(nodes: Sequence[SimNode]) -> bool:
    for node in nodes:
        for other in nodes:
            assert node.parts is not None
            if await node.parts.mail.keys.of(other.id) is None:
                return False
    return True


async def arrives(world: World, sender: SimNode, name: str, within: float = 120.0) -> None:
    async def so() -> bool:
        return await state(sender, name) == "delivered"

    await world.settle(so, within, f"{name} is delivered")


async def alone(world: World, **settings: object) -> tuple[SimNode, RecipientKeys]:
    """A node by itself, and what letters to it are sealed to."""
    (node,) = await founded(world, 1, **settings)
    await world.advance(2)
    assert node.parts is not None
    keys = await node.parts.mail.keys.of(node.id)
    assert keys is not None
    return node, keys


class Stranger:
    """Writes letters by hand, honest or not."""

    def __init__(self, name: str, bits: int = BITS) -> None:
        self.author = Author(name, network="inx")
        nonce = stamp.search("inx", self.author.id, bits, 0, 1_000_000)
        assert nonce is not None
        self.stamp = (bits, nonce)

    def letter(
        self,
        to: SimNode,
        keys: RecipientKeys,
        now: int,
        *,
        number: int = 0,
        content: bytes | None = None,
        stamped: bool = True,
        token: bytes | None = None,
        **changed: Any,
    ) -> bytes:
        assert to.parts is not None
        bound = Envelope(
            self.author.id,
            to.id,
            letters.key_id("inx", keys.x25519),
            number.to_bytes(16, "big"),
            now + DAY_MS,
        )
        bound = replace(bound, **changed)
        body = content or letter_bodies.encode_content(
            letter_bodies.Mail(subject=f"s{number}", text="x" * 900)
        )
        openers: tuple[Entry, ...] = (self.author.entries[0],)
        plaintext = letters.compose("inx", self.author.signer, bound, body, 0, openers)
        sealed = to.parts.ports.sealer.seal(keys, letters.info("inx", bound), plaintext)
        return letters.assemble(bound, sealed, token, self.stamp if stamped else None).data


async def bring(node: SimNode, carrier: bytes, data: bytes, here: bool = False) -> str:
    """What comes of a letter that somebody brings: `True` or `False` as `kept` says, or the code of a refusal."""
    assert node.parts is not None
    try:
        return str(await node.parts.mail.reception.deliver(Carrier(carrier, here), data))
    except ProtocolError as fault:
        return fault.code
