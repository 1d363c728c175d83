"""Invites, netcheck and domains of a node in memory."""

from __future__ import annotations

from netnode.operations import models
from netnode.problems import ExitCode, Problem

TIME = 1_760_000_000_000


class FakeInvites:
    def __init__(self, me):
        self.me = me
        self.made: list[models.Invite] = []

    async def make(self, order):
        number = len(self.made) + 1
        self.made.append(
            models.Invite(
                number=number, state="open", pin=order.pin, expires=TIME, uses=order.uses, wrong_pins=0,
                follow=order.follow, note=order.note, made=TIME, joined=[models.Joiner(id=self.me, since=TIME)],
            )
        )  # fmt: skip
        uri = f"inx:{self.me}?t={'ab' * 16}&a=ws://127.0.0.1:1/inx/1"
        pin = "042042" if order.pin else None
        return models.InviteMade(
            number=number, uri=uri, pin=pin, expires=TIME, uses=order.uses, follow=order.follow
        )

    async def list(self, query):
        return models.Page(list(reversed(self.made)))

    async def revoke(self, number):
        if number > len(self.made):
            raise Problem(f"There is no invite {number}.", ExitCode.NOT_FOUND, "no_invite")


class FakeReaching:
    def __init__(self, other):
        self.other = other

    async def ping(self, peer):
        return models.Pinged(
            id=self.other, remote="10.0.0.1:1", milliseconds=1.5, clock=0, seen_as="10.0.0.2"
        )

    async def check(self):
        peers = [
            models.PeerCheck(
                id=self.other, name="Bo", remote="10.0.0.1:1", milliseconds=1.5, clock=0, seen_as="10.0.0.2",
                dialled="ws://10.0.0.2:1/inx/1", reached=False,
            ),
            models.PeerCheck(id=self.other, remote="10.0.0.3:1", note="too many"),
        ]  # fmt: skip
        return models.Netcheck(
            reachable="no", listen="ws://10.0.0.2:1/inx/1", port=1, local=["10.0.0.2"], seen_as=["10.0.0.2"],
            confirmed=[], ipv6=False, outbound=2, inbound=0, clock=-5_000, peers=peers, advice=["Do nothing."],
        )  # fmt: skip

    async def nearby(self, query):
        found = models.Neighbour(
            id=self.other,
            addresses=["ws://10.0.0.1:1/inx/1"],
            uri=f"inx:{self.other}",
            seen=TIME,
            known=False,
        )
        return models.Page([found])


class FakeDomains:
    def __init__(self, me):
        self.me = me

    async def verify(self, networker):
        return models.DomainCheck(
            id=networker or self.me,
            domain="shop.example",
            state="failed",
            checked=TIME,
            note="it leads nowhere",
        )

    async def list(self, query):
        return models.Page([await self.verify(None)])

    async def document(self):
        return models.WellKnown(id=self.me, network="inx", addresses=[], name="Ada", version="test")
