"""C2: forks and contested identities; section 8.4."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import READERS, Check, want
from netnode.conformance.entries import Entry
from netnode.conformance.log import Log
from netnode.conformance.runs import read_run, write_run


def _forked(author: Author, term: int = 0) -> list[object]:
    return [1, author.id, 0, term]


def _two(author: Author) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """What is common, and two branches above it."""
    common = author.log(3)
    return common, author.entries(common[-1], 3), author.entries(common[-1], 2)


async def _fork_found(bench: Bench) -> None:
    author = bench.author()
    common, left, right = _two(author)
    await bench.show([*common, *left], right)
    await bench.tells(author.id, _forked(author))
    log = Log(bench.network)
    log.receive(common)
    async with bench.meet() as peer:
        proof = await peer.one("proof", author=author.id, epoch=0, term=0)
        log.receive_fork(read_run(proof["left"]), read_run(proof["right"]))
        want(log.fork == 4, f"its proof is of a difference at {log.fork}, not at 4")


async def _fork_stops(bench: Bench) -> None:
    author = bench.author()
    common, left, right = _two(author)
    await bench.show([*common, *left], right)
    await bench.show(author.entries(left[-1], 2), author.entries(right[-1], 2))
    async with bench.meet() as peer:
        await peer.holds(author.id, _forked(author))
        [answer] = await peer.ask("ask_ids", author=author.id, epoch=0, term=0, seqs=[3, 7, 8])
        want(answer.body["ids"] == [common[3].id, None, None], "it goes on with a forked term")


async def _proof_shown(bench: Bench) -> None:
    author = bench.author()
    common, left, right = _two(author)
    bench.takes_logs()
    async with bench.meet() as peer:
        await peer.push([*common, *left])
        await bench.settle(peer)
        await peer.tell("fork", left=write_run(left[:1]), right=write_run(right[:1]))
        await peer.holds(author.id, _forked(author), "after the proof of a fork its item")


async def _bad_proofs(bench: Bench) -> None:
    bench.takes_logs()
    author, other = bench.author(), bench.author()
    common, left, right = _two(author)
    await bench.show([*common, *left], other.log(1))
    forged = replace(right[0], signature=bench.entropy.token(64))
    later = author.entry(right[-1])
    bad = (
        (left[:1], [forged]),  # one side is signed by nobody
        (left[:1], left[:1]),  # not two entries
        (left[:1], [later]),  # of two seqs
        (left[:1], other.entries(other.log(3)[-1], 1)),  # of two networkers
    )
    for one, two in bad:
        async with bench.meet() as peer:
            await peer.tell("fork", left=write_run(one), right=write_run(two))
            await peer.expelled("bad_proof")
    await bench.keeps(author.id, [*common, *left])


async def _old_proof(bench: Bench) -> None:
    """A proof of a closed term proves nothing now: it is no fault, and not held."""
    bench.takes_logs()
    author = bench.author()
    common, left, right = _two(author)
    log = [*common, *left]
    log.append(author.settlement(log[-1]))
    async with bench.meet() as peer:
        await peer.push(log)
        await bench.settle(peer)
        await peer.tell("fork", left=write_run(left[:1]), right=write_run(right[:1]))
        await bench.settle(peer)
    await bench.keeps(author.id, log)


async def _healed(bench: Bench) -> None:
    author = bench.author()
    common, left, right = _two(author)
    settlement = author.settlement(right[-1])
    healed = [*common, *right, settlement, author.entry(settlement)]
    await bench.show([*common, *left], right, healed, healed)  # the opener first, then what joins it
    await bench.keeps(author.id, healed)


async def _two_settlements(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    one, two = author.settlement(log[-1]), author.settlement(log[-1], later=2)
    await bench.show([*log, one], [two])
    await bench.tells(author.id, _forked(author, 1))
    async with bench.meet() as peer:
        proof = await peer.one("proof", author=author.id, epoch=0, term=1)
        shown = {read_run(proof[side])[0].id for side in ("left", "right")}
        want(shown == {one.id, two.id}, "the proof is not these two settlements")
    third = author.settlement(one)
    await bench.show([*log, one, third])
    await bench.keeps(author.id, [*log, one, third])


async def _two_inceptions(bench: Bench) -> None:
    author = bench.author()
    await bench.show([author.first], [author.inception()])
    await bench.tells(author.id, _forked(author))


async def _contested(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    one, two = author.rotation(log[-1]), author.rotation(log[-1])
    await bench.show([*log, one], [two])
    await bench.tells(author.id, [2, author.id, 1])
    async with bench.meet() as peer:
        answers = await peer.ask("openers", authors=[author.id])
        runs = [read_run(run)[0].id for answer in answers for run in answer.body.get("runs", [])]
        want(set(runs) == {author.first.id, one.id, two.id}, "it does not serve both openers")
        await peer.push([author.entry(one)])
        await bench.settle(peer)
        await peer.holds(author.id, [2, author.id, 1], "an entry ends the contest: its item")


async def _contest_ends(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    one, two = author.rotation(log[-1]), author.rotation(log[-1])
    three = author.rotation(two)
    healed = [*log, two, three, author.entry(three)]
    await bench.show([*log, one], [two], healed, healed)
    await bench.keeps(author.id, healed)


async def _for_good(bench: Bench) -> None:
    """Openers of one epoch that promise different keys: nothing ends that."""
    author = bench.author()
    log = author.log(2)
    one, two = author.rotation(log[-1]), author.rotation(log[-1], other_promise=True)
    await bench.show([*log, one], [two], [author.rotation(one)])
    await bench.tells(author.id, [2, author.id, 1])


async def _order_of_arrival(bench: Bench) -> None:
    """Whatever came first, the same item stands in the end."""
    author = bench.author()
    log = author.log(4)
    rotation = author.rotation(log[1])
    after = [*log[:2], rotation, author.entry(rotation)]
    await bench.show([rotation], after[3:], log, after)
    await bench.keeps(author.id, after)


CHECKS: Final = (
    Check(
        "C2-70", "R-LOG-14 R-LOG-17 R-MSG-12", READERS, "finds a fork, and has the proof of it", _fork_found
    ),
    Check("C2-71", "R-LOG-15", READERS, "takes nothing more of a forked term", _fork_stops),
    Check("C2-72", "R-LOG-14 R-MSG-12", READERS, "believes the proof of a fork", _proof_shown),
    Check("C2-73", "R-LOG-14", READERS, "ends with `bad_proof` on proofs that prove nothing", _bad_proofs),
    Check(
        "C2-74", "R-LOG-14 R-SYNC-18", READERS, "passes over the proof of a fork of a closed term", _old_proof
    ),
    Check(
        "C2-75",
        "R-LOG-15 R-LOG-4 R-LOG-13",
        READERS,
        "goes on after a settlement on the branch it chooses",
        _healed,
    ),
    Check(
        "C2-76",
        "R-LOG-14 R-LOG-28 R-MSG-12",
        READERS,
        "takes two settlements of one term for a fork",
        _two_settlements,
    ),
    Check("C2-77", "R-LOG-25", READERS, "takes two inceptions of one record for a fork", _two_inceptions),
    Check(
        "C2-78", "R-LOG-16 R-MSG-11", READERS, "takes two rotations of one epoch for a contest", _contested
    ),
    Check(
        "C2-79", "R-LOG-16", READERS, "ends a contest by the next rotation of the same promise", _contest_ends
    ),
    Check("C2-80", "R-LOG-16", READERS, "ends no contest of different promises", _for_good),
    Check(
        "C2-81",
        "R-LOG-11 R-LOG-24 R-LOG-13",
        READERS,
        "comes to the same item whatever came first",
        _order_of_arrival,
    ),
)
