"""Makes tests/vectors/alone.json: entries without their run."""

from __future__ import annotations

from typing import Any, Final

from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.openers import Openers, start
from protocol.records import Standing, encode_record
from protocol.standing import accept_alone
from tests.protocol.author import Author, seed
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.forms import entry as listed
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Entries alone (R-LOG-12), network `test`: `openers` known of the author (inception first, admitted in order), "
    "`entry`, and the parts of a `standing` that are known, in any order. Expected: accepted; else the code. "
    "Entries are [header, signature, record or null] in hex."
)


def standing(author: Author, tip: Entry, part: int, parts: int, *named: Entry) -> Entry:
    """One part of a standing after `tip`, not appended."""
    record = Standing(
        salt=seed("standing", part)[:16], entries=tuple((each.seq, each.id) for each in named), part=part, parts=parts
    )  # fmt: skip
    return author.after(tip, 7, encode_record(record), note=(part, parts))


def known(entries: list[Entry]) -> Openers:
    """The openers, admitted in order."""
    openers = start("test", entries[0])
    for each in entries[1:]:
        openers = openers.admit(each)
    return openers


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(
        name: str,
        comment: str,
        openers: list[Entry],
        entry: Entry,
        parts: tuple[Entry, ...],
        error: str | None,
    ) -> None:
        code = None
        try:
            accept_alone(known(openers), entry, parts)
        except (NotHeld, RemoteProtocolError) as fault:
            code = fault.code
        assert code == error, (name, code)
        given: dict[str, Any] = {"openers": chain(openers), "entry": listed(entry), "standing": chain(parts)}
        outcome: dict[str, Any] = {"error": error} if error else {"expected": {"accepted": True}}
        found.append(vector(name, comment, "R-LOG-12", given, **outcome))

    author = Author("alone")
    author.write(5)
    log = list(author.entries)
    inception = log[0]
    old = author.signer
    bad = parse_wire([log[3].header, bytes(64), log[3].record])
    add("newest", "of the newest place", [inception], log[3], (), None)
    add("opener", "the inception itself", [inception], inception, (), None)
    add("unsigned", "proved in a run at most", [inception], bad, (), "signature")
    add("networker", "of another networker", [inception], Author("z").write(1)[0], (), "unknown_author")
    rotation = author.rotate()
    author.write(2)
    new = author.entries[-1]
    both = [inception, rotation]
    add("rotation", "an opener by itself", [inception], rotation, (), None)
    add("ahead", "of an epoch not known", [inception], new, (), "unknown_epoch")
    add("closed", "of a closed epoch", both, log[3], (), "stale")
    add("below", "of the newest place, not above its opener", both,
        author._sign(author.signer, 3, log[2].id, 1, 0, new.time, 1, b"\x80"), (), "link")  # fmt: skip
    add("new", "of the new epoch", both, new, (), None)
    retired = author.after(new, signer=old)
    add("retired", "of the new epoch, by the old key", both, retired, (), "signature")
    whole = standing(author, new, 1, 1, log[2], log[3])
    add("named", "of a closed epoch and named", both, log[3], (whole,), None)
    add("not-named", "of a closed epoch, another is named", both, log[4], (whole,), "stale")
    other = author.after(log[2], signer=old, note="other")
    add("named-other", "another entry at a seq that is named", both, other, (whole,), "stale")
    one = standing(author, new, 1, 2, log[2])
    two = standing(author, one, 2, 2, log[3])
    add("parts", "named in the second part", both, log[3], (one, two), None)
    add("parts-missing", "the second part is missing", both, log[2], (one,), "stale")
    add("parts-first", "the first part is missing", both, log[3], (two,), "stale")
    add("parts-turned", "told in another order: their seqs count", both, log[3], (two, one), None)
    turned = standing(author, new, 2, 2, log[3])
    add("parts-swapped", "part 2 below part 1", both, log[3],
        (turned, standing(author, turned, 1, 2, log[2])), "stale")  # fmt: skip
    later = standing(author, two, 1, 2, log[2])
    add("parts-replaced", "a later part 1 without its part 2 replaces a whole standing", both, log[3],
        (one, two, later), "stale")  # fmt: skip
    add("parts-replaced-whole", "a later standing that is whole names others", both, log[3],
        (one, two, standing(author, two, 1, 1, log[2])), "stale")  # fmt: skip
    add("parts-apart", "not consecutive", both, log[3],
        (one, standing(author, author.after(one), 2, 2, log[3])), "stale")  # fmt: skip
    past = standing(Author("alone"), log[4], 1, 1, log[3])
    add("standing-closed", "a standing of a closed epoch", both, log[3], (past,), "stale")
    add("standing-unsigned", "a standing that is not signed", both, log[3],
        (parse_wire([whole.header, bytes(64), whole.record]),), "stale")  # fmt: skip
    gone = parse_wire([whole.header, whole.signature, None])
    add("standing-gone", "its record is gone", both, log[3], (gone,), "stale")
    add("named-unsigned", "named, its own signature is not valid", both, bad,
        (standing(author, new, 1, 1, bad),), "signature")  # fmt: skip
    add("named-above", "a part names a seq not below its own", both, log[3],
        (author._sign(author.signer, 3, log[2].id, 1, 0, new.time, 7, whole.record or b""),), "stale")  # fmt: skip
    add("standing-besides", "what is no standing is left out", both, log[3], (author.after(new), whole), None)
    profile = author.after(new)
    add("standing-kind", "no standing at all", both, log[3], (profile,), "stale")
    contest, _ = Author("alone").rotation(log[-2], generation=5)
    add("contested", "a contested identity", [*both, contest], new, (), "contested")
    add("contested-closed", "an entry of the epoch below", [*both, contest], log[3], (), "contested")
    settlements = [author.settlement(new), author.settlement(author.entries[-2])]
    add(
        "forked",
        "two settlements of one term",
        [*both, *settlements],
        author.after(settlements[0]),
        (),
        "forked",
    )
    add("forked-closed", "an entry of the epoch below", [*both, *settlements], log[3], (whole,), "forked")
    add("old-term", "of a closed term", [*both, settlements[0]], new, (), "stale")
    above = author.settlement(author.after(settlements[0]))
    add("settlement", "of the newest term, known", [*both, settlements[0]], settlements[0], (), None)
    add("settlement-new", "of a term above", [*both, settlements[0]], above, (), None)
    add("settlement-closed", "of a closed term", [*both, above], settlements[0], (), "stale")
    add("rotation-ahead", "of an epoch whose promise is not known", [inception], author.rotation(new)[0], (),
        "unknown_epoch")  # fmt: skip
    return found
