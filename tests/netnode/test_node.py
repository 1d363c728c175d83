"""How a node starts, and what it does over months: here its session key is renewed while it serves."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from netnode import chores, node, session_identity
from netnode.assembly import system_ports
from netnode.home import Home
from netnode.keys.keystore import Keystore
from netnode.links import WebSocketDialer
from netnode.operations.runtime import Ready, StartOptions
from netnode.system import SystemClock, SystemDisk, SystemEntropy
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.messages import Hello
from protocol.session import Identified, Session
from tests.netnode.mesh import NOW, TestClock, TestEntropy, identity_of, keys_of, until
from tests.protocol.author import Author


async def certified(address: str) -> bytes:
    """The session key that the node at this address proves in a handshake."""
    clock, peer, dialer = SystemClock(), Author("peer", "inx"), WebSocketDialer(SystemEntropy())
    hello = Hello(agent="test", clock=clock.now_ms(), store=bytes(16), versions=[1])
    session = Session(
        "inx", initiator=True, identity=identity_of(peer), hello=hello, ephemeral=SystemEntropy().token(32)
    )
    link = await dialer.dial(address)
    try:
        for data in session.outgoing():
            await link.send(data)
        (event,) = session.receive(await link.receive(), clock.now_ms())
        assert isinstance(event, Identified)
        return event.remote.certificate.key
    finally:
        await link.close()
        await dialer.close()


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
async def test_the_session_key_is_renewed_while_the_node_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: bytes | None
) -> None:
    """A node that runs for longer than its certificate lasts goes on shaking hands [R-CERT-2]."""
    place = tmp_path / "home"
    await asyncio.to_thread(node.initialise, place, name="Ada", passphrase=passphrase)
    keystore = Keystore(Home(place, SystemDisk()), SystemDisk(), SystemEntropy())
    first = keystore.public().session_key
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(chores, "RENEWAL_SECONDS", 0.02)
    options = StartOptions(listen="127.0.0.1:0", passphrase=passphrase, on_ready=ready.set_result)
    running = asyncio.create_task(node.run(place, options))
    try:
        address = (await ready).peer
        assert await certified(address) == first
        monkeypatch.setattr(session_identity, "RENEW_BEFORE_MS", 91 * DAY_MS)
        await until(lambda: keystore.public().session_key != first)
        monkeypatch.setattr(session_identity, "RENEW_BEFORE_MS", 0)

        async def proved() -> bool:
            return await certified(address) == keystore.public().session_key

        await until(proved)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await running


async def test_who_waits_for_the_ready_file_finds_the_start_in_the_log(tmp_path: Path) -> None:
    """Found on a busy computer: the line came after the file, so that a look in between saw an empty log."""
    place, file = tmp_path / "home", tmp_path / "ready"
    await asyncio.to_thread(node.initialise, place, name="Ada", passphrase=None)
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    logged: list[str] = []

    class Disk:
        def __getattr__(self, name: str) -> object:
            return getattr(SystemDisk(), name)

        def write_private(self, path: Path, data: bytes) -> None:
            if path == file:
                logged.append((place / "node.log").read_text())
            SystemDisk().write_private(path, data)

    options = StartOptions(listen="127.0.0.1:0", ready_file=file, on_ready=ready.set_result)
    making = lambda: replace(system_ports(), disk=Disk())  # noqa: E731
    running = asyncio.create_task(node.run(place, options, making=making))
    address = (await ready).peer
    os.kill(os.getpid(), signal.SIGTERM)
    await running
    assert len(logged) == 1 and f"serves peers at {address}" in logged[0]


async def test_sessions_end_once_when_damage_is_met_in_the_store() -> None:
    ended: list[str] = []

    class Sessions:
        async def close(self) -> None:
            ended.append("closed")

    told: list[str] = []
    store = SimpleNamespace(damaged=None)
    await chores._withdraw(store, Sessions(), told)
    assert not ended
    store.damaged = "The store is damaged."
    for _ in range(3):
        await chores._withdraw(store, Sessions(), told)
    assert ended == ["closed"] and told == ["The store is damaged."]


@pytest.mark.parametrize("ahead", [0, 5 * DAY_MS])
def test_a_session_key_that_a_clock_made_which_was_ahead_is_renewed(ahead: int) -> None:
    """Found by simulated clocks: peers refuse it as valid for too long [R-CERT-2]."""
    keys = replace(keys_of(Author("ada")), session_until=NOW + ahead + limits.SESSION_KEY_DAYS * DAY_MS)
    ports = SimpleNamespace(clock=TestClock(NOW), entropy=TestEntropy("renewal"))
    renewed = session_identity.renewed_keys(ports, keys)
    assert (renewed is keys) == (ahead == 0)
    assert renewed.session_until == NOW + limits.SESSION_KEY_DAYS * DAY_MS


def test_a_log_that_cannot_be_written_says_nothing_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by hand on a full disk: each line of the log was a traceback where the owner, or a journal, reads."""
    home = Home(tmp_path / "home", SystemDisk())
    home.create()

    def full() -> None:
        raise OSError(errno.ENOSPC, "full")

    with node._logging(home, "info"), pytest.MonkeyPatch.context() as patched:
        logger = logging.getLogger("netnode")
        (handler,) = (each for each in logger.handlers if isinstance(each, logging.FileHandler))
        patched.setattr(handler, "flush", full)
        logger.warning("nobody reads this")
        patched.undo()
        logger.warning("kept")
    assert logging.raiseExceptions
    assert capsys.readouterr().err == ""
    assert home.log_file.read_text().endswith("kept\n")
