"""Filling below what is held, entry by entry and rule by rule [R-LOG-5..9, 13, 24]."""

from __future__ import annotations

import pytest

from protocol.entry import Entry
from protocol.signing import Signer
from tests.protocol.author import Author, seed
from tests.protocol.held import Held

FORGER = Signer(seed("somebody"))


def known(made: Author, *openers: Entry) -> Held:
    """A store that has heard of nothing but openers."""
    store = Held()
    assert store.receive(made.entries[:1]).fault is None
    for opener in openers:
        assert store.opener(opener).fault is None
    return store


def code_of(store: Held, chain: list[Entry]) -> str | None:
    fault = store.receive(chain).fault
    return None if fault is None else fault.code


@pytest.mark.parametrize("first", range(1, 65))
def test_a_failing_anchor_is_found_wherever_it_stands_in_its_part(first: int) -> None:
    """[R-LOG-7]"""
    made = Author("a")
    made.write(63)
    made.entries.append(made.after(made.entries[-1], signer=FORGER))
    made.write(3)
    rotation, _ = made.rotation(made.entries[-1])
    store = known(made, rotation)
    assert code_of(store, made.entries[first:]) == "signature"
    assert store.state is not None and store.state.base.seq == 65


def test_an_opener_in_the_place_of_an_anchor_is_signed_by_its_own_key() -> None:
    """[R-LOG-7] a rotation is not signed by the key of the epoch it opens."""
    made = Author("a")
    made.write(63)
    first = made.rotate()
    assert first.seq == 64
    made.write(70)
    second = made.rotate()
    store = known(made, first, second)
    assert code_of(store, made.entries) is None and store.log() == made.entries


def test_the_entry_right_above_an_opener_may_be_an_anchor_that_fails() -> None:
    made = Author("a")
    made.write(62)
    assert made.settle().seq == 63
    made.entries.append(made.after(made.entries[-1], signer=FORGER))
    made.write(2)
    rotation, _ = made.rotation(made.entries[-1])
    store = known(made, rotation)
    assert code_of(store, made.entries) == "signature"
    assert store.state is not None and store.state.base.seq == 65


@pytest.mark.parametrize("generation", [1, 2])
def test_anchors_of_an_epoch_that_was_contested_verify_under_either_key(generation: int) -> None:
    """[R-LOG-16]"""
    made = Author("a")
    made.write(10)
    tip = made.entries[-1]
    made.generation = generation
    one = made.rotate()
    other, _ = made.rotation(tip, generation=3 - generation)
    made.write(60)
    made.generation = 1
    healing = made.rotate()
    store = known(made, one, other, healing)
    assert store.state is not None and len(store.state.openers.keys(1)) == 2
    assert code_of(store, made.entries) is None and store.log() == made.entries


def test_entries_of_one_moment_are_linked() -> None:
    """[R-LOG-9] time may stand still, also across what is filled and joined."""
    made = Author("a")
    moment = made.entries[0].time
    for number in range(6):
        made.entries.append(made.after(made.entries[-1], time=moment, note=number))
    record = made.rotation(made.entries[-1])[0].record
    rotation = made.after(made.entries[-1], 2, record, signer=made.promised(1), place=(1, 0), time=moment)
    store = known(made, rotation)
    assert code_of(store, made.entries[3:]) is None and code_of(store, made.entries[:3]) is None
    assert store.log() == [*made.entries, rotation]
    inside = made.after(made.entries[3], 2, record, signer=made.promised(1), place=(1, 0), time=moment)
    other = Held()
    assert other.receive(made.entries).fault is None and other.opener(inside).fault is None
    assert other.log() == [*made.entries[:4], inside]


def test_an_opener_stands_on_the_place_before_its_own() -> None:
    """[R-LOG-6] a hole that nothing fills, whichever of epoch and term is wrong."""
    made = Author("a")
    made.write(5)
    tip = made.entries[-1]
    first, signer = made.rotation(tip)
    upper = Author("a")
    upper.entries, upper.signer = [*made.entries, first], signer
    second, _ = upper.rotation(first)
    settlement = made.settlement(tip).record
    on_epoch_0 = made.after(tip, 2, second.record, signer=made.promised(2), place=(2, 0))
    term_of_1 = made.after(tip, 4, settlement, signer=signer, place=(1, 1))
    term_2 = made.after(tip, 4, settlement, place=(0, 2))
    for openers in ((first, on_epoch_0), (first, term_of_1), (term_2,)):
        store = known(made, *openers)
        assert code_of(store, made.entries[1:]) == "gap"
        assert store.log() == [openers[-1]]
        held = Held()
        assert held.receive(made.entries).fault is None
        for opener in openers:
            assert held.opener(opener).fault is None
        assert held.log() == [openers[-1]] and code_of(held, made.entries) == "gap"


def test_what_a_log_was_jumped_to_has_to_link_as_well() -> None:
    """[R-LOG-8, 30] below it lies neither a close nor an entry of another place."""
    made = Author("a")
    made.write(4)
    close = made.after(made.entries[-1], 6, b"\x80")
    above = made.after(close)
    store = known(made)
    assert store.receive([above], jump=True).fault is None
    assert code_of(store, [*made.entries[1:], close]) == "gap" and store.log() == [above]
    strange = made.after(made.entries[-1], place=(0, 1))
    above = made.after(strange, place=(0, 0))
    store = known(made)
    assert store.receive([above], jump=True).fault is None
    assert code_of(store, [strange]) == "gap" and store.log() == [above]
    right = made.after(made.after(made.entries[-1], note="r"), note="r")
    store = known(made)
    assert store.receive([right], jump=True).fault is None
    assert code_of(store, [made.after(made.entries[-1], note="r")]) is None


def test_an_anchor_that_fails_at_the_very_end_of_a_part() -> None:
    """[R-LOG-7]"""
    made = Author("a")
    made.write(63)
    made.entries.append(made.after(made.entries[-1], signer=FORGER))
    made.write(3)
    rotation, _ = made.rotation(made.entries[-1])
    store = known(made, rotation)
    assert code_of(store, made.entries[65:]) is None
    assert code_of(store, made.entries[60:65]) == "signature"
    assert store.state is not None and store.state.base.seq == 65


def test_nothing_is_disowned_while_a_log_is_forked() -> None:
    """[R-LOG-13]"""
    made = Author("a")
    made.write(20)
    whole = list(made.entries)
    low, high = made.settlement(whole[5]), made.settlement(whole[8])
    store = Held()
    assert store.receive(whole).fault is None
    assert store.opener(low).fault is None and len(store.dropped) == 15
    fresh = known(made, low, high)
    assert fresh.state is not None and fresh.state.forked
    assert code_of(fresh, whole[1:6]) is None and fresh.state.base.seq == 0
    gap = known(made, high)
    assert code_of(gap, whole[4:9]) is None
    assert gap.opener(low).fault is None
    assert code_of(gap, whole[1:4]) is None and gap.state is not None and gap.state.base.seq == 0
    assert gap.dropped == []


def test_a_piece_joins_that_is_not_the_first_one_set_aside() -> None:
    """[R-LOG-13] two pieces, the upper one right below what is held."""
    made = Author("a")
    made.write(15)
    first = made.settle()
    made.write(9)
    second = made.settle()
    whole = list(made.entries)
    store = Held()
    assert store.receive(whole[:6]).fault is None
    assert store.opener(first).fault is None
    assert code_of(store, [*whole[10:16], *whole[16:19]]) is None
    assert store.opener(second).fault is None
    assert store.state is not None and [each.base.seq for each in store.state.aside] == [0, 10]
    assert code_of(store, whole[19:26]) is None and store.state.base.seq == 10
    assert code_of(store, whole[6:10]) is None and store.log() == whole and store.state.aside == ()


def test_a_piece_of_another_branch_does_not_join() -> None:
    """[R-LOG-13] it covers the place, with other entries."""
    made = Author("a")
    made.write(5)
    low = made.settle()
    other = [made.after(low, note="other")]
    other.append(made.after(other[-1], note="other"))
    made.write(4)
    whole = list(made.entries)
    rotation, _ = made.rotation(whole[-1])
    branch = Held()
    assert branch.receive([*whole[:6], low, *other]).fault is None
    assert branch.opener(rotation).fault is None
    assert code_of(branch, whole[8:]) is None and branch.state is not None and branch.state.base.seq == 8
    assert code_of(branch, whole[7:8]) is None and branch.log() == [*whole, rotation]
    assert {entry.id for entry in branch.dropped} == {entry.id for entry in other}


def test_of_two_pieces_over_one_place_the_one_linked_to_joins() -> None:
    """[R-LOG-13] what a retired key wrote was set aside before it, and lies in its way."""
    made = Author("a")
    made.write(10)
    disowned = list(made.entries)
    made.entries = made.entries[:5]
    made.write(1, note="own")
    first = made.rotate()
    made.write(10)
    second = made.rotate()
    whole = list(made.entries)
    store = Held()
    assert store.receive(disowned).fault is None
    assert store.opener(first).fault is None and code_of(store, whole[first.seq + 1 : 9]) is None
    assert store.opener(second).fault is None
    assert store.state is not None
    assert [(each.base.seq, each.last) for each in store.state.aside] == [(0, 10), (6, 8)]
    assert code_of(store, whole[9:]) is None
    assert store.state.base.seq == 6 and store.log() == whole[6:]
    assert code_of(store, whole) is None and store.log() == whole and store.state.aside == ()


@pytest.mark.parametrize("wrong", ["time", "close", "term"])
def test_a_piece_stays_aside_that_what_names_it_may_not_follow(wrong: str) -> None:
    """[R-LOG-6, 8, 9] an entry that is older, that comes after a close, or of another term."""
    made = Author("a")
    made.write(5)
    if wrong == "close":
        made.entries.append(made.after(made.entries[-1], 6, b"\x80"))
    whole = list(made.entries)
    tip = whole[-1]
    strange = made.after(
        tip, time=tip.time - 1 if wrong == "time" else None, place=(0, 1) if wrong == "term" else None
    )
    upper = made.after(strange)
    rotation, _ = made.rotation(upper)
    store = Held()
    assert store.receive(whole).fault is None
    assert store.opener(rotation).fault is None
    assert code_of(store, [strange, upper]) is None
    assert store.log() == [strange, upper, rotation]
    assert store.state is not None and [each.last for each in store.state.aside] == [tip.seq]
    assert code_of(store, whole) == "gap"


def test_whether_entries_are_set_aside_is_told() -> None:
    """Whoever stores must do so before it asks again."""
    from protocol.log import receive_opener

    made = Author("a")
    made.write(5)
    store = Held()
    assert not store.receive(made.entries).set_aside
    assert store.state is not None
    assert receive_opener(store.state, made.settlement(made.entries[2]), store).set_aside is True
    assert receive_opener(store.state, made.settlement(made.entries[5]), store).set_aside is False


def test_a_disowned_piece_stays_while_two_settlements_fork_the_term() -> None:
    """[R-LOG-13] the next settlement may choose it."""
    made = Author("a")
    made.write(20)
    whole = list(made.entries)
    other = [made.after(whole[5], note="other")]
    other.append(made.after(other[-1], note="other"))
    high, low = made.settlement(other[-1]), made.settlement(whole[4])
    store = Held()
    assert store.receive(whole).fault is None
    assert store.opener(high).fault is None and store.opener(low).fault is None
    assert code_of(store, other) is None
    assert store.state is not None and store.state.forked and store.state.base.seq == 0
    assert store.dropped == [] and {each.base.seq for each in store.state.aside} == {6}
    healing = made.settlement(high)
    assert store.receive([healing]).fault is None
    assert {entry.id for entry in store.dropped} == {entry.id for entry in whole[6:]}
