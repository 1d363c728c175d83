"""The vectors of log.json that outside implementers asked for: holes, second openers, odd proofs."""

from __future__ import annotations

from protocol.entry import Entry, parse_wire, sign_entry
from protocol.records import encode_record
from protocol.records.openers import Rotation
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, seed
from tests.vectors.generate.book import Book, inception, resigned

SMALL = b"\x01" + bytes(31)  # a point of small order


def corners(book: Book) -> None:
    """Adds them."""
    _holes(book)
    _openers(book)
    _behind(book)
    _forks(book)
    _proofs(book)


def _holes(book: Book) -> None:
    author = Author("corner holes")
    author.write(9)
    log = list(author.entries)
    rotation, _ = author.rotation(log[-1])
    low, _ = author.rotation(log[4])
    settlement = author.settlement(log[-1])
    higher = author.settlement(author.after(settlement))
    book.add("aside-joins", "the opener stands on entries set aside before: they join at once", "R-LOG-5",
             [log[:8], [author.settlement(log[-1])]], [author.rotation(log[6])[0]])  # fmt: skip
    book.add("fill-after-fault", "above and below in one chain: after a fault above nothing is filled", "R-LOG-24",
             [log[:1], [rotation]],
             [*log[1:], rotation, resigned(author, author.after(rotation))], "signature")  # fmt: skip
    close = author.after(log[-1], 6, b"\x80")
    over = author.settlement(close)
    book.add("fill-close", "down over a close", "R-LOG-8", [log[:1], [over]], [*log[1:], close])
    late = author.after(close)
    sealed = author.settlement(late)
    book.add("fill-after-close", "the chain breaks behind the close, and what is left joins nothing", "R-LOG-8",
             [log[:1], [sealed]], [*log[1:], close, late], "gap")  # fmt: skip
    first, second = settlement, author.after(settlement)
    bad = resigned(author, first)
    book.add("fill-bad-opener", "the opener at the bottom fails: nothing of its stretch", "R-LOG-7",
             [log[:1], [higher]], [bad, author.after(bad)], "gap")  # fmt: skip
    chain = [bad, author.after(bad)]
    top = author.settlement(chain[-1])
    book.add("fill-bad-opener-linked", "the same, linked to what is held", "R-LOG-7", [log[:1], [top]], chain,
             "signature")  # fmt: skip
    book.add("fill-closed-term", "a settlement of a closed term at the bottom", "R-LOG-28", [log[:1], [higher]],
             [first, second])  # fmt: skip
    book.add("closed-term-in-run", "a closed term's settlement inside a chain, then the newest", "R-LOG-28",
             [log], [first, second, higher])  # fmt: skip
    rotated, _ = author.rotation(higher)
    book.add("settlements-older", "at a new epoch the settlements of the one before are closed", "R-LOG-28",
             [[*log, first, second, higher], [rotated]], [author.settlement(first)], "stale")  # fmt: skip
    book.add("second-below-base", "a second rotation below what is held: it joins nothing, and counts", "R-LOG-16",
             [log[:1], [rotation]], [low], "gap")  # fmt: skip
    book.add("jump-above", "the newest opener is not alone: no jump", "R-LOG-30",
             [[*log, rotation, author.after(rotation, signer=_fresh(author, 1))]],
             [_far(author, rotation)], "gap", jump=True)  # fmt: skip


def _fresh(author: Author, epoch: int) -> Signer:
    return Signer(seed(author.name, "key", epoch, 1))


def _far(author: Author, rotation: Entry) -> Entry:
    tip = rotation
    for _ in range(4):
        tip = author.after(tip, signer=_fresh(author, 1))
    return tip


def _openers(book: Book) -> None:
    author = Author("corner openers")
    author.write(6)
    log = list(author.entries)
    for name, changes in (("key", {"key": SMALL}), ("reveal", {"reveal": SMALL})):
        values = {
            "key": Signer(seed("fresh")).public, "promise": author.promise_for(2),
            "reveal": author.promised(1).public,
        }  # fmt: skip
        record = encode_record(Rotation(**(values | changes)))
        wrong = author.after(log[-1], 2, record, signer=author.promised(1), place=(1, 0))
        book.add(f"rotation-small-{name}", f"its {name} is of small order", "R-LOG-3", [log], [wrong],
                 "key" if name == "key" else "promise")  # fmt: skip
    foreign = author.after(log[-1], 4, b"\x80", place=(0, 1), signer=Author("x").signer)
    book.add("settlement-two-faults", "signature before record", "R-LOG-4", [log], [foreign], "signature")
    one, two, three = author.settlement(log[3]), author.settlement(log[4]), author.settlement(log[5])
    book.add(
        "settlement-third", "a third opener of a term says no more", "R-LOG-28", [log, [one], [two]], [three]
    )
    twin, again = inception(author, time=log[0].time + 5), inception(author, time=log[0].time + 9)
    book.add("inception-third", "a third inception says no more", "R-LOG-25", [log, [twin]], [again])
    book.add("inception-second-again", "the second one, known by now, and what follows it", "R-LOG-25",
             [log, [twin]], [twin, author.after(twin)], "stale")  # fmt: skip
    at = author.after(log[3], place=(0, 1), note="at the opener")
    book.add("at-the-opener", "an ordinary entry at the seq of the newest opener", "R-LOG-6", [log, [one]], [at],
             "stale")  # fmt: skip
    other = Author("corner other")
    mixed = sign_entry(
        NETWORK, other.signer, author=other.id, seq=log[-1].seq + 1, prev=log[-1].id, epoch=0, term=0,
        time=log[-1].time, kind=1, record=b"\x80",
    )  # fmt: skip
    book.add("two-authors", "a chain is of one author", "R-RUN-1", [log[:3]], [*log[3:], mixed], "link")


def _behind(book: Book) -> None:
    """Openers that stand behind a fault, or where a chain breaks."""
    author = Author("corner behind")
    author.write(9)
    log = list(author.entries)
    gapped, _ = author.rotation(log[-1])
    book.add("opener-behind-gap", "entries are missing, the rotation behind counts", "R-LOG-5", [log[:4]],
             [*log[6:], gapped], "gap")  # fmt: skip
    anchored = Author("corner anchor")
    anchored.write(63)
    wrong = resigned(anchored, anchored.after(anchored.entries[-1]))
    behind, _ = anchored.rotation(wrong)
    book.add("opener-behind-anchor", "an anchor fails, the rotation behind it counts", "R-LOG-5",
             [anchored.entries], [wrong, behind], "signature")  # fmt: skip
    early = author.after(
        log[-1], 2, gapped.record, signer=author.promised(1), place=(1, 0), time=log[-1].time - 1
    )
    book.add("opener-dated-before", "the chain breaks at a rotation dated before its predecessor: it counts",
             "R-LOG-5", [log[:2]], [*log[2:], early], "time_order")  # fmt: skip
    first = author.after(gapped, signer=_fresh(author, 1))
    back = author.after(first, signer=_fresh(author, 1), time=first.time - 1)
    book.add("fault-above-hole", "an opener sets all aside; the fault behind it is told all the same", "R-LOG-24",
             [log[:3]], [gapped, first, back], "time_order")  # fmt: skip
    other = author.after(first, 4, author.settlement(log[-1]).record, signer=_fresh(author, 1), place=(1, 1))
    book.add("openers-behind-gap", "two openers behind entries that do not join", "R-LOG-5", [log[:3]],
             [*log[5:], gapped, first, other], "gap")  # fmt: skip
    two, _ = author.rotation(log[7], generation=2)
    contested = [*log[8:], gapped]
    book.add("opener-second-behind", "a second rotation behind entries that do not join", "R-LOG-16",
             [log[:4], [two]], contested, "stale")  # fmt: skip


def _forks(book: Book) -> None:
    author = Author("corner forks")
    author.write(80)
    log = list(author.entries)
    left = log[40:]
    right = [author.after(log[39], note="right")]
    low = [author.after(log[29], note="low")]
    book.add("fork-common-after", "the proof comes first, then what lies below it", "R-LOG-15",
             [log[:20], left[:25], right], log[20:40])  # fmt: skip
    book.add(
        "fork-lower-later", "a fork known at 40, then found at 30", "R-LOG-15", [log, right], low, "forked"
    )
    unsigned = resigned(author, author.after(log[39], note="held"))
    held = [*log[:40], unsigned]
    sealed = author.after(unsigned)
    tail = [*held, sealed]
    book.add("fork-held-unsigned", "the held side is proved by the entry above it", "R-LOG-14", [tail], right,
             "forked")  # fmt: skip
    book.add("fork-healed-extends", "a healed term goes on", "R-LOG-15",
             [log, right, [author.settlement(right[0])]], [right[0]])  # fmt: skip


def _proofs(book: Book) -> None:
    author = Author("corner proofs")
    author.write(10)
    log = list(author.entries)
    left = [author.after(log[-1], note="left")]
    close = author.after(log[-1], 6, b"\x80")
    after = author.after(close)
    book.add("fork-proof-close", "a side goes on after a close", "R-LOG-14", [log], [], "bad_proof",
             proof=([close, after], left))  # fmt: skip
    book.add("fork-proof-at-close", "a side ends with a close", "R-LOG-14", [log], [], proof=([close], left))
    one = author.settlement(log[4])
    below = [author.after(log[3], place=(0, 1), note=each) for each in "ab"]
    book.add("fork-proof-below", "at the seq of the opener", "R-LOG-14", [[*log[:5], one]], [], "bad_proof",
             proof=([author.after(log[4], place=(0, 1), note="x")], [author.after(log[4], place=(0, 1))]))  # fmt: skip
    book.add("fork-proof-under", "below the opener", "R-LOG-14", [[*log[:5], one]], [], "bad_proof",
             proof=(below[:1], below[1:]))  # fmt: skip
    first, _ = author.rotation(log[-1], generation=1)
    second, _ = author.rotation(log[-1], generation=2)
    book.add("fork-proof-contested-place", "of a closed place of a contested identity", "R-LOG-14",
             [[*log, first], [second]], [], "stale", proof=(left, [author.after(log[-1], note="right")]))  # fmt: skip
    opener = author.after(one, 4, one.record, place=(0, 1))
    book.add("fork-proof-opener-side", "a side holds an opener", "R-LOG-14", [[*log[:5], one]], [], "bad_proof",
             proof=([opener], [author.after(one)]))  # fmt: skip
    gone = [parse_wire([left[0].header, left[0].signature, None])]
    book.add("fork-proof-gone", "records of odd kinds may be gone", "R-LOG-14", [log], [],
             proof=(gone, [author.after(log[-1], note="right")]))  # fmt: skip
