"""Makes tests/vectors/effects.json: what the entries of a log do to its profile and listings.

What is expected is written here by hand, case by case; no program decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocol import stamp
from protocol.entry import Entry
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.records import Block, Close, Listing, Profile, Withdraw, encode_record
from protocol.records.profile import Stamp
from tests.protocol.author import NETWORK, START, Author, seed
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Effects (section 7), network `test`. A node that holds nothing receives the chains `before` one after the other "
    "(entries as [header, signature, record or null] in hex; with `jump` R-LOG-30 is used); `now` is its clock. "
    "Expected: `profile`, the id of the entry that is the profile in force (null: none), and `stamp`, the bits that "
    "count of its stamp; `listings`, of each key that is known the id of its newest effective listing entry and "
    "whether it is `offered`; `void`, the code of each void entry by seq (what is unknown, R-VER-4, is not there); "
    "`blocks`, the ids that the author blocks."
)
NOW: Final = START + 1_000_000
ID: Final = b"\x11" * 32
Said = dict[str, tuple[Entry, bool]]


def _salt(*parts: object) -> bytes:
    return seed("effects", *parts)[:16]


class _Log:
    """A log that grows by what it says."""

    def __init__(self, name: str) -> None:
        self.author = Author(name)
        self.entries = self.author.entries

    def _put(self, kind: int, record: bytes, time: int | None) -> Entry:
        self.entries.append(self.author.after(self.entries[-1], kind, record, time=time))
        return self.entries[-1]

    def list(self, key: str, time: int | None = None, **fields: Any) -> Entry:
        salt = _salt(key, len(self.entries))
        record = Listing(salt=salt, key=key, kind="product", title=f"Title {len(self.entries)}", **fields)
        return self._put(3, encode_record(record), time)

    def withdraw(self, key: str, time: int | None = None) -> Entry:
        return self._put(5, encode_record(Withdraw(salt=_salt(key, len(self.entries)), key=key)), time)

    def profile(self, name: str, **fields: Any) -> Entry:
        return self._put(1, encode_record(Profile(salt=_salt(name), name=name, **fields)), None)

    def block(self, id: bytes, **fields: Any) -> Entry:
        return self._put(9, encode_record(Block(salt=_salt(len(self.entries)), id=id, **fields)), None)

    def close(self) -> Entry:
        return self._put(6, encode_record(Close()), None)

    def other(self, kind: int, record: bytes) -> Entry:
        return self._put(kind, record, None)


def _gone(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, record=None)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(
        name: str,
        comment: str,
        requirement: str,
        before: Sequence[Sequence[Entry]],
        listings: Said,
        *,
        profile: Entry | None = None,
        bits: int = 0,
        void: dict[int, str] | None = None,
        blocks: Sequence[bytes] = (),
        jump: bool = False,
        now: int = NOW,
    ) -> None:
        given: dict[str, Any] = {"before": [chain(each) for each in before], "now": now}
        if jump:
            given["jump"] = True
        expected = {
            "profile": None if profile is None else profile.id.hex(),
            "stamp": bits,
            "listings": {
                key: {"entry": entry.id.hex(), "offered": offered}
                for key, (entry, offered) in listings.items()
            },
            "void": {str(seq): code for seq, code in (void or {}).items()},
            "blocks": [id.hex() for id in blocks],
        }
        found.append(vector(name, comment, requirement, given, expected=expected))

    _versions(add)
    _voids(add)
    _time(add)
    _closed(add)
    _branches(add)
    _others(add)
    return found


def _versions(add: Any) -> None:
    log = _Log("effects versions")
    one, two = log.list("a"), log.list("b")
    add("listed", "two listings", "R-EFF-1", [log.entries], {"a": (one, True), "b": (two, True)})
    edit = log.list("a")
    add(
        "edited",
        "a later listing of the key",
        "R-EFF-1",
        [log.entries],
        {"a": (edit, True), "b": (two, True)},
    )
    gone = [*log.entries[:3], _gone(edit)]
    add("edit-gone", "the later record was never there: its key is not known", "R-EFF-1", [gone],
        {"a": (one, True), "b": (two, True)})  # fmt: skip
    add("one-gone", "the record of the only listing of a key", "R-EFF-1",
        [[*log.entries[:2], _gone(two), edit]], {"a": (edit, True)})  # fmt: skip
    log.withdraw("a")
    add(
        "withdrawn",
        "ended, and known as ended",
        "R-EFF-1",
        [log.entries],
        {"a": (edit, False), "b": (two, True)},
    )
    again = log.list("a")
    add("relisted", "offered again", "R-EFF-1", [log.entries], {"a": (again, True), "b": (two, True)})


def _voids(add: Any) -> None:
    log = _Log("effects voids")
    log.withdraw("a")
    add("wrong-key", "no listing of the key", "R-EFF-1", [log.entries], {}, void={1: "wrong_key"})
    later = log.list("a")
    add("wrong-key-later", "a listing above does not heal it", "R-EFF-1", [log.entries], {"a": (later, True)},
        void={1: "wrong_key"})  # fmt: skip
    log.withdraw("a")
    log.withdraw("a")
    add("withdrawn-twice", "an earlier listing names the key: not void", "R-EFF-1", [log.entries],
        {"a": (later, False)}, void={1: "wrong_key"})  # fmt: skip
    log = _Log("effects unknown")
    only = log.list("a")
    log.withdraw("a")
    add("withdrawn-gone", "the record of a listing below is gone: unknown, not void", "R-VER-4",
        [[log.entries[0], _gone(only), log.entries[2]]], {})  # fmt: skip
    log.list("b")
    rest = log.entries[2:]
    add("withdrawn-jump", "entries below are not held: unknown, not void", "R-VER-4",
        [log.entries[:1], rest], {"b": (log.entries[3], True)}, jump=True)  # fmt: skip
    log = _Log("effects malformed")
    good = log.list("a")
    log.other(3, b"\x80")
    log.other(3, b"\xc1")
    log.other(1, b"\x81\xa1$\xc4\x10" + bytes(16))
    log.other(5, b"\x80")
    add("malformed", "a record that says nothing leaves what was", "R-REC-2", [log.entries], {"a": (good, True)},
        void={2: "malformed", 3: "malformed", 4: "malformed", 5: "malformed"})  # fmt: skip
    log = _Log("effects kinds")
    good = log.list("a")
    log.other(1_001, b"\x80")
    log.other(1_000, b"\x80")
    after = log.list("b")
    add("unknown-kinds", "odd or even, they change no listing", "R-KIND-2", [log.entries],
        {"a": (good, True), "b": (after, True)})  # fmt: skip


def _time(add: Any) -> None:
    log = _Log("effects time")
    first = log.list("a")
    ahead = NOW + CLOCK_TOLERANCE_MS
    due = log.list("a", time=ahead)
    log.list("a", time=ahead + 1)
    top = log.list("b", time=ahead + 1)
    late = log.entries[4]
    add("due", "dated CLOCK_TOLERANCE_MS ahead: due; a millisecond more: not", "R-EFF-3", [log.entries],
        {"a": (due, True)})  # fmt: skip
    add("not-due", "a millisecond before", "R-EFF-3", [log.entries], {"a": (first, True)}, now=NOW - 1)
    add("all-due", "a millisecond later", "R-EFF-3", [log.entries],
        {"a": (log.entries[3], True), "b": (top, True)}, now=NOW + 1)  # fmt: skip
    assert late is top
    log = _Log("effects expiry")
    over, still = log.list("a", expires=NOW), log.list("b", expires=NOW + 1)
    add("expired", "from that moment on", "R-EFF-1", [log.entries], {"a": (over, False), "b": (still, True)})
    log = _Log("effects withdrawal ahead")
    kept = log.list("a")
    log.withdraw("a", time=ahead + 1)
    add("withdrawal-ahead", "a withdrawal that is not due", "R-EFF-3", [log.entries], {"a": (kept, True)})


def _closed(add: Any) -> None:
    log = _Log("effects closed")
    me, one = log.profile("Ada"), log.list("a")
    closing = log.close()
    add("closed", "its listings are not offered; the profile holds", "R-EFF-4", [log.entries], {"a": (one, False)},
        profile=me)  # fmt: skip
    settled = log.author.settlement(closing)
    more = log.author.after(settled, 3, encode_record(
        Listing(salt=_salt("more"), key="b", kind="service", title="More")))  # fmt: skip
    add("reopened", "a settlement above the close", "R-EFF-4", [[*log.entries, settled]], {"a": (one, True)},
        profile=me)  # fmt: skip
    add("reopened-more", "and a listing above it", "R-EFF-4", [[*log.entries, settled, more]],
        {"a": (one, True), "b": (more, True)}, profile=me)  # fmt: skip
    rotated, _ = log.author.rotation(closing)
    add("reopened-rotation", "a rotation above the close", "R-EFF-4", [[*log.entries, rotated]],
        {"a": (one, True)}, profile=me)  # fmt: skip


def _branches(add: Any) -> None:
    log = _Log("effects branches")
    me, one = log.profile("Ada"), log.list("a")
    common = list(log.entries)
    left = log.list("a")
    left_me = log.profile("Left")
    right = log.author.after(common[-1], 3, encode_record(
        Listing(salt=_salt("right"), key="a", kind="product", title="Right")))  # fmt: skip
    add(
        "forked",
        "as of the last common entry",
        "R-LOG-15",
        [log.entries, [right]],
        {"a": (one, True)},
        profile=me,
    )
    settled = log.author.settlement(right)
    add("settled", "on the other branch: what the first one said is disowned", "R-LOG-13",
        [log.entries, [right], [settled], [right, settled]], {"a": (right, True)}, profile=me)  # fmt: skip
    low, _ = log.author.rotation(one)
    add("disowned", "a rotation that leaves out what lies above", "R-LOG-13", [log.entries, [low]],
        {"a": (one, True)}, profile=me)  # fmt: skip
    high, _ = log.author.rotation(left_me, generation=2, promises=seed("other"))
    add("contested", "as of the entry below the lower opener", "R-LOG-16", [[*log.entries, high], [low]],
        {"a": (one, True)}, profile=me)  # fmt: skip
    assert left.seq == right.seq


def _others(add: Any) -> None:
    log = _Log("effects profile")
    log.profile("Ada", bio="about me")
    new = log.profile("Ada L.")
    add("profile", "the newest, as a whole", "R-EFF-1", [log.entries], {}, profile=new)
    nonce = next(
        nonce
        for nonce in (number.to_bytes(8, "big") for number in range(2**20))
        if stamp.work(NETWORK, log.author.id, 8, nonce)[0] == 0
    )
    stamped = log.profile("Ada S.", stamp=Stamp(bits=8, nonce=nonce))
    add("stamp", "a stamp that holds", "R-STAMP-2", [log.entries], {}, profile=stamped, bits=8)
    unstamped = log.profile("Ada T.", stamp=Stamp(bits=64, nonce=nonce))
    add(
        "stamp-void",
        "a stamp that does not: the profile holds",
        "R-STAMP-3",
        [log.entries],
        {},
        profile=unstamped,
    )
    log = _Log("effects blocks")
    log.block(ID)
    log.block(b"\x22" * 32, reason="no answer")
    add("blocks", "two networkers", "R-EFF-2", [log.entries], {}, blocks=[ID, b"\x22" * 32])
    log.block(ID, lifted=True)
    add("block-lifted", "the newest for an id counts", "R-EFF-2", [log.entries], {}, blocks=[b"\x22" * 32])
