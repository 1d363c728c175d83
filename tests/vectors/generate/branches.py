"""The vectors of forks and contested identities, part of log.json."""

from __future__ import annotations

from tests.protocol.author import Author, seed
from tests.vectors.generate.book import Book, inception, resigned


def forks(book: Book) -> None:
    author = Author("forks")
    author.write(30)
    common = list(author.entries)
    left = [author.after(common[-1], note="left")]
    left += [author.after(left[-1], note="left")]
    right = [author.after(common[-1], note="right")]
    right += [author.after(right[-1], note="right")]
    book.add("fork", "two entries 31", "R-LOG-14", [[*common, *left]], right, "forked")
    inner = resigned(author, author.after(common[-1], note="inner"))
    proved = author.after(inner, note="inner")
    book.add(
        "fork-inner",
        "one side proved by a later signature",
        "R-LOG-14",
        [[*common, *left]],
        [inner, proved],
        "forked",
    )
    book.add(
        "fork-unproved",
        "the other side has no valid signature",
        "R-LOG-14",
        [[*common, *left]],
        [inner],
        "unproved",
    )
    book.add(
        "fork-more",
        "a forked term takes no more",
        "R-LOG-15",
        [[*common, *left], right],
        [author.after(left[-1])],
        "forked",
    )
    lower = author.after(common[19], note="lower")
    book.add(
        "fork-lower",
        "a second difference further down",
        "R-LOG-15",
        [[*common, *left], right],
        [lower],
        "forked",
    )
    settled = author.settlement(left[-1])
    book.add(
        "fork-healed", "a settlement on the held branch", "R-LOG-4", [[*common, *left], right], [settled]
    )
    other = author.settlement(right[-1])
    book.add(
        "fork-healed-other", "on the branch not held: a hole", "R-LOG-4", [[*common, *left], right], [other]
    )
    book.add(
        "fork-healed-filled",
        "and filled: the held branch is disowned",
        "R-LOG-13",
        [[*common, *left], right, [other]],
        right,
    )
    book.add("fork-proof", "by proof alone", "R-LOG-14", [common], [], proof=([left[0]], [right[0]]))
    book.add(
        "fork-proof-twice",
        "a proof for the second difference",
        "R-LOG-14",
        [[*common, *left]],
        [],
        proof=([left[1]], [right[1]]),
    )
    for name, comment, sides in (
        ("same", "twice the same entry", ([left[0]], [left[0]])),
        ("places", "entries of two places", ([left[0]], [right[1]])),
        ("unsigned", "one side not signed", ([left[0]], [inner])),
        ("unlinked", "a side that does not link", ([left[0]], [right[0], left[1]])),
        ("networker", "of another networker", ([Author("y").write(1)[0]], [Author("y").write(1, "z")[0]])),
        ("opener", "at the opener", ([common[0]], [inception(author, time=5)])),
    ):
        book.add(f"fork-proof-{name}", comment, "R-LOG-14", [common], [], "bad_proof", proof=sides)
    late = [left[0]]
    while late[-1].seq < 65:
        late.append(author.after(late[-1], note="left"))
    book.add(
        "fork-proof-anchor", "up to the next anchor", "R-LOG-14", [common], [], proof=(late[:-1], [right[0]])
    )
    book.add(
        "fork-proof-long",
        "beyond the next anchor",
        "R-LOG-14",
        [common],
        [],
        "bad_proof",
        proof=(late, [right[0]]),
    )
    back = author.after(left[0], time=left[0].time - 1)
    book.add(
        "fork-proof-time",
        "a side not in order of time",
        "R-LOG-14",
        [common],
        [],
        "bad_proof",
        proof=([left[0], back], [right[0]]),
    )
    ahead = [author.after(settled, note=each) for each in "ab"]
    book.add(
        "fork-proof-term",
        "of a term not known",
        "R-LOG-14",
        [common],
        [],
        "unknown_epoch",
        proof=(ahead[:1], ahead[1:]),
    )
    short = common[:6]
    one, two = author.settlement(short[3]), author.settlement(short[4])
    book.add("two-settlements", "two openers of one term fork it", "R-LOG-14", [[*short[:5], two]], [one])
    healing = author.settlement(two)
    book.add(
        "two-settlements-healed",
        "the next settlement heals",
        "R-LOG-14",
        [[*short[:5], two], [one]],
        [healing],
    )
    book.add(
        "two-settlements-more",
        "nothing else until then",
        "R-LOG-15",
        [[*short[:5], two], [one]],
        [author.after(two)],
        "forked",
    )
    twin = inception(author, time=common[0].time + 5)
    book.add("two-inceptions", "one record, two headers", "R-LOG-25", [common], [twin])
    book.add(
        "two-inceptions-settled",
        "a settlement heals",
        "R-LOG-25",
        [common, [twin]],
        [author.settlement(common[-1])],
    )
    diverged = [author.after(common[20], note="d")]
    for _ in range(15):
        diverged.append(author.after(diverged[-1], note="d"))
    book.add("diverged", "the logs differ further down", "R-LOG-19", [common], diverged[10:], "gap")
    _anchors(book)


def _anchors(book: Book) -> None:
    author = Author("anchors")
    author.write(70)
    log = author.entries
    other = author.after(log[59], note="other")
    book.add("fork-at-60", "both sides end before the anchor", "R-LOG-14", [log], [other], "forked")
    bad = resigned(author, author.after(log[62], note="bad"))
    anchor = resigned(author, author.after(bad, note="bad"))
    book.add(
        "fork-bad-anchor", "a signature behind a bad anchor proves nothing", "R-LOG-14", [log],
        [bad, anchor, author.after(anchor)], "unproved",
    )  # fmt: skip


def contests(book: Book) -> None:
    author = Author("contests")
    author.write(10)
    log = list(author.entries)
    one, key = author.rotation(log[-1], generation=1)
    two, _ = author.rotation(log[-2], generation=2)
    book.add("contest", "two rotations of one epoch", "R-LOG-16", [[*log, one]], [two])
    book.add(
        "contest-entry",
        "takes no entries but openers",
        "R-LOG-16",
        [[*log, one], [two]],
        [author.after(one, signer=key)],
        "contested",
    )
    settlement = author.after(one, 4, author.settlement(log[-1]).record, signer=key, place=(1, 1))
    book.add(
        "contest-settlement", "nor a settlement", "R-LOG-16", [[*log, one], [two]], [settlement], "contested"
    )
    healing, _ = author.rotation(one)
    book.add(
        "contest-healed",
        "the next rotation, by the promise both carry",
        "R-LOG-16",
        [[*log, one], [two]],
        [healing],
    )
    book.add(
        "contest-healed-unseen",
        "who knows one of the two is healed before",
        "R-LOG-16",
        [[*log, one, healing]],
        [two],
    )
    third, _ = author.rotation(one, generation=3)
    book.add(
        "contest-again",
        "two rotations of the next epoch",
        "R-LOG-16",
        [[*log, one], [two], [healing]],
        [third],
    )
    thief, _ = author.rotation(log[-1], generation=4, promises=seed("other promise"))
    book.add("contest-for-good", "with different promises", "R-LOG-16", [[*log, one]], [thief])
    book.add(
        "contest-for-good-rotation",
        "no rotation ends that",
        "R-LOG-16",
        [[*log, one], [thief]],
        [healing],
        "contested",
    )
    book.add(
        "contest-for-good-late", "found below a later epoch", "R-LOG-16", [[*log, one, healing]], [thief]
    )
    alone = ([author.after(one, signer=key)], [author.after(one, signer=key, note="x")])
    book.add(
        "contest-proof", "has no term to fork", "R-LOG-16", [[*log, one], [two]], [], "contested", proof=alone
    )
    alike, _ = author.rotation(log[-1], generation=6)
    both = [[*log, one], [two]]
    book.add("contest-third", "a third like the two known says no more", "R-LOG-16", both, [alike])
    book.add("contest-third-other", "one with another promise does", "R-LOG-16", both, [thief])
