"""Makes tests/vectors/log.json: what is held of a log, a chain that comes, and the verdict."""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec

from protocol.entry import Entry, parse_wire, sign_entry
from protocol.identity import networker_id
from tests.protocol.author import NETWORK, Author, odd_record, seed
from tests.vectors.generate import beside, branches, corners
from tests.vectors.generate.book import Book, inception, resigned
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "The log (section 8), network `test`. A node that holds nothing receives the chains `before`, one after the other "
    "(their faults are of no interest), then `chain` (or `proof`: both sides of a fork). `entries` holds all entries "
    'as [header, signature, record or null] in hex; chains name them by index from 0: "7" or "7-9". With `jump` '
    "R-LOG-30 is used. A proof is judged as one about the log that `before` brought. Expected: `kept`, how many "
    "entries were newly stored, in the main run, set aside, or disowned at once (an opener that only contests or forks "
    "is not counted), `item` as in R-LOG-17 (hex; null: nothing held), `common`, the highest seq that has effect "
    "(whether or not it is held; -1: none has; null: nothing held), `held`, lowest and highest seq of the main run "
    "(null: nothing held). `error`: the code of what was not taken, beside what was. `branch`: entries that came by "
    "themselves and stand on one of `before`; with `sealed` an authentic entry that is held stands on the last of "
    "them. Expected is then only `kept`, how many of the first ones are authentic (R-LOG-35)."
)


@functools.cache
def _book() -> Book:
    book = Book()
    _openers(book)
    _holes(book)
    _authentic(book)
    _attacks(book)
    branches.forks(book)
    branches.contests(book)
    corners.corners(book)
    beside.branches(book)
    return book


def vectors() -> list[Vector]:
    return _book().found


def shared() -> dict[str, Any]:
    """The entries that the vectors name."""
    return {"entries": _book().entries}


def _openers(book: Book) -> None:
    author = Author("openers")
    first = author.entries[0]
    book.add("inception", "a log begins", "R-LOG-1", [], [first])
    book.add("inception-again", "a repeat changes nothing", "R-LOG-1", [[first]], [first])
    for name, error, changes in (
        ("seq", "opener", {"seq": 1}),
        ("prev", "opener", {"prev": b"\1" * 32}),
        ("term", "opener", {"term": 1}),
        ("id", "opener", {"author": b"\1" * 32}),
        ("record", "opener", {"record": b"\x80"}),
        ("signature", "signature", {"signer": Author("thief").signer}),
    ):
        wrong = inception(author, **changes)
        book.add(f"inception-{name}", f"an inception with a wrong {name}", "R-LOG-1", [], [wrong], error)
    small = Author("small")
    record = (small.entries[0].record or b"").replace(small.signer.public, b"\1" + bytes(31))
    forged = sign_entry(
        NETWORK, small.signer, author=networker_id(NETWORK, record), seq=0, prev=bytes(32), epoch=0, term=0,
        time=0, kind=0, record=record,
    )  # fmt: skip
    book.add("inception-key", "its key is of small order", "R-LOG-1", [], [forged], "key")
    author.write(3)
    log = list(author.entries)
    book.add("no-inception", "entries of an unknown networker", "R-LOG-5", [], log[1:], "unknown_author")
    rotation, fresh = author.rotation(log[-1])
    after = author.after(rotation, signer=fresh)
    book.add("rotation", "a new epoch", "R-LOG-3", [log], [rotation, after])
    book.add(
        "rotation-below", "its prev disowns what lies above", "R-LOG-13", [log], [author.rotation(log[1])[0]]
    )
    book.add("rotation-hole", "found with a hole below", "R-LOG-5", [log[:2]], [rotation])
    book.add("rotation-hole-filled", "the hole fills from below", "R-LOG-5", [log[:2], [rotation]], log[1:])
    second, _ = author.rotation(rotation)
    second_signed = parse_wire([second.header, second.signature, second.record])
    book.add(
        "rotation-skipped",
        "the rotation between is not known",
        "R-LOG-3",
        [log],
        [second_signed],
        "unknown_epoch",
    )
    old_key = author.after(rotation, signer=author.signer)
    book.add(
        "rotation-old-key", "the new epoch, the old key", "R-KEY-1", [log, [rotation]], [old_key], "signature"
    )
    early = author.after(
        log[-1], 2, rotation.record, signer=author.promised(1), place=(1, 0), time=log[-1].time - 5
    )
    book.add(
        "rotation-dated-before", "its date does not fit: it counts, a hole stays", "R-LOG-5", [log], [early]
    )
    book.add("malformed-rotation", "opens nothing", "R-LOG-27", [log],
             [author.after(log[-1], 2, b"\x80", signer=author.promised(1), place=(1, 0))], "opener")  # fmt: skip
    book.add("malformed-settlement", "opens nothing", "R-LOG-27", [log],
             [author.after(log[-1], 4, b"\x80", place=(0, 1))], "opener")  # fmt: skip
    settlement = author.settlement(log[-1])
    book.add("settlement", "a new term", "R-LOG-4", [log], [settlement, author.after(settlement)])
    wide = author.after(log[-1], 4, settlement.record, place=(0, 7))
    book.add("settlement-term-7", "terms between are a hole", "R-LOG-4", [log], [wide])
    foreign = author.after(log[-1], 4, settlement.record, place=(0, 1), signer=Author("x").signer)
    book.add(
        "settlement-foreign", "not signed by the key of the epoch", "R-LOG-4", [log], [foreign], "signature"
    )
    old = author.after(log[-1], 4, settlement.record, place=(0, 1))
    book.add("settlement-closed", "of a closed epoch", "R-LOG-4", [log, [rotation]], [old], "stale")
    last = author.after(log[-1], 2, rotation.record, signer=author.promised(1), place=(192, 0))
    book.add("rotation-192", "beyond the last epoch", "R-LOG-26", [log], [last], "opener")
    deep = Author("deep")
    for _ in range(191):
        deep.rotate()
    book.add("rotation-191", "the last epoch", "R-LOG-26", [], deep.entries)
    book.add("malformed-record", "an odd record that is no map: authentic, void", "R-REC-2", [log],
             [author.after(log[-1], 3, b"\xc1\xff")])  # fmt: skip
    book.add("unknown-kinds", "stored as all others", "R-KIND-2", [log], _three(author, log[-1]))


def _holes(book: Book) -> None:
    """Openers and entries that arrive out of order."""
    author = Author("holes")
    author.write(9)
    log = list(author.entries)
    rotation, fresh = author.rotation(log[-1])
    low, _ = author.rotation(log[2])
    book.add("rotation-first", "of a networker not known", "R-LOG-5", [], [rotation], "unknown_author")
    book.add(
        "closed-above", "of a closed epoch, above the log", "R-LOG-13", [log[:3], [low]], log[4:6], "stale"
    )
    early = author.after(rotation, signer=fresh)
    book.add(
        "epoch-unknown", "of an epoch whose rotation is not known", "R-LOG-5", [log], [early], "unknown_epoch"
    )
    record = author.settlement(log[-1]).record
    zero = author.after(log[-1], 4, record, place=(0, 0))
    book.add("settlement-term-0", "a settlement that opens no term", "R-LOG-4", [log], [zero], "opener")
    ahead = author.after(log[-1], 4, record, place=(1, 1))
    book.add("settlement-ahead", "of an epoch not known", "R-LOG-4", [log], [ahead], "unknown_epoch")
    other = author.after(log[7], note="other")
    book.add(
        "filling-elsewhere", "entries that a hole does not link to", "R-LOG-5", [log[:1], [rotation]],
        [*log[1:8], other], "gap",
    )  # fmt: skip
    dated = author.after(
        log[-1], 2, rotation.record, signer=author.promised(1), place=(1, 0), time=log[-1].time - 1
    )
    book.add(
        "filling-dated", "a rotation dated before what it stands on: the hole stays", "R-LOG-5",
        [log[:1], [dated]], log[1:], "gap",
    )  # fmt: skip
    first = author.settlement(log[-1])
    after = author.after(first)
    second = author.settlement(after)
    book.add(
        "filling-terms", "over the settlement of a closed term", "R-LOG-28", [log[:1], [second]],
        [*log[1:], first, after],
    )  # fmt: skip
    one, _ = author.rotation(log[-1], generation=1)
    thief, _ = author.rotation(log[-2], generation=2, promises=seed("other promise"))
    healing, _ = author.rotation(thief)
    book.add(
        "filling-contest", "an opener below reveals a contest", "R-LOG-16", [[*log, one], [healing]],
        [*log[6:9], thief],
    )  # fmt: skip


def _three(author: Author, tip: Entry) -> list[Entry]:
    found = []
    for kind in (1_001, 1_000, 999):
        tip = author.after(tip, kind, b"\x80")
        found.append(tip)
    return found


def _authentic(book: Book) -> None:
    author = Author("authentic")
    author.write(130)
    log = author.entries
    book.add("long", "131 entries, three verifications besides the inception", "R-LOG-11", [], log)
    for name, cut in (("64", 64), ("65", 65)):
        book.add(
            f"in-two-{name}", "the verdict does not depend on the cut", "R-LOG-11", [log[:cut]], log[cut:]
        )
    book.add("overlap", "what is held already is skipped", "R-LOG-11", [log[:100]], log[50:])
    start = log[:11]
    bad = resigned(author, author.after(start[-1]))
    good = author.after(bad)
    book.add("bad-inner", "a bad inner signature, proved by the next", "R-LOG-7", [start], [bad, good])
    book.add("bad-last", "a bad last signature is cut", "R-LOG-10", [start], [bad], "signature")
    book.add(
        "bad-last-two",
        "two that nothing proves",
        "R-LOG-10",
        [start[:5]],
        [*start[5:], bad, resigned(author, good)],
        "signature",
    )
    rotation, _ = author.rotation(bad)
    book.add(
        "bad-before-rotation", "a rotation proves the tail it stands on", "R-LOG-8", [start], [bad, rotation]
    )
    book.add(
        "bad-then-rotation-alone",
        "the tail comes after its rotation",
        "R-LOG-8",
        [start, [rotation]],
        [*start, bad],
    )
    fake = parse_wire([rotation.header, bytes(64), rotation.record])
    book.add(
        "bad-before-fake-rotation", "an opener that does not verify proves nothing", "R-LOG-8", [start],
        [bad, fake], "signature",
    )  # fmt: skip
    anchor = resigned(author, author.after(log[63]))
    after = author.after(anchor)
    book.add(
        "bad-anchor",
        "an anchor needs its own signature",
        "R-LOG-7",
        [],
        [*log[:64], anchor, after],
        "signature",
    )
    book.add(
        "bad-anchor-sealed",
        "also below a rotation",
        "R-LOG-7",
        [],
        [*log[:64], anchor, author.rotation(anchor)[0]],
        "signature",
    )
    rotated = author.rotation(log[-1])[0]
    above = [author.after(anchor)]
    for _ in range(3):
        above.append(author.after(above[-1]))
    top, _ = author.rotation(above[-1])
    book.add(
        "bad-anchor-filled",
        "met while filling down",
        "R-LOG-7",
        [log[:1], [top]],
        [*log[:64], anchor, *above],
        "signature",
    )
    book.add("filled", "filled down to the inception", "R-LOG-13", [log[:1], [rotated]], log)
    chain = list(start)
    entry = msgspec.structs.replace(author.after(start[-1]))
    for name, other in (
        ("seq", author._sign(author.signer, 12, start[-1].id, 0, 0, entry.time, 1, odd_record("q"))),
        ("prev", author._sign(author.signer, 11, start[-2].id, 0, 0, entry.time, 1, odd_record("q"))),
        ("term", author._sign(author.signer, 11, start[-1].id, 0, 1, entry.time, 1, odd_record("q"))),
        ("epoch", author._sign(author.signer, 11, start[-1].id, 1, 0, entry.time, 1, odd_record("q"))),
    ):
        book.add(f"link-{name}", f"a wrong {name}", "R-LOG-6", [], [*chain, other], "link")
    same = author.after(start[-1], 4, author.settlement(start[-1]).record)
    book.add(
        "link-opener", "an opener with the place of the entry before", "R-LOG-6", [], [*chain, same], "link"
    )
    at = start[-1].time
    book.add("same-time", "dated as its predecessor", "R-LOG-9", [start], [author.after(start[-1], time=at)])
    back = author.after(start[-1], time=at - 1)
    book.add("back-dated", "dated before its predecessor", "R-LOG-9", [start], [back], "time_order")
    book.add("back-dated-in-chain", "the same in one chain", "R-LOG-9", [], [*start, back], "time_order")
    future = author.after(start[-1], time=2**53 - 1)
    book.add("future", "dated far ahead: no clock decides", "R-LOG-9", [start], [future])
    close = author.after(start[-1], 6, b"\x80")
    book.add("close", "a log ends", "R-LOG-8", [start], [close])
    follower = author.after(close)
    book.add("after-close", "an entry after it", "R-LOG-8", [[*start, close]], [follower], "after_close")
    both = author.after(close, time=close.time - 1)
    book.add(
        "after-close-back-dated",
        "two faults: the link comes first",
        "R-LOG-24",
        [[*start, close]],
        [both],
        "after_close",
    )
    book.add(
        "after-close-in-chain", "the same in one chain", "R-LOG-24", [], [*start, close, both], "after_close"
    )
    reopened = author.settlement(close)
    book.add(
        "settlement-after-close",
        "an opener may come",
        "R-LOG-8",
        [[*start, close]],
        [reopened, author.after(reopened)],
    )
    broken = author.after(start[-1], 6, b"\xc1")
    book.add(
        "after-malformed-close",
        "the kind in the header counts",
        "R-REC-2",
        [[*start, broken]],
        [author.after(broken)],
        "after_close",
    )
    book.add("gap", "entries between are missing", "R-LOG-10", [log[:5]], log[9:12], "gap")
    book.add("jump", "a log held from a higher seq", "R-LOG-30", [log[:1]], log[70:], jump=True)
    book.add("no-jump", "not without that choice", "R-LOG-30", [log[:1]], log[70:], "gap")
    gone = [msgspec.structs.replace(each, record=None) for each in log[1:5]]
    book.add("gone", "records of odd kinds are gone", "R-ENTRY-7", [log[:1]], gone)


def _attacks(book: Book) -> None:
    author = Author("attacks")
    author.write(20)
    log = list(author.entries)
    rotation, fresh = author.rotation(log[-1])
    copied = parse_wire([rotation.header, bytes(64), rotation.record])
    book.add(
        "copied-reveal-garbage",
        "a copied rotation, garbage for a signature",
        "R-LOG-5",
        [log],
        [copied],
        "signature",
    )
    by_thief = sign_entry(
        NETWORK, author.signer, author=author.id, seq=rotation.seq, prev=rotation.prev, epoch=1, term=0,
        time=rotation.time, kind=2, record=rotation.record or b"",
    )  # fmt: skip
    book.add(
        "copied-reveal-resigned",
        "signed by the stolen signing key",
        "R-LOG-5",
        [log],
        [by_thief],
        "signature",
    )
    book.add("copied-reveal-then-real", "the real one still counts", "R-LOG-5", [log, [by_thief]], [rotation])
    thief = Author("thief")
    own = thief.rotation(thief.entries[0])[0]
    wrong = sign_entry(
        NETWORK, thief.promised(1), author=author.id, seq=rotation.seq, prev=rotation.prev, epoch=1, term=0,
        time=rotation.time, kind=2, record=own.record or b"",
    )  # fmt: skip
    book.add("wrong-promise", "a rotation by a key nobody promised", "R-LOG-3", [log], [wrong], "promise")
    stolen = author.after(log[-1], note="thief")
    rest = [rotation, author.after(rotation, signer=fresh)]
    book.add("theft", "what the thief wrote is disowned by the rotation", "R-LOG-13", [[*log, stolen]], rest)
    framed = author.after(log[10], note="framed")
    held = [*log, *rest]
    book.add("retired-alone", "a retired key writes a second entry 11", "R-LOG-14", [held], [framed], "stale")
    book.add(
        "retired-proof",
        "and offers it as proof of a fork",
        "R-LOG-14",
        [held],
        [],
        "stale",
        proof=([log[11]], [framed]),
    )
    above = author.after(rest[-1], note="new place", signer=author.signer)
    book.add("retired-new-place", "in the new epoch", "R-KEY-1", [held], [above], "signature")
    backdated = author.after(log[-1], note="late")
    book.add("retired-back-dated", "above the old head, dated back", "R-LOG-13", [held], [backdated], "stale")
    book.add(
        "retired-before-rotation",
        "a node without the rotation is shown a fork",
        "R-LOG-14",
        [log],
        [framed, author.after(framed)],
        "forked",
    )
    book.add("rotation-heals", "until it sees the rotation", "R-LOG-15", [log, [framed]], rest)
    book.add("foreign-author", "an opener of another networker", "R-LOG-5", [log],
             [sign_entry(NETWORK, author.promised(1), author=thief.id, seq=21, prev=log[-1].id, epoch=1, term=0,
                         time=rotation.time, kind=2, record=rotation.record or b"")], "opener")  # fmt: skip
