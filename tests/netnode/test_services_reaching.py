"""Ping, netcheck and what it advises, with sessions played by the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from netnode.operations import models
from netnode.ports import LinkClosed
from netnode.problems import Problem
from netnode.services.advice import advice
from netnode.services.invites import Addresses
from netnode.services.ports import Serving
from netnode.services.reaching import Reaching
from netnode.sync.reach import Pinged
from protocol.errors import NotHeld
from protocol.identity import id_text
from protocol.messages import DialledBack
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.author import Author

BEN, CAT = Author("ben", "inx"), Author("cat", "inx")
ME, THEM = "93.184.216.34", "45.33.32.7"


@dataclass
class Peer:
    """A session that answers as it is told to, and does with the reachability what the real one does."""

    id: bytes
    node: OpenHome
    opens: tuple[int, ...] = ()
    seen: str = ME
    outbound: bool = True
    answers_pings: bool = True
    remote: str = f"{THEM}:4747"
    group: str = "45.33.0.0/16"
    fault: Exception | None = None
    asked: list[Any] = field(default_factory=list)

    async def ping(self) -> Pinged:
        self.asked.append("ping")
        if self.fault is not None:
            raise self.fault
        now = self.node.clock.now_ms()
        self.reachability.seen_as(self.id, self.seen, THEM, chosen=True, now=now)
        return Pinged(12.34, 250, self.seen)

    async def dial_back(self, port: int) -> DialledBack:
        self.asked.append(port)
        told = DialledBack(address=f"ws://{self.seen}:{port}/inx/1", reached=port in self.opens)
        self.reachability.dialled(
            self.id, told.address, THEM, reached=told.reached, chosen=True, now=self.node.clock.now_ms()
        )
        return told

    @property
    def reachability(self) -> Any:
        assert self.node.sessions is not None
        return self.node.sessions.reachability


def reaching(
    node: OpenHome, serving: Serving, public: tuple[str, ...] = (), local: tuple[str, ...] = ("10.0.0.5",)
) -> Reaching:
    made = node.services.reaching
    addresses = Addresses(None, None, lambda: serving)  # type: ignore[arg-type]

    async def told() -> tuple[str, ...]:
        return public

    addresses.public = told  # type: ignore[method-assign]
    return Reaching(
        made._store, made._clock, node.sessions, lambda: serving, addresses, lambda: local, made._nearby
    )


OUTSIDE = Serving("http://127.0.0.1:4747", "ws://127.0.0.1:4747/inx/1", 0, ("ws://10.0.0.5:4747/inx/1",))
INSIDE = Serving("http://127.0.0.1:4747", "ws://127.0.0.1:4747/inx/1", 0)


async def test_ping_needs_a_running_node_a_known_peer_and_a_session(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        with pytest.raises(Problem, match="netnode start") as caught:
            await node.services.reaching.ping(id_text(BEN.id))
        assert (caught.value.exit_code, caught.value.code) == (5, "not_running")
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        with pytest.raises(Problem, match="peer ls") as caught:
            await node.services.reaching.ping(id_text(BEN.id))
        assert caught.value.exit_code == 3
        await node.services.peers.add(f"inx:{id_text(BEN.id)}?a=ws://{THEM}:4747/inx/1")
        with pytest.raises(Problem, match="no session") as caught:
            await node.services.reaching.ping(f"ws://{THEM}:4747/inx/1")
        assert caught.value.exit_code == 5
        peer = Peer(BEN.id, node)
        node.sessions.sessions.append(peer)  # type: ignore[arg-type]
        pinged = await node.services.reaching.ping(id_text(BEN.id).upper())
        assert (pinged.milliseconds, pinged.clock, pinged.seen_as) == (12.3, 250, ME)
        for fault in (NotHeld("not_here", "its program is older"), LinkClosed(), TimeoutError()):
            peer.fault = fault
            with pytest.raises(Problem, match="does not answer") as caught:
                await node.services.reaching.ping(id_text(BEN.id))
            assert caught.value.exit_code == 5


async def test_a_node_that_is_reached_has_nothing_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        node.sessions.sessions.append(Peer(BEN.id, node, opens=(4747,)))  # type: ignore[arg-type]
        found = await reaching(node, OUTSIDE).check()
        assert (found.reachable, found.port, found.seen_as) == ("yes", 4747, [ME])
        assert found.confirmed == [f"ws://{ME}:4747/inx/1"] and "nothing to do" in found.advice[0]
        assert "public_address" in found.advice[1], "invites do not name that address by themselves"
        assert (await node.services.node.status()).reachable == "yes"


async def test_a_node_that_nobody_reaches_is_told_so_and_that_it_works(tmp_path: Path) -> None:  # [R-REACH-5]
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        node.sessions.sessions.append(Peer(BEN.id, node))  # type: ignore[arg-type]
        found = await reaching(node, OUTSIDE).check()
        assert (found.reachable, found.confirmed) == ("no", [])
        assert "works all the same through the session it opened" in found.advice[0]
        assert "forward TCP port 4747 to 10.0.0.5 in your router" in found.advice[1]
        assert (await node.services.node.status()).reachable == "no"
        direct = await reaching(node, OUTSIDE, local=(ME,)).check()
        assert "firewall" in direct.advice[1] and "no router" in direct.advice[1]


async def test_the_ports_tried_are_those_of_this_node(tmp_path: Path) -> None:  # [R-REACH-2]
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        peer = Peer(BEN.id, node, opens=(81,))
        node.sessions.sessions.append(peer)  # type: ignore[arg-type]
        public = ("wss://shop.example/inx/1", f"ws://{ME}:81/inx/1", "ws://shop.example:82/inx/1")
        found = await reaching(node, OUTSIDE, public).check()
        assert peer.asked == ["ping", 81] and found.reachable == "yes" and len(found.advice) == 2
        peer.opens = ()
        await reaching(node, OUTSIDE).check()
        assert peer.asked[2:] == ["ping", 4747]


async def test_who_cannot_be_asked_is_passed_over_or_noted(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        check = reaching(node, OUTSIDE)
        found = await check.check()
        assert found.reachable == "unknown" and "Nobody could be asked" in found.advice[0]
        old = Peer(CAT.id, node, answers_pings=False)
        node.sessions.sessions.append(old)  # type: ignore[arg-type]
        found = await check.check()
        assert found.peers == [] and "can dial back" in found.advice[0] and old.asked == []
        node.sessions.sessions.append(Peer(BEN.id, node, fault=NotHeld("rate", "too many")))  # type: ignore[arg-type]
        found = await check.check()
        assert [one.note for one in found.peers] == ["too many"] and "says why" in found.advice[0]


async def test_only_a_few_peers_are_asked_those_dialled_first(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        peers = [Peer(bytes([n]) * 32, node, opens=(4747,), outbound=n > 5) for n in range(10)]
        node.sessions.sessions.extend(peers)  # type: ignore[arg-type]
        await reaching(node, OUTSIDE).check()
        assert [bool(peer.asked) for peer in peers] == [False] * 6 + [True] * 4


async def test_a_running_node_looks_once_an_hour_and_never_while_it_listens_here_only(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        peer = Peer(BEN.id, node)
        node.sessions.sessions.append(peer)  # type: ignore[arg-type]
        await reaching(node, INSIDE).look()
        assert peer.asked == []
        check = reaching(node, OUTSIDE)
        await check.look()
        await check.look()
        assert peer.asked == ["ping", 4747]
        node.clock.now += 3_600_000
        await check.look()
        assert peer.asked == ["ping", 4747] * 2


def result(**changes: Any) -> models.Netcheck:
    usual: dict[str, Any] = {
        "reachable": "unknown", "listen": "ws://127.0.0.1:4747/inx/1", "port": 4747, "local": [], "seen_as": [],
        "confirmed": [], "ipv6": True, "outbound": 0, "inbound": 0, "clock": None, "peers": [], "advice": [],
    }  # fmt: skip
    return models.Netcheck(**(usual | changes))


@pytest.mark.parametrize(
    ("changes", "only_here", "announced", "said"),
    [
        ({}, True, (), "listens to this computer only"),
        ({"reachable": "lan", "outbound": 1}, False, (), "No peer outside was asked"),
        (
            {"reachable": "lan", "peers": [models.PeerCheck(id="x", remote="y", reached=False)]}, False, (),
            "one outside could not",
        ),
        ({"reachable": "no", "inbound": 2}, False, (), "through the sessions it has"),
        ({"clock": 300_000}, False, (), "5 minutes behind"),
        ({"clock": -300_000}, False, (), "5 minutes ahead"),
        ({"clock_doubt": -300_000}, False, (), "may be 5 minutes ahead"),
        ({"ipv6": False}, False, (), "IPv6"),
        ({"inbound": 3}, True, ("wss://shop.example/inx/1",), "3 of your sessions came in"),
    ],
)  # fmt: skip
def test_advice_in_plain_words(
    changes: dict[str, Any], only_here: bool, announced: tuple[str, ...], said: str
) -> None:
    told = advice(result(**changes), only_here=only_here, announced=announced)
    assert any(said in sentence for sentence in told), told
