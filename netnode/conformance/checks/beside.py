"""C2: branches beside a log, served to who asks; section 11.8."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, want
from netnode.conformance.entries import Entry
from netnode.conformance.peer import Peer
from netnode.conformance.runs import read_run, write_run

BUDGET: Final = 20_000  # bytes
OVERHEAD: Final = 120  # bytes of an entry in a run besides its record, at most


async def _forked(bench: Bench, count: int) -> tuple[Author, list[Entry], list[Entry], list[Entry]]:
    """A log that the node knows to be forked: what is common, the branch it holds, what it saw of the other."""
    author = bench.author()
    common = author.log(3)
    left, right = author.entries(common[-1], count), author.entries(common[-1], 2)
    await bench.show([*common, *left], right)
    await bench.tells(author.id, [1, author.id, 0, 0])
    return author, common, left, right


async def _branch(peer: Peer, author: Author, tip: Entry, budget: int = 1 << 20) -> list[list[Entry]]:
    """The answer to `branch`: the entries of each message, lowest first."""
    told = await peer.ask("branch", author=author.id, budget=budget, id=tip.id, seq=tip.seq)
    found = [[entry for run in each.body.get("runs", []) for entry in read_run(run)] for each in told]
    return [each for each in found if each]


def _named(author: Author, *tips: Entry) -> list[list[Any]]:
    return sorted([author.id, each.header.epoch, each.header.term, each.seq, each.id] for each in tips)


def _ids(parts: Sequence[Sequence[Entry]]) -> list[bytes]:
    return [entry.id for part in reversed(parts) for entry in part]


async def _told(bench: Bench) -> None:
    """Of a forked log both branches; of one that is not, and of an unknown one, nothing."""
    author, _, left, right = await _forked(bench, 3)
    plain = bench.author()
    await bench.show(plain.log(2))
    async with bench.meet() as peer:
        asked = [plain.id, author.id, bench.entropy.token(32)]
        rows = (await peer.one("ask_branches", authors=asked)).get("branches", [])
        ends = [row for row in rows if row[0] == author.id]
        want(sorted(rows) == sorted(ends), "it tells of branches of a log that has none")
        want(
            len(ends) == 2 and _named(author, left[-1])[0] in ends, "it does not tell of the branch it holds"
        )
        [other] = [row for row in ends if row != _named(author, left[-1])[0]]
        want(other in _named(author, *right), "it tells of a branch that nobody wrote")


async def _served(bench: Bench) -> None:
    author, common, left, right = await _forked(bench, 150)
    async with bench.meet() as peer:
        parts = await _branch(peer, author, left[-1])
        want(_ids(parts) == [each.id for each in (*common, *left)], "not the branch down to entry 0")
        for upper, lower in pairwise(parts):
            want(lower[-1].id == upper[0].header.prev, "a message does not end below the one before it")
        want(
            _ids(await _branch(peer, author, left[4]))[-1] == left[4].id, "not from the entry that was named"
        )
        parts = await _branch(peer, author, right[0])
        want(_ids(parts) == [each.id for each in (*common, right[0])], "not the other side of its proof")


async def _bounded(bench: Bench) -> None:
    author, _, left, _ = await _forked(bench, 400)
    async with bench.meet() as peer:
        parts = await _branch(peer, author, left[-1], BUDGET)
        size = sum(len(write_run(part)[5]) * OVERHEAD + sum(map(_weight, part)) for part in parts)
        want(parts[0][-1].id == left[-1].id, "not from the entry that was named")
        want(size <= 2 * BUDGET, f"{size} bytes where {BUDGET} were asked for")
        one = await _branch(peer, author, left[-1], 1)
        want([entry.id for part in one for entry in part] == [left[-1].id], "a budget of 1 brings one entry")


def _weight(entry: Entry) -> int:
    return len(entry.record or b"")


async def _refused(bench: Bench) -> None:
    author, _, left, _ = await _forked(bench, 3)
    async with bench.meet() as peer:
        ask = {"author": author.id, "budget": BUDGET, "id": left[-1].id, "seq": left[-1].seq}
        for wrong in (
            {"id": bench.entropy.token(32)},
            {"seq": left[-1].seq - 1},
            {"author": bench.entropy.token(32)},
        ):
            code = await peer.refused("branch", **{**ask, **wrong})
            want(code == "not_here", f"an entry that it does not hold is refused with {code}")
        await peer.goes_on()


async def _left(bench: Bench) -> None:
    """A settlement ends the fork: what the node keeps of the other branch it tells and serves."""
    author, common, left, _ = await _forked(bench, 5)
    opener = author.settlement(left[-1])
    await bench.show([*common, *left, opener])
    async with bench.meet() as peer:
        rows = (await peer.one("ask_branches", authors=[author.id])).get("branches", [])
        for row in rows:
            want(
                row[0] == author.id and row[1:3] == [0, 0], "it tells of the log itself, which is not forked"
            )
            told = await peer.ask("branch", author=author.id, budget=BUDGET, id=row[4], seq=row[3])
            runs = [read_run(run) for each in told for run in each.body.get("runs", [])]
            want(bool(runs) and runs[-1][-1].id == row[4], "it does not serve the branch that it tells of")


CHECKS: Final = (
    Check("C2-131", "R-MSG-15", KEEPERS, "tells which branches of a forked log it holds", _told),
    Check("C2-132", "R-MSG-16 R-SYNC-9", KEEPERS, "serves a branch from an entry downwards", _served),
    Check("C2-133", "R-MSG-16", KEEPERS, "serves no more of a branch than was asked for", _bounded),
    Check("C2-134", "R-MSG-16", KEEPERS, "refuses a branch that it does not hold", _refused),
    Check("C2-135", "R-MSG-15 R-MSG-16", KEEPERS, "tells after a settlement only of what it left", _left),
)
