"""Runs checks against a node: each in sessions of its own, and each with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bech32 import write_id
from netnode.conformance.bench import FEATURES, STORE_BYTES, Bench, Known, received
from netnode.conformance.checking import Broken, Check, Skipped
from netnode.conformance.faults import Fault
from netnode.conformance.peer import Peer
from netnode.conformance.session import Session
from netnode.conformance.shelf import Shelf
from netnode.conformance.target import Target
from netnode.conformance.websocket import NoUpgrade, Socket, SocketClosed
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem

CHECK_SECONDS: Final = 90.0  # why: the longest waits for two time-outs of the node
# Checks that wait, where the node is not on this computer: it gives a stranger few places
SLOW_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check.

    Attributes:
        verdict: `passed`, `failed` or `skipped`.
        detail: what the node did, or why the check does not apply; empty when it passed.
    """

    check: Check
    verdict: str
    detail: str


async def survey(target: Target, network: str, clock: Clock, entropy: Entropy) -> Known:
    """What a first session tells of the node.

    Raises:
        Problem: it cannot be reached, is no node, or is of another network.
    """
    own = Author(network, entropy, clock.now_ms())
    static, ephemeral = entropy.token(32), entropy.token(32)
    session = Session(own.networker, dialler=True, static=static, ephemeral=ephemeral, now=clock.now_ms())
    socket = await _opened(target, entropy)
    try:
        await socket.send(session.hello_of_noise())
        await _met(target, network, session, socket)
        await socket.send(session.show())
        shelf = Shelf(network, entropy.token(STORE_BYTES))
        peer = Peer(socket, session, shelf, network, 8)
        reading = asyncio.create_task(peer.pump(), name="reads what the node says")
        try:
            return await _known(peer, target, clock.now_ms())
        except Broken as broken:
            text = f"The node at {target.url} begins a session and does not go on: {broken}."
            raise Problem(text, ExitCode.UNREACHABLE, "no_session") from broken
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        await socket.close()


async def _opened(target: Target, entropy: Entropy) -> Socket:
    try:
        return await Socket.open(target, entropy)
    except NoUpgrade as error:
        said = "something that is not HTTP" if error.status is None else f"HTTP {error.status}"
        hint = " It is starting, stopping or full: try again." if error.status == 503 else ""
        text = f"What answers at {target.url} is no INX node: it says {said}.{hint} Check port and path (/inx/1)."
        raise Problem(text, ExitCode.UNREACHABLE, "no_node") from error
    except OSError as error:
        text = f"Cannot connect to {target.url}: {error.strerror or error}. Check address and port, and that it runs."
        raise Problem(text, ExitCode.UNREACHABLE, "unreachable") from error


async def _met(target: Target, network: str, session: Session, socket: Socket) -> None:
    try:
        session.meet((await received(socket)).data, target.expected)
    except Fault as fault:
        if fault.code == "wrong_id":
            text = f"Another networker than the link names answers at {target.url}. Ask for a new link."
            raise Problem(text, ExitCode.REFUSED, "wrong_id") from fault
        text = (
            f"What answers at {target.url} does not shake hands in the network {network!r} ({fault}): "
            "it is a node of another network, or none. Name its network with --network."
        )
        raise Problem(text, ExitCode.REFUSED, "network") from fault
    except (SocketClosed, Broken) as error:
        text = f"What answers at {target.url} opens a link and does not shake hands. Check port and path (/inx/1)."
        raise Problem(text, ExitCode.UNREACHABLE, "no_node") from error


async def _known(peer: Peer, target: Target, now: int) -> Known:
    hello = {
        "agent": "conformance",
        "clock": now,
        "features": list(FEATURES),
        "store": peer.shelf.store,
        "versions": [1],
    }
    await peer.tell("hello", **hello)
    theirs = await peer.until(lambda: peer.hello, "its hello")
    await peer.tell("interest", all=True)
    interest = await peer.until(
        lambda: next((each for each in peer.told.notices if each.name == "interest"), None), "its interest"
    )
    asked = 0 if target.loopback else int(theirs.get("stamp_asked", 0))
    identity = peer.session.peer
    assert identity is not None
    return Known(
        id=identity.id,
        agent=str(theirs["agent"]),
        features=frozenset(theirs.get("features", [])),
        all=bool(interest.body["all"]),
        asks_stamp=asked,
        logs=len(await peer.heads()),
    )


async def run(bench: Bench, checks: Sequence[Check], told: Callable[[Result], None]) -> list[Result]:
    """Runs checks one by one, what is hostile last; those that wait run beside the others.

    Args:
        bench: for all of them.
        checks: which.
        told: called with each result as it comes.

    Returns:
        The results, in the order of the checks.
    """
    found: dict[str, Result] = {}

    async def work(queue: list[Check]) -> None:
        while queue:
            check = queue.pop(0)
            found[check.id] = await judged(bench, check)
            told(found[check.id])

    slow = [check for check in checks if check.slow]
    usual = [check for check in checks if not check.slow and check.klass != "C4"]
    hostile = [check for check in checks if not check.slow and check.klass == "C4"]
    async with asyncio.TaskGroup() as group:
        for _ in range(len(slow) if bench.target.loopback else SLOW_AT_ONCE):
            group.create_task(work(slow), name="slow checks")
        group.create_task(work(usual), name="checks")
    await work(hostile)
    return [found[check.id] for check in checks]


async def judged(bench: Bench, check: Check) -> Result:
    """Runs one check."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check.run(bench)
    except Skipped as skipped:
        return Result(check, "skipped", str(skipped))
    except (Broken, Fault) as broken:
        return Result(check, "failed", str(broken))
    except SocketClosed as closed:
        return Result(check, "failed", f"the link ended with close code {closed.code} where more was due")
    except TimeoutError:
        return Result(check, "failed", f"not over within {CHECK_SECONDS:.0f} s")
    except Exception as error:  # an answer of a shape no check thought of is the node's fault, or a bug here
        return Result(check, "failed", f"what came fits no expectation: {type(error).__name__} {error}")
    return Result(check, "passed", "")


def described(known: Known) -> str:
    """The node in one line, for people."""
    features = ", ".join(map(str, sorted(known.features))) or "none"
    wants = "everything" if known.all else "some networkers"
    return (
        f"{write_id(known.id)}, {known.agent!r}, features {features}, wants {wants}, keeps {known.logs} logs"
    )
