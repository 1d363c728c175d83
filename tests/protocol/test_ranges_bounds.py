"""Range reconciliation at its bounds: where one message is full, and what an answer may not say [R-RNG-6..9]."""

from __future__ import annotations

import msgspec
import pytest

from protocol import ranges
from protocol.errors import RemoteProtocolError
from protocol.items import Item, Need, Standing, need
from protocol.messages import Ranges, RangesAnswer
from protocol.ranges import DIGITS, LIST_MAX, Asking, Elements, Reply, Salted, answered, check_rows, rows_of
from tests.protocol.author import seed

PAIRS = [one + two for one in DIGITS for two in DIGITS]


def author(prefix: str, number: int) -> bytes:
    return bytes.fromhex(prefix) + seed(prefix, number)[: 32 - len(prefix) // 2]


def made(counts: dict[str, int], salt: bytes = bytes(16)) -> Salted:
    """A set with so many logs whose ids begin with each of these digits (an even number of them)."""
    authors = sorted(author(prefix, number) for prefix, count in counts.items() for number in range(count))
    return Salted(Elements(b"".join(each + seed(each) for each in authors)), "test", salt)


def test_the_weight_of_a_reply_is_the_bytes_it_may_take() -> None:
    reply = Reply(
        tell=[bytes(32)] * 2, lacking=[("a", 1)], lists=[("b", bytes(24)), ("c", b"")], splits=[("d", bytes(128))] * 3
    )  # fmt: skip
    rows = 6 * ranges.ROW_BYTES
    assert reply.weight == rows + 24 + 3 * 128 + 2 * ranges.ITEM_BYTES
    assert Reply().weight == 0 and Reply(tell=[bytes(32)]).weight == ranges.ITEM_BYTES


def test_an_answer_takes_exactly_the_room_there_is() -> None:
    """[R-RNG-7] a row that fits to the byte is answered; the first one always is."""
    held = made({"00": 3, "10": 3, "20": 3})
    question = Ranges(lists=[("0", b""), ("1", b""), ("2", b"")])
    three = answered(held, question)
    assert (len(three.tell), three.left, three.weight) == (9, 0, 9 * ranges.ITEM_BYTES)
    assert answered(held, question, three.weight).left == 0
    assert answered(held, question, three.weight - 1).left == 1
    assert answered(held, question, 1).left == 2 and answered(held, question, 0).left == 2


def test_an_answer_tells_at_most_as_many_items_as_one_message_holds() -> None:
    """[R-RNG-7]"""
    full, rest = divmod(ranges.ITEMS, LIST_MAX)
    counts = dict.fromkeys(PAIRS[:full], LIST_MAX)
    if rest:
        counts[PAIRS[full]] = rest
    lists = [(prefix, b"") for prefix in sorted(counts)]
    exact = answered(made(counts), Ranges(lists=lists), 1 << 30)
    assert (len(exact.tell), exact.left) == (ranges.ITEMS, 0)
    more = answered(made(counts | {"ff": 1}), Ranges(lists=[*lists, ("ff", b"")]), 1 << 30)
    assert (len(more.tell), more.left) == (ranges.ITEMS, 1)


def test_rows_of_an_answer_are_in_order_whatever_was_asked() -> None:
    """[R-RNG-6] a list that is answered by its parts comes before the parts of a split."""
    held = made({"0a": LIST_MAX + 1, "f0": LIST_MAX + 1})
    question = Ranges(lists=[("f", b"")], splits=[("", bytes(16 * ranges.ID_BYTES))])
    reply = answered(held, question)
    assert [prefix for prefix, _ in reply.splits] == ["0", "f", "f"]
    check_rows(Ranges(splits=answered(held, Ranges(lists=[("f", b"")])).splits))


def test_a_set_that_lists_of_lists_cover_is_asked_about_in_one_row() -> None:
    """[R-RNG-8] a larger one is split at once."""
    whole = dict.fromkeys(PAIRS, LIST_MAX)
    assert [prefix for prefix, _ in Asking(made(whole)).question().splits] == [""]
    assert [prefix for prefix, _ in Asking(made(whole | {"00": LIST_MAX + 1})).question().splits] == list(
        DIGITS
    )


def test_a_question_takes_exactly_the_room_there_is() -> None:
    whole = made(dict.fromkeys(PAIRS, LIST_MAX) | {"00": LIST_MAX + 1})
    one = ranges.ROW_BYTES + ranges.WAYS * ranges.ID_BYTES
    assert len(Asking(whole).question(3 * one).splits) == 3
    assert len(Asking(whole).question(3 * one - 1).splits) == 2
    assert len(Asking(whole).question(1).splits) == 1


def test_what_an_answer_left_is_asked_again_first_and_what_it_reached_is_not() -> None:
    """[R-RNG-8]"""
    asking = Asking(made(dict.fromkeys(PAIRS, LIST_MAX) | {"00": LIST_MAX + 1}))
    first = [prefix for prefix, _ in asking.question().splits]
    asking.take(RangesAnswer(left=14), [])
    assert [prefix for prefix, _ in asking.question().splits] == first[2:]
    with pytest.raises(RemoteProtocolError, match="answer"):
        asking.take(RangesAnswer(left=14), [])
    asking.take(RangesAnswer(), [])
    assert asking.done and rows_of(asking.question()) == {"lacking": [], "lists": [], "splits": []}


def test_an_answer_in_disorder_is_refused() -> None:
    """[R-RNG-6, 8]"""
    asking = Asking(made({"00": 2}))
    asking.question()
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        asking.take(RangesAnswer(lists=[("1", b""), ("0", b"")]), [])


def test_a_mask_names_logs_of_its_own_range() -> None:
    """[R-RNG-7] of a range that does not begin with the first log."""
    held = made({"00": 5, "80": 3})
    low, high = held.elements.within("8")
    assert held.chosen("8", 0b101) == [held.elements.author(low), held.elements.author(high - 1)]
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        held.chosen("8", 0b1000)
    crowd = made({"80": LIST_MAX + 1, "90": LIST_MAX})
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        crowd.chosen("8", 1)
    assert len(crowd.chosen("9", (1 << LIST_MAX) - 1)) == LIST_MAX


HEAD = Item(Standing.HEAD, seed("a"), 1, 1, 10, seed("id"), 5)


@pytest.mark.parametrize("mine", [Standing.FORKED, Standing.CONTESTED])
def test_what_is_common_is_needed_of_who_stands_at_the_same_place(mine: Standing) -> None:
    """[R-SYNC-5] the columns of what is not whole."""
    own = Item(mine, seed("a"), 1, 1 if mine is Standing.FORKED else 0)
    assert need(own, HEAD, whole=False) is Need.COMMON and need(own, HEAD) is Need.NOTHING
    assert need(own, own, whole=False) is Need.COMMON and need(own, own) is Need.NOTHING
    below, above = msgspec.structs.replace(HEAD, epoch=0), msgspec.structs.replace(HEAD, epoch=2)
    assert need(own, below, whole=False) is Need.NOTHING
    assert need(own, above, whole=False) is Need.OPENERS


def test_a_lower_beginning_is_needed_of_an_equal_head_only() -> None:
    """[R-SYNC-5]"""
    behind = msgspec.structs.replace(HEAD, seq=9, held_from=0)
    assert need(HEAD, behind) is Need.NOTHING
    assert need(HEAD, msgspec.structs.replace(HEAD, held_from=0)) is Need.LOWER
    assert need(HEAD, msgspec.structs.replace(HEAD, seq=11, held_from=0)) is Need.ENTRIES
    assert need(HEAD, HEAD) is Need.NOTHING


def asked() -> Asking:
    """One that has asked for the parts of two ranges."""
    asking = Asking(made(dict.fromkeys(PAIRS, LIST_MAX) | {"00": LIST_MAX + 1}))
    asking.question()
    return asking


SPLIT = bytes(ranges.WAYS * ranges.ID_BYTES)


def refused(asking: Asking, code: str, **rows: object) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^{code}"):
        asking.take(RangesAnswer(**rows), [])  # type: ignore[arg-type]


def test_an_answer_speaks_of_what_it_reached_and_once_of_each() -> None:
    """[R-RNG-8]"""
    refused(asked(), "answer", left=15, lists=[("10", b"")])
    refused(asked(), "answer", left=15, splits=[("10", SPLIT)])
    refused(asked(), "answer", lists=[("0", b"")])
    refused(asked(), "answer", lists=[("00", b"")], splits=[("00", SPLIT)])
    refused(asked(), "answer", lacking=[("00", 1)])
    refused(asked(), "answer", splits=[("0", SPLIT)])
    asking = asked()
    asking.take(RangesAnswer(splits=[("01", SPLIT)]), [])
    refused(asking, "answer", splits=[("01", SPLIT)])
    rows = asking.question()
    assert [prefix for prefix, _ in rows.lists] == [f"01{digit}" for digit in DIGITS]
    refused(asking, "answer", lists=[("0100", b"")])


def test_a_list_is_answered_by_its_parts_or_by_a_mask() -> None:
    """[R-RNG-7, 8]"""
    asking = Asking(made({"00": 2, "10": 2}))
    asking.question()
    asking.take(RangesAnswer(splits=[("0", SPLIT), ("1", SPLIT)]), [])
    told = [prefix for prefix, _ in asking.question().lists]
    assert "00" in told and "10" in told
    refused(asking, "answer", lacking=[("00", 1)], splits=[("00", SPLIT)])


def test_the_rows_of_a_question_are_in_order_of_their_prefixes() -> None:
    """[R-RNG-6]"""
    asking = Asking(made({"00": 2, "10": 2}))
    asking._queue.clear()
    asking._queue.extend([(2, "f", SPLIT), (1, "b", b""), (2, "0", SPLIT), (1, "a", b"")])
    rows = asking.question()
    assert [prefix for prefix, _ in rows.splits] == ["0", "f"]
    assert [prefix for prefix, _ in rows.lists] == ["a", "b"]
