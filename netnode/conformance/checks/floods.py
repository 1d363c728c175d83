"""C4: too much of everything. The node stays up, and answers an honest peer meanwhile or right after."""

from __future__ import annotations

import asyncio
from typing import Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import EVERYBODY, KEEPERS, READERS, Broken, Check, want
from netnode.conformance.encoding import decode, encode
from netnode.conformance.http import request
from netnode.conformance.limits import MAX_SHOP_ANSWER
from netnode.conformance.peer import PATIENCE
from netnode.conformance.runs import write_run
from netnode.conformance.shopper import PREFIX, TYPE, about
from netnode.conformance.websocket import NoUpgrade, Socket, connected

MANY: Final = 2_000
LINKS: Final = 60
QUESTIONS: Final = 300
AUTHORS: Final = 60
REQUESTS: Final = 8_000  # more than a node should answer at once, even somebody on its own computer
AT_ONCE: Final = 16
EVERY: Final = 0.2  # seconds between two tries


async def _unknown(bench: Bench) -> None:
    async with bench.meet() as peer:
        odd = encode([1_001, 0, {"x": bytes(200)}])
        for _ in range(MANY):
            await peer.say(odd)
        await peer.goes_on()
    await bench.alive()


async def _refusals(bench: Bench) -> None:
    """Unknown even messages: each is refused, and a peer that floods may be put off, not crash the node."""
    async with bench.meet() as peer:
        for _ in range(MANY):
            await peer.say(encode([1_000, 0, {}]))
        await peer.ended_or_goes_on()
    await bench.alive()


async def _questions(bench: Bench) -> None:
    async with bench.meet() as peer:
        for number in range(1_000, 1_000 + QUESTIONS):
            await peer.ask_as(number, "heads", after=None, limit=400)
        for number in range(1_000, 1_000 + QUESTIONS):
            [answer] = await peer.answered(number, f"question {number - 999} of {QUESTIONS}", 2 * PATIENCE)
            code = answer.body.get("code")
            want(answer.name == "items" or code in ("rate", "busy"), f"a question is refused with {code}")
    await bench.alive()


async def _repeats(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(3)
    async with bench.meet() as peer:
        for _ in range(QUESTIONS):
            await peer.push(log)
        await peer.goes_on()
    await bench.keeps(author.id, log)


async def _nonsense_items(bench: Bench) -> None:
    """Items of logs that there are not: it asks, gets nothing, and goes on."""
    shelf = bench.shelf()
    shelf.answers["get"] = lambda _: [("runs", {"runs": []})]
    async with bench.meet(shelf=shelf) as peer:
        for _ in range(10):
            items = [[0, bench.entropy.token(32), 0, 0, 9, bench.entropy.token(32), 0] for _ in range(300)]
            await peer.tell("have", items=items)
        await peer.goes_on()
        await bench.alive()


async def _authors(bench: Bench) -> None:
    bench.takes_logs()
    logs = [bench.author().log(1) for _ in range(AUTHORS)]
    async with bench.meet() as peer:
        await peer.tell("push", runs=[write_run(log) for log in logs])
        for log in (logs[0], logs[-1]):
            await peer.holds(log[0].header.author, [0, log[0].header.author, 0, 0, 1, log[1].id, 0])
    await bench.alive()


async def _links(bench: Bench) -> None:
    """Many links at once: those beyond its places are turned away, and it answers again when they are gone."""

    async def link() -> Socket | None:
        try:
            return await Socket.open(bench.target, bench.entropy)
        except (OSError, NoUpgrade):
            return None

    sockets = [socket for socket in await asyncio.gather(*(link() for _ in range(LINKS))) if socket]
    for socket in sockets:
        socket.drop()
    await _recovers(bench)


async def _connections(bench: Bench) -> None:
    pairs = await asyncio.gather(*(connected(bench.target) for _ in range(LINKS)), return_exceptions=True)
    for pair in pairs:
        if not isinstance(pair, BaseException):
            pair[1].close()
    await _recovers(bench)


async def _recovers(bench: Bench) -> None:
    """An honest peer gets a place within a moment."""
    end = bench.clock.monotonic() + PATIENCE
    while True:
        try:
            return await bench.alive()
        except Broken:
            if bench.clock.monotonic() > end:
                raise
            await asyncio.sleep(EVERY)  # the places of a moment ago are being cleared


async def _sessions(bench: Bench) -> None:
    """One networker that comes again and again."""
    own = bench.author()
    for _ in range(25):
        async with bench.meet(own) as peer:
            await peer.goes_on()
    await bench.alive()


async def _pings(bench: Bench) -> None:
    async with bench.meet() as peer:
        for _ in range(MANY):
            await peer.socket.send(b"x", 9)
        await peer.goes_on()
    await bench.alive()


async def _interests(bench: Bench) -> None:
    async with bench.meet() as peer:
        for number in range(200):
            await peer.tell(
                "interest", all=bool(number % 2), ids=[bench.entropy.token(32) for _ in range(40)]
            )
        await peer.tell("interest", all=True)
        await peer.goes_on()
    await bench.alive()


async def _requests(bench: Bench) -> None:
    """Requests for the proof of a listing; nothing else is asked of these routes while they go on."""
    await about(bench)
    body, refused = encode({"seller": bench.known.id}), asyncio.Event()
    left = iter(range(REQUESTS))

    async def ask() -> None:
        for _ in left:
            if refused.is_set():
                return
            answer = await request(bench.target, "POST", PREFIX + "/listing", body, {"Content-Type": TYPE})
            if answer.status >= 400:
                code = decode(answer.body, MAX_SHOP_ANSWER)["code"]
                want(code in ("rate", "busy"), f"one of many requests is refused with {code} [R-SHOP-4]")
                if code == "rate":
                    refused.set()

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    want(refused.is_set(), f"{REQUESTS} requests of one network on end are all answered [R-SHOP-4]")
    await bench.alive()


CHECKS: Final = (
    Check("C4-40", "R-MSG-2 R-LINK-5", EVERYBODY, "outlives a flood of unknown messages", _unknown),
    Check("C4-41", "R-MSG-2 R-LINK-5", EVERYBODY, "outlives a flood of messages it has to refuse", _refusals),
    Check("C4-42", "R-SES-11 R-SES-9", KEEPERS, "answers or refuses a flood of questions", _questions),
    Check("C4-43", "R-SYNC-11 R-LINK-5", READERS, "outlives a log pushed again and again", _repeats),
    Check(
        "C4-44", "R-SYNC-5 R-LINK-5", READERS, "outlives items of logs that there are not", _nonsense_items
    ),
    Check("C4-45", "R-SYNC-11", READERS, "takes many networkers in one push", _authors),
    Check("C4-46", "R-LINK-5", KEEPERS, "outlives many links at once", _links),
    Check("C4-47", "R-LINK-5", KEEPERS, "outlives many connections at once", _connections),
    Check("C4-48", "R-SES-4 R-LINK-5", KEEPERS, "outlives a networker that comes again and again", _sessions),
    Check("C4-49", "R-LINK-3", EVERYBODY, "outlives a flood of pings", _pings),
    Check("C4-50", "R-SYNC-1", KEEPERS, "outlives interests that change all the time", _interests),
    Check("C4-51", "R-SHOP-4 R-SHOP-1", KEEPERS, "bounds how often shoppers of one network ask", _requests),
)
