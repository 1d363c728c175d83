"""C2: what the node takes into a log, and what it refuses; sections 6, 7 and 8.2."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import READERS, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.entries import BLOCK, Entry
from netnode.conformance.limits import ANCHOR_EVERY, MAX_RECORD, MAX_SEQ, MILLISECONDS_PER_DAY
from netnode.conformance.runs import write_run
from netnode.conformance.signatures import NEUTRAL, ORDER, public
from netnode.conformance.tags import tag

ODD: Final = 4_095  # kinds that nobody defined
EVEN: Final = 4_096
FAR: Final = 10 * 365 * MILLISECONDS_PER_DAY  # ms


async def _whole(bench: Bench) -> None:
    author = bench.author()
    log = author.log(ANCHOR_EVERY + 6)
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _unsigned_between(bench: Bench) -> None:
    author = bench.author()
    log = [author.first, *author.entries(author.first, 20, signed=False)]
    log.append(author.entry(log[-1]))
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _unproved_tail(bench: Bench) -> None:
    author = bench.author()
    log = author.log(5)
    await bench.show([*log, *author.entries(log[-1], 2, signed=False)], codes=("signature",))
    await bench.keeps(author.id, log)


async def _bad_signature(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    await bench.show([author.entry(log[-1], signed=False)], codes=("signature",))
    await bench.keeps(author.id, log)


async def _another_signer(bench: Bench) -> None:
    author, other = bench.author(), bench.author()
    log = author.log(2)
    right = author.entry(log[-1])
    forged = author.signed(right.header, right.record or b"", other.seeds[other.first.id])
    await bench.show(log)
    await bench.show([forged], codes=("signature",))
    await bench.keeps(author.id, log)


async def _malleable(bench: Bench) -> None:
    """Signatures whose equation holds, and that are none all the same."""
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    right = author.entry(log[-1])
    scalar = int.from_bytes(right.signature[32:], "little") + ORDER
    higher = replace(right, signature=right.signature[:32] + scalar.to_bytes(32, "little"))
    signed = tag(bench.network, "entry") + right.header_bytes
    small = replace(right, signature=_of_neutral(author.seeds[log[-1].id], signed))
    for forged in (higher, small):
        await bench.show([forged], codes=("signature",))
    await bench.keeps(author.id, log)


def _of_neutral(seed: bytes, message: bytes) -> bytes:
    """A signature with R the neutral point: S = h * a fits the equation of R-SIG-4, and R-SIG-3 refuses it."""
    secret = bytearray(hashlib.sha512(seed).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    digest = hashlib.sha512(NEUTRAL + public(seed) + message).digest()
    scalar = int.from_bytes(digest, "little") * int.from_bytes(secret, "little") % ORDER
    return NEUTRAL + scalar.to_bytes(32, "little")


async def _bad_anchor(bench: Bench) -> None:
    author = bench.author()
    log = author.log(ANCHOR_EVERY - 1)
    anchor = author.entry(log[-1], signed=False)
    await bench.show([*log, anchor, author.entry(anchor)], codes=("signature",))
    await bench.keeps(author.id, log)


async def _link_inside(bench: Bench) -> None:
    """An opener inside a run carries the place of the entry before it: that is no link."""
    author = bench.author()
    log = author.log(2)
    settlement = author.settlement(log[-1])
    run = write_run([*log, settlement])
    async with bench.meet() as peer:
        bench.takes_logs()
        await peer.tell("push", runs=[run])
        await peer.expelled("link")


async def _other_prev(bench: Bench) -> None:
    """Entries of another branch than the one held join nothing: they are no fault, and not kept."""
    author = bench.author()
    log = author.log(3)
    stray = author.entry(log[-1])
    header = replace(stray.header, prev=bench.entropy.token(32))
    other = author.signed(header, stray.record or b"", author.seeds[log[-1].id])
    await bench.show(log, [other, author.entry(other)])
    await bench.keeps(author.id, log)


async def _unknown_place(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    below = log[-1]
    for epoch, term in ((1, 0), (0, 1)):
        stray = author.entry(below)
        header = replace(stray.header, epoch=epoch, term=term)
        other = author.signed(header, stray.record or b"", author.seeds[below.id])
        await bench.show(log, [other])
    await bench.keeps(author.id, log)


async def _dates(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    log.append(author.entry(log[-1], later=0))
    log.append(author.entry(log[-1], later=FAR))
    log.append(author.entry(log[-1], later=0))
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _back_dated(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await bench.show([*log, author.entry(log[-1], later=-1)], codes=("time_order",))
    await bench.keeps(author.id, log)
    await bench.show([author.entry(log[-1], later=-1)], codes=("time_order",))
    await bench.keeps(author.id, log)


async def _after_close(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    log.append(author.close(log[-1]))
    await bench.show([*log, author.entry(log[-1])], codes=("after_close",))
    await bench.keeps(author.id, log)
    log.append(author.settlement(log[-1]))  # opens it again
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _unknown_kinds(bench: Bench) -> None:
    author = bench.author()
    log = author.log(1)
    log.append(author.entry(log[-1], kind=ODD, record=encode({"anything": [1, None]})))
    log.append(author.entry(log[-1], kind=EVEN, record=encode({"anything": {}})))
    log.append(author.entry(log[-1], kind=EVEN + 1, record=b"\xc1 no value at all"))
    block = {"$": bench.entropy.token(16), "id": bench.entropy.token(32)}
    log.append(author.entry(log[-1], kind=BLOCK, record=encode(block)))
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _malformed(bench: Bench) -> None:
    author = bench.author()
    log = author.log(1)
    for kind, record in (
        (1, encode({"name": 7})),
        (3, b"\xdf\x00\x00\x00\x00"),  # not canonical
        (3, encode({"$": bytes(16), "key": "x", "kind": "product", "title": ""})),
        (9, b""),
        (5, encode({"$": bytes(16), "key": "never listed"})),  # void with wrong_key
    ):
        log.append(author.entry(log[-1], kind=kind, record=record))
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _more_fields(bench: Bench) -> None:
    author = bench.author()
    record = encode({"$": bench.entropy.token(16), "name": "x", "unknown": {"b": 1, "a": [None]}})
    log = [author.first, author.entry(author.first, record=record)]
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _longest_record(bench: Bench) -> None:
    author = bench.author()
    log = [author.first, author.entry(author.first, kind=ODD, record=bytes(MAX_RECORD))]
    await bench.show(log)
    await bench.keeps(author.id, log)


async def _too_long_record(bench: Bench) -> None:
    author = bench.author()
    longer = author.entry(author.first, kind=ODD, record=bytes(MAX_RECORD + 1))
    await bench.show([author.first, longer], codes=("header",))
    gone = [[1, ODD, bytes(64), [bytes(32), MAX_RECORD + 1]]]
    async with bench.meet() as peer:
        await peer.say_body("push", {"runs": [[author.id, 0, 0, 1, author.first.id, gone]]})
        await peer.expelled("header")
    await bench.tells(author.id, None)


async def _run_bounds(bench: Bench) -> None:
    bench.takes_logs()
    author = bench.author()
    entry = author.entry(author.first)
    front = [author.id, 0, 0, 1, author.first.id]
    member = [entry.header.time, 1, entry.signature, entry.record]
    wrong: tuple[tuple[list[object], str], ...] = (
        ([*front, []], "bad_message"),
        ([*front[:3], MAX_SEQ, author.first.id, [member, member]], "bad_message"),
        ([*front, [[-1, *member[1:]]]], "header"),
        ([*front, [[*member[:2], bytes(63), entry.record]]], "header"),
        ([*front, [[member[0], 8, entry.signature, [bytes(32), 9]]]], "record_missing"),
    )
    for run, code in wrong:
        async with bench.meet() as peer:
            await peer.say_body("push", {"runs": [run]})
            await peer.expelled(code)


async def _unknown_author(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    await bench.show(log[1:])
    await bench.tells(author.id, None)


async def _one_chain(bench: Bench) -> None:
    """Runs that stand one after the other, where each begins behind the end of the one before, are one chain."""
    bench.takes_logs()
    author = bench.author()
    log = [author.first, *author.entries(author.first, 6, signed=False)]
    log.append(author.entry(log[-1]))
    async with bench.meet() as peer:
        await peer.push(log[:3], log[3:6], log[6:])
        await peer.holds(author.id, _head(author, log))
    await bench.keeps(author.id, log)


def _head(author: Author, log: list[Entry]) -> list[object]:
    tip = log[-1]
    return [0, author.id, *tip.place, tip.seq, tip.id, log[0].seq]


async def _records_gone(bench: Bench) -> None:
    author = bench.author()
    log = author.log(4)
    shown = [replace(entry, record=None) if entry.seq in (2, 3) else entry for entry in log]
    bench.takes_logs()
    async with bench.meet() as peer:
        await peer.push(shown)
        await peer.holds(author.id, _head(author, log))
        runs = await peer.runs([[author.id, 0, 4]])
        want(
            [entry.id for run in runs for entry in run] == [entry.id for entry in log],
            "the headers are others",
        )
        answer = await peer.one("want", entries=[[author.id, 2, log[2].id], [author.id, 1, log[1].id]])
        want([row[0] for row in answer.get("records", [])] == [1], "a record it never had is served")
        want(
            answer.get("gone", []) == [0] or answer.get("none", []) == [0],
            "of a missing record it says nothing",
        )


CHECKS: Final = (
    Check(
        "C2-41",
        "R-SIG-2 R-SIG-3 R-SIG-4",
        READERS,
        "refuses signatures in another form than the one",
        _malleable,
    ),
    Check(
        "C2-20",
        "R-SYNC-11 R-SYNC-16 R-ENC-9 R-ENTRY-7 R-RUN-2",
        READERS,
        "takes a log and serves the same bytes",
        _whole,
    ),
    Check(
        "C2-21", "R-LOG-7 R-LOG-10", READERS, "takes entries that a later signature proves", _unsigned_between
    ),
    Check(
        "C2-22",
        "R-LOG-10 R-SYNC-18",
        READERS,
        "cuts a run at the last entry it can prove: `signature`",
        _unproved_tail,
    ),
    Check(
        "C2-23",
        "R-LOG-7 R-ENTRY-4 R-SIG-4",
        READERS,
        "refuses entries with a signature that is none",
        _bad_signature,
    ),
    Check("C2-24", "R-LOG-7 R-KEY-1", READERS, "refuses entries signed by another key", _another_signer),
    Check(
        "C2-25",
        "R-LOG-7",
        READERS,
        "cuts a log before an anchor that fails, whatever is signed above it",
        _bad_anchor,
    ),
    Check(
        "C2-26",
        "R-RUN-1 R-LOG-6 R-LOG-8",
        READERS,
        "refuses a run with an opener inside: `link`",
        _link_inside,
    ),
    Check(
        "C2-27",
        "R-LOG-8 R-LOG-30",
        READERS,
        "keeps no entries that do not link to what it holds",
        _other_prev,
    ),
    Check(
        "C2-28",
        "R-LOG-6 R-VER-3",
        READERS,
        "keeps no entries of a place whose opener it does not know",
        _unknown_place,
    ),
    Check("C2-29", "R-LOG-9 R-VER-1", READERS, "takes equal dates, and dates to come", _dates),
    Check(
        "C2-30",
        "R-LOG-9",
        READERS,
        "refuses an entry dated before its predecessor: `time_order`",
        _back_dated,
    ),
    Check(
        "C2-31",
        "R-LOG-8",
        READERS,
        "refuses entries after a close, but not an opener: `after_close`",
        _after_close,
    ),
    Check(
        "C2-32",
        "R-KIND-2 R-KIND-3 R-KIND-1 R-ENTRY-8 R-EFF-2",
        READERS,
        "stores and relays entries of unknown kinds",
        _unknown_kinds,
    ),
    Check(
        "C2-33",
        "R-REC-2 R-VER-2",
        READERS,
        "stores and relays entries whose records are malformed or void",
        _malformed,
    ),
    Check(
        "C2-34", "R-REC-4 R-ENC-9", READERS, "relays records with unknown fields as they came", _more_fields
    ),
    Check("C2-35", "R-ENTRY-9 R-LIM-1", READERS, "takes the longest record", _longest_record),
    Check(
        "C2-36", "R-RUN-4 R-ENTRY-9", READERS, "refuses a record that is longer: `header`", _too_long_record
    ),
    Check("C2-37", "R-RUN-3 R-RUN-4 R-RUN-5 R-MSG-6", READERS, "refuses runs out of bounds", _run_bounds),
    Check(
        "C2-38",
        "R-LOG-30 R-VER-3",
        READERS,
        "keeps nothing of a networker whose inception it does not know",
        _unknown_author,
    ),
    Check("C2-39", "R-RUN-6", READERS, "judges runs that follow each other as one chain", _one_chain),
    Check(
        "C2-40", "R-ENTRY-7 R-MSG-13 R-RUN-2", READERS, "keeps headers whose records are gone", _records_gone
    ),
)
