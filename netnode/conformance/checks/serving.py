"""C2: entries, ids, records, openers and blobs that the node serves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.blobs import check_chunk
from netnode.conformance.checking import KEEPERS, Broken, Check, Skipped, want
from netnode.conformance.encoding import encode
from netnode.conformance.entries import LISTING, Entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import BLOB_CHUNK
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record
from netnode.conformance.runs import read_run

LENGTH: Final = 70  # entries: an anchor lies among them
BUDGET: Final = 2_000
UNSIGNED: Final = 9


async def _held(bench: Bench, author: Author, log: list[Entry]) -> None:
    await bench.show(log[: LENGTH // 2 + 1], log)
    await bench.keeps(author.id, log)


async def _budgets(bench: Bench) -> None:
    author = bench.author()
    log = author.log(LENGTH)
    await _held(bench, author, log)
    async with bench.meet() as peer:
        wants: list[list[Any]] = [[author.id, 0, LENGTH]]
        got: list[Entry] = []
        rounds = 0
        while wants:
            answers = await peer.ask("get", wants=wants, budget=BUDGET)
            runs = [run for answer in answers for run in answer.body.get("runs", [])]
            size = sum(len(encode(run)) for run in runs)
            want(size <= BUDGET or len(runs) == 1, f"{size} bytes of runs for a budget of {BUDGET}")
            got += [entry for run in runs for entry in read_run(run)]
            wants = answers[-1].body.get("left", [])
            rounds += 1
            want(rounds < 2 * LENGTH and (bool(runs) or not wants), "it does not go on")
        want(
            [each.id for each in got] == [each.id for each in log],
            "what is left and asked again is not the rest",
        )
        want(rounds > 2, "the budget cuts nothing")


async def _signed_ends(bench: Bench) -> None:
    """Every run ends at an entry that signs: others would prove nothing."""
    author = bench.author()
    log = [author.first]
    while len(log) < 4 * (UNSIGNED + 1):
        log += author.entries(log[-1], UNSIGNED, signed=False)
        log.append(author.entry(log[-1]))
    await bench.show(log)
    await bench.keeps(author.id, log)
    openers = Openers(bench.network)
    openers.admit(author.first)
    async with bench.meet() as peer:
        for wants in ([[author.id, 0, 15]], [[author.id, 3, 1 << 30]]):
            answers = await peer.ask("get", wants=wants, budget=BUDGET)
            runs = [read_run(run) for answer in answers for run in answer.body.get("runs", [])]
            want(bool(runs), "nothing came of a log that it holds")
            signed = all(openers.signs(run[-1]) for run in runs)
            want(signed, "a run ends at an entry whose signature does not verify")


async def _descending(bench: Bench) -> None:
    author = bench.author()
    log = author.log(LENGTH)
    await _held(bench, author, log)
    async with bench.meet() as peer:
        runs = await peer.runs([[author.id, LENGTH, 10]], BUDGET)
        tops = [run[-1].seq for run in runs]
        want(
            tops == sorted(tops, reverse=True) and tops[0] == LENGTH,
            f"chunks end at {tops}: not from the top",
        )
        want(
            all(above[0].header.prev == below[-1].id for above, below in pairwise(runs)), "chunks do not join"
        )
        seqs = sorted(entry.seq for run in runs for entry in run)
        want(seqs == list(range(10, LENGTH + 1)), "entries are missing, or others came")


async def _not_held(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await _held(bench, author, log)
    async with bench.meet() as peer:
        runs = await peer.runs([[bench.entropy.token(32), 0, 9], [author.id, 2, 50], [author.id, 900, 950]])
        want(
            [entry.seq for run in runs for entry in run] == [2, 3],
            "other entries than those held and asked for",
        )


async def _openers(bench: Bench) -> None:
    author = bench.author()
    rotation = author.rotation(author.first)
    entry = author.entry(rotation)
    settlement = author.settlement(entry)
    log = [author.first, rotation, entry, settlement, author.entry(settlement)]
    await bench.show(log)
    await bench.keeps(author.id, log)
    async with bench.meet() as peer:
        answers = await peer.ask("openers", authors=[bench.entropy.token(32), author.id])
        runs = [read_run(run) for answer in answers for run in answer.body.get("runs", [])]
        want(all(len(run) == 1 for run in runs), "a run of openers of more than one entry")
        found = [run[0].id for run in runs]
        want(
            found == [author.first.id, rotation.id, settlement.id],
            "not inception, rotation, settlement in this order",
        )
        got = await peer.runs([[author.id, 0, 4]])
        want(all(not each.opens for run in got for each in run[1:]), "a run crosses an opener [R-RUN-1]")


async def _ids(bench: Bench) -> None:
    author = bench.author()
    log = author.log(5)
    await _held(bench, author, log)
    async with bench.meet() as peer:
        ask = {"author": author.id, "epoch": 0, "term": 0}
        ids = (await peer.one("ask_ids", **ask, seqs=[0, 4, 2, 6, 900]))["ids"]
        want(ids == [log[0].id, log[4].id, log[2].id, None, None], "not the ids asked for, in that order")
        ids = (await peer.one("ask_ids", author=author.id, epoch=0, term=1, seqs=[0, 1]))["ids"]
        want(ids == [None, None], "ids of another place")
        code = await peer.refused("ask_ids", author=bench.entropy.token(32), epoch=0, term=0, seqs=[0])
        want(code == "not_here", f"ids of a log it does not hold are refused with {code}")


async def _records(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await _held(bench, author, log)
    async with bench.meet() as peer:
        rows = [[author.id, 2, log[2].id], [author.id, 1, bench.entropy.token(32)], [author.id, 0, log[0].id]]
        answer = await peer.one("want", entries=rows)
        records = sorted(answer.get("records", []))
        want(records == [[0, log[2].record], [2, log[0].record]], "not the records asked for")
        want(
            answer.get("none", []) == [1] and not answer.get("gone"),
            "an entry it does not hold is not in `none`",
        )


async def _blob(bench: Bench) -> None:
    async with bench.meet() as peer:
        log = await peer.log(bench.known.id)
        name = next((image for entry in reversed(log.main) for image in _images(entry)), None)
        if name is None:
            raise Skipped("no listing of the node has an image")
        first = await peer.one("fetch", hash=name, chunk=0)
        if first.get("data") is None:
            raise Skipped("it does not hold the image of its listing")
        size, manifest = first["size"], first.get("manifest", b"")
        for number in range(-(-size // BLOB_CHUNK)):
            chunk = await peer.one("fetch", hash=name, chunk=number)
            want(chunk.get("size") == size, f"chunk {number} tells another size [R-BLOB-3]")
            try:
                check_chunk(name, size, manifest, number, chunk["data"])
            except Fault as fault:
                raise Broken(f"chunk {number}: {fault} [R-BLOB-4]") from fault


def _images(entry: Entry) -> list[bytes]:
    if entry.header.kind != LISTING or entry.record is None:
        return []
    try:
        listing = read_record(LISTING, entry.record)
    except Fault:
        return []
    return [image["hash"] for image in listing.get("images", []) if "hash" in image]


async def _no_proof(bench: Bench) -> None:
    author = bench.author()
    await _held(bench, author, author.log(2))
    async with bench.meet() as peer:
        for id_ in (author.id, bench.entropy.token(32)):
            code = await peer.refused("proof", author=id_, epoch=0, term=0)
            want(code == "not_here", f"a proof of no fork is refused with {code}")


CHECKS: Final = (
    Check(
        "C2-10",
        "R-SYNC-8",
        KEEPERS,
        "brings no more than the budget, and goes on with what is left",
        _budgets,
    ),
    Check("C2-11", "R-SYNC-10 R-LOG-10", KEEPERS, "ends runs at entries that sign", _signed_ends),
    Check("C2-12", "R-SYNC-9", KEEPERS, "serves a descending want from the top down", _descending),
    Check("C2-13", "R-SYNC-8", KEEPERS, "leaves out what it does not hold", _not_held),
    Check("C2-14", "R-MSG-11 R-SYNC-10 R-RUN-1", KEEPERS, "serves openers in order, each a run", _openers),
    Check("C2-15", "R-MSG-10 R-LOG-19", KEEPERS, "tells ids of the places asked for", _ids),
    Check("C2-16", "R-MSG-13", KEEPERS, "serves records by place, and says which it has not", _records),
    Check(
        "C2-17", "R-BLOB-3 R-BLOB-4 R-BLOB-1 R-BLOB-2", KEEPERS, "serves the image of its own listing", _blob
    ),
    Check("C2-18", "R-MSG-12 R-SES-12", KEEPERS, "has no proof of a fork where there is none", _no_proof),
)
