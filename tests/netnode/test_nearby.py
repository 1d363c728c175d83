"""Nodes of the local network: what is kept of announcements, and the real thing on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from netnode.chores import around as announcing
from netnode.mdns import SERVICE, ZeroconfMulticast
from netnode.nearby import KEPT, Neighbourhood, look_around
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.ports import Serving
from protocol.identity import id_text
from protocol.limits import MAX_ADDRESSES
from tests.netnode.mesh import TestClock, settings, until
from tests.netnode.patience import patience
from tests.netnode.services_home import opened

ME, OTHER = bytes(32), bytes([1]) * 32
LAN = Serving("http://127.0.0.1:1", "ws://127.0.0.1:4747/inx/1", 0, ("ws://192.168.1.5:4747/inx/1",))


class FakeMulticast:
    """Announcements made by the test."""

    def __init__(self, fault: OSError | None = None) -> None:
        self.fault = fault
        self.announced: list[tuple[str, int, list[str]]] = []
        self.ended = False

    async def run(
        self, name: str, port: int, hosts: Sequence[str], heard: Callable[[str, Sequence[str], int], None],
        gone: Callable[[str], None],
    ) -> None:  # fmt: skip
        if self.fault is not None:
            raise self.fault
        self.announced.append((name, port, list(hosts)))
        heard(id_text(OTHER), ["192.168.1.9"], 4747)
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


def around() -> Neighbourhood:
    return Neighbourhood(TestClock(), ME)


def test_what_is_announced_is_bounded_in_number_and_form() -> None:  # [R-REACH-8]
    heard = around()
    heard.heard("nx1rubbish", ["192.168.1.9"], 4747)
    heard.heard(id_text(OTHER), [], 4747)
    heard.heard(id_text(OTHER), ["192.168.1.9"], 0)
    heard.heard(id_text(OTHER), ["fe80::1%eth0", "\x1b[31m", "a b"], 4747)
    heard.heard(id_text(ME), ["192.168.1.9"], 4747)
    assert heard.found() == []
    heard.heard(id_text(OTHER), [f"10.0.0.{n}" for n in range(20)] + ["fd00::7"], 4747)
    (found,) = heard.found()
    assert len(found.addresses) == MAX_ADDRESSES and found.addresses[0] == "ws://10.0.0.0:4747/inx/1"
    heard.heard(id_text(OTHER), ["fd00::7"], 4747)
    assert heard.found()[0].addresses == ("ws://[fd00::7]:4747/inx/1",)
    for number in range(10 * KEPT):
        heard.heard(id_text(number.to_bytes(32, "big")), ["10.0.0.1"], 4747)
    assert len(heard.found()) == KEPT
    heard.gone(id_text(heard.found()[0].id))
    heard.gone("nx1rubbish")
    assert len(heard.found()) == KEPT - 1


async def test_a_network_that_cannot_does_not_stop_the_node() -> None:
    heard = around()
    await look_around(heard, FakeMulticast(OSError("no multicast here")), "nx1", 4747, ["10.0.0.1"])
    assert not heard.looking and "no multicast here" in heard.why_not


async def test_a_library_that_is_not_there_does_not_stop_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    heard = around()
    await look_around(heard, ZeroconfMulticast(["127.0.0.1"]), id_text(ME), 4747, ["127.0.0.1"])
    assert not heard.looking and "zeroconf" in heard.why_not


@pytest.mark.parametrize(
    ("serving", "mdns", "said"),
    [
        (Serving("http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", 0), "on", "this computer only"),
        (Serving("http://[::1]:1", "ws://[::1]:1/inx/1", 0), "on", "this computer only"),
        (LAN, "off", "mdns is off"),
        (LAN, "on", ""),
        (Serving("http://10.0.0.5:1", "ws://10.0.0.5:1/inx/1", 0), "on", ""),
    ],
)
async def test_nothing_is_announced_while_the_node_listens_here_only(  # [R-REACH-7]
    serving: Serving, mdns: str, said: str
) -> None:
    heard = around()
    chores = announcing(heard, replace(settings(), mdns=mdns), serving, FakeMulticast)
    assert len(chores) == (0 if said else 1)
    if said:
        assert said in heard.why_not


async def test_nodes_nearby_are_listed_and_never_dialled(tmp_path: Path) -> None:  # [R-REACH-8]
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        with pytest.raises(Problem, match="does not look around") as caught:
            await node.services.reaching.nearby(models.Listed())
        assert caught.value.exit_code == 4
        heard = node.services.reaching._nearby
        multicast = FakeMulticast()
        task = asyncio.create_task(look_around(heard, multicast, node.id, 4747, ["192.168.1.5"]))
        await until(lambda: heard.looking and bool(heard.found()))
        (found,) = (await node.services.reaching.nearby(models.Listed())).items
        assert (found.id, found.known) == (id_text(OTHER), False)
        assert found.uri == f"inx:{id_text(OTHER)}?a=ws://192.168.1.9:4747/inx/1"
        assert node.sessions.told == [] and (await node.services.peers.list(models.Listed())).items == []
        await node.services.peers.add(found.uri)
        heard.heard(id_text(b"\x02" * 32), ["10.0.0.1"], 1)
        page = await node.services.reaching.nearby(models.Listed(limit=1))
        rest = await node.services.reaching.nearby(models.Listed(limit=1, cursor=page.next))
        assert page.items[0].known and [one.id for one in rest.items] == [id_text(b"\x02" * 32)]
        assert multicast.announced == [(node.id, 4747, ["192.168.1.5"])]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert multicast.ended and not heard.looking


async def test_two_nodes_find_each_other_by_multicast_dns() -> None:  # [R-REACH-7]
    """On the loopback interface, with the real library; nothing but id, port and addresses is told."""
    mine, theirs = Neighbourhood(TestClock(), ME), Neighbourhood(TestClock(), OTHER)
    tasks = [
        asyncio.create_task(
            look_around(around, ZeroconfMulticast(["127.0.0.1"]), id_text(around.own), port, ["127.0.0.1"])
        )
        for around, port in ((mine, 4747), (theirs, 4748))
    ]
    try:
        async with patience(20):
            while not (mine.found() and theirs.found()):
                for task in tasks:
                    if task.done():
                        task.result()  # a fault is no lack of multicast
                        pytest.skip(f"no multicast on loopback here: {mine.why_not} {theirs.why_not}")
                await asyncio.sleep(0.02)
        assert [(one.id, one.addresses) for one in mine.found()] == [(OTHER, ("ws://127.0.0.1:4748/inx/1",))]
        from zeroconf.asyncio import AsyncZeroconf

        look = AsyncZeroconf(interfaces=["127.0.0.1"])
        try:
            info = await look.async_get_service_info(SERVICE, f"{id_text(OTHER)}.{SERVICE}", timeout=5_000)
            assert info is not None and info.decoded_properties == {"id": id_text(OTHER)}
            assert info.server == f"inx-{id_text(OTHER)[-12:]}.local."
        finally:
            await look.async_close()
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
        await until(lambda: not mine.found(), "the goodbye")
    finally:
        for task in tasks:
            if not task.done():  # a second cancel would interrupt the goodbye of the first
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
