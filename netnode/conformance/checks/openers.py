"""C2: inceptions, rotations and settlements shown to the node; section 8.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import READERS, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.limits import MAX_EPOCHS
from netnode.conformance.signatures import NEUTRAL
from netnode.conformance.tags import sha256


async def _inceptions(bench: Bench) -> None:
    own, other = bench.author(), bench.author()
    seed = own.seeds[own.first.id]
    unsigned = replace(own.first, signature=bench.entropy.token(64))
    of_another = own.signed(replace(own.first.header, author=other.id), own.record, seed)
    for inception, codes in ((unsigned, ("signature",)), (of_another, ("opener",))):
        await bench.show([inception], codes=codes)
        await bench.tells(inception.header.author, None)


async def _malformed_opener(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    record = encode({"branches": 7})
    header = author.settlement(log[-1]).header
    header = replace(header, record_hash=sha256(record), record_length=len(record))
    await bench.show(log)
    await bench.show([author.signed(header, record, author.seeds[log[-1].id])], codes=("opener",))
    await bench.keeps(author.id, log)


async def _rotation(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    log.append(author.rotation(log[-1]))
    log += author.entries(log[-1], 2)
    log.append(author.rotation(log[-1]))
    log += author.entries(log[-1], 2)
    await bench.show(log[:3], log)
    await bench.keeps(author.id, log)


async def _wrong_promise(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    await bench.show([author.rotation(log[-1], reveal=bench.entropy.token(32))], codes=("promise",))
    await bench.keeps(author.id, log)


async def _wrong_rotation_signature(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    await bench.show([author.rotation(log[-1], signs=author.seeds[log[-1].id])], codes=("signature",))
    await bench.keeps(author.id, log)


async def _small_key(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    await bench.show([author.rotation(log[-1], key=NEUTRAL)], codes=("key",))
    await bench.keeps(author.id, log)


async def _wrong_settlement_signature(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    await bench.show(log)
    await bench.show([author.settlement(log[-1], seed=bench.entropy.token(32))], codes=("signature",))
    await bench.keeps(author.id, log)


async def _epoch_left_out(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    far = author.rotation(log[-1], skip=1)
    await bench.show(log, [far])  # not held: the rotation between is not known
    await bench.keeps(author.id, log)
    beyond = author.rotation(log[-1], skip=MAX_EPOCHS - 1)
    await bench.show([beyond], codes=("opener",))


async def _retired_key(bench: Bench) -> None:
    """Who stole the key of epoch 0 cannot write once the rotation is known."""
    author = bench.author()
    log = author.log(3)
    rotated = [*log, author.rotation(log[-1])]
    stolen = author.entries(log[-1], 3)
    await bench.show(rotated, stolen, [*log, *stolen])
    await bench.keeps(author.id, rotated)
    later = author.entry(rotated[-1])
    forged = author.signed(later.header, later.record or b"", author.seeds[log[-1].id])
    await bench.show([forged], codes=("signature",))
    await bench.keeps(author.id, rotated)


async def _disowned_by_rotation(bench: Bench) -> None:
    author = bench.author()
    log = author.log(2)
    stolen = author.entries(log[-1], 3)
    rotated = [*log, author.rotation(log[-1])]
    await bench.show([*log, *stolen], [rotated[-1]])
    await bench.keeps(author.id, rotated)
    async with bench.meet() as peer:
        [answer] = await peer.ask("ask_ids", author=author.id, epoch=0, term=0, seqs=[4, 5])
        want(answer.body.get("ids") == [None, None], "disowned entries are still in the log")
        rows = [[author.id, entry.seq, entry.id] for entry in stolen]
        # It may keep them as evidence: any answer will do.
        await peer.one("want", entries=rows)


async def _settlement_disowns(bench: Bench) -> None:
    author = bench.author()
    log = author.log(5)
    settled = [*log[:3], author.settlement(log[2])]
    settled += author.entries(settled[-1], 2)
    await bench.show(log, settled)
    await bench.keeps(author.id, settled)


async def _term_skipped(bench: Bench) -> None:
    """Terms may be a hole; the newest settlement counts, and an older one is of a closed term."""
    author = bench.author()
    log = author.log(2)
    one = author.settlement(log[-1])
    two = author.settlement(one)
    await bench.show(log, [two], [one])
    await bench.tells(author.id, [0, author.id, 0, 2, two.seq, two.id, two.seq])
    await bench.show([*log, one, two])
    await bench.keeps(author.id, [*log, one, two])


async def _hole(bench: Bench) -> None:
    """An opener counts as soon as it verifies, whatever is missing below; what fills the hole joins it."""
    author = bench.author()
    log = author.log(6)
    rotation = author.rotation(log[-1])
    above = author.entries(rotation, 2)
    await bench.show(log[:3], [rotation, *above])
    await bench.tells(author.id, [0, author.id, 1, 0, above[-1].seq, above[-1].id, rotation.seq])
    await bench.show(log)
    await bench.keeps(author.id, [*log, rotation, *above])


async def _unsigned_below_opener(bench: Bench) -> None:
    author = bench.author()
    log = author.log(3)
    log += author.entries(log[-1], 3, signed=False)
    log.append(author.rotation(log[-1]))
    await bench.show(log)
    await bench.keeps(author.id, log)


CHECKS: Final = (
    Check("C2-50", "R-LOG-1 R-ID-1", READERS, "refuses inceptions that do not verify", _inceptions),
    Check(
        "C2-51", "R-LOG-27 R-LOG-4", READERS, "refuses an opener whose record is malformed", _malformed_opener
    ),
    Check("C2-52", "R-LOG-3 R-LOG-5 R-KEY-2 R-KEY-5", READERS, "follows rotations", _rotation),
    Check(
        "C2-53",
        "R-LOG-3 R-KEY-5",
        READERS,
        "refuses a rotation by a key not promised: `promise`",
        _wrong_promise,
    ),
    Check(
        "C2-54",
        "R-LOG-3 R-ENTRY-4",
        READERS,
        "refuses a rotation not signed by the revealed key",
        _wrong_rotation_signature,
    ),
    Check(
        "C2-55", "R-SIG-1 R-LOG-3", READERS, "refuses a rotation to a key of small order: `key`", _small_key
    ),
    Check(
        "C2-56",
        "R-LOG-4",
        READERS,
        "refuses a settlement by another key: `signature`",
        _wrong_settlement_signature,
    ),
    Check(
        "C2-57",
        "R-LOG-3 R-LOG-26",
        READERS,
        "holds no rotation whose epoch below it does not know",
        _epoch_left_out,
    ),
    Check(
        "C2-58", "R-LOG-13 R-KEY-1 R-LOG-6", READERS, "keeps nothing that a retired key signs", _retired_key
    ),
    Check("C2-59", "R-LOG-13", READERS, "lets go of what a rotation disowns", _disowned_by_rotation),
    Check(
        "C2-60",
        "R-LOG-13 R-LOG-4",
        READERS,
        "lets go of the branch that a settlement leaves",
        _settlement_disowns,
    ),
    Check(
        "C2-61",
        "R-LOG-4 R-LOG-28",
        READERS,
        "counts the newest settlement, and fills terms left out",
        _term_skipped,
    ),
    Check("C2-62", "R-LOG-5 R-LOG-29", READERS, "counts an opener above a hole, and fills the hole", _hole),
    Check(
        "C2-63",
        "R-LOG-8 R-LOG-7",
        READERS,
        "takes an unsigned tail that an opener stands on",
        _unsigned_below_opener,
    ),
)
