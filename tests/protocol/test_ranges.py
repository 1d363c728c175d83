"""Range reconciliation: any two sets reconcile, in few rounds; what a hostile side says is bounded."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import limits, ranges
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item, Standing
from protocol.messages import Ranges, RangesAnswer, decode_message, encode_message
from protocol.ranges import Asking, Elements, Salted, answered, comparable, element, rows_of

NETWORK = "test"
SALT = b"s" * 16
Set = dict[bytes, bytes]


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def some(count: int, name: str = "log") -> Set:
    """Logs of random authors, each with a head."""
    return {digest(name, number): digest(name, number, "head") for number in range(count)}


def elements(held: Set) -> Elements:
    return Elements(b"".join(author + held[author] for author in sorted(held)))


def salted(held: Set, salt: bytes = SALT) -> Salted:
    return Salted(elements(held), NETWORK, salt)


def head(author: bytes, entry: bytes) -> Item:
    return Item(Standing.HEAD, author, 0, 0, 5, entry, 0)


class Meeting:
    """Two sets that reconcile, over the bytes of real messages."""

    def __init__(self, asks: Set, answers: Set, room: int = ranges.ROOM) -> None:
        self.asking = Asking(salted(asks))
        self.answering = salted(answers)
        self.answers = answers
        self.room = room
        self.told: Set = {}
        self.questions = 0
        self.bytes = 0

    def step(self) -> None:
        question = Ranges(**rows_of(self.asking.question(self.room)))
        sent = encode_message(question, 1)
        received = decode_message(sent).body
        assert isinstance(received, Ranges)
        reply = answered(self.answering, received, self.room)
        items = [head(author, self.answers[author]) for author in reply.tell]
        answer = RangesAnswer(items=[item.wire() for item in items], left=reply.left, **rows_of(reply))
        back = encode_message(answer, 1)
        body = decode_message(back).body
        assert isinstance(body, RangesAnswer)
        self.asking.take(body, items)
        self.told.update({item.author: item.id for item in items})
        self.questions += 1
        self.bytes += len(sent) + len(back)

    def run(self) -> Meeting:
        while not self.asking.done:
            self.step()
        return self


def differing(one: Set, other: Set) -> set[bytes]:
    """The authors whose log is another, or only in one."""
    return {author for author in one | other if one.get(author) != other.get(author)}


def agree(asks: Set, answers: Set, meeting: Meeting) -> None:
    """The asker was told everything the other has otherwise, and knows which of its own the other lacks."""
    wrong = differing(asks, answers)
    assert meeting.told == {author: answers[author] for author in wrong if author in answers}
    assert set(meeting.asking.unmatched) == {author for author in wrong if author in asks}


authors = st.integers(0, 400).map(lambda number: digest("author", number))
crowded = st.integers(0, 60).map(
    lambda number: b"\xab\xcd" * 3 + digest(number)[:26]
)  # ground out: 48 bits alike
sets = st.dictionaries(
    authors | crowded, st.integers(0, 2).map(lambda number: digest("head", number)), max_size=300
)


@given(sets, sets, st.integers(700, 4_000))
@settings(deadline=None)
def test_any_two_sets_reconcile(one: Set, other: Set, room: int) -> None:
    """Whatever differs, and however little fits one message, both sides learn all of it [R-RNG-7] [R-RNG-8]."""
    meeting = Meeting(one, other)
    agree(one, other, meeting.run())
    small = Meeting(one, other, room)
    try:
        small.run()
    except NotHeld:
        return
    agree(one, other, small)


@given(sets, st.sets(st.integers(0, 299), max_size=12), st.integers(0, 2**32))
@settings(deadline=None)
def test_few_differences_take_few_questions(one: Set, places: set[int], seed: int) -> None:
    """Sets that differ in a few logs meet in no more questions than digits tell them apart [R-RNG-9]."""
    other = dict(one)
    ordered = sorted(one)
    for place in places:
        if place < len(ordered):
            other[ordered[place]] = digest("other", seed, place)
    meeting = Meeting(one, other).run()
    agree(one, other, meeting)
    assert meeting.questions <= 16, "twelve digits alike, one a question"


def test_ten_thousand_logs_of_which_a_hundred_differ() -> None:
    """Two questions and less than 28 KB find 100 differences among 10,000 logs [R-RNG-8]."""
    one = some(10_000)
    other = dict(one)
    for number, author in enumerate(random.Random(1).sample(sorted(one), 100)):
        (one if number % 2 else other)[author] = digest("newer", number)
    meeting = Meeting(one, other).run()
    agree(one, other, meeting)
    assert meeting.questions == 2
    assert meeting.bytes < 28_000


def test_equal_sets_take_one_question() -> None:
    """Nothing is told where nothing differs."""
    meeting = Meeting(some(10_000), some(10_000)).run()
    assert meeting.questions == 1 and not meeting.told and not meeting.asking.unmatched
    assert meeting.bytes < 2_300


@pytest.mark.parametrize("count", [0, 1, 17, 500])
def test_against_an_empty_set(count: int) -> None:
    """One side has nothing: all of the other is told."""
    for one, other in ((some(count), {}), ({}, some(count))):
        agree(one, other, Meeting(one, other).run())


def test_disjoint_sets_reconcile_or_give_up() -> None:
    """Sets that share nothing are told whole; beyond the limit of questions it ends [R-RNG-9]."""
    one, other = some(600), some(600, "other")
    agree(one, other, Meeting(one, other).run())
    with pytest.raises(NotHeld):
        Meeting(some(40_000), some(40_000, "other")).run()


# -- elements and fingerprints -------------------------------------------------------------------------------
def test_an_element_is_the_item_without_from() -> None:
    """Equal items are equal elements whatever their `from`; all else changes the element [R-RNG-2] [R-LOG-17]."""
    author, entry = digest("a"), digest("e")
    whole = Item(Standing.HEAD, author, 0, 0, 5, entry, 0)
    part = Item(Standing.HEAD, author, 0, 0, 5, entry, 3)
    assert element(NETWORK, whole) == element(NETWORK, part) == author + entry
    others = [
        Item(Standing.HEAD, author, 0, 0, 5, digest("f"), 0),
        Item(Standing.FORKED, author, 0, 0),
        Item(Standing.FORKED, author, 0, 1),
        Item(Standing.FORKED, author, 1, 0),
        Item(Standing.CONTESTED, author, 1),
        Item(Standing.CONTESTED, author, 0),
    ]
    made = {element(NETWORK, item) for item in (whole, *others)}
    assert len(made) == 7 and all(len(each) == 64 and each[:32] == author for each in made)
    assert element("else", others[1]) != element(NETWORK, others[1])


def test_a_fingerprint_depends_on_salt_network_and_every_element() -> None:
    """[R-RNG-3]"""
    held = some(50)
    whole = salted(held).fingerprint(0, 50)
    assert len(whole) == 8
    assert whole == hashlib.sha256(b"INX/1\x00test\x00ranges\x00" + SALT + elements(held).data).digest()[:8]
    assert salted(held, b"t" * 16).fingerprint(0, 50) != whole
    assert Salted(elements(held), "else", SALT).fingerprint(0, 50) != whole
    for author in held:
        assert salted(held | {author: digest("x")}).fingerprint(0, 50) != whole


@given(sets, st.text("0123456789abcdef", max_size=4))
def test_the_parts_of_a_range_are_its_authors_by_digit(held: Set, prefix: str) -> None:
    """A range is the authors whose hex begins with its prefix; the next digit splits it [R-RNG-1]."""
    made = elements(held)
    ordered = sorted(held)
    low, high = made.within(prefix)
    assert ordered[low:high] == [author for author in ordered if author.hex().startswith(prefix)]
    ends = made.bounds(len(prefix), low, high)
    for digit in range(16):
        part = prefix + "0123456789abcdef"[digit]
        assert (ends[digit], ends[digit + 1]) == made.within(part) or ends[digit] == ends[digit + 1]
        assert ordered[ends[digit] : ends[digit + 1]] == [a for a in ordered if a.hex().startswith(part)]


@given(sets, sets)
def test_changed_elements_replace_those_of_their_authors(held: Set, new: Set) -> None:
    made = elements(held).changed(author + entry for author, entry in new.items())
    assert made.data == elements(held | new).data


def test_what_is_worth_comparing() -> None:
    """Sets of a page or less, or of very different size, are not [R-RNG-4]."""
    least = limits.RANGES_FROM
    assert comparable(least, least) and comparable(least, 2 * least) and comparable(2 * least, least)
    assert not comparable(least - 1, least) and not comparable(least, least - 1)
    assert not comparable(least, 2 * least + 1) and not comparable(2 * least + 1, least)


# -- hostile questions and answers ---------------------------------------------------------------------------
FULL = bytes(128)


@pytest.mark.parametrize(
    "rows",
    [
        {"splits": [("", FULL), ("", FULL)]},
        {"splits": [("a", FULL), ("a", FULL)]},
        {"splits": [("b", FULL), ("a", FULL)]},
        {"splits": [("a", FULL), ("ab", FULL)]},
        {"splits": [("a", FULL), ("ab", FULL), ("b", FULL)]},
        {"splits": [("a" * 64, FULL)]},
        {"lists": [("a", b""), ("ab", b"")]},
        {"lists": [("a", bytes(9))]},
        {"lacking": [("ab", 1), ("a", 1)]},
        {"lacking": [("", 1)]},
        {"lacking": [("0123456789", 1)]},
    ],
)
def test_malformed_rows_are_refused(rows: dict[str, Any]) -> None:
    """Ranges out of order or inside another, a list cut off, a mask of what was not listed [R-RNG-6]."""
    with pytest.raises(RemoteProtocolError) as refused:
        answered(salted(some(500)), Ranges(**rows))
    assert refused.value.code == "bad_message"


def test_a_question_hashes_the_set_twice_at_most() -> None:
    """However many rows, no element is hashed more than once for their fingerprints and once for the own [R-RNG-6]."""
    held = salted(some(3_000))
    hashed = 0
    original = held.fingerprint

    class Counting(Salted):
        def fingerprint(self, low: int, high: int) -> bytes:
            nonlocal hashed
            hashed += high - low
            return original(low, high)

    counting = Counting(held.elements, NETWORK, SALT)
    prefixes = [f"{number:02x}" for number in range(256)]
    answered(counting, Ranges(splits=[(prefix, FULL) for prefix in prefixes]))
    assert hashed <= 2 * 3_000


def test_an_answer_never_outgrows_its_message() -> None:
    """What does not fit is counted in `left`, and at least one row is answered [R-RNG-7]."""
    held = salted(some(30_000))
    question = Ranges(splits=[(f"{number:02x}", FULL) for number in range(256)])
    reply = answered(held, question)
    assert 0 < reply.left < 256
    answer = RangesAnswer(left=reply.left, **rows_of(reply))
    assert len(encode_message(answer, 1)) <= limits.MAX_MESSAGE
    assert answered(held, question, 1).left == 255


def begun(held: Set) -> Asking:
    asking = Asking(salted(held))
    asking.question()
    return asking


@pytest.mark.parametrize(
    "answer",
    [
        RangesAnswer(left=1),
        RangesAnswer(left=7),
        RangesAnswer(splits=[("", FULL)]),
        RangesAnswer(splits=[("ab", FULL)]),
        RangesAnswer(lists=[("ab", b"")]),
        RangesAnswer(lists=[("a", b""), ("a", b"")]),
        RangesAnswer(lists=[("a", b"")], splits=[("a", FULL)]),
        RangesAnswer(lacking=[("a", 1)]),
    ],
)
def test_answers_to_what_was_not_asked_are_faults(answer: RangesAnswer) -> None:
    """Rows of other ranges, twice the same, no progress [R-RNG-8]."""
    with pytest.raises(RemoteProtocolError):
        begun(some(500)).take(answer, [])


def test_items_come_only_of_lists() -> None:
    """An item of a range that was not listed, or twice the same, is a fault [R-RNG-8]."""
    stray = head(digest("stray"), digest("head"))
    with pytest.raises(RemoteProtocolError):
        begun(some(500)).take(RangesAnswer(), [stray])
    asking = begun(some(500))
    asking.take(RangesAnswer(lists=[("a", digest("id")[:8])]), [])
    assert rows_of(asking.question())["lacking"] == [("a", 1)]
    inside = head(b"\xaa" * 32, digest("head"))
    with pytest.raises(RemoteProtocolError):
        asking.take(RangesAnswer(), [inside, inside])


def test_a_liar_is_asked_a_bounded_number_of_questions() -> None:
    """Who says that everything differs, at every depth, is left after MAX_RANGES_QUESTIONS [R-RNG-9]."""
    asking = Asking(salted(some(20_000)))
    asked = 0
    with pytest.raises(NotHeld):
        while True:
            rows = asking.question(4_000)
            asked += 1
            children = [prefix + digit for prefix, _ in rows.splits for digit in "0123456789abcdef"][:20]
            asking.take(RangesAnswer(splits=[(child, FULL) for child in sorted(children)]), [])
    assert asked == limits.MAX_RANGES_QUESTIONS
