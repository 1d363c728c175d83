"""C2: what the node passes on to others, live; section 11.3."""

from __future__ import annotations

from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, want
from netnode.conformance.entries import Entry
from netnode.conformance.log import Log
from netnode.conformance.peer import Peer
from netnode.conformance.runs import read_run


async def _arrives(peer: Peer, author: Author, tip: Entry) -> None:
    """Waits until the node told of an entry, by push or by item."""

    def told() -> bool:
        item = peer.told.items.get(author.id)
        pushed = peer.told.pushed.get(author.id, [])
        return any(entry.id == tip.id for entry in pushed) or (item is not None and tip.id in item)

    await peer.until(told, "a push or `have` of what another peer showed")


async def _passes_on(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(3)
    async with bench.meet() as giver, bench.meet() as other:
        await other.goes_on()
        await giver.push(log)
        await _arrives(other, author, log[-1])
        log.append(author.entry(log[-1]))
        await giver.push(log[-1:])
        await _arrives(other, author, log[-1])
        await other.serves(author.id, log)
    pushed = other.told.pushed.get(author.id, [])
    known = {entry.id: entry.alone() for entry in log}
    want(
        all(known.get(entry.id) == entry.alone() for entry in pushed),
        "other bytes are pushed than came [R-ENC-9]",
    )


async def _not_back(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(3)
    async with bench.meet() as giver, bench.meet() as other:
        await other.goes_on()
        await giver.push(log)
        await _arrives(other, author, log[-1])
        await giver.quiet(lambda: giver.told.names(author.id), "what we pushed is sent back to us")


async def _not_twice(bench: Bench) -> None:
    """A peer that told that it has a log is not told of it."""
    bench.takes_logs()
    author = bench.author()
    log = author.log(3)
    shelf = bench.shelf()
    shelf.put(log)
    async with bench.meet(shelf=shelf) as holder:
        await holder.holds(author.id, shelf.item(author.id))
        async with bench.meet() as giver:
            await giver.push(log)
            await bench.settle(giver)
        await holder.quiet(lambda: holder.told.names(author.id), "it tells a peer what that peer holds")


async def _only_verified(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(3)
    async with bench.meet() as other:
        await other.goes_on()
        bad = [*log[:3], author.entry(log[2], signed=False)]
        async with bench.meet() as giver:
            await giver.push(bad)
            await giver.expelled("signature")
        await _arrives(other, author, log[2])
        await other.quiet(
            lambda: bad[3].id in [entry.id for entry in other.told.pushed.get(author.id, [])],
            "it passes on an entry that does not verify",
        )


async def _only_interest(bench: Bench) -> None:
    bench.takes_logs()
    wanted, other = bench.author(), bench.author()
    async with bench.meet(interest=[wanted.id]) as peer, bench.meet() as giver:
        await peer.goes_on()
        await giver.push(other.log(2))
        log = wanted.log(2)
        await giver.push(log)
        await _arrives(peer, wanted, log[-1])
        await peer.quiet(lambda: peer.told.names(other.id), "it tells of a log that we do not want")


async def _after_interest(bench: Bench) -> None:
    """Nothing live goes out before we told what we want."""
    bench.takes_logs()
    author = bench.author()
    log = author.log(2)
    async with bench.meet(tell=False) as peer:
        await bench.show(log)
        await peer.quiet(lambda: peer.told.names(author.id), "it tells of logs before our interest came")
        await peer.tell("interest", all=True)
        later = author.entry(log[-1])
        await bench.show([later])
        await _arrives(peer, author, later)


async def _openers_travel(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    async with bench.meet() as peer:
        await peer.goes_on()
        rotation = author.rotation(log[-1])
        await bench.show([rotation])
        await peer.until(
            lambda: rotation.id in [entry.id for entry in peer.told.pushed.get(author.id, [])],
            "a new rotation, pushed as a run",
        )


async def _proofs_travel(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    common = author.log(3)
    left, right = author.entries(common[-1], 2), author.entries(common[-1], 2)
    await bench.show([*common, *left])
    async with bench.meet() as peer:
        await peer.goes_on()
        await bench.show(right)
        fork = await peer.until(
            lambda: [
                each
                for each in peer.told.notices
                if each.name == "fork" and each.body["left"][0] == author.id
            ],
            "the notice `fork` with the proof",
        )
        log = Log(bench.network)
        log.receive(common)
        log.receive_fork(read_run(fork[0].body["left"]), read_run(fork[0].body["right"]))
        want(log.fork == 4, "the proof is of another place")
        await bench.settle(peer)
        want(sum(each.name == "fork" for each in peer.told.notices) == 1, "the proof comes twice")


async def _contest_travels(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    log = author.log(2)
    one, two = author.rotation(log[-1]), author.rotation(log[-1])
    await bench.show([*log, one])
    async with bench.meet() as peer:
        await peer.goes_on()
        await bench.show([two])
        await peer.until(
            lambda: two.id in [entry.id for entry in peer.told.pushed.get(author.id, [])],
            "the second rotation of an epoch, pushed",
        )


async def _rotated_in_session(bench: Bench) -> None:
    """A peer whose rotation becomes known is in session by a retired key: the session ends."""
    bench.takes_logs()
    author = bench.author()
    async with bench.meet(author) as peer:
        await peer.goes_on()
        await bench.show([author.first, author.rotation(author.first)])
        ending = await peer.ended()
        want(not ending.said, f"bye {ending.said}, not without a code")


CHECKS: Final = (
    Check(
        "C2-120",
        "R-SYNC-13 R-SYNC-16 R-SYNC-4",
        KEEPERS,
        "passes on to a second peer what a first one showed",
        _passes_on,
    ),
    Check("C2-121", "R-SYNC-14", KEEPERS, "does not send back what a peer sent", _not_back),
    Check("C2-122", "R-SYNC-14", KEEPERS, "does not tell a peer what it holds", _not_twice),
    Check("C2-123", "R-SYNC-16 R-LOG-10", KEEPERS, "passes on only what verifies", _only_verified),
    Check("C2-124", "R-SYNC-2 R-SYNC-13", KEEPERS, "tells live only of logs that we want", _only_interest),
    Check(
        "C2-125",
        "R-SYNC-13 R-SYNC-1",
        KEEPERS,
        "tells nothing live before our interest came",
        _after_interest,
    ),
    Check("C2-126", "R-SYNC-15", KEEPERS, "pushes new openers", _openers_travel),
    Check("C2-127", "R-SYNC-15 R-LOG-15", KEEPERS, "passes the proof of a fork on, once", _proofs_travel),
    Check(
        "C2-128", "R-SYNC-15 R-LOG-16", KEEPERS, "passes on the opener that makes a contest", _contest_travels
    ),
    Check(
        "C2-129",
        "R-CERT-6",
        KEEPERS,
        "ends the session with a peer whose key was replaced",
        _rotated_in_session,
    ),
)
