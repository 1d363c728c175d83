"""C2: what the node asks us for, and how it takes our answers; section 11.2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, READERS, Check, want
from netnode.conformance.entries import Entry
from netnode.conformance.items import words
from netnode.conformance.messages import Message
from netnode.conformance.peer import Peer
from netnode.conformance.runs import write_run
from netnode.conformance.shelf import Reply, Shelf, items_page, refused, runs_page

LONG: Final = 90  # entries


def _holding(bench: Bench, *logs: list[Entry]) -> Shelf:
    bench.takes_logs()
    shelf = bench.shelf()
    shelf.put(*logs)
    return shelf


def _first(peer: Peer) -> Message | None:
    """The node's first question about logs; one that catches up asks for its own before [R-LOG-32]."""
    about = ("changes", "heads", "ranges", "get", "openers", "ask_ids", "want")
    own = [each for each in peer.asked if each.name == "heads" and each.body["limit"] == 1]
    return next((each for each in peer.asked if each.name in about and each not in own), None)


async def _compares(bench: Bench) -> None:
    author = bench.author()
    log = author.log(4)
    shelf = _holding(bench, log)
    async with bench.meet(shelf=shelf) as peer:
        first = await peer.until(lambda: _first(peer), "its first question about logs")
        fits = first.name in ("changes", "ranges") or (
            first.name == "heads" and first.body.get("after") is None
        )
        want(fits, f"its first question about logs is {first.name}")
        await peer.holds(author.id, shelf.item(author.id))
        gets = [
            row for each in peer.asks("get", author.id) for row in each.body["wants"] if row[0] == author.id
        ]
        want(
            gets == [[author.id, 0, 4]], f"it asks for {[row[1:] for row in gets]}, not for 0 to 4 [R-SYNC-6]"
        )
    await bench.keeps(author.id, log)


async def _pages(bench: Bench) -> None:
    """Heads in pages of one log each: it goes on to the last."""
    authors = [bench.author() for _ in range(5)]
    shelf = _holding(bench, *(author.log(1) for author in authors))
    shelf.answers["heads"] = lambda question: shelf.honest(
        replace(question, body={**question.body, "limit": 1})
    )
    async with bench.meet(shelf=shelf) as peer:
        for author in authors:
            await peer.holds(author.id, shelf.item(author.id))


async def _remembers(bench: Bench) -> None:
    author = bench.author()
    shelf = _holding(bench, author.log(2))
    own = bench.author()
    async with bench.meet(own, shelf=shelf) as peer:
        await peer.holds(author.id, shelf.item(author.id))
        await _compared(peer)
    async with bench.meet(own, shelf=shelf) as peer:
        first = await peer.until(lambda: _first(peer), "its first question of the second session")
        cursor = first.body.get("cursor")
        want(
            first.name == "changes" and cursor == shelf.cursor,
            f"it asks {first.name} with {cursor and cursor[1]}",
        )


async def _compared(peer: Peer) -> None:
    """Waits until the node asks what changed after our newest arrival: it has all up to there."""

    def through() -> bool:
        return any(each.body["cursor"] == peer.shelf.cursor for each in peer.asks("changes"))

    await peer.until(through, "its question for changes after the last page")


async def _not_passed_over(bench: Bench) -> None:
    """What it could not fetch holds the cursor back: the next session asks for it again."""
    author = bench.author()
    shelf = _holding(bench, author.log(2))
    shelf.answers |= {name: lambda _: refused("not_here") for name in ("get", "openers")}
    own = bench.author()
    async with bench.meet(own, shelf=shelf) as peer:
        await peer.until(lambda: peer.asks("get", author.id), "its question for the log")
        await _compared(peer)
    shelf.answers.clear()
    async with bench.meet(own, shelf=shelf) as peer:
        await peer.holds(author.id, shelf.item(author.id), "after a second session its item")


async def _cursor_refused_again(bench: Bench) -> None:
    shelf = _holding(bench, bench.author().log(1))
    shelf.answers["changes"] = lambda _: refused("cursor")
    async with bench.meet(shelf=shelf) as peer:
        await peer.until(
            lambda: len(peer.asks("changes")) > 0 and peer.asks("heads"), "its question for heads"
        )
        heads = len(peer.asks("heads"))
        await peer.quiet(lambda: len(peer.asks("heads")) > heads, "it asks for heads again at once")


async def _told(bench: Bench) -> None:
    author = bench.author()
    shelf = _holding(bench, bench.author().log(1))
    async with bench.meet(shelf=shelf) as peer:
        await _compared(peer)
        log = author.log(3)
        shelf.put(log)
        await peer.told_of(author.id)
        await peer.holds(author.id, shelf.item(author.id))


async def _only_the_rest(bench: Bench) -> None:
    author = bench.author()
    log = author.log(LONG)
    await bench.show(log[:40])
    shelf = _holding(bench, log)
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(author.id, shelf.item(author.id))
        firsts = [
            row[1]
            for each in peer.asks("get", author.id)
            for row in each.body["wants"]
            if row[0] == author.id
        ]
        want(min(firsts) == 40, f"it asks from {min(firsts)} on, and holds what lies below 40")
    await bench.keeps(author.id, log)


async def _gap(bench: Bench) -> None:
    author = bench.author()
    log = author.log(8)
    await bench.show(log[:3])
    shelf = _holding(bench, bench.author().log(1))
    async with bench.meet(shelf=shelf) as peer:
        await _compared(peer)
        shelf.put(log)
        await peer.push(log[6:])
        await peer.holds(author.id, shelf.item(author.id), "after a push above a gap its item")
    await bench.keeps(author.id, log)


async def _opener_first(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    log.append(author.rotation(log[-1]))
    log += author.entries(log[-1], 2)
    await bench.show(log[:3])
    shelf = _holding(bench, log)
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(author.id, shelf.item(author.id))
        asked = [each.name for each in peer.asked if each.name in ("openers", "get")]
        want("openers" in asked, "it does not ask for openers of a later epoch")
    await bench.keeps(author.id, log)


async def _bisects(bench: Bench) -> None:
    author = bench.author()
    common = author.log(40)
    left, right = author.entries(common[-1], 10), author.entries(common[-1], 10)
    await bench.show([*common, *left])
    shelf = _holding(bench, [*common, *right])
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(author.id, [1, author.id, 0, 0], "of a log that differs further down its item")
        proof = await peer.one("proof", author=author.id, epoch=0, term=0)
        want(proof["left"][3] == 41, f"its proof begins at {proof['left'][3]}, the first difference is at 41")


async def _fetches_proof(bench: Bench) -> None:
    author = bench.author()
    common = author.log(3)
    left, right = author.entries(common[-1], 2), author.entries(common[-1], 2)
    await bench.show([*common, *left])
    shelf = _holding(bench, [*common, *left], right)
    proof = {"left": write_run(left[:1]), "right": write_run(right[:1])}
    shelf.answers["proof"] = lambda _: [("fork", proof)]
    want(shelf.item(author.id)[0] == 1, "our own log does not fork: " + words(shelf.item(author.id)))
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(author.id, [1, author.id, 0, 0])
        want(bool(peer.asks("proof", author.id)), "it does not ask for the proof")


async def _held_from(bench: Bench) -> None:
    """A log held from above its beginning is taken from there, and served so; what lies below follows."""
    author = bench.author()
    log = author.log(LONG)
    whole, part = _holding(bench, log), _holding(bench, log)
    part.hold_from(author.id, 70)
    async with bench.meet(shelf=part) as peer:
        await peer.holds(author.id, part.item(author.id))
        told = await peer.item(author.id)
        want(told is not None and told[6] == 70, f"it says {words(told)}, and was given entries from 70 on")
        async with bench.meet(shelf=whole) as other:
            await other.until(lambda: _lower(other, author), "its question for what lies below 70")
            await other.serves_from(author.id, 0)
    await bench.keeps(author.id, log)


def _lower(peer: Peer, author: Author) -> bool:
    rows = [row for each in peer.asks("get", author.id) for row in each.body["wants"] if row[0] == author.id]
    return any(first >= last and first == 69 for _, first, last in rows)


async def _missing_records(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    bare = [replace(entry, record=None) if entry.seq == 2 else entry for entry in log]
    await bench.show(bare)
    async with bench.meet(shelf=_holding(bench, log)) as peer:
        await peer.until(lambda: peer.asks("want", author.id), "its question for the missing record")
        await peer.has_record(author.id, log[2])


async def _wrong_record(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await bench.show([replace(entry, record=None) if entry.seq == 2 else entry for entry in log])
    shelf = _holding(bench, log)
    shelf.answers["want"] = lambda question: _records(question, log[1].record or b"")
    async with bench.meet(shelf=shelf) as peer:
        await peer.expelled("record_hash")


def _records(question: Message, record: bytes) -> list[Reply]:
    return [("records", {"records": [[at, record] for at in range(len(question.body["entries"]))]})]


async def _records_twice(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await bench.show([replace(entry, record=None) if entry.seq == 2 else entry for entry in log])
    for wrong in ({"gone": [0, 0]}, {"none": [511]}):
        shelf = _holding(bench, log)
        shelf.answers["want"] = lambda _, wrong=wrong: [("records", wrong)]  # type: ignore[misc]
        async with bench.meet(shelf=shelf) as peer:
            await peer.expelled("answer")


async def _expelled_for(
    bench: Bench, code: str, name: str, replies: list[Reply], shelf: Shelf | None = None
) -> None:
    shelf = shelf or _holding(bench, bench.author().log(1))
    shelf.answers[name] = lambda _: replies
    async with bench.meet(shelf=shelf) as peer:
        await peer.expelled(code)


async def _disordered_heads(bench: Bench) -> None:
    shelf = _holding(bench, bench.author().log(1), bench.author().log(1))
    items = sorted((shelf.item(author) for author in shelf.logs), key=lambda item: bytes(item[1]))
    await _expelled_for(bench, "bad_message", "heads", items_page(shelf.store, 1, items[::-1]), shelf)
    await _expelled_for(
        bench, "bad_message", "heads", items_page(shelf.store, 1, [items[0], items[0]]), shelf
    )


async def _foreign_cursor(bench: Bench) -> None:
    page = items_page(bench.entropy.token(16), 1, [])
    await _expelled_for(bench, "bad_message", "heads", page)
    await _expelled_for(bench, "bad_message", "heads", [("items", {"items": [], "more": False})])


async def _ids_of_another_length(bench: Bench) -> None:
    author = bench.author()
    common = author.log(5)
    await bench.show([*common, *author.entries(common[-1], 2)])
    shelf = _holding(bench, [*common, *author.entries(common[-1], 2)])
    await _expelled_for(bench, "answer", "ask_ids", [("ids", {"ids": []})], shelf)


async def _bad_runs(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    shelf = _holding(bench, log)
    forged = [*log[:3], replace(log[3], signature=bench.entropy.token(64))]
    await _expelled_for(bench, "signature", "get", runs_page(forged), shelf)
    await bench.keeps(author.id, log[:3])  # what verified before stays


async def _other_logs(bench: Bench) -> None:
    """Runs that were not asked for, in an answer: dropped, and nobody's fault."""
    author, other = bench.author(), bench.author()
    log = author.log(2)
    shelf = _holding(bench, log)
    unasked = other.log(2)

    def answer(question: Message) -> list[Reply]:
        return [("runs", {"runs": [write_run(unasked)], "more": True}), *shelf.honest(question)]

    shelf.answers["get"] = answer
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(author.id, shelf.item(author.id))
        want(await peer.item(other.id) is None, "it takes a log that it did not ask for")


async def _more_than_asked(bench: Bench) -> None:
    author = bench.author()
    log = author.log(6)
    shelf = _holding(bench, log[:4])
    shelf.answers["get"] = lambda _: runs_page(log)
    async with bench.meet(shelf=shelf) as peer:
        await peer.holds(
            author.id, [0, author.id, 0, 0, 6, log[6].id, 0], "given more than it asked for its item"
        )


async def _numbers_them(bench: Bench) -> None:
    """Questions keep to the tables: limits, seqs, budgets are judged as they come."""
    authors: list[Any] = [bench.author() for _ in range(3)]
    shelf = _holding(bench, *(author.log(2) for author in authors))
    async with bench.meet(shelf=shelf) as peer:
        for author in authors:
            await peer.holds(author.id, shelf.item(author.id))
        want(len({each.request for each in peer.asked}) == len(peer.asked), "a request number comes twice")


CHECKS: Final = (
    Check(
        "C2-90",
        "R-SYNC-3 R-SYNC-5 R-SYNC-6 R-LOG-21",
        READERS,
        "compares what we hold with its own, and fetches it",
        _compares,
    ),
    Check("C2-91", "R-SYNC-3 R-MSG-8", READERS, "reads heads to the last page", _pages),
    Check("C2-92", "R-SYNC-3 R-SYNC-7 R-LOG-18", READERS, "goes on from the cursor it kept", _remembers),
    Check("C2-93", "R-SYNC-7", READERS, "keeps no cursor over what it could not fetch", _not_passed_over),
    Check(
        "C2-94",
        "R-SYNC-3",
        READERS,
        "asks for heads once when a fresh cursor is refused",
        _cursor_refused_again,
    ),
    Check("C2-95", "R-SYNC-14 R-SYNC-5", READERS, "fetches what `have` tells", _told),
    Check("C2-96", "R-SYNC-6", READERS, "asks only for what it lacks", _only_the_rest),
    Check("C2-97", "R-SYNC-14", READERS, "closes a gap below pushed entries by `get`", _gap),
    Check("C2-98", "R-SYNC-6 R-LOG-5", READERS, "asks for openers of a later epoch", _opener_first),
    Check(
        "C2-99", "R-SYNC-6 R-LOG-19 R-LOG-14", READERS, "finds the first difference by bisecting", _bisects
    ),
    Check(
        "C2-100", "R-SYNC-6 R-LOG-14", READERS, "asks for the proof of a fork it is told of", _fetches_proof
    ),
    Check(
        "C2-101",
        "R-LOG-29 R-LOG-30 R-LOG-17 R-SYNC-9",
        KEEPERS,
        "holds a log from where it was given, then what lies below",
        _held_from,
    ),
    Check("C2-102", "R-SYNC-12", READERS, "asks for records that are missing", _missing_records),
    Check("C2-103", "R-MSG-13", READERS, "ends with `record_hash` on another record", _wrong_record),
    Check(
        "C2-104", "R-MSG-13", READERS, "ends with `answer` on places named twice, or beyond", _records_twice
    ),
    Check("C2-105", "R-MSG-9", READERS, "ends with `bad_message` on heads out of order", _disordered_heads),
    Check(
        "C2-106",
        "R-MSG-8",
        READERS,
        "ends with `bad_message` on a cursor of another store, or none",
        _foreign_cursor,
    ),
    Check(
        "C2-107", "R-MSG-10", READERS, "ends with `answer` on ids of another length", _ids_of_another_length
    ),
    Check("C2-108", "R-SYNC-11 R-SYNC-18 R-LOG-10", READERS, "keeps what verified before a fault", _bad_runs),
    Check("C2-109", "R-SYNC-11", READERS, "drops runs of logs it did not ask for", _other_logs),
    Check("C2-110", "R-SYNC-11", READERS, "takes what verifies beyond the range asked for", _more_than_asked),
    Check("C2-111", "R-SES-8 R-MSG-4", READERS, "numbers its questions, within the bounds", _numbers_them),
)
